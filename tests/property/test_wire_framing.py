"""Properties of the framer: chunking never matters, a plain reading of the standard agrees, limits hold."""

from __future__ import annotations

import itertools

import httpx
import httpx_sse
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_tui.wire.base import WireEvent
from chat_tui.wire.framing import LimitExceeded, SseFramer

_PIECES = [
    b"data", b"event", b"id", b"retry", b":", b": ", b" ", b"\n", b"\n\n", b"\r", b"\r\n", b"\r\r", b"a", b"{",
    b"[1]", b"}", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xf0\x9f", b"\x98\x80", b"\xff", b"\0",
    b"data: x\n\n", b"[DONE]", b'data: {"a":1}', b"event: e\r\n",
]  # fmt: skip
bodies = st.lists(st.sampled_from(_PIECES) | st.binary(max_size=4), max_size=40).map(b"".join)
cuts = st.lists(st.integers(0, 200), max_size=12)


def _in_pieces(body: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(edge, len(body)) for edge in at), len(body)]
    return [body[start:end] for start, end in itertools.pairwise(edges)]


def _fed(pieces: list[bytes], framer: SseFramer) -> list[WireEvent]:
    return [event for piece in pieces for event in framer.feed(piece)]


def _by_the_standard(body: bytes) -> list[WireEvent]:
    """WHATWG HTML, "Interpreting an event stream", on the whole text and without any thought of speed."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    events: list[WireEvent] = []
    name, data = "", ""
    for line in text.split("\n")[:-1]:
        if not line:
            if data:
                events.append(WireEvent(name, data.removesuffix("\n")))
            name, data = "", ""
        elif not line.startswith(":"):
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                name = value
            elif field == "data":
                data += value + "\n"
    return events


@settings(max_examples=500)
@given(bodies)
def test_a_plain_reading_of_the_standard_agrees(body: bytes) -> None:
    assert list(SseFramer().feed(body)) == _by_the_standard(body)


@settings(max_examples=500)
@given(bodies, cuts)
def test_chunking_never_matters(body: bytes, at: list[int]) -> None:
    whole, cut, by_byte = SseFramer(), SseFramer(), SseFramer()
    events = [*whole.feed(body), *whole.finish()]
    assert [*_fed(_in_pieces(body, at), cut), *cut.finish()] == events
    assert [*_fed([body[i : i + 1] for i in range(len(body))], by_byte), *by_byte.finish()] == events
    assert (whole.comments, whole.stray) == (cut.comments, cut.stray) == (by_byte.comments, by_byte.stray)


@settings(max_examples=300)
@given(bodies, st.integers(1, 30), st.integers(1, 30), st.integers(1, 9))
def test_limits_hold_and_lose_no_event_before_them(body: bytes, line: int, event: int, size: int) -> None:
    unlimited = _fed([body], SseFramer())
    framer = SseFramer(line, event)
    events: list[WireEvent] = []
    try:
        for start in range(0, len(body), size):
            events += framer.feed(body[start : start + size])
        events += framer.finish()
    except LimitExceeded:
        assert events == unlimited[: len(events)]
    else:
        assert events[: len(unlimited)] == unlimited


_text = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=12)
_field_lines = st.sampled_from(["event: ", "event:", ": ", "data:", "data: ", "other: ", " data: ", "data"])
_events = st.lists(st.lists(st.tuples(_field_lines, _text), max_size=4), max_size=8)


@settings(max_examples=200)
@given(_events, st.sampled_from(["\n", "\r\n", "\r"]), st.integers(1, 40))
def test_httpx_sse_agrees_where_it_follows_the_standard(
    events: list[list[tuple[str, str]]], line_end: str, size: int
) -> None:
    # it takes a BOM for text, and gives events that have a name and no data: each of ours has a data line
    blocks = [["data: first", *(field + text for field, text in lines), ""] for lines in events]
    body = line_end.join([line for block in blocks for line in block] + [""]).encode()
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    response = httpx.Response(200, headers={"content-type": "text/event-stream; charset=utf-8"}, content=pieces)
    theirs = [(event.event, event.data) for event in httpx_sse.EventSource(response).iter_sse()]
    assert [(event.name or "message", event.data) for event in _fed(pieces, SseFramer())] == theirs
