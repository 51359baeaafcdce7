"""Failures below HTTP, the environment's proxies and certificates, and what the library must not do or say."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpcore
import httpx
import pytest

from chat_tui.core.errors import Fault, FaultKind, ProviderError
from chat_tui.providers import transport as transport_module
from chat_tui.providers.faults import Cause, Origin
from chat_tui.providers.transport import PIECE_BYTES, Exchange, HttpRequest, Transport, cause_of
from tests.support.clock import ManualClock
from tests.support.sse_server import CLOSE, HOLD, Framing, SseServer, answer, chunk, head, reply, response
from tests.support.waiting import wait_until

KEY = "sk-canary-0123456789abcdef"
FAR_S = 1e9


@pytest.fixture
async def server() -> AsyncIterator[SseServer]:
    async with SseServer() as running:
        yield running


def transport_to(base_url: str, connect_timeout_s: float = 5.0) -> Transport:
    return Transport(base_url, Origin("host.example", "MINE_KEY"), connect_timeout_s, ManualClock())


def post(url: str, headers: dict[str, str] | None = None) -> HttpRequest:
    return HttpRequest("POST", url, headers or {}, b"{}")


async def ended(exchange: Exchange) -> Exchange:
    while not exchange.is_ended:
        if exchange.take() is None:
            await exchange.wait(FAR_S)
    return exchange


async def fault_of(url: str, headers: dict[str, str] | None = None, **settings: float) -> Fault:
    transport = transport_to(url, **settings)
    try:
        exchange = await ended(await transport.send(post(url, headers)))
    except ProviderError as error:
        return error.fault
    finally:
        await transport.aclose()
    assert exchange.error is not None
    fault = transport.fault_of(exchange.error, has_head=exchange.head is not None)
    assert KEY not in repr(fault)
    return fault


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# -- failures below HTTP -------------------------------------------------------------------------


async def test_a_closed_port_refuses() -> None:
    fault = await fault_of(f"http://127.0.0.1:{closed_port()}/v1")
    assert (fault.kind, fault.title, fault.is_retryable) == (FaultKind.NETWORK, "connection refused", True)
    fault = await fault_of(f"http://localhost:{closed_port()}/v1")
    assert fault.title == "connection refused"


async def test_a_name_that_nobody_has() -> None:
    fault = await fault_of("http://no-such-host.example/v1")
    assert (fault.kind, fault.title) == (FaultKind.NETWORK, "no such host")


async def test_tls_to_a_server_that_speaks_none() -> None:
    async def answer_in_plain_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
        writer.close()

    plain = await asyncio.start_server(answer_in_plain_http, "127.0.0.1", 0)
    async with plain:
        fault = await fault_of(f"https://127.0.0.1:{plain.sockets[0].getsockname()[1]}/v1")
    assert (fault.kind, fault.title) == (FaultKind.NETWORK, "no secure connection")


async def test_a_port_that_never_accepts() -> None:
    with socket.socket() as listener, socket.socket() as filler:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        filler.connect(listener.getsockname())
        fault = await fault_of(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", connect_timeout_s=0.02)
    assert (fault.kind, fault.is_retryable) == (FaultKind.TIMEOUT, True)
    assert "within 0.02 s" in fault.message


@pytest.mark.parametrize(
    ("url", "title"),
    [
        ("http://127.0.0.1:99999/v1", "request not sent"),
        ("http://[::1/v1", "request not sent"),
        ("http:///v1", "request not sent"),
        ("ftp://127.0.0.1/v1", "request not sent"),
        ("localhost:8080/v1", "request not sent"),
    ],
)
async def test_addresses_that_the_library_refuses(url: str, title: str) -> None:
    transport = transport_to("http://127.0.0.1/v1")
    exchange = await ended(await transport.send(post(url)))
    assert exchange.error is not None
    fault = transport.fault_of(exchange.error, has_head=False)
    await transport.aclose()
    assert (fault.kind, fault.title) == (FaultKind.SETUP, title)


@pytest.mark.parametrize("tail", ["\n", "\r\nX-Other: 1", "\0", " ", "é"])
async def test_a_key_that_http_does_not_allow_stays_unseen(server: SseServer, tail: str) -> None:
    server.play(answer("Hi"))
    headers = {"Authorization": f"Bearer {KEY}{tail}"}
    transport = transport_to(server.base_url)
    exchange = await ended(await transport.send(post(server.base_url, headers)))
    await transport.aclose()
    if exchange.error is None:
        assert tail == " "  # trailing space is cut off by the library
        return
    fault = transport.fault_of(exchange.error, has_head=False)
    assert KEY not in repr(fault)
    assert fault.kind is FaultKind.SETUP
    assert "MINE_KEY" in fault.hint
    assert server.requests == []


OS_ERRORS: list[tuple[BaseException, bool, Cause]] = [
    (OSError(errno.ENETUNREACH, "x"), False, Cause.UNREACHABLE),
    (OSError(errno.ETIMEDOUT, "x"), False, Cause.UNREACHABLE),
    (OSError(errno.ETIMEDOUT, "x"), True, Cause.CUT),
    (BrokenPipeError(), True, Cause.RESET),
    (httpcore.ReadError(""), True, Cause.RESET),
    (httpcore.ConnectError("x"), False, Cause.UNREACHABLE),
    (httpcore.WriteTimeout("x"), False, Cause.SEND_TIMEOUT),
    (httpcore.ProxyError("407 with secrets"), False, Cause.PROXY),
    (ssl.SSLError("x"), False, Cause.TLS),
    (ssl.SSLError("x"), True, Cause.CUT),
    (ExceptionGroup("x", [OSError("a"), OverflowError("port")]), False, Cause.URL),
    (KeyError("x"), True, Cause.INTERNAL),
]


@pytest.mark.parametrize(("error", "has_head", "cause"), OS_ERRORS)
def test_causes_are_found_behind_wrappers(error: BaseException, has_head: bool, cause: Cause) -> None:
    assert cause_of(error, has_head=has_head)[0] is cause
    wrapped = RuntimeError("outside")
    wrapped.__cause__ = error
    error.__context__ = wrapped  # a circle ends the search, too
    assert cause_of(wrapped, has_head=has_head)[0] is cause


def test_a_certificate_that_fails_says_why() -> None:
    error = ssl.SSLCertVerificationError("long text")
    error.verify_message = "self-signed certificate"
    cause, what = cause_of(httpcore.ConnectError(str(error)).with_traceback(None), has_head=False)
    assert cause is Cause.UNREACHABLE
    outer = httpcore.ConnectError("x")
    outer.__cause__ = error
    cause, what = cause_of(outer, has_head=False)
    assert (cause, what) == (Cause.CERTIFICATE, ": self-signed certificate")


# -- environment ---------------------------------------------------------------------------------

PROXY_SETS = [
    {"HTTP_PROXY": "http://127.0.0.1:9"},
    {"http_proxy": "http://127.0.0.1:9"},
    {"ALL_PROXY": "http://127.0.0.1:9"},
    {"ALL_PROXY": "socks5://127.0.0.1:9"},
    {"ALL_PROXY": "socks://127.0.0.1:9"},
    {"HTTPS_PROXY": "nonsense://x"},
]


@pytest.mark.parametrize("proxies", PROXY_SETS)
async def test_this_machine_is_reached_without_a_proxy(
    server: SseServer, monkeypatch: pytest.MonkeyPatch, proxies: dict[str, str]
) -> None:
    for name, value in proxies.items():
        monkeypatch.setenv(name, value)
    server.play(answer("Hi"))
    transport = transport_to(server.base_url)
    exchange = await ended(await transport.send(post(server.base_url)))
    await transport.aclose()
    assert exchange.error is None
    assert exchange.head is not None


async def test_another_machine_is_reached_through_the_proxy(
    server: SseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    server.play(response(b"from the proxy", content_type="text/plain"))
    transport = transport_to("http://host.example/v1")
    exchange = await ended(await transport.send(post("http://host.example/v1")))
    await transport.aclose()
    assert exchange.error is None
    assert server.requests[0].path == "http://host.example/v1"


async def test_a_proxy_that_refuses_the_tunnel(server: SseServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    server.play(response(b"", status=407, content_type=None))
    fault = await fault_of("https://host.example/v1")
    assert (fault.kind, fault.title) == (FaultKind.NETWORK, "proxy failed")


async def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{closed_port()}")
    fault = await fault_of("https://host.example/v1")
    assert (fault.kind, fault.title) == (FaultKind.NETWORK, "proxy not reached")
    monkeypatch.setenv("NO_PROXY", "host.example")
    fault = await fault_of("https://host.example/v1")
    assert fault.title == "no such host"


async def test_a_failure_that_is_not_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise KeyError(KEY)

    monkeypatch.setattr(httpx, "create_ssl_context", broken)
    fault = await fault_of("https://host.example/v1")
    assert (fault.kind, fault.title) == (FaultKind.INTERNAL, "internal error")
    assert "KeyError" in fault.message
    assert KEY not in repr(fault)


@pytest.mark.parametrize("value", ["socks://127.0.0.1:9", "socks5://127.0.0.1:9", "nonsense://x", "http://[::1"])
async def test_a_proxy_that_cannot_be_used_is_a_fault(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ALL_PROXY", value)
    fault = await fault_of("https://host.example/v1")
    assert (fault.kind, fault.title) == (FaultKind.SETUP, "proxy unusable")


async def test_certificates_that_are_not_there_are_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/certificates.pem")
    fault = await fault_of("https://host.example/v1")
    assert (fault.kind, fault.title) == (FaultKind.SETUP, "certificates missing")


async def test_nothing_is_logged(server: SseServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server.play(answer("Hi"))
    transport = transport_to(server.base_url)
    url = f"{server.base_url}?key={KEY}"
    await ended(await transport.send(post(url, {"Authorization": f"Bearer {KEY}"})))
    await transport.aclose()
    assert [record for record in caplog.records if record.name.startswith("http")] == []


def test_a_request_shows_no_headers() -> None:
    assert KEY not in repr(post("http://127.0.0.1/", {"Authorization": KEY}))


def test_the_library_is_loaded_only_when_something_is_sent() -> None:
    code = "import sys, chat_tui.providers.http, chat_tui.providers.registry; print('httpx' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


# -- the exchange --------------------------------------------------------------------------------


async def test_a_slow_consumer_stops_the_reading(server: SseServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "_HIGH_WATER_BYTES", 100_000)
    block = chunk(b"x" * 65_536)
    server.play(reply(head(framing=Framing.CHUNKED), *[block] * 400, chunk(b"")))
    transport = transport_to(server.base_url)
    exchange = await transport.send(post(server.base_url))
    await wait_until(lambda: not exchange._room.is_set())
    assert exchange._waiting_bytes <= 100_000 + 65_536
    assert server.connections[0].sent_bytes < 400 * 65_536
    total = 0
    while not (exchange.is_ended and exchange.first is None):
        batch = exchange.take()
        if batch is None:
            await exchange.wait(FAR_S)
        else:
            total += sum(map(len, batch.pieces))
    await transport.aclose()
    assert exchange.error is None
    assert total == 400 * 65_536


async def test_a_nearer_limit_is_kept_although_a_later_one_was_set(server: SseServer) -> None:
    server.play(reply(head(), b"a", HOLD))
    transport = transport_to(server.base_url)
    exchange = await transport.send(post(server.base_url))
    await exchange.wait_for_batch(FAR_S)
    exchange.take()
    with pytest.raises(TimeoutError):
        await exchange.wait(asyncio.get_running_loop().time() + 0.01)
    await transport.aclose()


async def test_a_loop_that_stood_still_looks_at_the_socket_before_it_gives_up(
    server: SseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = asyncio.Event()
    server.play(reply(head(), b"a", gate, b"b", CLOSE))
    transport = transport_to(server.base_url)
    exchange = await transport.send(post(server.base_url))
    await exchange.wait_for_batch(FAR_S)
    exchange.take()
    loop = asyncio.get_running_loop()
    loop.call_soon(gate.set)
    await exchange.wait(loop.time() - 10.0)  # as if the loop had been held up for ten seconds
    assert (batch := exchange.take()) is not None
    assert batch.pieces == [b"b"]
    await transport.aclose()


async def test_what_comes_after_a_batch_was_taken_is_the_next_batch(server: SseServer) -> None:
    server.play(reply(HOLD))
    transport = transport_to(server.base_url)
    exchange = await transport.send(post(server.base_url))
    for piece in (b"a", b"b"):  # within one turn of the loop
        exchange._add(piece)
        assert (batch := exchange.take()) is not None
        assert batch.pieces == [piece]
    exchange._add(b"c")
    exchange._add(b"d")
    await exchange.wait_for_batch(FAR_S)
    assert (batch := exchange.take()) is not None
    assert batch.pieces == [b"c", b"d"]
    await transport.aclose()


async def test_the_tail_is_bounded_in_time(server: SseServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "TAIL_LIMIT_S", 0.01)
    server.play(reply(head() + b"a", HOLD))
    transport = transport_to(server.base_url)
    exchange = await transport.send(post(server.base_url))
    await exchange.wait_for_batch(FAR_S)
    exchange.leave_tail()
    await wait_until(lambda: server.open_connections == 0)
    await transport.aclose()


async def test_a_closed_transport_can_be_used_again(server: SseServer) -> None:
    server.play(answer("Hi"))
    transport = transport_to(server.base_url)
    await transport.aclose()
    for _ in range(2):
        assert (await ended(await transport.send(post(server.base_url)))).error is None
        await transport.aclose()
    assert len(server.requests) == 2


async def test_ipv6_loopback() -> None:
    try:
        async with SseServer("::1") as server:
            server.play(answer("Hi"))
            transport = transport_to(server.base_url)
            exchange = await ended(await transport.send(post(server.base_url)))
            await transport.aclose()
            assert exchange.error is None
    except OSError:
        pytest.skip("no IPv6 on this machine")


async def test_tests_cannot_leave_this_machine() -> None:
    with pytest.raises(OSError, match="this machine only"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)


@pytest.mark.parametrize("size", [PIECE_BYTES, PIECE_BYTES * 5 + 7])
async def test_a_long_body_arrives_as_a_short_one_does(server: SseServer, size: int) -> None:
    server.play(response(b"{}"))
    transport = transport_to(server.base_url)
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    await ended(await transport.send(HttpRequest("POST", server.base_url, {}, content)))
    await transport.aclose()
    (request,) = server.requests
    assert request.body == content
    assert request.headers["content-length"] == str(size)
    assert "transfer-encoding" not in request.headers


async def test_a_long_body_is_given_to_the_library_in_pieces() -> None:
    given: list[AsyncIterator[bytes]] = []

    class Client(httpx.AsyncClient):
        def stream(self, *_: object, **options: Any) -> Any:
            given.append(options["content"])
            raise OSError

    request = HttpRequest("POST", "http://127.0.0.1/", {}, bytes(PIECE_BYTES * 2 + 7))
    exchange = await ended(Exchange(Client(), request, ManualClock()))
    assert isinstance(exchange.error, OSError)
    assert [len(piece) async for piece in given[0]] == [PIECE_BYTES, PIECE_BYTES, 7]
