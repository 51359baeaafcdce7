"""What the paced server says: deterministic Markdown, cut into tokens, with marks that a screen is searched for.

A mark (`qA0007q`) is a token of its own and stands in prose only, so that a terminal shows it unbroken whatever a
client does with code and tables. Mark 0000 is the first token of an answer, mark 9999 its last.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator

MARK = re.compile(r"q[A-Z]\d{4}q")
_SEED = 20
_TOKEN_CHARS = (2, 3, 3, 4, 4, 4, 5, 5, 6)
_LAST_NUMBER = 9999
_CLOSING_TOKENS = 200

_WHO = (
    "the scheduler",
    "a reader",
    "every shard",
    "the parser",
    "our cache",
    "one worker",
    "a bounded queue",
    "the log",
)
_DOES = ("keeps", "drops", "rewrites", "delays", "replays", "measures", "splits", "orders", "flushes", "compares")
_WHAT = (
    "the oldest entry",
    "a partial segment",
    "its own depth",
    "one page at a time",
    "the visible rows",
    "the tail",
)
_WHEN = ("before anything else", "so that it stays flat", "under pressure", "without a lock", "in a millisecond")
_ODD = ("流式输出需要稳定的帧率。", "折り返しは一度だけ。", "🚀", "✅", "naïve", "«так»", "50 µs")
_LINKS = ("https://example.org/docs/streaming", "https://example.com/a?b=c&d=e#f")


def mark(letter: str, number: int) -> str:
    """The mark of that number in the answer called `letter`."""
    return f"q{letter}{number:04d}q"


def last_mark(letter: str) -> str:
    """The last token of an answer."""
    return mark(letter, _LAST_NUMBER)


class _Writer:
    """Writes blocks; the same ones every time."""

    def __init__(self, letter: str) -> None:
        self._letter = letter
        self._random = random.Random(_SEED)
        self._numbers = itertools.count()

    def next_mark(self) -> str:
        """Counts up."""
        return mark(self._letter, next(self._numbers))

    def sentence(self, *, is_plain: bool = False) -> str:
        """A dozen words, often with something inline."""
        choose = self._random.choice
        words = [choose(_WHO), choose(_DOES), choose(_WHAT), choose(_WHEN)]
        chance = 1.0 if is_plain else self._random.random()
        if chance < 0.12:
            words[2] = f"**{words[2]}**"
        elif chance < 0.2:
            words[1] = f"*{words[1]}*"
        elif chance < 0.32:
            words.append(f"(see `{choose(('flush()', 'max_fps', 'Stream.append'))}`)")
        elif chance < 0.38:
            words.append(f"([notes]({choose(_LINKS)}))")
        elif chance < 0.44:
            words.append(choose(_ODD))
        text = " ".join(words)
        return f"{text[0].upper()}{text[1:]}."

    def paragraph(self) -> str:
        """A mark, and more of them between the sentences."""
        sentences = [self.sentence() for _ in range(self._random.randint(3, 6))]
        return " ".join(f"{self.next_mark()} {sentence}" for sentence in sentences) + "\n\n"

    def heading(self) -> str:
        """Of the second to fourth level."""
        return f"{'#' * self._random.randint(2, 4)} {self.sentence(is_plain=True)[:-1]}\n\n"

    def items(self, count: int = 4, *, is_nested: bool = True) -> str:
        """A list, every third item with a list of its own."""
        lines: list[str] = []
        for number in range(count):
            lines.append(f"- {self.sentence()}")
            if is_nested and number % 3 == 1:
                lines += [f"  1. {self.sentence()}", f"  2. {self.sentence()}"]
        return "\n".join(lines) + "\n\n"

    def code(self, line_count: int = 12) -> str:
        """Python of a kind."""
        lines = ["```python"]
        for number in range(line_count):
            kind = number % 6
            if kind == 0:
                lines.append(f"def step_{number}(queue: Queue) -> int:")
            elif kind == 3:
                lines.append(f"    if limit > {number}:  # {self._random.choice(_WHEN)}")
            elif kind == 4:
                lines.append(f'        raise Full("{number}")')
            elif kind == 5:
                lines.append("    return sum(queue)")
            else:
                lines.append(f"    total = queue[{number}] + {self._random.randint(1, 999)}")
        return "\n".join([*lines, "```"]) + "\n\n"

    def table(self, row_count: int = 6) -> str:
        """Four columns."""
        lines = ["| component | p50 ms | p95 ms | note |", "|:--|--:|--:|---|"]
        notes = ("ok", "slow", "`retry`", "**hot**", "✅", "流式")
        lines += [
            f"| {self._random.choice(_WHO)} | {self._random.randint(1, 90)} "
            f"| {self._random.randint(90, 999)} | {self._random.choice(notes)} |"
            for _ in range(row_count)
        ]
        return "\n".join(lines) + "\n\n"

    def quote(self) -> str:
        """Two sentences."""
        return f"> {self.sentence()}\n> {self.sentence()}\n\n"

    def mixed(self) -> Iterator[str]:
        """Blocks of every kind, half of them paragraphs, without end."""
        kinds = (self.heading, self.items, self.code, self.quote, self.table)
        for turn in itertools.count():
            yield self.paragraph()
            yield kinds[turn % len(kinds)]()


def _tokens(text: str, choices: random.Random) -> list[str]:
    """Pieces of about four characters; marks stay whole."""
    pieces: list[str] = []
    place = 0
    for found in itertools.chain(MARK.finditer(text), (None,)):
        end = len(text) if found is None else found.start()
        while place < end:
            size = min(choices.choice(_TOKEN_CHARS), end - place)
            pieces.append(text[place : place + size])
            place += size
        if found is not None:
            pieces.append(found.group())
            place = found.end()
    return pieces


def make_tokens(kind: str, size: int, letter: str = "A") -> list[str]:
    """An answer. `size`: tokens of `mixed`, lines of `code`, rows of a `table`, items of a `list` (every third with
    two more). Raises KeyError for other kinds."""
    writer = _Writer(letter)
    choices = random.Random(_SEED + 1)
    if kind == "mixed":
        return _mixed_tokens(writer, choices, size, letter)
    body = {"code": writer.code, "table": writer.table, "list": writer.items}[kind](size)
    return _tokens(f"{writer.next_mark()} comes first.\n\n{body}Done, {last_mark(letter)}", choices)


def _mixed_tokens(writer: _Writer, choices: random.Random, count: int, letter: str) -> list[str]:
    """Exactly `count` of them: whole blocks, then a paragraph that is as long as is missing."""
    tokens: list[str] = []
    blocks = writer.mixed()
    while len(tokens) + _CLOSING_TOKENS <= count:
        tokens += _tokens(next(blocks), choices)
    closing = _tokens(writer.paragraph() if not tokens else writer.sentence(), choices)
    while len(tokens) + len(closing) < count - 2:
        closing += _tokens(f" {writer.sentence(is_plain=True)}", choices)
    closing = closing[: max(1, count - 2 - len(tokens))]
    return [*tokens, *closing, " ", last_mark(letter)]
