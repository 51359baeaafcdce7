"""The cleaner against the hostile corpus and against honest writing."""

from __future__ import annotations

import unicodedata

import pytest

from chat_tui.core.sanitize import HIDDEN_MARKER, TextCleaner, clean, clean_line
from tests.support.payloads import LEGITIMATE, PAYLOADS, Payload

# Format characters with a glyph of their own, or that shape the signs around them.
VISIBLE_FORMAT = {
    *range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x13430, 0x13440),
}  # fmt: skip


def hidden_count(text: str) -> int:
    cleaner = TextCleaner()
    cleaner.feed(text)
    cleaner.flush()
    return cleaner.hidden_chars


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: payload.name)
def test_hostile_text_is_harmless_and_its_words_stay(payload: Payload) -> None:
    cleaned = clean(payload.text)
    assert not [
        hex(ord(character))
        for character in cleaned
        if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} and character not in "\n\t"
    ]
    for word in payload.words:
        assert word in cleaned
    assert bool(hidden_count(payload.text)) == payload.has_hidden
    assert (HIDDEN_MARKER in cleaned) == payload.has_hidden


def test_the_corpus_is_large_and_its_names_are_unique() -> None:
    assert len(PAYLOADS) >= 48
    assert len({payload.name for payload in PAYLOADS}) == len(PAYLOADS)


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: payload.name)
def test_a_payload_cut_anywhere_gives_the_same(payload: Payload) -> None:
    whole = clean(payload.text)
    for cut in range(len(payload.text) + 1):
        cleaner = TextCleaner()
        pieces = cleaner.feed(payload.text[:cut]) + cleaner.feed(payload.text[cut:]) + cleaner.flush()
        assert pieces == whole
        assert cleaner.hidden_chars == hidden_count(payload.text)


@pytest.mark.parametrize("name", LEGITIMATE)
def test_honest_writing_is_not_altered(name: str) -> None:
    text = LEGITIMATE[name]
    assert clean(text) == text
    assert hidden_count(text) == 0
    cleaner = TextCleaner()
    assert "".join(map(cleaner.feed, text)) + cleaner.flush() == text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("a\r\nb\rc\n", "a\nb\nc\n"),
        ("a\x85b\u2028c\u2029d", "a\nb\nc\nd"),
        ("\x1b[31mred", "␛[31mred"),
        ("\x0crac{1}{2} \x0bec \x08eta", "␌rac{1}{2} ␋ec ␈eta"),
        ("\x00\x1f\x7f", "␀␟␡"),
        ("\x9b2J", "\ufffd2J"),
        ("\ud83d\ude00", "😀"),
        ("\ud83d!", "\ufffd!"),
        ("tab\tstays", "tab\tstays"),
        ("pass\u200bword", f"pass{HIDDEN_MARKER}word"),
        ("x\U000e0041", f"x{HIDDEN_MARKER}"),
        ("\udb40\udc41", HIDDEN_MARKER),
        ("\u202eabc", f"{HIDDEN_MARKER}abc"),
        ("😀\ufe0f\ufe0f", f"😀\ufe0f{HIDDEN_MARKER}"),
        ("\x1b\ufe0f", f"␛{HIDDEN_MARKER}"),
    ],
)
def test_each_kind_has_its_replacement(raw: str, shown: str) -> None:
    assert clean(raw) == shown


def test_every_invisible_character_of_unicode_is_marked_in_latin_text() -> None:
    missed = [
        hex(code)
        for code in range(0x110000)
        if unicodedata.category(chr(code)) == "Cf"
        and code not in VISIBLE_FORMAT
        and chr(code) not in "\u061c\u200e\u200f"
        and clean(f"a{chr(code)}b") != f"a{HIDDEN_MARKER}b"
    ]
    assert missed == []


def test_only_what_cannot_be_decided_is_held_back() -> None:
    cleaner = TextCleaner()
    assert cleaner.feed("a\r") == "a\n"
    assert cleaner.feed("\nb\x1b") == "b␛"
    assert cleaner.feed("c\ud83d") == "c"
    assert cleaner.feed("\ude00") == "😀"
    assert cleaner.feed("می\u200c") == "می"
    assert cleaner.feed("خ") == "\u200cخ"
    assert cleaner.feed("🏴\U000e0067\U000e0062") == "🏴"
    assert cleaner.feed("!") == f"{HIDDEN_MARKER * 2}!"
    assert cleaner.feed("\ud83d") == ""
    assert cleaner.flush() == "\ufffd"
    assert cleaner.flush() == ""


def test_after_a_flush_a_new_text_begins() -> None:
    cleaner = TextCleaner()
    cleaner.feed("a\r")
    cleaner.flush()
    assert cleaner.feed("\nb") == "\nb"


def test_clean_line() -> None:
    assert clean_line("  bad\r\nrequest:\t\x1b[2Jcode  ") == "bad request: ␛[2Jcode"
    assert clean_line("abcdef", max_chars=4) == "abc…"
    assert clean_line("abcd", max_chars=4) == "abcd"
    assert clean_line("\n \t") == ""
