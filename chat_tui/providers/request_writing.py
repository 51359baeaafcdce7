"""Requests as bytes. Those with much in them are written beside the loop, so that typing and painting go on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any, cast

from chat_tui.core.conversation import ChatRequest, FilePart, TextPart
from chat_tui.wire.base import Quirks, WireProtocol, WireRequest
from chat_tui.wire.json_text import repaired

LARGE_CHARS = 256 << 10
"""What a request may have in it (bytes of files, characters of text) to be written on the loop: about a
millisecond of work."""
SLICE_CHARS = 1 << 20
"""The most that is escaped in one call: for as long as one takes no other thread runs."""


async def wire_request(protocol: WireProtocol, request: ChatRequest, quirks: Quirks) -> WireRequest:
    """The request as its protocol writes it. Raises CannotSend."""
    if is_large(request):
        return await asyncio.to_thread(protocol.encode, request, quirks)
    return protocol.encode(request, quirks)


def is_large(request: ChatRequest) -> bool:
    """Whether it is to be written beside the loop."""
    parts = [part for message in request.messages for part in message.parts]
    files = sum(len(part.data) for part in parts if isinstance(part, FilePart))
    return files + sum(len(part.text) for part in parts if isinstance(part, TextPart)) > LARGE_CHARS


async def written(body: dict[str, Any]) -> bytes:
    """The body as JSON in UTF-8."""
    if _is_small(body):
        return encoded(body)
    return await asyncio.to_thread(encoded_in_slices, body)


def encoded(body: dict[str, Any]) -> bytes:
    """JSON in UTF-8; a lone surrogate, which no UTF-8 has, is replaced."""
    return repaired(_json(body)).encode()


def encoded_in_slices(body: dict[str, Any], slice_chars: int = SLICE_CHARS) -> bytes:
    """The same, of many short calls."""
    return b"".join(repaired(piece).encode() for piece in _pieces(body, slice_chars))


def _is_small(body: dict[str, Any]) -> bool:
    chars, rest = 0, [cast("object", body)]
    while rest and chars <= LARGE_CHARS:
        value = rest.pop()
        if isinstance(value, str):
            chars += len(value)
        elif isinstance(value, dict):
            rest += cast("dict[str, object]", value).values()
        elif isinstance(value, list):
            rest += cast("list[object]", value)
    return chars <= LARGE_CHARS


def _pieces(value: object, slice_chars: int) -> Iterator[str]:
    """The JSON of a value, long strings in slices. Codecs have joined surrogate pairs, so that none is cut."""
    if isinstance(value, str) and len(value) > slice_chars:
        yield '"'
        for start in range(0, len(value), slice_chars):
            yield _json(value[start : start + slice_chars])[1:-1]
        yield '"'
    elif isinstance(value, dict):
        for at, (name, item) in enumerate(cast("dict[str, object]", value).items()):
            yield f"{',' if at else '{'}{_json(name)}:"
            yield from _pieces(item, slice_chars)
        yield "}" if value else "{}"
    elif isinstance(value, list):
        for at, item in enumerate(cast("list[object]", value)):
            yield "," if at else "["
            yield from _pieces(item, slice_chars)
        yield "]" if value else "[]"
    else:
        yield _json(value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
