"""Going on with an answer: what is asked for, and what becomes of everything that came before and after."""

from __future__ import annotations

from typing import cast

import pytest

from chat_tui.core.continuation import continued, with_free_keys, without_last_space
from chat_tui.core.conversation import (
    OpaquePart,
    Outcome,
    Part,
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from chat_tui.core.events import (
    Connected,
    Finished,
    FinishReason,
    OpaqueReceived,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallEnded,
    ToolCallStarted,
    ToolResultReceived,
)
from chat_tui.providers.registry import ProviderRegistry
from chat_tui.session.session import ChatSession, NothingToDo
from tests.support.clock import ManualClock
from tests.support.fake_provider import FakeProvider, FakeRegistry, answer, failed

SEARCH = OpaqueReceived("p.block", {"type": "search"})
FOUND = OpaqueReceived("p.block", {"type": "found"})
SIGNED = OpaqueReceived("p.block", {"type": "thought"})
PAUSED = Finished(FinishReason.PAUSE, "pause_turn")
DONE = Finished(FinishReason.STOP, "stop")


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider(ManualClock())


@pytest.fixture
def session(provider: FakeProvider) -> ChatSession:
    return ChatSession(cast("ProviderRegistry", FakeRegistry(provider)), "fake/one", clock=provider.clock)


def shape(session: ChatSession) -> list[str]:
    """The parts of the last answer in order, each in a word or two."""
    words: list[str] = []
    for part in session.conversation.path()[-1].parts:
        match part:
            case TextPart(text) | ReasoningPart(text):
                words.append(f"{type(part).__name__[0]}:{text}")
            case OpaquePart(_, data):
                words.append(data["type"])
            case _:
                words.append(type(part).__name__)
    return words


async def test_a_paused_answer_goes_on_as_it_came(session: ChatSession, provider: FakeProvider) -> None:
    provider.can_prefill = True
    provider.add([Connected(), TextDelta("I look. "), ToolCallStarted("s", "s", "search"), SEARCH, PAUSED])
    await session.submit("One?").run()
    provider.add([Connected(), ToolResultReceived("s", "it"), FOUND, TextDelta("There."), DONE])
    await session.continue_answer().run()
    request = provider.requests[1]
    assert request.is_continuation
    assert request.messages[-1].text == "I look. ", "nothing of it is changed"
    assert shape(session) == ["T:I look. ", "ToolCallPart", "search", "ToolResultPart", "found", "T:There."]


async def test_a_pause_before_the_first_word_can_be_continued(session: ChatSession, provider: FakeProvider) -> None:
    provider.can_prefill = True
    provider.add([Connected(), ToolCallStarted("s", "s", "search"), SEARCH, PAUSED])
    await session.submit("One?").run()
    provider.add([Connected(), FOUND, TextDelta("There."), DONE])
    await session.continue_answer().run()
    assert shape(session) == ["ToolCallPart", "search", "found", "T:There."]


async def test_a_pause_that_could_not_go_on_yet_waits_as_before(
    session: ChatSession, provider: FakeProvider
) -> None:
    provider.can_prefill = True
    provider.add([Connected(), ToolCallStarted("s", "s", "search"), SEARCH, PAUSED])
    await session.submit("One?").run()
    provider.add([failed()])
    ending = await session.continue_answer().run()
    assert ending.outcome is Outcome.INTERRUPTED
    provider.add([Connected(), FOUND, TextDelta("There."), DONE])
    ending = await session.continue_answer().run()
    assert ending.outcome is Outcome.COMPLETE
    assert shape(session) == ["ToolCallPart", "search", "found", "T:There."]


async def test_a_pause_without_a_word_that_nobody_can_go_on_with(
    session: ChatSession, provider: FakeProvider
) -> None:
    provider.add([Connected(), ToolCallStarted("s", "s", "search"), SEARCH, PAUSED])
    await session.submit("One?").run()
    with pytest.raises(NothingToDo, match="no text"):
        session.continue_answer()


@pytest.mark.parametrize("reason", [FinishReason.PAUSE, FinishReason.LENGTH])
async def test_calls_before_and_after_are_told_apart(
    session: ChatSession, provider: FakeProvider, reason: FinishReason
) -> None:
    def called(arguments: str, output: str) -> list[StreamEvent]:
        call = [ToolCallStarted("call-0", "", "look"), ToolArgumentsDelta("call-0", arguments)]
        kept = OpaqueReceived("p.step", {"type": arguments, "key": "call-0"})
        return [*call, ToolCallEnded("call-0", arguments), ToolResultReceived("call-0", output), kept]

    provider.can_prefill = True
    provider.add([Connected(), *called("1", "one"), TextDelta("It"), Finished(reason, "")])
    await session.submit("One?").run()
    provider.add([Connected(), *called("2", "two"), TextDelta(" is."), DONE])
    await session.continue_answer().run()
    answer = session.conversation.path()[-1]
    assert sorted((call.arguments, output) for call, output in answer.answered_calls) == [
        ("1", "one"),
        ("2", "two"),
    ]
    keys = {call.arguments: call.key for call, _ in answer.answered_calls}
    owners = [part.data for part in answer.parts if isinstance(part, OpaquePart)]
    assert {data["type"]: data["key"] for data in owners}.items() <= keys.items()
    assert owners


def test_a_key_that_is_free_stays() -> None:
    before = tuple(ToolCallPart(key, "", "look", "", is_complete=True) for key in ("0", "0-2"))
    result, other = ToolResultPart("0-2", "late"), OpaquePart("p", ["0"])
    later = ToolCallPart("0", "", "look", "", is_complete=True)
    assert with_free_keys(before, (result, other)) == (result, other)
    assert with_free_keys((), (later,)) == (later,)
    found = with_free_keys(before, (later, ToolResultPart("0", "soon"), result, other))
    assert [getattr(part, "key", "") for part in found] == ["0-3", "0-3", "0-2", ""]


async def test_without_a_word_only_a_pause_is_something_to_go_on_with(
    session: ChatSession, provider: FakeProvider
) -> None:
    provider.add([Connected(), ToolCallStarted("s", "s", "search"), SEARCH, DONE])
    await session.submit("One?").run()
    with pytest.raises(NothingToDo):
        session.continue_answer()


async def test_a_started_answer_ends_with_a_word_and_no_space_is_doubled(
    session: ChatSession, provider: FakeProvider
) -> None:
    provider.can_prefill = True
    provider.add([Connected(), ReasoningDelta("Hm"), SIGNED, TextDelta("One, \n"), failed()])
    await session.submit("Count.").run()
    provider.add(answer(" two,", " three."))
    runner = session.continue_answer()
    await runner.run()
    assert provider.requests[1].messages[-1].text == "One,"
    assert runner.shown_partial + runner.flush().answer == "One, two, three."
    assert shape(session) == ["R:Hm", "thought", "T:One, two, three."]


async def test_the_space_stays_when_nothing_comes_behind_it(session: ChatSession, provider: FakeProvider) -> None:
    provider.can_prefill = True
    provider.add([Connected(), TextDelta("One, "), failed()])
    await session.submit("Count.").run()
    provider.add([failed()])
    await session.continue_answer().run()
    assert session.conversation.path()[-1].text == "One, "


async def test_what_was_signed_behind_a_question_of_ours_is_not_kept(
    session: ChatSession, provider: FakeProvider
) -> None:
    """The question is in no later request, and the signature is about all that came before it."""
    provider.add([Connected(), ReasoningDelta("Hm"), SIGNED, TextDelta("One, "), failed()])
    await session.submit("Count.").run()
    provider.add([Connected(), ReasoningDelta("So"), FOUND, TextDelta("two."), DONE])
    await session.continue_answer().run()
    asked = provider.requests[1]
    assert not asked.is_continuation
    assert [message.role for message in asked.messages] == [Role.USER, Role.ASSISTANT, Role.USER]
    assert shape(session) == ["R:Hm", "thought", "R:So", "T:One, two."]


CALL = ToolCallPart("c", "c", "look", "{", is_complete=False)


@pytest.mark.parametrize(
    ("parts", "kept"),
    [
        ((TextPart("a \n"),), (TextPart("a"),)),
        ((TextPart("a"), TextPart(" "), CALL), (TextPart("a"), CALL)),
        ((TextPart("a "), CALL, TextPart("b")), (TextPart("a "), CALL, TextPart("b"))),
        ((CALL,), (CALL,)),
        ((), ()),
    ],
)
def test_space_behind_the_last_word(parts: tuple[Part, ...], kept: tuple[Part, ...]) -> None:
    assert without_last_space(parts) == kept


@pytest.mark.parametrize(
    ("before", "others", "text", "whole"),
    [
        ((TextPart("a"),), (), "b", (TextPart("ab"),)),
        ((TextPart("a"), CALL), (ReasoningPart("r"),), "b", (ReasoningPart("r"), TextPart("ab"), CALL)),
        ((TextPart("a"), TextPart("b")), (), "c", (TextPart("a"), TextPart("bc"))),
        ((TextPart("no", is_refusal=True),), (), "!", (TextPart("no!", is_refusal=True),)),
        ((CALL,), (), "b", (CALL, TextPart("b"))),
        ((CALL,), (), "", (CALL,)),
    ],
)
def test_an_answer_and_what_came_behind_it(
    before: tuple[Part, ...], others: tuple[Part, ...], text: str, whole: tuple[Part, ...]
) -> None:
    assert continued(before, others, text) == whole
