"""Gemini generateContent: what is sent, and that an answer goes back as the parts it came as."""

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
from chat_tui.core.errors import CannotSend, MalformedEvent
from chat_tui.core.turn import TurnState, reduce
from chat_tui.wire.base import ModelFacts, Quirks
from chat_tui.wire.gemini import PROTOCOL
from tests.support.wire import played, stream_bytes


def user(*parts: Part | str) -> Message:
    return Message(1, Role.USER, tuple(TextPart(part) if isinstance(part, str) else part for part in parts))


def answer(*parts: Part | str, model: str = "google/m") -> Message:
    return replace(user(*parts), role=Role.ASSISTANT, model=model)


PLAIN = Quirks()
ASKED = ChatRequest("gemini-3.8-flash", (user("Hi"),))


def body(*messages: Message, quirks: Quirks = PLAIN, **fields: Any) -> dict[str, Any]:
    return PROTOCOL.encode(replace(ASKED, messages=messages or ASKED.messages, **fields), quirks).body


def received(name: str) -> Message:
    """A stream of the corpus as the message it becomes."""
    state = fold(reduce, played(stream_bytes(f"gemini-{name}"), "gemini"), TurnState())
    return answer(*state.parts())


def sent_back(message: Message) -> list[dict[str, Any]]:
    return body(message)["contents"]


def test_the_smallest_request() -> None:
    wire = PROTOCOL.encode(ASKED, Quirks())
    assert wire.path == "/models/gemini-3.8-flash:streamGenerateContent?alt=sse"
    assert (wire.headers, wire.method, PROTOCOL.key_header) == ({}, "POST", "x-goog-api-key")
    assert wire.body == {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("models/m", "/models/m:"),
        ("tunedModels/m", "/tunedModels/m:"),
        ("m?x#y z\ud800", "/models/m%3Fx%23y%20z%EF%BF%BD:"),
    ],
)
def test_models_of_other_collections(model: str, path: str) -> None:
    assert PROTOCOL.encode(replace(ASKED, model=model), Quirks()).path == f"{path}streamGenerateContent?alt=sse"


def test_system_text_and_roles() -> None:
    sent = body(user("Hi"), answer("Hello."), user("And?"), system="Be brief.")
    assert sent["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    assert [(one["role"], one["parts"]) for one in sent["contents"]] == [
        ("user", [{"text": "Hi"}]),
        ("model", [{"text": "Hello."}]),
        ("user", [{"text": "And?"}]),
    ]
    assert "systemInstruction" not in body(system=" \n")


def test_settings_are_sent_when_set() -> None:
    generation = Generation(0.0, 0.5, 100, 7, ("END",), "low")
    assert body(generation=generation)["generationConfig"] == {
        "temperature": 0.0,
        "topP": 0.5,
        "maxOutputTokens": 100,
        "seed": 7,
        "stopSequences": ["END"],
        "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "LOW"},
    }
    assert body(generation=Generation(max_tokens=1))["generationConfig"] == {"maxOutputTokens": 1}


@pytest.mark.parametrize(
    ("model", "effort", "config"),
    [
        ("gemini-3.8-flash", "none", {"thinkingLevel": "MINIMAL"}),
        ("gemini-3.8-flash", "high", {"includeThoughts": True, "thinkingLevel": "HIGH"}),
        ("gemini-3.8-flash", "auto", {"includeThoughts": True}),
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}),
        ("gemini-2.5-flash", "auto", {"includeThoughts": True, "thinkingBudget": -1}),
        ("gemini-2.5-pro", "medium", {"includeThoughts": True, "thinkingBudget": 8192}),
    ],
)
def test_thinking_is_a_level_or_a_budget_never_both(model: str, effort: str, config: object) -> None:
    sent = body(model=model, generation=Generation(reasoning_effort=effort))
    assert sent["generationConfig"] == {"thinkingConfig": config}


def test_extra_fields_join_what_is_there() -> None:
    extra = {"safetySettings": [], "generationConfig": {"topK": 3}}
    quirks = Quirks(extra_body=extra)
    assert body(quirks=quirks, generation=Generation(seed=1)) == {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "safetySettings": [],
        "generationConfig": {"seed": 1, "topK": 3},
    }
    assert extra == {"safetySettings": [], "generationConfig": {"topK": 3}}


# files


