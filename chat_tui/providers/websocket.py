"""A server that answers over a WebSocket, kept for the whole conversation, as a provider.

The models are listed over plain HTTP, from the same base address.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from chat_tui.core.conversation import ChatRequest
from chat_tui.core.errors import ChatError, Fault, FaultKind, ProviderError
from chat_tui.core.events import (
    Arrival,
    Connected,
    Failed,
    Finished,
    Ignored,
    ProgressKind,
    ProgressReported,
)
from chat_tui.providers.base import Clock
from chat_tui.providers.body import AnswerBody
from chat_tui.providers.endpoint import Endpoint
from chat_tui.providers.faults import Cause, fault_of_cause, fault_of_status, request_id_of
from chat_tui.providers.http import HttpProvider, fault_of
from chat_tui.providers.reception import Limits, Reception, received_head, status_fault
from chat_tui.providers.recording import record_of
from chat_tui.providers.request_writing import is_large, wire_request, written
from chat_tui.providers.transport import HttpRequest
from chat_tui.providers.websocket_connection import SWITCHED, Socket
from chat_tui.providers.websocket_frames import Frames
from chat_tui.wire.base import Framing, Quirks, WireRequest
from chat_tui.wire.socket_base import Memory, Remedy, SocketCodec, SocketProtocol

MAX_AGE_S = 55 * 60.0
"""Servers end a connection after an hour; one that is older than this begins no other answer."""
HANDSHAKE_LIMIT_S = 30.0
QUIET_S = 30.0
"""A connection that was silent for longer is asked for a sign of life before a question is entrusted to it."""
PONG_LIMIT_S = 3.0
MAX_LINES = 4
"""How many connections without a turn are kept."""

_ALIVE = ProgressReported(ProgressKind.ALIVE)
_RECONNECTING = ProgressReported(ProgressKind.RECONNECT)
_HANDSHAKE = frozenset({"Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"})
_NO_SOCKET = (200, 204, 404, 405, 426, 501)
"""What servers answer that have no WebSocket there."""


@dataclass(slots=True)
class _Line:
    """A connection and what its server remembers."""

    socket: Socket
    memory: Memory


class _Turn:
    """One request on its way, asked once, or again as long as nothing was seen of its answer.

    `line` is its connection, None before it has one and after that was given back.
    """

    def __init__(self, request: ChatRequest, wire: WireRequest, quirks: Quirks) -> None:
        self.request, self.wire, self.quirks = request, wire, quirks
        self.line: _Line | None = None
        self.is_new = False
        self.is_short = False
        self.must_be_new = False
        self.is_resent = False
        """Whether it is asked again on the connection that was there already."""
        self.is_answered = False
        """Whether the server said anything about this request."""
        self.has_begun = False
        """Whether anything of the answer was given on."""

    async def hang_up(self) -> None:
        """Close the connection now."""
        line, self.line = self.line, None
        if line is not None:
            line.socket.abandon()
            await asyncio.wait({line.socket.task})

    def note(self, arrival: Arrival) -> None:
        """Something came."""
        for event in arrival.events:
            is_edge = isinstance(event, Connected | Failed)
            self.is_answered = self.is_answered or not (is_edge or event == _ALIVE)
            self.has_begun = self.has_begun or not (is_edge or isinstance(event, ProgressReported | Ignored))

    def remedy(self, codec: SocketCodec) -> Remedy | None:
        """What to do by itself about an attempt that failed; None when that is for the reader to decide."""
        if self.line is None or self.has_begun:
            return None
        refusal = codec.refusal
        if refusal is None:  # a connection that was closed before the question came to it
            is_gone = self.line.socket.is_ended and not self.is_answered
            return Remedy.RECONNECT if is_gone and not self.is_new else None
        if refusal.remedy is Remedy.RESEND:
            return Remedy.RESEND if self.is_short else None
        return refusal.remedy if not self.is_new else None


class TurnReception(Reception):
    """A turn on a connection that is open: no head to wait for, each piece is a message."""

    async def _receive_head(self) -> None:
        head = self._exchange.head
        request_id = request_id_of(head.headers, self._origin) if head else ""
        self._arrive(self._clock(), (Connected(SWITCHED, request_id),))
        body = AnswerBody(self._codec, self._origin, framing=Framing.WEBSOCKET)
        self._step = partial(self._receive_batch, body)


class WebSocketProvider(HttpProvider):
    """Answers over WebSockets; see `providers.base.Provider` for the contract.

    A turn takes the connection whose server knows what precedes it, else any that is free, else a new one. Only a
    complete answer leaves its connection behind; leaving a turn in the middle closes it, which is how to stop.
    """

    def __init__(
        self, name: str, label: str, endpoint: Endpoint, protocol: SocketProtocol, quirks: Quirks, clock: Clock
    ) -> None:
        super().__init__(name, label, endpoint, protocol, quirks, clock)
        self._spoken = protocol
        self._lines: list[_Line] = []

    async def prepare(self) -> str:
        """Load what the first request needs; what fails here will fail that request too."""
        await asyncio.to_thread(Frames)
        return await super().prepare()

    async def aclose(self) -> None:
        """Close every connection."""
        lines, self._lines = self._lines, []
        await asyncio.gather(*(line.socket.farewell() for line in lines))
        await super().aclose()

    # -- answers ---------------------------------------------------------------------------------

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Arrival]:
        """One answer, an arrival for the messages of one read; the first has `Connected`."""
        turn: _Turn | None = None
        try:
            request = self._lessons.applied_to(request)
            quirks = self._lessons.quirks
            turn = _Turn(request, await wire_request(self._spoken, request, quirks), quirks)
            while True:
                codec = self._spoken.codec()
                reception = await self._asked(turn, codec)
                remedy: Remedy | None = None
                while remedy is None and (arrival := await reception.next()) is not None:
                    turn.note(arrival)
                    last = arrival.events[-1]
                    if isinstance(last, Failed):
                        remedy = turn.remedy(codec)
                        if remedy is not None:
                            continue
                        arrival = await self._failed_turn(turn, arrival, last.fault, codec)
                    elif isinstance(last, Finished):
                        await self._finished_turn(turn, codec)
                    if not (turn.is_resent and isinstance(last, Connected)):
                        yield arrival
                if remedy is None:
                    return
                turn.is_resent = remedy is Remedy.RESEND
                if turn.is_resent and turn.line is not None:
                    turn.line.memory.forget()
                else:
                    await turn.hang_up()
                    turn.must_be_new = True
                    yield Arrival(self._clock(), (_RECONNECTING,))
        except ChatError as error:
            yield self._failed(fault_of(error))
        except Exception as error:  # noqa: BLE001 - a mistake of ours, too, has to end the answer properly
            yield self._failed(fault_of_cause(Cause.INTERNAL, self._origin, type(error).__name__))
        finally:
            if turn is not None:
                await turn.hang_up()

    async def _asked(self, turn: _Turn, codec: SocketCodec) -> Reception:
        """Send the request: only what is new in it where the server knows the rest. Raises ChatError."""
        while True:
            line = turn.line or await self._line_for(turn)
            turn.is_short = line.memory.knows(turn.request)
            body = turn.wire.body
            if turn.is_short:
                shorten = partial(line.memory.shortened, turn.request, turn.wire, turn.quirks)
                body = await asyncio.to_thread(shorten) if is_large(turn.request) else shorten()
            try:
                await line.socket.say(await written(body))
            except Exception as error:  # noqa: BLE001 - whatever the HTTP library raises
                if turn.is_new:
                    raise ProviderError(self._transport.fault_of(error, has_head=False)) from None
                await turn.hang_up()
                turn.must_be_new = True
                continue
            limits = Limits(self._endpoint.first_token_timeout_s, self._endpoint.idle_timeout_s)
            return TurnReception(self._transport, line.socket, codec, limits, self._clock, Framing.WEBSOCKET)

    async def _finished_turn(self, turn: _Turn, codec: SocketCodec) -> None:
        """Keep the connection for the turns that follow."""
        self._has_key_worked = True
        line = turn.line
        if line is None or line.socket.is_ended or len(self._lines) >= MAX_LINES:
            return
        turn.line = None
        line.socket.is_resting = True
        line.memory.learn(turn.request, codec)
        self._lines.append(line)

    async def _failed_turn(self, turn: _Turn, arrival: Arrival, fault: Fault, codec: SocketCodec) -> Arrival:
        """The end of a turn that stays: an error that came as a message, in the words for it over HTTP."""
        refusal, line = codec.refusal, turn.line
        told: Mapping[str, str] = {} if refusal is None else refusal.headers
        if refusal is not None and refusal.status is not None:
            url = self._endpoint.base_url
            fault = fault_of_status(refusal.status, told, refusal.body, self._origin, url=url, now_s=time.time())
        if line is not None:
            sent, head = line.socket.request, line.socket.head
            headers = {name: value for name, value in sent.headers.items() if name not in _HANDSHAKE}
            body = await written(self._spoken.over_http(turn.wire))
            request = HttpRequest("POST", sent.url, headers, body)
            received = {**(head.headers if head else {}), **told}
            fault = replace(fault, http=record_of(request, received, self._origin, self._key_header))
        fault = self._learn_from(fault, turn.request)
        await turn.hang_up()
        return Arrival(arrival.at_s, (*arrival.events[:-1], Failed(fault)))

    # -- connections -----------------------------------------------------------------------------

    async def _line_for(self, turn: _Turn) -> _Line:
        """A connection that is fit to be asked; it is the turn's from the start. Raises ChatError."""
        turn.is_new = False
        while self._lines and not turn.must_be_new:
            known = (line for line in self._lines if line.memory.knows(turn.request))
            line = turn.line = next(known, self._lines[-1])
            self._lines.remove(line)
            if await self._is_fit(line.socket):
                line.socket.is_resting = False
                return line
            turn.line = None
            await line.socket.farewell()
        turn.is_new = True
        frames = await asyncio.to_thread(Frames)  # the first one loads the library
        wire = WireRequest(turn.wire.path, headers=turn.wire.headers, method="GET")
        request = await self._addressed(wire, frames.request_headers)
        make = partial(Socket, frames=frames, origin=self._origin)
        line = turn.line = _Line(await self._transport.begin(request, make), self._spoken.memory())
        await self._open(line.socket, turn.request)
        return line

    async def _is_fit(self, socket: Socket) -> bool:
        """Whether a question may be entrusted to a connection that was at rest."""
        now_s = self._clock()
        if socket.is_ended or socket.head is None or now_s - socket.head.at_s > MAX_AGE_S:
            return False
        quiet_s = asyncio.get_running_loop().time() - socket.heard_s
        return quiet_s <= QUIET_S or await socket.is_alive(PONG_LIMIT_S)

    async def _open(self, socket: Socket, request: ChatRequest) -> None:
        """Until the server has switched. Raises ProviderError."""
        limit_s = min(HANDSHAKE_LIMIT_S, self._endpoint.first_token_timeout_s)
        try:
            head = await received_head(self._transport, socket, asyncio.get_running_loop().time() + limit_s)
        except TimeoutError:
            message = f"{self._origin.host} did not open a WebSocket within {limit_s:g} s."
            hint = "Check your network."
            raise ProviderError(
                Fault(FaultKind.TIMEOUT, "no connection", message, hint, is_retryable=True)
            ) from None
        if head.status != SWITCHED:
            fault = await status_fault(socket, head, self._origin)
            if head.status in _NO_SOCKET:
                hint = 'If there is no WebSocket, set protocol = "openai-responses" in'
                fault = replace(fault, hint=f"{hint} {self._origin.section}.")
            if head.status < 300:
                message = f"{head.status} from {self._origin.host}: it did not open a WebSocket."
                fault = replace(fault, message=message)
            raise ProviderError(self._learn_from(self._recorded(fault, socket), request))
        if not socket.is_open:
            await asyncio.wait({socket.task})
            error = socket.error or ConnectionResetError()
            raise ProviderError(self._transport.fault_of(error, has_head=True))
