"""Waiting for a condition instead of for a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


async def wait_until(condition: Callable[[], object], timeout_s: float = 5.0, what: str = "") -> None:
    """Let the loop run until `condition` holds; AssertionError after `timeout_s`.

    It yields to the loop without a pause at first, then backs off to 5 ms: a condition that depends on another
    process must not starve that process of the core it runs on.
    """
    deadline_s = time.monotonic() + timeout_s
    turns = 0
    while not condition():
        if time.monotonic() > deadline_s:
            raise AssertionError(f"not within {timeout_s:g} s: {what or condition}")
        await asyncio.sleep(0 if turns < 50 else min(0.005, 0.0002 * (turns - 49)))
        turns += 1
