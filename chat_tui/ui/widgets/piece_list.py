"""The pieces of a transcript and where they are: layout from what is visible outwards.

Heights of pieces that were not laid out yet are guesses; they become exact when the piece is shown or when
`lay_out_some` gets to it. The rows of a piece that is exact never change without `changed`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from textual.strip import Strip

from chat_tui.core.blocks import Block
from chat_tui.ui.render.pieces import BLANK, BlockPiece, Layout, Piece
from chat_tui.ui.widgets.height_index import HeightIndex


class PieceList:
    """Pieces in order, with their rows."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._pieces: list[Piece] = []
        self._heights = HeightIndex()
        self._stale_from = 0
        """Every piece below this index is exact; idle work goes on from here."""
        self._first_changed: int | None = None

    def __len__(self) -> int:
        return len(self._pieces)

    def __getitem__(self, index: int) -> Piece:
        return self._pieces[index]

    @property
    def row_count(self) -> int:
        """All rows."""
        return self._heights.total

    def top(self, index: int) -> int:
        """The row a piece begins at."""
        return self._heights.top(index)

    def find(self, row: int) -> tuple[int, int]:
        """Piece and row inside it. Raises IndexError outside."""
        return self._heights.find(row)

    def append(self, piece: Piece, *, is_laid_out: bool = True) -> None:
        """Add at the end; a long history is added without laying it out."""
        if is_laid_out:
            piece.lay_out(self.layout)
        self._pieces.append(piece)
        self._heights.append(piece.height)

    def truncate(self, count: int) -> None:
        """Keep the first `count` pieces."""
        del self._pieces[count:]
        self._heights.truncate(count)
        self._stale_from = min(self._stale_from, count)

    def changed(self, index: int) -> None:
        """Lay a piece out again after it was changed."""
        self._first_changed = index if self._first_changed is None else min(index, self._first_changed)
        piece = self._pieces[index]
        piece.invalidate()
        self._heights.update(index, piece.lay_out(self.layout))

    def take_first_changed(self) -> int:
        """The first piece that `changed` named since the last call; the number of pieces when there was none."""
        first, self._first_changed = self._first_changed, None
        return len(self._pieces) if first is None else min(first, len(self._pieces))

    def set_layout(self, layout: Layout) -> None:
        """All pieces are stale from now on; their heights stay as guesses."""
        self.layout = layout
        self._stale_from = 0

    def lay_out(self, index: int) -> int:
        """Make one piece exact. Returns by how many rows it grew."""
        before = self._heights[index]
        height = self._pieces[index].lay_out(self.layout)
        if height != before:
            self._heights.update(index, height)
        return height - before

    def lay_out_window(self, first_row: int, row_count: int) -> None:
        """Make all pieces exact that are seen from the top of the piece at `first_row` on."""
        if not self._pieces or not self.row_count:
            return
        index, offset = self.find(min(first_row, self.row_count - 1))
        seen = -offset
        while index < len(self._pieces) and seen < row_count:
            self.lay_out(index)
            seen += self._heights[index]
            index += 1

    def lay_out_end(self, row_count: int) -> None:
        """Make the last pieces exact that fill `row_count` rows."""
        self.lay_out_above(len(self._pieces), row_count)

    def lay_out_above(self, index: int, row_count: int) -> None:
        """Make the pieces exact that fill `row_count` rows above the piece at `index`."""
        seen = 0
        while index > 0 and seen < row_count:
            index -= 1
            self.lay_out(index)
            seen += self._heights[index]

    def lay_out_some(self, piece_count: int) -> bool:
        """Make up to `piece_count` more pieces exact, in order. Returns whether stale ones remain."""
        done = 0
        while self._stale_from < len(self._pieces) and done < piece_count:
            if self._pieces[self._stale_from].stamp != self.layout.stamp:
                self.lay_out(self._stale_from)
                done += 1
            self._stale_from += 1
        return self._stale_from < len(self._pieces)

    def row(self, row: int) -> tuple[Piece | None, Strip]:
        """One row and the piece it belongs to; blank below the end."""
        if not 0 <= row < self.row_count:
            return None, BLANK
        index, offset = self.find(row)
        piece = self._pieces[index]
        self.lay_out(index)
        return piece, piece.rows[offset] if offset < len(piece.rows) else BLANK

    def rows(self, first: int, last: int) -> Iterator[tuple[Piece, int, Strip]]:
        """Piece, row inside it and strip of the rows `first` to `last`, both included."""
        for row in range(max(0, first), min(last, self.row_count - 1) + 1):
            index, offset = self.find(row)
            piece = self._pieces[index]
            self.lay_out(index)
            yield piece, offset, piece.rows[offset] if offset < len(piece.rows) else BLANK

    def code_starts(self, owner_id: int) -> Iterator[int]:
        """Where the code blocks of a message begin."""
        for index, piece in enumerate(self._pieces):
            if piece.owner_id == owner_id and isinstance(piece, BlockPiece) and piece.is_code_start:
                yield index

    def code(self, index: int) -> str:
        """The whole source of the code block that begins at a piece, all its pages."""
        pages: list[Block] = []
        for piece in islice(self._pieces, index, None):
            if not isinstance(piece, BlockPiece) or (pages and piece.block.previous is not pages[-1]):
                break
            pages.append(piece.block)
        return "".join(page.text for page in pages)
