"""`chat-tui config path` and `chat-tui config show`: where the settings are, and which ones are in effect."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from chat_tui.core.sanitize import clean_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chat_tui.config.load import LoadedConfig

_PATH_CHARS: Final = 4096


def path_line(path: Path | None, environ: Mapping[str, str]) -> str:
    """Where the file is or would be; `path` is the one that was named."""
    from chat_tui.config.load import find_file

    return clean_line(str(find_file(path, environ)), _PATH_CHARS)


def print_settings(
    loaded: LoadedConfig, echo: Callable[[str], None], note: Callable[[str], None], *, is_json: bool
) -> None:
    """All settings and where each comes from: a table, with what is wrong told to `note`, or JSON."""
    from chat_tui.config import show

    if is_json:
        data = {
            "path": None if loaded.path is None else str(loaded.path),
            "settings": [{"key": s.key, "value": s.value, "origin": s.origin} for s in show.settings(loaded)],
            "problems": loaded.problems,
        }
        echo(json.dumps(data, indent=2))
        return
    echo(f"# {'no file' if loaded.path is None else clean_line(str(loaded.path), _PATH_CHARS)}")
    echo(show.as_table(loaded))
    for problem in loaded.problems:
        note(problem)
