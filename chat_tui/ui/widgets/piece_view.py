"""Pieces as a scrolling Line-API widget: cached rows, layout from what is seen outwards, a follow rule, selection.

Growing text repaints the rows that changed only. Which pieces there are is the business of `Transcript`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, TypedDict, Unpack, cast

from textual.geometry import Region, Size
from textual.reactive import Reactive
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from chat_tui.ui.messages import Followed
from chat_tui.ui.render.context import RenderContext
from chat_tui.ui.render.pieces import Layout, Piece
from chat_tui.ui.theme import ChatTheme, RenderStyles
from chat_tui.ui.widgets.piece_list import PieceList
from chat_tui.ui.widgets.piece_places import Place
from chat_tui.ui.widgets.row_painter import MARGIN_CELLS, Mark, RowPainter
from chat_tui.ui.widgets.scroll_thumb import ScrollThumb
from chat_tui.ui.widgets.terminal_rows import TerminalRows, filtered

if TYPE_CHECKING:
    from textual import getters
    from textual.app import App

RIGHT_CELLS = 1
IDLE_PIECES = 16
"""How many pieces are laid out again in one idle step: a few milliseconds."""

_VIRTUAL_SIZE = cast("Reactive[Size]", ScrollView.virtual_size)
_SCROLL_Y = ScrollView.scroll_y
_SCROLL_TARGET_Y = cast("Reactive[float]", ScrollView.scroll_target_y)


class ViewSettings(TypedDict, total=False):
    """How a view is made: `measure_columns` is the widest that prose gets (100 unless told),
    `is_wrapped` whether long lines of code and wide tables are wrapped (they are unless told); `id` is Textual's.
    """

    measure_columns: int
    is_wrapped: bool
    id: str | None


class PieceView(ScrollView):
    """Shows a `PieceList`, at its end or where the reader has scrolled to."""

    if TYPE_CHECKING:
        app = getters.app(App[None])

    def __init__(self, theme: ChatTheme, **settings: Unpack[ViewSettings]) -> None:
        super().__init__(id=settings.get("id"))
        self._is_wrapped = settings.get("is_wrapped", True)
        self._shifts: dict[tuple[str, ...], int] = {}
        """How far the windows on wide blocks were moved to the right."""
        self._theme = theme
        self._measure_columns = settings.get("measure_columns", 100)
        self._rows = RowPainter(theme.styles)
        self._pieces = PieceList(self._make_layout(0, 80))
        self._is_following = True
        self._is_idle_work_due = False
        self._new_rows = 0
        self._terminal_rows: TerminalRows | None = None
        self.thumb = ScrollThumb(self)

    @property
    def row_count(self) -> int:
        """All rows, with a blank one at the end."""
        return self._pieces.row_count + 1

    @property
    def top_row(self) -> int:
        """The first row in view."""
        return self.scroll_offset.y

    def scroll_to_row(self, row: int) -> None:
        """The reader wants this row at the top."""
        self.scroll_to(y=row, animate=False, immediate=True)

    @property
    def marked_id(self) -> int | None:
        """Whose pieces carry the message cursor while the view has the focus."""
        return None

    @property
    def styles_by_role(self) -> RenderStyles:
        """What text is rendered with now."""
        return self._theme.styles

    # -- layout ----------------------------------------------------------------------------------

    @property
    def _text_width(self) -> int:
        return self._pieces.layout.context.width

    def _make_layout(self, stamp: int, width: int) -> Layout:
        text_width = max(10, width - MARGIN_CELLS - RIGHT_CELLS)
        context = RenderContext(
            width=text_width,
            measure_columns=self._measure_columns,
            styles=self._theme.styles,
            is_wrapped=self._is_wrapped,
        )
        return Layout(stamp, context)

    def set_theme(self, theme: ChatTheme) -> None:
        """Other colours: everything is rendered again, what is visible first."""
        self._theme = theme
        self.call_after_refresh(self._relayout)

    def on_resize(self) -> None:
        """Another width: everything is laid out again, what is visible first."""
        width = self.size.width
        if self._make_layout(0, width).context.width != self._text_width or not self._rows.has_base:
            self._relayout()
        elif self._is_following:
            self.follow()

    def _relayout(self) -> None:
        """New layout with the same text at the top of the view (or the end, when following)."""
        anchor = self._anchor()
        self._rows = RowPainter(self._theme.styles, self.rich_style, self._shifts)
        self._pieces.set_layout(self._make_layout(self._pieces.layout.stamp + 1, self.size.width or 80))
        if anchor is None:
            self._pieces.lay_out_end(self.size.height)
        else:
            row = self._pieces.row_at(anchor._replace(row=0))
            self._pieces.lay_out_window(row, self.size.height + anchor.row)
            self._move_to(self._pieces.row_at(self._pieces.clamped(anchor)))
        self._show()
        self._go_on_when_idle()

    @property
    def is_idle_work_due(self) -> bool:
        """Whether something near the view is still to be laid out."""
        return self._is_idle_work_due

    def _go_on_when_idle(self) -> None:
        if not self._is_idle_work_due:
            self._is_idle_work_due = True
            self.set_timer(0.01, self._lay_out_some)

    def _lay_out_some(self) -> None:
        """A slice of the layout nobody sees yet; the view stays on the text it shows."""
        self._is_idle_work_due = False
        if not self._pieces.row_count:
            return
        rows = self._pieces.row_count
        with self._staying():
            has_more = self._pieces.lay_out_some(IDLE_PIECES)
        if self._pieces.row_count != rows or self._pieces.is_rest_in_view:
            self._update_size()
            if self._is_following:
                self._move_to(self._end_row)
            self._paint()
        if has_more:
            self._go_on_when_idle()

    def lay_out_all(self) -> None:
        """Make every height exact, whether it is seen or not: seconds for a long conversation."""
        with self._staying():
            self._pieces.lay_out_all()
        self._show()

    def _anchor(self) -> Place | None:
        """What is at the top of the view, when it has to stay there: not when following."""
        if self._is_following or not self._pieces.row_count:
            return None
        return self._pieces.place(min(int(self.scroll_y), self._pieces.row_count - 1))

    @contextlib.contextmanager
    def _staying(self) -> Generator[None]:
        """Pieces may change inside: what is at the top of the view stays there, and what is seen is laid out."""
        anchor = self._anchor()
        yield
        height = self.size.height
        if anchor is None:
            self._pieces.lay_out_end(height)
        else:
            self._pieces.lay_out_window(self._pieces.row_at(anchor), height)
            self._move_to(self._pieces.row_at(anchor))

    # -- painting --------------------------------------------------------------------------------

    def paint_on(self, rows: TerminalRows) -> None:
        """From now on rows that change are written straight to the terminal where nothing lies over the view."""
        self._terminal_rows = rows

    @property
    def is_terminal_behind(self) -> bool:
        """Whether the terminal has yet to show what was painted before."""
        return self._terminal_rows is not None and self._terminal_rows.is_behind

    def _show_more(self, rows_before: int) -> None:
        """Text came: only that makes new lines, another layout or a fold does not."""
        if not self._is_following:
            self._new_rows += self._pieces.row_count - rows_before
        self._show()

    def _show(self) -> None:
        """Pieces have changed: grow, follow, and show it."""
        self._update_size()
        if self._is_following:
            self._new_rows = 0
            self._move_to(self._end_row)
        self._paint()

    def _paint(self) -> None:
        """Make the screen show what the pieces say now; only what differs is written."""
        rows = self._terminal_rows
        if rows is not None and rows.can_show(self):
            rows.show(self, self._lines(), self.thumb.strips())
        else:
            self.refresh()
            self.thumb.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """What Textual paints. Not through its cache of lines, which knows nothing of rows written past it."""
        if self._terminal_rows is not None:
            self._terminal_rows.forget(crop.y, crop.bottom)
        strips = filtered(self, [self.render_line(y) for y in crop.line_range])
        if crop.column_span == (0, self.size.width):
            return strips
        return [strip.crop(*crop.column_span) for strip in strips]

    def _update_size(self) -> None:
        """Grow without a layout: the reactive would arrange the whole screen for every new row, which was a third
        of the cost of a token [profiled]."""
        rows = self.row_count
        if rows != self.virtual_size.height:
            self.set_reactive(_VIRTUAL_SIZE, Size(self.size.width, rows))

    def _lines(self) -> list[Strip]:
        """All lines of the view: what `render_line` gives one by one, in one go where nothing is highlighted."""
        width, height = self.size
        if self.has_marks or self.text_selection is not None:
            return [self.render_line(y) for y in range(height)]
        marked_id = self.marked_id if self.has_focus else None
        line, top = self._rows.line, self.top_row
        lines = [
            line(piece, strip, width, is_marked=piece.owner_id == marked_id)
            for piece, _, strip in islice(self._pieces.rows(top, top + height - 1), height)
        ]
        lines += [self._rows.blank(width)] * (height - len(lines))
        if badge := self._badge:
            lines[-1] = self._rows.with_badge(lines[-1], badge, width)
        return lines

    def render_line(self, y: int) -> Strip:
        """One line of the view."""
        row = self.scroll_offset.y + y
        width = self.size.width
        piece, strip = self._pieces.row(row)
        if piece is None:
            line = self._rows.blank(width)
        elif (selection := self.text_selection) is not None and (span := selection.get_span(row)) is not None:
            style = self.screen.get_component_rich_style("screen--selection")
            line = self._rows.selected(piece, strip, width, span, style)
        else:
            is_marked = self.has_focus and piece.owner_id == self.marked_id
            if self.has_marks and (marks := self.marks(piece, self._pieces.find(row)[1], strip.text)):
                line = self._rows.highlighted(piece, strip, width, marks, is_marked=is_marked)
            else:
                line = self._rows.line(piece, strip, width, is_marked=is_marked)
        if y == self.size.height - 1 and (badge := self._badge):
            line = self._rows.with_badge(line, badge, width)
        return line

    @property
    def has_marks(self) -> bool:
        """Whether `marks` is to be asked."""
        return False

    def marks(self, piece: Piece, row: int, text: str) -> Sequence[Mark]:
        """What is highlighted in a row of a piece: characters of its text, without margin."""
        del piece, row, text
        return ()

    def remark(self) -> None:
        """Other marks than before: draw what is in view again."""
        self._paint()

    def row_text(self, row: int) -> str:
        """The text of one row of the whole transcript, without margin; empty below its end."""
        return self._pieces.row(row)[1].text

    # -- following -------------------------------------------------------------------------------

    @property
    def is_following(self) -> bool:
        """Whether the view stays at the end."""
        return self._is_following

    @property
    def is_end_in_view(self) -> bool:
        """Whether what is added at the end is seen."""
        return self.top_row + self.size.height >= self._pieces.row_count

    @property
    def _end_row(self) -> int:
        return max(0, self.row_count - self.size.height)

    @property
    def _badge(self) -> str:
        new = self._new_rows
        return f"↓ {new:,} new line{'s' if new != 1 else ''}" if new > 0 else ""

    def follow(self) -> None:
        """Go to the end and stay there."""
        self._set_following(is_following=True)
        self._pieces.lay_out_end(self.size.height)
        self._show()
        self._go_on_when_idle()

    def _set_following(self, *, is_following: bool) -> None:
        if is_following is self._is_following:
            return
        self._is_following = is_following
        self._new_rows = 0
        if is_following:
            self.post_message(Followed())

    def _move_to(self, row: int) -> None:
        """Put a row at the top of the view; the caller paints. Not the reader's move: following stays as it is."""
        if row != self.scroll_y:
            self.set_reactive(_SCROLL_Y, float(row))
            self.set_reactive(_SCROLL_TARGET_Y, float(row))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """The reader has scrolled, which decides whether the view follows."""
        height = self.size.height
        is_at_end = new_value >= self._end_row
        row = self._pieces.move_window(int(old_value), int(new_value), height)
        self._update_size()
        self._set_following(is_following=is_at_end or row >= self._end_row)
        if self._is_following:
            self._pieces.lay_out_end(height)
            self._update_size()
            row = self._end_row
        self._move_to(row)
        self._paint()
        self._go_on_when_idle()

    def action_scroll_end(self) -> None:
        """End: follow again."""
        self.follow()

    def selection_updated(self, selection: Selection | None) -> None:
        """Selected rows look different."""
        self._paint()
