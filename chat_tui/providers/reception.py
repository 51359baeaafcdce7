"""One response on its way in: judged by its head, read as a stream or as a document, ended by exactly one event."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial

from chat_tui.core.errors import ChatError, Fault, ProviderError
from chat_tui.core.events import (
    Arrival,
    Connected,
    Failed,
    Finished,
    ProgressKind,
    ProgressReported,
    StreamEvent,
)
from chat_tui.providers.base import Clock
from chat_tui.providers.body import DOCUMENT_BYTES, AnswerBody, Inflater, limit_fault
from chat_tui.providers.faults import (
    Cause,
    Origin,
    fault_of_cause,
    fault_of_media_type,
    fault_of_status,
    request_id_of,
    silence_fault,
)
from chat_tui.providers.request_writing import LARGE_CHARS
from chat_tui.providers.resumption import Resumption, is_passing
from chat_tui.providers.transport import Batch, Exchange, ResponseHead, Transport
from chat_tui.wire.base import Codec, Framing

ERROR_BODY_BYTES = 64 << 10
ERROR_BODY_LIMIT_S = 5.0
FINISHING_LIMIT_S = 2.0
"""How long usage and [DONE] are waited for once the finish reason is here."""
_LINE_TYPES = ("", "application/json", "application/jsonl", "application/json-lines", "text/plain")
"""What servers call JSON in lines besides its own name."""
_RECONNECTING = ProgressReported(ProgressKind.RECONNECT)
_FIELD_STARTS = (b"data:", b"event:", b"id:", b"retry:", b":")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a server may be silent, in seconds: before its first token, and between two real events."""

    first_token_s: float
    idle_s: float


