"""What a listing says of a model, in few words that fit their columns."""

from __future__ import annotations

import pytest

from chat_tui.core.model_words import (
    CONTEXT_CELLS,
    PRICE_CELLS,
    age_words,
    context_text,
    dollars,
    inputs_text,
    price_text,
)
from chat_tui.wire.base import ModelFacts


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (None, ""),
        (0, ""),
        (-5, ""),
        (512, "512"),
        (4096, "4k"),
        (8192, "8k"),
        (8000, "8k"),
        (32_768, "32k"),
        (128_000, "128k"),
        (131_072, "128k"),
        (200_000, "200k"),
        (1_000_000, "1M"),
        (1_048_576, "1M"),
        (1_047_576, "1M"),
        (2_097_152, "2M"),
        (10_000_000, "10M"),
    ],
)
def test_context(tokens: int | None, text: str) -> None:
    assert context_text(tokens) == text


@pytest.mark.parametrize("exponent", range(70))
def test_no_number_is_wider_than_its_column(exponent: int) -> None:
    for number in (2**exponent, 2**exponent - 1, 10 ** (exponent // 3), 999 * 2**exponent):
        assert len(context_text(number)) <= CONTEXT_CELLS
        facts = ModelFacts("x", input_price=number / 1e9, output_price=1 / number if number else 0)
        assert len(price_text(facts)) <= PRICE_CELLS


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "$0"),
        (0.0001, "<0.1¢"),
        (0.003, "$0.003"),
        (0.075, "$0.075"),
        (0.15, "$0.15"),
        (0.6, "$0.60"),
        (1, "$1"),
        (1.25, "$1.25"),
        (2.5, "$2.50"),
        (12.5, "$12.5"),
        (75, "$75"),
        (1234.4, "$1234"),
        (1e12, "$99999"),
    ],
)
def test_dollars(amount: float, text: str) -> None:
    assert dollars(amount) == text


@pytest.mark.parametrize(
    ("prices", "text"),
    [
        ((3e-6, 15e-6), "$3 / $15"),
        ((0.0, 0.0), "free"),
        ((0.0, 1e-6), "$0 / $1"),
        ((None, 1e-6), ""),
        ((1e-6, None), ""),
    ],
)
def test_prices(prices: tuple[float | None, float | None], text: str) -> None:
    assert price_text(ModelFacts("x", input_price=prices[0], output_price=prices[1])) == text
    assert price_text(None) == ""


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        (None, ""),
        (frozenset[str](), ""),
        (frozenset({"text"}), ""),
        (frozenset({"audio", "text", "image"}), "img audio"),
        (frozenset({"file", "image", "smell\x1b"}), "img file smell␛"),
    ],
)
def test_inputs(inputs: frozenset[str] | None, text: str) -> None:
    assert inputs_text(inputs) == text


@pytest.mark.parametrize(
    ("age_s", "text"),
    [
        (-3, "now"), (59, "now"), (60, "1 min ago"), (3599, "59 min ago"), (7300, "2 h ago"),
        (86_400, "24 h ago"), (47 * 3600, "47 h ago"), (49 * 3600, "2 days ago"),
    ],
)  # fmt: skip
def test_ages(age_s: float, text: str) -> None:
    assert age_words(age_s) == text
