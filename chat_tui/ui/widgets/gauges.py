"""Numbers and rates as short, steady texts. Pure functions: no widget, no clock."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

DASH = "–"
"""Nothing measured yet."""

ESTIMATE = "≈"

_LEVELS = "⣀⣤⣶⣿"
_FULL_TOKENS = 4.0
"""A cell with this many tokens is drawn full height, so that a slow stream is not blown up to look fast."""


def stream_strip(arrivals: Sequence[float]) -> str:
    """Token arrivals per cell, oldest first, as a braille sparkline; a cell in which nothing came is a hole.

    Scaled to the highest cell in view.
    """
    peak = max(_FULL_TOKENS, max(arrivals, default=0.0))
    scale = len(_LEVELS) / peak
    return "".join(
        _LEVELS[min(len(_LEVELS) - 1, int(tokens * scale))] if tokens > 0 else " " for tokens in arrivals
    )


def latency_text(latency_s: float) -> str:
    """At most 6 cells: 212 ms, 1.2 s, 75 s, 12 min."""
    if latency_s < 0.9995:
        return f"{max(0.0, latency_s) * 1000:.0f} ms"
    if latency_s < 9.95:
        return f"{latency_s:.1f} s"
    return f"{latency_s:.0f} s" if latency_s < 600 else f"{min(99, latency_s / 60):.0f} min"


def duration_text(duration_s: float) -> str:
    """At most 7 cells: 8.1 s, 2:05, 1:02:05."""
    if duration_s < 59.95:
        return f"{max(0.0, duration_s):.1f} s"
    minutes, seconds = divmod(round(duration_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def rate_text(tokens_per_s: float) -> str:
    """At most 5 cells, without the unit: 4.2, 48, 1.23k."""
    if tokens_per_s < 9.95:
        return f"{max(0.0, tokens_per_s):.1f}"
    return f"{tokens_per_s:.0f}" if tokens_per_s < 999.5 else f"{min(999, tokens_per_s / 1000):.3g}k"


def count_text(count: int) -> str:
    """At most 6 cells up to a million: 412, 12,345; then 1.2M."""
    return f"{count:,}" if count < 100_000 else _large(count)


def _large(count: int) -> str:
    return f"{count / 1000:.0f}k" if count < 999_500 else f"{count / 1_000_000:.1f}M"


def fit(text: str, cells: int) -> str:
    """Exactly what fits into that many cells; what was cut is marked. Text must be one clean line."""
    if cells <= 0:
        return ""
    if cell_len(text) <= cells:
        return text
    return set_cell_size(text, cells - 1).rstrip() + "…"
