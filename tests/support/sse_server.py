"""A scripted HTTP/1.1 server on loopback that plays bytes exactly as written and notes when peers go away.

    async with SseServer() as server:
        server.play(answer("Good ", "day."))                          # a proper answer, chunked
        server.play(answer("Good", framing=Framing.CLOSE, cut=200)) # the wire ends after 200 bytes
        server.play(reply(head() + b"data: …", HOLD))              # then silence until the client leaves
        server.play(reply(head(), gate, b"…", RESET))              # gate: an asyncio.Event the test sets

Every request takes the next reply; the last one is repeated. Nothing here knows the code under test.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
import ssl
import struct
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Self


class Framing(Enum):
    """How the end of a body is told."""

    CHUNKED = "chunked"
    LENGTH = "content-length"
    CLOSE = "close"
    GZIP = "gzip"
    """Compressed and ended by closing: the way in which a cut is hardest to see."""


class Act(Enum):
    """What a script can do besides sending."""

    CLOSE = "close"
    RESET = "reset"
    HOLD = "hold"


CLOSE, RESET, HOLD = Act.CLOSE, Act.RESET, Act.HOLD
Step = bytes | Act | asyncio.Event | Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Reply:
    """Steps played in order; without CLOSE or RESET at the end the connection stays open for the next request."""

    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Recorded:
    """One request as it came. Header names are lower case; `at_s` is on the monotonic clock."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at_s: float
    connection: Connection

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


def reply(*steps: Step) -> Reply:
    """A script."""
    return Reply(steps)


def head(
    status: int = 200,
    content_type: str | None = "text/event-stream",
    headers: Sequence[tuple[str, str]] = (),
    framing: Framing = Framing.CLOSE,
    length: int | None = None,
) -> bytes:
    """Status line and headers. `content_type` None leaves it out."""
    lines = [f"HTTP/1.1 {status} Scripted"]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    lines += [f"{name}: {value}" for name, value in headers]
    if framing is Framing.CHUNKED:
        lines.append("Transfer-Encoding: chunked")
    elif framing is Framing.LENGTH:
        lines.append(f"Content-Length: {length or 0}")
    else:
        lines.append("Connection: close")
        if framing is Framing.GZIP:
            lines.append("Content-Encoding: gzip")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunk(data: bytes) -> bytes:
    """One piece of a chunked body; `chunk(b"")` is its proper end."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def framed(pieces: Sequence[bytes], framing: Framing) -> bytes:
    """A whole body as it stands on the wire."""
    whole = b"".join(pieces)
    if framing is Framing.CHUNKED:
        return b"".join(chunk(piece) for piece in pieces if piece) + chunk(b"")
    return gzip.compress(whole, mtime=0) if framing is Framing.GZIP else whole


def response(
    body: bytes | Sequence[bytes],
    *,
    status: int = 200,
    content_type: str | None = "text/event-stream",
    headers: Sequence[tuple[str, str]] = (),
    framing: Framing = Framing.LENGTH,
    cut: int | None = None,
    cut_by: Act = CLOSE,
) -> Reply:
    """A response with this body; `cut`: only so many bytes of the framed body, then FIN or RST."""
    pieces = [body] if isinstance(body, bytes) else list(body)
    wire = framed(pieces, framing)
    first = head(status, content_type, headers, framing, len(wire))
    if cut is not None:
        return reply(first + wire[:cut], cut_by)
    return reply(first + wire, CLOSE) if framing in (Framing.CLOSE, Framing.GZIP) else reply(first + wire)


def sse(data: object, name: str = "") -> bytes:
    """One server-sent event; anything but a string is written as JSON."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    lines = [f"event: {name}"] if name else []
    return ("\n".join(lines + [f"data: {line}" for line in text.split("\n")]) + "\n\n").encode()


def delta(content: str | None = None, finish: str | None = None, **fields: object) -> dict[str, object]:
    """One chunk of an OpenAI chat completion."""
    inner: dict[str, object] = dict(fields) if content is None else {"content": content, **fields}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "scripted-1",
        "choices": [{"index": 0, "delta": inner, "finish_reason": finish}],
    }


def answer_events(*texts: str, finish: str | None = "stop", usage: bool = True, done: bool = True) -> list[bytes]:
    """The events of one answer, a delta per text; `finish` None and `done` False leave out the ends."""
    events = [sse(delta(role="assistant", content=""))]
    events += [sse(delta(text)) for text in texts]
    if finish is not None:
        events.append(sse(delta(finish=finish)))
    if usage:
        counts = {"prompt_tokens": 7, "completion_tokens": len(texts), "total_tokens": 7 + len(texts)}
        events.append(sse({**delta(), "choices": [], "usage": counts}))
    if done:
        events.append(sse("[DONE]"))
    return events


def answer(
    *texts: str,
    framing: Framing = Framing.CHUNKED,
    cut: int | None = None,
    cut_by: Act = CLOSE,
    finish: str | None = "stop",
    usage: bool = True,
    done: bool = True,
) -> Reply:
    """A whole streamed answer."""
    events = answer_events(*texts, finish=finish, usage=usage, done=done)
    return response(events, framing=framing, cut=cut, cut_by=cut_by)


