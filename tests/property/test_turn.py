"""However a stream is cut into deltas and arrivals, the same answer comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from hypothesis import given, settings
from hypothesis import strategies as st

from chat_tui.core.conversation import ChatRequest, Ending, Part
from chat_tui.core.events import (
    Arrival,
    Connected,
    Finished,
    FinishReason,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolArgumentsDelta,
)
from chat_tui.core.sanitize import clean
from chat_tui.core.turn import TurnState, reduce
from chat_tui.session.turn_runner import TurnKind, TurnRunner
from tests.support.clock import ManualClock
from tests.support.fake_provider import FakeProvider

WORDS = st.text(st.sampled_from("ab \n*\x1b[\u200d👩😀\u202eé\r`"), min_size=1, max_size=12)
RUNS = st.lists(st.tuples(st.sampled_from([TextDelta, ReasoningDelta, ToolArgumentsDelta]), WORDS), max_size=8)
Run = tuple[type[TextDelta] | type[ReasoningDelta] | type[ToolArgumentsDelta], str]


def event_of(kind: type[StreamEvent], text: str) -> StreamEvent:
    if kind is ToolArgumentsDelta:
        return ToolArgumentsDelta("call", text)
    return ReasoningDelta(text) if kind is ReasoningDelta else TextDelta(text)


def cut(runs: list[Run], data: st.DataObject) -> list[StreamEvent]:
    """The same stream in smaller deltas."""
    events: list[StreamEvent] = []
    for kind, text in runs:
        start = 0
        while start < len(text):
            end = data.draw(st.integers(start + 1, len(text)))
            events.append(event_of(kind, text[start:end]))
            start = end
    return events


def reduced(events: list[StreamEvent]) -> TurnState:
    state = TurnState()
    for event in events:
        state = reduce(state, event)
    return state


@given(RUNS, st.data())
def test_any_chunking_gives_the_same_parts(runs: list[Run], data: st.DataObject) -> None:
    whole = reduced([event_of(kind, text) for kind, text in runs])
    pieces = reduced(cut(runs, data))
    assert pieces.parts(2.0) == whole.parts(2.0)
    assert (pieces.text, pieces.reasoning, pieces.tool_calls) == (whole.text, whole.reasoning, whole.tool_calls)
    assert (pieces.phase, pieces.has_output) == (whole.phase, whole.has_output)


class _Batches(FakeProvider):
    """Plays its first script as given arrivals."""

    arrivals: tuple[tuple[StreamEvent, ...], ...] = ()

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Arrival]:
        for events in self.arrivals:
            yield Arrival(self.clock(), events)


def settled_runner(runs: list[Run], data: st.DataObject) -> tuple[TurnRunner, tuple[Part, ...]]:
    """A turn that has received the stream, cut anywhere, in arrivals of any size; nothing of it drained."""
    events = [Connected(), *cut(runs, data), Finished(FinishReason.STOP)]
    batches: list[tuple[StreamEvent, ...]] = []
    while events:
        size = data.draw(st.integers(1, len(events)))
        batches.append(tuple(events[:size]))
        del events[:size]
    clock = ManualClock()
    provider = _Batches(clock)
    provider.arrivals = tuple(batches)
    settled: list[tuple[Part, ...]] = []

    def keep(_: TurnRunner, parts: tuple[Part, ...], ending: Ending) -> Ending:
        settled.append(parts)
        return ending

    runner = TurnRunner(
        provider, ChatRequest("m", ()), kind=TurnKind.ASK, message_id=1, prompt="", clock=clock, on_settled=keep
    )
    asyncio.run(runner.run())
    (parts,) = settled
    return runner, parts


@settings(max_examples=60)
@given(RUNS, st.data())
def test_what_is_drained_is_what_came(runs: list[Run], data: st.DataObject) -> None:
    """Text is kept raw and shown cleaned, whatever the frames take of it."""
    runner, parts = settled_runner(runs, data)
    answer = reasoning = ""
    while runner.pending_chars:
        drained = runner.drain(data.draw(st.integers(1, 9)))
        answer += drained.answer
        reasoning += drained.reasoning
    raw = reduced([event_of(kind, text) for kind, text in runs])
    assert (answer, reasoning) == (clean(raw.text), clean(raw.reasoning))
    assert parts == raw.parts(0.0 if raw.has_reasoning else None)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.text("abc", min_size=1, max_size=5)), max_size=8), st.data())
def test_reasoning_and_answer_are_drained_in_the_order_they_came(
    spoken: list[tuple[bool, str]], data: st.DataObject
) -> None:
    runs: list[Run] = [(ReasoningDelta if is_reasoning else TextDelta, text) for is_reasoning, text in spoken]
    runner, _ = settled_runner(runs, data)
    shown: list[tuple[bool, str]] = []
    while runner.pending_chars:
        drained = runner.drain(data.draw(st.integers(1, 9)))
        shown += [(True, character) for character in drained.reasoning]
        shown += [(False, character) for character in drained.answer]
    assert shown == [(is_reasoning, character) for is_reasoning, text in spoken for character in text]
