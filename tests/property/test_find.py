"""Matches are what the words are, wherever text is folded, wrapped or marked up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chat_tui.core.find import Query, Row, RowText, Source
from chat_tui.ui.render.blocks import RenderContext
from chat_tui.ui.render.inline import inline_spans, plain_text
from chat_tui.ui.render.wrap import wrap_ranges
from chat_tui.ui.theme import THEMES

LETTERS = st.text("aAbß İıſKﬁσςΣ日本\u0301 e", max_size=40)
WORDS = st.text("aAbß İıſKﬁσςΣ日本\u0301 e", min_size=1, max_size=4)
MARKUP = st.text("ab*_`~[]()<>\\&;#1 \n", max_size=40)
CONTEXT = RenderContext(80, 80, THEMES["dark"].styles)


@given(WORDS, LETTERS)
def test_matches_are_what_was_looked_for(words: str, text: str) -> None:
    query = Query(words)
    last = 0
    for start, end in query.find(text):
        assert last <= start < end <= len(text)
        last = end
        found = text[start:end]
        assert words == found if query.is_exact else words.casefold() in found.casefold()


@given(WORDS, LETTERS)
def test_there_is_a_match_exactly_if_the_words_are_in_the_text(words: str, text: str) -> None:
    query = Query(words)
    is_there = words in text if query.is_exact else words.casefold() in text.casefold()
    assert bool(query.find(text)) is (is_there and not query.is_empty)


@given(WORDS, LETTERS, st.integers(2, 12))
def test_wrapping_neither_hides_nor_invents_a_match(words: str, text: str, width: int) -> None:
    text = " ".join(text.split())
    query = Query(" ".join(words.split()))
    ranges = wrap_ranges(text, width)
    rows = [
        Row(text[start:end], 0, text[ranges[number - 1][1] : start] if number else "\n")
        for number, (start, end) in enumerate(ranges)
    ]
    matches = query.find_in_rows(RowText(rows))
    shown = [(ranges[m[0].row][0] + m[0].start, ranges[m[-1].row][0] + m[-1].end) for m in matches]
    assert shown == query.find(text)
    for match in matches:
        assert [span.row for span in match] == list(range(match[0].row, match[-1].row + 1))
        assert all(span.start < span.end for span in match)


@given(st.data(), MARKUP)
def test_what_is_drawn_from_a_source_may_be_in_it(data: st.DataObject, source: str) -> None:
    drawn = plain_text(inline_spans(source, CONTEXT.styles.text, CONTEXT))
    if not drawn.strip():
        return
    start = data.draw(st.integers(0, len(drawn) - 1))
    end = data.draw(st.integers(start + 1, len(drawn)))
    assert Source(source).may_contain(Query(drawn[start:end]))
