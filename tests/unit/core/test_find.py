"""Words are found where they are, in whatever case they may be in."""

from __future__ import annotations

import pytest

from chat_tui.core.find import MAX_WORDS_CHARS, Query, Row, RowText, Source, Span


def found(words: str, text: str) -> list[str]:
    return [text[start:end] for start, end in Query(words).find(text)]


@pytest.mark.parametrize(
    ("words", "text", "expected"),
    [
        ("bold", "Bold, bold and BOLD", ["Bold", "bold", "BOLD"]),
        ("Bold", "Bold, bold and BOLD", ["Bold"]),
        ("bOld", "Bold, bold", []),
        ("aa", "aaaaa", ["aa", "aa"]),
        ("a.c", "abc a.c", ["a.c"]),
        ("", "anything", []),
        ("   ", "a    b", []),
        ("not here", "nothing", []),
        ("strasse", "Die Straße, die STRASSE, die straße", ["Straße", "STRASSE", "straße"]),
        ("straße", "Die STRASSE", ["STRASSE"]),
        ("s", "ßs", ["ß", "s"]),
        ("ss", "sß", ["sß"]),
        ("i", "İi", ["İ", "i"]),
        ("İ", "İi", ["İ"]),
        ("istanbul", "İstanbul", []),
        ("tanbul", "İstanbul İSTANBUL", ["tanbul", "TANBUL"]),
        ("ﬁn", "ﬁnd FIND find", ["ﬁn", "FIN", "fin"]),
        ("σασ", "ΣΑΣ σας", ["ΣΑΣ", "σας"]),
        ("日本", "日本語は日本で", ["日本", "日本"]),
        ("a b", "a\u00a0b a\tb a\u202fb", ["a\u00a0b", "a\tb", "a\u202fb"]),
        ("a b", "a b", ["a b"]),
        ("a\tb", "a b", ["a b"]),
        ("👩", "x👩‍🔧y", ["👩"]),
    ],
)
def test_what_is_found(words: str, text: str, expected: list[str]) -> None:
    assert found(words, text) == expected


def test_places_behind_a_letter_that_folds_to_two() -> None:
    assert Query("end").find("ßßß end") == [(4, 7)]


def test_a_title_case_letter_is_a_capital() -> None:
    assert Query("ǅ").is_exact
    assert found("ǅ", "ǆ ǅ") == ["ǅ"]


def test_words_without_end_are_cut() -> None:
    assert Query("a" * 1_000).words == "a" * MAX_WORDS_CHARS


def rows(*texts: str, joint: str = " ") -> RowText:
    return RowText(Row(text, 0, joint if number else "\n") for number, text in enumerate(texts))


def test_across_a_wrapped_line() -> None:
    assert Query("bold text").find_in_rows(rows("some bold", "text here")) == [(Span(0, 5, 9), Span(1, 0, 4))]


def test_across_more_than_two_rows() -> None:
    assert Query("a bb c").find_in_rows(rows("x a", "bb", "c")) == [(Span(0, 2, 3), Span(1, 0, 2), Span(2, 0, 1))]


def test_not_across_a_break() -> None:
    assert Query("bold text").find_in_rows(rows("some bold", "text here", joint="\n")) == []


def test_not_as_one_word_where_a_space_was() -> None:
    assert Query("boldtext").find_in_rows(rows("some bold", "text here")) == []


def test_as_one_word_where_nothing_was_dropped() -> None:
    lines = rows("some bold", "text here", joint="")
    assert Query("boldtext").find_in_rows(lines) == [(Span(0, 5, 9), Span(1, 0, 4))]
    assert Query("bold text").find_in_rows(lines) == []


def test_a_row_that_begins_later() -> None:
    lines = RowText([Row("• one bold", 0), Row("text", 2, " ")])
    assert Query("bold text").find_in_rows(lines) == [(Span(0, 6, 10), Span(1, 2, 6))]


def test_wide_characters_are_wrapped_without_a_space() -> None:
    lines = rows("は日本", "語で", joint="")
    assert Query("日本語").find_in_rows(lines) == [(Span(0, 1, 3), Span(1, 0, 1))]
    assert Query("日本 語").find_in_rows(lines) == []


def test_several_spaces_where_a_line_was_wrapped_are_one() -> None:
    assert Query("a b").find_in_rows(rows("a", "b", joint="   ")) == [(Span(0, 0, 1), Span(1, 0, 1))]


def test_only_the_space_of_a_joint_is_no_match() -> None:
    assert Query("a ").find_in_rows(rows("a", "b")) == [(Span(0, 0, 1),)]


@pytest.mark.parametrize(
    ("words", "source"),
    [
        ("bold text", "some **bold** text"),
        ("unbelievable", "un**believ**able"),
        ("café", "caf&eacute; au lait"),
        ("a->b", "a-&gt;b"),
        ("->", "a -&gt; b"),
        ("•", "- item"),
        ("• item", "- item"),
        ("one two", "one\n> two"),
        ("foo bar", "foo\x85bar"),
        ("foo bar", "foo\u00a0bar"),
        ("see example.org now", "see [example.org](example.org) now"),
        ("text (http", "[text](http://x)"),
        ("text (http", "[text]\n\n[text]: http://x"),
        ("a b", "a<br>b"),
        ("strasse", "STRAẞE"),
        ("🎉", "so 🎉"),
        ("snake_case", "snake\\_case"),
        ("␛", "\x1b"),
    ],
)
def test_a_source_that_may_be_drawn_so(words: str, source: str) -> None:
    assert Source(source).may_contain(Query(words))


@pytest.mark.parametrize(
    ("words", "source"),
    [("bold text", "text in bold"), ("🎉", "nothing"), ("->", "a - b"), ("xyz", "x y [a][b] z"), ("日本", "日 語")],
)
def test_a_source_that_cannot_be(words: str, source: str) -> None:
    assert not Source(source).may_contain(Query(words))


def test_a_source_nobody_knows() -> None:
    assert Source("", is_unknown=True).may_contain(Query("anything"))
    assert Source("", is_unknown=True).may_contain(Query("->"))
