"""Branches in hand: edits, retries and rewritten answers are siblings, everything can be gone back to."""

from __future__ import annotations

from pathlib import Path

import pytest

from chat_tui.config.model import Config
from chat_tui.core.conversation import Message, Role
from chat_tui.core.outcome import Outcome
from chat_tui.session.journal import Journal, title_of
from chat_tui.session.session import ChatSession, NothingToDo
from chat_tui.store.store import ConversationStore
from tests.support.clock import ManualClock
from tests.support.fake_provider import FakeProvider, answer
from tests.support.stage import StageClock, StageRegistry

WAIT_S = 10.0


def make_session(folder: Path, *texts: str, journal: Journal | None = None) -> ChatSession:
    """A session whose model gives these answers."""
    clock = StageClock()
    provider = FakeProvider(clock)
    for text in texts:
        provider.add(answer(text))
    return ChatSession(StageRegistry(Config(), folder, clock, provider), "fake/one", clock=clock, journal=journal)


def texts(session: ChatSession) -> list[str]:
    return [message.text for message in session.conversation.path()]


async def ask(session: ChatSession, text: str) -> Message:
    await session.submit(text).run()
    tip = session.conversation.tip
    assert tip is not None
    return tip


async def test_an_earlier_question_is_edited_and_both_branches_stay(tmp_path: Path) -> None:
    session = make_session(tmp_path, "one", "two", "three")
    await ask(session, "first")
    second = await ask(session, "second")
    question = session.conversation.path()[0]
    assert session.edit(question.id) == "first"
    assert texts(session) == []
    await ask(session, "first, better")
    assert texts(session) == ["first, better", "three"]
    now = session.conversation.path()[0]
    assert session.switch_sibling(now.id, -1) is question
    assert texts(session) == ["first", "one", "second", "two"]
    assert session.conversation.tip is second
    with pytest.raises(NothingToDo, match="no other version"):
        session.switch_sibling(question.id, -1)
    with pytest.raises(NothingToDo, match="only this version"):
        session.switch_sibling(second.id, 1)


async def test_a_retry_is_a_sibling(tmp_path: Path) -> None:
    session = make_session(tmp_path, "one", "two")
    first = await ask(session, "question")
    await session.retry().run()
    assert texts(session) == ["question", "two"]
    assert [m.text for m in session.conversation.siblings(first.id)] == ["one", "two"]


async def test_the_models_words_are_rewritten_beside_its_own(tmp_path: Path) -> None:
    session = make_session(tmp_path, "The sky is red", " and white.")
    first = await ask(session, "question")
    rewritten = session.rewrite(first.id, "The sky is blue")
    assert rewritten.ending is not None
    assert rewritten.ending.outcome is Outcome.STOPPED
    assert session.conversation.siblings(first.id) == (first, rewritten)
    await session.continue_answer().run()
    assert texts(session) == ["question", "The sky is blue and white."]
    assert first.text == "The sky is red"


async def test_what_is_not_on_the_path_is_refused(tmp_path: Path) -> None:
    session = make_session(tmp_path, "one")
    first = await ask(session, "question")
    with pytest.raises(NothingToDo, match="no question"):
        session.edit(first.id)
    with pytest.raises(NothingToDo, match="no answer"):
        session.rewrite(session.conversation.path()[0].id, "x")
    runner = session.retry()
    for change in (lambda: session.edit(1), lambda: session.rewrite(2, "x"), session.undo, lambda: session.fork(1)):
        with pytest.raises(NothingToDo, match="still running"):
            change()
    runner.cancel()


async def test_undo_goes_back_step_by_step(tmp_path: Path) -> None:
    session = make_session(tmp_path, "one", "two")
    await ask(session, "question")
    await session.retry().run()
    session.edit_last()
    assert texts(session) == []
    assert session.undo() == "going back to that question"
    assert texts(session) == ["question", "two"]
    assert session.undo() == "the new answer"
    assert texts(session) == ["question", "one"]
    with pytest.raises(NothingToDo, match="nothing to undo"):
        session.undo()


async def test_a_copy_leaves_the_original_alone(tmp_path: Path) -> None:
    session = make_session(tmp_path, "one", "two", "three")
    first = await ask(session, "first")
    await ask(session, "second")
    original = session.conversation
    session.fork(first.id)
    assert texts(session) == ["first", "one"]
    await ask(session, "elsewhere")
    assert texts(session) == ["first", "one", "elsewhere", "three"]
    assert len(original) == 4
    session.undo()
    assert session.conversation is original


