"""Ten thousand conversations beside a hundred: the picker, the search in it, and going on with one of them.

The stores are filled by the store's own code, in one transaction, before anything is measured. The times are those
of the real program in a terminal: from the key (or the start of the process) to the last change of what is on the
screen, once the program rests again.
"""

from __future__ import annotations

import itertools
import random
import re
import statistics
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from chat_tui.core.conversation import Ending, Message, Outcome, Role, TextPart
from chat_tui.store import conversations
from chat_tui.store.database import Files, open_database
from chat_tui.store.model import StoredConversation
from tests.bench.client import Client
from tests.bench.programs import CHAT_TUI, Programs
from tests.bench.turns import share

MESSAGES_EACH = 20
_SEED = 7
_SYLLABLES = ("ka", "lo", "mi", "re", "sun", "tar", "ve", "wo", "ne", "pid", "gra", "shi", "ol", "en", "bu", "qua")
_VOCABULARY = 20_000
_SENTENCES, _SENTENCE_WORDS = 20_000, 12
_BORN_S = 1_700_000_000.0
_STEP_S = 3_600.0

F3, DOWN, ENTER, ESC, CLEAR, QUIT = "\x1bOR", "\x1b[B", "\r", "\x1b[27u", "\x15", "\x11"
COMPOSER = "Ask anything"
ONCE_PER_STORE = "zq{number:06d}end"
"""The last words of a conversation."""
_COUNTED = re.compile(r"[\d,]+\+? conversations?")
_EXIT_TIMEOUT_S, _SEEN_TIMEOUT_S = 10.0, 20.0
_SHORT_ID_CHARS = 8


