"""The tables, their versions, and the steps from each version to the next.

A step is a tuple of statements that run in one transaction together with the new version number: a file has the
old form or the new one, never something between. Versions only go up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

APPLICATION_ID: Final = 0x63747569
"""Stands in the header of our files ("ctui"): what has another one is somebody else's."""


@dataclass(frozen=True, slots=True)
class Schema:
    """`steps[n]` leads from version n to n + 1; version 0 is an empty file."""

    steps: tuple[tuple[str, ...], ...]

    @property
    def version(self) -> int:
        """The newest version, the only one that is worked with."""
        return len(self.steps)


_FIRST: Final = (
    # Texts that are shown again are JSON (`columns.exact`): SQLite stores no lone surrogates. `sequence` orders the
    # list: clocks jump, it does not. What a line of the list shows is counted when it changes, not when it is read.
    """
    CREATE TABLE conversations (
        key INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        sequence INTEGER NOT NULL,
        is_pinned INTEGER NOT NULL DEFAULT 0,
        is_title_own INTEGER NOT NULL DEFAULT 0,
        is_unfinished INTEGER NOT NULL DEFAULT 0,
        created_at_s REAL NOT NULL,
        updated_at_s REAL NOT NULL,
        tip_id INTEGER,
        message_count INTEGER NOT NULL DEFAULT 0,
        text_chars INTEGER NOT NULL DEFAULT 0,
        title TEXT NOT NULL,
        title_words TEXT NOT NULL,
        model TEXT NOT NULL,
        preview TEXT NOT NULL DEFAULT ''
    )
    """,
    "CREATE INDEX conversations_recent ON conversations (is_pinned, sequence)",
    "CREATE INDEX conversations_newest ON conversations (sequence)",
    # `record` is the message without its ending, `words` the copy that is searched; `window`: of a running answer.
    """
    CREATE TABLE messages (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        conversation INTEGER NOT NULL,
        id INTEGER NOT NULL,
        created_at_s REAL NOT NULL,
        window TEXT NOT NULL DEFAULT '',
        ending TEXT NOT NULL DEFAULT '',
        text_chars INTEGER NOT NULL DEFAULT 0,
        record TEXT NOT NULL,
        words TEXT NOT NULL DEFAULT '',
        UNIQUE (conversation, id)
    )
    """,
    "CREATE INDEX messages_running ON messages (window) WHERE window <> ''",
    "CREATE INDEX messages_ended ON messages (created_at_s) WHERE ending <> ''",
    """
    CREATE TABLE deltas (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT, message INTEGER NOT NULL, pairs TEXT NOT NULL
    )
    """,
    "CREATE INDEX deltas_of_message ON deltas (message, sequence)",
    "CREATE TABLE drafts (key TEXT PRIMARY KEY, text TEXT NOT NULL)",
    "CREATE TABLE prompts (sequence INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL UNIQUE)",
    "CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    # Row ids: a message's sequence, or the negative key of a conversation for its title. The index keeps no text.
    """
    CREATE VIRTUAL TABLE word_index USING fts5 (
        words, content='', columnsize=0, prefix='1 2 3', tokenize="unicode61 remove_diacritics 2"
    )
    """,
)

SCHEMA: Final = Schema(steps=(_FIRST,))
"""What this program works with."""

SALVAGED_TABLES: Final = ("conversations", "messages", "deltas", "drafts", "prompts")
"""What is copied out of a damaged file; the index is made again."""
