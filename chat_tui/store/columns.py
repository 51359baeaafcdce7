"""Texts as columns: exact ones as JSON, and the repaired copy that is searched and listed."""

from __future__ import annotations

import json
import re
from typing import Final, cast

from chat_tui.store.records import text_to_json

_BROKEN: Final = re.compile("[\x00\ud800-\udfff]")
_UNSPACED: Final = re.compile("([\u2e80-\u2fdf\u3005-\u3007\u3021-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff])")
"""Scripts written without spaces: each character is a word of its own, or only beginnings would be found."""


def exact(text: str) -> str:
    """JSON, ASCII only: lone surrogates and NUL survive every SQLite."""
    return json.dumps(text_to_json(text), ensure_ascii=True, separators=(",", ":"))


def from_exact(column: object) -> str:
    """The inverse of `exact`; what is no such JSON is taken as it is, and as text whatever a damaged row holds."""
    if not isinstance(column, str):
        is_bytes = isinstance(column, bytes)
        return column.decode("utf-8", "replace") if is_bytes else "" if column is None else str(column)
    try:
        value = cast("object", json.loads(column))
    except (ValueError, RecursionError):
        return column
    return "".join(map(str, cast("list[object]", value))) if isinstance(value, list) else str(value)


def repaired(text: str) -> str:
    """The text as UTF-8 can carry it: halves of a pair are joined, lone ones become U+FFFD, NUL a space."""
    if _BROKEN.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\x00", " ")


def indexed(words: str) -> str:
    """What the index is given for a repaired text. It must never change: entries are removed by giving it again."""
    return _UNSPACED.sub(r" \1 ", words)


def first_line(text: str, limit_chars: int) -> str:
    """The beginning of a text on one line."""
    return " ".join(repaired(text[: limit_chars * 4]).split())[:limit_chars]
