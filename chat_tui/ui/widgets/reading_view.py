"""A view of pieces for readers: text stays where it is while more arrives, is selected with the mouse, and what is
wider than the screen is moved sideways.

Selecting is our own and not Textual's (8.2): that ends a selection at the end of everything wherever the pointer is
over a blank row, lets it grow with the stream, counts joined emoji by their parts, and does not scroll once the
pointer has left the view.
"""

from __future__ import annotations

from textual import events
from textual.selection import Selection
from textual.timer import Timer

from chat_tui.ui.render.rows import SourceRow, hidden_cells
from chat_tui.ui.widgets.piece_places import Place
from chat_tui.ui.widgets.piece_view import PieceView
from chat_tui.ui.widgets.row_painter import MARGIN_CELLS
from chat_tui.ui.widgets.selecting import (
    HeldText,
    RowSpan,
    between,
    cell_in_row,
    characters_at,
    find,
    hold,
    selected_text,
    word_at,
)

SHIFT_CELLS = 8
"""How far one step sideways goes."""

_DRAG_STEP_S = 0.05
_MOST_DRAG_ROWS = 6


class ReadingView(PieceView):
    """What a reader does with pieces."""

    ALLOW_SELECT = False

    _top: Place | None = None
    """What is at the top of the view."""

    _held: HeldText | None = None
    _press: HeldText | None = None
    """What lay under the pointer when the button went down."""

    _pointer = (0, 0)
    _is_dragging = False
    _has_dragged = False
    _drag_timer: Timer | None = None

    # -- the text stays where it is --------------------------------------------------------------

    def _show(self) -> None:
        """Above the view there may be other rows than before: what is at its top stays there."""
        if not self._is_following and self._top is not None and self._pieces.row_count:
            row = min(self._pieces.row_at(self._top), self._end_row)
            if row != self.scroll_y:
                self._move_to(row)
        self._keep_selection()
        super()._show()
        self._note_top()

    def _note_top(self) -> None:
        row = int(self.scroll_y)
        self._top = self._pieces.place(row) if 0 <= row < self._pieces.row_count else None

    def _move_to(self, row: int) -> None:
        super()._move_to(row)
        self._note_top()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """The reader has scrolled."""
        super().watch_scroll_y(old_value, new_value)
        self._note_top()

    def _lay_out_some(self) -> None:
        super()._lay_out_some()
        self._note_top()
        self._keep_selection()

    def _set_following(self, *, is_following: bool) -> None:
        super()._set_following(is_following=is_following and not self._is_dragging)

    # -- sideways --------------------------------------------------------------------------------

    @property
    def is_wrapped(self) -> bool:
        """Whether long lines and wide tables are wrapped as far as they can be."""
        return self._is_wrapped

    def toggle_wrap(self) -> None:
        """Wrap what was whole, or the other way round; the text at the top stays."""
        self._is_wrapped = not self._is_wrapped
        self._relayout()

    def shift(self, cells: int) -> bool:
        """Move the windows on all wide blocks in view to the right (negative: left). False: there is none."""
        top = self.scroll_offset.y
        return self._shift_rows(top, top + self.size.height - 1, cells)

    def _shift_rows(self, first: int, last: int, cells: int) -> bool:
        hidden: dict[tuple[str, ...], int] = {}
        for _, _, strip in self._pieces.rows(first, last):
            if isinstance(strip, SourceRow) and strip.window is not None:
                key = strip.window.key
                hidden[key] = max(hidden.get(key, 0), hidden_cells(strip))
        wide = {key: most for key, most in hidden.items() if most or key in self._shifts}
        for key, most in wide.items():
            now = self._shifts.get(key, 0)
            shift = max(now, min(now + cells, most)) if cells > 0 else max(0, min(now, most) + cells)
            if shift:
                self._shifts[key] = shift
            else:
                self._shifts.pop(key, None)
        if wide:
            self._paint()
        return bool(wide)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Shift and the wheel: sideways."""
        self._wheel(event, SHIFT_CELLS if event.shift else 0)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Shift and the wheel: sideways."""
        self._wheel(event, -SHIFT_CELLS if event.shift else 0)

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        """The wheel of those who have one for it."""
        self._wheel(event, SHIFT_CELLS)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        """The wheel of those who have one for it."""
        self._wheel(event, -SHIFT_CELLS)

    def _wheel(self, event: events.MouseEvent, cells: int) -> None:
        """Move the block under the pointer, alone."""
        if cells:
            event.stop()
            row = self.scroll_offset.y + event.screen_y - self.region.y
            self._shift_rows(row, row, cells)

    # -- selecting -------------------------------------------------------------------------------

    @property
    def has_dragged(self) -> bool:
        """Whether the button that was last pressed has selected something: then it was no click."""
        return self._has_dragged

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text as its source has it."""
        return selected_text(self._pieces, selection), "\n"

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """What is under the pointer may become the beginning of a selection."""
        self._has_dragged = False
        x, y = self._place_of(event)
        if event.button != 1 or not (0 <= x < self.scrollable_content_region.width and 0 <= y < self.size.height):
            return
        under = self._under(x, y)
        self._press = None if under is None else hold(self._pieces, between(under, under))
        self._pointer = (x, y)
        self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Select up to the pointer; beyond the edges the view is scrolled."""
        if self._press is None:
            return
        if not event.button:  # it was released where nobody told us
            self._end_drag()
            return
        place = self._place_of(event)
        if place == self._pointer and not self._is_dragging:
            return
        self._pointer = place
        self._has_dragged = self._is_dragging = True
        self._set_following(is_following=False)
        self._select_to_pointer()
        is_beyond = not 0 <= place[1] < self.size.height
        if is_beyond and self._drag_timer is None:
            self._drag_timer = self.set_interval(_DRAG_STEP_S, self._scroll_to_pointer)
        elif not is_beyond:
            self._stop_drag_timer()

    def on_mouse_up(self) -> None:
        """The selection stands."""
        self._end_drag()

    def on_hide(self) -> None:
        """No button is released on what is not there."""
        self._end_drag()

    def on_click(self, event: events.Click) -> None:
        """Twice: select the word."""
        under = self._under(*self._place_of(event))
        if event.chain == 2 and under is not None:
            row, char, _ = under
            start, end = word_at(self._pieces.row(row)[1], char)
            if end > start:
                self._select(between((row, start, end), (row, start, end)))

    def _end_drag(self) -> None:
        self._press = None
        self._is_dragging = False
        self._stop_drag_timer()
        self.release_mouse()

    def _stop_drag_timer(self) -> None:
        if self._drag_timer is not None:
            self._drag_timer.stop()
            self._drag_timer = None

    def _scroll_to_pointer(self) -> None:
        y = self._pointer[1]
        beyond = y if y < 0 else y - self.size.height + 1
        rows = max(-_MOST_DRAG_ROWS, min(beyond, _MOST_DRAG_ROWS))
        self.scroll_to(y=self.scroll_y + rows, animate=False, immediate=True)
        self._select_to_pointer()

    def _place_of(self, event: events.MouseEvent) -> tuple[int, int]:
        """Column and row of the view, which may be outside it."""
        return event.screen_x - self.region.x, event.screen_y - self.region.y

    def _under(self, x: int, y: int) -> RowSpan | None:
        """The characters at a place: at the beginning of the first row above the view, at the end below it."""
        if not self._pieces.row_count:
            return None
        height = self.size.height
        row = self.scroll_offset.y + min(max(0, y), height - 1)
        last = self._pieces.row_count - 1
        strip = self._pieces.row(min(row, last))[1]
        cell = -1 if y < 0 else strip.cell_length if y >= height or row > last else x - MARGIN_CELLS
        if 0 <= y < height and row <= last and isinstance(strip, SourceRow) and strip.window is not None:
            cell = cell_in_row(strip, cell, self._shifts.get(strip.window.key, 0))
        return (min(row, last), *characters_at(strip, cell))

    def _select_to_pointer(self) -> None:
        if self._press is None or (pressed := find(self._pieces, self._press)) is None:
            return
        under = self._under(*self._pointer)
        start, end = pressed
        if under is not None and start is not None and end is not None:
            self._select(between((start.y, start.x, end.x), under))

    def _select(self, selection: Selection) -> None:
        self._held = hold(self._pieces, selection)
        if self.screen.selections.get(self) != selection:
            self.screen.selections = {self: selection}

    def _keep_selection(self) -> None:
        """The same text is selected as before, wherever it stands now."""
        selection = self.text_selection
        if selection is None or self._held is None:
            return
        now = find(self._pieces, self._held)
        if now is None:
            self._held = None
            self.screen.selections = {}
        elif now != selection:
            self.screen.selections = {self: now}
