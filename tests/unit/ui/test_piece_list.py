"""The list of pieces: rows and places, exact where it was looked at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from textual.strip import Strip

from chat_tui.core.blocks import Block, BlockKind
from chat_tui.ui.render.blocks import RenderContext
from chat_tui.ui.render.pieces import BlockPiece, Piece
from chat_tui.ui.widgets.piece_list import PieceList
from tests.support.answer_rows import make_layout


class NumberedPiece(Piece):
    """Draws `row_count` rows; half as many at a width of 50 or less. Guesses one."""

    def __init__(self, number: int, row_count: int) -> None:
        super().__init__(number)
        self.row_count = row_count
        self.render_count = 0

    def render(self, context: RenderContext) -> list[Strip]:
        self.render_count += 1
        count = self.row_count if context.width > 50 else self.row_count // 2
        return [Strip([Segment(f"{self.owner_id}.{row}")]) for row in range(count)]


def filled(*row_counts: int, is_laid_out: bool = True) -> tuple[PieceList, list[NumberedPiece]]:
    pieces = PieceList(make_layout(100))
    numbered = [NumberedPiece(number, count) for number, count in enumerate(row_counts)]
    for piece in numbered:
        pieces.append(piece, is_laid_out=is_laid_out)
    return pieces, numbered


def texts(pieces: PieceList) -> list[str]:
    return [strip.text for _, _, strip in pieces.rows(0, pieces.row_count - 1)]


def test_rows_are_found_in_order() -> None:
    pieces, numbered = filled(2, 0, 3)
    assert texts(pieces) == ["0.0", "0.1", "2.0", "2.1", "2.2"]
    assert [pieces.top(index) for index in range(4)] == [0, 2, 2, 5]
    assert pieces.find(2) == (2, 0)
    assert pieces.row(3) == (numbered[2], numbered[2].rows[1])
    assert [(piece.owner_id, row) for piece, row, _ in pieces.rows(1, 99)] == [(0, 1), (2, 0), (2, 1), (2, 2)]


@pytest.mark.parametrize("row", [-1, 5, 99])
def test_outside_is_blank(row: int) -> None:
    piece, strip = filled(5)[0].row(row)
    assert (piece, strip.text) == (None, "")


def test_only_what_was_looked_at_is_rendered() -> None:
    pieces, numbered = filled(*[4] * 50, is_laid_out=False)
    pieces.lay_out_end(10)
    assert [piece.render_count for piece in numbered] == [0] * 47 + [1] * 3
    pieces.lay_out_window(20, 10)
    assert sum(piece.render_count for piece in numbered) == 6
    assert [piece.render_count for piece in numbered[20:23]] == [1, 1, 1]


def test_the_rest_becomes_exact_bit_by_bit_and_once() -> None:
    pieces, numbered = filled(*[2] * 10, is_laid_out=False)
    pieces.lay_out_end(4)
    steps = 1
    while pieces.lay_out_some(3):
        steps += 1
    assert steps >= 3
    assert pieces.row_count == 20
    assert [piece.render_count for piece in numbered] == [1] * 10
    assert pieces.lay_out_some(3) is False


def test_another_layout_makes_all_stale_and_renders_once_more() -> None:
    pieces, numbered = filled(2, 4)
    pieces.set_layout(make_layout(40, 1))
    assert pieces.row_count == 6
    while pieces.lay_out_some(1):
        pass
    assert texts(pieces) == ["0.0", "1.0", "1.1"]
    assert [piece.render_count for piece in numbered] == [2, 2]


def test_a_change_is_rendered_and_remembered() -> None:
    pieces, numbered = filled(2, 2, 2)
    assert pieces.take_first_changed() == 3
    numbered[1].row_count = 5
    pieces.changed(2)
    pieces.changed(1)
    assert pieces.row_count == 9
    assert pieces.take_first_changed() == 1
    assert pieces.take_first_changed() == 3
    pieces.changed(2)
    pieces.truncate(1)
    assert pieces.take_first_changed() == 1


def test_truncating_removes_from_the_end() -> None:
    pieces, _ = filled(2, 3, 4)
    pieces.truncate(1)
    assert (len(pieces), texts(pieces)) == (1, ["0.0", "0.1"])
    pieces.append(NumberedPiece(7, 1))
    assert texts(pieces) == ["0.0", "0.1", "7.0"]


def test_an_empty_list_has_nothing_to_lay_out() -> None:
    pieces = PieceList(make_layout(100))
    pieces.lay_out_window(0, 10)
    pieces.lay_out_end(10)
    assert pieces.lay_out_some(10) is False
    assert texts(pieces) == []


def test_code_is_found_whole_over_its_pages() -> None:
    pieces = PieceList(make_layout(100))
    first = Block(BlockKind.CODE, "a\n", "a\n", is_closed=False)
    second = Block(BlockKind.CODE, "b\n", "b\n", page=1, previous=first)
    other = Block(BlockKind.CODE, "c\n", "c\n")
    for owner, block in ((1, first), (1, second), (1, other), (2, other)):
        pieces.append(BlockPiece(owner, block, {}))
    assert list(pieces.code_starts(1)) == [0, 2]
    assert [pieces.code(index) for index in pieces.code_starts(1)] == ["a\nb\n", "c\n"]
    pieces.append(NumberedPiece(3, 1))
    assert list(pieces.code_starts(3)) == []


@given(st.lists(st.integers(0, 5), min_size=1, max_size=20), st.data())
def test_rows_do_not_depend_on_the_order_they_are_laid_out_in(counts: list[int], data: st.DataObject) -> None:
    lazy, _ = filled(*counts, is_laid_out=False)
    eager, _ = filled(*counts)
    for _ in range(data.draw(st.integers(0, 4))):
        lazy.lay_out_window(data.draw(st.integers(0, 60)), data.draw(st.integers(1, 10)))
    while lazy.lay_out_some(3):
        pass
    assert texts(lazy) == texts(eager)
