"""Stored conversations in the chat: found, opened, gone on with, deleted, named on the command line."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from chat_tui.core.conversation import Message, Outcome, Role, TextPart
from chat_tui.session.journal import Journal
from chat_tui.store.store import ConversationStore
from chat_tui.ui.screens.conversations import ConversationsScreen
from tests.support.fake_provider import FakeProvider, answer
from tests.support.stage import Stage, stage
from tests.support.stores import answer as stored_answer
from tests.support.stores import chat, flushed, opened, user
from tests.support.waiting import wait_until


@asynccontextmanager
async def keeping(folder: Path, *replies: str, resume: str = "", model: str = "fake/one") -> AsyncGenerator[Stage]:
    """The application over the store in `folder`; the model answers with `replies`."""
    provider = FakeProvider(lambda: 1000.0)
    for reply in replies:
        provider.add(answer(reply))
    journal = Journal(lambda on_problem: ConversationStore.open(folder / "state", on_problem=on_problem))
    try:
        async with stage(model, folder, provider=provider, journal=journal, resume=resume) as on:
            yield on
    finally:
        assert journal.close(10)


async def listed(on: Stage) -> ConversationsScreen:
    """The picker of the application, when it lists something."""
    await wait_until(lambda: isinstance(on.app.screen, ConversationsScreen), what="the picker")
    screen = on.app.screen
    assert isinstance(screen, ConversationsScreen)
    await wait_until(lambda: screen.rows.entry is not None, what="rows")
    return screen


def fill(folder: Path, *titles: str) -> list[str]:
    """Conversations of one turn; their ids."""
    with opened(folder / "state") as store:
        ids = [chat(store, f"question about {title}", f"reply about {title}", title) for title in titles]
        flushed(store)
    return ids


async def shows(on: Stage, text: str) -> None:
    await wait_until(lambda: text in on.text, what=text)


async def test_a_conversation_is_found_opened_and_gone_on_with(tmp_path: Path) -> None:
    async with keeping(tmp_path, "Rivers run.", "They do.") as on:
        await on.ask("Tell me about rivers")
        await on.until_done()
        await on.pilot.press("ctrl+n")
        await on.settle()
        assert on.text.strip() == ""
        await on.pilot.press("f3")
        await listed(on)
        await on.pilot.press("enter")
        await shows(on, "Rivers run.")
        assert on.app.screen is on.chat
        assert "Tell me about rivers" in on.screen_text.split("\n")[0]
        await on.ask("Really?")
        await on.until_done()
        sent = on.requests[-1].messages
        assert [m.text for m in sent] == ["Tell me about rivers", "Rivers run.", "Really?"]


async def test_what_was_found_is_led_to_and_marked(tmp_path: Path) -> None:
    filler = "\n\n".join(f"Paragraph {number} of many." for number in range(60))
    with opened(tmp_path / "state") as store:
        conversation_id = chat(store, "long", f"{filler}\n\nThe heron waits.\n\n{filler}", "Birds")
        store.put_message(conversation_id, user(3, "and?", 2))
        store.settle(conversation_id, stored_answer(4, filler, 3))
        flushed(store)
    async with keeping(tmp_path) as on:
        await on.ask("/sessions heron")
        await listed(on)
        await on.pilot.press("enter")
        await shows(on, "The heron waits.")
        await wait_until(lambda: "1 of 1" in on.chat.find_bar.count)
        assert on.chat.transcript.marked_id == 2
        await on.pilot.press("escape")
        await on.settle()
        assert "The heron waits." in on.text, "the reader stays where they were led to"


async def test_a_place_in_another_branch_is_shown(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as store:
        conversation_id = chat(store, "question", "The first answer: quince.", "Fruit")
        store.settle(conversation_id, stored_answer(3, "The second answer: medlar.", 1))
        flushed(store)
    async with keeping(tmp_path, resume=conversation_id) as on:
        await shows(on, "medlar")
        await on.ask("/resume quince")
        await listed(on)
        await on.pilot.press("enter")
        await shows(on, "quince")
        assert "medlar" not in on.text


@pytest.mark.parametrize("beginning", [32, 12])
async def test_the_command_line_names_one(tmp_path: Path, beginning: int) -> None:
    ids = fill(tmp_path, "apples", "pears")
    async with keeping(tmp_path, resume=ids[0][:beginning]) as on:
        await shows(on, "reply about apples")


async def test_the_command_line_takes_the_last_one(tmp_path: Path) -> None:
    fill(tmp_path, "apples", "pears")
    async with keeping(tmp_path, resume="last") as on:
        await shows(on, "reply about pears")


async def test_the_command_line_lets_one_choose(tmp_path: Path) -> None:
    fill(tmp_path, "apples", "pears")
    async with keeping(tmp_path, resume="pick") as on:
        await listed(on)
        await on.pilot.press("down", "enter")
        await shows(on, "reply about apples")


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [("last", "no conversation to go on with"), ("f" * 32, "There is no conversation"), ("zz", "is no ID")],
)
async def test_what_is_not_there_is_said_and_a_new_one_begins(tmp_path: Path, wanted: str, sentence: str) -> None:
    async with keeping(tmp_path, "Yes.", resume=wanted) as on:
        await wait_until(lambda: sentence in on.screen_text, what=sentence)
        await on.ask("Does it work?")
        await on.until_done()
        assert "Yes." in on.text


async def test_the_model_of_the_conversation_answers(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as store:
        conversation_id = chat(store)
        store.settle(conversation_id, replace(stored_answer(4, "by another", 1), model="fake/two"))
        flushed(store)
    async with keeping(tmp_path, resume="last") as on:
        await shows(on, "by another")
        assert on.session.model_id == "fake/two"
        assert "fake/two" in on.screen_text.split("\n")[0]


async def test_a_model_that_is_not_there_is_said(tmp_path: Path) -> None:
    fill(tmp_path, "apples")  # answered by mine/model, which nobody has
    async with keeping(tmp_path, resume="last") as on:
        await shows(on, "mine/model is not there;")
        assert on.session.model_id == "fake/one"


async def test_an_answer_cut_by_a_crash_has_its_seam(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as store:
        conversation_id = chat(store)
        store.settle(conversation_id, stored_answer(5, "It was going to", 1, Outcome.INTERRUPTED))
        flushed(store)
    async with keeping(tmp_path, " continue.", resume="last") as on:
        await shows(on, "It was going to")
        assert "c continue" in on.text
        await on.pilot.press("tab", "c")
        await on.until_done()
        assert "It was going to continue." in on.text


async def test_a_conversation_open_twice_is_said(tmp_path: Path) -> None:
    (conversation_id,) = fill(tmp_path, "apples")
    with opened(tmp_path / "state") as other:
        assert other.hold(conversation_id)
        async with keeping(tmp_path, "Mine.", resume="last") as on:
            await shows(on, "open in another window, too")
            await on.ask("question")
            await on.until_done()
            other.put_message(conversation_id, Message(77, Role.USER, (TextPart("theirs"),), 2))
            flushed(other)
        stored = await other.load(conversation_id)
        assert {"question", "Mine.", "theirs"} <= {message.text for message in stored.messages}


async def test_nothing_is_opened_while_an_answer_runs(tmp_path: Path) -> None:
    fill(tmp_path, "apples")
    async with keeping(tmp_path, model="demo/slow") as on:
        on.clock.stop_at_s = 3.2
        await on.ask("Are you there?")
        await on.until_standing()
        await on.pilot.press("f3")
        await listed(on)
        await on.pilot.press("down", "enter")
        await wait_until(lambda: "still running" in on.status)
        assert on.session.is_running


async def test_the_open_one_is_deleted_and_undone(tmp_path: Path) -> None:
    async with keeping(tmp_path, "Rivers run.") as on:
        await on.ask("Tell me about rivers")
        await on.until_done()
        conversation_id = on.session.conversation.id
        await on.pilot.press("f3")
        await listed(on)
        await on.pilot.press("ctrl+d")
        await wait_until(lambda: "Nothing is stored yet." in on.screen_text)
        assert on.session.conversation.id == ""
        assert on.text.strip() == ""
        await on.pilot.press("escape")
        await on.ask("/undo")
        await shows(on, "Rivers run.")
        assert on.session.conversation.id == conversation_id
        store = on.session.journal.store
        assert store is not None
        assert len((await store.load(conversation_id)).messages) == 2


async def test_another_one_is_deleted_and_undone(tmp_path: Path) -> None:
    ids = fill(tmp_path, "apples", "pears")
    async with keeping(tmp_path) as on:
        await on.pilot.press("f3")
        await listed(on)
        await on.pilot.press("ctrl+d", "escape")
        store = on.session.journal.store
        assert store is not None
        assert [one.id for one in await store.recent()] == ids[:1]
        await on.ask("/undo")
        await wait_until(lambda: "is back" in on.status)
        assert [one.id for one in await store.recent()] == ids[::-1]


async def test_a_title_of_ones_own(tmp_path: Path) -> None:
    async with keeping(tmp_path, "Rivers run.") as on:
        await on.ask("/rename Before anything")
        await on.ask("Tell me about rivers")
        await on.until_done()
        assert "Before anything" in on.screen_text.split("\n")[0]
        await on.pilot.press("tab", "T")
        assert on.chat.prompt.text == "/rename Before anything"
        await on.ask("/rename Rivers, mostly")
        store = on.session.journal.store
        assert store is not None
        stored = await store.load(on.session.conversation.id)
        assert (stored.title, stored.is_title_own) == ("Rivers, mostly", True)
        await on.pilot.press("f3")
        await listed(on)
        await on.pilot.press("ctrl+r", "ctrl+u", *"Water", "enter", "escape")
        await wait_until(lambda: "Water" in on.screen_text.split("\n")[0])


async def test_without_a_store_it_is_said(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path) as on:
        await on.pilot.press("f3")
        await wait_until(lambda: "not kept" in on.status)
