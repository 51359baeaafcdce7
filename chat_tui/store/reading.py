"""Conversations out of SQL: functions over a connection. Cursors stay in here."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final, cast

from chat_tui.core.conversation import Ending, Message, Outcome, Role, TextPart
from chat_tui.store.columns import from_exact, repaired
from chat_tui.store.database import NotOurs
from chat_tui.store.folding import folded, interrupted
from chat_tui.store.model import ConversationRow, StoreCounts, StoredConversation, StoreError, TurnRow
from chat_tui.store.records import BadRecord, ending_from_json, message_from_record
from chat_tui.store.rows import ROW_COLUMNS, number, row_of

_TURNS_AT_ONCE: Final = 2_000
"""About 20 ms: what streams meanwhile wants to be written."""
_ALL_IDS: Final = "SELECT id FROM conversations NOT INDEXED"
_UNKNOWN_PARENT: Final = 0
"""No message has it."""


def recent(
    connection: sqlite3.Connection, limit: int, offset: int, open_elsewhere: Collection[str]
) -> list[ConversationRow]:
    """Pinned ones first, then the ones changed last."""
    rows = connection.execute(
        f"SELECT {ROW_COLUMNS} FROM conversations c ORDER BY is_pinned DESC, sequence DESC LIMIT ? OFFSET ?",  # noqa: S608
        (limit, offset),
    )
    return [row_of(columns, open_elsewhere) for columns in rows]


def load(
    connection: sqlite3.Connection, conversation_id: str, is_alive: Callable[[str], bool]
) -> StoredConversation:
    """All of a conversation; answers of windows that are gone are interrupted ones.

    Raises StoreError when there is none, NotOurs when an index has lost rows: the file is damaged then.
    """
    row = connection.execute(
        "SELECT key, title, is_title_own, is_pinned, created_at_s, updated_at_s, model, tip_id, message_count"
        " FROM conversations WHERE id = ?",
        (conversation_id,),
    ).fetchone()
    if row is None:
        if any(str(found) == conversation_id for (found,) in connection.execute(_ALL_IDS)):
            raise NotOurs("An id of a conversation is damaged, or its index.")
        raise StoreError(f"There is no conversation {conversation_id}.")
    key, title, is_title_own, is_pinned, created_at_s, updated_at_s, model, tip_id, message_count = row
    messages = _connected(tuple(_messages(connection, key, is_alive)))
    if len(messages) != message_count:
        _check_index(connection, key, len(messages))
    if messages and all(message.id != tip_id for message in messages) and tip_id is not None:
        tip_id = messages[-1].id
    return StoredConversation(
        id=conversation_id,
        title=from_exact(title),
        is_title_own=bool(is_title_own),
        is_pinned=bool(is_pinned),
        created_at_s=created_at_s,
        updated_at_s=updated_at_s,
        model=from_exact(model),
        tip_id=tip_id,
        messages=messages,
    )


def _check_index(connection: sqlite3.Connection, key: int, found_count: int) -> None:
    """Raises NotOurs when a conversation has other messages than the index has led to. Reads all of the table."""
    (count,) = connection.execute(
        "SELECT count(*) FROM messages NOT INDEXED WHERE conversation = ?", (key,)
    ).fetchone()
    if count != found_count:
        raise NotOurs("The index of messages is damaged.")


def _connected(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Messages whose parent was lost, or does not stand before them, follow the one that was stored before them:
    every path then has an end."""
    connected: list[Message] = []
    seen: set[int | None] = {None}
    for message in messages:
        is_connected = message.parent_id in seen
        previous_id = connected[-1].id if connected else None
        connected.append(message if is_connected else replace(message, parent_id=previous_id))
        seen.add(message.id)
    return tuple(connected)


def _messages(connection: sqlite3.Connection, key: int, is_alive: Callable[[str], bool]) -> Iterator[Message]:
    rows = connection.execute(
        "SELECT window, sequence, id, record, ending, words FROM messages WHERE conversation = ? ORDER BY sequence",
        (key,),
    ).fetchall()
    alive: dict[str, bool] = {"": True}
    for window, *columns in rows:
        if window not in alive:
            alive[window] = is_alive(window)
        yield message_of(connection, columns) if alive[window] else cut_message_of(connection, columns)


def cut_message_of(connection: sqlite3.Connection, columns: Sequence[object]) -> Message:
    """As `message_of`, of an answer whose window is gone: it is over, and each delta counts as a token."""
    message = message_of(connection, columns)
    token_count = sum(count for _, _, count in _runs(connection, columns[0])) + (
        0 if message.ending is None else message.ending.tokens
    )
    return interrupted(message, token_count)


def _runs(connection: sqlite3.Connection, sequence: object) -> list[tuple[str, str, int]]:
    """Kind, text and number of the deltas of a message; a pair without a number is one."""
    rows = connection.execute("SELECT pairs FROM deltas WHERE message = ? ORDER BY sequence", (sequence,))
    found = ((*run, 1)[:3] for (runs,) in rows for run in json.loads(runs))
    return [(str(kind), from_exact(text), int(count)) for kind, text, count in found]


