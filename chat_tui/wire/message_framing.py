"""Messages of a WebSocket: each piece of the body is one whole message already."""

from __future__ import annotations

from chat_tui.wire.base import WireEvent


class MessageFramer:
    """One message in, one `WireEvent` out. An empty message stands for a ping: a sign of life, nothing said."""

    stray = ""

    def __init__(self) -> None:
        self.comments = 0

    def feed(self, data: bytes) -> tuple[WireEvent, ...]:
        """The message as an event; text that is no UTF-8 has replacement characters."""
        if not data:
            self.comments += 1
            return ()
        return (WireEvent("", data.decode("utf-8", "replace")),)

    def finish(self) -> tuple[WireEvent, ...]:
        """Nothing: half a message is none."""
        return ()
