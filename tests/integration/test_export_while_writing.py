"""What is exported while another program writes is whole: it comes back equal, and is one moment of the store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from chat_tui.core.conversation import Role
from chat_tui.store.export import ExportFormat, render
from chat_tui.store.importers import read_conversations
from tests.integration.test_store_processes import WRITES
from tests.support.stores import opened

ROUNDS = 15


async def export_while_writing(folder: Path, rounds: int) -> tuple[int, int]:
    """How many conversations were exported and imported again, and how many of them were not equal."""
    command = [sys.executable, "-c", WRITES, str(folder / "state"), "1", "100000"]
    exported = different = 0
    path = folder / "export.json"
    with subprocess.Popen(command, stderr=subprocess.PIPE) as writer, opened(folder / "state") as store:
        try:
            while exported < rounds:
                for row in await store.recent():
                    conversation = await store.load(row.id)
                    path.write_text(render(conversation, ExportFormat.JSON), "ascii")
                    is_equal = list(read_conversations(path)) == [conversation]
                    ids = {message.id for message in conversation.messages}
                    is_whole = all(m.parent_id in ids for m in conversation.messages if m.role is Role.ASSISTANT)
                    exported += 1
                    different += not (is_equal and is_whole)
        finally:
            writer.kill()
    return exported, different


async def test_an_export_while_another_program_writes_comes_back_equal(tmp_path: Path) -> None:
    exported, different = await export_while_writing(tmp_path, ROUNDS)
    assert (exported >= ROUNDS, different) == (True, 0)
