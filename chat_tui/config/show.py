"""The configuration in effect, as it may be shown: values cleaned, secrets masked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from chat_tui.config.load import KeyPath, LoadedConfig, dotted, walk
from chat_tui.core.sanitize import clean, clean_line

MASK = "•••"


@dataclass(frozen=True, slots=True)
class Setting:
    """One key, its value as JSON data (None: not set) and where the value came from."""

    key: str
    value: Any
    origin: str


def settings(loaded: LoadedConfig) -> tuple[Setting, ...]:
    """Every key in the order of the file's documentation."""
    found: list[Setting] = []
    for at, value in walk(loaded.config):
        key = dotted(at)
        found.append(Setting(clean_line(key), _shown(at, value), loaded.origins.get(key, "default")))
    return tuple(found)


def as_table(loaded: LoadedConfig) -> str:
    """TOML-like lines: key = value  # origin."""
    rows = [(s.key, _as_toml(s.value), s.origin) for s in settings(loaded)]
    key_width = min(max(len(key) for key, _, _ in rows), 48)
    value_width = min(max(len(value) for _, value, _ in rows), 40)
    return "\n".join(f"{key:{key_width}} = {value:{value_width}}  # {origin}" for key, value, origin in rows)


def _shown(at: KeyPath, value: Any) -> Any:
    if at[0] == "providers" and len(at) > 2:
        match at[2]:
            case "headers" if len(at) > 3:
                return MASK
            case "api_key_command" if value:
                program = value.split(maxsplit=1)[0] if isinstance(value, str) and value.strip() else value[0]
                return clean_line(f"{program} {MASK}")
            case "base_url":
                return clean_line(_without_secrets(value))
            case _:
                pass
    return clean(value) if isinstance(value, str) else value


def _without_secrets(url: str) -> str:
    """The URL with what may hold a key masked: user and password, query, fragment."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")
    except ValueError:
        return MASK
    netloc = f"{MASK}@{host[2]}" if host[1] else parts.netloc
    return urlunsplit((parts.scheme, netloc, parts.path, parts.query and MASK, parts.fragment and MASK))


def _as_toml(value: Any) -> str:
    if value is None:
        return "(not set)"
    return json.dumps(value, ensure_ascii=False, default=str)
