"""Files that can be mentioned: those below the current directory, and those of a directory that is named.

Looking is bounded in files, depth and time, and blocks: it is not for the event loop. Choosing among what was found
is pure and fast.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from heapq import nsmallest
from pathlib import Path
from typing import Final

from chat_tui.core.mentions import mention_of
from chat_tui.session.attachments import absolute

MAX_FILES: Final = 10_000
MAX_DEPTH: Final = 12
TIME_LIMIT_S: Final = 1.0
MAX_SHOWN: Final = 6

KEPT_S: Final = 5.0

_WORD_START = re.compile(r"(?<![^\W_])[^\W_]")
_IGNORED: Final = frozenset({
    "__pycache__", "node_modules", "venv", "env", "site-packages", "target", "dist", "build", "vendor",
    "bower_components",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileList:
    """Paths as they are mentioned, `/` between names; those of directories end with one. Nothing hidden."""

    paths: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()

    @classmethod
    def of(cls, paths: Iterable[str]) -> FileList:
        """With what they are compared by."""
        known = tuple(paths)
        return cls(known, tuple(path.lower() for path in known))


def directory_of(typed: str) -> str | None:
    """The directory to look into when what is typed names one that is not below this one, or a hidden one; None
    when what is below this directory is meant."""
    head, separator, _ = typed.rpartition("/")
    if typed.startswith(("/", "~", ".")) or "/." in typed:
        return f"{head}{separator}"
    return None


def files_below(root: Path, *, max_files: int = MAX_FILES, limit_s: float = TIME_LIMIT_S) -> FileList:
    """All files below a directory, nearest first, without hidden and ignored directories; links to directories are
    not followed. Never raises."""
    until_s = time.monotonic() + limit_s
    found: list[str] = []
    waiting = deque([("", 0)])
    while waiting and len(found) < max_files and time.monotonic() < until_s:
        prefix, depth = waiting.popleft()
        files, directories = _entries(root / prefix)
        found += [f"{prefix}{name}" for name in files if not name.startswith(".") and mention_of(name)]
        if depth < MAX_DEPTH:
            waiting += [
                (f"{prefix}{name}/", depth + 1)
                for name in directories
                if not name.startswith(".")
                and name not in _IGNORED
                and mention_of(name)
                and not _is_environment(root / prefix / name)
            ]
    return FileList.of(found[:max_files])


def files_in(written: str, *, with_hidden: bool) -> FileList:
    """The files and directories in the directory that is written like that. Never raises."""
    files, directories = _entries(absolute(written or "."))
    names = [*(f"{name}/" for name in directories), *files]
    paths = (f"{written}{name}" for name in names if with_hidden or not name.startswith("."))
    return FileList.of(path for path in paths if mention_of(path))


def _entries(directory: Path) -> tuple[list[str], list[str]]:
    """Names of files and of directories, sorted."""
    files: list[str] = []
    directories: list[str] = []
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if len(files) + len(directories) >= MAX_FILES:
                    break
                try:
                    if entry.is_dir():
                        directories.append(entry.name)
                    elif entry.is_file():
                        files.append(entry.name)
                except OSError:
                    continue
    except (OSError, ValueError):
        return [], []
    return sorted(files), sorted(directories)


def _is_environment(directory: Path) -> bool:
    return (directory / "pyvenv.cfg").exists() or directory.is_symlink()


def matching(files: FileList, typed: str, limit: int = MAX_SHOWN) -> tuple[str, ...]:
    """The likeliest for what is typed: the name or the path begins so, it stands in the name, in the path, its
    letters do in their order; among equals the shorter one. Case does not matter."""
    wanted = typed.lower()
    ranked = (
        (rank, len(path), path)
        for path, folded in zip(files.paths, files.folded, strict=True)
        if (rank := _rank(folded, wanted)) is not None
    )
    return tuple(path for _, _, path in nsmallest(limit, ranked))


def _rank(folded: str, wanted: str) -> int | None:
    if not wanted:
        return folded.count("/")
    name_at = folded.rfind("/", 0, len(folded) - 1) + 1
    if folded.startswith(wanted, name_at) or folded.startswith(wanted):
        return 0
    if wanted in folded:
        return 1 if folded.find(wanted, name_at) >= 0 else 2
    return 3 if len(wanted) > 1 and _has_in_order(folded, wanted) else None


def _has_in_order(text: str, letters: str) -> bool:
    """The first letter begins a word: else every second path would do for a few letters."""
    begun = _WORD_START.finditer(text)
    at = next((found.start() for found in begun if text.startswith(letters[0], found.start())), -1)
    if at < 0:
        return False
    for letter in letters:
        at = text.find(letter, at) + 1
        if not at:
            return False
    return True


class FileFinder:
    """Files to choose among, looked for in threads; what is below this directory is kept for a moment."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: FileList | None = None
        self._known_until_s = float("-inf")
        self._looking: asyncio.Task[FileList] | None = None

    async def find(self, typed: str) -> tuple[str, ...]:
        """At most `MAX_SHOWN` paths for what is typed of one, the likeliest first."""
        directory = directory_of(typed)
        if directory is not None:
            with_hidden = typed.rpartition("/")[2].startswith(".")
            return matching(await asyncio.to_thread(files_in, directory, with_hidden=with_hidden), typed)
        if self._known is None or self._clock() >= self._known_until_s:
            if self._looking is None:  # who types on waits for the same look
                self._looking = asyncio.create_task(asyncio.to_thread(files_below, Path.cwd()))
                self._looking.add_done_callback(self._looked)
            return matching(await asyncio.shield(self._looking), typed)
        return matching(self._known, typed)

    def _looked(self, task: asyncio.Task[FileList]) -> None:
        self._looking = None
        if not task.cancelled() and task.exception() is None:
            self._known, self._known_until_s = task.result(), self._clock() + KEPT_S
