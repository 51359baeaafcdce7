"""Opening the database: private files, the right pragmas, migrations, and what becomes of files that are not ours.

Everything here runs in the thread that owns the connection.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime, timezone
from enum import StrEnum
from pathlib import Path
from typing import Final

from chat_tui.config.paths import make_private_dir, open_private
from chat_tui.store.salvage import salvage
from chat_tui.store.schema import APPLICATION_ID, SCHEMA, Schema

BUSY_TIMEOUT_S: Final = 0.2
"""One attempt waits so long for another window; the writer tries again."""
MAX_COPY_BYTES: Final = 256 << 20
"""A database that can only be read is copied into memory up to this size."""
_KEPT_BACKUPS: Final = 2
_HEADER_BYTES: Final = 100
_PLAUSIBLE_VERSION: Final = 10_000
"""A higher number is damage, not the future."""
_COMPANIONS: Final = ("-wal", "-shm")


class Trouble(StrEnum):
    """Why nothing can be written."""

    FULL = "full"
    LOCKED = "locked"
    READ_ONLY = "read-only"
    IO = "io"
    DAMAGED = "damaged"
    NEWER = "newer"
    OTHER = "other"


class NotOurs(Exception):  # noqa: N818 - a finding about a file
    """The file is damaged or somebody else's: it is to be moved aside."""


class NewerVersion(Exception):  # noqa: N818 - a finding about a file
    """A newer chat-tui wrote the file: it is not to be touched."""


_TROUBLES: Final = {
    sqlite3.SQLITE_FULL: Trouble.FULL,
    sqlite3.SQLITE_BUSY: Trouble.LOCKED,
    sqlite3.SQLITE_LOCKED: Trouble.LOCKED,
    sqlite3.SQLITE_PROTOCOL: Trouble.LOCKED,
    sqlite3.SQLITE_READONLY: Trouble.READ_ONLY,
    sqlite3.SQLITE_PERM: Trouble.READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: Trouble.READ_ONLY,
    sqlite3.SQLITE_IOERR: Trouble.IO,
    sqlite3.SQLITE_CORRUPT: Trouble.DAMAGED,
    sqlite3.SQLITE_NOTADB: Trouble.DAMAGED,
}


_FULL_ERRNOS: Final = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})


def trouble_of(error: Exception) -> Trouble:
    """What kind of failure it is."""
    if isinstance(error, NewerVersion):
        return Trouble.NEWER
    if isinstance(error, NotOurs | UnicodeDecodeError):  # SQLite quotes what is damaged, and that may be no text
        return Trouble.DAMAGED
    if isinstance(error, sqlite3.Error):
        return _TROUBLES.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, Trouble.OTHER)
    if isinstance(error, OSError):
        return Trouble.FULL if error.errno in _FULL_ERRNOS else Trouble.READ_ONLY
    return Trouble.OTHER


class Files:
    """Where everything of one store lies. Nothing is created before it is needed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.database = Path(os.path.realpath(directory / "conversations.db"))
        self.backups = directory / "backups"
        self.broken = directory / "broken"
        self.windows = directory / "windows"

    def identity(self) -> tuple[int, int] | None:
        """Which file the path leads to right now; None: to none."""
        try:
            found = self.database.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino


def open_database(files: Files, schema: Schema = SCHEMA) -> sqlite3.Connection:
    """The database at its newest version, made if there is none.

    Raises NotOurs, NewerVersion, sqlite3.Error or OSError; the file is unchanged then, or at an older version.
    """
    make_private_dir(files.directory)
    os.close(open_private(files.database, os.O_RDWR))
    _check_header(files, schema)
    connection = sqlite3.connect(files.database, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    is_migrating = False
    try:
        _check_owner(connection, schema)
        connection.execute("PRAGMA journal_mode = WAL")
        _configure(connection)
        if version_of(connection) < schema.version:
            is_migrating = True
            _migrate(connection, files, schema)
            is_migrating = False
        check_words(connection)
    except sqlite3.DatabaseError as error:
        connection.close()
        if trouble_of(error) is Trouble.DAMAGED or (_is_unreadable(error) and not is_migrating):
            raise NotOurs(str(error)) from error
        raise
    except UnicodeDecodeError as error:
        connection.close()
        raise NotOurs("Its tables are damaged.") from error
    except BaseException:
        connection.close()
        raise
    return connection


def _is_unreadable(error: sqlite3.DatabaseError) -> bool:
    """Our own statements fail when the file is not what we wrote; or when this SQLite has no full-text index."""
    return trouble_of(error) is Trouble.OTHER and "no such module: fts5" not in str(error)


def check_words(connection: sqlite3.Connection) -> None:
    """Read a little of every table, so that a file without them is found now. Raises sqlite3.Error."""
    for table in ("conversations", "messages", "deltas", "drafts", "prompts", "state"):
        connection.execute(f"SELECT * FROM {table} LIMIT 1").fetchall()  # noqa: S608 - our own names
    connection.execute("SELECT rowid FROM word_index WHERE word_index MATCH '\"a\"' LIMIT 1").fetchall()


def _configure(connection: sqlite3.Connection) -> None:
    for pragma in (
        "synchronous = FULL",
        "secure_delete = ON",
        "temp_store = MEMORY",
        "journal_size_limit = 4194304",
    ):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("PRAGMA cache_size = -8000")
    connection.text_factory = readable


def readable(value: bytes) -> str:
    """A text column, also when single bytes of it are damaged."""
    return value.decode("utf-8", "replace")


def version_of(connection: sqlite3.Connection) -> int:
    """The version of the tables in the file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _check_header(files: Files, schema: Schema) -> None:
    """Before SQLite opens it: closing again would already change another's or a newer file that has a log."""
    with files.database.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES:
        return
    version, owner = int.from_bytes(header[60:64], "big"), int.from_bytes(header[68:72], "big")
    if not header.startswith(b"SQLite format 3\x00") or owner not in (0, APPLICATION_ID):
        raise NotOurs("It is another program's file.")
    if schema.version < version <= _PLAUSIBLE_VERSION and owner == APPLICATION_ID:
        raise NewerVersion(f"version {version}")


