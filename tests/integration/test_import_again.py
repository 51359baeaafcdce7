"""A later export of what was imported before: what is new comes in, what is here stays, nothing comes twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chat_tui.core.conversation import Ending, Message, Outcome, Role, TextPart
from chat_tui.store.export import ExportFormat, render
from chat_tui.store.importers.building import conversation_id
from chat_tui.store.importing import ImportReport, import_into
from chat_tui.store.model import StoredConversation
from chat_tui.store.store import ConversationStore
from tests.support.stores import answer, flushed, opened, user

OWN_ID = f"{7:032x}"
LATER_S = 1_800_000_000.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ConversationStore]:
    with opened(tmp_path / "state") as store:
        yield store


def take(store: ConversationStore, path: Path, data: object) -> ImportReport:
    """Import `data` as a file at `path`; nothing of it may be a problem."""
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    report = asyncio.run(import_into(store, path))
    assert report.problems == []
    return report


def loaded(store: ConversationStore, identity: str) -> StoredConversation:
    return asyncio.run(store.load(identity))


def tree(conversation: StoredConversation) -> list[tuple[str, str]]:
    """Each message's words behind those of its parent."""
    words = {message.id: message.text for message in conversation.messages}
    return [
        ("" if message.parent_id is None else words[message.parent_id], message.text)
        for message in conversation.messages
    ]


def chatgpt(*turns: tuple[str, str | None, str], identity: str = "c-1") -> dict[str, object]:
    """Turns are key, parent and words; a key that begins with q is the user's. The last one is shown."""
    mapping = {
        key: {
            "parent": parent,
            "message": {
                "author": {"role": "user" if key.startswith("q") else "assistant"},
                "content": {"content_type": "text", "parts": [words]},
            },
        }
        for key, parent, words in turns
    }
    return {
        "conversation_id": identity,
        "title": "A chat",
        "mapping": mapping,
        "current_node": turns[-1][0],
        "update_time": 1_700_000_000.0 + len(turns),
    }


def claude(*turns: tuple[str, str, str]) -> dict[str, object]:
    """Turns are key, sender and words, one behind the other."""
    messages = [{"uuid": key, "sender": sender, "text": words} for key, sender, words in turns]
    return {"uuid": "c-1", "name": "A talk", "chat_messages": messages}


CHATGPT_ID = conversation_id("chatgpt", "c-1")
FIRST = (("q1", None, "Why?"), ("a1", "q1", "Because."))
MORE = (("q2", "a1", "And?"), ("a2", "q2", "So it is."))


