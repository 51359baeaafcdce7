"""What both protocols of Gemini have in common below their grammar: files, arguments, efforts, listings."""

from __future__ import annotations

import json
from typing import Any, cast
from urllib.parse import quote

from chat_tui.core.conversation import FilePart, Message, OpaquePart, Role
from chat_tui.core.errors import CannotSend, MalformedEvent
from chat_tui.core.files import PDF
from chat_tui.core.sanitize import clean_line
from chat_tui.wire.attachments import is_text
from chat_tui.wire.base import ModelFacts, Quirks, WireRequest
from chat_tui.wire.json_text import (
    JsonObject,
    as_count,
    as_list,
    as_object,
    as_text,
    parse,
    repaired,
    repaired_tree,
    short,
)
from chat_tui.wire.model_list import NAME_CHARS, is_chat_name, read_models, usable

KEY_HEADER = "x-goog-api-key"
FORMLESS = "text"
"""What `kind_of` calls a file that can stand among words."""

_MEDIA = ("image", "audio", "video", "document")
_PAGE_MODELS = 1000


def takes(file: FilePart, quirks: Quirks) -> bool:
    """Whether there is a form for it, and a server that reads that."""
    return is_text(file) or (quirks.can_see and _kind(file) in _MEDIA)


def _kind(file: FilePart) -> str:
    return "document" if file.media_type == PDF else file.media_type.partition("/")[0]


def kind_of(file: FilePart, quirks: Quirks) -> str:
    """`image`, `audio`, `video`, `document` (PDF) or FORMLESS. Raises CannotSend for anything else."""
    if is_text(file):
        return FORMLESS
    kind = _kind(file)
    if kind not in _MEDIA:
        raise CannotSend(
            f"“{repaired(file.name)}” is {file.media_type}, and Gemini takes text, images, PDF, sound and video.",
            "Send its text instead, or ask another model.",
        )
    if not quirks.can_see:
        raise CannotSend(
            f"“{repaired(file.name)}” is {file.media_type}, and this server takes text only.",
            "Take it out, or ask another model.",
        )
    return kind


def arguments_object(text: str) -> JsonObject:
    """Arguments of a call as the object that the protocol wants; what is no object stands under `input`."""
    if not text.strip():
        return {}
    found = as_object(container_of(text))
    return {"input": repaired(text)} if found is None else found


def container_of(text: str) -> object:
    """The JSON object or array that a text is, with every string repaired; any other text as it is."""
    if text.lstrip().startswith(("{", "[")):
        try:
            return repaired_tree(parse(text))
        except MalformedEvent:
            pass
    return repaired(text)


def token_of(kind: str, model: str, answer: Message) -> str:
    """The token, opaque parts of that kind, with which that model goes on behind an answer; empty when the answer
    did not end with one."""
    if answer.role is not Role.ASSISTANT or not answer.is_by(model):
        return ""
    for part in reversed(answer.parts):
        if isinstance(part, OpaquePart) and part.kind == kind:
            return as_text(part.data)
        if not isinstance(part, OpaquePart):
            break
    return ""


def json_of(value: object) -> str:
    """A value as JSON text that can be encoded."""
    return json.dumps(repaired_tree(value), ensure_ascii=False)


def media_name(kind: str, media_type: object, data: object) -> str:
    """What is said of media that are not shown: kind, type and size, never the content."""
    text = data if isinstance(data, str) else ""
    size_bytes = len(text) * 3 // 4 - text[-2:].count("=")
    return short(f"{kind} {as_text(media_type)[:40]} ({max(0, size_bytes):,} bytes)")


def merged(body: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """The body with more fields; an object that is in both is the fields of both, the extra ones winning."""
    result = dict(body)
    for name, value in extra.items():
        own = result.get(name)
        both = isinstance(own, dict) and isinstance(value, dict)
        result[name] = {**cast("JsonObject", own), **cast("JsonObject", value)} if both else value
    return result


def list_request(cursor: str) -> WireRequest:
    """`GET /models`, a page of a thousand; `cursor` is the page token."""
    page = f"&pageToken={quote(cursor, safe='')}" if cursor else ""
    return WireRequest(f"/models?pageSize={_PAGE_MODELS}{page}", method="GET")


def read_list(text: str) -> tuple[tuple[ModelFacts, ...], str]:
    """The models that generate content, and the token of the next page. Raises MalformedEvent.

    A gateway's listing in another form is read as that.
    """
    listing = as_object(parse(text)) or {}
    items = [found for item in as_list(listing.get("models")) if (found := as_object(item)) is not None]
    if not items:
        return read_models(text), ""
    return usable(_facts(item) for item in items if _generates(item)), as_text(listing.get("nextPageToken"))


def _generates(item: JsonObject) -> bool:
    methods = item.get("supportedGenerationMethods")
    return bool(as_text(item.get("name"))) and (methods is None or "generateContent" in as_list(methods))


def _facts(item: JsonObject) -> ModelFacts:
    name = as_text(item.get("name")).removeprefix("models/")
    label = clean_line(as_text(item.get("displayName")), NAME_CHARS)
    return ModelFacts(
        name=name,
        label="" if label == name else label,
        context_tokens=as_count(item.get("inputTokenLimit")) or None,
        is_chat=is_chat_name(name),
    )
