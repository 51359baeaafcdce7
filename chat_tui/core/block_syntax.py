"""What a line looks like: the recognisers of CommonMark 0.31.2 blocks and GFM tables, without any state."""

from __future__ import annotations

import re
from typing import NamedTuple

_FENCE = re.compile(r"(`{3,})(?!.*`)|(~{3,})")
_ATX = re.compile(r"(#{1,6})(?:[ \t]+|$)")
_ORDERED = re.compile(r"([0-9]{1,9})[.)]")
_TASK = re.compile(r"\[([ xX])\][ \t]+(?=\S)")
_DELIMITER_CELL = re.compile(r"(:?)-+(:?)")
_CELL_END = re.compile(r"(?<!\\)\|")

# Characters a block other than a paragraph can begin with (indentation apart).
STARTERS = frozenset("#`~*+_=<>-0123456789")


class Fence(NamedTuple):
    """An opening fence."""

    mark: str
    length: int
    info: str


def read_fence(text: str) -> Fence | None:
    """The opening fence a line is."""
    match = _FENCE.match(text)
    if match is None:
        return None
    marks = match[0]
    return Fence(marks[0], len(marks), text[len(marks) :].strip(" \t"))


def is_closing_fence(text: str, mark: str, length: int) -> bool:
    """Whether a line (without its indentation) closes a fence."""
    marks = text.rstrip(" \t")
    return len(marks) >= length and marks == mark * len(marks)


def read_heading(text: str) -> tuple[int, str] | None:
    """Level and text of an ATX heading."""
    match = _ATX.match(text)
    if match is None:
        return None
    content = text[match.end() :].strip(" \t")
    opened = content.rstrip("#")
    if opened != content and (not opened or opened[-1] in " \t"):
        content = opened.rstrip(" \t")
    return len(match[1]), content


def underline_level(text: str) -> int:
    """1 or 2 when a line (without its indentation) underlines a setext heading, else 0."""
    marks = text.rstrip(" \t")
    if not marks or marks[0] not in "=-" or marks != marks[0] * len(marks):
        return 0
    return 1 if marks[0] == "=" else 2


def is_rule(text: str) -> bool:
    """Whether a line is a thematic break."""
    if text[:1] not in ("*", "-", "_"):
        return False
    marks = text.replace(" ", "").replace("\t", "")
    return len(marks) >= 3 and marks == marks[0] * len(marks)


def read_list_marker(text: str, position: int, is_interrupting: bool) -> str:
    """The list marker at `position`, "" for none; with `is_interrupting` only one that may end a paragraph."""
    if text[position] in "*+-":
        marker = text[position]
    else:
        match = _ORDERED.match(text, position)
        if match is None or (is_interrupting and int(match[1]) != 1):
            return ""
        marker = match[0]
    end = position + len(marker)
    if end < len(text) and text[end] not in " \t":
        return ""
    if is_interrupting and not text[end : end + 1_000].strip(" \t"):
        return ""
    return marker


def read_task(text: str) -> tuple[bool, int] | None:
    """Whether the box that opens a task item is ticked, and how many characters it takes."""
    match = _TASK.match(text)
    return (match[1] != " ", match.end()) if match else None


def read_alignments(text: str) -> tuple[str, ...] | None:
    """Alignments per column when a line (without its indentation) is the delimiter row of a table."""
    text = text.rstrip(" \t")
    # A lone "-", and "- |", are list items before they are tables.
    if len(text) < 2 or text[0] not in "|:-" or text[:2] in ("- ", "-\t"):
        return None
    cells = text.split("|")
    if not cells[0].strip(" \t"):
        del cells[0]
    if cells and not cells[-1].strip(" \t"):
        del cells[-1]
    alignments: list[str] = []
    for cell in cells:
        match = _DELIMITER_CELL.fullmatch(cell.strip(" \t"))
        if match is None:
            return None
        alignments.append({"": "", ":": "left"}[match[1]] if not match[2] else "center" if match[1] else "right")
    return tuple(alignments) or None


def split_row(text: str) -> tuple[str, ...]:
    """The cells of a table row; an escaped pipe is part of its cell."""
    cells = _CELL_END.split(text.strip(" \t"))
    if cells[0] == "":
        del cells[0]
    if cells and cells[-1] == "":
        del cells[-1]
    return tuple(cell.strip(" \t").replace("\\|", "|") for cell in cells)


# HTML blocks, CommonMark §4.6.
_BLOCK_TAGS = (
    "address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt|"
    "fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|"
    "menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|"
    "track|ul"
)
_ATTRIBUTE = r"""\s++[A-Za-z_:][A-Za-z0-9_.:-]*+(?:\s*+=\s*+(?:[^\s"'=<>`]++|'[^']*+'|"[^"]*+"))?+"""
_LONE_TAG = re.compile(rf"(?:<[A-Za-z][A-Za-z0-9-]*+(?:{_ATTRIBUTE})*+\s*+/?>|</[A-Za-z][A-Za-z0-9-]*+\s*+>)\s*+$")
_TEXT_TAG_END = re.compile(r"</(?:script|pre|style|textarea)>", re.IGNORECASE)
_BLANK_END: re.Pattern[str] | None = None
_HTML_STARTS: tuple[tuple[re.Pattern[str], re.Pattern[str] | None], ...] = (
    (re.compile(r"<(?:script|pre|style|textarea)(?:[ \t>]|$)", re.IGNORECASE), _TEXT_TAG_END),
    (re.compile(r"<!--"), re.compile(r"-->")),
    (re.compile(r"<\?"), re.compile(r"\?>")),
    (re.compile(r"<!\[CDATA\["), re.compile(r"\]\]>")),
    (re.compile(r"<![A-Za-z]"), re.compile(r">")),
    (re.compile(rf"</?(?:{_BLOCK_TAGS})(?:[ \t]|/?>|$)", re.IGNORECASE), _BLANK_END),
)


class HtmlStart(NamedTuple):
    """The first line of an HTML block; `end` is what its last line contains, None when a blank line ends it."""

    end: re.Pattern[str] | None


def read_html_start(text: str, is_interrupting: bool) -> HtmlStart | None:
    """How an HTML block that begins with `text` ends; a lone unknown tag cannot interrupt a paragraph."""
    for start, end in _HTML_STARTS:
        if start.match(text):
            return HtmlStart(end)
    if not is_interrupting and _LONE_TAG.match(text):
        return HtmlStart(None)
    return None


# What may still become block syntax when more of the line arrives: container markers, then nothing or the beginning
# of a marker, rule, heading, fence, tag or table row. Possessive: nothing is tried twice.
_UNDECIDED = re.compile(
    r"(?:(?:>|[-+*](?=[ \t])|[0-9]{1,9}[.)](?=[ \t]))[ \t]*+)*+"
    r"(?:[-+*]|[0-9]{1,9}[.)]?|[-_*=~:|][-_*=~:| \t]*|\#{1,6}[ \t]*|`{1,2}|`{3,}[^`]*|~{3,}.*"
    r"|\[(?:[ xX](?:\][ \t]*)?)?|</?(?:[A-Za-z][^<>]{0,200}>?[ \t]*)?|<!(?:-|[A-Z\[]*)|<\?|\|.*)?"
)
_PIPELESS = re.compile(r"[|:\-][|:\- \t]*")


def is_undecided(text: str) -> bool:
    """Whether an incomplete line (indentation apart) could still become something else than it looks like."""
    return _UNDECIDED.fullmatch(text) is not None


def may_become_delimiter(text: str) -> bool:
    """Whether an incomplete line could become the delimiter row of a table."""
    return not text or _PIPELESS.fullmatch(text) is not None
