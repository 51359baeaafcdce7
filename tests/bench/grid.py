"""The characters on a terminal's screen, without their colours: fast enough to replay megabytes of output.

It knows what full-screen programs send: cursor movement, erasing, inserting and deleting, scroll regions, the
alternate screen, wide characters, wrapping, synchronized updates. Other sequences are skipped. The width of a
character is looked up one by one, so that after an emoji made of several the rest of a row may stand elsewhere
than in a real terminal; what is looked for here is words.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from functools import lru_cache

from rich.cells import cell_len

_PART = re.compile(
    r"\x1b\[(?P<private>[<-?]*)(?P<numbers>[\d;:]*)(?P<between>[ -/]*)(?P<final>[@-~])"
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # strings: titles, clipboard, links
    r"|\x1b[ -/]+[0-~]"
    r"|\x1b(?P<escape>[0-OQ-WYZ`-~])"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f])"
    r"|(?P<text>[^\x00-\x1f\x7f]+)"
)
_SYNCHRONIZED = 2026
_LONGEST_SEQUENCE_CHARS = 1 << 16
_width = lru_cache(1 << 13)(cell_len)


class Grid:
    """Feed it what a program wrote. `cell_count` and `frame_count` count what was drawn and shown."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.cell_count = 0
        self.frame_count = 0
        self.is_synchronizing = False
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._unfinished = ""
        self._lines = [self._blank() for _ in range(rows)]
        self._x = self._y = 0
        self._is_wrapping = False  # the next character begins a new row
        self._top, self._bottom = 0, rows - 1
        self._saved = (0, 0)
        self._last = " "
        self._acts: dict[str, Callable[[list[int]], None]] = {
            "H": self._move_to,
            "f": self._move_to,
            "A": lambda n: self._move(0, -(n[0] or 1)),
            "B": lambda n: self._move(0, n[0] or 1),
            "C": lambda n: self._move(n[0] or 1, 0),
            "D": lambda n: self._move(-(n[0] or 1), 0),
            "E": lambda n: self._move(-self.columns, n[0] or 1),
            "F": lambda n: self._move(-self.columns, -(n[0] or 1)),
            "G": lambda n: self._move((n[0] or 1) - 1 - self._x, 0),
            "d": lambda n: self._move(0, (n[0] or 1) - 1 - self._y),
            "J": self._erase_screen,
            "K": self._erase_line,
            "X": lambda n: self._blank_out(self._x, self._x + (n[0] or 1)),
            "P": lambda n: self._shift(-(n[0] or 1)),
            "@": lambda n: self._shift(n[0] or 1),
            "L": lambda n: self._scroll(self._y, -(n[0] or 1)),
            "M": lambda n: self._scroll(self._y, n[0] or 1),
            "S": lambda n: self._scroll(self._top, n[0] or 1),
            "T": lambda n: self._scroll(self._top, -(n[0] or 1)),
            "b": lambda n: self._write(self._last * (n[0] or 1)),
            "r": self._set_region,
            "s": lambda _: self._save(),
            "u": lambda _: self._restore(),
        }

    @property
    def text(self) -> str:
        """All rows without a break between them, so that what the terminal has wrapped is found too."""
        return "".join(map("".join, self._lines))

    @property
    def lines(self) -> list[str]:
        """Row by row."""
        return ["".join(line).rstrip() for line in self._lines]

    def feed(self, data: bytes) -> None:
        """Draw; a sequence that is cut is finished by what is fed next."""
        text = self._unfinished + self._decode(data)
        self._unfinished = ""
        place = 0
        while place < len(text):
            found = _PART.match(text, place)
            if found is None:
                if len(text) - place < _LONGEST_SEQUENCE_CHARS:
                    self._unfinished = text[place:]
                return
            place = found.end()
            kind = found.lastgroup
            if kind == "text":
                self._write(found.group())
            elif kind == "final":
                self._control_sequence(found)
            elif kind == "control":
                self._control(found.group())
            elif kind == "escape":
                self._escape(found["escape"])

    # -- characters ------------------------------------------------------------------------------

    def _blank(self) -> list[str]:
        return [" "] * self.columns

    def _write(self, text: str) -> None:
        self.cell_count += len(text) if text.isascii() else _width(text) if len(text) < 8 else cell_len(text)
        self._last = text[-1:]
        if text.isascii():
            self._write_narrow(text)
            return
        for character in text:
            width = _width(character)
            if width:
                self._write_one(character, width)

    def _write_narrow(self, text: str) -> None:
        place = 0
        while place < len(text):
            self._wrap_if_due()
            fitting = min(len(text) - place, self.columns - self._x)
            self._cut_wide(self._x)
            self._cut_wide(self._x + fitting)
            self._lines[self._y][self._x : self._x + fitting] = text[place : place + fitting]
            self._advance(fitting)
            place += fitting

    def _write_one(self, character: str, width: int) -> None:
        if self._x + width > self.columns:
            self._is_wrapping = True
        self._wrap_if_due()
        self._cut_wide(self._x)
        self._cut_wide(self._x + width)
        line = self._lines[self._y]
        line[self._x] = character
        if width == 2:
            line[self._x + 1] = ""
        self._advance(width)

    def _cut_wide(self, x: int) -> None:
        """A wide character whose second half begins at `x` is broken by what is written there."""
        line = self._lines[self._y]
        if 0 < x < self.columns and line[x] == "":
            line[x - 1] = line[x] = " "

    def _advance(self, width: int) -> None:
        self._x += width
        if self._x >= self.columns:
            self._x, self._is_wrapping = self.columns - 1, True

    def _wrap_if_due(self) -> None:
        if self._is_wrapping:
            self._x, self._is_wrapping = 0, False
            self._line_feed()

    def _line_feed(self) -> None:
        if self._y == self._bottom:
            self._scroll(self._top, 1)
        elif self._y < self.rows - 1:
            self._y += 1

    # -- controls --------------------------------------------------------------------------------

    def _control(self, character: str) -> None:
        if character == "\r":
            self._x, self._is_wrapping = 0, False
        elif character in "\n\v\f":
            self._is_wrapping = False
            self._line_feed()
        elif character == "\b":
            self._move(-1, 0)
        elif character == "\t":
            self._move(8 - self._x % 8, 0)

    def _escape(self, final: str) -> None:
        self._is_wrapping = False
        if final == "7":
            self._save()
        elif final == "8":
            self._restore()
        elif final in "DE":
            self._x = 0 if final == "E" else self._x
            self._line_feed()
        elif final == "M":
            if self._y == self._top:
                self._scroll(self._top, -1)
            else:
                self._move(0, -1)

    def _control_sequence(self, found: re.Match[str]) -> None:
        final = found["final"]
        if final == "m" or found["between"]:
            return
        numbers = [int(number.partition(":")[0] or 0) for number in found["numbers"].split(";")]
        if found["private"]:
            if found["private"] == "?" and final in "hl":
                self._set_modes(numbers, is_on=final == "h")
            return
        act = self._acts.get(final)
        if act is not None:
            if final not in "bLMST":
                self._is_wrapping = False
            act(numbers)

    def _set_modes(self, numbers: list[int], *, is_on: bool) -> None:
        for number in numbers:
            if number == _SYNCHRONIZED:
                self.frame_count += self.is_synchronizing and not is_on
                self.is_synchronizing = is_on
            elif number == 1049:
                self._lines = [self._blank() for _ in range(self.rows)]

    def _save(self) -> None:
        self._saved = (self._x, self._y)

    def _restore(self) -> None:
        self._x, self._y = self._saved

    def _move_to(self, numbers: list[int]) -> None:
        column = numbers[1] if len(numbers) > 1 else 1
        self._y = min(self.rows, numbers[0] or 1) - 1
        self._x = min(self.columns, column or 1) - 1

    def _move(self, columns: int, rows: int) -> None:
        self._is_wrapping = False
        self._x = min(max(0, self._x + columns), self.columns - 1)
        self._y = min(max(0, self._y + rows), self.rows - 1)

    def _set_region(self, numbers: list[int]) -> None:
        top, bottom = (numbers[0] or 1) - 1, (numbers[1] if len(numbers) > 1 and numbers[1] else self.rows) - 1
        is_valid = top < bottom < self.rows
        self._top, self._bottom = (top, bottom) if is_valid else (0, self.rows - 1)
        self._x = self._y = 0

    # -- erasing and scrolling -------------------------------------------------------------------

    def _blank_out(self, start: int, end: int) -> None:
        end = min(end, self.columns)
        self._lines[self._y][start:end] = " " * (end - start)

    def _erase_line(self, numbers: list[int]) -> None:
        spans = {0: (self._x, self.columns), 1: (0, self._x + 1), 2: (0, self.columns)}
        self._blank_out(*spans.get(numbers[0], (0, 0)))

    def _erase_screen(self, numbers: list[int]) -> None:
        spans = {0: (self._y + 1, self.rows), 1: (0, self._y), 2: (0, self.rows)}
        first, last = spans.get(numbers[0], (0, 0))
        for row in range(first, last):
            self._lines[row] = self._blank()
        if numbers[0] < 2:
            self._erase_line(numbers)

    def _shift(self, columns: int) -> None:
        """Insert (positive) or delete cells at the cursor."""
        line = self._lines[self._y]
        if columns > 0:
            line[self._x : self._x] = " " * columns
            del line[self.columns :]
        else:
            del line[self._x : self._x - columns]
            line.extend(" " * (self.columns - len(line)))

    def _scroll(self, top: int, rows: int) -> None:
        """Move the rows from `top` to the end of the region up (positive) or down."""
        if not self._top <= top <= self._bottom:
            return
        for _ in range(min(abs(rows), self._bottom - top + 1)):
            gone, fresh = (top, self._bottom) if rows > 0 else (self._bottom, top)
            del self._lines[gone]
            self._lines.insert(fresh, self._blank())
