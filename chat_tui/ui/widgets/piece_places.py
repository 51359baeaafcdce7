"""Where the pieces of a transcript are: by number, by section and piece, by row.

Numbers of pieces count over all sections (`find`, `top`, `[index]`); they hold until a section is made or dropped.
A `Place` holds longer.
"""

from __future__ import annotations

from typing import NamedTuple

from chat_tui.ui.render.pieces import Piece
from chat_tui.ui.widgets.height_index import HeightIndex
from chat_tui.ui.widgets.section import Section


class Place(NamedTuple):
    """A row by the section and the piece it is in; it stays right when heights above it change."""

    section: int
    piece: int
    row: int


class PiecePlaces:
    """Sections in order; their heights and numbers of pieces are kept in step by who changes them."""

    def __init__(self) -> None:
        self.sections: list[Section] = []
        self._heights = HeightIndex()
        self._counts = HeightIndex()

    def __len__(self) -> int:
        return self._counts.total

    def __getitem__(self, index: int) -> Piece:
        section, piece = self._counts.find(index)
        return self.sections[section].peek(piece)

    @property
    def row_count(self) -> int:
        """All rows."""
        return self._heights.total

    def top(self, index: int) -> int:
        """The row a piece begins at."""
        if index >= len(self):
            return self.row_count
        section, piece = self._counts.find(index)
        return self._heights.top(section) + self.sections[section].top(piece)

    def key(self, index: int) -> tuple[int, int]:
        """What `index_of` finds a piece by, however many pieces there are above it by then."""
        return self._counts.find(index)

    def index_of(self, key: tuple[int, int]) -> int:
        """The number of a piece now. Its section is made when it was dropped; `len` when it is not there."""
        number, piece = key
        if number >= len(self.sections):
            return len(self)
        section = self.sections[number]
        if piece >= len(section):
            section.make_all()
        return self._counts.top(number) + min(piece, section.piece_count)

    def find(self, row: int) -> tuple[int, int]:
        """Piece and row inside it. Raises IndexError outside."""
        place = self.place(row)
        return self._counts.top(place.section) + place.piece, place.row

    def place(self, row: int) -> Place:
        """Where a row is. Raises IndexError outside."""
        index, offset = self._heights.find(row)
        return Place(index, *self.sections[index].find(offset))

    def row_at(self, place: Place) -> int:
        """The row of a place now, the last one at most."""
        if place.section >= len(self.sections):
            return self.row_count
        section = self.sections[place.section]
        is_folded = place.piece < len(section) and section.pieces[place.piece].is_hidden
        offset = 0 if is_folded else place.row
        row = self._heights.top(place.section) + section.top(place.piece) + offset
        return max(0, min(row, self.row_count - 1))

    def clamped(self, place: Place) -> Place:
        """The place, or the last row of its piece when that has become shorter than the place says."""
        section = self.sections[place.section]
        height = section.rest_rows if place.piece >= len(section) else section.pieces[place.piece].height
        return place._replace(row=min(place.row, max(0, height - 1)))
