"""Who is alive, and who has which conversation."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chat_tui.store.windows import FileLock, Windows

LIVES = """
import sys
from pathlib import Path
from chat_tui.store.windows import Windows
windows = Windows(Path(sys.argv[1]))
windows.start()
windows.hold("a" * 32)
print(windows.name, flush=True)
sys.stdin.read()
"""


def test_a_window_is_alive_until_its_process_ends_however(tmp_path: Path) -> None:
    directory = tmp_path / "windows"
    own = Windows(directory)
    own.start()
    command = [sys.executable, "-c", LIVES, str(directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        name = other.stdout.readline().decode().strip()
        assert own.is_alive(name)
        assert own.are_others()
        assert own.held_elsewhere() == {"a" * 32}
        assert not own.hold("a" * 32)
        other.kill()
        other.wait(20)
    assert not own.is_alive(name)
    assert not own.are_others()
    assert own.held_elsewhere() == frozenset()
    assert own.hold("a" * 32)
    own.close()
    assert list(directory.iterdir()) == []


def test_one_conversation_at_a_time(tmp_path: Path) -> None:
    one, other = Windows(tmp_path), Windows(tmp_path)
    assert one.hold("a")
    assert not other.hold("a")
    assert one.hold("b")
    assert other.hold("a")
    one.close()
    other.close()


@pytest.mark.parametrize("conversation_id", ["../../etc", "", "a/b", "\x00"])
def test_an_id_that_is_no_name_makes_no_file(tmp_path: Path, conversation_id: str) -> None:
    windows = Windows(tmp_path / "locks")
    assert windows.hold(conversation_id)
    assert not list(tmp_path.rglob("*.lock"))


def test_where_nothing_can_be_locked_everybody_has_everything(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    windows = Windows(tmp_path / "file")
    windows.start()
    assert windows.hold("a")
    assert not windows.is_alive("b")
    assert windows.held_elsewhere() == frozenset()
    windows.close()


def test_a_lock_whose_file_was_replaced_is_taken_anew(tmp_path: Path) -> None:
    one, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert one.acquire()
    assert not other.acquire()
    one.release()
    assert other.acquire()
    assert other.is_held
    other.release()
