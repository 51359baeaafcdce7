"""The one thread that owns the connection: it writes what is asked in order, many changes to a transaction, and
keeps what cannot be written until it can be.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

from chat_tui.store import conversations, search
from chat_tui.store.database import (
    Files,
    NewerVersion,
    NotOurs,
    Trouble,
    open_database,
    open_in_memory,
    put_aside,
    trouble_of,
    version_of,
)
from chat_tui.store.jobs import Append, Change, Flush, Job, Read, Write
from chat_tui.store.model import StoreError
from chat_tui.store.schema import SCHEMA, Schema
from chat_tui.store.tables import SCRUB, Tables
from chat_tui.store.windows import FileLock, Windows

_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 2.0
_QUIET_LOCK_S: Final = 1.0
"""Waiting for another window so long is nothing to speak of."""
_MAX_BATCH: Final = 500
_IDLE_S: Final = 0.5
"""Chores begin when nothing was asked for so long."""
_OPENING_LOCK_S: Final = 10.0
_CHECKPOINT_TRIES: Final = 25
_CHECK_INSTRUCTIONS: Final = 20_000


class Writer:
    """Made and run in its thread. `say` is told every change of the sentence about what is not saved, `note` what
    happened to a file.
    """

    def __init__(
        self,
        files: Files,
        windows: Windows,
        jobs: SimpleQueue[Job],
        say: Callable[[str], None],
        note: Callable[[str], None],
        schema: Schema = SCHEMA,
    ) -> None:
        self._files, self._windows, self._jobs = files, windows, jobs
        self._say, self._note, self._schema = say, note, schema
        self._pending: deque[Change] = deque()
        self._flushes: list[Flush] = []
        self._chores: dict[str, Iterator[None]] = {}
        self._identity: tuple[int, int] | None = None
        self._damaged: tuple[int, int] | None = None
        self._is_durable = False
        self._is_hopeless = False
        self._is_idle = False
        self._failing_since_s: float | None = None
        self._pause_s = _FIRST_PAUSE_S
        self._retry_at_s = 0.0
        self._has_ended = False
        self._tables = Tables(open_in_memory(files, is_copied=False, schema=schema), files, windows)

    def run(self) -> None:
        """Until a last flush."""
        self._windows.start()
        self._reopen()
        while not self._has_ended:
            for job in self._next():
                self._take(job)
            self._save()
            self._answer_flushes()
            if self._chores and not self._pending and self._jobs.empty() and (self._is_idle or self._flushes):
                self._do_chore()
                self._answer_flushes()

    # -- jobs --------------------------------------------------------------------------------------

    def _next(self) -> list[Job]:
        """All there is, waiting for the first."""
        try:
            jobs = [self._jobs.get(timeout=self._patience_s())]
        except Empty:
            self._is_idle = True
            return []
        self._is_idle = False
        while len(jobs) < _MAX_BATCH:
            try:
                jobs.append(self._jobs.get_nowait())
            except Empty:
                break
        return jobs

    def _patience_s(self) -> float | None:
        now_s = time.monotonic()
        waits = [flush.deadline_s - now_s for flush in self._flushes]
        if self._pending or not self._is_durable:
            if not self._is_hopeless:
                waits.append(self._retry_at_s - now_s)
        elif self._chores:
            waits.append(0.0 if self._flushes or self._is_idle else _IDLE_S)
        return max(0.0, min(waits)) if waits else None

    def _take(self, job: Job) -> None:
        match job:
            case Read():
                self._save()
                self._answer(job)
            case Flush():
                self._flushes.append(job)
                self._retry_at_s = 0.0
            case _:
                self._keep(job)

    def _keep(self, change: Change) -> None:
        if not self._is_durable:
            self._apply_in_memory(change)
            if self._is_hopeless:
                return
        last = self._pending[-1] if self._pending else None
        if not (isinstance(last, Append) and last.takes(change)):
            self._pending.append(change)

    def _apply_in_memory(self, change: Change) -> None:
        with suppress(Exception):  # it is a picture for the lists; the change itself is kept
            change.apply(self._tables)

    def _answer(self, read: Read) -> None:
        if not read.is_wanted():
            return
        for is_first in (True, False):
            try:
                read.answer(read.run(self._tables), None)
            except StoreError as error:
                read.answer(None, error)
            except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for an answer
                if is_first and trouble_of(error) is Trouble.DAMAGED and self._is_durable:
                    self._fail(error)
                    continue
                read.answer(None, StoreError(f"The conversations cannot be read: {error}"))
            return

    def _answer_flushes(self) -> None:
        """Tell who waits that it is done, or that it cannot be."""
        now_s = time.monotonic()
        for flush in list(self._flushes):
            is_saved = self._is_durable and not self._pending
            if is_saved and self._chores and (flush.is_thorough or flush.is_last) and now_s < flush.deadline_s:
                continue
            if is_saved or self._is_hopeless or now_s >= flush.deadline_s:
                self._flushes.remove(flush)
                flush.is_saved = is_saved
                if flush.is_last:
                    self._end()
                flush.done.set()

    def _end(self) -> None:
        self._has_ended = True
        with suppress(sqlite3.Error):
            self._tables.connection.close()
        self._windows.close()
        while True:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return
            if isinstance(job, Flush):
                job.done.set()
            elif isinstance(job, Read):
                job.answer(None, StoreError("The conversations are closed."))

    # -- writing -----------------------------------------------------------------------------------

    def _save(self) -> None:
        """Write what waits, unless it failed a moment ago."""
        while self._pending or not self._is_durable:
            if self._is_hopeless or time.monotonic() < self._retry_at_s:
                return
            try:
                if not self._is_durable or self._files.identity() != self._identity:
                    self._reopen()
                    continue
                self._write_some()
            except Exception as error:  # noqa: BLE001 - nothing that fails here may end the thread
                self._fail(error)
            else:
                self._failing_since_s, self._pause_s = None, _FIRST_PAUSE_S
                self._say("")

    def _write_some(self) -> None:
        """One transaction. Raises what went wrong; nothing of it is done then."""
        count = min(len(self._pending), _MAX_BATCH)
        if not count:
            return
        try:
            self._transact([self._pending[index] for index in range(count)])
        except Exception as error:
            if trouble_of(error) is not Trouble.OTHER:
                raise
            self._write_one()
            count = 1
        for _ in range(count):
            self._pending.popleft()

    def _write_one(self) -> None:
        """The first alone: a change that can never be written must not keep the others from it."""
        try:
            self._transact([self._pending[0]])
        except Exception as error:
            if trouble_of(error) is not Trouble.OTHER:
                raise
            self._note(f"One change could not be saved: {error}")

    def _transact(self, changes: list[Change]) -> None:
        connection = self._tables.connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            if (version := version_of(connection)) != self._schema.version:
                raise NewerVersion(f"version {version}")
            for change in changes:
                change.apply(self._tables)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
            raise
        if connection.execute("SELECT 1 FROM state WHERE name = ?", (SCRUB,)).fetchone():
            self._chores.setdefault(SCRUB, self._scrub())

    def _fail(self, error: Exception) -> None:
        """Find a way on: another file, or the same later."""
        trouble = trouble_of(error)
        now_s = time.monotonic()
        if trouble is Trouble.DAMAGED and self._is_durable:
            self._damaged = self._identity
            self._use_memory()
            self._retry_at_s = 0.0
            self._reopen()
            return
        if trouble is Trouble.NEWER:
            self._use_memory()
            self._is_hopeless = True
            self._pending.clear()
        elif trouble in (Trouble.IO, Trouble.READ_ONLY, Trouble.OTHER) and self._is_durable:
            # The connection may be what is broken; a new one tells.
            self._identity = None
        self._failing_since_s = now_s if self._failing_since_s is None else self._failing_since_s
        self._retry_at_s = now_s + self._pause_s
        self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)
        if trouble is not Trouble.LOCKED or now_s - self._failing_since_s >= _QUIET_LOCK_S:
            self._say(_sentence(trouble, self._files, error))

    # -- files -------------------------------------------------------------------------------------

    def _reopen(self) -> None:
        """Open the file; move it aside first when it is damaged; work in memory when it cannot be had."""
        try:
            connection = self._opened()
        except Exception as error:  # noqa: BLE001 - whatever it is, the chat goes on
            if self._is_durable or not self._failing_since_s:
                self._use_memory()
            self._fail(error)
            return
        self._tables.connection.close()
        self._tables.connection = connection
        self._is_durable, self._identity = True, self._files.identity()
        with suppress(sqlite3.Error):
            self._transact([Write(Tables.recover)])
        self._retry_at_s = 0.0
        if not self._pending:
            self._failing_since_s, self._pause_s = None, _FIRST_PAUSE_S
            self._say("")

    def _opened(self) -> sqlite3.Connection:
        """One window at a time: another must not move a file aside that is being made."""
        lock = self._opening_lock()
        try:
            has_log = _size(Path(f"{self._files.database}-wal")) > 0
            try:
                if self._damaged is not None and self._damaged == self._files.identity():
                    raise NotOurs("It was found out while it was used.")
                connection = open_database(self._files, self._schema)
            except NotOurs:
                path, count = put_aside(self._files, _completed, self._schema)
                rest = f"{count} messages of it could be read" if count else "nothing of it could be read"
                self._note(f"The conversations' file was damaged and is now {path}; {rest}.")
                return open_database(self._files, self._schema)
            if has_log and not self._windows.are_others():
                self._chores["check"] = self._check()
            return connection
        finally:
            lock.release(removes=False)

    def _opening_lock(self) -> FileLock:
        lock = FileLock(self._files.windows / "opening")
        deadline_s = time.monotonic() + _OPENING_LOCK_S
        with suppress(OSError):
            while not lock.acquire() and time.monotonic() < deadline_s:
                time.sleep(0.005)
        return lock

    def _use_memory(self) -> None:
        """For now: with what the file has, where it can be read, and what waits to be written."""
        self._tables.connection.close()
        self._tables.connection = open_in_memory(self._files, is_copied=True, schema=self._schema)
        self._is_durable, self._identity = False, None
        self._chores.clear()
        for change in self._pending:
            self._apply_in_memory(change)

    # -- chores ------------------------------------------------------------------------------------

    def _do_chore(self) -> None:
        if not self._chores or not self._is_durable:
            return
        name, chore = next(iter(self._chores.items()))
        try:
            next(chore)
        except StopIteration:
            self._chores.pop(name, None)
        except Exception as error:  # noqa: BLE001 - a chore is done again next time
            self._chores.pop(name, None)
            if trouble_of(error) is Trouble.DAMAGED:
                self._fail(error)

    def _check(self) -> Iterator[None]:
        """The pages of a file that was not closed; given up and begun again when something is asked."""
        connection = self._tables.connection
        while True:
            connection.set_progress_handler(lambda: not self._jobs.empty(), _CHECK_INSTRUCTIONS)
            try:
                found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(1)")]
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                    raise
                found = []
            finally:
                connection.set_progress_handler(None, 0)
            if found:
                break
            yield
        if found != ["ok"]:
            raise NotOurs(found[0])

    def _scrub(self) -> Iterator[None]:
        """Deleted words out of the index and the log."""
        connection = self._tables.connection
        yield from search.scrub(connection)
        for _ in range(_CHECKPOINT_TRIES):
            if not connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                connection.execute("DELETE FROM state WHERE name = ?", (SCRUB,))
                return
            yield  # another window reads


def _completed(connection: sqlite3.Connection) -> None:
    """What salvaged rows need to be a database again."""
    conversations.adopt(connection)
    search.rebuild(connection)


def _sentence(trouble: Trouble, files: Files, error: Exception) -> str:
    kept = "It is kept in memory and saved as soon as that is possible."
    match trouble:
        case Trouble.FULL:
            return f"Not saved: there is no room left in {files.directory}. {kept}"
        case Trouble.LOCKED:
            return f"Not saved: another program holds the conversations' file. {kept}"
        case Trouble.READ_ONLY:
            return f"Not saved: {files.directory} cannot be written. {kept}"
        case Trouble.NEWER:
            return "Not saved: the conversations are those of a newer chat-tui, which alone can write them."
        case Trouble.DAMAGED:
            return f"Not saved: the conversations' file is damaged and cannot be moved aside. {kept}"
        case _:
            return f"Not saved: writing to {files.directory} fails ({error}). {kept}"


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116
    except OSError:
        return 0
