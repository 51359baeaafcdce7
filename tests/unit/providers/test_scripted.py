"""The scripted provider: what is played, when, how it ends, and how it is continued."""

import asyncio
import math
from collections.abc import AsyncGenerator
from itertools import pairwise

import pytest

from chat_tui.core.conversation import ChatRequest, Message, Role, TextPart
from chat_tui.core.errors import Fault, FaultKind
from chat_tui.core.events import (
    TOKEN_EVENTS,
    Arrival,
    Connected,
    Failed,
    Finished,
    FinishReason,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    UsageReported,
)
from chat_tui.providers.demo_scripts import DEMOS, Break, Say, Script, Think, Wait
from chat_tui.providers.scripted import ScriptedProvider, deltas
from tests.support.clock import ManualClock

FAULT = Fault(FaultKind.CUT, "connection lost", "It ended.")


def asking(model: str, *, partial: str = "") -> ChatRequest:
    messages = (Message(1, Role.USER, (TextPart("Show me."),)),)
    if partial:
        messages += (Message(2, Role.ASSISTANT, (TextPart(partial),)),)
    return ChatRequest(model, messages, is_continuation=bool(partial))


class Stage:
    """A provider on a clock that only its own sleeping moves."""

    def __init__(self, **scripts: Script) -> None:
        self.clock = ManualClock(100.0)
        self.provider = ScriptedProvider(self.clock, self.sleep, scripts or DEMOS)

    async def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.clock.advance(seconds)

    async def play(self, model: str, partial: str = "") -> list[Arrival]:
        return [arrival async for arrival in self.provider.stream(asking(model, partial=partial))]


def events_of(arrivals: list[Arrival]) -> list[StreamEvent]:
    return [event for arrival in arrivals for event in arrival.events]


def text_of(arrivals: list[Arrival]) -> str:
    return "".join(event.text for event in events_of(arrivals) if isinstance(event, TextDelta))


@pytest.mark.parametrize("model", DEMOS)
async def test_every_demo_ends_once_and_says_its_script_in_the_end(model: str) -> None:
    stage = Stage()
    said = ""
    for _ in range(3):
        arrivals = await stage.play(model, said)
        events = events_of(arrivals)
        assert [isinstance(event, Finished | Failed) for event in events].count(True) == 1
        said += text_of(arrivals)
        if isinstance(events[-1], Finished):
            break
    assert said == DEMOS[model].answer


@pytest.mark.parametrize(
    ("model", "kind", "has_text"),
    [
        ("cut", FaultKind.CUT, True),
        ("error", FaultKind.OVERLOADED, True),
        ("ratelimit", FaultKind.RATE_LIMIT, False),
    ],
)
async def test_breaks_are_of_their_kind(model: str, kind: FaultKind, has_text: bool) -> None:
    arrivals = await Stage().play(model)
    last = events_of(arrivals)[-1]
    assert isinstance(last, Failed)
    assert last.fault.kind is kind
    assert last.fault.is_retryable
    assert bool(text_of(arrivals)) is has_text


async def test_the_rate_limit_refuses_every_other_request() -> None:
    stage = Stage()
    outcomes = [events_of(await stage.play("ratelimit")) for _ in range(4)]
    assert [isinstance(events[-1], Finished) for events in outcomes] == [False, True, False, True]
    refusal = outcomes[0][-1]
    assert isinstance(refusal, Failed)
    assert (refusal.fault.status, refusal.fault.retry_after_s) == (429, 4.0)
    assert len(outcomes[0]) == 1


async def test_times_are_those_of_the_script() -> None:
    script = Script("", (Wait(2.0), Say("abcdefgh", 10.0), Wait(5.0), Say("ij", 20.0)))
    arrivals = await Stage(timed=script).play("timed")
    assert [(round(a.at_s - 100.0, 6), a.events) for a in arrivals if isinstance(a.events[0], TextDelta)] == [
        (2.1, (TextDelta("abcd"),)),
        (2.2, (TextDelta("efgh"),)),
        (7.25, (TextDelta("ij"),)),
    ]


async def test_a_late_sleep_is_made_up_for() -> None:
    clock = ManualClock()

    async def oversleep(seconds: float) -> None:
        clock.advance(seconds + 0.25 if seconds else 0.0)

    provider = ScriptedProvider(clock, oversleep, {"x": Script("", (Say("a" * 400, 10.0),))})
    arrivals = [arrival async for arrival in provider.stream(asking("x"))]
    assert arrivals[-1].at_s - 1000.0 == pytest.approx(10.0, abs=0.3)


async def test_the_usual_pace_is_sixty_tokens_a_second_and_slow_is_eight() -> None:
    for model, first_s, rate in (("markdown", 0.4, 60.0), ("slow", 5.0, 8.0)):
        arrivals = await Stage().play(model)
        at_s = [arrival.at_s for arrival in arrivals if isinstance(arrival.events[0], TextDelta)]
        assert at_s[0] - 100.0 == pytest.approx(first_s + 1 / rate)
        assert {round(1 / (b - a), 3) for a, b in pairwise(at_s)} == {rate}


