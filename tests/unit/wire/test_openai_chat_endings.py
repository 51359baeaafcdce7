"""How answers end: finish reasons, cuts, errors inside a 200, documents instead of streams."""

from __future__ import annotations

import json

import pytest

from chat_tui.core.errors import FaultKind, MalformedEvent
from chat_tui.core.events import (
    Finished,
    FinishReason,
    Ignored,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallEnded,
    ToolCallStarted,
    Usage,
    UsageReported,
)
from chat_tui.wire.base import WireEvent
from chat_tui.wire.openai_chat import OpenAIChat, OpenAIChatCodec
from tests.unit.wire.streams import (
    DONE,
    USAGE,
    answer,
    chunk,
    decoded,
    event,
    failure,
    text_of,
)

STOP = Finished(FinishReason.STOP, "stop")
CALLS = Finished(FinishReason.TOOL_CALLS, "tool_calls")
READ = Usage(17, 3, 2, 4, 5)


# how it ends


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("stop", FinishReason.STOP),
        ("eos", FinishReason.STOP),
        ("end_turn", FinishReason.STOP),
        ("length", FinishReason.LENGTH),
        ("model_length", FinishReason.LENGTH),
        ("tool_calls", FinishReason.TOOL_CALLS),
        ("function_call", FinishReason.TOOL_CALLS),
        ("content_filter", FinishReason.CONTENT_FILTER),
        ("\ud800 new one", FinishReason.OTHER),
    ],
)
@pytest.mark.parametrize("tail", [[DONE], []], ids=["[DONE]", "end of body"])
def test_finish_reasons(raw: str, reason: FinishReason, tail: list[WireEvent]) -> None:
    late = chunk({}, None, usage={"prompt_tokens": 1})
    events = decoded([chunk({"content": "a"}), chunk({}, raw), late, *tail])
    assert events == [
        TextDelta("a"), UsageReported(Usage(1)), Finished(reason, raw.replace("\ud800", "\ufffd"))
    ]  # fmt: skip


def test_a_finish_reason_that_is_no_text_completes_nothing() -> None:
    events = decoded([chunk({"content": "a"}), chunk({}, {"x": 1}), DONE])
    assert Ignored("finish_reason that is no text") in events
    assert failure(events).fault.kind is FaultKind.CUT


@pytest.mark.parametrize("raw", ["abort", "insufficient_system_resource"])
def test_reasons_that_are_no_end_of_the_answer(raw: str) -> None:
    fault = failure(decoded([chunk({"content": "a"}), chunk({}, raw), DONE])).fault
    assert (fault.kind, fault.code, fault.is_retryable) == (FaultKind.CUT, raw, False)
    assert failure(decoded([chunk({}, raw), DONE])).fault.is_retryable


def test_the_reason_error() -> None:
    choice = {"index": 0, "delta": {}, "finish_reason": "error", "error": {"code": 429, "message": "Too fast"}}
    fault = failure(decoded([chunk({"content": "a"}), event({"choices": [choice]}), DONE])).fault
    assert (fault.kind, fault.message) == (FaultKind.RATE_LIMIT, "Too fast")
    fault = failure(decoded([chunk({}, "error"), DONE])).fault
    assert fault.kind is FaultKind.SERVER
    assert fault.message


@pytest.mark.parametrize(("tail", "words"), [([DONE], "server closed"), ([], "connection ended")])
def test_an_end_without_a_reason_is_a_cut(tail: list[WireEvent], words: str) -> None:
    fault = failure(decoded([chunk({"content": "a"}), *tail])).fault
    assert (fault.kind, fault.title, fault.is_retryable) == (FaultKind.CUT, "connection lost", False)
    assert words in fault.message
    assert "without a finish reason" in fault.message
    assert failure(decoded([chunk({"content": ""}), *tail])).fault.is_retryable


@pytest.mark.parametrize(
    "delta", [{"content": "a"}, {"reasoning": "a"}, {"refusal": "a"}, {"tool_calls": [{}]}, {"function_call": {}}]
)
def test_a_cut_after_any_output_is_not_worth_a_silent_retry(delta: object) -> None:
    assert not failure(decoded([chunk(delta)])).fault.is_retryable