class Reception:
    """Turns an exchange into arrivals. `next` gives them one by one, None after the one with the terminal event.

    With a `resumption` a connection that breaks, or is silent for too long, is replaced by another one.
    """

    def __init__(
        self,
        transport: Transport,
        exchange: Exchange,
        codec: Codec,
        limits: Limits,
        clock: Clock,
        framing: Framing = Framing.SSE,
        resumption: Resumption | None = None,
    ) -> None:
        self._transport = transport
        self._exchange = exchange
        self._resumption = resumption
        self._origin = transport.origin
        self._codec = codec
        self._limits = limits
        self._framing = framing
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._arrivals: deque[Arrival] = deque()
        self._step: Callable[[], Awaitable[None]] = self._receive_head
        self._heard_s = self._loop.time()
        self._real_events = 0
        self._is_alive = False
        self._portions: tuple[Iterator[Arrival], Batch] | None = None
        self._is_done = False

    @property
    def exchange(self) -> Exchange:
        """The connection that is read now."""
        return self._exchange

    async def next(self) -> Arrival | None:
        """The next arrival, as soon as there is one. Raises ProviderError when there is no response at all."""
        while not self._arrivals:
            if self._is_done:
                return None
            await self._step()
        return self._arrivals.popleft()

    def _arrive(self, at_s: float, events: tuple[StreamEvent, ...]) -> None:
        if events:
            self._arrivals.append(Arrival(at_s, events))
            self._is_done = isinstance(events[-1], Finished | Failed)

    def _fail(self, fault: Fault) -> None:
        self._arrive(self._clock(), (Failed(fault),))

    # -- the head --------------------------------------------------------------------------------

    async def _receive_head(self) -> None:
        try:
            head = await received_head(self._transport, self._exchange, self._heard_s + self._limits.first_token_s)
        except TimeoutError:
            self._fail(self._silence_fault(has_token=False))
            return
        if head.status != 200:
            self._fail(await status_fault(self._exchange, head, self._origin))
            return
        self._arrive(head.at_s, (Connected(head.status, request_id_of(head.headers, self._origin)),))
        encoding = head.headers.get("content-encoding", "").strip().lower()
        if not is_readable(encoding):
            self._fail(fault_of_cause(Cause.COMPRESSED, self._origin))
            return
        body = AnswerBody(self._codec, self._origin, is_compressed=is_compressed(encoding), framing=self._framing)
        self._step = partial(self._judge_media_type, head, body)

    async def _judge_media_type(self, head: ResponseHead, body: AnswerBody) -> None:
        self._step = partial(self._receive_batch, body)
        media_type = head.media_type
        if media_type == self._framing.value or (self._framing is Framing.LINES and media_type in _LINE_TYPES):
            return
        start = b""
        if media_type in ("", "text/plain", "application/octet-stream"):
            start = await self._peek()
            if start.startswith(_FIELD_STARTS) or (not media_type and not start.startswith((b"{", b"<"))):
                return
        try:
            text, is_whole = await self._document(head)
        except TimeoutError:
            self._fall_silent(body)
            return
        if not is_whole:
            fault = limit_fault("The server sent a document of more than 4 MiB instead of a stream.")
            self._arrive(self._clock(), body.fail(fault))
        elif media_type == "application/json" or media_type.endswith("+json") or start.startswith(b"{"):
            error = self._exchange.error
            if error is not None:
                self._break_off(body, self._transport.fault_of(error, has_head=True))
            else:
                is_large = len(text) > LARGE_CHARS
                events = await asyncio.to_thread(body.document, text) if is_large else body.document(text)
                self._arrive(self._clock(), events)
        else:
            self._arrive(self._clock(), body.fail(fault_of_media_type(media_type, text, self._origin)))

    async def _peek(self) -> bytes:
        """The beginning of the body, left where it is."""
        try:
            await self._exchange.wait_for_batch(self._heard_s + self._limits.first_token_s)
        except TimeoutError:
            return b""
        batch = self._exchange.first
        return b"" if batch is None else b"".join(batch.pieces).lstrip()[:16]

    async def _document(self, head: ResponseHead) -> tuple[str, bool]:
        return await read_document(
            self._exchange, head, DOCUMENT_BYTES, self._loop.time() + self._limits.first_token_s
        )

    # -- the stream ------------------------------------------------------------------------------

    async def _receive_batch(self, body: AnswerBody) -> None:
        if self._portions is not None:
            await self._next_portion(*self._portions, body)
            return
        batch = self._exchange.take()
        if batch is not None:
            self._decode(batch, body)
        elif self._exchange.is_ended:
            error = self._exchange.error
            fault = None if error is None else self._transport.fault_of(error, has_head=True)
            self._break_off(body, fault)
        else:
            try:
                await self._exchange.wait(self._heard_s + self._patience_s(body))
            except TimeoutError:
                self._fall_silent(body)

    def _decode(self, batch: Batch, body: AnswerBody) -> None:
        portions = self._decoded(batch, body)
        if body.is_compressed:
            # A small piece may unfold into many megabytes: it is taken in portions, as they are asked for.
            self._portions = portions, batch
        else:
            self._arrive(batch.at_s, tuple(event for arrival in portions for event in arrival.events))
            self._check_silence(batch, body)

    def _decoded(self, batch: Batch, body: AnswerBody) -> Iterator[Arrival]:
        for piece in batch.pieces:
            for events in body.feed(piece):
                yield Arrival(batch.at_s, events)
                if body.is_done:
                    return
        # Comments and pings prove that the connection lives, not that the model speaks.
        self._is_alive = body.real_events == self._real_events
        if not self._is_alive:
            self._real_events = body.real_events
            self._heard_s = batch.loop_s

    def _check_silence(self, batch: Batch, body: AnswerBody) -> None:
        if not self._is_done and self._is_alive and batch.loop_s > self._heard_s + self._patience_s(body):
            self._fall_silent(body)

    async def _next_portion(self, portions: Iterator[Arrival], batch: Batch, body: AnswerBody) -> None:
        arrival = next(portions, None)
        if arrival is None:
            self._portions = None
            self._check_silence(batch, body)
            return
        self._arrive(arrival.at_s, arrival.events)
        await asyncio.sleep(0)

    # -- breaks ----------------------------------------------------------------------------------

    def _break_off(self, body: AnswerBody, fault: Fault | None) -> None:
        """The connection is gone, by `fault` or cleanly: the end of the answer, or of this connection only."""
        resumption = self._resumption
        if resumption is not None:
            self._arrive(self._clock(), body.rest())
        if not body.is_done and not self._is_resuming(body, fault):
            self._arrive(self._clock(), body.end(fault if resumption is None else resumption.fault))

    def _fall_silent(self, body: AnswerBody) -> None:
        """Nothing real came for too long."""
        fault = self._silence_fault(has_token=body.has_token)
        if not self._is_resuming(body, fault, is_silence=True):
            events = body.fail(fault) if self._resumption is None else body.end(self._resumption.fault)
            self._arrive(self._clock(), events)

    def _is_resuming(self, body: AnswerBody, fault: Fault | None, *, is_silence: bool = False) -> bool:
        if self._resumption is None or not self._resumption.begin(fault, is_silence=is_silence):
            return False
        self._step = partial(self._resume, body, self._resumption)
        self._arrive(self._clock(), (_RECONNECTING,))
        return True

    async def _resume(self, body: AnswerBody, resumption: Resumption) -> None:
        """Ask for the rest on another connection. One that is refused leaves us with what broke the first."""
        self._portions = None
        self._exchange.abandon()
        try:
            self._exchange = await resumption.reconnect()
            self._heard_s = self._loop.time()
            head = await received_head(self._transport, self._exchange, self._heard_s + self._patience_s(body))
        except ProviderError as error:
            self._break_off(body, error.fault)
            return
        except TimeoutError:
            self._fall_silent(body)
            return
        except ChatError:
            self._arrive(self._clock(), body.end(resumption.fault))
            return
        encoding = head.headers.get("content-encoding", "").strip().lower()
        if head.status == 200 and is_readable(encoding):
            body.restart(is_compressed=is_compressed(encoding))
            self._step = partial(self._judge_media_type, head, body)
        elif not is_passing(head.status) or not self._is_resuming(body, resumption.fault):
            self._arrive(self._clock(), body.end(resumption.fault))

    def _patience_s(self, body: AnswerBody) -> float:
        if body.is_finishing:
            return FINISHING_LIMIT_S
        return self._limits.idle_s if body.has_token else self._limits.first_token_s

    def _silence_fault(self, *, has_token: bool) -> Fault:
        limit_s = self._limits.idle_s if has_token else self._limits.first_token_s
        return silence_fault(self._origin, limit_s, has_token=has_token, is_alive=self._is_alive)


