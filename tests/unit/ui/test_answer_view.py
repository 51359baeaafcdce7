"""One answer in the list of pieces: segments, folds, calls, seams."""

from __future__ import annotations

import pytest

from chat_tui.core.blocks import Block
from chat_tui.core.conversation import (
    Ending,
    Message,
    Outcome,
    Part,
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
)
from chat_tui.core.events import FinishReason
from chat_tui.core.splitter import BlockSplitter
from chat_tui.ui.widgets.answer_view import AnswerView, fold_summary
from chat_tui.ui.widgets.piece_list import PieceList
from tests.support.answer_rows import COMPLETE, make_layout, rows_of, text_of

STOPPED = Ending(Outcome.STOPPED, FinishReason.CANCELLED, tokens=5, elapsed_s=1.0)
CALL = ToolCallPart("1", "c", "search", "{}", is_complete=True)


@pytest.fixture
def pieces() -> PieceList:
    return PieceList(make_layout(60))


def shown(pieces: PieceList) -> list[str]:
    return [line.rstrip() for line in text_of(rows_of(pieces)).split("\n")]


def test_nothing_fed_is_nothing_shown(pieces: PieceList) -> None:
    view = AnswerView(pieces, 1)
    view.feed_text("")
    view.feed_reasoning("")
    assert len(pieces) == 0
    view.end(COMPLETE)
    assert len(pieces) == 0


def test_text_grows_with_a_caret_that_goes_with_the_end(pieces: PieceList) -> None:
    view = AnswerView(pieces, 1)
    view.feed_text("One")
    view.feed_text(" two.\n\nThree")
    assert shown(pieces) == ["", "One two.", "", "Three▍"]
    view.end(COMPLETE)
    assert shown(pieces) == ["", "One two.", "", "Three"]


def test_settled_pieces_are_never_replaced(pieces: PieceList) -> None:
    view = AnswerView(pieces, 1)
    view.feed_text("One.\n\nTwo.\n\nThr")
    settled = [pieces[index] for index in range(len(pieces) - 1)]
    rows = [piece.rows for piece in settled]
    view.feed_text("ee.\n\nFour.\n\nFive")
    view.end(COMPLETE)
    assert [pieces[index] for index in range(len(settled))] == settled
    assert all(piece.rows is kept for piece, kept in zip(settled, rows, strict=True))


def test_an_early_end_has_a_seam(pieces: PieceList) -> None:
    view = AnswerView(pieces, 1)
    view.feed_text("Half")
    view.end(STOPPED)
    assert shown(pieces)[1] == "Half"
    assert shown(pieces)[2].startswith("╌╌ stopped · 5 tok")
    assert "c continue" in "".join(shown(pieces))


def test_a_seam_without_text_offers_nothing_to_continue(pieces: PieceList) -> None:
    view = AnswerView(pieces, 1)
    view.feed_reasoning("hm")
    view.end(STOPPED)
    assert "c continue" not in "".join(shown(pieces))


def test_reasoning_has_one_fold_and_its_place(pieces: PieceList) -> None:
    view = AnswerView(pieces, 1)
    assert not view.has_reasoning
    view.feed_reasoning("Think.")
    view.feed_text("Say.")
    view.feed_reasoning("Think more.")
    view.feed_text("Say more.")
    assert view.has_reasoning
    assert [line for line in shown(pieces) if line] == ["▾ thinking", "Think.", "Say.", "Think more.", "Say more.▍"]
    view.summarize_reasoning("thought for 2.0 s")
    view.fold(is_open=False)
    assert not view.is_fold_open
    assert [line for line in shown(pieces) if line] == ["▸ thought for 2.0 s", "Say.", "Say more.▍"]
    view.feed_reasoning("\n\nHidden too.")
    view.feed_text("End.")
    assert [line for line in shown(pieces) if line][-1] == "End.▍"
    view.fold(is_open=True)
    assert "Hidden too." in shown(pieces)


def test_a_fold_closes_and_opens_over_reasoning_that_still_grows(pieces: PieceList) -> None:
    view = AnswerView(pieces, 1)
    view.feed_reasoning("First thought.\n\nSecond thou")
    view.fold(is_open=False)
    assert [line for line in shown(pieces) if line] == ["▸ thinking"]
    view.fold(is_open=True)
    assert [line for line in shown(pieces) if line] == ["▾ thinking", "First thought.", "Second thou▍"]


def test_a_fold_does_not_touch_the_next_answer(pieces: PieceList) -> None:
    first, second = AnswerView(pieces, 1), AnswerView(pieces, 2)
    first.feed_reasoning("One.")
    first.end(COMPLETE)
    second.feed_reasoning("Two.")
    second.end(COMPLETE)
    first.fold(is_open=False)
    assert [line for line in shown(pieces) if line] == ["▸ thinking", "▾ thinking", "Two."]


def test_folding_without_reasoning_changes_nothing(pieces: PieceList) -> None:
    view = AnswerView(pieces, 1)
    view.feed_text("Say.")
    view.fold(is_open=False)
    view.summarize_reasoning("thought")
    assert [line for line in shown(pieces) if line] == ["Say.▍"]


