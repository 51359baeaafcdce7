"""Stopping: in every phase the socket is closed at once, nothing is left behind, and the next request works."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from contextlib import aclosing

import pytest

from chat_tui.core.conversation import ChatRequest, Message, Role, TextPart
from chat_tui.core.events import Arrival, Finished, TextDelta
from chat_tui.providers.http import Endpoint, HttpProvider
from chat_tui.wire.base import Quirks
from chat_tui.wire.openai_chat import OpenAIChat
from tests.support.sse_server import (
    HOLD,
    Framing,
    Reply,
    SseServer,
    answer,
    answer_events,
    chunk,
    delta,
    head,
    reply,
    sse,
)
from tests.support.waiting import wait_until

REQUEST = ChatRequest("m", (Message(1, Role.USER, (TextPart("Hello"),)),))
HEAD = head(framing=Framing.CHUNKED)
TOKEN = chunk(sse(delta("word ")))
ROUNDS = 10


def provider_for(base_url: str) -> HttpProvider:
    return HttpProvider("mine", "Mine", Endpoint(base_url), OpenAIChat(), Quirks(), time.monotonic)


async def collect(provider: HttpProvider, arrivals: list[Arrival]) -> None:
    async with aclosing(provider.stream(REQUEST)) as stream:
        async for arrival in stream:
            arrivals += [arrival]  # one by one: the tests look at them while they come


def has_text(arrivals: list[Arrival]) -> bool:
    return any(isinstance(event, TextDelta) for arrival in arrivals for event in arrival.events)


Reached = Callable[[SseServer, list[Arrival]], object]
PHASES: list[tuple[str, Reply, Reached]] = [
    ("waiting for headers", reply(HOLD), lambda server, _: server.requests),
    ("waiting for the first token", reply(HEAD, HOLD), lambda _, arrivals: arrivals),
    ("answering", reply(HEAD + TOKEN * 20, HOLD), lambda _, arrivals: has_text(arrivals)),
    ("in the middle of an event", reply(HEAD + TOKEN + chunk(b"data: {"), HOLD), lambda _, a: has_text(a)),
    ("reading an error", reply(head(500) + b'{"error', HOLD), lambda server, _: server.requests),
    ("judging a body without a type", reply(head(content_type=None), HOLD), lambda _, a: a),
    ("reading a document", reply(head(content_type="application/json") + b"{", HOLD), lambda _, a: a),
]


@pytest.mark.parametrize(("reply_", "is_reached"), [phase[1:] for phase in PHASES], ids=[p[0] for p in PHASES])
async def test_cancelling_the_task_closes_the_socket(reply_: Reply, is_reached: Reached) -> None:
    async with SseServer() as server:
        provider = provider_for(server.base_url)
        tasks_before = asyncio.all_tasks()
        for _ in range(ROUNDS):
            server.play(reply_)
            server.requests.clear()
            arrivals: list[Arrival] = []
            task = asyncio.create_task(collect(provider, arrivals))
            await wait_until(lambda a=arrivals: is_reached(server, a))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await wait_until(lambda: server.open_connections == 0, what="the server to see the close")
        server.play(answer("fine"))
        arrivals = []
        await collect(provider, arrivals)
        assert isinstance(arrivals[-1].events[-1], Finished)
        await provider.aclose()
        await wait_until(lambda: asyncio.all_tasks() <= tasks_before, what="every task of ours to end")


async def test_closing_the_generator_closes_the_socket() -> None:
    async with SseServer() as server:
        server.play(reply(HEAD + TOKEN, HOLD))
        provider = provider_for(server.base_url)
        stream = provider.stream(REQUEST)
        await anext(stream)
        await stream.aclose()
        await wait_until(lambda: server.open_connections == 0)
        await provider.aclose()


async def test_cancelling_while_connecting_ends_the_attempt() -> None:
    with socket.socket() as listener, socket.socket() as filler:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port: int = listener.getsockname()[1]
        filler.connect(("127.0.0.1", port))  # the queue is full now: the next connection hangs half open
        provider = provider_for(f"http://127.0.0.1:{port}/v1")
        await provider.prepare()
        tasks_before = asyncio.all_tasks()
        task = asyncio.create_task(collect(provider, []))
        await wait_until(lambda: len(asyncio.all_tasks()) > len(tasks_before) + 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == tasks_before
        await provider.aclose()


async def test_nothing_is_sent_before_the_generator_is_iterated() -> None:
    async with SseServer() as server:
        provider = provider_for(server.base_url)
        await provider.stream(REQUEST).aclose()
        await provider.aclose()
        assert server.connections == []


async def test_a_finished_answer_does_not_wait_for_the_end_of_the_body() -> None:
    whole = b"".join(chunk(event) for event in answer_events("Hi"))
    gate = asyncio.Event()
    async with SseServer() as server:
        server.play(reply(HEAD + whole, gate, chunk(b"")))
        provider = provider_for(server.base_url)
        arrivals: list[Arrival] = []
        await collect(provider, arrivals)
        assert isinstance(arrivals[-1].events[-1], Finished)
        gate.set()  # only now the server ends the body: the connection is whole and serves the next request
        await wait_until(lambda: not [t for t in asyncio.all_tasks() if t.get_name() == "http-exchange"])
        server.play(answer("again"))
        await collect(provider, arrivals)
        assert len(server.connections) == 1
        await provider.aclose()


async def test_a_body_that_goes_on_after_its_end_is_closed() -> None:
    whole = b"".join(chunk(event) for event in answer_events("Hi"))
    async with SseServer() as server:
        server.play(reply(HEAD + whole, *[chunk(b": more\n" * 1000)] * 40, HOLD))
        provider = provider_for(server.base_url)
        arrivals: list[Arrival] = []
        await collect(provider, arrivals)
        await wait_until(lambda: server.open_connections == 0)
        await provider.aclose()


async def test_closing_the_provider_ends_what_still_reads() -> None:
    whole = b"".join(chunk(event) for event in answer_events("Hi"))
    async with SseServer() as server:
        server.play(reply(HEAD + whole, HOLD))
        provider = provider_for(server.base_url)
        await collect(provider, [])
        assert server.open_connections == 1
        await provider.aclose()
        await wait_until(lambda: server.open_connections == 0)
