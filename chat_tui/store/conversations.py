"""Conversations into SQL: functions over a connection, each to be called inside a transaction of the caller's."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final, TypeAlias

from chat_tui.core.conversation import Message, Outcome, Role
from chat_tui.store import drafts, search
from chat_tui.store.columns import exact, first_line, from_exact, repaired
from chat_tui.store.merging import Additions
from chat_tui.store.model import (
    PREVIEW_CHARS,
    StoredConversation,
)
from chat_tui.store.reading import cut_message_of, key_of
from chat_tui.store.records import (
    BadRecord,
    ending_to_json,
    message_from_record,
    message_to_record,
)
from chat_tui.store.rows import number

Delta: TypeAlias = tuple[str, str]
"""What kind of text it is, and the text."""


def begin(
    connection: sqlite3.Connection, conversation_id: str, title: str, model: str, created_at_s: float, now_s: float
) -> int:
    """Make the conversation unless it is there; its key."""
    connection.execute(
        "INSERT OR IGNORE INTO conversations"  # noqa: S608 - our own words
        " (id, sequence, created_at_s, updated_at_s, title, title_words, model)"
        f" VALUES (?, {_NEXT_SEQUENCE}, ?, ?, ?, '', ?)",
        (conversation_id, created_at_s, now_s, exact(""), exact(model)),
    )
    key = key_of(connection, conversation_id)
    if key is None:
        raise sqlite3.IntegrityError("The conversation could not be made.")
    if title and from_exact(_one(connection, "SELECT title FROM conversations WHERE key = ?", key)) == "":
        _set_title(connection, key, title)
    return key


def put_message(
    connection: sqlite3.Connection, conversation_id: str, message: Message, *, window: str, now_s: float
) -> int:
    """Insert or replace a message; a new one becomes the tip. `window` is empty unless it runs. Its sequence."""
    key = key_of(connection, conversation_id)
    if key is None:
        key = begin(connection, conversation_id, "", message.model, now_s, now_s)
    before = connection.execute(
        "SELECT sequence, text_chars, words FROM messages WHERE conversation = ? AND id = ?", (key, message.id)
    ).fetchone()
    record = message_to_record(replace(message, ending=None))
    ending = "" if message.ending is None else ending_to_json(message.ending)
    words = "" if window else repaired(message.text)
    values = (_created_at_s(record), window, ending, len(message.text), _dumped(record), words)
    if before is None:
        sequence = connection.execute(
            "INSERT INTO messages (conversation, id, created_at_s, window, ending, text_chars, record, words)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (key, message.id, *values),
        ).lastrowid
        if sequence is None:
            raise sqlite3.IntegrityError("The message could not be made.")
    else:
        sequence = int(before[0])
        search.remove(connection, sequence, str(before[2]))
        connection.execute(
            "UPDATE messages SET created_at_s = ?, window = ?, ending = ?, text_chars = ?, record = ?, words = ?"
            " WHERE sequence = ?",
            (*values, sequence),
        )
    search.add(connection, sequence, words)
    _touch(connection, key, message, chars=len(message.text) - (int(before[1]) if before else 0), now_s=now_s)
    if before is None:
        connection.execute(
            "UPDATE conversations SET message_count = message_count + 1, tip_id = ? WHERE key = ?",
            (message.id, key),
        )
    return sequence


def _touch(connection: sqlite3.Connection, key: int, message: Message, *, chars: int, now_s: float) -> None:
    """What the list shows of the conversation, after a message of it changed."""
    preview = first_line(message.text, PREVIEW_CHARS)
    is_unfinished = message.ending is not None and message.ending.outcome is Outcome.INTERRUPTED
    connection.execute(
        f"UPDATE conversations SET sequence = {_NEXT_SEQUENCE}, updated_at_s = ?,"  # noqa: S608 - our own words
        " text_chars = text_chars + ?,"
        " is_unfinished = ?, preview = CASE WHEN ? = '' THEN preview ELSE ? END,"
        " model = CASE WHEN ? THEN ? ELSE model END WHERE key = ?",
        (now_s, chars, is_unfinished, preview, preview, bool(message.model), exact(message.model), key),
    )


def append_deltas(
    connection: sqlite3.Connection, conversation_id: str, message_id: int, deltas: Iterable[Delta]
) -> bool:
    """Add to what a running message has; False when it is not there."""
    sequence = _sequence(connection, conversation_id, message_id)
    if sequence is None:
        return False
    connection.execute("INSERT INTO deltas (message, pairs) VALUES (?, ?)", (sequence, _runs(deltas)))
    return True


def _runs(deltas: Iterable[Delta]) -> str:
    """Kind, text and number of deltas that follow each other with one kind; two names of tools are two calls."""
    runs: list[tuple[str, list[str]]] = []
    for kind, text in deltas:
        if runs and runs[-1][0] == kind != "call":
            runs[-1][1].append(text)
        else:
            runs.append((kind, [text]))
    return json.dumps([[kind, exact("".join(texts)), len(texts)] for kind, texts in runs], separators=(",", ":"))


def settle(connection: sqlite3.Connection, conversation_id: str, message: Message, now_s: float) -> None:
    """The final message, in place of the running one and its deltas."""
    sequence = put_message(connection, conversation_id, message, window="", now_s=now_s)
    connection.execute("DELETE FROM deltas WHERE message = ?", (sequence,))


def set_tip(connection: sqlite3.Connection, conversation_id: str, message_id: int | None) -> None:
    """Which path is shown. The order of the list stays."""
    connection.execute("UPDATE conversations SET tip_id = ? WHERE id = ?", (message_id, conversation_id))


def rename(connection: sqlite3.Connection, conversation_id: str, title: str, *, is_own: bool) -> None:
    """Give the title; one that is not the user's own (`is_own`) never replaces one that is."""
    row = connection.execute(
        "SELECT key, is_title_own FROM conversations WHERE id = ?", (conversation_id,)
    ).fetchone()
    if row is None or (row[1] and not is_own):
        return
    _set_title(connection, int(row[0]), title)
    connection.execute("UPDATE conversations SET is_title_own = ? WHERE key = ?", (is_own, row[0]))


