"""What one's own answers say about models: counts, percentiles, today against the days before. Pure functions.

Percentiles are nearest ranks. An answer that came complete without a time to its first token was not measured here
(it was imported): it is counted apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol

from chat_tui.core.cost import Cost, CostSum, sum_of
from chat_tui.core.outcome import Outcome
from chat_tui.core.sanitize import clean_line

MIN_COMPARED: Final = 3
"""Fewer answers, today or before, are not compared: one slow answer is no slow day."""
NAME_CELLS: Final = 40

_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"


class TurnNumbers(Protocol):
    """The numbers of one answer; times in seconds, `started_at_s` since the epoch."""

    @property
    def model(self) -> str: ...
    @property
    def started_at_s(self) -> float: ...
    @property
    def outcome(self) -> str: ...
    @property
    def tokens(self) -> int: ...
    @property
    def is_estimate(self) -> bool: ...
    @property
    def ttft_s(self) -> float | None: ...
    @property
    def tokens_per_s(self) -> float | None: ...
    @property
    def longest_gap_s(self) -> float | None: ...
    @property
    def stalls(self) -> int: ...
    @property
    def charge(self) -> Cost | None: ...


@dataclass(frozen=True, slots=True)
class Measure:
    """One quantity over all answers that have it. `values` are in the order of the answers.

    `today_ratio` is the median of today by the median of the days before; None with too few answers to compare.
    """

    values: tuple[float, ...] = ()
    p50: float | None = None
    p95: float | None = None
    today_p50: float | None = None
    today_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class ModelStatistics:
    """One model. `answers` were measured here; `unmeasured` came with an import, and count nowhere else.

    `cost` is of those answers that had any tokens.
    """

    model: str
    answers: int
    answers_today: int
    unmeasured: int
    tokens: int
    is_estimate: bool
    stopped: int
    interrupted: int
    stalls: int
    longest_gap_s: float | None
    ttft_s: Measure
    tokens_per_s: Measure
    cost: CostSum


def statistics_of(turns: Iterable[TurnNumbers], today_begins_at_s: float) -> tuple[ModelStatistics, ...]:
    """One for each model, the most used first."""
    by_model: dict[str, list[TurnNumbers]] = {}
    for turn in turns:
        by_model.setdefault(turn.model, []).append(turn)
    found = [_of_model(model, rows, today_begins_at_s) for model, rows in by_model.items()]
    return tuple(sorted(found, key=lambda one: (-one.answers, -one.unmeasured, one.model)))


def _of_model(model: str, rows: Sequence[TurnNumbers], today_begins_at_s: float) -> ModelStatistics:
    measured = [row for row in rows if not _is_unmeasured(row)]
    gaps = [row.longest_gap_s for row in measured if row.longest_gap_s is not None]
    return ModelStatistics(
        model=model,
        answers=len(measured),
        answers_today=sum(row.started_at_s >= today_begins_at_s for row in measured),
        unmeasured=len(rows) - len(measured),
        tokens=sum(row.tokens for row in measured),
        is_estimate=any(row.is_estimate for row in measured),
        stopped=sum(row.outcome == Outcome.STOPPED for row in measured),
        interrupted=sum(row.outcome == Outcome.INTERRUPTED for row in measured),
        stalls=sum(row.stalls for row in measured),
        longest_gap_s=max(gaps, default=None),
        ttft_s=_measure([(row.started_at_s, row.ttft_s) for row in measured], today_begins_at_s),
        tokens_per_s=_measure([(row.started_at_s, row.tokens_per_s) for row in measured], today_begins_at_s),
        cost=sum_of(row.charge for row in measured if row.tokens or row.charge is not None),
    )


def _is_unmeasured(row: TurnNumbers) -> bool:
    return row.ttft_s is None and row.outcome == Outcome.COMPLETE


def _measure(samples: Iterable[tuple[float, float | None]], today_begins_at_s: float) -> Measure:
    known = [(at_s, value) for at_s, value in samples if value is not None and math.isfinite(value)]
    values = tuple(value for _, value in known)
    today = [value for at_s, value in known if at_s >= today_begins_at_s]
    before = [value for at_s, value in known if at_s < today_begins_at_s]
    usual, now = percentile(before, 0.5), percentile(today, 0.5)
    is_comparable = min(len(before), len(today)) >= MIN_COMPARED
    ratio = now / usual if is_comparable and now is not None and usual is not None and usual > 0 else None
    return Measure(values, percentile(values, 0.5), percentile(values, 0.95), now, ratio)


def percentile(values: Sequence[float], fraction: float) -> float | None:
    """The value that `fraction` (0..1) of the values do not exceed; None for no values."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(fraction * len(values)) - 1)]


# -- plots -----------------------------------------------------------------------------------------


def sparkline(values: Sequence[float], width: int) -> str:
    """At most `width` cells, oldest first, from 0 to the highest; more values share a cell by their mean."""
    cells = resampled(values, width)
    top = max(cells, default=0.0)
    if top <= 0:
        return _BLOCKS[0] * len(cells)
    return "".join(_BLOCKS[min(7, int(max(0.0, cell) / top * 8))] for cell in cells)


