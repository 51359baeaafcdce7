"""Two windows on one store, as programs in terminals: each sees what the other keeps, and neither loses a turn."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chat_tui.core.conversation import Message, Outcome, Role
from chat_tui.store.model import StoredConversation
from tests.support.sse_server import SseServer
from tests.support.steady_model import Plan, SteadyModel
from tests.support.stores import opened
from tests.support.waiting import wait_until

if sys.platform == "win32":
    pytest.skip("the programs run in Unix terminals", allow_module_level=True)

from tests.support.program import Program

PICKER = "\x1bOR"
"""F3."""


@pytest.fixture
async def server() -> AsyncIterator[SseServer]:
    async with SseServer() as server:
        yield server


@pytest.fixture
def model(server: SseServer) -> SteadyModel:
    """Both windows ask it."""
    model = SteadyModel(server)
    model.plan = Plan(token_count=40)
    return model


async def ask(chat: Program, model: SteadyModel, question: str) -> str:
    """The whole answer, once it is on the screen and complete."""
    count = len(model.answers)
    await chat.ask(question)
    await chat.wait_for(question)
    await wait_until(lambda: len(model.answers) > count, 20, "the model was asked")
    answer = model.answers[-1]
    await chat.wait_for(answer.token(39).strip())
    await chat.wait_for("done")
    return answer.text(40)


async def leave(*chats: Program) -> None:
    for chat in chats:
        chat.send("\x11")
        assert await chat.wait_for_exit() == 0


async def kept(home: Path) -> list[StoredConversation]:
    with opened(home / ".local/state/chat-tui") as store:
        found = [await store.load(row.id) for row in await store.recent()]
        assert store.notes == ()
        assert (await store.counts()).running == 0
    return found


def texts(*conversations: StoredConversation) -> list[str]:
    return [message.text for one in conversations for message in one.messages]


def assert_whole(messages: tuple[Message, ...], turns: dict[str, str]) -> None:
    """Every question with its answer behind it, once each, whatever branch they are on."""
    by_parent = {message.parent_id: message for message in messages if message.role is Role.ASSISTANT}
    asked = {message.text: message for message in messages if message.role is Role.USER}
    assert sorted(asked) == sorted(turns)
    for question, answer in turns.items():
        said = by_parent[asked[question].id]
        assert said.text == answer
        assert said.ending is not None
        assert said.ending.outcome is Outcome.COMPLETE
    assert len(messages) == 2 * len(turns)


async def test_two_windows_see_each_others_conversations(
    clean_environment: Path, server: SseServer, model: SteadyModel
) -> None:
    """Each works as if it were alone; what the other has asked is in the picker and opens with all its text."""
    async with Program(clean_environment, server) as one, Program(clean_environment, server) as two:
        await one.ready()
        await two.ready()
        turns = {"first of one": await ask(one, model, "first of one")}
        other = {"first of two": await ask(two, model, "first of two")}
        two.send(PICKER)
        await two.wait_for("first of one")
        await two.type_in("first of one")
        await two.type_in("\r")
        await two.wait_for(turns["first of one"].split()[-1])
        await leave(two, one)
    conversations = await kept(clean_environment)
    assert len(conversations) == 2
    for conversation in conversations:
        assert_whole(conversation.messages, turns if turns.keys() & set(texts(conversation)) else other)


async def test_an_answer_of_a_window_killed_later_is_unfinished_in_the_picker_of_the_other(
    clean_environment: Path, server: SseServer, model: SteadyModel
) -> None:
    """What it had said can be found and read, without the other having been started again."""
    async with Program(clean_environment, server) as one:
        await one.ready()
        async with Program(clean_environment, server) as two:
            await two.ready()
            model.plan = Plan(token_count=10_000)
            await two.ask("asked by two")
            await wait_until(lambda: len(model.answers) == 1, 20, "the model was asked")
            await two.wait_for(model.answers[0].token(60).strip())
            two.process.kill()
            two.process.wait()
        one.send(PICKER)
        await one.wait_for("asked by two")
        await one.wait_for("unfinished")
        await one.type_in(model.answers[0].token(5).strip())
        await one.wait_for("1 conversation")
        await one.type_in("\r")
        await one.wait_for(model.answers[0].token(5).strip())
        await leave(one)


async def test_the_same_conversation_in_two_windows_loses_no_turn(
    clean_environment: Path, server: SseServer, model: SteadyModel
) -> None:
    """The second is told; both ask, at once and one after the other; all of it is there, as branches."""
    async with Program(clean_environment, server) as one:
        await one.ready()
        turns = {"the beginning": await ask(one, model, "the beginning")}
        async with Program(clean_environment, server, arguments=["-c"]) as two:
            await two.wait_for(turns["the beginning"].split()[-1])
            await two.wait_for("window")
            turns["from two"] = await ask(two, model, "from two")
            turns["from one"] = await ask(one, model, "from one")
            turns["again from two"] = await ask(two, model, "again from two")
            turns["again from one"] = await ask(one, model, "again from one")
            await leave(two, one)
    [conversation] = await kept(clean_environment)
    assert_whole(conversation.messages, turns)


async def test_both_windows_stream_into_one_conversation_at_once(
    clean_environment: Path, server: SseServer, model: SteadyModel
) -> None:
    async with Program(clean_environment, server) as one:
        await one.ready()
        turns = {"the beginning": await ask(one, model, "the beginning")}
        async with Program(clean_environment, server, arguments=["-c"]) as two:
            await two.wait_for(turns["the beginning"].split()[-1])
            model.plan = Plan(token_count=200)
            model.answers.clear()
            for chat, question in ((one, "long from one"), (two, "long from two")):
                await chat.ask(question)
            await wait_until(lambda: len(model.answers) == 2, 20, "both were asked")
            answers = {answer.question: answer for answer in model.answers}
            for chat, question in ((one, "long from one"), (two, "long from two")):
                await chat.wait_for(answers[question].token(199).strip(), 30)
                await chat.wait_for("done")
            await leave(one, two)
    turns |= {question: answer.text(200) for question, answer in answers.items()}
    [conversation] = await kept(clean_environment)
    assert_whole(conversation.messages, turns)


async def test_a_window_that_opens_while_another_streams_lets_it_run(
    clean_environment: Path, server: SseServer, model: SteadyModel
) -> None:
    """A start ends the answers of windows that are gone, and of no others."""
    model.plan = Plan(token_count=400)
    async with Program(clean_environment, server) as one:
        await one.ready()
        await one.ask("a long one")
        await model.has_begun.wait()
        async with Program(clean_environment, server, arguments=["-c"]) as two:
            await two.wait_for("a long one")
            await one.wait_for("done", 30)
            await leave(two)
        await leave(one)
    [conversation] = await kept(clean_environment)
    assert_whole(conversation.messages, {"a long one": model.answers[-1].text(400)})
