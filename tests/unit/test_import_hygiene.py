"""What importing a layer loads, in a fresh process: the start is a feature, and layers stay apart at run time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.program import Program
from tests.support.sse_server import SseServer
from tests.support.waiting import wait_until

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


# -- before the first paint ------------------------------------------------------------------------

PROBE = """
import json, os, subprocess, sys
from pathlib import Path

started = []
init = subprocess.Popen.__init__
subprocess.Popen.__init__ = lambda self, *args, **named: (started.append(str(args)), init(self, *args, **named))[1]

from chat_tui.ui.driver import ChatDriver

write = ChatDriver.write
PLACEHOLDER = "anything"

def note(self, data):
    where = Path(os.environ["PROBE_FILE"])
    if PLACEHOLDER in data and not where.exists():
        seen = {"modules": sorted(sys.modules), "processes": started}
        part = where.with_suffix(".part")
        part.write_text(json.dumps(seen))
        part.rename(where)
    write(self, data)

ChatDriver.write = note
from chat_tui.__main__ import main
main()
"""
"""Starts the program as it is and writes down what is there when the composer is first painted."""

LATER = {
    "httpx": "the transport",
    "httpcore": "the transport",
    "pygments": "the warm-up",
    "markdown_it": "the warm-up",
    "rich.markdown": "nothing",
    "sqlite3": "nothing yet",
    "xllamacpp": "the model's process, never this one",
    "urllib.request": "the transport",
    "email.parser": "the transport",
    "chat_tui.providers.http": "the warm-up",
    "chat_tui.wire.openai_chat": "the warm-up",
    "chat_tui.session.turn_runner": "the warm-up",
    "chat_tui.core.turn": "the warm-up",
    "chat_tui.core.splitter": "the warm-up",
    "chat_tui.core.block_parser": "the warm-up",
    "chat_tui.ui.render.blocks": "the warm-up",
    "chat_tui.ui.render.inline": "the warm-up",
    "chat_tui.ui.render.lexing": "the warm-up",
    "chat_tui.core.find": "Ctrl+F",
    "chat_tui.ui.widgets.find_bar": "Ctrl+F",
    "chat_tui.ui.widgets.search": "Ctrl+F",
    "chat_tui.session.library": "F3",
    "chat_tui.session.titles": "a fork, or the first answer where titles are wanted",
    "chat_tui.ui.screens.conversations": "F3",
    "chat_tui.ui.widgets.conversation_list": "F3",
    "chat_tui.ui.screens.models": "F2",
    "chat_tui.ui.screens.help": "F1",
    "chat_tui.ui.screens.details": "d",
    "chat_tui.ui.screens.confirm_link": "a click on a link",
    "chat_tui.headless": "-p",
    "chat_tui.cli_models": "its command",
    "chat_tui.providers.local_install": "its command",
}
"""What costs time to load, and what loads it when it is needed."""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("model", ["mine/scripted-1", "local/smollm2-135m", "demo/markdown"])
async def test_what_is_loaded_before_the_composer_is_painted(clean_environment: Path, model: str) -> None:
    where = clean_environment / "seen.json"
    env = {"PROBE_FILE": str(where)}
    async with (
        SseServer() as server,
        Program(clean_environment, server, model=model, launcher=PROBE, env=env) as chat,
    ):
        await chat.ready()
        await wait_until(where.exists, 10, "the first paint")
        assert server.connections == []
    seen = json.loads(where.read_text("utf-8"))
    assert "textual.app" in seen["modules"]
    assert "chat_tui.ui.widgets.transcript" in seen["modules"]
    assert set(seen["modules"]) & set(LATER) == set()
    assert seen["processes"] == []
