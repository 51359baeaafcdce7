"""What is typed and not sent, and what was sent before: functions over a connection."""

from __future__ import annotations

import sqlite3
from typing import Final

from chat_tui.store.columns import exact, from_exact, repaired

MAX_PROMPTS: Final = 5_000
"""Older ones are dropped."""


def put_draft(connection: sqlite3.Connection, key: str, text: str) -> None:
    """Keep the draft of a conversation (or of "new"); an empty one is removed."""
    if text:
        connection.execute(
            "INSERT INTO drafts (key, text) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET text = excluded.text",
            (repaired(key), exact(text)),
        )
    else:
        connection.execute("DELETE FROM drafts WHERE key = ?", (repaired(key),))


def draft(connection: sqlite3.Connection, key: str) -> str:
    """The draft; empty when there is none."""
    row = connection.execute("SELECT text FROM drafts WHERE key = ?", (repaired(key),)).fetchone()
    return "" if row is None else from_exact(row[0])


def add_prompt(connection: sqlite3.Connection, text: str) -> None:
    """Remember what was sent; what was sent before becomes the newest."""
    if not text.strip():
        return
    stored = exact(text)
    connection.execute("DELETE FROM prompts WHERE text = ?", (stored,))
    sequence = connection.execute("INSERT INTO prompts (text) VALUES (?)", (stored,)).lastrowid
    if sequence and sequence % 100 == 0:
        connection.execute(
            "DELETE FROM prompts WHERE sequence <="
            " (SELECT sequence FROM prompts ORDER BY sequence DESC LIMIT 1 OFFSET ?)",
            (MAX_PROMPTS,),
        )


def forget_prompt(connection: sqlite3.Connection, text: str) -> None:
    """Remove it from what was sent."""
    if text:
        connection.execute("DELETE FROM prompts WHERE text = ?", (exact(text),))


def prompts(connection: sqlite3.Connection, limit: int) -> list[str]:
    """The newest first."""
    rows = connection.execute("SELECT text FROM prompts ORDER BY sequence DESC LIMIT ?", (limit,))
    return [from_exact(row[0]) for row in rows]
