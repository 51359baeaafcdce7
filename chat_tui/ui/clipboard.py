"""Copying: to the terminal (OSC 52) and to the system's clipboard, and a sentence that says which of them it was.

Both are tried, because neither tells whether anybody listens: OSC 52 also works through ssh, the program also
where the terminal refuses.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE, create_subprocess_exec
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

OSC52_MAX_BYTES = 56_244
"""Bytes of text that become the 74,994 bytes of base64 which common terminals accept at most."""

PROGRAM_LIMIT_S = 2.0
TMUX_ADVICE = "in tmux this needs: set -g set-clipboard on"


@dataclass(frozen=True, slots=True)
class ClipboardProgram:
    """A program that reads what is to be copied from its standard input; `argv[0]` is a name to be looked up."""

    argv: tuple[str, ...]
    encoding: str = "utf-8"

    @property
    def name(self) -> str:
        """As people call it."""
        return self.argv[0]


_WL_COPY = ClipboardProgram(("wl-copy",))
_XCLIP = ClipboardProgram(("xclip", "-selection", "clipboard"))
_XSEL = ClipboardProgram(("xsel", "--clipboard", "--input"))
_PBCOPY = ClipboardProgram(("pbcopy",))
_CLIP = ClipboardProgram(
    ("clip.exe",), "utf-16"
)  # with its byte order mark: it reads any other bytes as a code page

Run = Callable[[str, ClipboardProgram, str], Awaitable[bool]]
"""(path of the program, the program, text) → whether it took the text."""


def programs(environ: Mapping[str, str], platform: str) -> tuple[ClipboardProgram, ...]:
    """What could reach a clipboard in this session, the likeliest first. `platform` as in `sys.platform`."""
    if platform == "darwin":
        return (_PBCOPY,)
    if platform == "win32":
        return (_CLIP,)
    found: list[ClipboardProgram] = []
    if environ.get("WAYLAND_DISPLAY"):
        found.append(_WL_COPY)
    if environ.get("DISPLAY"):
        found += [_XCLIP, _XSEL]
    if environ.get("WSL_DISTRO_NAME"):
        found.append(_CLIP)
    return tuple(found)


def locate(name: str, search_path: str) -> str | None:
    """The absolute path of a program. Folders of the search path that depend on where we stand are not searched."""
    folders = [folder for folder in search_path.split(os.pathsep) if Path(folder).is_absolute()]
    found = shutil.which(name, path=os.pathsep.join(folders)) if folders else None
    if found is None or not any(Path(found).parent == Path(folder) for folder in folders):
        return None
    return found


async def run_program(path: str, program: ClipboardProgram, text: str) -> bool:
    """Feed the text to it and wait for its end, at most `PROGRAM_LIMIT_S`; no shell, no output read."""
    try:
        process = await create_subprocess_exec(path, *program.argv[1:], stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL)
    except OSError:
        return False
    try:
        async with asyncio.timeout(PROGRAM_LIMIT_S):
            await process.communicate(text.encode(program.encoding, "replace"))
    except TimeoutError:
        return False
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode == 0


class Clipboard:
    """The ways out. `write_osc52` is `App.copy_to_clipboard`."""

    def __init__(
        self,
        write_osc52: Callable[[str], None],
        environ: Mapping[str, str],
        *,
        platform: str = sys.platform,
        run: Run = run_program,
    ) -> None:
        self._write_osc52 = write_osc52
        self._programs = programs(environ, platform)
        self._search_path = environ.get("PATH", "")
        self._is_tmux = bool(environ.get("TMUX"))
        self._run = run

    async def copy(self, text: str) -> str:
        """Copy it and say in one sentence which way it went."""
        if not text:
            return "Nothing to copy"
        text = text.encode("utf-8", "replace").decode()  # a lone surrogate can be in an answer, but in no clipboard
        routes: list[str] = []
        is_too_long = len(text.encode()) > OSC52_MAX_BYTES
        if not is_too_long:
            self._write_osc52(text)
            routes.append("terminal, OSC 52")
        if (name := await self._copy_by_program(text)) is not None:
            routes.append(name)
        return self._sentence(len(text), routes, is_too_long=is_too_long)

    async def _copy_by_program(self, text: str) -> str | None:
        for program in self._programs:
            path = locate(program.name, self._search_path)
            if path is not None and await self._run(path, program, text):
                return program.name
        return None

    def _sentence(self, chars: int, routes: list[str], *, is_too_long: bool) -> str:
        limit = f"too long for the terminal, OSC 52 takes {OSC52_MAX_BYTES:,} bytes"
        if not routes:
            wanted = ", ".join(program.name for program in self._programs) or "there is no display"
            return f"Not copied: {limit}, and no clipboard program did it ({wanted})"
        if is_too_long:
            routes = [*routes, limit]
        elif self._is_tmux:
            self._is_tmux = False
            routes = [*routes, TMUX_ADVICE]
        return f"Copied {chars:,} {'character' if chars == 1 else 'characters'} ({'; '.join(routes)})"