def set_pinned(connection: sqlite3.Connection, conversation_id: str, is_pinned: bool) -> None:
    """Keep it at the top, or no longer."""
    connection.execute("UPDATE conversations SET is_pinned = ? WHERE id = ?", (is_pinned, conversation_id))


def delete(connection: sqlite3.Connection, conversation_id: str) -> None:
    """Remove every row and every word of it. The index still has to be scrubbed (search.scrub)."""
    row = connection.execute(
        "SELECT key, title_words FROM conversations WHERE id = ?", (conversation_id,)
    ).fetchone()
    if row is None:
        return
    key = int(row[0])
    search.remove(connection, -key, str(row[1]))
    rows = connection.execute(
        "SELECT sequence, words, record FROM messages WHERE conversation = ?", (key,)
    ).fetchall()
    for sequence, words, record in rows:
        search.remove(connection, int(sequence), str(words))
        drafts.forget_prompt(connection, _user_text(str(record)))
    connection.execute(
        "DELETE FROM deltas WHERE message IN (SELECT sequence FROM messages WHERE conversation = ?)", (key,)
    )
    connection.execute("DELETE FROM messages WHERE conversation = ?", (key,))
    connection.execute("DELETE FROM drafts WHERE key = ?", (conversation_id,))
    connection.execute("DELETE FROM conversations WHERE key = ?", (key,))


def insert(connection: sqlite3.Connection, conversation: StoredConversation, *, place: int | None = None) -> bool:
    """A whole conversation, as it is; False when there is one of that id. `place` in the list: None is the top."""
    if key_of(connection, conversation.id) is not None:
        return False
    key = begin(connection, conversation.id, "", conversation.model, conversation.created_at_s, 0.0)
    for message in conversation.messages:
        put_message(connection, conversation.id, message, window="", now_s=0.0)
    _set_title(connection, key, conversation.title)
    connection.execute(
        "UPDATE conversations SET is_title_own = ?, is_pinned = ?, updated_at_s = ?, model = ?, tip_id = ?"
        " WHERE key = ?",
        (
            conversation.is_title_own,
            conversation.is_pinned,
            conversation.updated_at_s,
            exact(conversation.model),
            conversation.tip_id,
            key,
        ),
    )
    if place is not None:
        connection.execute("UPDATE conversations SET sequence = ? WHERE key = ?", (place, key))
    return True


