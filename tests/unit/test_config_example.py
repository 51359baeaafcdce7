"""config.example.toml names every setting, and what it calls the default is the default."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from chat_tui.config.load import load, walk
from chat_tui.config.model import Config, PriceConfig, ProviderConfig

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
PRICED = "mine/some-model"
LEAVES = ("aliases", "local.models", "providers.mine.headers")
"""Tables that are settings as a whole."""

_SETTING = re.compile(r"#(?=\[|[\w-]+ = )")


def uncommented() -> str:
    return "\n".join(_SETTING.sub("", line, count=1) for line in EXAMPLE.read_text(encoding="utf-8").splitlines())


def shown() -> dict[str, Any]:
    """Dotted key → the value the example shows."""
    return flatten(tomllib.loads(uncommented()))


def flatten(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict) and f"{prefix}{key}" not in LEAVES:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def defaults() -> dict[str, Any]:
    config = Config(providers={"mine": ProviderConfig()}, prices={PRICED: PriceConfig()})
    return {".".join(at): value for at, value in walk(config)}


def test_as_it_is_it_changes_nothing() -> None:
    loaded = load(EXAMPLE, {})
    assert loaded.problems == ()
    assert loaded.config == Config()


def test_with_every_line_it_is_without_mistakes(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(uncommented(), encoding="utf-8")
    file.chmod(0o600)
    loaded = load(file, {})
    assert loaded.problems == ()
    assert "mine" in loaded.config.providers
    assert PRICED in loaded.config.prices
    assert loaded.config.aliases


def test_it_names_every_key_and_no_other() -> None:
    assert set(shown()) == set(defaults())


def test_what_it_shows_is_the_default_or_called_an_example() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    for key, value in shown().items():
        table, _, name = key.rpartition(".")
        title = f"[{table}]" if table != f"prices.{PRICED}" else f'[prices."{PRICED}"]'
        begin = next((i for i, line in enumerate(lines) if line.lstrip("#") == title), 0)
        at = next(i for i, line in enumerate(lines) if i >= begin and line.startswith(f"#{name} = "))
        prose = at - 1
        while lines[prose - 1].startswith("# "):
            prose -= 1
        is_example = lines[prose].startswith("# Example. ")
        default = defaults()[key]
        has_default = default not in (None, "", (), {}) or key == "system"
        assert is_example is not has_default, key
        assert is_example or value == default, key


def test_every_struct_field_has_a_docstring_or_a_table() -> None:
    names = {info.name for info in msgspec.structs.fields(Config)}
    assert names == {key.split(".")[0] for key in shown()}
