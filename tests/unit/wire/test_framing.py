"""The grammar of WHATWG HTML, "Server-sent events": own cases, every chunking, and a second opinion."""

from __future__ import annotations

from collections.abc import Iterable

import httpx
import httpx_sse
import pytest

from chat_tui.core.errors import ChatError
from chat_tui.wire import framing
from chat_tui.wire.base import WireEvent
from chat_tui.wire.framing import STRAY_BYTES, LimitExceeded, SseFramer
from tests.unit.wire.streams import ALL_STREAMS, chunks, framed, stream_bytes

GRAMMAR: list[tuple[str, bytes, list[tuple[str, str]]]] = [
    ("one event", b"data: a\n\n", [("", "a")]),
    ("no space after the colon", b"data:a\n\n", [("", "a")]),
    ("one space is removed, not two", b"data:  a\n\n", [("", " a")]),
    ("a tab is no space", b"data:\ta\n\n", [("", "\ta")]),
    ("trailing space stays", b"data: a \n\n", [("", "a ")]),
    ("several data lines", b"data: a\ndata: b\ndata\n\n", [("", "a\nb\n")]),
    ("empty data is an event", b"data:\n\n", [("", "")]),
    ("a colon in the value", b"data: a:b: c\n\n", [("", "a:b: c")]),
    ("no data, no event", b"event: ping\n\ndata: a\n\n", [("", "a")]),
    ("the name belongs to one event", b"event: x\ndata: a\n\ndata: b\n\n", [("x", "a"), ("", "b")]),
    ("the last name counts", b"event: x\nevent: y\ndata: a\n\n", [("y", "a")]),
    ("an empty name is none", b"event: x\nevent:\ndata: a\n\n", [("", "a")]),
    ("comments", b": hello\n:\n:x\ndata: a\n: in between\ndata: b\n\n", [("", "a\nb")]),
    ("unknown fields", b"DATA: x\ndata : y\n data: z\nfoo\nfoo: bar\ndata: a\n\n", [("", "a")]),
    ("id and retry", b"id: 1\nretry: 5\nid\nretry: x\ndata: a\n\nid: 2\n\n", [("", "a")]),
    ("blank lines after an id", b"id: 1\ndata: a\n\n\n: c\n\n", [("", "a")]),
    ("many blank lines", b"\n\n\ndata: a\n\n\n\n", [("", "a")]),
    ("CRLF", b"event: x\r\ndata: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", [("x", "a\nb"), ("", "c")]),
    ("CR", b"event: x\rdata: a\rdata: b\r\rdata: c\r\r", [("x", "a\nb"), ("", "c")]),
    ("mixed line ends", b"data: a\r\ndata: b\rdata: c\n\r\ndata: d\r\r\n", [("", "a\nb\nc"), ("", "d")]),
    ("LF after CR LF is a line", b"data: a\r\n\ndata: b\n\r", [("", "a"), ("", "b")]),
    ("BOM", b"\xef\xbb\xbfdata: a\n\n", [("", "a")]),
    ("only one BOM", b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", [("", "b")]),
    ("a BOM elsewhere is text", b"data: \xef\xbb\xbfa\n\n", [("", "\ufeffa")]),
    ("other separators are text", "data: a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg\n\n".encode(), [
        ("", "a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg")
    ]),
    ("NUL is text", b"data: a\0b\n\n", [("", "a\0b")]),
    ("NUL in an id", b"id: a\0b\ndata: c\n\n", [("", "c")]),
    ("UTF-8", "event: ü\ndata: 👩‍🚀é\n\n".encode(), [("ü", "👩‍🚀é")]),
    ("bytes that are no UTF-8", b"data: a\xffb\xe2\x82\n\n", [("", "a\ufffdb\ufffd")]),
    ("an unfinished event is dropped", b"data: a\n\ndata: b", [("", "a")]),
    ("also when its line is whole", b"data: a\n\ndata: b\n", [("", "a")]),
    ("a whole object is used", b'data: {"a":\ndata: 1}', [("", '{"a":\n1}')]),
    ("[DONE] is used", b"data: a\n\ndata: [DONE] ", [("", "a"), ("", "[DONE] ")]),
    ("with its name", b'event: error\ndata: {"a":1}\n', [("error", '{"a":1}')]),
    ("half an object is not", b'data: {"a":', []),
    ("a number may have gone on", b"data: 12", []),
    ("half a field name", b'data: {"a":1}\n\nda', [("", '{"a":1}')]),
    ("half an event name", b'data: {"a":1}\nevent: er', [("", '{"a":1}')]),
    ("BOM and nothing else ended", b"\xef\xbb\xbfdata: [DONE]", [("", "[DONE]")]),
    ("nothing", b"", []),
]  # fmt: skip


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7])
@pytest.mark.parametrize(("body", "expected"), [case[1:] for case in GRAMMAR], ids=[case[0] for case in GRAMMAR])
def test_grammar_in_any_chunking(body: bytes, expected: list[tuple[str, str]], size: int) -> None:
    assert framed(body, size) == [WireEvent(name, data) for name, data in expected]


@pytest.mark.parametrize("case", [case[1] for case in GRAMMAR], ids=[case[0] for case in GRAMMAR])
def test_every_single_cut_gives_the_same_events(case: bytes) -> None:
    whole = framed(case)
    for at in range(len(case) + 1):
        framer = SseFramer()
        assert [*framer.feed(case[:at]), *framer.feed(case[at:]), *framer.finish()] == whole


