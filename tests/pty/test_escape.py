"""One Esc stops in every phase: the server sees the close, what arrived stays, the next question works.

Latencies from the key to the server's seeing the close are printed (`pytest -rP` shows them), never asserted.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.program import REPEAT, Program
from tests.support.sse_server import (
    HOLD,
    Connection,
    Framing,
    Reply,
    SseServer,
    answer,
    delta,
    head,
    json_response,
    reply,
    sse,
)
from tests.support.terminal import leaks
from tests.support.waiting import wait_until

PARTIAL, THOUGHT = "These words arrived", "Let me think"
ESC, F2, CTRL_N = "\x1b", "\x1bOQ", "\x0e"


@dataclass(frozen=True)
class Phase:
    """What the server plays to bring a turn there, and what the status bar says then."""

    script: Reply
    word: str
    shown: str = ""

    @property
    def has_output(self) -> bool:
        """Whether something arrives that must stay."""
        return bool(self.shown)


def _refused(status: int) -> Reply:
    return json_response({"error": {"message": "come back later"}}, status, [("Retry-After", "40")])


PHASES = {
    "connecting": Phase(reply(HOLD), "connecting"),
    "waiting": Phase(reply(head(), HOLD), "waiting"),
    "keep-alive": Phase(reply(head(), b": still here\n\n", HOLD), "waiting"),
    "reasoning": Phase(reply(head(), sse(delta(reasoning_content=THOUGHT)), HOLD), "thinking", THOUGHT),
    "answering": Phase(reply(head(), sse(delta(PARTIAL)), HOLD), "answering", PARTIAL),
    "answering after reasoning": Phase(
        reply(head(), sse(delta(reasoning_content=THOUGHT)), sse(delta(PARTIAL)), HOLD), "answering", PARTIAL
    ),
}
WAITS = {"retry wait after 429": _refused(429), "retry wait after 503": _refused(503)}


@pytest.fixture
async def server() -> AsyncIterator[SseServer]:
    """Plays whatever a test says."""
    async with SseServer() as server:
        yield server


def composer(chat: Program) -> str:
    """What stands in the composer."""
    lines = chat.lines
    first = max((row for row, line in enumerate(lines) if line.startswith("╭")), default=0)
    return "\n".join(line.strip("│ ") for line in lines[first + 1 :] if line.startswith("│"))


async def ask(chat: Program, server: SseServer, question: str, word: str) -> Connection:
    """Send it and wait for the phase; the connection it runs on."""
    count = len(server.requests)
    await chat.ask(question)
    await wait_until(lambda: len(server.requests) > count, 10, "the request")
    await wait_until(lambda: word in chat.lines[-1], 10, word)
    return server.requests[-1].connection


async def start_over(chat: Program) -> None:
    """An empty conversation and an empty composer."""
    chat.send(CTRL_N)
    await chat.wait_for("New conversation")
    if composer(chat) != "Ask anything":
        chat.send("\x03")
    await chat.wait_for("Ask anything")


async def leave(chat: Program) -> None:
    """Nothing is left behind and nothing strange was written."""
    chat.send("\x11")
    assert await chat.wait_for_exit() == 0
    assert leaks(bytes(chat.output)) == []
    assert chat.open_modes == set()


def report(name: str, latencies_s: list[float]) -> None:
    """One line for whoever reads the output of the tests."""
    median, most = statistics.median(latencies_s) * 1000, max(latencies_s) * 1000
    print(f"Esc while {name}: {len(latencies_s)} of {len(latencies_s)}, median {median:.1f} ms, max {most:.1f} ms")


@pytest.mark.parametrize("name", PHASES)
async def test_esc_closes_the_connection(clean_environment: Path, server: SseServer, name: str) -> None:
    phase = PHASES[name]
    latencies_s: list[float] = []
    async with Program(clean_environment, server) as chat:
        await chat.ready()
        for _ in range(max(2, REPEAT)):
            server.play(phase.script)
            connection = await ask(chat, server, "first question", phase.word)
            await chat.wait_for(phase.shown)
            assert connection.is_open
            pressed_s = time.monotonic()
            chat.send(ESC)
            await wait_until(lambda: not connection.is_open, 10, "the close")  # noqa: B023 - awaited at once
            assert connection.closed_at_s is not None
            latencies_s.append(connection.closed_at_s - pressed_s)
            await chat.wait_for("stopped")
            await check_what_is_left(chat, server, phase)
            await start_over(chat)
        await wait_until(lambda: server.open_connections == 0, 10, "the server saw all closes")
        await leave(chat)
    report(name, latencies_s)


async def check_what_is_left(chat: Program, server: SseServer, phase: Phase) -> None:
    """The text, or the prompt back in the composer; then another question with the right history."""
    server.play(answer("Another answer.", framing=Framing.CLOSE))
    if phase.has_output:
        await chat.wait_for("thought for" if phase.shown == THOUGHT else phase.shown)
        await chat.wait_for("stopped · ")
        await chat.wait_for("Ask anything")
        await ask(chat, server, "second question", "done")
    else:
        await wait_until(lambda: composer(chat) == "first question", 10, "the prompt in the composer")
        await ask(chat, server, ", or second", "done")
    await chat.wait_for("Another answer.")
    messages = [(m["role"], m["content"]) for m in server.requests[-1].json["messages"]]
    if not phase.has_output:
        assert messages == [("user", "first question, or second")]
    elif phase.shown == THOUGHT:
        assert messages == [("user", "first question\n\nsecond question")]
    else:
        assert messages == [("user", "first question"), ("assistant", PARTIAL), ("user", "second question")]


@pytest.mark.parametrize("name", WAITS)
async def test_esc_ends_the_wait_before_a_retry(clean_environment: Path, server: SseServer, name: str) -> None:
    latencies_s: list[float] = []
    async with Program(clean_environment, server) as chat:
        await chat.ready()
        for _ in range(max(2, REPEAT)):
            server.play(WAITS[name])
            await ask(chat, server, "first question", "retrying in")
            count = len(server.requests)
            written = len(chat.output)
            pressed_s = time.monotonic()
            chat.send(ESC)
            await chat.wait_for_output("stopped", written)
            latencies_s.append(time.monotonic() - pressed_s)
            await chat.wait_for("stopped")
            assert len(server.requests) == count
            await check_what_is_left(chat, server, Phase(WAITS[name], ""))
            await start_over(chat)
        await leave(chat)
        await wait_until(lambda: server.open_connections == 0, 10, "the server saw all closes")
    report(f"{name} (to the screen)", latencies_s)


@pytest.mark.parametrize(
    ("key", "sign"), [(F2, "Enter takes"), ("\x1bOP", "Keys and commands"), ("\x10", "Search")]
)
async def test_esc_closes_what_is_open_above_first(
    clean_environment: Path, server: SseServer, key: str, sign: str
) -> None:
    async with Program(clean_environment, server) as chat:
        await chat.ready()
        for _ in range(REPEAT):
            server.play(PHASES["answering"].script)
            connection = await ask(chat, server, "first question", "answering")
            await chat.wait_for(PARTIAL)
            chat.send(key)
            await chat.wait_for(sign)
            chat.send(ESC)
            await wait_until(lambda: sign not in chat.text, 10, "the panel closed")
            assert connection.is_open
            connection.send(sse(delta(", and more")))
            await chat.wait_for(f"{PARTIAL}, and more")
            chat.send(ESC)
            await wait_until(lambda: not connection.is_open, 10, "the close")  # noqa: B023 - awaited at once
            await chat.wait_for("stopped · ")
            await start_over(chat)
        await leave(chat)
