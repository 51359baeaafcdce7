"""Versions and edits on a terminal: rows that are written past Textual's own painting show them, too."""

from __future__ import annotations

from pathlib import Path

from tests.pty.test_keys import ENTER, ESC, leave, to_messages
from tests.support.program import Program
from tests.support.sse_server import Framing, SseServer, answer
from tests.support.waiting import wait_until


async def test_versions_and_edits(clean_environment: Path) -> None:
    async with SseServer() as server:
        texts = ("First answer.", "Second answer.", "Third answer.")
        server.play(*(answer(text, framing=Framing.CLOSE) for text in texts))
        async with Program(clean_environment, server) as chat:
            await chat.ready()
            await chat.ask("Old question")
            await chat.wait_for("First answer.")
            await to_messages(chat)
            chat.send("r")
            await chat.wait_for("Second answer.")
            await chat.wait_for("[ 2/2 ]")
            assert "First answer." not in chat.text

            await to_messages(chat)
            chat.send("[")
            await chat.wait_for("[ 1/2 ]")
            await wait_until(lambda: "Second answer." not in chat.text, 10, "the first answer alone")
            assert "First answer." in chat.text

            chat.send("ke")
            await chat.wait_for("Editing your question")
            await wait_until(lambda: "First answer." not in chat.text, 10, "the answer leaves")
            assert "1/2" not in chat.text
            await chat.type_in(", changed")
            chat.send(ESC)
            await chat.wait_for("[ 1/2 ]")
            await wait_until(lambda: "Editing" not in chat.text and "changed" not in chat.text, 10, "the composer")

            chat.send(ESC)
            await chat.wait_for("Esc again edits")
            chat.send(ESC)
            await chat.wait_for("Editing your question")
            await chat.type_in(" again")
            chat.send(ENTER)
            await chat.wait_for("Third answer.")
            await chat.wait_for("Old question again")
            assert server.requests[-1].json["messages"][-1]["content"] == "Old question again"
            assert len(server.requests) == 3
            await wait_until(lambda: "Editing" not in chat.text, 10, "the composer")

            await chat.type_in("/undo")
            chat.send(ENTER)
            await chat.wait_for("Taken back")
            await chat.wait_for("First answer.")
            await leave(chat)
