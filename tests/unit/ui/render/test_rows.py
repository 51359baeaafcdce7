"""Windows on rows that are wider than the screen: what is seen, what is marked as hidden, what never moves."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from chat_tui.ui.render.rows import SourceRow, Window, hidden_cells, source_range, windowed

FILL, MARK = Style(bgcolor="blue"), Style(dim=True)
PADDED = Window(("code",), 10, 3, 2, FILL, MARK)
BARE = Window(("table",), 10, 0, 0, None, MARK)


def _row(text: str, window: Window, prefix: str = "") -> SourceRow:
    pad = " " * window.pad_left
    cells = len(prefix) + len(pad)
    return SourceRow(
        [Segment(prefix), Segment(pad, FILL), Segment(text)],
        cells + cell_len(text),
        start=cells,
        end=cells + len(text),
        lead_cells=cells,
        window=window,
    )


def _seen(text: str, window: Window, shift: int, prefix: str = "") -> str:
    strip = windowed(_row(text, window, prefix), window, shift)
    assert strip.cell_length == cell_len(strip.text)
    return strip.text


@pytest.mark.parametrize(
    ("shift", "seen"),
    [
        (0, "   abcdefghij› "),
        (1, " ‹ bcdefghijk› "),
        (15, " ‹ pqrstuvwxy› "),
        (16, " ‹ qrstuvwxyz  "),
        (24, " ‹ yz          "),
        (40, " ‹             "),
    ],
)
def test_marks_stand_in_the_padding(shift: int, seen: str) -> None:
    assert _seen("abcdefghijklmnopqrstuvwxyz", PADDED, shift) == seen


@pytest.mark.parametrize(
    ("shift", "seen"), [(0, "abcdefghi›"), (1, "‹cdefghij›"), (15, "‹qrstuvwx›"), (16, "‹rstuvwxyz"), (40, "‹")]
)
def test_without_padding_marks_take_a_cell(shift: int, seen: str) -> None:
    assert _seen("abcdefghijklmnopqrstuvwxyz", BARE, shift) == seen


def test_every_cell_can_be_seen() -> None:
    for window in (PADDED, BARE):
        text = "abcdefghijklmnopqrstuvwxyz"
        seen = {letter for shift in range(17) for letter in _seen(text, window, shift)}
        assert seen >= set(text)


def test_what_fits_has_no_marks_and_an_empty_line_hides_nothing() -> None:
    assert _seen("abcdefghij", PADDED, 0) == "   abcdefghij  "
    assert _seen("", PADDED, 8) == " " * 15
    assert _seen("", BARE, 8) == ""
    assert hidden_cells(_row("abcdefghij", PADDED)) == 0
    assert hidden_cells(_row("abcdefghijk", PADDED)) == 1


def test_what_stands_before_the_block_stays() -> None:
    assert _seen("abcdefghijklmn", PADDED, 4, "▎ ") == "▎  ‹ efghijklmn  "
    assert _seen("abcdefghijklmn", BARE, 4, "▎ ") == "▎ ‹fghijklmn"


@pytest.mark.parametrize("shift", range(12))
@pytest.mark.parametrize(
    "text", ["日本語" * 6, "a日b本c語" * 4, "👩\u200d🚀x" * 6, "e\u0301x" * 12, "נוסח עברי ארוך מאוד"]
)
def test_half_a_character_is_a_blank(text: str, shift: int) -> None:
    for window in (PADDED, BARE):
        seen = _seen(text, window, shift)
        assert cell_len(seen) <= 10 + window.pad_left + window.pad_right
        letters = seen.replace("‹", "").replace("›", "").strip().replace(" ", "")
        assert letters in text.replace(" ", "")


def test_styles_are_kept_and_the_background_reaches_the_edge() -> None:
    red = Style(color="red")
    row = SourceRow(
        [Segment("   ", FILL), Segment("abc", red), Segment("defghijklmnop")],
        19,
        start=3,
        end=19,
        lead_cells=3,
        window=PADDED,
    )
    strip = windowed(row, PADDED, 2)
    assert [(text, style) for text, style, _ in strip] == [
        (" ‹ ", MARK), ("c", red), ("defghijkl", None), ("› ", MARK)
    ]  # fmt: skip
    assert list(windowed(_row("ab", PADDED), PADDED, 0))[-1] == Segment(" " * 10, FILL)


def test_a_row_knows_its_text_behind_a_prefix() -> None:
    row = _row("text", PADDED).behind([Segment("▎ ")], 2)
    assert row.text[slice(*source_range(row))] == "text"
    assert row.lead_cells == 5
    assert row.with_segments([*row, Segment("▍")], row.cell_length + 1).end == row.end
    assert row == _row("text", PADDED, "▎ ").with_segments(list(row))
    assert row != row.with_segments([*row, Segment("x")])
    assert row != _row("text", BARE)
