"""Gemini Interactions: the request.

The whole conversation is sent as steps each time, not the id of the interaction before: the shown path may be any
branch, and nothing has to be kept at the server. Only an answer that shall outlive its connection is stored there.
"""

from __future__ import annotations

from functools import partial
from typing import Any

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
from chat_tui.wire.attachments import base64_of, labelled, with_names
from chat_tui.wire.base import Quirks, WireRequest
from chat_tui.wire.gemini_values import (
    FORMLESS,
    arguments_object,
    container_of,
    kind_of,
    merged,
    takes,
    token_of,
)
from chat_tui.wire.json_text import JsonObject, as_count, as_object, as_text, repaired

PATH = "/interactions"
REVISION_HEADER = "Api-Revision"
REVISION = "2026-05-20"
"""The schema made of steps."""

THOUGHT = "gemini-interactions.thought"
"""Opaque: {"signature", "chars"}: a signed thought, and how long its own part of the reasoning before it is."""
SERVER_STEP = "gemini-interactions.step"
"""Opaque: {"key", "step"}: a call, or its result, of a tool that the provider ran itself."""
CONTINUATION = "gemini-interactions.continuation"
"""Opaque: the token with which an answer that paused goes on."""

_LEVELS = {"none": "minimal", "max": "xhigh"}


def encode_request(request: ChatRequest, quirks: Quirks) -> WireRequest:
    """The request. Raises CannotSend for a file of the last question that there is no form for."""
    messages = with_names(request.messages, partial(takes, quirks=quirks))
    token = token_of(CONTINUATION, request.model, messages[-1]) if request.is_continuation and messages else ""
    if token:
        messages = messages[:-1]
    body: dict[str, Any] = {
        "model": repaired(request.model),
        "stream": True,
        "store": quirks.is_background,
        "input": [step for message in messages for step in _steps(message, quirks)],
    }
    if quirks.is_background:
        body["background"] = True
    if request.system.strip():
        body["system_instruction"] = repaired(request.system)
    if token:
        body["continuation_token"] = token
    config = _generation_config(request.generation)
    if config:
        body["generation_config"] = config
    fields = merged(body, quirks.extra_body)
    headers = {REVISION_HEADER: quirks.version or REVISION}
    return WireRequest(PATH, fields, headers, is_resumable=quirks.is_background)


def _steps(message: Message, quirks: Quirks) -> list[dict[str, Any]]:
    if message.role is Role.ASSISTANT:
        return _Answer(message).steps()
    content = [_file(file, quirks) for file in message.files]
    if message.text:
        content.append(_text(message.text))
    return [{"type": "user_input", "content": content}] if content else []


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": repaired(text)}


def _file(file: FilePart, quirks: Quirks) -> dict[str, Any]:
    kind = kind_of(file, quirks)
    if kind == FORMLESS:
        return _text(labelled(file))
    return {"type": kind, "mime_type": file.media_type, "data": base64_of(file)}


def _generation_config(generation: Generation) -> dict[str, Any]:
    effort = (generation.reasoning_effort or "").strip().lower()
    has_thoughts = effort not in ("", "none")
    settings: dict[str, Any] = {
        "temperature": generation.temperature,
        "top_p": generation.top_p,
        "max_output_tokens": generation.max_tokens,
        "seed": generation.seed,
        "stop_sequences": [repaired(text) for text in generation.stop] or None,
        "thinking_level": _LEVELS.get(effort, repaired(effort)) if effort not in ("", "auto") else None,
        "thinking_summaries": "auto" if has_thoughts else None,
    }
    return {name: value for name, value in settings.items() if value is not None}


class _Answer:
    """One answer as the steps it was made of."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self._results = {call.key: (call, output) for call, output in message.answered_calls}
        self._server_keys = {
            as_text(data.get("key"))
            for part in message.parts
            if isinstance(part, OpaquePart) and part.kind == SERVER_STEP and (data := as_object(part.data))
        }
        self._steps: list[dict[str, Any]] = []
        self._waiting: set[str] = set()
        self._thought = ""

    def steps(self) -> list[dict[str, Any]]:
        """None for an answer of nothing but blanks and calls without results."""
        if not (self._message.is_sendable or self._results):
            return []
        for part in self._message.parts:
            self._read(part)
        return self._steps

    def _read(self, part: object) -> None:
        match part:
            case TextPart(text) if text:
                self._say(text)
            case ReasoningPart(text):
                self._thought += repaired(text)
            case ToolCallPart() if self._is_ours(part.key):
                self._call(part)
            case ToolResultPart() if part.key in self._waiting:
                self._respond(part)
            case OpaquePart(kind, data) if kind == THOUGHT:
                self._think(as_object(data) or {})
            case OpaquePart(kind, data) if kind == SERVER_STEP:
                step = as_object((as_object(data) or {}).get("step"))
                if step:
                    self._steps.append(step)
            case _:
                pass

    def _is_ours(self, key: str) -> bool:
        return key in self._results and key not in self._server_keys

    def _say(self, text: str) -> None:
        last = self._steps[-1] if self._steps else {}
        if last.get("type") == "model_output":
            last["content"].append(_text(text))
        else:
            self._steps.append({"type": "model_output", "content": [_text(text)]})

    def _call(self, call: ToolCallPart) -> None:
        self._waiting.add(call.key)
        identity = {"id": self._call_id(call), "name": repaired(call.name)}
        self._steps.append({"type": "function_call", **identity, "arguments": arguments_object(call.arguments)})

    def _respond(self, result: ToolResultPart) -> None:
        """An object is given as one; a list would be read as pieces of content."""
        self._waiting.remove(result.key)  # a second result of one call would be refused: the last one counts
        call, output = self._results[result.key]
        found = as_object(container_of(output))
        identity = {"call_id": self._call_id(call), "name": repaired(call.name)}
        value = repaired(output) if found is None else found
        self._steps.append({"type": "function_result", **identity, "result": value})

    def _call_id(self, call: ToolCallPart) -> str:
        """An id has to be there; calls of another protocol may have none."""
        return repaired(call.call_id) or f"call-{self._message.id}-{repaired(call.key)}"

    def _think(self, data: JsonObject) -> None:
        signature, chars = as_text(data.get("signature")), as_count(data.get("chars")) or 0
        if not signature:
            return
        text, self._thought = self._thought[-chars:] if chars else "", ""
        summary = {"summary": [_text(text)]} if text else {}
        self._steps.append({"type": "thought", "signature": signature, **summary})
