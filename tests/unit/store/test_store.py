"""The facade over a real database: what is put is read, by this window and the next."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from chat_tui.core.conversation import Outcome, Role, TextPart
from chat_tui.core.errors import FaultKind
from chat_tui.store.model import StoreError
from chat_tui.store.store import ConversationStore, MessageIds
from tests.support.stores import answer, bytes_in, chat, flushed, opened, running, user


async def test_a_turn_is_there_for_the_next_window(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        conversation_id = chat(store, "What is it?", "A thing.")
    with opened(tmp_path) as store:
        found = await store.load(conversation_id)
        assert [message.text for message in found.messages] == ["What is it?", "A thing."]
        assert (found.title, found.model, found.tip_id, found.is_title_own) == ("A title", "mine/model", 2, False)
        assert found.messages[1].ending is not None
        [row] = await store.recent()
        assert (row.message_count, row.text_chars, row.preview) == (2, 19, "A thing.")
        assert await store.last_id() == conversation_id


async def test_deltas_are_part_of_a_running_answer_and_settling_replaces_them(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        conversation_id = chat(store)
        store.put_message(conversation_id, running(3, 2), is_running=True)
        store.append_deltas(conversation_id, 3, [("reasoning", "hm"), ("text", "one ")])
        store.append_deltas(conversation_id, 3, [("text", "two")])
        message = (await store.load(conversation_id)).messages[-1]
        assert (message.reasoning, message.text, message.ending) == ("hm", "one two", None)
        assert (await store.counts()).running == 1
        store.settle(conversation_id, answer(3, "one two three", 2))
        assert (await store.load(conversation_id)).messages[-1].text == "one two three"
        assert (await store.counts()).running == 0


DIES = """
import os, sys
from pathlib import Path
from chat_tui.store.store import ConversationStore
from tests.support.stores import chat, running
store = ConversationStore.open(Path(sys.argv[1]))
conversation_id = chat(store)
store.put_message(conversation_id, running(3, 2), is_running=True)
store.append_deltas(conversation_id, 3, [("text", "as far as it "), ("text", "came")])
assert store.flush(20)
print(conversation_id, flush=True)
os._exit(9)
"""


async def test_an_answer_of_a_window_that_died_is_interrupted(tmp_path: Path) -> None:
    died = subprocess.run([sys.executable, "-c", DIES, str(tmp_path)], capture_output=True, text=True, timeout=60)
    conversation_id = died.stdout.strip()
    assert len(conversation_id) == 32, died.stderr
    with opened(tmp_path) as store:
        message = (await store.load(conversation_id)).messages[-1]
        assert message.text == "as far as it came"
        assert message.ending is not None
        assert message.ending.outcome is Outcome.INTERRUPTED
        assert message.ending.fault is not None
        assert message.ending.fault.kind is FaultKind.CUT
        [row] = await store.recent()
        assert row.is_unfinished
        assert (await store.counts()).running == 0
        assert [hit.message_id for hit in await store.search("far")] == [3]


async def test_a_window_that_dies_later_is_noticed_when_it_is_asked_for(tmp_path: Path) -> None:
    """Before a list is shown: what it left is in the list, unfinished, and found by its words."""
    with opened(tmp_path) as store:
        flushed(store)
        died = subprocess.run(
            [sys.executable, "-c", DIES, str(tmp_path)], capture_output=True, text=True, timeout=60
        )
        assert len(died.stdout.strip()) == 32, died.stderr
        assert [row.is_unfinished for row in await store.recent()] == [False]
        await store.recover_lost()
        [row] = await store.recent()
        assert (row.is_unfinished, row.preview) == (True, "as far as it came")
        assert [hit.message_id for hit in await store.search("far")] == [3]


async def test_looking_for_windows_that_died_writes_nothing_when_there_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as one, opened(tmp_path) as other:
        conversation_id = chat(one)
        one.put_message(conversation_id, running(3, 2), is_running=True)
        flushed(one)
        monkeypatch.setattr(other, "recover", lambda: pytest.fail("something is written"))
        await other.recover_lost()
        monkeypatch.setattr(one, "recover", lambda: pytest.fail("something is written"))
        await one.recover_lost()
        assert (await other.load(conversation_id)).messages[-1].ending is None


async def test_ids_are_found_by_their_beginning(tmp_path: Path) -> None:
    ids = ["ab" + "0" * 30, "abf" + "f" * 29, "ac" + "0" * 30, "f" * 32]
    with opened(tmp_path) as store:
        for identity in ids:
            store.begin(identity, "", "mine/model", 0.0)
        assert await store.ids_beginning("ab", 9) == ids[:2]
        assert await store.ids_beginning("a", 2) == ids[:2]
        assert await store.ids_beginning("f", 9) == await store.ids_beginning("f" * 32, 9) == ids[3:]
        assert await store.ids_beginning("0", 9) == []
        assert await store.count() == 4


async def test_an_answer_of_a_window_that_lives_is_running(tmp_path: Path) -> None:
    with opened(tmp_path) as one, opened(tmp_path) as other:
        conversation_id = chat(one)
        one.put_message(conversation_id, running(3, 2), is_running=True)
        one.append_deltas(conversation_id, 3, [("text", "so far")])
        flushed(one)
        other.recover()
        seen = (await other.load(conversation_id)).messages[-1]
        assert (seen.text, seen.ending) == ("so far", None)


async def test_deleting_in_another_window_does_not_take_a_running_answer(
    tmp_path: Path,
) -> None:
    with opened(tmp_path) as one, opened(tmp_path) as other:
        conversation_id = chat(one)
        one.put_message(conversation_id, running(3, 2), is_running=True)
        flushed(one)
        other.delete(conversation_id)
        flushed(other)
        one.append_deltas(conversation_id, 3, [("text", "still here")])
        assert [message.text for message in (await one.load(conversation_id)).messages] == ["still here"]


async def test_the_list_is_ordered_by_what_changed_last_whatever_the_clock_says(tmp_path: Path) -> None:
    clock = iter([5e9, 1e9, 4e9, 0.0, *[2e9] * 100])
    store = ConversationStore.open(tmp_path, now=lambda: next(clock))
    try:
        first, second, third = (chat(store, title=title) for title in ("one", "two", "three"))
        assert [row.id for row in await store.recent()] == [third, second, first]
        store.settle(first, answer(2, "again", 1))
        assert [row.id for row in await store.recent()] == [first, third, second]
        store.set_pinned(second, True)
        assert [row.id for row in await store.recent(2)] == [second, first]
        assert [row.id for row in await store.recent(2, offset=2)] == [third]
    finally:
        store.close(5)


async def test_siblings_and_the_shown_path_are_kept(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        conversation_id = chat(store)
        store.put_message(conversation_id, answer(3, "another", 1))
        assert (await store.load(conversation_id)).tip_id == 3
        store.set_tip(conversation_id, 2)
        found = await store.load(conversation_id)
        assert (found.tip_id, [message.parent_id for message in found.messages]) == (2, [None, 1, 1])
        store.set_tip(conversation_id, None)
        assert (await store.load(conversation_id)).tip_id is None


async def test_the_users_title_stays(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        conversation_id = chat(store)
        store.rename(conversation_id, "by a model", is_own=False)
        assert (await store.load(conversation_id)).title == "by a model"
        store.rename(conversation_id, "mine")
        store.rename(conversation_id, "by a model again", is_own=False)
        found = await store.load(conversation_id)
        assert (found.title, found.is_title_own) == ("mine", True)


async def test_what_is_deleted_is_nowhere_and_can_be_brought_back(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        other_id = chat(store, "something else")
        conversation_id = chat(store, "zebracanary question", "zebracanary reply", "zebracanary title")
        store.add_prompt("zebracanary question")
        store.put_draft(conversation_id, "zebracanary draft")
        store.put_message(conversation_id, running(3, 2), is_running=True)
        store.append_deltas(conversation_id, 3, [("text", "zebracanary so far")])
        flushed(store)
        before = await store.load(conversation_id)
        assert bytes_in(tmp_path, b"zebracanary")
        store.delete(conversation_id)
        flushed(store)
        assert bytes_in(tmp_path, b"zebra") == []
        assert await store.search("zebracanary") == []
        assert [row.id for row in await store.recent()] == [other_id]
        with pytest.raises(StoreError, match="no conversation"):
            await store.load(conversation_id)
        store.undelete(conversation_id)
        again = await store.load(conversation_id)
        assert [m.text for m in again.messages] == [m.text for m in before.messages]
        assert await store.draft(conversation_id) == "zebracanary draft"
        assert [row.id for row in await store.recent()] == [conversation_id, other_id]


async def test_drafts_and_prompts(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        for text in ("t", "ty", "typed \ud800\x00"):
            store.put_draft("new", text)
        for text in ("one", "two", "  ", "one"):
            store.add_prompt(text)
    with opened(tmp_path) as store:
        assert await store.draft("new") == "typed \ud800\x00"
        assert await store.prompts() == ["one", "two"]
        assert await store.prompts(1) == ["one"]
        store.put_draft("new", "")
        assert await store.draft("new") == ""


async def test_a_conversation_open_in_another_window_is_said(tmp_path: Path) -> None:
    with opened(tmp_path) as one, opened(tmp_path) as other:
        conversation_id = chat(one)
        flushed(one)
        assert one.hold(conversation_id)
        assert one.hold(conversation_id)
        assert not other.hold(conversation_id)
        assert [row.is_open_elsewhere for row in await other.recent()] == [True]
        assert [row.is_open_elsewhere for row in await one.recent()] == [False]
        one.release()
        assert other.hold(conversation_id)


async def test_turns_have_the_numbers_of_the_answers(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        chat(store)
        turns = await store.turns()
        assert [(turn.model, turn.provider, turn.outcome) for turn in turns] == [("mine/model", "mine", "complete")]
        assert await store.turns(model="another") == []
        assert await store.turns(since_s=1e12) == []


@pytest.mark.skipif(os.name != "posix", reason="modes mean nothing here")
async def test_nobody_else_can_read_anything(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with opened(tmp_path / "state") as store:
            store.hold(chat(store))
            flushed(store)
            paths = [tmp_path / "state", *(tmp_path / "state").rglob("*")]
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in paths}
            wrong = [p.name for p in paths if modes[p.name] != (0o700 if p.is_dir() else 0o600)]
    finally:
        os.umask(before)
    assert "conversations.db-wal" in modes
    assert wrong == []


async def test_after_closing_nothing_hangs(tmp_path: Path) -> None:
    store = ConversationStore.open(tmp_path)
    conversation_id = chat(store)
    assert store.close(20)
    store.put_message(conversation_id, user(9, "too late"))
    assert not store.flush(0.1)
    with pytest.raises(StoreError, match="closed"):
        await store.load(conversation_id)
    assert not (tmp_path / "conversations.db-wal").exists()


def test_message_ids_grow_and_fit() -> None:
    times = iter([2e9, 1e9, -5.0, 4e9])
    ids = MessageIds(lambda: next(times))
    given = [ids.next() for _ in range(4)]
    assert given == sorted(set(given))
    assert given[0] > 0
    assert given[-1] < 1 << 63


def test_loading_the_facade_loads_no_sqlite() -> None:
    program = "import sys, chat_tui.store.store; print('sqlite3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"


async def test_a_whole_conversation_is_added_once(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        conversation_id = chat(store)
        stored = await store.load(conversation_id)
    with opened(tmp_path / "second") as store:
        store.add(stored)
        store.add(stored)
        assert await store.load(conversation_id) == stored
        assert await store.known([conversation_id, "0" * 32]) == {conversation_id}
        assert [m.role for m in stored.messages] == [Role.USER, Role.ASSISTANT]
        assert stored.messages[0].parts == (TextPart("question"),)
