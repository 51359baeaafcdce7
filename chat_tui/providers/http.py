"""A server that speaks a wire protocol over HTTP, as a provider."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from dataclasses import replace
from urllib.parse import urlsplit

from chat_tui.core.conversation import ChatRequest, Message
from chat_tui.core.errors import ChatError, Fault, FaultKind, MalformedEvent, ProviderError
from chat_tui.core.events import Arrival, Failed, Finished
from chat_tui.providers.base import Clock, ModelInfo
from chat_tui.providers.body import DOCUMENT_BYTES
from chat_tui.providers.credentials import Redactor, is_loopback, key_from_command
from chat_tui.providers.endpoint import Endpoint
from chat_tui.providers.faults import Cause, Origin, fault_of_cause, fault_of_media_type
from chat_tui.providers.lessons import Lessons
from chat_tui.providers.reception import (
    Limits,
    Reception,
    read_document,
    received_head,
    status_fault,
)
from chat_tui.providers.recording import record_of
from chat_tui.providers.request_writing import LARGE_CHARS, wire_request, written
from chat_tui.providers.resumption import Pauses, Resumption
from chat_tui.providers.transport import Exchange, HttpRequest, Transport
from chat_tui.wire.base import (
    ModelFacts,
    Quirks,
    ResumableCodec,
    WireProtocol,
    WireRequest,
)

LIST_LIMIT_S = 5.0
FAREWELL_S = 0.5
"""How long leaving waits for servers to hear that their answers are not wanted any more."""
_MAX_PAGES = 20


class HttpProvider:
    """Answers over HTTP with one protocol; see `providers.base.Provider` for the contract."""

    is_demo = False

    def __init__(
        self,
        name: str,
        label: str,
        endpoint: Endpoint,
        protocol: WireProtocol,
        quirks: Quirks,
        clock: Clock,
        *,
        pauses: Pauses | None = None,
    ) -> None:
        self.name = name
        self.label = label
        self._endpoint = endpoint
        self._protocol = protocol
        self._lessons = Lessons(quirks, protocol)
        self._clock = clock
        self._key = endpoint.api_key
        self._has_key_worked = False
        self._key_lock = asyncio.Lock()
        self._pauses = pauses or Pauses(asyncio.sleep, random.random)
        self._unfinished: set[ResumableCodec] = set()
        self._farewells: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self._redactor = Redactor((endpoint.api_key, *endpoint.secrets))
        parts = urlsplit(endpoint.base_url)
        self._origin = Origin(
            host=parts.netloc.rpartition("@")[2],
            key_source=endpoint.key_source,
            section=f"[providers.{name}]",
            is_local=is_loopback(parts.hostname or ""),
            redactor=self._redactor,
            start_command=endpoint.start_command,
            address_variable=endpoint.address_variable,
        )
        self._transport = Transport(endpoint.base_url, self._origin, endpoint.connect_timeout_s, clock)

    @property
    def endpoint(self) -> Endpoint:
        """Where it asks, and as whom."""
        return self._endpoint

    async def prepare(self) -> str:
        """Load what the first request needs; what fails here will fail that request too."""
        try:
            await self._transport.prepare()
            await self._api_key()
        except ChatError as error:
            return error.sentence
        return ""

    def can_continue(self, model: str, answer: Message) -> bool:
        """Whether the server continues any trailing assistant message, or its protocol knows of this one."""
        return self._lessons.quirks.can_prefill or self._protocol.can_continue(model, answer)

    def can_see(self, model: str) -> bool:
        """Whether the server takes images at all; what it says of each model is in its listing."""
        return self._lessons.quirks.can_see

    async def aclose(self) -> None:
        """Close every connection. Answers that are made without us are cancelled first."""
        for codec in tuple(self._unfinished):
            await self._cancel(codec)
        self._is_closed = True
        if self._farewells:
            await asyncio.wait(self._farewells, timeout=FAREWELL_S)
        await self._transport.aclose()

    # -- answers ---------------------------------------------------------------------------------

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Arrival]:
        """One answer, an arrival per read of the socket; the first has `Connected`."""
        reception: Reception | None = None
        resumable: ResumableCodec | None = None
        try:
            protocol = self._protocol
            request = self._lessons.applied_to(request)
            quirks = self._lessons.quirks
            wire = await wire_request(protocol, request, quirks)
            exchange = await self._ask(wire)
            limits = Limits(self._endpoint.first_token_timeout_s, self._endpoint.idle_timeout_s)
            codec = protocol.codec_for(quirks)
            resumption = None
            if wire.is_resumable and isinstance(codec, ResumableCodec):
                resumable = codec
                self._unfinished.add(codec)
                resumption = Resumption(codec, self._ask_again, self._pauses)
            reception = Reception(
                self._transport, exchange, codec, limits, self._clock, protocol.framing, resumption
            )
            while (arrival := await reception.next()) is not None:
                last = arrival.events[-1]
                if isinstance(last, Failed):
                    reception.exchange.abandon()
                    fault = self._learn_from(self._recorded(last.fault, reception.exchange), request)
                    arrival = Arrival(arrival.at_s, (*arrival.events[:-1], Failed(fault)))
                elif isinstance(last, Finished):
                    self._has_key_worked = True
                    reception.exchange.leave_tail()
                yield arrival
        except ChatError as error:
            yield self._failed(fault_of(error))
        except Exception as error:  # noqa: BLE001 - a mistake of ours, too, has to end the answer properly
            yield self._failed(fault_of_cause(Cause.INTERNAL, self._origin, type(error).__name__))
        finally:
            if resumable is not None:
                await self._cancel(resumable)
            if reception is not None and not reception.exchange.is_left:
                reception.exchange.abandon()
                await asyncio.wait({reception.exchange.task})

    def _recorded(self, fault: Fault, exchange: Exchange) -> Fault:
        answered = dict(exchange.head.headers) if exchange.head else dict[str, str]()
        return replace(fault, http=record_of(exchange.request, answered, self._origin, self._key_header))

    async def _cancel(self, codec: ResumableCodec) -> None:
        """Tell the server that an answer is not wanted any more, unless it is over.

        A task of the transport does that and nobody waits for it; without a key at hand none is asked for.
        """
        wire = codec.cancel() if codec in self._unfinished else None
        self._unfinished.discard(codec)
        if wire is None or self._is_closed or (self._endpoint.key_command and not self._key):
            return
        try:
            exchange = await self._send(wire, {"Accept": "application/json"})
        except ChatError:
            return
        exchange.leave_tail()
        self._farewells.add(exchange.task)
        exchange.task.add_done_callback(self._farewells.discard)

    def _failed(self, fault: Fault) -> Arrival:
        return Arrival(self._clock(), (Failed(fault),))

    async def _ask_again(self, wire: WireRequest) -> Exchange:
        if self._is_closed:
            raise ChatError("The provider is closed.")  # no fault, which would be worth another try
        return await self._ask(wire)

    async def _ask(self, wire: WireRequest) -> Exchange:
        return await self._send(wire, {"Accept": self._protocol.framing.value, "Cache-Control": "no-store"})

    async def _send(self, wire: WireRequest, headers: dict[str, str]) -> Exchange:
        return await self._transport.send(await self._addressed(wire, headers))

    async def _addressed(self, wire: WireRequest, headers: dict[str, str]) -> HttpRequest:
        """The request with address and credentials; `headers` give way to the protocol's and the reader's."""
        headers |= wire.headers
        key = await self._api_key()
        if key:
            name = self._key_header
            headers[name] = f"Bearer {key}" if name == "Authorization" else key
        for name in self._endpoint.headers:  # names differ by case only: what the configuration says wins
            headers = {own: value for own, value in headers.items() if own.lower() != name.lower()}
        url = "/".join(filter(None, (self._endpoint.base_url, wire.path.lstrip("/"))))
        content = await written(wire.body) if wire.body else b""
        headers |= self._endpoint.headers
        return HttpRequest(wire.method, url, headers, content)

    @property
    def _key_header(self) -> str:
        return self._lessons.quirks.key_header or self._protocol.key_header

    async def _api_key(self) -> str:
        command = self._endpoint.key_command
        if self._key or not command:
            return self._key
        async with self._key_lock:
            if not self._key:
                self._key = await key_from_command(command, self._endpoint.key_source)
                self._redactor.add(self._key)
        return self._key

    def _learn_from(self, fault: Fault, request: ChatRequest) -> Fault:
        """What the next request can do better makes it worth a retry: leave out a field, ask for a new key."""
        if fault.status == 401 and self._endpoint.key_command:
            # Keys from programs expire; one that never worked is not asked for again by itself.
            self._key = ""
            has_worked, self._has_key_worked = self._has_key_worked, False
            return replace(fault, is_retryable=has_worked)
        return self._lessons.learn(fault, request)

    # -- models ----------------------------------------------------------------------------------

    async def list_models(self) -> tuple[ModelInfo, ...]:
        """What the server offers, in its order, those that are no chat models last. Raises ProviderError."""
        found: list[ModelFacts] = []
        until_s = asyncio.get_running_loop().time() + LIST_LIMIT_S
        cursor = ""
        for _ in range(_MAX_PAGES):
            text = await self._page(self._protocol.list_request(self._lessons.quirks, cursor), until_s)
            try:
                facts, cursor = await self._read_list(text)
            except MalformedEvent:
                break
            found += facts
            if not cursor:
                break
        found.sort(key=lambda facts: not facts.is_chat)
        return tuple(ModelInfo(f"{self.name}/{facts.name}", facts.label, facts=facts) for facts in found)

    async def _read_list(self, text: str) -> tuple[tuple[ModelFacts, ...], str]:
        if len(text) <= LARGE_CHARS:
            return self._protocol.read_list(text)
        return await asyncio.to_thread(self._protocol.read_list, text)

    async def _page(self, wire: WireRequest, until_s: float) -> str:
        exchange: Exchange | None = None
        try:
            exchange = await self._send(wire, {"Accept": "application/json"})
            return await self._listing(exchange, until_s)
        except TimeoutError:
            raise ProviderError(
                Fault(
                    FaultKind.TIMEOUT,
                    "no list",
                    f"{self._origin.host} sent no list of models in {LIST_LIMIT_S:g} s.",
                )
            ) from None
        except ProviderError:
            raise
        except ChatError as error:
            raise ProviderError(fault_of(error)) from None
        finally:
            if exchange is not None:
                exchange.abandon()
                await asyncio.wait({exchange.task})

    async def _listing(self, exchange: Exchange, until_s: float) -> str:
        head = await received_head(self._transport, exchange, until_s)
        if head.status != 200:
            raise ProviderError(await status_fault(exchange, head, self._origin))
        text, is_whole = await read_document(exchange, head, DOCUMENT_BYTES, until_s)
        if exchange.error is not None:
            raise ProviderError(self._transport.fault_of(exchange.error, has_head=True))
        if not is_whole or not text.lstrip().startswith(("{", "[")):
            fault = fault_of_media_type(head.media_type, text, self._origin)
            raise ProviderError(replace(fault, message=fault.message.replace("a stream", "a list of models")))
        return text


def fault_of(error: ChatError) -> Fault:
    """The fault in or of an exception."""
    if isinstance(error, ProviderError):
        return error.fault
    return Fault(FaultKind.SETUP, error.title, error.message, error.hint)
