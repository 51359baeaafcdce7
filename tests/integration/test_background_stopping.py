"""Answers made in the background stop when nobody wants them; what the configuration says about them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from chat_tui.config.model import Config, ProviderConfig
from chat_tui.core.conversation import Generation
from chat_tui.core.errors import ConfigError
from chat_tui.core.events import (
    Failed,
    Finished,
    StreamEvent,
)
from chat_tui.providers import http
from chat_tui.providers.http import HttpProvider
from chat_tui.providers.registry import ProviderRegistry
from chat_tui.providers.served import ServedProvider
from chat_tui.wire.base import Quirks
from tests.support.background import (
    EVENTS,
    RECONNECTING,
    REQUEST,
    WHOLE,
    Background,
    cut_at,
    events_of,
    provider_for,
    rest_of,
    text_of,
)
from tests.support.clock import ManualClock
from tests.support.sse_server import (
    CLOSE,
    HOLD,
    RESET,
    Framing,
    Reply,
    SseServer,
    head,
    json_response,
    reply,
    response,
)
from tests.support.waiting import wait_until

# -- stopping ------------------------------------------------------------------------------------

HELD = reply(head(framing=Framing.CLOSE) + b"".join(EVENTS[:5]), HOLD)


async def begun(provider: HttpProvider, until: Callable[[list[StreamEvent]], object]) -> asyncio.Task[None]:
    """A task that receives the answer, once that has come so far."""
    events: list[StreamEvent] = []

    async def receive() -> None:
        async with aclosing(provider.stream(REQUEST)) as stream:
            async for arrival in stream:
                events.extend(arrival.events)

    task = asyncio.create_task(receive())
    await wait_until(lambda: until(events))
    return task


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("cancel_reply", [json_response({}), reply(HOLD), reply(RESET)], ids=["200", "none", "RST"])
async def test_stopping_cancels_the_answer_and_waits_for_nobody(
    cancel_reply: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "FAREWELL_S", 0.05)
    tasks_before = asyncio.all_tasks()
    async with Background(HELD, rest_of) as server:
        server.cancel_reply = cancel_reply
        provider = provider_for(server)
        task = await begun(provider, text_of)
        task.cancel()
        turns = 0
        while not task.done():  # in turns of the loop: a round trip to the server would take many more
            await asyncio.sleep(0)
            turns += 1
        assert turns < 10
        assert task.cancelled()
        await wait_until(lambda: len(server.requests) == 2, what="the cancel")
        assert server.asked()[1] == "POST /responses/resp_1/cancel"
        assert server.requests[1].body == b""
        await wait_until(lambda: not server.connections[0].is_open, what="the stream to be closed")
        await provider.aclose()
        assert len(server.requests) == 2
    await wait_until(lambda: asyncio.all_tasks() <= tasks_before, what="every task of ours to end")


async def test_stopping_while_it_waits_to_reconnect() -> None:
    async def forever(_seconds: float) -> None:
        await asyncio.Event().wait()

    async with Background(response(EVENTS[:5], framing=Framing.CLOSE), rest_of) as server:
        provider = provider_for(server, sleep=forever)
        await stop(await begun(provider, lambda events: RECONNECTING in events))
        await wait_until(lambda: len(server.requests) == 2)
        assert server.asked() == ["POST /responses", "POST /responses/resp_1/cancel"]
        await provider.aclose()


async def test_leaving_cancels_what_runs() -> None:
    async with Background(HELD, rest_of) as server:
        provider = provider_for(server)
        task = await begun(provider, text_of)
        await provider.aclose()
        assert server.asked() == ["POST /responses", "POST /responses/resp_1/cancel"]
        await stop(task)
        assert len(server.requests) == 2


async def test_an_answer_that_is_still_read_when_all_is_closed_ends_at_once() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async with Background(HELD, rest_of) as server:
        provider = provider_for(server, sleep=sleep)
        reading = asyncio.create_task(events_of(provider))
        await wait_until(lambda: server.requests and server.connections[0].sent_bytes)
        await asyncio.sleep(0)
        await provider.aclose()
        assert isinstance((await reading)[-1], Failed)
        assert len(waits) <= 1
        assert not any(asked.startswith("GET") for asked in server.asked())


async def test_nothing_is_cancelled_before_there_is_an_id() -> None:
    async with Background(reply(head(framing=Framing.CLOSE) + b": hello\n\n", HOLD), rest_of) as server:
        provider = provider_for(server)
        await stop(await begun(provider, lambda events: events))
        await provider.aclose()
        assert server.asked() == ["POST /responses"]


async def test_nothing_is_cancelled_after_the_end() -> None:
    async with Background(rest_of(-1), rest_of) as server:
        provider = provider_for(server)
        assert text_of(await events_of(provider)) == WHOLE
        await provider.aclose()
        assert server.asked() == ["POST /responses"]


# -- settings ------------------------------------------------------------------------------------


async def test_background_is_one_line_of_the_configuration(tmp_path: Path) -> None:
    async with Background(cut_at(sum(map(len, EVENTS[:4])), Framing.CLOSE, CLOSE), rest_of) as server:
        config = ProviderConfig(base_url=server.base_url, protocol="openai-responses", background=True)
        registry = ProviderRegistry(Config(providers={"mine": config}), {}, tmp_path, ManualClock())
        provider, _ = registry.resolve("mine/m")
        assert isinstance(provider, ServedProvider)
        assert text_of(await events_of(provider.made)) == WHOLE
        assert server.requests[0].json["background"] is True
        assert server.requests[0].json["store"] is False
        await registry.aclose()


def test_background_is_refused_where_there_is_none(tmp_path: Path) -> None:
    config = ProviderConfig(base_url="http://127.0.0.1:9/v1", background=True)
    registry = ProviderRegistry(Config(providers={"mine": config}), {}, tmp_path, ManualClock())
    with pytest.raises(ConfigError, match="openai-chat"):
        registry.resolve("mine/m")


async def test_a_summary_that_is_refused_is_not_asked_for_again() -> None:
    error = {"message": "Verify your organization to get summaries.", "param": "reasoning.summary"}
    thinking = replace(REQUEST, generation=Generation(reasoning_effort="low"))
    async with SseServer() as server:
        server.play(json_response({"error": error}, status=400), rest_of(-1))
        provider = provider_for(server, quirks=Quirks())
        for last in (Failed, Finished):
            events = [event async for arrival in provider.stream(thinking) for event in arrival.events]
            assert isinstance(events[-1], last)
            assert not isinstance(events[-1], Failed) or events[-1].fault.is_retryable
        asked = [request.json["reasoning"] for request in server.requests]
        assert asked == [{"effort": "low", "summary": "auto"}, {"effort": "low"}]
        await provider.aclose()
