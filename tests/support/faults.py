"""What can go wrong with what is kept, what was done about it here and now, and the figure it came to.

    python -m tests.support.faults [--kills N] [--only 2,34] [--quick]

Each row is measured with the machinery of the tests or is the count of tests that passed. 1 when a figure is not
what it must be.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from chat_tui.store.store import ConversationStore
from tests.support.stores import answer, bytes_in, chat, flushed, opened, user

ROOT = Path(__file__).parents[2]
LONGEST_TESTS_S, LONGEST_WRITES_S = 900.0, 300.0
"""Nothing takes so long: it hangs, and that is a missed figure."""
_COUNTED = re.compile(r"(\d+) (passed|failed|errors?|skipped)")


@dataclass(frozen=True)
class Figure:
    """What one measurement came to."""

    words: str
    is_good: bool


@dataclass(frozen=True)
class Effort:
    """How much of everything: kills of the program and of the store, and of the rest so many parts of a hundred."""

    kills: int = 100
    percent: int = 100


Measure = Callable[[Path, Effort], Figure]
"""In an empty directory."""


@dataclass(frozen=True)
class Fault:
    """One row. `tests` are given to pytest, `measures` are called; either may be empty. `proof`: what a
    test shows that has passed."""

    number: int
    name: str
    tests: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = ()
    proof: str = ""


# -- measured here ---------------------------------------------------------------------------------


def kill_programs(folder: Path, effort: Effort) -> Figure:
    """The real program, at a random moment of each phase."""
    from tests.support.kill_program import kill_many

    counts = asyncio.run(kill_many(folder, effort.kills))
    return Figure(f"the program: {counts.table()}", counts.is_good)


def kill_stores(folder: Path, effort: Effort) -> Figure:
    """A program that only writes."""
    from tests.support.kill_store import kill_many

    counts = kill_many(folder, effort.kills)
    return Figure(
        f"the store alone: kills {counts.kills}, damaged {counts.damaged}, lost {counts.lost} of"
        f" {counts.acknowledged} steps acknowledged, half exports {counts.half_exports}, at most"
        f" {counts.most_lost_tokens} tokens ({counts.most_lost_s:.3f} s) of a cut answer missing",
        counts.is_good,
    )


def kill_typing(folder: Path, effort: Effort) -> Figure:
    """The real program, while somebody types."""
    from tests.support.kill_program import PHASES, kill_many

    counts = asyncio.run(kill_many(folder, max(4, effort.kills // 5), phases=PHASES[:1]))
    return Figure(
        f"kills {counts.kills.total()} while typing: at most the last {counts.most_lost_draft_s:.2f} s"
        f" ({counts.most_lost_draft_chars} characters) missing",
        counts.is_good,
    )


def search_anything(folder: Path, effort: Effort) -> Figure:
    """Random strings, and those that are errors in the language of the index."""
    from tests.unit.store.test_search import PROBES

    chance = random.Random(31)
    alphabet = "ab \"'*():^-+.,{}[]\\%_\x00\ud800\udc00é世🙂\t\nANDORNEAR"
    words = [
        "".join(chance.choice(alphabet) for _ in range(chance.randrange(1, 20)))
        for _ in range(200 * effort.percent)
    ]
    errors = 0

    async def search(store: ConversationStore) -> int:
        failed = 0
        for text in (*PROBES, *words):
            try:
                await store.search(text)
            except Exception:
                failed += 1
        return failed

    with opened(folder) as store:
        for number in range(20):
            chat(store, f"a b {number} near and or not", "c++ it's foo-bar 世界")
        errors = asyncio.run(search(store))
    return Figure(f"searches {len(words) + len(PROBES)}, errors {errors}", errors == 0)


def four_windows(folder: Path, effort: Effort) -> Figure:
    """Four processes, one store, half of their turns in the same conversation."""
    from tests.integration.test_store_processes import PROCESSES, WRITES

    turns = max(20, 250 * effort.percent // 100)
    command = [sys.executable, "-c", WRITES, str(folder)]
    started_s = time.monotonic()
    programs = [subprocess.Popen([*command, str(number), str(turns)], cwd=ROOT) for number in range(PROCESSES)]
    try:
        codes = [program.wait(LONGEST_WRITES_S) for program in programs]
    finally:
        for program in programs:
            program.kill()
            program.wait()

    async def texts(store: ConversationStore) -> list[str]:
        rows = await store.recent(1000)
        return [message.text for row in rows for message in (await store.load(row.id)).messages]

    with opened(folder) as store:
        found = asyncio.run(texts(store))
    wanted = {f"{k} {n} {t}" for k in ("question", "answer") for n in range(PROCESSES) for t in range(turns)}
    lost = len(wanted - set(found)) + abs(len(found) - len(wanted))
    return Figure(
        f"processes {PROCESSES}, turns {PROCESSES * turns} in {time.monotonic() - started_s:.1f} s, lost {lost}",
        lost == 0 and not any(codes),
    )


def damaged_files(folder: Path, effort: Effort) -> Figure:
    """Flipped bits and cut ends."""
    from tests.integration.test_store_faults import made, works

    whole = made(folder / "made")
    chance = random.Random(35)
    files = max(10, effort.percent)
    asides = crashes = 0
    for number in range(files):
        content = bytearray(whole)
        if number % 2:
            del content[chance.randrange(1, len(whole)) :]
        else:
            for _ in range(chance.choice([1, 8, 64])):
                content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        try:
            asides += asyncio.run(works(folder / "damaged", bytes(content)))[0]
        except Exception as error:
            crashes += 1
            print(f"file {number}: {error!r}", file=sys.stderr)
    return Figure(
        f"files {files}, moved aside unchanged {asides}, usable as they were {files - asides - crashes},"
        f" failed {crashes}",
        crashes == 0,
    )


def killed_migrations(folder: Path, effort: Effort) -> Figure:
    """Before each statement of one."""
    from tests.integration.test_store_faults import test_a_migration_killed_before_any_statement_is_done_or_not_done

    del effort
    try:
        test_a_migration_killed_before_any_statement_is_done_or_not_done(folder)
    except AssertionError as error:
        return Figure(f"a migration was left half done: {error}", False)
    kills = len(list(folder.glob("at-*"))) - 1
    return Figure(f"kills {kills}, one before each statement: half done 0, lost 0", True)


def exports_while_writing(folder: Path, effort: Effort) -> Figure:
    """Another process writes into what is exported."""
    from tests.integration.test_export_while_writing import export_while_writing

    rounds = max(10, 2 * effort.percent)
    done = asyncio.run(export_while_writing(folder, rounds))
    return Figure(
        f"exports {done.exported} at {done.moments} moments of what another process writes,"
        f" differences {done.different}",
        done.exported >= rounds and done.different == 0 and done.moments > 1 and done.was_written,
    )


def jumping_clocks(folder: Path, effort: Effort) -> Figure:
    """Back, forward, 1970, a leap of a thousand years."""
    chance = random.Random(45)
    store = ConversationStore.open(folder, now=lambda: chance.choice([0.0, 1.0, 3e10, chance.uniform(0, 2e9)]))
    count = max(10, effort.percent)

    async def look(ids: Sequence[str]) -> int:
        rows = [row.id for row in await store.recent(10_000)]
        wrong = sum(a != b for a, b in zip(rows, reversed(ids), strict=True))
        for number, identity in enumerate(ids):
            messages = (await store.load(identity)).messages
            wrong += [message.text for message in messages] != [f"q{number}", f"a{number}", "more"]
        return wrong

    try:
        ids = [chat(store, f"q{number}", f"a{number}") for number in range(count)]
        for identity in ids:
            store.settle(identity, answer(store.next_message_id(), "more", 2))
        wrong = asyncio.run(look(ids))
        numbers = [store.next_message_id() for _ in range(count)]
        wrong += numbers != sorted(set(numbers))
    finally:
        store.close(5)
    return Figure(f"conversations {count} under a clock that jumps, in a wrong place {wrong}", wrong == 0)


def deleted_words(folder: Path, effort: Effort) -> Figure:
    """Every byte of every file is searched for words that were deleted."""
    count = max(5, effort.percent // 2)
    with opened(folder) as store:
        ids = [chat(store, f"zebracanary question {n}", "zebracanary " * 50, "zebracanary") for n in range(count)]
        other = chat(store, "something else")
        for number, identity in enumerate(ids):
            store.put_draft(identity, "zebracanary draft")
            store.add_prompt(f"zebracanary question {number}")
            store.put_message(identity, user(store.next_message_id(), "zebracanary again", 2))
        flushed(store)
        before = len(bytes_in(folder, b"zebracanary"))
        for identity in ids:
            store.delete(identity)
        flushed(store)
        hits = bytes_in(folder, b"zebra")
        left = [row.id for row in asyncio.run(store.recent())]
    is_good = before > 0 and not hits and left == [other]
    return Figure(
        f"conversations deleted {count}, files with a word of them {len(hits)} (before {before})", is_good
    )


# -- the rows --------------------------------------------------------------------------------------

_KEEPING = "tests/pty/test_keeping.py"
_STORE_FAULTS = "tests/integration/test_store_faults.py"

FAULTS = (
    Fault(2, "kill -9 at any moment", measures=(kill_programs, kill_stores)),
    Fault(
        5,
        "signals, keys, a terminal that goes",
        tests=(
            f"{_KEEPING}::test_a_signal",
            f"{_KEEPING}::test_quitting",
            f"{_KEEPING}::test_the_terminal_is_closed",
            "tests/pty/test_life.py::test_signal",
            "tests/pty/test_life.py::test_quitting",
            "tests/pty/test_life.py::test_the_terminal_is_closed",
        ),
        proof="saved, the terminal restored, the exit code right",
    ),
    Fault(
        6,
        "a crash of ours",
        tests=(f"{_KEEPING}::test_a_crash", "tests/pty/test_life.py::test_a_crash"),
        proof="saved, one message, a log without secrets",
    ),
    Fault(
        8,
        "full disk, limits, locks, nothing writable",
        tests=tuple(
            f"{_STORE_FAULTS}::{name}"
            for name in (
                "test_on_a_full_disk_everything_is_kept_and_saved_when_there_is_room",
                "test_at_a_limit_of_file_sizes_nothing_is_lost",
                "test_where_no_directory_can_be_made_the_chat_goes_on_in_memory",
                "test_in_a_directory_that_cannot_be_written_what_is_there_is_read",
                "test_a_file_removed_under_a_running_program_is_made_again",
                "test_while_another_program_holds_the_file_everything_waits",
            )
        ),
        proof="messages lost 0, saved when that is possible again",
    ),
    Fault(31, "any words searched for", measures=(search_anything,)),
    Fault(
        32,
        "text that is no text",
        tests=("tests/integration/test_broken_text.py", "tests/property/test_store.py"),
        proof="crashes 0",
    ),
    Fault(
        34,
        "several windows",
        tests=("tests/integration/test_two_windows.py",),
        proof="turns lost 0",
        measures=(four_windows,),
    ),
    Fault(
        35,
        "damaged, foreign and newer files",
        tests=(_STORE_FAULTS, "-k", "files_that_are or another_programs or newer or salvaged or empty_file"),
        proof="the original is kept",
        measures=(damaged_files,),
    ),
    Fault(36, "kill -9 while tables are changed", measures=(killed_migrations,)),
    Fault(37, "names of exported files", tests=("tests/unit/store/test_file_names.py",), proof="escapes 0"),
    Fault(
        38,
        "export while writing, and back",
        tests=("tests/unit/store/test_import_own.py", "-k", "thousand or many or archive"),
        proof="1,000 conversations and an archive, differences 0",
        measures=(exports_while_writing,),
    ),
    Fault(45, "a clock that jumps", measures=(jumping_clocks,)),
    Fault(47, "what is typed and not sent", measures=(kill_typing,)),
    Fault(48, "deleting", measures=(deleted_words,)),
    Fault(
        54,
        "a last conversation that cannot be shown",
        tests=(_KEEPING, "-k", "poisoned or crash_loop"),
        proof="the next start shows something else",
    ),
)


def count_tests(arguments: Sequence[str], proof: str = "") -> Figure:
    """Run them; how many passed, and what each of them proves."""
    options = ("-q", "--no-header", "--tb=line", "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", *options, *arguments]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=LONGEST_TESTS_S
        )
    except subprocess.TimeoutExpired:
        return Figure(f"tests that did not end in {LONGEST_TESTS_S:.0f} s", False)
    counted = {kind: int(count) for count, kind in _COUNTED.findall(done.stdout.strip().rpartition("\n")[2])}
    words = ", ".join(f"{kind} {count}" for kind, count in counted.items()) or done.stdout[-300:]
    return Figure(f"tests {words}{proof and ': '}{proof}", done.returncode == 0 and counted.get("passed", 0) > 0)


def measure(fault: Fault, effort: Effort) -> tuple[Figure, ...]:
    """Everything of one row."""
    figures = [count_tests(fault.tests, fault.proof)] if fault.tests else []
    for take in fault.measures:
        with tempfile.TemporaryDirectory(prefix="chat-tui-faults-") as name:
            try:
                figures.append(take(Path(name), effort))
            except Exception as error:
                figures.append(Figure(f"not measured: {error!r}", False))
    return tuple(figures)


def main() -> int:
    """Print every row as soon as it is measured."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.faults", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument(
        "--kills", type=int, default=100, help="how often the program is killed, and the store (100)"
    )
    parser.add_argument("--only", metavar="NUMBERS", help="only these rows, 2,34 for example")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything that is measured")
    options = parser.parse_args()
    effort = Effort(options.kills, 10 if options.quick else 100)
    wanted = {int(number) for number in options.only.split(",")} if options.only else None
    is_good = True
    for fault in FAULTS:
        if wanted is not None and fault.number not in wanted:
            continue
        started_s = time.monotonic()
        for place, figure in enumerate(measure(fault, effort)):
            is_good = is_good and figure.is_good
            name = f"{fault.number:>3}  {fault.name:<42}" if place == 0 else " " * 47
            lines = ("" if figure.is_good else "MISSED ") + figure.words
            print(name, lines.replace("\n", "\n" + " " * 48), flush=True)
        print(f"{'':47} {time.monotonic() - started_s:.0f} s", file=sys.stderr, flush=True)
    return 0 if is_good else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # nothing is left behind then either
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
