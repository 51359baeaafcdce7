"""Code blocks: a label row, then highlighted rows on a background over the full width. Long lines are wrapped, or
stay whole behind a window.

The page that grows is lexed by whole lines, each once: what is settled of it is remembered from frame to frame.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from chat_tui.core.blocks import Block
from chat_tui.ui.render.context import RenderContext
from chat_tui.ui.render.lexing import (
    START,
    LexState,
    Piece,
    language_of,
    lex,
    page_text,
    remember_end,
    start_state,
)
from chat_tui.ui.render.rows import MAX_ROW_CELLS, SourceRow, Window
from chat_tui.ui.render.wrap import (
    Span,
    cut_cells,
    is_narrow,
    row_cells,
    segments_between,
    showable,
    whole_clusters,
    wrap_spans,
)
from chat_tui.ui.theme import RenderStyles

_PAD_LEFT: Final = 3
_PAD_RIGHT: Final = 2
_NARROW_WIDTH: Final = 30  # below it the padding is one cell
_COPY: Final = "copy"
_COPY_ROOM: Final = 12
_KEY_CHARS: Final = 24
_MIN_ROOM: Final = 3
COPY_META: Final = Style.from_meta({"copy": "code"})


@dataclass(frozen=True, slots=True)
class _Frame:
    """How the rows of a page are set: cells of padding and of code, styles; the window when lines stay whole."""

    width: int
    left: int
    room: int
    styles: RenderStyles
    window: Window | None


@dataclass(slots=True)
class _Growing:
    """The page that is growing: its complete lines so far, their rows, and the lexer's state behind them."""

    frame: _Frame
    language: str
    start: LexState
    goes_on: bool
    text: str = ""
    state: LexState = START
    rows: list[Strip] = field(default_factory=list[Strip])


_growing: list[_Growing] = []  # the last one, or none: one stream is shown at a time


def render_code(block: Block, context: RenderContext) -> list[Strip]:
    """Rows of one page of code; the label row only on the first."""
    frame = _frame(block, context)
    rows = _label(block, frame) if block.page == 0 else []
    if not block.text:
        return rows + _line_rows([], frame) if context.is_tail else rows
    language = language_of(block)
    start = start_state(block) if block.previous is not None else START
    goes_on = block.previous is not None and not block.previous.text.endswith("\n")
    text = page_text(block)
    if context.is_tail:
        return rows + _growing_rows(text, language, start, frame, goes_on=goes_on)
    pieces, state = lex(text, language, start)
    if not block.is_closed:  # another page follows
        remember_end(block, state)
    return rows + _rows(pieces, frame, goes_on=goes_on)


def _frame(block: Block, context: RenderContext) -> _Frame:
    is_slim = context.width < _NARROW_WIDTH
    left, right = (1, 1) if is_slim else (_PAD_LEFT, _PAD_RIGHT)
    room = max(_MIN_ROOM, context.width - left - right)
    styles = context.styles
    if context.is_wrapped:
        return _Frame(context.width, left, room, styles, None)
    fill = styles.code_block if styles.has_code_background else None
    right = max(0, context.width - left - room)
    return _Frame(
        context.width, left, room, styles, Window(_key(block), room, left, right, fill, styles.code_label)
    )


def _key(block: Block) -> tuple[str, ...]:
    """What all pages of a block have in common, from its first line on: how it begins."""
    first = block if block.previous is None else _first_page(block.previous)
    return ("code", first.info, first.text[:_KEY_CHARS].partition("\n")[0])


@lru_cache(maxsize=4)
def _first_page(page: Block) -> Block:
    while page.previous is not None:
        page = page.previous
    return page


def _label(block: Block, frame: _Frame) -> list[Strip]:
    """The info string, and "copy" at the right where there is room."""
    styles = frame.styles
    copy_cells = len(_COPY) if frame.room >= _COPY_ROOM else 0
    lead = Segment(" " * frame.left, styles.code_label)
    info = " ".join(showable(block.info).split())
    rows = wrap_spans([(info, styles.code_label)], frame.room - copy_cells - 1)
    strips: list[Strip] = []
    for segments, cells in rows:
        row = [lead, *segments]
        used = frame.left + cells
        end = sum([len(segment.text) for segment in row])
        if copy_cells and not strips:
            gap = frame.left + frame.room - used - copy_cells
            row += [Segment(" " * gap, styles.code_label), Segment(_COPY, styles.code_copy + COPY_META)]
            used += gap + copy_cells
        filled = _filled(row, used, frame)
        strips.append(
            SourceRow(
                filled,
                filled.cell_length,
                start=frame.left,
                end=end,
                lead_cells=frame.left,
                joint="\n" if info else "",
            )
        )
    return strips


