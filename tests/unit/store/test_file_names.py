"""Sixty evil titles stay in their directory; files appear whole, private, beside what is there."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_tui.store import file_names
from chat_tui.store.file_names import FALLBACK_NAME, MAX_NAME_BYTES, overwrite, safe_name, write_new

EVIL_TITLES = [
    "../../etc/passwd", "/etc/passwd", "..", ".", "...", "", " ", "\t\n", "-rf", "--help", "-", "---", ".bashrc",
    ".ssh/authorized_keys", "~/.profile", "~root", "a/../../b", "a\\..\\..\\b", "C:\\Windows\\win.ini", "C:evil",
    "\\\\server\\share", "//server/share", "CON", "con.txt", "NUL", "nul.tar.gz", "AUX", "PRN ", "COM1", "com¹.x",
    "LPT9", "CLOCK$", "CONIN$", "file\0.md", "\0", "\x1b[2J\x1b]0;owned\x07", "a\r\nb", "a\u2028b", "\u202etxt.exe",
    "\u200b\u200b", "\ufeff", "\ud83d", "\ud83d\ude00", "😀😀😀", "x" * 5_000, "é" * 5_000, "漢" * 300,
    "e\u0301" * 400, "a" * 119 + "😀", "$(reboot)", "`reboot`", "a;b|c&d>e<f", "*?[x]", "'\"'", "name.", "name ",
    "name. . .", ".-_ .x", "%2e%2e%2f", "file:///etc/passwd", "a:b:c", "|pipe", "con .txt", "\x7f\x80\x9f",
]  # fmt: skip
RESERVED = {"con", "prn", "aux", "nul", "clock$", "conin$", "conout$"} | {
    f"{device}{digit}" for device in ("com", "lpt") for digit in "0123456789¹²³"
}


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A directory with nothing in it."""
    made = tmp_path / "empty"
    made.mkdir()
    return made


def assert_harmless(name: str) -> None:
    assert name
    assert len(name.encode()) <= MAX_NAME_BYTES + len(FALLBACK_NAME) + 1
    assert name[0] not in "-.~ "
    assert name[-1] not in " ."
    assert not set(name) & set("/\\:*?\"<>|`$;\0\n\r'")
    assert name.isprintable()
    assert name.split(".")[0].strip().lower() not in RESERVED
    assert Path(name).name == name


def test_there_are_sixty() -> None:
    assert len(set(EVIL_TITLES)) >= 60


@pytest.mark.parametrize("title", EVIL_TITLES, ids=range(len(EVIL_TITLES)))
def test_an_evil_title_makes_a_harmless_name(title: str, empty: Path) -> None:
    name = safe_name(title)
    assert_harmless(name)
    made = write_new(empty / f"{name}.md", ["x"])
    assert made.resolve().parent == empty.resolve()
    assert list(empty.iterdir()) == [made]


@given(st.text(st.characters() | st.sampled_from("./\\-~:\0 $'con\ud800"), max_size=300))
def test_any_title_makes_a_harmless_name(title: str) -> None:
    assert_harmless(safe_name(title))


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("What is a token?", "What is a token"),
        ("Übersetze: „Straße“ → English", "Übersetze- Straße - English"),
        ("日本語のタイトル", "日本語のタイトル"),
        ("Don't panic", "Dont panic"),
        ("v1.2.3 (draft)", "v1.2.3 (draft)"),
        ("CON", "conversation CON"),
        ("😀", "conversation"),
    ],
)
def test_an_honest_title_stays_readable(title: str, name: str) -> None:
    assert safe_name(title) == name


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.b.md"
    made = [write_new(path, [text]).name for text in ("1", "2", "3")]
    assert made == ["a.b.md", "a.b-2.md", "a.b-3.md"]
    assert [(tmp_path / name).read_text() for name in made] == ["1", "2", "3"]


@pytest.mark.parametrize("has_links", [True, False])
def test_a_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool) -> None:
    if not has_links:

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError

        monkeypatch.setattr(file_names.os, "link", refuse)
    inside, outside = tmp_path / "inside", tmp_path / "outside.txt"
    inside.mkdir()
    outside.write_text("precious")
    (inside / "x.md").symlink_to(outside)
    (inside / "x-2.md").symlink_to(tmp_path / "not there")
    assert write_new(inside / "x.md", ["new"]) == inside / "x-3.md"
    assert (inside / "x-3.md").read_text() == "new"
    overwrite(inside / "x.md", ["new"])
    assert outside.read_text() == "precious"
    assert not (inside / "x.md").is_symlink()
    assert not (tmp_path / "not there").exists()


def test_only_the_owner_may_read(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        for made in (write_new(tmp_path / "a.md", ["x"]), overwrite(tmp_path / "b.md", ["x"])):
            assert stat.S_IMODE(made.stat().st_mode) == 0o600
    finally:
        os.umask(before)


@pytest.mark.parametrize("write", [write_new, overwrite])
def test_a_write_that_fails_leaves_nothing(empty: Path, write: object) -> None:
    def broken() -> Iterator[str]:
        yield "half"
        raise OSError("disk full")

    assert callable(write)
    with pytest.raises(OSError, match="disk full"):
        write(empty / "a.md", broken())
    assert not list(empty.iterdir())