def words_by_rank() -> list[str]:
    """Words of a language nobody speaks, the one used most first; the same every time."""
    chance = random.Random(_SEED)
    found: dict[str, None] = {}
    while len(found) < _VOCABULARY:
        found["".join(chance.choices(_SYLLABLES, k=min(5, 1 + len(found).bit_length() // 3)))] = None
    return list(found)


def searches() -> tuple[str, ...]:
    """What is typed: the word used most, one of the middle, a rare one, two frequent ones, one that is nowhere,
    the end of one conversation (the third), and what nearly all titles have."""
    words = words_by_rank()
    return (
        words[0],
        words[300],
        words[15_000],
        f"{words[1]} {words[2]}",
        "xylophones",
        ONCE_PER_STORE.format(number=2),
        "about",
    )


def fill(directory: Path, count: int) -> None:
    """A store of `count` conversations with `MESSAGES_EACH` messages each; the last one is the newest."""
    with closing(open_database(Files(directory))) as connection:
        connection.execute("BEGIN")
        for conversation in _made(count):
            conversations.insert(connection, conversation)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def id_of(number: int) -> str:
    """The id of the conversation of that number, from 0."""
    return uuid.UUID(int=random.Random(number).getrandbits(128)).hex


def _made(count: int) -> Iterator[StoredConversation]:
    """Words are as often as in a language: the second half as often as the first, and so on."""
    chance = random.Random(_SEED)
    words = words_by_rank()
    often = list(itertools.accumulate(1 / rank for rank in range(1, len(words) + 1)))
    stream = chance.choices(words, cum_weights=often, k=_SENTENCES * _SENTENCE_WORDS)
    sentences = [
        " ".join(stream[at : at + _SENTENCE_WORDS]).capitalize() + "."
        for at in range(0, len(stream), _SENTENCE_WORDS)
    ]
    for number in range(count):
        messages: list[Message] = []
        at_s = _BORN_S + number * _STEP_S
        for place in range(MESSAGES_EACH):
            is_question = place % 2 == 0
            text = " ".join(chance.choices(sentences, k=1 if is_question else chance.randint(2, 9)))
            if place == MESSAGES_EACH - 1:
                text += f"\n\n{ONCE_PER_STORE.format(number=number)}"
            messages.append(
                Message(
                    number * MESSAGES_EACH + place + 1,
                    Role.USER if is_question else Role.ASSISTANT,
                    (TextPart(text),),
                    messages[-1].id if messages else None,
                    "" if is_question else "bench/paced",
                    None if is_question else Ending(Outcome.COMPLETE),
                )
            )
        yield StoredConversation(
            id_of(number),
            f"About {number}: {chance.choice(sentences)[:40]}",
            created_at_s=at_s,
            updated_at_s=at_s,
            model="bench/paced",
            tip_id=messages[-1].id,
            messages=tuple(messages),
        )


@dataclass(frozen=True)
class Wait:
    """How long somebody waited, and how much of a processor that was (of all threads, until it rested)."""

    seconds: float
    cpu_s: float


@dataclass
class Waits:
    """What one store came to: each key that opened the picker, each letter typed into it, each Enter. The others in
    seconds from the start of the process: to the composer, or to the last words of a conversation."""

    opened: list[Wait] = field(default_factory=list[Wait])
    typed: list[Wait] = field(default_factory=list[Wait])
    chosen: list[Wait] = field(default_factory=list[Wait])
    start_s: list[float] = field(default_factory=list[float])
    continue_s: list[float] = field(default_factory=list[float])
    named_s: list[float] = field(default_factory=list[float])

    def as_values(self) -> dict[str, float]:
        """Milliseconds by figure, without the name of the store."""
        opened, again, typed, chosen = (
            [wait.seconds for wait in waits] for waits in (self.opened, self.opened[1:], self.typed, self.chosen)
        )
        start_s = statistics.median(self.start_s)
        figures = {
            "picker_first": opened[0],
            "picker_p50": share(again, 0.5),
            "picker_max": max(opened),
            "typed_p50": share(typed, 0.5),
            "typed_p95": share(typed, 0.95),
            "typed_max": max(typed),
            "chosen_p50": share(chosen, 0.5),
            "chosen_max": max(chosen),
            "picker_cpu": statistics.median(wait.cpu_s for wait in self.opened),
            "typed_cpu": statistics.fmean(wait.cpu_s for wait in self.typed),
            "chosen_cpu": statistics.median(wait.cpu_s for wait in self.chosen),
            "continue": statistics.median(self.continue_s) - start_s,
            "named": statistics.median(self.named_s) - start_s,
        }
        return {key: seconds * 1000 for key, seconds in figures.items()}


def measure(programs: Programs, count: int, *, opens: int, starts: int, words: Sequence[str]) -> Waits:
    """One store of `count` conversations, made when it is wanted first. Raises TimeoutError, ConnectionError."""
    home = f"home-of-{count}"
    store = programs.folder / home / ".local/state/chat-tui"
    if not store.exists():
        store.mkdir(parents=True, mode=0o700)
        fill(store, count)
    waits = Waits()
    with programs.client(CHAT_TUI, home=home) as client:
        client.wait_for(COMPOSER)
        client.settle()
        for _ in range(opens):
            waits.opened.append(_until(client, F3, f"{count:,} conversations"))
            _press(client, ESC)
        _press(client, F3)
        for text in words:
            waits.typed += _typed(client, text)
        _press(client, ESC)
        for step in range(1, opens + 1):
            _press(client, F3)
            _press(client, DOWN * step)
            waits.chosen.append(_until(client, ENTER, ONCE_PER_STORE.format(number=count - 1 - step)))
        _quit(client)
    newest, middle = count - 1, count // 2
    for _ in range(starts):
        waits.start_s.append(_start(programs, home, (), COMPOSER))
        waits.continue_s.append(_start(programs, home, ("-c",), ONCE_PER_STORE.format(number=newest)))
        short_id = id_of(middle)[:_SHORT_ID_CHARS]
        waits.named_s.append(_start(programs, home, ("-r", short_id), ONCE_PER_STORE.format(number=middle)))
    return waits


def _press(client: Client, keys: str) -> None:
    client.send(keys)
    client.settle()


def _until(client: Client, key: str, text: str) -> Wait:
    """From the key until the text stands on the screen. Raises TimeoutError."""
    return _wait(client, key, text, lambda: text in client.grid.text)


def _typed(client: Client, text: str) -> list[Wait]:
    """From each key until nothing on the screen changes any more. The line is empty again afterwards."""
    waits: list[Wait] = []
    for letter in text:
        if letter == " ":  # nobody sees it, and the same is found
            _press(client, letter)
            continue
        client.draw()
        shown = [client.grid.lines]

        def has_changed(shown: list[list[str]] = shown) -> bool:
            before, shown[0] = shown[0], client.grid.lines
            return shown[0] != before

        waits.append(_wait(client, letter, "a letter", has_changed, is_last=True))
    screen = client.grid.text
    is_found = bool(_COUNTED.search(screen)) and screen.lower().count(text.split()[0]) > 1
    if not is_found and "Nothing has these words" not in screen:
        raise TimeoutError(f"{text!r} was not searched for:\n{client.picture}")
    _press(client, CLEAR)
    return waits


def _wait(client: Client, key: str, what: str, is_seen: Callable[[], bool], *, is_last: bool = False) -> Wait:
    """From the key to the first picture (or the last) of which `is_seen` says yes. Raises TimeoutError."""
    client.draw()
    cpu_s, sent_s = client.cpu_s, client.send(key)
    seen_s: list[float] = []
    while not seen_s and time.monotonic() < sent_s + _SEEN_TIMEOUT_S:
        client.settle()  # on a busy machine what has not had its turn yet rests, too: then once more
        seen_s = [at_s for at_s in client.pictures() if is_seen()]
    if not seen_s:
        raise TimeoutError(f"{what!r} did not come:\n{client.picture}")
    return Wait(seen_s[-1 if is_last else 0] - sent_s, client.cpu_s - cpu_s)


def _start(programs: Programs, home: str, arguments: Sequence[str], text: str) -> float:
    """Seconds from the start of the process until the text stands on the screen."""
    client = programs.client(CHAT_TUI, home=home)
    client.argv += arguments
    with client:
        seen_s: list[float] = []
        while not seen_s and time.monotonic() < client.started_s + _SEEN_TIMEOUT_S:
            client.settle()
            seen_s = [at_s for at_s in client.pictures() if text in client.grid.text]
        if not seen_s:
            raise TimeoutError(f"{text!r} did not come:\n{client.picture}")
        _quit(client)
        return seen_s[0] - client.started_s


def _quit(client: Client) -> None:
    """As a person does: what is killed is looked through at the next start, beside what is measured."""
    client.send(QUIT)
    try:
        client.read_for(_EXIT_TIMEOUT_S)
    except ConnectionError:
        return
    raise TimeoutError(f"it did not end:\n{client.picture}")
