"""Styled text, cut into rows by terminal cells.

Almost all text is narrow (every character one cell): there, columns are indices and a row costs one `rfind`. The
rest goes by clusters: a base character with everything that joins it (combining marks, ZWJ sequences, variation
selectors), measured the way rich and Textual measure it, so that what is drawn is as wide as it is counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, TypeAlias

from rich.cells import cell_len, get_character_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

Span: TypeAlias = tuple[str, Style]
Range: TypeAlias = tuple[int, int]

# Not one cell for sure. U+FE0F, which makes some of these wide, is not among them.
_NOT_NARROW: Final = re.compile(
    "[^\n\x20-\x7e\xa0-\xac\xae-\u02ff\u0370-\u0482\u2010-\u2027\u2030-\u205e\u2190-\u2193\u2200-\u22ff"
    "\u2500-\u25fa\u2800-\u28ff]"
)
_NOT_SHOWABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_WORD: Final = re.compile(r"[^ ]+")
_TAB: Final = "    "
_ZWJ: Final = "\u200d"
_VS16: Final = "\ufe0f"
# Never the first of a row (the common part of JIS X 4051's list).
_NO_START: Final = frozenset("、。，．・：；？！）」』】〕》〉〗”’…ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ｝］")
# Never the last of a row.
_NO_END: Final = frozenset("（「『【〔《〈〖“‘｛［")


def is_narrow(text: str) -> bool:
    """Whether every character takes one cell (newlines aside): then columns are indices. False when in doubt."""
    return _NOT_NARROW.search(text) is None


def showable(text: str) -> str:
    """The text with tabs as spaces and with what a terminal could obey, or not encode, as U+FFFD; newlines stay."""
    if _NOT_NARROW.search(text) is None:
        return text
    if "\t" in text:
        text = text.replace("\t", _TAB)
    return _NOT_SHOWABLE.sub("\ufffd", text)


def clusters(text: str) -> list[tuple[int, int]]:
    """The first index and the cells of each unit that must not be cut, in order."""
    found: list[tuple[int, int]] = []
    start = 0
    start_cells = 0
    index = 0
    count = len(text)
    while index < count:
        character = text[index]
        if character == _ZWJ:
            index += 2
            continue
        if character == _VS16 or not (cells := get_character_cell_size(character)):
            index += 1
            continue
        if index > start:
            found.append((start, start_cells if index - start == 1 else cell_len(text[start:index])))
        start = index
        start_cells = cells
        index += 1
    if start < count:
        found.append((start, cell_len(text[start:])))
    return found


def wrap_ranges(text: str, width: int) -> list[Range]:
    """Index ranges of the rows of one text, broken at newlines and else at spaces; words longer than a row are cut.

    Spaces at a break belong to no row. A cluster wider than `width` gets a row of its own.
    """
    if "\n" not in text:
        return _wrap_line(text, 0, len(text), width)
    rows: list[Range] = []
    start = 0
    while (end := text.find("\n", start)) >= 0:
        rows += _wrap_line(text, start, end, width)
        start = end + 1
    rows += _wrap_line(text, start, len(text), width)
    return rows


def _wrap_line(text: str, start: int, end: int, width: int) -> list[Range]:
    if _NOT_NARROW.search(text, start, end) is not None:
        return [(start + first, start + last) for first, last in _wrap_wide(text[start:end], width)]
    rows: list[Range] = []
    while end > start and text[end - 1] == " ":
        end -= 1
    while end - start > width:
        cut = text.rfind(" ", start, start + width + 1)
        last = cut
        while last > start and text[last - 1] == " ":
            last -= 1
        if last <= start:
            rows.append((start, start + width))
            start += width
            continue
        rows.append((start, last))
        start = cut + 1
        while start < end and text[start] == " ":
            start += 1
    if start < end or not rows:
        rows.append((start, end))
    return rows


def _wrap_wide(line: str, width: int) -> list[Range]:
    """`_wrap_line` by cells: words are measured whole, only what does not fit is taken apart."""
    rows: list[Range] = []
    row_start = row_end = 0
    used = 0
    for word in _WORD.finditer(line):
        first, last = word.span()
        gap = first - row_end
        cells = cell_len(word.group())
        if used + gap + cells <= width:
            used += gap + cells
            row_end = last
            continue
        for piece_start, piece_end, piece_cells in _pieces(line, first, last, width):
            gap = piece_start - row_end
            if used + gap + piece_cells <= width:
                used += gap + piece_cells
            else:
                if row_end > row_start:
                    rows.append((row_start, row_end))
                row_start = piece_start
                used = piece_cells
            row_end = piece_end
    if row_end > row_start or not rows:
        rows.append((row_start, row_end))
    return rows


def _pieces(line: str, first: int, last: int, width: int) -> list[tuple[int, int, int]]:
    """A word as (start, end, cells) between which a row may end: at wide characters, and hard where it must."""
    found: list[tuple[int, int, int]] = []
    start, used, was_wide, before = first, 0, False, ""
    for offset, cells in clusters(line[first:last]):
        index = first + offset
        character = line[index]
        is_wide = cells > 1
        may_break = (is_wide or was_wide) and character not in _NO_START and before not in _NO_END
        if index > start and (may_break or used + cells > width):
            found.append((start, index, used))
            start, used = index, 0
        used += cells
        was_wide, before = is_wide, character
    found.append((start, last, used))
    return found


def cut_cells(text: str, width: int) -> list[Range]:
    """Index ranges of at most `width` cells each, for text kept as it is: nothing is dropped between them.

    Cut behind a space when one is near the end of a row, else anywhere between clusters.
    """
    rows: list[Range] = []
    start = 0
    if _NOT_NARROW.search(text) is None:
        while len(text) - start > width:
            cut = text.rfind(" ", start + width * 2 // 3, start + width) + 1 or start + width
            rows.append((start, cut))
            start = cut
    else:
        used = 0
        for index, cells in clusters(text):
            if used + cells > width and index > start:
                rows.append((start, index))
                start, used = index, 0
            used += cells
    rows.append((start, len(text)))
    return rows


def segments_between(spans: Sequence[Span], ranges: Sequence[Range]) -> list[list[Segment]]:
    """The spans' text within each range (ascending, not overlapping) as segments."""
    rows: list[list[Segment]] = []
    number = 0
    count = len(spans)
    span_start = 0
    for start, end in ranges:
        row: list[Segment] = []
        while number < count:
            text, style = spans[number]
            span_end = span_start + len(text)
            if span_end > start:
                first = start - span_start if start > span_start else 0
                if span_end >= end:
                    if end > span_start + first:
                        row.append(Segment(text[first : end - span_start], style))
                    break
                row.append(Segment(text[first:], style))
            span_start = span_end
            number += 1
        rows.append(row)
    return rows


