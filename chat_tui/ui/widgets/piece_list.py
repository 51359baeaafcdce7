"""The pieces of a transcript and where they are, on two levels: messages (sections), and the pieces of each.

Only what is in view and a few screens around it is laid out; everywhere else heights are guesses or what they
were when last seen. Laying out all of a thousand messages after every resize would be seconds of CPU for a
scrollbar that is right to the cell; nobody sees the difference, because whoever looks at a place gets it exact,
and the text at the top of the view stays where it is while rows above it become more or fewer. So idle work ends
soon, and what is far from the view is dropped again: memory is the text, not the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from textual.strip import Strip

from chat_tui.ui.render.pieces import BLANK, Layout, Piece
from chat_tui.ui.widgets.piece_places import PiecePlaces, Place
from chat_tui.ui.widgets.section import SLICE_CHARS, Section

AT_ONCE_CHARS: Final = 4 * SLICE_CHARS
"""How much text may be split before a frame; what is seen of more is split when idle."""

NEAR_SCREENS: Final = 2
"""How far around the view idle work lays out, and twice as far rows are kept."""

_SWEEP_PIECES: Final = 64
"""After so many laid out pieces those are dropped that are far from the view."""

_WHOLE_STEP: Final = 1_000
"""Pieces: splitting a slice of a long text is a step of its own, it moves everything below."""


class PieceList(PiecePlaces):
    """Sections in order, with their rows."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.layout = layout
        self._view: Place | int | None = None
        """Where the view begins: a place; a row of what is not split yet; None for as low as it can be."""
        self._view_rows = 0
        self._laid_out: dict[tuple[int, int], None] = {}
        """Section and piece of everything that may have rows."""
        self._opened: dict[int, None] = {}
        """The sections that may have pieces they can do without."""
        self._since_sweep = 0

    # -- content -----------------------------------------------------------------------------------

    def add_section(self, message_id: int) -> Section:
        """A new message at the end, still empty."""
        section = Section(self, len(self.sections), message_id)
        self.sections.append(section)
        self._heights.append(0)
        self._counts.append(0)
        return section

    def append(self, piece: Piece, *, is_laid_out: bool = True) -> None:
        """A section of one piece at the end."""
        self.add_section(piece.owner_id).append(piece, is_laid_out=is_laid_out)

    def changed(self, index: int) -> None:
        """Lay a piece out again after it was changed."""
        number, piece = self._counts.find(index)
        self.sections[number].changed(piece)

    def truncate(self, count: int) -> None:
        """Keep the first `count` pieces."""
        if count < len(self):
            number, piece = self._counts.find(count)
            self.sections[number].truncate(piece)
            self.truncate_sections(number + 1)

    def truncate_sections(self, count: int) -> None:
        """Keep the first `count` sections."""
        del self.sections[count:]
        self._heights.truncate(count)
        self._counts.truncate(count)
        self._laid_out = {key: None for key in self._laid_out if key[0] < count}
        self._opened = {number: None for number in self._opened if number < count}

    def section_changed(self, section: Section) -> None:
        """Part of SectionHost."""
        self._heights.update(section.index, section.height)
        self._counts.update(section.index, section.piece_count)

    def piece_rendered(self, section: Section, index: int) -> None:
        """Part of SectionHost."""
        self._laid_out[section.index, index] = None
        self._since_sweep += 1

    def section_opened(self, section: Section) -> None:
        """Part of SectionHost."""
        self._opened[section.index] = None
        self._since_sweep += 1

    def set_layout(self, layout: Layout) -> None:
        """All pieces are stale from now on; their heights stay as guesses."""
        self.layout = layout

    # -- layout ------------------------------------------------------------------------------------

    def lay_out(self, index: int) -> None:
        """Make one piece exact."""
        number, piece = self._counts.find(index)
        section = self.sections[number]
        if piece >= len(section):
            section.make_all()
        section.lay_out(piece)

    def lay_out_window(self, first_row: int, row_count: int) -> None:
        """The view shows rows from `first_row` on: make exact what is seen from the top of its piece on."""
        if not self.row_count:
            return
        row = max(0, min(first_row, self.row_count - 1))
        place, budget = self.place(row), AT_ONCE_CHARS
        section = self.sections[place.section]
        while place.piece >= len(section) and section.rest_rows and budget > 0:
            budget -= section.make(SLICE_CHARS)
            row = min(row, self.row_count - 1)
            place = self.place(row)
            section = self.sections[place.section]
        self._walk_down(place, row_count + place.row, budget)
        is_split = place.piece < len(self.sections[place.section])
        self._view, self._view_rows = place if is_split else row, row_count
        self.sweep()

    def move_window(self, old_row: int, new_row: int, row_count: int) -> int:
        """The view goes from one row to another. Returns the row it has to begin at to have moved exactly so far
        (or to be at the very beginning), now that what lies between is exact; far away any place is as good."""
        if self.row_count and new_row > 0 and abs(new_row - old_row) <= NEAR_SCREENS * row_count:
            anchor = self.place(max(0, min(old_row, self.row_count - 1)))
            if anchor.piece < len(self.sections[anchor.section]):
                if new_row < old_row:
                    self.lay_out_above(anchor, old_row - new_row)
                else:
                    self._walk_down(anchor, anchor.row + new_row - old_row + row_count, AT_ONCE_CHARS)
                new_row = max(0, self.row_at(anchor) + new_row - old_row)
        self.lay_out_window(new_row, row_count)
        return new_row

    def lay_out_end(self, row_count: int) -> None:
        """The view shows the end: make the last pieces exact that fill `row_count` rows."""
        self.lay_out_above(Place(len(self.sections), 0, 0), row_count)
        self._view, self._view_rows = None, row_count
        self.sweep()

    def lay_out_above(self, place: Place, row_count: int) -> None:
        """Make the pieces exact that fill `row_count` rows above the piece of a place."""
        seen, budget = 0, AT_ONCE_CHARS
        for section, index in self._above(place):
            if index < 0:
                while section.rest_rows and budget > 0:
                    budget -= section.make(SLICE_CHARS)
            elif seen >= row_count:
                return
            else:
                seen += section.rest_rows if index >= len(section) else section.lay_out(index)

    def _walk_down(self, place: Place, row_count: int, budget: int) -> None:
        seen, index = 0, place.piece
        for number in range(place.section, len(self.sections)):
            section = self.sections[number]
            while seen < row_count:
                if index < len(section):
                    seen += section.lay_out(index)
                    index += 1
                elif section.rest_rows and budget > 0:
                    budget -= section.make(SLICE_CHARS)
                else:
                    seen += section.rest_rows
                    break
            if seen >= row_count:
                return
            index = 0

    def _above(self, place: Place) -> Iterator[tuple[Section, int]]:
        """Upwards from a place: each section that is entered (with -1; it may be made then), its rest if it has
        one, and its pieces."""
        index = place.piece
        for number in range(min(place.section, len(self.sections) - 1), -1, -1):
            section = self.sections[number]
            if number != place.section:
                yield section, -1
                index = section.piece_count
            for at in range(min(index, section.piece_count) - 1, -1, -1):
                yield section, at

    def lay_out_some(self, piece_count: int) -> bool:
        """Make up to `piece_count` more pieces exact near the view. Returns whether stale ones remain there."""
        if not self.row_count:
            return False
        near_rows = max(1, self._view_rows) * (1 + NEAR_SCREENS)
        for cost in self._stale_near(self.view, near_rows):
            piece_count -= cost
            if piece_count <= 0:
                return True
        self.sweep()
        return False

    def _stale_near(self, view: Place, near_rows: int) -> Iterator[int]:
        """One piece of work after the other: what is seen, then below, then above. Yields its cost."""
        seen, index = 0, view.piece
        for number in range(view.section, len(self.sections)):
            section = self.sections[number]
            while seen < near_rows:
                if index < len(section):
                    if not section.is_exact(index):
                        yield _cost_of(section, index)
                    seen += section.pieces[index].height
                    index += 1
                elif section.rest_rows:
                    yield _slice_of(section)
                else:
                    break
            if seen >= near_rows:
                break
            index = 0
        seen = 0
        for section, index in self._above(view):
            if index < 0:
                while section.rest_rows:
                    yield _slice_of(section)
                continue
            if seen >= near_rows:
                return
            if not section.is_exact(index):
                yield _cost_of(section, index)
            seen += section.pieces[index].height

    @property
    def view(self) -> Place:
        """Where the view begins. Raises IndexError when there are no rows."""
        view = self._view
        if isinstance(view, Place) and view.section < len(self.sections):
            return view
        row = view if isinstance(view, int) else self.row_count - max(1, self._view_rows)
        return self.place(max(0, min(row, self.row_count - 1)))

    @property
    def is_rest_in_view(self) -> bool:
        """Whether rows are seen whose text is not split yet."""
        if not self.row_count:
            return False
        first = self.view
        last = self.place(min(self.row_count - 1, self.row_at(first) + self._view_rows))
        return any(self.sections[number].rest_rows for number in range(first.section, last.section + 1))

    def lay_out_all(self) -> None:
        """Make everything exact: seconds for a long conversation."""
        for section in self.sections:
            for index in range(len(section.make_all())):
                section.lay_out(index)

    def sweep(self) -> None:
        """Drop rows, and pieces of whole messages, that are far from the view."""
        if self._since_sweep < _SWEEP_PIECES or not self.row_count:
            return
        self._since_sweep = 0
        first, last = self._kept()
        near: dict[tuple[int, int], None] = {}
        for key in self._laid_out:
            section = self.sections[key[0]]
            if first <= key <= last:
                near[key] = None
            elif key[1] < len(section):
                section.pieces[key[1]].forget_rows()
        self._laid_out = near
        for number in list(self._opened):
            if not first[0] <= number <= last[0] and self.sections[number].close():
                del self._opened[number]

    def _kept(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Section and piece of the first and the last piece whose rows are kept."""
        top = self.row_at(self.view)
        rows = max(1, self._view_rows)
        first = self.place(max(0, top - 2 * NEAR_SCREENS * rows))
        last = self.place(min(self.row_count - 1, top + rows + 2 * NEAR_SCREENS * rows))
        return first[:2], last[:2]

    # -- rows --------------------------------------------------------------------------------------

    def row(self, row: int) -> tuple[Piece | None, Strip]:
        """One row and the piece it belongs to; blank below the end."""
        if not 0 <= row < self.row_count:
            return None, BLANK
        place = self.place(row)
        if place.piece >= len(section := self.sections[place.section]) and section.is_short:
            section.make(SLICE_CHARS)
            place = self.place(min(row, self.row_count - 1))
        return self.sections[place.section].row(place.piece, place.row)

    def rows(self, first: int, last: int) -> Iterator[tuple[Piece, int, Strip]]:
        """Piece, row inside it and strip of the rows `first` to `last`, both included. What is only laid out now
        is exact, whatever was guessed: when `last` is the last row, all rows come to the end."""
        if not self.row_count or last < first or first >= self.row_count:
            return
        at = self.place(max(0, first))
        end = None if last >= self.row_count - 1 else self.place(last)
        for number in range(at.section, len(self.sections)):
            section = self.sections[number]
            index = at.piece if number == at.section else 0
            while index < section.piece_count:
                if index >= len(section):
                    section.make(SLICE_CHARS)
                    continue
                was_exact = section.is_exact(index)
                section.lay_out(index)
                piece = section.pieces[index]
                rows = piece.rows
                start = at.row if (number, index) == at[:2] else 0
                for offset in range(start, len(rows)):
                    if end is not None and (number, index, offset) > end:
                        return
                    yield piece, offset, rows[offset]
                if not was_exact:
                    piece.forget_rows()
                index += 1
            if end is not None and number >= end.section:
                return
            self.sweep()


def _slice_of(section: Section) -> int:
    section.make(SLICE_CHARS)
    return _WHOLE_STEP


def _cost_of(section: Section, index: int) -> int:
    section.lay_out(index)
    return 1
