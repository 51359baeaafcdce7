"""TLS and proxies: certificates, handshakes, ends without a farewell, tunnels."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chat_tui.providers.environment import proxy_of
from chat_tui.providers.transport import HttpRequest
from tests.support.sockets import FAR_S, ask, closed, fault_at, look_up, serving, transport_to
from tests.support.sse_server import CLOSE, HOLD, RESET, Act, Framing, SseServer, answer, chunk, head, reply
from tests.support.waiting import wait_until

HEAD = head(framing=Framing.CHUNKED)


# -- TLS -----------------------------------------------------------------------------------------


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")


@pytest.fixture
async def secure(context: ssl.SSLContext) -> AsyncIterator[SseServer]:
    async with SseServer(context=context) as running:
        yield running


@pytest.mark.usefixtures("trusted")
async def test_a_stream_over_tls_and_the_next_one_over_the_same_connection(secure: SseServer) -> None:
    pieces = [chunk(b"%d " % number * 5000) for number in range(20)]
    secure.play(reply(HEAD, *pieces, chunk(b"")))
    transport = transport_to(secure.base_url)
    for _ in range(2):
        exchange, body = await ask(transport, secure.base_url)
        assert exchange.error is None
        assert body == b"".join(b"%d " % number * 5000 for number in range(20))
    await transport.aclose()
    assert len(secure.connections) == 1
    await wait_until(lambda: secure.open_connections == 0)


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(("end", "title"), [(CLOSE, "connection lost"), (RESET, "connection reset")])
async def test_an_answer_over_tls_that_is_cut(secure: SseServer, end: Act, title: str) -> None:
    gate = asyncio.Event()
    secure.play(reply(HEAD + chunk(b"data: a"), gate, end))
    transport = transport_to(secure.base_url)
    exchange = await transport.send(HttpRequest("POST", secure.base_url, {}, b"{}"))
    await exchange.wait_for_batch(FAR_S)
    gate.set()
    await wait_until(lambda: exchange.is_ended)
    assert exchange.error is not None
    assert transport.fault_of(exchange.error, has_head=True).title == title
    await transport.aclose()


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("framing", [Framing.CHUNKED, Framing.CLOSE])
async def test_a_tls_connection_that_ends_without_a_farewell(secure: SseServer, framing: Framing) -> None:
    """An end that HTTP does not need is no fault; where it does, the answer is cut."""

    async def hang_up() -> None:
        secure.connections[0].hang_up()

    body = chunk(b"data: a") if framing is Framing.CHUNKED else b"data: a"
    secure.play(reply(head(framing=framing) + body, hang_up))
    transport = transport_to(secure.base_url)
    exchange, received = await ask(transport, secure.base_url)
    assert received == b"data: a"
    if framing is Framing.CLOSE:
        assert exchange.error is None
    else:
        assert exchange.error is not None
        assert transport.fault_of(exchange.error, has_head=True).title == "connection lost"
    await transport.aclose()


@pytest.mark.usefixtures("trusted")
async def test_cancelling_closes_a_tls_connection_at_once(secure: SseServer) -> None:
    secure.play(reply(HEAD + chunk(b"data: a"), HOLD))
    transport = transport_to(secure.base_url)
    exchange = await transport.send(HttpRequest("POST", secure.base_url, {}, b"{}"))
    await exchange.wait_for_batch(FAR_S)
    exchange.abandon()
    await wait_until(lambda: secure.open_connections == 0)
    await transport.aclose()


async def test_a_certificate_that_nobody_vouches_for(secure: SseServer) -> None:
    fault = await fault_at(secure.base_url)
    assert fault.title == "certificate refused"
    assert "self-signed" in fault.message or "self signed" in fault.message


@pytest.mark.usefixtures("trusted")
async def test_a_certificate_for_another_name(secure: SseServer, monkeypatch: pytest.MonkeyPatch) -> None:
    look_up(monkeypatch, "127.0.0.1")
    assert (await fault_at(f"https://other.example:{secure.port}/v1")).title == "certificate refused"


@pytest.mark.parametrize("is_reset", [False, True])
async def test_a_server_that_leaves_in_the_handshake(is_reset: bool) -> None:
    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1 << 16)
        if is_reset:
            raw: Any = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async with serving(leave) as port:
        fault = await fault_at(f"https://127.0.0.1:{port}/v1")
    assert fault.title == "no secure connection"


async def test_a_handshake_that_never_ends_is_not_waited_for() -> None:
    gone = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1 << 16):
            pass
        gone.set()

    async with serving(say_nothing) as port:
        fault = await fault_at(f"https://127.0.0.1:{port}/v1", connect_timeout_s=0.05)
        assert "within 0.05 s" in fault.message
        await gone.wait()


# -- proxies -------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def tunnelling(to_port: int, context: ssl.SSLContext | None) -> AsyncGenerator[tuple[int, list[str]]]:
    """A proxy that leads every tunnel to one port of this machine. Gives its own port and what it was asked."""
    asked: list[str] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
        await closed(writer)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        there, to_there = await asyncio.open_connection("127.0.0.1", to_port)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(pump(reader, to_there), pump(there, writer))

    async with serving(handle, context) as port:
        yield port, asked


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_tunnel_through_a_proxy(
    secure: SseServer, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    secure.play(answer("Hi"))
    url = "https://host.example:4433/v1"
    async with tunnelling(secure.port, context if scheme == "https" else None) as (port, asked):
        monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://me:word@localhost:{port}")
        transport = transport_to(url)
        for _ in range(2):
            exchange, body = await ask(transport, url)
            assert exchange.error is None
            assert b"Hi" in body
        await transport.aclose()
        await wait_until(lambda: secure.open_connections == 0)
    assert len(asked) == 1
    assert asked[0].startswith("CONNECT host.example:4433 HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic bWU6d29yZA==" in asked[0]


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "https://a.example/v1", ""),
        ({"HTTPS_PROXY": "http://p:1"}, "https://a.example/v1", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1"}, "http://a.example/v1", ""),
        ({"http_proxy": "p:1"}, "http://a.example/v1", "http://p:1"),
        ({"ALL_PROXY": "socks5://p:1"}, "https://a.example/v1", "socks5://p:1"),
        ({"ALL_PROXY": "http://p:1", "HTTPS_PROXY": "http://q:2"}, "https://a.example/v1", "http://q:2"),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "*"}, "https://a.example/v1", ""),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "b.example, .example"}, "https://a.example/v1", ""),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "example"}, "https://anexample/v1", "http://p:1"),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "192.0.2.7"}, "https://192.0.2.7/v1", ""),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "a.example:8443"}, "https://a.example:8443/v1", ""),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "a.example:8443"}, "https://a.example/v1", "http://p:1"),
        ({"ALL_PROXY": "http://p:1"}, "https://localhost:8443/v1", ""),
    ],
)
def test_which_proxy_the_environment_means(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str, proxy: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_of(url) == proxy
