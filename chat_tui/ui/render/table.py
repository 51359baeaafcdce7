"""Tables: columns as wide as their words need, shrunk fairly; below what can be read, whole behind a window.

Where nothing is to be wrapped, every table that is wider than the screen is. One with more columns than a row may
have cells is written out, one "header: value" per line.

The layout is computed from the table's shape alone (header and first page), so that every page has the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from chat_tui.core.blocks import Block, TableShape
from chat_tui.ui.render.context import RenderContext
from chat_tui.ui.render.inline import inline_spans, plain_text
from chat_tui.ui.render.rows import MAX_ROW_CELLS, SourceRow, Window
from chat_tui.ui.render.wrap import Span, strips_of, wrap_spans
from chat_tui.ui.theme import RenderStyles

_GAP: Final = 2
_WIDEST_CHARACTER_CELLS: Final = 2
_MIN_CELLS: Final = 3
_READABLE_WORD_CELLS: Final = 8  # a column may be cut down to its longest word, or to this
_WIDEST_COLUMN_CELLS: Final = 40  # of a table that is scrolled although cells may be wrapped
_STACKED_RULE_CELLS: Final = 8
_EXTRA: Final = " │ "  # before a cell the header has no column for
_BLANK: Final = Strip([], 0)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Cells per column, or none when the columns do not fit; whether some cells may take several rows."""

    widths: tuple[int, ...]
    alignments: tuple[str, ...]
    is_wrapped: bool

    @property
    def cells(self) -> int:
        """Of a whole row."""
        return sum(self.widths) + _GAP * (len(self.widths) - 1)


def render_table(block: Block, context: RenderContext) -> list[Strip]:
    """Rows of one page of a table; header and rule only on the first."""
    shape = block.table or TableShape((), block.rows[0] if block.rows else (), block.rows)
    layout = _layout_of(shape, context.width, context.styles, may_wrap=context.is_wrapped)
    if not layout.widths:
        return _stacked_table(block, shape, context)
    rows: list[Strip] = []
    if block.page == 0:
        rows += _row(shape.header, layout, context, context.styles.table_header, is_tail=not block.rows)
        rows.append(_rule(context, layout.cells))
    for number, cells in enumerate(block.rows):
        if layout.is_wrapped and (number or block.page):
            rows.append(_BLANK)
        is_tail = number == len(block.rows) - 1
        rows += _row(cells, layout, context, context.styles.text, is_tail=is_tail)
    if layout.cells <= context.width:
        return rows
    window = Window(("table", *shape.header), context.width, 0, 0, None, context.styles.table_rule)
    return [
        SourceRow(row, row.cell_length, start=0, end=len(row.text), lead_cells=0, window=window) for row in rows
    ]


def _stacked_table(block: Block, shape: TableShape, context: RenderContext) -> list[Strip]:
    """For columns that do not fit: one cell after the other, a short rule between rows."""
    if not block.rows and block.page == 0:
        return _stacked(shape.header, (), context, is_tail=True)
    rows: list[Strip] = []
    for number, cells in enumerate(block.rows):
        if number or block.page:
            rows.append(_rule(context, min(context.width, _STACKED_RULE_CELLS)))
        rows += _stacked(cells, shape.header, context, is_tail=number == len(block.rows) - 1)
    return rows


def _rule(context: RenderContext, cells: int) -> Strip:
    return Strip([Segment("─" * cells, context.styles.table_rule)], cells)


def _row(
    cells: Sequence[str], layout: _Layout, context: RenderContext, style: Style, *, is_tail: bool
) -> Sequence[Strip]:
    """One row of a table, as many screen rows as its longest cell takes."""
    is_tail = is_tail and context.is_tail
    if is_tail or _may_use_references(cells, context):
        last = len(cells) - 1
        spans = [_cell(text, style, context, is_tail=is_tail and at == last) for at, text in enumerate(cells)]
        return _columns(spans, layout, context.styles)
    return _known_row(tuple(cells), layout, context.styles, style)


def _may_use_references(cells: Sequence[str], context: RenderContext) -> bool:
    return bool(context.references) and any("[" in text for text in cells)


@lru_cache(maxsize=512)
def _known_row(cells: tuple[str, ...], layout: _Layout, styles: RenderStyles, style: Style) -> tuple[Strip, ...]:
    """The same rows come again in every frame while a table grows."""
    return tuple(_columns([_known_cell(text, styles, style) for text in cells], layout, styles))


