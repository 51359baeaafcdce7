"""The values that records are made of: texts and any JSON data, written so that they come back equal, and read
with the type they must have.

JSON read by Python joins two halves of a surrogate pair that stand next to each other. A text that has such halves
is written as the list of its pieces, cut between them; data with them is written with every container and text
wrapped (`is_wrapped`). All other text, lone halves and NUL too, is written as it is.

The readers take a value and what to call it in the sentence of a BadRecord.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Final, TypeAlias, cast

from chat_tui.core.errors import ChatError

Record: TypeAlias = dict[str, object]

MAX_ID: Final = (1 << 63) - 1
"""What a column of the database holds."""

_BETWEEN_HALVES: Final = re.compile("(?<=[\ud800-\udbff])(?=[\udc00-\udfff])")
_HALVES: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_OPAQUE: Final = "data of the part"


class BadRecord(ChatError):  # noqa: N818 - it names what was found
    """A record that cannot be what it is taken for; the message is one sentence."""

    title = "unreadable record"


# -- writing ---------------------------------------------------------------------------------------


def text_to_json(text: str) -> str | list[str]:
    """The text, or its pieces where reading it back would join what is apart."""
    if text.isascii():
        return str(text)
    try:
        text.encode()
    except UnicodeEncodeError:
        pieces = _BETWEEN_HALVES.split(text)
        return pieces if len(pieces) > 1 else text
    return str(text)


def data_to_record(data: object) -> Record:
    """The fields of a record that carry JSON data. What is too deep to be written (no wire gives it) is None."""
    try:
        is_plain = _HALVES.search(json.dumps(data, ensure_ascii=False, allow_nan=False)) is None
    except (ValueError, TypeError):
        is_plain = False
    except RecursionError:
        return {"data": None}
    if is_plain:
        return {"data": data}
    return {"data": _wrapped(data), "is_wrapped": True}


def _wrapped(value: object) -> object:
    if isinstance(value, str):
        return {"text": _BETWEEN_HALVES.split(value)}
    if isinstance(value, dict):
        items = cast("dict[object, object]", value).items()
        return {"object": [[_wrapped(str(name)), _wrapped(item)] for name, item in items]}
    if isinstance(value, list | tuple):
        return {"array": [_wrapped(item) for item in cast("list[object]", value)]}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, int) else {"text": [repr(value)]}


# -- reading ---------------------------------------------------------------------------------------


def read_data(record: Mapping[str, object]) -> object:
    """The inverse of `data_to_record`."""
    data = record.get("data")
    return _unwrapped(data) if record.get("is_wrapped") is True else data


def _unwrapped(value: object) -> object:
    if not isinstance(value, dict):
        return value
    wrapped = cast("dict[str, object]", value)
    if "text" in wrapped:
        return read_text(wrapped["text"], _OPAQUE)
    if "array" in wrapped:
        return [_unwrapped(item) for item in read_items(wrapped["array"], _OPAQUE)]
    pairs = [read_items(pair, _OPAQUE) for pair in read_items(wrapped.get("object"), _OPAQUE)]
    if any(len(pair) != 2 for pair in pairs):
        raise BadRecord("The data of the part is not readable.")
    return {read_text(_unwrapped(name), _OPAQUE): _unwrapped(item) for name, item in pairs}


def read_mapping(value: object, what: str) -> Mapping[str, object]:
    """A JSON object."""
    if isinstance(value, dict):
        return cast("dict[str, object]", value)
    raise BadRecord(f"The {what} is no JSON object.")


def read_items(value: object, what: str) -> list[object]:
    """A JSON array."""
    if isinstance(value, list):
        return cast("list[object]", value)
    raise BadRecord(f"The {what} is no JSON array.")


def read_text(value: object, what: str) -> str:
    """A text, in one piece or in several."""
    if isinstance(value, str):
        return value
    pieces = read_items(value, what)
    if all(isinstance(piece, str) for piece in pieces):
        return "".join(cast("list[str]", pieces))
    raise BadRecord(f"The {what} is no text.")


def read_flag(value: object, what: str) -> bool:
    """True or false."""
    if isinstance(value, bool):
        return value
    raise BadRecord(f"The {what} is neither true nor false.")


def read_whole(value: object, what: str) -> int:
    """A whole number that fits a column."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_ID:
        return value
    raise BadRecord(f"The {what} is no whole number.")


def read_count(value: object, what: str) -> int:
    """A whole number of at least 0."""
    number = read_whole(value, what)
    if number < 0:
        raise BadRecord(f"The {what} is negative.")
    return number


def read_id(value: object, what: str) -> int:
    """An id of a message: positive."""
    number = read_whole(value, what)
    if number < 1:
        raise BadRecord(f"The {what} is not positive.")
    return number


def read_number(value: object, what: str) -> float | None:
    """A number; None for one that is not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return float(read_whole(value, what))