def test_is_finishing_between_reason_and_end() -> None:
    codec = OpenAIChatCodec()
    seen = [codec.is_finishing]
    for one in (chunk({"content": "a"}), chunk({}, "stop"), DONE):
        codec.decode(one)
        seen.append(codec.is_finishing)
    assert seen == [False, False, True, False]


# errors


@pytest.mark.parametrize(
    "broken",
    [
        event({"error": {"message": "Busy", "type": "overloaded_error"}}),
        event({"error": {"message": "Busy", "type": "overloaded_error"}, "choices": []}),
        event({"error": "Server overloaded: Busy"}),
        event({"code": "overloaded", "error": "Busy"}),
        event({"object": "error", "message": "Busy", "code": 503}),
        event({"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}}),
        event({"message": "Busy", "code": 529}, name="error"),
        event("Busy, overloaded", name="error"),
        WireEvent("error", "Busy: the server is overloaded"),
        event({"choices": [{"delta": {"content": ""}}], "message": "Busy", "code": 529}, name="error"),
        event([{"error": {"code": 503, "message": "Busy", "status": "UNAVAILABLE"}}]),
        event({"choices": [], "x_groq": {"error": "Busy: over capacity"}}),
    ],
)
def test_errors_inside_the_stream(broken: WireEvent) -> None:
    events = decoded([chunk({"content": "a"}), broken, chunk({}, "stop"), DONE])
    fault = failure(events).fault
    assert text_of(events) == "a"
    assert (fault.kind, fault.is_retryable) == (FaultKind.OVERLOADED, True)
    assert "Busy" in fault.message
    assert fault.detail


def test_the_text_of_a_chunk_with_an_error_is_kept() -> None:
    events = decoded([chunk({"content": "a"}, "error", error={"message": "x", "code": 502})])
    assert text_of(events) == "a"
    assert failure(events).fault.status == 502


@pytest.mark.parametrize("data", ["", "null", "{}", "[DONE"])
def test_an_error_event_without_words_is_an_error(data: str) -> None:
    fault = failure(decoded([WireEvent("error", data), DONE])).fault
    assert fault.kind is FaultKind.SERVER
    assert fault.message


def test_an_error_after_the_finish_reason_counts() -> None:
    assert failure(decoded([chunk({}, "stop"), event({"error": "late"}), DONE])).fault.message == "late"


@pytest.mark.parametrize("error", [None, "", {}, 0, False])
def test_an_empty_error_is_none(error: object) -> None:
    assert answer(chunk({"content": "a"}, error=error)) == [TextDelta("a")]


def test_words_that_are_no_chunk_are_counted_and_told_at_a_cut() -> None:
    events = decoded([event({"message": "Shutting down"}), event({"type": "chat.start"}), event({"a": 1}, "x.y")])
    assert events[:-1] == [Ignored("chunk without choices"), Ignored("chat.start"), Ignored("x.y")]
    assert "Shutting down" in failure(decoded([event({"message": "Shutting down"})])).fault.message


@pytest.mark.parametrize("value", [[], [1, {"a": 1}], 7, "text", True])
def test_values_that_are_no_chunk_are_counted(value: object) -> None:
    assert answer(event(value)) == [Ignored("event that is no object")]


@pytest.mark.parametrize(
    "data", ["{", "nonsense", "{'a': 1}", '{"a":' + "[" * 5000, "9" * 5000, '{"a": 1} {"b": 2}']
)
def test_a_malformed_event_is_raised_and_the_answer_goes_on(data: str) -> None:
    codec = OpenAIChat().codec()
    codec.decode(chunk({"content": "a"}))
    with pytest.raises(MalformedEvent) as raised:
        codec.decode(WireEvent("", data))
    assert raised.value.excerpt == data[:200]
    assert codec.decode(chunk({"content": "b"}, "stop")) == (TextDelta("b"),)
    assert codec.finish() == (STOP,)


# a document instead of a stream


def document(**fields: object) -> str:
    return json.dumps({"id": "x", "model": "m", "object": "chat.completion", **fields})


def test_a_whole_answer_as_one_document() -> None:
    message = {
        "role": "assistant",
        "content": "Hi",
        "reasoning_content": "hm",
        "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    }
    text = document(choices=[{"index": 0, "message": message, "finish_reason": "tool_calls"}], usage=USAGE)
    codec = OpenAIChat().codec()
    assert codec.decode_document(text) == (
        Started("x", "m"),
        ReasoningDelta("hm"),
        TextDelta("Hi"),
        ToolCallStarted("call-0", "a", "f"),
        ToolArgumentsDelta("call-0", "{}"),
        UsageReported(READ),
        ToolCallEnded("call-0", "{}"),
        CALLS,
    )
    assert codec.is_done
    assert codec.finish() == ()


def test_a_document_without_a_reason_is_whole_and_says_no_reason() -> None:
    text = document(choices=[{"message": {"content": "Hi"}, "finish_reason": None}])
    assert OpenAIChat().codec().decode_document(text)[1:] == (TextDelta("Hi"), Finished(FinishReason.OTHER))


def test_chunks_in_a_row_instead_of_events() -> None:
    first, last = chunk({"content": "Hi"}, id="x").data, chunk({}, "stop").data
    assert OpenAIChat().codec().decode_document(f"{first}\n{last}\n") == (Started("x"), TextDelta("Hi"), STOP)
    events = list(OpenAIChat().codec().decode_document(f"{first}\n{last[:-5]}"))
    assert text_of(events) == "Hi"
    assert failure(events).fault.kind is FaultKind.CUT


def test_a_document_after_a_begun_stream_completes_nothing() -> None:
    codec = OpenAIChat().codec()
    codec.decode(chunk({"content": "a"}))
    text = document(choices=[{"message": {"content": "Hi"}, "finish_reason": None}])
    assert failure(list(codec.decode_document(text))).fault.kind is FaultKind.CUT


def test_a_message_beside_deltas_is_not_said_twice() -> None:
    repeated = event({"choices": [{"index": 0, "message": {"content": "ab"}, "finish_reason": "stop"}]})
    assert text_of(decoded([chunk({"content": "ab"}), repeated])) == "ab"


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ('{"error": {"message": "No money", "code": "insufficient_quota"}}', FaultKind.QUOTA, "No money"),
        ('[{"error": {"message": "Busy", "code": 503}}]', FaultKind.OVERLOADED, "Busy"),
        ('{"error": "broken"}\nand more', FaultKind.SERVER, "broken"),
        ("<html><title>Log in</title></html>", FaultKind.PROTOCOL, "Log in"),
        ("Internal error", FaultKind.PROTOCOL, "Internal error"),
        ('{"detail": "Invalid authentication credentials"}', FaultKind.AUTH, "Invalid authentication"),
        ('{"hello": "world"}', FaultKind.PROTOCOL, "no chat answer"),
        ('{"choices": []}', FaultKind.PROTOCOL, "no chat answer"),
        ('{"choices": [{"message": {"content": "cut', FaultKind.PROTOCOL, "no chat answer"),
        ("[[[[", FaultKind.PROTOCOL, "no chat answer"),
        ("null", FaultKind.PROTOCOL, "no chat answer"),
        ("", FaultKind.PROTOCOL, "no chat answer"),
    ],
)
def test_documents_that_are_no_answer(text: str, kind: FaultKind, words: str) -> None:
    fault = failure(list(OpenAIChat().codec().decode_document(text))).fault
    assert fault.kind is kind
    assert words in fault.message


@pytest.mark.parametrize("stray", ["{", '{"a": 1}', "[1]"])
def test_stray_text_after_a_stream_changes_nothing(stray: str) -> None:
    codec = OpenAIChat().codec()
    codec.decode(chunk({"content": "a"}))
    assert failure(list(codec.decode_document(stray))).fault.kind is FaultKind.CUT
    codec = OpenAIChat().codec()
    codec.decode(chunk({}, "stop"))
    assert codec.decode_document(stray) == (STOP,)
