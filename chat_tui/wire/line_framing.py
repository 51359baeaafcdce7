"""JSON in lines (NDJSON): bytes in, a `WireEvent` without a name for each line out, however the bytes are cut."""

from __future__ import annotations

from chat_tui.wire.base import WireEvent
from chat_tui.wire.framing import LimitExceeded

_BOM = b"\xef\xbb\xbf"


class LineFramer:
    """One body. Feed it every chunk, then `finish`; each byte is searched for line ends once.

    Only LF ends a line, a CR before it is dropped; empty lines are passed over. The last line counts without its
    end. Raises LimitExceeded for a line that is too long; lines before it in the same chunk come first, and the
    next call raises.
    """

    comments = 0
    """There are none here; as `SseFramer` has them."""
    stray = ""

    def __init__(self, max_line_bytes: int = 4 << 20) -> None:
        self._max_line_bytes = max_line_bytes
        self._line = bytearray()
        self._is_first = True
        self._failure: LimitExceeded | None = None

    def feed(self, data: bytes) -> tuple[WireEvent, ...]:
        """The lines that these bytes complete."""
        if self._failure is not None:
            raise self._failure
        *ended, rest = data.split(b"\n")
        events: list[WireEvent] = []
        for line in ended:
            self._line += line
            if not self._has_room(events):
                return tuple(events)
            self._end_line(events)
        self._line += rest
        self._has_room(events)
        return tuple(events)

    def finish(self) -> tuple[WireEvent, ...]:
        """The end of the body: the line that has no end."""
        if self._failure is not None:
            raise self._failure
        events: list[WireEvent] = []
        self._end_line(events)
        return tuple(events)

    def _has_room(self, events: list[WireEvent]) -> bool:
        if len(self._line) <= self._max_line_bytes:
            return True
        self._failure = LimitExceeded(
            f"The server sent one line of {len(self._line):,} bytes or more; the limit is"
            f" {self._max_line_bytes:,} bytes.",
            "What came before it is kept.",
        )
        if not events:
            raise self._failure
        return False

    def _end_line(self, events: list[WireEvent]) -> None:
        line, self._line = bytes(self._line), bytearray()
        if self._is_first:
            line, self._is_first = line.removeprefix(_BOM), False
        if line.strip():
            events.append(WireEvent("", line.removesuffix(b"\r").decode("utf-8", "replace")))
