"""The list of pieces: rows and places, exact where it was looked at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from textual.strip import Strip

from chat_tui.ui.render.blocks import RenderContext
from chat_tui.ui.render.pieces import Piece
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


def test_what_is_near_becomes_exact_bit_by_bit_and_once() -> None:
    pieces, numbered = filled(*[2] * 100, is_laid_out=False)
    pieces.lay_out_end(4)
    steps = 1
    while pieces.lay_out_some(3):
        steps += 1
    assert steps >= 3
    rendered = [piece.render_count for piece in numbered]
    assert rendered[:85] == [0] * 85
    assert rendered[-6:] == [1] * 6
    assert pieces.lay_out_some(3) is False
    assert [piece.render_count for piece in numbered] == rendered


def test_all_can_be_made_exact() -> None:
    pieces, numbered = filled(*[2] * 10, is_laid_out=False)
    pieces.lay_out_all()
    assert pieces.row_count == 20
    assert [piece.render_count for piece in numbered] == [1] * 10


def test_another_layout_makes_all_stale_and_renders_once_more() -> None:
    pieces, numbered = filled(2, 4)
    pieces.set_layout(make_layout(40, 1))
    assert pieces.row_count == 6
    pieces.lay_out_all()
    assert texts(pieces) == ["0.0", "1.0", "1.1"]
    assert [piece.render_count for piece in numbered] == [2, 2]


def test_a_change_is_rendered() -> None:
    pieces, numbered = filled(2, 2, 2)
    numbered[1].row_count = 5
    pieces.sections[1].changed(0)
    assert pieces.row_count == 9
    assert [pieces.top(index) for index in range(4)] == [0, 2, 7, 9]


def test_truncating_removes_from_the_end() -> None:
    pieces, _ = filled(2, 3, 4)
    pieces.truncate_sections(1)
    assert (len(pieces), texts(pieces)) == (1, ["0.0", "0.1"])
    pieces.append(NumberedPiece(7, 1))
    assert texts(pieces) == ["0.0", "0.1", "7.0"]


def test_an_empty_list_has_nothing_to_lay_out() -> None:
    pieces = PieceList(make_layout(100))
    pieces.lay_out_window(0, 10)
    pieces.lay_out_end(10)
    assert pieces.lay_out_some(10) is False
    assert texts(pieces) == []


def test_a_place_stays_when_heights_above_it_change() -> None:
    pieces, numbered = filled(*[3] * 30, is_laid_out=False)
    pieces.lay_out_window(20, 4)
    row = pieces.top(21) + 1
    place = pieces.place(row)
    pieces.lay_out_above(place, 12)
    assert pieces.row_at(place) == row + 6
    assert [piece.render_count for piece in numbered[15:22]] == [0, 0, 1, 1, 1, 1, 1]
    assert pieces.row(pieces.row_at(place))[1].text == "21.1"
    pieces.lay_out_all()
    assert pieces.row(pieces.row_at(place))[1].text == "21.1"


def test_a_place_in_what_became_shorter_is_its_last_row() -> None:
    pieces, numbered = filled(4, 4)
    numbered[1].row_count = 2
    place = pieces.place(7)
    pieces.sections[1].changed(0)
    assert pieces.row_at(pieces.clamped(place)) == 5
    numbered[1].hide(is_hidden=True)
    pieces.sections[1].guess_again(0)
    assert pieces.row_at(place) == 3


@pytest.mark.parametrize(("old_row", "new_row"), [(60, 55), (60, 50), (60, 41), (60, 65), (60, 80)])
def test_the_view_moves_exactly_so_far_over_rows_that_were_guesses(old_row: int, new_row: int) -> None:
    pieces, _ = filled(*[5] * 100, is_laid_out=False)
    exact = [f"{number}.{row}" for number in range(100) for row in range(5)]
    pieces.lay_out_window(old_row, 10)
    seen = pieces.row(old_row)[1].text
    at = pieces.move_window(old_row, new_row, 10)
    assert pieces.row(at)[1].text == exact[exact.index(seen) + new_row - old_row]
    shown = [pieces.row(row)[1].text for row in range(at, at + 10)]
    first = exact.index(shown[0])
    assert shown == exact[first : first + 10]


def test_going_to_the_beginning_ends_there() -> None:
    pieces, _ = filled(*[5] * 100, is_laid_out=False)
    pieces.lay_out_window(15, 10)
    assert pieces.move_window(15, 0, 10) == 0
    assert pieces.row(0)[1].text == "0.0"


def test_rows_far_from_the_view_are_dropped_and_come_back_the_same() -> None:
    pieces, numbered = filled(*[2] * 500, is_laid_out=False)
    for row in range(0, 960, 10):
        pieces.lay_out_window(row, 10)
    held = [number for number, piece in enumerate(numbered) if piece.rows]
    assert len(held) <= 150
    assert held[-1] > 470
    assert pieces.row_count == 1000 - sum(piece.render_count == 0 for piece in numbered)
    rendered = sum(piece.render_count for piece in numbered)
    assert rendered <= 510
    assert texts(pieces) == [f"{number}.{row}" for number in range(500) for row in range(2)]
    assert len([piece for piece in numbered if piece.rows]) <= 150


@given(st.lists(st.integers(0, 5), min_size=1, max_size=20), st.data())
def test_rows_do_not_depend_on_the_order_they_are_laid_out_in(counts: list[int], data: st.DataObject) -> None:
    lazy, _ = filled(*counts, is_laid_out=False)
    eager, _ = filled(*counts)
    for _ in range(data.draw(st.integers(0, 4))):
        lazy.lay_out_window(data.draw(st.integers(0, 60)), data.draw(st.integers(1, 10)))
    lazy.lay_out_all()
    assert texts(lazy) == texts(eager)
