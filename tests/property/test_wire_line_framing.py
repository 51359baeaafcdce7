"""JSON in lines: the same events however the bytes are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_tui.wire.framing import LimitExceeded
from chat_tui.wire.line_framing import LineFramer

LINES = st.lists(
    st.binary(max_size=12) | st.sampled_from([b"", b" ", b"\r", b"{}", "é\u2028".encode()]), max_size=8
)


def framed(pieces: list[bytes]) -> list[str]:
    framer = LineFramer()
    events = [event for piece in pieces for event in framer.feed(piece)]
    events += framer.finish()
    assert {event.name for event in events} <= {""}
    return [event.data for event in events]


@given(LINES, st.lists(st.integers(0, 100), max_size=8))
def test_cuts_change_nothing(lines: list[bytes], cuts: list[int]) -> None:
    body = b"\n".join(lines)
    places = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    assert framed([body[start:end] for start, end in pairwise(places)]) == framed([body])


def test_lines_are_ended_by_lf_alone() -> None:
    assert framed(['{"a": "\u2028\x85"}\r\n\n \n{}'.encode()]) == ['{"a": "\u2028\x85"}', "{}"]


def test_a_mark_at_the_beginning_is_no_text() -> None:
    assert framed([b"\xef\xbb", b"\xbf{}\n"]) == ["{}"]


def test_a_line_that_is_too_long_comes_after_what_was_before_it() -> None:
    framer = LineFramer(max_line_bytes=8)
    assert [event.data for event in framer.feed(b"{}\n123456789")] == ["{}"]
    with pytest.raises(LimitExceeded):
        framer.feed(b"0")
    with pytest.raises(LimitExceeded):
        framer.finish()
