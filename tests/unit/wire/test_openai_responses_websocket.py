"""OpenAI Responses over a WebSocket: messages, what is remembered, and refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from chat_tui.core.conversation import (
    ChatRequest,
    Message,
    OpaquePart,
    Part,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from chat_tui.core.events import StreamEvent
from chat_tui.core.turn import TurnState, reduce
from chat_tui.wire.base import Framing, Quirks, WireEvent
from chat_tui.wire.openai_responses import PROTOCOL as OVER_HTTP
from chat_tui.wire.openai_responses_websocket import PROTOCOL, ResponseMemory, WebSocketCodec
from chat_tui.wire.protocols import protocol_of
from chat_tui.wire.socket_base import Remedy, SocketProtocol
from tests.support.wire import stream_bytes, streams_of
from tests.support.ws_server import answer, completed, created, messages_of

QUESTION = Message(1, Role.USER, (TextPart("Hello"),))
REQUEST = ChatRequest("m", (QUESTION,), "Be brief.")


def decoded(messages: list[Any]) -> tuple[WebSocketCodec, Message]:
    """A codec behind the messages of an answer, and the answer as it is kept."""
    codec, state = WebSocketCodec(), TurnState()
    events: list[StreamEvent] = []
    for message in messages:
        events += codec.decode(WireEvent("", message if isinstance(message, str) else json.dumps(message)))
    for event in events:
        state = reduce(state, event)
    return codec, Message(2, Role.ASSISTANT, state.parts())


def learned(messages: list[Any], request: ChatRequest = REQUEST) -> tuple[ResponseMemory, Message]:
    codec, message = decoded(messages)
    memory = PROTOCOL.memory()
    memory.learn(request, codec)
    return memory, message


def following(message: Message, *parts: Part, text: str = "And?") -> ChatRequest:
    answered = replace(message, parts=(*message.parts, *parts))
    more = (Message(3, Role.USER, (TextPart(text),)),) if text else ()
    return replace(REQUEST, messages=(QUESTION, answered, *more))


def shortened(memory: ResponseMemory, request: ChatRequest, quirks: Quirks | None = None) -> dict[str, Any]:
    quirks = quirks or Quirks()
    return memory.shortened(request, PROTOCOL.encode(request, quirks), quirks)


def test_it_is_a_protocol_of_sockets_and_the_other_is_not() -> None:
    assert protocol_of("openai-responses-websocket") is PROTOCOL
    assert isinstance(PROTOCOL, SocketProtocol)
    assert not isinstance(OVER_HTTP, SocketProtocol)
    assert PROTOCOL.framing is Framing.WEBSOCKET


def test_a_message_is_the_body_over_http_without_what_only_that_has() -> None:
    quirks = Quirks(is_background=True, extra_body={"stream": True, "service_tier": "flex"})
    body = OVER_HTTP.encode(REQUEST, quirks).body
    wire = PROTOCOL.encode(REQUEST, quirks)
    assert wire.body == {"type": "response.create"} | {
        name: value for name, value in body.items() if name not in ("stream", "background")
    }
    assert not wire.is_resumable
    assert PROTOCOL.over_http(wire) == {name: value for name, value in body.items() if name != "background"} | {
        "stream": True
    }


@pytest.mark.parametrize("name", streams_of("openai-responses"))
def test_only_complete_answers_are_known_again(name: str) -> None:
    messages = messages_of(stream_bytes(name))
    memory, message = learned(messages)
    codec, _ = decoded(messages)
    request = following(message)
    has_open_call = any(isinstance(part, ToolCallPart) for part in message.parts)
    if codec.response_id == "":
        assert not memory.knows(request)
    elif memory.knows(request):
        body = shortened(memory, request)
        assert body["previous_response_id"] == codec.response_id
        assert [item["role"] for item in body["input"]] == ["user"]
    else:
        assert has_open_call


@pytest.mark.parametrize("name", ["responses-text", "responses-refusal", "responses-llamacpp"])
def test_answers_without_calls_are_known(name: str) -> None:
    memory, message = learned(messages_of(stream_bytes(name)))
    assert memory.knows(following(message))


def test_results_of_calls_are_what_is_new() -> None:
    memory, message = learned(messages_of(stream_bytes("responses-tool")))
    key = next(part.key for part in message.parts if isinstance(part, ToolCallPart))
    assert not memory.knows(following(message))
    for text, count in (("And?", 2), ("", 1)):
        request = following(message, ToolResultPart(key, "11 °C"), text=text)
        assert memory.knows(request)
        new = shortened(memory, request)["input"]
        assert len(new) == count
        assert new[0] == {"type": "function_call_output", "call_id": "call_1", "output": "11 °C"}


def test_anything_else_is_not_known() -> None:
    memory, message = learned(answer("Good day."))
    request = following(message)
    assert memory.knows(request)
    other = replace(message, parts=(TextPart("Good night."),))
    unlike = [
        REQUEST,
        replace(request, messages=(QUESTION, message)),
        replace(request, is_continuation=True),
        replace(request, model="other"),
        replace(request, system=""),
        replace(request, messages=(replace(QUESTION, parts=(TextPart("Hi"),)), *request.messages[1:])),
        replace(request, messages=(QUESTION, other, request.messages[2])),
        replace(request, messages=(QUESTION, request.messages[2], message)),
        following(message, OpaquePart("openai-responses.item", {"type": "reasoning"})),
    ]
    assert [memory.knows(found) for found in unlike] == [False] * len(unlike)
    memory.forget()
    assert not memory.knows(request)


def test_a_new_answer_takes_the_place_of_the_one_before() -> None:
    memory, message = learned(answer("One."))
    cut, _ = decoded([created("resp_2")])
    memory.learn(following(message), cut)
    assert not memory.knows(following(message))


@pytest.mark.parametrize("response_id", ["", "x" * 501])
def test_an_answer_without_a_fit_id_is_not_built_upon(response_id: str) -> None:
    memory, message = learned([created(response_id), completed(response_id, "Yes.")])
    assert not memory.knows(following(message))


@pytest.mark.parametrize("field", ["conversation", "previous_response_id"])
def test_state_that_the_reader_keeps_is_left_alone(field: str) -> None:
    memory, message = learned(answer("Yes."))
    quirks = Quirks(extra_body={field: "mine"})
    request = following(message)
    assert shortened(memory, request, quirks) == PROTOCOL.encode(request, quirks).body


# -- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("previous_response_not_found", Remedy.RESEND),
        ("websocket_connection_limit_reached", Remedy.RECONNECT),
        ("websocket_stream_limit_reached", None),
        ("rate_limit_exceeded", None),
    ],
)
@pytest.mark.parametrize("is_flat", [False, True])
def test_what_helps_against_a_refusal(code: str, remedy: Remedy | None, is_flat: bool) -> None:
    said = {"code": code, "message": "No."}
    codec, _ = decoded([{"type": "error", **said} if is_flat else {"type": "error", "error": said, "status": 400}])
    assert codec.refusal is not None
    assert codec.refusal.remedy is remedy
    assert codec.refusal.status == (None if is_flat else 400)
    assert codec.is_done


def test_headers_may_stand_in_two_places_and_hold_anything() -> None:
    inner = {"Retry-After": 3, "a": None, "b": ["x"], "c": {"d": 1}}
    message = {"type": "error", "status": 429, "headers": {"X": "y"}, "error": {"code": "c", "headers": inner}}
    codec, _ = decoded([message])
    assert codec.refusal is not None
    assert codec.refusal.headers == {"x": "y", "retry-after": "3"}
    assert "Retry-After" not in codec.refusal.body


@pytest.mark.parametrize("value", [None, True, "400", 4.5, [], {}, 10**9, -1])
def test_any_status_code_and_headers_are_survived(value: object) -> None:
    codec, _ = decoded(
        [{"type": "error", "status": value, "headers": value, "error": {"code": value, "headers": 1}}]
    )
    assert codec.is_done
    assert codec.refusal is not None
    assert codec.refusal.status is None


def test_an_answer_that_failed_as_a_response_is_no_refusal() -> None:
    codec, _ = decoded(list(messages_of(stream_bytes("responses-failed"))))
    assert codec.is_done
    assert codec.refusal is None
