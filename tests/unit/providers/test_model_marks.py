"""Favourites and the models used last: two windows never undo each other's."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from chat_tui.providers.model_marks import MAX_USED, MarkedModels, ModelMarks


def age_all(directory: Path) -> None:
    """What is there is older than what comes: file systems' clocks may stand still between two writes."""
    for path in directory.rglob("*"):
        if path.is_file():
            at_ns = path.stat().st_mtime_ns - 10**9
            os.utime(path, ns=(at_ns, at_ns))


def test_nothing_is_marked_and_nothing_is_made(tmp_path: Path) -> None:
    assert MarkedModels(tmp_path / "models").read() == ModelMarks()
    assert not (tmp_path / "models").exists()


def test_favourites_come_in_the_order_in_which_they_became_that(tmp_path: Path) -> None:
    marked = MarkedModels(tmp_path)
    for name in ("z/one", "a/two", "m/three/with/slashes"):
        marked.set_favourite(name, is_favourite=True)
        age_all(tmp_path)
    assert marked.read().favourites == ("z/one", "a/two", "m/three/with/slashes")
    marked.set_favourite("a/two", is_favourite=False)
    marked.set_favourite("never/marked", is_favourite=False)
    assert marked.read().favourites == ("z/one", "m/three/with/slashes")


def test_what_was_used_last_comes_first_and_only_some_are_remembered(tmp_path: Path) -> None:
    marked = MarkedModels(tmp_path)
    for number in (*range(MAX_USED + 4), 6):
        marked.use(f"a/{number}")
        age_all(tmp_path)
    used = marked.read().used
    assert used[:3] == ("a/6", f"a/{MAX_USED + 3}", f"a/{MAX_USED + 2}")
    assert len(used) == MAX_USED
    assert len(list((tmp_path / "used").iterdir())) == MAX_USED


def test_two_windows_keep_each_others(tmp_path: Path) -> None:
    windows = [MarkedModels(tmp_path) for _ in range(6)]

    def mark(number: int) -> None:
        for n in range(20):
            windows[number].set_favourite(f"w{number}/{n}", is_favourite=True)
            windows[number].use(f"w{number}/{n}")
        windows[number].set_favourite(f"w{number}/0", is_favourite=False)

    threads = [threading.Thread(target=mark, args=(number,)) for number in range(len(windows))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wanted = {f"w{number}/{n}" for number in range(len(windows)) for n in range(1, 20)}
    assert set(windows[0].read().favourites) == wanted


@pytest.mark.parametrize("model_id", ["a/\x1b[2J", "a/b\nc", "", "x" * 1000, "a/\udc80"])
def test_no_name_is_kept_that_could_do_harm(tmp_path: Path, model_id: str) -> None:
    marked = MarkedModels(tmp_path)
    marked.use(model_id)
    marked.set_favourite(model_id, is_favourite=True)
    marked.set_favourite(model_id, is_favourite=False)
    assert marked.read() == ModelMarks()


def test_other_files_are_passed_over(tmp_path: Path) -> None:
    marked = MarkedModels(tmp_path)
    marked.use("a/b")
    (name,) = (path.name for path in (tmp_path / "used").iterdir())
    (tmp_path / "used" / "notes.txt").write_text("a/c", encoding="utf-8")
    (tmp_path / "used" / "directory").mkdir()
    assert marked.read().used == ("a/b",)
    (tmp_path / "used" / name).write_bytes(b"\xff" * 10)
    assert marked.read().used == ()


def test_a_directory_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file", encoding="utf-8")
    marked = MarkedModels(tmp_path / "models")
    marked.use("a/b")
    marked.set_favourite("a/b", is_favourite=True)
    assert marked.read() == ModelMarks()
