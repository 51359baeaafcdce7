"""Lists of models on disk, one file per provider: what was there last time is shown before anybody has answered.

Everything here blocks and belongs into a thread. Nothing raises: a list that cannot be kept is asked for again, and
a file that is damaged, too large or of another server counts as none. No key and no address is written.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec

from chat_tui.config.paths import PRIVATE_FILE_MODE, make_private_dir
from chat_tui.core.sanitize import clean_line
from chat_tui.wire.base import ModelFacts
from chat_tui.wire.model_list import NAME_CHARS, usable

MAX_FILE_BYTES: Final = 4 << 20
MAX_FILES: Final = 200
_VERSION: Final = 1
_SUFFIX: Final = ".json"


class _File(msgspec.Struct, frozen=True):
    version: int
    server: str
    at_s: float
    models: list[ModelFacts]


@dataclass(frozen=True, slots=True)
class KnownList:
    """What a server listed at `at_s` (UTC epoch seconds). `server` is what `server_mark` gives for its address."""

    server: str
    at_s: float
    models: tuple[ModelFacts, ...]


def server_mark(base_url: str) -> str:
    """Stands for an address without saying it."""
    return hashlib.sha256(base_url.rstrip("/").encode("utf-8", "surrogatepass")).hexdigest()[:32]


class ModelCache:
    """The files of one directory, which is made when something is kept."""

    def __init__(self, directory: Path, now: Callable[[], float] = time.time) -> None:
        self._directory = directory
        self._now = now

    def read_all(self) -> dict[str, KnownList]:
        """Every list by its provider."""
        found: dict[str, KnownList] = {}
        try:
            paths = sorted(path for path in self._directory.iterdir() if path.suffix == _SUFFIX)
        except OSError:
            return found
        for path in paths[:MAX_FILES]:
            if not path.name.startswith(".") and (known := self._read(path)) is not None:
                found[path.name.removesuffix(_SUFFIX)] = known
        return found

    def write(self, provider: str, server: str, models: tuple[ModelFacts, ...]) -> KnownList:
        """Keep a list, whole or not at all; returns it as it is known from now on."""
        known = KnownList(server, self._now(), models)
        data = msgspec.json.encode(_File(_VERSION, server, known.at_s, list(models)))
        if len(data) <= MAX_FILE_BYTES and not {"/", "\\", "\0"} & set(provider):
            with suppress(OSError, ValueError):
                make_private_dir(self._directory)
                write_private(self._directory / f"{provider}{_SUFFIX}", data)
        return known

    def _read(self, path: Path) -> KnownList | None:
        try:
            if not path.is_file():  # opening a pipe could wait for ever
                return None
            with path.open("rb") as handle:
                data = handle.read(MAX_FILE_BYTES + 1)
            if len(data) > MAX_FILE_BYTES:
                return None
            kept = msgspec.json.decode(data, type=_File)
        except (OSError, ValueError, RecursionError):  # msgspec's errors are ValueErrors
            return None
        if kept.version != _VERSION:
            return None
        return KnownList(kept.server, max(0.0, min(kept.at_s, self._now())), usable(map(_cleaned, kept.models)))


def write_private(path: Path, data: bytes) -> None:
    """Replace a file by one of mode 0600 in one step. Raises OSError; then nothing has changed."""
    beside = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        with os.fdopen(os.open(beside, flags, PRIVATE_FILE_MODE), "wb") as handle:
            handle.write(data)
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise


def _cleaned(facts: ModelFacts) -> ModelFacts:
    """A file is no safer than a server."""
    label = clean_line(facts.label, NAME_CHARS)
    return facts if label == facts.label else replace(facts, label=label)
