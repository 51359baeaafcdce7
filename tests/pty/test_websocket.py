"""A conversation over one WebSocket, as a user has it: set up by a few lines of TOML."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.program import KEY, Program
from tests.support.terminal import leaks
from tests.support.waiting import wait_until
from tests.support.ws_case import words_of
from tests.support.ws_server import WsServer, answer, created, delta

ESC = "\x1b"


@pytest.fixture
async def ws() -> AsyncIterator[WsServer]:
    async with WsServer() as running:
        yield running


async def test_a_conversation_keeps_its_connection_until_esc(clean_environment: Path, ws: WsServer) -> None:
    config = (
        '[providers.kept]\nprotocol = "openai-responses-websocket"\n'
        f'base_url = "{ws.base_url.replace("http://", "ws://")}"\napi_key_env = "MINE_API_KEY"\n'
    )
    ws.play(*answer("The first ", "answer.", response_id="resp_1"))
    ws.play(*answer("The second answer.", response_id="resp_2"))
    ws.play(created("resp_3"), delta("These words arrived"), asyncio.Event())
    ws.play(*answer("The last answer."))
    async with Program(clean_environment, model="kept/m", config=config) as chat:
        await chat.ready()
        await chat.ask("first question")
        await chat.wait_for("The first answer.")
        await chat.wait_for("done")
        await chat.ask("second question")
        await chat.wait_for("The second answer.")
        await chat.ask("third question")
        await chat.wait_for("These words arrived")
        chat.send(ESC)
        await wait_until(lambda: ws.has_lost(0), 10, "the close")
        await chat.wait_for("stopped")
        await chat.ask("fourth question")
        await chat.wait_for("The last answer.")
        chat.send("\x11")
        assert await chat.wait_for_exit() == 0
        assert leaks(bytes(chat.output)) == []
        assert KEY.encode() not in bytes(chat.output)
    assert ws.places == [0, 0, 0, 1]
    assert [sent.get("previous_response_id") for sent in ws.received] == [None, "resp_1", "resp_2", None]
    assert words_of(ws.received[1]) == ["second question"]
    assert words_of(ws.received[3])[::2] == [
        "first question",
        "second question",
        "third question",
        "fourth question",
    ]
    await wait_until(lambda: ws.has_lost(1), 10, "the end")
