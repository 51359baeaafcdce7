"""Turns: their one end, what is kept, what is sent next."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from chat_tui.core.conversation import OpaquePart, Outcome, Role
from chat_tui.core.errors import ConfigError, FaultKind
from chat_tui.core.events import (
    Connected,
    Finished,
    FinishReason,
    OpaqueReceived,
    ReasoningDelta,
    StepMarked,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
)
from chat_tui.core.turn import Phase
from chat_tui.providers.registry import ProviderRegistry
from chat_tui.session.session import ChatSession, NothingToDo
from chat_tui.session.turn_runner import TurnRunner
from tests.support.clock import ManualClock
from tests.support.fake_provider import BUSY, CUT, FakeProvider, FakeRegistry, answer, failed
from tests.support.waiting import wait_until


class RecordingListener:
    """Remembers phases and how often text came."""

    def __init__(self) -> None:
        self.phases: list[Phase] = []
        self.arrivals = 0

    def text_arrived(self) -> None:
        self.arrivals += 1

    def phase_changed(self, phase: Phase) -> None:
        self.phases.append(phase)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def provider(clock: ManualClock) -> FakeProvider:
    return FakeProvider(clock)


@pytest.fixture
def session(provider: FakeProvider, clock: ManualClock) -> ChatSession:
    registry = cast("ProviderRegistry", FakeRegistry(provider))
    return ChatSession(registry, "fake/one", system="Be brief.", clock=clock)


def _texts(session: ChatSession) -> list[tuple[Role, str]]:
    return [(m.role, m.text) for m in session.conversation.path()]


async def test_a_complete_answer_is_kept_with_its_numbers(session: ChatSession, provider: FakeProvider) -> None:
    provider.add(
        [Connected(), TextDelta("Hel"), TextDelta("lo."), UsageReported(Usage(17, 3)), Finished(FinishReason.STOP)]
    )
    listener = RecordingListener()
    runner = session.submit("Hi", listener)
    ending = await runner.run()
    assert (ending.outcome, ending.reason, ending.tokens, ending.is_estimate) == (
        Outcome.COMPLETE,
        FinishReason.STOP,
        3,
        False,
    )
    assert _texts(session) == [(Role.USER, "Hi"), (Role.ASSISTANT, "Hello.")]
    assert listener.phases == [Phase.CONNECTING, Phase.WAITING, Phase.ANSWERING, Phase.DONE]
    assert listener.arrivals == 2
    assert runner.flush().answer == "Hello."
    assert provider.requests[0].system == "Be brief."
    assert provider.open_streams == 0


async def test_silences_are_kept_with_the_numbers(clock: ManualClock) -> None:
    waits_s = iter((0.0, 1.0, 40.0, 2.0, 0.0))

    def later() -> float:
        clock.advance(next(waits_s))
        return clock()

    provider = FakeProvider(later)
    provider.add(answer("One ", "two ", "three."))
    session = ChatSession(cast("ProviderRegistry", FakeRegistry(provider)), "fake/one", clock=clock)
    ending = await session.submit("Count").run()
    assert ending.stalls == 1
    assert ending.longest_gap_s == pytest.approx(40.0, rel=0.006)
    assert ending.gap_p95_s == pytest.approx(40.0, rel=0.006)
    assert session.conversation.path()[-1].ending == ending


async def test_esc_keeps_the_partial_answer_and_sends_it_with_the_next_question(
    session: ChatSession, provider: FakeProvider
) -> None:
    provider.add([Connected(), TextDelta("Part"), asyncio.Event()])
    runner = session.submit("One?")
    task = asyncio.create_task(runner.run())
    await wait_until(lambda: runner.state.has_output)
    session.stop()
    assert runner.ending is not None
    assert runner.ending.outcome is Outcome.STOPPED
    assert (await task).outcome is Outcome.STOPPED
    assert provider.open_streams == 0
    provider.add(answer("Two."))
    await session.submit("Two?").run()
    assert [m.text for m in provider.requests[1].messages] == ["One?", "Part", "Two?"]


@pytest.mark.parametrize("is_waiting", [False, True])
async def test_esc_before_the_first_token_takes_the_question_back(
    session: ChatSession, provider: FakeProvider, is_waiting: bool
) -> None:
    provider.add([*([Connected()] if is_waiting else []), asyncio.Event()])
    runner = session.submit("One?")
    task = asyncio.create_task(runner.run())
    await wait_until(lambda: provider.open_streams == 1)
    session.stop()
    await task
    assert session.conversation.path() == ()
    assert runner.prompt == "One?"


async def test_a_stop_before_the_task_ran_is_a_stop(session: ChatSession, provider: FakeProvider) -> None:
    provider.add(answer("never"))
    runner = session.submit("One?")
    runner.cancel()
    assert (await runner.run()).outcome is Outcome.STOPPED
    assert runner.state.text == ""


async def test_a_broken_stream_keeps_what_came(session: ChatSession, provider: FakeProvider) -> None:
    provider.add([Connected(), TextDelta("Some"), failed()])
    ending = await session.submit("One?").run()
    assert (ending.outcome, ending.fault) == (Outcome.INTERRUPTED, CUT)
    assert _texts(session)[-1] == (Role.ASSISTANT, "Some")


async def test_a_stream_without_an_end_is_interrupted(session: ChatSession, provider: FakeProvider) -> None:
    provider.add([Connected(), TextDelta("Some")])
    ending = await session.submit("One?").run()
    assert ending.outcome is Outcome.INTERRUPTED


async def test_our_own_bug_costs_no_text(session: ChatSession, provider: FakeProvider) -> None:
    provider.add([Connected(), TextDelta("Some"), ValueError("sk-secret")])
    ending = await session.submit("One?").run()
    assert ending.fault is not None
    assert ending.fault.kind is FaultKind.INTERNAL
    assert "sk-secret" not in ending.fault.sentence
    assert session.conversation.path()[-1].text == "Some"


async def test_what_may_be_tried_again_is_tried_again_with_a_countdown(
    session: ChatSession, provider: FakeProvider, clock: ManualClock
) -> None:
    provider.add([failed(BUSY)])
    provider.add([Connected(), failed(BUSY)])
    provider.add(answer("At last."))
    listener = RecordingListener()
    runner = session.submit("One?", listener)
    waits: list[float | None] = []

    async def sleep(seconds: float) -> None:
        waits.append(None if runner.retry_at_s is None else runner.retry_at_s - clock())
        assert waits[-1] == pytest.approx(seconds)

    runner.sleep = sleep
    ending = await runner.run()
    assert ending.outcome is Outcome.COMPLETE
    assert len(waits) == 2
    assert listener.phases.count(Phase.RETRYING) == 2
    assert session.conversation.path()[-1].text == "At last."


async def test_what_a_failed_try_gave_to_be_sent_back_is_no_part_of_the_next(
    session: ChatSession, provider: FakeProvider
) -> None:
    stale, own = OpaqueReceived("k", "of the first"), OpaqueReceived("k", "of the second")
    provider.add([Connected(), StepMarked("start"), stale, failed(BUSY)])
    provider.add([Connected(), own, TextDelta("At last."), Finished(FinishReason.STOP)])
    runner = session.submit("One?")
    runner.sleep = _no_wait
    await runner.run()
    parts = session.conversation.path()[-1].parts
    assert [part.data for part in parts if isinstance(part, OpaquePart)] == ["of the second"]
    assert session.conversation.path()[-1].text == "At last."


async def _no_wait(_: float) -> None:
    """As long as a wait takes here."""


async def test_nothing_is_tried_again_after_the_first_token(session: ChatSession, provider: FakeProvider) -> None:
    provider.add([Connected(), TextDelta("Some"), failed(BUSY)])
    ending = await session.submit("One?").run()
    assert ending.fault == BUSY
    assert len(provider.requests) == 1


async def test_esc_ends_the_wait_for_a_retry(session: ChatSession, provider: FakeProvider) -> None:
    provider.add([failed(BUSY)])
    runner = session.submit("One?")
    never = asyncio.Event()

    async def sleep(_: float) -> None:
        await never.wait()

    runner.sleep = sleep
    task = asyncio.create_task(runner.run())
    await wait_until(lambda: runner.state.phase is Phase.RETRYING)
    session.stop()
    assert (await task).outcome is Outcome.STOPPED
    assert len(provider.requests) == 1


async def test_cancelling_the_awaiting_task_settles_first(session: ChatSession, provider: FakeProvider) -> None:
    provider.add([Connected(), TextDelta("Some"), asyncio.Event()])
    runner = session.submit("One?")
    task = asyncio.create_task(runner.run())
    await wait_until(lambda: runner.state.has_output)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert runner.ending is not None
    assert session.conversation.path()[-1].text == "Some"
    await wait_until(lambda: provider.open_streams == 0)


async def test_an_answer_of_reasoning_alone_is_never_sent_back(
    session: ChatSession, provider: FakeProvider
) -> None:
    provider.add([Connected(), ReasoningDelta("Hmm"), failed()])
    await session.submit("One?").run()
    assert session.conversation.path()[-1].reasoning == "Hmm"
    provider.add(answer("Yes."))
    await session.submit("Two?").run()
    assert [(m.role, m.text) for m in provider.requests[1].messages] == [(Role.USER, "One?\n\nTwo?")]


async def test_a_tool_call_is_kept_incomplete_and_not_run(session: ChatSession, provider: FakeProvider) -> None:
    provider.add(
        [Connected(), ToolCallStarted("k", "call_1", "weather"), ToolArgumentsDelta("k", '{"ci'), failed()]
    )
    runner = session.submit("One?")
    await runner.run()
    calls = runner.flush().tool_calls or ()
    assert [(call.name, call.arguments, call.is_complete) for call in calls] == [("weather", '{"ci', False)]


async def test_retry_makes_a_sibling(session: ChatSession, provider: FakeProvider) -> None:
    provider.add(answer("First."))
    await session.submit("One?").run()
    provider.add(answer("Second."))
    await session.retry().run()
    tip = session.conversation.tip
    assert tip is not None
    assert tip.text == "Second."
    assert [m.text for m in session.conversation.siblings(tip.id)] == ["First.", "Second."]
    assert [m.text for m in provider.requests[1].messages] == ["One?"]


async def test_a_retry_that_brings_nothing_leaves_the_old_answer(
    session: ChatSession, provider: FakeProvider
) -> None:
    provider.add(answer("First."))
    await session.submit("One?").run()
    provider.add([failed()])
    await session.retry().run()
    assert _texts(session) == [(Role.USER, "One?"), (Role.ASSISTANT, "First.")]


async def test_continue_by_prefill_joins_exactly(session: ChatSession, provider: FakeProvider) -> None:
    provider.can_prefill = True
    provider.add([Connected(), TextDelta("The server wri"), failed()])
    await session.submit("One?").run()
    provider.add(answer("tes", " events."))
    runner = session.continue_answer()
    ending = await runner.run()
    assert ending.tokens == 3, "the seam stands under the whole answer"
    assert session.conversation.path()[-1].ending == runner.ending == ending
    assert provider.requests[1].is_continuation
    assert provider.requests[1].messages[-1].role is Role.ASSISTANT
    assert _texts(session) == [(Role.USER, "One?"), (Role.ASSISTANT, "The server writes events.")]
    assert runner.shown_partial + runner.flush().answer == "The server writes events."


@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_continue_by_asking_cuts_the_repetition(
    session: ChatSession, provider: FakeProvider, size: int
) -> None:
    provider.add([Connected(), TextDelta("The server writes small text events"), failed()])
    await session.submit("One?").run()
    reply = "small text events into the body."
    provider.add(answer(*(reply[i : i + size] for i in range(0, len(reply), size))))
    await session.continue_answer().run()
    assert not provider.requests[1].is_continuation
    assert provider.requests[1].messages[-1].role is Role.USER
    assert session.conversation.path()[-1].text == "The server writes small text events into the body."


async def test_a_continuation_that_breaks_at_once_keeps_the_text(
    session: ChatSession, provider: FakeProvider
) -> None:
    provider.add([Connected(), TextDelta("Some"), failed()])
    await session.submit("One?").run()
    provider.add([failed()])
    await session.continue_answer().run()
    assert session.conversation.path()[-1].text == "Some"


async def test_edit_goes_back_before_the_question(session: ChatSession, provider: FakeProvider) -> None:
    provider.add(answer("First."))
    await session.submit("One?").run()
    assert session.edit_last() == "One?"
    assert session.conversation.path() == ()
    assert len(session.conversation) == 2


def test_there_may_be_nothing_to_do(session: ChatSession) -> None:
    for act in (session.retry, session.continue_answer, session.edit_last):
        with pytest.raises(NothingToDo):
            act()


def test_an_unknown_model_changes_nothing(session: ChatSession) -> None:
    with pytest.raises(ConfigError):
        session.switch_model("nowhere/x")
    assert session.model_id == "fake/one"
    session.model_id = "nowhere/x"
    with pytest.raises(ConfigError):
        session.submit("One?")
    assert session.conversation.path() == ()


async def test_a_burst_lets_others_run(session: ChatSession, provider: FakeProvider, clock: ManualClock) -> None:
    """Keys come first: the reader of a burst gives way whenever its time slice is used up."""
    steps = 0

    def stepping_clock() -> float:
        clock.advance(0.005)
        return clock()

    provider.clock = stepping_clock
    session._clock = stepping_clock
    provider.add(answer(*("word " for _ in range(200))))
    task = asyncio.create_task(session.submit("One?").run())
    while not task.done():
        steps += 1
        await asyncio.sleep(0)
    assert steps > 50


async def test_prepare_and_models(session: ChatSession, provider: FakeProvider) -> None:
    assert await session.prepare() == ""
    assert provider.is_prepared
    assert [group.provider async for group in session.list_models()] == ["fake"]
    session.model_id = "nowhere/x"
    assert "nowhere" in await session.prepare()
    await session.aclose()


async def test_a_model_that_was_left_is_given_up_when_nothing_runs_on_it(
    session: ChatSession, provider: FakeProvider
) -> None:
    registry = cast("FakeRegistry", session._registry)
    provider.add([Connected(), TextDelta("Some"), asyncio.Event()])
    runner = session.submit("One?")
    task = asyncio.create_task(runner.run())
    await wait_until(lambda: runner.state.has_output)
    session.switch_model("fake/two")
    await session.prepare()
    assert registry.released == []
    session.stop()
    await task
    await session.prepare()
    assert registry.released == ["fake/one"]


async def test_new_stops_and_forgets(session: ChatSession, provider: FakeProvider) -> None:
    provider.add([Connected(), TextDelta("Some"), asyncio.Event()])
    runner: TurnRunner = session.submit("One?")
    task = asyncio.create_task(runner.run())
    await wait_until(lambda: runner.state.has_output)
    session.new()
    assert (await task).outcome is Outcome.STOPPED
    assert session.conversation.path() == ()
    assert not session.is_running
