"""Frames of a WebSocket: however the bytes are cut, the same messages, and nothing beyond the bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.utils import accept_key

from chat_tui.providers.websocket_frames import MESSAGE_BYTES, ClosedError, FrameError, Frames, TooLargeError


def opened() -> Frames:
    frames = Frames()
    key = frames.request_headers["Sec-WebSocket-Key"]
    frames.begin({"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-accept": accept_key(key)})
    return frames


def written(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=False)


def test_it_asks_for_this_protocol_and_for_no_extension() -> None:
    headers = Frames().request_headers
    assert set(headers) == {"Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"}


@pytest.mark.parametrize("headers", [{}, {"upgrade": "h2c"}, {"connection": "Upgrade", "upgrade": "websocket"}])
def test_a_switch_to_something_else_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(FrameError):
        Frames().begin(headers)


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=8), st.integers(1, 50))
def test_however_it_is_cut_the_messages_are_the_same(messages: list[bytes], size: int) -> None:
    frames = opened()
    stream = b"".join(
        written(Opcode.TEXT, message[:1], fin=False) + written(Opcode.CONT, message[1:]) for message in messages
    )
    found = [message for at in range(0, len(stream), size) for message in frames.feed(stream[at : at + size])]
    frames.check()
    assert found == messages


@given(st.binary(max_size=600))
def test_any_bytes_are_survived(data: bytes) -> None:
    frames = opened()
    frames.feed(data)
    try:
        frames.check()
    except FrameError:
        assert frames.feed(written(Opcode.TEXT, b"late")) == ()


def test_many_pings_are_one_sign_of_life_and_are_all_answered() -> None:
    frames = opened()
    assert frames.feed(written(Opcode.PING, b"") * 5 + written(Opcode.TEXT, b"x")) == (b"", b"x")
    assert len(frames.take_output()) == 5 * 6


def test_a_message_of_the_largest_size_is_read_and_no_larger_one() -> None:
    frames = opened()
    assert [len(found) for found in frames.feed(written(Opcode.TEXT, b"x" * MESSAGE_BYTES))] == [MESSAGE_BYTES]
    frames.feed(written(Opcode.TEXT, b"x" * (MESSAGE_BYTES + 1)))
    with pytest.raises(TooLargeError):
        frames.check()


def test_a_farewell_is_told_with_its_reason() -> None:
    frames = opened()
    assert frames.feed(written(Opcode.TEXT, b"x") + written(Opcode.CLOSE, b"\x03\xf3bye")) == (b"x",)
    with pytest.raises(ClosedError) as caught:
        frames.check()
    assert (caught.value.code, caught.value.reason) == (1011, "bye")
