"""What a list, a search and a conversation cost does not grow with how much there is: counted in SQLite's steps."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from chat_tui.store import conversations, reading, search
from chat_tui.store.database import Files, open_database
from chat_tui.store.model import StoredConversation
from tests.support.stores import answer, user

FEW, MANY = 100, 2000


def filled(directory: Path, count: int) -> tuple[sqlite3.Connection, str]:
    connection = open_database(Files(directory))
    connection.execute("BEGIN")
    conversation_id = ""
    for number in range(count):
        messages = (user(1, f"common question {number}"), answer(2, f"common reply {number}", 1))
        conversation_id = uuid.uuid4().hex
        conversations.insert(connection, StoredConversation(conversation_id, f"title {number}", messages=messages))
    connection.execute("COMMIT")
    return connection, conversation_id


def steps(connection: sqlite3.Connection, ask: Callable[[], object]) -> int:
    """Instructions of SQLite's machine."""
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    connection.set_progress_handler(count, 1)
    ask()
    connection.set_progress_handler(None, 1)
    return taken


def test_lists_searches_and_loading_do_not_grow(tmp_path: Path) -> None:
    costs: list[list[int]] = []
    for count in (FEW, MANY):
        connection, conversation_id = filled(tmp_path / str(count), count)
        with closing(connection):
            asked: list[Callable[[], object]] = [
                lambda c=connection: reading.recent(c, 50, 0, ()),
                lambda c=connection, i=conversation_id: reading.load(c, i, lambda _: False),
                lambda c=connection: reading.last_id(c),
                lambda c=connection: search.find(c, "com", 50),
                lambda c=connection: search.find(c, "common re", 50),
                lambda c=connection: search.find(c, "99", 50),
                lambda c=connection, i=conversation_id: conversations.append_deltas(c, i, 2, [("text", "more")]),
                lambda c=connection: conversations.begin(c, uuid.uuid4().hex, "new", "model", 0.0, 0.0),
            ]
            costs.append([steps(connection, ask) for ask in asked])
    few, many = costs
    assert all(cost > 0 for cost in few)
    assert [number for number in range(len(few)) if many[number] > few[number] * 3 + 50] == []
