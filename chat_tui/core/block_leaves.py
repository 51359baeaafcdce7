"""Leaf blocks that are still open: what the parser knows of them, small enough to be copied for every frame."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from chat_tui.core.block_definition import DefinitionReader
from chat_tui.core.blocks import Block, BlockKind, Container, TableShape

_CUT_MARKS = re.compile(r"\\.|`+|[\[\] \n]", re.DOTALL)


class Head(NamedTuple):
    """Where a leaf stands, fixed when it opens."""

    containers: tuple[Container, ...]
    has_gap: bool


class TextLine(NamedTuple):
    """A line of a paragraph: text without indentation; offsets of line, text and end in the input."""

    text: str
    start: int
    content: int
    end: int
    can_be_header: bool


@dataclass(slots=True)
class OpenParagraph:
    """A paragraph; `definition` reads its head as long as that may be a link reference definition.

    `is_fresh`: the next line is the first, or the first after a definition.
    """

    head: Head
    opened_at: int
    is_fresh: bool = True
    definition: DefinitionReader | None = None
    lines: list[TextLine] = field(default_factory=list[TextLine])
    chars: int = 0
    page: int = 0
    previous: Block | None = None

    def fork(self) -> OpenParagraph:
        """A copy that can grow on its own."""
        definition = self.definition.fork() if self.definition else None
        return replace(self, lines=self.lines.copy(), definition=definition)

    @property
    def text(self) -> str:
        """The lines joined."""
        return "\n".join(line.text for line in self.lines)

    def add(self, line: TextLine) -> None:
        """Add a line."""
        self.lines.append(line)
        self.chars += len(line.text) + 1

    def extend(self, text: str, end: int) -> None:
        """Add more of the last line."""
        last = self.lines.pop()
        self.lines.append(last._replace(text=last.text + text, end=end))
        self.chars += len(text)

    def take_lines(self, count: int) -> list[TextLine]:
        """Remove the first lines."""
        taken = self.lines[:count]
        del self.lines[:count]
        self.chars -= sum(len(line.text) + 1 for line in taken)
        return taken

    def take_last_line(self) -> TextLine:
        """Remove the last line."""
        line = self.lines.pop()
        self.chars -= len(line.text) + 1
        return line

    def take_chars(self, count: int) -> tuple[str, int]:
        """Remove `count` characters of the joined text, and the blank there: the text and where its source ends."""
        taken = self.text[:count]
        index = 0
        while count > len(self.lines[index].text):
            count -= len(self.lines[index].text) + 1
            index += 1
        line = self.lines[index]
        end = line.end
        if count < len(line.text):
            skipped = count + (line.text[count] == " ")
            end = line.content + skipped
            self.lines[index] = TextLine(line.text[skipped:], end, end, line.end, can_be_header=False)
            index -= 1
        del self.lines[: index + 1]
        self.chars = sum(len(line.text) + 1 for line in self.lines)
        return taken, end


@dataclass(slots=True)
class OpenLiteral:
    """Code or HTML: one page of literal lines."""

    kind: BlockKind
    head: Head
    info: str = ""
    parts: list[str] = field(default_factory=list[str])
    line_count: int = 0
    chars: int = 0
    page: int = 0
    previous: Block | None = None

    def fork(self) -> OpenLiteral:
        """A copy that can grow on its own."""
        return replace(self, parts=self.parts.copy())

    def add(self, text: str) -> None:
        """Add a line or the beginning of one."""
        self.parts.append(text)
        self.line_count += 1
        self.chars += len(text)

    def extend(self, text: str) -> None:
        """Add more of the last line."""
        self.parts.append(text)
        self.chars += len(text)


@dataclass(slots=True)
class OpenFence(OpenLiteral):
    """A fenced code block; `indent` columns are removed from each of its lines."""

    mark: str = "`"
    length: int = 3
    indent: int = 0


@dataclass(slots=True)
class OpenIndented(OpenLiteral):
    """An indented code block; blank lines belong to it only when more code follows."""

    blanks: list[str] = field(default_factory=list[str])

    def fork(self) -> OpenIndented:
        """A copy that can grow on its own."""
        return replace(self, parts=self.parts.copy(), blanks=self.blanks.copy())

    @property
    def blank_chars(self) -> int:
        """The characters of the blank lines."""
        return sum(map(len, self.blanks))

    def resume(self) -> None:
        """Take the blank lines in: more code follows."""
        for blank in self.blanks:
            self.add(blank)
        self.blanks.clear()


@dataclass(slots=True)
class OpenHtml(OpenLiteral):
    """An HTML block; `end` is what its last line contains, None when a blank line ends it.

    `overlap` keeps the end of a piece of an over-long line, where `end` may begin.
    """

    end: re.Pattern[str] | None = None
    overlap: str = ""
    is_ending: bool = False


@dataclass(slots=True)
class OpenTable:
    """A table: one page of rows; `shape` is fixed by the first page."""

    head: Head
    alignments: tuple[str, ...]
    header: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    chars: int = 0
    shape: TableShape | None = None
    page: int = 0
    previous: Block | None = None

    def fork(self) -> OpenTable:
        """A copy that can grow on its own."""
        return replace(self, rows=self.rows.copy())


Leaf = OpenParagraph | OpenLiteral | OpenTable


def find_cut(text: str, bound: int) -> int:
    """Where to cut a text that is longer than `bound`: between the half of it and `bound`.

    The last line end outside code spans and brackets, else the last such space, else any line end, any space, or
    `bound` itself. It depends on the first `bound` characters only.
    """
    line_end = space = open_line_end = open_space = 0
    depth = ticks = 0
    for match in _CUT_MARKS.finditer(text, 0, bound + 1):
        mark = match[0]
        if mark == "\n" or mark == " ":
            is_clean = depth == 0 and ticks == 0
            at = match.start()
            if mark == "\n":
                line_end, open_line_end = (at if is_clean else line_end), at
            else:
                space, open_space = (at if is_clean else space), at
        elif mark[0] == "`":
            ticks = 0 if ticks == len(mark) else ticks or len(mark)
        elif mark == "\\`" and ticks == 1:
            ticks = 0
        elif ticks == 0 and mark == "[":
            depth += 1
        elif ticks == 0 and mark == "]":
            depth = max(0, depth - 1)
    for cut in (line_end, space, open_line_end, open_space):
        if cut > bound // 2:
            return cut
    return bound
