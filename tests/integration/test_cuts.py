"""A recorded answer cut at every byte, in every framing: never complete without a finish reason, nothing lost."""

from __future__ import annotations

import asyncio
import time
import zlib

import pytest

from chat_tui.core.conversation import ChatRequest, Message, Role, TextPart
from chat_tui.core.events import Connected, Failed, Finished, StreamEvent, TextDelta
from chat_tui.providers.http import Endpoint, HttpProvider
from chat_tui.wire.base import Quirks
from chat_tui.wire.openai_chat import OpenAIChat
from tests.support.sse_server import (
    CLOSE,
    RESET,
    Act,
    Framing,
    Recorded,
    Reply,
    SseServer,
    answer_events,
    framed,
    head,
    reply,
)

TEXTS = ("Grüße, ", "Welt 🌍: ", "ein\nZweizeiler.")
EVENTS = answer_events(*TEXTS)
AT_ONCE = 24


def received(wire: bytes, framing: Framing) -> bytes:
    """The part of the body that a cut wire carries, worked out by other means than the code under test."""
    if framing is Framing.GZIP:
        return zlib.decompressobj(wbits=31).decompress(wire)
    if framing is not Framing.CHUNKED:
        return wire
    body = b""
    while b"\r\n" in wire:
        size, _, wire = wire.partition(b"\r\n")
        body += wire[: int(size, 16)]
        wire = wire[int(size, 16) + 2 :]
    return body


def expected(body: bytes) -> tuple[str, bool]:
    """Text that arrived whole, and whether the finish reason did: an event counts once its JSON is whole."""
    text, is_complete, position = "", False, 0
    for event in EVENTS:
        position += len(event)
        if len(body) < position - len(b"\n\n"):
            break
        text += next((piece for piece in TEXTS if repr_json(piece) in event), "")
        is_complete = is_complete or b'"finish_reason": "stop"' in event
    return text, is_complete


def repr_json(text: str) -> bytes:
    return f'"content": "{text}"'.replace("\n", "\\n").encode()


class CutServer(SseServer):
    """Cuts where the request says: the model name is the offset."""

    def __init__(self, framing: Framing, cut_by: Act) -> None:
        super().__init__()
        self.wire = framed(EVENTS, framing)
        self.head = head(framing=framing, length=len(self.wire))
        self.cut_by = cut_by

    def reply_to(self, request: Recorded) -> Reply:
        return reply(self.head + self.wire[: int(request.json["model"])], self.cut_by)


async def answered(provider: HttpProvider, cut: int) -> list[StreamEvent]:
    request = ChatRequest(str(cut), (Message(1, Role.USER, (TextPart("Hello"),)),))
    return [event async for arrival in provider.stream(request) for event in arrival.events]


@pytest.mark.parametrize("cut_by", [CLOSE, RESET])
@pytest.mark.parametrize("framing", list(Framing))
async def test_every_cut_is_told_and_loses_nothing(framing: Framing, cut_by: Act) -> None:
    async with CutServer(framing, cut_by) as server:
        provider = HttpProvider("cut", "Cut", Endpoint(server.base_url), OpenAIChat(), Quirks(), time.monotonic)
        offsets = range(len(server.wire) + 1) if cut_by is CLOSE else range(0, len(server.wire) + 1, 23)
        wrong: list[str] = []
        for start in range(0, len(offsets), AT_ONCE):
            batch = offsets[start : start + AT_ONCE]
            for cut, events in zip(
                batch, await asyncio.gather(*(answered(provider, c) for c in batch)), strict=True
            ):
                wrong += judged(cut, events, *expected(received(server.wire[:cut], framing)))
        await provider.aclose()
    assert wrong == []
    assert len(server.requests) == len(offsets)


def judged(cut: int, events: list[StreamEvent], text: str, is_complete: bool) -> list[str]:
    shown = "".join(event.text for event in events if isinstance(event, TextDelta))
    terminals = [event for event in events if isinstance(event, Finished | Failed)]
    complaints: list[str] = []
    if not isinstance(events[0], Connected):
        complaints.append(f"{cut}: begins with {events[0]}")
    if len(terminals) != 1 or events[-1] is not terminals[0]:
        complaints.append(f"{cut}: terminal events {terminals}")
    if isinstance(events[-1], Finished) is not is_complete:
        complaints.append(f"{cut}: {events[-1]}")
    if shown != text:
        complaints.append(f"{cut}: {shown!r} instead of {text!r}")
    return complaints