def test_calls_stand_where_they_came_and_grow_there(pieces: PieceList) -> None:
    view = AnswerView(pieces, 1)
    view.feed_text("Let me look.")
    view.show_calls((ToolCallPart("1", "", "search", '{"q', is_complete=False),))
    view.feed_text("Meanwhile.")
    view.show_calls((CALL,))
    assert [line for line in shown(pieces) if line] == ["Let me look.", "⚒ search (not run)", "{}", "Meanwhile.▍"]


HISTORY: tuple[Part, ...] = (
    ReasoningPart("Think.", 2.0),
    TextPart("Say *it*.\n\n- one\n"),
    TextPart("- two\n"),
    CALL,
)


def test_history_looks_like_the_stream(pieces: PieceList) -> None:
    AnswerView(pieces, 1, is_fold_open=False).fill(Message(1, Role.ASSISTANT, HISTORY, ending=STOPPED))
    streamed = PieceList(make_layout(60))
    view = AnswerView(streamed, 1, is_fold_open=False)
    view.feed_reasoning("Think.")
    view.summarize_reasoning("thought for 2.0 s")
    for character in "Say *it*.\n\n- one\n- two\n":
        view.feed_text(character)
    view.show_calls((CALL,))
    view.end(STOPPED)
    assert rows_of(pieces) == rows_of(streamed)
    assert "▸ thought for 2.0 s" in shown(pieces)


def test_a_long_history_is_not_rendered_before_it_is_seen(pieces: PieceList) -> None:
    text = "".join(f"Paragraph {number}.\n\n" for number in range(100))
    AnswerView(pieces, 1).fill(Message(1, Role.ASSISTANT, (TextPart(text),), ending=COMPLETE))
    assert all(pieces[index].stamp < 0 for index in range(len(pieces)))


def test_a_message_without_an_end_is_shown_as_far_as_it_came(pieces: PieceList) -> None:
    AnswerView(pieces, 1).fill(Message(1, Role.ASSISTANT, (TextPart("One.\n\nTwo"),)))
    assert [line for line in shown(pieces) if line] == ["One.", "Two▍"]


@pytest.mark.parametrize(
    ("duration_s", "tokens", "words"),
    [
        (None, None, "thought"),
        (6.24, None, "thought for 6.2 s"),
        (0.0, 1214, "thought for 0.0 s · 1,214 tok"),
        (None, 3, "thought · 3 tok"),
    ],
)
def test_what_the_folded_line_says(duration_s: float | None, tokens: int | None, words: str) -> None:
    assert fold_summary(duration_s, tokens) == words


LATE_LINKS: tuple[Part, ...] = (TextPart("See [g].\n\nMore.\n\n[g]: https://guide.example\n\nThe end."),)


@pytest.mark.parametrize("parts", [HISTORY, LATE_LINKS, (TextPart("x"),), (CALL,)])
@pytest.mark.parametrize("is_open", [False, True])
def test_what_was_dropped_comes_back_the_same(pieces: PieceList, parts: tuple[Part, ...], is_open: bool) -> None:
    message = Message(1, Role.ASSISTANT, parts, ending=STOPPED)
    view = AnswerView(pieces, 1, is_fold_open=is_open, message=message)
    before = rows_of(pieces)
    for _ in range(2):
        assert view.section.close()
        assert len(view.section) == 0
        assert rows_of(pieces) == before


def test_what_was_streamed_and_dropped_comes_back_the_same(pieces: PieceList) -> None:
    view = AnswerView(pieces, 1)
    view.feed_reasoning("Think *hard*.\n\nAnd again.")
    view.feed_text("Say [g].\n\n```python\nx = 1\n")
    view.show_calls((CALL,))
    view.feed_text("Meanwhile.\n\n")
    view.feed_reasoning("More thoughts.")
    view.feed_text("\n[g]: https://guide.example\n\nThe end.\n\n")
    view.summarize_reasoning("thought for 2.0 s")
    assert not view.section.close()
    view.end(STOPPED)
    before = rows_of(pieces)
    assert view.section.close()
    assert rows_of(pieces) == before
    view.section.close()
    view.fold(is_open=False)
    closed = rows_of(pieces)
    assert text_of(closed).lstrip().startswith("▸")
    view.fold(is_open=True)
    assert rows_of(pieces) == before


def test_a_message_that_nobody_saw_is_not_split(pieces: PieceList, monkeypatch: pytest.MonkeyPatch) -> None:
    fed: list[str] = []

    def feed(splitter: BlockSplitter, text: str) -> tuple[Block, ...]:
        fed.append(text)
        return ()

    monkeypatch.setattr(BlockSplitter, "feed", feed)
    message = Message(1, Role.ASSISTANT, (TextPart("One.\n\n" * 100),), ending=COMPLETE)
    view = AnswerView(pieces, 1, message=message)
    assert fed == []
    assert abs(pieces.row_count - 200) <= 20
    assert not view.has_reasoning


def test_reasoning_is_known_before_it_is_split(pieces: PieceList) -> None:
    view = AnswerView(pieces, 1, is_fold_open=False, message=Message(1, Role.ASSISTANT, HISTORY, ending=STOPPED))
    assert view.has_reasoning
    view.fold(is_open=True)
    assert "Think." in shown(pieces)


def test_an_answer_without_anything_has_no_rows(pieces: PieceList) -> None:
    AnswerView(pieces, 1, message=Message(1, Role.ASSISTANT, (TextPart(""),), ending=COMPLETE))
    assert (len(pieces), pieces.row_count) == (0, 0)
