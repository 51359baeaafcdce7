"""Where the servers are installed; they are installed at their first use, when that was asked for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import platformdirs

ASKED_BY = "CHAT_TUI_REAL_SERVERS"
# all read before any test gets an environment of its own
_WISH = os.environ.get(ASKED_BY, "")
_USUAL_FOLDER = platformdirs.user_cache_dir("chat-tui-tests")
_ENVIRON = dict(os.environ)

LITELLM = ("litellm[proxy]==1.106.2",)
NODE = ("ai@7.0.173", "@ai-sdk/openai-compatible@3.0.92", "@copilotkit/aimock@1.43.0")


class UnavailableError(Exception):
    """A server cannot be run here; the text says why."""


def folder() -> Path:
    """What CHAT_TUI_REAL_SERVERS asks for. Raises UnavailableError without it."""
    if _WISH in {"", "0"}:
        raise UnavailableError(f"large servers are installed only with {ASKED_BY}=1 (or a folder for them)")
    found = Path(_USUAL_FOLDER if _WISH == "1" else _WISH).resolve()
    if found.is_relative_to(Path(__file__).resolve().parents[2]):
        raise UnavailableError(f"{ASKED_BY} names a folder inside the repository")
    return found


def _run(*command: str | Path, cwd: Path) -> None:
    """Not in the repository: what it says about versions is about its own packages."""
    try:
        subprocess.run(
            [*map(str, command)], cwd=cwd, env=_ENVIRON, check=True, capture_output=True, text=True, timeout=900
        )
    except (subprocess.SubprocessError, OSError) as error:
        said = getattr(error, "stderr", "") or str(error)
        raise UnavailableError(
            f"{Path(str(command[0])).name} could not install it: {said.strip()[-300:]}"
        ) from None


def _python(name: str, packages: tuple[str, ...]) -> Path:
    """The `bin` of a virtual environment with these packages."""
    place, mark = folder() / name, folder() / name / "installed.json"
    wanted = json.dumps(packages)
    if not mark.exists() or mark.read_text() != wanted:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        _run(sys.executable, "-m", "venv", place, cwd=place)
        python, uv = place / "bin" / "python", shutil.which("uv")
        pip = (uv, "pip", "install", "--python", python) if uv else (python, "-m", "pip", "install")
        _run(*pip, "--quiet", *packages, cwd=place)
        mark.write_text(wanted)
    return place / "bin"


def litellm() -> Path:
    """The program that is LiteLLM's proxy."""
    return _python("litellm", LITELLM) / "litellm"


def node() -> Path:
    """A folder with `node_modules`, and our scripts next to it so that they find them."""
    npm = shutil.which("npm")
    if not npm or not shutil.which("node"):
        raise UnavailableError("there is no node here")
    place, mark = folder() / "node", folder() / "node" / "installed.json"
    wanted = json.dumps(NODE)
    if not mark.exists() or mark.read_text() != wanted:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        (place / "package.json").write_text('{"private": true, "type": "module"}')
        _run(npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", *NODE, cwd=place)
        mark.write_text(wanted)
    for script in Path(__file__).parent.glob("*.mjs"):
        shutil.copy(script, place)
    return place


INSTALLERS = {"litellm": litellm, "node": node}
