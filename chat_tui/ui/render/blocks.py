"""One block as rows: a pure function of the block and the context, the last step before the screen.

Containers are drawn in front of the rows: a bar for a quote, the marker on the first row of a list item and its
width as indentation below it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from chat_tui.core.blocks import Block, BlockKind, Container, ContainerKind
from chat_tui.ui.render.code import render_code
from chat_tui.ui.render.context import RenderContext
from chat_tui.ui.render.inline import inline_spans
from chat_tui.ui.render.lexing import lex
from chat_tui.ui.render.rows import SourceRow, plain_rows, prose_rows
from chat_tui.ui.render.table import render_table
from chat_tui.ui.render.wrap import Span, showable
from chat_tui.ui.theme import RenderStyles

__all__ = ["RenderContext", "render_block", "warm_up", "with_caret"]

_CARET: Final = "▍"
_QUOTE_BAR: Final = "▎ "
_BULLETS: Final = ("•", "◦", "▪")
_TASK_BOXES: Final = {False: "☐", True: "☑"}


@dataclass(frozen=True, slots=True)
class _Prefix:
    """What stands before the first row and before the others, equally wide; `lost` did not fit before any."""

    first: list[Segment]
    rest: list[Segment]
    cells: int
    lost: str


_NO_PREFIX: Final = _Prefix([], [], 0, "")


def render_block(block: Block, context: RenderContext) -> list[Strip]:
    """The rows of one block, without the gap above it; none wider than `context.width` (of 10 or more) that is not
    to be seen through a window.

    Links carry `{"link": target}` as style meta, the copy label of code `{"copy": "code"}`.
    """
    prefix = _NO_PREFIX
    if block.containers:
        prefix = _prefix(block.containers, min(context.width, context.measure_columns), context.styles)
    if block.kind in (BlockKind.CODE, BlockKind.TABLE):
        inner = replace(context, width=context.width - prefix.cells) if prefix.cells else context
        rows = render_code(block, inner) if block.kind is BlockKind.CODE else render_table(block, inner)
        strips = _behind(rows, prefix)
    else:
        columns = min(context.width, context.measure_columns) - prefix.cells
        strips = prose_rows(_spans(block, context, columns), columns, prefix.first, prefix.rest)
    if prefix.lost:
        return plain_rows(prefix.lost, context.styles.marker, context.width) + strips
    return strips


def warm_up(styles: RenderStyles) -> None:
    """Load what the first formatted text and the first code would wait for: 150 ms [measured], best in a thread."""
    inline_spans("*", styles.text, RenderContext(80, 80, styles))
    lex("pass\n", "python")


def with_caret(rows: list[Strip], context: RenderContext) -> list[Strip]:
    """The rows with the caret behind their last character: where text is growing. Not where a row is full."""
    if not rows:
        return rows
    *above, last = rows
    caret = context.styles.caret
    if not isinstance(last, SourceRow):
        chars = len(last.text)
        last = SourceRow(last, last.cell_length, start=0, end=chars, lead_cells=0)
    if last.window is not None and last.window.fill is not None:
        caret = last.window.fill + caret
    if last.window is not None or last.cell_length < context.width:
        return [*above, last.with_segments([*last, Segment(_CARET, caret)], last.cell_length + 1)]
    *text, end = last
    if not end.text.isspace() or len(last.text) == last.end:
        return rows
    behind = end.style or caret  # the background of code, up to the end of the row
    text += [Segment(_CARET, behind + caret), Segment(end.text[1:], behind)]
    return [*above, last.with_segments(text)]


def _spans(block: Block, context: RenderContext, columns: int) -> list[Span]:
    """The text of everything that is wrapped like prose."""
    styles = context.styles
    match block.kind:
        case BlockKind.HEADING:
            return inline_spans(block.text, styles.heading(block.level), context)
        case BlockKind.HTML | BlockKind.DEFINITION:
            return [(showable(block.text.rstrip("\n")), styles.dim)]
        case BlockKind.RULE:
            return [("─" * columns, styles.rule)]
        case _:
            return inline_spans(block.text, styles.text, context)


def _behind(rows: list[Strip], prefix: _Prefix) -> list[Strip]:
    """Finished rows behind a prefix; a prefix that opens an item is shown even when there are no rows yet."""
    if not prefix.cells:
        return rows
    if not rows:
        return [Strip(prefix.first, prefix.cells)]
    strips: list[Strip] = []
    for row in rows:
        before = prefix.rest if strips else prefix.first
        if isinstance(row, SourceRow):
            strips.append(row.behind(before, prefix.cells))
        else:
            strips.append(Strip([*before, *row], prefix.cells + row.cell_length))
    return strips


@lru_cache(maxsize=256)
def _prefix(containers: tuple[Container, ...], columns: int, styles: RenderStyles) -> _Prefix:
    """The containers drawn, as many of the innermost as leave room for the text. Not to be changed."""
    levels: list[tuple[list[Segment], list[Segment], int, str]] = []
    bullets = 0
    for container in containers:
        if container.kind is ContainerKind.QUOTE:
            bar = [Segment(_QUOTE_BAR, styles.quote_bar)]
            levels.append((bar, bar, len(_QUOTE_BAR), ""))
            continue
        marker = _marker(container, bullets)
        bullets += container.kind is ContainerKind.BULLET
        cells = cell_len(marker)
        blank = [Segment(" " * cells, styles.text)]
        first = [Segment(marker, _marker_style(container, styles))] if container.is_opening else blank
        lost = marker.strip() if container.is_opening and container.kind is ContainerKind.ORDERED else ""
        levels.append((first, blank, cells, lost))
    room = columns - max(6, min(24, columns // 2))
    used = 0
    start = len(levels)
    while start and used + levels[start - 1][2] <= room:
        start -= 1
        used += levels[start][2]
    return _Prefix(
        _joined([segment for first, _, _, _ in levels[start:] for segment in first]),
        _joined([segment for _, rest, _, _ in levels[start:] for segment in rest]),
        used,
        " ".join([lost for _, _, _, lost in levels[:start] if lost]),
    )


def _joined(segments: list[Segment]) -> list[Segment]:
    """Neighbours of one style as one: the bars of fifty quotes stand before every row."""
    joined: list[Segment] = []
    for segment in segments:
        if joined and joined[-1].style == segment.style:
            joined[-1] = Segment(joined[-1].text + segment.text, segment.style)
        else:
            joined.append(segment)
    return joined


def _marker(container: Container, bullet_depth: int) -> str:
    """The marker of a list item as it is drawn; the box of a task takes the place of a bullet."""
    box = "" if container.task is None else _TASK_BOXES[container.task]
    if container.kind is ContainerKind.BULLET:
        return f" {box or _BULLETS[min(bullet_depth, len(_BULLETS) - 1)]} "
    marker = f"{showable(container.marker):>3} "
    return f"{marker}{box} " if box else marker


def _marker_style(container: Container, styles: RenderStyles) -> Style:
    if container.task is None:
        return styles.marker
    return styles.task_done if container.task else styles.task_open
