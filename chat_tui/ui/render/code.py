"""Code blocks: a label row, then highlighted rows on a background over the full width; long lines are wrapped.

The page that grows is lexed by whole lines, each once: what is settled of it is remembered from frame to frame.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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
COPY_META: Final = Style.from_meta({"copy": "code"})


@dataclass(frozen=True, slots=True)
class _Frame:
    """How the rows of a page are set: cells of padding and of code, styles."""

    width: int
    left: int
    room: int
    styles: RenderStyles
    is_wrapped: bool


@dataclass(slots=True)
class _Growing:
    """The page that is growing: its complete lines so far, their rows, and the lexer's state behind them."""

    frame: _Frame
    language: str
    start: LexState
    text: str = ""
    state: LexState = START
    rows: list[Strip] = field(default_factory=list[Strip])


_growing: list[_Growing] = []  # the last one, or none: one stream is shown at a time


def render_code(block: Block, context: RenderContext) -> list[Strip]:
    """Rows of one page of code; the label row only on the first."""
    frame = _frame(context)
    rows = _label(block, frame) if block.page == 0 else []
    if not block.text:
        return rows + _line_rows([], frame) if context.is_tail else rows
    language = language_of(block)
    start = start_state(block) if block.previous is not None else START
    text = page_text(block)
    if context.is_tail:
        return rows + _growing_rows(text, language, start, frame)
    pieces, state = lex(text, language, start)
    remember_end(block, state)
    return rows + _rows(pieces, frame)


def _frame(context: RenderContext) -> _Frame:
    is_slim = context.width < _NARROW_WIDTH
    left, right = (1, 1) if is_slim else (_PAD_LEFT, _PAD_RIGHT)
    return _Frame(context.width, left, max(3, context.width - left - right), context.styles, context.wrap_code)


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
        if copy_cells and not strips:
            gap = frame.left + frame.room - used - copy_cells
            row += [Segment(" " * gap, styles.code_label), Segment(_COPY, styles.code_copy + COPY_META)]
            used += gap + copy_cells
        strips.append(_filled(row, used, frame))
    return strips


def _growing_rows(text: str, language: str, start: LexState, frame: _Frame) -> list[Strip]:
    """The rows of a page that is not complete: only lines that are new since the last frame are lexed."""
    page = _growing[0] if _growing else None
    if (
        page is None
        or page.frame != frame
        or page.language != language
        or page.start != start
        or not text.startswith(page.text)
    ):
        page = _Growing(frame, language, start, state=start)
        _growing[:] = [page]
    done = text.rfind("\n", 0, len(text) - 1) + 1
    if done > len(page.text):
        pieces, page.state = lex(text[len(page.text) : done], language, page.state)
        page.rows += _rows(pieces, frame)
        page.text = text[:done]
    pieces, _ = lex(text[done:], language, page.state)
    return page.rows + _rows(pieces, frame)


def _rows(pieces: list[Piece], frame: _Frame) -> list[Strip]:
    """Pieces of whole lines as rows."""
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
            rows += _line_rows(line, frame)
            line = []
        if parts[-1]:
            line.append((parts[-1], style))
    if line:
        rows += _line_rows(line, frame)
    return rows


def _line_rows(line: list[Span], frame: _Frame) -> list[Strip]:
    pad = Segment(" " * frame.left, frame.styles.code_block)
    text = "".join([text for text, _ in line])
    narrow = is_narrow(text)
    cells = len(text) if narrow else cell_len(text)
    if cells <= frame.room:
        row = [pad, *[Segment(text, style) for text, style in line]]
        if not narrow:
            cells = row_cells(row) - frame.left
        if cells <= frame.room:
            return [_filled(row, frame.left + cells, frame)]
    ranges = cut_cells(text, frame.room)
    mark = Segment("↪".rjust(frame.left - 1).ljust(frame.left), frame.styles.code_label)
    rows: list[Strip] = []
    for segments in segments_between(line if narrow else whole_clusters(line), ranges):
        rows.append(_filled([mark if rows else pad, *segments], frame.left + row_cells(segments), frame))
    return rows if frame.is_wrapped else [_cropped(rows[0], frame)]


def _cropped(row: Strip, frame: _Frame) -> Strip:
    """The first row of a line that is longer, with a mark at its end."""
    head = row.crop(0, frame.width - 1)
    return Strip([*head, Segment("›", frame.styles.code_label)], frame.width)


def _filled(row: list[Segment], used: int, frame: _Frame) -> Strip:
    """The row with the background to its end."""
    if frame.styles.has_code_background and used < frame.width:
        row.append(Segment(" " * (frame.width - used), frame.styles.code_block))
        used = frame.width
    return Strip(row, used)
