"""Names of files made from titles that anybody may have written; files that come into being whole or not at all."""

from __future__ import annotations

import os
import re
import tempfile
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

FALLBACK_NAME: Final = "conversation"
MAX_NAME_BYTES: Final = 120
"""Leaves room for a number and an extension below the 255 of common file systems, and the 143 of encrypted ones."""
MAX_NUMBER: Final = 9_999

_PRIVATE_MODE: Final = 0o600
_KEPT: Final = frozenset(" -_.,()+&@=#%")
_DROPPED: Final = frozenset("'’‘\"“”„`")
_RUN: Final = re.compile(r"[-\s]*-[-\s]*-[-\s]*|\s{2,}")
_RESERVED: Final = re.compile(
    r"(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?=\s*(?:\.|\Z))", re.IGNORECASE
)


def safe_name(title: str) -> str:
    """A file name without extension: no separator, nothing invisible, no leading dash or dot, no reserved name.

    Letters, marks and digits of all scripts stay; at most `MAX_NAME_BYTES` in UTF-8; never empty.
    """
    text = unicodedata.normalize("NFC", title[: 8 * MAX_NAME_BYTES])
    name = "".join(_kept(character) for character in text)
    name = _RUN.sub(lambda found: "-" if "-" in found.group() else " ", name)
    name = _cut(name.lstrip(" .-_#%~")).rstrip(" .-")
    if not any(character.isalnum() for character in name):
        return FALLBACK_NAME
    return f"{FALLBACK_NAME} {name}" if _RESERVED.match(name) else name


def _kept(character: str) -> str:
    if character in _DROPPED:
        return ""
    if character in _KEPT or character.isalnum() or unicodedata.category(character)[0] == "M":
        return character
    return " " if character.isspace() else "-"


def _cut(name: str) -> str:
    encoded = name.encode("utf-8", "ignore")
    return encoded[:MAX_NAME_BYTES].decode("utf-8", "ignore")


def numbered(path: Path) -> Iterable[Path]:
    """`name.md`, `name-2.md`, …: where a new file may go."""
    yield path
    for number in range(2, MAX_NUMBER + 1):
        yield path.with_name(f"{path.stem}-{number}{path.suffix}")


def write_new(path: Path, pieces: Iterable[str]) -> Path:
    """Write a file that does not exist yet, beside the existing ones if the name is taken; returns where it is.

    Whole or not at all (0600, synced, then named). Nothing is overwritten, no symbolic link at the end of `path`
    is followed. Raises OSError.
    """
    temporary = _write_temporary(path.parent, pieces)
    try:
        for candidate in numbered(path):
            if _claim(temporary, candidate):
                return candidate
        raise FileExistsError(f"There are too many files named like {path.name}.")
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def overwrite(path: Path, pieces: Iterable[str]) -> Path:
    """Like `write_new`, but what is there is replaced; a symbolic link itself, not what it leads to."""
    temporary = _write_temporary(path.parent, pieces)
    try:
        return temporary.replace(path)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def _write_temporary(directory: Path, pieces: Iterable[str]) -> Path:
    descriptor, name = tempfile.mkstemp(prefix=".chat-tui-", suffix=".part", dir=directory)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _claim(temporary: Path, path: Path) -> bool:
    """Give the file its name unless the name is taken, in one step where the file system can."""
    try:
        os.link(temporary, path, follow_symlinks=False)
    except FileExistsError:
        return False
    except (OSError, NotImplementedError):  # no hard links here: hold the name with an empty file
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _PRIVATE_MODE))
        except FileExistsError:
            return False
        temporary.replace(path)
    return True
