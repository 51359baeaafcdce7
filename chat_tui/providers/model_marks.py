"""Which models the reader likes and which were used last: a file for each, so that no window undoes another's.

A file's name is derived from the model, its text is PROVIDER/MODEL, and the time of use is that of the file. Making
and removing such files needs no lock. Everything here blocks and belongs into a thread; nothing raises.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chat_tui.config.paths import make_private_dir
from chat_tui.core.sanitize import clean_line
from chat_tui.providers.model_cache import write_private

MAX_FAVOURITES: Final = 200
MAX_USED: Final = 8
_MAX_ID_CHARS: Final = 300


@dataclass(frozen=True, slots=True)
class ModelMarks:
    """Ids (PROVIDER/MODEL): favourites as they became that, those used last with the last one first."""

    favourites: tuple[str, ...] = ()
    used: tuple[str, ...] = ()


class MarkedModels:
    """The files below `directory`, which is made when there is something to mark."""

    def __init__(self, directory: Path) -> None:
        self._favourites = directory / "favourites"
        self._used = directory / "used"

    def read(self) -> ModelMarks:
        """All marks, those of other windows included."""
        favourites, used = _read(self._favourites), _read(self._used)
        return ModelMarks(tuple(favourites[:MAX_FAVOURITES]), tuple(reversed(used[-MAX_USED:])))

    def set_favourite(self, model_id: str, *, is_favourite: bool) -> None:
        """Mark a model, or take the mark away."""
        if is_favourite:
            _put(self._favourites, model_id)
        else:
            with suppress(OSError):
                (self._favourites / _name(model_id)).unlink(missing_ok=True)

    def use(self, model_id: str) -> None:
        """It is used now; what was used long before is forgotten."""
        _put(self._used, model_id)
        for path in _by_age(self._used)[:-MAX_USED]:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _name(model_id: str) -> str:
    return hashlib.sha256(model_id.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _put(directory: Path, model_id: str) -> None:
    if 0 < len(model_id) <= _MAX_ID_CHARS and clean_line(model_id, _MAX_ID_CHARS) == model_id:
        with suppress(OSError, ValueError):
            make_private_dir(directory)
            write_private(directory / _name(model_id), model_id.encode())


def _by_age(directory: Path) -> list[Path]:
    """The oldest first."""
    aged: list[tuple[int, str, Path]] = []
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            with suppress(OSError):
                if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False):
                    aged.append((entry.stat(follow_symlinks=False).st_mtime_ns, entry.name, Path(entry.path)))
    return [path for _, _, path in sorted(aged)]


def _read(directory: Path) -> list[str]:
    """The ids in files that are what they say; anything else is passed over."""
    found: list[str] = []
    for path in _by_age(directory):
        with suppress(OSError, ValueError):
            with path.open("rb") as handle:
                model_id = handle.read(4 * _MAX_ID_CHARS + 1).decode()
            if path.name == _name(model_id) and clean_line(model_id, _MAX_ID_CHARS) == model_id:
                found.append(model_id)
    return found
