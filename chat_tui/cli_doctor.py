"""`chat-tui doctor`: what works between here and a model, and what to do where something does not."""

from __future__ import annotations

import asyncio
import json
import textwrap
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from chat_tui.config.load import LoadedConfig
from chat_tui.core.sanitize import clean_line
from chat_tui.providers.doctor import Check, CheckState, Examination, Lookup, StepLimits
from chat_tui.providers.registry import DEMO, LOCAL, ProviderRegistry

_MARKS = {CheckState.OK: "ok", CheckState.FAILED: "failed", CheckState.LEFT_OUT: "–"}
_STEP_CELLS, _MARK_CELLS = 13, 6
_LONG_S = 1.0
"""Steps from here on say how long they took."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What shall be examined: `provider` may be PROVIDER, PROVIDER/MODEL or empty for the configured one."""

    provider: str = ""
    is_everything: bool = False
    asks: bool = True
    is_json: bool = False
    width: int = 80


@dataclass(slots=True)
class _Patient:
    """One provider while it is examined; its checks come through `queue`, None behind the last."""

    examination: Examination
    queue: asyncio.Queue[Check | None] = field(default_factory=asyncio.Queue[Check | None])
    checks: list[Check] = field(default_factory=list[Check])

    async def examine(self) -> None:
        try:
            async with aclosing(self.examination.checks()) as found:
                async for check in found:
                    self.queue.put_nowait(check)
        except Exception as error:  # noqa: BLE001 - one provider must not take the others' checks away
            words = f"chat-tui itself failed in this step ({type(error).__name__}); please report it."
            self.queue.put_nowait(Check("examination", CheckState.FAILED, words))
        finally:
            self.queue.put_nowait(None)

    @property
    def is_well(self) -> bool:
        return all(check.state is not CheckState.FAILED for check in self.checks)


async def examine(
    loaded: LoadedConfig,
    registry: ProviderRegistry,
    wish: Wish,
    echo: Callable[[str], None],
    *,
    limits: StepLimits | None = None,
    lookup: Lookup | None = None,
) -> int:
    """Print what is found, in order while all are examined at once; 1 when something is wrong.

    Closes the registry.
    """
    limits = limits or StepLimits()
    patients = [
        _Patient(Examination(registry, name, model, asks=wish.asks, limits=limits, lookup=lookup))
        for name, model in _subjects(loaded, registry, wish)
    ]
    if not wish.is_json:
        for line in _configuration_lines(loaded, wish.width):
            echo(line)
    tasks = [asyncio.create_task(patient.examine()) for patient in patients]
    try:
        for patient in patients:
            await _follow(patient, wish, echo)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait([*tasks, asyncio.create_task(registry.aclose())], timeout=limits.farewell_s)
    is_well = not loaded.problems and all(patient.is_well for patient in patients)
    if wish.is_json:
        echo(json.dumps(_data(loaded, patients, is_well=is_well), indent=2))
    else:
        for line in _summary(patients, is_well=is_well):
            echo(line)
    return 0 if is_well else 1


def _subjects(loaded: LoadedConfig, registry: ProviderRegistry, wish: Wish) -> list[tuple[str, str]]:
    """Names and models; the configured model says the word of its provider."""
    chosen, _, chosen_model = registry.unaliased(loaded.config.model).partition("/")
    named, _, named_model = wish.provider.partition("/")
    if named:
        return [(named, named_model or (chosen_model if named == chosen else ""))]
    if not wish.is_everything:
        return [(chosen, chosen_model)]
    names = dict.fromkeys((chosen, *registry.offered(), LOCAL))
    return [(name, chosen_model if name == chosen else "") for name in names if name != DEMO or name == chosen]


async def _follow(patient: _Patient, wish: Wish, echo: Callable[[str], None]) -> None:
    """Take the checks as they come, and say them."""
    has_heading = wish.is_json
    while (check := await patient.queue.get()) is not None:
        patient.checks.append(check)
        if not has_heading:
            has_heading = True
            echo("")
            for line in _heading(patient.examination, wish.width):
                echo(line)
        if not wish.is_json:
            for line in _check_lines(check, wish.width):
                echo(line)


# -- lines -------------------------------------------------------------------------------------------


def _heading(examination: Examination, width: int) -> list[str]:
    parts = (examination.name, examination.label, examination.address)
    shown = " · ".join(clean_line(part, 200) for part in dict.fromkeys(parts) if part)
    return textwrap.wrap(shown, width, subsequent_indent="  ")


def _check_lines(check: Check, width: int) -> list[str]:
    words = check.words
    if check.state is CheckState.OK and check.elapsed_s >= _LONG_S:
        words = f"{words}, {check.elapsed_s:.1f} s"
    return _lines(f"  {check.step}", _MARKS[check.state], words, width)


def _lines(step: str, mark: str, words: str, width: int) -> list[str]:
    head = f"{step:<{_STEP_CELLS}}  {mark:<{_MARK_CELLS}}  "
    room = max(20, width - len(head))
    rows = textwrap.wrap(words, room, break_long_words=False, break_on_hyphens=False) or [""]
    return [f"{head}{rows[0]}".rstrip(), *(" " * len(head) + row for row in rows[1:])]


def _configuration_lines(loaded: LoadedConfig, width: int) -> list[str]:
    path = "no file, the defaults are used" if loaded.path is None else clean_line(str(loaded.path), 4096)
    if not loaded.problems:
        return _lines("configuration", _MARKS[CheckState.OK], path, width)
    lines: list[str] = []
    for problem in loaded.problems:
        name = "" if lines else "configuration"
        lines += _lines(name, _MARKS[CheckState.FAILED], clean_line(problem, 1000), width)
    return lines


def _summary(patients: Sequence[_Patient], *, is_well: bool) -> list[str]:
    lines = [""]
    slowest = max((check for patient in patients for check in patient.checks), key=lambda check: check.elapsed_s)
    if is_well:
        lines.append(f"All is well. What took longest: {slowest.step}, {slowest.elapsed_s:.1f} s.")
    else:
        lines.append("Something is wrong: see what is marked “failed”.")
    if any(patient.examination.has_asked for patient in patients):
        lines.append("The word that was asked for cost a few tokens; --no-ask leaves it out.")
    return lines


def _data(loaded: LoadedConfig, patients: Sequence[_Patient], *, is_well: bool) -> dict[str, object]:
    return {
        "is_ok": is_well,
        "configuration": {
            "path": None if loaded.path is None else str(loaded.path),
            "problems": list(loaded.problems),
        },
        "providers": [
            {
                "provider": patient.examination.name,
                "label": patient.examination.label,
                "address": patient.examination.address,
                "is_ok": patient.is_well,
                "has_asked": patient.examination.has_asked,
                "checks": [
                    {
                        "step": check.step,
                        "state": check.state.value,
                        "words": check.words,
                        "elapsed_s": round(check.elapsed_s, 4),
                    }
                    for check in patient.checks
                ],
            }
            for patient in patients
        ],
    }
