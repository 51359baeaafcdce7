"""Pieces of an answer's blocks: one for each that is finished, one for the growing end."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from textual.strip import Strip

from chat_tui.core.block_page import BlockPage
from chat_tui.core.blocks import Block, BlockKind
from chat_tui.ui.render.context import RenderContext
from chat_tui.ui.render.pieces import BLANK, Piece
from chat_tui.ui.theme import quiet


class BlockPiece(Piece):
    """One block of an answer, or of reasoning when it is dim."""

    __slots__ = ("_guess_rows", "_made_of", "_number", "_traits", "references")

    def __init__(
        self,
        owner_id: int,
        block: Block,
        references: Mapping[str, tuple[str, str]],
        *,
        is_first: bool = False,
        is_dim: bool = False,
    ) -> None:
        super().__init__(owner_id)
        self._made_of: Block | BlockPage = block
        self._number = 0
        self._guess_rows = 1 + block.source.count("\n") + len(block.source) // 90
        self._traits = _traits(
            block.has_gap or is_first,
            is_dim,
            block.kind is BlockKind.PARAGRAPH,
            block.kind is BlockKind.CODE and block.page == 0,
            _may_use_references(block),
        )
        self.references = references
        self.height = self._guess_rows

    @property
    def has_gap(self) -> bool:
        """Whether a blank row is above it."""
        return self._traits.has_gap

    @property
    def is_dim(self) -> bool:
        """Whether it is reasoning."""
        return self._traits.is_dim

    @property
    def is_flowing(self) -> bool:
        """Paragraphs are wrapped text, all else is rows."""
        return self._traits.is_flowing

    @property
    def is_code_start(self) -> bool:
        """Whether a code block begins here."""
        return self._traits.is_code_start

    @property
    def may_use_references(self) -> bool:
        """Whether a reference link may stand in it."""
        return self._traits.may_use_references

    @property
    def block(self) -> Block:
        """The block; when it is kept in a page that was not looked at lately, all of that page is split for it."""
        made_of = self._made_of
        return made_of if isinstance(made_of, Block) else made_of.block(self._number)

    def keep_in(self, page: BlockPage, number: int) -> None:
        """Its block is the one with that number of a page: it need not be kept itself."""
        self._made_of, self._number = page, number

    def guess_rows(self) -> int:
        """From its length and its lines."""
        return self._guess_rows

    def render(self, context: RenderContext) -> list[Strip]:
        """The block's rows, below its gap."""
        styles = quiet(context.styles) if self.is_dim else context.styles
        rows = render_block(self.block, replace(context, references=self.references, styles=styles))
        return [BLANK, *rows] if self.has_gap else rows


class _Traits(NamedTuple):
    """What is often asked of a block: it need not be made for that. Few differ, so pieces share them."""

    has_gap: bool
    is_dim: bool
    is_flowing: bool
    is_code_start: bool
    may_use_references: bool


_traits = lru_cache(maxsize=32)(_Traits)


def _may_use_references(block: Block) -> bool:
    """A table repeats its header with every page when it is narrow."""
    if block.kind in (BlockKind.PARAGRAPH, BlockKind.HEADING):
        return "[" in block.text
    header = block.table.header if block.table is not None else ()
    return block.kind is BlockKind.TABLE and any("[" in cell for row in (header, *block.rows) for cell in row)


class TailPiece(Piece):
    """The growing end of an answer: rendered anew each frame, bounded by the splitter."""

    __slots__ = ("_first_rows", "_is_dim", "_is_first", "_references", "blocks")

    def __init__(self, owner_id: int, references: Mapping[str, tuple[str, str]], *, is_dim: bool = False) -> None:
        super().__init__(owner_id)
        self.blocks: tuple[Block, ...] = ()
        """What is shown; other blocks in every frame."""
        self._first_rows: list[int] = []
        self._is_first = True
        self._references = references
        self._is_dim = is_dim

    def show(self, blocks: tuple[Block, ...], *, is_first: bool) -> None:
        """Replace what is shown; the first block of an answer always has a gap above it."""
        self.blocks = blocks
        self._is_first = is_first
        self.invalidate()

    def block_at(self, row: int) -> int:
        """Which of the blocks a row belongs to, as it was rendered last. The gap above a block is part of it."""
        return max(0, bisect_right(self._first_rows, row) - 1)

    def render(self, context: RenderContext) -> list[Strip]:
        """All tail blocks and the caret behind the last character."""
        styles = quiet(context.styles) if self._is_dim else context.styles
        context = replace(context, references=self._references, styles=styles, is_tail=True)
        rows: list[Strip] = []
        self._first_rows = []
        for block in self.blocks:
            self._first_rows.append(len(rows))
            if block.has_gap or (self._is_first and block is self.blocks[0]):
                rows.append(BLANK)
            rows += render_block(block, context)
        return with_caret(rows, context) if rows else rows


def render_block(block: Block, context: RenderContext) -> list[Strip]:
    """The rows of a block. What blocks are rendered with is loaded for the first one: after the first paint."""
    from chat_tui.ui.render import blocks

    return blocks.render_block(block, context)


def with_caret(rows: list[Strip], context: RenderContext) -> list[Strip]:
    """The rows of blocks with the caret behind their last character."""
    from chat_tui.ui.render import blocks

    return blocks.with_caret(rows, context)
