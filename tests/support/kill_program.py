"""Kill chat-tui itself, in its terminal, many times, and look at what is left.

    python -m tests.support.kill_program N [SEED]

Each time the program is started over what the kill before has left (usually with --continue), must show it, with
the seam of an answer that was cut, and is then used: somebody types, asks, asks again, edits, renames, goes on with
a cut answer, leaves. The model is a server on loopback that says 200 tokens a second. SIGKILL comes at a random
moment of a phase. What is on disk afterwards is held against what was typed, sent and said before: see `killed`.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from chat_tui.core.conversation import Message, Outcome, Role
from tests.support.killed import SEAM, Counts, Left, Life, examine, read_left
from tests.support.program import Program
from tests.support.sse_server import SseServer
from tests.support.steady_model import Plan, SteadyModel
from tests.support.waiting import wait_until

LANES = 2
"""How many programs are used at once, each with a home and a model of its own."""
LIVES_IN_A_HOME = 25
CLEAR = "\x03"
_WATCHED_S = 0.4
_LONG_S = 30.0
_KEYS_PER_S = 30
_WORDS = ("pelican", "harbour", "lantern", "copper", "violet", "meadow", "thunder", "willow")


def waited_s(pid: int) -> float:
    """How long the threads of a process could have run while every core was taken; 0 where nobody counts it."""
    waited_ns = 0
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                waited_ns += int((task / "schedstat").read_text("ascii").split()[1])
    return waited_ns / 1e9


class Hand:
    """Uses one program, and writes down in `life` what it does. The kill's delay runs from `has_begun`."""

    def __init__(self, chat: Program, model: SteadyModel, life: Life, chance: random.Random, name: str) -> None:
        self.chat, self.model, self.life, self.chance, self.name = chat, model, life, chance, name
        self.has_begun = asyncio.Event()

    def words(self, count: int) -> str:
        """Something to type, not typed before."""
        return f"{self.name} " + " ".join(self.chance.choice(_WORDS) for _ in range(count))

    async def type(self, text: str) -> None:
        """Key by key."""
        for length in range(1, len(text) + 1):
            self.chat.send(text[length - 1])
            self.life.typed.append((time.monotonic(), text[:length]))
            await asyncio.sleep(self.chance.uniform(0, 2 / _KEYS_PER_S))

    async def enter(self, text: str) -> None:
        """At once, and sent."""
        self.life.questions.append((time.monotonic(), text))
        await self.chat.type_in(f"{text}\r")

    async def command(self, text: str) -> None:
        """A slash command."""
        await self.chat.type_in(f"{text}\r")

    async def first_token(self) -> None:
        """Until the model says it."""
        await asyncio.wait_for(self.model.has_begun.wait(), _LONG_S)

    async def answered(self) -> None:
        """A question and its whole short answer, so that there is something to work with."""
        self.model.plan = Plan(token_count=30)
        await self.enter(self.words(2))
        await self.first_token()
        await self.chat.wait_for(self.model.answers[-1].token(29).strip(), _LONG_S)
        await self.chat.wait_for("done")
        self.model.has_begun.clear()

    # -- phases ------------------------------------------------------------------------------------

    async def typing(self) -> None:
        """A draft."""
        self.has_begun.set()
        await self.type(self.words(12))

    async def asking(self) -> None:
        """Around the request and the first token."""
        self.model.plan = Plan(first_after_s=self.chance.uniform(0, 0.3))
        await self.type(self.words(1))
        self.has_begun.set()
        self.life.questions.append((time.monotonic(), self.life.typed[-1][1]))
        self.chat.send("\r")

    async def streaming(self) -> None:
        """In the middle of an answer, or of the thoughts before it."""
        self.model.plan = Plan(thought_count=self.chance.choice([0, 0, 100]))
        await self.enter(self.words(3))
        await self.first_token()
        self.has_begun.set()

    async def ending(self) -> None:
        """Around the end of an answer."""
        self.model.plan = Plan(token_count=60)
        await self.enter(self.words(3))
        await self.first_token()
        await wait_until(lambda: len(self.model.answers[-1].sent_at_s) > 40, _LONG_S)
        self.has_begun.set()

    async def retrying(self) -> None:
        """Another answer to the same question."""
        self.model.plan = Plan()
        self.has_begun.set()
        await self.command("/retry")

    async def editing(self) -> None:
        """The last question, changed and sent again."""
        self.model.plan = Plan()
        self.has_begun.set()
        await self.command("/edit")
        await asyncio.sleep(self.chance.uniform(0.1, 0.3))
        await self.enter(f" {self.words(1)}")

    async def renaming(self) -> None:
        """A title of one's own."""
        title = f"Title {self.words(2)}"
        self.has_begun.set()
        self.life.titles.append((time.monotonic(), title))
        await self.command(f"/rename {title}")

    async def continuing(self) -> None:
        """Where an answer stopped."""
        self.model.plan = Plan()
        self.has_begun.set()
        self.life.is_continuing = True
        await self.command("/continue")

    async def leaving(self) -> None:
        """In the middle of an answer."""
        self.model.plan = Plan()
        await self.enter(self.words(3))
        await self.first_token()
        await asyncio.sleep(self.chance.uniform(0, 0.5))
        self.has_begun.set()
        self.life.left_at_s = time.monotonic()
        self.chat.send("\x11")


