"""What happens to a conversation, told to the store as it happens. Without a store nothing is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import uuid4

from chat_tui.core.conversation import Conversation, Message

if TYPE_CHECKING:
    from chat_tui.core.events import StreamEvent
    from chat_tui.session.deltas import Deltas
    from chat_tui.store.store import ConversationStore

TITLE_CHARS = 60
MAX_TITLE_CHARS = 200
"""Of a title of the reader's own."""

_ONE_TURN = 2


def title_of(text: str) -> str:
    """The first words of a question as a title of at most `TITLE_CHARS`."""
    words = " ".join(text[: 20 * TITLE_CHARS].split())
    if len(words) <= TITLE_CHARS:
        return words
    cut = words.rfind(" ", TITLE_CHARS // 2, TITLE_CHARS)
    return f"{words[: cut if cut > 0 else TITLE_CHARS - 1]}…"


def _ignore(sentence: str) -> None:
    """Nobody is there to be told."""


class Journal:
    """Keeps conversations in a store, which is opened when it is first used; `now` is the wall clock, in UTC epoch
    seconds."""

    def __init__(
        self,
        open_store: Callable[[Callable[[str], None]], ConversationStore] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.on_problem: Callable[[str], None] = _ignore
        """Told what is not saved and why, and "" when all is again; in a thread of the store's."""
        self._open_store = open_store
        self._store: ConversationStore | None = None
        self._now = now
        self._deltas: Deltas | None = None
        self._told_notes = 0

    @property
    def is_keeping(self) -> bool:
        """Whether anything is stored at all."""
        return self._open_store is not None

    @property
    def store(self) -> ConversationStore | None:
        """Where conversations are kept; None when they are not."""
        if self._store is None and self._open_store is not None:
            self._store = self._open_store(self._tell)
        return self._store

    @property
    def problem(self) -> str:
        """What is not saved and why; empty when all is, or nothing is to be."""
        return "" if self._store is None else self._store.problem

    def take_notes(self) -> tuple[str, ...]:
        """What happened to the files of the store and was not told yet: moved aside, salvaged."""
        notes = () if self._store is None else self._store.notes[self._told_notes :]
        self._told_notes += len(notes)
        return notes

    def close(self, timeout_s: float) -> bool:
        """Wait until all is on disk and give the store back. False: that was not reached, `problem` says why."""
        if self._store is None:
            return True
        if self._deltas is not None:
            self._deltas.save()
        return self._store.close(timeout_s)

    def now_s(self) -> float:
        """When something happens: 0 where nothing is kept."""
        return self._now() if self.is_keeping else 0.0

    def conversation(self) -> Conversation:
        """An empty one, whose messages get ids that no other window gives."""
        return Conversation(next_id=self._next_id) if self.is_keeping else Conversation()

    def asked(self, conversation: Conversation, question: Message) -> None:
        """The reader's turn was added; the first one begins the conversation."""
        if self.store is None:
            return
        if not conversation.id:
            self._begin(conversation, question.text)
        elif question.parent_id is None and question is conversation.opening and not conversation.is_title_own:
            conversation.title = title_of(question.text)  # nothing came of the first one, whose words it had
            self.store.rename(conversation.id, conversation.title, is_own=False)
        self.store.put_message(conversation.id, question)
        self.store.add_prompt(question.text)

    def forked(self, conversation: Conversation, path: tuple[Message, ...]) -> None:
        """A copy of another conversation's path was begun."""
        if self.store is None or not path:
            return
        self._begin(conversation, path[0].text)
        for message in path:
            self.store.put_message(conversation.id, message)

    def put(self, conversation: Conversation, message: Message) -> None:
        """A finished message was added or changed."""
        if self.store is not None and conversation.id:
            self.store.put_message(conversation.id, message)

    def answering(self, conversation: Conversation, answer: Message) -> Callable[[StreamEvent], None] | None:
        """An answer runs from now on: whom to tell what comes. None: nobody wants to know."""
        if self.store is None:
            return None
        from chat_tui.session.deltas import Deltas

        self.store.put_message(conversation.id, answer, is_running=True)
        self._deltas = Deltas(self.store, conversation.id, answer.id)
        return self._deltas.note

    def settled(self, conversation: Conversation, answer: Message) -> None:
        """An answer has come to its end."""
        if self.store is None:
            return
        if self._deltas is not None:
            self._deltas.drop()
            self._deltas = None
        self.store.settle(conversation.id, answer)

    def moved(self, conversation: Conversation) -> None:
        """Another path through the conversation is shown."""
        if self.store is not None and conversation.id:
            tip = conversation.tip
            self.store.set_tip(conversation.id, None if tip is None else tip.id)

    def returned(self, conversation: Conversation) -> None:
        """Nothing came of a question and it is taken back; a conversation that has nothing else is not kept."""
        if self.store is None or not conversation.id:
            return
        if conversation.tip is None and len(conversation) == _ONE_TURN:
            self.store.delete(conversation.id)
            conversation.id = ""
        else:
            self.moved(conversation)

    def opened(self, conversation: Conversation) -> bool:
        """A stored conversation is shown here from now on. False: it is open in another window, too."""
        if self.store is None or not conversation.id:
            return True
        return self.store.hold(conversation.id)

    def left(self) -> None:
        """No conversation is open here."""
        if self.store is not None:
            self.store.release()

    def _tell(self, problem: str) -> None:
        self.on_problem(problem)  # whoever listens by then

    def _next_id(self) -> int:
        return 0 if (store := self.store) is None else store.next_message_id()

    def _begin(self, conversation: Conversation, first_words: str) -> None:
        if self.store is None:
            return
        conversation.id = uuid4().hex
        conversation.created_at_s = self.now_s()
        conversation.title = conversation.title or title_of(first_words)
        self.store.hold(conversation.id)
        self.store.begin(conversation.id, conversation.title, "", conversation.created_at_s)
        if conversation.is_title_own:
            self.store.rename(conversation.id, conversation.title)
