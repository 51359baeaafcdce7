"""The reducer: every kind of event, in order, until the one end."""

from __future__ import annotations

from typing import cast

import pytest

from chat_tui.core import turn
from chat_tui.core.conversation import OpaquePart, ReasoningPart, TextPart, ToolCallPart, ToolResultPart
from chat_tui.core.errors import Fault, FaultKind
from chat_tui.core.events import (
    Channel,
    Connected,
    Failed,
    Finished,
    FinishReason,
    Ignored,
    OpaqueReceived,
    ProgressKind,
    ProgressReported,
    ReasoningDelta,
    Started,
    StepMarked,
    StreamEvent,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallEnded,
    ToolCallStarted,
    ToolResultReceived,
    Usage,
    UsageReported,
)
from chat_tui.core.turn import Phase, TurnState, reduce

CUT = Fault(FaultKind.CUT, "connection lost", "The server closed the connection.")


def after(*events: StreamEvent) -> TurnState:
    state = TurnState()
    for event in events:
        state = reduce(state, event)
    return state


def test_a_turn_begins_connecting_with_nothing() -> None:
    state = TurnState()
    assert (state.phase, state.text, state.reasoning, state.tool_calls) == (Phase.CONNECTING, "", "", ())
    assert (state.parts(), state.fault, state.has_output) == ((), None, False)


@pytest.mark.parametrize(
    ("event", "phase", "has_output"),
    [
        (Connected(200, "req-1"), Phase.WAITING, False),
        (Started("id", "model"), Phase.CONNECTING, False),
        (ProgressReported(ProgressKind.PROMPT, 0.5), Phase.CONNECTING, False),
        (UsageReported(Usage(1, 2)), Phase.CONNECTING, False),
        (Ignored("ping"), Phase.CONNECTING, False),
        (StepMarked("start"), Phase.CONNECTING, False),
        (OpaqueReceived("signature", "s"), Phase.CONNECTING, False),
        (ToolResultReceived("1", "out"), Phase.CONNECTING, False),
        (ReasoningDelta("hm"), Phase.THINKING, True),
        (TextDelta("hi"), Phase.ANSWERING, True),
        (ToolCallStarted("1"), Phase.CALLING, True),
        (ToolArgumentsDelta("1", "{"), Phase.CALLING, True),
        (Finished(FinishReason.STOP), Phase.DONE, False),
        (Finished(FinishReason.LENGTH), Phase.DONE, False),
        (Finished(FinishReason.CANCELLED), Phase.STOPPED, False),
        (Finished(FinishReason.INTERRUPTED), Phase.INTERRUPTED, False),
        (Failed(CUT), Phase.INTERRUPTED, False),
    ],
)
def test_what_one_event_means(event: StreamEvent, phase: Phase, has_output: bool) -> None:
    state = after(event)
    assert (state.phase, state.has_output) == (phase, has_output)
    assert state.phase.is_running is (state.terminal is None)


def test_headers_after_the_first_token_change_no_phase() -> None:
    state = after(TextDelta("hi"), Connected(200, "req-2"))
    assert (state.phase, state.request_id) == (Phase.ANSWERING, "req-2")


def test_edges_fill_in_what_they_know() -> None:
    state = after(
        Connected(request_id="r"), Started("id-1", "m-1"), Started("", "m-2"), Started("id-3", ""),
        ProgressReported(ProgressKind.LOAD, 0.25), ProgressReported(ProgressKind.ALIVE), Ignored("x"),
        StepMarked("end"),
    )  # fmt: skip
    assert (state.request_id, state.response_id, state.model) == ("r", "id-3", "m-2")
    assert (state.prompt_fraction, state.alive_count, state.ignored_count) == (0.25, 2, 1)


def test_the_result_of_a_call_stands_where_it_came() -> None:
    state = after(ToolCallStarted("1", "c", "look"), ToolCallEnded("1", "{}"), ToolResultReceived("1", "out"))
    (call, result) = state.parts()
    assert isinstance(call, ToolCallPart)
    assert result == ToolResultPart("1", "out")


def test_runs_of_one_kind_are_one_part_and_keep_their_order() -> None:
    state = after(
        ReasoningDelta("a"), ReasoningDelta("b"), TextDelta("c"), TextDelta("d"), ReasoningDelta("e"),
        TextDelta("no", channel=Channel.REFUSAL), TextDelta("f", part=1), OpaqueReceived("sig", {"x": 1}),
    )  # fmt: skip
    assert state.parts(1.5) == (
        ReasoningPart("ab", 1.5),
        TextPart("cd"),
        ReasoningPart("e", 1.5),
        TextPart("no", is_refusal=True),
        TextPart("f"),
        OpaquePart("sig", {"x": 1}),
    )
    assert (state.text, state.reasoning) == ("cdnof", "abe")
    assert state.has_text
    assert state.has_reasoning


def test_a_tool_call_grows_and_is_complete_only_when_it_was_ended() -> None:
    state = after(
        ToolCallStarted("k", "", "sea"), ToolArgumentsDelta("k", '{"q":'), ToolCallStarted("k", "call-1", "search")
    )
    assert state.tool_calls == (ToolCallPart("k", "call-1", "search", '{"q":', is_complete=False),)
    state = reduce(state, ToolCallEnded("k", '{"q": 1}'))
    assert state.tool_calls == (ToolCallPart("k", "call-1", "search", '{"q": 1}', is_complete=True),)
    assert state.parts() == state.tool_calls


