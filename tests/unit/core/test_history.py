"""Walking through earlier prompts."""

from __future__ import annotations

import pytest

from chat_tui.core.history import MAX_ENTRY_CHARS, PromptHistory


def test_back_walks_to_the_oldest_and_stays() -> None:
    history = PromptHistory(["one", "two"])
    assert history.back("") == "two"
    assert history.back("two") == "one"
    assert history.back("one") is None
    assert history.back("one") is None


def test_the_draft_comes_back() -> None:
    history = PromptHistory(["one"])
    assert history.back("half a thou") == "one"
    assert history.forward("one") == "half a thou"
    assert history.forward("half a thou") is None


def test_an_edit_of_an_earlier_prompt_survives_looking_around() -> None:
    history = PromptHistory(["one", "two"])
    history.back("")
    assert history.back("two, edited") == "one"
    assert history.forward("one") == "two, edited"
    assert history.entries == ("one", "two")


def test_sending_ends_the_walk_and_forgets_the_edits() -> None:
    history = PromptHistory(["one", "two"])
    history.back("draft")
    history.back("two, edited")
    history.add("three")
    assert history.entries == ("one", "two", "three")
    assert history.back("") == "three"
    assert history.back("three") == "two"
    assert history.forward("two") == "three"
    assert history.forward("three") == ""


def test_nothing_is_stored_twice_in_a_row_but_again_later() -> None:
    history = PromptHistory()
    for prompt in ("a", "a", "b", "a"):
        history.add(prompt)
    assert history.entries == ("a", "b", "a")


@pytest.mark.parametrize("prompt", ["", "  \n\t ", "x" * (MAX_ENTRY_CHARS + 1)])
def test_blank_and_huge_prompts_are_not_stored(prompt: str) -> None:
    history = PromptHistory()
    history.add(prompt)
    assert history.entries == ()
    assert history.back("draft") is None


def test_the_oldest_give_way() -> None:
    history = PromptHistory((str(n) for n in range(10)), max_entries=3)
    assert history.entries == ("7", "8", "9")
    history.add("10")
    assert history.entries == ("8", "9", "10")
    assert [history.back("") for _ in range(4)] == ["10", "9", "8", None]
