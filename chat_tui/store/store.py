"""The store of conversations as the rest of the program sees it: writes return at once, reads are awaited."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, TypeVar, cast

from chat_tui.core.conversation import Message
from chat_tui.store.jobs import Append, Flush, Job, Read, Write
from chat_tui.store.model import ConversationRow, SearchHit, StoreCounts, StoredConversation, StoreError, TurnRow
from chat_tui.store.windows import Windows

if TYPE_CHECKING:
    from chat_tui.store.merging import Additions
    from chat_tui.store.tables import Tables

_T = TypeVar("_T")
_EPOCH_MS: Final = 1_577_836_800_000
_RANDOM_BITS: Final = 20
_MOST_MS: Final = 1 << 42
"""About the year 2160: a clock beyond it is wrong, and the numbers stay below 2**63 all the same."""
_FAILED: Final = "failed"
_ANSWER_GRACE_S: Final = 0.5
"""How much longer than its deadline we wait for the thread to say that it was not reached."""


class MessageIds:
    """Numbers no other window gives: milliseconds since 2020 and 20 random bits; ever larger here; below 2**63."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._last = 0

    def next(self) -> int:
        """One more."""
        milliseconds = min(max(0, int(self._now() * 1000) - _EPOCH_MS), _MOST_MS)
        number = milliseconds << _RANDOM_BITS | random.getrandbits(_RANDOM_BITS)
        self._last = max(self._last + 1, number)
        return self._last


