"""Ollama's own protocol: the request."""

from __future__ import annotations

from functools import partial
from typing import Any

from chat_tui.core.conversation import ChatRequest, Generation, Message, Role, TextPart, ToolCallPart
from chat_tui.core.errors import MalformedEvent
from chat_tui.wire.attachments import base64_of, images_of, takes_images, with_names, words_of
from chat_tui.wire.base import Quirks, WireRequest
from chat_tui.wire.json_text import JsonObject, as_object, parse, repaired, repaired_tree

PATH = "/api/chat"

_THINK: dict[str, bool | str] = {
    "none": False, "off": False, "false": False, "on": True, "true": True, "minimal": "low", "xhigh": "max",
}  # fmt: skip
"""Efforts that have another name there; its own are low, medium, high and max."""


def encode_request(request: ChatRequest, quirks: Quirks) -> WireRequest:
    """The request body. How long the model stays in memory and how much it reads are the server's to decide,
    unless `extra_body` says so; its `options` are added to ours.

    Raises CannotSend for a file of the last question that is neither text nor an image, or that nobody would see.
    """
    messages: list[JsonObject] = []
    if request.system.strip():
        messages.append({"role": "system", "content": repaired(request.system)})
    for message in with_names(request.messages, partial(takes_images, can_see=quirks.can_see)):
        if message.role is Role.ASSISTANT:
            messages += _answer(message) if message.is_sendable else []
        else:
            messages.append(_question(message, quirks))
    body: dict[str, Any] = {"model": request.model, "messages": messages, "stream": True}
    effort = request.generation.reasoning_effort
    if effort:
        body["think"] = _THINK.get(effort.lower(), effort)
    options = _options(request.generation) | (as_object(quirks.extra_body.get("options")) or {})
    body |= quirks.extra_body
    if options:
        body["options"] = options
    return WireRequest(PATH, body)


def _options(generation: Generation) -> JsonObject:
    settings: JsonObject = {
        "temperature": generation.temperature,
        "top_p": generation.top_p,
        "num_predict": generation.max_tokens,
        "seed": generation.seed,
        "stop": [repaired(text) for text in generation.stop] or None,
    }
    return {name: value for name, value in settings.items() if value is not None}


def _question(message: Message, quirks: Quirks) -> JsonObject:
    found: JsonObject = {"role": message.role.value, "content": words_of(message)}
    images = images_of(message, "Ollama", can_see=quirks.can_see)
    if images:
        found["images"] = [base64_of(image) for image in images]
    return found


def _answer(message: Message) -> list[JsonObject]:
    """One answer: text, calls and their results in the order they came; calls without a result are left out."""
    results = {call.key: output for call, output in message.answered_calls}
    found: list[JsonObject] = []
    content, calls, outputs = "", list[JsonObject](), list[JsonObject]()
    for part in message.parts:
        if isinstance(part, TextPart):
            if calls:
                found += [_spoken(content, calls), *outputs]
                content, calls, outputs = "", [], []
            content += part.text
        elif isinstance(part, ToolCallPart) and part.key in results:
            arguments = _arguments(part.arguments)
            if arguments is None:
                continue
            name, call_id = repaired(part.name), repaired(part.call_id)
            calls.append({"id": call_id, "function": {"name": name, "arguments": arguments}})
            outputs.append(
                {"role": "tool", "tool_name": name, "tool_call_id": call_id, "content": repaired(results[part.key])}
            )
    return [*found, _spoken(content, calls), *outputs] if content or calls else found


def _spoken(content: str, calls: list[JsonObject]) -> JsonObject:
    found: JsonObject = {"role": "assistant", "content": repaired(content)}
    if calls:
        found["tool_calls"] = calls
    return found


def _arguments(text: str) -> object | None:
    """As the object they have to be here; None when they are none."""
    try:
        return repaired_tree(as_object(parse(text or "{}")))
    except MalformedEvent:
        return None
