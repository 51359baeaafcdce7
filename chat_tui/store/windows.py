"""Which windows are alive and which conversation each has: lock files, let go by the kernel when a process dies.

Raises nothing: where files cannot be locked nothing is known, and everybody has everything.
"""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path
from typing import Final

from chat_tui.config.paths import make_private_dir, open_private

_WINDOW: Final = "window-"
_CONVERSATION: Final = "conversation-"
_SUFFIX: Final = ".lock"
_TRIES: Final = 5
_PAUSE_S: Final = 0.002


class FileLock:
    """An exclusive lock on a file, held by one descriptor of this process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether we have it."""
        return self._descriptor is not None

    def acquire(self, *, creates: bool = True) -> bool:
        """Take the lock if nobody has it; never waits. Raises OSError where there are no locks or no file."""
        while True:
            descriptor = open_private(self.path, os.O_RDWR) if creates else os.open(self.path, os.O_RDWR)
            try:
                taken = _lock(descriptor)
                # The holder before us may have removed the file between our opening and our locking it.
                is_current = taken and _is_same(descriptor, self.path)
            except OSError:
                os.close(descriptor)
                raise
            if taken and is_current:
                self._descriptor = descriptor
                return True
            os.close(descriptor)
            if not taken:
                return False
            if not creates:
                raise FileNotFoundError(self.path)

    def release(self, *, removes: bool = True) -> None:
        """Let go, and remove the file while it is still ours."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        try:
            if removes and os.name == "posix":
                self.path.unlink(missing_ok=True)
        except OSError:
            pass
        finally:
            os.close(descriptor)


def _is_same(descriptor: int, path: Path) -> bool:
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    opened = os.fstat(descriptor)
    return (opened.st_dev, opened.st_ino) == (found.st_dev, found.st_ino)


if os.name == "nt":  # pragma: no cover - the tests run on POSIX

    def _lock(descriptor: int) -> bool:
        import msvcrt

        os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

else:

    def _lock(descriptor: int) -> bool:
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class Windows:
    """This window among the others; `name` is what its running answers are marked with."""

    def __init__(self, directory: Path) -> None:
        self.name = uuid.uuid4().hex
        self._directory = directory
        self._own = FileLock(self._path(_WINDOW, self.name))
        self._held: FileLock | None = None
        self._held_id = ""

    def start(self) -> None:
        """Be alive for the others, and clear away the files of those who are not."""
        try:
            make_private_dir(self._directory)
            _acquired(self._own)
        except OSError:
            return
        for path in self._files(_WINDOW) + self._files(_CONVERSATION):
            self._is_taken(path)

    def is_alive(self, name: str) -> bool:
        """Whether the window of that name still runs."""
        return name == self.name or self._is_taken(self._path(_WINDOW, name))

    def are_others(self) -> bool:
        """Whether any other window of this store runs."""
        return any(self.is_alive(_name(path, _WINDOW)) for path in self._files(_WINDOW) if path != self._own.path)

    def hold(self, conversation_id: str) -> bool:
        """Have the conversation, letting go of the one before; False when another window has it."""
        if conversation_id == self._held_id:
            return True
        self.release()
        if not conversation_id.isalnum():  # it becomes a file name
            return True
        lock = FileLock(self._path(_CONVERSATION, conversation_id))
        try:
            make_private_dir(self._directory)
            is_ours = _acquired(lock)
        except OSError:
            return True
        if is_ours:
            self._held, self._held_id = lock, conversation_id
        return is_ours

    def release(self) -> None:
        """Let go of the conversation."""
        if self._held is not None:
            self._held.release()
        self._held, self._held_id = None, ""

    def held_elsewhere(self) -> frozenset[str]:
        """The conversations other windows have."""
        held_id = self._held_id
        ids = {_name(path, _CONVERSATION): path for path in self._files(_CONVERSATION)}
        return frozenset(name for name, path in ids.items() if name != held_id and self._is_taken(path))

    def close(self) -> None:
        """No longer be alive."""
        self.release()
        self._own.release()

    def _is_taken(self, path: Path) -> bool:
        """Whether another descriptor holds the lock; a file nobody holds is removed."""
        lock = FileLock(path)
        try:
            if not lock.acquire(creates=False):
                return True
        except OSError:
            return False
        lock.release()
        return False

    def _path(self, kind: str, name: str) -> Path:
        return self._directory / f"{kind}{name}{_SUFFIX}"

    def _files(self, kind: str) -> list[Path]:
        try:
            return sorted(self._directory.glob(f"{kind}*{_SUFFIX}"))
        except OSError:
            return []


def _acquired(lock: FileLock) -> bool:
    """Somebody who only looks whether it is held has it for microseconds."""
    for _ in range(_TRIES - 1):
        if lock.acquire():
            return True
        time.sleep(_PAUSE_S)
    return lock.acquire()


def _name(path: Path, kind: str) -> str:
    return path.name.removeprefix(kind).removesuffix(_SUFFIX)
