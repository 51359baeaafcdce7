"""What a listing says of a model, in very few words: "128k", "$3 / $15", "img"."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Protocol

from chat_tui.core.cost import prices_per_token
from chat_tui.core.sanitize import clean_line

CONTEXT_CELLS: Final = 6
PRICE_CELLS: Final = 15
INPUTS_CELLS: Final = 14

_SHORT: Final = {"image": "img", "file": "file", "pdf": "pdf", "audio": "audio", "video": "video"}
_MAX_PRICE: Final = 99_999


class Facts(Protocol):
    """What a listing may tell. Prices are USD per token."""

    @property
    def context_tokens(self) -> int | None: ...
    @property
    def inputs(self) -> frozenset[str] | None: ...
    @property
    def input_price(self) -> float | None: ...
    @property
    def output_price(self) -> float | None: ...
    @property
    def cached_price(self) -> float | None: ...


def context_text(tokens: int | None) -> str:
    """At most 6 cells: 8k, 128k (of 128,000 as of 131,072), 1M; empty when it is not known."""
    if not tokens or tokens < 0:
        return ""
    if tokens < 1000:
        return str(tokens)
    unit = 1024 if tokens % 1000 and not tokens % 1024 else 1000
    thousands = tokens / unit
    if thousands < 999.5:
        return f"{thousands:.0f}k"
    millions = thousands / unit
    if millions < 9.95:
        return f"{millions:.1f}".removesuffix(".0") + "M"
    return f"{millions:.0f}M" if millions < 99_999 else "∞"


def price_text(facts: Facts | None) -> str:
    """At most 15 cells, USD per million tokens of input and output: $3 / $15, free; empty when not known."""
    prices = None
    if facts is not None:
        prices = prices_per_token(facts.input_price, facts.output_price, facts.cached_price)
    if prices is None:
        return ""
    if not prices.input and not prices.output:
        return "free"
    return f"{dollars(prices.input or 0)} / {dollars(prices.output or 0)}"


def dollars(amount: float) -> str:
    """At most 6 cells: $0, $3, $0.15, $0.075, $12.5, $1234."""
    if amount <= 0:
        return "$0"
    if amount < 0.001:
        return "<0.1¢"
    if amount < 0.0995:
        return f"${amount:.3f}".rstrip("0")
    if amount < 99.95:
        text = f"{amount:.2f}" if amount < 9.995 else f"{amount:.1f}"
        whole, _, rest = text.partition(".")
        return f"${text}" if rest.strip("0") else f"${whole}"
    return f"${min(amount, _MAX_PRICE):.0f}"


def inputs_text(inputs: Collection[str] | None) -> str:
    """What it takes beside text, in a steady order: img file audio; empty when nothing or not known."""
    if not inputs:
        return ""
    known = [short for name, short in _SHORT.items() if name in inputs]
    others = sorted(clean_line(name, 8) for name in inputs if name not in _SHORT and name != "text")
    return " ".join([*known, *others])


def age_words(age_s: float) -> str:
    """How old a list is: now, 12 min ago, 3 h ago, 5 days ago."""
    for unit_s, word in ((86_400, "days"), (3600, "h"), (60, "min")):
        count = int(age_s // unit_s)
        if count >= (2 if word == "days" else 1):
            return f"{count} {word} ago"
    return "now"
