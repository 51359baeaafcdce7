"""What holds for the cleaner whatever the text and however it is cut."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from chat_tui.core.sanitize import HIDDEN_MARKER, TextCleaner, clean
from tests.support.payloads import LEGITIMATE, PAYLOADS

SPECIAL = [
    *map(chr, range(0xA1)),
    *"\xad\u034f\u061c\u180b\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202e\u2060\u2066\ufe00\ufe0f\ufeff",
    *"\ud83d\ude00\udb40\udc41\ud800\udfff\U0001f3f4\U000e0067\U000e0062\U000e007f\U000e0041\U000e0100",
    *"मক\u0641می葛ខᠠל😀❤🏽aZ0#😀\u2426\u241b\ufffd\u17b4",
]
TEXTS = st.one_of(
    st.lists(st.sampled_from(SPECIAL), max_size=30).map("".join),
    st.text(st.characters(), max_size=30),
    st.text(st.characters(categories=("Cc", "Cf", "Cs", "Mn", "So", "Lo", "Zl", "Zp")), max_size=30),
    st.sampled_from([*(payload.text for payload in PAYLOADS), *LEGITIMATE.values()]),
)
STREAMS = st.lists(TEXTS, min_size=1, max_size=4).map("".join)
MARKERS = {HIDDEN_MARKER, "\N{REPLACEMENT CHARACTER}", "\n", *map(chr, range(0x2400, 0x2422))}
INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def visible(text: str) -> str:
    """What a reader can see of it: the rest may be replaced, these may not be lost, added or moved."""
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return "".join(
        character
        for character in joined
        if character not in MARKERS
        and unicodedata.category(character) not in INVISIBLE
        and character not in "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0"
        and not 0xFE00 <= ord(character) <= 0xFE0F
        and not 0xE0000 <= ord(character) <= 0xE0FFF
        and not 0xFFF0 <= ord(character) <= 0xFFF8
        and ord(character) != 0x2065
    )


def pieces_of(text: str, cuts: list[int]) -> list[str]:
    edges = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[start:end] for start, end in pairwise(edges)]


@settings(max_examples=300, deadline=None)
@given(STREAMS, st.lists(st.integers(0, 10_000), max_size=8))
def test_any_cutting_gives_the_same(text: str, cuts: list[int]) -> None:
    whole = TextCleaner()
    expected = whole.feed(text) + whole.flush()
    piecewise = TextCleaner()
    assert "".join(map(piecewise.feed, pieces_of(text, cuts))) + piecewise.flush() == expected
    assert piecewise.hidden_chars == whole.hidden_chars


@settings(max_examples=300, deadline=None)
@given(STREAMS)
def test_nothing_harmful_comes_out(text: str) -> None:
    cleaned = clean(text)
    assert all(
        character in "\n\t" or unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}
        for character in cleaned
    )
    assert cleaned.splitlines() == cleaned.removesuffix("\n").split("\n") or not cleaned
    assert not set(cleaned) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\u2060\xad")


@settings(max_examples=300, deadline=None)
@given(STREAMS)
def test_nothing_that_can_be_seen_is_lost(text: str) -> None:
    assert visible(clean(text)) == visible(text)


@settings(max_examples=300, deadline=None)
@given(STREAMS)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=200))
def test_plain_ascii_is_untouched(text: str) -> None:
    assert clean(text) == text
