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

FEW, MANY = 100, 2_000
MOST_MORE = 1.5
"""A tree of pages is a level higher; what is looked at one by one would cost twenty times as much."""


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


def costs(directory: Path, count: int) -> dict[str, int]:
    """Steps of what is done with one conversation or a page of them; "all": of what reads every row."""
    connection, newest = filled(directory, count)
    with closing(connection):
        (oldest,) = connection.execute("SELECT id FROM conversations ORDER BY sequence LIMIT 1").fetchone()
        asked: dict[str, Callable[[], object]] = {
            "list": lambda: reading.recent(connection, 50, 0, ()),
            "count": lambda: reading.conversation_count(connection),
            "windows": lambda: reading.running_windows(connection),
            "load newest": lambda: reading.load(connection, newest, lambda _: False),
            "load oldest": lambda: reading.load(connection, oldest, lambda _: False),
            "last": lambda: reading.last_id(connection),
            "id": lambda: reading.ids_beginning(connection, newest[:8], 2),
            "search a letter": lambda: search.find(connection, "c", 50),
            "search a beginning": lambda: search.find(connection, "com", 50),
            "search a word": lambda: search.find(connection, "common", 50),
            "search two words": lambda: search.find(connection, "common re", 50),
            "search in titles": lambda: search.find(connection, "titl", 50),
            "search for one": lambda: search.find(connection, f"question {FEW - 1}", 1),
            "search for nothing": lambda: search.find(connection, "common nothing", 50),
            "append": lambda: conversations.append_deltas(connection, newest, 2, [("text", "more")]),
            "begin": lambda: conversations.begin(connection, uuid.uuid4().hex, "new", "model", 0.0, 0.0),
            "all": lambda: reading.counts(connection),
        }
        return {name: steps(connection, ask) for name, ask in asked.items()}


def test_lists_searches_and_loading_do_not_grow(tmp_path: Path) -> None:
    few, many = costs(tmp_path / "few", FEW), costs(tmp_path / "many", MANY)
    assert all(cost > 0 for cost in few.values())
    growing = {name: (few[name], many[name]) for name in few if many[name] > few[name] * MOST_MORE}
    assert set(growing) == {"all"}, growing
    assert many["all"] > few["all"] * MANY / FEW / 2
