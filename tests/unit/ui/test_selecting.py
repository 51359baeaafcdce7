"""Selected text: what is copied of it, and that it stays the same text while rows and pieces change around it."""

from __future__ import annotations

import pytest
from rich.segment import Segment
from textual.geometry import Offset
from textual.selection import Selection
from textual.strip import Strip

from chat_tui.ui.render.rows import source_range
from chat_tui.ui.widgets.piece_list import PieceList
from chat_tui.ui.widgets.selecting import (
    HeldText,
    between,
    cell_in_row,
    characters_at,
    find,
    hold,
    selected_text,
    word_at,
)
from tests.support.answer_rows import StreamedAnswer, rows_of

DOCUMENT = """\
# A heading

A paragraph with **strong** words, [a link](https://example.org/a?b=c), 日本語 and e\u0301 that is wrapped.

- an item that is long enough to be wrapped over more than one row of the screen
  - a deeper one

> quoted words that are also long enough to be wrapped over more than a row

```python
def f(x):
    return "a string that is long enough to be wrapped or to be shown through a window"

    # indented, behind an empty line
```

| a | b |
|---|---|
| one | two |

The end of it all.
"""
WIDTHS = (70, 40, 23)


def _answer(text: str, width: int, *, is_wrapped: bool = True) -> StreamedAnswer:
    answer = StreamedAnswer(width, is_wrapped=is_wrapped)
    answer.receive(text)
    answer.end()
    rows_of(answer.pieces)
    return answer


def _select(pieces: PieceList, first: str, last: str) -> Selection:
    """From the first character of `first` to the last of `last`, each within one row."""
    rows = [strip.text for _, _, strip in pieces.rows(0, pieces.row_count - 1)]
    top = next(row for row, text in enumerate(rows) if first in text)
    bottom = next(row for row, text in enumerate(rows) if last in text and row >= top)
    return Selection(Offset(rows[top].index(first), top), Offset(rows[bottom].index(last) + len(last), bottom))


def _hold(pieces: PieceList, first: str, last: str) -> HeldText:
    held = hold(pieces, _select(pieces, first, last))
    assert held is not None
    return held


def _text(pieces: PieceList, held: HeldText) -> str:
    found = find(pieces, held)
    assert found is not None
    return selected_text(pieces, found)


@pytest.mark.parametrize("is_wrapped", [True, False])
@pytest.mark.parametrize("width", WIDTHS)
def test_what_is_copied_does_not_depend_on_how_it_is_wrapped(width: int, is_wrapped: bool) -> None:
    pieces = _answer(DOCUMENT, width, is_wrapped=is_wrapped).pieces
    whole = selected_text(pieces, Selection(None, None)).split("\n")
    assert (
        "A paragraph with strong words, a link (https://example.org/a?b=c), 日本語 and e\u0301 that is wrapped."
        in whole
    )
    assert " • an item that is long enough to be wrapped over more than one row of the screen" in whole
    assert "quoted words that are also long enough to be wrapped over more than a row" in whole
    code = whole.index("python")
    assert whole[code + 1 : code + 5] == [
        "def f(x):",
        '    return "a string that is long enough to be wrapped or to be shown through a window"',
        "",
        "    # indented, behind an empty line",
    ]
    assert "copy" not in "".join(whole)


def test_a_label_without_a_word_is_no_line() -> None:
    pieces = _answer("above\n\n```\ncode\n```\n", 40).pieces
    assert selected_text(pieces, Selection(None, None)) == "above\n\ncode"


def test_a_part_of_a_row_and_of_another() -> None:
    pieces = _answer(DOCUMENT, 40).pieces
    assert _text(pieces, _hold(pieces, "heading", "strong")) == "heading\n\nA paragraph with strong"
    assert _text(pieces, _hold(pieces, "return", "return")) == "return"
    assert _text(pieces, _hold(pieces, "    return", "return")) == "    return"


@pytest.mark.parametrize(
    ("first", "last"),
    [("heading", "heading"), ("strong", "quoted"), ("def f", "return"), ("    # ind", "empty"), ("one", "end")],
)
def test_it_is_the_same_text_at_every_width(first: str, last: str) -> None:
    answer = _answer(DOCUMENT, 70)
    held = _hold(answer.pieces, first, last)
    text = _text(answer.pieces, held)
    assert text.startswith(first)
    assert text.endswith(last)
    for width in (40, 31, 100, 70):
        answer.resize(width)
        rows_of(answer.pieces)
        assert _text(answer.pieces, held) == text


