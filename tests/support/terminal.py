"""A pseudo-terminal with a program in it: real keys in, real bytes out, and a picture of the screen.

Everything the program writes is kept in `output`; `leaks` names what of it is no sequence that Textual 8.2 or our
own painting emits. For Unix only.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import fcntl
import os
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Self

import pyte
from rich.cells import cell_len

from tests.support.waiting import wait_until

ALLOWED = re.compile(
    rb"\x1b\[[\d;:]*m"  # colours and attributes
    rb"|\x1b\[\d*(?:;\d*)?H"  # cursor position
    rb"|\x1b\[(?:\d+;\d+)?r|\x1b\[\d+M"  # our own: scroll the rows of the messages
    rb"|\x1b\[\?(?:1049|1000|1002|1003|1015|1006|1016|25|1004|2004|7|2026|2048)(?:;\d+)*[hl]"
    rb"|\x1b\[\?\d+\$p"  # is a mode supported?
    rb"|\x1b\[>\d+u|\x1b\[<\d*u"  # kitty keyboard protocol, push and pop
    rb"|\x1b\]22;[a-z]*(?:\x1b\\|\x07)"  # shape of the mouse pointer
)
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]")
_UNDRAWN = re.compile(
    r"\x1b\[[<>=][\d;]*[a-zA-Z]|\x1b\[\?\d+\$p|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
    "|[\u061c\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\U000e0000-\U000e0fff]"
)
"""What pyte 0.8 cannot take: private sequences, and characters without width, behind which it drops the rest."""
_WHOLE_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*\x07|[^\[\]])")
_SYNC_QUERY, _SYNC_ANSWER = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
_FRAME_START, _FRAME_END = "\x1b[?2026h", "\x1b[?2026l"
MODES = (1000, 1002, 1003, 1004, 1006, 1015, 1016, 1049, 2004, 2026, 2048)


def leaks(output: bytes) -> list[bytes]:
    """Every control sequence that is not allowed, with a little of what follows it."""
    rest = ALLOWED.sub(b"", output)
    return [rest[found.start() : found.start() + 24] for found in _CONTROL.finditer(rest)]


class Screen(pyte.Screen):
    """As terminals have it: what overwrites one half of a wide character blanks the other.

    pyte 0.8 leaves the other half, and cannot show a line with a second half alone.
    """

    def draw(self, data: str) -> None:
        """Text at the cursor."""
        x, y = self.cursor.x, self.cursor.y
        super().draw(data)
        if 0 < x < self.columns and self.buffer[y][x].data:
            left = self.buffer[y][x - 1]
            if cell_len(left.data) == 2:
                self.buffer[y][x - 1] = left._replace(data=" ")
        x, y = self.cursor.x, self.cursor.y
        if 0 < x < self.columns and not self.buffer[y][x].data and cell_len(self.buffer[y][x - 1].data) < 2:
            self.buffer[y][x] = self.buffer[y][x]._replace(data=" ")


class Terminal:
    """Runs `argv` in a pty of `columns` by `rows`. Use as an async context manager; nothing is left behind.

    `is_controlling` False: the program gets the terminal but no signals from it. `ignored` are signals that the
    parent has set to be ignored, as `nohup` does. `stdin` replaces the terminal as standard input.
    `is_synchronized`: it can show frames as a whole (mode 2026) and says so; the screen is never half a frame then.
    """

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        *,
        columns: int = 100,
        rows: int = 30,
        cwd: Path | None = None,
        is_controlling: bool = True,
        ignored: Iterable[signal.Signals] = (),
        stdin: int | None = None,
        is_synchronized: bool = False,
    ) -> None:
        self.argv, self.env, self.cwd = list(argv), dict(env), cwd
        self.columns, self.rows = columns, rows
        self.output = bytearray()
        self._is_controlling, self._ignored, self._stdin = is_controlling, tuple(ignored), stdin
        self.is_synchronized, self._is_asked = is_synchronized, False
        self._screen = Screen(columns, rows)
        self._stream = pyte.Stream(self._screen)
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._drawn, self._undrawn = 0, ""
        self._lines: list[str] = [""] * rows
        self._master = self._slave = -1
        self.process: subprocess.Popen[bytes]

    async def __aenter__(self) -> Self:
        self._master, self._slave = os.openpty()
        self.resize(self.columns, self.rows)
        self.attributes = termios.tcgetattr(self._slave)

        def own_session() -> None:
            os.setsid()
            if self._is_controlling:
                fcntl.ioctl(1, termios.TIOCSCTTY, 0)
            for number in self._ignored:
                signal.signal(number, signal.SIG_IGN)

        self.process = subprocess.Popen(
            self.argv,
            stdin=self._slave if self._stdin is None else self._stdin,
            stdout=self._slave,
            stderr=self._slave,
            env=self.env,
            cwd=self.cwd,
            preexec_fn=own_session,
        )
        os.set_blocking(self._master, False)
        asyncio.get_running_loop().add_reader(self._master, self._read)
        return self

    async def __aexit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await asyncio.to_thread(self.process.wait)
        self.close()

    def close(self) -> None:
        """Close the terminal, as a window that is closed; the program gets SIGHUP if it is its controlling one."""
        for descriptor in (self._master, self._slave):
            if descriptor >= 0:
                asyncio.get_running_loop().remove_reader(descriptor)
                os.close(descriptor)
        self._master = self._slave = -1

    @property
    def has_processes(self) -> bool:
        """Whether anything of the program's process group is left, children too."""
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def stop_reading(self) -> None:
        """From now on what the program writes is not taken, as after Ctrl+S."""
        asyncio.get_running_loop().remove_reader(self._master)

    def read_again(self) -> None:
        """As after Ctrl+Q."""
        asyncio.get_running_loop().add_reader(self._master, self._read)

    def _read(self) -> bool:
        """Take what is there; whether there was anything."""
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:
            return False
        self.output += data
        if self.is_synchronized and not self._is_asked and _SYNC_QUERY in self.output:
            self._is_asked = True
            self.send(_SYNC_ANSWER)
        return bool(data)

    def send(self, keys: str | bytes) -> None:
        """Type; at most what a terminal holds (4 kB) at a time, `type_in` takes any amount."""
        os.write(self._master, keys.encode() if isinstance(keys, str) else keys)

    async def type_in(self, keys: str | bytes) -> None:
        """Type any amount, as fast as the program reads it."""
        rest = keys.encode() if isinstance(keys, str) else keys
        while rest:
            try:
                rest = rest[os.write(self._master, rest[:1024]) :]
            except BlockingIOError:
                await asyncio.sleep(0)

    async def paste(self, text: str | bytes) -> None:
        """A bracketed paste."""
        data = text.encode() if isinstance(text, str) else text
        await self.type_in(b"\x1b[200~" + data + b"\x1b[201~")

    def resize(self, columns: int, rows: int) -> None:
        """Change the size; the program gets SIGWINCH."""
        self.columns, self.rows = columns, rows
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._screen.resize(rows, columns)

    @property
    def lines(self) -> list[str]:
        """The screen as text."""
        if len(self.output) == self._drawn:
            return self._lines
        fresh = self._undrawn + self._decode(bytes(self.output[self._drawn :]))
        self._drawn, self._undrawn = len(self.output), ""
        last = fresh.rfind("\x1b")
        if last >= 0 and not _WHOLE_SEQUENCE.match(fresh, last):  # cut in the middle by how it was read
            fresh, self._undrawn = fresh[:last], fresh[last:]
        start = fresh.rfind(_FRAME_START)
        if self.is_synchronized and start > fresh.rfind(_FRAME_END):
            fresh, self._undrawn = fresh[:start], fresh[start:] + self._undrawn
        self._stream.feed(_UNDRAWN.sub("", fresh))
        self._lines = [line.rstrip() for line in self._screen.display]
        return self._lines

    @property
    def cells(self) -> list[list[pyte.screens.Char]]:
        """The screen as characters with their colours and attributes."""
        assert self.lines
        buffer = self._screen.buffer
        return [[buffer[y][x] for x in range(self.columns)] for y in range(self.rows)]

    @property
    def text(self) -> str:
        """The screen as one string."""
        return "\n".join(self.lines)

    async def wait_for(self, text: str, timeout_s: float = 15) -> None:
        """Until it is on the screen."""
        try:
            await wait_until(lambda: text in self.text, timeout_s, text)
        except AssertionError as error:
            raise AssertionError(f"{text!r} is not on the screen:\n{self.text}") from error

    async def wait_for_output(self, text: str, start: int = 0, timeout_s: float = 15) -> int:
        """Until it was written, in one run, at or after byte `start`; the place behind it. Nothing is drawn."""
        wanted = text.encode()
        await wait_until(lambda: self.output.find(wanted, start) >= 0, timeout_s, text)
        return self.output.find(wanted, start) + len(wanted)

    async def wait_for_exit(self, timeout_s: float = 10) -> int:
        """The exit code, once everything that was written has been read."""
        await wait_until(lambda: self.process.poll() is not None, timeout_s, "exit")
        while self._master >= 0 and self._read():
            pass
        return self.process.returncode

    def written_since(self, start: int) -> str:
        """What was written from byte `start` on, without Textual's own sequences and as it came: no screen."""
        return ALLOWED.sub(b"", bytes(self.output[start:])).decode("utf-8", "replace")

    @property
    def farewell(self) -> str:
        """What was printed after the alternate screen was left; everything when it never was entered."""
        rest = bytes(self.output).rpartition(b"\x1b[?1049l")[2]
        return ALLOWED.sub(b"", rest).decode("utf-8", "replace").replace("\r\n", "\n")

    def find(self, text: str) -> tuple[int, int]:
        """Column and row of the text on the screen, from 1 as the mouse reports them. Raises AssertionError."""
        for row, line in enumerate(self.lines):
            if text in line:
                return cell_len(line[: line.index(text)]) + 1, row + 1
        raise AssertionError(f"{text!r} is not on the screen:\n{self.text}")

    def background(self, column: int, row: int) -> str:
        """The colour behind a cell, both from 1."""
        _ = self.lines
        return self._screen.buffer[row - 1][column - 1].bg

    def click(self, column: int, row: int) -> None:
        """Press and release the left button there (SGR mouse report)."""
        self.mouse(0, column, row)
        self.mouse(0, column, row, is_release=True)

    def mouse(self, button: int, column: int, row: int, *, is_release: bool = False) -> None:
        """One SGR mouse report: button 0 left, 32 drag with it, 64 wheel up, 65 wheel down."""
        self.send(f"\x1b[<{button};{column};{row}{'m' if is_release else 'M'}")

    @property
    def open_modes(self) -> set[int]:
        """Terminal modes that were switched on and not off again; 25 when the cursor is left hidden."""
        state: dict[int, bool] = {}
        for found in re.finditer(rb"\x1b\[\?([\d;]+)([hl])", bytes(self.output)):
            for mode in found.group(1).split(b";"):
                state[int(mode)] = found.group(2) == b"h"
        left = {mode for mode in MODES if state.get(mode)}
        return left | ({25} if state.get(25) is False else set())

    @property
    def is_cooked(self) -> bool:
        """Whether the line discipline is what it was before."""
        now = termios.tcgetattr(self._slave)
        return now[:4] == self.attributes[:4]


def chat_tui_argv(*arguments: str) -> list[str]:
    """The installed program, by the interpreter that runs the tests."""
    return [sys.executable, "-m", "chat_tui", *arguments]


def chat_tui_env(home: Path, **extra: str) -> dict[str, str]:
    """A clean environment with a home of its own."""
    return {
        "HOME": str(home),
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONDONTWRITEBYTECODE": "1",
        **extra,
    }
