"""The command that prints what came of every fault: its tests are there, its measurements work when small."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("the programs run in Unix terminals", allow_module_level=True)

from tests.support import faults
from tests.support.faults import FAULTS, ROOT, Effort, Measure, measure

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
    assert numbers == sorted(set(numbers))


def test_the_tests_it_names_are_there() -> None:
    names = [name for fault in FAULTS for name in fault.tests if name.startswith("tests/")]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *names]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]


def test_failed_tests_are_a_missed_figure() -> None:
    fault = faults.Fault(0, "nothing", tests=("tests/nowhere.py",))
    [figure] = measure(fault, Effort(1, 1))
    assert not figure.is_good
