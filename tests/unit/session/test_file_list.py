"""Files to choose among."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chat_tui.session import file_list
from chat_tui.session.file_list import FileFinder, FileList, directory_of, files_below, files_in, matching


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    here = tmp_path / "work"
    here.mkdir()
    monkeypatch.chdir(here)
    for path in (
        "readme.md", "src/app/main.py", "src/my notes.txt", ".env", ".git/config", "node_modules/x/a.js",
        ".venv/lib.py", "own/pyvenv.cfg", "own/lib.py", 'odd"name.txt',
    ):  # fmt: skip
        file = here / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (here / "loop").symlink_to(here, target_is_directory=True)
    return here


def test_hidden_and_ignored_directories_are_not_looked_into(here: Path) -> None:
    assert files_below(here).paths == ("readme.md", "src/my notes.txt", "src/app/main.py")


def test_looking_is_bounded(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert files_below(here, max_files=1).paths == ("readme.md",)
    assert files_below(here, limit_s=-1).paths == ()
    monkeypatch.setattr(file_list, "MAX_DEPTH", 1)
    assert files_below(here).paths == ("readme.md", "src/my notes.txt")
    assert files_below(here / "gone").paths == ()


def test_a_directory_that_is_named_is_looked_into(here: Path) -> None:
    assert files_in("./", with_hidden=False).paths[:3] == ("./loop/", "./node_modules/", "./own/")
    assert "./.env" in files_in("./", with_hidden=True).paths
    assert files_in(f"{here}/src/", with_hidden=False).paths == (f"{here}/src/app/", f"{here}/src/my notes.txt")
    assert files_in("gone/", with_hidden=False).paths == ()


@pytest.mark.parametrize(
    ("typed", "directory"),
    [("", None), ("src/a", None), ("/etc/ho", "/etc/"), ("~/x", "~/"), ("../", "../"), (".e", ""), ("a/.b", "a/")],
)
def test_which_directory_is_named(typed: str, directory: str | None) -> None:
    assert directory_of(typed) == directory


def test_the_likeliest_is_first() -> None:
    files = FileList.of(
        ("docs/main_page.md", "main.py", "src/domain.py", "src/main.py", "mx/a_in.txt", "other.txt")
    )
    assert matching(files, "main") == (
        "main.py",
        "src/main.py",
        "docs/main_page.md",
        "src/domain.py",
        "mx/a_in.txt",
    )
    assert matching(files, "MAIN", 1) == ("main.py",)
    assert matching(files, "src/m", 1) == ("src/main.py",)
    assert matching(files, "zzz") == ()
    assert matching(files, "", 2) == ("main.py", "other.txt")
    assert "src/domain.py" not in matching(files, "omn"), "letters alone must begin a word"


async def test_who_types_on_waits_for_the_same_look(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Path] = []

    def look(root: Path) -> FileList:
        looks.append(root)
        return FileList.of(("readme.md", "src/app/main.py"))

    monkeypatch.setattr(file_list, "files_below", look)
    now_s = 0.0
    finder = FileFinder(lambda: now_s)
    found = await asyncio.gather(finder.find(""), finder.find("read"), finder.find("main"))
    assert found == [("readme.md", "src/app/main.py"), ("readme.md",), ("src/app/main.py",)]
    assert len(looks) == 1
    await finder.find("r")
    assert len(looks) == 1
    now_s = file_list.KEPT_S
    await finder.find("r")
    assert len(looks) == 2


async def test_a_reader_who_goes_away_does_not_stop_the_look() -> None:
    finder = FileFinder()
    waiting = asyncio.create_task(finder.find("r"))
    await asyncio.sleep(0)
    waiting.cancel()
    assert await finder.find("readme") == ("readme.md",)


async def test_a_directory_elsewhere_is_looked_into_when_it_is_named(here: Path) -> None:
    finder = FileFinder()
    assert await finder.find(f"{here}/src/m") == (f"{here}/src/my notes.txt",)
    assert await finder.find(".e") == (".env",)
