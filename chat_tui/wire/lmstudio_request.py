"""LM Studio's own protocol: the request.

It has no form for what a model said: the server keeps conversations itself, and a request names the answer it goes
on from. Each answer has an identity of its own, so that every version and branch goes on from the right one. What
the server does not know, because an answer was cut or came from another model, is told to it as words.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from chat_tui.core.conversation import ChatRequest, Generation, Message, OpaquePart, Role
from chat_tui.core.errors import CannotSend, Fault
from chat_tui.wire.attachments import data_url, images_of, takes_images, with_names, words_of
from chat_tui.wire.base import Quirks, WireRequest
from chat_tui.wire.json_text import JsonObject, as_text, repaired

PATH = "/api/v1/chat"
RESPONSE = "lmstudio.response"
"""The kind of the identity an answer has at the server."""

_LABEL = "LM Studio's own protocol"
_REASONING = {
    "none": "off", "false": "off", "true": "on", "minimal": "low", "xhigh": "high", "max": "high",
}  # fmt: skip
"""Efforts that have another name there; its own are off, low, medium, high and on."""


def encode_request(request: ChatRequest, quirks: Quirks) -> WireRequest:
    """The request body. It has no form for `seed` and `stop`."""
    if request.is_continuation:
        raise CannotSend(f"{_LABEL} cannot go on in the middle of an answer.", "Ask the model to go on.")
    known, rest = _split(with_names(request.messages, partial(takes_images, can_see=quirks.can_see)))
    body: dict[str, Any] = {"model": request.model, "input": _input(rest, quirks), "stream": True}
    if request.system.strip():
        body["system_prompt"] = repaired(request.system)
    if known:
        body["previous_response_id"] = known
    return WireRequest(PATH, body | _settings(request.generation) | quirks.extra_body)


def _settings(generation: Generation) -> JsonObject:
    effort = generation.reasoning_effort
    settings: JsonObject = {
        "temperature": generation.temperature,
        "top_p": generation.top_p,
        "max_output_tokens": generation.max_tokens,
        "reasoning": _REASONING.get(effort.lower(), effort) if effort else None,
    }
    return {name: value for name, value in settings.items() if value is not None}


def _split(messages: tuple[Message, ...]) -> tuple[str, tuple[Message, ...]]:
    """The identity of the last answer that the server knows, and what came after it."""
    for index in range(len(messages) - 1, -1, -1):
        if identity := _identity(messages[index]):
            return identity, messages[index + 1 :]
    return "", messages


def _identity(message: Message) -> str:
    found = [as_text(part.data) for part in message.parts if isinstance(part, OpaquePart) and part.kind == RESPONSE]
    return found[-1] if found else ""


def refused_identities(request: ChatRequest, fault: Fault) -> tuple[OpaquePart, ...]:
    """The identities of all answers when the server does not know the one that was named: a server that was
    started anew, or whose conversations were deleted, knows none. Empty for another fault."""
    known, _ = _split(request.messages)
    said = f"{fault.message} {fault.detail}"
    if not known or not ("previous_response" in said or known in said):
        return ()
    return tuple(
        part
        for message in request.messages
        for part in message.parts
        if isinstance(part, OpaquePart) and part.kind == RESPONSE
    )


def _input(messages: tuple[Message, ...], quirks: Quirks) -> str | list[JsonObject]:
    """The questions since then; a plain one as what it is. Answers among them are quoted."""
    images = [
        {"type": "image", "data_url": data_url(file)}
        for message in messages
        for file in images_of(message, _LABEL, can_see=quirks.can_see)
    ]
    texts = [words_of(message) for message in messages]
    if any(message.role is Role.ASSISTANT and message.is_sendable for message in messages):
        said = "\n\n".join(
            f"{'You' if message.role is Role.ASSISTANT else 'I'} said:\n{text}"
            for message, text in zip(messages[:-1], texts[:-1], strict=True)
            if text.strip()
        )
        texts = [f"This is our conversation so far, for you to go on from.\n\n{said}", texts[-1]]
    items: list[JsonObject] = [{"type": "message", "content": text} for text in texts if text]
    if len(items) == 1 and not images:
        return items[0]["content"]
    return [*items, *images]
