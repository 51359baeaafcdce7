"""Settled blocks kept as the text they were made from.

A block weighs several times what it says, and of a long answer few are looked at at a time. So blocks that a
splitter would make again of their own source, and of nothing else, are kept as that source, page by page.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from chat_tui.core.blocks import Block, BlockKind

PAGE_CHARS: Final = 4_096
"""A page is complete when it has so much text: it is split again in a millisecond."""

MAX_PAGE_CHARS: Final = 8 * PAGE_CHARS
"""What cannot be cut into pages that are smaller (a table or a fence without end) is kept as blocks."""

_PAGES_AT_HAND: Final = 2


class BlockPage:
    """Consecutive blocks, made again when one of them is asked for. `has_gap` of the first is not kept."""

    __slots__ = ("_source",)

    def __init__(self, blocks: Sequence[Block]) -> None:
        """The first of `blocks` can begin a page, and so can the block behind the last."""
        # As bytes: one emoji would make all of the text four times as large.
        self._source = "".join([block.source for block in blocks]).encode(errors="surrogatepass")

    @property
    def source(self) -> str:
        """The text the blocks are made of."""
        return self._source.decode(errors="surrogatepass")

    def block(self, index: int) -> Block:
        """One of the blocks: the same object as long as the page is among those that were asked last."""
        return _split(self)[index]


@lru_cache(maxsize=_PAGES_AT_HAND)
def _split(page: BlockPage) -> tuple[Block, ...]:
    from chat_tui.core.splitter import BlockSplitter  # pages are known long before one is split again

    splitter = BlockSplitter()
    return (*splitter.feed(page.source), *splitter.close())


def can_begin_page(block: Block, before: Block) -> bool:
    """Whether a splitter that begins with this block makes of it, and of what follows, what it did behind `before`.

    What opens an item or a quote outside all others begins afresh. A leaf that stands in nothing does when a blank
    line is above it: else it may be what it is only because of what it could not interrupt.
    """
    if block.page or before.kind is BlockKind.DEFINITION:
        return False
    if block.containers:
        return all(container.is_opening for container in block.containers)
    above = before.source.removesuffix("\n").rpartition("\n")
    first = block.source.partition("\n")
    return _is_blank(above[2], above[1]) or _is_blank(first[0], first[1])


def _is_blank(line: str, newline: str) -> bool:
    """Whether it is a whole line, and blank."""
    return bool(newline) and not line.strip(" \t")
