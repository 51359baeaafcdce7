"""One question and its answer, measured from outside: when the server said what, and when it was on the screen."""

from __future__ import annotations

import itertools
import math
import random
import re
import time
from dataclasses import dataclass, field

from tests.bench.client import Client
from tests.bench.documents import MARK, last_mark, mark
from tests.bench.server import Event, PacedServer

_SUBMIT_PAUSE_S = 0.15
_TYPE_AFTER_S = 0.5
_LETTERS = "abcdefghijkmnopqrstuvwxyz"
_PREFIX = "xq7"
"""What is typed begins with it, so that it is found on the screen."""
_TYPED = re.compile(f"{_PREFIX}([a-z]*)")
_ANSWER_TIMEOUT_S = 150.0


def share(values: list[float], part: float) -> float:
    """The value below which `part` (0 to 1) of them lie; infinity when there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else math.inf


@dataclass
class Turn:
    """What happened. Times in seconds; `quarter_cpu_s` is the program's CPU time while each quarter was said,
    `waited_s` how long it could have run while every core was taken by others."""

    letter: str
    token_count: int = 0
    sent_at_s: dict[str, float] = field(default_factory=dict[str, float])
    seen_at_s: dict[str, float] = field(default_factory=dict[str, float])
    last_sent_at_s: float = 0.0
    cpu_s: float = 0.0
    waited_s: float = 0.0
    byte_count: int = 0
    cell_count: int = 0
    frame_count: int = 0
    quarter_cpu_s: list[float] = field(default_factory=list[float])
    echoes_s: list[float] = field(default_factory=list[float])

    @property
    def lags_s(self) -> list[float]:
        """From the server's write of a mark to the screen, of all marks but the last; those that were never seen
        because the view had gone on are left out."""
        last = last_mark(self.letter)
        seen = self.seen_at_s
        return [seen[name] - at_s for name, at_s in self.sent_at_s.items() if name in seen and name != last]

    @property
    def seen_share(self) -> float:
        """How many of the marks stood on the screen at some time."""
        return len(self.seen_at_s) / max(1, len(self.sent_at_s))

    @property
    def first_lag_s(self) -> float:
        """The first token."""
        name = mark(self.letter, 0)
        return self.seen_at_s.get(name, math.inf) - self.sent_at_s.get(name, 0)

    @property
    def last_lag_s(self) -> float:
        """The last token: how far the program was behind at the end."""
        return self.seen_at_s.get(last_mark(self.letter), math.inf) - self.last_sent_at_s

    @property
    def whole_s(self) -> float:
        """From the server's first write until the last token is on the screen."""
        started_s = self.sent_at_s.get(mark(self.letter, 0), 0)
        return self.seen_at_s.get(last_mark(self.letter), math.inf) - started_s


class Typist:
    """Types letters and takes them back, so that the composer never grows, and knows what must stand there."""

    def __init__(self, keys_per_s: float) -> None:
        self._pause_s = 1 / keys_per_s
        self._random = random.Random(1)
        self._due_s = math.inf
        self._text = ""
        self._is_growing = True
        self._expected: list[tuple[float, str]] = []
        self._shown = ""

    def begin(self, client: Client) -> None:
        """The prefix; the first key a little later."""
        client.send(_PREFIX)
        self._due_s = time.monotonic() + _TYPE_AFTER_S

    def type_if_due(self, client: Client) -> None:
        """At most one key."""
        now_s = time.monotonic()
        if now_s < self._due_s:
            return
        self._due_s = now_s + self._pause_s * self._random.uniform(0.6, 1.4)
        if self._is_growing:
            key = _LETTERS[len(self._text)]
            self._text += key
        else:
            key, self._text = "\x7f", self._text[:-1]
        if len(self._text) in (0, len(_LETTERS)):
            self._is_growing = not self._text
        self._expected.append((client.send(key), self._text))

    def end(self) -> None:
        """No more keys."""
        self._due_s = math.inf

    def note(self, at_s: float, screen: str) -> list[float]:
        """The screen shows this now: how long the keys took that are seen by it, for the first time."""
        found = _TYPED.findall(screen)
        if not found or found[-1] == self._shown:  # an older state may look like one that is still to come
            return []
        self._shown = found[-1]
        for place, (typed_at_s, text) in enumerate(self._expected):
            if typed_at_s > at_s:
                break
            if text == self._shown:
                seen, self._expected = self._expected[: place + 1], self._expected[place + 1 :]
                return [at_s - typed_s for typed_s, _ in seen]
        return []


def ask(client: Client) -> None:
    """Type a question and send it."""
    client.send("go")
    client.read_for(_SUBMIT_PAUSE_S)
    client.send("\r")


def play(
    client: Client,
    server: PacedServer,
    kind: str,
    size: int,
    rate: float,
    *,
    letter: str = "A",
    keys_per_s: float = 0,
) -> Turn:
    """Ask and follow the answer to its end and until the program rests.

    Raises TimeoutError when it does not end, ConnectionError when the program hangs up before.
    """
    turn = Turn(letter)
    typist = Typist(keys_per_s or 1)
    cpu_marks_s: list[float] = []

    def note(event: Event) -> None:
        cpu_marks_s.append(client.cpu_s)
        if event["event"] == "begun" and keys_per_s:
            typist.begin(client)
        elif event["event"] == "ended":
            turn.token_count, turn.sent_at_s = event["tokens"], event["sent_at_s"]
            turn.last_sent_at_s = event["last_at_s"]
        elif event["event"] == "closed":
            raise ConnectionError(f"{client.argv[0]} hung up:\n{client.picture}")

    def is_over() -> bool:
        typist.type_if_due(client)
        return turn.token_count > 0

    server.order(kind, size, rate, letter=letter)
    client.draw()
    cpu_s, waited_s, byte_count = client.cpu_s, client.waited_s, client.byte_count
    cell_count, frame_count = client.grid.cell_count, client.grid.frame_count
    ask(client)
    if not client.read_for(_ANSWER_TIMEOUT_S, is_over, server, note):
        raise TimeoutError(f"the answer did not end:\n{client.picture}")
    typist.end()
    client.settle()
    turn.cpu_s, turn.waited_s = client.cpu_s - cpu_s, client.waited_s - waited_s
    turn.byte_count = client.byte_count - byte_count
    turn.quarter_cpu_s = [later - earlier for earlier, later in itertools.pairwise(cpu_marks_s)]
    for at_s in client.pictures():
        screen = client.grid.text
        for name in MARK.findall(screen):
            if name in turn.sent_at_s:
                turn.seen_at_s.setdefault(name, at_s)
        if keys_per_s:
            turn.echoes_s += typist.note(at_s, screen)
    turn.cell_count = client.grid.cell_count - cell_count
    turn.frame_count = client.grid.frame_count - frame_count
    return turn


def time_stop(client: Client, server: PacedServer, key: str, letter: str, *, after_s: float) -> float:
    """Ask, press `key` when words have come for a while; until the server sees the close."""
    server.order("mixed", 2000, 50, letter=letter)
    events: list[Event] = []
    ask(client)
    if not client.read_for(10, lambda: events, server, events.append):
        raise TimeoutError("no question came")
    client.read_for(after_s, server=server, on_event=events.append)
    pressed_s = client.send(key)
    client.read_for(10, lambda: events[-1]["event"] == "closed", server, events.append)
    client.settle()
    return events[-1].get("at_s", math.inf) - pressed_s
