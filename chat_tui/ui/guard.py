"""The last line against control characters: what others hand to Textual, and what we forgot to clean.

Textual 8.2.8 and rich 15.0 remove only BEL, BS, VT, FF and CR from what they print; ESC, C1, NUL and DEL reach
the terminal from nearly every widget. Text is cleaned where it enters (core.sanitize); here are the two nets
below: `install_guard` makes Textual's own text types show such characters, `ControlFilter` sees every row of
every widget just before it is written, whatever it was made from.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import cast

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from chat_tui.core.sanitize import HIDDEN_MARKER

_TABLES = ("textual.content", "rich.control")
_TABLE_NAME = "_CONTROL_STRIP_TRANSLATE"
_BROKEN = "\N{REPLACEMENT CHARACTER}"
# CR is not among them: it stays removed, for the sake of CRLF.
_VISIBLE_FORMS: dict[int, str] = (
    {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n\r"}
    | {0x7F: "\u2421"}
    | dict.fromkeys((*range(0x80, 0xA0), *range(0xD800, 0xE000)), _BROKEN)
    | dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), HIDDEN_MARKER)
    | dict.fromkeys((0x2028, 0x2029), " ")
)
_NEVER_PRINTED = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def install_guard() -> tuple[str, ...]:
    """Widen the tables of characters that Textual and rich strip from text; again is harmless.

    Each character becomes one visible one, so that offsets of styles stay right. Both tables are private
    (seen in Textual 8.2.8 and rich 15.0.0, in which they are bound as a default argument: they must be
    changed in place). Returns the modules that have none any more; a test wants that to be empty.
    """
    moved: list[str] = []
    for module_name in _TABLES:
        table: object = vars(import_module(module_name)).get(_TABLE_NAME)
        if isinstance(table, dict):
            cast("dict[int, str | None]", table).update(_VISIBLE_FORMS)
        else:
            moved.append(module_name)
    return tuple(moved)


class ControlFilter(LineFilter):
    """Removes control characters and terminal hyperlinks from rows; add it in `App.get_line_filters`.

    A row's layout is done by then: what has no width goes, a lone surrogate becomes �. Hyperlinks
    (OSC 8) go because a terminal opens them without asking and a target may carry an escape sequence.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same list when there is nothing to remove. Control segments (Textual's own) stay."""
        if not any(_is_unsafe(segment) for segment in segments):
            return segments
        return [_defused(segment) for segment in segments]


def _is_unsafe(segment: Segment) -> bool:
    text, style, _ = segment
    if style is not None and style.link:
        return True
    return not text.isprintable() and _NEVER_PRINTED.search(text) is not None


def _defused(segment: Segment) -> Segment:
    text, style, control = segment
    if control:
        return segment
    if style and style.link:
        style = style.update_link(None)
    return Segment(_NEVER_PRINTED.sub(_narrow_form, text), style, control)


def _narrow_form(found: re.Match[str]) -> str:
    return _BROKEN if found.group() >= "\ud800" else ""
