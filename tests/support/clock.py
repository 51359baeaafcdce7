"""A monotonic clock that moves only when told to."""

from __future__ import annotations


class ManualClock:
    """Callable like `time.monotonic`; starts at `now_s` and never runs by itself."""

    def __init__(self, now_s: float = 1000.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s

    def advance(self, seconds: float) -> float:
        """Move forward; the new time."""
        self.now_s += seconds
        return self.now_s
