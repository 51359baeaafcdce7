"""However an answer is cut into deltas and frames, the final screen is that of the whole document, and no word of
it is missing. CommonMark's examples, our own answers, and answers that interleave with their reasoning."""

from __future__ import annotations

import html
import itertools
import json
import os
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat_tui.core.conversation import Message, Role, TextPart
from chat_tui.ui.widgets.answer_view import AnswerView
from chat_tui.ui.widgets.piece_list import PieceList
from tests.support.answer_rows import (
    COMPLETE,
    Row,
    StreamedAnswer,
    make_layout,
    rows_of,
    streamed_rows,
    text_of,
    whole_rows,
)

ROOT = Path(__file__).parents[2]
CORPORA = Path(os.environ.get("CHAT_TUI_CORPORA") or ROOT.parent / "shared/corpora")
EXAMPLES = CORPORA / "commonmark-0.31.2.json"
WIDTHS = (100, 60)

_WORD = re.compile(r"[^\W_]+")
_PURE_SYNTAX = re.compile(r"(?m)^([ \t>]*(?:[-*+]|\d+[.)])[ \t]+)\[[xX]\]|<br ?/?>|(?<=\])\[[^\]]*\]")
"""Task boxes and line breaks are drawn, the label in `[words][label]` stands with its definition."""


@pytest.fixture(scope="module", params=["commonmark", "answers"])
def documents(request: pytest.FixtureRequest) -> list[str]:
    if request.param == "answers":
        paths = sorted((ROOT / "tests/corpora/answers").glob("*.md"))
        return [path.read_bytes().decode() for path in paths]
    if not EXAMPLES.exists():
        pytest.skip("CommonMark's examples are not here; CHAT_TUI_CORPORA names the folder they are in")
    return json.loads(EXAMPLES.read_text(encoding="utf-8"))


