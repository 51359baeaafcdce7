"""Streams of the corpus, and the shortest way from their bytes to events, for any protocol."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from chat_tui.core.errors import MalformedEvent
from chat_tui.core.events import Channel, Failed, Finished, ReasoningDelta, StreamEvent, TerminalEvent, TextDelta
from chat_tui.wire.base import Framing
from chat_tui.wire.framing import SseFramer
from chat_tui.wire.line_framing import LineFramer
from chat_tui.wire.protocols import protocol_of

FOLDER = Path(__file__).parents[1] / "corpora" / "streams"
PROTOCOL_OF_PREFIX = {
    "chat": "openai-chat",
    "responses": "openai-responses",
    "anthropic": "anthropic",
    "gemini": "gemini",
    "interactions": "gemini-interactions",
    "ollama": "ollama",
    "lmstudio": "lmstudio",
    "ui": "ui-messages",
}
"""What the streams of the corpus are named after, up to the first dash."""
STREAMS = {path.stem: path for path in sorted(FOLDER.iterdir())}
"""Every stream of the corpus by name."""


def protocol_name(stream: str) -> str:
    """The protocol that a stream of the corpus speaks."""
    return PROTOCOL_OF_PREFIX[stream.partition("-")[0]]


def streams_of(protocol: str) -> list[str]:
    """The names of the streams of one protocol."""
    return [name for name in STREAMS if protocol_name(name) == protocol]


def stream_bytes(name: str) -> bytes:
    """One stream of the corpus, lines ending with LF."""
    return STREAMS[name].read_bytes()


def chunks(data: bytes, size: int, whole: int = 0) -> Iterable[bytes]:
    """The data in pieces of `size` bytes; 0: in one. The first `whole` bytes are one piece."""
    if not size:
        return (data,)
    rest = (data[start : start + size] for start in range(whole, len(data), size))
    return (data[:whole], *rest) if whole else rest


def played(data: bytes, protocol: str, size: int = 0, whole: int = 0) -> list[StreamEvent]:
    """A body, cut as in `chunks`, from bytes to stream events, as a transport does it: stray JSON at the end.

    Nothing but MalformedEvent may be raised by a codec; here such events are passed over.
    """
    spoken = protocol_of(protocol)
    framer, codec = LineFramer() if spoken.framing is Framing.LINES else SseFramer(), spoken.codec()
    wire_events = [event for piece in chunks(data, size, whole) for event in framer.feed(piece)]
    found: list[StreamEvent] = []
    for event in [*wire_events, *framer.finish()]:
        try:
            found += codec.decode(event)
        except MalformedEvent:
            continue
    if framer.stray and not codec.is_done:
        found += codec.decode_document(framer.stray)
    return [*found, *codec.finish()]


def terminal_of(events: Iterable[StreamEvent]) -> TerminalEvent:
    """The one terminal event; it has to be there once, at the end."""
    found = list(events)
    terminals = [event for event in found if isinstance(event, Finished | Failed)]
    assert len(terminals) == 1, terminals
    assert found[-1] is terminals[0]
    return terminals[0]


def text_of(events: Iterable[StreamEvent], channel: Channel | None = None) -> str:
    """The visible text, of one channel or of all."""
    return "".join(
        event.text for event in events if isinstance(event, TextDelta) and channel in (None, event.channel)
    )


def reasoning_of(events: Iterable[StreamEvent]) -> str:
    """What the model thought."""
    return "".join(event.text for event in events if isinstance(event, ReasoningDelta))
