"""What is sent to OpenAI Responses, and that nothing else is."""

from __future__ import annotations

import base64
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
from chat_tui.core.events import StreamEvent
from chat_tui.core.turn import TurnState, reduce
from chat_tui.wire.base import Quirks
from chat_tui.wire.openai_responses import PROTOCOL
from tests.support.wire import played, stream_bytes

HELLO = Message(1, Role.USER, (TextPart("Hi"),))
REASONING = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gA"}
THOUGHT = OpaquePart("openai-responses.item", REASONING)
CALL = ToolCallPart("call-0", "c1", "look", '{"at":"x"}', is_complete=True)
RESULT = ToolResultPart("call-0", "nothing")


def body(*messages: Message, quirks: Quirks | None = None, **fields: Any) -> dict[str, Any]:
    return PROTOCOL.encode(ChatRequest("m", messages, **fields), quirks or Quirks()).body


def sent(*parts: Part) -> list[dict[str, Any]]:
    """The items that an answer of these parts becomes."""
    return body(Message(2, Role.ASSISTANT, parts))["input"]


def said(text: str, **fields: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "role": "assistant", **fields, "content": content}


def asked(*content: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": list(content)}


def parts_of(events: list[StreamEvent]) -> tuple[Part, ...]:
    state = TurnState()
    for event in events:
        state = reduce(state, event)
    return state.parts()


def test_the_smallest_request() -> None:
    wire = PROTOCOL.encode(ChatRequest("m", (HELLO,)), Quirks())
    assert (wire.method, wire.path, wire.headers, wire.is_resumable) == ("POST", "/responses", {}, False)
    assert wire.body == {
        "model": "m",
        "input": [asked({"type": "input_text", "text": "Hi"})],
        "stream": True,
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }


def test_a_call_has_one_result() -> None:
    output = {"type": "function_call_output", "call_id": "c1", "output": "something"}
    assert sent(CALL, RESULT, ToolResultPart("call-0", "something"))[1:] == [output]


def test_what_is_kept_without_a_type_goes_nowhere() -> None:
    assert sent(OpaquePart("openai-responses.item", {}), TextPart("Hi")) == [said("Hi")]
    assert sent(OpaquePart("openai-responses.item", {"type": 7})) == []


def test_encrypted_reasoning_is_not_asked_of_a_server_that_refuses_it() -> None:
    assert "include" not in body(HELLO, quirks=Quirks(has_encrypted_reasoning=False))


def test_only_settings_that_are_set_and_exist_here_are_sent() -> None:
    generation = Generation(
        temperature=0.0, top_p=0.9, max_tokens=99, seed=7, stop=("END",), reasoning_effort="low"
    )
    found = body(HELLO, system="Be brief.", generation=generation, quirks=Quirks(extra_body={"truncation": "auto"}))
    assert {name: value for name, value in found.items() if name not in body(HELLO)} == {
        "instructions": "Be brief.",
        "temperature": 0.0,
        "top_p": 0.9,
        "max_output_tokens": 99,
        "reasoning": {"effort": "low", "summary": "auto"},
        "truncation": "auto",
    }
    assert "instructions" not in body(HELLO, system=" \n")


@pytest.mark.parametrize(
    ("effort", "quirks", "expected"),
    [
        ("none", Quirks(), {"effort": "none"}),
        ("high", Quirks(has_reasoning_summary=False), {"effort": "high"}),
    ],
)
def test_no_summary_where_there_is_none(effort: str, quirks: Quirks, expected: dict[str, str]) -> None:
    assert body(HELLO, generation=Generation(reasoning_effort=effort), quirks=quirks)["reasoning"] == expected


def test_background_answers_can_be_resumed() -> None:
    for quirks in (Quirks(is_background=True), Quirks(extra_body={"background": True})):
        wire = PROTOCOL.encode(ChatRequest("m", (HELLO,)), quirks)
        assert wire.body["background"] is True
        assert wire.is_resumable


# -- questions -----------------------------------------------------------------------------------


def test_files_go_in_the_forms_of_the_protocol() -> None:
    question = Message(
        1,
        Role.USER,
        (
            FilePart("a.png", "image/png", b"\x89PNG"),
            FilePart("b.pdf", "application/pdf", b"%PDF"),
            FilePart("c.txt", "text/plain", "Grüße".encode()),
            TextPart("What is this?"),
        ),
    )
    image, pdf, text, words = body(question)["input"][0]["content"]
    picture = base64.b64encode(b"\x89PNG").decode()
    assert image == {"type": "input_image", "image_url": f"data:image/png;base64,{picture}", "detail": "auto"}
    data = base64.b64encode(b"%PDF").decode()
    assert pdf == {"type": "input_file", "filename": "b.pdf", "file_data": f"data:application/pdf;base64,{data}"}
    assert text["type"] == "input_text"
    assert "c.txt" in text["text"]
    assert "Grüße" in text["text"]
    assert words == {"type": "input_text", "text": "What is this?"}


@pytest.mark.parametrize(
    ("media_type", "quirks"),
    [
        ("application/zip", Quirks()),
        ("audio/wav", Quirks()),
        ("image/png", Quirks(can_see=False)),
        ("application/pdf", Quirks(can_see=False)),
    ],
)
def test_other_files_are_refused_in_one_sentence(media_type: str, quirks: Quirks) -> None:
    with pytest.raises(CannotSend, match=r"“x”") as refused:
        body(Message(1, Role.USER, (FilePart("x", media_type, b"1"),)), quirks=quirks)
    assert refused.value.hint


def test_a_question_without_words_is_left_out() -> None:
    assert body(Message(1, Role.USER, (TextPart(""),)), HELLO)["input"] == body(HELLO)["input"]


# -- answers -------------------------------------------------------------------------------------


def test_text_and_refusals() -> None:
    assert sent(TextPart("A"), ReasoningPart("hm"), TextPart("B")) == [said("AB")]
    assert sent(TextPart("No.", is_refusal=True)) == [
        {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}
    ]
    assert sent(TextPart(" \n")) == []


def test_reasoning_goes_back_unchanged_in_its_place() -> None:
    assert sent(ReasoningPart("hm"), THOUGHT, TextPart("A")) == [REASONING, said("A")]
    assert sent(THOUGHT, CALL, RESULT, THOUGHT, TextPart("A")) == [
        REASONING,
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": '{"at":"x"}'},
        {"type": "function_call_output", "call_id": "c1", "output": "nothing"},
        REASONING,
        said("A"),
    ]


def test_reasoning_without_what_it_led_to_is_left_out() -> None:
    assert sent(TextPart("A"), THOUGHT) == [said("A")]
    assert sent(THOUGHT, CALL, TextPart("A")) == [said("A")]


def test_calls_without_a_result_and_foreign_data_are_left_out() -> None:
    cut = ToolCallPart("call-1", "c2", "look", '{"a', is_complete=False)
    foreign = OpaquePart("anthropic.signature", "s"), OpaquePart("taken-back.openai-responses.item", REASONING)
    assert sent(*foreign, TextPart("A"), cut, CALL) == [said("A")]


def test_a_custom_call_goes_back_as_one() -> None:
    parts = (CALL, OpaquePart("openai-responses.custom", "c1"), RESULT, TextPart("A"))
    assert sent(*parts)[:2] == [
        {"type": "custom_tool_call", "call_id": "c1", "name": "look", "input": '{"at":"x"}'},
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "nothing"},
    ]


