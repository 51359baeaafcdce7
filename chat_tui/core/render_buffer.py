"""What has arrived and is not yet shown, and when how much of it is.

`RenderBuffer` is the single owner of that text; `FramePacer` is a policy over numbers: it reads no clock.
"""

from __future__ import annotations

from collections import deque

WHOLE_BACKLOG_CHARS = 4_096
"""Up to here a frame takes all there is."""
MAX_SLICE_CHARS = 8_192
"""One frame never takes more, so that keys are served in between."""


class RenderBuffer:
    """Cleaned text in the order it came; what is taken is exactly what was pushed. Linear in the text."""

    def __init__(self) -> None:
        self.pending_chars = 0
        self._pieces: deque[str] = deque()
        self._offset = 0  # into the first piece: a large one is not copied for every slice

    def push(self, text: str) -> None:
        """Append; nothing is shown by it."""
        if text:
            self._pieces.append(text)
            self.pending_chars += len(text)

    def take(self, limit_chars: int) -> str:
        """Remove and return the oldest `limit_chars` characters, fewer when there are not so many."""
        wanted = min(limit_chars, self.pending_chars)
        if wanted <= 0:
            return ""
        self.pending_chars -= wanted
        taken: list[str] = []
        while wanted:
            piece = self._pieces[0]
            slice_ = piece[self._offset : self._offset + wanted]
            taken.append(slice_)
            wanted -= len(slice_)
            self._offset += len(slice_)
            if self._offset == len(piece):
                self._pieces.popleft()
                self._offset = 0
        return "".join(taken)

    def flush(self) -> str:
        """Remove and return all of it."""
        return self.take(self.pending_chars)


class FramePacer:
    """At most `max_fps` frames a second and at most `duty` (0..1) of the loop's time; the first at once.

    A slow terminal or a costly tail makes frames rarer by itself: the next one is due no sooner than the
    last one's cost over again (at `duty` 0.5) after it ended.
    """

    def __init__(self, max_fps: int = 30, duty: float = 0.5) -> None:
        self._interval_s = 1 / max_fps
        self._rest_per_cost = 1 / duty - 1
        self._due_s: float | None = None

    def due_at_s(self, now_s: float) -> float:
        """When the next frame may be painted; not later than `now_s`: at once."""
        return now_s if self._due_s is None else self._due_s

    def painted(self, started_at_s: float, cost_s: float) -> None:
        """A frame was begun at `started_at_s` and took `cost_s`."""
        rested_s = started_at_s + cost_s + cost_s * self._rest_per_cost
        self._due_s = max(started_at_s + self._interval_s, rested_s)

    def budget_chars(self, backlog_chars: int) -> int:
        """How much to release in this frame: all of an ordinary backlog, half of a huge one within bounds."""
        if backlog_chars <= WHOLE_BACKLOG_CHARS:
            return backlog_chars
        return min(MAX_SLICE_CHARS, max(WHOLE_BACKLOG_CHARS, backlog_chars // 2))

    def reset(self) -> None:
        """A new turn: its first frame is due at once."""
        self._due_s = None
