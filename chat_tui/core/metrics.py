"""The numbers of one stream, from times that are given: first token, rate, gaps, stalls, arrivals per cell.

Every arrival costs the same however long the answer is, and memory is bounded: gaps live in a logarithmic
histogram, arrivals of the last second and of the last minute in fixed cells.
"""

from __future__ import annotations

import math
from collections import Counter, deque

from chat_tui.core.events import Usage
from chat_tui.core.outcome import STALLED_AFTER_S

STRIP_MEMORY_S = 64.0
"""How far back `StreamMetrics.strip` can look."""
LIVE_WINDOW_S = 1.0
LIVE_MIN_SPAN_S = 0.25
"""A live rate over less than this would be a guess."""

_CELL_S = 0.05
_MS = 0.001
_GAP_RATIO = 1.01
_GAP_FLOOR_S = 1e-6
_LOG_GAP_RATIO = math.log(_GAP_RATIO)


class StreamMetrics:
    """Fed by the turn, read by the status bar. All times are seconds on one monotonic clock, never decreasing.

    A token is a delta until the server tells its own count.
    """

    def __init__(self, submitted_at_s: float) -> None:
        self.stall_count = 0
        self._submitted_s = submitted_at_s
        self._first_s: float | None = None
        self._last_s: float | None = None
        self._ended_s: float | None = None
        self._deltas = 0
        self._usage = Usage()
        self._has_tokens_after_usage = False
        self._gaps = _GapHistogram()
        self._recent = _Cells(_MS, LIVE_WINDOW_S)
        self._minute = _Cells(_CELL_S, STRIP_MEMORY_S)

    def tokens_arrived(self, at_s: float, count: int = 1) -> None:
        """`count` deltas (text, reasoning, tool arguments) came in one read: all but the first have gap 0."""
        if count < 1:
            return
        if self._last_s is None:
            self._first_s = at_s
            self._gaps.add(0.0, count - 1)
        else:
            gap_s = at_s - self._last_s
            self.stall_count += gap_s >= STALLED_AFTER_S
            self._gaps.add(gap_s)
            self._gaps.add(0.0, count - 1)
        self._last_s = at_s
        self._deltas += count
        self._has_tokens_after_usage = True
        self._recent.add(at_s - self._submitted_s, count)
        self._minute.add(at_s - self._submitted_s, count)

    def usage_reported(self, usage: Usage) -> None:
        """A snapshot of the server's count; a later one replaces it field by field."""
        self._usage = self._usage.updated(usage)
        if usage.output_tokens is not None:
            self._has_tokens_after_usage = False

    def ended(self, at_s: float) -> None:
        """Freezes everything; a second call changes nothing."""
        if self._ended_s is None:
            self._ended_s = at_s

    @property
    def ttft_s(self) -> float | None:
        """Submitted → first token."""
        return None if self._first_s is None else self._first_s - self._submitted_s

    @property
    def token_count(self) -> int:
        """Output tokens as the server counts them, else deltas."""
        return self._deltas if self._server_count is None else self._server_count

    @property
    def is_estimate(self) -> bool:
        """Whether `token_count` is ours."""
        return self._server_count is None

    @property
    def tokens_per_s(self) -> float | None:
        """(tokens - 1) / (last token - first token); None below two tokens or when all came at once."""
        if self._first_s is None or self._last_s is None or self._last_s <= self._first_s:
            return None
        tokens = self._streamed_count
        return (tokens - 1) / (self._last_s - self._first_s) if tokens > 1 else None

    @property
    def _server_count(self) -> int | None:
        """The server's count unless it is older than tokens it does not cover, or an empty 0.

        Some servers report early (a count of 1 with the first event): that one must not stand if the
        stream breaks before the last report.
        """
        reported = self._usage.output_tokens
        if reported is None or (reported == 0 and self._deltas):
            return None
        return None if self._has_tokens_after_usage and reported < self._deltas else reported

    @property
    def _streamed_count(self) -> int:
        """Tokens that came through the stream: reasoning that was only counted would inflate the rate."""
        tokens, reasoning = self.token_count, self._usage.reasoning_tokens or 0
        is_reasoning_unseen = not self.is_estimate and self._deltas <= tokens - reasoning
        return tokens - reasoning if is_reasoning_unseen else tokens

    def live_tokens_per_s(self, now_s: float) -> float | None:
        """Tokens of the last second; over less time while the answer is younger; the whole rate once it ended."""
        if self._ended_s is not None:
            return self.tokens_per_s
        if self._first_s is None or self._deltas < 2:
            return None
        age_s = now_s - self._first_s
        if age_s < LIVE_MIN_SPAN_S:
            return None
        recent = self._recent.total(now_s - self._submitted_s)
        if age_s <= LIVE_WINDOW_S:
            return (recent - 1) / age_s
        return recent / LIVE_WINDOW_S

    def elapsed_s(self, now_s: float) -> float:
        """Submitted → ended, or now."""
        return self._until(now_s) - self._submitted_s

    def silence_s(self, now_s: float) -> float:
        """Since the last token (or the submit)."""
        return max(0.0, self._until(now_s) - (self._submitted_s if self._last_s is None else self._last_s))

    def gap_percentile_s(self, fraction: float) -> float | None:
        """The gap between tokens that `fraction` (0..1) of the gaps do not exceed; within 0.5 %. None: no gaps."""
        return self._gaps.percentile(fraction)

    def strip(self, now_s: float, cells: int, cell_s: float = 0.25) -> tuple[float, ...]:
        """Tokens per cell, oldest first, the last cell still filling; `cell_s` in whole steps of 50 ms.

        Cells stand on a fixed grid from the submit on, so that a bar does not change once its time is over.
        """
        return self._minute.bars(self._until(now_s) - self._submitted_s, cells, max(1, round(cell_s / _CELL_S)))

    def _until(self, now_s: float) -> float:
        return now_s if self._ended_s is None else self._ended_s


