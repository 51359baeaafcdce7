"""Gemini generateContent: what comes of its chunks, and how its answers end."""

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
from chat_tui.wire.base import WireEvent
from chat_tui.wire.gemini import PROTOCOL
from tests.support.wire import played, stream_bytes, terminal_of, text_of

STOP = Finished(FinishReason.STOP, "STOP")


def fixture(name: str) -> list[StreamEvent]:
    return played(stream_bytes(f"gemini-{name}"), "gemini")


def chunk(*parts: object, **candidate: Any) -> WireEvent:
    return event({"candidates": [{"content": {"role": "model", "parts": list(parts)}, "index": 0, **candidate}]})


def event(value: object, name: str = "") -> WireEvent:
    return WireEvent(name, json.dumps(value))


def decoded(*events: WireEvent) -> list[StreamEvent]:
    codec = PROTOCOL.codec()
    return [found for one in events for found in codec.decode(one)] + list(codec.finish())


def answer(*events: WireEvent) -> list[StreamEvent]:
    """What comes of the events before an end with STOP."""
    *found, last = decoded(*events, chunk(finishReason="STOP"))
    assert isinstance(last, Finished)
    return found


def failure(events: list[StreamEvent]) -> Failed:
    last = terminal_of(events)
    assert isinstance(last, Failed)
    return last


def usage(**counts: int) -> Usage | None:
    found = [one.usage for one in answer(event({"usageMetadata": counts})) if isinstance(one, UsageReported)]
    return found[0] if found else None


# the streams


def test_thoughts_then_text() -> None:
    assert fixture("text") == [
        Started("r1", "gemini-3.8-flash"),
        ReasoningDelta("Adding numbers.", 0, ReasoningKind.SUMMARY),
        UsageReported(Usage(9, 30, 30)),
        TextDelta("2 + 2"),
        UsageReported(Usage(9, 33, 30)),
        TextDelta(" = 4"),
        OpaqueReceived("gemini.signature", {"signature": "CsIB", "of": "text", "chars": 0}),
        UsageReported(Usage(9, 36, 30)),
        STOP,
    ]


def test_a_call_comes_whole_and_makes_stop_a_call() -> None:
    assert fixture("tool") == [
        Started("r2", "gemini-3.8-flash"),
        ToolCallStarted("call-0", "fc1", "get_weather"),
        ToolArgumentsDelta("call-0", '{"city": "Paris"}'),
        ToolCallEnded("call-0", '{"city": "Paris"}'),
        OpaqueReceived("gemini.signature", {"signature": "CsIB", "of": "call", "key": "call-0"}),
        UsageReported(Usage(40, 12)),
        Finished(FinishReason.TOOL_CALLS, "STOP"),
    ]


def test_calls_without_ids_get_one_each() -> None:
    events = fixture("parallel-calls")
    assert [one for one in events if isinstance(one, ToolCallStarted)] == [
        ToolCallStarted("call-0", "gemini-call-r9-0", "get_weather"),
        ToolCallStarted("call-1", "gemini-call-r9-1", "get_time"),
    ]
    assert [one.arguments for one in events if isinstance(one, ToolCallEnded)] == ['{"city": "Paris"}', "{}"]
    assert events[-1] == Finished(FinishReason.TOOL_CALLS, "STOP")


def test_a_blocked_prompt() -> None:
    assert fixture("blocked-prompt") == [
        Started("r3", "gemini-3.8-flash"),
        UsageReported(Usage(9)),
        Finished(FinishReason.CONTENT_FILTER, "PROHIBITED_CONTENT"),
    ]


def test_a_filter_in_the_middle_keeps_the_text_and_the_counts() -> None:
    events = fixture("safety")
    assert text_of(events) == "First,"
    assert events[-1] == Finished(FinishReason.CONTENT_FILTER, "SAFETY")
    assert [one.usage for one in events if isinstance(one, UsageReported)] == [Usage(9, 2)]


def test_parts_beside_the_finish_reason() -> None:
    events = fixture("length")
    assert text_of(events) == "Once upon a"
    assert events[-2:] == [UsageReported(Usage(9, 3)), Finished(FinishReason.LENGTH, "MAX_TOKENS")]


@pytest.mark.parametrize("name", ["error", "error-bare"])
def test_an_error_in_the_stream(name: str) -> None:
    events = fixture(name)
    fault = failure(events).fault
    assert text_of(events) == "The ans"
    assert (fault.kind, fault.status, fault.code) == (FaultKind.OVERLOADED, 503, "503")
    assert fault.message == "The model is overloaded. Please try again later."


def test_an_error_as_a_list_over_several_lines_says_how_long_to_wait() -> None:
    fault = failure(fixture("error-list")).fault
    assert (fault.kind, fault.retry_after_s, fault.is_retryable) == (FaultKind.RATE_LIMIT, 1.5, True)