def _columns(spans: list[list[Span]], layout: _Layout, styles: RenderStyles) -> list[Strip]:
    count = len(layout.widths)
    if len(spans) > count:
        last = list(spans[count - 1])
        for extra in spans[count:]:
            last += [(_EXTRA, styles.table_rule), *extra]
        spans[count - 1] = last
    columns = [wrap_spans(found, width) for found, width in zip(spans, layout.widths, strict=False)]
    strips: list[Strip] = []
    for line in range(max([len(column) for column in columns], default=1)):
        row: list[Segment] = []
        owed = used = 0
        for column, width, alignment in zip(columns, layout.widths, layout.alignments, strict=False):
            segments, size = column[line] if line < len(column) else ([], 0)
            room = max(width - size, 0)
            before = room if alignment == "right" else room // 2 if alignment == "center" else 0
            if size:
                if owed + before:
                    row.append(Segment(" " * (owed + before), styles.text))
                row += segments
                used += owed + before + size
                owed = room - before + _GAP
            else:
                owed += width + _GAP
        strips.append(Strip(row, used))
    return strips


def _stacked(cells: Sequence[str], header: Sequence[str], context: RenderContext, *, is_tail: bool) -> list[Strip]:
    """One row as a list of its cells, each behind the name of its column."""
    strips: list[Strip] = []
    for at, text in enumerate(cells):
        name = _cell(header[at], context.styles.table_header, context, is_tail=False) if at < len(header) else []
        value = _cell(text, context.styles.text, context, is_tail=is_tail and at == len(cells) - 1)
        between: list[Span] = [(": ", context.styles.table_rule)] if name else []
        strips += strips_of(wrap_spans([*name, *between, *value], context.width), [], [])
    return strips


def _cell(text: str, style: Style, context: RenderContext, *, is_tail: bool) -> list[Span]:
    if is_tail and context.is_tail:
        return inline_spans(text, style, context)
    if _may_use_references((text,), context):
        return inline_spans(text, style, replace(context, is_tail=False))
    return _known_cell(text, context.styles, style)


@lru_cache(maxsize=2048)
def _known_cell(text: str, styles: RenderStyles, style: Style) -> list[Span]:
    """A settled cell without reference links; not to be changed."""
    return inline_spans(text, style, RenderContext(0, 0, styles))


@lru_cache(maxsize=2048)
def _cell_size(text: str, styles: RenderStyles) -> tuple[int, int]:
    """The cells of the longest line and of the longest word."""
    shown = plain_text(_known_cell(text, styles, styles.text))
    return (
        max([cell_len(line) for line in shown.split("\n")]),
        max([cell_len(word) for word in shown.split()], default=0),
    )


@lru_cache(maxsize=16)
def _layout_of(shape: TableShape, width: int, styles: RenderStyles, *, may_wrap: bool) -> _Layout:
    count = len(shape.header)
    wanted = [_WIDEST_CHARACTER_CELLS] * count
    least = [_WIDEST_CHARACTER_CELLS] * count
    for row in (shape.header, *shape.sample):
        for at, text in enumerate(row[:count]):
            line, word = _cell_size(text, styles)
            wanted[at] = max(wanted[at], line)
            least[at] = max(least[at], min(word, _READABLE_WORD_CELLS))
    least = [min(want, max(word, _MIN_CELLS)) for want, word in zip(wanted, least, strict=True)]
    gaps = _GAP * (count - 1)
    alignments = (*shape.alignments, *[""] * count)[:count]
    room = (width if may_wrap else max(width, MAX_ROW_CELLS)) - gaps
    is_wrapped = False
    if may_wrap and sum(least) > room:
        room = max(width, MAX_ROW_CELLS) - gaps
        capped = [min(want, max(few, _WIDEST_COLUMN_CELLS)) for want, few in zip(wanted, least, strict=True)]
        wanted, is_wrapped = capped, capped != wanted
    if sum(wanted) <= room:
        return _Layout(tuple(wanted), alignments, is_wrapped=is_wrapped)
    if not count or sum(least) > room:
        return _Layout((), alignments, is_wrapped=True)
    return _Layout(_fair(wanted, least, room), alignments, is_wrapped=True)


def _fair(wanted: list[int], least: list[int], room: int) -> tuple[int, ...]:
    """Widths up to one common limit, the highest that fits: only columns that want more than it are cut."""
    low, high = 0, room
    while low < high:
        limit = (low + high + 1) // 2
        if sum([max(few, min(want, limit)) for want, few in zip(wanted, least, strict=True)]) <= room:
            low = limit
        else:
            high = limit - 1
    widths = [max(few, min(want, low)) for want, few in zip(wanted, least, strict=True)]
    spare = room - sum(widths)
    for at, want in enumerate(wanted):
        if spare and widths[at] < want:
            widths[at] += 1
            spare -= 1
    return tuple(widths)
