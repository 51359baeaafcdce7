"""The logs database of the `llm` tool: both generations of its tables, read only.

Newer versions keep chains of messages (`threads`, `turns`, `messages`, `parts`), older ones a row for each answer
(`responses`). A conversation that is in both is taken from the newer tables: its chain has all of it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final, TypeAlias, cast

from chat_tui.core.conversation import Ending, Outcome, ReasoningPart, Role
from chat_tui.core.events import Usage
from chat_tui.store.importers.building import (
    ImportProblem,
    Sprout,
    as_count,
    as_list,
    as_name,
    as_object,
    as_text,
    as_time_s,
    call_of,
    conversation_id,
    placeholder,
    result_of,
    stored,
)
from chat_tui.store.model import StoredConversation

SOURCE: Final = "llm"
HEADER: Final = b"SQLite format 3\0"
MAX_VALUE_BYTES: Final = 64 << 20
"""A text longer than this is not read: the database is then not taken over."""
MAX_CHAIN: Final = 100_000

_BUSY_S: Final = 2.0
_ROLES: Final = {"user": Role.USER, "assistant": Role.ASSISTANT, "system": Role.SYSTEM, "tool": Role.ASSISTANT}
_WANTED: Final = {
    "conversations": ("id", "name", "model"),
    "responses": (
        *("id", "model", "resolved_model", "prompt", "system", "response", "reasoning", "conversation_id"),
        *("datetime_utc", "duration_ms", "input_tokens", "output_tokens"),
    ),
    "threads": ("id", "name", "tip_message_hash", "datetime_utc"),
    "turns": (
        *("thread_id", "tip_message_hash", "model", "resolved_model", "datetime_utc", "duration_ms"),
        *("input_tokens", "output_tokens"),
    ),
    "messages": ("hash", "parent_hash", "role"),
    "parts": ("message_hash", "position", "type", "tool_name", "text", "payload"),
    "fragments": ("id", "content"),
    "prompt_fragments": ("response_id", "fragment_id", "order"),
    "attachments": ("id", "type", "path", "url"),
    "prompt_attachments": ("response_id", "attachment_id", "order"),
}

_Row: TypeAlias = Mapping[str, object]


def conversations(path: Path) -> Iterator[StoredConversation]:
    """All conversations of a logs database, the newest first. Raises ImportProblem; the file is not written to."""
    try:
        with closing(_opened(path)) as connection:
            logs = _Logs(connection)
            known: set[str] = set()
            if {"threads", "turns", "messages", "parts"} <= logs.tables:
                for conversation in logs.threads():
                    known.add(conversation.id)
                    yield conversation
            elif "responses" not in logs.tables:
                raise ImportProblem("The database is not a log of llm: it has no table of responses.")
            if "responses" in logs.tables:
                yield from logs.conversations_of_responses(known)
    except sqlite3.Error as error:
        raise ImportProblem(f"The database cannot be read ({as_name(str(error))}).") from None


def _opened(path: Path) -> sqlite3.Connection:
    uri = path.resolve().as_uri()
    last: sqlite3.Error | None = None
    for mode in ("mode=ro", "mode=ro&immutable=1"):  # where a WAL needs files beside it that cannot be made
        connection = sqlite3.connect(f"{uri}?{mode}", uri=True, timeout=_BUSY_S, isolation_level=None)
        try:
            connection.text_factory = _decoded
            connection.row_factory = sqlite3.Row
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
            connection.execute("PRAGMA query_only = ON")
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            connection.close()
            last = error
        else:
            return connection
    raise last or sqlite3.OperationalError("it cannot be opened")


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "replace")


class _Logs:
    """Only real tables are read, and only columns that are there: views and triggers are somebody's program."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        names = self._rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        self.tables = {as_text(row["name"]) for row in names} & set(_WANTED)
        self._columns = {table: self._columns_of(table) for table in sorted(self.tables)}

    def _rows(self, query: str, *values: str | int) -> Iterator[_Row]:
        for row in self._connection.execute(query, values):
            yield dict(cast("sqlite3.Row", row))

    def _columns_of(self, table: str) -> tuple[str, ...]:
        there = {as_text(row["name"]) for row in self._rows("SELECT name FROM pragma_table_info(?)", table)}
        return tuple(name for name in _WANTED[table] if name in there)

    def _select(self, table: str, where: str = "", *values: str | int) -> Iterator[_Row]:
        """Rows with exactly the wanted columns; those that are not there are None. Names are our own constants."""
        if table not in self.tables:
            return iter(())
        columns = ", ".join(
            f'"{name}"' if name in self._columns[table] else f'NULL AS "{name}"' for name in _WANTED[table]
        )
        return self._rows(f'SELECT {columns} FROM "{table}" {where}', *values)  # noqa: S608 - constants

    # -- the newer tables --------------------------------------------------------------------------

    def threads(self) -> Iterator[StoredConversation]:
        for thread in self._select("threads", "ORDER BY id DESC"):
            thread_id = as_text(thread["id"])
            sprouts = self._chain(as_text(thread["tip_message_hash"]), thread_id)
            times = [sprout.created_at_s for sprout in sprouts if sprout.created_at_s]
            created = as_time_s(thread["datetime_utc"]) or min(times, default=0.0)
            yield stored(
                conversation_id(SOURCE, thread_id),
                thread["name"],
                sprouts,
                sprouts[-1].key if sprouts else None,
                created,
                max(times, default=created),
            )

    def _chain(self, tip: str, thread_id: str) -> list[Sprout]:
        messages: dict[str, _Row] = {}
        at = tip
        while at and at not in messages and len(messages) < MAX_CHAIN:
            row = next(self._select("messages", "WHERE hash = ?", at), None)
            if row is None:
                break
            messages[at] = row
            at = as_text(row["parent_hash"])
        turns = {
            as_text(row["tip_message_hash"]): row
            for row in self._select("turns", "WHERE thread_id = ? ORDER BY id", thread_id)
        }
        sprouts: list[Sprout] = []
        for key in reversed(messages):
            sprout = Sprout(key, _ROLES.get(as_text(messages[key]["role"]), Role.USER))
            is_result = self._fill(sprout, key)
            last = sprouts[-1] if sprouts else None
            if is_result or sprout.role is Role.ASSISTANT:
                sprout.role = Role.ASSISTANT
            if last is not None and last.role is sprout.role is Role.ASSISTANT:  # a call, its result, the answer
                last.parts.extend(sprout.parts)
            else:
                sprout.parent = last.key if last else None
                sprouts.append(sprout)
            if key in turns:
                _note_turn(sprouts, turns[key])
        return sprouts

    def _fill(self, sprout: Sprout, message_hash: str) -> bool:
        """The parts of a message; whether they are nothing but results of tools."""
        kinds: set[str] = set()
        for row in self._select("parts", "WHERE message_hash = ? ORDER BY position", message_hash):
            kind = as_text(row["type"])
            kinds.add(kind)
            payload = as_object(_json(row["payload"]))
            if kind in ("text", "reasoning"):
                text = as_text(row["text"]) or self._referenced(payload)
                if kind == "text":
                    sprout.add_text(text)
                elif text:
                    sprout.parts.append(ReasoningPart(text))
            elif kind == "tool_call":
                key = f"{message_hash}.{row['position']}"
                name = payload.get("name") or row["tool_name"]
                sprout.parts.append(call_of(name, payload.get("arguments"), payload.get("tool_call_id"), key=key))
            elif kind == "tool_result":
                sprout.parts.append(result_of(payload.get("name"), as_text(payload.get("output"))))
            else:
                sprout.add_text(self._attachment(as_text(as_object(payload.get("attachment")).get("id")), kind))
        return kinds == {"tool_result"}

    def _referenced(self, payload: Mapping[str, object]) -> str:
        """A text put together from literals and fragments."""
        pieces: list[str] = []
        for item in as_list(payload.get("text_ref")):
            piece = as_object(item)
            number = as_count(piece.get("fragment"))
            pieces.append(as_text(piece.get("literal")) if number is None else self._fragment(number))
        return "".join(pieces)

    def _fragment(self, number: int) -> str:
        row = next(self._select("fragments", "WHERE id = ?", number), None)
        return placeholder("fragment") if row is None else as_text(row["content"])

    def _attachment(self, attachment_id: str, kind: str = "file") -> str:
        row = next(self._select("attachments", "WHERE id = ?", attachment_id), None)
        if row is None:
            return placeholder(as_name(kind) or "file")
        name = as_text(row["path"]).replace("\\", "/").rpartition("/")[2] or as_text(row["url"])
        return placeholder("file", as_name(name) or as_name(row["type"]))

    # -- the older tables --------------------------------------------------------------------------

    def conversations_of_responses(self, known: set[str]) -> Iterator[StoredConversation]:
        names = {as_text(row["id"]): row["name"] for row in self._select("conversations")}
        keys = "SELECT DISTINCT coalesce(conversation_id, id) AS key FROM responses ORDER BY 1 DESC"
        for key in list(self._rows(keys)):
            original_id = as_text(key["key"])
            identity = conversation_id(SOURCE, original_id)
            if identity in known:
                continue
            sprouts: list[Sprout] = []
            rows = "WHERE coalesce(conversation_id, id) = ? ORDER BY datetime_utc, id"
            for row in self._select("responses", rows, original_id):
                self._add_response(sprouts, row)
            first, last = (sprouts[0], sprouts[-1]) if sprouts else (None, None)
            yield stored(
                identity,
                names.get(original_id),
                sprouts,
                last.key if last else None,
                first.created_at_s if first else 0.0,
                last.created_at_s if last else 0.0,
            )

    def _add_response(self, sprouts: list[Sprout], row: _Row) -> None:
        key, at_s = as_text(row["id"]), as_time_s(row["datetime_utc"])
        system = as_text(row["system"])
        said = next((sprout for sprout in reversed(sprouts) if sprout.role is Role.SYSTEM), None)
        instruction = _system(key, system, at_s)
        if system and (said is None or instruction.parts != said.parts):
            _append(sprouts, instruction)
        prompt = Sprout(f"{key}/prompt", Role.USER, created_at_s=at_s)
        for fragment in self._select("prompt_fragments", 'WHERE response_id = ? ORDER BY "order"', key):
            prompt.add_text(self._fragment(as_count(fragment["fragment_id"]) or 0))
        prompt.add_text(as_text(row["prompt"]))
        for attachment in self._select("prompt_attachments", 'WHERE response_id = ? ORDER BY "order"', key):
            prompt.add_text(self._attachment(as_text(attachment["attachment_id"])))
        _append(sprouts, prompt)
        answer = Sprout(f"{key}/answer", Role.ASSISTANT)
        if reasoning := as_text(row["reasoning"]):
            answer.parts.append(ReasoningPart(reasoning))
        answer.add_text(as_text(row["response"]))
        _append(sprouts, answer)
        _note_turn(sprouts, row)


