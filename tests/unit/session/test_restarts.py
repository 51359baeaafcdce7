"""A server that takes back what it said: what is kept, what is held for the screen, what continues."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import cast

import pytest

from chat_tui.core.conversation import ChatRequest, ReasoningPart, TextPart
from chat_tui.core.events import (
    Arrival,
    Connected,
    Finished,
    FinishReason,
    ReasoningDelta,
    StepMarked,
    StreamEvent,
    TextDelta,
    ToolCallEnded,
    ToolCallStarted,
)
from chat_tui.providers.registry import ProviderRegistry
from chat_tui.session.deltas import Deltas
from chat_tui.session.session import ChatSession
from chat_tui.session.turn_runner import TurnRunner
from chat_tui.store.folding import folded
from chat_tui.store.store import ConversationStore
from tests.support.clock import ManualClock
from tests.support.fake_provider import CUT, FakeProvider, FakeRegistry, failed
from tests.support.waiting import wait_until

RESET = StepMarked("reset")
STOP = Finished(FinishReason.STOP)


class AtOnce(FakeProvider):
    """Each script is one arrival."""

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Arrival]:
        self.requests.append(request)
        yield Arrival(self.clock(), tuple(cast("list[StreamEvent]", self.scripts.pop(0))))


def session_of(provider: FakeProvider) -> ChatSession:
    registry = cast("ProviderRegistry", FakeRegistry(provider))
    return ChatSession(registry, "fake/one", clock=ManualClock())


@pytest.fixture(params=[FakeProvider, AtOnce])
def provider(request: pytest.FixtureRequest) -> FakeProvider:
    """The same events one by one, and all in one read."""
    return request.param(ManualClock())


def drained(runner: TurnRunner) -> list[tuple[bool, str]]:
    """Everything held, in the order a screen shows it."""
    found: list[tuple[bool, str]] = []
    while runner.pending_chars:
        part = runner.drain(runner.pending_chars)
        found += [
            (is_reasoning, text) for is_reasoning, text in ((True, part.reasoning), (False, part.answer)) if text
        ]
    return found


async def test_everything_is_held_again_without_what_was_taken_back(provider: FakeProvider) -> None:
    provider.add(
        [
            Connected(), StepMarked("start"), ReasoningDelta("Hm."), TextDelta("One. "), StepMarked("end"),
            StepMarked("start"), TextDelta("Tw"), ToolCallStarted("1", "c", "look"), ToolCallEnded("1", "{}"),
            RESET, TextDelta("Two."), STOP,
        ]
    )  # fmt: skip
    session = session_of(provider)
    runner = session.submit("Hi")
    await runner.run()
    assert runner.restart_count == 1
    assert drained(runner) == [(True, "Hm."), (False, "One. "), (True, "Tw"), (False, "Two.")]
    answer = session.conversation.path()[-1]
    assert (answer.text, answer.reasoning) == ("One. Two.", "Hm.Tw")
    assert not runner.state.tool_calls[0].is_complete


async def test_what_was_drained_before_comes_again() -> None:
    provider, gate = FakeProvider(ManualClock()), asyncio.Event()
    provider.add([Connected(), TextDelta("The ans"), gate, RESET, TextDelta("It is 4."), STOP])
    runner = session_of(provider).submit("Hi")
    task = asyncio.create_task(runner.run())
    await wait_until(lambda: runner.pending_chars > 0)
    assert (drained(runner), runner.restart_count) == ([(False, "The ans")], 0)
    gate.set()
    await task
    assert (drained(runner), runner.restart_count) == ([(True, "The ans"), (False, "It is 4.")], 1)


async def test_many_resets_in_one_read_are_one_restart() -> None:
    provider = AtOnce(ManualClock())
    provider.add([Connected(), *[TextDelta("a"), RESET] * 500, TextDelta("b"), STOP])
    runner = session_of(provider).submit("Hi")
    await runner.run()
    assert runner.restart_count == 1
    assert drained(runner) == [(True, "a" * 500), (False, "b")]


async def test_half_a_character_is_held_over_a_restart(provider: FakeProvider) -> None:
    """A cleaner that waits for the rest of a sequence begins anew, and gives what it waits with at the end."""
    provider.add([Connected(), TextDelta("a\x1b["), RESET, TextDelta("b\x1b["), failed()])
    runner = session_of(provider).submit("Hi")
    await runner.run()
    assert [text[0] for _, text in drained(runner)] == ["a", "b"]
    assert runner.state.text == "b\x1b["


async def test_a_continuation_that_is_tried_again_repeats_nothing(provider: FakeProvider) -> None:
    said = "The answer to this question is well known to be"
    provider.add([Connected(), TextDelta(said), failed(CUT)])
    session = session_of(provider)
    await session.submit("Hi").run()
    provider.add([Connected(), TextDelta(f"{said[-20:]} fo"), RESET, TextDelta(f"{said[-20:]} four."), STOP])
    runner = session.continue_answer()
    await runner.run()
    answer = session.conversation.path()[-1]
    assert answer.text == f"{said} four."
    assert answer.parts == (ReasoningPart(" fo"), TextPart(f"{said} four."))
    assert drained(runner) == [(True, " fo"), (False, " four.")]


async def test_what_was_taken_back_is_known_when_the_window_dies() -> None:
    """The store has only what came one by one; from that it makes the same answer."""
    provider, gate = FakeProvider(ManualClock()), asyncio.Event()
    said = [TextDelta("One. "), StepMarked("start"), TextDelta("Tw"), RESET, TextDelta("Two.")]
    provider.add([Connected(), *said, gate])
    notes: list[tuple[str, str]] = []

    class Store:
        def append_deltas(self, conversation_id: str, message_id: int, deltas: list[tuple[str, str]]) -> None:
            notes.extend(deltas)

    deltas = Deltas(cast("ConversationStore", Store()), "c", 1)
    session = session_of(provider)
    runner = session.submit("Hi")
    runner._on_event = deltas.note
    task = asyncio.create_task(runner.run())
    await wait_until(lambda: runner.state.text == "One. Two.")
    deltas.save()
    deltas.drop()
    assert folded((), notes) == (TextPart("One. "), ReasoningPart("Tw"), TextPart("Two."))
    session.stop()
    await task
