"""The AI SDK's message stream: what a chat route is sent."""

from __future__ import annotations

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
from chat_tui.core.errors import CannotSend
from chat_tui.core.turn import TurnState, reduce
from chat_tui.wire.base import Quirks
from chat_tui.wire.ui_messages import PROTOCOL
from tests.support.wire import played, stream_bytes

ASK = Message(1, Role.USER, (TextPart("Hi"),))


def body_of(*messages: Message, quirks: Quirks | None = None, **fields: Any) -> dict[str, Any]:
    return PROTOCOL.encode(ChatRequest("m", messages, **fields), quirks or Quirks()).body


def answer_from(name: str) -> Message:
    """The answer that a recorded stream gives, as it is kept."""
    state = TurnState()
    for event in played(stream_bytes(name), "ui-messages"):
        state = reduce(state, event)
    return Message(2, Role.ASSISTANT, state.parts())


def parts_of(message: Message) -> list[dict[str, Any]]:
    return body_of(ASK, message)["messages"][1]["parts"]


def test_a_question_goes_to_the_route_itself() -> None:
    generation = Generation(temperature=0.5, max_tokens=3)
    wire = PROTOCOL.encode(ChatRequest("m", (ASK,), generation=generation), Quirks(extra_body={"webSearch": True}))
    assert (wire.method, wire.path) == ("POST", "")
    chat_id = wire.body.pop("id")
    assert chat_id.startswith("chat-")
    assert wire.body == {
        "trigger": "submit-message",
        "messages": [{"id": "m1", "role": "user", "parts": [{"type": "text", "text": "Hi"}]}],
        "webSearch": True,
    }


def test_a_conversation_has_one_name_and_shares_it_with_no_other() -> None:
    other = Message(1, Role.USER, (TextPart("Ho"),))
    kept = Message(1, Role.USER, (TextPart("Hi"),), created_at_s=5.0)
    said = Message(2, Role.ASSISTANT, (TextPart("a"),))
    assert body_of(ASK)["id"] == body_of(ASK, said, other)["id"]
    assert len({body_of(first)["id"] for first in (ASK, other, kept)}) == 3


def test_instructions_stand_first() -> None:
    first = body_of(ASK, system="Be brief.")["messages"][0]
    assert first == {"id": "system", "role": "system", "parts": [{"type": "text", "text": "Be brief."}]}


def test_files_of_every_kind() -> None:
    files = (
        FilePart("a.png", "image/png", b"\x89PNG"),
        FilePart("b.pdf", "application/pdf", b"%PDF"),
        FilePart("c.txt", "text/plain", b"words"),
    )
    question = Message(1, Role.USER, (*files, TextPart("What?")))
    assert body_of(question)["messages"][0]["parts"] == [
        {"type": "text", "text": "--- c.txt ---\nwords\n--- end of c.txt ---\n\nWhat?"},
        {"type": "file", "mediaType": "image/png", "filename": "a.png", "url": "data:image/png;base64,iVBORw=="},
        {"type": "file", "mediaType": "application/pdf", "filename": "b.pdf",
         "url": "data:application/pdf;base64,JVBERg=="},
    ]  # fmt: skip
    with pytest.raises(CannotSend, match="takes none"):
        body_of(question, quirks=Quirks(can_see=False))


def test_a_run_goes_back_as_it_came() -> None:
    answer = answer_from("ui-messages")
    assert body_of(ASK, answer)["messages"][1]["id"] == "msg_1"
    assert parts_of(answer) == [
        {"type": "tool-get_weather", "toolCallId": "call_1", "state": "output-available",
         "input": {"city": "Paris"}, "output": {"temp_c": 11}},
        {"type": "step-start"},
        {"type": "text", "text": "11 °C"},
    ]  # fmt: skip


def test_what_was_taken_back_and_what_has_no_result_stays_here() -> None:
    assert parts_of(answer_from("ui-messages-reset")) == [
        {"type": "text", "text": "First. ", "providerMetadata": {"x": {"itemId": "i1"}}},
        {"type": "text", "text": "Right."},
    ]


def test_tools_of_the_provider_sources_and_files() -> None:
    assert parts_of(answer_from("ui-messages-parts")) == [
        {"type": "source-url", "sourceId": "s1", "url": "https://a.test/", "title": "A"},
        {"type": "dynamic-tool", "toolName": "search", "toolCallId": "c1", "state": "output-available",
         "input": {"q": "x"}, "output": "found", "providerExecuted": True,
         "callProviderMetadata": {"x": {"id": 1}}},
        {"type": "tool-run", "toolCallId": "c3", "state": "output-error", "input": {}, "errorText": "It broke."},
        {"type": "tool-rm", "toolCallId": "c4", "state": "output-error", "input": {},
         "errorText": "The call was denied."},
        {"type": "file", "url": "data:text/plain;base64,aGk=", "mediaType": "text/plain"},
        {"type": "text", "text": "Found it."},
    ]  # fmt: skip


def test_thoughts_go_back_only_when_they_are_wanted() -> None:
    wanted = OpaquePart("ui-messages.metadata", {"type": "reasoning", "providerMetadata": {"x": "sig"}})
    call = ToolCallPart("1", "c", "t", "not json", is_complete=True)
    parts = (ReasoningPart("a"), wanted, call, ToolResultPart("1", "[x"), ReasoningPart("b"), TextPart("c"))
    assert parts_of(Message(2, Role.ASSISTANT, (*parts, OpaquePart("other.kind", 1)))) == [
        {"type": "reasoning", "text": "a", "providerMetadata": {"x": "sig"}},
        {"type": "tool-t", "toolCallId": "c", "state": "output-available", "input": "not json", "output": "[x"},
        {"type": "step-start"},
        {"type": "text", "text": "c"},
    ]
