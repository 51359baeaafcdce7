"""Pieces that belong to messages: which messages there are, what is in them, how many versions, how to get there.

What a search or a jump needs of a conversation; nothing here costs more than the message it is about.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, Unpack

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from chat_tui.ui.render.pieces import Layout, Piece
from chat_tui.ui.render.rows import SourceRow, hidden_cells
from chat_tui.ui.theme import ChatTheme
from chat_tui.ui.widgets.piece_places import Place
from chat_tui.ui.widgets.piece_view import ViewSettings
from chat_tui.ui.widgets.reading_view import ReadingView
from chat_tui.ui.widgets.row_painter import MARGIN_CELLS
from chat_tui.ui.widgets.section import Section


class MessageView(ReadingView):
    """A scrolling view of messages. A section whose id is not that of a message is a line of ours."""

    def __init__(self, theme: ChatTheme, **settings: Unpack[ViewSettings]) -> None:
        super().__init__(theme, **settings)
        self._message_ids: list[int] = []
        self._sections: dict[int, Section] = {}
        self._versions: Mapping[int, tuple[int, int]] = {}
        self._marked_lines: dict[int, tuple[Strip, Strip]] = {}
        """By message: the line above it without and with the mark of its version."""

    # -- which messages there are ------------------------------------------------------------------

    @property
    def message_ids(self) -> Sequence[int]:
        """The messages shown, oldest first."""
        return self._message_ids

    def _add_section(self, section: Section) -> None:
        self._sections[section.message_id] = section
        self._message_ids.append(section.message_id)

    def _drop_sections(self, first: Section) -> list[int]:
        """Take a section and all below it away. Returns the messages that were there."""
        at = self._number_of(first)
        dropped = self._message_ids[at:]
        del self._message_ids[at:]
        for message_id in dropped:
            del self._sections[message_id]
        self._pieces.truncate_sections(first.index)
        return dropped

    def _clear_sections(self) -> None:
        self._message_ids.clear()
        self._sections.clear()
        self._pieces.truncate_sections(0)

    def _number_of(self, section: Section) -> int:
        """Which of the messages it is."""
        return bisect_left(self._message_ids, section.index, key=lambda known: self._sections[known].index)

    # -- what is in them ---------------------------------------------------------------------------

    @property
    def text_layout(self) -> Layout:
        """What pieces are laid out for now."""
        return self._pieces.layout

    def pieces_of(self, message_id: int) -> Sequence[Piece]:
        """The pieces of a message, in order, empty for one that is not here; nothing is laid out for it. All of
        its text is split first: some 20 ms for 100,000 characters. They are dropped again far from the view:
        whoever holds them holds what they were."""
        section = self._sections.get(message_id)
        if section is None:
            return ()
        if not section.rest_rows:
            return section.pieces
        with self._staying():
            return section.make_all()

    def rows_of(self, message_id: int, piece_index: int) -> list[Strip]:
        """The rows of one piece of a message as they are shown now, none when it is folded away. The other
        pieces stay as they are. Raises IndexError."""
        section = self._sections.get(message_id)
        if section is None:
            raise IndexError(piece_index)
        with self._staying():
            piece = section.make_all()[piece_index]
            section.lay_out(piece_index)
            return piece.rows

    def place_at(self, y: int) -> tuple[int, int, int] | None:
        """What stands in line `y` of the view, or where the end is above that: message, piece of it, row of that.
        For a line of ours the message above it; None when there is none."""
        if not self._pieces.row_count:
            return None
        row = min(max(0, int(self.scroll_y) + y), self._pieces.row_count - 1)
        place = self._pieces.place(row)
        for number in range(place.section, -1, -1):
            section = self._pieces.sections[number]
            if section.message_id in self._sections and section.piece_count:
                if number == place.section:
                    return section.message_id, place.piece, place.row
                last = section.piece_count - 1
                return section.message_id, last, max(0, section.peek(last).height - 1)
        return None

    # -- versions ----------------------------------------------------------------------------------

    def show_versions(self, versions: Mapping[int, tuple[int, int]]) -> None:
        """Mark the messages that have others beside them: which of how many each is, from 1. The mark is drawn on
        the blank row above a message: it moves nothing and is no part of any text."""
        if versions != self._versions:
            self._versions = versions
            self._marked_lines.clear()
            self._paint()

    def _lines(self) -> list[Strip]:
        lines = super()._lines()
        is_made_by_line = self.has_marks or self.text_selection is not None
        if self._versions and not is_made_by_line:
            for y, message_id in self._version_rows():
                lines[y] = self._with_version(lines[y], message_id)
        return lines

    def render_line(self, y: int) -> Strip:
        """One line of the view."""
        line = super().render_line(y)
        message_id = dict(self._version_rows()).get(y) if self._versions else None
        return line if message_id is None else self._with_version(line, message_id)

    def _version_rows(self) -> Iterator[tuple[int, int]]:
        """Line of the view and message, for each with versions that begins in view and not under the badge."""
        pieces, top = self._pieces, self.top_row
        end = self.size.height - bool(self._badge)
        if not 0 <= top < pieces.row_count:
            return
        for number in range(pieces.place(top).section, len(pieces.sections)):
            section = pieces.sections[number]
            y = pieces.row_at(Place(number, 0, 0)) - top
            if y >= end:
                return
            if y >= 0 and section.message_id in self._versions and len(section) and section.height:
                yield y, section.message_id

    def _with_version(self, line: Strip, message_id: int) -> Strip:
        """The line with [ 2/3 ] where the measure ends; the same one as long as the line is."""
        known = self._marked_lines.get(message_id)
        if known is None or known[0] is not line:
            number, total = self._versions[message_id]
            context = self._pieces.layout.context
            styles, end = context.styles, MARGIN_CELLS + min(context.width, context.measure_columns)
            before = (styles.dim if number > 1 else styles.rule) + Style(meta={"version": -1})
            behind = (styles.dim if number < total else styles.rule) + Style(meta={"version": 1})
            label = Segment("[ ", before), Segment(f"{number}/{total}", styles.dim), Segment(" ]", behind)
            known = self._marked_lines[message_id] = line, self._rows.with_label(line, label, end)
        return known[1]

    # -- going there -------------------------------------------------------------------------------

    def reveal(
        self,
        message_id: int,
        piece_index: int = 0,
        row_in_piece: int = 0,
        *,
        align: Literal["top", "middle", "nearest"] = "nearest",
    ) -> None:
        """Scroll a row of a piece to the top of the view, or only when it is not in view: with rows around it
        (middle) or as far as it takes to see it (nearest). The view follows afterwards only when that is its end.
        A message or piece that is not here changes nothing."""
        section, pieces, anchor = self._sections.get(message_id), self._pieces, self._anchor()
        if section is None or not 0 <= piece_index < len(section.make_all()):
            return
        height = max(1, self.size.height)
        pieces.lay_out_above(Place(section.index, piece_index, 0), height)
        row_in_piece = min(row_in_piece, max(0, section.lay_out(piece_index) - 1))
        row = pieces.row_at(Place(section.index, piece_index, row_in_piece))
        view_top = self._end_row if anchor is None else pieces.row_at(anchor)
        if align != "top" and view_top <= row < view_top + height:
            row = view_top
        elif align == "middle":
            row -= height // 3
        elif align == "nearest" and row > view_top:
            row -= height - 1
        self._go_to(pieces.place(min(max(0, row), pieces.row_count - 1)))

    def reveal_chars(self, message_id: int, piece_index: int, row_in_piece: int, start: int, end: int) -> None:
        """Move the window on a row that is wider than the screen so far that these characters are seen."""
        rows = self.rows_of(message_id, piece_index)
        row = rows[row_in_piece] if row_in_piece < len(rows) else None
        if not isinstance(row, SourceRow) or row.window is None:
            return
        key, cells = row.window.key, row.window.cells
        first, last = (cell_len(row.text[row.start : char]) for char in (start, end))
        shift = self._shifts.get(key, 0)
        if first < shift + 1 or last > shift + cells - 1:
            self._shifts[key] = max(0, min(first - cells // 3, hidden_cells(row)))
            self._paint()

    def _line_of(self, section: Section) -> int:
        """The line of the view a message begins in; 0 when it begins above, or below the view."""
        y = self._pieces.row_at(Place(section.index, 0, 0)) - self.top_row
        return y if 0 <= y < self.size.height else 0

    def _put_in_line(self, section: Section, y: int) -> None:
        """Let a message begin in a line of the view, as far as beginning and end of everything let it."""
        pieces, start, height = self._pieces, Place(section.index, 0, 0), self.size.height
        if not pieces.row_count:
            self.follow()
            return
        pieces.lay_out_above(start, height)
        pieces.lay_out_window(pieces.row_at(start), height)
        self._go_to(pieces.place(min(max(0, pieces.row_at(start) - y), pieces.row_count - 1)))

    def _reveal_whole(self, message_id: int) -> None:
        """Bring a whole message into view, or its beginning to the top when it is not."""
        pieces, section, height = self._pieces, self._sections[message_id], self.size.height
        if not section.piece_count:
            return
        anchor = self._anchor()
        start = Place(section.index, 0, 0)
        pieces.lay_out_above(start, height)
        pieces.lay_out_window(pieces.row_at(start), height)
        top = pieces.row_at(start)
        view_top = self._end_row if anchor is None else pieces.row_at(anchor)
        is_seen = view_top <= top and top + section.height <= view_top + height
        self._go_to(pieces.place(min(view_top, pieces.row_count - 1)) if is_seen else start)

    def _go_to(self, place: Place) -> None:
        """Put a place at the top of the view, or as far up as the end lets it come."""
        height = self.size.height
        self._pieces.lay_out_window(self._pieces.row_at(place), height)
        row = self._pieces.row_at(place)
        self._set_following(is_following=row >= self._end_row)
        if row >= self._end_row:
            self._pieces.lay_out_end(height)
            row = self._end_row
        self._update_size()
        self._move_to(row)
        self._paint()
        self._go_on_when_idle()
