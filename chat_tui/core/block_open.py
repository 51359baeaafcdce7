"""What is open at a point of the text (a stack of containers and at most one leaf) and how it is settled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from chat_tui.core.block_definition import Definition, DefinitionReader, Progress
from chat_tui.core.block_leaves import Head, Leaf, OpenLiteral, OpenParagraph, OpenTable, TextLine, find_cut
from chat_tui.core.block_source import SourceTape
from chat_tui.core.block_syntax import read_task
from chat_tui.core.blocks import Block, BlockKind, Container, ContainerKind, TableShape

_BLANKS = " \t\n"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a leaf may grow before a part of it is settled."""

    page_lines: int = 32
    page_chars: int = 8192
    paragraph_chars: int = 4096


@dataclass(frozen=True, slots=True, eq=False)
class OpenContainer:
    """A quote or list item that is open; `width` is the indentation an item's lines need, in columns."""

    kind: ContainerKind
    width: int
    opening: Container
    following: Container

    @classmethod
    def make(cls, kind: ContainerKind, width: int = 0, marker: str = "") -> OpenContainer:
        """A container that nothing stands in yet."""
        return cls(kind, width, *_containers(kind, marker))

    def as_task(self, is_ticked: bool) -> OpenContainer:
        """The same item with a box."""
        return replace(
            self, opening=replace(self.opening, task=is_ticked), following=replace(self.following, task=is_ticked)
        )


@lru_cache(maxsize=256)
def _containers(kind: ContainerKind, marker: str) -> tuple[Container, Container]:
    """The opening container and the following one; all items of a list share them."""
    return Container(kind, marker, is_opening=True), Container(kind, marker)


