"""Numbers as short, steady texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from chat_tui.ui.widgets.gauges import count_text, duration_text, fit, latency_text, rate_text, stream_strip


@pytest.mark.parametrize(
    ("arrivals", "strip"),
    [
        ((), ""),
        ((0, 0, 0), "   "),
        ((1, 2, 3, 4), "⣤⣶⣿⣿"),
        ((0.5, 0, 4), "⣀ ⣿"),
        ((0, 4, 8, 12, 16), " ⣤⣶⣿⣿"),
        ((1, 100), "⣀⣿"),
    ],
)
def test_strip(arrivals: tuple[float, ...], strip: str) -> None:
    assert stream_strip(arrivals) == strip


@given(st.lists(st.floats(min_value=0, max_value=1e9), max_size=40))
def test_strip_has_one_cell_per_slot_and_holes_only_where_nothing_came(arrivals: list[float]) -> None:
    strip = stream_strip(arrivals)
    assert cell_len(strip) == len(arrivals)
    assert [mark == " " for mark in strip] == [tokens == 0 for tokens in arrivals]


@pytest.mark.parametrize(
    ("latency_s", "text"),
    [
        (-1, "0 ms"),
        (0, "0 ms"),
        (0.212, "212 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.0 s"),
        (2, "2.0 s"),
        (9.96, "10 s"),
        (75.4, "75 s"),
        (300, "300 s"),
        (1200, "20 min"),
    ],
)
def test_latency(latency_s: float, text: str) -> None:
    assert latency_text(latency_s) == text


@pytest.mark.parametrize(
    ("duration_s", "text"),
    [(-1, "0.0 s"), (8.12, "8.1 s"), (59.94, "59.9 s"), (59.96, "1:00"), (125, "2:05"), (3725, "1:02:05")],
)
def test_duration(duration_s: float, text: str) -> None:
    assert duration_text(duration_s) == text


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0, "0.0"), (4.21, "4.2"), (9.96, "10"), (48.3, "48"), (999.4, "999"), (999.6, "1k"), (1234, "1.23k")],
)
def test_rate(rate: float, text: str) -> None:
    assert rate_text(rate) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (412, "412"), (12_345, "12,345"), (123_456, "123k"), (999_600, "1.0M"), (2_340_000, "2.3M")],
)
def test_count(count: int, text: str) -> None:
    assert count_text(count) == text


@given(st.floats(min_value=0, max_value=1e7))
def test_texts_keep_their_width(number: float) -> None:
    assert cell_len(latency_text(number)) <= 6
    assert cell_len(duration_text(min(number, 35_999))) <= 7
    assert cell_len(rate_text(min(number, 999_000))) <= 5
    assert cell_len(count_text(int(number))) <= 6


@pytest.mark.parametrize(
    ("text", "cells", "fitted"),
    [
        ("short", 10, "short"),
        ("exactly", 7, "exactly"),
        ("too long for it", 8, "too lon…"),
        ("cut at a space", 5, "cut…"),
        ("anything", 1, "…"),
        ("anything", 0, ""),
        ("日本語です", 10, "日本語です"),
        ("日本語です", 6, "日本…"),
    ],
)
def test_fit(text: str, cells: int, fitted: str) -> None:
    assert fit(text, cells) == fitted


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Cf"))), st.integers(0, 30))
def test_fit_never_exceeds(text: str, cells: int) -> None:
    assert cell_len(fit(text, cells)) <= cells
