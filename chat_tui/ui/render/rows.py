"""Rows that know which of their characters are text, and rows wider than the screen with a window on them.

A plain strip is text from its first character to its last. In a `SourceRow` there is more: what stands before the
text (indentation, padding, a mark that the line goes on) and behind it (a caret, a background) is never copied.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from chat_tui.ui.render.wrap import Span, clusters, is_narrow, row_cells, showable, wrap_joined

MAX_ROW_CELLS: Final = 2_000
"""What is longer is cut into rows even where nothing is wrapped: a frame must not cost what a line of 1 MB has."""

_LEFT: Final = "‹"
_RIGHT: Final = "›"


@dataclass(frozen=True, slots=True)
class Window:
    """How rows of one block are shown that are wider than the screen.

    `key` is the same for all rows of a block, while it grows and afterwards: they move together. `cells` of the
    text are seen; beside it stand `pad_left` and `pad_right` cells of padding in the style `fill` (None: no
    background to draw), where the marks for what is hidden go, in the style `mark`. Without padding a mark takes
    the place of the first or last cell.
    """

    key: tuple[str, ...]
    cells: int
    pad_left: int
    pad_right: int
    fill: Style | None
    mark: Style


class SourceRow(Strip):
    """A row whose characters `start` up to `end` are text; `lead_cells` cells stand before them.

    `joint` is what the text had between the row above and this one: a line break, the spaces where it was wrapped,
    or nothing.
    `window`: the row may be wider than the screen; see `windowed`.
    """

    __slots__ = ["end", "joint", "lead_cells", "start", "window"]

    def __init__(
        self,
        segments: Iterable[Segment],
        cells: int,
        *,
        start: int,
        end: int,
        lead_cells: int,
        joint: str = "\n",
        window: Window | None = None,
    ) -> None:
        super().__init__(segments, cells)
        self.start, self.end, self.lead_cells = start, end, lead_cells
        self.joint, self.window = joint, window

    def __eq__(self, other: object) -> bool:
        """Whether it looks the same and is the same text."""
        return (
            isinstance(other, SourceRow)
            and super().__eq__(other)
            and (self.start, self.end, self.joint, self.window)
            == (other.start, other.end, other.joint, other.window)
        )

    __hash__ = None

    @property
    def text_cells(self) -> int:
        """The cells behind the lead."""
        return self.cell_length - self.lead_cells

    def with_segments(self, segments: Iterable[Segment], cells: int | None = None) -> SourceRow:
        """The same text drawn otherwise, or with something behind it."""
        return SourceRow(
            segments,
            self.cell_length if cells is None else cells,
            start=self.start,
            end=self.end,
            lead_cells=self.lead_cells,
            joint=self.joint,
            window=self.window,
        )

    def behind(self, prefix: list[Segment], cells: int) -> SourceRow:
        """The row behind a prefix."""
        chars = sum([len(segment.text) for segment in prefix])
        return SourceRow(
            [*prefix, *self],
            cells + self.cell_length,
            start=self.start + chars,
            end=self.end + chars,
            lead_cells=self.lead_cells + cells,
            joint=self.joint,
            window=self.window,
        )


def source_range(row: Strip) -> tuple[int, int]:
    """The characters of a row that are text: from, up to."""
    return (row.start, row.end) if isinstance(row, SourceRow) else (0, len(row.text))


def joint_of(row: Strip) -> str:
    """What the text has between the row above and this one."""
    return row.joint if isinstance(row, SourceRow) else "\n"


def prose_rows(spans: list[Span], width: int, first: list[Segment], rest: list[Segment]) -> list[Strip]:
    """Wrapped text, behind a prefix for the first row and one for the others. The first prefix is text too, unless
    it is the same as the other."""
    rows, joints = wrap_joined(spans, width)
    strips: list[Strip] = []
    for (segments, cells), joint in zip(rows, joints, strict=True):
        prefix = rest if strips else first
        lead_chars = sum([len(segment.text) for segment in prefix])
        lead_cells = row_cells(prefix)
        end = lead_chars + sum([len(segment.text) for segment in segments])
        start = lead_chars if prefix == rest else 0
        strips.append(
            SourceRow(
                [*prefix, *segments] if prefix else segments,
                lead_cells + cells,
                start=start,
                end=end,
                lead_cells=lead_cells,
                joint=joint,
            )
        )
    return strips


def plain_rows(text: str, style: Style, width: int) -> list[Strip]:
    """Text without markup as rows: newlines kept, wrapped at words. An empty line is an empty strip."""
    none: list[Segment] = []
    return prose_rows([(showable(text), style)], width, none, none)


def hidden_cells(row: Strip) -> int:
    """How far the row's text is wider than its window; 0 for a row that fits."""
    if not isinstance(row, SourceRow) or row.window is None:
        return 0
    return max(0, row.text_cells - row.window.cells)


