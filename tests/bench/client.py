"""A program in a pseudo-terminal, watched from outside: what it writes is stamped when it is read and drawn later.

Times are seconds on the monotonic clock. CPU time is the kernel's own count for the whole process with all its
threads, ended ones too, in nanoseconds and not in clock ticks. For Linux.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.bench.grid import Grid
from tests.bench.server import Event, PacedServer

COLUMNS, ROWS = 120, 40
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_READ_BYTES = 1 << 16
_MODE_QUESTION = re.compile(rb"\x1b\[\?(\d+)\$p")
_SYNCHRONIZED = b"2026"
_END_OF_FRAME = re.compile(rb"(?<=\x1b\[\?2026l)")
_TURN_S = 0.02
_QUIET_S, _QUIET_SHARE = 0.3, 0.04
_READY_TIMEOUT_S = 20.0


class Client:
    """Runs `argv` in a terminal of 120 by 40 cells. Use as a context manager; nothing is left behind."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], folder: Path) -> None:
        self.argv, self.env, self._folder = list(argv), dict(env), folder
        self._undrawn: list[tuple[float, bytes]] = []
        self.grid = Grid(COLUMNS, ROWS)
        self.byte_count = 0
        self.started_s = 0.0
        self.peak_bytes = 0

    def __enter__(self) -> Self:
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        attributes = termios.tcgetattr(slave)
        attributes[3] &= ~termios.ECHO  # what the kernel echoes is not the program's doing
        termios.tcsetattr(slave, termios.TCSANOW, attributes)

        def take_terminal() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.started_s = time.monotonic()
        self._process = subprocess.Popen(
            self.argv,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=self.env,
            cwd=self._folder,
            preexec_fn=take_terminal,
        )
        os.close(slave)
        self._cpu_clock = (~self._process.pid << 3) | 2  # the kernel's name for a process's own clock
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._master)

    # -- from outside ----------------------------------------------------------------------------

    @property
    def cpu_s(self) -> float:
        """CPU time used so far, user and system."""
        return time.clock_gettime(self._cpu_clock)

    @property
    def waited_s(self) -> float:
        """How long its threads could have run while every core was taken: what others on the machine cost it."""
        waited_ns = 0
        for task in Path(f"/proc/{self._process.pid}/task").iterdir():
            with contextlib.suppress(OSError):  # a thread that has ended since
                waited_ns += int((task / "schedstat").read_text("ascii").split()[1])
        return waited_ns / 1e9

    @property
    def memory_bytes(self) -> int:
        """What is resident now."""
        pages = Path(f"/proc/{self._process.pid}/statm").read_text("ascii").split()[1]
        return int(pages) * _PAGE_BYTES

    @property
    def takes_keys_raw(self) -> bool:
        """Whether the program has taken the line discipline over."""
        return not termios.tcgetattr(self._master)[3] & termios.ICANON

    def send(self, keys: str | bytes) -> float:
        """Type; when."""
        now_s = time.monotonic()
        os.write(self._master, keys.encode() if isinstance(keys, str) else keys)
        return now_s

    # -- reading ---------------------------------------------------------------------------------

    def read_for(
        self,
        seconds: float,
        until: Callable[[], object] = lambda: False,
        server: PacedServer | None = None,
        on_event: Callable[[Event], None] = lambda _: None,
    ) -> bool:
        """Keep what comes for so long or until `until`; whether it was that. The server's events are passed on.

        Raises ConnectionError when the program ends.
        """
        deadline_s = time.monotonic() + seconds
        sources = [self._master] if server is None else [self._master, server.fileno()]
        while not until():
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return False
            ready, _, _ = select.select(sources, [], [], min(left_s, _TURN_S))
            if self._master in ready:
                self._read()
            if server is not None and server.fileno() in ready:
                for event in server.take_events():
                    on_event(event)
        return True

    def _read(self) -> None:
        try:
            data = os.read(self._master, _READ_BYTES)
        except OSError:
            data = b""
        now_s = time.monotonic()
        if not data:
            raise ConnectionError(f"{self.argv[0]} has ended:\n{self.picture}")
        self.byte_count += len(data)
        self._undrawn.append((now_s, data))
        for mode in _MODE_QUESTION.findall(data):
            self.send(b"\x1b[?%b;%d$y" % (mode, 2 if mode == _SYNCHRONIZED else 0))

    def pictures(self) -> Iterator[float]:
        """Draw what was kept; after each visible change, when it was: then `grid` is what stood there."""
        undrawn, self._undrawn = self._undrawn, []
        for at_s, data in undrawn:
            for part in _END_OF_FRAME.split(data):
                self.grid.feed(part)
                if part and not self.grid.is_synchronizing:
                    yield at_s

    def draw(self) -> str:
        """Draw what was kept; the text of the screen."""
        for _ in self.pictures():
            pass
        return self.grid.text

    @property
    def picture(self) -> str:
        """The screen as it is now, row by row, for messages."""
        self.draw()
        return "\n".join(self.grid.lines)

    # -- waiting ---------------------------------------------------------------------------------

    def wait_for(self, text: str, timeout_s: float = _READY_TIMEOUT_S) -> None:
        """Until it is on the screen. Raises TimeoutError."""
        if not self.read_for(timeout_s, lambda: text in self.draw()):
            raise TimeoutError(f"{text!r} did not come:\n{self.picture}")

    def time_first_echo(self, key: str = "`") -> float:
        """Type a key again and again until it is echoed; when that was."""
        self.read_for(_READY_TIMEOUT_S, lambda: self.takes_keys_raw)
        typed_s, count = 0.0, 0
        wanted = key.encode()
        deadline_s = time.monotonic() + _READY_TIMEOUT_S
        while time.monotonic() < deadline_s:
            if time.monotonic() - typed_s > _TURN_S and count < 100:
                typed_s = self.send(key)
                count += 1
            place = len(self._undrawn)
            self.read_for(0.005, lambda: len(self._undrawn) > place)  # noqa: B023 - called at once
            for at_s, data in self._undrawn[place:]:
                if wanted in data:
                    return at_s
        raise TimeoutError(f"{key!r} was never echoed:\n{self.picture}")

    def settle(self, timeout_s: float = 60.0) -> None:
        """Until it does nothing any more."""
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            before_s = self.cpu_s
            self.read_for(_QUIET_S)
            if self.cpu_s - before_s < _QUIET_SHARE * _QUIET_S:
                return