def test_code_that_the_provider_runs() -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "print(2**10)"}, "thoughtSignature": "Y29kZQ=="}
    result = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1024\n"}}
    arguments = '{"language": "PYTHON", "code": "print(2**10)"}'
    assert fixture("code")[1:] == [
        ReasoningDelta("I compute it.", 0, ReasoningKind.SUMMARY),
        OpaqueReceived("gemini.signature", {"signature": "c2ln", "of": "thought", "chars": 13}),
        TextDelta("Let me see."),
        ToolCallStarted("call-0", "gemini-call-r8-0", "code_execution"),
        ToolArgumentsDelta("call-0", arguments),
        ToolCallEnded("call-0", arguments),
        OpaqueReceived("gemini.part", {"key": "call-0", "part": code}),
        ToolResultReceived("call-0", "1024\n"),
        OpaqueReceived("gemini.part", {"key": "call-0", "part": result}),
        TextDelta("It is 1024."),
        OpaqueReceived("gemini.signature", {"signature": "dGV4dA==", "of": "text", "chars": 11}),
        UsageReported(Usage(42, 30, 10, 4)),
        STOP,
    ]


def test_media_are_named_and_never_given() -> None:
    events = fixture("image")
    assert text_of(events) == "Here: done."
    assert [one.name for one in events if isinstance(one, Ignored)] == [
        "inlineData image/png (8 bytes)",
        "fileData audio/wav (0 bytes)",
        "groundingMetadata",
    ]


def test_halves_of_a_character_are_joined_per_channel() -> None:
    events = fixture("split-pair")
    assert text_of(events) == "a 😀 b 🚀"
    assert [one.text for one in events if isinstance(one, ReasoningDelta)] == ["hm ", "😀"]


def test_a_malformed_call_is_told_with_the_servers_words() -> None:
    assert fixture("malformed-call")[-1] == Finished(
        FinishReason.OTHER, "MALFORMED_FUNCTION_CALL: Malformed function call: print(x)"
    )


def test_an_answer_that_pauses_keeps_its_token() -> None:
    assert fixture("continuation")[-3:] == [
        OpaqueReceived("gemini.continuation", "dG9rZW4="),
        UsageReported(Usage(3, 9)),
        Finished(FinishReason.PAUSE, "CONTINUATION"),
    ]


# how it ends


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("STOP", FinishReason.STOP),
        ("MAX_TOKENS", FinishReason.LENGTH),
        ("CONTINUATION", FinishReason.PAUSE),
        *(
            (raw, FinishReason.CONTENT_FILTER)
            for raw in (
                "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR",
                "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION",
            )
        ),
        *(
            (raw, FinishReason.OTHER)
            for raw in (
                "OTHER", "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS",
                "MISSING_THOUGHT_SIGNATURE", "MALFORMED_RESPONSE", "IMAGE_OTHER", "NO_IMAGE", "ESCALATION",
                "PUP_LIMITED_DISABLED", "SOMETHING_NEW",
            )
        ),
    ],
)  # fmt: skip
def test_finish_reasons(raw: str, reason: FinishReason) -> None:
    late = event({"usageMetadata": {"promptTokenCount": 1}})
    events = decoded(chunk({"text": "a"}), chunk(finishReason=raw), late)
    assert events == [TextDelta("a"), UsageReported(Usage(1)), Finished(reason, raw)]


