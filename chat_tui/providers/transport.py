"""HTTP: requests out, pieces of a body in, failures as faults.

With `network` and `causes`, all that knows the HTTP library. HTTP/1.1 only: over HTTP/2 a cancelled stream sends
the server nothing and it goes on generating (measured). Nothing is followed, stored, or logged: a redirect is an
answer, and headers carry keys.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit

from chat_tui import __version__
from chat_tui.core.errors import Fault, ProviderError
from chat_tui.providers.base import Clock
from chat_tui.providers.causes import cause_of, setup_cause
from chat_tui.providers.environment import check_certificates, check_proxy, proxy_of, proxy_source
from chat_tui.providers.faults import Cause, Origin, fault_of_cause

if TYPE_CHECKING:
    import httpx

    Client = httpx.AsyncClient

TAIL_LIMIT_S = 2.0
TAIL_LIMIT_BYTES = 64 << 10
PIECE_BYTES = 256 << 10
_HIGH_WATER_BYTES = 1 << 20
_WRITE_TIMEOUT_S = 30.0
_KEEPALIVE_S = 60.0
_HELD_UP_S = 1.0
_NO_CONNECTION = frozenset((Cause.REFUSED, Cause.NO_HOST, Cause.UNREACHABLE, Cause.CONNECT_TIMEOUT))


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request, complete: `headers` hold the key and stay out of every repr."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """Status and headers (lower-case names) of a response; `at_s` is when they were here."""

    status: int
    headers: Mapping[str, str]
    at_s: float

    @property
    def media_type(self) -> str:
        """Lower case, without parameters; empty when the server named none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(slots=True)
class Batch:
    """What one read of the socket brought, as the pieces the framing of HTTP made of it.

    `at_s` is on the injected clock, `loop_s` on the event loop's, by which silence is measured.
    """

    at_s: float
    loop_s: float
    pieces: list[bytes]


class NetworkStream(Protocol):
    """The connection itself, once a server has switched to another protocol."""

    async def read(self, max_bytes: int) -> bytes:
        """What is there, empty at the end."""
        ...

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the library's
        """Returns when the system has taken it."""
        ...


