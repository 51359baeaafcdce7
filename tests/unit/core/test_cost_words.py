"""Amounts in words and in sums: never more than is known, and what is an estimate looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_tui.core.cost import Cost, CostSum, PriceSource, sum_of

LISTED = PriceSource.LISTING
SERVER = PriceSource.SERVER


@pytest.mark.parametrize(
    ("usd", "amount"),
    [
        (0.0, "$0"),
        (0.0000002, "<$0.000001"),
        (0.000001, "$0.0000010"),
        (0.00042, "$0.00042"),
        (0.0042, "$0.0042"),
        (0.00999, "$0.010"),
        (0.042, "$0.042"),
        (0.0999, "$0.100"),
        (0.123456, "$0.123"),
        (0.9999, "$1.00"),
        (1.234, "$1.23"),
        (12_345.678, "$12,345.68"),
    ],
)
def test_an_amount(usd: float, amount: str) -> None:
    assert Cost(usd, LISTED).amount == amount
    assert Cost(usd, LISTED, is_estimate=True).amount == f"≈{amount}"


@given(st.floats(0.000001, 9_999))
def test_an_amount_is_within_five_percent_of_the_truth_and_short(usd: float) -> None:
    amount = Cost(usd, LISTED).amount
    assert abs(float(amount[1:].replace(",", "")) - usd) <= 0.05 * usd
    assert len(amount) <= 10


@pytest.mark.parametrize(
    ("source", "words"),
    [(PriceSource.CONFIG, "your price"), (LISTED, "list price"), (SERVER, "as the server says")],
)
def test_who_says_so(source: PriceSource, words: str) -> None:
    assert Cost(0.0042, source).words == f"$0.0042 ({words})"


def test_a_sum_says_what_is_missing_in_it() -> None:
    one, other = Cost(0.25, SERVER), Cost(0.5, LISTED, is_estimate=True)
    assert sum_of([one]).words == "$0.250 (as the server says)"
    assert sum_of([one, other]).words == "≈$0.750 (list price)"
    assert sum_of([one, None, None]) == CostSum(one, 2)
    assert sum_of([one, None]).amount == "≥$0.250"


@pytest.mark.parametrize("costs", [[], [None], [None, None]])
def test_nothing_known_is_nothing_said(costs: list[Cost | None]) -> None:
    found = sum_of(costs)
    assert (found.known, found.amount, found.words, found.unknown) == (None, "", "", len(costs))
