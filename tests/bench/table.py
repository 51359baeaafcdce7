"""The results for people to read."""

from __future__ import annotations

import math
import os
import platform
import statistics
from importlib.metadata import version
from pathlib import Path

from tests.bench.client import COLUMNS, ROWS
from tests.bench.figures import FIGURES, Figure, Results
from tests.bench.programs import BARE_APP, CHAT_TUI, NAIVE, READER

_BESIDE = (NAIVE, READER, BARE_APP)
_LIBRARIES = ("textual", "rich", "httpx", "httpx-sse", "markdown-it-py", "pygments")


def conditions(run_count: int) -> dict[str, object]:
    """What the figures depend on."""
    return {
        "machine": f"{platform.system()} {platform.machine()}, {_processor()}",
        "cores": os.cpu_count(),
        "load": [round(load, 2) for load in os.getloadavg()],
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("chat-tui", *_LIBRARIES)},
        "terminal": [COLUMNS, ROWS],
        "runs": run_count,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def number(value: float) -> str:
    """Three digits, more of them only before the point."""
    if not math.isfinite(value):
        return "never"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def _row(figure: Figure, results: Results) -> list[str]:
    own = results.of(CHAT_TUI, figure.key)
    median = statistics.median(own) if own else math.nan
    is_missed = figure.most is not None and bool(own) and not median <= figure.most
    return [
        f"{figure.title}, {figure.unit}" if figure.unit else figure.title,
        number(median) if own else "–",
        f"{number(min(own))}–{number(max(own))}" if len(own) > 1 else "",
        "" if figure.most is None else f"{'MISSED ' if is_missed else ''}≤ {figure.most:g}",
        *(
            number(statistics.median(values)) if (values := results.of(program, figure.key)) else ""
            for program in _BESIDE
        ),
    ]


def as_table(results: Results, about: dict[str, object], *, is_full_size: bool) -> str:
    """Markdown that is aligned too; a figure is only held against its limit when it was measured at full size."""
    heads = ["figure (median)", CHAT_TUI, "spread", "must be", *_BESIDE]
    rows = [_row(figure, results) for figure in FIGURES if any(results.of(p, figure.key) for p in results.values)]
    if not is_full_size:
        rows = [[*row[:3], "", *row[4:]] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = [
        f"{about['machine']}, {about['cores']} cores, load {about['load']}; Python {about['python']}",
        ", ".join(f"{name} {number}" for name, number in dict[str, str](about["versions"]).items()),  # type: ignore[call-overload]
        f"terminal {COLUMNS}×{ROWS}, {about['runs']} runs"
        + ("" if is_full_size else "; SMALL SIZES, not the ones the titles name"),
        "",
        _line(heads, widths),
        "|"
        + "|".join(
            (":" + "-" * (width + 1)) if not place else "-" * (width + 1) + ":"
            for place, width in enumerate(widths)
        )
        + "|",
        *(_line(row, widths) for row in rows),
    ]
    return "\n".join(lines)


def _line(cells: list[str], widths: list[int]) -> str:
    first = f" {cells[0]:<{widths[0]}} "
    rest = (f" {cell:>{width}} " for cell, width in zip(cells[1:], widths[1:], strict=True))
    return "|" + "|".join([first, *rest]) + "|"
