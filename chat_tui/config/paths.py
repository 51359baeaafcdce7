"""Where configuration, state and logs live on this system. The only user of platformdirs."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

APP_NAME = "chat-tui"
PRIVATE_DIR_MODE = 0o700
PRIVATE_FILE_MODE = 0o600


def config_file() -> Path:
    """The platform's place for config.toml (XDG_CONFIG_HOME on Linux); nothing is created."""
    from platformdirs import user_config_path

    return user_config_path(APP_NAME, appauthor=False) / "config.toml"


def state_dir() -> Path:
    """The directory of what we write ourselves, 0700; a private temporary one where home cannot be written.

    Raises OSError when neither can be had.
    """
    from platformdirs import user_state_path

    try:
        return make_private_dir(user_state_path(APP_NAME, appauthor=False))
    except OSError:
        return _temporary_state_dir()


def log_dir() -> Path:
    """The directory of log files, 0700."""
    return make_private_dir(state_dir() / "log")


def log_file(name: str) -> Path:
    """A log file that exists and that nobody else may read (0600)."""
    path = log_dir() / name
    os.close(open_private(path))
    return path


def make_private_dir(path: Path) -> Path:
    """Create `path` and what is missing above it with mode 0700, whatever the umask; narrow it when it is wider."""
    if not path.is_dir():
        if not path.parent.is_dir():
            make_private_dir(path.parent)
        path.mkdir(mode=PRIVATE_DIR_MODE, exist_ok=True)
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) != PRIVATE_DIR_MODE:
        path.chmod(PRIVATE_DIR_MODE)
    return path


def open_private(path: Path, flags: int = os.O_WRONLY | os.O_APPEND) -> int:
    """A file descriptor of `path`, created 0600 whatever the umask and narrowed when it is wider.

    A symbolic link is refused: OSError.
    """
    flags |= os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(path, flags, PRIVATE_FILE_MODE)
    if os.name == "posix" and stat.S_IMODE(os.fstat(descriptor).st_mode) != PRIVATE_FILE_MODE:
        os.fchmod(descriptor, PRIVATE_FILE_MODE)
    return descriptor


def is_readable_by_others(mode: int) -> bool:
    """Whether a file of that mode can be read by more than its owner; never where modes mean nothing."""
    return os.name == "posix" and bool(mode & (stat.S_IRGRP | stat.S_IROTH))


def _temporary_state_dir() -> Path:
    """One per user and boot. It must be ours: another user could have put something there first."""
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    path = Path(tempfile.gettempdir()) / f"{APP_NAME}-{user}"
    path.mkdir(mode=PRIVATE_DIR_MODE, exist_ok=True)
    if os.name == "posix":
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != user:
            raise PermissionError(f"{path} belongs to somebody else")
    return make_private_dir(path)
