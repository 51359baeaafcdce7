"""LM Studio's own protocol: what its events mean, what is asked, what is listed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chat_tui.core.conversation import (
    ChatRequest,
    FilePart,
    Generation,
    Message,
    OpaquePart,
    Role,
    TextPart,
)
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
    StreamEvent,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallEnded,
    ToolCallStarted,
    ToolResultReceived,
    Usage,
    UsageReported,
)
from chat_tui.wire.base import ModelFacts, Quirks, WireEvent
from chat_tui.wire.lmstudio import PROTOCOL
from tests.support.wire import played, stream_bytes, text_of

LOAD, PROMPT = ProgressKind.LOAD, ProgressKind.PROMPT


def events_of(name: str) -> list[StreamEvent]:
    return played(stream_bytes(name), "lmstudio")


def decoded(*values: object, name: str = "") -> list[StreamEvent]:
    codec = PROTOCOL.codec()
    events = [event for value in values for event in codec.decode(WireEvent(name, json.dumps(value)))]
    return [*events, *codec.finish()]


def fault_of(events: list[StreamEvent]) -> Any:
    assert isinstance(events[-1], Failed)
    return events[-1].fault


def asked(text: str, *more: Any) -> Message:
    return Message(1, Role.USER, (*more, TextPart(text)))


def said(text: str, identity: str = "") -> Message:
    parts = (TextPart(text), *((OpaquePart("lmstudio.response", identity),) if identity else ()))
    return Message(2, Role.ASSISTANT, parts)


def body_of(*messages: Message, quirks: Quirks | None = None, **fields: Any) -> dict[str, Any]:
    return PROTOCOL.encode(ChatRequest("m", messages, **fields), quirks or Quirks()).body


# answers


def test_loading_reading_thinking_and_text() -> None:
    assert events_of("lmstudio-text") == [
        Started(model="qwen3-8b"),
        ProgressReported(LOAD),
        ProgressReported(LOAD, 0.5),
        ProgressReported(LOAD, 1.0),
        ProgressReported(PROMPT),
        ProgressReported(PROMPT, 0.5),
        ProgressReported(PROMPT, 1.0),
        ReasoningDelta("Easy."),
        TextDelta("4"),
        UsageReported(Usage(12, 5, reasoning_tokens=3, tokens_per_s=41.0)),
        OpaqueReceived("lmstudio.response", "resp_lm1"),
        Finished(FinishReason.STOP),
    ]


def test_tools_are_run_by_the_server() -> None:
    events = events_of("lmstudio-tools")
    assert text_of(events) == "I look. There is one."
    assert [event for event in events if "Tool" in type(event).__name__] == [
        ToolCallStarted("call-0", "call_0", "model_search"),
        ToolArgumentsDelta("call-0", '{"limit": 1}'),
        ToolCallEnded("call-0", '{"limit": 1}'),
        ToolResultReceived("call-0", '[{"type":"text","text":"one"}]'),
        ToolCallStarted("call-1", "call_1", "open_page"),
        ToolResultReceived("call-1", "Cannot find tool with name open_page."),
    ]
    assert events[-1] == Finished(FinishReason.STOP)


def test_the_earlier_name_of_a_result_and_a_result_alone() -> None:
    call = {"type": "tool_call.result", "tool": "t", "arguments": {"a": 1}, "output": ""}
    assert decoded(call, {"type": "chat.end"}) == [
        ToolCallStarted("call-0", "call_0", "t"),
        ToolArgumentsDelta("call-0", '{"a": 1}'),
        ToolCallEnded("call-0", '{"a": 1}'),
        ToolResultReceived("call-0", ""),
        Finished(FinishReason.STOP),
    ]


def test_after_an_error_the_numbers_come_and_the_error_stands() -> None:
    events = events_of("lmstudio-error")
    assert text_of(events) == "The ans"
    assert UsageReported(Usage(12, 2)) in events
    assert fault_of(events).message == "The model has crashed without additional information."
    codec = PROTOCOL.codec()
    codec.decode(WireEvent("error", '{"type":"error","error":{"type":"model_not_found","message":"no m"}}'))
    assert (codec.is_finishing, codec.is_done) == (True, False)
    assert fault_of(list(codec.finish())).kind is FaultKind.NOT_FOUND
    assert not codec.is_finishing


def test_the_copy_at_the_end_counts_when_nothing_came_before() -> None:
    output = [{"type": "reasoning", "content": "hm"}, {"type": "message", "content": "Hi"}, {"type": "picture"}]
    assert decoded({"type": "chat.end", "result": {"output": output}}) == [
        ReasoningDelta("hm"),
        TextDelta("Hi"),
        Ignored("output picture"),
        Finished(FinishReason.STOP),
    ]


def test_an_end_that_nobody_told_is_a_cut() -> None:
    assert (fault_of(decoded()).kind, fault_of(decoded()).is_retryable) == (FaultKind.CUT, True)
    assert not fault_of(decoded({"type": "message.delta", "content": "a"})).is_retryable


def test_the_name_of_an_event_is_its_type_where_there_is_none() -> None:
    assert decoded({"content": "a"}, name="message.delta")[0] == TextDelta("a")
    assert decoded({"type": "x.y"})[0] == Ignored("x.y")
    assert fault_of(decoded("oh no", name="error")).message == "oh no"


def test_documents() -> None:
    text = json.dumps(
        {"model_instance_id": "m", "output": [{"type": "message", "content": "Hi"}], "response_id": "r"}
    )
    assert PROTOCOL.codec().decode_document(text) == (
        Started(model="m"),
        TextDelta("Hi"),
        OpaqueReceived("lmstudio.response", "r"),
        Finished(FinishReason.STOP),
    )
    refused = PROTOCOL.codec().decode_document('{"error":{"type":"invalid_request","message":"model is required"}}')
    assert fault_of(list(refused)).message == "model is required"
    assert fault_of(list(PROTOCOL.codec().decode_document("<p>hi"))).kind is FaultKind.PROTOCOL


def test_what_is_no_json_is_malformed() -> None:
    with pytest.raises(MalformedEvent):
        PROTOCOL.codec().decode(WireEvent("chat.start", "{"))


# requests


def test_a_first_question_is_plain() -> None:
    wire = PROTOCOL.encode(ChatRequest("m", (asked("Hi"),), "Be brief."), Quirks())
    assert (wire.method, wire.path) == ("POST", "/api/v1/chat")
    assert wire.body == {"model": "m", "input": "Hi", "stream": True, "system_prompt": "Be brief."}


def test_settings_that_there_are() -> None:
    body = body_of(asked("Hi"), generation=Generation(0.5, 0.9, 100, 7, ("\n",), "none"))
    del body["model"], body["input"], body["stream"]
    assert body == {"temperature": 0.5, "top_p": 0.9, "max_output_tokens": 100, "reasoning": "off"}
    assert body_of(asked("Hi"), quirks=Quirks(extra_body={"context_length": 8000}))["context_length"] == 8000


def test_the_server_knows_what_was_said() -> None:
    body = body_of(asked("One?"), said("1", "resp_a"), asked("Two?"), said("2", "resp_b"), asked("Three?"))
    assert (body["input"], body["previous_response_id"]) == ("Three?", "resp_b")


def test_what_it_does_not_know_is_told() -> None:
    body = body_of(asked("One?"), said("1", "resp_a"), asked("Two?"), said("2, but cu"), asked("Go on."))
    assert body["previous_response_id"] == "resp_a"
    told, last = body["input"]
    assert told["content"].endswith("I said:\nTwo?\n\nYou said:\n2, but cu")
    assert "One?" not in told["content"]
    assert last == {"type": "message", "content": "Go on."}
    assert "previous_response_id" not in body_of(asked("One?"), said("1"), asked("Two?"))


def test_files() -> None:
    image, text = FilePart("a.png", "image/png", b"\x89PNG"), FilePart("b.txt", "text/plain", b"words")
    assert body_of(asked("What?", image, text))["input"] == [
        {"type": "message", "content": "--- b.txt ---\nwords\n--- end of b.txt ---\n\nWhat?"},
        {"type": "image", "data_url": "data:image/png;base64,iVBORw=="},
    ]
    with pytest.raises(CannotSend, match="application/pdf"):
        body_of(asked("What?", FilePart("a.pdf", "application/pdf", b"")))
    with pytest.raises(CannotSend, match="takes none"):
        body_of(asked("What?", image), quirks=Quirks(can_see=False))


def test_an_answer_is_not_gone_on_with_in_its_middle() -> None:
    with pytest.raises(CannotSend, match="middle"):
        body_of(asked("Hi"), said("Ha"), is_continuation=True)


# listings


def test_models_with_what_the_listing_knows() -> None:
    listing = {
        "models": [
            {"type": "llm", "key": "q/qwen3-8b", "display_name": "Qwen3 8B", "max_context_length": 40960,
             "loaded_instances": [{"id": "i", "config": {"context_length": 8192}}],
             "capabilities": {"vision": False}},
            {"type": "llm", "key": "seer", "loaded_instances": [], "max_context_length": 100,
             "capabilities": {"vision": True}},
            {"type": "embedding", "key": "vectors"}, None, {"type": "llm"},
        ]
    }  # fmt: skip
    assert PROTOCOL.read_list(json.dumps(listing)) == (
        (
            ModelFacts("q/qwen3-8b", "Qwen3 8B", 8192, frozenset({"text"})),
            ModelFacts("seer", "", 100, frozenset({"text", "image"})),
            ModelFacts("vectors", is_chat=False),
        ),
        "",
    )
    assert PROTOCOL.list_request(Quirks()).path == "/api/v1/models"
