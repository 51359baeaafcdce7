"""Rows that are not what they were: a conversation is shown all the same, and every path in it has an end."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from chat_tui.core.conversation import Conversation, Ending, Outcome
from chat_tui.store.columns import from_exact
from chat_tui.store.model import StoreError
from tests.support.stores import FLUSH_S, answer, chat, opened, user

_OTHER = "(SELECT id FROM messages o WHERE o.sequence <> messages.sequence ORDER BY o.sequence DESC)"
BROKEN = {
    "its own parent": "UPDATE messages SET record = json_set(record, '$.parent_id', id)",
    "parents in a circle": f"UPDATE messages SET record = json_set(record, '$.parent_id', {_OTHER})",
    "no parent is there": "UPDATE messages SET record = json_set(record, '$.parent_id', 99)",
    "no records": "UPDATE messages SET record = 'x'",
    "the first is gone": "DELETE FROM messages WHERE id = 1",
    "no tip": "UPDATE conversations SET tip_id = 99",
}


@pytest.mark.parametrize("name", BROKEN)
async def test_broken_rows_make_a_conversation_that_can_be_shown(tmp_path: Path, name: str) -> None:
    with opened(tmp_path) as store:
        conversation_id = chat(store)
        store.put_message(conversation_id, user(3, "more", 2))
        store.settle(conversation_id, answer(4, "yes", 3))
    with closing(sqlite3.connect(tmp_path / "conversations.db")) as connection:
        connection.execute(BROKEN[name])
        connection.commit()
    with opened(tmp_path) as store:
        stored = await store.load(conversation_id)
    conversation = Conversation()
    conversation.restore(stored.messages, stored.tip_id)
    texts = [message.text for message in conversation.path()]
    assert texts == ["question", "reply", "more", "yes"][-len(stored.messages) :]


async def test_an_answer_that_was_cut_says_about_how_many_tokens_it_has(tmp_path: Path) -> None:
    """One that was gone on with has those from before, too."""
    with opened(tmp_path) as store:
        conversation_id = chat(store)
        for number, before in ((3, 0), (4, 7)):
            begun = replace(answer(number, "", 1), ending=Ending(Outcome.STOPPED, tokens=before))
            store.put_message(conversation_id, begun, is_running=True)
            store.append_deltas(conversation_id, number, [("text", "one "), ("text", "two ")])
            store.append_deltas(conversation_id, number, [("text", "three")])
        assert store.flush(FLUSH_S)
        copy = tmp_path / "copy"
        copy.mkdir()
        for path in tmp_path.glob("conversations.db*"):
            shutil.copy(path, copy)
        with opened(copy) as other:
            found = (await other.load(conversation_id)).messages[2:]
    assert [message.text for message in found] == ["one two three"] * 2
    endings = [message.ending for message in found if message.ending is not None]
    assert [(ending.outcome, ending.tokens, ending.is_estimate) for ending in endings] == [
        (Outcome.INTERRUPTED, 3, True),
        (Outcome.INTERRUPTED, 10, True),
    ]


INDEX, TABLE = 10, 13
"""The first byte of a page that is a leaf of the one or the other."""


def damage(path: Path, needle: bytes, *, kind: int, mask: int) -> None:
    """Change bits of the needle's first byte where it stands in a page of that kind."""
    content = bytearray(path.read_bytes())
    for start in range(4096, len(content), 4096):
        place = content.find(needle, start, start + 4096)
        if content[start] == kind and place >= 0:
            content[place] ^= mask
            path.write_bytes(content)
            return
    raise AssertionError("no such page has it")


@pytest.mark.parametrize(("kind", "mask"), [(INDEX, 1), (TABLE, 1), (TABLE, 128)])
async def test_a_conversation_that_an_index_has_lost_is_salvaged(tmp_path: Path, kind: int, mask: int) -> None:
    """A quick check finds nothing; it was listed and could not be opened."""
    with opened(tmp_path) as store:
        conversation_id = chat(store)
    damage(tmp_path / "conversations.db", conversation_id.encode(), kind=kind, mask=mask)
    with opened(tmp_path) as store:
        [row] = await store.recent()
        assert (row.id == conversation_id) is (kind == INDEX)
        assert [message.text for message in (await store.load(row.id)).messages] == ["question", "reply"]
        assert len(store.notes) == 1
        with pytest.raises(StoreError, match="There is no conversation"):
            await store.load("f" * 32)
        assert len(store.notes) == 1


@pytest.mark.parametrize(
    ("column", "text"), [(b"\xff\x00a", "\ufffd\x00a"), (None, ""), (7, "7"), ("plain", "plain")]
)
def test_whatever_a_damaged_row_holds_is_text(column: object, text: str) -> None:
    assert from_exact(column) == text
