"""Ollama's own protocol: what its lines mean, what is asked, what is listed."""

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
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from chat_tui.core.errors import CannotSend, FaultKind, MalformedEvent
from chat_tui.core.events import (
    Failed,
    Finished,
    FinishReason,
    Ignored,
    ReasoningDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallEnded,
    ToolCallStarted,
    Usage,
    UsageReported,
)
from chat_tui.wire.base import Framing, ModelFacts, Quirks, WireEvent
from chat_tui.wire.ollama import PROTOCOL
from tests.support.wire import played, stream_bytes, text_of

ASK = Message(1, Role.USER, (TextPart("Hi"),))


def events_of(name: str) -> list[StreamEvent]:
    return played(stream_bytes(name), "ollama")


def lines(*values: dict[str, Any]) -> list[StreamEvent]:
    return played(b"".join(json.dumps(value).encode() + b"\n" for value in values), "ollama")


def fault_of(events: list[StreamEvent]) -> Any:
    assert isinstance(events[-1], Failed)
    return events[-1].fault


def done(**fields: Any) -> dict[str, Any]:
    return {"model": "m", "message": {"role": "assistant", "content": ""}, "done": True} | fields


def body_of(*messages: Message, quirks: Quirks | None = None, **fields: Any) -> dict[str, Any]:
    return PROTOCOL.encode(ChatRequest("m", messages or (ASK,), **fields), quirks or Quirks()).body


# answers


def test_thinking_text_and_timings() -> None:
    assert events_of("ollama-think") == [
        Started(model="qwen3:8b"),
        ReasoningDelta("Easy"),
        ReasoningDelta(" sum."),
        TextDelta("4"),
        UsageReported(Usage(17, 8, tokens_per_s=20.0)),
        Finished(FinishReason.STOP, "stop"),
    ]


def test_a_call_comes_whole_and_makes_of_stop_what_it_is() -> None:
    assert events_of("ollama-tool") == [
        Started(model="qwen3:8b"),
        ToolCallStarted("call-0", "call_1", "get_weather"),
        ToolArgumentsDelta("call-0", '{"city": "Paris"}'),
        ToolCallEnded("call-0", '{"city": "Paris"}'),
        UsageReported(Usage(169, 18)),
        Finished(FinishReason.TOOL_CALLS, "stop"),
    ]


def test_calls_without_ids_and_arguments_between_text() -> None:
    events = events_of("ollama-mixed")
    assert [event.arguments for event in events if isinstance(event, ToolCallEnded)] == ["{}", '{"x": "é"}']
    assert [event.call_id for event in events if isinstance(event, ToolCallStarted)] == ["call_0", "call_1"]
    assert text_of(events) == "I look. Done."


def test_the_length_is_a_reason() -> None:
    assert events_of("ollama-length")[-1] == Finished(FinishReason.LENGTH, "length")


def test_an_error_is_a_line_of_its_own() -> None:
    events = events_of("ollama-error")
    assert text_of(events) == "The ans"
    assert fault_of(events).message == "an error was encountered while running the model"
    assert fault_of(events).kind is FaultKind.SERVER


def test_an_end_without_a_reason_is_a_cut() -> None:
    events = events_of("ollama-unfinished")
    assert text_of(events) == "Half an ans🚀 and \u2028 a\x85b"
    assert (fault_of(events).kind, fault_of(events).is_retryable) == (FaultKind.CUT, False)
    assert fault_of(lines(done())).is_retryable


@pytest.mark.parametrize(("reason", "is_retryable"), [("load", True), ("unload", False)])
def test_a_model_that_was_only_loaded_gave_no_answer(reason: str, is_retryable: bool) -> None:
    fault = fault_of(lines(done(done_reason=reason)))
    assert (fault.kind, fault.is_retryable, fault.code) == (FaultKind.PROTOCOL, is_retryable, reason)


def test_an_unknown_reason_is_shown() -> None:
    assert lines(done(done_reason="bored"))[-1] == Finished(FinishReason.OTHER, "bored")


def test_what_is_unknown_is_counted() -> None:
    events = lines({"status": "pulling"}, {"message": {"audio": "x", "content": "a"}}, done(done_reason="stop"))
    assert [event.name for event in events if isinstance(event, Ignored)] == ["line without a message", "audio"]


def test_nothing_follows_the_last_line() -> None:
    codec = PROTOCOL.codec()
    codec.decode(WireEvent("", json.dumps(done(done_reason="stop"))))
    assert codec.is_done
    assert codec.decode(WireEvent("", '{"error":"late"}')) == codec.finish() == ()


def test_a_whole_answer_that_is_no_stream() -> None:
    message = {"role": "assistant", "content": "Hi", "thinking": "hm"}
    text = json.dumps(done(message=message, done_reason="stop"), indent=2)
    assert PROTOCOL.codec().decode_document(text)[1:] == (
        ReasoningDelta("hm"),
        TextDelta("Hi"),
        Finished(FinishReason.STOP, "stop"),
    )


