"""Several programs with one store, and one that is killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.kill_store import kill_many
from tests.support.stores import opened

PROCESSES = 4
TURNS = 40

WRITES = """
import sys
from pathlib import Path
from chat_tui.store.store import ConversationStore
from tests.support.stores import answer, running, user
directory, name, turns = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
store = ConversationStore.open(directory)
shared, own = "f" * 32, f"{name:032x}"
store.begin(shared, "shared", "mine/model", 1.0)
store.begin(own, f"own {name}", "mine/model", 1.0)
for turn in range(turns):
    conversation_id = shared if turn % 2 else own
    asked, answered = store.next_message_id(), store.next_message_id()
    store.put_message(conversation_id, user(asked, f"question {name} {turn}"))
    store.put_message(conversation_id, running(answered, asked), is_running=True)
    for piece in range(3):
        store.append_deltas(conversation_id, answered, [("text", f"piece {piece} ")])
    store.settle(conversation_id, answer(answered, f"answer {name} {turn}", asked))
    if turn % 5 == 0:
        assert store.flush(60), store.problem
assert store.close(120), store.problem
assert store.notes == (), store.notes
"""


async def test_four_programs_write_into_one_store_and_nothing_is_lost(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITES, str(tmp_path)]
    programs = [
        subprocess.Popen([*command, str(number), str(TURNS)], stderr=subprocess.PIPE) for number in range(PROCESSES)
    ]
    for program in programs:
        _, errors = program.communicate(timeout=240)
        assert (program.returncode, errors.decode()) == (0, "")
    with opened(tmp_path) as store:
        rows = await store.recent()
        assert len(rows) == PROCESSES + 1
        texts = {message.text for row in rows for message in (await store.load(row.id)).messages}
        wanted = {
            f"{kind} {n} {turn}" for kind in ("question", "answer") for n in range(4) for turn in range(TURNS)
        }
        assert texts == wanted
        counts = await store.counts()
        assert (counts.messages, counts.running) == (PROCESSES * TURNS * 2, 0)


def test_a_program_killed_at_any_moment_loses_nothing_it_was_told_is_saved(tmp_path: Path) -> None:
    counts = kill_many(tmp_path, 20, seed=7)
    assert counts.is_good, counts
    assert counts.kills == 20
    assert counts.acknowledged > 0
