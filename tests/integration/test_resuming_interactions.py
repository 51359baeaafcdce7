"""Interactions in the background: cut anywhere, they go on where they stopped; given up, they are cancelled."""

from __future__ import annotations

import asyncio
import re

import pytest

from chat_tui.core.conversation import ChatRequest, Message, Role, TextPart
from chat_tui.core.events import Connected, Failed, Finished, ProgressKind, ProgressReported, StreamEvent
from chat_tui.providers.http import Endpoint, HttpProvider
from chat_tui.providers.resumption import Pauses
from chat_tui.wire.base import Quirks
from chat_tui.wire.gemini_interactions import PROTOCOL
from tests.support.clock import ManualClock
from tests.support.sse_server import (
    CLOSE,
    Framing,
    Recorded,
    Reply,
    SseServer,
    head,
    json_response,
    reply,
    response,
)
from tests.support.waiting import wait_until
from tests.support.wire import played, stream_bytes

REQUEST = ChatRequest("m", (Message(1, Role.USER, (TextPart("Hello"),)),))
NAME = "interactions-search"
BODY = stream_bytes(NAME)
EVENTS = [event + b"\n\n" for event in BODY.split(b"\n\n") if event]
AT_ONCE = 24
STEP_BYTES = 37
"""Every so many bytes the body is cut; with this number events, names, strings and escapes all are."""


class Interactions(SseServer):
    """Gives the first bytes to the question, and the events behind the one it is asked for with its id."""

    def __init__(self, offset: int) -> None:
        super().__init__()
        self.offset = offset

    def reply_to(self, request: Recorded) -> Reply:
        if request.path.endswith("/cancel"):
            return json_response({})
        if request.method == "POST":
            return reply(head(framing=Framing.CLOSE) + BODY[: self.offset], CLOSE)
        asked = re.fullmatch(r"/v1/interactions/v1_3\?stream=true&last_event_id=e(\d+)", request.path)
        assert asked is not None, request.path
        return response(EVENTS[int(asked[1]) :], framing=Framing.CHUNKED)

    def asked(self) -> list[str]:
        """What was asked, without the origin."""
        return [f"{found.method} {found.path.removeprefix('/v1')}" for found in self.requests]


async def no_wait(_seconds: float) -> None:
    await asyncio.sleep(0)


def provider_for(server: SseServer, *, is_background: bool = True) -> HttpProvider:
    quirks, pauses = Quirks(is_background=is_background), Pauses(no_wait, lambda: 1.0)
    return HttpProvider(
        "google", "Google", Endpoint(server.base_url), PROTOCOL, quirks, ManualClock(), pauses=pauses
    )


async def answer_cut_at(offset: int) -> list[StreamEvent]:
    async with Interactions(offset) as server:
        provider = provider_for(server)
        events = [event async for arrival in provider.stream(REQUEST) for event in arrival.events]
        await provider.aclose()
    reconnecting = ProgressReported(ProgressKind.RECONNECT)
    return [event for event in events if not isinstance(event, Connected) and event != reconnecting]


async def test_a_cut_at_any_byte_costs_nothing() -> None:
    whole = played(BODY, PROTOCOL.name)
    first = len(EVENTS[0])  # before it there is no id to ask with
    offsets = list(range(first, len(BODY), STEP_BYTES))
    for start in range(0, len(offsets), AT_ONCE):
        some = offsets[start : start + AT_ONCE]
        for offset, events in zip(some, await asyncio.gather(*map(answer_cut_at, some)), strict=True):
            assert events == whole, offset


@pytest.mark.parametrize("offset", [0, len(EVENTS[0]) // 2])
async def test_before_there_is_an_id_a_cut_is_a_cut(offset: int) -> None:
    (*_, last) = await answer_cut_at(offset)
    assert isinstance(last, Failed)


async def test_an_answer_that_is_not_stored_is_not_asked_for_again() -> None:
    async with Interactions(len(EVENTS[0] + EVENTS[1])) as server:
        provider = provider_for(server, is_background=False)
        events = [event async for arrival in provider.stream(REQUEST) for event in arrival.events]
        await provider.aclose()
        assert isinstance(events[-1], Failed)
        assert server.asked() == ["POST /interactions"]
        assert server.requests[0].json["store"] is False


async def test_an_answer_given_up_is_cancelled_and_a_finished_one_is_not() -> None:
    async with Interactions(len(BODY)) as server:
        provider = provider_for(server)
        async for arrival in provider.stream(REQUEST):
            assert not isinstance(arrival.events[-1], Failed)
            if isinstance(arrival.events[-1], Finished):
                break
        assert server.asked() == ["POST /interactions"]
        server.offset = len(b"".join(EVENTS[:3]))
        answer = provider.stream(REQUEST)
        seen: list[StreamEvent] = []
        while len(seen) < 3:
            seen += (await anext(answer)).events
        await answer.aclose()
        await wait_until(lambda: "POST /interactions/v1_3/cancel" in server.asked())
        await provider.aclose()