@pytest.mark.parametrize("raw", ["SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "JAILBREAK"])
def test_every_block_reason_is_a_filter(raw: str) -> None:
    words = event({"promptFeedback": {"blockReason": raw, "blockReasonMessage": "No."}})
    assert decoded(words) == [Finished(FinishReason.CONTENT_FILTER, f"{raw}: No.")]


@pytest.mark.parametrize(
    "value",
    [
        {"promptFeedback": {"safetyRatings": []}},
        {"promptFeedback": {"blockReason": "BLOCKED_REASON_UNSPECIFIED"}},
        {"candidates": [{"finishReason": "FINISH_REASON_UNSPECIFIED"}]},
        {"candidates": [{"finishReason": None}]},
        {"candidates": []},
        {},
        None,
    ],
)
def test_what_names_no_reason_ends_nothing(value: object) -> None:
    fault = failure(decoded(event(value))).fault
    assert (fault.kind, fault.is_retryable) == (FaultKind.CUT, True)


@pytest.mark.parametrize(
    "part", [{"text": "a"}, {"text": "a", "thought": True}, {"functionCall": {"name": "f"}}, {"text": "\ud83d"}]
)
def test_a_cut_after_any_output_is_not_worth_a_silent_retry(part: object) -> None:
    fault = failure(decoded(chunk(part))).fault
    assert (fault.kind, fault.title, fault.is_retryable) == (FaultKind.CUT, "connection lost", False)
    assert "without a finish reason" in fault.message


def test_a_gateways_done_ends_the_answer() -> None:
    codec = PROTOCOL.codec()
    codec.decode(chunk({"text": "a"}, finishReason="STOP"))
    assert codec.decode(WireEvent("", " [DONE]\n")) == (STOP,)
    assert codec.is_done
    assert codec.decode(chunk({"text": "b"})) == codec.finish() == codec.decode_document("{}") == ()
    assert "closed the answer" in failure(decoded(chunk({"text": "a"}), WireEvent("", "[DONE]"))).fault.message


def test_is_finishing_between_reason_and_end() -> None:
    codec = PROTOCOL.codec()
    seen = [codec.is_finishing]
    for one in (chunk({"text": "a"}), chunk(finishReason="STOP"), WireEvent("", "[DONE]")):
        codec.decode(one)
        seen.append(codec.is_finishing)
    assert seen == [False, False, True, False]


@pytest.mark.parametrize(
    "broken",
    [
        event({"error": {"code": 503, "message": "Busy", "status": "UNAVAILABLE"}}),
        event([{"error": {"code": 503, "message": "Busy", "status": "UNAVAILABLE"}}]),
        event({"error": {"code": 503, "message": "Busy"}, "candidates": []}),
        event({"code": 503, "message": "Busy"}, "error"),
        WireEvent("error", "Busy: the model is overloaded"),
    ],
)
def test_errors_inside_the_stream(broken: WireEvent) -> None:
    events = decoded(chunk({"text": "a"}), broken, chunk({"text": "b"}, finishReason="STOP"))
    assert text_of(events) == "a"
    fault = failure(events).fault
    assert (fault.kind, fault.is_retryable) == (FaultKind.OVERLOADED, True)
    assert "Busy" in fault.message
    assert fault.detail


def test_the_text_of_a_chunk_with_an_error_is_kept() -> None:
    value = json.loads(chunk({"text": "a"}, finishReason="STOP").data) | {"error": "late"}
    events = decoded(event(value))
    assert (text_of(events), failure(events).fault.message) == ("a", "late")


@pytest.mark.parametrize("data", ["{", "nonsense", '{"a":' + "[" * 5000])
def test_a_malformed_event_is_raised_and_the_answer_goes_on(data: str) -> None:
    codec = PROTOCOL.codec()
    with pytest.raises(MalformedEvent):
        codec.decode(WireEvent("", data))
    assert codec.decode(chunk({"text": "b"}, finishReason="STOP")) == (TextDelta("b"),)
    assert codec.finish() == (STOP,)


# parts


def test_a_signature_of_text_knows_how_much_it_signs() -> None:
    signed = {"text": "4 😀", "thoughtSignature": "s"}
    assert answer(chunk({"text": "2 + 2 = "}, signed)) == [
        TextDelta("2 + 2 = "),
        TextDelta("4 😀"),
        OpaqueReceived("gemini.signature", {"signature": "s", "of": "text", "chars": 3}),
    ]


@pytest.mark.parametrize(
    ("part", "names"),
    [
        ({"somethingNew": {"a": 1}}, ["part somethingNew"]),
        ({"inlineData": {"mimeType": 7, "data": 7}}, ["inlineData  (0 bytes)"]),
        (
            {"inlineData": {"mimeType": "image/png", "data": "QUJD"}, "thoughtSignature": "s"},
            ["inlineData image/png (3 bytes)", "thoughtSignature of a part that is not kept"],
        ),
        ({"codeExecutionResult": {"output": "1"}}, ["codeExecutionResult without code"]),
        ({"x" * 200: 1}, ["part " + "x" * 75]),
    ],
)
def test_what_is_not_known_is_counted(part: object, names: list[str]) -> None:
    assert answer(chunk(part)) == [Ignored(name) for name in names]


@pytest.mark.parametrize(
    "part", [None, 1, "text", [], {}, {"text": None}, {"text": 1}, {"text": ""}, {"thought": 1}]
)
def test_parts_that_say_nothing(part: object) -> None:
    assert not [one for one in answer(chunk(part)) if not isinstance(one, Ignored)]


def test_other_candidates_and_unknown_fields_are_counted() -> None:
    other = event({"candidates": [{"index": 1, "content": {"parts": [{"text": "x"}]}}], "new": 1, "old": None})
    cited = chunk(citationMetadata={"citations": []}, groundingMetadata={})
    names = ["candidate of another index", "new", "citationMetadata", "event that is no object"]
    assert answer(other, cited, event("text")) == [Ignored(name) for name in names]


@pytest.mark.parametrize(
    ("args", "arguments"),
    [({"a": "\ud800"}, '{"a": "\ufffd"}'), ('{"a":1}', '{"a":1}'), ([1], "[1]"), ({}, "{}"), (None, "")],
)
def test_arguments_of_any_form(args: object, arguments: str) -> None:
    ended = answer(chunk({"functionCall": {"name": "f", "args": args}}))
    assert ended[-1] == ToolCallEnded("call-0", arguments)
    assert (ToolArgumentsDelta("call-0", arguments) in ended) is bool(arguments)


def test_a_call_in_pieces_stays_open() -> None:
    call = {"name": "f", "id": "a", "partialArgs": [{"jsonPath": "$.x", "stringValue": "y"}], "willContinue": True}
    events = decoded(chunk({"functionCall": call}), chunk(finishReason="STOP"))
    assert events == [ToolCallStarted("call-0", "a", "f"), Ignored("functionCall in pieces"), STOP]


def test_code_that_failed_shows_why() -> None:
    result = {"outcome": "OUTCOME_FAILED", "output": "NameError"}
    events = answer(chunk({"executableCode": {"code": "x"}}, {"codeExecutionResult": result}))
    shown = next(one.output for one in events if isinstance(one, ToolResultReceived))
    assert json.loads(shown) == result


# usage


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"promptTokenCount": 9, "totalTokenCount": 9}, Usage(9)),
        ({"promptTokenCount": 9, "candidatesTokenCount": 3, "thoughtsTokenCount": 30}, Usage(9, 33, 30)),
        ({"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 42}, Usage(9, 33)),
        ({"promptTokenCount": 9, "toolUsePromptTokenCount": 5}, Usage(14)),
        ({"promptTokenCount": 9, "cachedContentTokenCount": 4}, Usage(9, cached_tokens=4)),
        ({"candidatesTokenCount": -1, "promptTokenCount": 10**30}, None),
        ({}, None),
    ],
)
def test_usage(counts: dict[str, int], expected: Usage | None) -> None:
    assert usage(**counts) == expected


