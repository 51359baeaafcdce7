"""The elements of a JSON array in a file of any size, one at a time.

What is held is one element and a slice of the file. An element may have `MAX_ELEMENT_CHARS`, all of them together
`MAX_FILE_CHARS`: what a compressed archive unpacks to has no other end.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Final, TextIO, cast

from chat_tui.store.importers.building import ImportProblem

MAX_ELEMENT_CHARS: Final = 64 << 20
MAX_FILE_CHARS: Final = 4 << 30

_SLICE_CHARS: Final = 1 << 20
_BLANK: Final = re.compile(r"[ \t\r\n]*")
_NO_TEXT: Final = "The file is no UTF-8 text."


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _no_number(_name: str) -> None:
    return None


_DECODER: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_no_number)


class JsonText:
    """A file that is read as far as it is needed."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._held = ""
        self._at = 0
        self._total = 0
        self._is_at_end = False

    def peek(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What stands here, past white space, within the first slice."""
        self._skip_blank()
        if len(self._held) - self._at < _SLICE_CHARS // 2:
            self._read(_SLICE_CHARS)
        return pattern.match(self._held, self._at)

    def take(self, pattern: re.Pattern[str]) -> bool:
        """Pass over what stands here if it is that."""
        found = self.peek(pattern)
        if found is None:
            return False
        self._at = found.end()
        return True

    def value(self) -> object:
        """The value that stands here. Raises ImportProblem."""
        self._skip_blank()
        wanted = _SLICE_CHARS
        while True:
            try:
                value, end = cast("tuple[object, int]", _DECODER.raw_decode(self._held, self._at))
            except RecursionError:
                raise ImportProblem("The JSON is nested too deep.") from None
            except ValueError as error:
                if self._is_at_end:
                    raise ImportProblem(_complaint(error)) from None
            else:
                self._at = end
                return value
            if len(self._held) - self._at > MAX_ELEMENT_CHARS:
                raise ImportProblem(f"One conversation has more than {MAX_ELEMENT_CHARS >> 20} MiB, or is no JSON.")
            self._read(wanted)
            wanted *= 2  # a value is tried anew each time: twice as much keeps that linear

    @property
    def is_finished(self) -> bool:
        """Whether nothing but white space is left."""
        self._skip_blank()
        return self._is_at_end and self._at == len(self._held)

    def _skip_blank(self) -> None:
        while True:
            blank = _BLANK.match(self._held, self._at)
            self._at = blank.end() if blank else self._at
            if self._at < len(self._held) or self._is_at_end:
                return
            self._read(_SLICE_CHARS)

    def _read(self, chars: int) -> None:
        try:
            text = self._file.read(chars)
        except (UnicodeDecodeError, UnicodeError):
            raise ImportProblem(_NO_TEXT) from None
        self._is_at_end = self._is_at_end or not text
        self._total += len(text)
        if self._total > MAX_FILE_CHARS:
            raise ImportProblem(f"The file has more than {MAX_FILE_CHARS >> 30} GiB of text.")
        self._held = self._held[self._at :] + text
        self._at = 0


_COMMA: Final = re.compile(",")
_CLOSED: Final = re.compile("]")


def elements(text: JsonText) -> Iterator[object]:
    """The values of an array whose bracket has been passed. Raises ImportProblem where it is broken."""
    if text.take(_CLOSED):
        return
    while True:
        yield text.value()
        if text.take(_CLOSED):
            return
        if not text.take(_COMMA):
            raise ImportProblem("The file is cut off or damaged: what comes before is taken over.")


def _complaint(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"The file is cut off or no JSON ({error.msg})."
    return "The file has a number that is too long."
