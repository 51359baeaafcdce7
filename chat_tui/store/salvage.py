"""What can still be read of a damaged database. Reads a copy: opening the original would change it."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from chat_tui.store.schema import SALVAGED_TABLES

_MAX_PROBES: Final = 20_000
"""Rows in an unreadable stretch that are tried one by one."""

_Row = tuple[object, ...]


def salvage(broken: Path, target: sqlite3.Connection) -> int:
    """Copy all rows of `broken` (and its log) that can be read into `target`; the number of messages among them.

    Raises sqlite3.Error when `target` cannot be written and OSError when no copy can be made.
    """
    with tempfile.TemporaryDirectory(prefix=".salvage-", dir=broken.parent) as directory:
        copy = Path(directory) / "copy.db"
        for companion in ("", "-wal"):
            with suppress(FileNotFoundError):
                shutil.copyfile(f"{broken}{companion}", f"{copy}{companion}")
        with closing(sqlite3.connect(copy, isolation_level=None)) as source:
            with suppress(sqlite3.Error, UnicodeDecodeError):
                source.execute("PRAGMA writable_schema = ON")  # one damaged table keeps nobody from the others
            return sum(_copy_table(source, target, table) for table in SALVAGED_TABLES)


def _copy_table(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> int:
    """The number of messages copied: 0 for other tables."""
    columns = [str(row[1]) for row in target.execute(f"PRAGMA table_info({table})")]
    marks = ",".join("?" * len(columns))
    insert = f"INSERT OR IGNORE INTO {table} ({','.join(columns)}) VALUES ({marks})"  # noqa: S608 - our own names
    count = 0
    for row in _readable(source, table, columns):
        try:
            count += target.execute(insert, row).rowcount
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError, UnicodeError):
            continue  # a row whose values are damaged
    return count if table == "messages" else 0


def _readable(source: sqlite3.Connection, table: str, columns: list[str]) -> Iterator[_Row]:
    """Upwards as far as it goes, downwards as far as it goes, and what lies between one by one."""
    source.text_factory = _text
    select = f"SELECT rowid, {','.join(columns)} FROM {table} NOT INDEXED"  # noqa: S608 - our own names
    low, is_whole = 0, True
    try:
        for row in source.execute(f"{select} ORDER BY rowid"):
            low = int(row[0])
            yield row[1:]
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        is_whole = False
    if is_whole:
        return
    high: int | None = None
    with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
        for row in source.execute(f"{select} WHERE rowid > ? ORDER BY rowid DESC", (low,)):
            high = int(row[0])
            yield row[1:]
    stop = low + _MAX_PROBES if high is None else min(high, low + _MAX_PROBES)
    for rowid in range(low + 1, stop):
        with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
            for row in source.execute(f"{select} WHERE rowid = ?", (rowid,)).fetchall():
                yield row[1:]


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
