"""Finding words in text: literal, smart case, and where in the original they are.

Words without a capital letter are found in any case, by Unicode's full case folding: "strasse" finds "Straße". A
folded text may be longer than the original, so matches are led back to whole characters of it.

Two questions are answered apart. `Query.find_in_rows` looks at rows as they are drawn, also across the breaks that
wrapping made. `Source.may_contain` looks at the text such rows are made from, to spare the drawing: it errs on one
side only, by saying yes.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

MAX_WORDS_CHARS = 200
"""Longer words are cut."""

_SPACES = str.maketrans(dict.fromkeys("\t\u00a0\u2007\u202f", " "))
_ASCII_MARKS = bytes(code for code in range(128) if not chr(code).isalnum())
_MARKS = re.compile(r"[\W_]+")
_WORD = re.compile(r"[^\W_]+")

# What is drawn but need not be in the source: markers, marks for what cannot be shown.
_DRAWN = re.compile("[\u2010-\u2027\u2190-\u21ff\u2400-\u25ff\u2610-\u2612\u2692\ufffd]")

# Where the screen says something else than the source without its punctuation: entities, line breaks, links whose
# target is their text or stands elsewhere.
_REWORDED = re.compile(r"&#?\w{1,31};|<br|\]\[|\]:|\[([^\]\n]*)\]\(\1", re.IGNORECASE)


class Row(NamedTuple):
    """Text of a row from its character `column` on, and what stood between it and the row above before the text
    was wrapped: a line break, spaces, or nothing."""

    text: str
    column: int = 0
    joint: str = "\n"


class RowText:
    """Rows one below the other as one text, with what leads back to them. Kept for long conversations, so it is
    made of few objects."""

    __slots__ = ("_columns", "_ends", "_starts", "text")

    def __init__(self, rows: Iterable[Row]) -> None:
        pieces: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        columns: list[int] = []
        at = 0
        for text, column, joint in rows:
            joint_now = joint if joint.strip(" ") else joint[:1]
            pieces += (joint_now, text)
            starts.append(at + len(joint_now))
            at += len(joint_now) + len(text)
            ends.append(at)
            columns.append(column)
        self.text = "".join(pieces)
        self._starts, self._ends, self._columns = tuple(starts), tuple(ends), tuple(columns)

    def spans(self, start: int, end: int) -> Match:
        """The characters `start` up to `end` of the text by rows; what joins rows is in none."""
        spans: list[Span] = []
        row = max(0, bisect_right(self._starts, start) - 1)
        while row < len(self._starts) and self._starts[row] < end:
            row_start = self._starts[row]
            first, last = max(start, row_start), min(end, self._ends[row])
            if last > first:
                shift = self._columns[row] - row_start
                spans.append(Span(row, first + shift, last + shift))
            row += 1
        return tuple(spans)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Characters `start` up to `end` of row `row`."""

    row: int
    start: int
    end: int


Match = tuple[Span, ...]
"""One match: a span for each row it touches, from above."""


class Source:
    """What of a source text decides whether it is worth drawing; made once for all queries."""

    __slots__ = ("_characters", "_is_reworded", "_is_unknown", "_squeezed")

    def __init__(self, text: str, *, is_unknown: bool = False) -> None:
        """`is_unknown`: the screen may say anything."""
        self._is_unknown = is_unknown
        self._is_reworded = _REWORDED.search(text) is not None
        folded = text.casefold()
        if self._is_reworded:
            from html import unescape

            folded += "\n" + unescape(text).casefold()
        self._characters = frozenset(folded)
        self._squeezed = _squeeze(folded)

    def may_contain(self, query: Query) -> bool:
        """False only if no row made from this text contains the words."""
        if self._is_unknown:
            return True
        if query.squeezed:
            if query.squeezed in self._squeezed:
                return True
            return self._is_reworded and all(part in self._squeezed for part in query.parts)
        return query.marks <= self._characters


class Query:
    """The words looked for, ready to look."""

    __slots__ = ("_folded", "is_exact", "marks", "parts", "squeezed", "words")

    def __init__(self, words: str) -> None:
        self.words = words[:MAX_WORDS_CHARS].translate(_SPACES)
        self.is_exact = any(character.isupper() or character.istitle() for character in self.words)
        """A capital letter makes it exact."""
        self._folded = self.words if self.is_exact else self.words.casefold()
        folded = self.words.casefold()
        self.squeezed = _squeeze(folded)
        """Letters and digits alone: what no markup can take away."""
        self.parts = tuple(_squeeze(part) for part in _WORD.findall(folded))
        self.marks = frozenset(c for c in folded if not c.isspace() and not _DRAWN.match(c))
        """What must be in a source when there are no letters to look for."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to look for."""
        return not self.words.strip()

    def find(self, text: str) -> list[tuple[int, int]]:
        """All matches from the left, as (start, end) in characters of `text`; none overlaps another."""
        if self.is_empty:
            return []
        text = text.translate(_SPACES) if not text.isascii() or "\t" in text else text
        if self.is_exact:
            return _find_all(text, self._folded)
        folded = text.lower() if text.isascii() else text.casefold()
        if len(folded) == len(text):  # no character folds to nothing: then each folds to one
            return _find_all(folded, self._folded)
        return _led_back(text, _find_all_overlapping(folded, self._folded))

    def find_in_rows(self, rows: RowText) -> list[Match]:
        """All matches in rows one below the other, from above, across wrapped lines too."""
        return [match for start, end in self.find(rows.text) if (match := rows.spans(start, end))]


def _find_all(text: str, words: str) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    at = text.find(words)
    while at >= 0:
        found.append((at, at + len(words)))
        at = text.find(words, at + len(words))
    return found


def _find_all_overlapping(text: str, words: str) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    at = text.find(words)
    while at >= 0:
        found.append((at, at + len(words)))
        at = text.find(words, at + 1)
    return found


def _led_back(text: str, found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Matches in a folded text as whole characters of the text. Half of an "ß" is the whole."""
    matches: list[tuple[int, int]] = []
    if not found:
        return matches
    origins = [index for index, character in enumerate(text) for _ in character.casefold()]
    for first, last in found:
        start, end = origins[first], origins[last - 1] + 1
        if not matches or start >= matches[-1][1]:
            matches.append((start, end))
    return matches


def _squeeze(folded: str) -> str:
    """Letters and digits alone."""
    if folded.isascii():
        return folded.encode().translate(None, _ASCII_MARKS).decode()
    return _MARKS.sub("", folded)
