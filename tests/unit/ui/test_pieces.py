"""Pieces: what each one draws, at any width, and what makes it draw again."""

from __future__ import annotations

import pytest

from chat_tui.core.blocks import Block, BlockKind
from chat_tui.core.conversation import Ending, Outcome, ToolCallPart
from chat_tui.core.errors import Fault, FaultKind
from chat_tui.core.events import FinishReason
from chat_tui.ui.render.block_pieces import BlockPiece, TailPiece
from chat_tui.ui.render.pieces import CallsPiece, FoldPiece, NoticePiece, Piece, PromptPiece
from chat_tui.ui.render.seam_piece import SeamPiece, seam_words
from tests.pilot.panels import HOSTILE, HOSTILE_VISIBLE
from tests.support.answer_rows import make_layout

CUT = Fault(FaultKind.CUT, "connection lost", "The server closed the connection.")
STOPPED = Ending(Outcome.STOPPED, FinishReason.CANCELLED, tokens=412, elapsed_s=8.12)
BROKEN = Ending(Outcome.INTERRUPTED, FinishReason.INTERRUPTED, CUT, tokens=1096, is_estimate=True)


def drawn(piece: Piece, width: int = 100) -> list[str]:
    piece.invalidate()
    piece.lay_out(make_layout(width, 1))
    assert all(row.cell_length <= width for row in piece.rows)
    assert piece.height == len(piece.rows)
    return [row.text.rstrip() for row in piece.rows]


def paragraph(text: str, *, has_gap: bool = False) -> Block:
    return Block(BlockKind.PARAGRAPH, text, text, has_gap=has_gap)


def test_rows_are_kept_until_the_layout_or_the_piece_changes() -> None:
    piece = PromptPiece(1, "words", 100)
    wide = make_layout(100, 1)
    piece.lay_out(wide)
    rows = piece.rows
    piece.lay_out(wide)
    assert piece.rows is rows
    piece.invalidate()
    piece.lay_out(wide)
    assert piece.rows is not rows
    piece.lay_out(make_layout(40, 2))
    assert piece.stamp == 2


def test_a_hidden_piece_has_no_rows() -> None:
    piece = NoticePiece(0, "words")
    piece.is_hidden = True
    assert drawn(piece) == []


def test_a_prompt_is_shown_as_it_was_typed() -> None:
    assert drawn(PromptPiece(1, "*two*\n  lines <b>", 100)) == ["", "*two*", "  lines <b>"]
    assert PromptPiece(1, "x", 100).has_bar
    assert HOSTILE_VISIBLE in drawn(PromptPiece(1, HOSTILE, 100))[1]


def test_a_guess_at_the_height_is_near() -> None:
    prompt = PromptPiece(1, "word " * 100, 50)
    assert abs(prompt.height - len(drawn(prompt, 50))) <= 2
    block = BlockPiece(1, paragraph("word " * 100), {})
    assert abs(block.height - len(drawn(block))) <= 2


@pytest.mark.parametrize(("has_gap", "is_first", "rows"), [(False, False, 1), (True, False, 2), (False, True, 2)])
def test_the_gap_belongs_to_the_block_below_it(has_gap: bool, is_first: bool, rows: int) -> None:
    piece = BlockPiece(1, paragraph("words", has_gap=has_gap), {}, is_first=is_first)
    assert len(drawn(piece)) == rows
    assert piece.is_flowing
    assert not piece.is_code_start


def test_reasoning_is_dim() -> None:
    plain, dim = BlockPiece(1, paragraph("words"), {}), BlockPiece(1, paragraph("words"), {}, is_dim=True)
    assert drawn(plain) == drawn(dim)
    assert [segment.style for segment in plain.rows[0]] != [segment.style for segment in dim.rows[0]]


def test_the_tail_has_the_caret_behind_its_last_character() -> None:
    tail = TailPiece(1, {})
    assert drawn(tail) == []
    tail.show((paragraph("one", has_gap=False), paragraph("two", has_gap=True)), is_first=True)
    assert drawn(tail) == ["", "one", "", "two▍"]


