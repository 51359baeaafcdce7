"""What the terminal sends becomes keys and pastes; a paste is text, whatever is in it and however it is cut."""

from __future__ import annotations

import sys

import pytest

if sys.platform == "win32":
    pytest.skip("a driver for Unix terminals", allow_module_level=True)

from hypothesis import given
from hypothesis import strategies as st
from textual.events import Key, Paste

from chat_tui.ui.driver import PasteReader, make_parser

START, END = "\x1b[200~", "\x1b[201~"


def read(*pieces: str) -> tuple[str, list[str]]:
    """The keys and the pastes of an input that comes in these pieces."""
    reader = PasteReader()
    keys: list[str] = []
    pastes: list[str] = []
    for piece in pieces:
        for found in reader.feed(piece):
            if isinstance(found, Paste):
                pastes.append(found.text)
            else:
                keys.append(found)
    return "".join(keys), pastes


def test_keys_pass_unchanged() -> None:
    assert read("a\x1b", "[A", "\x1b") == ("a\x1b[A\x1b", [])


def test_a_paste_is_taken_out() -> None:
    assert read(f"a{START}one\r\ntwo{END}b") == (f"a{START}{END}b", ["one\r\ntwo"])


@pytest.mark.parametrize("cut", range(1, len(f"a{START}x\x1by{END}b")))
def test_marks_cut_anywhere(cut: int) -> None:
    whole = f"a{START}x\x1by{END}b"
    assert read(whole[:cut], whole[cut:]) == (f"a{START}{END}b", ["x\x1by"])


@given(st.lists(st.text("\x1b[20~1a\x11", max_size=8), max_size=8))
def test_no_way_of_cutting_changes_anything(pieces: list[str]) -> None:
    pieces = [START, *pieces, END, "rest"]
    assert read(*pieces) == read("".join(pieces))


def test_a_paste_without_an_end_is_not_lost() -> None:
    reader = PasteReader()
    assert list(reader.feed(f"{START}half")) == [START + END]
    assert reader.is_open
    assert reader.close().text == "half"
    assert not reader.is_open
    assert list(reader.feed("k")) == ["k"]


def test_a_paste_of_a_megabyte_in_small_reads() -> None:
    text = "x" * 1_000_000
    whole = START + text + END
    pieces = [whole[at : at + 1000] for at in range(0, len(whole), 1000)]
    assert read(*pieces)[1] == [text]


def test_the_parser_reads_keys() -> None:
    """Textual's parser is where it was and takes what the reader leaves of a paste."""
    messages = list(make_parser().feed(f"a{START}{END}\x1b[A"))
    assert [m.key for m in messages if isinstance(m, Key)] == ["a", "up"]
    assert [m.text for m in messages if isinstance(m, Paste)] == [""]
