"""Rows of conversations as text: ages, sizes, marks, and what gives way where there is no room."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from chat_tui.ui.widgets.ages import age_text
from chat_tui.ui.widgets.conversation_list import Entry, Tone, size_text, title_line, words_line
from tests.support.library import DAY_S, HOUR_S, NOW_S, SHELF, row

ANY_TEXT = st.text(st.characters() | st.sampled_from("東京\u0301\u202e\x1b\ud83d\n\t "), max_size=60)


@pytest.mark.parametrize(
    ("age_s", "text"),
    [
        (-500.0, "now"),
        (59.0, "now"),
        (60.0, "1 min"),
        (3_599.0, "59 min"),
        (HOUR_S, "1 h"),
        (DAY_S - 1, "23 h"),
        (DAY_S, "Wed"),
        (5 * DAY_S, "Sat"),
        (6 * DAY_S, "6 Mar"),
        (80 * DAY_S, "Dec 2025"),
        (NOW_S, ""),
        (NOW_S + 5, ""),
        (-1e18, "now"),
    ],
)
def test_ages(age_s: float, text: str) -> None:
    assert age_text(NOW_S - age_s, NOW_S) == text


def test_a_time_no_calendar_has_is_none() -> None:
    assert age_text(1.0, 1e300) == ""


@pytest.mark.parametrize(
    ("chars", "text"),
    [(0, "0 chars"), (999, "999 chars"), (1_000, "1.0k chars"), (9_960, "10k chars"), (999_499, "999k chars"),
     (999_500, "1.0M chars"), (12_000_000, "12M chars"), (3_000_000_000, "3.0G chars")],
)  # fmt: skip
def test_sizes(chars: int, text: str) -> None:
    assert size_text(chars) == text


@given(ANY_TEXT, ANY_TEXT, st.integers(10, 130), st.data())
def test_lines_have_exactly_the_width(title: str, snippet: str, width: int, data: st.DataObject) -> None:
    edges = sorted(data.draw(st.lists(st.integers(0, len(snippet)), max_size=4)))
    spans = tuple(zip(edges[::2], edges[1::2], strict=False))
    entry = Entry(row(1, title, preview=snippet), title, data.draw(st.sampled_from([0, 7])), snippet, spans)
    for line in (title_line(entry, width, NOW_S), words_line(entry, width)):
        text = "".join(part for part, _ in line)
        assert cell_len(text) == width
        assert not {"\x1b", "\u202e", "\n", "\t"} & set(text)


def test_marks_are_on_what_was_found() -> None:
    snippet = "one\r\ntwo \x1b[1mthree two"
    entry = Entry(SHELF[0], SHELF[0].title, 7, snippet, ((5, 8), (19, 22)))
    assert [text for text, tone in words_line(entry, 100) if tone is Tone.MATCH] == ["two", "two"]


def test_a_title_found_is_marked_in_the_title() -> None:
    entry = Entry(SHELF[0], SHELF[0].title, 0, "Streaming basics", ((0, 6),))
    assert ("Stream", Tone.MATCH) in title_line(entry, 100, NOW_S)
    assert any("reconnects" in text for text, _ in words_line(entry, 100))


def test_no_title_is_said() -> None:
    assert ("Untitled", Tone.TITLE) in title_line(Entry(SHELF[1], " \n"), 100, NOW_S)
