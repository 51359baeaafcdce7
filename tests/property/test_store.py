"""Any conversation there can be comes out of the store as it was put."""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat_tui.core.conversation import (
    Ending,
    FilePart,
    Message,
    OpaquePart,
    Outcome,
    Part,
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from chat_tui.store.model import StoredConversation
from chat_tui.store.store import ConversationStore
from tests.support.stores import opened

TEXT = st.text(st.characters(codec=None) | st.sampled_from("\x00\ud83d\ude00\ud800\udfff\ufeff"), max_size=60)
HUGE = TEXT | TEXT.map(lambda text: text * 5000)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
PARTS: st.SearchStrategy[Part] = st.one_of(
    st.builds(TextPart, HUGE, st.booleans()),
    st.builds(ReasoningPart, TEXT),
    st.builds(ToolCallPart, TEXT, TEXT, TEXT, TEXT, st.booleans()),
    st.builds(ToolResultPart, TEXT, TEXT),
    st.builds(FilePart, TEXT, TEXT, st.binary(max_size=200)),
    st.builds(OpaquePart, TEXT, JSON),
)
ENDINGS = st.builds(Ending, st.sampled_from(Outcome), raw_reason=TEXT, tokens=st.integers(0, 10**9))


@st.composite
def trees(draw: st.DrawFn) -> tuple[Message, ...]:
    count = draw(st.sampled_from([0, 1, 3, 8, 60]))
    is_deep = draw(st.booleans())
    messages: list[Message] = []
    for number in range(1, count + 1):
        earlier = st.sampled_from([message.id for message in messages]) if messages else st.none()
        parent = number - 1 or None if is_deep else draw(earlier | st.none())
        role = draw(st.sampled_from(Role))
        parts = tuple(draw(st.lists(PARTS, max_size=3))) if number < 9 else (TextPart("x"),)
        ending = draw(ENDINGS) if role is Role.ASSISTANT else None
        messages.append(Message(number, role, parts, parent, draw(TEXT), ending))
    return tuple(messages)


CONVERSATIONS = st.builds(
    StoredConversation,
    id=st.uuids(version=4).map(lambda found: found.hex),
    title=TEXT,
    is_title_own=st.booleans(),
    is_pinned=st.booleans(),
    created_at_s=st.floats(0, 1e11),
    updated_at_s=st.floats(0, 1e11),
    model=TEXT,
    messages=trees(),
)


def run_with_store(directory: Path, *stored: StoredConversation) -> list[StoredConversation]:
    async def load(store: ConversationStore) -> list[StoredConversation]:
        return [await store.load(conversation.id) for conversation in stored]

    with opened(directory) as store:
        for conversation in stored:
            store.add(conversation)
        assert store.flush(60), store.problem
        assert store.notes == ()
        return asyncio.run(load(store))


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(CONVERSATIONS, max_size=3, unique_by=lambda conversation: conversation.id))
def test_what_is_put_is_loaded(conversations: list[StoredConversation]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        assert run_with_store(Path(directory), *conversations) == conversations


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(TEXT, max_size=4), max_size=5))
def test_what_is_appended_is_read_as_one_text(batches: list[list[str]]) -> None:
    async def text_of(store: ConversationStore, conversation_id: str) -> str:
        return (await store.load(conversation_id)).messages[0].text

    with tempfile.TemporaryDirectory() as directory, opened(Path(directory)) as store:
        conversation_id = uuid.uuid4().hex
        store.put_message(conversation_id, Message(7, Role.ASSISTANT, ()), is_running=True)
        for batch in batches:
            store.append_deltas(conversation_id, 7, [("text", text) for text in batch])
        assert asyncio.run(text_of(store, conversation_id)) == "".join(text for batch in batches for text in batch)


@settings(max_examples=60)
@given(TEXT, TEXT, TEXT)
def test_anything_can_be_searched_listed_and_deleted(title: str, text: str, words: str) -> None:
    async def go(store: ConversationStore) -> None:
        conversation_id = uuid.uuid4().hex
        store.begin(conversation_id, title, title, 0.0)
        store.put_message(conversation_id, Message(1, Role.USER, (TextPart(text),)))
        store.put_draft(conversation_id, text)
        store.add_prompt(text)
        await store.search(words)
        await store.search(text)
        assert [row.title for row in await store.recent()] == [title]
        assert await store.draft(conversation_id) == text
        store.delete(conversation_id)
        assert await store.recent() == []
        assert await store.search(text) == []

    with tempfile.TemporaryDirectory() as directory, opened(Path(directory)) as store:
        asyncio.run(go(store))
        assert store.flush(60), store.problem
        assert store.notes == ()
