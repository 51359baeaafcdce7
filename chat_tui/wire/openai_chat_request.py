"""OpenAI Chat Completions: the request.

Only what every compatible server takes: string contents, `system` for instructions (`developer` is OpenAI's own),
and no setting that was not asked for, because many models refuse what they do not know.
"""

from __future__ import annotations

from typing import Any

from chat_tui.core.conversation import ChatRequest, Generation, Message, Role
from chat_tui.wire.base import Quirks, WireRequest
from chat_tui.wire.json_text import repaired

PATH = "/chat/completions"


def encode_request(request: ChatRequest, quirks: Quirks) -> WireRequest:
    """The request body. Messages that hold no text (a failed answer, bare tool calls) are left out."""
    messages = [_message(message) for message in request.messages if message.is_sendable]
    if request.system.strip():
        messages.insert(0, {"role": Role.SYSTEM.value, "content": repaired(request.system)})
    body: dict[str, Any] = {"model": request.model, "messages": messages, "stream": True}
    if quirks.has_stream_options:
        body["stream_options"] = {"include_usage": True}
    body |= _generation(request.generation, quirks)
    if request.is_continuation and messages and messages[-1]["role"] == Role.ASSISTANT.value:
        messages[-1] |= quirks.prefill_extra
        body |= quirks.prefill_body
    body |= quirks.extra_body
    return WireRequest(PATH, body)


def _message(message: Message) -> dict[str, Any]:
    return {"role": message.role.value, "content": repaired(message.text)}


def _generation(generation: Generation, quirks: Quirks) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "temperature": generation.temperature,
        "top_p": generation.top_p,
        quirks.max_tokens_name: generation.max_tokens,
        "seed": generation.seed,
        "stop": list(generation.stop) or None,
        "reasoning_effort": generation.reasoning_effort,
    }
    return {name: value for name, value in settings.items() if value is not None}
