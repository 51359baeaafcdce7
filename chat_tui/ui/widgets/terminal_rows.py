"""Rows of a widget straight to the terminal: those that differ from what it shows, scrolled where that is less.

Textual's compositor renders, cuts, filters and writes every line of a dirty region, 8 ms late at 125 frames a
second; for a view whose text grows that was two thirds of what a token costs [profiled on Textual 8.2.8]. Nothing
lies over the transcript while its screen is the current one, and Textual keeps no picture of the terminal, so rows
may be written past it: both paint the same lines. What Textual has painted over in the meantime is unknown here
until it is written again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rich.segment import Segment
from textual.app import App
from textual.color import Color
from textual.filter import LineFilter
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from chat_tui.ui.render.wrap import is_narrow

SCROLL_SAVES_ROWS = 2
"""Scrolling on the terminal pays when at least so many rows need not be written."""


class Terminal(Protocol):
    """What can be written to: the driver."""

    @property
    def is_behind(self) -> bool:
        """Whether it has not shown what it was given before."""
        ...

    def paint(self, text: str) -> None:
        """Write a frame; shown as a whole where the terminal can do that."""
        ...


class TerminalRows:
    """What the terminal shows of one widget: its lines, and its scrollbar's cells to the right of them."""

    def __init__(self, terminal: Terminal, app: App[None]) -> None:
        self._terminal = terminal
        self._app = app
        self._filters: Sequence[LineFilter] = ()
        self._background = Color(0, 0, 0)
        self._region = Region()
        self._lines: list[Strip | None] = []
        self._bar: list[Strip | None] = []

    def forget(self, first: int = 0, end: int | None = None) -> None:
        """Rows `first` up to `end` may show something else by now."""
        end = len(self._lines) if end is None else min(end, len(self._lines))
        for y in range(first, end):
            self._lines[y] = None

    def forget_bar(self) -> None:
        """The scrollbar may show something else by now."""
        self._bar = [None] * len(self._bar)

    @property
    def is_behind(self) -> bool:
        """Whether the terminal has yet to show what was written before."""
        return self._terminal.is_behind

    def can_show(self, widget: Widget) -> bool:
        """Whether nothing can lie over the widget now."""
        return widget.is_attached and self._app.screen is widget.screen and bool(widget.size)

    def show(self, widget: Widget, lines: Sequence[Strip], bar: Sequence[Strip] = ()) -> None:
        """Make the terminal show `lines`, one per row of the widget and as wide as it, and `bar` in the column to
        the right of it."""
        region, (cursor_x, cursor_y) = widget.region, self._app.cursor_position
        self._filters, self._background = widget.get_line_filters(), widget.background_colors[1]
        if region != self._region or len(lines) != len(self._lines) or len(bar) != len(self._bar):
            self._region = region
            self._lines, self._bar = [None] * len(lines), [None] * len(bar)
        out: list[str] = []
        if scrolled := _scrolled_by(self._lines, lines):
            out.append(self._scroll(scrolled))
        self._lines = self._write_changed(out, region.x, self._lines, lines)
        self._bar = self._write_changed(out, region.right, self._bar, bar)
        if out:
            out.append(f"\x1b[{cursor_y + 1};{cursor_x + 1}H")
            self._terminal.paint("".join(out))

    def _scroll(self, count: int) -> str:
        """Move the rows up by `count`: the region is as wide as the screen. Delete Line is understood even where
        Scroll Up is not; the rows below are blank and unknown then."""
        top, bottom = self._region.y + 1, self._region.bottom
        for rows in (self._lines, self._bar):
            if rows:
                rows[:] = [*rows[count:], *[None] * count]
        return f"\x1b[{top};{bottom}r\x1b[{top};1H\x1b[{count}M\x1b[r"

    def _write_changed(
        self, out: list[str], x: int, shown: Sequence[Strip | None], wanted: Sequence[Strip]
    ) -> list[Strip | None]:
        for y, (old, new) in enumerate(zip(shown, wanted, strict=True), self._region.y + 1):
            if old is new:
                continue
            if old is None:
                out.append(f"\x1b[{y};{x + 1}H{self._finished(new).render(self._app.console)}")
            elif (changed := changed_cells(self._finished(old), self._finished(new))) is not None:
                first, segments = changed
                out.append(f"\x1b[{y};{x + first + 1}H{Strip(segments).render(self._app.console)}")
        return list(wanted)

    def _finished(self, strip: Strip) -> Strip:
        for line_filter in self._filters:
            strip = strip.apply_filter(line_filter, self._background)
        return strip


def filtered(widget: Widget, strips: Sequence[Strip]) -> list[Strip]:
    """The strips as they may be written."""
    background = widget.background_colors[1]
    filters = widget.get_line_filters()
    found: list[Strip] = []
    for strip in strips:
        for line_filter in filters:
            strip = strip.apply_filter(line_filter, background)  # noqa: PLW2901
        found.append(strip)
    return found


def changed_cells(old: Strip, new: Strip) -> tuple[int, list[Segment]] | None:
    """The first cell in which `new` differs from `old`, equally wide, and what stands from there to the last such
    cell; None when nothing differs.

    All of it where a character may be more or less than one cell: terminals do not agree how wide those are, and
    a row that is written as a whole is at least consistent.
    """
    if old == new:
        return None
    if not is_narrow(old.text) or not is_narrow(new.text):
        return 0, list(new)
    before, after = list(old), list(new)
    first = 0
    while before and after and before[0] == after[0]:
        first += len(after.pop(0).text)
        before.pop(0)
    while before and after and before[-1] == after[-1]:
        before.pop()
        after.pop()
    if before and after and before[0].style == after[0].style:
        text, style, _ = after[0]
        same = _common_start(before[0].text, text)
        first += same
        after[0] = Segment(text[same:], style)
        before[0] = Segment(before[0].text[same:], style)
    if before and after and before[-1].style == after[-1].style:
        text, style, _ = after[-1]
        same = _common_start(before[-1].text[::-1], text[::-1])
        after[-1] = Segment(text[: len(text) - same], style)
    after = [segment for segment in after if segment.text]
    return (first, after) if after else None


def _common_start(one: str, other: str) -> int:
    length = min(len(one), len(other))
    if one[:length] == other[:length]:
        return length
    return next(at for at in range(length) if one[at] != other[at])


def _scrolled_by(shown: Sequence[Strip | None], wanted: Sequence[Strip]) -> int:
    """By how many rows what is shown moved up, 0 when writing rows is as good. Rows are compared by identity."""
    if not wanted or shown[0] is wanted[0]:
        return 0
    top = wanted[0]
    count = next((y for y, line in enumerate(shown) if line is top), 0)
    if not count:
        return 0
    kept = sum(old is new for old, new in zip(shown[count:], wanted, strict=False))
    in_place = sum(old is new for old, new in zip(shown, wanted, strict=True))
    return count if kept >= in_place + SCROLL_SAVES_ROWS else 0
