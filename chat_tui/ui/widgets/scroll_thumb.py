"""The bar beside the messages: how much there is and where the view stands, to be dragged and clicked.

Not Textual's scrollbar: that one belongs to the widget it scrolls, so each move of its thumb made the compositor
render every line of the view again [seen in Textual 8.2.8].
"""

from __future__ import annotations

from math import ceil
from typing import Protocol

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from chat_tui.ui.widgets.terminal_rows import filtered

_EIGHTHS = "▇▆▅▄▃▂▁"
"""A cell filled from below but for one eighth, two eighths, …"""


class Scrolled(Protocol):
    """The view whose place is shown."""

    @property
    def row_count(self) -> int:
        """All rows there are to scroll over."""
        ...

    @property
    def top_row(self) -> int:
        """The first row in view."""
        ...

    def scroll_to_row(self, row: int) -> None:
        """Put a row at the top, as far as there are rows below it."""
        ...


def thumb_eighths(height: int, row_count: int, top_row: int) -> tuple[int, int]:
    """Where the thumb begins and ends, in eighths of a cell from the top; (0, 0) when all rows fit."""
    if height <= 0 or row_count <= height:
        return 0, 0
    size = max(8, ceil(height * height * 8 / row_count))
    room = height * 8 - size
    start = round(room * min(1.0, top_row / (row_count - height)))
    return start, start + size


class ScrollThumb(Widget):
    """One column. Its colours are `color` (the thumb) and `background` of its CSS."""

    ALLOW_SELECT = False

    def __init__(self, view: Scrolled, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._view = view
        self._grabbed_at: int | None = None
        self._cells: dict[str, Strip] = {}
        self._cells_style = Style()

    def strips(self) -> list[Strip]:
        """One cell per row. The same cell is the same object."""
        style = self.rich_style
        if style != self._cells_style:
            self._cells_style, self._cells = style, {}
        height = self.size.height
        start, end = thumb_eighths(height, self._view.row_count, self._view.top_row)
        return [self._cell(y * 8, start, end) for y in range(height)]

    def _cell(self, top: int, start: int, end: int) -> Strip:
        if top + 8 <= start or top >= end:
            return self._strip(" ")
        if top < start:
            return self._strip(_EIGHTHS[start - top - 1])
        if top + 8 > end:
            return self._strip(_EIGHTHS[end - top - 1], is_reversed=True)
        return self._strip(" ", is_reversed=True)

    def _strip(self, glyph: str, *, is_reversed: bool = False) -> Strip:
        key = f"{glyph}{is_reversed}"
        if (strip := self._cells.get(key)) is None:
            style = self._cells_style + Style(reverse=True) if is_reversed else self._cells_style
            strip = self._cells[key] = Strip([Segment(glyph, style)], 1)
        return strip

    def render_lines(self, crop: Region) -> list[Strip]:
        """What Textual paints; never from its cache, since the view paints past it."""
        return filtered(self, self.strips()[crop.y : crop.bottom])

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """On the thumb: drag it; above or below: a page."""
        event.stop()
        view, height = self._view, self.size.height
        start, end = thumb_eighths(height, view.row_count, view.top_row)
        if end and event.y * 8 + 7 < start:
            view.scroll_to_row(max(0, view.top_row - height))
        elif end and event.y * 8 >= end:
            view.scroll_to_row(view.top_row + height)
        elif end:
            self._grabbed_at = event.y - start // 8
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag."""
        if self._grabbed_at is None:
            return
        event.stop()
        view, height = self._view, self.size.height
        start, end = thumb_eighths(height, view.row_count, view.top_row)
        if room := height * 8 - (end - start):
            share = (event.y - self._grabbed_at) * 8 / room
            view.scroll_to_row(round(max(0.0, min(1.0, share)) * (view.row_count - height)))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go."""
        event.stop()
        self._grabbed_at = None
        self.release_mouse()