class _GapHistogram:
    """Gaps in bins whose edges grow by 1 %: at most a few thousand bins, whatever comes."""

    def __init__(self) -> None:
        self._bins: Counter[int] = Counter()
        self._zeros = 0
        self._total = 0

    def add(self, gap_s: float, count: int = 1) -> None:
        self._total += count
        if gap_s < _GAP_FLOOR_S:
            self._zeros += count
        else:
            self._bins[round(math.log(gap_s) / _LOG_GAP_RATIO)] += count

    def percentile(self, fraction: float) -> float | None:
        """Nearest rank."""
        if not self._total:
            return None
        rank = max(1, math.ceil(fraction * self._total))
        seen = self._zeros
        if rank <= seen:
            return 0.0
        for index in sorted(self._bins):
            seen += self._bins[index]
            if rank <= seen:
                return math.exp(index * _LOG_GAP_RATIO)
        raise ValueError(f"fraction must be between 0 and 1, not {fraction}")


class _Cells:
    """Counts per cell of time, kept for a fixed span; only cells that have something take room."""

    def __init__(self, cell_s: float, span_s: float) -> None:
        self._cell_s = cell_s
        self._span = round(span_s / cell_s)
        self._cells: deque[list[int]] = deque()  # [cell, count], oldest first
        self._sum = 0

    def add(self, at_s: float, count: int) -> None:
        cell = self._cell(at_s)
        if self._cells and self._cells[-1][0] >= cell:
            self._cells[-1][1] += count
        else:
            self._cells.append([cell, count])
            self._forget(cell)
        self._sum += count

    def total(self, now_s: float) -> int:
        """What arrived within the span that ends now."""
        self._forget(self._cell(now_s))
        return self._sum

    def bars(self, now_s: float, bars: int, cells_per_bar: int) -> tuple[float, ...]:
        counts = [0.0] * bars
        last = self._cell(now_s) // cells_per_bar
        for cell, count in reversed(self._cells):
            age = last - cell // cells_per_bar
            if age >= bars:
                break
            counts[bars - 1 - max(0, age)] += count
        return tuple(counts)

    def _cell(self, at_s: float) -> int:
        # A time is a sum of floats: a hair below an edge is meant to be on it.
        return math.floor(at_s / self._cell_s + 1e-6)

    def _forget(self, now: int) -> None:
        while self._cells and self._cells[0][0] <= now - self._span:
            self._sum -= self._cells.popleft()[1]
