"""Whatever grows, a frame's work has a bound and does not depend on what came before: counted, not timed.

Every pattern of `tests/support/pathological.py` is streamed as a screen would: a few characters a frame, then the
settled blocks once and the tail anew. What is counted are the characters handed to the inline parser, to the lexers
and to wrapping.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from chat_tui.core.blocks import Block, BlockKind
from chat_tui.core.sanitize import TextCleaner
from chat_tui.core.splitter import BlockSplitter
from chat_tui.ui.render import code, inline, wrap
from chat_tui.ui.render.blocks import RenderContext, render_block
from chat_tui.ui.theme import THEMES
from tests.support.pathological import PATTERNS, UNIFORM

FRAME_CHARS = 104
"""What a fast stream brings in a thirtieth of a second."""
SLICE_CHARS = 8_192
"""What a frame takes at most."""
RENDERED_EVERY = 8
"""So many frames are fed for one that is rendered: what is rendered does not change the splitter."""

STYLES = THEMES["dark"].styles
CONTEXT = RenderContext(60, 60, STYLES)
TAIL = RenderContext(60, 60, STYLES, is_tail=True)

# A page of code or rows, the line that passes its bound, and the one that is not complete.
MAX_TAIL_CHARS = SLICE_CHARS + 3 * 4_096
MAX_TAIL_BLOCKS = 4
MAX_BLOCK_CHARS = SLICE_CHARS + 3 * 4_096


@dataclass(slots=True)
class Work:
    """Characters handed to what is costly, since the last `take`."""

    parsed: int = 0
    lexed: int = 0
    wrapped: int = 0
    tail_chars: int = 0
    history: list[int] = field(default_factory=list[int])

    @property
    def total(self) -> int:
        return self.parsed + self.lexed + self.wrapped + self.tail_chars

    def take(self) -> int:
        """The work of the frame that ends here."""
        total = self.total
        self.history.append(total)
        self.parsed = self.lexed = self.wrapped = self.tail_chars = 0
        return total


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    found = Work()
    parser: Callable[..., Any] = getattr(inline, "_parser")  # noqa: B009 - counted where it is made

    def counting_parser(references: object) -> Callable[[str], object]:
        parse = parser(references)

        def counting(text: str) -> object:
            found.parsed += len(text)
            return parse(text)

        return counting

    def counted(module: object, name: str, counter: str) -> None:
        original: Callable[..., Any] = getattr(module, name)

        def counting(text: str, *rest: object, **named: object) -> object:
            setattr(found, counter, getattr(found, counter) + len(text))
            return original(text, *rest, **named)

        monkeypatch.setattr(module, name, counting)

    monkeypatch.setattr(inline, "_parser", counting_parser)
    counted(code, "lex", "lexed")
    counted(wrap, "wrap_ranges", "wrapped")
    counted(code, "cut_cells", "wrapped")
    return found


def cleaned(name: str, chars: int) -> str:
    cleaner = TextCleaner()
    return cleaner.feed(PATTERNS[name](chars)) + cleaner.flush()


def chars_of(block: Block) -> int:
    """The text a block is rendered from."""
    return len(block.text) + sum(len(cell) for row in block.rows for cell in row)


class Stream:
    """A text fed frame by frame; `render` makes a frame's rows."""

    def __init__(self, text: str, frame_chars: int) -> None:
        self._text = text
        self._frame_chars = frame_chars
        self._splitter = BlockSplitter()
        self._waiting: list[Block] = []
        self.sources: list[str] = []
        self.longest_block = 0
        self.rules = 0

    def frames(self) -> Iterator[tuple[Block, ...]]:
        """The tail of each frame; checks that nothing is lost on the way."""
        for start in range(0, len(self._text), self._frame_chars):
            self._take(self._splitter.feed(self._text[start : start + self._frame_chars]))
            yield self._splitter.tail()
        assert "".join(self.sources) + self._splitter.unsettled == self._text
        self._take(self._splitter.close())
        assert "".join(self.sources) + self._splitter.unsettled == self._text

    def render(self, tail: tuple[Block, ...]) -> None:
        """Everything new that is settled, and the tail."""
        for block in self._waiting:
            render_block(block, CONTEXT)
        self._waiting.clear()
        for block in tail:
            render_block(block, TAIL)

    def _take(self, blocks: tuple[Block, ...]) -> None:
        self._waiting += blocks
        for block in blocks:
            self.sources.append(block.source)
            self.rules += block.kind is BlockKind.RULE
            self.longest_block = max(self.longest_block, chars_of(block))


@pytest.mark.parametrize("name", PATTERNS)
def test_the_work_of_a_frame_is_bounded(name: str, work: Work) -> None:
    """A tail is parsed three times at most, with the text that has settled since the last rendered frame."""
    stream = Stream(cleaned(name, 4 * SLICE_CHARS), FRAME_CHARS)
    for number, tail in enumerate(stream.frames()):
        tail_chars = sum(map(chars_of, tail))
        assert tail_chars <= MAX_TAIL_CHARS
        assert len(tail) <= MAX_TAIL_BLOCKS
        if number % RENDERED_EVERY == 0:
            stream.render(tail)
            settled_chars = MAX_BLOCK_CHARS + RENDERED_EVERY * FRAME_CHARS
            assert work.parsed <= 3 * 4_200 + settled_chars
            assert work.lexed <= 2 * settled_chars
            assert work.wrapped <= 2 * settled_chars
            work.take()
    assert stream.longest_block <= MAX_BLOCK_CHARS


@pytest.mark.parametrize("name", PATTERNS)
def test_a_frame_of_a_whole_slice_is_bounded(name: str, work: Work) -> None:
    """The largest frame there is: what settles, what was open before, and the tail."""
    stream = Stream(cleaned(name, 3 * SLICE_CHARS), SLICE_CHARS)
    for tail in stream.frames():
        stream.render(tail)
        assert work.parsed <= 3 * 4_200 + 2 * MAX_BLOCK_CHARS
        assert work.lexed <= 3 * MAX_BLOCK_CHARS
        assert work.wrapped <= 3 * MAX_BLOCK_CHARS + stream.rules * CONTEXT.width
        work.take()


@pytest.mark.parametrize("name", UNIFORM)
def test_work_does_not_grow_with_the_length(name: str, work: Work) -> None:
    """Last quarter to first, each several pages long, from where the first pages are full on."""
    frame_chars = 2 * FRAME_CHARS
    stream = Stream(cleaned(name, 10 * SLICE_CHARS), frame_chars)
    for tail in stream.frames():
        stream.render(tail)
        work.tail_chars = sum(map(chars_of, tail))
        work.take()
    quarter = 2 * SLICE_CHARS // frame_chars
    first, last = sum(work.history[quarter : 2 * quarter]), sum(work.history[-quarter:])
    assert last <= 1.2 * first + quarter


@pytest.mark.parametrize("gap", ["\n", "> \n", "   \n"])
def test_a_gap_of_a_hundred_thousand_lines_weighs_what_it_is(gap: str) -> None:
    splitter = BlockSplitter()
    splitter.feed("> a\n")
    settled = "".join(block.source for block in splitter.feed(gap * 100_000))
    assert sum(map(chars_of, splitter.tail())) <= 10
    assert len(settled) + len(splitter.unsettled) == len("> a\n" + gap * 100_000)
