"""OpenAI Responses over a WebSocket: the same events, one connection for all turns of a conversation.

A server remembers the last response of a connection, even one that it does not store. A turn that follows it
takes its id and what is new; any other turn takes the whole history, as over HTTP.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from chat_tui.core.conversation import ChatRequest, Message, OpaquePart, Role, ToolCallPart
from chat_tui.core.errors import EXCERPT_CHARS
from chat_tui.core.events import (
    Finished,
    OpaqueReceived,
    Started,
    StreamEvent,
    TerminalEvent,
    TextDelta,
    ToolCallEnded,
    ToolCallStarted,
)
from chat_tui.wire.base import Codec, Framing, Quirks, WireEvent, WireRequest
from chat_tui.wire.json_text import JsonObject, as_object, as_text
from chat_tui.wire.openai_responses import OpenAIResponses, OpenAIResponsesCodec
from chat_tui.wire.socket_base import Refusal, Remedy

_ID_CHARS = 500
_MAX_HEADERS = 40
_REMEDIES = {
    "previous_response_not_found": Remedy.RESEND,
    "websocket_connection_limit_reached": Remedy.RECONNECT,
}
_OF_HTTP = ("stream", "background")
_OWN_STATE = ("previous_response_id", "conversation")
_OUTPUTS = ("function_call_output", "custom_tool_call_output")
_COMPLETED = "completed"


class OpenAIResponsesWebSocket(OpenAIResponses):
    """`GET {base}/responses`, upgraded; requests and events are JSON in text messages."""

    name = "openai-responses-websocket"
    framing = Framing.WEBSOCKET

    def encode(self, request: ChatRequest, quirks: Quirks) -> WireRequest:
        """The whole request as a message. Raises CannotSend for a file it has no form for."""
        wire = super().encode(request, quirks)
        body = {name: value for name, value in wire.body.items() if name not in _OF_HTTP}
        return WireRequest(wire.path, {"type": "response.create", **body}, wire.headers, is_resumable=False)

    def codec(self) -> WebSocketCodec:
        """A fresh codec for one answer."""
        return WebSocketCodec()

    def over_http(self, wire: WireRequest) -> dict[str, Any]:
        """The body that says the same over plain HTTP."""
        return {name: value for name, value in wire.body.items() if name != "type"} | {"stream": True}

    def memory(self) -> ResponseMemory:
        """A fresh memory for one connection."""
        return ResponseMemory(self)


PROTOCOL = OpenAIResponsesWebSocket()

_KEPT = (TextDelta, OpaqueReceived, ToolCallStarted, ToolCallEnded)


class WebSocketCodec(OpenAIResponsesCodec):
    """One answer. Knows besides what the answer was, and what refused it."""

    def __init__(self) -> None:
        super().__init__()
        self._refusal: Refusal | None = None
        self._kept: list[StreamEvent] = []
        self.response_id = ""
        """Of an answer that is complete and can be followed; empty otherwise."""
        self._started_id = ""

    @property
    def refusal(self) -> Refusal | None:
        """The error that ended the answer, if the server sent one as a message."""
        return self._refusal

    def decode(self, event: WireEvent) -> tuple[StreamEvent, ...]:
        """Events of one message. Raises MalformedEvent."""
        events = super().decode(event)
        for found in events:
            if isinstance(found, _KEPT):
                self._kept.append(found)
            elif isinstance(found, Started):
                self._started_id = found.id
            elif isinstance(found, Finished) and found.raw == _COMPLETED:
                self.response_id = self._started_id if len(self._started_id) <= _ID_CHARS else ""
        return events

    def _read(self, kind: str, found: JsonObject, events: list[StreamEvent]) -> TerminalEvent | None:
        terminal = super()._read(kind, found, events)
        if terminal is not None and (kind == "error" or not kind):
            self._refusal = _refusal_of(found)
        return terminal

    @property
    def said(self) -> _Said:
        """What was decoded here."""
        kept = self._kept
        return _Said(
            "".join(event.text for event in kept if isinstance(event, TextDelta)),
            tuple((event.kind, event.data) for event in kept if isinstance(event, OpaqueReceived)),
            tuple(dict.fromkeys(event.key for event in kept if isinstance(event, ToolCallStarted))),
            {event.key: event.arguments for event in kept if isinstance(event, ToolCallEnded)},
        )


@dataclass(frozen=True, slots=True)
class _Said:
    """An answer, to know it again: no other version of it, and not rewritten. Calls by their keys."""

    text: str
    opaque: tuple[tuple[str, Any], ...]
    started: tuple[str, ...]
    ended: dict[str, str]

    def is_in(self, message: Message) -> bool:
        """Whether a message is this and nothing else."""
        calls = [part for part in message.parts if isinstance(part, ToolCallPart)]
        opaque = tuple((part.kind, part.data) for part in message.parts if isinstance(part, OpaquePart))
        return (
            message.role is Role.ASSISTANT
            and message.text == self.text
            and opaque == self.opaque
            and tuple(part.key for part in calls) == self.started
            and {part.key: part.arguments for part in calls if part.is_complete} == self.ended
        )


def _refusal_of(found: JsonObject) -> Refusal:
    error = as_object(found.get("error")) or found
    headers: dict[str, str] = {}
    for holder in (as_object(found.get("headers")) or {}, as_object(error.get("headers")) or {}):
        for name, value in list(holder.items())[:_MAX_HEADERS]:
            if isinstance(value, str | int | float):
                headers[name.lower()] = str(value)
    status = next((value for value in (found.get("status"), found.get("status_code")) if type(value) is int), None)
    said = {name: value for name, value in error.items() if name != "headers"}
    return Refusal(
        status if status is not None and 400 <= status <= 599 else None,
        headers,
        json.dumps({"error": said}, ensure_ascii=False)[: 16 * EXCERPT_CHARS],
        _REMEDIES.get(as_text(error.get("code"))),
    )


@dataclass(frozen=True, slots=True)
class _Known:
    request: ChatRequest
    said: _Said
    response_id: str


class ResponseMemory:
    """The last response of one connection, and what led to it."""

    def __init__(self, protocol: OpenAIResponsesWebSocket) -> None:
        self._protocol = protocol
        self._known: _Known | None = None

    def learn(self, request: ChatRequest, codec: Codec) -> None:
        """The request was answered. An answer that is not complete is not built upon."""
        self._known = None
        if isinstance(codec, WebSocketCodec) and codec.response_id:
            self._known = _Known(request, codec.said, codec.response_id)

    def forget(self) -> None:
        """A refusal makes the server drop what it followed."""
        self._known = None

    def knows(self, request: ChatRequest) -> bool:
        """Whether the request is the last one, its answer as it came, and something new."""
        known = self._known
        if known is None or request.is_continuation:
            return False
        before, count = known.request, len(known.request.messages)
        if (request.model, request.system) != (before.model, before.system):
            return False
        if len(request.messages) <= count or request.messages[:count] != before.messages:
            return False
        answer = request.messages[count]
        if not known.said.is_in(answer):
            return False
        outputs = self._outputs(answer, request, Quirks())
        return outputs is not None and (bool(outputs) or len(request.messages) > count + 1)

    def shortened(self, request: ChatRequest, wire: WireRequest, quirks: Quirks) -> dict[str, Any]:
        """The message with the id of the last response and what is new: results of its calls, and questions."""
        known = self._known
        if known is None or any(name in wire.body for name in _OWN_STATE):
            return wire.body
        count = len(known.request.messages)
        outputs = self._outputs(request.messages[count], request, quirks) or []
        new = [*outputs, *self._items(request.messages[count + 1 :], request, quirks)]
        return {**wire.body, "previous_response_id": known.response_id, "input": new}

    def _outputs(self, answer: Message, request: ChatRequest, quirks: Quirks) -> list[JsonObject] | None:
        """The results of the answer's calls; None when one of them, which the server waits for, is missing."""
        calls = [part for part in answer.parts if isinstance(part, ToolCallPart)]
        if not calls:
            return []
        opaque = [part.data for part in answer.parts if isinstance(part, OpaquePart)]
        hosted = {as_text((as_object(data) or {}).get("id")) for data in opaque}
        outputs = [item for item in self._items((answer,), request, quirks) if item.get("type") in _OUTPUTS]
        return outputs if len(outputs) == sum(call.call_id not in hosted for call in calls) else None

    def _items(self, messages: Sequence[Message], request: ChatRequest, quirks: Quirks) -> list[JsonObject]:
        """What a request of these messages alone would have."""
        return self._protocol.encode(replace(request, messages=tuple(messages)), quirks).body["input"]
