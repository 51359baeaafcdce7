"""Sockets: several addresses, idle connections, requests that are not taken."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from chat_tui.providers import network
from chat_tui.providers import transport as transport_module
from chat_tui.providers.transport import HttpRequest
from tests.support.sockets import FAR_S, ask, fault_at, look_up, serving, transport_to
from tests.support.sse_server import SseServer, answer

# -- several addresses ---------------------------------------------------------------------------


@pytest.fixture
def two_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name leads to 127.0.0.2 first, then to 127.0.0.1."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.2", 0))
        except OSError:
            pytest.skip("one loopback address only")

    look_up(monkeypatch, "127.0.0.2", "127.0.0.1")


@pytest.mark.usefixtures("two_addresses")
async def test_an_address_that_refuses_is_followed_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "NEXT_ADDRESS_S", FAR_S)  # nothing is waited for
    async with SseServer() as server:
        server.play(answer("Hi"))
        url = f"http://two.example:{server.port}/v1"
        transport = transport_to(url)
        exchange, body = await ask(transport, url)
        assert exchange.error is None
        assert b"Hi" in body
        await transport.aclose()
    assert (await fault_at(url)).title == "connection refused"


@pytest.mark.usefixtures("two_addresses")
async def test_an_address_that_says_nothing_is_overtaken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "NEXT_ADDRESS_S", 0.01)
    async with SseServer() as server:
        server.play(answer("Hi"))
        with socket.socket() as deaf, socket.socket() as filler:
            deaf.bind(("127.0.0.2", server.port))
            deaf.listen(0)
            filler.connect(deaf.getsockname())
            url = f"http://two.example:{server.port}/v1"
            transport = transport_to(url, connect_timeout_s=60)
            await transport.prepare()
            tasks_before = asyncio.all_tasks()
            exchange, _ = await ask(transport, url)
            assert exchange.error is None
            assert asyncio.all_tasks() == tasks_before
            await transport.aclose()


@pytest.mark.parametrize(
    ("found", "tried"),
    [
        (["::1", "::2", "127.0.0.1", "127.0.0.2"], ["::1", "127.0.0.1", "::2", "127.0.0.2"]),
        (["127.0.0.1", "127.0.0.1", "::1"], ["127.0.0.1", "::1"]),
        (["127.0.0.1", "127.0.0.2"], ["127.0.0.1", "127.0.0.2"]),
    ],
)
async def test_the_families_of_addresses_take_turns(
    monkeypatch: pytest.MonkeyPatch, found: list[str], tried: list[str]
) -> None:
    look_up(monkeypatch, *found)
    assert await network._addresses("two.example", 80) == tried


# -- idle connections ----------------------------------------------------------------------------


@pytest.mark.parametrize("after", [b"", b"unasked"])
async def test_an_idle_connection_that_ended_or_spoke_is_not_used_again(after: bytes) -> None:
    async with SseServer() as server:
        server.play(answer("Hi"))
        transport = transport_to(server.base_url)
        await ask(transport, server.base_url)
        if after:
            server.connections[0].send(after)
        else:
            server.connections[0].hang_up()
        exchange, body = await ask(transport, server.base_url)  # the loop had no turn to look at the socket
        assert exchange.error is None
        assert b"Hi" in body
        assert len(server.connections) == 2
        await transport.aclose()


# -- requests that are not taken -----------------------------------------------------------------


LARGE = b"x" * (32 << 20)


async def test_a_request_that_nobody_takes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "_WRITE_TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as listener:  # accepts, reads nothing
        fault = await fault_at(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", LARGE)
    assert fault.title == "connection stalled"


async def test_cancelling_a_request_that_nobody_takes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        transport = transport_to(url)
        exchange = await transport.send(HttpRequest("POST", url, {}, LARGE))
        accepted, _ = await asyncio.to_thread(listener.accept)
        with accepted:
            exchange.abandon()
            await asyncio.wait({exchange.task})
            assert await asyncio.to_thread(_received_bytes, accepted) < len(LARGE)
        await transport.aclose()


def _received_bytes(connection: socket.socket) -> int:
    """How much comes until the other side closes; TimeoutError when it does not."""
    connection.settimeout(5)
    count = 0
    with contextlib.suppress(ConnectionResetError):
        while data := connection.recv(1 << 20):
            count += len(data)
    return count


async def test_a_large_request_arrives_whole() -> None:
    async with SseServer() as server:
        server.play(answer("Hi"))
        transport = transport_to(server.base_url)
        exchange, _ = await ask(transport, server.base_url, LARGE)
        assert exchange.error is None
        assert server.requests[0].body == LARGE
        await transport.aclose()


async def test_a_refusal_that_comes_before_the_request_is_taken_is_read() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        writer.write_eof()
        while await reader.read(1 << 20):
            pass

    async with serving(refuse) as port:
        url = f"http://127.0.0.1:{port}/v1"
        transport = transport_to(url)
        exchange, body = await ask(transport, url, LARGE)
        await transport.aclose()
    assert exchange.head is not None
    assert (exchange.head.status, body) == (413, b"no")
