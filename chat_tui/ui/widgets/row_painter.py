"""A row of the transcript as a line of the screen: margin, text, background, selection, badge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Final, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from chat_tui.ui.render.pieces import Piece
from chat_tui.ui.render.rows import SourceRow, windowed
from chat_tui.ui.theme import RenderStyles

MARGIN_CELLS = 2
_BLANK_MARGIN = Segment(" " * MARGIN_CELLS)
_UNMOVED: Final = MappingProxyType[tuple[str, ...], int]({})


class Mark(NamedTuple):
    """Characters `start` up to `end` of a row, and what is added to their style."""

    start: int
    end: int
    style: Style


class RowPainter:
    """Paints for one theme and one background; the pieces remember the lines until they change.

    `shifts` is how many cells the window on a block has been moved to the right, by `Window.key`.
    """

    def __init__(
        self,
        styles: RenderStyles,
        base: Style | None = None,
        shifts: Mapping[tuple[str, ...], int] = _UNMOVED,
    ) -> None:
        self._styles = styles
        self._base = base or Style()
        self._shifts = shifts
        self._blanks: dict[int, Strip] = {}
        self.has_base = base is not None

    def blank(self, width: int) -> Strip:
        """Below the end."""
        if (blank := self._blanks.get(width)) is None:
            blank = self._blanks[width] = Strip.blank(width, self._base)
        return blank

    def line(self, piece: Piece, strip: Strip, width: int, *, is_marked: bool) -> Strip:
        """A row of a piece, `width` cells; `is_marked` draws the message cursor."""
        key = (width, self._shift(strip), is_marked)
        if (known := piece.painted.get(id(strip))) is not None and known[0] == key:
            return known[1]
        line = self._compose(piece, strip, width, is_marked=is_marked)
        piece.painted[id(strip)] = (key, line)
        return line

    def selected(self, piece: Piece, strip: Strip, width: int, span: tuple[int, int], style: Style) -> Strip:
        """A row with the characters of `span` selected; an end of -1 is the end of the row."""
        return self._compose(piece, highlight(strip, *span, style), width, is_marked=False)

    def highlighted(
        self, piece: Piece, strip: Strip, width: int, marks: Sequence[Mark], *, is_marked: bool
    ) -> Strip:
        """A row with other styles where the marks are, which come in order and do not overlap."""
        key = (width, self._shift(strip), is_marked, *marks)
        if (known := piece.painted.get(id(strip))) is not None and known[0] == key:
            return known[1]
        line = self._compose(piece, _with_marks(strip, marks), width, is_marked=is_marked)
        piece.painted[id(strip)] = (key, line)
        return line

    def with_badge(self, line: Strip, badge: str, width: int) -> Strip:
        """The line with a label over its right end."""
        label = Segment(f" {badge} ", self._styles.badge)
        right = Strip([label, Segment(" ", self._base)])
        return Strip.join([line.crop(0, max(0, width - right.cell_length)), right]).crop(0, width)

    def with_label(self, line: Strip, label: Sequence[Segment], end: int) -> Strip:
        """The line with a label on it that ends before cell `end`."""
        shown = Strip([Segment(text, self._base + style if style else self._base) for text, style, _ in label])
        return Strip.join([line.crop(0, max(0, end - shown.cell_length)), shown, line.crop(end)])

    def _shift(self, strip: Strip) -> int:
        """How far the row's window stands to the right."""
        if not self._shifts or not isinstance(strip, SourceRow) or strip.window is None:
            return 0
        return self._shifts.get(strip.window.key, 0)

    def _compose(self, piece: Piece, strip: Strip, width: int, *, is_marked: bool) -> Strip:
        margin = self._margin(piece, is_marked=is_marked) if strip else _BLANK_MARGIN
        if isinstance(strip, SourceRow) and strip.window is not None:
            strip = windowed(strip, strip.window, self._shift(strip))
        base, cells = self._base, MARGIN_CELLS + strip.cell_length
        line = [Segment(text, base + style if style else base) for text, style, _ in (margin, *strip)]
        if cells < width:
            line.append(Segment(" " * (width - cells), base))
        return Strip(line, max(cells, width)) if cells <= width else Strip(line, cells).crop(0, width)

    def _margin(self, piece: Piece, *, is_marked: bool) -> Segment:
        if piece.has_bar:
            return Segment("▌ ", self._styles.message_cursor if is_marked else self._styles.user_bar)
        return Segment("▎ ", self._styles.message_cursor) if is_marked else _BLANK_MARGIN


def highlight(strip: Strip, start: int, end: int, style: Style) -> Strip:
    """The characters from `start` up to `end` (-1: all that follow) in another style."""
    segments: list[Segment] = []
    at = 0
    for text, own, _ in strip:
        cuts = sorted({0, len(text), *(min(max(0, cut - at), len(text)) for cut in (start, end) if cut >= 0)})
        for left, right in pairwise(cuts):
            is_selected = at + left >= start and (end == -1 or at + left < end)
            segments.append(Segment(text[left:right], (own or Style()) + style if is_selected else own))
        at += len(text)
    return strip.with_segments(segments) if isinstance(strip, SourceRow) else Strip(segments, strip.cell_length)


def _with_marks(strip: Strip, marks: Sequence[Mark]) -> Strip:
    """All marks at once: there may be one for every character."""
    segments: list[Segment] = []
    number = at = 0
    for text, own, _ in strip:
        end, left = at + len(text), at
        while left < end:
            while number < len(marks) and marks[number].end <= left:
                number += 1
            mark = marks[number] if number < len(marks) else None
            if mark is None or mark.start >= end:
                right, style = end, own
            elif mark.start > left:
                right, style = mark.start, own
            else:
                right, style = min(end, mark.end), (own or Style()) + mark.style
            segments.append(Segment(text[left - at : right - at], style))
            left = right
        at = end
    return strip.with_segments(segments) if isinstance(strip, SourceRow) else Strip(segments, strip.cell_length)
