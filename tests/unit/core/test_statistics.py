"""Statistics computed by hand, and plots cell by cell."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_tui.core.cost import Cost, CostSum, PriceSource
from chat_tui.core.statistics import (
    bar,
    columns,
    comparison,
    percentile,
    sparkline,
    statistics_data,
    statistics_lines,
    statistics_of,
)

TODAY = 1_000_000.0


@dataclass(frozen=True)
class Turn:
    """An answer of yesterday unless told."""

    ttft_s: float | None = 0.5
    tokens_per_s: float | None = 50.0
    model: str = "p/m"
    started_at_s: float = TODAY - 1
    outcome: str = "complete"
    tokens: int = 100
    is_estimate: bool = False
    longest_gap_s: float | None = 0.2
    stalls: int = 0
    charge: Cost | None = None


def test_one_model_by_hand() -> None:
    turns = [Turn(ttft_s=number / 10, tokens_per_s=number * 10.0) for number in range(1, 21)]
    turns += [
        Turn(ttft_s=None, tokens_per_s=None, outcome="interrupted", tokens=0, stalls=2, longest_gap_s=31.0),
        Turn(ttft_s=2.0, tokens_per_s=None, outcome="stopped", tokens=1, is_estimate=True),
        Turn(ttft_s=None, tokens_per_s=None, tokens=999),
    ]
    (found,) = statistics_of(turns, TODAY)
    assert (found.answers, found.unmeasured, found.answers_today) == (22, 1, 0)
    assert (found.tokens, found.is_estimate) == (2_001, True)
    assert (found.stopped, found.interrupted, found.stalls, found.longest_gap_s) == (1, 1, 2, 31.0)
    assert (found.ttft_s.p50, found.ttft_s.p95) == (1.1, 2.0)
    assert (found.tokens_per_s.p50, found.tokens_per_s.p95) == (100.0, 190.0)
    assert found.ttft_s.today_p50 is found.ttft_s.today_ratio is None


def test_today_against_the_days_before() -> None:
    before = [Turn(ttft_s=value) for value in (0.4, 0.5, 0.6)]
    today = [Turn(ttft_s=value, started_at_s=TODAY) for value in (0.9, 1.0, 5.0)]
    (found,) = statistics_of(before + today, TODAY)
    assert found.ttft_s.today_p50 == 1.0
    assert found.ttft_s.today_ratio == 2.0
    assert found.tokens_per_s.today_ratio == 1.0
    (few,) = statistics_of(before + today[:2], TODAY)
    assert few.ttft_s.today_p50 == 0.9
    assert few.ttft_s.today_ratio is None
    (instant,) = statistics_of([Turn(ttft_s=0.0)] * 3 + today, TODAY)
    assert instant.ttft_s.today_ratio is None


def test_the_most_used_model_comes_first() -> None:
    found = statistics_of([Turn(model="b"), Turn(model="a"), Turn(model="b")], TODAY)
    assert [one.model for one in found] == ["b", "a"]
    assert statistics_of([], TODAY) == ()


@pytest.mark.parametrize(
    ("values", "width", "line"),
    [
        ([], 5, ""),
        ([0.0, 0.0], 5, "▁▁"),
        ([1.0, 2.0, 4.0, 8.0], 4, "▂▃▅█"),
        ([1.0, 1.0, 8.0, 8.0], 2, "▂█"),
        ([1.0, 2.0, 3.0], 0, ""),
        ([5.0], 9, "█"),
        ([-1.0, 1.0], 2, "▁█"),
    ],
)
def test_sparklines(values: list[float], width: int, line: str) -> None:
    assert sparkline(values, width) == line


@pytest.mark.parametrize(
    ("fraction", "width", "line"),
    [(0, 4, "    "), (1, 4, "████"), (0.5, 3, "█▌ "), (0.0001, 2, "▏ "), (7, 2, "██"), (-1, 2, "  "), (1, 0, "")],
)
def test_bars(fraction: float, width: int, line: str) -> None:
    assert bar(fraction, width) == line


def test_columns() -> None:
    assert columns([1.0, 2.0, 4.0], 3, 2) == ("  █", "▄██")
    assert columns([], 3, 2) == ("", "")
    assert columns([0.0], 3, 1) == (" ",)


VALUES = st.lists(st.floats(-1e300, 1e300) | st.floats(0, 100), max_size=50)


@given(VALUES, st.integers(0, 60), st.integers(0, 6))
def test_plots_keep_their_size(values: list[float], width: int, height: int) -> None:
    cells = min(len(values), width)
    assert len(sparkline(values, width)) == cells
    assert [len(row) for row in columns(values, width, height)] == [cells] * height


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_percentile_is_one_of_the_values(values: list[float], fraction: float) -> None:
    found = percentile(values, fraction)
    assert found in values
    assert found is not None
    assert sum(value <= found for value in values) >= fraction * len(values) - 1e-6


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (1.0, "like your median"),
        (1.2, "20 % slower than your median"),
        (0.8, "20 % faster than your median"),
        (3.0, "3.0 times your median"),
    ],
)
def test_comparisons(ratio: float, words: str) -> None:
    assert comparison(ratio, "slower", "faster") == words


def test_lines_to_read() -> None:
    before = [Turn(ttft_s=0.5, tokens_per_s=40.0)] * 4
    today = [Turn(ttft_s=0.6, tokens_per_s=20.0, started_at_s=TODAY)] * 4
    other = [Turn(model="evil\x1b[2J", stalls=1, longest_gap_s=42.0, is_estimate=True)]
    lines = statistics_lines(statistics_of(before + today + other, TODAY), 80)
    assert lines == (
        "p/m  ████████████████████████",
        "  8 answers · 800 tokens",
        "  first token  p50  500 ms  p95  600 ms  ▇▇▇▇████",
        "               today 600 ms, 20 % slower than your median",
        "  tokens/s     p50    20.0  p95    40.0  ████▅▅▅▅",
        "               today 20.0, 50 % slower than your median",
        "",
        "evil␛[2J  ███",
        "  1 answer · ≈ 100 tokens · 1 stall · longest silence 42 s",
        "  first token  p50  500 ms  p95  500 ms  █",
        "  tokens/s     p50    50.0  p95    50.0  █",
    )
    assert statistics_lines((), 80) == ("No answers yet.",)


def test_data_for_programs() -> None:
    (data,) = statistics_data(statistics_of([Turn()], TODAY))
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["ttft_s"] == {"count": 1, "p50": 0.5, "p95": 0.5, "today_p50": None, "today_to_median": None}


# -- cost ------------------------------------------------------------------------------------------


def test_what_a_model_has_cost_as_far_as_it_is_known() -> None:
    known = Cost(0.25, PriceSource.SERVER)
    imported = Turn(ttft_s=None, tokens_per_s=None, charge=Cost(9.0, PriceSource.SERVER))
    failed = Turn(ttft_s=None, outcome="interrupted", tokens=0)
    (found,) = statistics_of([Turn(charge=known), Turn(charge=known), Turn(), failed, imported], TODAY)
    assert found.cost == CostSum(Cost(0.5, PriceSource.SERVER), 1)
    assert statistics_lines([found])[-1] == "  cost         ≥$0.500 (as the server says), not known of 1 answer"
    (data,) = statistics_data([found])
    assert data["cost"] == {"usd": 0.5, "source": "server", "is_estimate": False, "unknown_answers": 1}


def test_where_nobody_knows_a_price_no_money_is_spoken_of() -> None:
    found = statistics_of([Turn(), Turn()], TODAY)
    assert not any("$" in line for line in statistics_lines(found))
    assert statistics_data(found)[0]["cost"] is None
