"""What `BlockSplitter` (in `splitter.py`) makes of source text: blocks.

The splitter is an incremental CommonMark block parser (with tables and task lists) that flattens the tree: a
block is a leaf (paragraph, heading, code page, table page, …) with the containers it stands in. Inline text is
not parsed here.
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
    first block of an item or quote only: an opening item shows its marker, the others are indented by its width.
    `task` is None, or whether the box of a task item is ticked (the box is not part of the block's text).
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
    with newlines; empty for an item or quote without content); literal text of code and HTML, where every line
    ends with a newline (only a page cut inside an over-long line does not), so that the texts of all pages
    joined are the whole; source of a definition. `rows`: the cells of this page of a table, as written: a row
    may have fewer or more cells than the header. `source` is the exact text it was made from, blank lines above
    included: all sources and the splitter's `unsettled` joined are the input.

    `has_gap` asks for a blank row above: always between blocks, except between list items (or an item and its
    nested list) or after a definition where the source has no blank line in between, and never above the first
    block or a later page. A long block comes in pages: `page` counts from 0, `previous` is the page before, and
    `is_closed` is false when another page follows or, in a tail, when the block may still grow.
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