async def test_what_was_stored_is_opened_with_all_its_branches(tmp_path: Path) -> None:
    store = ConversationStore.open(tmp_path / "state")
    try:
        session = make_session(tmp_path, "one", "two", journal=Journal(lambda _: store))
        first = await ask(session, "What is a token?")
        await session.retry().run()
        saved = session.conversation
        assert saved.title == "What is a token?"
        assert store.flush(WAIT_S)
        other = make_session(tmp_path, journal=Journal(lambda _: store))
        assert await other.open_last()
        assert other.conversation.messages == saved.messages
        assert other.conversation.path() == saved.path()
        assert other.last_model == "fake/one"
        other.switch_sibling(saved.path()[-1].id, -1)
        assert other.conversation.tip == first
        assert store.flush(WAIT_S)
        await session.open(saved.id)
        assert session.conversation.tip == first
        assert all(message.created_at_s > 0 for message in session.conversation.messages)
    finally:
        assert store.close(WAIT_S)


async def test_edits_rewritten_answers_and_copies_are_stored(tmp_path: Path) -> None:
    store = ConversationStore.open(tmp_path / "state")
    try:
        session = make_session(tmp_path, "one", "two", "three", " and more", journal=Journal(lambda _: store))
        first = await ask(session, "first")
        await ask(session, "second")
        session.rename("A title of my own")
        session.edit(session.conversation.path()[2].id)
        assert store.flush(WAIT_S)
        other = make_session(tmp_path, journal=Journal(lambda _: store))
        await other.open(session.conversation.id)
        assert texts(other) == ["first", "one"], "where an edit has gone back to is where one comes back to"
        await ask(session, "second, better")
        session.rewrite(session.conversation.path()[-1].id, "three, better")
        assert len(await store.turns(0.0, None)) == 3, "no model has said what the reader wrote"
        await session.continue_answer().run()
        original = session.conversation
        copy = session.fork(first.id)
        assert store.flush(WAIT_S)
        await other.open(original.id)
        assert texts(other) == ["first", "one", "second, better", "three, better and more"]
        assert other.conversation.messages == original.messages
        assert other.conversation.versions() == original.versions()
        assert list(original.versions().values()) == [(2, 2), (2, 2)]
        await other.open(copy.id)
        assert texts(other) == ["first", "one"]
        assert other.conversation.title == "A title of my own (2)"
        assert other.conversation.is_title_own
        assert copy.id != original.id
    finally:
        assert store.close(WAIT_S)


async def test_an_answer_that_never_ended_is_interrupted_with_all_that_was_handed_over(tmp_path: Path) -> None:
    store = ConversationStore.open(tmp_path / "state")
    session = make_session(tmp_path, journal=Journal(lambda _: store))
    question = session.conversation.append(Role.USER, (), created_at_s=1.0)
    session.journal.asked(session.conversation, question)
    running = session.conversation.append(Role.ASSISTANT, (), model="fake/one", created_at_s=2.0)
    session.journal.answering(session.conversation, running)
    store.append_deltas(session.conversation.id, running.id, [("text", "half an "), ("text", "answer")])
    assert store.close(WAIT_S)
    store = ConversationStore.open(tmp_path / "state")
    try:
        other = make_session(tmp_path, journal=Journal(lambda _: store))
        await other.open(session.conversation.id)
        tip = other.conversation.tip
        assert tip is not None
        assert tip.text == "half an answer"
        assert tip.ending is not None
        assert tip.ending.outcome is Outcome.INTERRUPTED
    finally:
        assert store.close(WAIT_S)


async def test_a_question_that_nothing_came_of_leaves_no_conversation(tmp_path: Path) -> None:
    store = ConversationStore.open(tmp_path / "state")
    try:
        session = make_session(tmp_path, journal=Journal(lambda _: store))
        runner = session.submit("question")
        runner.cancel()
        assert store.flush(WAIT_S)
        assert await store.recent() == []
        assert session.conversation.id == ""
        assert not await session.open_last()
    finally:
        assert store.close(WAIT_S)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("", ""),
        ("  What is\n a token? ", "What is a token?"),
        ("word " * 40, "word word word word word word word word word word word word…"),
        ("x" * 200, "x" * 59 + "…"),
    ],
)
def test_titles_are_the_first_words(text: str, title: str) -> None:
    assert title_of(text) == title
    assert len(title) <= 60


def test_a_clock_is_a_clock() -> None:
    assert Journal(now=ManualClock()).now_s() == 0.0