def by_chars(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def at_random(text: str, seed: int) -> list[str]:
    choose = random.Random(seed)
    pieces: list[str] = []
    start = 0
    while start < len(text):
        size = choose.choice((1, 1, 2, 3, 5, 8, 13, 40, 200))
        pieces.append(text[start : start + size])
        start += size
    return pieces


def sometimes(seed: int) -> Iterator[bool]:
    choose = random.Random(seed)
    while True:
        yield choose.random() < 0.2


def visible_chars(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def missing_words(source: str, rows: list[Row]) -> dict[str, int]:
    """How often each word of the source is missing. Entities count as what they stand for, on both sides: in code
    they are shown as they are written."""
    shown = visible_chars(html.unescape(text_of(rows).replace("\n", "")))
    words = Counter(_WORD.findall(html.unescape(_PURE_SYNTAX.sub(r"\1", source)).casefold()))
    absent = {word: count - shown.count(word) for word, count in words.items() if shown.count(word) < count}
    lines = [visible_chars(line) for line in text_of(rows).split("\n")]
    return {word: count for word, count in absent.items() if not is_broken_in_a_column(word, lines)}


def is_broken_in_a_column(word: str, lines: list[str]) -> bool:
    """Whether its parts stand in successive rows: a narrow column of a table, with other columns beside it."""

    def goes_on(rest: str, at: int) -> bool:
        return not rest or (
            at < len(lines)
            and any(goes_on(rest[size:], at + 1) for size in range(len(rest), 0, -1) if rest[:size] in lines[at])
        )

    return any(
        word[:size] in lines[at] and goes_on(word[size:], at + 1)
        for at in range(len(lines))
        for size in range(1, len(word))
    )


def test_there_are_enough_documents(documents: list[str]) -> None:
    assert len(documents) == 652 or len(documents) >= 60
    assert all(documents[:-1])


@pytest.mark.parametrize("width", WIDTHS)
def test_any_cutting_ends_in_the_screen_of_the_whole_document(documents: list[str], width: int) -> None:
    different: list[tuple[int, str]] = []
    for number, text in enumerate(documents, 1):
        whole = whole_rows(text, width)
        always = itertools.repeat(True)
        streams = {
            "by character, each painted": streamed_rows(text, width, always),
            "by character, sometimes painted": streamed_rows(text, width, sometimes(number)),
            "by four, each painted": streamed_rows(by_chars(text, 4), width, always),
            "at random, each painted": streamed_rows(at_random(text, number), width, always),
            "at random, sometimes painted": streamed_rows(at_random(text, -number), width, sometimes(number)),
        }
        different += [(number, name) for name, rows in streams.items() if rows != whole]
    assert different == []


def test_rows_that_stay_whole_end_as_those_of_the_whole_document(documents: list[str]) -> None:
    different: list[int] = []
    for number, text in enumerate(documents, 1):
        whole = whole_rows(text, 44, is_wrapped=False)
        always, now_and_then = itertools.repeat(True), sometimes(number)
        one = streamed_rows(by_chars(text, 4), 44, always, is_wrapped=False)
        other = streamed_rows(at_random(text, number), 44, now_and_then, is_wrapped=False)
        if not one == other == whole:
            different.append(number)
    assert different == []


@pytest.mark.parametrize("is_wrapped", [True, False])
@pytest.mark.parametrize("width", WIDTHS)
def test_no_visible_word_is_missing(documents: list[str], width: int, is_wrapped: bool) -> None:
    missing = {
        number: words
        for number, text in enumerate(documents, 1)
        if (words := missing_words(text, whole_rows(text, width, is_wrapped=is_wrapped)))
    }
    assert missing == {}


def test_a_word_that_is_not_shown_is_found_missing() -> None:
    rows = whole_rows("one two", 60)
    assert missing_words("one two two three", rows) == {"two": 1, "three": 1}


def test_a_resize_on_the_way_and_after_it_leaves_no_trace(documents: list[str]) -> None:
    different: list[int] = []
    for number, text in enumerate(documents, 1):
        answer = StreamedAnswer(100)
        pieces = by_chars(text, max(1, len(text) // 6))
        for at, piece in enumerate(pieces):
            answer.receive(piece)
            answer.paint()
            if at == len(pieces) // 2:
                answer.resize(44)
        first = answer.end()
        answer.resize(100)
        wide = rows_of(answer.pieces)
        answer.resize(44)
        narrow = rows_of(answer.pieces)
        if not (first == narrow == whole_rows(text, 44) and wide == whole_rows(text, 100)):
            different.append(number)
    assert different == []


def test_history_is_shown_as_the_stream_was(documents: list[str]) -> None:
    different: list[int] = []
    for number, text in enumerate(documents, 1):
        pieces = PieceList(make_layout(60))
        message = Message(1, Role.ASSISTANT, (TextPart(text),), ending=COMPLETE)
        AnswerView(pieces, 1).fill(message)
        if rows_of(pieces) != whole_rows(text, 60):
            different.append(number)
    assert different == []


LATE_REFERENCES = {
    "paragraph": "See [the guide][g], [g] and ![a logo][l].\n\nMore.\n",
    "heading": "# About [the guide][g]\n\ntext\n",
    "list and quote": "- an item with [g]\n  - deeper [text][g]\n\n> quoted [g]\n> and [more][l]\n",
    "table": "| name | where |\n|---|---|\n| one | [the guide][g] |\n| two | [l] |\n\nafter\n",
    "long table": "| name | where |\n|---|---|\n" + "| row | [a long name][g] |\n" * 70 + "\nafter\n",
    "long paragraph": "word [g] and [more][l] " * 500 + "\n\nafter\n",
    "code is left alone": "```\n[g]\n```\n\nand `[g]` in code, [g] outside.\n",
}
DEFINITIONS = '\n[g]: https://guide.example/start "The guide"\n[l]: logo.png\n\nThe end.'


@pytest.mark.parametrize("name", LATE_REFERENCES)
@pytest.mark.parametrize("width", WIDTHS)
def test_definitions_that_come_after_their_use_end_in_links(name: str, width: int) -> None:
    text = LATE_REFERENCES[name] + DEFINITIONS
    whole = whole_rows(text, width)
    size = 1 if len(text) < 2_000 else 97
    assert streamed_rows(by_chars(text, size), width, itertools.repeat(True)) == whole
    assert streamed_rows(by_chars(text, size), width, sometimes(1)) == whole
    links = {style.meta.get("link") for row in whole for _, style in row if style is not None}
    assert "https://guide.example/start" in links


@pytest.mark.parametrize("tail", ["\u200d", "\ud83d", "\r", "\x1b", "\x1b[31", "👩\u200d", "🏴\U000e0067"])
def test_what_the_cleaner_holds_back_is_shown_at_the_end(tail: str) -> None:
    """Half a pair, half a flag, an escape sequence without its end: marks on the screen, in the history too."""
    whole = whole_rows(f"words{tail}", 60)
    assert streamed_rows(f"words{tail}", 60, itertools.repeat(True)) == whole
    pieces = PieceList(make_layout(60))
    AnswerView(pieces, 1).fill(Message(1, Role.ASSISTANT, (TextPart(f"words{tail}"),), ending=COMPLETE))
    assert rows_of(pieces) == whole
