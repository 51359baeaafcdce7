"""Gemini generateContent: the request.

An answer goes back as the parts it came as: a signature belongs to one part, at its place among the others, and
the model refuses or forgets when it is moved. Text is kept joined, so a signature remembers how many characters it
signs.
"""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote

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

SIGNATURE = "gemini.signature"
"""Opaque: {"signature", "of": "text" | "thought" | "call", "chars" (of the signed end of the text) or "key"}."""
SERVER_PART = "gemini.part"
"""Opaque: {"key", "part"}: the raw part of a call, or its result, that the provider ran itself."""
CONTINUATION = "gemini.continuation"
"""Opaque: the token with which an answer that paused goes on."""
OWN_ID = "gemini-call-"
"""How the ids begin that we gave to calls without one."""

_INLINE_TEXT = frozenset({"text/plain", "text/html", "text/css", "text/csv", "text/xml", "text/rtf", "text/md"})
_BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "auto": -1}
"""Thinking tokens of the generation that counts them; the later ones take a level."""
_LEVELS = {"none": "MINIMAL", "xhigh": "HIGH", "max": "HIGH"}


def encode_request(request: ChatRequest, quirks: Quirks) -> WireRequest:
    """The request. Raises CannotSend for a file of the last question that there is no form for."""
    messages = with_names(request.messages, partial(takes, quirks=quirks))
    token = token_of(CONTINUATION, request.model, messages[-1]) if request.is_continuation and messages else ""
    if token:
        messages = messages[:-1]
    body: dict[str, Any] = {"contents": [content for message in messages for content in _contents(message, quirks)]}
    if request.system.strip():
        body["systemInstruction"] = {"parts": [{"text": repaired(request.system)}]}
    if token:
        body["continuationToken"] = token
    config = _generation_config(request.generation, request.model)
    if config:
        body["generationConfig"] = config
    return WireRequest(_path(request.model), merged(body, quirks.extra_body))


def _path(model: str) -> str:
    """A bare name is one of `models/`; tuned models name their collection."""
    name = quote(repaired(model), safe="/:@")
    collection = "" if "/" in name else "models/"
    return f"/{collection}{name}:streamGenerateContent?alt=sse"


def _contents(message: Message, quirks: Quirks) -> list[dict[str, Any]]:
    if message.role is Role.ASSISTANT:
        return _Answer(message).contents()
    parts = [_file(file, quirks) for file in message.files]
    if message.text:
        parts.append({"text": repaired(message.text)})
    return [{"role": "user", "parts": parts}] if parts else []


def _file(file: FilePart, quirks: Quirks) -> dict[str, Any]:
    if kind_of(file, quirks) == FORMLESS and file.media_type not in _INLINE_TEXT:
        return {"text": labelled(file)}
    return {"inlineData": {"mimeType": file.media_type, "data": base64_of(file)}}


def _generation_config(generation: Generation, model: str) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "temperature": generation.temperature,
        "topP": generation.top_p,
        "maxOutputTokens": generation.max_tokens,
        "seed": generation.seed,
        "stopSequences": [repaired(text) for text in generation.stop] or None,
        "thinkingConfig": _thinking(generation.reasoning_effort, model),
    }
    return {name: value for name, value in settings.items() if value is not None}


def _thinking(effort: str | None, model: str) -> dict[str, Any] | None:
    if not effort:
        return None
    word = effort.strip().lower()
    config: dict[str, Any] = {} if word == "none" else {"includeThoughts": True}
    if "gemini-2" in model:
        config["thinkingBudget"] = _BUDGETS.get(word, _BUDGETS["high"])
    elif word != "auto":
        config["thinkingLevel"] = _LEVELS.get(word, repaired(word.upper()))
    return config


class _Answer:
    """One answer as contents: what the model said, then the results of its calls, then what it said to them."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self._results = {call.key: (call, output) for call, output in message.answered_calls}
        self._server_keys = {
            as_text(data.get("key"))
            for part in message.parts
            if isinstance(part, OpaquePart) and part.kind == SERVER_PART and (data := as_object(part.data))
        }
        self._contents: list[dict[str, Any]] = []
        self._parts: list[dict[str, Any]] = []
        self._responses: list[dict[str, Any]] = []
        self._calls: dict[str, dict[str, Any]] = {}
        self._waiting: set[str] = set()
        self._thought = ""

    def contents(self) -> list[dict[str, Any]]:
        """None for an answer of nothing but blanks and calls without results."""
        if not (self._message.is_sendable or self._results):
            return []
        for part in self._message.parts:
            self._read(part)
        self._flush()
        return self._contents

    def _read(self, part: object) -> None:
        match part:
            case TextPart(text) if text:
                self._add({"text": repaired(text)})
            case ReasoningPart(text):
                self._thought += repaired(text)
            case ToolCallPart() if part.key in self._results and part.key not in self._server_keys:
                self._call(part)
            case ToolResultPart() if part.key in self._waiting:
                self._respond(part)
            case OpaquePart(kind, data) if kind == SIGNATURE:
                self._sign(as_object(data) or {})
            case OpaquePart(kind, data) if kind == SERVER_PART:
                raw = as_object((as_object(data) or {}).get("part"))
                if raw:
                    self._add(raw)
            case _:
                pass

    def _add(self, part: dict[str, Any]) -> None:
        if self._responses:
            self._flush()
        self._parts.append(part)

    def _flush(self) -> None:
        if self._parts:
            self._contents.append({"role": "model", "parts": self._parts})
        if self._responses:
            self._contents.append({"role": "user", "parts": self._responses})
        self._parts, self._responses = [], []

    def _call(self, call: ToolCallPart) -> None:
        function = _identity(call) | {"args": arguments_object(call.arguments)}
        self._calls[call.key] = part = {"functionCall": function}
        self._waiting.add(call.key)
        self._add(part)

    def _respond(self, result: ToolResultPart) -> None:
        self._waiting.remove(result.key)  # a second result of one call would be refused: the last one counts
        call, output = self._results[result.key]
        response = {"response": {"output": container_of(output)}}
        self._responses.append({"functionResponse": _identity(call) | response})

    def _sign(self, data: JsonObject) -> None:
        signature, chars = as_text(data.get("signature")), as_count(data.get("chars")) or 0
        if not signature:
            return
        signed = {"thoughtSignature": signature}
        match data.get("of"):
            case "call":
                call = self._calls.get(as_text(data.get("key")))
                if call is not None:
                    call |= signed
            case "thought":
                text, self._thought = self._thought[-chars:] if chars else "", ""
                self._add({"text": text, "thought": True} | signed)
            case _:
                self._sign_text(chars, signed)

    def _sign_text(self, chars: int, signed: dict[str, Any]) -> None:
        """The last characters of the text become a part of their own; none: an empty part."""
        last = self._parts[-1] if self._parts and not self._responses else {}
        text = as_text(last.get("text")) if last.keys() == {"text"} else ""
        if not chars:
            self._add({"text": ""} | signed)
        elif len(text) > chars:
            last["text"] = text[:-chars]
            self._add({"text": text[-chars:]} | signed)
        elif text:
            last |= signed


def _identity(call: ToolCallPart) -> dict[str, Any]:
    given = {"id": repaired(call.call_id)} if call.call_id and not call.call_id.startswith(OWN_ID) else {}
    return given | {"name": repaired(call.name)}
