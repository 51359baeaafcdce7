"""The command that prints what came of every fault: its tests are there, its measurements work when small."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("the programs run in Unix terminals", allow_module_level=True)

from tests.support import faults
from tests.support.faults import FAULTS, ROOT, Effort, Fault, Figure, Measure, measure
from tests.support.waiting import wait_until

QUICK: tuple[Measure, ...] = (
    faults.search_anything,
    faults.four_windows,
    faults.damaged_files,
    faults.jumping_clocks,
    faults.deleted_words,
)


@pytest.mark.parametrize("take", QUICK)
def test_a_measurement_at_its_smallest(tmp_path: Path, take: Measure) -> None:
    figure = take(tmp_path, Effort(1, 1))
    assert figure.is_good, figure.words


def test_every_fault_is_measured_by_something() -> None:
    assert all(fault.tests or fault.measures for fault in FAULTS)
    numbers = [fault.number for fault in FAULTS]
    assert numbers == [2, 5, 6, 8, 31, 32, 34, 35, 36, 37, 38, 45, 47, 48, 54]


def test_the_tests_it_names_are_there() -> None:
    names = [name for fault in FAULTS for name in fault.tests if name.startswith("tests/")]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *names]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]


def test_failed_tests_are_a_missed_figure() -> None:
    fault = faults.Fault(0, "nothing", tests=("tests/nowhere.py",))
    [figure] = measure(fault, Effort(1, 1))
    assert not figure.is_good


def test_one_that_fails_ends_neither_the_rest_nor_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(folder: Path, effort: Effort) -> Figure:
        raise RuntimeError("no luck")

    def works(folder: Path, effort: Effort) -> Figure:
        return Figure("lost 0", True)

    rows = (Fault(1, "luck", measures=(fails,)), Fault(2, "none", measures=(works,)))
    monkeypatch.setattr(faults, "FAULTS", rows)
    monkeypatch.setattr(sys, "argv", ["faults"])
    assert faults.main() == 1
    first, second = capsys.readouterr().out.splitlines()
    assert "MISSED not measured: RuntimeError('no luck')" in first
    assert second.endswith("lost 0")
    monkeypatch.setattr(faults, "FAULTS", rows[1:])
    assert faults.main() == 0


def has_group(leader: int) -> bool:
    """Whether any process of that group is left."""
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True


async def test_what_is_stopped_leaves_nothing_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.support.faults", "--only", "36"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    ) as program:
        try:
            await wait_until(lambda: any(tmp_path.glob("chat-tui-faults-*/at-*")), 60, "a program")
            program.terminate()
            assert program.wait(30) == 130
            assert list(tmp_path.glob("chat-tui-faults-*")) == []
            # whoever was killed is there until the system's first process has taken note
            await wait_until(lambda: not has_group(program.pid), 30, "the end of its children")
        finally:
            if program.poll() is None:
                os.killpg(program.pid, signal.SIGKILL)
