"""Whatever the file holds, there is a configuration and no exception."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat_tui.config.load import load
from chat_tui.config.model import Config

EXAMPLE = (Path(__file__).parents[3] / "config.example.toml").read_text(encoding="utf-8")
SET = "\n".join(line[1:] if line.startswith("#") and line[1:2].strip() else line for line in EXAMPLE.splitlines())

_KEYS = st.sampled_from(
    ["model", "theme", "system", "generation", "providers", "local", "render", "mine", "models", "headers", "stop",
     "temperature", "seed", "max_fps", "api_key_env", "api_key_command", "base_url", "x", '""', '"\\u0000"', "a.b"]
)  # fmt: skip
_VALUES = st.one_of(
    st.sampled_from(
        ["1", "-0.0", "nan", "inf", "true", '"dark"', '""', "[]", "{}", "1e999", "2020-01-01", "[[1], {a = 2}]",
         "0x" + "f" * 40, '"""\n"""', "{mine = 1}", "{mine = {headers = {a = 1}}}", '["a", 1]', "07:32:00", "=",
         "["]
    ),
    st.text(max_size=12),
)  # fmt: skip
_LINES = st.one_of(
    st.builds("{} = {}".format, _KEYS, _VALUES),
    st.builds("[{}]".format, _KEYS),
    st.builds("[{}.{}]".format, _KEYS, _KEYS),
    st.builds("[[{}]]".format, _KEYS),
    st.text(max_size=20),
)


def check(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    loaded = load(file, {})
    assert isinstance(loaded.config, Config)
    assert all(problem.isprintable() and problem.endswith((".", "?")) for problem in loaded.problems)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "config.toml"


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(_LINES, max_size=12))
def test_lines_of_toml_and_not(file: Path, lines: list[str]) -> None:
    check(file, "\n".join(lines).encode("utf-8", "surrogatepass"))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.integers(0, len(SET)), cut=st.integers(0, 80), insert=st.text(max_size=6))
def test_mutations_of_a_whole_file(file: Path, start: int, cut: int, insert: str) -> None:
    check(file, (SET[:start] + insert + SET[start + cut :]).encode("utf-8", "surrogatepass"))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200))
def test_bytes(file: Path, data: bytes) -> None:
    check(file, data)
