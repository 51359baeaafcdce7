"""The line about what is not saved: there as long as it is so, in one place, and nothing else moves."""

from __future__ import annotations

from pathlib import Path

from chat_tui.session.journal import Journal
from chat_tui.store.store import ConversationStore
from tests.support.fake_provider import FakeProvider, answer
from tests.support.hostile import PAYLOADS
from tests.support.stage import stage
from tests.support.waiting import wait_until

PROBLEM = "Not saved: the disk is full. It is all kept here and saved as soon as there is room."


async def test_it_stands_as_long_as_it_is_so(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path) as on:
        await on.ask("Go on")
        await on.until_done()
        before = on.rows
        height = on.chat.transcript.size.height
        on.chat.show_problem(PROBLEM)
        await wait_until(lambda: PROBLEM in on.screen_text)
        assert on.screen_text.split("\n")[1].strip() == PROBLEM
        await wait_until(lambda: on.chat.transcript.size.height == height - 1)
        await on.settle()
        assert on.rows == before[1:], "the words stay where they are"
        on.chat.show_problem("")
        await wait_until(lambda: PROBLEM not in on.screen_text)
        await wait_until(lambda: on.chat.transcript.size.height == height)
        await on.settle()
        assert on.rows == before


async def test_a_narrow_one_says_all_of_it(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(60, 20)) as on:
        on.chat.show_problem(PROBLEM)
        await wait_until(lambda: "as soon as there is room." in on.screen_text)


async def test_it_is_text(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path) as on:
        for payload in PAYLOADS[::9]:
            on.chat.show_problem(payload.text)
            await on.settle()
            assert not {"\x1b", "\x9b", "\x07", "\x9d", "\u202e"} & set(on.screen_text), payload.name


async def test_the_store_tells_and_takes_it_back(tmp_path: Path) -> None:
    """A directory that is a file, and then is not."""
    place = tmp_path / "state"
    place.write_text("in the way")
    provider = FakeProvider(lambda: 1000.0)
    provider.add(answer("Yes."))
    journal = Journal(lambda on_problem: ConversationStore.open(place, on_problem=on_problem))
    try:
        async with stage("fake/one", tmp_path, provider=provider, journal=journal) as on:
            await on.ask("Is it kept?")
            await on.until_done()
            await wait_until(lambda: on.chat.banner.sentence, 10, "the sentence")
            assert on.chat.banner.sentence == on.session.problem
            place.unlink()
            await wait_until(lambda: not on.chat.banner.sentence, 20, "all is saved again")
            assert not on.chat.banner.display
    finally:
        assert journal.close(10)


async def test_what_happened_to_files_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir(mode=0o700)
    (tmp_path / "store" / "conversations.db").write_bytes(b"no database at all" * 100)
    store = ConversationStore.open(tmp_path / "store")
    try:
        assert store.flush(10.0)
        assert len(store.notes) == 1
        provider = FakeProvider(lambda: 0.0)
        provider.add(answer("One."))
        provider.add(answer("Two."))
        journal = Journal(lambda _: store)
        async with stage("fake/one", tmp_path / "state", provider=provider, journal=journal) as on:
            await on.ask("First")
            await on.until_done()
            await wait_until(lambda: "file was damaged" in on.screen_text)
            assert journal.take_notes() == ()
            await on.ask("Second")
            await on.until_done()
            assert on.screen_text.count("file was damaged") == 1
    finally:
        assert store.close(10.0)
