"""What is sent, and that nothing else is."""

from __future__ import annotations

import json
from dataclasses import replace

from chat_tui.core.conversation import (
    ChatRequest,
    Generation,
    Message,
    OpaquePart,
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
)
from chat_tui.wire.base import Quirks
from chat_tui.wire.openai_chat import OpenAIChat


def _message(role: Role, *parts: str) -> Message:
    return Message(1, role, tuple(TextPart(part) for part in parts))


ASKED = ChatRequest("m", (_message(Role.USER, "Hi"),))
CUT = ChatRequest(
    "m", (_message(Role.USER, "Hi"), _message(Role.ASSISTANT, "The ans")), system="Be brief.", is_continuation=True
)


def test_the_smallest_request() -> None:
    wire = OpenAIChat().encode(ASKED, Quirks())
    assert wire.path == "/chat/completions"
    assert wire.headers == {}
    assert wire.body == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_history_is_plain_text_without_what_cannot_be_sent() -> None:
    answer = Message(
        2,
        Role.ASSISTANT,
        (
            ReasoningPart("hm"),
            TextPart("A"),
            OpaquePart("signature", "s"),
            ToolCallPart("k", "c", "look", "{}", is_complete=True),
            TextPart("B"),
        ),
    )
    refusal = Message(3, Role.ASSISTANT, (TextPart("I will not.", is_refusal=True),))
    bare_call = Message(4, Role.ASSISTANT, (ToolCallPart("k", "c", "look", "{}", is_complete=True),))
    blank = _message(Role.ASSISTANT, " \n")
    empty = _message(Role.ASSISTANT)
    request = ChatRequest("m", (answer, refusal, bare_call, blank, empty, _message(Role.USER, "x", "y")), "Sys")
    assert OpenAIChat().encode(request, Quirks()).body["messages"] == [
        {"role": "system", "content": "Sys"},
        {"role": "assistant", "content": "AB"},
        {"role": "assistant", "content": "I will not."},
        {"role": "user", "content": "xy"},
    ]


def test_a_blank_system_text_is_none() -> None:
    body = OpenAIChat().encode(replace(ASKED, system=" \n"), Quirks()).body
    assert [message["role"] for message in body["messages"]] == ["user"]


def test_settings_are_sent_when_set() -> None:
    settings = Generation(0.0, 0.5, 100, 7, ("END", "STOP"), "low")
    body = (
        OpenAIChat()
        .encode(replace(ASKED, generation=settings), Quirks(max_tokens_name="max_completion_tokens"))
        .body
    )
    assert {name: body[name] for name in body.keys() - {"model", "messages", "stream", "stream_options"}} == {
        "temperature": 0.0,
        "top_p": 0.5,
        "max_completion_tokens": 100,
        "seed": 7,
        "stop": ["END", "STOP"],
        "reasoning_effort": "low",
    }


def test_quirks_of_the_server() -> None:
    quirks = Quirks(has_stream_options=False, extra_body={"return_progress": True})
    body = OpenAIChat().encode(ASKED, quirks).body
    assert "stream_options" not in body
    assert body["return_progress"] is True


def test_a_continuation_marks_the_trailing_answer() -> None:
    quirks = Quirks(can_prefill=True, prefill_extra={"prefix": True}, prefill_body={"continue_final_message": True})
    body = OpenAIChat().encode(CUT, quirks).body
    assert body["messages"][-1] == {"role": "assistant", "content": "The ans", "prefix": True}
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert body["continue_final_message"] is True


def test_a_continuation_that_ends_with_the_user_marks_nothing() -> None:
    quirks = Quirks(prefill_extra={"prefix": True}, prefill_body={"continue_final_message": True})
    body = OpenAIChat().encode(replace(ASKED, is_continuation=True), quirks).body
    assert body["messages"] == [{"role": "user", "content": "Hi"}]
    assert "continue_final_message" not in body
    assert "continue_final_message" not in OpenAIChat().encode(replace(CUT, is_continuation=False), quirks).body


def test_the_quirks_are_not_changed_by_a_request() -> None:
    quirks = Quirks(prefill_extra={"prefix": True})
    OpenAIChat().encode(CUT, quirks)
    assert quirks.prefill_extra == {"prefix": True}


def test_every_body_can_be_written() -> None:
    request = ChatRequest("m", (_message(Role.USER, "half \ud83d", "\ude00 \udc00"),), system="\ud800")
    text = json.dumps(OpenAIChat().encode(request, Quirks()).body, ensure_ascii=False)
    assert "half 😀 \ufffd" in text.encode().decode()
