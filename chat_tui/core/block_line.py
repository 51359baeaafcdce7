"""One line under the block parser's cursor: positions in characters and columns (CommonMark §2.2)."""

from __future__ import annotations

import re

from chat_tui.core.block_source import Piece

_SPACES = re.compile(r"[ \t]*")


class Line:
    """A line, how much of it containers have consumed, and where its next character that is no space stands."""

    __slots__ = (
        "_is_inside_tab",
        "_position",
        "column",
        "end",
        "has_more",
        "is_partial",
        "next",
        "next_column",
        "start",
        "text",
    )

    def __init__(self, piece: Piece) -> None:
        self.text = piece.text
        self.start = piece.start
        self.end = piece.end
        self.has_more = piece.has_more
        self.is_partial = piece.is_partial
        self.column = 0
        self._position = 0
        self._is_inside_tab = False
        self._look()

    @property
    def indent(self) -> int:
        """Columns from the cursor to the next character that is no space."""
        return self.next_column - self.column

    @property
    def is_blank(self) -> bool:
        """Whether nothing but spaces is left."""
        return self.next >= len(self.text)

    @property
    def content(self) -> str:
        """What is left, without its indentation."""
        return self.text[self.next :]

    @property
    def rest(self) -> str:
        """What is left; a tab that containers consumed in part gives the rest of its columns as spaces."""
        if self._is_inside_tab:
            return " " * (4 - self.column % 4) + self.text[self._position + 1 :]
        return self.text[self._position :]

    def advance_columns(self, count: int) -> None:
        """Consume up to `count` columns of indentation; a tab may be consumed in part."""
        count = min(count, self.next_column - self.column)
        while count > 0:
            if self.text[self._position] == "\t":
                width = 4 - self.column % 4
                step = min(width, count)
                self._is_inside_tab = step < width
                self._position += step == width
            else:
                step = 1
                self._position += 1
            self.column += step
            count -= step

    def advance_marker(self, chars: int) -> None:
        """Consume the indentation and a marker."""
        self._position = self.next + chars
        self.column = self.next_column + chars
        self._is_inside_tab = False
        self._look()

    def _look(self) -> None:
        spaces = _SPACES.match(self.text, self._position)
        self.next = spaces.end() if spaces else self._position
        if "\t" not in self.text[self._position : self.next]:
            self.next_column = self.column + self.next - self._position
            return
        column = self.column
        for character in self.text[self._position : self.next]:
            column += 4 - column % 4 if character == "\t" else 1
        self.next_column = column
