"""Moves what is open on by one line: the block structure phase of CommonMark's "A parsing strategy".

Its work for a line does not depend on the length of the document, and no line is looked at twice. At most
`MAX_NESTING` containers are open; deeper markers are text.
"""

from __future__ import annotations

from chat_tui.core import block_syntax as syntax
from chat_tui.core.block_leaves import (
    OpenFence,
    OpenHtml,
    OpenIndented,
    OpenLiteral,
    OpenParagraph,
    OpenTable,
    TextLine,
)
from chat_tui.core.block_line import Line
from chat_tui.core.block_open import OpenBlocks, OpenContainer
from chat_tui.core.block_source import Piece
from chat_tui.core.blocks import BlockKind, ContainerKind

MAX_NESTING = 100
_CODE_COLUMNS = 4
_HTML_OVERLAP_CHARS = 16


class BlockParser:
    """The line-by-line parser over `blocks`."""

    def __init__(self, blocks: OpenBlocks, end: int = 0) -> None:
        self.blocks = blocks
        self._end = end

    def fork(self) -> BlockParser:
        """A copy that can be moved on without changing this."""
        return BlockParser(self.blocks.fork(), self._end)

    def feed(self, piece: Piece) -> None:
        """Move on by a line, or by a piece of an over-long line."""
        self._end = piece.end
        if not piece.text and self.blocks.is_bare:
            self.blocks.has_blank = True
        elif piece.is_start:
            line = Line(piece)
            matched = self._match_containers(line)
            if matched < len(self.blocks.containers) or not self._continue_leaf(line):
                self._start_blocks(line, matched)
        else:
            self._continue_line(piece)
        self.blocks.line_ended(piece.end)

    def finish(self, *, is_closed: bool = True) -> None:
        """Close everything; not `is_closed` says that it may still grow."""
        self.blocks.close_to(0, self._end, is_closed=is_closed)

    def hide_header(self, piece: Piece) -> bool:
        """Take away the last line of a paragraph if the incomplete line could make it the header of a table."""
        leaf = self.blocks.leaf
        if not isinstance(leaf, OpenParagraph) or not leaf.lines:
            return False
        last = leaf.lines[-1]
        if not last.can_be_header or not last.text.startswith("|"):
            return False
        line = Line(piece)
        self._match_containers(line)
        if not syntax.may_become_delimiter(line.content):
            return False
        self._end = leaf.take_last_line().start
        return True

    def is_undecided(self, piece: Piece) -> bool:
        """Whether an incomplete line could still become something else than it looks like."""
        line = Line(piece)
        matched = self._match_containers(line)
        if line.is_blank:
            return True
        leaf = self.blocks.leaf
        if matched == len(self.blocks.containers):
            if isinstance(leaf, OpenFence):
                return line.indent < _CODE_COLUMNS and not line.content.strip(leaf.mark + " \t")
            if isinstance(leaf, OpenHtml):
                return False
            if isinstance(leaf, OpenTable) and line.content.strip("|:- \t"):
                return not line.content.startswith("|") and syntax.is_undecided(line.content)
        return line.indent < _CODE_COLUMNS and syntax.is_undecided(line.content)

    # Containers

    def _match_containers(self, line: Line) -> int:
        """Consume the prefixes of the open containers; how many the line stays in."""
        containers = self.blocks.containers
        for index, container in enumerate(containers):
            if container.kind is ContainerKind.QUOTE:
                if line.indent >= _CODE_COLUMNS or not line.text.startswith(">", line.next):
                    return index
                _enter_quote(line)
            elif line.is_blank:
                # An item may begin with one blank line, not with two.
                if self.blocks.is_empty and index == len(containers) - 1:
                    return index
                line.advance_columns(container.width)
            elif line.indent >= container.width:
                line.advance_columns(container.width)
            else:
                return index
        return len(containers)

    def _start_container(self, line: Line, first: str, *, is_interrupting: bool) -> OpenContainer | None:
        if first == ">":
            _enter_quote(line)
            return OpenContainer.make(ContainerKind.QUOTE)
        marker = syntax.read_list_marker(line.text, line.next, is_interrupting)
        if not marker:
            return None
        indent = line.indent
        line.advance_marker(len(marker))
        padding = line.indent
        if line.is_blank or not 1 <= padding <= _CODE_COLUMNS:
            padding = 1
        line.advance_columns(padding)
        kind = ContainerKind.BULLET if len(marker) == 1 else ContainerKind.ORDERED
        return OpenContainer.make(kind, indent + len(marker) + padding, marker)

    # Leaves that are open

    def _continue_leaf(self, line: Line) -> bool:
        """Whether the open leaf, all of whose containers go on, takes the line."""
        blocks = self.blocks
        leaf = blocks.leaf
        match leaf:
            case OpenFence():
                self._continue_fence(leaf, line)
                return True
            case OpenIndented():
                return self._continue_indented(leaf, line)
            case OpenHtml() if leaf.end or not line.is_blank:
                self._add_html(leaf, line)
                return True
            case OpenParagraph() if not line.is_blank:
                return self._underline(leaf, line)
            case OpenTable() if not line.is_blank:
                if line.indent >= _CODE_COLUMNS or line.has_more:
                    blocks.close_leaf(line.start)
                return False
            case None:
                return False
            case _:
                blocks.close_leaf(line.end)
                blocks.has_blank = True
                return True

    def _continue_fence(self, leaf: OpenFence, line: Line) -> None:
        is_candidate = line.indent < _CODE_COLUMNS and not line.has_more
        if is_candidate and syntax.is_closing_fence(line.content, leaf.mark, leaf.length):
            self.blocks.close_leaf(line.end)
            return
        line.advance_columns(leaf.indent)
        self.blocks.add_literal(leaf, line.rest, line.start, has_more=line.has_more)

    def _continue_indented(self, leaf: OpenIndented, line: Line) -> bool:
        blocks = self.blocks
        if line.is_blank:
            line.advance_columns(_CODE_COLUMNS)
            leaf.blanks.append(line.rest + "\n")
            blocks.has_blank = True
            if len(leaf.blanks) > blocks.bounds.page_lines or leaf.blank_chars > blocks.bounds.page_chars:
                blocks.close_leaf(line.end)
            return True
        if line.indent < _CODE_COLUMNS:
            blocks.close_leaf(line.start)
            return False
        if leaf.blanks:
            leaf.resume()
            blocks.has_blank = False
        self._add_indented(leaf, line)
        return True

    def _add_indented(self, leaf: OpenIndented, line: Line) -> None:
        line.advance_columns(_CODE_COLUMNS)
        self.blocks.add_literal(leaf, line.rest, line.start, has_more=line.has_more)

    def _add_html(self, leaf: OpenHtml, line: Line) -> None:
        text = line.rest
        self.blocks.add_literal(leaf, text, line.start, has_more=line.has_more)
        self._end_html(leaf, text, line.end, has_more=line.has_more)

    def _end_html(self, leaf: OpenHtml, text: str, end: int, *, has_more: bool) -> None:
        if leaf.end:
            leaf.is_ending = leaf.is_ending or leaf.end.search(leaf.overlap + text) is not None
            leaf.overlap = text[-_HTML_OVERLAP_CHARS:] if has_more else ""
            if leaf.is_ending and not has_more:
                self.blocks.close_leaf(end)

    def _underline(self, leaf: OpenParagraph, line: Line) -> bool:
        """Whether the line makes a table or a heading of the paragraph."""
        if line.indent >= _CODE_COLUMNS or line.has_more or line.text[line.next] not in "|:-=":
            return False
        if self._open_table(leaf, line):
            return True
        level = syntax.underline_level(line.content)
        if not level or leaf.page:
            return False
        self.blocks.resolve_definition(leaf)
        if not leaf.lines:
            return False
        self.blocks.close_as_heading(leaf, level, line.end)
        return True

    def _open_table(self, leaf: OpenParagraph, line: Line) -> bool:
        if not leaf.lines or not leaf.lines[-1].can_be_header:
            return False
        alignments = syntax.read_alignments(line.content)
        header = syntax.split_row(leaf.lines[-1].text) if alignments else ()
        if not alignments or len(header) != len(alignments):
            return False
        definition = leaf.definition.definition if leaf.definition else None
        if definition and definition.line_count == len(leaf.lines):
            return False
        start = leaf.take_last_line().start
        head = leaf.head
        self.blocks.close_leaf(start)
        if definition or leaf.page or start > leaf.opened_at:
            head = self.blocks.head()
        self.blocks.leaf = OpenTable(head, alignments, header)
        return True

    def _continue_line(self, piece: Piece) -> None:
        blocks = self.blocks
        leaf = blocks.leaf
        if isinstance(leaf, OpenParagraph):
            blocks.extend_text(leaf, piece.text, piece.end)
        elif isinstance(leaf, OpenLiteral):
            blocks.extend_literal(leaf, piece.text, piece.start, has_more=piece.has_more)
            if isinstance(leaf, OpenHtml):
                self._end_html(leaf, piece.text, piece.end, has_more=piece.has_more)

    # Leaves and containers that begin

    def _start_blocks(self, line: Line, matched: int) -> None:
        """Open what the line begins inside the containers it stays in, and give the rest to a leaf."""
        blocks = self.blocks
        has_opened = False
        while True:
            if line.indent >= _CODE_COLUMNS:
                if line.is_blank or isinstance(blocks.leaf, OpenParagraph):
                    break
                blocks.close_to(matched, line.start)
                leaf = OpenIndented(BlockKind.CODE, blocks.head())
                blocks.leaf = leaf
                self._add_indented(leaf, line)
                return
            first = line.text[line.next : line.next + 1]
            if first not in syntax.STARTERS:
                break
            if self._start_leaf(line, matched, first):
                return
            is_inside = matched == len(blocks.containers)
            is_interrupting = is_inside and isinstance(blocks.leaf, OpenParagraph)
            container = None
            if matched < MAX_NESTING:
                container = self._start_container(line, first, is_interrupting=is_interrupting)
            if container is None:
                break
            blocks.close_to(matched, line.start)
            blocks.push(container)
            matched += 1
            has_opened = True
        self._add_rest(line, matched, has_opened=has_opened)

    def _start_leaf(self, line: Line, matched: int, first: str) -> bool:
        """Whether the line begins a leaf other than a paragraph."""
        match first:
            case "#" if not line.has_more:
                return self._start_heading(line, matched)
            case "`" | "~" if not line.has_more:
                return self._start_fence(line, matched)
            case "*" | "-" | "_" if not line.has_more and syntax.is_rule(line.content):
                self.blocks.close_to(matched, line.start)
                self.blocks.settle(BlockKind.RULE, "", line.end, self.blocks.head())
                return True
            case "<":
                return self._start_html(line, matched)
            case _:
                return False

    def _start_heading(self, line: Line, matched: int) -> bool:
        heading = syntax.read_heading(line.content)
        if heading is None:
            return False
        level, text = heading
        self.blocks.close_to(matched, line.start)
        self.blocks.settle(BlockKind.HEADING, text, line.end, self.blocks.head(), level=level)
        return True

    def _start_fence(self, line: Line, matched: int) -> bool:
        fence = syntax.read_fence(line.content)
        if fence is None:
            return False
        indent = line.indent
        self.blocks.close_to(matched, line.start)
        self.blocks.leaf = OpenFence(
            BlockKind.CODE,
            self.blocks.head(),
            fence.info,
            mark=fence.mark,
            length=fence.length,
            indent=indent,
        )
        return True

    def _start_html(self, line: Line, matched: int) -> bool:
        is_interrupting = line.has_more or isinstance(self.blocks.leaf, OpenParagraph | OpenTable)
        start = syntax.read_html_start(line.content, is_interrupting)
        if start is None:
            return False
        self.blocks.close_to(matched, line.start)
        leaf = OpenHtml(BlockKind.HTML, self.blocks.head(), end=start.end)
        self.blocks.leaf = leaf
        self._add_html(leaf, line)
        return True

    def _add_rest(self, line: Line, matched: int, *, has_opened: bool) -> None:
        """Give what is left of the line to a paragraph or table."""
        blocks = self.blocks
        is_lazy = isinstance(blocks.leaf, OpenParagraph) and not line.is_blank
        if matched < len(blocks.containers) and not is_lazy:
            blocks.close_to(matched, line.end if line.is_blank else line.start)
        if line.is_blank:
            blocks.has_blank = blocks.has_blank or not has_opened
        elif isinstance(blocks.leaf, OpenTable):
            text = line.content
            blocks.add_row(blocks.leaf, syntax.split_row(text), len(text), line.start)
        elif isinstance(blocks.leaf, OpenParagraph):
            self._add_text(blocks.leaf, line, line.next)
        else:
            box_chars = blocks.open_task(line.content)
            leaf = OpenParagraph(blocks.head(), line.start, is_fresh=not box_chars)
            blocks.leaf = leaf
            self._add_text(leaf, line, line.next + box_chars)

    def _add_text(self, leaf: OpenParagraph, line: Line, begin: int) -> None:
        text = line.text[begin:]
        can_be_header = line.indent < _CODE_COLUMNS and not line.has_more and "|" in text
        text_line = TextLine(text, line.start, line.start + begin, line.end, can_be_header)
        self.blocks.add_text(leaf, text_line, is_complete=not (line.has_more or line.is_partial))


def _enter_quote(line: Line) -> None:
    line.advance_marker(1)
    line.advance_columns(1)
