"""Fed text as lines and as the source of blocks: what stands between the chunks and the block parser.

A line longer than `LINE_CHARS` is handed on in pieces, so that nothing ever waits for the end of an endless line.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple

LINE_CHARS = 4096

_NEWLINE = re.compile(r"\r\n?|\n")
_SPACES = re.compile(r"[ \t]*")


class Piece(NamedTuple):
    """A line without its newline, or a part of an over-long one. `start` and `end` are offsets in the input.

    `is_partial`: the line is not complete, what is made of it is thrown away.
    """

    text: str
    start: int
    end: int
    is_start: bool = True
    has_more: bool = False
    is_partial: bool = False


class SourceTape:
    """The input that no settled block has taken yet; offsets are those of the whole input."""

    def __init__(self) -> None:
        self._pages: list[str] = []
        self._starts: list[int] = []
        self._fresh: list[str] = []
        self._fresh_start = 0
        self.end = 0

    def push(self, text: str) -> None:
        """Add fed text; small pieces are joined now and then, so that a long gap is not a million objects."""
        self._fresh.append(text)
        self.end += len(text)
        if self.end - self._fresh_start >= LINE_CHARS:
            self._seal()

    def slice(self, start: int, end: int) -> str:
        """The input from `start` to `end`."""
        if end > self._fresh_start:
            self._seal()
        if start >= end:
            return ""
        first = bisect_right(self._starts, start) - 1
        last = bisect_right(self._starts, end - 1)
        joined = "".join(self._pages[first:last])
        base = self._starts[first]
        return joined[start - base : end - base]

    def drop(self, upto: int) -> None:
        """Forget what lies before `upto`."""
        count = bisect_right(self._starts, upto) - 1
        if count > 0:
            del self._pages[:count]
            del self._starts[:count]

    def _seal(self) -> None:
        if self._fresh:
            self._pages.append("".join(self._fresh))
            self._starts.append(self._fresh_start)
            self._fresh = []
            self._fresh_start = self.end


class LineReader:
    """Cuts fed text into lines (LF, CR LF or CR), and over-long lines into pieces, each as soon as it is known."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._chars = 0
        self._limit = LINE_CHARS
        self._start = 0
        self._is_start = True
        self._has_carriage_return = False

    def feed(self, text: str) -> list[Piece]:
        """The lines and pieces that `text` completes."""
        if self._has_carriage_return:
            text = "\r" + text
        self._has_carriage_return = text.endswith("\r")
        if self._has_carriage_return:
            text = text[:-1]
        pieces: list[Piece] = []
        position = 0
        for newline in _NEWLINE.finditer(text):
            self._add(text[position : newline.start()], pieces)
            self._complete(newline.end() - newline.start(), pieces)
            position = newline.end()
        if position < len(text):
            self._add(text[position:], pieces)
        return pieces

    def close(self) -> list[Piece]:
        """The last line, when it has no newline."""
        pieces: list[Piece] = []
        if self._has_carriage_return:
            self._complete(1, pieces)
        elif self._chars or not self._is_start:
            self._complete(0, pieces)
        self._has_carriage_return = False
        return pieces

    def partial(self) -> Piece:
        """What is known of the last line."""
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        text = _clean(self._parts[0]) if self._parts else ""
        return Piece(text, self._start, self._start + len(text), self._is_start, is_partial=True)

    def _add(self, segment: str, pieces: list[Piece]) -> None:
        if segment:
            self._parts.append(segment)
            self._chars += len(segment)
            if self._chars > self._limit:
                self._cut(pieces)

    def _cut(self, pieces: list[Piece]) -> None:
        """Hand on pieces of an over-long line; where they end depends on the line alone.

        The first piece ends `LINE_CHARS` after the line's indentation. An indentation of that length is a blank
        line of its own.
        """
        text = "".join(self._parts)
        at = 0
        while True:
            size = LINE_CHARS
            is_blank = False
            if self._is_start:
                spaces = _SPACES.match(text, at, at + LINE_CHARS)
                indent = spaces.end() - at if spaces else 0
                is_blank = indent >= LINE_CHARS
                size = LINE_CHARS if is_blank else indent + LINE_CHARS
            if len(text) - at <= size:
                self._limit = size
                break
            start = self._start
            self._start += size
            pieces.append(Piece(_clean(text[at : at + size]), start, self._start, self._is_start, not is_blank))
            self._is_start = is_blank
            at += size
        self._parts = [text[at:]]
        self._chars = len(text) - at

    def _complete(self, newline_chars: int, pieces: list[Piece]) -> None:
        text = self._parts[0] if len(self._parts) == 1 else "".join(self._parts)
        end = self._start + self._chars + newline_chars
        pieces.append(Piece(_clean(text), self._start, end, self._is_start))
        self._parts = []
        self._chars = 0
        self._limit = LINE_CHARS
        self._start = end
        self._is_start = True


def _clean(text: str) -> str:
    return text.replace("\0", "\ufffd")
