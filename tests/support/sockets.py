"""Raw servers, and a transport that asks them one thing."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest

from chat_tui.core.errors import Fault
from chat_tui.providers.faults import Origin
from chat_tui.providers.transport import Exchange, HttpRequest, Transport
from tests.support.clock import ManualClock
from tests.support.waiting import wait_until

FAR_S = 1e9
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def transport_to(base_url: str, connect_timeout_s: float = 5.0) -> Transport:
    return Transport(base_url, Origin("host.example"), connect_timeout_s, ManualClock())


async def ask(transport: Transport, url: str, content: bytes = b"{}") -> tuple[Exchange, bytes]:
    """The exchange at its end, and its body."""
    exchange = await transport.send(HttpRequest("POST", url, {}, content))
    body = b""
    while (batch := exchange.take()) is not None or not exchange.is_ended:
        if batch is None:
            await exchange.wait(FAR_S)
        else:
            body += b"".join(batch.pieces)
    return exchange, body


async def fault_at(base_url: str, content: bytes = b"{}", **settings: float) -> Fault:
    transport = transport_to(base_url, **settings)
    exchange, _ = await ask(transport, base_url, content)
    await transport.aclose()
    assert exchange.error is not None
    return transport.fault_of(exchange.error, has_head=exchange.head is not None)


@contextlib.asynccontextmanager
async def serving(handle: Handler, context: ssl.SSLContext | None = None) -> AsyncGenerator[int]:
    """A server of raw connections, each handled and then closed; gives its port, and ends when they have."""
    handlers: set[asyncio.Task[None] | None] = set()

    async def handled(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.add(asyncio.current_task())
        await handle(reader, writer)
        await closed(writer)
        handlers.discard(asyncio.current_task())

    server = await asyncio.start_server(handled, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await wait_until(lambda: not handlers, what="the connections to end")


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def look_up(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Every name has these addresses."""

    def lookup(_: object, port: int, *__: object, **___: object) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
