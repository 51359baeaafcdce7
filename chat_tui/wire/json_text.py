"""JSON as servers write it, read so that nothing in it can hurt later.

Python's decoder accepts what no other JSON reader does: NaN and Infinity (refused when they are sent back),
half surrogate pairs (refused when they are encoded), integers of any size. Here the first become None, text is
repaired where it is used, numbers are bounded where they are read, and nesting is bounded so that walking or
writing a value never exhausts the stack.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any, cast

from chat_tui.core.errors import MalformedEvent

JsonObject = dict[str, Any]

REPLACEMENT = "\ufffd"

MAX_DEPTH = 200
"""Nesting that no answer needs."""

MAX_VALUES = 20_000
"""How many values of one text are read: a bound for the time that takes."""

NAME_CHARS = 80
"""How much of a name out of a stream is kept."""

_MAX_COUNT = 1 << 53
_SOMETHING = re.compile(r"[^ \t\r\n]")


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _no_number(_name: str) -> None:
    return None


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_no_number)


def parse(text: str) -> object:
    """Raises MalformedEvent for what is no JSON, is nested too deep or has a number too long to read."""
    try:
        return _bounded(cast("object", _DECODER.decode(text)), text)
    except (ValueError, RecursionError) as error:
        raise MalformedEvent(_complaint(error), text) from None


def parse_or_text(text: str) -> object:
    """The JSON value, or the text itself where it is none: an error says something either way."""
    try:
        return parse(text)
    except MalformedEvent:
        return text


def parse_all(text: str) -> list[object]:
    """The JSON values that a text begins with, at most `MAX_VALUES`; what follows them is passed over."""
    values: list[object] = []
    start = _skipped_space(text, 0)
    while start < len(text) and len(values) < MAX_VALUES:
        try:
            value, end = cast("tuple[object, int]", _DECODER.raw_decode(text, start))
            values.append(_bounded(value, text[start:end]))
        except (ValueError, RecursionError):
            break
        start = _skipped_space(text, end)
    return values


def _skipped_space(text: str, start: int) -> int:
    found = _SOMETHING.search(text, start)
    return len(text) if found is None else found.start()


def _bounded(value: object, text: str) -> object:
    """The value; raises RecursionError when it is deeper than `MAX_DEPTH`. Looks only where it can be."""
    if len(text) > 2 * MAX_DEPTH and text.count("{") + text.count("[") > MAX_DEPTH:
        level = [value]
        for _ in range(MAX_DEPTH):
            level = [child for parent in level for child in _children(parent) if isinstance(child, dict | list)]
        if level:
            raise RecursionError
    return value


def _children(value: object) -> Iterable[object]:
    found = as_object(value)
    return as_list(value) if found is None else found.values()


def _complaint(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"The server sent an event that is no JSON ({error.msg} at character {error.pos})."
    if isinstance(error, RecursionError):
        return f"The server sent an event that is nested too deep (more than {MAX_DEPTH} levels)."
    return "The server sent an event with a number that is too long."


def as_object(value: object) -> JsonObject | None:
    """The value if it is a JSON object."""
    return cast("JsonObject", value) if isinstance(value, dict) else None


def as_list(value: object) -> list[Any]:
    """The value if it is a JSON array, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def as_text(value: object) -> str:
    """The value if it is a string, repaired; else an empty one."""
    return repaired(value) if isinstance(value, str) else ""


def as_count(value: object) -> int | None:
    """A token count: a whole number from 0 to 2^53, however it was written."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_COUNT:
        return value
    return None


def as_quantity(value: object) -> float | None:
    """A finite number of at least 0 and at most 2^53."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _MAX_COUNT:
        return float(value)
    return None


def repaired(text: str) -> str:
    """Text that can be encoded: surrogate pairs joined, half ones replaced by U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def short(name: str) -> str:
    """A name out of a stream, as it may stand in an event."""
    return repaired(name[:NAME_CHARS])


def repaired_tree(value: object) -> object:
    """A JSON value with every string repaired."""
    if isinstance(value, str):
        return repaired(value)
    if isinstance(value, list):
        return [repaired_tree(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {repaired(key): repaired_tree(item) for key, item in cast("JsonObject", value).items()}
    return value


class PairJoiner:
    """Joins surrogate pairs that were split between two deltas of one channel.

    A server that escapes non-ASCII text and cuts it by UTF-16 units sends the halves of an emoji apart. The
    first half is held until the next delta; one without its other half becomes U+FFFD, it is never dropped.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = ""

    def join(self, text: str) -> str:
        """What can be given on now; may be empty."""
        if self._held and text:
            text = self._held + text
            self._held = ""
        elif text.isascii():
            return text
        if "\ud800" <= text[-1] <= "\udbff":
            self._held = text[-1]
            text = text[:-1]
        return repaired(text)

    def flush(self) -> str:
        """The half that is still held, as U+FFFD; empty as a rule."""
        held, self._held = self._held, ""
        return REPLACEMENT if held else ""