def _growing_rows(
    text: str, language: str, start: LexState, frame: _Frame, *, goes_on: bool = False
) -> list[Strip]:
    """The rows of a page that is not complete: only lines that are new since the last frame are lexed."""
    page = _growing[0] if _growing else None
    if (
        page is None
        or page.frame != frame
        or page.language != language
        or page.start != start
        or page.goes_on is not goes_on
        or not text.startswith(page.text)
    ):
        page = _Growing(frame, language, start, goes_on, state=start)
        _growing[:] = [page]
    done = text.rfind("\n", 0, len(text) - 1) + 1
    if done > len(page.text):
        pieces, page.state = lex(text[len(page.text) : done], language, page.state)
        page.rows += _rows(pieces, frame, goes_on=goes_on and not page.rows)
        page.text = text[:done]
    pieces, _ = lex(text[done:], language, page.state)
    return page.rows + _rows(pieces, frame, goes_on=goes_on and not page.rows)


def _rows(pieces: list[Piece], frame: _Frame, *, goes_on: bool) -> list[Strip]:
    """Pieces of whole lines as rows; `goes_on`: the first line began on the page before."""
    tokens = frame.styles.code_tokens
    rows: list[Strip] = []
    line: list[Span] = []
    for role, text in pieces:
        style = tokens[role]
        if "\n" not in text:
            line.append((text, style))
            continue
        parts = text.split("\n")
        for part in parts[:-1]:
            if part:
                line.append((part, style))
            rows += _line_rows(line, frame, goes_on=goes_on and not rows)
            line = []
        if parts[-1]:
            line.append((parts[-1], style))
    if line:
        rows += _line_rows(line, frame, goes_on=goes_on and not rows)
    return rows


def _line_rows(line: list[Span], frame: _Frame, *, goes_on: bool = False) -> list[Strip]:
    """One line: a row, or several with a mark before all but the first."""
    room = frame.room if frame.window is None else MAX_ROW_CELLS
    text = "".join([text for text, _ in line])
    narrow = is_narrow(text)
    cells = len(text) if narrow else cell_len(text)
    if cells <= room:
        row = [Segment(text, style) for text, style in line]
        cells = cells if narrow else row_cells(row)
        if cells <= room:
            return [_code_row(row, len(text), cells, frame, goes_on=goes_on)]
    rows: list[Strip] = []
    ranges = cut_cells(text, room)
    parts = segments_between(line if narrow else whole_clusters(line), ranges)
    for segments, (first, last) in zip(parts, ranges, strict=True):
        is_more = goes_on or bool(rows)
        rows.append(_code_row(segments, last - first, row_cells(segments), frame, goes_on=is_more))
    return rows


def _code_row(text: list[Segment], chars: int, cells: int, frame: _Frame, *, goes_on: bool) -> SourceRow:
    """A row of code between its padding; the window draws its own background."""
    styles = frame.styles
    if goes_on:
        pad = Segment("↪".rjust(frame.left - 1).ljust(frame.left), styles.code_label)
    else:
        pad = Segment(" " * frame.left, styles.code_block)
    row, used = [pad, *text], frame.left + cells
    if frame.window is None and styles.has_code_background and used < frame.width:
        row.append(Segment(" " * (frame.width - used), styles.code_block))
        used = frame.width
    return SourceRow(
        row,
        used,
        start=frame.left,
        end=frame.left + chars,
        lead_cells=frame.left,
        joint="" if goes_on else "\n",
        window=frame.window,
    )


def _filled(row: list[Segment], used: int, frame: _Frame) -> Strip:
    """The row with the background to its end."""
    if frame.styles.has_code_background and used < frame.width:
        row.append(Segment(" " * (frame.width - used), frame.styles.code_block))
        used = frame.width
    return Strip(row, used)
