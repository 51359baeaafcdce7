"""Anthropic Messages: what each event of an answer means, and how answers end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chat_tui.core.errors import FaultKind
from chat_tui.core.events import (
    Channel,
    Failed,
    Finished,
    FinishReason,
    Ignored,
    OpaqueReceived,
    ProgressKind,
    ProgressReported,
    ReasoningDelta,
    ReasoningKind,
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
from chat_tui.wire.anthropic import Anthropic
from chat_tui.wire.base import WireEvent
from tests.support.wire import played, reasoning_of, stream_bytes, streams_of, terminal_of, text_of

ENDINGS: dict[str, tuple[str, FinishReason | FaultKind]] = {
    "anthropic-context-full": ("Once upon", FinishReason.LENGTH),
    "anthropic-cut": ("The answer is", FaultKind.CUT),
    "anthropic-error": ("The answer is", FaultKind.OVERLOADED),
    "anthropic-fallback": ("First second.", FinishReason.STOP),
    "anthropic-length": ("Once upon a", FinishReason.LENGTH),
    "anthropic-litellm": ("Hello", FinishReason.LENGTH),
    "anthropic-llamacpp": ("Looking.", FinishReason.TOOL_CALLS),
    "anthropic-no-message-stop": ("Whole.", FinishReason.STOP),
    "anthropic-refusal": ("First,", FinishReason.REFUSAL),
    "anthropic-refusal-explained": ("This asks for what could harm many.", FinishReason.REFUSAL),
    "anthropic-search-pause": ("Let me look that up.It is 12.8 °C there.", FinishReason.PAUSE),
    "anthropic-split-pair": ("Up 🚀 and 😀", FinishReason.STOP),
    "anthropic-text": ("Hello!", FinishReason.STOP),
    "anthropic-think-tool": ("Let me check.", FinishReason.TOOL_CALLS),
    "anthropic-thinking-omitted": ("Four.", FinishReason.STOP),
    "anthropic-two-tools-cut-by-length": ("", FinishReason.LENGTH),
    "anthropic-unknown": ("Fine.", FinishReason.OTHER),
}


def stream(name: str) -> list[StreamEvent]:
    return played(stream_bytes(f"anthropic-{name}"), "anthropic")


def usage_of(events: list[StreamEvent]) -> Usage:
    usage = Usage()
    for event in events:
        if isinstance(event, UsageReported):
            usage = usage.updated(event.usage)
    return usage


def kept(events: list[StreamEvent]) -> list[tuple[str, Any]]:
    return [(event.kind, event.data) for event in events if isinstance(event, OpaqueReceived)]


def ended(events: list[StreamEvent]) -> list[tuple[str, str]]:
    return [(event.key, event.arguments) for event in events if isinstance(event, ToolCallEnded)]


def decoded(*values: object) -> list[StreamEvent]:
    """What the codec makes of these events and the end of the body."""
    codec = Anthropic().codec()
    events = [found for value in values for found in codec.decode(WireEvent("", json.dumps(value)))]
    return [*events, *codec.finish()]


def start(index: int, **block: object) -> dict[str, object]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, **fields: object) -> dict[str, object]:
    return {"type": "content_block_delta", "index": index, "delta": fields}


def stop(index: int) -> dict[str, object]:
    return {"type": "content_block_stop", "index": index}


def ending(reason: str | None, **fields: object) -> dict[str, object]:
    return {"type": "message_delta", "delta": {"stop_reason": reason} | fields}


STOPPED = {"type": "message_stop"}


# the streams of the corpus


@pytest.mark.parametrize("name", streams_of("anthropic"))
def test_streams_end_as_they_should(name: str) -> None:
    text, expected = ENDINGS[name]
    events = played(stream_bytes(name), "anthropic")
    terminal = terminal_of(events)
    assert text_of(events) == text
    assert (terminal.reason if isinstance(terminal, Finished) else terminal.fault.kind) is expected


def test_a_text_stream_event_by_event() -> None:
    assert stream("text") == [
        Started("msg_1", "claude-opus-5-5"),
        UsageReported(Usage(input_tokens=25, cached_tokens=0, cache_write_tokens=0)),
        ProgressReported(ProgressKind.ALIVE),
        TextDelta("Hello"),
        TextDelta("!"),
        UsageReported(Usage(input_tokens=25, output_tokens=15, cached_tokens=0, cache_write_tokens=0)),
        Finished(FinishReason.STOP, "end_turn"),
    ]


def test_thinking_text_and_a_call() -> None:
    events = stream("think-tool")
    assert [event for event in events if isinstance(event, ReasoningDelta)] == [
        ReasoningDelta("They want the weather.", 0, ReasoningKind.SUMMARY)
    ]
    block = {"type": "thinking", "thinking": "They want the weather.", "signature": "EqQBCg"}
    opaque = OpaqueReceived("anthropic.block", block, 0)
    assert events.index(opaque) < events.index(TextDelta("Let me check.", 1))
    calls = [e for e in events if isinstance(e, ToolCallStarted | ToolArgumentsDelta | ToolCallEnded)]
    assert calls == [
        ToolCallStarted("toolu_1", "toolu_1", "get_weather"),
        ToolArgumentsDelta("toolu_1", '{"city": "Par'),
        ToolArgumentsDelta("toolu_1", 'is"}'),
        ToolCallEnded("toolu_1", '{"city": "Paris"}'),
    ]
    assert usage_of(events) == Usage(
        input_tokens=500, output_tokens=89, reasoning_tokens=40, cached_tokens=200, cache_write_tokens=0
    )


def test_what_is_not_shown_is_kept_in_its_place() -> None:
    events = stream("thinking-omitted")
    assert not reasoning_of(events)
    assert kept(events) == [
        ("anthropic.block", {"type": "thinking", "thinking": "", "signature": "EqQBCg"}),
        ("anthropic.block", {"type": "redacted_thinking", "data": "EmwKAhgB"}),
    ]


def test_what_the_server_looked_up_is_shown_and_kept() -> None:
    events = stream("search-pause")
    first = '{"query": "mean temperature of Paris"}'
    assert ended(events) == [("srvtoolu_1", first), ("srvtoolu_2", '{"query": "Oslo"}')]
    (result,) = [event for event in events if isinstance(event, ToolResultReceived)]
    assert result.key == "srvtoolu_1"
    assert "https://climate.example/paris" in result.output
    assert "EvAB" not in result.output
    assert [(kind, data["type"] if isinstance(data, dict) else data[0]["type"]) for kind, data in kept(events)] == [
        ("anthropic.block", "server_tool_use"),
        ("anthropic.block", "web_search_tool_result"),
        ("anthropic.citations", "web_search_result_location"),
        ("anthropic.block", "server_tool_use"),
    ]
    assert kept(events)[0][1]["input"] == {"query": "mean temperature of Paris"}
    assert kept(events)[1][1]["content"][0]["encrypted_content"] == "EvAB"


def test_a_call_that_the_limit_cut_is_not_ended_though_its_block_is() -> None:
    assert ended(stream("two-tools-cut-by-length")) == [("toolu_1", '{"at": 1}')]


def test_llamas_accent() -> None:
    events = stream("llamacpp")
    assert reasoning_of(events) == "Hm."
    assert next(e for e in events if isinstance(e, ReasoningDelta)).kind is ReasoningKind.RAW
    assert kept(events) == [], "nobody takes a thought without a signature back"
    assert ended(events) == [("9f2", "{}")]
    assert usage_of(events) == Usage(input_tokens=34, output_tokens=14, cached_tokens=30)


def test_a_refusal_names_its_category_and_its_reason() -> None:
    events = stream("refusal-explained")
    assert TextDelta("This asks for what could harm many.", 0, Channel.REFUSAL) in events
    assert events[-1] == Finished(FinishReason.REFUSAL, "refusal: bio")
    assert stream("refusal")[-1] == Finished(FinishReason.REFUSAL, "refusal: cyber")


def test_another_model_that_takes_over_is_a_step() -> None:
    events = stream("fallback")
    assert events.index(StepMarked("start")) > events.index(TextDelta("First ", 0))
    assert kept(events) == [("anthropic.block", {"type": "fallback", "model": "claude-opus-4-8"})]


def test_what_is_unknown_is_counted_and_harmless() -> None:
    events = stream("unknown")
    names = [event.name for event in events if isinstance(event, Ignored)]
    assert names == ["new_event", "block new_block", "new_delta", "new_delta"]
    assert kept(events) == [], "it could not be put together again"
    assert events[-1] == Finished(FinishReason.OTHER, "a_new_reason")
    assert usage_of(events).output_tokens == 12


# endings


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("end_turn", FinishReason.STOP),
        ("stop_sequence", FinishReason.STOP),
        ("tool_use", FinishReason.TOOL_CALLS),
        ("max_tokens", FinishReason.LENGTH),
        ("model_context_window_exceeded", FinishReason.LENGTH),
        ("pause_turn", FinishReason.PAUSE),
        ("refusal", FinishReason.REFUSAL),
        ("something", FinishReason.OTHER),
    ],
)
def test_every_stop_reason(raw: str, reason: FinishReason) -> None:
    assert decoded(ending(raw), STOPPED)[-1] == Finished(reason, raw)
    assert decoded(ending(raw))[-1] == Finished(reason, raw), "message_stop may be missing"


def test_a_later_null_takes_no_reason_back() -> None:
    assert decoded(ending("end_turn"), ending(None), STOPPED)[-1] == Finished(FinishReason.STOP, "end_turn")


def test_the_protocols_own_end_without_a_reason_is_an_end() -> None:
    assert decoded(delta(0, type="text_delta", text="Hm"), STOPPED)[-1] == Finished(FinishReason.OTHER)


@pytest.mark.parametrize(
    ("events", "is_retryable"),
    [
        ([{"type": "message_start", "message": {"id": "m"}}, {"type": "ping"}], True),
        ([delta(0, type="text_delta", text="Hm")], False),
        ([start(0, type="tool_use", id="t", name="look")], False),
    ],
)
def test_a_body_that_just_ends_is_cut(events: list[object], is_retryable: bool) -> None:
    last = decoded(*events)[-1]
    assert isinstance(last, Failed)
    assert last.fault.kind is FaultKind.CUT
    assert last.fault.is_retryable is is_retryable


def test_a_broken_connection_after_the_reason_is_no_cut() -> None:
    codec = Anthropic().codec()
    assert not codec.is_finishing
    codec.decode(WireEvent("", json.dumps(ending("end_turn"))))
    assert codec.is_finishing
    codec.finish()
    assert codec.is_done
    assert not codec.is_finishing


@pytest.mark.parametrize(
    ("error", "kind", "is_retryable"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "Over"}}, FaultKind.OVERLOADED, True),
        ({"type": "error", "error": {"type": "api_error", "message": "Oops"}}, FaultKind.SERVER, True),
        ({"type": "error", "error": {"type": "rate_limit_error", "message": "Slow"}}, FaultKind.RATE_LIMIT, True),
        ({"type": "error", "error": {"type": "timeout_error", "message": "Late"}}, FaultKind.TIMEOUT, True),
        ({"type": "error", "error": {"type": "invalid_request_error", "message": "No"}}, FaultKind.REQUEST, False),
        ({"error": {"code": 500, "message": "Oops", "type": "server_error"}}, FaultKind.SERVER, True),
        ({"type": "error"}, FaultKind.SERVER, True),
    ],
)
def test_errors_in_the_stream(error: object, kind: FaultKind, is_retryable: bool) -> None:
    last = decoded(error)[-1]
    assert isinstance(last, Failed)
    assert last.fault.kind is kind
    assert last.fault.is_retryable is is_retryable


def test_an_error_event_that_is_no_json_is_an_error() -> None:
    (last,) = Anthropic().codec().decode(WireEvent("error", "upstream is gone"))
    assert isinstance(last, Failed)
    assert last.fault.message == "upstream is gone"


# accents and damage


def test_a_call_whose_input_came_with_its_start() -> None:
    events = decoded(start(0, type="tool_use", id="t", name="look", input={"at": 1}), stop(0), ending("end_turn"))
    assert ended(events) == [("t", '{"at": 1}')]
    assert events[-1] == Finished(FinishReason.TOOL_CALLS, "end_turn"), "a call is there to be run"


def test_a_call_that_the_server_runs_is_not_ours_to_run() -> None:
    events = decoded(start(0, type="server_tool_use", id="s", name="look"), stop(0), ending("end_turn"))
    assert events[-1] == Finished(FinishReason.STOP, "end_turn")


def test_calls_without_or_with_the_same_id_are_told_apart() -> None:
    block = {"type": "tool_use", "name": "look"}
    events = decoded(start(0, **block, id="t"), start(1, **block, id="t"), start(2, **block), ending("tool_use"))
    keys = [event.key for event in events if isinstance(event, ToolCallStarted)]
    assert len(set(keys)) == 3
    assert [key for key, _ in ended(events)] == keys


def test_deltas_without_a_start_are_not_lost() -> None:
    events = decoded(
        delta(0, type="thinking_delta", thinking="Hm"),
        delta(1, type="text_delta", text="Yes"),
        delta(7, type="input_json_delta", partial_json="{}"),
        ending("end_turn"),
    )
    assert reasoning_of(events) == "Hm"
    assert text_of(events) == "Yes"
    assert Ignored("input_json_delta without a block") in events


def test_text_behind_the_end_of_its_block_is_not_lost() -> None:
    late = delta(0, type="text_delta", text="late")
    assert (
        text_of(decoded(start(0, type="text", text="In time, "), stop(0), late, ending("end_turn")))
        == "In time, late"
    )


def test_arguments_behind_the_end_of_their_call_are_counted_only() -> None:
    more = delta(0, type="input_json_delta", partial_json="1")
    events = decoded(start(0, type="tool_use", id="t", name="n"), stop(0), more, ending("tool_use"))
    assert ended(events) == [("t", "")]
    assert Ignored("late tool call fragment") in events


def test_half_a_pair_at_the_end_is_made_visible() -> None:
    for events in (
        decoded(delta(0, type="text_delta", text="a\ud83d")),
        decoded(delta(0, type="text_delta", text="a\ud83d"), stop(0), ending("end_turn")),
    ):
        assert text_of(events) == "a\ufffd"
    thought = decoded(start(0, type="thinking", signature="s"), delta(0, type="thinking_delta", thinking="b\ud83d"))
    assert reasoning_of(thought) == "b\ufffd"


def test_nothing_comes_after_the_end() -> None:
    codec = Anthropic().codec()
    codec.decode(WireEvent("", json.dumps(STOPPED)))
    assert codec.decode(WireEvent("", json.dumps(delta(0, type="text_delta", text="x")))) == ()
    assert codec.decode_document("{}") == ()
    assert codec.finish() == ()


def test_a_done_mark_ends_it() -> None:
    codec = Anthropic().codec()
    codec.decode(WireEvent("", json.dumps(ending("end_turn"))))
    assert codec.decode(WireEvent("", "[DONE]")) == (Finished(FinishReason.STOP, "end_turn"),)


@pytest.mark.parametrize("data", ["", " ", "null"])
def test_empty_events_say_nothing(data: str) -> None:
    assert Anthropic().codec().decode(WireEvent("ping", data)) == ()


def test_the_name_of_the_event_helps_where_the_type_is_missing() -> None:
    assert Anthropic().codec().decode(WireEvent("ping", "{}")) == (ProgressReported(ProgressKind.ALIVE),)


# documents


def test_a_whole_message_instead_of_a_stream() -> None:
    message: dict[str, Any] = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5",
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
            {"type": "text", "text": "Let me look."},
            {"type": "tool_use", "id": "t", "name": "look", "input": {"at": 1}},
        ],
        "stop_reason": "tool_use", "usage": {"input_tokens": 3, "output_tokens": 5},
    }  # fmt: skip
    events = [*Anthropic().codec().decode_document(json.dumps(message))]
    assert events[0] == Started("msg_1", "claude-haiku-4-5")
    assert ReasoningDelta("Hm.", 0, ReasoningKind.RAW) in events
    assert kept(events) == [("anthropic.block", message["content"][0])]
    assert text_of(events) == "Let me look."
    assert ended(events) == [("t", '{"at": 1}')]
    assert usage_of(events) == Usage(input_tokens=3, output_tokens=5)
    assert events[-1] == Finished(FinishReason.TOOL_CALLS, "tool_use")


def test_documents_that_are_no_answer() -> None:
    for text, kind in (
        ('{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}', FaultKind.AUTH),
        ("<html><title>Bad gateway</title></html>", FaultKind.PROTOCOL),
        ("{}", FaultKind.PROTOCOL),
    ):
        last = Anthropic().codec().decode_document(text)[-1]
        assert isinstance(last, Failed)
        assert last.fault.kind is kind


def test_events_without_a_frame_are_read_one_after_the_other() -> None:
    text = "\n".join(
        json.dumps(event) for event in (delta(0, type="text_delta", text="Hi"), ending("end_turn"), STOPPED)
    )
    events = Anthropic().codec().decode_document(text)
    assert text_of(events) == "Hi"
    assert events[-1] == Finished(FinishReason.STOP, "end_turn")


def test_stray_text_behind_a_stream_counts_only_when_it_is_an_error() -> None:
    codec = Anthropic().codec()
    codec.decode(WireEvent("", json.dumps(delta(0, type="text_delta", text="Hi"))))
    events = codec.decode_document('{"type":"message","content":[{"type":"text","text":"again"}]}')
    assert text_of(events) == ""
    assert isinstance(events[-1], Failed)


def test_thoughts_in_the_block_of_a_call_are_none_of_its_arguments() -> None:
    events = decoded(
        start(0, type="tool_use", id="t1", name="look", input={}),
        delta(0, type="input_json_delta", partial_json='{"a"'),
        delta(0, type="thinking_delta", thinking="Hm."),
        delta(0, type="input_json_delta", partial_json=": 1}"),
        stop(0),
        ending("tool_use"),
    )
    assert ended(events) == [("t1", '{"a": 1}')]
    assert reasoning_of(events) == "Hm."
