"""The frames of a WebSocket: bytes of the connection on one side, whole messages on the other. Pure."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from websockets.frames import Frame

MESSAGE_BYTES = 4 << 20
"""A message larger than this is not read; the bound that events have in other framings."""
_ANSWERED = ("connection", "upgrade", "sec-websocket-accept", "sec-websocket-extensions", "sec-websocket-protocol")


class FrameError(Exception):
    """The server broke the rules of the connection, which is of no use from here on."""


class TooLargeError(FrameError):
    """A message beyond `MESSAGE_BYTES`."""


class ClosedError(FrameError):
    """The server closed the connection in its own words: `code` and `reason`."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code)
        self.code, self.reason = code, reason


class Frames:
    """Our end of one connection. The library is loaded with the first of them.

    After `begin`: `feed` what comes, write what `take_output` gives after every other call.
    """

    def __init__(self) -> None:
        from websockets.client import ClientProtocol
        from websockets.frames import Opcode
        from websockets.uri import parse_uri

        quiet = logging.getLogger("chat_tui.websocket")  # its own would be told of every frame
        quiet.setLevel(logging.CRITICAL + 1)
        # Host and path belong to the HTTP request, which is not the library's business here.
        self._protocol = ClientProtocol(parse_uri("ws://localhost"), max_size=MESSAGE_BYTES, logger=quiet)
        self._said = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)
        self._alive = (Opcode.PING, Opcode.PONG)
        self._parts: list[bytes] = []

    @property
    def request_headers(self) -> dict[str, str]:
        """What asks a server to switch to this protocol."""
        headers = self._protocol.connect().headers
        return {name: value for name, value in headers.raw_items() if name != "Host"}

    def begin(self, headers: Mapping[str, str]) -> None:
        """The server has switched, and said so with these (lower-case names). Raises FrameError if not to us."""
        lines = [f"{name}: {headers[name]}\r\n" for name in _ANSWERED if name in headers]
        self._protocol.receive_data(f"HTTP/1.1 101 \r\n{''.join(lines)}\r\n".encode("latin-1", "replace"))
        self._protocol.events_received()
        if self._protocol.handshake_exc is not None:
            raise FrameError

    def feed(self, data: bytes) -> tuple[bytes, ...]:
        """The messages that are complete now. An empty one stands for pings and pongs, one for all of them."""
        self._protocol.receive_data(data)
        messages: list[bytes] = []
        is_alive = False
        for event in self._protocol.events_received():
            frame = cast("Frame", event)  # the handshake is over
            if frame.opcode in self._said:
                self._parts.append(bytes(frame.data))
                if frame.fin:
                    messages.append(self._parts[0] if len(self._parts) == 1 else b"".join(self._parts))
                    self._parts = []
            elif frame.opcode in self._alive:
                is_alive = True
        return (b"", *messages) if is_alive else tuple(messages)

    def check(self) -> None:
        """Raises FrameError when nothing more comes."""
        from websockets.exceptions import PayloadTooBig

        error, closed = self._protocol.parser_exc, self._protocol.close_rcvd
        if error is not None:
            raise TooLargeError if isinstance(error, PayloadTooBig) else FrameError
        if closed is not None:
            raise ClosedError(closed.code, closed.reason)

    def say(self, text: bytes) -> None:
        """A text message."""
        self._protocol.send_text(text)

    def ping(self) -> None:
        """Ask for a sign of life."""
        self._protocol.send_ping(b"")

    def close(self) -> None:
        """A farewell; nothing is said after it."""
        from websockets.protocol import State

        if self._protocol.state is State.OPEN:
            self._protocol.send_close(1000)

    def take_output(self) -> bytes:
        """What has to be written."""
        return b"".join(self._protocol.data_to_send())
