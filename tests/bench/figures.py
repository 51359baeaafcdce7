"""Every figure of the table: what it is called, its unit, and what it must be at most."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.bench.programs import BARE_APP, CHAT_TUI
from tests.bench.scenarios import Values


@dataclass(frozen=True)
class Figure:
    """`most`: the value it must not exceed; `note` stands behind the unit."""

    key: str
    title: str
    unit: str
    most: float | None = None


FIGURES = (
    Figure("start_ms", "start to the first key echoed", "ms", 350),
    Figure("start_ratio", "the same, relative to a bare Textual app", "×", 1.5),
    Figure("start_mb", "memory at start", "MB", 60),
    Figure("fast_mb", "memory after 8,000 tokens", "MB", 75),
    Figure("messages_mb", "memory with 1,000 messages", "MB", 110),
    Figure("idle_cpu", "CPU when idle", "%", 0.5),
    Figure("stalled_cpu", "CPU with a stream that is open and silent", "%", 0.5),
    Figure("paced_cpu", "CPU for 1,000 tokens, mixed, at 100 tok/s", "s", 0.95),
    Figure("fast_cpu", "CPU for 1,000 tokens, mixed, at 500 tok/s", "s", 0.35),
    Figure("fast_last_lag", "how far behind after 8,000 tokens at 500 tok/s", "ms", 60),
    Figure("first_token", "first token: written to on screen", "ms", 8),
    Figure("paced_lag_p50", "lag of a token at 100 tok/s, p50", "ms"),
    Figure("paced_lag_p95", "… p95", "ms", 33),
    Figure("paced_lag_max", "… max", "ms", 60),
    Figure("reading_lag_p50", "lag of a token at 25 tok/s, p50", "ms"),
    Figure("reading_lag_p95", "… p95", "ms", 33),
    Figure("burst_s", "8,000 tokens in one burst: last on screen after", "s", 0.6),
    Figure("burst_cpu", "… CPU for 1,000 tokens", "s"),
    Figure("echo_p50", "key echo at 100 tok/s, p50", "ms", 12),
    Figure("echo_p95", "… p95", "ms", 25),
    Figure("stop_ms", "Esc (0x1b): the server sees the close after", "ms", 35),
    Figure("stop_kitty_ms", "Esc (kitty form): the server sees the close after", "ms", 35),
    Figure("long_ratio", "100,000 tokens: CPU of the last quarter to the first", "×", 1.2),
    Figure("long_cpu", "… CPU for 1,000 tokens, at 6,000 tok/s", "s"),
    Figure("long_last_lag", "… how far behind at the end", "ms", 60),
    Figure("code_freeze", "600 lines of code at 200 tok/s: longest freeze", "ms", 50),
    Figure("code_last_lag", "… how far behind at the end", "ms", 60),
    Figure("code_cpu", "… CPU for 1,000 tokens, keys included", "s"),
    Figure("table_freeze", "table of 5,000 rows at 6,000 tok/s: longest freeze", "ms", 50),
    Figure("table_last_lag", "… how far behind at the end", "ms", 60),
    Figure("table_cpu", "… CPU for 1,000 tokens, keys included", "s"),
    Figure("list_freeze", "list of 2,000 items at 6,000 tok/s: longest freeze", "ms", 50),
    Figure("list_last_lag", "… how far behind at the end", "ms", 60),
    Figure("list_cpu", "… CPU for 1,000 tokens, keys included", "s"),
    Figure("open_ms", "1,000 messages: opened, first screen painted", "ms", 150),
    Figure("add_ms", "… one question more", "ms", 6),
    Figure("page_ms", "… a page up or down", "ms", 6),
    Figure("kept_cpu", "keeping the conversation, 200 tok/s: more CPU per token", "%", 5),
    Figure("kept_lag", "… more lag of a token, p50", "ms", 1),
    Figure("kept_first_token", "… more time to the first token", "ms", 1),
    Figure("picker_first", "10,000 conversations: F3 to the list, the first time", "ms", 100),
    Figure("picker_p50", "… again, p50", "ms", 100),
    Figure("picker_max", "… max", "ms", 100),
    Figure("few_picker_p50", "… among 100, p50", "ms"),
    Figure("picker_p50_ratio", "… relative to that", "×"),
    Figure("picker_cpu", "… CPU, among 10,000", "ms"),
    Figure("picker_cpu_ratio", "… CPU, relative to 100", "×", 1.5),
    Figure("typed_p50", "… a letter of a search to its hits, p50", "ms", 100),
    Figure("typed_p95", "… p95", "ms", 100),
    Figure("typed_max", "… max", "ms", 100),
    Figure("few_typed_p50", "… among 100, p50", "ms"),
    Figure("typed_p50_ratio", "… relative to that", "×"),
    Figure("typed_cpu", "… CPU, among 10,000", "ms"),
    Figure("typed_cpu_ratio", "… CPU, relative to 100", "×", 1.5),
    Figure("chosen_p50", "… Enter to the conversation, p50", "ms", 100),
    Figure("chosen_max", "… max", "ms", 100),
    Figure("few_chosen_p50", "… among 100, p50", "ms"),
    Figure("chosen_p50_ratio", "… relative to that", "×"),
    Figure("chosen_cpu", "… CPU, among 10,000", "ms"),
    Figure("chosen_cpu_ratio", "… CPU, relative to 100", "×", 1.5),
    Figure("continue", "… more time to start with -c, to the conversation", "ms", 100),
    Figure("few_continue", "… among 100", "ms"),
    Figure("named", "… more time to start with -r ID", "ms", 100),
    Figure("few_named", "… among 100", "ms"),
    Figure("bytes_per_token", "written for a token at 100 tok/s", "bytes"),
    Figure("cells_per_token", "… cells painted", "cells"),
    Figure("frames_per_s", "… frames a second", ""),
    Figure("waited", "… time it waited for a core that others had", "%"),
    Figure("marks_seen", "… marks that stood on the screen", "%"),
)


@dataclass
class Results:
    """One value a run, by program and figure."""

    values: dict[str, dict[str, list[float]]] = field(default_factory=dict[str, dict[str, list[float]]])

    def add(self, program: str, values: Values) -> None:
        """What one scenario found."""
        known = self.values.setdefault(program, {})
        for key, value in values.items():
            known.setdefault(key, []).append(value)

    def relate_starts(self) -> None:
        """The start of chat-tui relative to the bare app's in the same run."""
        own, bare = self.of(CHAT_TUI, "start_ms"), self.of(BARE_APP, "start_ms")
        if own and bare:
            self.values[CHAT_TUI]["start_ratio"] = [a / b for a, b in zip(own, bare, strict=False)]

    def of(self, program: str, key: str) -> list[float]:
        """Empty where it was not measured."""
        return self.values.get(program, {}).get(key, [])

    def as_data(self) -> dict[str, dict[str, dict[str, object]]]:
        """For JSON; what never happened is null."""
        return {
            program: {key: _summary(values) for key, values in figures.items()}
            for program, figures in self.values.items()
        }


def _summary(values: Iterable[float]) -> dict[str, object]:
    values = list(values)
    finite = [value if math.isfinite(value) else None for value in values]
    median = statistics.median(values)
    return {"median": median if math.isfinite(median) else None, "runs": finite}
