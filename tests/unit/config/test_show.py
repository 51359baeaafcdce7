"""The configuration as it may be shown."""

from __future__ import annotations

import json
from pathlib import Path

from chat_tui.config.load import LoadedConfig, load
from chat_tui.config.model import Config
from chat_tui.config.show import MASK, as_table, settings

TEXT = """
model = "mine/x"
system = "one\\ntwo \\u001b[31m"
[generation]
seed = 7
[providers.mine]
base_url = "https://anna:sesame@example.org/v1?key=hush#more"
api_key_command = "/usr/bin/pass hush"
headers = { Authorization = "hush", "X.Y" = "hush" }
[providers.other]
base_url = "http://127.0.0.1:1/v1"
api_key_command = ["pass", "hush"]
[providers.odd]
base_url = "http://[hush/v1"
"""


def loaded(tmp_path: Path) -> LoadedConfig:
    file = tmp_path / "config.toml"
    file.write_text(TEXT)
    return load(file, {"CHAT_TUI_THEME": "light"})


def test_values_and_origins(tmp_path: Path) -> None:
    by_key = {setting.key: setting for setting in settings(loaded(tmp_path))}
    assert by_key["generation.seed"].value == 7
    assert by_key["generation.top_p"].value is None
    assert by_key["theme"].origin == "environment CHAT_TUI_THEME"
    assert by_key["providers.mine.base_url"].value == f"https://{MASK}@example.org/v1?{MASK}#{MASK}"
    assert by_key["providers.other.base_url"].value == "http://127.0.0.1:1/v1"
    assert by_key["providers.mine.api_key_command"].value == f"/usr/bin/pass {MASK}"
    assert by_key["providers.other.api_key_command"].value == f"pass {MASK}"
    assert by_key['providers.mine.headers."X.Y"'].value == MASK


def test_every_key_has_an_origin(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    assert {setting.key for setting in settings(found)} == set(found.origins)


def test_no_secret_is_shown_in_any_form(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    shown = as_table(found) + json.dumps([setting.value for setting in settings(found)])
    assert "hush" not in shown
    assert "sesame" not in shown
    assert "\x1b" not in shown


def test_the_table_is_one_line_per_key(tmp_path: Path) -> None:
    lines = as_table(loaded(tmp_path)).splitlines()
    assert len(lines) == len(settings(loaded(tmp_path)))
    assert lines[0].split() == ["model", "=", '"mine/x"', "#", "file"]


def test_defaults_alone() -> None:
    table = as_table(LoadedConfig(Config(), {}, (), None))
    assert 'theme                       = "dark"' in table
    assert "generation.temperature      = (not set)" in table
