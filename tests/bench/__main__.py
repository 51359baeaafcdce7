"""How fast chat-tui is on this machine, beside a naive Textual chat, a bare HTTP reader and a bare Textual app.

    uv run python -m tests.bench              five runs, about twenty minutes, a table on standard output
    uv run python -m tests.bench --quick      one run of small sizes, about a minute
    uv run python -m tests.bench --only paced,burst --runs 3 --json results.json
    uv run python -m tests.bench --only conversations     10,000 conversations beside 100, five minutes

Nothing is contacted but this machine; nothing is left behind. For Linux.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.figures import Results
from tests.bench.programs import BARE_APP, CHAT_TUI, NAIVE, READER, Programs
from tests.bench.scenarios import QUICK, SCENARIOS, Scenario, Sizes
from tests.bench.server import PacedServer
from tests.bench.table import as_table, conditions


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 2 for wrong usage, 130 when it was stopped."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, help="how often everything is measured (5, with --quick 1)")
    parser.add_argument("--only", metavar="NAME,NAME", help="only these scenarios")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write every value there too")
    parser.add_argument("--quick", action="store_true", help="small sizes: whether it works, not how fast it is")
    parser.add_argument("--list", action="store_true", help="name the scenarios and leave")
    options = parser.parse_args(argv)
    if options.list:
        print("\n".join(f"{scenario.name:<13} {scenario.measure.__doc__}" for scenario in SCENARIOS))
        return 0
    if sys.platform != "linux":
        parser.error("memory and CPU time are read as Linux tells them")
    names = [scenario.name for scenario in SCENARIOS]
    wanted = options.only.split(",") if options.only else names
    if unknown := set(wanted) - set(names):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    run_count = options.runs or (1 if options.quick else 5)
    about = conditions(run_count)
    results, code = Results(), 0
    try:
        measure(results, [s for s in SCENARIOS if s.name in wanted], run_count, QUICK if options.quick else Sizes())
    except KeyboardInterrupt:
        _tell("stopped; this is what was measured")
        code = 130
    results.relate_starts()
    print(as_table(results, about, is_full_size=not options.quick))
    if options.json:
        options.json.write_text(json.dumps({"conditions": about, "results": results.as_data()}, indent=1), "utf-8")
    return code


def measure(results: Results, scenarios: Sequence[Scenario], run_count: int, sizes: Sizes) -> None:
    """Everything `run_count` times, run by run; what fails is told and does not end the rest."""
    with tempfile.TemporaryDirectory(prefix="chat-tui-bench-") as folder, PacedServer() as server:
        programs = Programs(server, Path(folder))
        for program in (CHAT_TUI, BARE_APP, NAIVE, READER):  # once for the caches of compiled code
            with programs.client(program) as client:
                client.time_first_echo()
        for run in range(run_count):
            for scenario in scenarios:
                for program in scenario.programs_in(run):
                    started_s = time.monotonic()
                    try:
                        results.add(program, scenario.measure(programs, program, sizes))
                    except (TimeoutError, ConnectionError, RuntimeError) as error:
                        _tell(f"{scenario.name}, {program}: {type(error).__name__}: {error}")
                    _tell(f"run {run + 1}: {scenario.name}, {program}: {time.monotonic() - started_s:.1f} s")


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):  # the first is ignored in the background of a shell
        signal.signal(number, signal.default_int_handler)
    sys.exit(main())
