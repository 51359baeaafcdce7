"""A loopback server that says an answer at a steady rate and tells when it said what, in a process of its own.

It ends when its standard input does, so that nothing outlives whoever started it. One JSON object a line:

    stdin    {"kind": "mixed", "size": 2000, "rate": 100, "letter": "A", "hold_after": null}
             the next answers: see `documents.make_tokens`; `rate` in tokens a second, 0 as fast as they are taken;
             `hold_after` so many tokens: silence until the client goes
    stdout   {"event": "listening", "url": …}; {"event": "ready"} for each order; then for each answer
             {"event": "begun"}, three times {"event": "quarter"},
             {"event": "ended", "tokens": n, "sent_at_s": {mark: …}, "last_at_s": …}
             {"event": "closed", "at_s": …} when the client went away before the end

Times are seconds on the machine's monotonic clock, taken right before the write.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

from tests.bench.documents import MARK, make_tokens
from tests.support.sse_server import (
    Connection,
    Framing,
    SseServer,
    answer_events,
    chunk,
    delta,
    head,
    reply,
    sse,
)

Event = dict[str, Any]

_UNPACED_TOKENS = 64
"""How many are written before others get a turn."""


class _Speaker:
    """Plays the answer that was ordered last."""

    def __init__(self, server: SseServer) -> None:
        self._server = server
        self._wire: list[bytes] = []
        self._marks: dict[int, str] = {}
        self._rate = 0.0
        self._hold_after: int | None = None

    def prepare(self, order: Event) -> None:
        """Everything is encoded before the first byte is sent."""
        tokens = make_tokens(order["kind"], order["size"], order["letter"])
        self._wire = [chunk(sse(delta(token))) for token in tokens]
        self._marks = {place: token for place, token in enumerate(tokens) if MARK.fullmatch(token)}
        self._rate, self._hold_after = order["rate"], order["hold_after"]
        first = head(framing=Framing.CHUNKED) + chunk(sse(delta(role="assistant", content="")))
        ends = [chunk(event) for event in answer_events()[1:]]
        self._server.play(reply(first, self._speak, *ends, chunk(b"")))

    async def _speak(self) -> None:
        connection = self._server.requests[-1].connection
        try:
            await self._say_all(connection)
        except asyncio.CancelledError:  # that is how a script ends whose client has gone
            _tell(event="closed", at_s=connection.closed_at_s)
            raise

    async def _say_all(self, connection: Connection) -> None:
        _tell(event="begun")
        sent_at_s: dict[str, float] = {}
        started_s = now_s = time.monotonic()
        quarter = len(self._wire) // 4
        for place, data in enumerate(self._wire):
            if place == self._hold_after:
                await asyncio.Event().wait()
            if self._rate:
                if (wait_s := started_s + place / self._rate - time.monotonic()) > 0:
                    await asyncio.sleep(wait_s)
            elif place % _UNPACED_TOKENS == 0:
                await asyncio.sleep(0)
            await connection.writable()
            now_s = time.monotonic()
            connection.send(data)
            if place in self._marks:
                sent_at_s[self._marks[place]] = now_s
            if place in (quarter, 2 * quarter, 3 * quarter):
                _tell(event="quarter")
        _tell(event="ended", tokens=len(self._wire), sent_at_s=sent_at_s, last_at_s=now_s)


def _tell(**what: object) -> None:
    print(json.dumps(what), flush=True)


async def _serve() -> None:
    orders = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    async with SseServer() as server:
        speaker = _Speaker(server)
        _tell(event="listening", url=server.base_url)
        while line := await orders.readline():
            speaker.prepare(json.loads(line))
            _tell(event="ready")


class PacedServer:
    """The process above, from outside. Use as a context manager; `base_url` ends in /v1."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            start_new_session=True,  # Ctrl+C is for whoever measures; this one ends with its input
            bufsize=0,
        )
        self._received = b""
        self.base_url: str = self.next_event()["url"]
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def fileno(self) -> int:
        """What to wait on for the next event."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def order(self, kind: str, size: int, rate: float, *, letter: str = "A", hold_after: int | None = None) -> None:
        """What is said from now on; returns when it is ready to be said."""
        order = {"kind": kind, "size": size, "rate": rate, "letter": letter, "hold_after": hold_after}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        while self.next_event()["event"] != "ready":
            pass  # what is left of the answer before

    def next_event(self) -> Event:
        """Waits for it. Raises ConnectionError when the process has ended."""
        while not (events := self.take_events(1)):
            pass
        return events[0]

    def take_events(self, limit: int = 100) -> list[Event]:
        """What has come; waits for a read when nothing has. Raises ConnectionError as `next_event` does."""
        if b"\n" not in self._received:
            data = os.read(self.fileno(), 1 << 16)
            if not data:
                raise ConnectionError("the paced server has ended")
            self._received += data
        *lines, self._received = self._received.split(b"\n", limit)
        return [json.loads(line) for line in lines]


if __name__ == "__main__":
    asyncio.run(_serve())
