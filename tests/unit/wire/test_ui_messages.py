"""The AI SDK's message stream: what its parts mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chat_tui.core.conversation import ToolCallPart
from chat_tui.core.errors import CannotSend, FaultKind, MalformedEvent
from chat_tui.core.events import (
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
from chat_tui.core.turn import TurnState, reduce
from chat_tui.wire.base import Quirks, WireEvent
from chat_tui.wire.ui_messages import PROTOCOL
from tests.support.wire import played, stream_bytes, text_of

FINISH = {"type": "finish", "finishReason": "stop"}
STOP = Finished(FinishReason.STOP, "stop")


def events_of(name: str) -> list[StreamEvent]:
    return played(stream_bytes(name), "ui-messages")


def decoded(*parts: object) -> list[StreamEvent]:
    codec = PROTOCOL.codec()
    events = [event for part in parts for event in codec.decode(WireEvent("", json.dumps(part)))]
    return [*events, *codec.finish()]


def fault_of(events: list[StreamEvent]) -> Any:
    assert isinstance(events[-1], Failed)
    return events[-1].fault


def state_of(events: list[StreamEvent]) -> TurnState:
    state = TurnState()
    for event in events:
        state = reduce(state, event)
    return state


def test_a_run_of_two_steps_with_a_tool() -> None:
    assert events_of("ui-messages") == [
        Started("msg_1"),
        OpaqueReceived("ui-messages.id", "msg_1"),
        StepMarked("start"),
        ReasoningDelta("Need weather."),
        ToolCallStarted("call-0", "call_1", "get_weather"),
        ToolArgumentsDelta("call-0", '{"city":"Paris"}'),
        ToolCallEnded("call-0", '{"city":"Paris"}'),
        ToolResultReceived("call-0", '{"temp_c": 11}'),
        StepMarked("end"),
        StepMarked("start"),
        TextDelta("11 ", 1),
        TextDelta("°C", 1),
        StepMarked("end"),
        STOP,
    ]


def test_an_error_ends_the_answer() -> None:
    events = events_of("ui-messages-error")
    assert text_of(events) == "The ans"
    assert fault_of(events).message == "An error occurred."


def test_an_abort_is_the_servers_not_ours() -> None:
    events = events_of("ui-messages-abort")
    assert text_of(events) == "The ans"
    fault = fault_of(events)
    assert (fault.kind, fault.title, fault.is_retryable) == (FaultKind.CUT, "stopped by the server", False)
    assert "(user)" in fault.message


def test_nothing_follows_an_abort() -> None:
    abort = {"type": "abort", "messageMetadata": {"totalUsage": {"inputTokens": 3}}}
    assert [type(event) for event in decoded(abort, {"type": "text-delta", "id": "t", "delta": "x"})] == [
        UsageReported,
        Failed,
    ]
    rows = [abort, {"type": "text-delta", "id": "t", "delta": "x"}, {"type": "finish"}]
    found = PROTOCOL.codec().decode_document("\n".join(map(json.dumps, rows)))
    assert [type(event) for event in found] == [UsageReported, Failed]


def test_an_attempt_that_is_tried_again() -> None:
    events = events_of("ui-messages-reset")
    state = state_of(events)
    assert (state.text, state.reasoning) == ("First. Right.", "Wrong \ufffd")
    assert state.tool_calls == (
        ToolCallPart("call-0", "c1", "look", '{"a"', is_complete=False),
        ToolCallPart("call-1", "c1", "look", '{"a": 1}', is_complete=True),
    )
    assert state.usage == Usage(9, 4, 1, 2, 3)
    assert (state.response_id, state.model) == ("msg_4", "m-1")
    assert events[-1] == Finished(FinishReason.TOOL_CALLS, "stop")
    kinds = [event.kind for event in events if isinstance(event, OpaqueReceived)]
    assert kinds == ["ui-messages.id", "ui-messages.metadata", "ui-messages.part"]


def test_parts_of_all_kinds() -> None:
    events = events_of("ui-messages-parts")
    assert [event.name for event in events if isinstance(event, Ignored)] == [
        "data-weather",
        "tool-approval-request",
        "steering-message",
    ]
    assert [(event.key, event.output) for event in events if isinstance(event, ToolResultReceived)] == [
        ("call-0", "found"),
        ("call-1", "Invalid input."),
        ("call-2", "It broke."),
        ("call-3", "The call was denied."),
    ]
    assert [event.key for event in events if isinstance(event, ToolCallEnded)] == ["call-0", "call-2", "call-3"]
    assert ProgressReported(ProgressKind.TOOL) in events
    assert [
        event.data["type"] for event in events if isinstance(event, OpaqueReceived) and "part" in event.kind
    ] == [
        "source-url",
        "file",
    ]
    assert events[-1] == Finished(FinishReason.STOP)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("length", FinishReason.LENGTH),
        ("content-filter", FinishReason.CONTENT_FILTER),
        ("tool-calls", FinishReason.TOOL_CALLS),
        ("other", FinishReason.OTHER),
        ("new-one", FinishReason.OTHER),
    ],
)
def test_reasons(raw: str, reason: FinishReason) -> None:
    assert decoded({"type": "finish", "finishReason": raw}) == [Finished(reason, raw)]


def test_reasons_that_are_failures() -> None:
    assert fault_of(decoded({"type": "finish", "finishReason": "error"})).kind is FaultKind.SERVER
    assert fault_of(decoded({"type": "finish", "finishReason": "interrupted"})).kind is FaultKind.CUT


def test_done_is_no_success() -> None:
    codec = PROTOCOL.codec()
    codec.decode(WireEvent("", '{"type":"text-delta","id":"0","delta":"a"}'))
    assert not codec.is_finishing
    fault = fault_of(list(codec.decode(WireEvent("", "[DONE]"))))
    assert (fault.kind, fault.is_retryable, codec.is_done) == (FaultKind.CUT, False, True)
    assert fault_of(decoded()).is_retryable


def test_after_the_finish_a_broken_end_is_no_cut() -> None:
    codec = PROTOCOL.codec()
    assert codec.decode(WireEvent("", json.dumps(FINISH))) == ()
    assert (codec.is_finishing, codec.is_done) == (True, False)
    assert codec.finish() == (STOP,)
    assert not codec.is_finishing


def test_a_second_run_in_the_same_stream_has_to_finish_too() -> None:
    delta = {"type": "text-delta", "id": "0", "delta": "a"}
    assert fault_of(decoded(delta, FINISH, {"type": "start-step"}, delta)).kind is FaultKind.CUT
    events = decoded(delta, FINISH, {"type": "start-step"}, delta, FINISH)
    assert (text_of(events), events[-1]) == ("aa", STOP)


def test_texts_that_interleave_keep_their_halves_apart() -> None:
    events = decoded(
        {"type": "text-delta", "id": "a", "delta": "x\ud83d"},
        {"type": "text-delta", "id": "b", "delta": "y"},
        {"type": "text-delta", "id": "a", "delta": "\ude80"},
        {"type": "text-delta", "id": "a", "delta": 7},
        FINISH,
    )
    assert events[:-1] == [TextDelta("x", 0), TextDelta("y", 1), TextDelta("🚀", 0)]


def test_usage_where_the_app_puts_it() -> None:
    for metadata in (
        {"inputTokens": 3, "outputTokens": 4, "cachedInputTokens": 1, "reasoningTokens": 2},
        {"usage": {"inputTokens": 3, "outputTokens": 4, "cachedInputTokens": 1, "reasoningTokens": 2}},
    ):
        events = decoded({"type": "message-metadata", "messageMetadata": metadata}, FINISH)
        assert events[0] == UsageReported(Usage(3, 4, 2, 1))
    assert decoded({"type": "message-metadata", "messageMetadata": {"createdAt": 1}}, FINISH) == [STOP]


def test_arguments_that_are_understood_otherwise_than_streamed_are_kept() -> None:
    events = decoded(
        {"type": "tool-input-start", "toolCallId": "c", "toolName": "t"},
        {"type": "tool-input-delta", "toolCallId": "c", "inputTextDelta": '{"a":1,}'},
        {"type": "tool-input-available", "toolCallId": "c", "toolName": "t", "input": {"a": 1}},
        FINISH,
    )
    assert OpaqueReceived("ui-messages.call", {"key": "call-0", "input": {"a": 1}}) in events
    assert ToolCallEnded("call-0", '{"a":1,}') in events


def test_a_result_of_an_unknown_call_is_counted() -> None:
    events = decoded({"type": "tool-output-available", "toolCallId": "x", "output": 1}, FINISH)
    assert events[0] == Ignored("tool-output-available of an unknown call")


def test_documents_and_what_is_no_json() -> None:
    refused = PROTOCOL.codec().decode_document('{"error":{"message":"Too many requests","code":429}}')
    assert fault_of(list(refused)).kind is FaultKind.RATE_LIMIT
    assert fault_of(list(PROTOCOL.codec().decode_document("<p>hi"))).kind is FaultKind.PROTOCOL
    assert fault_of(list(PROTOCOL.codec().decode_document('{"type":"error","errorText":"No."}'))).message == "No."
    with pytest.raises(MalformedEvent):
        PROTOCOL.codec().decode(WireEvent("", "{"))


def test_there_is_no_listing() -> None:
    with pytest.raises(CannotSend, match="lists no models"):
        PROTOCOL.list_request(Quirks())
    assert PROTOCOL.read_list("{}") == ((), "")
