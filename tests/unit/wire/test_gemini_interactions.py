"""Gemini Interactions: what comes of its events, how its answers end, and how they are taken up again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chat_tui.core.errors import FaultKind, MalformedEvent
from chat_tui.core.events import (
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
    StreamEvent,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallEnded,
    ToolCallStarted,
    ToolResultReceived,
    Usage,
    UsageReported,
)
from chat_tui.wire.base import ResumableCodec, WireEvent, WireRequest
from chat_tui.wire.framing import SseFramer
from chat_tui.wire.gemini_interactions import PROTOCOL
from tests.support.wire import played, stream_bytes, streams_of, terminal_of, text_of

WORKING = ProgressReported(ProgressKind.PROMPT)
DONE = WireEvent("done", "[DONE]")


def fixture(name: str) -> list[StreamEvent]:
    return played(stream_bytes(f"interactions-{name}"), "gemini-interactions")


def event(kind: str, **fields: Any) -> WireEvent:
    return WireEvent(kind, json.dumps({**fields, "event_type": kind}))


def created(**fields: Any) -> WireEvent:
    return event("interaction.created", interaction={"id": "v1", "status": "in_progress"}, **fields)


def completed(status: object, **interaction: Any) -> WireEvent:
    return event("interaction.completed", interaction={"id": "v1", "status": status, **interaction})


def said(text: str, **fields: Any) -> WireEvent:
    return event("step.delta", index=0, delta={"type": "text", "text": text}, **fields)


def decoded(*events: WireEvent) -> list[StreamEvent]:
    codec = PROTOCOL.codec()
    return [found for one in events for found in codec.decode(one)] + list(codec.finish())


def answer(*events: WireEvent) -> list[StreamEvent]:
    """What comes of the events before a proper end."""
    *found, last = decoded(*events, completed("completed"))
    assert isinstance(last, Finished)
    return [one for one in found if not isinstance(one, Started)]


def failure(events: list[StreamEvent]) -> Failed:
    last = terminal_of(events)
    assert isinstance(last, Failed)
    return last


# the streams


def test_text() -> None:
    assert fixture("text") == [
        Started("v1_0", "gemini-3.8-flash"),
        WORKING,
        TextDelta("Hel"),
        TextDelta("lo."),
        UsageReported(Usage(5, 3, 0)),
        Finished(FinishReason.STOP, "completed"),
    ]


def test_a_signed_thought_and_a_call() -> None:
    assert fixture("tool")[2:] == [
        ReasoningDelta("Need the weather.", 0, ReasoningKind.SUMMARY),
        OpaqueReceived("gemini-interactions.thought", {"signature": "CsIB", "chars": 17}),
        ToolCallStarted("call-0", "fc1", "get_weather"),
        ToolArgumentsDelta("call-0", '{"city":"Paris"}'),
        ToolCallEnded("call-0", '{"city":"Paris"}'),
        UsageReported(Usage(40, 32, 20)),
        Finished(FinishReason.TOOL_CALLS, "requires_action"),
    ]


def test_an_error_in_the_stream() -> None:
    fault = failure(fixture("error")).fault
    assert (fault.kind, fault.code, fault.is_retryable) == (FaultKind.TIMEOUT, "gateway_timeout", True)
    assert fault.message == "Deadline expired before operation could complete."


def test_tools_that_the_provider_runs_go_back_as_they_came() -> None:
    search = {
        "type": "google_search_call",
        "id": "s1",
        "arguments": {"queries": ["weather"]},
        "signature": "Y2FsbA==",
    }
    found = {
        "type": "google_search_result",
        "call_id": "s1",
        "result": [{"search_suggestions": "<b>x</b>"}],
        "signature": "cmVz",
    }
    code = {"type": "code_execution_call", "id": "x1", "arguments": {"language": "python", "code": "1"}}
    ran = {"type": "code_execution_result", "call_id": "x1", "result": "11\n"}
    kept = "gemini-interactions.step"
    assert fixture("search")[2:] == [
        ReasoningDelta("Look ", 0, ReasoningKind.SUMMARY),
        ReasoningDelta("it up.", 0, ReasoningKind.SUMMARY),
        OpaqueReceived("gemini-interactions.thought", {"signature": "c2ln", "chars": 11}),
        ToolCallStarted("call-0", "s1", "google_search"),
        ToolArgumentsDelta("call-0", '{"queries": ["weather"]}'),
        ToolCallEnded("call-0", '{"queries": ["weather"]}'),
        OpaqueReceived(kept, {"key": "call-0", "step": search}, 1),
        ToolResultReceived("call-0", '[{"search_suggestions": "<b>x</b>"}]'),
        OpaqueReceived(kept, {"key": "call-0", "step": found}, 2),
        ToolCallStarted("call-1", "x1", "code_execution"),
        ToolArgumentsDelta("call-1", '{"language": "python", "code": "1"}'),
        ToolCallEnded("call-1", '{"language": "python", "code": "1"}'),
        OpaqueReceived(kept, {"key": "call-1", "step": code}, 3),
        ToolResultReceived("call-1", "11\n"),
        OpaqueReceived(kept, {"key": "call-1", "step": ran}, 4),
        TextDelta("It is 11.", 5),
        Ignored("content text_annotation_delta"),
        Ignored("image image/png (8 bytes)"),
        UsageReported(Usage(7, 9)),
        UsageReported(Usage(7, 14, 5, 2)),
        Finished(FinishReason.STOP, "completed"),
    ]


def test_a_queue_before_the_answer_and_deltas_without_a_start() -> None:
    events = fixture("queued")
    assert events[1:4] == [ProgressReported(ProgressKind.QUEUED), WORKING, UsageReported(Usage(7))]
    assert text_of(events) == "Hi 😀"
    assert Ignored("interaction.something_new") in events


def test_calls_that_interleave_and_an_end_that_only_was_announced() -> None:
    events = fixture("parallel-calls")
    assert [one for one in events if isinstance(one, ToolCallEnded)] == [
        ToolCallEnded("call-1", '{"zone": "CET"}'),
        ToolCallEnded("call-0", '{"city":"Paris"}'),
    ]
    assert events[-1] == Finished(FinishReason.TOOL_CALLS, "requires_action")


def test_an_interaction_that_is_the_event_itself() -> None:
    events = played(stream_bytes("interactions-litellm"), "gemini-interactions")
    assert Started("resp_1", "m") in events
    assert text_of(events) == "Hello!"
    assert events[-1] == Finished(FinishReason.STOP, "completed")


@pytest.mark.parametrize("name", ["interaction.created", "interaction.in_progress"])
def test_the_name_of_its_beginning_is_no_end(name: str) -> None:
    codec = PROTOCOL.codec()
    codec.decode(WireEvent(name, json.dumps({"event_type": name})))
    assert not codec.is_finishing
    assert isinstance(codec.finish()[-1], Failed)


def test_an_answer_that_pauses_keeps_its_newest_token() -> None:
    assert fixture("continuation")[-2:] == [
        OpaqueReceived("gemini-interactions.continuation", "t2"),
        Finished(FinishReason.PAUSE, "requires_continuation"),
    ]


def test_a_call_cut_by_the_limit_stays_open() -> None:
    events = fixture("length")
    assert not [one for one in events if isinstance(one, ToolCallEnded)]
    assert events[-1] == Finished(FinishReason.LENGTH, "incomplete")


def test_a_failed_interaction_says_why() -> None:
    events = fixture("failed")
    fault = failure(events).fault
    assert text_of(events) == "The ans"
    assert (fault.kind, fault.message) == (FaultKind.RATE_LIMIT, "Too many tokens at once.")


# how it ends


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("completed", FinishReason.STOP),
        ("requires_action", FinishReason.TOOL_CALLS),
        ("incomplete", FinishReason.LENGTH),
        ("budget_exceeded", FinishReason.LENGTH),
        ("requires_continuation", FinishReason.PAUSE),
        ("cancelled", FinishReason.CANCELLED),
        ("something_new", FinishReason.OTHER),
        ("in_progress", FinishReason.OTHER),
    ],
)
def test_statuses(status: str, reason: FinishReason) -> None:
    assert decoded(said("a"), completed(status), DONE)[1:] == [Started("v1"), Finished(reason, status)]


@pytest.mark.parametrize("status", [None, 7, ""])
def test_completed_without_a_status_is_complete(status: object) -> None:
    assert decoded(said("a"), completed(status))[-1] == Finished(FinishReason.OTHER)


def test_a_call_that_waits_makes_completed_a_call() -> None:
    call = {"type": "function_call", "id": "a", "name": "f"}
    start = event("step.start", index=0, step=call)
    for tail in ([event("step.stop", index=0)], []):
        events = decoded(start, *tail, completed("completed"))
        assert events[-2:] in (
            [Started("v1"), Finished(FinishReason.TOOL_CALLS, "completed")],
            [ToolCallEnded("call-0", ""), Finished(FinishReason.TOOL_CALLS, "completed")],
        )
    ran = event("step.start", index=1, step={"type": "function_result", "call_id": "a", "result": {"x": 1}})
    events = decoded(start, event("step.stop", index=0), ran, completed("completed"))
    assert ToolResultReceived("call-0", '{"x": 1}') in events
    assert not [one for one in events if isinstance(one, OpaqueReceived)]
    assert events[-1] == Finished(FinishReason.STOP, "completed")


@pytest.mark.parametrize("status", ["completed", "requires_action", "failed", "cancelled"])
def test_a_last_status_counts_when_nothing_follows_it(status: str) -> None:
    update = event("interaction.status_update", interaction_id="v1", status=status)
    codec = PROTOCOL.codec()
    codec.decode(said("a"))
    assert not codec.is_finishing
    codec.decode(update)
    assert codec.is_finishing
    (last,) = codec.finish()
    assert isinstance(last, Failed) is (status == "failed")
    codec = PROTOCOL.codec()
    codec.decode(update)
    codec.decode(event("interaction.status_update", interaction_id="v1", status="in_progress"))
    assert not codec.is_finishing
    assert isinstance(codec.finish()[-1], Failed)


@pytest.mark.parametrize(("tail", "words"), [([DONE], "server closed"), ([], "connection ended")])
def test_an_end_without_a_status_is_a_cut(tail: list[WireEvent], words: str) -> None:
    fault = failure(decoded(created(), said("a"), *tail)).fault
    assert (fault.kind, fault.title, fault.is_retryable) == (FaultKind.CUT, "connection lost", False)
    assert words in fault.message
    assert failure(decoded(created(), *tail)).fault.is_retryable


@pytest.mark.parametrize(
    "broken",
    [
        event("error", error={"code": "rate_limit_exceeded", "message": "Slow"}),
        WireEvent("error", '{"error": {"code": "rate_limit_exceeded", "message": "Slow"}}'),
        WireEvent("", '{"error": {"code": "rate_limit_exceeded", "message": "Slow"}}'),
        WireEvent("", '[{"error": {"code": 429, "message": "Slow", "status": "RESOURCE_EXHAUSTED"}}]'),
    ],
)
def test_errors_inside_the_stream(broken: WireEvent) -> None:
    events = decoded(said("a"), broken, completed("completed"))
    assert text_of(events) == "a"
    fault = failure(events).fault
    assert (fault.kind, fault.message, fault.is_retryable) == (FaultKind.RATE_LIMIT, "Slow", True)


@pytest.mark.parametrize("data", ["", "null", "{}", "Too busy", "{"])
def test_an_error_event_without_an_error_is_one(data: str) -> None:
    codec = PROTOCOL.codec()
    events = [*codec.decode(WireEvent("error", data)), *codec.finish()]
    assert isinstance(terminal_of(events), Failed)


def test_an_error_of_a_step_is_the_reason_of_the_failure() -> None:
    step = {"type": "model_output", "error": {"code": 503, "message": "The model is overloaded."}}
    fault = failure(decoded(event("step.start", index=0, step=step), completed("failed"))).fault
    assert (fault.kind, fault.message) == (FaultKind.OVERLOADED, "The model is overloaded.")
    assert failure(decoded(completed("failed"))).fault.message


def test_a_malformed_event_is_raised_and_the_answer_goes_on() -> None:
    codec = PROTOCOL.codec()
    with pytest.raises(MalformedEvent):
        codec.decode(WireEvent("step.delta", "{"))
    assert codec.decode(said("b")) == (TextDelta("b"),)


# odd ones


@pytest.mark.parametrize(
    ("delta", "found"),
    [
        ({"type": "something_new"}, [Ignored("step something_new"), Ignored("content something_new")]),
        ({"type": "text", "text": None}, []),
        ({"type": "text", "text": ""}, []),
        ({"type": "arguments_delta"}, [
            ToolCallStarted("call-0", "", "function"), Ignored("arguments of no call"), ToolCallEnded("call-0", "")
        ]),
        ({"type": "thought_summary", "content": {"type": "text", "text": "hm"}}, [
            ReasoningDelta("hm", 0, ReasoningKind.SUMMARY)
        ]),
        ({"type": "thought_summary", "content": {"type": "image", "mime_type": "image/png", "data": "QUJD"}}, [
            Ignored("image image/png (3 bytes)")
        ]),
        ({"type": "code_execution_result", "result": "1"}, [Ignored("code_execution_result of no call")]),
        ({}, [Ignored("step "), Ignored("content")]),
    ],
)  # fmt: skip
def test_deltas_of_steps_that_never_began(delta: object, found: list[StreamEvent]) -> None:
    assert answer(event("step.delta", index=0, delta=delta)) == found


def test_half_a_character_at_a_cut_is_made_visible_where_it_belongs() -> None:
    thought = {"type": "thought_summary", "content": {"type": "text", "text": "hm \ud83d"}}
    call = {"type": "function_call", "id": "a", "name": "f"}
    events = decoded(
        said("a \ud83d"),
        event("step.delta", index=1, delta=thought),
        event("step.start", index=2, step=call),
        event("step.delta", index=2, delta={"type": "arguments_delta", "arguments": "\ud83d"}),
    )
    assert events[:-1] == [
        TextDelta("a "),
        ReasoningDelta("hm ", 1, ReasoningKind.SUMMARY),
        ToolCallStarted("call-0", "a", "f"),
        TextDelta("\ufffd"),
        ReasoningDelta("\ufffd", 1, ReasoningKind.SUMMARY),
        ToolArgumentsDelta("call-0", "\ufffd"),
    ]


@pytest.mark.parametrize("index", [None, True, -1, "1", 1 << 40])
def test_an_index_that_is_none_means_the_newest_step(index: object) -> None:
    first = event("step.delta", index=3, delta={"type": "text", "text": "a"})
    assert answer(first, event("step.delta", index=index, delta={"type": "text", "text": "b"})) == [
        TextDelta("a", 3),
        TextDelta("b", 3),
    ]


def test_metadata_has_usage_and_types_may_stand_in_the_name_only() -> None:
    counted = WireEvent("step.delta", json.dumps({
        "index": 0, "delta": {"type": "text", "text": "a"}, "metadata": {"total_usage": {"total_output_tokens": 4}},
    }))  # fmt: skip
    assert answer(counted) == [TextDelta("a"), UsageReported(Usage(output_tokens=4))]


@pytest.mark.parametrize("value", ["7", "[]", "[1]", '"text"', "true"])
def test_values_that_are_no_event_are_counted(value: str) -> None:
    assert answer(WireEvent("x", value), WireEvent("x", "null")) == [Ignored("event that is no object")]


# a document instead of a stream


def test_a_whole_interaction_as_one_document() -> None:
    document = {
        "id": "v1",
        "status": "completed",
        "model": "m",
        "steps": [
            {"type": "user_input", "content": [{"type": "text", "text": "Hi"}]},
            {"type": "thought", "signature": "s", "summary": [{"type": "text", "text": "hm"}]},
            {"type": "model_output", "content": [{"type": "text", "text": "Hello."}]},
            {"type": "function_call", "id": "a", "name": "f", "arguments": {"x": 1}},
        ],
        "usage": {"total_input_tokens": 1, "total_output_tokens": 2},
    }
    expected = (
        ReasoningDelta("hm", 1, ReasoningKind.SUMMARY),
        OpaqueReceived("gemini-interactions.thought", {"signature": "s", "chars": 2}, 1),
        TextDelta("Hello.", 2),
        ToolCallStarted("call-0", "a", "f"),
        ToolArgumentsDelta("call-0", '{"x": 1}'),
        ToolCallEnded("call-0", '{"x": 1}'),
        UsageReported(Usage(1, 2)),
        Finished(FinishReason.TOOL_CALLS, "completed"),
    )
    codec = PROTOCOL.codec()
    assert codec.decode_document(json.dumps(document)) == (Started("v1", "m"), *expected)
    assert codec.finish() == ()
    assert tuple(decoded(event("interaction.completed", interaction=document))) == (Started("v1", "m"), *expected)


def test_steps_of_the_end_are_not_said_twice() -> None:
    steps = [{"type": "model_output", "content": [{"type": "text", "text": "Hello."}]}]
    assert text_of(decoded(said("Hello."), completed("completed", steps=steps))) == "Hello."


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ('{"error": {"code": "model_not_found", "message": "No m"}}', FaultKind.NOT_FOUND, "No m"),
        ('[{"error": {"code": 503, "message": "Busy"}}]', FaultKind.OVERLOADED, "Busy"),
        ('{"id": "x"}', FaultKind.PROTOCOL, "no interaction"),
        ("<title>Log in</title>", FaultKind.PROTOCOL, "Log in"),
        ("", FaultKind.PROTOCOL, "no interaction"),
    ],
)
def test_documents_that_are_no_answer(text: str, kind: FaultKind, words: str) -> None:
    fault = failure(list(PROTOCOL.codec().decode_document(text))).fault
    assert fault.kind is kind
    assert words in fault.message


def test_stray_text_after_a_stream_changes_nothing_but_an_error_does() -> None:
    for stray, kind in (('{"status": "completed"}', FaultKind.CUT), ('{"error": "late"}', FaultKind.SERVER)):
        codec = PROTOCOL.codec()
        codec.decode(said("a"))
        assert failure(list(codec.decode_document(stray))).fault.kind is kind


# going on after a break


def wire_events(name: str) -> list[WireEvent]:
    framer = SseFramer()
    return [*framer.feed(stream_bytes(name)), *framer.finish()]


def test_the_request_for_the_rest() -> None:
    codec = PROTOCOL.codec()
    assert isinstance(codec, ResumableCodec)
    assert (codec.resume(), codec.cancel()) == (None, None)
    codec.decode(event("interaction.created", interaction={"id": "v1/x", "status": "queued"}))
    assert codec.resume() is None
    headers = {"Api-Revision": "2026-05-20"}
    assert codec.cancel() == WireRequest("/interactions/v1%2Fx/cancel", headers=headers)
    codec.decode(said("a", event_id="e 1"))
    path = "/interactions/v1%2Fx?stream=true&last_event_id=e%201"
    assert codec.resume() == WireRequest(path, headers=headers, method="GET")
    codec.decode(said("b"))
    assert codec.resume() == WireRequest(path, headers=headers, method="GET")


@pytest.mark.parametrize("last", [completed("completed"), event("error", error="x"), DONE])
def test_nothing_is_resumed_or_cancelled_after_the_end(last: WireEvent) -> None:
    codec = PROTOCOL.codec()
    codec.decode(created(event_id="e1"))
    codec.decode(last)
    assert (codec.resume(), codec.cancel()) == (None, None)


def test_half_a_pair_in_an_event_id_is_no_obstacle() -> None:
    codec = PROTOCOL.codec()
    codec.decode(created(event_id="\ud83d"))
    wire = codec.resume()
    assert wire is not None
    assert wire.path.endswith("last_event_id=%EF%BF%BD")


def test_an_answer_that_we_gave_up_can_still_be_cancelled() -> None:
    codec = PROTOCOL.codec()
    codec.decode(created(event_id="e1"))
    codec.finish()
    assert codec.resume() is None
    assert codec.cancel() is not None


@pytest.mark.parametrize(
    ("answer_id", "path"),
    [("../../evil", "..%2F..%2Fevil"), ("a b?c#d", "a%20b%3Fc%23d"), ("..", None), ("x" * 501, None)],
)
def test_an_id_leads_nowhere_else(answer_id: str, path: str | None) -> None:
    codec = PROTOCOL.codec()
    interaction = {"id": answer_id, "status": "in_progress"}
    codec.decode(event("interaction.created", interaction=interaction, event_id="e1"))
    wire = codec.cancel()
    assert (None if wire is None else wire.path) == (None if path is None else f"/interactions/{path}/cancel")
    assert (codec.resume() is None) is (path is None)


RESUMABLE = [
    name
    for name in streams_of("gemini-interactions")
    if "error" not in name and b'"event_id"' in stream_bytes(name)
]


@pytest.mark.parametrize("name", RESUMABLE)
@pytest.mark.parametrize(
    "overlap", [0, 1, 3, 1000], ids=["behind the last", "from it", "before it", "from the start"]
)
def test_a_break_anywhere_loses_nothing_and_doubles_nothing(name: str, overlap: int) -> None:
    """Whatever of the old events the server sends again after a break, wherever it is."""
    sent = wire_events(name)
    whole = played(stream_bytes(name), "gemini-interactions")
    resumed = 0
    for at in range(len(sent) + 1):
        codec = PROTOCOL.codec()
        events = [found for one in sent[:at] for found in codec.decode(one)]
        if codec.resume() is None:
            continue
        resumed += 1
        events += [found for one in sent[max(0, at - overlap) :] for found in codec.decode(one)]
        assert [*events, *codec.finish()] == whole
    assert resumed > 2


def test_several_breaks_in_a_row() -> None:
    sent = wire_events("interactions-search")
    codec = PROTOCOL.codec()
    events: list[StreamEvent] = []
    for one in sent[:-2]:
        events += codec.decode(one)
        assert codec.resume() is not None
        for again in sent[: sent.index(one) + 1]:
            assert codec.decode(again) == ()
    events += [found for one in sent[-2:] for found in codec.decode(one)]
    assert events == played(stream_bytes("interactions-search"), "gemini-interactions")


def test_without_a_break_equal_ids_hide_nothing() -> None:
    assert text_of(decoded(said("a", event_id="e"), said("b", event_id="e"))) == "ab"
