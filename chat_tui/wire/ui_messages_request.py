"""The AI SDK's UI messages: the request, the whole conversation as a browser would send it to a chat route.

Which model answers, and how, the route decides: settings of ours have no place in it but `extra_body`.
"""

from __future__ import annotations

import hashlib
import secrets
from functools import partial
from typing import Any

from chat_tui.core.conversation import (
    ChatRequest,
    FilePart,
    Message,
    OpaquePart,
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
)
from chat_tui.core.errors import CannotSend, MalformedEvent
from chat_tui.wire.attachments import data_url, is_text, unseen, with_names, words_of
from chat_tui.wire.base import Quirks, WireRequest
from chat_tui.wire.json_text import JsonObject, as_object, as_text, parse, repaired

IDENTITY = "ui-messages.id"
"""The kind of what the route calls an answer: text."""
METADATA = "ui-messages.metadata"
"""The kind of the `providerMetadata` that goes back with the last part of a `type`, text or reasoning."""
CALL = "ui-messages.call"
"""The kind of what a call is besides its name and text: its `key`, and fields of its part."""
PART = "ui-messages.part"
"""The kind of a part that goes back as it came: files, sources."""

_OWN_SALT = secrets.token_hex(8)
"""Tells conversations that are kept nowhere from those of other windows."""


def encode_request(request: ChatRequest, quirks: Quirks) -> WireRequest:
    """The request body; it goes to the base URL itself."""
    messages: list[JsonObject] = []
    if request.system.strip():
        messages.append({"id": "system", "role": "system", "parts": [_text(request.system)]})
    for message in with_names(request.messages, partial(_takes, quirks=quirks)):
        parts = _answer_parts(message) if message.role is Role.ASSISTANT else _question_parts(message, quirks)
        if parts:
            messages.append({"id": _identity(message), "role": message.role.value, "parts": parts})
    body: dict[str, Any] = {"id": _chat_id(request), "trigger": "submit-message", "messages": messages}
    return WireRequest("", body | quirks.extra_body)


def _chat_id(request: ChatRequest) -> str:
    """The same in every turn of a conversation, and in no other one."""
    first = next((message for message in request.messages if message.role is Role.USER), None)
    if first is None:
        return f"chat-{_OWN_SALT}"
    salt = "" if first.created_at_s else _OWN_SALT
    seed = f"{first.id} {first.created_at_s} {salt} {repaired(first.text)}"
    return f"chat-{hashlib.sha256(seed.encode()).hexdigest()[:24]}"


def _identity(message: Message) -> str:
    given = (as_text(part.data) for part in message.parts if isinstance(part, OpaquePart) and part.kind == IDENTITY)
    return next((text for text in given if text), f"m{message.id}")


def _text(text: str) -> JsonObject:
    return {"type": "text", "text": repaired(text)}


def _takes(file: FilePart, quirks: Quirks) -> bool:
    return quirks.can_see or not file.is_image or is_text(file)


def _question_parts(message: Message, quirks: Quirks) -> list[JsonObject]:
    """Words, and every file that is no text as a file. Raises CannotSend for an image nobody would see."""
    words = words_of(message)
    parts = [_text(words)] if words else []
    for file in message.files:
        if is_text(file):
            continue
        if not _takes(file, quirks):
            raise unseen(file)
        parts.append(
            {
                "type": "file",
                "mediaType": file.media_type,
                "filename": repaired(file.name),
                "url": data_url(file),
            }
        )
    return parts


def _answer_parts(message: Message) -> list[JsonObject]:
    """What was said, in its order; of calls those with a result, of thoughts those that are wanted back."""
    if not message.is_sendable:
        return []
    results = {call.key: output for call, output in message.answered_calls}
    details = _details(message)
    found: list[JsonObject] = []
    for part in message.parts:
        match part:
            case TextPart(text) | ReasoningPart(text) if text:
                if found and "toolCallId" in found[-1]:
                    found.append({"type": "step-start"})
                kind = "text" if isinstance(part, TextPart) else "reasoning"
                found.append({"type": kind, "text": repaired(text)})
            case ToolCallPart(key) if key in results:
                found.append(_call(part, results[key], details.get(key, {})))
            case OpaquePart(kind, data) if kind == PART and as_object(data):
                found.append(data)
            case OpaquePart(kind, data) if kind == METADATA:
                _attach(as_object(data) or {}, found)
            case _:
                pass
    return [part for part in found if part.get("type") != "reasoning" or "providerMetadata" in part]


def _attach(metadata: JsonObject, parts: list[JsonObject]) -> None:
    kind = metadata.get("type")
    owner = next((part for part in reversed(parts) if part.get("type") == kind), None)
    if owner is not None and kind in ("text", "reasoning"):
        owner["providerMetadata"] = metadata.get("providerMetadata")


def _details(message: Message) -> dict[str, JsonObject]:
    """What is known of calls by their keys; said twice, the later counts."""
    found: dict[str, JsonObject] = {}
    for part in message.parts:
        data = as_object(part.data) if isinstance(part, OpaquePart) and part.kind == CALL else None
        if data is not None:
            fields = {name: value for name, value in data.items() if name != "key"}
            found[as_text(data.get("key"))] = found.get(as_text(data.get("key")), {}) | fields
    return found


def _call(call: ToolCallPart, output: str, details: JsonObject) -> JsonObject:
    name = repaired(call.name)
    is_dynamic = details.get("dynamic") is True
    found: JsonObject = {"type": "dynamic-tool", "toolName": name} if is_dynamic else {"type": f"tool-{name}"}
    found["toolCallId"] = repaired(call.call_id)
    failed = details.get("errorText")
    found["state"] = "output-available" if failed is None else "output-error"
    found["input"] = details.get("input", _value(call.arguments or "{}"))
    found |= {"output": _value(output)} if failed is None else {"errorText": failed}
    kept = ("providerExecuted", "callProviderMetadata")
    return found | {field: details[field] for field in kept if field in details}


def _value(text: str) -> object:
    """JSON that was written as text; text that is none, as it is."""
    if text[:1] not in ("{", "["):
        return repaired(text)
    try:
        return parse(text)
    except MalformedEvent:
        return repaired(text)


def no_listing() -> CannotSend:
    """A chat route does not tell what is behind it."""
    return CannotSend(
        "A chat route of the AI SDK lists no models: it decides itself which one answers.",
        "Choose it by any name, for example PROVIDER/chat.",
    )
