"""Every way out of the program, from every state: the terminal is as it was, the exit code right, the text kept."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.support.program import KEY, REPEAT, Program
from tests.support.sse_server import HOLD, SseServer, answer, delta, head, json_response, reply, sse
from tests.support.terminal import leaks
from tests.support.waiting import wait_until

PARTIAL = "These words arrived"
STATES = ("idle", "streaming", "picker", "retrying")
Leave = Callable[[Program], Awaitable[None]]

pytestmark = pytest.mark.parametrize("run", range(REPEAT))


@pytest.fixture
async def server() -> AsyncIterator[SseServer]:
    """Begins an answer and never ends it."""
    async with SseServer() as server:
        server.play(reply(head(), sse(delta(PARTIAL)), HOLD))
        yield server


async def enter(state: str, chat: Program, server: SseServer) -> None:
    """Bring the program into a state."""
    await chat.ready()
    if state == "streaming":
        await chat.ask("question")
        await chat.wait_for(PARTIAL)
    elif state == "picker":
        await chat.type_in("\x1bOQ")
        await chat.wait_for("Enter takes")
    elif state == "retrying":
        server.play(json_response({"error": {"message": "slow down"}}, 429, [("Retry-After", "40")]))
        await chat.ask("question")
        await chat.wait_for("retrying in")


def assert_restored(chat: Program) -> None:
    """The terminal is what it was before, nothing but Textual's own sequences went to it, nothing still runs."""
    assert chat.open_modes == set()
    assert chat.is_cooked
    assert leaks(bytes(chat.output)) == []
    assert not chat.has_processes
    assert KEY.encode() not in chat.output


def assert_kept(chat: Program, state: str) -> None:
    """What had arrived stands below the shell's prompt, and only then."""
    assert (PARTIAL in chat.farewell) is (state == "streaming")
    assert "Traceback" not in chat.farewell


# -- signals and keys ------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
async def test_signal(
    clean_environment: Path, server: SseServer, state: str, number: signal.Signals, code: int, run: int
) -> None:
    async with Program(clean_environment, server) as chat:
        await enter(state, chat, server)
        chat.process.send_signal(number)
        assert await chat.wait_for_exit() == code
        assert_restored(chat)
        assert_kept(chat, state)


async def _ctrl_c_twice(chat: Program) -> None:
    chat.send("\x03")
    await chat.wait_for("Ctrl+C again quits")
    chat.send("\x03")


async def _ctrl_c_thrice(chat: Program) -> None:
    chat.send("\x03")
    await chat.wait_for("stopped")
    await _ctrl_c_twice(chat)


async def _ctrl_d(chat: Program) -> None:
    chat.send("\x04")


async def _ctrl_q(chat: Program) -> None:
    chat.send("\x11")


async def _quit_command(chat: Program) -> None:
    await chat.ask("/quit")


@pytest.mark.parametrize(
    ("state", "leave"),
    [
        ("idle", _ctrl_c_twice),
        ("idle", _ctrl_d),
        ("idle", _quit_command),
        ("streaming", _ctrl_d),
        ("streaming", _quit_command),
        *((state, _ctrl_q) for state in STATES),
    ],
)
async def test_quitting(clean_environment: Path, server: SseServer, state: str, leave: Leave, run: int) -> None:
    async with Program(clean_environment, server) as chat:
        await enter(state, chat, server)
        await leave(chat)
        assert await chat.wait_for_exit() == 0
        assert_restored(chat)
        assert_kept(chat, state)


async def test_ctrl_c_stops_then_quits(clean_environment: Path, server: SseServer, run: int) -> None:
    async with Program(clean_environment, server) as chat:
        await enter("streaming", chat, server)
        await _ctrl_c_thrice(chat)
        assert await chat.wait_for_exit() == 0
        assert_restored(chat)
        await wait_until(lambda: server.open_connections == 0, 10, "the server saw all closes")


# -- the terminal goes -----------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["idle", "streaming"])
@pytest.mark.parametrize("way", ["closed", "closed while SIGHUP is ignored", "no controlling terminal"])
async def test_the_terminal_is_closed(
    clean_environment: Path, server: SseServer, state: str, way: str, run: int
) -> None:
    ignored = [signal.SIGHUP] if "ignored" in way else []
    async with Program(clean_environment, server, is_controlling="no " not in way, ignored=ignored) as chat:
        await enter(state, chat, server)
        chat.close()
        assert await chat.wait_for_exit() == 129
        assert not chat.has_processes
        await wait_until(lambda: server.open_connections == 0)
    assert not list(clean_environment.rglob("crash.log"))


async def test_an_ended_standard_input(clean_environment: Path, run: int) -> None:
    """No keyboard, no screen: one sentence and no waiting."""
    with Path(os.devnull).open("rb") as nothing:
        async with Program(clean_environment, model="demo/markdown", stdin=nothing.fileno()) as chat:
            assert await chat.wait_for_exit() == 2
            assert "There is no question" in chat.farewell
            assert_restored(chat)


