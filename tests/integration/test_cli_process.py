"""The command line as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest


class TestProcess:
    """The real program, for what only a process shows."""

    def start(self, *argv: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "chat_tui", *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    @pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    def test_a_signal_leaves_the_text_that_came(self, number: signal.Signals, code: int) -> None:
        with self.start("-m", "demo/stall", "-p", "x") as process:
            assert process.stdout is not None
            first = os.read(process.stdout.fileno(), 1)
            process.send_signal(number)
            rest, err = process.communicate(timeout=20)
        assert process.returncode == code
        assert (first + rest).decode().startswith("This")
        assert rest.endswith(b"\n")
        assert err.decode().startswith("chat-tui: Stopped.\n")

    def test_a_reader_that_leaves_ends_it_quietly(self) -> None:
        with self.start("-m", "demo/burst", "-p", "x") as process:
            assert process.stdout is not None
            os.read(process.stdout.fileno(), 1)
            process.stdout.close()
            assert process.stderr is not None
            err = process.stderr.read()
            code = process.wait(timeout=20)
        assert (code, err) == (141, b"")

    def test_stdin_at_its_end_does_not_hang(self) -> None:
        with self.start() as process:
            out, err = process.communicate(timeout=20)
        assert (process.returncode, out) == (2, b"")
        assert b"There is no question" in err
