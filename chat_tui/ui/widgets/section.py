"""One message's share of a transcript: its pieces and their heights, made when they are needed.

A message nobody has looked at costs its text and a guess of its height. When it comes near the view its pieces
are made from the text, a bounded slice at a time; what is not split yet stands below them as rows to come. Far
from the view the pieces of a short message are dropped again, and their heights kept; a long one, which would
take several slices to split anew, keeps its blocks and only drops their rows.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from rich.segment import Segment
from textual.strip import Strip

from chat_tui.core.blocks import Block, BlockKind
from chat_tui.ui.render.block_pieces import BlockPiece, TailPiece
from chat_tui.ui.render.context import RenderContext
from chat_tui.ui.render.pieces import BLANK, Layout, Piece
from chat_tui.ui.widgets.height_index import HeightIndex

SLICE_CHARS: Final = 8_192
"""How much text is split in one step: a millisecond or two."""


class PieceMaker(Protocol):
    """Makes the pieces of one message from its text, the same ones however often it is asked."""

    @property
    def chars(self) -> int:
        """The length of the text."""
        ...

    def guess_rows(self, width: int) -> int:
        """How many rows it may have, from its length and its newlines."""
        ...

    def steps(self) -> Iterator[int]:
        """Append the pieces to the section; yields after each slice how many characters that was."""
        ...

    def release(self) -> None:
        """The pieces are dropped; remember what the next ones are made from."""
        ...


class SectionHost(Protocol):
    """The list a section stands in."""

    @property
    def layout(self) -> Layout:
        """What pieces are laid out for."""
        ...

    def section_changed(self, section: Section) -> None:
        """Its height or the number of its pieces may be another."""
        ...

    def piece_rendered(self, section: Section, index: int) -> None:
        """A piece has rows now that it had not."""
        ...

    def section_opened(self, section: Section) -> None:
        """It has pieces now that it can drop again."""
        ...


class RestPiece(Piece):
    """Rows of text that is not split yet; seen for moments, in very long messages only."""

    def render(self, context: RenderContext) -> list[Strip]:
        """One row; it stands for all of them."""
        return [Strip([Segment("⋯", context.styles.dim)], 1)]


class Section:
    """The pieces of one message, in order. `index` is its place among the messages."""

    __slots__ = (
        "_guess_rows",
        "_heights",
        "_host",
        "_is_making",
        "_known_heights",
        "_left_chars",
        "_maker",
        "_steps",
        "index",
        "message_id",
        "pieces",
        "rest_rows",
    )

    def __init__(self, host: SectionHost, index: int, message_id: int) -> None:
        self.index = index
        self.message_id = message_id
        self.pieces: list[Piece] = []
        self.rest_rows = 0
        """A guess of the rows of what is not split yet; 0 when everything is."""
        self._host = host
        self._heights = HeightIndex()
        self._maker: PieceMaker | None = None
        self._steps: Iterator[int] | None = None
        self._is_making = False
        self._left_chars = self._guess_rows = 0
        self._known_heights: tuple[int, array[int]] | None = None

    @property
    def height(self) -> int:
        """All its rows."""
        return self._heights.total + self.rest_rows

    @property
    def piece_count(self) -> int:
        """Its pieces; the rest counts as one."""
        return len(self.pieces) + bool(self.rest_rows)

    def top(self, index: int) -> int:
        """The row inside the section a piece begins at; the rest stands below the last."""
        return self._heights.top(min(index, len(self.pieces)))

    def find(self, row: int) -> tuple[int, int]:
        """Piece and row inside it; `len(pieces)` is the rest. Raises IndexError outside."""
        made_rows = self._heights.total
        if made_rows <= row < made_rows + self.rest_rows:
            return len(self.pieces), row - made_rows
        return self._heights.find(row)

    def peek(self, index: int) -> Piece:
        """A piece as it is; one that stands for the rest behind the last."""
        if index < len(self.pieces):
            return self.pieces[index]
        rest = RestPiece(self.message_id)
        rest.height = self.rest_rows
        return rest

    def row(self, index: int, offset: int) -> tuple[Piece, Strip]:
        """A piece, laid out now, and one of its rows."""
        piece = self.peek(index)
        if index < len(self.pieces):
            self.lay_out(index)
            return piece, piece.rows[offset] if offset < len(piece.rows) else BLANK
        return piece, piece.render(self._host.layout.context)[0]

    # -- pieces ------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.pieces)

    def append(self, piece: Piece, *, is_laid_out: bool = True) -> None:
        """Add below the others."""
        self.pieces.append(piece)
        self._heights.append(0 if is_laid_out else piece.height)
        if is_laid_out:
            self.lay_out(len(self.pieces) - 1)
        self._changed()

    def truncate(self, count: int) -> None:
        """Keep the first `count` pieces."""
        del self.pieces[count:]
        self._heights.truncate(count)
        self._changed()

    def changed(self, index: int) -> None:
        """Lay a piece out again after it was changed."""
        self.pieces[index].invalidate()
        self.lay_out(index)

    def guess_again(self, index: int) -> None:
        """A piece was changed and nobody has to see it at once; its `height` is a guess."""
        piece = self.pieces[index]
        piece.invalidate()
        self._heights.update(index, piece.height)
        self._changed()

    def lay_out(self, index: int) -> int:
        """Make one piece exact. Returns its height, rows."""
        piece = self.pieces[index]
        layout = self._host.layout
        if piece.stamp != layout.stamp:
            piece.lay_out(layout)
            self._host.piece_rendered(self, index)
        if piece.height != self._heights[index]:
            self._heights.update(index, piece.height)
            self._changed()
        return piece.height

    def is_exact(self, index: int) -> bool:
        """Whether a piece is laid out."""
        return self.pieces[index].stamp == self._host.layout.stamp

    def _changed(self) -> None:
        if not self._is_making:
            self._host.section_changed(self)

    # -- making and dropping -----------------------------------------------------------------------

    def make_later(self, maker: PieceMaker) -> None:
        """Its pieces are made from a text when somebody looks."""
        self._maker = maker
        self.rest_rows = max(1, maker.guess_rows(self._host.layout.context.width))
        self._changed()

    def can_be_made_again(self, maker: PieceMaker) -> None:
        """What was fed is complete now: from here on it may be dropped."""
        self._maker = maker
        self._host.section_opened(self)

    def make(self, budget_chars: int) -> int:
        """Split more of the text, whole slices until the budget is used or all is done. Returns the characters."""
        if not self.rest_rows or self._maker is None:
            return 0
        if self._steps is None:
            self._guess_rows, self._left_chars = self.rest_rows, self._maker.chars
            self._steps = self._maker.steps()
            self._host.section_opened(self)
        used = 0
        self._is_making = True
        try:
            while used < budget_chars:
                chars = next(self._steps, None)
                if chars is None:
                    self._complete()
                    break
                used += max(1, chars)
                self._left_chars -= chars
            else:
                self.rest_rows = max(1, self._guess_rows * self._left_chars // max(1, self._maker.chars))
        finally:
            self._is_making = False
        self._changed()
        return used

    def make_all(self) -> list[Piece]:
        """Split all of the text now. Returns the pieces, a list of its own when they are dropped."""
        while self.make(SLICE_CHARS):
            pass
        return self.pieces

    def _complete(self) -> None:
        self.rest_rows = 0
        self._steps = None
        known, self._known_heights = self._known_heights, None
        if known is not None and known[0] == self._host.layout.stamp and len(known[1]) == len(self.pieces):
            for index, height in enumerate(known[1]):
                self.pieces[index].height = height
                self._heights.update(index, height)

    @property
    def is_short(self) -> bool:
        """Whether its pieces are made again in one step."""
        return self._maker is not None and self._maker.chars <= SLICE_CHARS

    def close(self) -> bool:
        """Drop the pieces and keep their heights, if they are quickly made again. Returns whether they are gone."""
        maker = self._maker
        if maker is None or not self.is_short or self.rest_rows or not self.pieces:
            return False
        maker.release()
        heights = [self._heights[index] for index in range(len(self.pieces))]
        self._known_heights = self._host.layout.stamp, array("L", heights)
        self.rest_rows = max(1, self._heights.total)
        self.pieces = []
        self._heights = HeightIndex()
        self._changed()
        return True

    # -- code --------------------------------------------------------------------------------------

    def codes(self) -> Iterator[str]:
        """The source of each code block, as far as it has come where it still grows."""
        for index, piece in enumerate(self.pieces):
            if isinstance(piece, BlockPiece) and not piece.is_code_start:
                continue
            for number, block in enumerate(_blocks_of(piece)):
                if block.kind is BlockKind.CODE and block.page == 0:
                    yield self._code(index, number)

    def code(self, index: int, row: int = 0) -> str:
        """The whole source of the code block that begins at a row of a piece, all its pages so far."""
        piece = self.pieces[index]
        return self._code(index, piece.block_at(row) if isinstance(piece, TailPiece) else 0)

    def _code(self, index: int, number: int) -> str:
        return "".join(_pages(self.pieces, index, number))


def _blocks_of(piece: Piece) -> Sequence[Block]:
    if isinstance(piece, BlockPiece):
        return (piece.block,)
    return piece.blocks if isinstance(piece, TailPiece) else ()


def _pages(pieces: Sequence[Piece], index: int, number: int) -> Iterator[str]:
    """The source of a block that begins as block `number` of a piece, page by page."""
    previous: Block | None = None
    for at in range(index, len(pieces)):
        blocks = _blocks_of(pieces[at])[number:]
        number = 0
        for block in blocks:
            if previous is not None and block.previous is not previous:
                return
            yield _code_so_far(block) if isinstance(pieces[at], TailPiece) else block.text
            previous = block
        if not blocks:
            return


def _code_so_far(block: Block) -> str:
    """The text of a block in the tail without the newline that its last line does not have yet."""
    return block.text if block.source.endswith(("\n", "\r")) else block.text.removesuffix("\n")


def guess_rows(text: str, width: int) -> int:
    """About how many rows a text has: lines, and what they are wider than the screen."""
    return 1 + text.count("\n") + len(text) // max(1, width)
