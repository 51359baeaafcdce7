"""What is typed and not sent: kept with its conversation, through switching, leaving and crashes."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chat_tui.core.errors import Fault, FaultKind
from chat_tui.session.drafts import joined
from chat_tui.session.journal import Journal
from chat_tui.store.store import ConversationStore
from chat_tui.ui.screens.conversations import Choice, ConversationsScreen
from tests.support.fake_provider import FakeProvider, answer, failed
from tests.support.stage import Stage, stage
from tests.support.stores import chat, flushed, opened
from tests.support.waiting import wait_until

REFUSED = Fault(FaultKind.AUTH, "key refused", "401 from a.test: the key was refused.", status=401)


@asynccontextmanager
async def keeping(folder: Path, *replies: str, resume: str = "", fails: bool = False) -> AsyncGenerator[Stage]:
    """The application over the store in `folder`, when it has looked for a draft."""
    provider = FakeProvider(lambda: 1000.0)
    for reply in replies:
        provider.add(answer(reply))
    if fails:
        provider.add([failed(REFUSED)])
    journal = Journal(lambda on_problem: ConversationStore.open(folder / "state", on_problem=on_problem))
    try:
        async with stage("fake/one", folder, provider=provider, journal=journal, resume=resume) as on:
            await known(on)
            yield on
    finally:
        assert journal.close(10)


async def known(on: Stage) -> None:
    await wait_until(lambda: on.chat.drafts.is_known, what="the draft")
    await on.settle()


async def draft(on: Stage, key: str) -> str:
    """As it is stored now."""
    store = on.session.journal.store
    assert store is not None
    return await store.draft(key)


async def stored(folder: Path, key: str) -> str:
    with opened(folder / "state") as store:
        return await store.draft(key)


def fill(folder: Path, *titles: str) -> list[str]:
    with opened(folder / "state") as store:
        ids = [chat(store, f"question about {title}", f"reply about {title}", title) for title in titles]
        flushed(store)
    return ids


async def go_to(on: Stage, conversation_id: str) -> None:
    on.chat.open_conversation(Choice(conversation_id))
    await wait_until(lambda: on.session.conversation.id == conversation_id)
    await known(on)


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ("", "", ""),
        ("a", "", "a"),
        ("", "b", "b"),
        ("a", "b", "a\nb"),
        ("a", "a", "a"),
        (" ", "b", "b"),
        ("a", " ", "a"),
    ],
)
def test_two_texts_become_one(first: str, second: str, both: str) -> None:
    assert joined(first, second) == both


async def test_it_is_saved_soon_without_being_asked(tmp_path: Path) -> None:
    async with keeping(tmp_path) as on:
        await on.pilot.press(*"half a thou")
        store = on.session.journal.store
        assert store is not None
        saved: list[str] = []
        while saved[-1:] != ["half a thou"]:
            saved.append(await store.draft("new"))
            await on.pilot.pause(0.01)


async def test_it_is_there_after_leaving_and_gone_after_sending(tmp_path: Path) -> None:
    async with keeping(tmp_path) as on:
        await on.pilot.press(*"half a thought")
        await on.pilot.press("ctrl+q")
    assert await stored(tmp_path, "new") == "half a thought"
    async with keeping(tmp_path, "Whole.") as on:
        assert on.chat.prompt.text == "half a thought"
        await on.pilot.press("enter")
        await on.until_done()
        assert await draft(on, "new") == ""
        assert await draft(on, on.session.conversation.id) == ""
    async with keeping(tmp_path) as on:
        assert on.chat.prompt.text == ""


async def test_what_is_typed_before_it_is_there_stays_below_it(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as store:
        store.put_draft("new", "from before")
        flushed(store)
    provider = FakeProvider(lambda: 1000.0)
    journal = Journal(lambda on_problem: ConversationStore.open(tmp_path / "state", on_problem=on_problem))
    async with stage("fake/one", tmp_path, provider=provider, journal=journal) as on:
        on.chat.prompt.put("typed at once")
        await known(on)
        assert on.chat.prompt.text == "from before\ntyped at once"
        assert await draft(on, "new") == "from before\ntyped at once"
    assert journal.close(10)


async def test_every_conversation_has_its_own(tmp_path: Path) -> None:
    apples, pears = fill(tmp_path, "apples", "pears")
    async with keeping(tmp_path) as on:
        on.chat.prompt.put("for a new one")
        await go_to(on, apples)
        assert on.chat.prompt.text == ""
        on.chat.prompt.put("for apples")
        await go_to(on, pears)
        assert on.chat.prompt.text == ""
        on.chat.prompt.put("for pears")
        await on.pilot.press("ctrl+n")
        await known(on)
        assert on.chat.prompt.text == "for a new one"
        await go_to(on, apples)
        assert on.chat.prompt.text == "for apples"
    async with keeping(tmp_path, resume=pears) as on:
        await wait_until(lambda: on.chat.prompt.text == "for pears")
    assert await stored(tmp_path, apples) == "for apples"
    assert await stored(tmp_path, "new") == "for a new one"


async def test_files_stay_behind_with_the_words_they_were_attached_to(tmp_path: Path) -> None:
    apples, pears = fill(tmp_path, "apples", "pears")
    file = tmp_path / "plan.md"
    file.write_text("# Plan\n")

    def attached() -> list[str]:
        return [item.path for item in on.chat.attachments.items]

    async with keeping(tmp_path, resume=apples) as on:
        await wait_until(lambda: on.session.conversation.id == apples)
        await known(on)
        on.chat.prompt.put("for apples")
        on.chat.attach(str(file))
        await wait_until(lambda: attached() == [str(file)])
        await go_to(on, pears)
        assert (on.chat.prompt.text, attached()) == ("", [])
        await go_to(on, apples)
        assert (on.chat.prompt.text, attached()) == ("for apples", [str(file)])
        await on.pilot.press("ctrl+n")
        await known(on)
        assert attached() == []
        await go_to(on, apples)
        await on.pilot.press("tab", "e")  # what is typed waits for the end of the edit, and its files do
        await wait_until(lambda: on.chat.is_editing)
        assert attached() == []
        await go_to(on, pears)
        assert attached() == []
        await go_to(on, apples)
        assert (on.chat.prompt.text, attached()) == ("for apples", [str(file)])


async def test_a_new_conversation_where_there_is_one_changes_nothing(tmp_path: Path) -> None:
    async with keeping(tmp_path) as on:
        on.chat.prompt.put("some")
        on.chat.save_draft()
        on.chat.prompt.put("some more")
        await on.pilot.press("ctrl+n")
        await known(on)
        assert on.chat.prompt.text == "some more"
        assert await draft(on, "new") == "some more"


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_typed_is_ever_lost(tmp_path: Path, seed: int) -> None:
    """Whatever is done, in whatever order: every word is in the composer, in a draft or in a conversation."""
    chance = random.Random(seed)
    ids = fill(tmp_path, "apples", "pears")
    typed: list[str] = []
    for window in range(2):
        provider = FakeProvider(lambda: 1000.0)
        journal = Journal(lambda on_problem: ConversationStore.open(tmp_path / "state", on_problem=on_problem))
        async with stage("fake/one", tmp_path, provider=provider, journal=journal) as on:
            await known(on)
            for step in range(14):
                match chance.choice(("type", "type", "open", "new", "ask", "fail", "fork", "undo", "delete")):
                    case "type":
                        typed.append(f"word{window}{step}")
                        on.chat.prompt.insert(f" {typed[-1]}")
                    case "open":
                        on.chat.open_conversation(Choice(chance.choice(ids)))
                    case "new":
                        on.chat.action_new()
                    case "ask" | "fail" as kind:
                        provider.add(answer("Yes.") if kind == "ask" else [failed(REFUSED)])
                        await on.pilot.press("enter")
                        await wait_until(lambda on=on: not on.session.is_running, 20)
                        provider.scripts.clear()  # there was nothing to ask
                    case "fork":
                        on.chat.action_fork()
                    case "undo":
                        on.chat.action_undo_change()
                    case _:
                        here, library = on.session.conversation.id, on.chat.library
                        if library is not None and here and here not in ids:
                            library.delete(here, "")
                            await on.settle()
                            library.bring_back(here)
                if chance.random() < 0.5:
                    await known(on)
            await on.settle()
            await on.pilot.press("ctrl+q")
        assert journal.close(10)
        found = await all_words(tmp_path)
        assert [word for word in typed if word not in found] == []


async def all_words(folder: Path) -> set[str]:
    """Of all drafts and all questions."""
    with opened(folder / "state") as store:
        rows = await store.recent(1_000)
        texts = [await store.draft(key) for key in (*(row.id for row in rows), "new", "new2")]
        for row in rows:
            texts += [message.text for message in (await store.load(row.id)).messages]
    return {word for text in texts for word in text.split()}


async def test_the_picker_keeps_what_is_typed(tmp_path: Path) -> None:
    fill(tmp_path, "apples")
    async with keeping(tmp_path) as on:
        on.chat.prompt.put("not yet")
        await on.pilot.press("f3")
        await wait_until(lambda: isinstance(on.app.screen, ConversationsScreen))
        assert await draft(on, "new") == "not yet"
        await on.pilot.press("escape")
        await wait_until(lambda: on.app.screen is on.chat)
        assert on.chat.prompt.text == "not yet"


async def test_a_question_nothing_came_of_is_a_draft_again(tmp_path: Path) -> None:
    async with keeping(tmp_path, fails=True) as on:
        await on.ask("Anybody there?")
        await wait_until(lambda: on.chat.prompt.text == "Anybody there?", 20)
        await known(on)
        assert on.session.conversation.id == ""
    assert await stored(tmp_path, "new") == "Anybody there?"


async def test_leaving_before_the_first_word_keeps_the_question(tmp_path: Path) -> None:
    journal = Journal(lambda on_problem: ConversationStore.open(tmp_path / "state", on_problem=on_problem))
    async with stage("demo/slow", tmp_path, journal=journal) as on:
        await known(on)
        on.clock.stop_at_s = 1.0
        await on.ask("Are you there?")
        await on.until_standing()
        on.chat.prompt.put("and another")
        await on.pilot.press("ctrl+q")
    assert journal.close(10)
    assert await stored(tmp_path, "new") == "Are you there?\nand another"


async def crash_with(text: str, tmp_path: Path, journal: Journal) -> None:
    """The application breaks while something is typed."""
    async with stage("demo/markdown", tmp_path, journal=journal) as on:
        await known(on)
        on.chat.prompt.put(text)

        def crash() -> None:
            raise ZeroDivisionError

        on.chat.call_later(crash)
        await wait_until(lambda: on.app.crash is not None)


async def test_a_crash_keeps_it(tmp_path: Path) -> None:
    journal = Journal(lambda on_problem: ConversationStore.open(tmp_path / "state", on_problem=on_problem))
    with pytest.raises(ZeroDivisionError):
        await crash_with("precious", tmp_path, journal)
    assert journal.close(10)
    assert await stored(tmp_path, "new") == "precious"


async def test_two_windows_have_a_new_conversation_each(tmp_path: Path) -> None:
    async with keeping(tmp_path) as one:
        one.chat.prompt.put("in the first")
        one.chat.save_draft()
        async with keeping(tmp_path) as two:
            assert two.chat.prompt.text == ""
            two.chat.prompt.put("in the second")
            two.chat.save_draft()
            assert await draft(two, "new2") == "in the second"
        assert await draft(one, "new") == "in the first"
    async with keeping(tmp_path) as one:
        assert one.chat.prompt.text == "in the first"
        async with keeping(tmp_path) as two:
            assert two.chat.prompt.text == "in the second"


async def test_an_edit_given_up_brings_it_back(tmp_path: Path) -> None:
    async with keeping(tmp_path, "Yes.") as on:
        await on.ask("Is it?")
        await on.until_done()
        on.chat.prompt.put("my draft")
        await on.pilot.press("tab", "k", "e")
        await wait_until(lambda: on.chat.is_editing)
        on.chat.save_draft()
        assert await draft(on, on.session.conversation.id) == "my draft"
        await on.pilot.press(*" so")
        on.chat.save_draft()
        kept = await draft(on, on.session.conversation.id)
        assert "Is it? so" in kept
        assert "my draft" in kept


async def test_the_arrow_keys_bring_back_what_was_asked_in_all(tmp_path: Path) -> None:
    async with keeping(tmp_path, "One.", "Two.") as on:
        await on.ask("first of all")
        await on.until_done()
        await on.pilot.press("ctrl+n")
        await known(on)
        await on.ask("//help is asked as it is")
        await on.until_done()
    async with keeping(tmp_path) as on:
        await wait_until(lambda: len(on.chat.prompt.prompts.entries) == 2)
        await on.pilot.press("up")
        assert on.chat.prompt.text == "//help is asked as it is"
        await on.pilot.press("up")
        assert on.chat.prompt.text == "first of all"


async def test_without_a_store_the_text_goes_along(tmp_path: Path) -> None:
    async with stage("demo/reasoning", tmp_path) as on:
        await on.ask("question")
        await on.until_done()
        on.chat.prompt.put("better asked elsewhere")
        await on.pilot.press("ctrl+n")
        await on.settle()
        assert on.chat.prompt.text == "better asked elsewhere"
