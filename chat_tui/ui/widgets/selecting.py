"""Selected text that stays the same text: while more is streamed, when it is wrapped otherwise, when it settles.

A place is a gap between two characters of a piece's text, told by the letters before it: how these are cut into
rows and where the rows stand may change under it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len, get_character_cell_size
from textual.geometry import Offset
from textual.selection import Selection
from textual.strip import Strip

from chat_tui.ui.render.rows import SourceRow, joint_of, source_range
from chat_tui.ui.render.wrap import clusters, is_narrow
from chat_tui.ui.widgets.piece_list import PieceList

_NEAR_PIECES: Final = 64
"""How far behind its piece a place is looked for: into so many blocks a tail may settle at once."""

RowSpan = tuple[int, int, int]
"""A row, and the characters of it that lie under a point: from, up to."""


@dataclass(frozen=True, slots=True)
class Place:
    """`letters` (characters that are not white) of piece `key` stand before it; then `after` white ones in the
    same row, and `before` white ones between it and the next letter of the row."""

    key: tuple[int, int]
    letters: int
    after: int
    before: int


@dataclass(frozen=True, slots=True)
class HeldText:
    """What is selected: from, up to."""

    start: Place
    end: Place


def hold(pieces: PieceList, selection: Selection) -> HeldText | None:
    """The selected text as places; None for a selection without ends, or outside the text."""
    start, end = selection
    if start is None or end is None or not (0 <= start.y <= end.y < pieces.row_count):
        return None
    return HeldText(_place(pieces, start.y, start.x), _place(pieces, end.y, end.x))


def find(pieces: PieceList, held: HeldText) -> Selection | None:
    """Where the text stands now; None when it is not there any more, or is folded away."""
    start = _find(pieces, held.start, is_end=False)
    end = _find(pieces, held.end, is_end=True)
    if start is None or end is None:
        return None
    start = min(start, end)  # of what is empty: between two rows, say
    return Selection(Offset(start[1], start[0]), Offset(end[1], end[0]))


def between(one: RowSpan, other: RowSpan) -> Selection:
    """From the first character of the earlier up to the last of the later."""
    first, last = sorted((one, other))
    return Selection(Offset(first[1], first[0]), Offset(last[2], last[0]))


def selected_text(pieces: PieceList, selection: Selection) -> str:
    """The text as it was before it was cut into rows: exact in code, one line for a wrapped paragraph."""
    first = selection.start.y if selection.start else 0
    last = selection.end.y if selection.end else pieces.row_count - 1
    left = selection.start.x if selection.start else 0
    parts: list[str] = []
    rows = (strip for _, _, strip in pieces.rows(first, last))
    strip = next(rows, None)
    while strip is not None:  # not by numbers: rows that were never seen may turn out to be more, or fewer
        following = next(rows, None)
        start, end = source_range(strip)
        if following is None and selection.end:
            end = min(selection.end.x, end)
        parts += [joint_of(strip), strip.text[max(left, start) : end]]
        left, strip = 0, following
    return "".join(parts[1:]).strip("\n")


def characters_at(strip: Strip, cell: int) -> tuple[int, int]:
    """The characters that stand in a cell of a row (as it is, not as it is seen through a window): first, behind
    the last. Left of the text that is its beginning, right of it its end."""
    text = strip.text
    start, end = source_range(strip)
    at = 0
    starts = clusters(text) if not is_narrow(text) else [(index, 1) for index in range(len(text))]
    for number, (index, cells) in enumerate(starts):
        if at <= cell < at + cells:
            behind = starts[number + 1][0] if number + 1 < len(starts) else len(text)
            if index < start:
                return start, start
            return (index, behind) if index < end else (end, end)
        at += cells
    return (start, start) if cell < 0 else (end, end)


def word_at(strip: Strip, char: int) -> tuple[int, int]:
    """The word around a character; the character alone where there is none."""
    text = strip.text
    start, end = source_range(strip)
    if not (start <= char < end) or not _is_word(text[char]):
        return char, min(char + 1, end)
    first = last = char
    while first > start and _is_word(text[first - 1]):
        first -= 1
    while last < end and _is_word(text[last]):
        last += 1
    return first, last


def cell_in_row(strip: Strip, cell: int, shift: int) -> int:
    """The cell of the row that is seen in a cell of the view, when the row's window was moved by `shift`."""
    if isinstance(strip, SourceRow) and strip.window is not None and cell >= strip.lead_cells:
        return strip.lead_cells + shift + min(cell - strip.lead_cells, strip.window.cells - 1)
    return cell


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_" or (not character.isspace() and _joins(character))


def _joins(character: str) -> bool:
    return get_character_cell_size(character) == 0 and cell_len(character) == 0


def _place(pieces: PieceList, row: int, char: int) -> Place:
    index, offset = pieces.find(row)
    pieces.lay_out(index)
    rows, key = pieces[index].rows, pieces.key(index)
    letters = sum([_letters(_text(strip)) for strip in rows[:offset]])
    if offset >= len(rows):
        return Place(key, letters, 0, 0)
    start, end = source_range(rows[offset])
    char = min(max(char, start), end)
    left, right = rows[offset].text[start:char], rows[offset].text[char:end]
    return Place(
        key,
        letters + _letters(left),
        len(left) - len(left.rstrip()),
        len(right) - len(right.lstrip()),
    )


def _find(pieces: PieceList, place: Place, *, is_end: bool) -> tuple[int, int] | None:
    """Row and character. The letters may by now belong to the pieces behind: a tail settles from its beginning."""
    letters = place.letters
    first = pieces.index_of(place.key)
    for index in range(first, min(first + _NEAR_PIECES, len(pieces))):
        if pieces[index].is_hidden:
            return None
        pieces.lay_out(index)
        for offset, strip in enumerate(pieces[index].rows):
            start, end = source_range(strip)
            text = strip.text[start:end]
            count = _letters(text)
            if is_end and letters <= count:
                char = start + _behind_letter(text, letters)
                return pieces.top(index) + offset, min(char + place.after, _white_end(strip.text, char, end))
            if not is_end and letters < count:
                char = start + _behind_letter(text, letters + 1) - 1
                return pieces.top(index) + offset, max(start, char - place.before)
            letters -= count
    return None


def _text(strip: Strip) -> str:
    start, end = source_range(strip)
    return strip.text[start:end]


def _letters(text: str) -> int:
    return sum([len(word) for word in text.split()])


def _behind_letter(text: str, number: int) -> int:
    """The index behind the letter of that number, from 1; 0 for none."""
    if number <= 0:
        return 0
    for index, character in enumerate(text):
        if not character.isspace():
            number -= 1
            if not number:
                return index + 1
    return len(text)


def _white_end(text: str, start: int, end: int) -> int:
    while start < end and text[start].isspace():
        start += 1
    return start
