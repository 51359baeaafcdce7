"""Sockets for the HTTP library, straight on asyncio.

Its own way to them (anyio) watches and unwatches the socket, and opens a scope for a time-out that is never set,
at every read: for a stream that brings one token a read that was a third of what receiving costs. Imported when
the first request is prepared, never before.
"""

from __future__ import annotations

import asyncio
import ipaddress
import selectors
import socket
import ssl
from collections.abc import AsyncIterator, Generator, Iterable
from contextlib import contextmanager
from importlib import import_module
from typing import cast

import httpcore
import httpx

NEXT_ADDRESS_S = 0.25
"""How long an address of a host may take before the next one is tried beside it."""

_READ_AHEAD_BYTES = 64 << 10
_Option = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


class Connections(httpx.AsyncBaseTransport):
    """Connections to one origin, direct or through a proxy. Failures are `httpcore`'s exceptions, as they come.

    Raises ValueError, ImportError or httpx.InvalidURL for a proxy that cannot be used.
    """

    def __init__(self, context: ssl.SSLContext, proxy_url: str, limits: httpx.Limits) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            proxy=_proxy(proxy_url) if proxy_url else None,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=_Backend(),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it; the response has its head, and its body is to come."""
        response = await self._pool.handle_async_request(
            httpcore.Request(
                request.method,
                _address(request.url),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        body = _Body(cast("_Closable", response.stream))
        extensions = cast("dict[str, object]", response.extensions)
        return httpx.Response(response.status, headers=response.headers, stream=body, extensions=extensions)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()


class _Closable(AsyncIterator[bytes]):
    """What the pool gives as the stream of a response."""

    async def aclose(self) -> None: ...


class _Body(httpx.AsyncByteStream):
    """The pool's stream, under the type that `httpx` wants."""

    def __init__(self, stream: _Closable) -> None:
        self._stream = stream

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._stream)

    async def aclose(self) -> None:
        await self._stream.aclose()


