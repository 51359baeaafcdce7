"""Answers made in the background: cut anywhere, they go on where they stopped."""

from __future__ import annotations

import asyncio
import json

import pytest

from chat_tui.core.errors import FaultKind
from chat_tui.core.events import (
    Connected,
    Failed,
    Finished,
    FinishReason,
)
from chat_tui.wire.base import Quirks
from tests.support.background import (
    BODY,
    EVENTS,
    RECONNECTING,
    TEXTS,
    WHOLE,
    Background,
    cut_at,
    events_of,
    message,
    provider_for,
    response_object,
    rest_of,
    text_of,
)
from tests.support.sse_server import (
    CLOSE,
    HOLD,
    RESET,
    Act,
    Framing,
    Reply,
    framed,
    head,
    json_response,
    reply,
    response,
)
from tests.support.waiting import wait_until

AT_ONCE = 24


def received_events(offset: int, framing: Framing) -> int:
    """How many events are whole in the first bytes of a body, worked out apart from the code under test."""
    position, count = 0, 0
    for event in EVENTS:
        position += len(framed([event], framing)) - (len(b"0\r\n\r\n") if framing is Framing.CHUNKED else 0)
        # what is missing may be the blank line: the data before it is whole
        if offset < position - len(b"\n\n") - (len(b"\r\n") if framing is Framing.CHUNKED else 0):
            break
        count += 1
    return count


async def check_cut(offset: int, framing: Framing, act: Act) -> None:
    async with Background(cut_at(offset, framing, act), rest_of) as server:
        provider = provider_for(server)
        events = await events_of(provider)
        count = received_events(offset, framing)
        shown = server.asked()[1:]
        if count == 0:
            assert isinstance(events[-1], Failed), offset
            assert shown == [], offset
        elif act is not RESET:
            assert shown == [f"GET /responses/resp_1?stream=true&starting_after={count - 1}"] * (
                count < len(EVENTS)
            ), offset
        if count:
            # A reset may take with it what was still in the socket; then no id came, and there is nothing to ask.
            is_lost = act is RESET and isinstance(events[-1], Failed)
            assert is_lost or events[-1] == Finished(FinishReason.STOP, "completed"), offset
            assert text_of(events) == ("" if is_lost else WHOLE), offset
            assert len([event for event in events if isinstance(event, Connected)]) <= 1
        await provider.aclose()


async def check_all(offsets: list[int], framing: Framing, act: Act) -> None:
    for start in range(0, len(offsets), AT_ONCE):
        await asyncio.gather(*(check_cut(offset, framing, act) for offset in offsets[start : start + AT_ONCE]))


def boundaries(framing: Framing) -> list[int]:
    ends = [0]
    for event in EVENTS:
        ends.append(ends[-1] + len(framed([event], framing)) - (5 if framing is Framing.CHUNKED else 0))
    return ends


@pytest.mark.parametrize("act", [CLOSE, RESET], ids=["FIN", "RST"])
@pytest.mark.parametrize("framing", [Framing.CHUNKED, Framing.CLOSE], ids=lambda framing: framing.value)
async def test_a_cut_between_events_costs_nothing(framing: Framing, act: Act) -> None:
    await check_all(boundaries(framing), framing, act)


@pytest.mark.parametrize("framing", [Framing.CHUNKED, Framing.CLOSE], ids=lambda framing: framing.value)
async def test_a_cut_at_any_byte_costs_nothing(framing: Framing) -> None:
    await check_all(list(range(0, len(framed(EVENTS, framing)), 5)), framing, CLOSE)


async def test_a_properly_ended_body_without_the_last_event_goes_on_too() -> None:
    for count in range(1, len(EVENTS)):
        async with Background(response(EVENTS[:count], framing=Framing.CHUNKED), rest_of) as server:
            provider = provider_for(server)
            assert text_of(await events_of(provider)) == WHOLE
            await provider.aclose()


async def test_any_number_of_cuts_is_fine_as_long_as_it_goes_on() -> None:
    def one_event(number: int) -> Reply:
        return response(EVENTS[number + 1 : number + 2], framing=Framing.CLOSE)

    async with Background(response(EVENTS[:1], framing=Framing.CLOSE), one_event) as server:
        provider = provider_for(server)
        events = await events_of(provider)
        assert text_of(events) == WHOLE
        assert events.count(RECONNECTING) == len(EVENTS) - 1
        assert len(server.requests) == len(EVENTS)
        await provider.aclose()


async def test_a_server_that_begins_at_the_beginning_doubles_nothing() -> None:
    async with Background(response(EVENTS[:5], framing=Framing.CLOSE), lambda _: rest_of(-1)) as server:
        provider = provider_for(server)
        assert text_of(await events_of(provider)) == WHOLE
        await provider.aclose()


async def test_the_rest_may_come_compressed_or_as_a_document() -> None:
    document = json_response(response_object("completed", output=[message(WHOLE)]))
    for rest in (response(EVENTS[6:], framing=Framing.GZIP), document):
        async with Background(response(EVENTS[:6], framing=Framing.CLOSE), lambda _, rest=rest: rest) as server:
            provider = provider_for(server)
            events = await events_of(provider)
            assert text_of(events) == WHOLE
            assert events[-1] == Finished(FinishReason.STOP, "completed")
            await provider.aclose()


