"""Flags over environment over file over defaults, into one typed `Config`.

The file is converted key by key: a mistake costs that key, its default stays, and one sentence names the file,
the key, what is wrong and the nearest known key. The program starts whatever the file is.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar, cast, get_args, get_origin

import msgspec

from chat_tui.config.aliases import objection_to_alias, objections
from chat_tui.config.explain import (
    kind_of,
    objection_to_entry,
    objection_to_provider,
    objection_to_variable,
    unknown_key,
    wrong_value,
)
from chat_tui.config.model import Config, PriceConfig, ProviderConfig
from chat_tui.config.paths import config_file, is_readable_by_others
from chat_tui.config.toml_file import TomlFile, UnusableFile, read_toml
from chat_tui.core.errors import ConfigError
from chat_tui.core.sanitize import clean_line

CONFIG_VARIABLE: Final = "CHAT_TUI_CONFIG"
VARIABLES: Final = {"model": "CHAT_TUI_MODEL", "theme": "CHAT_TUI_THEME", "system": "CHAT_TUI_SYSTEM"}
"""Setting → environment variable. An empty variable counts as not set."""

DEFAULT_ORIGIN: Final = "default"
FILE_ORIGIN: Final = "file"

MAX_PROBLEMS = 20

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")

_OBJECTIONS = {"api_key_env": objection_to_variable, "api_key_keyring": objection_to_entry}
"""What else is looked at in the settings of a provider."""

KeyPath = tuple[str, ...]
StructT = TypeVar("StructT", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """The configuration and how it came about.

    `origins` maps every dotted key to "default", "file", "environment CHAT_TUI_…" or a flag such as "--model".
    `problems` are sentences for a person. `path` is the file that was found, None when there is none.
    """

    config: Config
    origins: Mapping[str, str]
    problems: tuple[str, ...]
    path: Path | None


def load(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, str] | None = None,
) -> LoadedConfig:
    """Read the file (`path`, else CHAT_TUI_CONFIG, else the platform's place) and lay the rest over it.

    `overrides` are flags by setting: {"model": …}. Raises ConfigError only for what was given as a flag: a
    `path` where there is nothing, an override that cannot be. Whatever else is wrong is a problem, not an error.
    """
    environ = os.environ if environ is None else environ
    file = find_file(path, environ)
    reader = _Reader(clean_line(str(file)))
    found = _read(file, reader, is_flag=path is not None, is_variable=bool(environ.get(CONFIG_VARIABLE)))
    config = reader.struct(Config, found.tables if found else {}, ())
    if found and _holds_secrets(config) and is_readable_by_others(found.mode):
        reader.complain((), "can be read by others and holds headers or a command; chmod 600 keeps it yours")
    config = _without_useless(config, reader)
    origins = {dotted(at): FILE_ORIGIN if at in reader.keys_set else DEFAULT_ORIGIN for at, _ in walk(config)}
    changes: dict[str, Any] = {}
    for name, variable in VARIABLES.items():
        if given := environ.get(variable):
            try:
                changes[name] = _convert_setting(name, given)
                origins[name] = f"environment {variable}"
            except msgspec.ValidationError:
                reader.problems.append(f"{variable} {wrong_value(_setting_type(name), given)}; it is not used.")
    for name, given in (overrides or {}).items():
        try:
            changes[name] = _convert_setting(name, given)
            origins[name] = f"--{name}"
        except msgspec.ValidationError:
            raise ConfigError(f"--{name} {wrong_value(_setting_type(name), given)}.") from None
    config = msgspec.structs.replace(config, **changes)
    return LoadedConfig(config, origins, reader.all_problems(), file if found else None)


def find_file(path: Path | None, environ: Mapping[str, str]) -> Path:
    """Which file is read: `path`, else the one CHAT_TUI_CONFIG names, else the platform's. It may not exist."""
    if path is None:
        named = environ.get(CONFIG_VARIABLE)
        if not named:
            return config_file()
        path = Path(named)
    try:
        return path.expanduser()
    except RuntimeError:  # ~name of nobody
        return path


def dotted(at: KeyPath) -> str:
    """A key path as TOML writes it: providers.mine."X.Y"."""
    return ".".join(part if _BARE_KEY.fullmatch(part) else json.dumps(part) for part in at)


def walk(value: object, at: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Every setting below `value` with its key path; an empty table is one setting."""
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from walk(getattr(value, name), (*at, name))
    elif isinstance(value, dict) and value:
        for name, item in cast("dict[str, object]", value).items():
            yield from walk(item, (*at, name))
    else:
        yield at, value


def _read(file: Path, reader: _Reader, *, is_flag: bool, is_variable: bool) -> TomlFile | None:
    """The file; without tables and with a problem when it cannot be used, None when there is none."""
    try:
        return read_toml(file)
    except FileNotFoundError:
        if is_flag:
            raise ConfigError(f"--config: there is no file {reader.source}.") from None
        if is_variable:
            reader.problems.append(f"{CONFIG_VARIABLE}: there is no file {reader.source}.")
        return None
    except UnusableFile as reason:
        reader.complain((), f"{reason}; nothing in the file is used")
        return TomlFile({}, 0)


def _setting_type(name: str) -> object:
    return next(info.type for info in msgspec.structs.fields(Config) if info.name == name)


def _convert_setting(name: str, given: str) -> Any:
    """Bytes that are no text in this locale are replaced. Raises msgspec.ValidationError."""
    return msgspec.convert(given.encode("utf-8", "replace").decode(), type=_setting_type(name))


def _without_useless(config: Config, reader: _Reader) -> Config:
    """Without aliases that lead nowhere and prices that price nothing; each is said."""
    wrong = dict(objections(config.aliases))
    halves = [name for name, given in config.prices.items() if given.input is None or given.output is None]
    for name, what in wrong.items():
        reader.complain_if_room(("aliases", name), what)
    for name in halves:
        reader.complain_if_room(("prices", name), "needs both input and output, in USD per million tokens")
    if not wrong and not halves:
        return config
    aliases = {name: target for name, target in config.aliases.items() if name not in wrong}
    prices = {name: given for name, given in config.prices.items() if name not in halves}
    return msgspec.structs.replace(config, aliases=aliases, prices=prices)


def _holds_secrets(config: Config) -> bool:
    return any(provider.headers or provider.api_key_command for provider in config.providers.values())


@dataclass(slots=True)
class _Reader:
    """Converts parsed TOML table by table and notes what is wrong and which keys were set."""

    source: str
    problems: list[str] = field(default_factory=list[str])
    keys_set: set[KeyPath] = field(default_factory=set[KeyPath])
    unsaid_count: int = 0

    def complain(self, at: KeyPath, what: str) -> None:
        """One problem, as a sentence."""
        key = f"{clean_line(dotted(at), 120)}: " if at else ""
        self.problems.append(f"{self.source}: {key}{what}" + ("" if what.endswith("?") else "."))

    def complain_if_room(self, at: KeyPath, what: str) -> None:
        """The same, unless too much has been said already."""
        if self._has_room():
            self.complain(at, what)

    def all_problems(self) -> tuple[str, ...]:
        """The sentences, and one that counts those that were too many."""
        more = (f"{self.source}: {self.unsaid_count} more problems.",) if self.unsaid_count else ()
        return (*self.problems, *more)

    def struct(self, kind: type[StructT], table: object, at: KeyPath) -> StructT:
        """What of `table` can be had as a `kind`; the defaults for the rest."""
        fields = {info.encode_name: info for info in msgspec.structs.fields(kind)}
        values: dict[str, Any] = {}
        for key, value in self._items(table, at):
            info = fields.get(key)
            if info is not None:
                self._convert(values, info.type, value, (*at, key))
            elif self._has_room():
                places = [dotted(known) for known in _known_keys() if known[-1] == key]
                self.complain((*at, key), unknown_key(key, tuple(fields), places))
        return kind(**values)

    def _mapping(self, kind: object, table: object, at: KeyPath) -> dict[str, Any]:
        """A table whose keys are names of the user's own."""
        values: dict[str, Any] = {}
        for name, value in self._items(table, at):
            objection = objection_to_provider(name) if kind is ProviderConfig else ""
            objection = objection_to_alias(name) if at == ("aliases",) else objection
            if not objection:
                self._convert(values, kind, value, (*at, name))
            elif self._has_room():
                self.complain((*at, name), objection)
        return values

    def _items(self, table: object, at: KeyPath) -> Iterator[tuple[str, object]]:
        if isinstance(table, dict):
            yield from cast("dict[str, object]", table).items()
        elif self._has_room():
            self.complain(at, f"must be a table, not {kind_of(table)}; it is not used")

    def _convert(self, values: dict[str, Any], kind: object, value: object, at: KeyPath) -> None:
        """Put the converted `value` under the last name of `at`, or complain and leave it out."""
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            values[at[-1]] = self.struct(kind, value, at)
            return
        if get_origin(kind) is dict:
            values[at[-1]] = self._mapping(get_args(kind)[1], value, at)
            return
        try:
            converted: Any = msgspec.convert(value, type=kind)
        except msgspec.ValidationError:
            if self._has_room():
                self.complain(at, f"{wrong_value(cast('object', kind), value)}; it is not used")
            return
        object_to = _OBJECTIONS.get(at[2]) if len(at) == 3 and at[0] == "providers" else None
        if object_to is not None and (objection := object_to(converted)):
            if self._has_room():
                self.complain(at, objection)
            return
        values[at[-1]] = converted
        self.keys_set.add(at)

    def _has_room(self) -> bool:
        """Whether one more problem is said; a file of nothing but mistakes must not take seconds."""
        if len(self.problems) < MAX_PROBLEMS:
            return True
        self.unsaid_count += 1
        return False


def _known_keys() -> tuple[KeyPath, ...]:
    known = Config(providers={"NAME": ProviderConfig()}, prices={"PROVIDER/MODEL": PriceConfig()})
    return tuple(at for at, _ in walk(known))
