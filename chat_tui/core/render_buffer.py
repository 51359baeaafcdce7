"""What has arrived and is not yet shown, and when how much of it is.

`RenderBuffer` is the single owner of that text; `FramePacer` is a policy over numbers: it reads no clock.
"""

from __future__ import annotations

from collections import deque

WHOLE_BACKLOG_CHARS = 4_096
"""Up to here a frame takes all there is."""
MAX_SLICE_CHARS = 8_192
"""One frame never takes more, so that keys are served in between."""
MIN_SLICE_CHARS = 256
"""One frame takes so much whatever it costs."""
SLICE_COST_S = 0.02
"""What a frame should cost at most: half of what a key may wait."""
SAVED_FRAMES = 3
"""So many frames may follow each other at once after a pause."""
_ROUNDING = 1e-9


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
    """When a frame may be painted, and how much text it takes. A policy over numbers: cost and backlog.

    Text is painted when it arrives as long as frames are saved up: `max_fps` of them each second, at most
    `SAVED_FRAMES`. So at reading rates every token is painted at once, however unevenly they come, and above no
    more than `max_fps` frames a second. At most `duty` (0..1) of the loop's time goes into frames: a slow terminal
    or a costly tail makes them rarer by itself.
    """

    def __init__(self, max_fps: float = 30, duty: float = 0.5) -> None:
        self.max_fps = max_fps
        """Frames a second; lower it while nobody looks."""
        self._rest_per_cost = 1 / duty - 1
        self.reset()

    def reset(self) -> None:
        """A new turn: its first frame is due at once."""
        self._saved = float(SAVED_FRAMES)
        self._saved_at_s: float | None = None
        self._rested_at_s: float | None = None
        self._s_per_char = 0.0

    def due_at_s(self, now_s: float) -> float:
        """When the next frame may be painted; not later than `now_s`: at once."""
        missing = 1 - self._saved_by(now_s)
        due_s = now_s + missing / self.max_fps if missing > _ROUNDING else now_s
        return due_s if self._rested_at_s is None else max(due_s, self._rested_at_s)

    def painted(self, started_at_s: float, cost_s: float, chars: int = 0) -> None:
        """A frame was begun at `started_at_s`, took `cost_s` and showed `chars` more characters."""
        self._saved = max(0.0, self._saved_by(started_at_s) - 1)
        self._saved_at_s = started_at_s
        self._rested_at_s = started_at_s + cost_s + cost_s * self._rest_per_cost
        if chars >= MIN_SLICE_CHARS:
            self._s_per_char = cost_s / chars

    def budget_chars(self, backlog_chars: int) -> int:
        """How much to release in this frame: all of an ordinary backlog, half of a huge one within bounds, and
        no more than is expected to take `SLICE_COST_S`."""
        slice_chars = min(MAX_SLICE_CHARS, max(WHOLE_BACKLOG_CHARS, backlog_chars // 2))
        if self._s_per_char:
            slice_chars = min(slice_chars, max(MIN_SLICE_CHARS, int(SLICE_COST_S / self._s_per_char)))
        return min(backlog_chars, slice_chars)

    def _saved_by(self, now_s: float) -> float:
        if self._saved_at_s is None:
            return self._saved
        return min(SAVED_FRAMES, self._saved + (now_s - self._saved_at_s) * self.max_fps)
