"""Names are completed as far as they agree."""

from __future__ import annotations

import pytest

from chat_tui.core.name_completion import agreed, fitting

NAMES = ("fast", "groq/llama-70b", "groq/llama-8b", "openai/gpt-mini", "other/llama-x")


def test_names_that_begin_so_go_before_those_that_have_it_inside() -> None:
    assert fitting("groq", NAMES) == ("groq/llama-70b", "groq/llama-8b")
    assert fitting("GROQ/llama-7", NAMES) == ("groq/llama-70b",)
    assert fitting("llama", NAMES) == ("groq/llama-70b", "groq/llama-8b", "other/llama-x")
    assert fitting("", NAMES) == NAMES
    assert fitting("nothing", NAMES) == ()


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("", ""),
        ("f", "fast"),
        ("g", "groq/llama-"),
        ("GR", "groq/llama-"),
        ("groq/llama-", "groq/llama-"),
        ("groq/llama-7", "groq/llama-70b"),
        ("mini", "openai/gpt-mini"),
        ("llama", "llama"),
        ("nothing", "nothing"),
    ],
)
def test_completion(typed: str, text: str) -> None:
    assert agreed(typed, NAMES) == text


def test_a_name_that_is_the_beginning_of_another_stays() -> None:
    assert agreed("a/x", ("a/x", "a/x-large")) == "a/x"
    assert agreed("a", ("a/x", "a/x-large")) == "a/x"
