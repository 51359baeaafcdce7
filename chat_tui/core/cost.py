"""What an answer has cost: token counts times prices, and who says so."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chat_tui.core.events import Usage

TOKENS_PER_PRICE = 1_000_000
"""Prices are for so many tokens."""


class PriceSource(StrEnum):
    """Who says what it costs."""

    CONFIG = "config"
    LISTING = "listing"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Prices:
    """USD per million tokens; None where it is not known. Cached input without a price of its own is input."""

    input: float | None = None
    output: float | None = None
    cached: float | None = None
    source: PriceSource = PriceSource.CONFIG

    @property
    def is_complete(self) -> bool:
        """Whether an answer can be priced with them."""
        return self.input is not None and self.output is not None


@dataclass(frozen=True, slots=True)
class Cost:
    """An amount in USD, and whose prices it was reckoned with. `is_estimate`: not all tokens were counted."""

    usd: float
    source: PriceSource
    is_estimate: bool = False

    @property
    def amount(self) -> str:
        """$1.23, $0.042, $0.00042: never more than is known, and nothing that is not nothing looks like it."""
        mark = "≈" if self.is_estimate else ""
        if self.usd >= 0.9995:
            return f"{mark}${self.usd:,.2f}"
        if self.usd >= 0.0995:
            return f"{mark}${self.usd:.3f}"
        if self.usd >= _LEAST_SHOWN_USD:
            exponent = int(f"{self.usd:.1e}".partition("e")[2])
            return f"{mark}${self.usd:.{1 - exponent}f}"
        return f"{mark}$0" if self.usd <= 0 else f"{mark}<${_LEAST_SHOWN_USD:.6f}"

    @property
    def words(self) -> str:
        """The amount, and who says so: "$0.0042 (list price)"."""
        return f"{self.amount} ({_SAID_BY[self.source]})"


@dataclass(frozen=True, slots=True)
class CostSum:
    """What several answers have cost together, as far as that is known; `unknown` counts those where it is not."""

    known: Cost | None = None
    unknown: int = 0

    @property
    def amount(self) -> str:
        """The amount; it is more than that when some are not known. Empty when none is."""
        return "" if self.known is None else ("≥" if self.unknown else "") + self.known.amount

    @property
    def words(self) -> str:
        """The same, and who says so."""
        return "" if self.known is None else f"{self.amount} ({_SAID_BY[self.known.source]})"


@dataclass(frozen=True, slots=True)
class Use:
    """What a conversation took, all its versions. Tokens are sums of what is known.

    `uncounted`: so many answers whose input nobody counted; `is_estimate`: not all output was counted.
    """

    answers: int = 0
    tokens_in: int = 0
    cached_tokens: int = 0
    uncounted: int = 0
    tokens_out: int = 0
    reasoning_tokens: int = 0
    is_estimate: bool = False
    cost: CostSum = field(default_factory=CostSum)


_LEAST_SHOWN_USD = 0.000001
_SAID_BY = {
    PriceSource.CONFIG: "your price",
    PriceSource.LISTING: "list price",
    PriceSource.SERVER: "as the server says",
}


def prices_per_token(
    input_price: float | None, output_price: float | None, cached_price: float | None
) -> Prices | None:
    """A listing's prices, which are USD per token; None unless input and output are known."""
    if input_price is None or output_price is None:
        return None
    return Prices(
        _per_million(input_price),
        _per_million(output_price),
        None if cached_price is None else _per_million(cached_price),
        PriceSource.LISTING,
    )


def cost_of(usage: Usage | None, prices: Prices | None) -> Cost | None:
    """What `usage` costs: at the reader's own prices, else as the server says, else at the list's; None: unknown.

    The server's word is its bill, a list only what it was to be.

    Reasoning is part of the output, cached tokens are part of the input (at most all of it). A count that is
    missing makes the amount unknown: half of a bill would be a wrong number. Tokens written into a cache count as
    input.
    """
    if usage is None:
        return None
    usd = None if prices is None else _reckoned(usage, prices)
    if usage.cost is not None and (usd is None or prices is None or prices.source is not PriceSource.CONFIG):
        return Cost(usage.cost, PriceSource.SERVER)
    return None if usd is None or prices is None else Cost(usd, prices.source)


def total_of(costs: list[Cost | None]) -> Cost | None:
    """The sum; None when one of them is unknown or there is none. Its source is the least sure one of all."""
    known = [cost for cost in costs if cost is not None]
    if not known or len(known) != len(costs):
        return None
    source = max((cost.source for cost in known), key=_DOUBTS.index)
    return Cost(math.fsum(cost.usd for cost in known), source, any(cost.is_estimate for cost in known))


def sum_of(costs: Iterable[Cost | None]) -> CostSum:
    """The sum of those that are known, and how many are not."""
    found = list(costs)
    known: list[Cost | None] = [cost for cost in found if cost is not None]
    return CostSum(total_of(known), len(found) - len(known))


_DOUBTS = (PriceSource.SERVER, PriceSource.CONFIG, PriceSource.LISTING)


def _reckoned(usage: Usage, prices: Prices) -> float | None:
    tokens_in, tokens_out = usage.input_tokens, usage.output_tokens
    if prices.input is None or prices.output is None or tokens_in is None or tokens_out is None:
        return None
    cached = min(usage.cached_tokens or 0, tokens_in)
    cached_price = prices.input if prices.cached is None else prices.cached
    total = (tokens_in - cached) * prices.input + cached * cached_price + tokens_out * prices.output
    return total / TOKENS_PER_PRICE


def _per_million(price: float) -> float:
    return round(price * TOKENS_PER_PRICE, 6)  # 3e-6 times a million is not quite 3