def test_the_fold_says_how_it_stands() -> None:
    fold = FoldPiece(1)
    assert drawn(fold) == ["", "▾ thinking"]
    fold.is_open, fold.summary = False, "thought for 6.2 s · 214 tok"
    assert drawn(fold) == ["", "▸ thought for 6.2 s · 214 tok"]
    assert drawn(fold, 12) == ["", "▸ thought fo"]


def test_calls_are_shown_with_their_state_and_their_arguments() -> None:
    piece = CallsPiece(1)
    assert drawn(piece) == []
    piece.calls = (
        ToolCallPart("1", "c", "search", '{"q": 1}', is_complete=True),
        ToolCallPart("2", "", "", "", is_complete=False),
        ToolCallPart("3", "", HOSTILE, HOSTILE, is_complete=False),
    )
    rows = drawn(piece)
    assert rows[:5] == ["", "⚒ search (not run)", '{"q": 1}', "", "⚒ a tool (incomplete, not run)"]
    assert sum(HOSTILE_VISIBLE in row for row in rows) == 2


def test_a_notice_is_one_clean_sentence() -> None:
    assert drawn(NoticePiece(0, "one\ntwo")) == ["", "one two"]
    assert HOSTILE_VISIBLE in drawn(NoticePiece(0, HOSTILE, is_error=True))[1]


@pytest.mark.parametrize("width", [100, 72])
def test_the_seam_is_a_rule_over_the_whole_width(width: int) -> None:
    (row,) = drawn(SeamPiece(1, STOPPED), width)
    assert len(row) == width
    assert row.startswith("╌╌ stopped · 412 tok · 8.1 s ╌")
    assert row.endswith("c continue  r retry  e edit ╌╌")


def test_a_narrow_seam_puts_its_keys_below() -> None:
    rows = drawn(SeamPiece(1, BROKEN), 40)
    assert rows[0].startswith("╌╌ connection lost · ≈1,096 tok kept ╌")
    assert len(rows) == 2
    assert "c continue" in rows[1]
    for width in range(10, 40):
        drawn(SeamPiece(1, BROKEN), width)


def test_only_what_can_be_done_is_offered() -> None:
    assert "c continue" not in drawn(SeamPiece(1, STOPPED, has_text=False))[0]
    paused = Ending(Outcome.COMPLETE, FinishReason.PAUSE)
    assert "c continue" in drawn(SeamPiece(1, paused, has_text=False))[0]
    assert "d details" not in drawn(SeamPiece(1, STOPPED))[0]
    assert "d details" in drawn(SeamPiece(1, BROKEN))[0]


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (Ending(Outcome.COMPLETE), ""),
        (STOPPED, "stopped · 412 tok · 8.1 s"),
        (BROKEN, "connection lost · ≈1,096 tok kept"),
        (Ending(Outcome.INTERRUPTED, FinishReason.INTERRUPTED), "interrupted · 0 tok kept"),
        (Ending(Outcome.COMPLETE, FinishReason.LENGTH, tokens=9), "the token limit was reached · 9 tok"),
        (Ending(Outcome.COMPLETE, FinishReason.CONTENT_FILTER), "ended by a content filter · 0 tok"),
        (Ending(Outcome.COMPLETE, FinishReason.REFUSAL), "the model refused · 0 tok"),
        (
            Ending(Outcome.COMPLETE, FinishReason.REFUSAL, raw_reason="refusal: self_harm\x1b", tokens=3),
            "the model refused (self harm␛) · 3 tok",
        ),
        (Ending(Outcome.COMPLETE, FinishReason.REFUSAL, raw_reason="refusal"), "the model refused · 0 tok"),
        (Ending(Outcome.COMPLETE, FinishReason.PAUSE), "the model paused · 0 tok"),
        (Ending(Outcome.COMPLETE, FinishReason.TOOL_CALLS), "the model asked for a tool · 0 tok"),
        (Ending(Outcome.COMPLETE, FinishReason.OTHER, raw_reason="odd\x1b"), "ended: odd␛ · 0 tok"),
        (Ending(Outcome.COMPLETE, FinishReason.OTHER), "ended: no reason given · 0 tok"),
    ],
)
def test_why_an_answer_ended(ending: Ending, words: str) -> None:
    assert seam_words(ending) == words