# -- our own faults --------------------------------------------------------------------------------

LAUNCHER = """
import sys
from chat_tui.ui.screens.chat import ChatScreen
from chat_tui.ui.screens.turns import TurnScreen
from chat_tui.ui.widgets.transcript import Transcript
from chat_tui.session.turn_runner import TurnRunner
import os

def boom(*_, **__):
    local_canary = "LOCAL-" + "CANARY"
    headers = {{"x-api-key": os.environ["MINE_API_KEY"]}}
    raise RuntimeError("it broke with " + os.environ["MINE_API_KEY"] + " in hand")

async def boom_later(*_, **__):
    boom()

{change}
from chat_tui.__main__ import main
main()
"""

FAULTS = {
    "handler": "ChatScreen.action_help = boom",
    "worker": "ChatScreen.action_help = lambda self: self.run_worker(boom_later())",
    "timer": "ChatScreen.action_help = lambda self: self.set_timer(0.001, boom)",
    "render": "ChatScreen.action_help = lambda self: (setattr(Transcript, 'render_line', boom),"
    " self.transcript.refresh())",
}


def assert_no_secrets(chat: Program, log: Path) -> None:
    """One sentence on the terminal, a private file without values; neither has the key or a local variable."""
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.parent.stat().st_mode) == 0o700
    for text in (bytes(chat.output), log.read_bytes()):
        for secret in (KEY, "LOCAL-CANARY", "local_canary"):
            assert secret.encode() not in text
    assert b"RuntimeError" in log.read_bytes()
    assert "Something went wrong inside (RuntimeError)" in chat.farewell
    assert "Traceback" not in chat.farewell


@pytest.mark.parametrize("state", ["idle", "streaming"])
@pytest.mark.parametrize("where", FAULTS)
async def test_a_crash(clean_environment: Path, server: SseServer, where: str, state: str, run: int) -> None:
    launcher = LAUNCHER.format(change=FAULTS[where])
    async with Program(clean_environment, server, launcher=launcher) as chat:
        await enter(state, chat, server)
        await chat.type_in("my draft")
        await chat.wait_for("my draft")
        chat.send("\x1bOP")
        assert await chat.wait_for_exit() == 70
        assert_restored(chat)
        assert_kept(chat, state)
        assert "my draft" in chat.farewell
        logs = list(clean_environment.rglob("crash.log"))
        assert len(logs) == 1
        assert str(logs[0]) in chat.farewell.replace("\n", "")
        assert_no_secrets(chat, logs[0])


async def test_a_fault_while_receiving_is_said_and_survived(
    clean_environment: Path, server: SseServer, run: int
) -> None:
    launcher = LAUNCHER.format(change="TurnRunner.run = boom_later")
    async with Program(clean_environment, server, launcher=launcher) as chat:
        await chat.ready()
        await chat.ask("question")
        await chat.wait_for("chat-tui itself failed (RuntimeError)")
        chat.send("\x11")
        assert await chat.wait_for_exit() == 0
        assert_restored(chat)
        assert b"CANARY" not in chat.output


# -- sizes -----------------------------------------------------------------------------------------


async def test_fifty_sizes_while_streaming(clean_environment: Path, server: SseServer, run: int) -> None:
    """Every word is there afterwards, at the size it ended with."""
    more = asyncio.Event()
    words = [f"w{number} " for number in range(400)]
    done = sse(delta(finish="stop")) + sse("[DONE]")
    server.play(reply(head(), sse(delta("Begin. ")), more, *(sse(delta(word)) for word in words), done))
    async with Program(clean_environment, server) as chat:
        await chat.ready()
        await chat.ask("question")
        await chat.wait_for("Begin.")
        more.set()
        for step in range(50):
            chat.resize(20 + step * 37 % 181, 5 + step * 23 % 56)
            seen = len(chat.output)
            await wait_until(lambda: len(chat.output) > seen, 5, "a frame")  # noqa: B023 - awaited at once
        chat.resize(120, 50)
        await chat.wait_for("w399")
        await wait_until(lambda: all(word.strip() in chat.text for word in words), 10, "every word")
        await chat.ask("/quit")
        assert await chat.wait_for_exit() == 0
        assert_restored(chat)


async def test_a_chat(clean_environment: Path, server: SseServer, run: int) -> None:
    """Two questions; the second request carries the first answer and the key, the screen only the answers."""
    server.play(answer("The first ", "answer."), answer("The second ", "answer."))
    async with Program(clean_environment, server) as chat:
        await chat.ready()
        for name in ("first", "second"):
            await chat.ask(f"{name} question")
            await chat.wait_for(f"The {name} answer.")
            await chat.wait_for("done")
        assert [m["content"] for m in server.requests[1].json["messages"]] == [
            "first question",
            "The first answer.",
            "second question",
        ]
        assert server.requests[1].headers["authorization"] == f"Bearer {KEY}"
        chat.send("\x04")
        assert await chat.wait_for_exit() == 0
        assert_restored(chat)