def resampled(values: Sequence[float], width: int) -> tuple[float, ...]:
    """At most `width` means of neighbours; every value is in exactly one."""
    count = min(max(0, width), len(values))
    edges = [at * len(values) // count for at in range(count + 1)] if count else []
    return tuple(math.fsum(values[start:end]) / (end - start) for start, end in pairwise(edges))


def bar(fraction: float, width: int) -> str:
    """`fraction` (0..1) of `width` cells, in eighths, filled up with spaces; what is not nothing shows."""
    whole = min(1.0, max(0.0, fraction))
    eighths = round(whole * width * 8)
    if whole > 0 and width > 0:
        eighths = max(1, eighths)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(max(0, width))


def columns(values: Sequence[float], width: int, height: int) -> tuple[str, ...]:
    """A plot of `height` rows, top first, with at most `width` columns from 0 to the highest value."""
    cells = resampled(values, width)
    top = max(cells, default=0.0)
    levels = [0 if top <= 0 else max(1, round(max(0.0, cell) / top * height * 8)) for cell in cells]
    floors = range((height - 1) * 8, -1, -8)
    return tuple("".join(_block_at(level - floor) for level in levels) for floor in floors)


def _block_at(eighths: int) -> str:
    return _BLOCKS[min(8, eighths) - 1] if eighths > 0 else " "


# -- words -----------------------------------------------------------------------------------------


def statistics_lines(found: Sequence[ModelStatistics], width: int = 80) -> tuple[str, ...]:
    """The statistics to be read, `width` cells wide; names are cleaned, ASCII or not."""
    if not found:
        return ("No answers yet.",)
    most = max(one.answers for one in found) or 1
    lines: list[str] = []
    for one in found:
        if lines:
            lines.append("")
        lines.extend(line[:width] for line in _block(one, most, width))
    return tuple(lines)


def _block(one: ModelStatistics, most: int, width: int) -> Iterable[str]:
    name = clean_line(one.model, NAME_CELLS) or "(no model)"
    yield f"{name}  {bar(one.answers / most, min(24, max(0, width - 44)))}".rstrip()
    yield "  " + " · ".join(_counts(one))
    plot_cells = min(32, max(0, width - 48))
    yield from _measure_line("first token", one.ttft_s, plot_cells, _seconds, "slower", "faster")
    yield from _measure_line("tokens/s", one.tokens_per_s, plot_cells, _rate, "faster", "slower")
    if one.cost.known is not None:
        some = f", not known of {_counted(one.cost.unknown, 'answer')}" if one.cost.unknown else ""
        yield f"  {'cost':<11}  {one.cost.words}{some}"


def _counts(one: ModelStatistics) -> Iterable[str]:
    yield _counted(one.answers, "answer")
    yield f"{'≈ ' if one.is_estimate else ''}{_counted(one.tokens, 'token')}"
    if one.interrupted:
        yield f"{one.interrupted:,} interrupted"
    if one.stopped:
        yield f"{one.stopped:,} stopped"
    if one.stalls:
        yield _counted(one.stalls, "stall")
    if one.longest_gap_s is not None and one.longest_gap_s >= 1:
        yield f"longest silence {_seconds(one.longest_gap_s)}"
    if one.unmeasured:
        yield f"{one.unmeasured:,} imported"


def _measure_line(
    label: str, measure: Measure, plot_cells: int, write: _Writer, more: str, less: str
) -> Iterable[str]:
    if measure.p50 is None or measure.p95 is None:
        return
    plot = sparkline(measure.values, plot_cells).ljust(plot_cells)
    yield f"  {label:<11}  p50 {write(measure.p50):>7}  p95 {write(measure.p95):>7}  {plot}".rstrip()
    if measure.today_ratio is not None and measure.today_p50 is not None:
        today = comparison(measure.today_ratio, more, less)
        yield f"  {'':<11}  today {write(measure.today_p50)}, {today}"


def comparison(ratio: float, more: str, less: str) -> str:
    """Today against one's own median: "20 % slower than your median", within 5 % "like your median"."""
    if 0.95 <= ratio <= 1.05:
        return "like your median"
    if ratio >= 2:
        return f"{ratio:.1f} times your median"
    percent = abs(ratio - 1) * 100
    return f"{percent:.0f} % {more if ratio > 1 else less} than your median"


class _Writer(Protocol):
    def __call__(self, value: float, /) -> str: ...


def _seconds(value: float) -> str:
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    return f"{value:.1f} s" if value < 9.95 else f"{value:.0f} s"


def _rate(value: float) -> str:
    return f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def statistics_data(found: Sequence[ModelStatistics]) -> list[dict[str, object]]:
    """The same for programs: numbers as they are, times in seconds, None where nothing was measured."""
    return [
        {
            "model": one.model,
            "answers": one.answers,
            "answers_today": one.answers_today,
            "imported": one.unmeasured,
            "tokens": one.tokens,
            "is_estimate": one.is_estimate,
            "stopped": one.stopped,
            "interrupted": one.interrupted,
            "stalls": one.stalls,
            "longest_gap_s": one.longest_gap_s,
            "ttft_s": _measure_data(one.ttft_s),
            "tokens_per_s": _measure_data(one.tokens_per_s),
            "cost": _cost_data(one.cost),
        }
        for one in found
    ]


def _cost_data(cost: CostSum) -> dict[str, object] | None:
    """None where nothing is known; `unknown_answers` are not in the amount."""
    if cost.known is None:
        return None
    return {
        "usd": cost.known.usd,
        "source": cost.known.source.value,
        "is_estimate": cost.known.is_estimate,
        "unknown_answers": cost.unknown,
    }


def _measure_data(measure: Measure) -> dict[str, object]:
    return {
        "count": len(measure.values),
        "p50": measure.p50,
        "p95": measure.p95,
        "today_p50": measure.today_p50,
        "today_to_median": measure.today_ratio,
    }
