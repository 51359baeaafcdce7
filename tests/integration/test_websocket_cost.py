"""What a token costs over a WebSocket, against the same token over server-sent events, in one run."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve

from chat_tui.core.conversation import ChatRequest, Message, Role, TextPart
from chat_tui.providers.http import Endpoint, HttpProvider
from chat_tui.wire.base import Quirks
from chat_tui.wire.openai_responses import PROTOCOL as OVER_HTTP
from tests.support.ws_case import make, text_of
from tests.support.ws_server import completed, created, delta

TOKENS = 600
MESSAGES = [json.dumps(message) for message in (created(), *[delta("word ")] * TOKENS, completed())]
REQUEST = ChatRequest("m", (Message(1, Role.USER, (TextPart("Hello"),)),))


async def _say_events(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream\r\n")
    writer.write(b"Transfer-Encoding: chunked\r\n\r\n")
    for message in MESSAGES:
        event = f"event: {json.loads(message)['type']}\ndata: {message}\n\n".encode()
        writer.write(b"%x\r\n%b\r\n" % (len(event), event))
        await asyncio.sleep(0.0003)
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    writer.close()


async def _say_messages(connection: ServerConnection) -> None:
    async for _ in connection:
        for message in MESSAGES:
            await connection.send(message)
            await asyncio.sleep(0.0003)


@asynccontextmanager
async def _served_elsewhere() -> AsyncGenerator[tuple[str, str]]:
    """Both servers in a thread of their own, whose time is not counted."""
    found: list[int] = []
    is_up = threading.Event()
    stops: list[Callable[[], object]] = []

    async def run() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        stops.append(lambda: loop.call_soon_threadsafe(stop.set))
        events = await asyncio.start_server(_say_events, "127.0.0.1", 0)
        async with events, serve(_say_messages, "127.0.0.1", 0, compression=None) as messages:
            found.extend(next(iter(server.sockets)).getsockname()[1] for server in (events, messages))
            is_up.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    try:
        await asyncio.to_thread(is_up.wait, 5)
        yield f"http://127.0.0.1:{found[0]}/v1", f"http://127.0.0.1:{found[1]}/v1"
    finally:
        for stop in stops:
            stop()
        await asyncio.to_thread(thread.join, 5)


async def _cost_s(provider: HttpProvider) -> tuple[float, int]:
    """Processor time of this thread for one answer, and in how many arrivals it came."""
    gc.collect()
    events, arrivals, begin_s = [], 0, time.thread_time()
    async for arrival in provider.stream(REQUEST):
        events += arrival.events
        arrivals += 1
    cost_s = time.thread_time() - begin_s
    assert text_of(events) == "word " * TOKENS
    return cost_s, arrivals


async def test_a_token_costs_about_what_it_costs_over_http(capsys: pytest.CaptureFixture[str]) -> None:
    async with _served_elsewhere() as (events_url, messages_url):
        over_http = HttpProvider("a", "A", Endpoint(events_url), OVER_HTTP, Quirks(), time.monotonic)
        over_socket = make(messages_url, time.monotonic)
        costs: dict[str, list[tuple[float, int]]] = {"events": [], "messages": []}
        for _ in range(3):
            costs["events"].append(await _cost_s(over_http))
            costs["messages"].append(await _cost_s(over_socket))
        await over_http.aclose()
        await over_socket.aclose()
    (events_s, events_count), (messages_s, messages_count) = (min(costs[name]) for name in ("events", "messages"))
    with capsys.disabled():
        print(f"\nover HTTP {events_s / TOKENS * 1e6:.0f} µs a token, in {events_count} arrivals;", end=" ")
        print(f"over a WebSocket {messages_s / TOKENS * 1e6:.0f} µs, in {messages_count};", end=" ")
        print(f"ratio {messages_s / events_s:.2f}")
    assert messages_s < 3 * events_s
