"""The streams of the corpus over a WebSocket: a server that gives the same events as text messages."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from tests.support.sse_server import CLOSE, HOLD, Act


@dataclass
class Served:
    """A server that has been told what to answer."""

    url: str
    open_connections: Callable[[], int]


@asynccontextmanager
async def speaking_messages(data: bytes, end: Act | None) -> AsyncGenerator[Served]:
    """The same events, each as a text message."""
    messages = [line.removeprefix("data: ") for line in data.decode().split("\n") if line.startswith("data: {")]
    connections: list[ServerConnection] = []

    async def talk(connection: ServerConnection) -> None:
        connections.append(connection)
        with suppress(ConnectionClosed):
            async for _ in connection:
                for message in messages:
                    await connection.send(message)
                if end is CLOSE:
                    return
                if end is HOLD:
                    await connection.wait_closed()

    async with serve(talk, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield Served(f"http://127.0.0.1:{port}", lambda: sum(one.state is not State.CLOSED for one in connections))
