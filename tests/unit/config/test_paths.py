"""Places and modes: what we create is ours alone, whatever the umask."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat_tui.config.paths import (
    config_file,
    is_readable_by_others,
    log_file,
    make_private_dir,
    open_private,
    state_dir,
)

posix_only = pytest.mark.skipif(os.name != "posix", reason="file modes")


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_configuration_is_where_the_platform_has_it(clean_environment: Path) -> None:
    assert config_file() == clean_environment / ".config" / "chat-tui" / "config.toml"
    assert not config_file().parent.exists()


@posix_only
@pytest.mark.usefixtures("umask")
def test_directories_are_0700_and_files_0600(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "not" / "there"))
    log = log_file("llama.log")
    assert mode(log) == 0o600
    for directory in (log.parent, state_dir(), tmp_path / "not" / "there", tmp_path / "not"):
        assert mode(directory) == 0o700


@posix_only
def test_wider_modes_are_narrowed() -> None:
    log = log_file("llama.log")
    log.write_text("kept")
    log.chmod(0o644)
    state_dir().chmod(0o755)
    assert mode(log_file("llama.log")) == 0o600
    assert mode(state_dir()) == 0o700
    assert log.read_text() == "kept"


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="link"):
        open_private(tmp_path / "link")
    assert not (tmp_path / "target").exists()


@posix_only
def test_a_home_that_cannot_be_written_gives_a_private_temporary_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))  # a directory below a file: never possible
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert state_dir() == tmp_path / f"chat-tui-{os.getuid()}"
    assert mode(state_dir()) == 0o700


@posix_only
def test_the_temporary_place_of_somebody_else_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"chat-tui-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(PermissionError):
        state_dir()


def test_make_private_dir_keeps_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x").write_text("kept")
    assert (make_private_dir(tmp_path / "d") / "x").read_text() == "kept"


@posix_only
@pytest.mark.parametrize(("bits", "expected"), [(0o600, False), (0o640, True), (0o604, True), (0o622, False)])
def test_readable_by_others(bits: int, *, expected: bool) -> None:
    assert is_readable_by_others(bits) is expected
