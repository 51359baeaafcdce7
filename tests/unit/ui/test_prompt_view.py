"""One turn of the reader in the list of pieces."""

from __future__ import annotations

import pytest

from chat_tui.ui.render.pieces import PromptPiece
from chat_tui.ui.widgets.piece_list import PieceList
from chat_tui.ui.widgets.prompt_view import PIECE_CHARS, PromptView
from tests.support.answer_rows import make_layout, row_of, rows_of


def shown(text: str) -> tuple[PieceList, list[str]]:
    pieces = PieceList(make_layout(60))
    PromptView(pieces, 1, text)
    return pieces, ["".join(part for part, _ in row) for row in rows_of(pieces)]


def test_a_prompt_is_one_piece_below_a_gap() -> None:
    pieces, rows = shown("*two*\n  lines <b>")
    assert (len(pieces), rows) == (1, ["", "*two*", "  lines <b>"])


def test_nothing_is_still_a_turn() -> None:
    assert len(shown("")[0]) == 1


@pytest.mark.parametrize("line", ["a line of words\n", "words \n\n\n", "x\n" * 50])
def test_a_long_prompt_in_pieces_has_the_rows_of_the_whole(line: str) -> None:
    text = line * (20_000 // len(line))
    pieces, _ = shown(text)
    whole = PromptPiece(1, text, 60)
    whole.lay_out(make_layout(60))
    assert len(pieces) > 3
    assert rows_of(pieces) == [row_of(row) for row in whole.rows]


@pytest.mark.parametrize("text", ["word " * 5_000, "x" * 20_000])
def test_a_line_without_end_loses_nothing(text: str) -> None:
    pieces, rows = shown(text)
    assert "".join(rows).replace(" ", "") == text.replace(" ", "")
    assert all(len(pieces[index].rows) <= 2 + PIECE_CHARS // 30 for index in range(len(pieces)))


@pytest.mark.parametrize("at", range(8_185, 8_195))
def test_an_escape_sequence_over_a_cut_is_made_visible(at: int) -> None:
    _, rows = shown("x" * at + "\x1b[31mred")
    assert "\x1b" not in "".join(rows)
    assert "red" in "".join(rows)
