"""What importing a layer loads, in a fresh process: the start is a feature, and layers stay apart at run time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "chat_tui"
SCREEN = {"textual", "rich", "markdown_it", "pygments"}


def loaded_by(statements: str) -> set[str]:
    """Names of the top-level modules in sys.modules after `statements`."""
    program = f"import sys\n{statements}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    return set(run(program).split())


def run(program: str) -> str:
    # -I: neither the environment nor the working directory may load anything
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r})\n{program}"]
    return subprocess.run(command, capture_output=True, check=True, text=True, timeout=60).stdout


def test_the_command_line_loads_nothing_heavy() -> None:
    loaded = loaded_by("import chat_tui.cli")
    assert loaded.isdisjoint(SCREEN | {"httpx", "msgspec", "asyncio", "platformdirs", "dataclasses"})


@pytest.mark.parametrize("argv", [["--version"], ["--help"], ["--nonsense"]])
def test_what_needs_no_configuration_loads_none(argv: list[str]) -> None:
    loaded = loaded_by(
        "import contextlib, io\nimport chat_tui.cli\n"
        f"with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):\n"
        f"    chat_tui.cli.main({argv!r})"
    )
    assert loaded.isdisjoint(SCREEN | {"httpx", "msgspec", "asyncio", "platformdirs"})


def test_the_configuration_is_loaded_without_screen_and_network() -> None:
    loaded = loaded_by("import chat_tui.config.load, chat_tui.config.show")
    assert loaded.isdisjoint(SCREEN | {"httpx", "asyncio", "platformdirs"})


@pytest.mark.parametrize("module", ["chat_tui.session.session", "chat_tui.headless"])
def test_a_session_needs_no_screen_and_no_http_yet(module: str) -> None:
    assert loaded_by(f"import {module}").isdisjoint(SCREEN | {"httpx"})


def test_the_core_is_the_standard_library_and_itself() -> None:
    modules = sorted(
        ".".join(("chat_tui", *path.relative_to(PACKAGE).with_suffix("").parts))
        for path in (PACKAGE / "core").rglob("*.py")
        if path.name != "__init__.py"
    )
    assert "chat_tui.core.turn" in modules
    before = loaded_by("pass")
    new = loaded_by(f"import {', '.join(modules)}") - before
    assert new - set(sys.stdlib_module_names) == {"chat_tui"}
    assert new.isdisjoint({"asyncio", "socket", "subprocess", "threading"})


def test_the_package_itself_is_nothing() -> None:
    assert loaded_by("import chat_tui") - loaded_by("pass") == {"chat_tui"}