async def received_head(transport: Transport, exchange: Exchange, until_s: float) -> ResponseHead:
    """Status and headers. Raises ProviderError when the connection failed, TimeoutError at `until_s`."""
    while exchange.head is None:
        if exchange.is_ended:
            raise ProviderError(transport.fault_of(exchange.error or ConnectionError(), has_head=False))
        await exchange.wait(until_s)
    return exchange.head


async def status_fault(exchange: Exchange, head: ResponseHead, origin: Origin) -> Fault:
    """The fault of a response that is not a 200, with what of its body can be had in a few seconds."""
    until_s = asyncio.get_running_loop().time() + ERROR_BODY_LIMIT_S
    text, _ = await read_document(exchange, head, ERROR_BODY_BYTES, until_s, is_partial_fine=True)
    return fault_of_status(head.status, head.headers, text, origin, url=exchange.url, now_s=time.time())


async def read_document(
    exchange: Exchange, head: ResponseHead, limit_bytes: int, until_s: float, *, is_partial_fine: bool = False
) -> tuple[str, bool]:
    """The rest of a body as text, and whether that is all of it; not more than `limit_bytes`.

    Raises TimeoutError at `until_s`, unless a part will do.
    """
    encoding = head.headers.get("content-encoding", "").strip().lower()
    inflater = Inflater() if is_compressed(encoding) else None
    content = bytearray()
    try:
        while len(content) <= limit_bytes:
            batch = exchange.take()
            if batch is None:
                if exchange.is_ended:
                    break
                await exchange.wait(until_s)
                continue
            for piece in batch.pieces:
                for step in (piece,) if inflater is None else inflater.feed(piece):
                    content += step
                    if len(content) > limit_bytes:
                        break
    except TimeoutError:
        if not is_partial_fine:
            raise
    except zlib.error:
        pass
    if not is_readable(encoding):
        content.clear()
    return bytes(content[:limit_bytes]).decode("utf-8", "replace"), len(content) <= limit_bytes


def is_compressed(encoding: str) -> bool:
    """Whether the body has to be inflated, and can be."""
    return encoding in ("gzip", "x-gzip", "deflate")


def is_readable(encoding: str) -> bool:
    """Whether we can read it at all; we asked for no encoding."""
    return encoding in ("", "identity") or is_compressed(encoding)
