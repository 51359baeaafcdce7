"""Stores in tests: opened, closed whatever happens, and with something in them."""

from __future__ import annotations

import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from chat_tui.core.conversation import Ending, Message, Outcome, Role, TextPart
from chat_tui.store.store import ConversationStore

FLUSH_S = 20.0
"""Far longer than anything takes: a flush that needs it has failed."""


@contextmanager
def opened(directory: Path) -> Generator[ConversationStore]:
    """A store over `directory`, closed at the end."""
    store = ConversationStore.open(directory)
    try:
        yield store
    finally:
        store.close(5)


def flushed(store: ConversationStore) -> None:
    """Everything asked for is on disk and all chores are done."""
    assert store.flush(FLUSH_S, is_thorough=True), store.problem


def user(message_id: int, text: str, parent_id: int | None = None) -> Message:
    return Message(message_id, Role.USER, (TextPart(text),), parent_id)


def answer(
    message_id: int, text: str, parent_id: int | None = None, outcome: Outcome = Outcome.COMPLETE
) -> Message:
    return Message(message_id, Role.ASSISTANT, (TextPart(text),), parent_id, "mine/model", Ending(outcome))


def running(message_id: int, parent_id: int | None = None) -> Message:
    return Message(message_id, Role.ASSISTANT, (), parent_id, "mine/model")


def chat(store: ConversationStore, question: str = "question", reply: str = "reply", title: str = "A title") -> str:
    """A conversation of one turn; its id."""
    conversation_id = uuid.uuid4().hex
    store.begin(conversation_id, title, "mine/model", 1_700_000_000.0)
    store.put_message(conversation_id, user(1, question))
    store.settle(conversation_id, answer(2, reply, 1))
    return conversation_id


def bytes_in(directory: Path, needle: bytes) -> list[str]:
    """The files below `directory` that have `needle` in them."""
    return sorted(path.name for path in directory.rglob("*") if path.is_file() and needle in path.read_bytes())
