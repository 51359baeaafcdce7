"""Gemini Interactions: what is sent, and that an answer goes back as the steps it came as."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from functools import reduce as fold
from typing import Any

import pytest

from chat_tui.core.conversation import (
    ChatRequest,
    FilePart,
    Generation,
    Message,
    OpaquePart,
    Part,
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from chat_tui.core.errors import CannotSend
from chat_tui.core.turn import TurnState, reduce
from chat_tui.wire.base import Quirks
from chat_tui.wire.gemini_interactions import PROTOCOL
from tests.support.wire import played, stream_bytes


def user(*parts: Part | str) -> Message:
    return Message(1, Role.USER, tuple(TextPart(part) if isinstance(part, str) else part for part in parts))


def answer(*parts: Part | str) -> Message:
    return replace(user(*parts), role=Role.ASSISTANT, model="google/m")


PLAIN = Quirks()
ASKED = ChatRequest("m", (user("Hi"),))
HI = {"type": "user_input", "content": [{"type": "text", "text": "Hi"}]}


def body(*messages: Message, quirks: Quirks = PLAIN, **fields: Any) -> dict[str, Any]:
    return PROTOCOL.encode(replace(ASKED, messages=messages or ASKED.messages, **fields), quirks).body


def received(name: str) -> Message:
    """A stream of the corpus as the message it becomes."""
    state = fold(reduce, played(stream_bytes(f"interactions-{name}"), "gemini-interactions"), TurnState())
    return answer(*state.parts())


def sent_back(message: Message) -> list[dict[str, Any]]:
    return body(message)["input"]


def says(*texts: str) -> dict[str, Any]:
    return {"type": "model_output", "content": [{"type": "text", "text": text} for text in texts]}


def test_the_smallest_request() -> None:
    wire = PROTOCOL.encode(ASKED, PLAIN)
    assert (wire.method, wire.path, PROTOCOL.key_header) == ("POST", "/interactions", "x-goog-api-key")
    assert wire.headers == {"Api-Revision": "2026-05-20"}
    assert wire.body == {"model": "m", "stream": True, "store": False, "input": [HI]}
    assert not wire.is_resumable


def test_an_answer_in_the_background_is_stored_and_can_be_resumed() -> None:
    wire = PROTOCOL.encode(ASKED, Quirks(is_background=True, version="2027-01-01"))
    assert wire.is_resumable
    assert (wire.body["store"], wire.body["background"]) == (True, True)
    assert wire.headers == {"Api-Revision": "2027-01-01"}


def test_system_text_and_settings_are_sent_when_set() -> None:
    sent = body(system="Be brief.", generation=Generation(0.0, 0.5, 100, 7, ("END",), "LOW"))
    assert sent["system_instruction"] == "Be brief."
    assert sent["generation_config"] == {
        "temperature": 0.0,
        "top_p": 0.5,
        "max_output_tokens": 100,
        "seed": 7,
        "stop_sequences": ["END"],
        "thinking_level": "low",
        "thinking_summaries": "auto",
    }
    assert "system_instruction" not in body(system=" \n")


@pytest.mark.parametrize(
    ("effort", "config"),
    [
        ("none", {"thinking_level": "minimal"}),
        ("auto", {"thinking_summaries": "auto"}),
        ("max", {"thinking_level": "xhigh", "thinking_summaries": "auto"}),
    ],
)
def test_efforts(effort: str, config: object) -> None:
    assert body(generation=Generation(reasoning_effort=effort))["generation_config"] == config


def test_extra_fields_join_what_is_there() -> None:
    quirks = Quirks(extra_body={"store": True, "generation_config": {"seed": 2}})
    sent = body(quirks=quirks, generation=Generation(top_p=0.5, seed=1))
    assert (sent["store"], sent["generation_config"]) == (True, {"top_p": 0.5, "seed": 2})


# files


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [("image/png", "image"), ("application/pdf", "document"), ("audio/wav", "audio"), ("video/mp4", "video")],
)
def test_files_go_before_the_words(media_type: str, kind: str) -> None:
    (step,) = body(user("What is it?", FilePart("f", media_type, b"\x00data")))["input"]
    data = base64.b64encode(b"\x00data").decode()
    file = {"type": kind, "mime_type": media_type, "data": data}
    assert step == {"type": "user_input", "content": [file, {"type": "text", "text": "What is it?"}]}


def test_text_files_stand_among_the_words_under_their_names() -> None:
    (step,) = body(user(FilePart("a.txt", "text/plain", "grüße\n".encode())))["input"]
    assert step["content"] == [{"type": "text", "text": "--- a.txt ---\ngrüße\n--- end of a.txt ---"}]


@pytest.mark.parametrize(
    ("media_type", "quirks"), [("application/zip", PLAIN), ("image/png", Quirks(can_see=False))]
)
def test_files_that_cannot_be_sent(media_type: str, quirks: Quirks) -> None:
    with pytest.raises(CannotSend, match=media_type):
        body(user("x", FilePart("thing.bin", media_type, b"")), quirks=quirks)


# answers go back as they came


def test_a_signed_thought_and_a_call_with_its_result() -> None:
    called = received("tool")
    assert sent_back(called) == []
    ran = replace(
        called, parts=(*called.parts, ToolResultPart("call-0", '{"temp_c": 11}'), TextPart("11 degrees."))
    )
    assert sent_back(ran) == [
        {"type": "thought", "signature": "CsIB", "summary": [{"type": "text", "text": "Need the weather."}]},
        {"type": "function_call", "id": "fc1", "name": "get_weather", "arguments": {"city": "Paris"}},
        {"type": "function_result", "call_id": "fc1", "name": "get_weather", "result": {"temp_c": 11}},
        says("11 degrees."),
    ]


def test_tools_that_the_provider_ran_go_back_as_they_came() -> None:
    assert sent_back(received("search")) == [
        {"type": "thought", "signature": "c2ln", "summary": [{"type": "text", "text": "Look it up."}]},
        {
            "type": "google_search_call",
            "id": "s1",
            "arguments": {"queries": ["weather"]},
            "signature": "Y2FsbA==",
        },
        {
            "type": "google_search_result",
            "call_id": "s1",
            "result": [{"search_suggestions": "<b>x</b>"}],
            "signature": "cmVz",
        },
        {"type": "code_execution_call", "id": "x1", "arguments": {"language": "python", "code": "1"}},
        {"type": "code_execution_result", "call_id": "x1", "result": "11\n"},
        says("It is 11."),
    ]


@pytest.mark.parametrize(
    ("output", "result"), [("seen", "seen"), ("[1]", "[1]"), ('{"a": "\\ud800"}', {"a": "\ufffd"}), ("", "")]
)
def test_calls_of_another_protocol(output: str, result: object) -> None:
    call = ToolCallPart("k", "", "look", "", is_complete=True)
    results = ToolResultPart("k", "half"), ToolResultPart("k", output)
    assert sent_back(answer("a", call, *results, "b")) == [
        says("a"),
        {"type": "function_call", "id": "call-1-k", "name": "look", "arguments": {}},
        {"type": "function_result", "call_id": "call-1-k", "name": "look", "result": result},
        says("b"),
    ]


def test_what_is_nobodys_business_is_left_out() -> None:
    message = answer(
        ReasoningPart("hm"),
        "A",
        OpaquePart("gemini.signature", {"signature": "s", "of": "text", "chars": 1}),
        OpaquePart("gemini-interactions.thought", 7),
        OpaquePart("gemini-interactions.step", {"key": "x"}),
        ToolCallPart("k", "c", "look", "{", is_complete=False),
        ToolCallPart("l", "d", "look", "{}", is_complete=True),
        "B",
    )
    assert sent_back(message) == [says("A", "B")]
    assert sent_back(answer(" \n")) == sent_back(answer()) == sent_back(user()) == []


def test_a_thought_without_words_is_sent_with_its_signature() -> None:
    message = answer(OpaquePart("gemini-interactions.thought", {"signature": "s", "chars": 0}), "A")
    assert sent_back(message) == [{"type": "thought", "signature": "s"}, says("A")]


def test_an_answer_that_paused_goes_on_with_its_token() -> None:
    paused = received("continuation")
    assert PROTOCOL.can_continue("m", paused)
    assert not PROTOCOL.can_continue("other", paused)
    assert not PROTOCOL.can_continue("m", replace(paused, parts=(*paused.parts, TextPart(" and more"))))
    sent = body(user("Hi"), paused, is_continuation=True)
    assert (sent["continuation_token"], sent["input"]) == ("t2", [HI])
    later = body(user("Hi"), paused, user("And?"))
    assert "continuation_token" not in later
    assert later["input"][1] == says("A long text")


def test_every_body_can_be_written() -> None:
    thought = OpaquePart("gemini-interactions.thought", {"signature": "\ud800", "chars": 1})
    sent = body(
        user("half \ud83d", "\ude00 \udc00"), answer(ReasoningPart("\ud800"), thought, "a"), system="\ud800"
    )
    text = json.dumps(sent, ensure_ascii=False)
    assert "half 😀 \ufffd" in text.encode().decode()


def test_the_models_are_those_of_gemini() -> None:
    assert PROTOCOL.list_request(PLAIN, "x").path == "/models?pageSize=1000&pageToken=x"
    facts, cursor = PROTOCOL.read_list('{"models": [{"name": "models/m"}], "nextPageToken": "y"}')
    assert ([found.name for found in facts], cursor) == (["m"], "y")