def inline(media_type: str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": media_type, "data": base64.b64encode(b"\x00data").decode()}}


@pytest.mark.parametrize("media_type", ["image/png", "application/pdf", "audio/mp3", "video/mp4", "text/plain"])
def test_files_go_before_the_words(media_type: str) -> None:
    (content,) = body(user("What is it?", FilePart("f", media_type, b"\x00data")))["contents"]
    assert content == {"role": "user", "parts": [inline(media_type), {"text": "What is it?"}]}


def test_other_text_stands_among_the_words_under_its_name() -> None:
    (content,) = body(user(FilePart("a.json", "application/json", b'{"a": 1}')))["contents"]
    assert content["parts"] == [{"text": '--- a.json ---\n{"a": 1}\n--- end of a.json ---'}]


@pytest.mark.parametrize(
    ("media_type", "quirks", "words"),
    [
        ("application/zip", Quirks(), "application/zip"),
        ("image/png", Quirks(can_see=False), "text only"),
        ("application/pdf", Quirks(can_see=False), "text only"),
    ],
)
def test_files_that_cannot_be_sent(media_type: str, quirks: Quirks, words: str) -> None:
    with pytest.raises(CannotSend, match=words) as raised:
        body(user("x", FilePart("thing.bin", media_type, b"")), quirks=quirks)
    assert "thing.bin" in raised.value.message
    assert raised.value.hint


# answers go back as they came


def test_signatures_go_back_on_the_parts_they_came_on() -> None:
    assert sent_back(received("code")) == [
        {
            "role": "model",
            "parts": [
                {"text": "I compute it.", "thought": True, "thoughtSignature": "c2ln"},
                {"text": "Let me see."},
                {
                    "executableCode": {"language": "PYTHON", "code": "print(2**10)"},
                    "thoughtSignature": "Y29kZQ==",
                },
                {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1024\n"}},
                {"text": "It is 1024.", "thoughtSignature": "dGV4dA=="},
            ],
        }
    ]
    assert sent_back(received("text"))[0]["parts"] == [
        {"text": "2 + 2 = 4"},
        {"text": "", "thoughtSignature": "CsIB"},
    ]


def test_the_end_of_a_text_may_be_signed_alone() -> None:
    data = {"signature": "s", "of": "text", "chars": 4}
    message = answer("2 + 2 = 4 😀!", OpaquePart("gemini.signature", data), " Yes.")
    assert sent_back(message)[0]["parts"] == [
        {"text": "2 + 2 = "},
        {"text": "4 😀!", "thoughtSignature": "s"},
        {"text": " Yes."},
    ]


def test_a_signed_text_that_lost_its_beginning_keeps_its_signature() -> None:
    message = answer("4", OpaquePart("gemini.signature", {"signature": "s", "of": "text", "chars": 40}))
    assert sent_back(message)[0]["parts"] == [{"text": "4", "thoughtSignature": "s"}]


def test_calls_with_results_are_grouped_and_those_without_left_out() -> None:
    state = fold(reduce, played(stream_bytes("gemini-parallel-calls"), "gemini"), TurnState())
    called = answer(*state.parts())
    assert sent_back(called)[0]["parts"] == [{"text": "Both."}]
    ran = replace(
        called,
        parts=(
            *called.parts,
            ToolResultPart("call-0", '{"temp_c": 11}'),
            ToolResultPart("call-1", "noon"),
            TextPart("11 degrees."),
        ),
    )
    assert sent_back(ran) == [
        {
            "role": "model",
            "parts": [
                {"text": "Both."},
                {"functionCall": {"name": "get_weather", "args": {"city": "Paris"}}, "thoughtSignature": "CsIB"},
                {"functionCall": {"name": "get_time", "args": {}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "get_weather", "response": {"output": {"temp_c": 11}}}},
                {"functionResponse": {"name": "get_time", "response": {"output": "noon"}}},
            ],
        },
        {"role": "model", "parts": [{"text": "11 degrees."}]},
    ]


@pytest.mark.parametrize(
    ("arguments", "args"),
    [("", {}), ('{"a": "\\ud800"}', {"a": "\ufffd"}), ("[1]", {"input": "[1]"}), ("{", {"input": "{"})],
)
def test_calls_of_another_protocol(arguments: str, args: object) -> None:
    call = ToolCallPart("k", "toolu_1", "look", arguments, is_complete=True)
    model, results = sent_back(answer("a", call, ToolResultPart("k", "half"), ToolResultPart("k", "seen")))
    assert model["parts"][1] == {"functionCall": {"id": "toolu_1", "name": "look", "args": args}}
    assert results["parts"] == [
        {"functionResponse": {"id": "toolu_1", "name": "look", "response": {"output": "seen"}}}
    ]


def test_what_is_nobodys_business_is_left_out() -> None:
    message = answer(
        ReasoningPart("hm"),
        "A",
        OpaquePart("anthropic.signature", "s"),
        OpaquePart("gemini.signature", 7),
        OpaquePart("gemini.signature", {"signature": "s", "of": "call", "key": "call-7"}),
        OpaquePart("gemini.part", {"key": "x", "part": None}),
        ToolCallPart("k", "c", "look", "{", is_complete=False),
        "B",
    )
    assert sent_back(message) == [{"role": "model", "parts": [{"text": "A"}, {"text": "B"}]}]
    assert sent_back(answer(" \n")) == sent_back(answer()) == sent_back(user()) == []


# going on


def test_an_answer_that_paused_goes_on_with_its_token() -> None:
    paused = received("continuation")
    assert PROTOCOL.can_continue("m", paused)
    sent = body(user("Hi"), paused, is_continuation=True, model="m")
    assert sent["continuationToken"] == "dG9rZW4="
    assert sent["contents"] == [{"role": "user", "parts": [{"text": "Hi"}]}]
    later = body(user("Hi"), paused, user("And?"))
    assert "continuationToken" not in later
    assert later["contents"][1] == {"role": "model", "parts": [{"text": "A long text"}]}


def test_a_token_is_good_for_its_model_and_the_end_of_its_answer() -> None:
    paused = received("continuation")
    assert not PROTOCOL.can_continue("other", paused)
    assert not PROTOCOL.can_continue("m", replace(paused, parts=(*paused.parts, TextPart(" and more"))))
    assert not PROTOCOL.can_continue("m", answer("a"))


def test_a_prefill_is_a_last_turn_of_the_model() -> None:
    sent = body(user("Hi"), answer("The ans"), is_continuation=True)
    assert sent["contents"][-1] == {"role": "model", "parts": [{"text": "The ans"}]}


def test_every_body_can_be_written() -> None:
    signature = OpaquePart("gemini.signature", {"signature": "\ud800", "of": "text", "chars": 1})
    sent = body(user("half \ud83d", "\ude00 \udc00"), answer("\ud800", signature), system="\ud800")
    text = json.dumps(sent, ensure_ascii=False)
    assert "half 😀 \ufffd" in text.encode().decode()


# models


def test_the_request_for_models_goes_by_pages() -> None:
    assert PROTOCOL.list_request(Quirks()).path == "/models?pageSize=1000"
    wire = PROTOCOL.list_request(Quirks(), "a&b=")
    assert (wire.method, wire.path) == ("GET", "/models?pageSize=1000&pageToken=a%26b%3D")


def test_models_that_generate_content() -> None:
    generates = {"supportedGenerationMethods": ["generateContent", "countTokens"]}
    listing = {
        "models": [
            {"name": "models/gemini-3.8-flash", "displayName": "Gemini 3.8 Flash", "inputTokenLimit": 1048576}
            | generates,
            {"name": "models/gemini-embedding", "supportedGenerationMethods": ["embedContent"]},
            {"name": "models/gemini-3-image", "displayName": "gemini-3-image", "inputTokenLimit": 0} | generates,
            {"name": "tunedModels/own", "supportedGenerationMethods": None},
            {"name": "models/\x1b[31m"} | generates,
            {"name": 7} | generates,
            None,
        ],
        "nextPageToken": "next",
    }
    assert PROTOCOL.read_list(json.dumps(listing)) == (
        (
            ModelFacts("gemini-3.8-flash", "Gemini 3.8 Flash", 1048576),
            ModelFacts("gemini-3-image", is_chat=False),
            ModelFacts("tunedModels/own"),
        ),
        "next",
    )


@pytest.mark.parametrize("listing", [{"models": []}, {}, [], None, {"models": 7}])
def test_listings_of_nothing(listing: object) -> None:
    assert PROTOCOL.read_list(json.dumps(listing)) == ((), "")


def test_a_gateways_listing_and_what_is_none() -> None:
    assert PROTOCOL.read_list('{"data": [{"id": "m"}]}') == ((ModelFacts("m"),), "")
    with pytest.raises(MalformedEvent):
        PROTOCOL.read_list("<html>")
