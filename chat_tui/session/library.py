"""All stored conversations, as a person deals with them beside the one that is open."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chat_tui.core.errors import ChatError
from chat_tui.core.sanitize import clean_line
from chat_tui.session.turns import NothingToDo

if TYPE_CHECKING:
    from chat_tui.session.session import ChatSession
    from chat_tui.store.model import ConversationRow, SearchHit
    from chat_tui.store.store import ConversationStore

SHORTEST_ID = 4
_ID_CHARS = 32


@dataclass(frozen=True, slots=True)
class _Deleted:
    id: str
    title: str
    undo_depth: int
    """How much else could be undone then: more than that now was done later."""


class Library:
    """Lists and changes stored conversations. `on_left` is called when the one that is open was deleted and an
    empty one has taken its place."""

    def __init__(self, session: ChatSession, store: ConversationStore, on_left: Callable[[], None]) -> None:
        self._session, self._store, self._on_left = session, store, on_left
        self._deleted: list[_Deleted] = []

    @property
    def current_id(self) -> str:
        """The conversation that is open; empty for one that is not stored yet."""
        return self._session.conversation.id

    # -- looking -----------------------------------------------------------------------------------

    async def count(self) -> int:
        """How many there are. Raises StoreError."""
        return await self._store.count()

    async def refresh(self) -> None:
        """Know what became of other windows: answers of those that died are unfinished. Raises StoreError."""
        await self._store.recover_lost()

    async def recent(self, limit: int, offset: int) -> list[ConversationRow]:
        """Pinned ones first, then those changed last. Raises StoreError."""
        return await self._store.recent(limit, offset)

    async def search(self, words: str, limit: int) -> list[SearchHit]:
        """One hit for each conversation that has all the words. Raises StoreError."""
        return await self._store.search(words, limit)

    async def id_of(self, beginning: str) -> str:
        """The whole id that begins so. Raises ChatError when there is none, or more than one."""
        wanted = beginning.strip().lower()
        if not re.fullmatch(f"[0-9a-f]{{{SHORTEST_ID},{_ID_CHARS}}}", wanted):
            raise ChatError(f"“{clean_line(beginning, 40)}” is no ID of a conversation.")
        if len(wanted) == _ID_CHARS:
            return wanted
        found = await self._store.ids_beginning(wanted, 2)
        if len(found) != 1:
            what = "There are several conversations" if found else "There is no conversation"
            raise ChatError(f"{what} whose ID begins with {wanted}.")
        return found[0]

    # -- changing ----------------------------------------------------------------------------------

    def rename(self, conversation_id: str, title: str) -> None:
        """Give a title of the reader's own."""
        if conversation_id == self.current_id:
            self._session.rename(title)
        else:
            self._store.rename(conversation_id, title)

    def set_pinned(self, conversation_id: str, *, is_pinned: bool) -> None:
        """Keep it at the top, or no longer."""
        if conversation_id == self.current_id:
            self._session.conversation.is_pinned = is_pinned
        self._store.set_pinned(conversation_id, is_pinned)

    def delete(self, conversation_id: str, title: str) -> None:
        """Remove it; `undelete` brings it back. Raises NothingToDo while an answer runs in it."""
        undo_depth = self._session.undo_depth
        if conversation_id == self.current_id:
            if self._session.is_running:
                raise NothingToDo("An answer is still running in it. Esc stops it.")
            self._session.new()
            self._on_left()
        self._store.delete(conversation_id)
        self._deleted.append(_Deleted(conversation_id, title, undo_depth))

    def undelete(self) -> str:
        """Bring back what was deleted last; its title. Raises NothingToDo when that is nothing."""
        if not self._deleted:
            raise NothingToDo("Nothing was deleted.")
        last = self._deleted.pop()
        self._store.undelete(last.id)
        return last.title

    @property
    def is_delete_last(self) -> bool:
        """Whether the last deletion is what is to be undone first. That of the open one is not: the session undoes
        the empty one that took its place, see `bring_back`."""
        return bool(self._deleted) and self._deleted[-1].undo_depth >= self._session.undo_depth

    def bring_back(self, conversation_id: str) -> bool:
        """It is shown again, by whatever way: it is no longer deleted. False: it was not."""
        left = [deleted for deleted in self._deleted if deleted.id != conversation_id]
        was_deleted = len(left) < len(self._deleted)
        if was_deleted:
            self._deleted = left
            self._store.undelete(conversation_id)
        return was_deleted