def test_what_has_grown_gets_its_new_messages(store: ConversationStore, tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    other = chatgpt(*FIRST, identity="c-2")
    assert take(store, path, [chatgpt(*FIRST), other]).added == 2
    before = loaded(store, CHATGPT_ID)
    late = chatgpt(*FIRST, identity="c-3")
    report = take(store, path, [chatgpt(*FIRST, *MORE), other, late])
    assert (report.added, report.grown, report.new_messages, report.already_here) == (1, 1, 2, 1)
    after = loaded(store, CHATGPT_ID)
    assert after.messages[:2] == before.messages
    assert tree(after) == [("", "Why?"), ("Why?", "Because."), ("Because.", "And?"), ("And?", "So it is.")]
    assert after.tip_id == after.messages[-1].id
    assert after.updated_at_s == 1_700_000_004.0
    report = take(store, path, [chatgpt(*FIRST, *MORE), other, late])
    assert (report.added, report.grown, report.new_messages, report.already_here) == (0, 0, 0, 3)
    assert loaded(store, CHATGPT_ID) == after


def test_an_older_export_takes_nothing_away(store: ConversationStore, tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    take(store, path, [chatgpt(*FIRST, *MORE)])
    before = loaded(store, CHATGPT_ID)
    report = take(store, path, [chatgpt(*FIRST)])
    assert (report.grown, report.already_here) == (0, 1)
    assert loaded(store, CHATGPT_ID) == before


def test_a_branch_in_the_middle_comes_in_where_it_belongs(store: ConversationStore, tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    take(store, path, [chatgpt(*FIRST, *MORE)])
    before = loaded(store, CHATGPT_ID)
    branch = (("q1b", "a1", "Really?"), ("a1b", "q1b", "Really."))
    report = take(store, path, [chatgpt(FIRST[0], FIRST[1], *branch, *MORE)])
    assert (report.grown, report.new_messages) == (1, 2)
    after = loaded(store, CHATGPT_ID)
    assert after.messages[:4] == before.messages
    assert tree(after)[4:] == [("Because.", "Really?"), ("Really?", "Really.")]
    assert after.tip_id == before.tip_id


def test_the_same_answer_twice_is_two_answers(store: ConversationStore, tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    take(store, path, [chatgpt(*FIRST)])
    again = chatgpt(*FIRST, ("a1b", "q1", "Because."), ("a1c", "q1", "Because."))
    assert take(store, path, [again]).new_messages == 2
    assert tree(loaded(store, CHATGPT_ID)).count(("Why?", "Because.")) == 3
    assert take(store, path, [again]).new_messages == 0


def test_what_was_done_with_it_here_stays(store: ConversationStore, tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    take(store, path, [chatgpt(*FIRST)])
    store.rename(CHATGPT_ID, "Mine")
    store.set_pinned(CHATGPT_ID, is_pinned=True)
    store.put_message(CHATGPT_ID, user(1 << 50, "Asked here", 2))
    store.settle(CHATGPT_ID, answer((1 << 50) + 1, "Said here", 1 << 50))
    flushed(store)
    before = loaded(store, CHATGPT_ID)
    assert take(store, path, [chatgpt(*FIRST, *MORE)]).new_messages == 2
    after = loaded(store, CHATGPT_ID)
    assert replace(after, messages=after.messages[:4]) == before
    assert (after.title, after.is_pinned, after.model) == ("Mine", True, "mine/model")
    assert tree(after)[4:] == [("Because.", "And?"), ("And?", "So it is.")]


def test_the_list_keeps_its_order_and_the_new_words_are_found(store: ConversationStore, tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    take(store, path, [chatgpt(*FIRST)])
    store.begin("f" * 32, "Of today", "p/m", 1.0)
    take(store, path, [chatgpt(*FIRST, *MORE)])
    first, second = asyncio.run(store.recent())
    assert (first.id, second.id, second.message_count) == ("f" * 32, CHATGPT_ID, 4)
    assert (second.text_chars, second.preview) == (len("Why?Because.And?So it is."), "So it is.")
    assert [hit.row.id for hit in asyncio.run(store.search("so it is"))] == [CHATGPT_ID]


def test_a_later_export_of_claude(store: ConversationStore, tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    first = (("1", "human", "Why?"), ("2", "assistant", "Because."))
    take(store, path, [claude(*first)])
    later = claude(*first, ("3", "human", "And?"), ("4", "assistant", "So it is."))
    report = take(store, path, [later])
    assert (report.added, report.grown, report.new_messages) == (0, 1, 2)
    found = loaded(store, conversation_id("claude", "c-1"))
    assert tree(found)[2:] == [("Because.", "And?"), ("And?", "So it is.")]
    assert found.tip_id == 4
    assert take(store, path, [later]).already_here == 1


def test_an_archive_that_has_it_twice_holds_it_once(store: ConversationStore, tmp_path: Path) -> None:
    report = take(store, tmp_path / "conversations.json", [chatgpt(*FIRST), chatgpt(*FIRST, *MORE)])
    assert (report.added, report.grown, report.new_messages) == (1, 1, 2)
    assert len(loaded(store, CHATGPT_ID).messages) == 4


def own(*messages: Message, tip_id: int | None = None, title: str = "Ours") -> StoredConversation:
    return StoredConversation(
        id=OWN_ID, title=title, updated_at_s=LATER_S, tip_id=tip_id or messages[-1].id, messages=messages
    )


QUESTION, REPLY = user(1 << 50, "Why?"), answer((1 << 50) + 1, "Because.", 1 << 50)


def test_a_later_export_of_our_own(store: ConversationStore, tmp_path: Path) -> None:
    path = tmp_path / "ours.json"
    take(store, path, render(own(QUESTION, REPLY), ExportFormat.JSON))
    more = user((1 << 50) + 5, "And?", REPLY.id)
    report = take(store, path, render(own(QUESTION, REPLY, more, title="Theirs"), ExportFormat.JSON))
    assert (report.added, report.grown, report.new_messages) == (0, 1, 1)
    assert loaded(store, OWN_ID) == own(QUESTION, REPLY, more)


def test_of_our_own_nothing_is_overwritten(store: ConversationStore, tmp_path: Path) -> None:
    """The same ids with other words are other messages."""
    path = tmp_path / "ours.json"
    take(store, path, render(own(QUESTION, REPLY), ExportFormat.JSON))
    changed = replace(REPLY, parts=(TextPart("Never."),))
    below = user((1 << 50) + 5, "Never?", REPLY.id)
    file = render(own(QUESTION, changed, below), ExportFormat.JSON)
    assert take(store, path, file).new_messages == 2
    after = loaded(store, OWN_ID)
    assert after.messages[:2] == (QUESTION, REPLY)
    assert tree(after)[2:] == [("Why?", "Never."), ("Never.", "Never?")]
    assert after.tip_id == REPLY.id
    assert take(store, path, file).new_messages == 0
    assert loaded(store, OWN_ID) == after


def test_an_answer_that_was_exported_while_it_ran(store: ConversationStore, tmp_path: Path) -> None:
    """Its beginning is nothing new where the whole is; where only the beginning is, the whole comes beside it."""
    path = tmp_path / "ours.json"
    cut = Message(REPLY.id, Role.ASSISTANT, (TextPart("Bec"),), QUESTION.id, "mine/model", Ending(Outcome.STOPPED))
    partial, whole = (render(own(QUESTION, one), ExportFormat.JSON) for one in (cut, REPLY))
    take(store, path, whole)
    assert take(store, path, partial).already_here == 1
    assert loaded(store, OWN_ID) == own(QUESTION, REPLY)
    with opened(tmp_path / "other") as other:
        take(other, path, partial)
        assert take(other, path, whole).new_messages == 1
        assert tree(loaded(other, OWN_ID)) == [("", "Why?"), ("Why?", "Bec"), ("Why?", "Because.")]


def test_two_windows_that_import_the_same_add_it_once(store: ConversationStore, tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    take(store, path, [chatgpt(*FIRST)])
    path.write_text(json.dumps([chatgpt(*FIRST, *MORE)]))

    async def both(other: ConversationStore) -> None:
        await asyncio.gather(import_into(store, path), import_into(other, path))

    with opened(store.directory) as other:
        asyncio.run(both(other))
    assert len(loaded(store, CHATGPT_ID).messages) == 4
