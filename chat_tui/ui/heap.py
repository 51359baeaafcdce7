"""When Python looks for unreachable cycles: never while somebody waits.

A full collection visits every object there is. With a table of 5,000 rows on the screen that took 170 ms of CPU
time, every second and a half: keys waited up to 390 ms, against 20 ms without, and a fifth of all CPU went there
[measured on CPython 3.11]. What the transcript holds has no cycles and is freed without this; the rest is looked
through when a turn has ended, and what is left then is not visited again.
"""

from __future__ import annotations

import gc

_NEVER = 1 << 30
_held: list[tuple[int, int, int]] = []
"""The thresholds that were set before, while they are not."""


def hold() -> None:
    """Before the program is loaded, of which nothing is garbage. From here on only `tidy` collects fully."""
    if not _held:
        _held.append(gc.get_threshold())
    gc.disable()


def release() -> None:
    """It is loaded and stays: leave it out, and look through young objects as usual. Nothing without `hold`."""
    if _held:
        young, middle, _ = _held[0]
        gc.freeze()
        gc.set_threshold(young, middle, _NEVER)
        gc.enable()


def tidy() -> None:
    """Look through all that came since, in a quiet moment. Nothing without `hold`."""
    if _held:
        gc.collect()
        gc.freeze()


def give_back() -> None:
    """As it was before `hold`."""
    if _held:
        gc.set_threshold(*_held.pop())
        gc.unfreeze()
        gc.enable()
