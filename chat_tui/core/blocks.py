"""Source text that grows, as settled blocks and one bounded tail.

`BlockSplitter` is an incremental CommonMark block parser (with tables and task lists): each complete line
moves it on by a constant amount of work, nothing is parsed twice. It flattens the tree: a block is a leaf
(paragraph, heading, code page, table page, …) with the containers it stands in. Inline text is not parsed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class BlockKind(StrEnum):
    """What a leaf block is."""

    PARAGRAPH = "paragraph"
    HEADING = "heading"
    CODE = "code"
    TABLE = "table"
    HTML = "html"
    RULE = "rule"
    DEFINITION = "definition"


class ContainerKind(StrEnum):
    """What a block can stand in."""

    QUOTE = "quote"
    BULLET = "bullet"
    ORDERED = "ordered"


@dataclass(frozen=True, slots=True)
class Container:
    """One level around a block, outermost first.

    `marker` is the list marker as written ("-", "1.", "10)"), empty for a quote. `is_opening` is true for the
    first block of a list item only: that one shows the marker, the others are indented by its width.
    `task` is None, or whether the box of a task item is ticked.
    """

    kind: ContainerKind
    marker: str = ""
    is_opening: bool = False
    task: bool | None = None


@dataclass(frozen=True, slots=True)
class TableShape:
    """What later pages of a table need to be laid out like the first: alignments ("", "left", "center",
    "right") per column, the header's cells and the rows of the first page (inline source per cell)."""

    alignments: tuple[str, ...]
    header: tuple[str, ...]
    sample: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One leaf. Equality is identity: a settled block never changes and is a cache key.

    `text`: inline source of a paragraph or heading (container prefixes and indentation removed, lines joined
    with newlines), literal text of code and HTML, source of a definition. `rows`: the cells of this page of a
    table. `source` is the exact text it was made from: all sources joined are the input.
    `has_gap` asks for a blank row above: always between blocks, except between list items (or an item and its
    nested list) that have no blank line between them in the source, and never above a later page.
    """

    kind: BlockKind
    text: str
    source: str
    containers: tuple[Container, ...] = ()
    has_gap: bool = True
    level: int = 0
    info: str = ""
    rows: tuple[tuple[str, ...], ...] = ()
    table: TableShape | None = None
    page: int = 0
    previous: Block | None = None
    is_closed: bool = True


@dataclass(frozen=True, slots=True)
class BlockUpdate:
    """What one `feed` did: blocks that will never change again, and what the rest looks like now.

    `tail` is made anew each time (usually one block, none when all is settled); render and replace it.
    """

    settled: tuple[Block, ...]
    tail: tuple[Block, ...]
