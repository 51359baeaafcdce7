"""What holds for every protocol: cut, chunked and mutated streams end once, lose nothing, raise nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import random
from typing import Any, cast

import pytest

from chat_tui.core.errors import MalformedEvent
from chat_tui.core.events import (
    Channel,
    StreamEvent,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallEnded,
    ToolCallStarted,
)
from chat_tui.wire.base import Framing, Quirks, ResumableCodec, WireEvent
from chat_tui.wire.framing import SseFramer
from chat_tui.wire.line_framing import LineFramer
from chat_tui.wire.protocols import protocol_of
from tests.support.wire import (
    PROTOCOL_OF_PREFIX,
    STREAMS,
    played,
    protocol_name,
    reasoning_of,
    stream_bytes,
    streams_of,
    terminal_of,
    text_of,
)

_BOM = b"\xef\xbb\xbf"
_MUTATIONS = 130
"""Mutants of each stream."""
_NEAR_BYTES = 120
"""What before a cut comes in small pieces."""
_CROSSINGS = 800
"""Made-up streams of each protocol."""
_STRANGE: list[object] = [
    None, True, 0, -1, 10**30, 1e308, float("nan"), "", "x", "\ud83d", "\0\x1b[31m", [], {}, [None], {"error": "e"},
    [[[[]]]], "stop", "error", [{"type": "text", "text": "t"}], {"type": "error"},
]  # fmt: skip


def check(events: list[StreamEvent]) -> None:
    """What holds for the events of every stream, whatever happened to it."""
    terminal_of(events)
    arguments: dict[str, str] = {}
    ended: set[str] = set()
    for event in events:
        if isinstance(event, TextDelta):
            assert event.text
        elif isinstance(event, ToolCallStarted):
            arguments.setdefault(event.key, "")
            assert event.key not in ended
        elif isinstance(event, ToolArgumentsDelta):
            arguments[event.key] += event.fragment
            assert event.key not in ended
        elif isinstance(event, ToolCallEnded):
            assert event.arguments == arguments[event.key]
            assert event.key not in ended
            ended.add(event.key)


def check_writable(events: list[StreamEvent]) -> None:
    """No half a character, no NaN, nothing too deep: all of it can be saved and sent."""
    for event in events:
        json.dumps(dataclasses.asdict(cast("Any", event)), ensure_ascii=False, allow_nan=False).encode()


def line_ends(name: str) -> tuple[bytes, ...]:
    """Server-sent events take three, lines of JSON two."""
    is_sse = protocol_of(protocol_name(name)).framing is Framing.SSE
    return (b"\n", b"\r\n", b"\r") if is_sse else (b"\n", b"\r\n")


@pytest.mark.parametrize("name", STREAMS)
def test_every_byte_prefix_ends_once_and_loses_nothing(name: str) -> None:
    protocol = protocol_name(name)
    for line_end in line_ends(name):
        body = stream_bytes(name).replace(b"\n", line_end)
        whole = played(body, protocol)
        check(whole)
        check_writable(whole)
        texts = {channel: text_of(whole, channel) for channel in Channel}
        for cut in range(len(body) + 1):
            # All sizes and marks come by many times in a stream; all of them at every cut would say no more.
            size = (0, 7, 0, 2, 0, 1)[cut % 6]
            bom = _BOM if cut % 5 == 0 else b""
            # Byte by byte only near the cut: any chunking of the whole gives the same, which is tested below.
            events = played(bom + body[:cut], protocol, size, whole=max(0, cut - _NEAR_BYTES))
            check(events)
            check_writable(events[-2:])  # what is before has been whole in an earlier one
            for channel, text in texts.items():
                # half a character that a cut leaves is made visible, never dropped
                assert text.startswith(text_of(events, channel).removesuffix("\ufffd"))
            assert reasoning_of(whole).startswith(reasoning_of(events).removesuffix("\ufffd"))


@pytest.mark.parametrize("bom", [b"", _BOM], ids=["", "BOM"])
@pytest.mark.parametrize("name", STREAMS)
def test_every_chunking_and_line_end_gives_the_same_events(name: str, bom: bytes) -> None:
    protocol = protocol_name(name)
    whole = played(stream_bytes(name), protocol)
    for line_end in line_ends(name):
        body = bom + stream_bytes(name).replace(b"\n", line_end)
        for size in (0, 1, 2, 7, 100):
            assert played(body, protocol, size) == whole


def test_there_are_mutants_enough() -> None:
    assert len(STREAMS) * _MUTATIONS > 10_000


@pytest.mark.parametrize("name", STREAMS)
def test_mutants_raise_nothing(name: str) -> None:
    dice = random.Random(name)
    lines = stream_bytes(name).split(b"\n")
    for _ in range(_MUTATIONS):
        events = played(b"\n".join(mutated(lines, dice)), protocol_name(name), dice.choice((0, 1, 7)))
        check(events)
        check_writable(events)


@pytest.mark.parametrize("protocol", PROTOCOL_OF_PREFIX.values())
def test_events_of_all_streams_in_any_order_and_mixed_raise_nothing(protocol: str) -> None:
    """What no server sends, an end with more in it, thoughts in a call, ends here and is whole as well."""
    dice = random.Random(protocol)
    known = [event for name in streams_of(protocol) for event in wire_events(name)]
    for _ in range(_CROSSINGS):
        sent = [crossed(dice.choice(known), dice.choice(known), dice) for _ in range(dice.randint(1, 12))]
        codec = protocol_of(protocol).codec_for(Quirks(has_think_tags=dice.random() < 0.3))
        events: list[StreamEvent] = []
        if dice.random() < 0.2:
            events += codec.decode_document("\n".join(event.data for event in sent))
        else:
            for event in sent:
                with contextlib.suppress(MalformedEvent):
                    events += codec.decode(event)
                if isinstance(codec, ResumableCodec) and dice.random() < 0.1:
                    codec.resume()
                    codec.cancel()
        events += codec.finish()
        check(events)
        check_writable(events)
        assert codec.is_done
        assert codec.finish() == ()


def wire_events(name: str) -> list[WireEvent]:
    """The events of a stream whose data is an object."""
    framer = LineFramer() if protocol_of(protocol_name(name)).framing is Framing.LINES else SseFramer()
    found = (*framer.feed(stream_bytes(name)), *framer.finish())
    return [event for event in found if event.data.startswith("{")]


def crossed(event: WireEvent, other: WireEvent, dice: random.Random) -> WireEvent:
    """An event, as a rule with what another one has in it, often with a strange value somewhere."""
    try:
        value, more = json.loads(event.data), json.loads(other.data)
    except ValueError:
        return event
    if dice.random() < 0.6:
        value = {**more, **value} if dice.random() < 0.7 else {**value, **more}
    data = json.dumps(value).encode()
    return WireEvent(event.name, (_with_another_value(data, dice) if dice.random() < 0.5 else data).decode())


def mutated(lines: list[bytes], dice: random.Random) -> list[bytes]:
    """The stream with one to three things changed: values, bytes, lines doubled, left out or in another order."""
    changed = list(lines)
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(changed))
        match dice.randrange(6):
            case 0:
                changed.insert(at, dice.choice(lines))
            case 1 if len(changed) > 1:
                del changed[at]
            case 2:
                other = dice.randrange(len(changed))
                changed[at], changed[other] = changed[other], changed[at]
            case 3:
                line = bytearray(changed[at])
                if line:
                    line[dice.randrange(len(line))] = dice.randrange(256)
                changed[at] = bytes(line)
            case _:
                changed[at] = _with_another_value(changed[at], dice)
    return changed


def _with_another_value(line: bytes, dice: random.Random) -> bytes:
    prefix, data = (line[:6], line[6:]) if line.startswith(b"data: ") else (b"", line)
    try:
        value = json.loads(data)
    except ValueError:
        return line
    places = list(_places(value))
    if not places:
        return line
    holder, key = dice.choice(places)
    if dice.randrange(4) == 0:
        del holder[key]
    else:
        holder[key] = dice.choice(_STRANGE)
    return prefix + json.dumps(value).encode()


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every holder and key below a JSON value."""
    if isinstance(value, dict):
        found = cast("dict[str, Any]", value)
        return [(found, key) for key in found] + [p for inner in found.values() for p in _places(inner)]
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [(items, at) for at in range(len(items))] + [p for inner in items for p in _places(inner)]
    return []
