"""Whoever writes to a terminal never waits for it; what it missed is drawn anew when it reads again."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chat_tui.ui.output import MAX_PENDING_CHARS, Output

if sys.platform == "win32":
    pytest.skip("pipes that can be full", allow_module_level=True)

PICTURE = "\x1b[1;1H" + "x" * 10_000


@pytest.fixture
def pipe() -> Iterator[tuple[int, io.TextIOWrapper]]:
    """The reading end, and a file on the writing end."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as file:
        yield reading, file
    os.close(reading)


def read_until(reading: int, end: str) -> str:
    """Everything up to `end`."""
    found = b""
    while not found.endswith(end.encode()):
        found += os.read(reading, 1 << 16)
    return found.decode()


def wait_for(condition: Callable[[], bool]) -> None:
    """Until it holds; the thread that makes it so is another one."""
    while not condition():
        threading.Event().wait(0.001)


def test_texts_come_out_in_order(pipe: tuple[int, io.TextIOWrapper]) -> None:
    reading, file = pipe
    output = Output(file, lambda: None)
    for number in range(100):
        output.write(f"{number} ")
    output.write("end")
    assert read_until(reading, "end") == "".join(f"{number} " for number in range(100)) + "end"
    output.close()


def test_what_piles_up_is_left_out_but_for_modes(pipe: tuple[int, io.TextIOWrapper]) -> None:
    reading, file = pipe
    has_caught_up = threading.Event()
    output = Output(file, has_caught_up.set)
    pictures = 3 * MAX_PENDING_CHARS // len(PICTURE)
    for _ in range(pictures):
        output.write(PICTURE)  # would block for ever if it waited
    assert output.pending_chars <= MAX_PENDING_CHARS + len(PICTURE)
    assert not has_caught_up.is_set()
    wait_for(lambda: output.is_behind)
    output.write("\x1b[?25h")
    seen = read_until(reading, "\x1b[?25h")
    assert seen.count("\x1b[1;1H") < pictures
    assert set(seen.split("\x1b[1;1H")) == {"", "x" * 10_000, "x" * 10_000 + "\x1b[?25h"}  # none is cut
    assert has_caught_up.wait(5)
    assert output.pending_chars == 0
    assert not output.is_behind
    output.write(PICTURE)  # drawn over what was left out: not before everything is drawn anew
    output.start_over()
    output.write(f"{PICTURE}end")
    assert read_until(reading, "end") == f"{PICTURE}end"
    output.close()


def test_nothing_was_left_out_nobody_is_told(pipe: tuple[int, io.TextIOWrapper]) -> None:
    reading, file = pipe
    told: list[bool] = []
    output = Output(file, lambda: told.append(True))
    output.write(f"{PICTURE}end")
    read_until(reading, "end")
    output.close()
    assert told == []


def test_leaving_does_not_wait_for_ever(
    pipe: tuple[int, io.TextIOWrapper], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat_tui.ui.output.LEAVING_S", 0.05)
    reading, file = pipe
    output = Output(file, lambda: None)
    for _ in range(20):
        output.write(PICTURE)
    output.close()
    os.set_blocking(reading, False)
    while output.pending_chars:  # let the thread end: read what it still has
        try:
            os.read(reading, 1 << 16)
        except BlockingIOError:
            continue


def test_a_terminal_that_has_gone_breaks_nothing(tmp_path: Path) -> None:
    with (tmp_path / "gone").open("w", encoding="utf-8") as file:
        pass
    output = Output(file, lambda: None)
    output.write(PICTURE)
    output.close()
    assert output.pending_chars == 0