def test_an_event_is_given_at_its_last_cr_and_a_late_lf_makes_no_line() -> None:
    framer = SseFramer()
    assert framer.feed(b"data: a\r\r") == (WireEvent("", "a"),)
    assert framer.feed(b"") == ()
    assert framer.feed(b"\ndata: b\r") == ()
    assert framer.feed(b"\n") == ()
    assert framer.feed(b"\r") == (WireEvent("", "b"),)


def test_comments_are_counted() -> None:
    framer = SseFramer()
    framer.feed(b": one\n\n:two\r\n:\ndata: :no\n\n")
    assert framer.comments == 3


@pytest.mark.parametrize("size", [0, 1, 5])
def test_stray_json_is_kept(size: int) -> None:
    framer = SseFramer()
    body = b'data: {"a":1}\n\nfoo: no\n{\n  "error": {"code": 503}\n}\n\nnot this\ndata: {}\n\nbar\n[1]'
    assert len(framed(body, size, framer)) == 2
    assert framer.stray == '{\n  "error": {"code": 503}\n}\n[1]'


def test_stray_text_is_bounded() -> None:
    framer = SseFramer()
    for _ in range(200):
        framer.feed(b"{" + b"x" * 1000 + b"\n")
    assert len(framer.stray) == STRAY_BYTES


def test_a_line_may_be_exactly_as_long_as_the_limit() -> None:
    framer = SseFramer(max_line_bytes=20)
    assert framer.feed(b"data: " + b"x" * 14 + b"\n\n") == (WireEvent("", "x" * 14),)
    with pytest.raises(LimitExceeded):
        framer.feed(b"data: " + b"x" * 15 + b"\n\n")


def _fed_until_refused(framer: SseFramer, pieces: Iterable[bytes]) -> tuple[int, LimitExceeded | None]:
    fed = 0
    for piece in pieces:
        fed += len(piece)
        try:
            framer.feed(piece)
        except LimitExceeded as failure:
            return fed, failure
    return fed, None


@pytest.mark.parametrize("size", [1, 7, 64])
def test_an_endless_line_is_refused_when_it_passes_the_limit(size: int) -> None:
    framer = SseFramer(max_line_bytes=1000)
    fed, failure = _fed_until_refused(framer, chunks(b"data: " + b"x" * 10_000, size))
    assert 1000 < fed <= 1000 + size
    assert isinstance(failure, ChatError)
    assert "one line" in failure.message
    assert "1,000 bytes" in failure.message


@pytest.mark.parametrize("field", [b"data: x\n", b"data\n"])
def test_an_endless_event_is_refused(field: bytes) -> None:
    fed, failure = _fed_until_refused(SseFramer(max_event_bytes=1000), [field] * 2000)
    assert fed <= 1001 * len(field)
    assert failure is not None
    assert "one event" in failure.message


def test_the_limit_of_an_event_counts_from_each_event_anew() -> None:
    framer = SseFramer(max_event_bytes=20)
    for _ in range(50):
        assert len(framer.feed(b"data: 0123456789\n\n")) == 1


def test_events_before_the_limit_in_one_chunk_come_first() -> None:
    framer = SseFramer(max_line_bytes=20)
    assert framer.feed(b"data: a\n\ndata: b\n\ndata: " + b"x" * 100) == (WireEvent("", "a"), WireEvent("", "b"))
    with pytest.raises(LimitExceeded):
        framer.feed(b"data: c\n\n")
    with pytest.raises(LimitExceeded):
        framer.finish()


def test_each_byte_is_searched_for_line_ends_once(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[int] = []
    split_lines = framing._split_lines

    def counted(data: bytes) -> tuple[list[bytes], bytes]:
        searched.append(len(data))
        return split_lines(data)

    monkeypatch.setattr(framing, "_split_lines", counted)
    body = b"data: " + b"x" * (16 << 20) + b"\n\n"
    events = framed(body, 1000, SseFramer(max_line_bytes=32 << 20, max_event_bytes=32 << 20))
    assert [len(event.data) for event in events] == [16 << 20]
    assert sum(searched) == len(body)
    assert max(searched) == 1000


def test_the_begun_line_grows_in_place() -> None:
    """Were it joined anew for each chunk, 16,000 chunks would copy 128 GB."""
    framer = SseFramer(max_line_bytes=32 << 20)
    begun = framer._line
    for piece in chunks(b"data: " + b"x" * 100_000, 1000):
        framer.feed(piece)
    assert framer._line is begun


def _by_httpx_sse(body: bytes, size: int) -> list[WireEvent]:
    response = httpx.Response(
        200, headers={"content-type": "text/event-stream; charset=utf-8"}, content=chunks(body, size)
    )
    events = httpx_sse.EventSource(response).iter_sse()
    return [WireEvent("" if event.event == "message" else event.event, event.data) for event in events]


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("name", ALL_STREAMS)
def test_httpx_sse_reads_the_same(name: str, line_end: bytes) -> None:
    body = stream_bytes(name)
    if not body.endswith(b"\n\n"):
        body += b"\n\n"  # the end of a body is where we deviate on purpose
    body = body.replace(b"\n", line_end)
    for size in (0, 1, 100):
        assert framed(body, size) == _by_httpx_sse(body, size)
