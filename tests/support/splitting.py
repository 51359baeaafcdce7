"""Ways to run a splitter over a text, and blocks as values that can be compared."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from chat_tui.core.blocks import Block
from chat_tui.core.splitter import BlockSplitter


def split(text: str, pieces: Iterable[str] | None = None, *, with_tails: bool = False) -> list[Block]:
    """All blocks of a text that is fed whole or in pieces; checks that their sources are the text."""
    splitter = BlockSplitter()
    blocks: list[Block] = []
    for piece in (text,) if pieces is None else pieces:
        blocks += splitter.feed(piece)
        if with_tails:
            splitter.tail()
    blocks += splitter.close()
    assert "".join(block.source for block in blocks) + splitter.unsettled == text
    return blocks


def values(blocks: Iterable[Block]) -> list[tuple[object, ...]]:
    """Blocks field by field; `previous` as the position of that page."""
    listed = list(blocks)
    return [
        (
            block.kind,
            block.text,
            block.source,
            block.containers,
            block.has_gap,
            block.level,
            block.info,
            block.rows,
            block.table,
            block.page,
            next((index for index, other in enumerate(listed) if other is block.previous), None),
            block.is_closed,
        )
        for block in listed
    ]


def cuts(text: str, positions: Iterable[int]) -> list[str]:
    """The text cut at positions."""
    places = [0, *sorted(position for position in positions if 0 < position < len(text)), len(text)]
    return [text[start:end] for start, end in pairwise(places)]
