"""A search finds all that is drawn, though it does not draw all to find it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from chat_tui.core.conversation import Message, Part, ReasoningPart, Role, TextPart, ToolCallPart
from chat_tui.ui.render.pieces import FoldPiece, Layout, NoticePiece, Piece
from chat_tui.ui.render.seam_piece import SeamPiece
from chat_tui.ui.widgets.answer_view import AnswerView
from chat_tui.ui.widgets.piece_list import PieceList
from chat_tui.ui.widgets.search import Place, Search, searched_text
from tests.support.answer_rows import COMPLETE, make_layout

ANSWERS = sorted((Path(__file__).parents[2] / "corpora" / "answers").glob("*.md"))
WORDS = ("the", "e", "The", "in a", "->", "•", "copy", "code", "http", "1.", "s.", "é", "([", "  ", "b c", "_")


class Shown:
    """Answers without a screen."""

    def __init__(self, answers: Sequence[Sequence[Part]], width: int = 60) -> None:
        self.messages = {
            number: Message(number, Role.ASSISTANT, tuple(parts), ending=COMPLETE)
            for number, parts in enumerate(answers, 1)
        }
        self.text_layout: Layout = make_layout(width)
        self._pieces: dict[int, list[Piece]] = {}
        for message in self.messages.values():
            view = AnswerView(PieceList(self.text_layout), message.id, is_fold_open=False, message=message)
            self._pieces[message.id] = list(view.section.make_all())

    @property
    def message_ids(self) -> Sequence[int]:
        return list(self.messages)

    def pieces_of(self, message_id: int) -> Sequence[Piece]:
        return self._pieces[message_id]


def searched(shown: Shown, words: str) -> Search:
    search = Search(shown, shown.messages.get)
    search.look_for(words)
    for _ in search.count():
        pass
    return search


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.stem)
def test_nothing_that_is_drawn_is_missed(path: Path) -> None:
    shown = Shown([[TextPart(path.read_text(encoding="utf-8"))]])
    for words in WORDS:
        search = searched(shown, words)
        drawn = [
            search.query.find_in_rows(searched_text(piece.render(shown.text_layout.context)))
            for piece in shown.pieces_of(1)
            if not isinstance(piece, FoldPiece | NoticePiece | SeamPiece)
        ]
        assert search.total == sum(map(len, drawn)), words


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.stem)
def test_whatever_can_be_read_can_be_found(path: Path) -> None:
    shown = Shown([[TextPart(path.read_text(encoding="utf-8"))]])
    context = shown.text_layout.context
    text = "".join(searched_text(piece.render(context)).text for piece in shown.pieces_of(1))
    search = Search(shown, shown.messages.get)
    for start in range(0, len(text) - 20, 97):
        words = text[start : start + 5 + start % 13].split("\n")[0]
        search.look_for(words)
        for _ in search.seek(None, 1):
            pass
        assert search.hit is not None or not words.strip(), words


def test_only_what_may_contain_the_words_is_drawn() -> None:
    shown = Shown([[TextPart("nothing here\n\n" * 20)]] * 30 + [[TextPart("much\n\n" * 20 + "a needle")]])
    search = searched(shown, "needle")
    assert (search.total, search.rendered_count) == (1, 1)
    search.look_for("need")
    for _ in search.count():
        pass
    assert (search.total, search.rendered_count) == (1, 1)


def test_thinking_and_calls_are_searched() -> None:
    call = ToolCallPart("1", "call-1", "look_up", '{"word": "needle"}', is_complete=True)
    shown = Shown([[ReasoningPart("a needle in thought", 1.0), TextPart("a needle"), call]])
    assert searched(shown, "needle").total == 3
    assert searched(shown, "look_up").total == 1
    assert searched(shown, "thought for").total == 0


def test_seeking_goes_through_all_in_order_and_around() -> None:
    shown = Shown([[TextPart("x needle, needle\n\nneedle")], [TextPart("no")], [TextPart("- needle\n- needle")]])
    search = searched(shown, "needle")
    for step, expected in ((1, [1, 2, 3, 4, 5, 1, 2]), (-1, [5, 4, 3, 2, 1, 5, 4])):
        search.look_for("needle")
        seen: list[int | None] = []
        for _ in expected:
            for _ in search.seek(search.hit, step):
                pass
            for _ in search.count():
                pass
            seen.append(search.number)
        assert seen == expected


def test_seeking_from_a_place_takes_what_is_in_its_row() -> None:
    shown = Shown([[TextPart("needle\n\nx\n\nneedle")]])
    search = searched(shown, "needle")
    for place, step, number in ((Place(1, 1, 1), -1, 1), (Place(1, 1, 1), 1, 2), (Place(1, 2, 1), -1, 2)):
        for _ in search.seek(place, step):
            pass
        assert search.number == number


def test_which_match_it_is_is_not_known_before_all_above_is_counted() -> None:
    shown = Shown([[TextPart("needle")]] * 5)
    search = Search(shown, shown.messages.get)
    search.look_for("needle")
    for _ in search.seek(None, -1):
        pass
    assert search.hit is not None
    assert search.hit.message_id == 5
    assert search.number is None
    for _ in search.count():
        pass
    assert (search.number, search.total, search.is_counted) == (5, 5, True)
