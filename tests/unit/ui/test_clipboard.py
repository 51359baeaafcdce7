"""Which way a copy goes, and what is said about it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from chat_tui.ui.clipboard import OSC52_MAX_BYTES, Clipboard, ClipboardProgram, locate, programs, run_program

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="makes executable scripts")


class Routes:
    """Records what was sent where."""

    def __init__(self, folder: Path, working: tuple[str, ...] = ()) -> None:
        self.osc52: list[str] = []
        self.ran: list[tuple[str, str]] = []
        self._working = working
        for name in working:
            make_program(folder / name, "cat > /dev/null")

    async def run(self, path: str, program: ClipboardProgram, text: str) -> bool:
        self.ran.append((Path(path).name, text))
        return program.name in self._working


def make_program(path: Path, body: str) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def clipboard(routes: Routes, folder: Path, **environ: str) -> Clipboard:
    return Clipboard(routes.osc52.append, {"PATH": str(folder), **environ}, platform="linux", run=routes.run)


async def test_both_routes_are_taken_and_named(tmp_path: Path) -> None:
    routes = Routes(tmp_path, ("wl-copy",))
    sentence = await clipboard(routes, tmp_path, WAYLAND_DISPLAY="wayland-0").copy("x" * 1204)
    assert sentence == "Copied 1,204 characters (terminal, OSC 52; wl-copy)"
    assert routes.osc52 == ["x" * 1204]
    assert routes.ran == [("wl-copy", "x" * 1204)]


async def test_the_next_program_is_tried_when_one_fails(tmp_path: Path) -> None:
    routes = Routes(tmp_path, ("xsel",))
    make_program(tmp_path / "xclip", "exit 1")
    assert (
        await clipboard(routes, tmp_path, DISPLAY=":0").copy("a") == "Copied 1 character (terminal, OSC 52; xsel)"
    )
    assert [name for name, _ in routes.ran] == ["xclip", "xsel"]


async def test_without_a_display_only_the_terminal_is_asked(tmp_path: Path) -> None:
    routes = Routes(tmp_path, ("wl-copy", "xclip"))
    assert await clipboard(routes, tmp_path).copy("ab") == "Copied 2 characters (terminal, OSC 52)"
    assert routes.ran == []


async def test_nothing_is_not_copied(tmp_path: Path) -> None:
    routes = Routes(tmp_path)
    assert await clipboard(routes, tmp_path).copy("") == "Nothing to copy"
    assert routes.osc52 == []


@pytest.mark.parametrize(("extra", "is_sent"), [(0, True), (1, False)])
async def test_the_limit_of_the_terminal_is_in_bytes_and_said(tmp_path: Path, extra: int, is_sent: bool) -> None:
    routes = Routes(tmp_path, ("xclip",))
    text = "é" * (OSC52_MAX_BYTES // 2) + "x" * extra
    sentence = await clipboard(routes, tmp_path, DISPLAY=":0").copy(text)
    assert bool(routes.osc52) is is_sent
    assert ("too long for the terminal" in sentence) is not is_sent
    assert "xclip" in sentence


async def test_too_long_and_no_program_is_a_failure_that_says_so(tmp_path: Path) -> None:
    routes = Routes(tmp_path)
    sentence = await clipboard(routes, tmp_path, DISPLAY=":0").copy("x" * (OSC52_MAX_BYTES + 1))
    assert sentence.startswith("Not copied: too long for the terminal")
    assert "xclip, xsel" in sentence


async def test_the_tmux_setting_is_named_once(tmp_path: Path) -> None:
    board = clipboard(Routes(tmp_path), tmp_path, TMUX="/tmp/tmux-0/default,1,0")
    assert "set -g set-clipboard on" in await board.copy("a")
    assert await board.copy("a") == "Copied 1 character (terminal, OSC 52)"


async def test_a_lone_surrogate_does_not_break_the_copy(tmp_path: Path) -> None:
    routes = Routes(tmp_path)
    await clipboard(routes, tmp_path).copy("a\ud800b")
    assert routes.osc52 == ["a?b"]


@pytest.mark.parametrize(
    ("platform", "environ", "names"),
    [
        ("darwin", {}, ["pbcopy"]),
        ("win32", {}, ["clip.exe"]),
        ("linux", {}, []),
        ("linux", {"DISPLAY": ":0"}, ["xclip", "xsel"]),
        ("linux", {"DISPLAY": ":0", "WAYLAND_DISPLAY": "w"}, ["wl-copy", "xclip", "xsel"]),
        ("linux", {"WSL_DISTRO_NAME": "Debian"}, ["clip.exe"]),
    ],
)
def test_programs_by_platform(platform: str, environ: dict[str, str], names: list[str]) -> None:
    assert [program.name for program in programs(environ, platform)] == names


def test_programs_are_never_found_where_we_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = tmp_path / "bin"
    planted.mkdir()
    make_program(planted / "xclip", "exit 0")
    make_program(tmp_path / "xclip", "exit 0")
    monkeypatch.chdir(tmp_path)
    for search_path in ("", ".", "bin", os.pathsep.join(["", ".", "bin"])):
        assert locate("xclip", search_path) is None
    assert locate("bin/xclip", str(tmp_path)) is None
    assert locate("xclip", os.pathsep.join([".", str(planted)])) == str(planted / "xclip")


async def test_a_program_gets_the_text_on_stdin_and_nothing_else(tmp_path: Path) -> None:
    path = make_program(tmp_path / "taker", f"cat > {tmp_path}/taken; echo noise; echo $# > {tmp_path}/count")
    assert await run_program(path, ClipboardProgram(("taker", "-x")), "$(id) `id`\n-n 日本") is True
    assert (tmp_path / "taken").read_text() == "$(id) `id`\n-n 日本"
    assert (tmp_path / "count").read_text() == "1\n"


async def test_a_program_that_fails_or_is_no_program(tmp_path: Path) -> None:
    failing = make_program(tmp_path / "failing", "exit 3")
    assert await run_program(failing, ClipboardProgram(("failing",)), "x" * 1_000_000) is False
    assert await run_program(str(tmp_path / "missing"), ClipboardProgram(("missing",)), "x") is False


async def test_a_program_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat_tui.ui.clipboard.PROGRAM_LIMIT_S", 0.05)
    hanging = make_program(tmp_path / "hanging", f"echo $$ > {tmp_path}/pid; exec sleep 600")
    assert await run_program(hanging, ClipboardProgram(("hanging",)), "x") is False
    pid_file = tmp_path / "pid"
    if pid_file.exists() and pid_file.read_text().strip():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid_file.read_text()), 0)
