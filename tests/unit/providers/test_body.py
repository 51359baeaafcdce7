"""Bytes of a body as events: the same for any cut of the bytes, bounded, and ended exactly once."""

from __future__ import annotations

import gzip
import itertools
import zlib

from hypothesis import given
from hypothesis import strategies as st

from chat_tui.core.errors import FaultKind, MalformedEvent
from chat_tui.core.events import (
    Failed,
    Finished,
    FinishReason,
    Ignored,
    ProgressKind,
    ProgressReported,
    StreamEvent,
    TextDelta,
)
from chat_tui.providers.body import AnswerBody, Inflater
from chat_tui.providers.faults import Cause, Origin, fault_of_cause
from chat_tui.wire.base import WireEvent
from chat_tui.wire.openai_chat import OpenAIChat
from tests.support.sse_server import answer_events, delta, sse

ORIGIN = Origin("api.example.com")
WHOLE = b"".join(answer_events("Grüße, ", "Welt 🌍", "!"))


def body_of(*, is_compressed: bool = False) -> AnswerBody:
    return AnswerBody(OpenAIChat().codec(), ORIGIN, is_compressed=is_compressed)


def fed(body: AnswerBody, *pieces: bytes) -> list[StreamEvent]:
    return [event for piece in pieces for events in body.feed(piece) for event in events]


def text_of(events: list[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(places)]


@given(st.lists(st.integers(0, 10_000), max_size=12), st.booleans())
def test_any_cut_of_the_bytes_gives_the_same_events(cuts: list[int], is_compressed: bool) -> None:
    data = gzip.compress(WHOLE, mtime=0) if is_compressed else WHOLE
    expected = fed(body_of(), WHOLE)
    body = body_of(is_compressed=is_compressed)
    assert fed(body, *pieces_of(data, cuts)) == expected
    assert body.is_done
    assert body.end(None) == ()
    assert body.fail(fault_of_cause(Cause.CUT, ORIGIN)) == ()


@given(st.binary(max_size=300), st.booleans(), st.booleans())
def test_any_bytes_end_exactly_once(data: bytes, is_compressed: bool, is_cut: bool) -> None:
    body = body_of(is_compressed=is_compressed)
    events = fed(body, data)
    events += body.end(fault_of_cause(Cause.RESET, ORIGIN) if is_cut else None)
    assert [isinstance(event, Finished | Failed) for event in events].count(True) == 1
    assert isinstance(events[-1], Finished | Failed)


def test_a_broken_connection_is_the_better_reason_than_a_missing_end() -> None:
    body = body_of()
    fed(body, sse(delta("Hi")))
    last = body.end(fault_of_cause(Cause.RESET, ORIGIN))[-1]
    assert isinstance(last, Failed)
    assert last.fault.title == "connection reset"


def test_compression_that_ends_early_is_a_cut_also_between_events() -> None:
    events = answer_events("Hi", finish=None, usage=False, done=False)
    packer = zlib.compressobj(wbits=31)
    flushed = packer.compress(b"".join(events)) + packer.flush(zlib.Z_SYNC_FLUSH)
    body = body_of(is_compressed=True)
    assert text_of(fed(body, flushed)) == "Hi"
    last = body.end(None)[-1]
    assert isinstance(last, Failed)
    assert last.fault.kind is FaultKind.CUT
    assert "in the middle" in last.fault.message


def test_a_stray_error_explains_the_end_of_a_stream_with_text_or_without() -> None:
    stray = b'{"error": {"message": "Overloaded.", "type": "overloaded_error"}}\n'
    for before in (b"", sse(delta("Hi"))):
        body = body_of()
        fed(body, before, stray)
        last = body.end(None)[-1]
        assert isinstance(last, Failed)
        assert last.fault.kind is FaultKind.OVERLOADED


def test_an_overlong_line_at_the_very_end_is_a_fault_too() -> None:
    body = body_of()
    events = fed(body, sse(delta("kept")) + b"data: " + b"x" * (1 << 21))
    assert text_of(events) == "kept"
    last = body.end(None)[-1]
    assert isinstance(last, Failed)
    assert last.fault.kind is FaultKind.LIMIT


def test_real_events_are_counted_and_comments_are_not() -> None:
    body = body_of()
    fed(body, b": a\n\n: b\n\n")
    assert (body.real_events, body.has_token) == (0, False)
    fed(body, sse(delta(role="assistant", content="")))
    assert (body.real_events, body.has_token) == (1, False)
    fed(body, sse(delta("x")))
    assert (body.real_events, body.has_token) == (2, True)


class PingCodec:
    """A protocol with pings as events, and no documents."""

    is_done = False
    is_finishing = False

    def decode(self, event: WireEvent) -> tuple[StreamEvent, ...]:
        return (ProgressReported(ProgressKind.ALIVE),) if event.name == "ping" else (Ignored(event.name),)

    def decode_document(self, text: str) -> tuple[StreamEvent, ...]:
        raise MalformedEvent("no document", text)

    def finish(self) -> tuple[StreamEvent, ...]:
        return (TextDelta("held back"), Finished(FinishReason.STOP))


class TalkativeCodec(PingCodec):
    """Goes on behind its own end, as no codec should."""

    def decode(self, event: WireEvent) -> tuple[StreamEvent, ...]:
        return Finished(FinishReason.STOP), TextDelta("late")

    def decode_document(self, text: str) -> tuple[StreamEvent, ...]:
        return Finished(FinishReason.STOP), TextDelta("late")


def test_nothing_follows_the_end_whatever_a_codec_gives() -> None:
    body = AnswerBody(TalkativeCodec(), ORIGIN)
    assert fed(body, sse("{}") + sse("{}")) == [Finished(FinishReason.STOP)]
    assert body.end(None) == ()
    assert AnswerBody(TalkativeCodec(), ORIGIN).document("{}") == (Finished(FinishReason.STOP),)


def test_a_ping_is_no_real_event() -> None:
    body = AnswerBody(PingCodec(), ORIGIN)
    assert fed(body, sse("{}", name="ping")) == [ProgressReported(ProgressKind.ALIVE)]
    assert body.real_events == 0
    fed(body, sse("{}", name="other"))
    assert body.real_events == 1
    assert not body.is_finishing


def test_a_document_that_a_protocol_has_not_ends_with_what_was_held_back() -> None:
    body = AnswerBody(PingCodec(), ORIGIN)
    assert body.document("{}") == (TextDelta("held back"), Finished(FinishReason.STOP))
    assert body.is_done


def test_finishing_is_known_from_the_codec() -> None:
    body = body_of()
    fed(body, sse(delta("x")))
    assert not body.is_finishing
    fed(body, sse(delta(finish="stop")))
    assert body.is_finishing


def test_inflating_is_done_in_bounded_steps() -> None:
    inflater = Inflater()
    assert inflater.is_whole
    sizes = [len(step) for step in inflater.feed(gzip.compress(b"x" * 1_000_000))]
    assert sum(sizes) == 1_000_000
    assert max(sizes) <= 64 << 10
    assert inflater.is_whole


def test_members_follow_each_other() -> None:
    data = gzip.compress(b"one ") + gzip.compress(b"two ") + gzip.compress(b"three")
    for size in (1, 7, len(data)):
        inflater = Inflater()
        pieces = [data[start : start + size] for start in range(0, len(data), size)]
        assert b"".join(step for piece in pieces for step in inflater.feed(piece)) == b"one two three"
