"""A WebSocket server that says what a test has written down, and keeps what it was told."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from chat_tui.wire.framing import SseFramer


@dataclass(frozen=True)
class Close:
    """Leave with a close frame."""

    code: int = 1000
    reason: str = ""


@dataclass(frozen=True)
class Drop:
    """Leave without one: with a FIN, or with a reset."""

    is_reset: bool = False


class Ping:
    """A ping; nothing is waited for."""


@dataclass(frozen=True)
class Batch:
    """Several messages in one write."""

    messages: Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Fragments:
    """One message in several frames."""

    parts: Sequence[str]


Step = dict[str, Any] | str | bytes | Close | Drop | Ping | Batch | Fragments | asyncio.Event
"""Said in order; an event is waited for; a dictionary is sent as JSON."""


class WsServer:
    """Each message from the client plays the next turn; without one it is only kept."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._context = context
        self.turns: deque[Sequence[Step]] = deque()
        self.received: list[dict[str, Any]] = []
        self.places: list[int] = []
        """For each message received: on which connection, from 0."""
        self.connections: list[ServerConnection] = []
        self.requests: list[Request] = []
        self.refusals: deque[tuple[int, dict[str, str], bytes]] = deque()
        """What the next handshakes are answered with instead."""
        self.closed: list[int | None] = []
        """Close codes in the order in which the connections ended."""
        self.is_deaf = False
        """Whether handshakes are left unanswered."""
        self._server: Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> WsServer:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        self._server = await serve(
            self._handle,
            "127.0.0.1",
            0,
            process_request=self._answer,
            ping_interval=None,
            compression=None,
            max_size=64 << 20,
            close_timeout=0.2,
            ssl=self._context,
        )

    @property
    def base_url(self) -> str:
        assert self._server is not None
        scheme = "http" if self._context is None else "https"
        return f"{scheme}://127.0.0.1:{next(iter(self._server.sockets)).getsockname()[1]}/v1"

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close(close_connections=False)
            for connection in self.connections:
                connection.transport.abort()
            for task in self._tasks:
                task.cancel()
            await self._server.wait_closed()

    def has_lost(self, place: int) -> bool:
        """Whether that connection has ended."""
        return self.connections[place].close_code is not None

    def play(self, *steps: Step) -> None:
        self.turns.append(steps)

    async def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        if (task := asyncio.current_task()) is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if self.is_deaf:
            await asyncio.Event().wait()
        if not self.refusals:
            return None
        status, headers, body = self.refusals.popleft()
        return Response(status, "Said", Headers({"Content-Length": str(len(body)), **headers}), body)

    async def _handle(self, connection: ServerConnection) -> None:
        place = len(self.connections)
        self.connections.append(connection)
        try:
            async for message in connection:
                self.received.append(json.loads(message))
                self.places.append(place)
                for step in self.turns.popleft() if self.turns else ():
                    await self._play(connection, step)
        except ConnectionClosed:
            pass
        finally:
            await connection.wait_closed()
            self.closed.append(connection.close_code)

    async def _play(self, connection: ServerConnection, step: Step) -> None:
        match step:
            case dict():
                await connection.send(json.dumps(step))
            case str() | bytes():
                await connection.send(step)
            case Fragments(parts):
                await connection.send(parts)
            case Ping():
                await connection.ping()
            case Close(code, reason):
                await connection.close(code, reason)
            case Drop(is_reset):
                if is_reset:
                    connection.transport.abort()
                else:
                    connection.transport.close()
                await connection.wait_closed()
            case Batch(messages):
                for message in messages:  # the library leaves it to the transport, which is corked here
                    connection.protocol.send_text(json.dumps(message).encode())
                connection.transport.write(b"".join(connection.protocol.data_to_send()))
            case asyncio.Event():
                await step.wait()


def created(response_id: str = "resp_1", model: str = "m") -> dict[str, Any]:
    return {"type": "response.created", "response": {"id": response_id, "model": model, "status": "in_progress"}}


def delta(text: str) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "item_id": "msg_1", "content_index": 0, "delta": text}


def completed(response_id: str = "resp_1", text: str = "") -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    item = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": content}
    response = {"id": response_id, "status": "completed", "output": [item] if text else []}
    return {"type": "response.completed", "response": response}


def answer(*words: str, response_id: str = "resp_1") -> list[Step]:
    """A complete answer."""
    return [created(response_id), *map(delta, words), completed(response_id, "".join(words))]


def error(code: str, status: int | None = 400, message: str = "No.", **fields: Any) -> dict[str, Any]:
    said = {"type": "invalid_request_error", "code": code, "message": message, **fields}
    return {"type": "error", **({} if status is None else {"status": status}), "error": said}


def messages_of(stream: bytes) -> list[str]:
    """The data of each event of an SSE body."""
    framer = SseFramer()
    return [event.data for event in (*framer.feed(stream), *framer.finish())]