def _system(key: str, text: str, at_s: float) -> Sprout:
    sprout = Sprout(f"{key}/system", Role.SYSTEM, created_at_s=at_s)
    sprout.add_text(text)
    return sprout


def _append(sprouts: list[Sprout], sprout: Sprout) -> None:
    sprout.parent = sprouts[-1].key if sprouts else None
    sprouts.append(sprout)


def _note_turn(sprouts: list[Sprout], row: _Row) -> None:
    """What is known of the answer that stands last, and of when it was asked for."""
    answer, at_s = sprouts[-1], as_time_s(row["datetime_utc"])
    usage = Usage(as_count(row["input_tokens"]), as_count(row["output_tokens"]))
    elapsed_s = (as_count(row["duration_ms"]) or 0) / 1000
    answer.model = as_name(row["resolved_model"]) or as_name(row["model"])
    answer.ending = Ending(
        Outcome.COMPLETE,
        tokens=usage.output_tokens or 0,
        elapsed_s=elapsed_s,
        usage=None if usage == Usage() else usage,
    )
    answer.created_at_s = at_s
    for sprout in reversed(sprouts[:-1]):
        if sprout.created_at_s or sprout.role is Role.ASSISTANT:
            break
        sprout.created_at_s = at_s


def _json(value: object) -> object:
    try:
        return cast("object", json.loads(value)) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        return None