def grow(connection: sqlite3.Connection, additions: Additions) -> None:
    """Add the messages that are not here yet; the place in the list stays, and what is shown unless it goes on."""
    identity = additions.conversation_id
    row = connection.execute(
        "SELECT key, sequence, updated_at_s, tip_id, model, preview, is_unfinished FROM conversations WHERE id = ?",
        (identity,),
    ).fetchone()
    if row is None:  # deleted meanwhile
        return
    key, place, updated_at_s, tip_id, *shown = row
    updated_at_s = max(number(updated_at_s), additions.updated_at_s)
    for message in additions.messages:
        if _sequence(connection, identity, message.id) is None:
            put_message(connection, identity, message, window="", now_s=updated_at_s)
    if additions.tip_id is not None and tip_id == additions.from_tip_id:
        tip_id = additions.tip_id
    else:
        connection.execute(
            "UPDATE conversations SET model = ?, preview = ?, is_unfinished = ? WHERE key = ?", (*shown, key)
        )
    connection.execute(
        "UPDATE conversations SET sequence = ?, updated_at_s = ?, tip_id = ? WHERE key = ?",
        (place, updated_at_s, tip_id, key),
    )


def lowest_place(connection: sqlite3.Connection) -> int:
    """Below all others: what is imported, newest first, is not what was worked with last."""
    return int(connection.execute("SELECT coalesce(min(sequence), 1) - 1 FROM conversations").fetchone()[0])


def recover(connection: sqlite3.Connection, is_alive: Callable[[str], bool]) -> int:
    """End the answers of windows that are gone as interrupted, with all their text; how many.

    The list keeps its order.
    """
    names = [str(row[0]) for row in connection.execute("SELECT DISTINCT window FROM messages WHERE window <> ''")]
    count = 0
    for name in names:
        if is_alive(name):
            continue
        rows = connection.execute(
            "SELECT c.id, c.sequence, c.updated_at_s, m.sequence, m.id, m.record, m.ending, m.words"
            " FROM messages m JOIN conversations c ON c.key = m.conversation WHERE m.window = ?",
            (name,),
        ).fetchall()
        for conversation_id, place, updated_at_s, *columns in rows:
            message = cut_message_of(connection, columns)
            settle(connection, str(conversation_id), message, number(updated_at_s))
            connection.execute("UPDATE conversations SET sequence = ? WHERE id = ?", (place, conversation_id))
            count += 1
    return count


def adopt(connection: sqlite3.Connection) -> None:
    """Give messages whose conversation is lost a new one, and count again: after a salvage."""
    lost = "SELECT DISTINCT conversation FROM messages WHERE conversation NOT IN (SELECT key FROM conversations)"
    for (key,) in connection.execute(lost).fetchall():
        connection.execute(
            "INSERT INTO conversations"  # noqa: S608 - our own words
            " (key, id, sequence, created_at_s, updated_at_s, title, title_words, model)"
            f" SELECT ?, lower(hex(randomblob(16))), {_NEXT_SEQUENCE}, min(created_at_s), max(created_at_s),"
            " ?, ?, ?"
            " FROM messages WHERE conversation = ?",
            (key, exact(_RECOVERED), _RECOVERED, exact(""), key),
        )
    connection.execute(
        "UPDATE conversations SET"
        " message_count = (SELECT count(*) FROM messages WHERE conversation = key),"
        " text_chars = (SELECT total(text_chars) FROM messages WHERE conversation = key)"
    )


# -- inside ----------------------------------------------------------------------------------------

_RECOVERED: Final = "Recovered conversation"
_NEXT_SEQUENCE: Final = "(SELECT coalesce(max(sequence), 0) + 1 FROM conversations)"


def _set_title(connection: sqlite3.Connection, key: int, title: str) -> None:
    search.remove(connection, -key, _one(connection, "SELECT title_words FROM conversations WHERE key = ?", key))
    words = repaired(title)
    connection.execute(
        "UPDATE conversations SET title = ?, title_words = ? WHERE key = ?", (exact(title), words, key)
    )
    search.add(connection, -key, words)


def _sequence(connection: sqlite3.Connection, conversation_id: str, message_id: int) -> int | None:
    row = connection.execute(
        "SELECT m.sequence FROM conversations c JOIN messages m ON m.conversation = c.key AND m.id = ?"
        " WHERE c.id = ?",
        (message_id, conversation_id),
    ).fetchone()
    return None if row is None else int(row[0])


def _one(connection: sqlite3.Connection, statement: str, key: int) -> str:
    return str(connection.execute(statement, (key,)).fetchone()[0])


def _user_text(record: str) -> str:
    """What the user sent; empty when it is another's message."""
    try:
        message = message_from_record(json.loads(record))
    except (BadRecord, ValueError, RecursionError):
        return ""
    return message.text if message.role is Role.USER else ""


def _created_at_s(record: dict[str, object]) -> float:
    return number(record.get("created_at_s", 0.0))


def _dumped(record: object) -> str:
    return json.dumps(record, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
