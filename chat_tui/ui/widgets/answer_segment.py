"""A run of reasoning or of text in an answer: what splits it, its growing tail, and its settled blocks by pages.

Blocks far above the tail are kept as the text they were made of and split again when they are looked at: memory is
the text, not the blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chat_tui.core.block_page import MAX_PAGE_CHARS, PAGE_CHARS, BlockPage, can_begin_page
from chat_tui.ui.render.block_pieces import BlockPiece, TailPiece

if TYPE_CHECKING:
    from chat_tui.core.splitter import BlockSplitter


def new_splitter() -> BlockSplitter:
    """What a text is split with, loaded for the first answer: after the first paint."""
    from chat_tui.core.splitter import BlockSplitter

    return BlockSplitter()


class Segment:
    """A run of reasoning or of text."""

    def __init__(self, owner_id: int, *, is_reasoning: bool) -> None:
        self.is_reasoning = is_reasoning
        self.splitter = new_splitter()
        self.has_settled = False
        self._page: list[BlockPiece] = []
        """The pieces of the page of blocks that is growing, and how much text that is."""
        self._page_chars = 0
        self._page_above: list[BlockPiece] = []
        """The page above, still as blocks: it may be about to be laid out."""
        self.references = self.splitter.references
        self.tail = TailPiece(owner_id, self.references, is_dim=is_reasoning)

    def settled(self, piece: BlockPiece) -> None:
        """One more piece; those far above it are kept as pages of text."""
        block = piece.block
        if self._page_chars >= PAGE_CHARS and can_begin_page(block, self._page[-1].block):
            _keep_as_text(self._page_above)
            self._page_above = self._page if self._page_chars <= MAX_PAGE_CHARS else []
            self._page, self._page_chars = [], 0
        self._page.append(piece)
        self._page_chars += len(block.source)


def _keep_as_text(pieces: list[BlockPiece]) -> None:
    page = BlockPage([piece.block for piece in pieces])
    for number, piece in enumerate(pieces):
        piece.keep_in(page, number)
