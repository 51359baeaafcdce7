"""What an answer has cost: counts times prices, the server's word where there are no prices, nothing half known."""

from __future__ import annotations

import pytest

from chat_tui.core.cost import Cost, Prices, PriceSource, cost_of, prices_per_token, total_of
from chat_tui.core.events import Usage

CONFIG = Prices(3.0, 15.0, 0.3)
LISTING = Prices(3.0, 15.0, None, PriceSource.LISTING)
COUNTED = Usage(input_tokens=1_000_000, output_tokens=200_000)


@pytest.mark.parametrize(
    ("usage", "prices", "usd"),
    [
        (COUNTED, CONFIG, 3.0 + 3.0),
        (Usage(input_tokens=1_000_000, output_tokens=0, cached_tokens=400_000), CONFIG, 1.8 + 0.12),
        (Usage(input_tokens=1_000_000, output_tokens=0, cached_tokens=400_000), LISTING, 3.0),
        (Usage(input_tokens=10, output_tokens=0, cached_tokens=1_000_000), CONFIG, 10 * 0.3 / 1e6),
        (Usage(input_tokens=0, output_tokens=1_000_000, reasoning_tokens=900_000), CONFIG, 15.0),
        (Usage(input_tokens=1_000_000, output_tokens=0, cache_write_tokens=1_000_000), CONFIG, 3.0),
        (Usage(input_tokens=5, output_tokens=7), Prices(0.0, 0.0), 0.0),
    ],
)
def test_counts_times_prices(usage: Usage, prices: Prices, usd: float) -> None:
    cost = cost_of(usage, prices)
    assert cost is not None
    assert cost.usd == pytest.approx(usd)
    assert cost.source is prices.source


@pytest.mark.parametrize(
    ("usage", "prices"),
    [
        (None, CONFIG),
        (COUNTED, None),
        (Usage(input_tokens=5), CONFIG),
        (Usage(output_tokens=5), CONFIG),
        (COUNTED, Prices(3.0, None)),
        (COUNTED, Prices(None, 15.0)),
    ],
)
def test_what_is_half_known_is_not_known(usage: Usage | None, prices: Prices | None) -> None:
    assert cost_of(usage, prices) is None


def test_own_prices_go_before_the_servers_bill_and_that_before_a_list() -> None:
    billed = Usage(input_tokens=1_000_000, output_tokens=0, cost=0.5)
    assert cost_of(billed, CONFIG) == Cost(3.0, PriceSource.CONFIG)
    assert cost_of(billed, None) == Cost(0.5, PriceSource.SERVER)
    assert cost_of(billed, LISTING) == Cost(0.5, PriceSource.SERVER)
    assert cost_of(Usage(cost=0.5), LISTING) == Cost(0.5, PriceSource.SERVER)


def test_a_listings_prices_are_per_token() -> None:
    assert prices_per_token(3e-6, 15e-6, 3e-7) == Prices(3.0, 15.0, 0.3, PriceSource.LISTING)
    assert prices_per_token(3e-6, None, None) is None
    assert prices_per_token(None, 3e-6, None) is None
    assert prices_per_token(0.0, 0.0, None) == Prices(0.0, 0.0, None, PriceSource.LISTING)


def test_a_sum_is_no_surer_than_its_least_sure_part() -> None:
    server, config, listing = (Cost(1.0, source) for source in (PriceSource.SERVER, *list(PriceSource)[:2]))
    assert total_of([server, config]) == Cost(2.0, PriceSource.CONFIG)
    assert total_of([server, config, listing]) == Cost(3.0, PriceSource.LISTING)
    assert total_of([server, None]) is None
    assert total_of([]) is None
