"""Link reference definitions (CommonMark §4.7), read line by line, each character once."""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import NamedTuple

_LABEL_PART = re.compile(r"(?:[^\\\[\]]++|\\.?)*+")
_SPACES = re.compile(r"[ \t]*")
_ANGLE_TARGET = re.compile(r"<((?:[^<>\\]++|\\.)*+)>")
_PLAIN_TARGET = re.compile(r"[^\x00-\x20\x7f]+")
_PARENTHESES = re.compile(r"\\.|[()]")
_TITLE_PARTS = {
    '"': re.compile(r'(?:[^"\\]++|\\.?)*+'),
    "'": re.compile(r"(?:[^'\\]++|\\.?)*+"),
    "(": re.compile(r"(?:[^()\\]++|\\.?)*+"),
}
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])|(&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{0,31});)")
_MAX_LABEL_CHARS = 999
_BLANKS = re.compile(r"[ \t\n]+")


class Definition(NamedTuple):
    """A definition and how many lines it takes."""

    label: str
    target: str
    title: str
    line_count: int


class Progress(Enum):
    """What a line did to a definition that is being read."""

    UNFINISHED = auto()
    FAILED = auto()
    COMPLETE = auto()


class _Stage(Enum):
    LABEL = auto()
    TARGET = auto()
    TITLE_OR_END = auto()
    TITLE = auto()


def normalise_label(label: str) -> str:
    """The form in which labels are compared: case folded, blanks collapsed."""
    return _BLANKS.sub(" ", label).strip(" ").casefold()


def unescape(text: str) -> str:
    """Text without backslash escapes and character references."""
    if "\\" not in text and "&" not in text:
        return text
    from html import unescape as resolve_reference  # seldom needed

    return _ESCAPE.sub(lambda match: match[1] or resolve_reference(match[2]), text)


class DefinitionReader:
    """Reads one definition from the lines at the head of a paragraph.

    `definition` is what the lines so far amount to when nothing that follows belongs to it.
    """

    def __init__(self) -> None:
        self.definition: Definition | None = None
        self._stage = _Stage.LABEL
        self._line_count = 0
        self._label = ""
        self._target = ""
        self._title = ""
        self._quote = ""

    def fork(self) -> DefinitionReader:
        """A copy that can be fed on its own."""
        fork = DefinitionReader()
        fork.definition = self.definition
        fork._stage = self._stage
        fork._line_count = self._line_count
        fork._label, fork._target, fork._title = self._label, self._target, self._title
        fork._quote = self._quote
        return fork

    def feed(self, text: str) -> Progress:
        """Read one more line (without indentation and newline).

        COMPLETE: `definition` is final; the line is not part of it when it takes fewer lines than were read.
        """
        self._line_count += 1
        position: int | None = 0
        if self._stage is _Stage.TITLE_OR_END:
            if text[:1] not in _TITLE_PARTS:
                return Progress.COMPLETE
            position = self._open_title(text, 0)
        if self._stage is _Stage.LABEL:
            position = self._read_label(text)
        if self._stage is _Stage.TARGET and position is not None:
            position = self._read_target(text, position)
        if self._stage is _Stage.TITLE and position is not None:
            position = self._read_title(text, position)
            if position is not None and position < 0:
                return Progress.COMPLETE
        if position is not None:
            return Progress.UNFINISHED
        return Progress.COMPLETE if self.definition else Progress.FAILED

    def _read_label(self, text: str) -> int | None:
        start = 0
        if self._line_count == 1:
            if text[:1] != "[":
                return None
            start = 1
        position = _end(_LABEL_PART, text, start)
        self._label += text[start:position]
        if len(self._label) > _MAX_LABEL_CHARS:
            return None
        if position == len(text):
            self._label += "\n"
            return position
        if text[position : position + 2] != "]:" or not self._label.strip(" \t\n"):
            return None
        self._stage = _Stage.TARGET
        return position + 2

    def _read_target(self, text: str, position: int) -> int | None:
        position = _end(_SPACES, text, position)
        if position == len(text):
            return position
        pattern = _ANGLE_TARGET if text[position] == "<" else _PLAIN_TARGET
        match = pattern.match(text, position)
        if match is None:
            return None
        if pattern is _PLAIN_TARGET and not _is_balanced(match[0]):
            return None
        self._target = unescape(match[match.lastindex or 0])
        title = _end(_SPACES, text, match.end())
        if title == len(text):
            self._finish("")
            self._stage = _Stage.TITLE_OR_END
            return title
        if title == match.end() or text[title] not in _TITLE_PARTS:
            return None
        return self._open_title(text, title)

    def _open_title(self, text: str, position: int) -> int:
        self._stage = _Stage.TITLE
        self._quote = text[position]
        return position + 1

    def _read_title(self, text: str, start: int) -> int | None:
        """The position after a part of a title, -1 when it is complete, None when it is none."""
        position = _end(_TITLE_PARTS[self._quote], text, start)
        self._title += text[start:position]
        if position == len(text):
            self._title += "\n"
            return position
        closing = ")" if self._quote == "(" else self._quote
        if text[position] != closing or text[position + 1 :].strip(" \t"):
            return None
        self._finish(unescape(self._title))
        return -1

    def _finish(self, title: str) -> None:
        self.definition = Definition(normalise_label(self._label), self._target, title, self._line_count)


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def _is_balanced(target: str) -> bool:
    depth = 0
    for match in _PARENTHESES.finditer(target):
        if match[0] == "(":
            depth += 1
        elif match[0] == ")":
            depth -= 1
            if depth < 0:
                return False
    return depth == 0