class OpenBlocks:
    """The open containers, outermost first, and the open leaf, which stands in all of them.

    `settled` collects the blocks. Offsets named `end` say where the source of what is being settled ends.
    """

    def __init__(self, tape: SourceTape, bounds: Bounds) -> None:
        self.containers: list[OpenContainer] = []
        self.leaf: Leaf | None = None
        self.settled: list[Block] = []
        self.settled_to = 0
        self.references: dict[str, tuple[str, str]] = {}
        self.is_empty = False  # whether the innermost container has no content yet
        self.has_blank = False  # whether a blank line came after the last leaf
        self._open_from = 0
        self._shown = 0  # so many of the containers have shown their marker
        self._last_path: tuple[OpenContainer, ...] | None = None
        self._tape = tape
        self.bounds = bounds

    def fork(self) -> OpenBlocks:
        """A copy that can be moved on without changing this; its work does not depend on the document's length."""
        fork = OpenBlocks(self._tape, self.bounds)
        fork.containers = self.containers.copy()
        fork.leaf = self.leaf.fork() if self.leaf else None
        fork.settled_to = max(self.settled_to, self._open_from)
        fork.is_empty = self.is_empty
        fork.has_blank = self.has_blank
        fork._shown = self._shown
        fork._last_path = self._last_path
        return fork

    @property
    def is_bare(self) -> bool:
        """Whether nothing is open: a blank line is no more than a gap."""
        return self.leaf is None and not self.containers

    def line_ended(self, end: int) -> None:
        """Remember where the source of what is open begins."""
        if self.leaf is None and not self.is_empty:
            self._open_from = end

    def push(self, container: OpenContainer) -> None:
        """Open a container."""
        self.containers.append(container)
        self.is_empty = True

    def open_task(self, text: str) -> int:
        """Note the box with which `text`, the first in an item, begins; how many characters it takes."""
        if self._shown == len(self.containers) or self.containers[-1].kind is ContainerKind.QUOTE:
            return 0
        task = read_task(text)
        if task is None:
            return 0
        self.containers[-1] = self.containers[-1].as_task(task[0])
        return task[1]

    def close_to(self, count: int, end: int, *, is_closed: bool = True) -> None:
        """Close the leaf and all containers but the first `count`; a container without content leaves a block."""
        self.close_leaf(end, is_closed=is_closed)
        if count < len(self.containers):
            if self.is_empty:
                self.settle(BlockKind.PARAGRAPH, "", end, self.head(), is_closed=is_closed)
            del self.containers[count:]
            self._shown = min(self._shown, count)

    def head(self) -> Head:
        """Open a leaf here: its containers, and whether it asks for a gap above."""
        containers = tuple(
            container.following if index < self._shown else container.opening
            for index, container in enumerate(self.containers)
        )
        has_gap = self._has_gap()
        self._shown = len(self.containers)
        self._last_path = tuple(self.containers)
        self.is_empty = False
        self.has_blank = False
        return Head(containers, has_gap)

    def _has_gap(self) -> bool:
        if self._last_path is None:
            return False
        depth = self._shown
        if self.has_blank or depth == len(self.containers) or self.containers[depth].kind is ContainerKind.QUOTE:
            return True
        # An item opens here. The last leaf stands in the containers above it: is it in an item of theirs?
        is_nested = depth > 0 and self.containers[depth - 1].kind is not ContainerKind.QUOTE
        is_next = len(self._last_path) > depth and self._last_path[depth].kind is not ContainerKind.QUOTE
        return not (is_nested or is_next)

    def _following_head(self) -> Head:
        return Head(tuple(container.following for container in self.containers), has_gap=False)

    def settle(
        self,
        kind: BlockKind,
        text: str,
        end: int,
        head: Head,
        *,
        level: int = 0,
        info: str = "",
        rows: tuple[tuple[str, ...], ...] = (),
        table: TableShape | None = None,
        page: int = 0,
        previous: Block | None = None,
        is_closed: bool = True,
    ) -> Block:
        """Make a block of the source up to `end`."""
        source = self._tape.slice(self.settled_to, end)
        self.settled_to = end
        block = Block(
            kind, text, source, head.containers, head.has_gap, level, info, rows, table, page, previous, is_closed
        )
        self.settled.append(block)
        return block

    def close_leaf(self, end: int, *, is_closed: bool = True) -> None:
        """Settle the rest of the leaf."""
        leaf = self.leaf
        self.leaf = None
        match leaf:
            case OpenParagraph():
                self.resolve_definition(leaf)
                if leaf.lines:
                    self._settle_paragraph(leaf, leaf.text, end, is_closed=is_closed)
            case OpenLiteral():
                self._settle_literal(leaf, end, is_closed=is_closed)
            case OpenTable():
                self._settle_table(leaf, end, is_closed=is_closed)
            case None:
                pass

    # Paragraphs and definitions

    def add_text(self, leaf: OpenParagraph, line: TextLine, *, is_complete: bool) -> None:
        """Add a line to a paragraph; settle definitions at its head and what passes its bound.

        A definition is read from complete lines only: `[^1]: A` is one until its second word arrives.
        """
        if not is_complete:
            self.resolve_definition(leaf)
        elif leaf.is_fresh and line.text.startswith("["):
            leaf.definition = DefinitionReader()
        leaf.is_fresh = False
        leaf.add(line)
        self._read_definition(leaf, line.text)
        self._page_paragraph(leaf)

    def extend_text(self, leaf: OpenParagraph, text: str, end: int) -> None:
        """Add more of an over-long line to a paragraph."""
        leaf.extend(text, end)
        self._page_paragraph(leaf)

    def close_as_heading(self, leaf: OpenParagraph, level: int, end: int) -> None:
        """Make a heading of the paragraph."""
        self.leaf = None
        self.settle(BlockKind.HEADING, leaf.text.strip(_BLANKS), end, leaf.head, level=level)

    def resolve_definition(self, leaf: OpenParagraph) -> None:
        """Nothing more will belong to a definition that is being read: settle it if it is one."""
        if leaf.definition and leaf.definition.definition:
            self._settle_definition(leaf, leaf.definition.definition)
        leaf.definition = None

    def _read_definition(self, leaf: OpenParagraph, text: str) -> None:
        while leaf.definition:
            progress = leaf.definition.feed(text)
            if progress is Progress.UNFINISHED:
                return
            self.resolve_definition(leaf)
            leaf.is_fresh = progress is Progress.COMPLETE and not leaf.lines
            if progress is Progress.COMPLETE and len(leaf.lines) == 1 and text.startswith("["):
                leaf.definition = DefinitionReader()

    def _settle_definition(self, leaf: OpenParagraph, definition: Definition) -> None:
        lines = leaf.take_lines(definition.line_count)
        end = leaf.lines[0].start if leaf.lines else lines[-1].end
        text = "\n".join(line.text for line in lines).strip(_BLANKS)
        self.settle(BlockKind.DEFINITION, text, end, leaf.head)
        self.references.setdefault(definition.label, (definition.target, definition.title))
        leaf.head = self._following_head()

    def _page_paragraph(self, leaf: OpenParagraph) -> None:
        bound = self.bounds.paragraph_chars
        if leaf.chars - 1 > bound:
            self.resolve_definition(leaf)
        while leaf.chars - 1 > bound:
            text, end = leaf.take_chars(find_cut(leaf.text, bound))
            leaf.previous = self._settle_paragraph(leaf, text, end, is_closed=False)
            leaf.page += 1
            leaf.head = self._following_head()

    def _settle_paragraph(self, leaf: OpenParagraph, text: str, end: int, *, is_closed: bool) -> Block:
        return self.settle(
            BlockKind.PARAGRAPH,
            text.strip(_BLANKS),
            end,
            leaf.head,
            page=leaf.page,
            previous=leaf.previous,
            is_closed=is_closed,
        )

    # Code and HTML

    def add_literal(self, leaf: OpenLiteral, text: str, start: int, *, has_more: bool) -> None:
        """Add a line that begins at `start` to code or HTML; settle the page before if it is full."""
        if leaf.line_count >= self.bounds.page_lines or leaf.chars >= self.bounds.page_chars:
            self._turn_literal(leaf, start)
        leaf.add(text if has_more else text + "\n")

    def extend_literal(self, leaf: OpenLiteral, text: str, start: int, *, has_more: bool) -> None:
        """Add more of an over-long line to code or HTML."""
        if leaf.chars >= self.bounds.page_chars:
            self._turn_literal(leaf, start)
        leaf.extend(text if has_more else text + "\n")

    def _turn_literal(self, leaf: OpenLiteral, end: int) -> None:
        leaf.previous = self._settle_literal(leaf, end, is_closed=False)
        leaf.page += 1
        leaf.head = self._following_head()
        leaf.parts.clear()
        leaf.line_count = leaf.chars = 0

    def _settle_literal(self, leaf: OpenLiteral, end: int, *, is_closed: bool) -> Block:
        return self.settle(
            leaf.kind,
            "".join(leaf.parts),
            end,
            leaf.head,
            info=leaf.info,
            page=leaf.page,
            previous=leaf.previous,
            is_closed=is_closed,
        )

    # Tables

    def add_row(self, leaf: OpenTable, cells: tuple[str, ...], chars: int, start: int) -> None:
        """Add a row that begins at `start`; settle the page before if it is full."""
        if len(leaf.rows) >= self.bounds.page_lines or leaf.chars >= self.bounds.page_chars:
            block = self._settle_table(leaf, start, is_closed=False)
            leaf.previous = block
            leaf.shape = block.table
            leaf.page += 1
            leaf.head = self._following_head()
            leaf.rows.clear()
            leaf.chars = 0
        leaf.rows.append(cells)
        leaf.chars += chars

    def _settle_table(self, leaf: OpenTable, end: int, *, is_closed: bool) -> Block:
        rows = tuple(leaf.rows)
        shape = leaf.shape or TableShape(leaf.alignments, leaf.header, rows)
        return self.settle(
            BlockKind.TABLE,
            "",
            end,
            leaf.head,
            rows=rows,
            table=shape,
            page=leaf.page,
            previous=leaf.previous,
            is_closed=is_closed,
        )
