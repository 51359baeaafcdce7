"""A server's provider whose parts are loaded when it is first asked for something: the screen is there before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from chat_tui.providers.base import Clock, ModelInfo
from chat_tui.providers.servers import Server

if TYPE_CHECKING:
    from chat_tui.core.conversation import ChatRequest, Message
    from chat_tui.core.events import Arrival
    from chat_tui.providers.endpoint import Endpoint
    from chat_tui.providers.http import HttpProvider


class ServedProvider:
    """See `providers.base.Provider` for the contract; all of it is done by the provider it makes."""

    is_demo = False

    def __init__(self, server: Server, clock: Clock) -> None:
        self.name = server.name
        self.label = server.label
        self._server = server
        self._clock = clock
        self._made: HttpProvider | None = None
        self._making = asyncio.Lock()

    @property
    def endpoint(self) -> Endpoint:
        """Where it asks, and as whom."""
        return self._server.endpoint

    @property
    def made(self) -> HttpProvider:
        """The one that does it, made now if it was not yet."""
        if self._made is None:
            self._made = self._make()
        return self._made

    async def _ready(self) -> HttpProvider:
        """The same, made off the event loop: the modules it needs are loaded with it."""
        if self._made is None:
            async with self._making:
                if self._made is None:
                    made = await asyncio.to_thread(self._make)
                    self._made = self._made or made
        return self.made

    def _make(self) -> HttpProvider:
        from chat_tui.wire.protocols import protocol_of
        from chat_tui.wire.socket_base import SocketProtocol

        server, protocol = self._server, protocol_of(self._server.protocol)
        if isinstance(protocol, SocketProtocol):
            from chat_tui.providers.websocket import WebSocketProvider

            return WebSocketProvider(
                server.name, server.label, server.endpoint, protocol, server.quirks, self._clock
            )
        from chat_tui.providers.http import HttpProvider

        return HttpProvider(server.name, server.label, server.endpoint, protocol, server.quirks, self._clock)

    async def prepare(self) -> str:
        """Load what the first request needs; what fails here will fail that request too."""
        return await (await self._ready()).prepare()

    def can_continue(self, model: str, answer: Message) -> bool:
        """Whether that model goes on by itself behind that answer."""
        return self.made.can_continue(model, answer)

    def can_see(self, model: str) -> bool:
        """Whether the server takes images at all."""
        return self._server.quirks.can_see

    def stream(self, request: ChatRequest) -> AsyncGenerator[Arrival]:
        """One answer."""
        return self._first_stream(request) if self._made is None else self._made.stream(request)

    async def _first_stream(self, request: ChatRequest) -> AsyncGenerator[Arrival]:
        async with aclosing((await self._ready()).stream(request)) as arrivals:
            async for arrival in arrivals:
                yield arrival

    async def list_models(self) -> tuple[ModelInfo, ...]:
        """What can be chosen here. Raises ProviderError."""
        return await (await self._ready()).list_models()

    async def aclose(self) -> None:
        """Close every connection."""
        if self._made is not None:
            await self._made.aclose()
