"""What a conversation of a file has more than the stored one, for trees of any shape."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from chat_tui.core.conversation import Message, Role, TextPart
from chat_tui.store.merging import additions_to
from chat_tui.store.model import StoredConversation
from tests.support.stores import answer, user

ID = f"{1:032x}"


@st.composite
def trees(draw: st.DrawFn) -> StoredConversation:
    """Few words, so that many messages are alike; ids in any order."""
    count = draw(st.integers(1, 12))
    ids = draw(st.permutations(range(1, count + 1)))
    messages: list[Message] = []
    for at in range(count):
        parent_id = draw(st.none() | st.sampled_from(ids[:at])) if at else None
        words = draw(st.sampled_from(("a", "b", "ab")))
        role = draw(st.sampled_from((Role.USER, Role.ASSISTANT)))
        messages.append(Message(ids[at], role, (TextPart(words),), parent_id))
    return StoredConversation(ID, messages=tuple(messages), tip_id=draw(st.sampled_from(ids)))


def merged(stored: StoredConversation, found: StoredConversation) -> StoredConversation:
    additions = additions_to(stored, found)
    return stored if additions is None else replace(stored, messages=(*stored.messages, *additions.messages))


def paths(conversation: StoredConversation) -> Counter[tuple[str, ...]]:
    """How often the words of a path from the beginning occur."""
    known: dict[int | None, tuple[str, ...]] = {None: ()}
    for message in conversation.messages:
        known[message.id] = (*known[message.parent_id], f"{message.role.value} {message.text}")
    return Counter(path for key, path in known.items() if key is not None)


def renumbered(tree: StoredConversation, by: int) -> StoredConversation:
    messages = tuple(
        replace(one, id=one.id + by, parent_id=None if one.parent_id is None else one.parent_id + by)
        for one in tree.messages
    )
    return replace(tree, messages=messages, tip_id=None if tree.tip_id is None else tree.tip_id + by)


@given(trees(), st.data())
def test_a_grown_tree_brings_what_it_has_more_and_no_more(tree: StoredConversation, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, len(tree.messages)))
    stored = replace(tree, messages=tree.messages[:count], tip_id=tree.messages[0].id)
    after = merged(stored, tree)
    assert after.messages[:count] == stored.messages
    assert sorted(after.messages, key=lambda one: one.id) == sorted(tree.messages, key=lambda one: one.id)
    assert additions_to(after, tree) is None


@given(trees(), trees(), st.integers(0, 5))
def test_two_trees_lose_nothing_and_the_second_time_add_nothing(
    stored: StoredConversation, found: StoredConversation, by: int
) -> None:
    """Where ids say nothing, only alike paths are the same."""
    found = renumbered(found, 100 + by)
    after = merged(stored, found)
    assert after.messages[: len(stored.messages)] == stored.messages
    seen: set[int] = set()
    for message in after.messages:
        assert message.id not in seen
        assert message.parent_id is None or message.parent_id in seen
        seen.add(message.id)
    assert set(paths(after)) == set(paths(stored)) | set(paths(found))
    assert additions_to(after, found) is None


def test_an_id_that_another_message_has_is_exchanged() -> None:
    stored = StoredConversation(ID, messages=(user(1, "a"), answer(2, "b", 1)), tip_id=2)
    found = StoredConversation(ID, messages=(user(1, "a"), answer(2, "c", 1), user(3, "d", 2)), tip_id=3)
    additions = additions_to(stored, found)
    assert additions is not None
    assert [(one.id, one.parent_id, one.text) for one in additions.messages] == [(4, 1, "c"), (3, 4, "d")]


def test_what_is_shown_goes_on_only_from_where_it_ends() -> None:
    one, two, three = user(1, "a"), answer(2, "b", 1), user(3, "c", 2)
    found = StoredConversation(ID, messages=(one, two, three), tip_id=3, model="their/model")
    for stored_messages, tip_id, expected in (
        ((one, two), 2, 3),
        ((one, two), 1, None),
        ((one,), 1, 3),
        ((), None, 3),
    ):
        additions = additions_to(StoredConversation(ID, messages=stored_messages, tip_id=tip_id), found)
        assert additions is not None
        assert (additions.from_tip_id, additions.tip_id) == (tip_id, expected)


def test_deep_and_wide() -> None:
    chain = tuple(user(at, "x", at - 1 or None) for at in range(1, 20_001))
    found = StoredConversation(ID, messages=chain, tip_id=20_000)
    additions = additions_to(replace(found, messages=chain[:10_000], tip_id=10_000), found)
    assert additions is not None
    assert (len(additions.messages), additions.tip_id) == (10_000, 20_000)
    fan = tuple(user(at, "x") for at in range(1, 20_001))
    found = StoredConversation(ID, messages=fan, tip_id=1)
    assert additions_to(found, renumbered(found, 50_000)) is None
