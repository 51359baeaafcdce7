"""The terminal the tests look at shows what a real one would, however the output was cut on its way."""

from __future__ import annotations

from tests.support.terminal import Terminal


def terminal(*, is_synchronized: bool = False) -> Terminal:
    return Terminal([], {}, columns=8, rows=2, is_synchronized=is_synchronized)


def shown(screen: Terminal, data: bytes) -> str:
    screen.output += data
    return screen.lines[0]


def test_half_a_wide_character_is_blank_once_the_other_half_is_overwritten() -> None:
    screen = terminal()
    assert shown(screen, "\x1b[1;1H字字字".encode()) == "字字字"
    assert shown(screen, b"\x1b[1;1Ha") == "a 字字"
    assert shown(screen, b"\x1b[1;4Hb") == "a  b字"
    assert shown(screen, "\x1b[1;4H字".encode()) == "a  字"
    assert screen.cells[0][5].data == " "


def test_however_a_line_of_wide_characters_is_cut_it_can_be_shown() -> None:
    whole = "\x1b[1;1H字字字\x1b[1;1Ha字\x1b[31m字\x1b[1;1Habc字".encode()
    screen = terminal()
    for byte in whole:
        assert len(shown(screen, bytes([byte]))) <= 8
    assert screen.lines[0] == "abc字"


def test_where_frames_are_shown_as_a_whole_half_a_one_is_not_shown() -> None:
    screen = terminal(is_synchronized=True)
    seen = {shown(screen, bytes([byte])) for byte in b"\x1b[?2026h\x1b[1;1Hone\x1b[?2026l"}
    seen |= {shown(screen, bytes([byte])) for byte in b"\x1b[?2026h\x1b[1;1Htwo\x1b[1;5H!\x1b[?2026l\x1b[2;1H"}
    assert seen == {"", "one", "two !"}
    halves = {shown(terminal(), b"\x1b[?2026h\x1b[1;1Hon")}
    assert halves == {"on"}