@pytest.mark.parametrize("text", ["", "<html><title>Busy</title>", "[1, 2]", '{"models": []}'])
def test_a_document_that_is_no_answer(text: str) -> None:
    *_, last = PROTOCOL.codec().decode_document(text)
    assert fault_of([last]).kind in (FaultKind.PROTOCOL, FaultKind.REQUEST)


def test_what_is_no_json_is_malformed() -> None:
    with pytest.raises(MalformedEvent):
        PROTOCOL.codec().decode(WireEvent("", "{"))


# requests


def test_the_least_that_is_asked() -> None:
    wire = PROTOCOL.encode(ChatRequest("qwen3:8b", (ASK,)), Quirks())
    assert (wire.method, wire.path, PROTOCOL.framing) == ("POST", "/api/chat", Framing.LINES)
    assert wire.body == {"model": "qwen3:8b", "messages": [{"role": "user", "content": "Hi"}], "stream": True}


def test_settings_are_options() -> None:
    generation = Generation(0.5, 0.9, 100, 7, ("\n",), "high")
    extra = {"keep_alive": "5m", "options": {"num_ctx": 8192, "seed": 1}}
    body = body_of(generation=generation, quirks=Quirks(extra_body=extra))
    assert body["options"] == {
        "temperature": 0.5, "top_p": 0.9, "num_predict": 100, "seed": 1, "stop": ["\n"], "num_ctx": 8192,
    }  # fmt: skip
    assert (body["think"], body["keep_alive"]) == ("high", "5m")


@pytest.mark.parametrize(
    ("effort", "think"),
    [("none", False), ("off", False), ("on", True), ("minimal", "low"), ("Medium", "Medium"), ("xhigh", "max")],
)
def test_an_effort_is_a_way_to_think(effort: str, think: object) -> None:
    assert body_of(generation=Generation(reasoning_effort=effort))["think"] == think


def test_files_are_images_or_words() -> None:
    image, text = FilePart("a.png", "image/png", b"\x89PNG"), FilePart("b.csv", "text/csv", b"1,2\n")
    (message,) = body_of(Message(1, Role.USER, (image, text, TextPart("What?"))))["messages"]
    assert message == {
        "role": "user",
        "content": "--- b.csv ---\n1,2\n--- end of b.csv ---\n\nWhat?",
        "images": ["iVBORw=="],
    }


def test_other_files_and_unseen_images_are_not_sent() -> None:
    pdf = Message(1, Role.USER, (FilePart("a.pdf", "application/pdf", b""),))
    with pytest.raises(CannotSend, match=r"a\.pdf.*Ollama"):
        body_of(pdf)
    with pytest.raises(CannotSend, match=r"a\.png.*takes none"):
        body_of(Message(1, Role.USER, (FilePart("a.png", "image/png", b""),)), quirks=Quirks(can_see=False))


def test_an_answer_goes_back_with_its_calls_in_their_order() -> None:
    answer = Message(
        2,
        Role.ASSISTANT,
        (
            ReasoningPart("hm"),
            TextPart("I look."),
            ToolCallPart("1", "c1", "look", '{"a":1}', is_complete=True),
            ToolResultPart("1", "11 degrees"),
            ToolCallPart("2", "c2", "open", '{"a"', is_complete=False),
            ToolCallPart("3", "c3", "odd", "[1]", is_complete=True),
            ToolResultPart("3", "?"),
            OpaquePart("other.thing", {}),
            TextPart("It is "),
            TextPart("warm.\ud83d"),
        ),
    )
    assert body_of(ASK, answer, ASK, system="Be brief.")["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [{"id": "c1", "function": {"name": "look", "arguments": {"a": 1}}}],
        },
        {"role": "tool", "tool_name": "look", "tool_call_id": "c1", "content": "11 degrees"},
        {"role": "assistant", "content": "It is warm.\ufffd"},
        {"role": "user", "content": "Hi"},
    ]


# listings


def test_models_with_what_the_listing_knows() -> None:
    listing = {
        "models": [
            {"name": "qwen3:8b", "model": "qwen3:8b", "details": {"context_length": 40960}},
            {"name": "seer", "capabilities": ["completion", "vision"]},
            {"name": "nomic-embed-text", "details": None},
            {"model": "e", "capabilities": ["embedding"]},
            {"name": "bad\x1b[1m"}, 7, {},
        ]
    }  # fmt: skip
    models, cursor = PROTOCOL.read_list(json.dumps(listing))
    assert cursor == ""
    assert models == (
        ModelFacts("qwen3:8b", context_tokens=40960),
        ModelFacts("seer", inputs=frozenset({"text", "image"})),
        ModelFacts("nomic-embed-text", is_chat=False),
        ModelFacts("e", inputs=frozenset({"text"}), is_chat=False),
    )
    assert PROTOCOL.list_request(Quirks()).path == "/api/tags"
    assert PROTOCOL.read_list("[]") == ((), "")
