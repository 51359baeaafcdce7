"""Deltas become parts."""

from __future__ import annotations

from chat_tui.core.conversation import OpaquePart, ReasoningPart, TextPart, ToolCallPart, ToolResultPart
from chat_tui.store.folding import folded


def test_neighbours_of_a_kind_are_one_part() -> None:
    deltas = [("reasoning", "a"), ("reasoning", "b"), ("text", "c"), ("text", "d"), ("refusal", "e"), ("text", "f")]
    assert folded((), deltas) == (
        ReasoningPart("ab"),
        TextPart("cd"),
        TextPart("e", is_refusal=True),
        TextPart("f"),
    )


def test_what_was_there_goes_on() -> None:
    assert folded((TextPart("so "),), [("text", "on")]) == (TextPart("so on"),)


def test_calls_and_their_arguments() -> None:
    deltas = [("call", "search"), ("arguments", '{"q"'), ("arguments", ":1"), ("call", "a"), ("call", "b")]
    assert folded((), deltas) == (
        ToolCallPart("call-0", "", "search", '{"q":1', is_complete=False),
        ToolCallPart("call-1", "", "a", "", is_complete=False),
        ToolCallPart("call-2", "", "b", "", is_complete=False),
    )


def test_what_a_server_took_back_is_no_part_of_the_answer() -> None:
    deltas = [
        ("text", "One. "), ("step-start", "start"), ("text", "Tw"), ("call", "look"), ("result", "x"),
        ("step-reset", "reset"), ("text", "Two"), ("step-reset", "reset"),
        ("text", "2."), ("step-start", "start"), ("text", " 3."),
    ]  # fmt: skip
    assert folded((TextPart("Zero. "),), deltas) == (
        TextPart("Zero. One. "),
        ReasoningPart("Tw"),
        ToolCallPart("call-2", "", "look", "", is_complete=False),
        ToolResultPart("call-2", "x"),
        ReasoningPart("Two"),
        TextPart("2."),
        TextPart(" 3."),
    )


def test_nothing_unknown_is_dropped() -> None:
    assert folded((), [("music", "la"), ("arguments", "x")]) == (
        OpaquePart("delta:music", "la"),
        OpaquePart("delta:arguments", "x"),
    )
