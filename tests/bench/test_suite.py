"""The benchmarks themselves, at their smallest: that they find what they look for. No time is looked at."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import pytest

from tests.bench.documents import MARK, last_mark, make_tokens, mark

if sys.platform != "linux":
    pytest.skip("CPU time and memory are read as Linux tells them", allow_module_level=True)

from tests.bench.__main__ import main
from tests.bench.figures import FIGURES, Results
from tests.bench.grid import Grid
from tests.bench.programs import BARE_APP, CHAT_TUI, NAIVE, READER, Programs, ready
from tests.bench.scenarios import SCENARIOS, SMALLEST
from tests.bench.server import PacedServer
from tests.bench.table import as_table, conditions
from tests.bench.turns import play, time_stop

QUICKEST = {"start", "burst", "conversation"}
"""Scenarios that take a second or two; the others differ in rates and in what is asked for."""


@pytest.mark.parametrize(("kind", "size"), [("mixed", 20), ("mixed", 1500), ("code", 6), ("table", 6), ("list", 6)])
def test_a_document_is_the_same_every_time_and_marked_at_both_ends(kind: str, size: int) -> None:
    tokens = make_tokens(kind, size, "B")
    assert tokens == make_tokens(kind, size, "B")
    marks = [token for token in tokens if MARK.fullmatch(token)]
    assert marks == MARK.findall("".join(tokens))
    assert (tokens[0], tokens[-1]) == (mark("B", 0), last_mark("B"))
    assert kind != "mixed" or len(tokens) == size


@pytest.mark.parametrize("cut", range(1, 12))
def test_the_grid_draws_what_a_terminal_would(cut: int) -> None:
    """Movement, a region that scrolls, erasing, wide characters and wrapping, however the output is cut."""
    grid = Grid(8, 4)
    output = (
        "\x1b[?1049h\x1b[2J\x1b[1;1Hone\x1b[2;1H\x1b[31mtwo\x1b[0m\x1b[3;1Hthree\x1b[4;1Hfour"
        "\x1b[2;3r\x1b[2S\x1b[r\x1b[3;1H流é\x1b[4;3H\x1b[K\x1b[1;2H\x1b[2X\x1b]0;title\x07"
        "\x1b[?2026h\x1b[2;7Habc\x1b[?2026l"
    ).encode()
    for start in range(0, len(output), cut):
        grid.feed(output[start : start + cut])
    assert grid.lines == ["o", "      ab", "c é", "fo"]
    assert (grid.frame_count, grid.is_synchronizing) == (1, False)


@pytest.mark.parametrize("program", [CHAT_TUI, NAIVE, READER])
def test_every_mark_of_a_small_answer_is_seen(tmp_path: Path, program: str) -> None:
    with PacedServer() as server:
        programs = Programs(server, tmp_path)
        with programs.client(program) as client:
            ready(client)
            turn = play(client, server, "mixed", 150, 100, keys_per_s=0 if program == READER else 20)
            assert turn.token_count == 150
            assert set(turn.seen_at_s) == set(turn.sent_at_s)
            assert len(turn.sent_at_s) > 4
            assert len(turn.quarter_cpu_s) == 4
            assert min(turn.lags_s) > 0
            assert turn.last_lag_s > 0
            assert turn.cell_count >= 150
            assert (turn.echoes_s == []) is (program == READER)
            assert math.isfinite(time_stop(client, server, "\x1b", "B", after_s=0.05))


def test_the_quickest_scenarios_make_a_table(tmp_path: Path) -> None:
    results = Results()
    with PacedServer() as server:
        programs = Programs(server, tmp_path)
        for scenario in SCENARIOS:
            if scenario.name in QUICKEST:
                results.add(CHAT_TUI, scenario.measure(programs, CHAT_TUI, SMALLEST))
        results.add(BARE_APP, SCENARIOS[0].measure(programs, BARE_APP, SMALLEST))
    results.relate_starts()
    keys = {"start_ms", "start_ratio", "start_mb", "burst_s", "open_ms", "add_ms", "page_ms", "messages_mb"}
    assert keys <= set(results.values[CHAT_TUI])
    assert set(results.values[CHAT_TUI]) <= {figure.key for figure in FIGURES}
    assert all(math.isfinite(value) for values in results.values[CHAT_TUI].values() for value in values)
    table = as_table(results, conditions(1), is_full_size=True)
    assert len({len(line) for line in table.splitlines() if line.startswith("|")}) == 1
    assert json.loads(json.dumps(results.as_data()))[CHAT_TUI]["start_ms"]["median"] > 0


def test_many_conversations_are_listed_searched_and_opened(tmp_path: Path) -> None:
    with PacedServer() as server:
        scenario = next(scenario for scenario in SCENARIOS if scenario.name == "conversations")
        values = scenario.measure(Programs(server, tmp_path), CHAT_TUI, SMALLEST)
    assert set(values) <= {figure.key for figure in FIGURES}
    assert all(map(math.isfinite, values.values()))
    assert {key for key in values if values[key] <= 0} <= {"continue", "named", "few_continue", "few_named"}


def test_the_command_line_names_its_scenarios(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [s.name for s in SCENARIOS]
    with pytest.raises(SystemExit):
        main(["--only", "nonsense"])
    assert "there is no nonsense" in capsys.readouterr().err
