"""What is done with a program to measure it. A scenario starts it afresh and returns `figures` by name.

Seconds are turned into milliseconds, bytes into megabytes (10^6) here and nowhere else.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.many_conversations import measure as measure_many
from tests.bench.many_conversations import searches
from tests.bench.programs import BARE_APP, CHAT_TUI, NAIVE, READER, Programs, ready
from tests.bench.turns import Turn, ask, play, share, time_stop

Values = dict[str, float]

_ESC, _KITTY_ESC = "\x1b", "\x1b[27u"
_KEYS_PER_S = 9.0
_FREEZE_KEYS_PER_S = 15.0
_STALL_AFTER_TOKENS = 40
_HIGH_RATE = 6000
"""Tokens a second, far above what any model writes, and what the program can keep up with."""
FEW_CONVERSATIONS = 100
_KEPT, _NOT_KEPT = "[conversations]\nsave = true", "[conversations]\nsave = false"


@dataclass(frozen=True)
class Sizes:
    """How much of everything. Tokens, lines, rows, items, messages, words to search; rates in tokens a second."""

    starts: int = 2
    paced_tokens: int = 2000
    reading_tokens: int = 75
    typing_tokens: int = 600
    fast_tokens: int = 8000
    burst_tokens: int = 8000
    stops: int = 3
    idle_s: float = 3.0
    long_tokens: int = 100_000
    code_lines: int = 600
    table_rows: int = 5000
    list_items: int = 2000
    messages: int = 1000
    kept_tokens: int = 1200
    conversations: int = 10_000
    opens: int = 5
    words: int = 7


QUICK = Sizes(1, 100, 25, 150, 800, 2000, 1, 0.5, 8000, 30, 300, 150, 100, 300, 1000, 2, 2)
SMALLEST = Sizes(1, 20, 20, 20, 40, 200, 1, 0.1, 400, 6, 6, 6, 40, 40, 20, 2, 1)


def _ms(seconds: float) -> float:
    return seconds * 1000


def _megabytes(count: float) -> float:
    return count / 1e6


def _cpu_per_1k(turn: Turn) -> float:
    return turn.cpu_s / turn.token_count * 1000


def start(programs: Programs, program: str, sizes: Sizes) -> Values:
    """Started to the first key echoed; then left alone."""
    times_s: list[float] = []
    for _ in range(sizes.starts):
        with programs.client(program) as client:
            times_s.append(client.time_first_echo() - client.started_s)
    if program == BARE_APP:
        return {"start_ms": _ms(statistics.median(times_s))}
    with programs.client(program) as client:
        ready(client)
        cpu_s = client.cpu_s
        client.read_for(sizes.idle_s)
        return {
            "start_ms": _ms(statistics.median(times_s)),
            "start_mb": _megabytes(client.memory_bytes),
            "idle_cpu": (client.cpu_s - cpu_s) / sizes.idle_s * 100,
        }


def stalled(programs: Programs, program: str, sizes: Sizes) -> Values:
    """A stream that is open and silent."""
    with programs.client(program) as client:
        ready(client)
        programs.server.order("mixed", 2 * _STALL_AFTER_TOKENS, 100, hold_after=_STALL_AFTER_TOKENS)
        ask(client)
        client.read_for(_STALL_AFTER_TOKENS / 100 + 1.5)
        cpu_s = client.cpu_s
        client.read_for(sizes.idle_s)
        return {"stalled_cpu": (client.cpu_s - cpu_s) / sizes.idle_s * 100}


def paced(programs: Programs, program: str, sizes: Sizes) -> Values:
    """Mixed Markdown at 100 tokens a second, nobody typing."""
    with programs.client(program) as client:
        ready(client)
        turn = play(client, programs.server, "mixed", sizes.paced_tokens, 100)
    lags_s = turn.lags_s
    return {
        "paced_cpu": _cpu_per_1k(turn),
        "paced_lag_p50": _ms(share(lags_s, 0.5)),
        "paced_lag_p95": _ms(share(lags_s, 0.95)),
        "paced_lag_max": _ms(max(lags_s, default=math.inf)),
        "first_token": _ms(turn.first_lag_s),
        "waited": turn.waited_s / turn.whole_s * 100,
        "marks_seen": turn.seen_share * 100,
        "bytes_per_token": turn.byte_count / turn.token_count,
        "cells_per_token": turn.cell_count / turn.token_count,
        "frames_per_s": turn.frame_count / turn.whole_s,
    }


def reading(programs: Programs, program: str, sizes: Sizes) -> Values:
    """As fast as people read."""
    with programs.client(program) as client:
        ready(client)
        turn = play(client, programs.server, "mixed", sizes.reading_tokens, 25)
    return {"reading_lag_p50": _ms(share(turn.lags_s, 0.5)), "reading_lag_p95": _ms(share(turn.lags_s, 0.95))}


def typing(programs: Programs, program: str, sizes: Sizes) -> Values:
    """Keys while the answer comes at 100 tokens a second."""
    with programs.client(program) as client:
        ready(client)
        turn = play(client, programs.server, "mixed", sizes.typing_tokens, 100, keys_per_s=_KEYS_PER_S)
    return {"echo_p50": _ms(share(turn.echoes_s, 0.5)), "echo_p95": _ms(share(turn.echoes_s, 0.95))}


def fast(programs: Programs, program: str, sizes: Sizes) -> Values:
    """500 tokens a second."""
    with programs.client(program) as client:
        ready(client)
        turn = play(client, programs.server, "mixed", sizes.fast_tokens, 500)
        return {
            "fast_cpu": _cpu_per_1k(turn),
            "fast_last_lag": _ms(turn.last_lag_s),
            "fast_mb": _megabytes(client.memory_bytes),
        }


def burst(programs: Programs, program: str, sizes: Sizes) -> Values:
    """All tokens as fast as the socket takes them."""
    with programs.client(program) as client:
        ready(client)
        turn = play(client, programs.server, "mixed", sizes.burst_tokens, 0)
    return {"burst_s": turn.whole_s, "burst_cpu": _cpu_per_1k(turn)}


def stop(programs: Programs, program: str, sizes: Sizes) -> Values:
    """Esc, as old terminals send it and in the kitty form, at another moment of a frame each time."""
    with programs.client(program) as client:
        ready(client)
        times_s: dict[str, list[float]] = {_ESC: [], _KITTY_ESC: []}
        for number in range(sizes.stops):
            for key, taken_s in times_s.items():
                letter = chr(ord("A") + number)
                taken_s.append(time_stop(client, programs.server, key, letter, after_s=0.3 + 0.011 * number))
    return {
        "stop_ms": _ms(statistics.median(times_s[_ESC])),
        "stop_kitty_ms": _ms(statistics.median(times_s[_KITTY_ESC])),
    }


def long_answer(programs: Programs, program: str, sizes: Sizes) -> Values:
    """Whether the end of a long answer costs more than its beginning."""
    with programs.client(program) as client:
        ready(client)
        turn = play(client, programs.server, "mixed", sizes.long_tokens, _HIGH_RATE)
    first, *_, last = turn.quarter_cpu_s
    return {
        "long_ratio": last / first,
        "long_cpu": _cpu_per_1k(turn),
        "long_last_lag": _ms(turn.last_lag_s),
    }


def _block(programs: Programs, program: str, kind: str, size: int, rate: float) -> Values:
    """One block, with keys typed all the time: the longest that a key waits is the longest freeze, or more."""
    with programs.client(program) as client:
        ready(client)
        turn = play(client, programs.server, kind, size, rate, keys_per_s=_FREEZE_KEYS_PER_S)
    return {
        f"{kind}_cpu": _cpu_per_1k(turn),
        f"{kind}_last_lag": _ms(turn.last_lag_s),
        f"{kind}_freeze": _ms(max(turn.echoes_s, default=math.inf)),
    }


def code_block(programs: Programs, program: str, sizes: Sizes) -> Values:
    """One fence."""
    return _block(programs, program, "code", sizes.code_lines, 200)


def big_table(programs: Programs, program: str, sizes: Sizes) -> Values:
    """One table."""
    return _block(programs, program, "table", sizes.table_rows, _HIGH_RATE)


def big_list(programs: Programs, program: str, sizes: Sizes) -> Values:
    """One list, flat and nested."""
    return _block(programs, program, "list", sizes.list_items * 3 // 5, _HIGH_RATE)


def conversation(programs: Programs, program: str, sizes: Sizes) -> Values:
    """Many messages: opened, paged through, one more."""
    del program
    result_file = programs.folder / "conversation.json"
    result_file.unlink(missing_ok=True)
    with programs.long_conversation(sizes.messages, result_file) as client:
        if not client.read_for(120, result_file.exists):
            raise TimeoutError(f"the long conversation was not measured:\n{client.picture}")
        result = json.loads(result_file.read_text("utf-8"))
        if "error" in result:
            raise RuntimeError(result["error"])
        client.settle()
        return {
            "open_ms": _ms(result["open_s"]),
            "add_ms": _ms(result["add_s"]),
            "page_ms": _ms(result["page_s"]),
            "messages_mb": _megabytes(client.memory_bytes),
        }


def kept(programs: Programs, program: str, sizes: Sizes) -> Values:
    """What keeping the conversation costs at 200 tokens a second: with the store and without, in turn."""
    turns = {_KEPT: list[Turn](), _NOT_KEPT: list[Turn]()}
    for config in (_KEPT, _NOT_KEPT, _NOT_KEPT, _KEPT):  # what drifts meanwhile is in both
        with programs.client(program, config) as client:
            ready(client)
            turns[config].append(play(client, programs.server, "mixed", sizes.kept_tokens, 200))
    cpu_s = {config: sum(map(_cpu_per_1k, of_it)) for config, of_it in turns.items()}
    lag_s = {config: share([lag for turn in of_it for lag in turn.lags_s], 0.5) for config, of_it in turns.items()}
    first_s = {config: statistics.mean(turn.first_lag_s for turn in of_it) for config, of_it in turns.items()}
    return {
        "kept_cpu": (cpu_s[_KEPT] / cpu_s[_NOT_KEPT] - 1) * 100,
        "kept_lag": _ms(lag_s[_KEPT] - lag_s[_NOT_KEPT]),
        "kept_first_token": _ms(first_s[_KEPT] - first_s[_NOT_KEPT]),
    }


def many_conversations(programs: Programs, program: str, sizes: Sizes) -> Values:
    """10,000 conversations with 200,000 messages, beside a hundred: listed, searched, gone on with."""
    del program
    of = {
        count: measure_many(
            programs, count, opens=sizes.opens, starts=sizes.starts, words=searches()[: sizes.words]
        ).as_values()
        for count in (FEW_CONVERSATIONS, sizes.conversations)
    }
    few, many = of[FEW_CONVERSATIONS], of[sizes.conversations]
    related = ("picker_p50", "picker_cpu", "typed_p50", "typed_cpu", "chosen_p50", "chosen_cpu")
    ratios = {f"{key}_ratio": many[key] / few[key] for key in related}
    beside = ("picker_p50", "typed_p50", "chosen_p50", "continue", "named")
    return many | {f"few_{key}": few[key] for key in beside} | ratios


@dataclass(frozen=True)
class Scenario:
    """`beside`: what else is measured, in the first run only, because it takes long; `always_beside`: in every run.
    `most_runs`: what varies little is not measured more often."""

    name: str
    measure: Callable[[Programs, str, Sizes], Values]
    beside: tuple[str, ...] = ()
    always_beside: tuple[str, ...] = ()
    most_runs: int = 1000

    def programs_in(self, run: int) -> tuple[str, ...]:
        """In the order in which they are measured; runs count from 0."""
        if run >= self.most_runs:
            return ()
        return (CHAT_TUI, *self.always_beside, *(() if run else self.beside))


SCENARIOS = (
    Scenario("start", start, (NAIVE, READER), (BARE_APP,)),
    Scenario("stalled", stalled),
    Scenario("paced", paced, (NAIVE, READER)),
    Scenario("reading", reading),
    Scenario("typing", typing, (NAIVE,)),
    Scenario("fast", fast, (NAIVE,)),
    Scenario("burst", burst, (NAIVE, READER)),
    Scenario("stop", stop, (NAIVE, READER)),
    Scenario("long", long_answer, most_runs=3),
    Scenario("code", code_block),
    Scenario("table", big_table, most_runs=3),
    Scenario("list", big_list, most_runs=3),
    Scenario("conversation", conversation),
    Scenario("store", kept),
    Scenario("conversations", many_conversations),
)
