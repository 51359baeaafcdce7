"""Files, answered calls and what a server wants back, in this protocol's form."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import pytest

from chat_tui.core.conversation import (
    ChatRequest,
    FilePart,
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
from chat_tui.wire.base import Quirks
from chat_tui.wire.openai_chat import OpenAIChat
from chat_tui.wire.openai_chat_tools import CALL_EXTRA, EXTRA_CONTENT, REASONING_DETAILS

PHOTO = FilePart("photo.png", "image/png", b"\x89PNG\r\n\x1a\n\x00\xff")
NOTES = FilePart("notes.md", "text/markdown", "# Grüße\n".encode())
PAPER = FilePart("paper.pdf", "application/pdf", b"%PDF-1.7")


def asked(*parts: Part) -> Message:
    return Message(1, Role.USER, parts)


def answered(*parts: Part, model: str = "p/m") -> Message:
    return Message(2, Role.ASSISTANT, parts, model=model)


def sent(*messages: Message, quirks: Quirks | None = None) -> list[dict[str, Any]]:
    body = OpenAIChat().encode(ChatRequest("m", messages), quirks or Quirks()).body
    json.dumps(body, ensure_ascii=False).encode()
    return body["messages"]


# -- files ---------------------------------------------------------------------------------------


def test_an_image_goes_behind_the_words_as_it_is() -> None:
    (message,) = sent(asked(PHOTO, TextPart("What is it?")))
    words, image = message["content"]
    assert words == {"type": "text", "text": "What is it?"}
    assert image["type"] == "image_url"
    kind, _, data = image["image_url"]["url"].partition(",")
    assert kind == "data:image/png;base64"
    assert b64decode(data, validate=True) == PHOTO.data


def test_an_image_alone_needs_no_words() -> None:
    (message,) = sent(asked(PHOTO, TextPart(" ")))
    assert [part["type"] for part in message["content"]] == ["image_url"]


def test_texts_stand_under_their_names_in_one_string() -> None:
    (message,) = sent(asked(NOTES, TextPart("Translate.")))
    assert message["content"] == "--- notes.md ---\n# Grüße\n--- end of notes.md ---\n\nTranslate."


@pytest.mark.parametrize(("file", "quirks"), [(PAPER, Quirks()), (PHOTO, Quirks(can_see=False))])
def test_what_is_not_taken_is_said_in_a_sentence(file: FilePart, quirks: Quirks) -> None:
    with pytest.raises(CannotSend) as caught:
        sent(asked(file, TextPart("?")), quirks=quirks)
    assert file.name in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(("file", "quirks"), [(PAPER, Quirks()), (PHOTO, Quirks(can_see=False))])
def test_further_up_its_name_stands_for_it(file: FilePart, quirks: Quirks) -> None:
    first, _, last = sent(asked(file, TextPart("?")), answered(TextPart("A")), asked(TextPart("B")), quirks=quirks)
    assert first["content"] == f"[Attached: {file.name}, {file.media_type}]\n\n?"
    assert last["content"] == "B"


def test_further_up_an_image_is_still_seen() -> None:
    first, *_ = sent(asked(PHOTO, TextPart("?")), answered(TextPart("A")), asked(TextPart("B")))
    assert [part["type"] for part in first["content"]] == ["text", "image_url"]


# -- calls ---------------------------------------------------------------------------------------


def call(key: str, call_id: str, arguments: str = '{"a":1}', *, is_complete: bool = True) -> ToolCallPart:
    return ToolCallPart(key, call_id, f"tool_{key}", arguments, is_complete)


def test_calls_come_with_their_results_and_what_was_said_then_is_another_message() -> None:
    answer = answered(
        TextPart("Let me see."),
        call("a", "1"),
        call("b", "2", " "),
        ToolResultPart("a", "11 °C"),
        ToolResultPart("b", ""),
        TextPart("Cold."),
    )
    calls, first, second, words = sent(asked(TextPart("?")), answer)[1:]
    assert calls["content"] == "Let me see."
    assert [(c["id"], c["type"], c["function"]) for c in calls["tool_calls"]] == [
        ("1", "function", {"name": "tool_a", "arguments": '{"a":1}'}),
        ("2", "function", {"name": "tool_b", "arguments": "{}"}),
    ]
    assert first == {"role": "tool", "tool_call_id": "1", "content": "11 °C"}
    assert second == {"role": "tool", "tool_call_id": "2", "content": ""}
    assert words == {"role": "assistant", "content": "Cold."}


def test_without_words_the_content_of_calls_is_null() -> None:
    assert sent(asked(TextPart("?")), answered(call("a", "1"), ToolResultPart("a", "x")))[1]["content"] is None


def test_calls_without_a_result_are_left_out() -> None:
    answer = answered(TextPart("A"), call("a", "1"), call("b", "2", is_complete=False), ToolResultPart("b", "x"))
    assert sent(asked(TextPart("?")), answer)[1:] == [{"role": "assistant", "content": "A"}]


def test_no_two_calls_have_one_id() -> None:
    answers = [answered(call("a", given), ToolResultPart("a", "x")) for given in ("0", "0", "", "", "call_2")]
    messages = sent(asked(TextPart("?")), *answers)
    ids = [c["id"] for message in messages for c in message.get("tool_calls", ())]
    assert len(set(ids)) == len(ids) == 5
    assert "" not in ids
    assert ids[0] == "0"
    assert [message["tool_call_id"] for message in messages if message["role"] == "tool"] == ids


# -- what a server wants back --------------------------------------------------------------------


@pytest.mark.parametrize("kind", [REASONING_DETAILS, "reasoning_details"])
def test_details_of_thoughts_go_back_in_one_piece(kind: str) -> None:
    details = [
        {"type": "reasoning.text", "text": "one ", "index": 0, "id": None},
        {"type": "reasoning.text", "text": "two", "index": 0},
        {"type": "reasoning.text", "signature": "s", "index": 0},
        {"type": "reasoning.encrypted", "data": "x", "index": 1},
        {"type": "reasoning.encrypted", "data": "y", "index": 1},
    ]
    answer = answered(*(OpaquePart(kind, [detail]) for detail in details), TextPart("A"))
    assert sent(asked(TextPart("?")), answer)[1]["reasoning_details"] == [
        {"type": "reasoning.text", "text": "one two", "index": 0, "id": None, "signature": "s"},
        *details[3:],
    ]


def test_details_stay_with_the_model_that_thought() -> None:
    answer = answered(OpaquePart(REASONING_DETAILS, [{"type": "reasoning.text"}]), TextPart("A"), model="p/other")
    assert sent(asked(TextPart("?")), answer)[1] == {"role": "assistant", "content": "A"}


@pytest.mark.parametrize("kind", [CALL_EXTRA, "extra_content"])
def test_what_came_with_a_call_goes_back_with_it(kind: str) -> None:
    extra = {"google": {"thought_signature": "s"}}
    answer = answered(
        call("a", "1"), OpaquePart(kind, extra), call("b", "2"), ToolResultPart("a", "x"), ToolResultPart("b", "y")
    )
    first, second = sent(asked(TextPart("?")), answer)[1]["tool_calls"]
    assert first["extra_content"] == extra
    assert "extra_content" not in second


def test_what_came_with_a_call_that_is_left_out_is_left_out() -> None:
    answer = answered(
        call("a", "1"), ToolResultPart("a", "x"), call("b", "2"), OpaquePart(CALL_EXTRA, {"k": 1}), TextPart("A")
    )
    assert "k" not in json.dumps(sent(asked(TextPart("?")), answer))


def test_of_what_came_with_the_text_the_signature_goes_back() -> None:
    marks = {"google": {"thought": True}}
    signed = {"google": {"thought": False, "thought_signature": "s"}}
    answer = answered(OpaquePart(EXTRA_CONTENT, marks), TextPart("A"), OpaquePart(EXTRA_CONTENT, signed))
    assert sent(asked(TextPart("?")), answer)[1]["extra_content"] == {"google": {"thought_signature": "s"}}
    only_marks = answered(OpaquePart(EXTRA_CONTENT, marks), TextPart("A"))
    assert "extra_content" not in sent(asked(TextPart("?")), only_marks)[1]


def test_reasoning_goes_back_with_calls_and_where_it_is_wanted_only() -> None:
    with_call = answered(ReasoningPart("hm"), call("a", "1"), ToolResultPart("a", "x"), TextPart("A"))
    plain = answered(ReasoningPart("hm"), TextPart("B"))
    messages = sent(asked(TextPart("?")), with_call, plain, quirks=Quirks(needs_reasoning_back=True))
    assert [message.get("reasoning_content") for message in messages] == [None, "hm", None, None, None]
    assert all("reasoning_content" not in message for message in sent(asked(TextPart("?")), with_call, plain))


@pytest.mark.parametrize("data", [None, "x", [1, "x", None], {"type": 1}, [{"type": [], "index": {}}]])
@pytest.mark.parametrize("kind", [REASONING_DETAILS, EXTRA_CONTENT, CALL_EXTRA])
def test_nothing_that_was_kept_can_break_a_request(kind: str, data: object) -> None:
    answer = answered(call("a", "1"), OpaquePart(kind, data), ToolResultPart("a", "x"), TextPart("A"))
    assert sent(asked(TextPart("?")), answer)[-1]["content"] == "A"