@pytest.mark.parametrize("size", [1, 4, 33])
def test_it_is_the_same_text_while_more_arrives_and_when_it_settles(size: int) -> None:
    """Selected as soon as it is there: in the tail, which becomes several pieces."""
    answer = StreamedAnswer(40)
    held: dict[str, HeldText] = {}
    words = ("A heading", "strong", "an item", "def f", "    return", "# indented", "The end")
    for start in range(0, len(DOCUMENT), size):
        answer.receive(DOCUMENT[start : start + size])
        answer.paint()
        shown = [strip.text[slice(*source_range(strip))] for _, _, strip in answer.pieces.rows(0, 10_000)]
        for word in words:
            if word not in held and any(f"{word} " in text or f"{word}(" in text for text in shown):
                held[word] = _hold(answer.pieces, word, word)
        for word, place in held.items():
            assert _text(answer.pieces, place) == word
    answer.end()
    assert len(held) >= 5
    for word, place in held.items():
        assert _text(answer.pieces, place) == word


def test_the_caret_is_never_copied() -> None:
    answer = StreamedAnswer(40)
    for text in ("Some words", "\n\n```\nand code"):
        answer.receive(text)
        answer.paint()
        shown = [strip.text for _, _, strip in answer.pieces.rows(0, 100)]
        assert "▍" in shown[-1]
        assert "▍" not in selected_text(answer.pieces, Selection(None, None))


def test_what_is_gone_or_folded_is_not_selected() -> None:
    answer = _answer(DOCUMENT, 40)
    held = _hold(answer.pieces, "strong", "words")
    answer.pieces[1].is_hidden = True
    answer.pieces.changed(1)
    assert find(answer.pieces, held) is None
    answer.pieces.truncate(1)
    assert find(answer.pieces, held) is None
    assert hold(answer.pieces, Selection(None, None)) is None
    assert hold(answer.pieces, Selection(Offset(0, 0), Offset(3, 500))) is None


@pytest.mark.parametrize(
    ("text", "cell", "found"),
    [
        ("abc", 0, "a"),
        ("abc", 2, "c"),
        ("abc", 3, ""),
        ("abc", -1, ""),
        ("日本語", 3, "本"),
        ("日本語", 4, "語"),
        ("x👩\u200d🚀y", 1, "👩\u200d🚀"),
        ("x👩\u200d🚀y", 2, "👩\u200d🚀"),
        ("x👩\u200d🚀y", 3, "y"),
        ("e\u0301x", 0, "e\u0301"),
        ("e\u0301x", 1, "x"),
        ("שלום", 1, "ל"),
    ],
)
def test_the_characters_in_a_cell(text: str, cell: int, found: str) -> None:
    start, end = characters_at(Strip([Segment(text)]), cell)
    assert text[start:end] == found


def test_padding_is_not_text() -> None:
    row = next(s for _, _, s in _answer(DOCUMENT, 70).pieces.rows(0, 100) if "def f" in s.text)
    assert [row.text[slice(*characters_at(row, cell))] for cell in (0, 2, 3, 4, 11, 12, 40, 69)] == [
        "", "", "d", "e", ":", "", "", ""
    ]  # fmt: skip


def test_a_window_that_was_moved_shows_other_characters() -> None:
    pieces = _answer(DOCUMENT, 40, is_wrapped=False).pieces
    row = next(s for _, _, s in pieces.rows(0, 100) if "return" in s.text)
    assert row.text[slice(*characters_at(row, cell_in_row(row, 7, 0)))] == "r"
    assert row.text[slice(*characters_at(row, cell_in_row(row, 7, 8)))] == '"a string'[1]
    assert cell_in_row(row, 1, 8) == 1


def test_words_and_orders() -> None:
    row = Strip([Segment("one two_3, e\u0301te\u0301")])
    assert [row.text[slice(*word_at(row, char))] for char in (0, 3, 5, 9, 12)] == [
        "one", " ", "two_3", ",", "e\u0301te\u0301"
    ]  # fmt: skip
    one, other = (3, 4, 5), (2, 8, 9)
    assert between(one, other) == between(other, one) == Selection(Offset(8, 2), Offset(5, 3))