def message_of(connection: sqlite3.Connection, columns: Sequence[object]) -> Message:
    """From sequence, id, record, ending and words; what cannot be read is the text that is searched."""
    sequence, identity, record, ending, words = columns
    try:
        message = message_from_record(json.loads(str(record)))
    except (BadRecord, ValueError, RecursionError):
        text = (TextPart(str(words)),) if words else ()
        message = Message(cast("int", identity), Role.ASSISTANT, text, _UNKNOWN_PARENT)
    if runs := _runs(connection, sequence):
        message = replace(message, parts=folded(message.parts, [(kind, text) for kind, text, _ in runs]))
    return replace(message, ending=_ending(str(ending))) if ending else message


def _ending(column: str) -> Ending:
    try:
        return ending_from_json(column)
    except BadRecord:
        return Ending(Outcome.INTERRUPTED)


def last_id(connection: sqlite3.Connection) -> str | None:
    """The conversation changed last; None when there is none."""
    row = connection.execute("SELECT id FROM conversations ORDER BY sequence DESC LIMIT 1").fetchone()
    return None if row is None else str(row[0])


def ids_beginning(connection: sqlite3.Connection, beginning: str, limit: int) -> list[str]:
    """At most `limit` ids that begin so, in their order; `beginning` is hexadecimal."""
    rows = connection.execute(
        "SELECT id FROM conversations WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
        (beginning, f"{beginning}g", limit),
    )
    return [str(found) for (found,) in rows]


def running_windows(connection: sqlite3.Connection) -> list[str]:
    """The windows whose answers are marked as running."""
    return [str(name) for (name,) in connection.execute("SELECT DISTINCT window FROM messages WHERE window <> ''")]


def place_of(connection: sqlite3.Connection, conversation_id: str) -> int | None:
    """Where it stands in the list."""
    row = connection.execute("SELECT sequence FROM conversations WHERE id = ?", (conversation_id,)).fetchone()
    return None if row is None else int(row[0])


def known(connection: sqlite3.Connection, ids: Iterable[str]) -> frozenset[str]:
    """Those of `ids` that are here."""
    return frozenset(identity for identity in ids if key_of(connection, identity) is not None)


def turns(
    connection: sqlite3.Connection, since_s: float, model: str | None, after: int
) -> tuple[list[TurnRow], int | None]:
    """Some of the answers begun since, in the order they were stored; of one model or of all.

    Also what to give as `after` for more; None when these were the last.
    """
    rows = connection.execute(
        "SELECT sequence, created_at_s, ending, record FROM messages"
        " WHERE sequence > ? AND ending <> '' AND created_at_s >= ? ORDER BY sequence LIMIT ?",
        (after, since_s, _TURNS_AT_ONCE),
    ).fetchall()
    found = (_turn(number(at_s), str(ending), str(record)) for _, at_s, ending, record in rows)
    return [turn for turn in found if turn is not None and model in (None, turn.model)], (
        int(rows[-1][0]) if len(rows) == _TURNS_AT_ONCE else None
    )


def _turn(started_at_s: float, column: str, record: str) -> TurnRow | None:
    try:
        ending, model = ending_from_json(column), json.loads(record).get("model", "")
    except (BadRecord, ValueError, AttributeError, RecursionError):
        return None
    if ending.is_rewritten:  # by the reader: no model was asked
        return None
    name = model if isinstance(model, str) else "".join(model)
    return TurnRow(
        model=name,
        provider=name.partition("/")[0] if "/" in name else "",
        started_at_s=started_at_s,
        outcome=str(ending.outcome),
        tokens=ending.tokens,
        is_estimate=ending.is_estimate,
        ttft_s=ending.ttft_s,
        tokens_per_s=ending.tokens_per_s,
        gap_p95_s=ending.gap_p95_s,
        longest_gap_s=ending.longest_gap_s,
        stalls=ending.stalls,
        charge=ending.charge,
    )


def conversation_count(connection: sqlite3.Connection) -> int:
    """How many conversations there are: out of an index, their rows are not read."""
    return int(connection.execute("SELECT count(*) FROM conversations").fetchone()[0])


def counts(connection: sqlite3.Connection) -> StoreCounts:
    """How much there is."""
    conversations, messages = connection.execute(
        "SELECT count(*), total(message_count) FROM conversations"
    ).fetchone()
    running = connection.execute("SELECT count(*) FROM messages WHERE window <> ''").fetchone()[0]
    return StoreCounts(int(conversations), int(messages), int(running))


def key_of(connection: sqlite3.Connection, conversation_id: str) -> int | None:
    """The conversation's row; None when it is not here."""
    row = connection.execute("SELECT key FROM conversations WHERE id = ?", (repaired(conversation_id),)).fetchone()
    return None if row is None else int(row[0])
