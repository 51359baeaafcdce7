"""The database as the thread that owns it sees it: what the jobs of a window call."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from chat_tui.core.conversation import Message, Role
from chat_tui.store import conversations as sql
from chat_tui.store import drafts, reading, search
from chat_tui.store.database import Files, remove_backups
from chat_tui.store.merging import Additions
from chat_tui.store.model import ConversationRow, SearchHit, StoreCounts, StoredConversation, TurnRow
from chat_tui.store.windows import Windows

SCRUB = "scrub"
"""Set in the table `state` while deleted words are still in the index or the log."""


@dataclass(frozen=True, slots=True)
class _Deleted:
    conversation: StoredConversation
    place: int | None
    draft: str


class Tables:
    """Writes and reads, each inside a transaction the writer began. `connection` is exchanged when the file is."""

    def __init__(self, connection: sqlite3.Connection, files: Files, windows: Windows) -> None:
        self.connection = connection
        self._files = files
        self._windows = windows
        self._deleted: dict[str, _Deleted] = {}

    # -- writing -----------------------------------------------------------------------------------

    def begin(self, conversation_id: str, title: str, model: str, created_at_s: float, now_s: float) -> None:
        """Make the conversation unless it is there."""
        sql.begin(self.connection, conversation_id, title, model, created_at_s, now_s)

    def put_message(self, conversation_id: str, message: Message, *, is_running: bool, now_s: float) -> None:
        """Insert or replace; a new one becomes the tip."""
        window = self._windows.name if is_running else ""
        sql.put_message(self.connection, conversation_id, message, window=window, now_s=now_s)

    def append(
        self,
        conversation_id: str,
        message_id: int,
        deltas: Sequence[tuple[str, str]],
        began_as: Message | None,
        now_s: float,
    ) -> None:
        """Add to a running message. When another window deleted it, it is put again, `began_as` it did."""
        if not sql.append_deltas(self.connection, conversation_id, message_id, deltas):
            message = began_as or Message(message_id, Role.ASSISTANT, ())
            self.put_message(conversation_id, message, is_running=True, now_s=now_s)
            sql.append_deltas(self.connection, conversation_id, message_id, deltas)

    def settle(self, conversation_id: str, message: Message, now_s: float) -> None:
        """The final message, in place of the running one."""
        sql.settle(self.connection, conversation_id, message, now_s)

    def set_tip(self, conversation_id: str, message_id: int | None) -> None:
        """Which path is shown."""
        sql.set_tip(self.connection, conversation_id, message_id)

    def rename(self, conversation_id: str, title: str, *, is_own: bool) -> None:
        """Give the title."""
        sql.rename(self.connection, conversation_id, title, is_own=is_own)

    def set_pinned(self, conversation_id: str, *, is_pinned: bool) -> None:
        """Keep it at the top, or no longer."""
        sql.set_pinned(self.connection, conversation_id, is_pinned)

    def delete(self, conversation_id: str) -> None:
        """Remove it from the file; in memory it stays until the program ends."""
        place = reading.place_of(self.connection, conversation_id)
        if place is None:
            return
        conversation = reading.load(self.connection, conversation_id, self._windows.is_alive)
        self._deleted[conversation_id] = _Deleted(conversation, place, self.draft(conversation_id))
        sql.delete(self.connection, conversation_id)
        self.connection.execute("INSERT OR REPLACE INTO state VALUES (?, '')", (SCRUB,))
        remove_backups(self._files)

    def undelete(self, conversation_id: str) -> None:
        """Bring back what this window deleted."""
        deleted = self._deleted.get(conversation_id)
        if deleted is not None:
            sql.insert(self.connection, deleted.conversation, place=deleted.place)
            drafts.put_draft(self.connection, conversation_id, deleted.draft)

    def add(self, conversation: StoredConversation) -> None:
        """A whole one, from elsewhere, below all others; one that is here already stays as it is."""
        sql.insert(self.connection, conversation, place=sql.lowest_place(self.connection))

    def grow(self, additions: Additions) -> None:
        """More messages of one that is here."""
        sql.grow(self.connection, additions)

    def put_draft(self, key: str, text: str) -> None:
        """Keep what is typed; nothing removes it."""
        drafts.put_draft(self.connection, key, text)

    def add_prompt(self, text: str) -> None:
        """Remember what was sent."""
        drafts.add_prompt(self.connection, text)

    def put_state(self, name: str, value: str) -> None:
        """Remember one thing about this store."""
        self.connection.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))

    def drop_state(self, name: str, value: str) -> None:
        """Forget it if it is that."""
        self.connection.execute("DELETE FROM state WHERE name = ? AND value = ?", (name, value))

    def recover(self) -> None:
        """End the answers of windows that are gone."""
        sql.recover(self.connection, self._windows.is_alive)

    # -- reading -----------------------------------------------------------------------------------

    def recent(self, limit: int, offset: int) -> list[ConversationRow]:
        """Pinned ones first, then the ones changed last."""
        return reading.recent(self.connection, limit, offset, self._windows.held_elsewhere())

    def search(self, words: str, limit: int) -> list[SearchHit]:
        """Conversations with the words."""
        return search.find(self.connection, words, limit, self._windows.held_elsewhere())

    def load(self, conversation_id: str) -> StoredConversation:
        """All of one. Raises StoreError."""
        return reading.load(self.connection, conversation_id, self._windows.is_alive)

    def last_id(self) -> str | None:
        """The one changed last."""
        return reading.last_id(self.connection)

    def ids_beginning(self, beginning: str, limit: int) -> list[str]:
        """Some ids that begin so."""
        return reading.ids_beginning(self.connection, beginning, limit)

    def known(self, ids: Sequence[str]) -> frozenset[str]:
        """Those that are here."""
        return reading.known(self.connection, ids)

    def draft(self, key: str) -> str:
        """What was typed and not sent."""
        return drafts.draft(self.connection, key)

    def state(self, name: str) -> str:
        """What is remembered; empty when nothing is."""
        row = self.connection.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return "" if row is None else str(row[0])

    def prompts(self, limit: int) -> list[str]:
        """What was sent, the newest first."""
        return drafts.prompts(self.connection, limit)

    def turns(self, since_s: float, model: str | None, after: int) -> tuple[list[TurnRow], int | None]:
        """The numbers of some answers, and where to go on."""
        return reading.turns(self.connection, since_s, model, after)

    def has_lost(self) -> bool:
        """Whether answers are marked as running whose window is gone."""
        return not all(map(self._windows.is_alive, reading.running_windows(self.connection)))

    def conversation_count(self) -> int:
        """How many conversations there are."""
        return reading.conversation_count(self.connection)

    def counts(self) -> StoreCounts:
        """How much there is."""
        return reading.counts(self.connection)
