"""The line at the bottom: what the stream is doing, how fast, and what Esc would do now.

Every figure has a cell of fixed width, so nothing moves while numbers change; only cells whose content changed
are written again. At narrow widths the least important cells are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from chat_tui.core.outcome import QUIET_AFTER_S, STALLED_AFTER_S, Phase
from chat_tui.core.sanitize import clean_line
from chat_tui.ui.widgets.gauges import (
    DASH,
    ESTIMATE,
    count_text,
    duration_text,
    fit,
    latency_text,
    rate_text,
    stream_strip,
)
from chat_tui.ui.widgets.terminal_rows import TerminalRows, filtered

if TYPE_CHECKING:
    from chat_tui.core.metrics import StreamMetrics

INSTANT_TTFT_S = 0.5
NOTICEABLE_TTFT_S = 2.0
STRIP_CELLS = 24
"""How many arrival cells to ask of the metrics; the newest of them that fit are drawn."""

_MIN_STRIP_CELLS = 12
_PROGRESS_WORDS = {"queued": "queued", "load": "loading", "prompt": "reading", "reconnect": "reconnecting"}
"""By the values of ProgressKind, which is not loaded before the first turn."""


class Tone(StrEnum):
    """How a span of the line is coloured; the name of its component class after `status-bar--`."""

    PLAIN = "plain"
    DIM = "dim"
    ACCENT = "accent"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class StatusView:
    """What the line says. None: not measured. `strip` is tokens per cell, oldest first.

    `notice` takes the place of the figures while it is not empty; so does `reason`, why it waits, behind the phase.
    """

    phase: str = "ready"
    tone: Tone = Tone.DIM
    model: str = ""
    ttft_s: float | None = None
    tokens_per_s: float | None = None
    tokens: int | None = None
    is_estimate: bool = False
    elapsed_s: float | None = None
    strip: tuple[float, ...] = ()
    escape_hint: str = ""
    notice: str = ""
    reason: str = ""
    cost: str = ""
    """What the conversation has cost; empty where nobody knows."""


def status_view(
    metrics: StreamMetrics | None,
    phase: Phase,
    now_s: float,
    *,
    model: str = "",
    retry_in_s: float = 0.0,
    reason: str = "",
    escape_hint: str = "",
    notice: str = "",
    progress: tuple[str, float | None] | None = None,
    cost: str = "",
) -> StatusView:
    """The line for a turn at `now_s` on the clock of its metrics; `metrics` is None before the first turn.

    `progress` is what the server says it does while we wait, and how much of it is done (0 to 1).
    """
    if metrics is None:
        word, tone = _phase_word(phase, 0.0, 0.0, retry_in_s)
        return StatusView(word, tone, model, escape_hint=escape_hint, notice=notice, cost=cost)
    word, tone = _phase_word(phase, metrics.silence_s(now_s), metrics.elapsed_s(now_s), retry_in_s)
    reason = reason if phase is Phase.RETRYING else ""
    if progress is not None and _is_told(progress[0], phase):
        word, tone = _progress_word(*progress, metrics.elapsed_s(now_s)), Tone.ACCENT
    live_rate = metrics.live_tokens_per_s(now_s) if phase.is_running else None
    return StatusView(
        word,
        tone,
        model,
        ttft_s=metrics.ttft_s,
        tokens_per_s=metrics.tokens_per_s if live_rate is None else live_rate,
        tokens=metrics.token_count if metrics.ttft_s is not None else None,
        is_estimate=metrics.is_estimate,
        elapsed_s=metrics.elapsed_s(now_s),
        strip=metrics.strip(now_s, STRIP_CELLS) if metrics.ttft_s is not None else (),
        escape_hint=escape_hint,
        notice=notice,
        reason=reason,
        cost=cost,
    )


def _phase_word(phase: Phase, silence_s: float, elapsed_s: float, retry_in_s: float) -> tuple[str, Tone]:
    match phase:
        case Phase.IDLE:
            return "ready", Tone.DIM
        case Phase.RETRYING:
            return (f"retrying in {ceil(retry_in_s)} s" if retry_in_s > 0 else "retrying"), Tone.WARN
        case Phase.WAITING:
            word = f"waiting {int(elapsed_s)} s" if elapsed_s >= 1 else "waiting"
            return word, Tone.WARN if elapsed_s >= STALLED_AFTER_S else Tone.ACCENT
        case Phase.DONE:
            return "done", Tone.GOOD
        case Phase.STOPPED:
            return "stopped", Tone.DIM
        case Phase.INTERRUPTED:
            return "interrupted", Tone.BAD
        case Phase.THINKING | Phase.ANSWERING | Phase.CALLING if silence_s >= STALLED_AFTER_S:
            return f"stalled {int(silence_s)} s", Tone.BAD
        case Phase.THINKING | Phase.ANSWERING | Phase.CALLING if silence_s >= QUIET_AFTER_S:
            return f"quiet {int(silence_s)} s", Tone.WARN
        case _:
            return phase.value, Tone.ACCENT


def _is_told(kind: str, phase: Phase) -> bool:
    """What precedes the first token is told until then, that a connection is made anew at any time."""
    is_before = phase in (Phase.CONNECTING, Phase.WAITING)
    return kind in _PROGRESS_WORDS and (is_before or (kind == "reconnect" and phase.is_running))


def _progress_word(kind: str, fraction: float | None, elapsed_s: float) -> str:
    word = _PROGRESS_WORDS[kind]
    if fraction is not None:
        return f"{word} {int(100 * fraction)} %"
    return f"{word} {int(elapsed_s)} s" if elapsed_s >= 1 and kind != "reconnect" else word


Span = tuple[str, Tone]


@dataclass(frozen=True, slots=True)
class Cell:
    """A part of the line: its place, its width in cells, and what stands in it."""

    x: int
    width: int
    spans: tuple[Span, ...]


_PHASE, _TTFT, _RATE, _STRIP, _TOKENS, _ELAPSED, _COST, _MODEL, _ESCAPE, _HELP = range(10)
_WIDTHS = {
    _PHASE: 18, _TTFT: 11, _RATE: 12, _STRIP: _MIN_STRIP_CELLS, _TOKENS: 11, _ELAPSED: 7, _COST: 9, _MODEL: 28,
    _ESCAPE: 9, _HELP: 7,
}  # fmt: skip
_LEFT = (_PHASE, _TTFT, _RATE, _STRIP, _TOKENS, _ELAPSED, _COST, _MODEL)
_RIGHT = (_ESCAPE, _HELP)
_BY_IMPORTANCE = (_PHASE, _ESCAPE, _TTFT, _RATE, _TOKENS, _ELAPSED, _HELP, _STRIP, _MODEL)
_MARGIN, _GAP = 1, 2
_REASON_CHARS = 60


def lay_out(view: StatusView, width: int) -> tuple[Cell, ...]:
    """The cells of the line at that width, left to right. Which ones there are depends on the width alone."""
    shown, spare = _choose(width)
    strip_cells = min(STRIP_CELLS, _MIN_STRIP_CELLS + spare)
    spans = _spans(view, strip_cells, has_help_cell=_HELP in shown)
    widths = _WIDTHS | {_STRIP: strip_cells}
    right: list[Cell] = []
    edge = width - _MARGIN
    for name in reversed([name for name in _RIGHT if name in shown]):
        edge -= widths[name]
        right.insert(0, _aligned_right(Cell(edge, widths[name], spans[name])))
        edge -= _GAP
    if view.notice:
        notice = Cell(_MARGIN, max(0, edge - _MARGIN), ((clean_line(view.notice), Tone.PLAIN),))
        return (_clipped(notice), *right)
    if view.reason:
        why = (f" · {clean_line(view.reason, _REASON_CHARS)}", Tone.DIM)
        return (_clipped(Cell(_MARGIN, max(0, edge - _MARGIN), (*spans[_PHASE], why))), *right)
    left: list[Cell] = []
    x = _MARGIN
    for name in _LEFT:
        if name in shown:
            left.append(_clipped(Cell(x, min(widths[name], max(0, width - x)), spans[name])))
            x += widths[name] + _GAP
    return (*left, *right)


def _choose(width: int) -> tuple[frozenset[int], int]:
    """The cells that fit, the most important first, and how many columns are left over."""
    shown = {_PHASE}
    free = width - 2 * _MARGIN - _WIDTHS[_PHASE]
    for name in _BY_IMPORTANCE[1:]:
        needed = _WIDTHS[name] + _GAP
        if needed <= free:
            shown.add(name)
            free -= needed
    longer_strip = STRIP_CELLS - _MIN_STRIP_CELLS if _STRIP in shown else 0
    needed = _WIDTHS[_COST] + _GAP
    if free - longer_strip >= needed:  # only room that nothing else has a use for: most conversations have no price
        shown.add(_COST)
        free -= needed
    return frozenset(shown), max(0, free)


def _spans(view: StatusView, strip_cells: int, *, has_help_cell: bool) -> dict[int, tuple[Span, ...]]:
    hint = view.escape_hint or ("" if has_help_cell else "F1 help")
    mark = ESTIMATE if view.is_estimate else ""
    rate = None if view.tokens_per_s is None else mark + rate_text(view.tokens_per_s)
    tokens = None if view.tokens is None else mark + count_text(view.tokens)
    elapsed = DASH if view.elapsed_s is None else duration_text(view.elapsed_s)
    strip = stream_strip(view.strip[-strip_cells:]) if any(view.strip) else DASH
    return {
        _PHASE: (("● ", view.tone), (view.phase, Tone.PLAIN if view.tone is not Tone.DIM else Tone.DIM)),
        _TTFT: (("TTFT ", Tone.DIM), _ttft(view.ttft_s)),
        _RATE: _figure(rate, " tok/s", _WIDTHS[_RATE]),
        _STRIP: ((f"{strip:>{strip_cells}}", Tone.ACCENT if any(view.strip) else Tone.DIM),),
        _TOKENS: _figure(tokens, " tok", _WIDTHS[_TOKENS]),
        _ELAPSED: ((f"{elapsed:>{_WIDTHS[_ELAPSED]}}", Tone.DIM if view.elapsed_s is None else Tone.PLAIN),),
        _COST: ((f"{view.cost:>{_WIDTHS[_COST]}}", Tone.PLAIN),),
        _MODEL: ((clean_line(view.model), Tone.DIM),),
        _ESCAPE: ((hint, Tone.PLAIN if view.escape_hint else Tone.DIM),),
        _HELP: (("F1 help", Tone.DIM),),
    }


def _ttft(ttft_s: float | None) -> Span:
    if ttft_s is None:
        return f"{DASH:>6}", Tone.DIM
    tone = Tone.GOOD if ttft_s <= INSTANT_TTFT_S else Tone.WARN if ttft_s <= NOTICEABLE_TTFT_S else Tone.BAD
    return f"{latency_text(ttft_s):>6}", tone


def _figure(text: str | None, unit: str, width: int) -> tuple[Span, ...]:
    digits = width - len(unit)
    if text is None:
        return ((f"{DASH:>{digits}}", Tone.DIM), (unit, Tone.DIM))
    return ((f"{text:>{digits}}", Tone.PLAIN), (unit, Tone.DIM))


def _clipped(cell: Cell) -> Cell:
    room = cell.width
    spans: list[Span] = []
    for text, tone in cell.spans:
        fitted = fit(text, room)
        spans.append((fitted, tone))
        room -= cell_len(fitted)
    return Cell(cell.x, cell.width, (*spans, (" " * room, Tone.DIM)))


def _aligned_right(cell: Cell) -> Cell:
    clipped = _clipped(cell)
    return Cell(cell.x, cell.width, (clipped.spans[-1], *clipped.spans[:-1]))


class StatusBar(Widget):
    """Paints a `StatusView`; give it a new one whenever something may have changed, it compares."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"status-bar--{tone}" for tone in Tone}

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._view = StatusView()
        self._terminal_rows: TerminalRows | None = None

    @property
    def view(self) -> StatusView:
        """What it says now."""
        return self._view

    def paint_on(self, rows: TerminalRows) -> None:
        """From now on cells that change are written straight to the terminal."""
        self._terminal_rows = rows

    def show(self, view: StatusView) -> None:
        """Say this; paints nothing where nothing changed."""
        if view == self._view:
            return
        self._view = view
        rows = self._terminal_rows
        if rows is not None and rows.can_show(self):
            rows.show(self, [self.render_line(0)])
        else:
            self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """What Textual paints, never from its cache: that knows nothing of cells written past it."""
        if self._terminal_rows is not None:
            self._terminal_rows.forget()
        return [strip.crop(*crop.column_span) for strip in filtered(self, [self.render_line(0)])]

    def render_line(self, y: int) -> Strip:
        """The line; `y` is always 0."""
        width = self.size.width
        styles = {tone: self.get_component_rich_style(f"status-bar--{tone}") for tone in Tone}
        base = self.rich_style
        segments: list[Segment] = []
        x = 0
        for cell in lay_out(self._view, width):
            if cell.x > x:
                segments.append(Segment(" " * (cell.x - x), base))
            segments.extend(Segment(text, styles[tone]) for text, tone in cell.spans if text)
            x = cell.x + cell.width
        return Strip(segments).adjust_cell_length(width, base)