def test_phases_go_back_with_their_words() -> None:
    parts = parts_of(played(stream_bytes("responses-phases"), "openai-responses"))
    thought, first, second = sent(*parts)
    assert thought["encrypted_content"] == "gAAA"
    assert first == said("I look it up.", phase="commentary")
    assert second == said("It is 11 °C.", phase="final_answer")


def test_a_late_phase_is_that_of_the_words_before() -> None:
    assert sent(TextPart("A"), OpaquePart("openai-responses.phase", "final_answer")) == [
        said("A", phase="final_answer")
    ]


def test_only_our_own_break_is_taken_out_again() -> None:
    mark = OpaquePart("openai-responses.message", {})
    assert sent(TextPart("A"), mark, TextPart("\n\n\n\nB")) == [said("A"), said("\n\nB")]
    assert sent(mark, TextPart("\n\nA")) == [said("\n\nA")]


def test_what_hosted_tools_did_goes_back_as_it_came() -> None:
    parts = parts_of(played(stream_bytes("responses-hosted"), "openai-responses"))
    items = sent(*parts)
    assert [item["type"] for item in items] == ["web_search_call", "mcp_call", "code_interpreter_call", "message"]
    assert items[1]["output"] == "4"


def test_half_characters_and_strange_data_are_survived() -> None:
    strange = [
        OpaquePart(f"openai-responses.{kind}", data)
        for kind in ("item", "message", "phase", "custom")
        for data in (1, None, [])
    ]
    content = sent(*strange, TextPart("a\ud83d"))
    assert content == [said("a\ufffd")]