def json_response(body: object, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Reply:
    """A JSON document, for errors and lists."""
    return response(json.dumps(body).encode(), status=status, content_type="application/json", headers=headers)


@dataclass
class _Script:
    replies: list[Reply] = field(default_factory=list[Reply])

    def next(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


class Connection(asyncio.Protocol):
    """One accepted connection: `opened_at_s` and, once the peer has gone, `closed_at_s` (monotonic)."""

    def __init__(self, server: SseServer) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._task: asyncio.Task[None] | None = None
        self._can_write = asyncio.Event()
        self._can_write.set()
        self._gone = asyncio.Event()
        self.opened_at_s = time.monotonic()
        self.closed_at_s: float | None = None
        self.sent_bytes = 0

    @property
    def is_open(self) -> bool:
        """Whether the peer is still there, as far as TCP has told."""
        return self.closed_at_s is None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connections.append(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._take_request()

    def eof_received(self) -> bool:
        self._note_gone()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._note_gone()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._can_write.clear()

    def resume_writing(self) -> None:
        self._can_write.set()

    def _note_gone(self) -> None:
        if self.closed_at_s is None:
            self.closed_at_s = time.monotonic()
        self._gone.set()
        self._can_write.set()

    def _take_request(self) -> None:
        head_part, separator, rest = self._received.partition(b"\r\n\r\n")
        if not separator or (self._task is not None and not self._task.done()):
            return
        first, *lines = head_part.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return
        self._received = rest[length:]
        recorded = Recorded(method, path, headers, rest[:length], time.monotonic(), self)
        self._server.requests.append(recorded)
        self._task = asyncio.get_running_loop().create_task(self._play(self._server.reply_to(recorded)))

    async def _play(self, script: Reply) -> None:
        assert self._transport is not None
        for step in script.steps:
            if not self.is_open:
                return
            if isinstance(step, bytes):
                await self._can_write.wait()
                self._transport.write(step)
                self.sent_bytes += len(step)
            elif isinstance(step, asyncio.Event):
                await self._wait_for(step)
            elif step is CLOSE:
                self._transport.close()
                return
            elif step is RESET:
                self.reset()
                return
            elif step is HOLD:
                await self._gone.wait()
                return
            elif callable(step):
                await step()
        asyncio.get_running_loop().call_soon(self._take_request)

    async def _wait_for(self, gate: asyncio.Event) -> None:
        waits = [asyncio.ensure_future(gate.wait()), asyncio.ensure_future(self._gone.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    def send(self, data: bytes) -> None:
        """Send beside the script."""
        if self._transport is not None and self.is_open:
            self._transport.write(data)

    async def writable(self) -> None:
        """Until the peer has taken so much that more may be sent, or has gone."""
        await self._can_write.wait()

    def reset(self) -> None:
        """End with a TCP reset instead of a proper close."""
        assert self._transport is not None
        raw: socket.socket | None = self._transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def hang_up(self) -> None:
        """End what we send as TCP does, under TLS without the farewell that it asks for."""
        assert self._transport is not None
        raw: socket.socket = self._transport.get_extra_info("socket")
        raw.shutdown(socket.SHUT_WR)

    async def finish(self) -> None:
        """Close, and wait until the script's task has ended."""
        if self._transport is not None:
            self._transport.abort()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task


class SseServer:
    """Plays replies; records requests and connections. `url` has no path, `base_url` ends in /v1.

    With a `context` it speaks TLS.
    """

    def __init__(self, host: str = "127.0.0.1", context: ssl.SSLContext | None = None) -> None:
        self._host = host
        self._context = context
        self._script = _Script()
        self._routes: dict[str, _Script] = {}
        self._server: asyncio.Server | None = None
        self.port = 0
        self.requests: list[Recorded] = []
        self.connections: list[Connection] = []

    @property
    def url(self) -> str:
        """Scheme, host, port."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http{'' if self._context is None else 's'}://{host}:{self.port}"

    @property
    def base_url(self) -> str:
        """What goes into `base_url`."""
        return f"{self.url}/v1"

    @property
    def open_connections(self) -> int:
        """How many peers are still connected."""
        return sum(connection.is_open for connection in self.connections)

    def play(self, *replies: Reply) -> None:
        """From now on: these replies, one per request, the last one for all further ones."""
        self._script = _Script(list(replies))

    def route(self, path: str, *replies: Reply) -> None:
        """The same for requests to `path` only (for example /v1/models)."""
        self._routes[path] = _Script(list(replies))

    def reply_to(self, request: Recorded) -> Reply:
        """The reply that is due; 404 when nothing was scripted."""
        script = self._routes.get(request.path.partition("?")[0], self._script)
        if not script.replies:
            return json_response({"error": {"message": f"nothing scripted for {request.path}"}}, status=404)
        return script.next()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), self._host, 0, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        assert self._server is not None
        self._server.close()
        for connection in self.connections:
            await connection.finish()
        await self._server.wait_closed()