@pytest.mark.parametrize("begun_event", [b"", b"event: x", EVENTS[5][:60], EVENTS[5][:-2]])
async def test_silence_is_a_break_too(begun_event: bytes) -> None:
    first = reply(head(framing=Framing.CLOSE) + b"".join(EVENTS[:5]) + begun_event, HOLD)
    async with Background(first, rest_of) as server:
        provider = provider_for(server, idle_timeout_s=0.05)
        events = await events_of(provider)
        assert text_of(events) == WHOLE
        assert events.count(RECONNECTING) == 1
        await wait_until(lambda: not server.connections[0].is_open, what="the silent connection to be closed")
        await provider.aclose()


@pytest.mark.parametrize("rest", [reply(HOLD), reply(head(framing=Framing.CLOSE) + b": hello\n\n", HOLD)])
async def test_silence_is_waited_out_twice_and_not_for_ever(rest: Reply) -> None:
    first = reply(head(framing=Framing.CLOSE) + b"".join(EVENTS[:5]), HOLD)
    async with Background(first, lambda _: rest) as server:
        provider = provider_for(server, idle_timeout_s=0.05)
        events = await events_of(provider)
        last = events[-1]
        assert isinstance(last, Failed)
        assert last.fault.kind is FaultKind.TIMEOUT
        assert text_of(events) == "".join(TEXTS[:2])
        assert events.count(RECONNECTING) == 1
        await provider.aclose()


async def test_comments_are_no_progress() -> None:
    gate = asyncio.Event()
    pings = [b": ping\n\n"] * 3
    first = reply(head(framing=Framing.CLOSE) + b"".join(EVENTS[:5]), *pings, gate, *pings, HOLD)
    async with Background(first, rest_of) as server:
        provider = provider_for(server, idle_timeout_s=0.05)
        assert text_of(await events_of(provider)) == WHOLE
        await provider.aclose()


# -- giving up -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rest",
    [
        reply(CLOSE),
        reply(RESET),
        response(b"", framing=Framing.CHUNKED),
        reply(head() + b"data: {", CLOSE),
        json_response({"error": {"message": "busy"}}, status=503),
        json_response({"error": {"message": "slow"}}, status=429, headers=[("Retry-After", "600")]),
    ],
    ids=["closed", "reset", "empty", "half an event", "503", "429"],
)
async def test_after_three_reconnects_for_nothing_it_is_the_fault_it_was(rest: Reply) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async with Background(cut_at(sum(map(len, EVENTS[:4])), Framing.CLOSE, CLOSE), lambda _: rest) as server:
        provider = provider_for(server, sleep=sleep)
        events = await events_of(provider)
        assert waits == [0.5, 1.0, 2.0]
        assert events.count(RECONNECTING) == 3
        assert text_of(events) == TEXTS[0]
        last = events[-1]
        assert isinstance(last, Failed)
        assert (last.fault.kind, last.fault.is_retryable, last.fault.status) == (FaultKind.CUT, False, None)
        gets = ["GET /responses/resp_1?stream=true&starting_after=3"] * 3
        await wait_until(lambda: len(server.requests) == 5)
        assert server.asked() == ["POST /responses", *gets, "POST /responses/resp_1/cancel"]
        await provider.aclose()


@pytest.mark.parametrize("status", [400, 401, 404, 410])
async def test_a_resume_that_is_refused_leaves_the_fault_it_was(status: int) -> None:
    refusal = json_response({"error": {"message": "gone", "code": "gone"}}, status=status)
    first = cut_at(sum(map(len, EVENTS[:4])), Framing.CLOSE, RESET)
    async with Background(first, lambda _: refusal) as server:
        provider = provider_for(server)
        events = await events_of(provider)
        last = events[-1]
        assert isinstance(last, Failed)
        assert last.fault.kind in (FaultKind.NETWORK, FaultKind.CUT)
        assert last.fault.status is None
        assert sum(asked.startswith("GET") for asked in server.asked()) <= 1
        await provider.aclose()


async def test_progress_gives_new_tries() -> None:
    waits: list[float] = []
    fails = {3: 2, 5: 3}

    def rest(number: int) -> Reply:
        if fails.get(number, 0):
            fails[number] -= 1
            return reply(CLOSE)
        return response(EVENTS[number + 1 : 6], framing=Framing.CLOSE) if number == 3 else reply(CLOSE)

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async with Background(response(EVENTS[:4], framing=Framing.CLOSE), rest) as server:
        provider = provider_for(server, sleep=sleep)
        events = await events_of(provider)
        assert text_of(events) == "".join(TEXTS[:3])
        assert waits == [0.5, 1.0, 2.0, 0.5, 1.0, 2.0]
        await provider.aclose()


async def test_without_background_a_cut_is_a_cut_and_nothing_is_cancelled() -> None:
    async with Background(response(EVENTS[:5], framing=Framing.CLOSE), rest_of) as server:
        provider = provider_for(server, quirks=Quirks())
        events = await events_of(provider)
        assert isinstance(events[-1], Failed)
        await provider.aclose()
        assert server.asked() == ["POST /responses"]
        assert "background" not in server.requests[0].json


def test_the_script_is_what_it_says() -> None:
    numbers = [json.loads(event.decode().split("data: ")[1])["sequence_number"] for event in EVENTS]
    assert numbers == list(range(len(EVENTS)))
    assert received_events(len(BODY), Framing.CLOSE) == len(EVENTS)