def _check_owner(connection: sqlite3.Connection, schema: Schema) -> None:
    owner = int(connection.execute("PRAGMA application_id").fetchone()[0])
    tables = int(connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
    if owner != APPLICATION_ID and (owner or tables or version_of(connection)):
        raise NotOurs("It is another program's database.")
    version = version_of(connection)
    if version > _PLAUSIBLE_VERSION or version < 0:
        raise NotOurs("Its version is not readable.")
    if version > schema.version:
        raise NewerVersion(f"version {version}")


def _migrate(connection: sqlite3.Connection, files: Files, schema: Schema) -> None:
    while (version := version_of(connection)) < schema.version:
        if version:
            _back_up(connection, files, version)
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Another window may have been faster.
            if version_of(connection) == version:
                for statement in schema.steps[version]:
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _back_up(connection: sqlite3.Connection, files: Files, version: int) -> None:
    make_private_dir(files.backups)
    name = f"conversations-version-{version}-{_stamp()}"
    path = _free(files.backups, name)
    part = path.with_suffix(".part")
    try:
        os.close(open_private(part, os.O_RDWR | os.O_TRUNC))
        connection.execute("VACUUM INTO ?", (str(part),))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    for old in sorted(files.backups.glob("conversations-*.db"), key=lambda file: file.stat().st_mtime)[
        :-_KEPT_BACKUPS
    ]:
        old.unlink(missing_ok=True)


def remove_backups(files: Files) -> None:
    """What was deleted shall not be found in a backup either."""
    with suppress(OSError):
        for backup in files.backups.glob("conversations-*"):
            backup.unlink(missing_ok=True)


def put_aside(
    files: Files, fill: Callable[[sqlite3.Connection], None], schema: Schema = SCHEMA
) -> tuple[Path, int]:
    """Move a file that cannot be used to `broken`, begin a new one with what can still be read of the old.

    Gives where the old one is and how many messages were salvaged. `fill` makes the index again. Raises what
    `open_database` does; the old file is in its place or in `broken`, never gone.
    """
    make_private_dir(files.broken)
    target = _free(files.broken, f"conversations-{_stamp()}")
    for companion in ("", *_COMPANIONS):
        source = Path(f"{files.database}{companion}")
        if source.exists():
            source.rename(f"{target}{companion}")
    with closing(open_database(files, schema)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            count = salvage(target, connection)
            fill(connection)
            connection.execute("COMMIT")
        except (sqlite3.Error, OSError, UnicodeDecodeError):
            # The new one stays empty; all there was is in the file aside.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            count = 0
    return target, count


def open_in_memory(files: Files, *, is_copied: bool, schema: Schema = SCHEMA) -> sqlite3.Connection:
    """A database for as long as the program runs, with what the file has when it can be read (`is_copied`)."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.text_factory = readable
    if is_copied and _copied(files, connection, schema):
        return connection
    connection.close()
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.text_factory = readable
    for step in schema.steps:
        for statement in step:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {schema.version}")
    return connection


def _copied(files: Files, connection: sqlite3.Connection, schema: Schema) -> bool:
    """As it is; as a copy (a log cannot be read where nothing can be written); at last without its log."""
    path = files.database
    try:
        _check_header(files, schema)
    except (NotOurs, NewerVersion, OSError):
        return False
    with tempfile.TemporaryDirectory(prefix="chat-tui-") as directory:
        copy = Path(directory) / path.name
        for uri in (f"{path.as_uri()}?mode=ro", copy.as_uri(), f"{path.as_uri()}?mode=ro&immutable=1"):
            try:
                if not 0 < path.stat().st_size <= MAX_COPY_BYTES:
                    return False
                if uri == copy.as_uri():
                    for companion in ("", "-wal"):
                        shutil.copyfile(f"{path}{companion}", f"{copy}{companion}")
                with closing(sqlite3.connect(uri, uri=True)) as source:
                    if version_of(source) != schema.version:
                        return False
                    source.backup(connection)
                    check_words(connection)
            except (sqlite3.Error, OSError, UnicodeDecodeError):
                continue
            return True
    return False


def _stamp() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%d-%H%M%S")  # noqa: UP017 - the same on 3.11


def _free(directory: Path, stem: str) -> Path:
    """A name nothing has yet."""
    path = directory / f"{stem}.db"
    count = 1
    while path.exists() or Path(f"{path}-wal").exists():
        count += 1
        path = directory / f"{stem}-{count}.db"
    return path