async def test_stall_is_silent_for_forty_seconds() -> None:
    arrivals = await Stage().play("stall")
    assert max(b.at_s - a.at_s for a, b in pairwise(arrivals)) == pytest.approx(40.0, abs=0.1)


async def test_a_burst_comes_in_big_reads_without_waiting() -> None:
    stage = Stage()
    arrivals = await stage.play("burst")
    counts = [sum(isinstance(event, TOKEN_EVENTS) for event in arrival.events) for arrival in arrivals]
    assert sum(counts) >= 8000
    assert max(counts) == 64
    assert stage.clock() == 100.0


async def test_a_burst_lets_others_run_between_reads() -> None:
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_turns())
    arrivals = [arrival async for arrival in ScriptedProvider().stream(asking("burst"))]
    counting.cancel()
    assert turns >= len(arrivals) - 3


async def test_reasoning_comes_before_the_answer_and_is_counted() -> None:
    events = events_of(await Stage().play("reasoning"))
    kinds = [type(event) for event in events if isinstance(event, TextDelta | ReasoningDelta)]
    assert kinds == sorted(kinds, key=lambda kind: kind is TextDelta)
    assert kinds[0] is ReasoningDelta
    assert kinds[-1] is TextDelta
    usage = next(event.usage for event in events if isinstance(event, UsageReported))
    assert usage.output_tokens == len(kinds)
    assert usage.input_tokens == len("Show me.") // 4


async def test_connected_comes_first_and_the_end_is_orderly() -> None:
    events = events_of(await Stage().play("reasoning"))
    assert events[0] == Connected()
    assert events[-1] == Finished(FinishReason.STOP, "stop")


async def test_an_answer_continues_from_every_character() -> None:
    script = Script(
        "", (Wait(1.0), Say("first "), Think("hm"), Say("half"), Break(FAULT), Wait(9.0), Say(" second"))
    )
    stage = Stage(x=script)
    for cut in range(1, len(script.answer) + 1):
        arrivals = await stage.play("x", script.answer[:cut])
        at_break = len("first half")
        assert text_of(arrivals) == (script.answer[cut:] if cut >= at_break else script.answer[cut:at_break])
        assert isinstance(events_of(arrivals)[-1], Finished if cut >= at_break else Failed)
        has_thoughts = any(isinstance(event, ReasoningDelta) for event in events_of(arrivals))
        assert has_thoughts is (cut < len("first "))


async def test_continuing_goes_on_without_the_silence_before_it() -> None:
    stage = Stage()
    stalled = next(step.text for step in DEMOS["stall"].steps if isinstance(step, Say))
    arrivals = await stage.play("stall", stalled)
    assert stalled + text_of(arrivals) == DEMOS["stall"].answer
    assert stage.clock() - 100.0 < 3.0


async def test_somebody_elses_answer_is_not_continued() -> None:
    text = text_of(await Stage().play("markdown", "Something else entirely"))
    assert "only continue its own text" in text


async def test_an_unknown_demo_names_the_nearest() -> None:
    (event,) = events_of(await Stage().play("markdwn\x1b[31m"))
    assert isinstance(event, Failed)
    assert event.fault.kind is FaultKind.NOT_FOUND
    assert event.fault.hint == "Did you mean demo/markdown?"
    assert "\x1b" not in event.fault.message


async def test_cancelling_ends_it_at_once_wherever_it_waits() -> None:
    for model, count in (("slow", 1), ("markdown", 3), ("stall", 2)):
        stream: AsyncGenerator[Arrival] = ScriptedProvider().stream(asking(model))
        for _ in range(count):
            await anext(stream)
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_lists_its_models_with_what_they_do() -> None:
    provider = ScriptedProvider()
    await provider.prepare()
    listed = await provider.list_models()
    await provider.aclose()
    assert [model.id for model in listed] == [f"demo/{name}" for name in DEMOS]
    assert all(model.note for model in listed)
    assert provider.is_demo


def test_deltas_are_about_four_characters_and_always_the_same() -> None:
    text = DEMOS["markdown"].answer
    pieces = list(deltas(text))
    assert "".join(pieces) == text
    assert len(text) / len(pieces) == pytest.approx(4.0, abs=0.05)
    assert pieces == list(deltas(text))
    assert list(deltas("")) == []


def test_the_tour_has_every_kind_of_block() -> None:
    tour = DEMOS["markdown"].answer
    structure = ("# ", "## ", "### ", "1. ", "   - ", "> > ", "|:--", "```python", "\n---\n", "- [x] ", "[spec]:")
    inline = ("<script>", "\n    an indented", "![", "~~", "**", " \x20\n", "\\\n", "&copy;")
    for mark in structure + inline:
        assert mark in tour, mark
    assert math.isinf(next(step.tokens_per_s for step in DEMOS["burst"].steps if isinstance(step, Say)))
