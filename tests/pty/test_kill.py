"""SIGKILL at any moment: what was acknowledged is on disk, what was cut is shown as cut and can be gone on with."""

from __future__ import annotations

from pathlib import Path

from tests.support.kill_program import PHASES, kill_many


async def test_killed_at_any_moment_nothing_is_lost(tmp_path: Path) -> None:
    times = len(PHASES) + 1
    counts = await kill_many(tmp_path, times, seed=3)
    assert counts.is_good, f"{counts.table()}\n{counts.notes}"
    assert counts.kills.total() == times
    assert counts.facts > times
    assert counts.tokens > 0