def windowed(row: SourceRow, window: Window, shift: int) -> Strip:
    """The row as it is seen `shift` cells further right, with marks where something is hidden; the lead stays."""
    lead, text = _part(row, row.start)
    is_cut_left = shift > 0 and row.text_cells > 0
    is_cut_right = row.text_cells - shift > window.cells
    first, last = shift, shift + window.cells
    if is_cut_left:
        if window.pad_left:
            lead = [*_part(lead, row.start - window.pad_left)[0]]
            mark = _LEFT.rjust(max(1, window.pad_left - 1)).ljust(window.pad_left)
        else:
            mark = _LEFT
            first += 1
        lead.append(Segment(mark, window.mark))
    if is_cut_right and not window.pad_right:
        last -= 1
    seen, cells = _cut(text, first, last)
    line = [*lead, *seen]
    cells += sum([cell_len(segment.text) for segment in lead])
    whole = row.lead_cells + window.cells
    if is_cut_right:
        end = whole if window.pad_right else whole - 1
        if cells < end:
            line.append(Segment(" " * (end - cells), window.fill))
        mark = _RIGHT.ljust(max(1, window.pad_right))
        line.append(Segment(mark, window.mark))
        return Strip(line, end + len(mark))
    if window.fill is not None and cells < whole + window.pad_right:
        line.append(Segment(" " * (whole + window.pad_right - cells), window.fill))
        cells = whole + window.pad_right
    return Strip(line, cells)


def _part(segments: Iterable[Segment], chars: int) -> tuple[list[Segment], list[Segment]]:
    """The segments before and behind so many characters."""
    before: list[Segment] = []
    behind: list[Segment] = []
    for segment in segments:
        text = segment.text
        if chars <= 0:
            behind.append(segment)
        elif len(text) <= chars:
            before.append(segment)
        else:
            before.append(Segment(text[:chars], segment.style))
            behind.append(Segment(text[chars:], segment.style))
        chars -= len(text)
    return before, behind


def _cut(segments: list[Segment], first: int, last: int) -> tuple[list[Segment], int]:
    """What of the segments stands in the cells `first` up to `last`, and how many cells that is. A character that
    is cut by either end is a blank: half of it cannot be drawn."""
    found: list[Segment] = []
    at = seen = 0
    for text, style, _ in segments:
        if at >= last:
            break
        cells = len(text) if is_narrow(text) else cell_len(text)
        if at + cells <= first:
            at += cells
            continue
        part = text
        if at < first or at + cells > last:
            part = (
                text[max(0, first - at) : last - at]
                if is_narrow(text)
                else _cut_wide(text, max(0, first - at), last - at)
            )
        if part:
            found.append(Segment(part, style))
            seen += len(part) if is_narrow(part) else cell_len(part)
        at += cells
    return found, seen


def _cut_wide(text: str, first: int, last: int) -> str:
    """`_cut` for one text, by clusters."""
    starts = clusters(text)
    parts: list[str] = []
    at = 0
    for number, (start, cells) in enumerate(starts):
        end = starts[number + 1][0] if number + 1 < len(starts) else len(text)
        seen = min(at + cells, last) - max(at, first)
        if seen > 0:
            parts.append(text[start:end] if seen == cells else " " * seen)
        at += cells
    return "".join(parts)
