"""A message's pieces: made when they are needed, a slice at a time, and dropped again."""

from __future__ import annotations

from collections.abc import Iterator

from rich.segment import Segment
from textual.strip import Strip

from chat_tui.core.blocks import Block, BlockKind
from chat_tui.ui.render.block_pieces import BlockPiece
from chat_tui.ui.render.blocks import RenderContext
from chat_tui.ui.render.pieces import Piece
from chat_tui.ui.widgets.piece_list import PieceList
from chat_tui.ui.widgets.section import SLICE_CHARS, Section, guess_rows
from tests.support.answer_rows import make_layout


class LinePiece(Piece):
    """One line, two rows high; guesses one."""

    def __init__(self, number: int) -> None:
        super().__init__(1)
        self.number = number

    def render(self, context: RenderContext) -> list[Strip]:
        return [Strip([Segment(f"{self.number}.{row}")]) for row in range(2)]


class LineMaker:
    """A piece per `chars_each` characters, in slices of one piece each."""

    def __init__(self, section: Section, count: int, chars_each: int) -> None:
        self.section = section
        self.count = count
        self.chars_each = chars_each
        self.made = self.released = 0

    @property
    def chars(self) -> int:
        return self.count * self.chars_each

    def guess_rows(self, width: int) -> int:
        return self.count

    def steps(self) -> Iterator[int]:
        for number in range(self.count):
            self.made += 1
            self.section.append(LinePiece(number), is_laid_out=False)
            yield self.chars_each

    def release(self) -> None:
        self.released += 1


def made_later(count: int, chars_each: int = 10) -> tuple[PieceList, Section, LineMaker]:
    pieces = PieceList(make_layout(100))
    section = pieces.add_section(1)
    maker = LineMaker(section, count, chars_each)
    section.make_later(maker)
    return pieces, section, maker


def test_what_nobody_saw_is_a_guess() -> None:
    pieces, section, maker = made_later(7)
    assert (pieces.row_count, section.height, len(section), section.piece_count) == (7, 7, 0, 1)
    assert maker.made == 0
    assert section.find(3) == (0, 3)


def test_a_slice_makes_some_and_the_rest_stays_below() -> None:
    pieces, section, maker = made_later(10, SLICE_CHARS)
    assert section.make(1) == SLICE_CHARS
    assert (maker.made, len(section), section.rest_rows, pieces.row_count) == (1, 1, 9, 10)
    assert section.find(5) == (1, 4)
    piece, row = section.row(1, 4)
    assert (piece.owner_id, row.text) == (1, "⋯")
    assert section.make(2 * SLICE_CHARS) == 2 * SLICE_CHARS
    assert maker.made == 3
    while section.make(SLICE_CHARS):
        pass
    assert (len(section), section.rest_rows, pieces.row_count) == (10, 0, 10)
    assert section.make(SLICE_CHARS) == 0


def test_what_is_dropped_keeps_its_heights_and_is_made_again() -> None:
    pieces, section, maker = made_later(5)
    assert not section.close()
    pieces.lay_out_all()
    assert (pieces.row_count, section.close()) == (10, True)
    assert (maker.released, len(section), pieces.row_count) == (1, 0, 10)
    section.make(SLICE_CHARS)
    assert maker.made == 10
    assert [section.top(index) for index in range(5)] == [0, 2, 4, 6, 8]
    assert not any(piece.rows for piece in section.pieces)
    assert not section.close() or pieces.row_count == 10


def test_heights_of_another_layout_are_guesses_again() -> None:
    pieces, section, _ = made_later(5)
    pieces.lay_out_all()
    section.close()
    pieces.set_layout(make_layout(50, 1))
    section.make(SLICE_CHARS)
    assert section.height == 5


def test_a_long_message_keeps_its_pieces() -> None:
    pieces, section, _ = made_later(3, SLICE_CHARS)
    pieces.lay_out_all()
    assert not section.close()
    assert len(section) == 3


def test_code_is_found_whole_over_its_pages() -> None:
    section = PieceList(make_layout(100)).add_section(1)
    first = Block(BlockKind.CODE, "a\n", "a\n", is_closed=False)
    second = Block(BlockKind.CODE, "b\n", "b\n", page=1, previous=first)
    other = Block(BlockKind.CODE, "c\n", "c\n")
    for block in (first, second, other):
        section.append(BlockPiece(1, block, {}))
    section.append(LinePiece(0))
    assert list(section.codes()) == ["a\nb\n", "c\n"]


def test_the_guess_knows_lines_and_width() -> None:
    assert guess_rows("one line", 80) == 1
    assert guess_rows("a\nb\n\nc", 80) == 4
    assert guess_rows("word " * 100, 50) == 11