class Response(Protocol):
    """What an exchange takes its pieces from."""

    status_code: int

    @property
    def extensions(self) -> MutableMapping[str, Any]:
        """`network_stream` is the connection."""
        ...

    def aiter_raw(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        ...


class Exchange:
    """One request and its response, received by a task of its own into a queue.

    The task makes one batch of each read, whatever the chunking, and can read the last bytes of a body after
    the consumer has gone on. Cancelling it closes the socket at once.
    """

    def __init__(self, client: Client, request: HttpRequest, clock: Clock) -> None:
        self._client = client
        self._request = request
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._batches: deque[Batch] = deque()
        self._open_batch: Batch | None = None
        self._waiting_bytes = 0
        self._room = asyncio.Event()
        self._room.set()
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._limit_at_s = 0.0
        self._is_too_late = False
        self._tail_bytes: int | None = None
        self.head: ResponseHead | None = None
        self.is_ended = False
        self.is_left = False
        """Whether the rest is being read by the task alone."""
        self.error: Exception | None = None
        """What ended the response before its proper end."""
        self.task = self._loop.create_task(self._receive(), name="http-exchange")

    @property
    def request(self) -> HttpRequest:
        """What was asked, as it was sent."""
        return self._request

    @property
    def url(self) -> str:
        """What was asked."""
        return self._request.url

    # -- the receiving side ----------------------------------------------------------------------

    async def _receive(self) -> None:
        request = self._request
        try:
            async with self._client.stream(
                request.method, request.url, headers=dict(request.headers), content=_body(request.content)
            ) as response:
                self.head = ResponseHead(response.status_code, _lower_headers(response), self._clock())
                self._wake()
                async for piece in self._pieces(response):
                    if self._tail_bytes is None:
                        self._add(piece)
                        if not self._room.is_set():
                            await self._room.wait()
                    else:
                        self._tail_bytes += len(piece)
                        if self._tail_bytes > TAIL_LIMIT_BYTES:
                            break
        except Exception as error:  # noqa: BLE001 - libraries raise far more than they name; all of it is a fault
            self.error = error
        finally:
            self.is_ended = True
            self._close_batch()
            self._wake()

    def _pieces(self, response: Response) -> AsyncIterator[bytes]:
        return response.aiter_raw()

    def _add(self, piece: bytes) -> None:
        if self._open_batch is None:
            self._open_batch = Batch(self._clock(), self._loop.time(), [])
            self._batches.append(self._open_batch)
            # The pieces of one read come without a turn of the loop between them; another read needs one. Whoever
            # waits has its turn right behind that, and not one later: turns are a good part of what a read costs.
            self._loop.call_soon(self._close_batch)
            self._wake()
        self._open_batch.pieces.append(piece)
        self._waiting_bytes += len(piece)
        if self._waiting_bytes > _HIGH_WATER_BYTES:
            self._room.clear()

    def _close_batch(self) -> None:
        self._open_batch = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # -- the consuming side ----------------------------------------------------------------------

    async def wait(self, until_s: float) -> None:
        """Until there is a batch, or the head, or the end. TimeoutError at `until_s` (the loop's time).

        One timer serves many waits: it is looked at when it fires, and moved only when a limit comes nearer.
        """
        self._limit_at_s = until_s
        self._is_too_late = False
        if self._timer is None or self._timer.when() > until_s:
            self._cancel_timer()
            self._timer = self._loop.call_at(until_s, self._check_limit)
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        if self._is_too_late and not self._batches and not self.is_ended:
            raise TimeoutError

    def _check_limit(self) -> None:
        self._timer = None
        if self._waiter is None:
            return
        now_s = self._loop.time()
        if now_s > self._limit_at_s + _HELD_UP_S:
            # The loop itself stood still: what came meanwhile is in the socket and must be looked at first.
            self._limit_at_s = now_s + _HELD_UP_S
        if now_s < self._limit_at_s:
            self._timer = self._loop.call_at(self._limit_at_s, self._check_limit)
        else:
            self._is_too_late = True
            self._wake()

    async def wait_for_batch(self, until_s: float) -> None:
        """Until there is a batch, or the end. TimeoutError at `until_s`."""
        while not self._batches and not self.is_ended:
            await self.wait(until_s)

    @property
    def first(self) -> Batch | None:
        """The oldest batch that is here, left in its place."""
        return self._batches[0] if self._batches else None

    def take(self) -> Batch | None:
        """The oldest batch that is here."""
        if not self._batches:
            return None
        batch = self._batches.popleft()
        if batch is self._open_batch:
            self._close_batch()
        self._waiting_bytes -= sum(map(len, batch.pieces))
        if self._waiting_bytes <= _HIGH_WATER_BYTES:
            self._room.set()
        return batch

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- the end ---------------------------------------------------------------------------------

    def abandon(self) -> None:
        """Close the socket now; what it still held is lost."""
        self._cancel_timer()
        self.task.cancel()

    def leave_tail(self) -> None:
        """Let the task read what is left, within bounds, so that the connection can serve the next request."""
        self.is_left = True
        self._cancel_timer()
        self._tail_bytes = 0
        self._room.set()
        if not self.is_ended:
            limit = self._loop.call_later(TAIL_LIMIT_S, self.task.cancel)
            self.task.add_done_callback(lambda _: limit.cancel())


E = TypeVar("E", bound=Exchange)


def _body(content: bytes) -> bytes | AsyncGenerator[bytes] | None:
    """A long body goes piece by piece: to encrypt all of it at once would hold up everything else."""
    if len(content) <= PIECE_BYTES:
        return content or None
    return _in_pieces(content)


async def _in_pieces(content: bytes) -> AsyncGenerator[bytes]:
    for start in range(0, len(content), PIECE_BYTES):
        yield content[start : start + PIECE_BYTES]


def _lower_headers(response: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


class Transport:
    """Connections to one origin. The library is loaded, and the client made, when the first request is sent."""

    def __init__(self, base_url: str, origin: Origin, connect_timeout_s: float, clock: Clock) -> None:
        self._base_url = base_url
        self.origin = origin
        self._connect_timeout_s = connect_timeout_s
        self._clock = clock
        self._client: httpx.AsyncClient | None = None
        self._proxy_url = ""
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def prepare(self) -> None:
        """Load the library and make the client, off the event loop. Raises ProviderError."""
        async with self._lock:
            if self._client is None:
                try:
                    self._client = await asyncio.to_thread(self._make_client)
                except Exception as error:  # noqa: BLE001 - a proxy or certificate setting raises anything
                    cause = setup_cause(error)
                    what = proxy_source(self._base_url) if cause is Cause.PROXY_SETTING else type(error).__name__
                    fault = fault_of_cause(cause, self.origin, what)
                    raise ProviderError(fault) from None

    def _make_client(self) -> httpx.AsyncClient:
        import httpx

        from chat_tui.providers.network import Connections

        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        self._proxy_url = proxy_of(self._base_url)
        if self._proxy_url:
            check_proxy(self._proxy_url)
        is_plain = urlsplit(self._base_url).scheme == "http"
        if not is_plain:
            check_certificates()
        # Plain http never needs the certificates, and loading them takes longer than the rest of this.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if is_plain else httpx.create_ssl_context()
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=4, keepalive_expiry=_KEEPALIVE_S)
        return httpx.AsyncClient(
            transport=Connections(context, self._proxy_url, limits),
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(None, connect=self._connect_timeout_s, write=_WRITE_TIMEOUT_S),
        )

    async def send(self, request: HttpRequest) -> Exchange:
        """Begin an exchange; the caller leaves it with `abandon` or `leave_tail`. Raises ProviderError."""
        return await self.begin(request, Exchange)

    async def begin(self, request: HttpRequest, make: Callable[[Client, HttpRequest, Clock], E]) -> E:
        """`send` with another kind of exchange."""
        await self.prepare()
        if self._client is None:
            raise ProviderError(fault_of_cause(Cause.INTERNAL, self.origin, "closed"))
        headers = {
            "User-Agent": f"chat-tui/{__version__}",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            **request.headers,
        }
        if request.content:
            headers["Content-Length"] = str(len(request.content))
        else:
            del headers["Content-Type"]
        exchange = make(
            self._client, HttpRequest(request.method, request.url, headers, request.content), self._clock
        )
        self._tasks.add(exchange.task)
        exchange.task.add_done_callback(self._tasks.discard)
        return exchange

    async def aclose(self) -> None:
        """Close every connection."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def fault_of(self, error: BaseException, *, has_head: bool) -> Fault:
        """The fault of an exception; nothing of its text is used, libraries quote headers in theirs."""
        if isinstance(error, ProviderError):
            return error.fault
        cause, what = cause_of(error, has_head=has_head)
        if cause in _NO_CONNECTION and self._proxy_url:
            cause = Cause.PROXY_GONE
        if cause is Cause.CONNECT_TIMEOUT:
            what = f"{self._connect_timeout_s:g}"
        return fault_of_cause(cause, self.origin, what)
