"""What is exported while another program writes is whole: it comes back equal, and is one moment of the store."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from chat_tui.core.conversation import Role
from chat_tui.store.export import ExportFormat, render
from chat_tui.store.importers import read_conversations
from tests.support.stores import opened
from tests.support.waiting import wait_until

ROUNDS = 15
NEWEST = 3
"""Of so many conversations the last ones are taken: what is being written is among them."""

WRITES = """
import itertools, sys
from pathlib import Path
from chat_tui.store.store import ConversationStore
from tests.support.stores import answer, running, user
store = ConversationStore.open(Path(sys.argv[1]))
for turn in itertools.count():
    conversation_id = f"{turn // 20:032x}"  # none grows for ever
    asked, answered = store.next_message_id(), store.next_message_id()
    store.put_message(conversation_id, user(asked, f"question {turn}"))
    store.put_message(conversation_id, running(answered, asked), is_running=True)
    for piece in range(3):
        store.append_deltas(conversation_id, answered, [("text", f"piece {piece} ")])
    store.settle(conversation_id, answer(answered, f"answer {turn}", asked))
    if turn % 5 == 0:
        assert store.flush(60), store.problem
"""
"""Until it is killed."""


@dataclass(frozen=True)
class Exports:
    """How many were imported again, how many of them were not equal or not whole; `moments`: in how many states the
    newest conversation was. `was_written`: by the other program, to the end."""

    exported: int
    different: int
    moments: int
    was_written: bool


async def export_while_writing(folder: Path, rounds: int) -> Exports:
    """At least `rounds` exports."""
    command = [sys.executable, "-c", WRITES, str(folder / "state")]
    exported = different = 0
    newest: set[tuple[str, int]] = set()
    path = folder / "export.json"
    with subprocess.Popen(command) as writer, opened(folder / "state") as store:
        try:
            await wait_until(lambda: writer.poll() is not None or store.directory.exists(), 60, "the store")
            while exported < rounds and writer.poll() is None:
                for place, row in enumerate(await store.recent(NEWEST)):
                    conversation = await store.load(row.id)
                    if not place:
                        newest.add((row.id, len(conversation.messages)))
                    path.write_text(render(conversation, ExportFormat.JSON), "ascii")
                    is_equal = list(read_conversations(path)) == [conversation]
                    ids = {message.id for message in conversation.messages}
                    is_whole = all(m.parent_id in ids for m in conversation.messages if m.role is Role.ASSISTANT)
                    exported += 1
                    different += not (is_equal and is_whole)
            was_written = writer.poll() is None
        finally:
            writer.kill()
    return Exports(exported, different, len(newest), was_written)


async def test_an_export_while_another_program_writes_comes_back_equal(tmp_path: Path) -> None:
    exports = await export_while_writing(tmp_path, ROUNDS)
    assert (exports.exported >= ROUNDS, exports.different, exports.was_written) == (True, 0, True)
    assert exports.moments > 1