def whole_clusters(spans: list[Span]) -> list[Span]:
    """The spans with every style change moved behind the cluster it would cut (an emphasised ZWJ sequence, say)."""
    if len(spans) < 2:
        return spans
    starts = {index for index, _ in clusters("".join([text for text, _ in spans]))}
    whole: list[Span] = []
    position = 0
    for text, style in spans:
        lead = 0
        while lead < len(text) and position + lead not in starts:
            lead += 1
        position += len(text)
        if lead and whole:
            before, before_style = whole[-1]
            whole[-1] = (before + text[:lead], before_style)
        if lead < len(text):
            whole.append((text[lead:] if whole else text, style))
    return whole


def wrap_spans(spans: list[Span], width: int) -> list[tuple[list[Segment], int]]:
    """Rows of styled text: segments and their cells. At least one row; none wider than `width` (of 2 or more)."""
    return _wrap(spans, _text_of(spans), width)[0]


def wrap_joined(spans: list[Span], width: int) -> tuple[list[tuple[list[Segment], int]], list[str]]:
    """`wrap_spans`, and what stood between each row and the one above it: a line break, spaces, or nothing."""
    text = _text_of(spans)
    rows, ranges = _wrap(spans, text, width)
    joints = [text[end:start] for (_, end), (start, _) in pairwise(ranges)]
    return rows, ["\n", *joints]


def _text_of(spans: list[Span]) -> str:
    return spans[0][0] if len(spans) == 1 else "".join([text for text, _ in spans])


def _wrap(spans: list[Span], text: str, width: int) -> tuple[list[tuple[list[Segment], int]], list[Range]]:
    ranges = wrap_ranges(text, width)
    if _NOT_NARROW.search(text) is None:
        rows = segments_between(spans, ranges)
        return [(row, end - start) for row, (start, end) in zip(rows, ranges, strict=True)], ranges
    rows = segments_between(whole_clusters(spans), ranges)
    return [(row, row_cells(row)) for row in rows], ranges


def row_cells(row: Sequence[Segment]) -> int:
    """The cells of a row, as Textual will count them."""
    return sum([cell_len(text) for text, _, _ in row])


def strips_of(rows: Sequence[tuple[list[Segment], int]], first: list[Segment], rest: list[Segment]) -> list[Strip]:
    """Rows as strips, behind a prefix for the first row and one for the others."""
    if not first and not rest:
        return [Strip(segments, cells) for segments, cells in rows]
    strips: list[Strip] = []
    prefix = first
    prefix_cells = row_cells(first)
    for segments, cells in rows:
        strips.append(Strip(prefix + segments, prefix_cells + cells))
        if prefix is first:
            prefix = rest
            prefix_cells = row_cells(rest)
    return strips
