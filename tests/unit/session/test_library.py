"""Stored conversations beside the one that is open: named by their beginnings, deleted, brought back in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chat_tui.config.model import Config
from chat_tui.core.errors import ChatError
from chat_tui.core.events import Connected
from chat_tui.session.journal import Journal
from chat_tui.session.library import Library
from chat_tui.session.session import ChatSession, NothingToDo
from chat_tui.store.model import StoredConversation
from tests.support.fake_provider import FakeProvider, answer
from tests.support.stage import StageClock, StageRegistry
from tests.support.stores import opened, user
from tests.support.waiting import wait_until

AB, AC = "ab" * 16, "ac" * 16


@asynccontextmanager
async def library(folder: Path, *ids: str) -> AsyncGenerator[tuple[Library, ChatSession, FakeProvider]]:
    """Over a session whose store has conversations of these ids, the first on top."""
    clock = StageClock()
    provider = FakeProvider(clock)
    with opened(folder) as store:
        for number in ids:
            store.add(
                StoredConversation(number, f"title of {number[:2]}", messages=(user(1, "question"),), tip_id=1)
            )
        session = ChatSession(
            StageRegistry(Config(), folder, clock, provider),
            "fake/one",
            clock=clock,
            journal=Journal(lambda _: store),
        )
        yield Library(session, store, lambda: None), session, provider


async def listed(library: Library) -> list[str]:
    return [row.id for row in await library.recent(10, 0)]


async def test_a_beginning_is_enough_when_it_is_one_of_a_kind(tmp_path: Path) -> None:
    async with library(tmp_path, AB, AC) as (shelf, _, _):
        assert await shelf.id_of("ABAB") == AB
        assert await shelf.id_of(f" {AC[:20]}\n") == AC
        assert await shelf.id_of("d" * 32) == "d" * 32, "a whole one is for the store to find"
        for beginning, sentence in (
            ("aba", "is no ID"),
            ("last week", "is no ID"),
            ("abad", "There is no conversation whose ID"),
            ("", "is no ID"),
        ):
            with pytest.raises(ChatError, match=sentence):
                await shelf.id_of(beginning)


async def test_a_beginning_of_several_is_not_enough(tmp_path: Path) -> None:
    async with library(tmp_path, AB, AB[:-2] + "ff") as (shelf, _, _):
        with pytest.raises(ChatError, match="several"):
            await shelf.id_of("abab")


async def test_what_was_deleted_last_comes_back_first(tmp_path: Path) -> None:
    async with library(tmp_path, AB, AC) as (shelf, _, _):
        assert not shelf.is_delete_last
        shelf.delete(AB, "one")
        shelf.delete(AC, "two")
        assert await shelf.count() == 0
        assert shelf.is_delete_last
        assert [shelf.undelete(), shelf.undelete()] == ["two", "one"]
        assert await listed(shelf) == [AB, AC]
        with pytest.raises(NothingToDo):
            shelf.undelete()


async def test_what_was_done_after_a_deletion_is_undone_before_it(tmp_path: Path) -> None:
    async with library(tmp_path, AB) as (shelf, session, provider):
        shelf.delete(AB, "one")
        provider.add(answer("Yes."))
        await session.submit("question").run()
        session.edit_last()
        assert not shelf.is_delete_last
        session.undo()
        assert shelf.is_delete_last


async def test_the_open_one_comes_back_when_it_is_shown_again(tmp_path: Path) -> None:
    async with library(tmp_path, AB) as (shelf, session, _):
        await session.open(AB)
        shelf.delete(AB, "one")
        assert session.conversation.id == ""
        assert not shelf.is_delete_last, "the session goes back first"
        session.undo()
        assert session.conversation.id == AB
        assert shelf.bring_back(AB)
        assert not shelf.bring_back(AB)
        assert await listed(shelf) == [AB]


async def test_no_conversation_is_deleted_under_its_answer(tmp_path: Path) -> None:
    async with library(tmp_path) as (shelf, session, provider):
        go = asyncio.Event()
        provider.add([Connected(), go, *answer("Yes.")])
        turn = asyncio.create_task(session.submit("question").run())
        await wait_until(lambda: session.is_running and session.conversation.id)
        with pytest.raises(NothingToDo):
            shelf.delete(session.conversation.id, "question")
        go.set()
        await turn
        assert await listed(shelf) == [session.conversation.id]


async def test_the_open_one_is_renamed_and_pinned_here_and_there(tmp_path: Path) -> None:
    async with library(tmp_path, AB, AC) as (shelf, session, _):
        await session.open(AB)
        shelf.rename(AB, "mine")
        shelf.set_pinned(AB, is_pinned=True)
        shelf.rename(AC, "other")
        assert (session.conversation.title, session.conversation.is_title_own) == ("mine", True)
        assert session.conversation.is_pinned
        rows = await shelf.recent(10, 0)
        assert [(row.title, row.is_pinned) for row in rows] == [("mine", True), ("other", False)]
