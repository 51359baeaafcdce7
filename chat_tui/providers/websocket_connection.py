"""One WebSocket: an HTTP exchange whose server switched, so that its failures are those of HTTP.

Proxies, TLS, names, limits and keys are the transport's business as for any other request.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from chat_tui.core.errors import Fault, FaultKind, ProviderError
from chat_tui.providers.base import Clock
from chat_tui.providers.body import limit_fault
from chat_tui.providers.faults import Cause, Origin, fault_of_cause
from chat_tui.providers.transport import Exchange, HttpRequest, NetworkStream, Response
from chat_tui.providers.websocket_frames import ClosedError, FrameError, Frames, TooLargeError

if TYPE_CHECKING:
    from chat_tui.providers.transport import Client

SWITCHED = 101
_STEP_BYTES = 64 << 10
_WRITE_TIMEOUT_S = 30.0


class Socket(Exchange):
    """Messages as the pieces of its batches, an empty one for pings; `say` sends one.

    Its task answers pings all the time. While it `is_resting` there is no turn, and what comes belongs to none.
    """

    def __init__(self, client: Client, request: HttpRequest, clock: Clock, frames: Frames, origin: Origin) -> None:
        super().__init__(client, request, clock)
        self._frames = frames
        self._origin = origin
        self._stream: NetworkStream | None = None
        self._output: deque[bytes] = deque()
        self._is_writing = False
        self._heard = asyncio.Event()
        self.heard_s = self._loop.time()
        """When it last gave a sign of life, on the loop's clock."""
        self.is_open = False
        """Whether the server has switched, and to this; known once there is a head."""
        self.is_resting = False

    def _pieces(self, response: Response) -> AsyncIterator[bytes]:
        if response.status_code != SWITCHED:
            return response.aiter_raw()
        stream: NetworkStream = response.extensions["network_stream"]
        self._stream = stream
        return self._messages(stream)

    async def _messages(self, stream: NetworkStream) -> AsyncIterator[bytes]:
        try:
            self._frames.begin(self.head.headers if self.head else {})
            self.is_open = True
            while data := await stream.read(_STEP_BYTES):
                self.heard_s = self._loop.time()
                self._heard.set()
                for message in self._frames.feed(data):
                    if not self.is_resting:
                        yield message
                await self._flush()
                self._frames.check()
        except FrameError as error:
            raise ProviderError(self._fault_of(error)) from None

    def _fault_of(self, error: FrameError) -> Fault:
        if isinstance(error, TooLargeError):
            return limit_fault("The server sent a message of more than 4 MiB.")
        if isinstance(error, ClosedError):
            fault = fault_of_cause(Cause.CUT, self._origin)
            reason = self._origin.shown(error.reason, 200)
            said = f"{fault.message[:-1]} ({error.code}{f': “{reason}”' if reason else ''})."
            return Fault(fault.kind, fault.title, said, fault.hint, is_retryable=True)
        return Fault(
            FaultKind.PROTOCOL,
            "unexpected answer",
            f"{self._origin.host} sent something that is no WebSocket.",
            f"Check {self._origin.setting}.",
        )

    # -- our side --------------------------------------------------------------------------------

    async def say(self, text: bytes) -> None:
        """Send a message. Raises what the HTTP library raises."""
        self._frames.say(text)
        await self._flush()

    async def is_alive(self, limit_s: float) -> bool:
        """Whether the other end still answers a ping."""
        self._heard.clear()
        try:
            async with asyncio.timeout(limit_s):
                self._frames.ping()
                await self._flush()
                waiting = asyncio.ensure_future(self._heard.wait())
                try:
                    await asyncio.wait((waiting, self.task), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    waiting.cancel()
        except Exception:  # noqa: BLE001 - too late, or broken in any way: dead
            return False
        return not self.is_ended

    async def _flush(self) -> None:
        """Write what waits. One at a time: whoever comes meanwhile leaves it to the one that is writing."""
        if output := self._frames.take_output():
            self._output.append(output)  # and not to what waits: a question with its files is as long as they are
        if self._is_writing or self._stream is None:
            return
        self._is_writing = True
        try:
            while self._output:
                # In steps, so that the time-out is for a server that stops reading and not for a slow line.
                output = self._output.popleft()
                for start in range(0, len(output), _STEP_BYTES):
                    await self._stream.write(output[start : start + _STEP_BYTES], timeout=_WRITE_TIMEOUT_S)
        finally:
            self._is_writing = False

    async def farewell(self) -> None:
        """Say that we leave, if that can be said at once, and close."""
        if not self.is_ended and not self._is_writing and self._stream is not None:
            self._frames.close()
            try:
                async with asyncio.timeout(0.1):
                    await self._flush()
            except Exception:  # noqa: BLE001,S110 - it is gone already
                pass
        self.abandon()
        await asyncio.wait({self.task})