class ConversationStore:
    """All conversations of this user, in `directory`.

    Writes are carried out in order by one thread that owns the database. What cannot be written (disk full, locked,
    read-only, damaged) is kept in memory and tried again; `problem` says so for as long as it is true. `notes` are
    the things that happened to files: moved aside, salvaged.
    """

    def __init__(
        self,
        directory: Path,
        now: Callable[[], float],
        on_problem: Callable[[str], None] | None,
        on_note: Callable[[str], None] | None,
    ) -> None:
        self.directory = directory
        self.problem = ""
        self.notes: tuple[str, ...] = ()
        self._now, self._on_problem, self._on_note = now, on_problem, on_note
        self._ids = MessageIds(now)
        self._windows = Windows(directory / "windows")
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._running: dict[tuple[str, int], Message] = {}
        self._is_closed = False
        self._thread = threading.Thread(target=self._work, name="conversations", daemon=True)

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        now: Callable[[], float] = time.time,
        on_problem: Callable[[str], None] | None = None,
        on_note: Callable[[str], None] | None = None,
    ) -> ConversationStore:
        """Begin; the database is opened in the thread. Never raises. The callbacks are called in that thread."""
        store = cls(directory, now, on_problem, on_note)
        store._thread.start()
        return store

    # -- writing -----------------------------------------------------------------------------------

    def begin(self, conversation_id: str, title: str, model: str, created_at_s: float) -> None:
        """Make the conversation; one that is there keeps its title."""
        now_s = self._now()
        self._write(lambda tables: tables.begin(conversation_id, title, model, created_at_s, now_s))

    def put_message(self, conversation_id: str, message: Message, *, is_running: bool = False) -> None:
        """Add a message or replace the one of its id; a new one becomes the tip. `is_running`: deltas follow."""
        now_s = self._now()
        if is_running:
            self._running[conversation_id, message.id] = message
        self._write(lambda tables: tables.put_message(conversation_id, message, is_running=is_running, now_s=now_s))

    def append_deltas(self, conversation_id: str, message_id: int, deltas: Iterable[tuple[str, str]]) -> None:
        """More of a running message: pairs of kind (see `folding.folded`) and text."""
        pieces = list(deltas)
        if pieces:
            began_as = self._running.get((conversation_id, message_id))
            self._jobs.put(Append(conversation_id, message_id, pieces, began_as, self._now()))

    def settle(self, conversation_id: str, message: Message) -> None:
        """The final message; its deltas go in the same transaction."""
        now_s = self._now()
        self._running.pop((conversation_id, message.id), None)
        self._write(lambda tables: tables.settle(conversation_id, message, now_s))

    def set_tip(self, conversation_id: str, message_id: int | None) -> None:
        """The last message of the shown path."""
        self._write(lambda tables: tables.set_tip(conversation_id, message_id))

    def rename(self, conversation_id: str, title: str, *, is_own: bool = True) -> None:
        """Give a title; one made by a program (not `is_own`) never replaces the user's."""
        self._write(lambda tables: tables.rename(conversation_id, title, is_own=is_own))

    def set_pinned(self, conversation_id: str, is_pinned: bool) -> None:
        """Keep it at the top, or no longer."""
        self._write(lambda tables: tables.set_pinned(conversation_id, is_pinned=is_pinned))

    def delete(self, conversation_id: str) -> None:
        """Remove it from file, log and index, its prompts and draft too; kept in memory for `undelete`."""
        self._write(lambda tables: tables.delete(conversation_id))

    def undelete(self, conversation_id: str) -> None:
        """Bring back what this window deleted."""
        self._write(lambda tables: tables.undelete(conversation_id))

    def add(self, conversation: StoredConversation) -> None:
        """A whole conversation from elsewhere, as it is, below all others; nothing when one of its id is here."""
        self._write(lambda tables: tables.add(conversation))

    def grow(self, additions: Additions) -> None:
        """More messages of a conversation, from elsewhere; its place in the list and all that is there stay."""
        self._write(lambda tables: tables.grow(additions))

    def put_draft(self, key: str, text: str) -> None:
        """Keep what is typed: `key` is a conversation's id or "new"; an empty text removes it."""
        self._write(lambda tables: tables.put_draft(key, text))

    def add_prompt(self, text: str) -> None:
        """Remember what was sent."""
        self._write(lambda tables: tables.add_prompt(text))

    def put_failed(self, conversation_id: str) -> None:
        """Remember that the program has ended while it showed this conversation."""
        self._write(lambda tables: tables.put_state(_FAILED, conversation_id))

    def drop_failed(self, conversation_id: str) -> None:
        """It was shown, and nothing happened."""
        self._write(lambda tables: tables.drop_state(_FAILED, conversation_id))

    def recover(self) -> None:
        """End the answers of windows that are gone; done at the opening anyway."""
        self._write(lambda tables: tables.recover())

    # -- reading: all raise StoreError ---------------------------------------------------------------

    async def recover_lost(self) -> None:
        """`recover`, but nothing is written when no window has died: for whoever is about to look at the list."""
        if await self._read(lambda tables: tables.has_lost()):
            self.recover()

    async def recent(self, limit: int = 50, offset: int = 0) -> list[ConversationRow]:
        """Pinned ones first, then those changed last."""
        return await self._read(lambda tables: tables.recent(limit, offset))

    async def search(self, words: str, limit: int = 50) -> list[SearchHit]:
        """One hit for each conversation that has all the words (the last one may be a beginning) in its title or in
        one message. No input is an error; nothing to look for finds nothing.
        """
        return await self._read(lambda tables: tables.search(words, limit))

    async def load(self, conversation_id: str) -> StoredConversation:
        """All of one."""
        return await self._read(lambda tables: tables.load(conversation_id))

    async def last_id(self) -> str | None:
        """The conversation changed last; None when there is none."""
        return await self._read(lambda tables: tables.last_id())

    async def failed_id(self) -> str:
        """The conversation that ended the program when it was shown; empty when there is none."""
        return await self._read(lambda tables: tables.state(_FAILED))

    async def ids_beginning(self, beginning: str, limit: int) -> list[str]:
        """At most `limit` ids that begin with these hexadecimal digits."""
        return await self._read(lambda tables: tables.ids_beginning(beginning, limit))

    async def known(self, ids: Iterable[str]) -> frozenset[str]:
        """Those of `ids` that are here."""
        wanted = list(ids)
        return await self._read(lambda tables: tables.known(wanted))

    async def draft(self, key: str) -> str:
        """What was typed and not sent; empty when there is nothing."""
        return await self._read(lambda tables: tables.draft(key))

    async def prompts(self, limit: int = 500) -> list[str]:
        """What was sent, the newest first, nothing twice."""
        return await self._read(lambda tables: tables.prompts(limit))

    async def turns(self, since_s: float = 0.0, model: str | None = None) -> list[TurnRow]:
        """The numbers of the answers begun since, in the order they were stored."""
        found: list[TurnRow] = []
        after: int | None = 0
        while after is not None:
            place = after
            some, after = await self._read(lambda tables, place=place: tables.turns(since_s, model, place))
            found += some
        return found

    async def count(self) -> int:
        """How many conversations there are."""
        return await self._read(lambda tables: tables.conversation_count())

    async def counts(self) -> StoreCounts:
        """How much there is."""
        return await self._read(lambda tables: tables.counts())

    # -- windows and the end -------------------------------------------------------------------------

    def next_message_id(self) -> int:
        """A number for a new message, unique among windows and machines in practice."""
        return self._ids.next()

    def hold(self, conversation_id: str) -> bool:
        """Have the conversation (and no longer the one before); False when another window has it."""
        return self._windows.hold(conversation_id)

    def release(self) -> None:
        """Have none."""
        self._windows.release()

    def flush(self, timeout_s: float, *, is_thorough: bool = False) -> bool:
        """Wait until everything asked so far is on disk. `is_thorough`: until deleted words are scrubbed and a file
        that was not closed is checked, too. False when that was not reached in time, or never will be.
        """
        return self._flush(timeout_s, is_thorough=is_thorough, is_last=False)

    def close(self, timeout_s: float) -> bool:
        """Flush, then give everything back. Later writes do nothing, later reads raise."""
        if self._is_closed:
            return True
        is_saved = self._flush(timeout_s, is_thorough=True, is_last=True)
        self._is_closed = True
        return is_saved

    def _flush(self, timeout_s: float, *, is_thorough: bool, is_last: bool) -> bool:
        if self._is_closed or not self._thread.is_alive():
            return False
        flush = Flush(time.monotonic() + timeout_s, is_thorough, is_last)
        self._jobs.put(flush)
        flush.done.wait(timeout_s + _ANSWER_GRACE_S)
        return flush.is_saved

    # -- inside --------------------------------------------------------------------------------------

    def _write(self, apply: Callable[[Tables], None]) -> None:
        if not self._is_closed:
            self._jobs.put(Write(apply))

    async def _read(self, run: Callable[[Tables], _T]) -> _T:
        if self._is_closed or not self._thread.is_alive():
            raise StoreError("The conversations are closed.")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[object] = loop.create_future()

        def resolve(result: object, error: StoreError | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        def answer(result: object, error: StoreError | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(resolve, result, error)

        self._jobs.put(Read(run, answer, lambda: not future.done()))
        return cast("_T", await future)

    def _work(self) -> None:
        try:
            # SQLite is loaded here, so that the start does not wait for it.
            from chat_tui.store.database import Files
            from chat_tui.store.writer import Writer

            Writer(Files(self.directory), self._windows, self._jobs, self._say, self._note).run()
        except Exception as error:  # noqa: BLE001 - a thread has nobody above it
            self._say(f"Not saved: the store of conversations failed ({error!r}).")
            self._refuse_all()

    def _refuse_all(self) -> None:
        """Nobody waits for what will never come."""
        while True:
            job = self._jobs.get()
            if isinstance(job, Read):
                job.answer(None, StoreError("The store of conversations has failed."))
            elif isinstance(job, Flush):
                job.done.set()
                if job.is_last:
                    return

    def _say(self, sentence: str) -> None:
        if sentence != self.problem:
            self.problem = sentence
            if self._on_problem is not None:
                self._on_problem(sentence)

    def _note(self, sentence: str) -> None:
        self.notes = (*self.notes, sentence)
        if self._on_note is not None:
            self._on_note(sentence)