def test_arguments_without_a_beginning_are_a_call_too() -> None:
    state = after(ToolArgumentsDelta("x", "{}"), ToolCallStarted("y", "c", "n"))
    assert [(call.key, call.name, call.arguments) for call in state.tool_calls] == [("x", "", "{}"), ("y", "n", "")]


def test_usage_is_updated_field_by_field() -> None:
    state = after(UsageReported(Usage(input_tokens=10)), UsageReported(Usage(output_tokens=3)))
    assert (state.usage.input_tokens, state.usage.output_tokens) == (10, 3)


@pytest.mark.parametrize("end", [Finished(FinishReason.STOP), Failed(CUT), Finished(FinishReason.CANCELLED)])
def test_nothing_counts_after_the_end(end: Finished | Failed) -> None:
    state = after(TextDelta("kept"), end)
    phase = state.phase
    for late in (
        TextDelta("late"), ReasoningDelta("late"), ToolCallStarted("1"), ToolArgumentsDelta("1", "x"),
        UsageReported(Usage(9, 9)), Ignored("late"), Failed(CUT), Finished(FinishReason.LENGTH), Connected(500),
    ):  # fmt: skip
        state = reduce(state, late)
    assert (state.phase, state.text, state.reasoning, state.tool_calls) == (phase, "kept", "", ())
    assert state.terminal is end
    assert state.usage == Usage()
    assert state.fault is (CUT if isinstance(end, Failed) else None)


def test_what_is_no_event_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="no stream event"):
        reduce(TurnState(), cast("StreamEvent", "text"))


def test_the_phases_in_which_esc_stops_something() -> None:
    assert {phase for phase in Phase if not phase.is_running} == {
        Phase.IDLE,
        Phase.DONE,
        Phase.STOPPED,
        Phase.INTERRUPTED,
    }


def test_progress_is_of_one_thing_at_a_time() -> None:
    state = after(ProgressReported(ProgressKind.LOAD), ProgressReported(ProgressKind.LOAD, 1.0))
    assert state.progress == (ProgressKind.LOAD, 1.0)
    state = reduce(reduce(state, ProgressReported(ProgressKind.ALIVE)), ProgressReported(ProgressKind.LOAD))
    assert state.progress == (ProgressKind.LOAD, 1.0)
    assert reduce(state, ProgressReported(ProgressKind.PROMPT)).progress == (ProgressKind.PROMPT, None)
    assert reduce(state, Connected()).progress is None
    for event in (TextDelta("a"), ReasoningDelta("a"), ToolArgumentsDelta("k", "{")):
        state = after(TextDelta("x"), ProgressReported(ProgressKind.RECONNECT))
        assert state.progress == (ProgressKind.RECONNECT, None)
        assert reduce(state, event).progress is None, "what comes says that the connection is there"


# steps


def test_what_a_step_said_before_it_is_tried_again_stays_among_the_thoughts() -> None:
    state = after(
        TextDelta("One. "),
        StepMarked("start"),
        ReasoningDelta("hm"),
        TextDelta("Tw"),
        OpaqueReceived("x.metadata", "m"),
        ToolCallStarted("1", "c", "look"),
        ToolCallEnded("1", "{}"),
        ToolResultReceived("1", "out"),
        StepMarked("reset"),
        TextDelta("Two."),
    )
    assert (state.text, state.reasoning, state.has_text) == ("One. Two.", "hmTw", True)
    assert state.parts() == (
        TextPart("One. "),
        ReasoningPart("hm"),
        ReasoningPart("Tw"),
        OpaquePart("taken-back.x.metadata", "m"),
        ToolCallPart("1", "c", "look", "{}", is_complete=False),
        ToolResultPart("1", "out"),
        TextPart("Two."),
    )
    assert state.runs == ((False, "One. "), (True, "hm"), (True, "Tw"), (False, "Two."))


def test_each_attempt_is_taken_back_alone() -> None:
    state = after(
        StepMarked("start"), TextDelta("a"), StepMarked("reset"), TextDelta("b"), StepMarked("reset"),
        StepMarked("start"), TextDelta("c"), StepMarked("end"), StepMarked("start"), StepMarked("reset"),
    )  # fmt: skip
    assert (state.text, state.reasoning, state.has_text, state.has_output) == ("c", "ab", True, True)


def test_nothing_is_left_of_a_single_attempt_that_was_taken_back() -> None:
    state = after(TextDelta("a"), StepMarked("reset"))
    assert (state.text, state.reasoning, state.has_text, state.has_reasoning) == ("", "a", False, True)


def test_taking_back_costs_what_the_step_weighs(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[object] = []

    def take_back(log: object) -> None:
        taken.append(log)

    monkeypatch.setattr(turn._TextLog, "take_back", take_back)
    state = TurnState()
    for _ in range(1000):
        state = reduce(reduce(state, TextDelta("a")), StepMarked("reset"))
    assert len(taken) == 1000
