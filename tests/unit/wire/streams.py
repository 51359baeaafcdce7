"""Recorded and composed streams, and the shortest way from their bytes to events."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chat_tui.core.errors import MalformedEvent
from chat_tui.core.events import Failed, Finished, StreamEvent, TerminalEvent, TextDelta, ToolCallEnded
from chat_tui.wire.base import Codec, WireEvent
from chat_tui.wire.framing import SseFramer
from chat_tui.wire.openai_chat import OpenAIChat

FOLDER = Path(__file__).parents[2] / "corpora" / "streams"
CHAT_STREAMS = sorted(path.stem for path in FOLDER.glob("chat-*.sse"))
ALL_STREAMS = sorted(path.stem for path in FOLDER.glob("*.sse"))

DONE = WireEvent("", "[DONE]")

USAGE = {
    "prompt_tokens": 17,
    "completion_tokens": 3,
    "total_tokens": 20,
    "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 5},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
"""A usage object with everything OpenAI puts into it."""


def stream_bytes(name: str) -> bytes:
    """One stream of the corpus, lines ending with LF."""
    return (FOLDER / f"{name}.sse").read_bytes()


def chunks(data: bytes, size: int) -> Iterable[bytes]:
    """The data in pieces of `size` bytes; 0: in one."""
    return (data[start : start + size] for start in range(0, len(data), size)) if size else (data,)


def framed(data: bytes, size: int = 0, framer: SseFramer | None = None) -> list[WireEvent]:
    """All events of a body."""
    framer = framer or SseFramer()
    events = [event for piece in chunks(data, size) for event in framer.feed(piece)]
    return [*events, *framer.finish()]


def decoded(events: Iterable[WireEvent], codec: Codec | None = None) -> list[StreamEvent]:
    """What the codec makes of the events and the end of the body; malformed events are passed over."""
    codec = codec or OpenAIChat().codec()
    found: list[StreamEvent] = []
    for event in events:
        try:
            found += codec.decode(event)
        except MalformedEvent:
            continue
    return [*found, *codec.finish()]


def played(data: bytes, size: int = 0) -> list[StreamEvent]:
    """A body from bytes to stream events, as a transport does it: stray JSON is read at the end."""
    framer, codec = SseFramer(), OpenAIChat().codec()
    events = framed(data, size, framer)
    found: list[StreamEvent] = []
    for event in events:
        try:
            found += codec.decode(event)
        except MalformedEvent:
            continue
    if framer.stray and not codec.is_done:
        found += codec.decode_document(framer.stray)
    return [*found, *codec.finish()]


def terminals(events: Iterable[StreamEvent]) -> list[TerminalEvent]:
    return [event for event in events if isinstance(event, Finished | Failed)]


def text_of(events: Iterable[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def ended_calls(events: Iterable[StreamEvent]) -> list[str]:
    return [event.arguments for event in events if isinstance(event, ToolCallEnded)]


def event(value: object, name: str = "") -> WireEvent:
    return WireEvent(name, json.dumps(value))


def chunk(delta: object = None, reason: object = None, **fields: Any) -> WireEvent:
    return event({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **fields})


def answer(*chunks: WireEvent) -> list[StreamEvent]:
    """The events of an answer that ends with stop and [DONE], without those two."""
    events = decoded([*chunks, chunk({}, "stop"), DONE])
    assert isinstance(events[-1], Finished)
    return events[:-1]


def failure(events: list[StreamEvent]) -> Failed:
    assert len(terminals(events)) == 1
    assert isinstance(events[-1], Failed)
    return events[-1]
