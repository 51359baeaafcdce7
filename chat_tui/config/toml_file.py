"""Reading a TOML file that may be anything: a directory, a gigabyte, a bomb, a picture."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chat_tui.core.sanitize import clean_line

MAX_FILE_BYTES = 1 << 20
MAX_KEY_PARTS = 32
"""tomllib needs time and memory quadratic in the parts of a dotted key: 20,000 parts took 8 s (measured)."""

_KEY_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
_ENDLESS_KEY = re.compile(rf"(?<![\w-]){_KEY_PART}(?:[ \t]*+\.[ \t]*+{_KEY_PART}){{{MAX_KEY_PARTS}}}")


class UnusableFile(Exception):  # noqa: N818 - a finding, put into words for a person
    """The file cannot be used; the text says why, without quoting from it."""


@dataclass(frozen=True, slots=True)
class TomlFile:
    """A parsed file; `mode` are its permission bits."""

    tables: dict[str, Any]
    mode: int


def read_toml(path: Path) -> TomlFile:
    """Raises UnusableFile, and FileNotFoundError when there is nothing at `path`."""
    try:
        if not path.is_file():  # opening a pipe could wait for ever
            if not os.path.lexists(path):
                raise FileNotFoundError(path)
            raise UnusableFile("is no file")
        with path.open("rb") as handle:
            mode = stat.S_IMODE(os.fstat(handle.fileno()).st_mode)
            data = handle.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise UnusableFile(f"cannot be read ({getattr(error, 'strerror', '') or 'no valid path'})") from None
    return TomlFile(_parse(data), mode)


def _parse(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_FILE_BYTES:
        raise UnusableFile(f"is larger than {MAX_FILE_BYTES >> 20} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnusableFile(f"line {line}: is not UTF-8 text") from None
    if endless := _ENDLESS_KEY.search(text):
        line = text.count("\n", 0, endless.start()) + 1
        raise UnusableFile(f"line {line}: more than {MAX_KEY_PARTS} names joined by dots")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UnusableFile(_place_first(str(error))) from None
    except RecursionError:
        raise UnusableFile("nests tables or lists too deeply") from None
    except (ValueError, OverflowError):  # thousands of digits
        raise UnusableFile("holds a number or date that is out of range") from None


def _place_first(message: str) -> str:
    """tomllib says "What (at line 3, column 5)": the place goes in front, as in our other sentences."""
    what, separator, place = message.rpartition(" (at ")
    if not separator:
        return clean_line(message)
    return clean_line(f"{place.removesuffix(')')}: {what[:1].lower()}{what[1:]}")
