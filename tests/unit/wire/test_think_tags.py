"""Thoughts between tags at the beginning of a text: every way they come, however it is cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_tui.core.events import FinishReason, ReasoningDelta, StepMarked, StreamEvent, TextDelta
from chat_tui.core.turn import TurnState, reduce
from chat_tui.wire.base import Quirks
from chat_tui.wire.openai_chat import OpenAIChat
from chat_tui.wire.think_tags import Said, ThinkTagSplitter
from tests.unit.wire.streams import DONE, chunk, decoded

A, T, MISTAKEN = Said.ANSWER, Said.THOUGHT, (Said.MISTAKEN, "")


def split(*deltas: str) -> list[tuple[Said, str]]:
    """The pieces of a text, neighbours of one kind joined."""
    splitter = ThinkTagSplitter()
    pieces = [piece for delta in deltas for piece in splitter.feed(delta)] + splitter.flush()
    assert all(text or said is Said.MISTAKEN for said, text in pieces)
    grouped = itertools.groupby(pieces, key=lambda piece: piece[0])
    return [(said, "".join(text for _, text in group)) for said, group in grouped]


SPLITS = {
    "": [],
    "plain": [(A, "plain")],
    " \n plain": [(A, " \n plain")],
    "<think>a</think>b": [(T, "a"), (A, "b")],
    "\n<think>\na\n</think>\n\n b\n": [(T, "\na\n"), (A, "b\n")],
    "<think></think>b": [(A, "b")],
    "<think>a</think>": [(T, "a")],
    "<think>a": [(T, "a")],
    "<think>a</thin": [(T, "a</thin")],
    "<think>": [],
    "<thin": [(A, "<thin")],
    "<thinking>a</thinking>": [(A, "<thinking>a</thinking>")],
    "a</think>b": [(A, "a"), MISTAKEN, (A, "b")],
    "a</think>": [(A, "a"), MISTAKEN],
    "</think>\nb": [(A, "b")],
    "a<think>b</think>c": [(A, "a<think>b"), MISTAKEN, (A, "c")],
    "<think>a</think>b<think>c</think>d": [(T, "a"), (A, "b<think>c</think>d")],
    "<think>a<think>b</think>c": [(T, "a<think>b"), (A, "c")],
    "<think>a</</think>b": [(T, "a</"), (A, "b")],
    "a < b </ c": [(A, "a < b </ c")],
}


@pytest.mark.parametrize("text", SPLITS)
def test_what_is_thought_and_what_is_said(text: str) -> None:
    assert split(text) == SPLITS[text]
    assert split(*text) == SPLITS[text]


@given(
    st.lists(st.sampled_from(["<think>", "</think>", "<", "</", "think", ">", "\n", " ", "a", "é"]), max_size=10),
    st.lists(st.integers(0, 60), max_size=8),
)
def test_every_cutting_gives_the_same(pieces: list[str], cuts: list[int]) -> None:
    text = "".join(pieces)
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    assert split(*(text[start:end] for start, end in itertools.pairwise(edges))) == split(text)


@given(st.text(st.sampled_from("<>/think \na"), max_size=40))
def test_nothing_is_lost_but_tags_and_the_space_around_them(text: str) -> None:
    whole = "".join(piece for _, piece in split(text))
    plain = text.replace("<think>", "", 1) if text.lstrip().startswith("<think>") else text
    plain = plain.replace("</think>", "", 1)
    assert "".join(whole.split()) == "".join(plain.split())


@pytest.mark.parametrize("length", [10, 1000])
def test_little_is_held_back(length: int) -> None:
    splitter = ThinkTagSplitter()
    given_on = sum(len(text) for letter in "<think>" + "x" * length for _, text in splitter.feed(letter))
    assert given_on == length


# in an answer

TAGGED = Quirks(has_think_tags=True)


def answer(quirks: Quirks, *deltas: dict[str, str]) -> list[StreamEvent]:
    codec = OpenAIChat().codec_for(quirks)
    return decoded([*map(chunk, deltas), chunk({}, "stop"), DONE], codec)


def state_of(events: list[StreamEvent]) -> TurnState:
    state = TurnState()
    for event in events:
        state = reduce(state, event)
    return state


def test_tags_are_text_where_nobody_said_otherwise() -> None:
    assert answer(Quirks(), {"content": "<think>a</think>b"})[0] == TextDelta("<think>a</think>b")


def test_thoughts_come_as_reasoning() -> None:
    events = answer(TAGGED, {"content": "<th"}, {"content": "ink>a</thi"}, {"content": "nk>\nb"})
    assert events[:-1] == [ReasoningDelta("a"), TextDelta("b")]


@pytest.mark.parametrize(
    ("content", "text", "reasoning"),
    [
        ("a</think>\n\nb", "b", "a"),
        ("<think>a", "", "a"),
        ("<think>a</th", "", "a</th"),
        ("<thi", "<thi", ""),
        ("a", "a", ""),
        ("<think>a</think>b\ud83d", "b\ufffd", "a"),
    ],
)
def test_what_a_turn_makes_of_it(content: str, text: str, reasoning: str) -> None:
    for deltas in ([content], list(content)):
        state = state_of(answer(TAGGED, *({"content": delta} for delta in deltas)))
        assert (state.text, state.reasoning) == (text, reasoning)


def test_a_server_that_tells_thoughts_apart_itself_is_believed() -> None:
    events = answer(TAGGED, {"reasoning_content": "a"}, {"content": "The tag </think> ends it."})
    assert StepMarked("reset") not in events
    state = state_of(events)
    assert (state.text, state.reasoning) == ("The tag </think> ends it.", "a")
    assert state.terminal is not None


def test_a_taken_back_answer_still_stops() -> None:
    (*_, last) = answer(TAGGED, {"content": "a</think>b"})
    assert getattr(last, "reason", None) is FinishReason.STOP