@dataclass(frozen=True)
class Phase:
    """What is done, and how long after its beginning the kill comes at the latest. `needs`: an answer must be there
    before."""

    name: str
    act: Callable[[Hand], Awaitable[None]]
    longest_s: float
    needs: bool = False


PHASES = (
    Phase("typing", Hand.typing, 3.0),
    Phase("first token", Hand.asking, 0.5),
    Phase("streaming", Hand.streaming, 2.0),
    Phase("continue", Hand.continuing, 1.5, needs=True),
    Phase("end of answer", Hand.ending, 0.5),
    Phase("retry", Hand.retrying, 1.5, needs=True),
    Phase("edit", Hand.editing, 1.5, needs=True),
    Phase("rename", Hand.renaming, 0.5, needs=True),
    Phase("leaving", Hand.leaving, 0.4),
)
OPENING = "opening"
_LONGEST_OPENING_S = 1.2


class Lane:
    """One home after the other, and the programs that are used and killed in it."""

    def __init__(self, name: str, folder: Path, seed: int, counts: Counts) -> None:
        self.name, self.folder, self.counts = name, folder, counts
        self.chance = random.Random(seed)
        self.home = folder / "home"
        self.before = Left()
        self._lives = itertools.count()

    @property
    def state(self) -> Path:
        """Where the program keeps what it keeps."""
        return self.home / ".local/state/chat-tui"

    async def run(self, phases: Iterator[Phase | None]) -> None:
        """One life for each; None: killed while it opens."""
        self.folder.mkdir(parents=True)
        for phase in phases:
            number = next(self._lives)
            if number % LIVES_IN_A_HOME == 0:
                shutil.rmtree(self.home, ignore_errors=True)
                self.home.mkdir()
                self.before = Left()
            await self._live(phase, f"{self.name}{number}")

    async def _live(self, phase: Phase | None, name: str) -> None:
        life = Life(OPENING if phase is None else phase.name)
        resumes = bool(self.before.conversations) and self.chance.random() < 0.8
        async with SseServer() as server:
            model = SteadyModel(server)
            arguments = ["-c"] if resumes else []
            async with Program(self.home, server, arguments=arguments) as chat:
                hand = Hand(chat, model, life, self.chance, name)
                if phase is None:
                    await self._kill(chat, life, self.chance.uniform(0.05, _LONGEST_OPENING_S))
                else:
                    await self._use(hand, phase, resumes=resumes)
            life.answers = model.answers
        self.counts.kills[life.phase] += 1
        left, problems = await read_left(self.state, self.folder)
        if problems:
            self.counts.note("damaged", life, "; ".join(problems))
        examine(self.before, left, life, self.counts)
        self.before = left

    async def _use(self, hand: Hand, phase: Phase, *, resumes: bool) -> None:
        acting = asyncio.create_task(self._act(hand, phase, resumes=resumes))
        beginning = asyncio.create_task(hand.has_begun.wait())
        try:
            await asyncio.wait({acting, beginning}, timeout=3 * _LONG_S, return_when=asyncio.FIRST_COMPLETED)
            delay_s = self.chance.uniform(0, phase.longest_s)
            await self._kill(hand.chat, hand.life, delay_s if hand.has_begun.is_set() else 0.0)
            if acting.done() and (error := acting.exception()) is not None:
                self.counts.note("failed", hand.life, str(error))
        finally:
            for task in (acting, beginning):
                task.cancel()
            await asyncio.gather(acting, beginning, return_exceptions=True)

    async def _act(self, hand: Hand, phase: Phase, *, resumes: bool) -> None:
        chat = hand.chat
        await chat.wait_for("Ask anything" if not self._draft(resumes=resumes) else "╭", _LONG_S)
        if resumes:
            await self._see(hand)
        if draft := self._draft(resumes=resumes):
            await chat.wait_for(draft.split()[-1], _LONG_S)
            chat.send(CLEAR)
            await chat.wait_for("Ask anything", _LONG_S)
        if phase.needs and not (resumes and self._has_answer()):
            await hand.answered()
        elif phase.name == "continue":
            self.counts.continued += 1
        await phase.act(hand)

    def _draft(self, *, resumes: bool) -> str:
        key = self.before.last_id if resumes else None
        return self.before.drafts.get(key or "new", "")

    def _tip(self) -> Message | None:
        found = self.before.conversations.get(self.before.last_id or "")
        if found is None:
            return None
        return next((message for message in found.messages if message.id == found.tip_id), None)

    def _has_answer(self) -> bool:
        tip = self._tip()
        return tip is not None and tip.role is Role.ASSISTANT and bool(tip.text)

    async def _see(self, hand: Hand) -> None:
        """What the kill before has left is on the screen: its last words, and that they are not the end."""
        tip = self._tip()
        if tip is None or not tip.text:
            return
        is_cut = tip.ending is not None and tip.ending.outcome is Outcome.INTERRUPTED
        try:
            await hand.chat.wait_for(tip.text.split()[-1], _LONG_S)
            if is_cut:
                await hand.chat.wait_for(SEAM, _LONG_S)
        except AssertionError as error:
            self.counts.note("not_shown", hand.life, str(error))
        else:
            self.counts.shown += is_cut

    async def _kill(self, chat: Program, life: Life, delay_s: float) -> None:
        """After so long; watches how busy the machine is just before."""
        await asyncio.sleep(max(0.0, delay_s - _WATCHED_S))
        pids = (chat.process.pid, os.getpid())
        before_s = sum(map(waited_s, pids))
        await asyncio.sleep(min(delay_s, _WATCHED_S))
        life.waited_s = max(0.0, sum(map(waited_s, pids)) - before_s)  # of threads that have ended nothing is known
        life.died_at_s = time.monotonic()
        with suppress(ProcessLookupError):  # it may have left by then
            os.killpg(chat.process.pid, signal.SIGKILL)
        await asyncio.to_thread(chat.process.wait)


async def kill_many(
    folder: Path, times: int, seed: int = 0, *, lanes: int = LANES, phases: Sequence[Phase | None] = (*PHASES, None)
) -> Counts:
    """Kill `times` programs, in the phases in turn (None: while it opens); what was found."""
    counts = Counts()
    turns = iter([phases[number % len(phases)] for number in range(times)])
    await asyncio.gather(
        *(Lane(f"q{lane}", folder / f"lane-{lane}", seed * 101 + lane, counts).run(turns) for lane in range(lanes))
    )
    return counts


def main() -> None:
    """Kill as often as the command line says; 1 when something was lost."""
    times, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with tempfile.TemporaryDirectory(prefix="chat-tui-kill-") as name:
        counts = asyncio.run(kill_many(Path(name), times, seed))
    print(counts.table(), *counts.notes[:40], sep="\n")
    sys.exit(0 if counts.is_good else 1)


if __name__ == "__main__":
    main()
