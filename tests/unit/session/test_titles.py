"""Titles nobody typed: what is taken of a reply, who gets one, what copies are called."""

from __future__ import annotations

import pytest

from chat_tui.core.conversation import REWRITTEN, Conversation, Ending, Role, TextPart
from chat_tui.core.outcome import Outcome
from chat_tui.session.journal import MAX_TITLE_CHARS
from chat_tui.session.titles import (
    EXCERPT_CHARS,
    MAX_TOKENS,
    TITLE_CELLS,
    copy_title,
    first_answer,
    request_for,
    title_from,
)


@pytest.mark.parametrize(
    ("reply", "title"),
    [
        ("Bread without yeast", "Bread without yeast"),
        ("Bread without yeast.", "Bread without yeast"),
        ("  “Bread without yeast.”\n", "Bread without yeast"),
        ('"Bread without yeast"', "Bread without yeast"),
        ("'Bread without yeast'.", "Bread without yeast"),
        ("«Pain sans levure»", "Pain sans levure"),
        ("„Brot ohne Hefe“", "Brot ohne Hefe"),
        ("「イーストなしのパン」。", "イーストなしのパン"),
        ("Title: Bread without yeast", "Bread without yeast"),
        ("**Title:** Bread without yeast", "Bread without yeast"),
        ("**Title: “Bread without yeast”**", "Bread without yeast"),
        ("The title of this conversation is “Bread without yeast”.", "Bread without yeast"),
        ("The title is a lie", "The title is a lie"),
        ("Titel: Brot ohne Hefe", "Brot ohne Hefe"),
        ("标题：无酵母面包", "无酵母面包"),
        ("# Bread without yeast", "Bread without yeast"),
        ("- **Bread without yeast**", "Bread without yeast"),
        ("1. Bread without yeast\n2. Flat bread", "Bread without yeast"),
        ("Sure! Here is a title:\n\n**Bread without yeast**\n\nShall I go on?", "Bread without yeast"),
        ("<think>Bread? Or a cake?</think>\n\nBread without yeast", "Bread without yeast"),
        ("Bread? Or a cake?\n</think>Bread without yeast", "Bread without yeast"),
        ("<think>Bread? Or a cake? And then", ""),
        ("<title>Bread without yeast</title>", "Bread without yeast"),
        ("Using `div` in [HTML](https://example.org)", "Using div in HTML"),
        ("Bread\twithout \u00a0 yeast", "Bread without yeast"),
        ("“Bread” and “yeast”", "“Bread” and “yeast”"),
        ("Is bread possible without yeast?", "Is bread possible without yeast?"),
        ("To be continued...", "To be continued..."),
        ("C++ and C#", "C++ and C#"),
        ("2 * 3 * 4 in Python", "2 * 3 * 4 in Python"),
        ("Title case in English", "Title case in English"),
        ("[/red] and [bold]", "[/red] and [bold]"),
    ],
)
def test_what_is_taken_of_a_reply(reply: str, title: str) -> None:
    assert title_from(reply) == title


@pytest.mark.parametrize(
    "reply",
    [
        "",
        " \n\t\n",
        "***",
        "…",
        "Title:",
        "Untitled",
        "New conversation",
        "I'm sorry, but I can't help with that.",
        "I cannot name this conversation.",
        "calm \x1b[31;5malarm\x1b[0m",
        "\x1b]0;planted title\x07visible",
        "from \u202ethgir",
        "tag\U000e0061ged",
        "half \ud800 of a pair",
        "Bread can be made without yeast, which is what one does on the road, and then it is called flat bread. "
        * 3,
        "a" * 5_000,
    ],
)
def test_what_is_no_title(reply: str) -> None:
    assert title_from(reply) == ""


def test_a_long_one_is_cut_between_words() -> None:
    words = "How bread was made without yeast in the mountains of the north and south"
    title = title_from(words)
    assert title == "How bread was made without yeast in the mountains of the…"
    assert len(title) <= TITLE_CELLS
    assert title_from("無" * 40) == "無" * 29 + "…"


def test_the_model_sees_the_beginnings_only() -> None:
    request = request_for("small-1", "q" * 10_000, "a" * 10_000)
    assert request.model == "small-1"
    assert request.generation.max_tokens == MAX_TOKENS
    (message,) = request.messages
    assert message.role is Role.USER
    assert "q" * EXCERPT_CHARS + "…" in message.text
    assert len(message.text) < 2 * EXCERPT_CHARS + 200


def conversation(*answers: tuple[str, Outcome, str]) -> Conversation:
    """One question after the other."""
    made = Conversation()
    for text, outcome, reason in answers:
        made.append(Role.USER, (TextPart("question"),))
        made.append(Role.ASSISTANT, (TextPart(text),), ending=Ending(outcome, raw_reason=reason))
    return made


@pytest.mark.parametrize(
    ("answers", "first"),
    [
        ((), None),
        ((("Yes.", Outcome.COMPLETE, ""),), "Yes."),
        ((("Y", Outcome.STOPPED, ""),), "Y"),
        (((" ", Outcome.STOPPED, ""),), None),
        ((("", Outcome.COMPLETE, ""),), None),
        ((("Yes", Outcome.INTERRUPTED, ""),), None),
        ((("Mine.", Outcome.STOPPED, REWRITTEN),), None),
        ((("Ye", Outcome.INTERRUPTED, ""), ("No.", Outcome.COMPLETE, "")), "No."),
        ((("Yes.", Outcome.COMPLETE, ""), ("No.", Outcome.COMPLETE, "")), None),
    ],
)
def test_the_first_answer(answers: tuple[tuple[str, Outcome, str], ...], first: str | None) -> None:
    found = first_answer(conversation(*answers))
    assert (None if found is None else found.text) == first


def test_a_running_answer_is_none_yet() -> None:
    made = Conversation()
    made.append(Role.USER, (TextPart("question"),))
    made.append(Role.ASSISTANT, (TextPart("Ye"),))
    assert first_answer(made) is None


@pytest.mark.parametrize(
    ("title", "taken", "copy"),
    [
        ("Bread", (), "Bread (2)"),
        ("Bread (2)", (), "Bread (3)"),
        ("Bread (9)", (), "Bread (10)"),
        ("Bread", ("Bread", "Bread (2)", "Bread (5)", "Cake (9)"), "Bread (6)"),
        ("Bread (2)", ("Bread (3)",), "Bread (4)"),
        ("Summary (2024)", (), "Summary (2024) (2)"),
        ("Bread (1)", (), "Bread (1) (2)"),
        ("Bread(2)", (), "Bread(2) (2)"),
        ("(2)", (), "(2) (2)"),
        (" ", (), ""),
    ],
)
def test_a_copy_is_counted_up(title: str, taken: tuple[str, ...], copy: str) -> None:
    assert copy_title(title, taken) == copy


def test_a_copy_of_a_long_title_is_no_longer_than_a_title() -> None:
    copy = copy_title("x" * MAX_TITLE_CHARS)
    assert len(copy) <= MAX_TITLE_CHARS
    assert copy.endswith("x (2)")