def test_counts_that_a_later_snapshot_leaves_out_stay_and_nothing_is_said_twice() -> None:
    first = {"promptTokenCount": 9, "thoughtsTokenCount": 30, "totalTokenCount": 39}
    events = answer(
        event({"usageMetadata": first}),
        event({"usageMetadata": first}),
        event({"usageMetadata": {"candidatesTokenCount": 3}}),
        event({"usageMetadata": 7}),
    )
    assert events == [UsageReported(Usage(9, 30, 30)), UsageReported(Usage(9, 33, 30))]


# a document instead of a stream


def test_the_array_that_comes_without_a_framing() -> None:
    first, last = chunk({"text": "a"}).data, chunk({"text": "b"}, finishReason="STOP").data
    for text in (f"[{first},\n{last}]", f"{first}\n{last}"):
        assert PROTOCOL.codec().decode_document(text) == (TextDelta("a"), TextDelta("b"), STOP)
    events = list(PROTOCOL.codec().decode_document(f"[{first}]"))
    assert failure(events).fault.kind is FaultKind.CUT


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ('{"error": {"code": 400, "message": "No", "status": "INVALID_ARGUMENT"}}', FaultKind.REQUEST, "No"),
        ('[{"error": {"message": "API key not valid.", "details": [{"reason": "API_KEY_INVALID"}]}}]',
         FaultKind.AUTH, "not valid"),
        ('[{"candidates": [{"content": {"par', FaultKind.PROTOCOL, "no Gemini answer"),
        ("<html><title>Log in</title></html>", FaultKind.PROTOCOL, "Log in"),
        ('{"hello": "world"}', FaultKind.PROTOCOL, "no Gemini answer"),
        ("null", FaultKind.PROTOCOL, "no Gemini answer"),
        ("", FaultKind.PROTOCOL, "no Gemini answer"),
    ],
)  # fmt: skip
def test_documents_that_are_no_answer(text: str, kind: FaultKind, words: str) -> None:
    fault = failure(list(PROTOCOL.codec().decode_document(text))).fault
    assert fault.kind is kind
    assert words in fault.message


@pytest.mark.parametrize("stray", ["{", '{"a": 1}', "[1]"])
def test_stray_text_after_a_stream_changes_nothing(stray: str) -> None:
    codec = PROTOCOL.codec()
    codec.decode(chunk({"text": "a"}))
    assert failure(list(codec.decode_document(stray))).fault.kind is FaultKind.CUT
    codec = PROTOCOL.codec()
    codec.decode(chunk({"text": "a"}, finishReason="STOP"))
    assert codec.decode_document(stray)[-1] == STOP
