"""Server-sent events: bytes in, `WireEvent`s out, however the bytes are cut.

The grammar is WHATWG HTML, "Server-sent events", with two deviations in favour of real servers: an event whose
last blank line never came is used at the end of the body if it is whole, and raw JSON between the events (an
error a proxy wrote into the stream) is kept in `stray`. `id` and `retry` are ignored: protocols whose answers
can be resumed name their events in the data.
"""

from __future__ import annotations

import json

from chat_tui.core.errors import ChatError
from chat_tui.wire.base import WireEvent

DONE = "[DONE]"
"""What many servers write as the data of the last event."""

STRAY_BYTES = 64 << 10
"""How much text outside the grammar is kept."""

_BOM = b"\xef\xbb\xbf"


class LimitExceeded(ChatError):  # noqa: N818 - names what happened, as MalformedEvent does
    """The server sent a line or an event beyond our bound; the rest of the body is not worth reading."""

    title = "too much data"


class SseFramer:
    """One body. Feed it every chunk, then `finish`.

    A line ends at LF, CRLF or CR; a CR at the end of a chunk ends it at once, an LF that follows is swallowed.
    Each byte is searched for line ends once, so the cost is linear in the body for any chunking.

    Raises LimitExceeded when a line or an event is too long. Events before it come first: if the same chunk
    held some they are returned and the next call raises.
    """

    def __init__(self, max_line_bytes: int = 1 << 20, max_event_bytes: int = 4 << 20) -> None:
        self._max_line_bytes = max_line_bytes
        self._max_event_bytes = max_event_bytes
        self.comments = 0
        """Comment lines so far: signs of life without content."""
        self._line = bytearray()
        self._is_first_line = True
        self._ended_with_cr = False
        self._name = ""
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._stray = bytearray()
        self._is_in_stray = False
        self._failure: LimitExceeded | None = None

    @property
    def stray(self) -> str:
        """Lines outside the grammar from one that starts like JSON on, at most `STRAY_BYTES`."""
        return self._stray.decode("utf-8", "replace")

    def feed(self, data: bytes) -> tuple[WireEvent, ...]:
        """The events that these bytes complete."""
        if self._failure is not None:
            raise self._failure
        if self._ended_with_cr and data:
            self._ended_with_cr = False
            if data.startswith(b"\n"):
                data = data[1:]
        if not data:
            return ()
        lines, rest = _split_lines(data)
        self._ended_with_cr = data.endswith(b"\r")
        events: list[WireEvent] = []
        try:
            if lines and self._line:
                lines[0] = self._completed_line(lines[0])
            self._read_lines(lines, events)
            self._line += rest
            self._check_line(len(self._line))
        except LimitExceeded as failure:
            self._failure = failure
            if not events:
                raise
        return tuple(events)

    def finish(self) -> tuple[WireEvent, ...]:
        """The end of the body: the pending event if its data is whole ([DONE], or a JSON object or array)."""
        if self._failure is not None:
            raise self._failure
        line, self._line = bytes(self._line), bytearray()
        events: list[WireEvent] = []
        if self._is_first_line:
            line = line.removeprefix(_BOM)
        if line.startswith(b"data:"):
            self._read_lines([line], events)
        elif not line.startswith((b"event:", b"id:", b"retry:")):
            self._read_stray(line)
        if self._data:
            event = self._event()
            if _is_whole(event.data):
                events.append(event)
        return tuple(events)

    def _completed_line(self, end: bytes) -> bytes:
        self._line += end
        line, self._line = bytes(self._line), bytearray()
        return line

    def _read_lines(self, lines: list[bytes], events: list[WireEvent]) -> None:
        if self._is_first_line and lines:
            self._is_first_line = False
            lines[0] = lines[0].removeprefix(_BOM)
        for line in lines:
            if not line:
                self._is_in_stray = False
                if self._data:
                    events.append(self._event())
                else:
                    self._name = ""
                continue
            self._check_line(len(line))
            if line.startswith(b"data:"):
                self._is_in_stray = False
                self._add_data(line[6:] if line[5:6] == b" " else line[5:])
            else:
                self._read_other(line)

    def _read_other(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        if not field:
            self.comments += 1
        elif field == b"data":
            self._add_data(b"")
        elif field == b"event":
            self._name = value.removeprefix(b" ").decode("utf-8", "replace")
        elif field not in (b"id", b"retry"):
            self._read_stray(line)
            return
        self._is_in_stray = False

    def _read_stray(self, line: bytes) -> None:
        if self._is_in_stray or line.startswith((b"{", b"[")):
            self._is_in_stray = True
            room = STRAY_BYTES - len(self._stray)
            self._stray += (b"\n" + line if self._stray else line)[:room]

    def _add_data(self, value: bytes) -> None:
        self._data.append(value)
        self._data_bytes += len(value) + 1
        if self._data_bytes > self._max_event_bytes:
            raise _too_long("event", self._data_bytes, self._max_event_bytes)

    def _check_line(self, line_bytes: int) -> None:
        if line_bytes > self._max_line_bytes:
            raise _too_long("line", line_bytes, self._max_line_bytes)

    def _event(self) -> WireEvent:
        data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
        event = WireEvent(self._name, data.decode("utf-8", "replace"))
        self._name = ""
        self._data.clear()
        self._data_bytes = 0
        return event


def _split_lines(data: bytes) -> tuple[list[bytes], bytes]:
    """Whole lines and the begun one. For bytes, splitlines cuts at LF, CRLF and CR and nowhere else."""
    lines = data.splitlines()
    if data.endswith((b"\n", b"\r")):
        return lines, b""
    return lines, lines.pop()


def _too_long(what: str, size_bytes: int, limit_bytes: int) -> LimitExceeded:
    return LimitExceeded(
        f"The server sent one {what} of {size_bytes:,} bytes or more; the limit is {limit_bytes:,} bytes.",
        "What came before it is kept.",
    )


def _is_whole(data: str) -> bool:
    """Only what cannot be the beginning of something longer: not a number, not a word."""
    data = data.strip()
    if data == DONE:
        return True
    if not data.startswith(("{", "[")):
        return False
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True