def _address(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def _proxy(url: str) -> httpcore.Proxy:
    proxy = httpx.Proxy(url)
    if proxy.url.scheme.startswith("socks"):
        import_module("socksio")  # optional; its absence has to show now, not in mid-request
    return httpcore.Proxy(_address(proxy.url), auth=proxy.raw_auth, headers=proxy.headers.raw)


# -- connecting ----------------------------------------------------------------------------------


class _Backend(httpcore.AsyncNetworkBackend):
    """Opens connections."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is the library's
        local_address: str | None = None,
        socket_options: Iterable[_Option] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """To the first address of `host` that answers; local addresses and options are not asked for here."""
        del local_address, socket_options
        with _told_as(httpcore.ConnectTimeout, httpcore.ConnectError):
            async with asyncio.timeout(timeout):
                return _Stream(await _connected(await _addresses(host, port), port))

    async def sleep(self, seconds: float) -> None:
        """Between attempts, of which there is one."""
        await asyncio.sleep(seconds)


async def connect(addresses: list[str], port: int) -> httpcore.AsyncNetworkStream:
    """A connection to the first address that answers, without TLS, for a look at it step by step."""
    with _told_as(httpcore.ConnectTimeout, httpcore.ConnectError):
        return _Stream(await _connected(addresses, port))


async def encrypt(stream: httpcore.AsyncNetworkStream, host: str) -> ssl.SSLObject | None:
    """TLS over such a connection, as requests have it; what was agreed on. OSError: certificates cannot be read."""
    context = await asyncio.to_thread(httpx.create_ssl_context)
    agreed = (await stream.start_tls(context, host)).get_extra_info("ssl_object")
    return agreed if isinstance(agreed, ssl.SSLObject) else None


@contextmanager
def _told_as(too_late: type[httpcore.TimeoutException], failed: type[httpcore.NetworkError]) -> Generator[None]:
    """What asyncio and the operating system raise, as the library expects it, with the reason as its cause."""
    try:
        yield
    except OSError as error:
        # The system's own time-out has a number, and is a failure; ours has none.
        is_ours = isinstance(error, TimeoutError) and error.errno is None
        raise (too_late if is_ours else failed)(str(error)) from error


async def _addresses(host: str, port: int) -> list[str]:
    """The addresses of a host in the system's order, but that the first of the other family comes second."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return [host]
    found = await asyncio.get_running_loop().getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
    for place, address in enumerate(addresses):
        if (":" in address) is not (":" in addresses[0]):
            addresses.insert(1, addresses.pop(place))
            break
    return addresses


async def _connected(addresses: list[str], port: int) -> _Protocol:
    """The connection that is there first. Raises OSError, its cause a group when there were several attempts."""
    loop = asyncio.get_running_loop()
    waiting = addresses[::-1]
    attempts: set[asyncio.Task[tuple[asyncio.Transport, _Protocol]]] = set()
    failures: list[Exception] = []
    try:
        while waiting or attempts:
            if waiting:
                attempts.add(loop.create_task(loop.create_connection(_Protocol, waiting.pop(), port)))
            limit_s = NEXT_ADDRESS_S if waiting else None
            done, _ = await asyncio.wait(attempts, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            for attempt in done:
                attempts.remove(attempt)
                failure = attempt.exception()
                if failure is None:
                    return attempt.result()[1]
                if not isinstance(failure, Exception):
                    raise failure
                failures.append(failure)
    finally:
        for attempt in attempts:
            attempt.cancel()
            attempt.add_done_callback(_close_late)
        if attempts:
            await asyncio.wait(attempts)
    if len(failures) == 1:
        raise failures[0]
    raise OSError("no address answers") from ExceptionGroup("attempts", failures)


def _close_late(attempt: asyncio.Task[tuple[asyncio.Transport, _Protocol]]) -> None:
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result()[0].abort()


# -- reading and writing -------------------------------------------------------------------------


class _Protocol(asyncio.Protocol):
    """Holds what came until it is read, and stops the socket when that is much."""

    def __init__(self) -> None:
        self.transport = cast("asyncio.Transport", None)
        self.received = b""
        self.is_ended = False
        self.error: Exception | None = None
        """Why it ended, if not as the other side meant it to."""
        self.reader: asyncio.Future[None] | None = None
        self.writer: asyncio.Future[None] | None = None
        self._is_full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.use(cast("asyncio.Transport", transport))

    def use(self, transport: asyncio.Transport) -> None:
        """Go on over this one. A write is done when none of it waits here; a high mark of 0 would block TLS."""
        self.transport = transport
        transport.set_write_buffer_limits(high=1, low=0)

    def data_received(self, data: bytes) -> None:
        self.received = self.received + data if self.received else data
        if not self._is_full and len(self.received) >= _READ_AHEAD_BYTES:
            self._is_full = True
            self.transport.pause_reading()
        _wake(self.reader)

    def take(self, max_bytes: int) -> bytes:
        """What came, at most so much of it."""
        data = self.received
        if len(data) <= max_bytes:
            self.received = b""
        else:
            data, self.received = data[:max_bytes], data[max_bytes:]
        if self._is_full and not self.received:
            self._is_full = False
            self.transport.resume_reading()
        return data

    def eof_received(self) -> None:
        self.is_ended = True
        _wake(self.reader)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_ended = True
        # Most servers just close a TLS connection, without its farewell: whether the answer is whole, HTTP knows.
        if self.error is None and not isinstance(exc, ssl.SSLEOFError):
            self.error = exc
        _wake(self.reader)
        _wake(self.writer)

    def pause_writing(self) -> None:
        self.writer = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        _wake(self.writer)
        self.writer = None


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)


class _Stream(httpcore.AsyncNetworkStream):
    """One connection."""

    def __init__(self, protocol: _Protocol) -> None:
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - the library's
        """What is there, empty at the end. No time-out: silence is measured in tokens, by the reception."""
        del timeout
        protocol = self._protocol
        if not protocol.received and not protocol.is_ended:
            protocol.reader = self._loop.create_future()
            try:
                await protocol.reader
            finally:
                protocol.reader = None
        if protocol.received:
            return protocol.take(max_bytes)
        if protocol.error is not None:
            raise httpcore.ReadError(str(protocol.error)) from protocol.error
        return b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the library's
        """Returns when the system has taken it, under TLS all but 64 KiB of it."""
        if not buffer:
            return
        protocol = self._protocol
        with _told_as(httpcore.WriteTimeout, httpcore.WriteError):
            async with asyncio.timeout(timeout):
                if not protocol.transport.is_closing():
                    protocol.transport.write(buffer)
                    if protocol.writer is not None:
                        await protocol.writer
                if protocol.transport.is_closing():
                    raise protocol.error or BrokenPipeError()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's
    ) -> httpcore.AsyncNetworkStream:
        """The same connection, encrypted from here on; closed when that fails."""
        protocol = self._protocol
        try:
            with _told_as(httpcore.ConnectTimeout, httpcore.ConnectError):
                async with asyncio.timeout(timeout):
                    protocol.use(await self._encrypted(ssl_context, server_hostname, timeout))
        except BaseException:
            await self.aclose()
            raise
        return self

    async def _encrypted(
        self, context: ssl.SSLContext, server_hostname: str | None, limit_s: float | None
    ) -> asyncio.Transport:
        # asyncio has a limit of its own, a minute: ours has to come first.
        handshake_s = None if limit_s is None else limit_s + 1
        protocol = self._protocol
        try:
            transport = await self._loop.start_tls(
                protocol.transport,
                protocol,
                context,
                server_hostname=server_hostname,
                ssl_handshake_timeout=handshake_s,
            )
        except ConnectionResetError as error:  # so does a server that takes what we say for broken HTTP
            raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "closed in the handshake") from error
        if transport is None:
            raise ConnectionAbortedError
        return transport

    async def aclose(self) -> None:
        """Close the socket now; what is not sent is not sent."""
        protocol = self._protocol
        if protocol.error is None:
            protocol.error = ConnectionAbortedError()
        protocol.transport.abort()
        await asyncio.sleep(0)

    def get_extra_info(self, info: str) -> object:
        """`is_readable` of an idle connection: it has ended, or what comes now is no answer to anything."""
        protocol = self._protocol
        if info == "is_readable":
            return protocol.is_ended or bool(protocol.received) or _is_readable(protocol.transport)
        return protocol.transport.get_extra_info(_NAMES.get(info, info))


_NAMES = {"client_addr": "sockname", "server_addr": "peername"}


def _is_readable(transport: asyncio.Transport) -> bool:
    """Whether something lies in the socket that the event loop did not see yet."""
    with selectors.DefaultSelector() as selector:
        selector.register(transport.get_extra_info("socket"), selectors.EVENT_READ)
        return bool(selector.select(0))
