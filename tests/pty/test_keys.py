"""Keys and the mouse as terminals really send them: newlines, pastes, scrolling, selecting, links, seams."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.hostile import event
from tests.support.program import Program
from tests.support.sse_server import CLOSE, Framing, SseServer, answer, delta, head, reply
from tests.support.terminal import leaks
from tests.support.waiting import wait_until

ENTER, TAB, ESC, CTRL_C, UNDO = "\r", "\t", "\x1b", "\x03", "\x1a"
NEWLINES = {"ctrl+j": "\n", "alt+enter": "\x1b\r", "alt+enter, kitty": "\x1b[13;3u", "shift+enter": "\x1b[13;2u"}
PAGE_UP, CTRL_END, END = "\x1b[5~", "\x1b[1;5F", "\x1b[F"
WHEEL_UP, WHEEL_DOWN, DRAG = 64, 65, 32
OSC_52 = re.compile(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)(?:\x07|\x1b\\)")


@pytest.fixture
async def server() -> AsyncIterator[SseServer]:
    """Plays whatever a test says."""
    async with SseServer() as server:
        server.play(answer("An answer.", framing=Framing.CLOSE))
        yield server


WHEEL_ROWS = 2
"""Textual's scroll sensitivity."""


def copies(chat: Program) -> list[str]:
    """Everything that was written to the clipboard of the terminal."""
    return [base64.b64decode(found).decode() for found in OSC_52.findall(bytes(chat.output))]


def top(chat: Program) -> list[str]:
    """The upper rows of the messages, without the scroll bar."""
    return [line[:60].rstrip() for line in chat.lines[1:20]]


async def to_messages(chat: Program) -> None:
    """Tab, until the message cursor is drawn."""
    assert "▎" not in chat.text
    chat.send(TAB)
    await chat.wait_for("▎")


async def leave(chat: Program) -> None:
    """Quit; nothing but what was asked for went to the terminal."""
    chat.send("\x11")
    assert await chat.wait_for_exit() == 0
    assert leaks(OSC_52.sub(b"", bytes(chat.output))) == []


@pytest.mark.parametrize("mark", ["", "\x1b[?1049h", "\x1b[?1004h", "\x1b[?2004h"])
async def test_what_is_typed_while_the_program_starts_is_in_the_composer(
    clean_environment: Path, server: SseServer, mark: str
) -> None:
    async with Program(clean_environment, server) as chat:
        if mark:
            await chat.wait_for_output(mark)
        chat.send("typed ahead")
        await chat.wait_for("│ typed ahead ")
        chat.send(ENTER)
        await chat.wait_for("An answer.")
        await leave(chat)


async def test_newlines_and_pastes(clean_environment: Path, server: SseServer) -> None:
    async with Program(clean_environment, server) as chat:
        await chat.ready()
        for name, key in NEWLINES.items():
            await chat.type_in(f"{name}{key}")
        await chat.type_in("the end")
        await chat.wait_for("the end")
        assert server.requests == []
        chat.send(ENTER)
        await chat.wait_for("An answer.")
        assert server.requests[0].json["messages"][0]["content"] == "\n".join([*NEWLINES, "the end"])

        await chat.paste("one\ntwo\r\nthree\rfour\n")
        await chat.wait_for("four")
        chat.send(UNDO)
        await chat.wait_for("Ask anything")  # one insert, one undo

        await chat.type_in("\x1b[200~never\rclosed")
        await chat.wait_for("closed")
        await chat.type_in(" and typed")
        await chat.wait_for("closed and typed")
        assert len(server.requests) == 1
        chat.send(CTRL_C)
        await chat.wait_for("Ask anything")
        await leave(chat)


async def test_a_megabyte_is_pasted_once(clean_environment: Path, server: SseServer) -> None:
    async with Program(clean_environment, server) as chat:
        await chat.ready()
        lines = [f"line {number} of many" for number in range(50_000)]
        await chat.paste("\n".join(lines))
        await chat.wait_for(lines[-1], 30)
        chat.send(UNDO)
        await chat.wait_for("Ask anything")
        assert server.requests == []
        await leave(chat)


async def test_keys_at_a_seam(clean_environment: Path) -> None:
    """Retry, continue, copy, edit: after Tab, on the messages."""
    async with Program(clean_environment, model="demo/cut", rows=40) as chat:
        await chat.ready()
        await chat.ask("What is complete?")
        await chat.wait_for("connection lost")
        await to_messages(chat)
        chat.send("r")
        await wait_until(lambda: "answering" in chat.lines[-1], 10, "another try")
        await chat.wait_for("connection lost")
        await to_messages(chat)
        chat.send("c")
        await chat.wait_for("nothing was said twice.")
        await chat.wait_for("done")
        assert chat.text.count("An answer is complete when") == 1
        assert "connection lost" not in chat.text
        await to_messages(chat)
        chat.send("y")
        await wait_until(lambda: copies(chat), 10, "the copy")
        assert copies(chat)[0].startswith("An answer is complete when the server *says*")
        assert copies(chat)[0].endswith("nothing was said twice.")
        await chat.wait_for("OSC 52")
        chat.send("k")
        chat.send("e")
        await wait_until(lambda: "An answer is complete" not in chat.text, 10, "the answer leaves")
        await chat.wait_for("│ What is complete?")
        assert len(copies(chat)) == 1
        await leave(chat)


async def test_scrolling_while_text_arrives(clean_environment: Path, server: SseServer) -> None:
    """A view that was moved stays where it is, whatever arrives; at the end it follows again."""
    gates = [asyncio.Event() for _ in range(4)]
    steps: list[bytes | asyncio.Event] = []
    for number, gate in enumerate(gates):
        rows = "".join(f"- row {number}.{row}\n" for row in range(60))
        steps += [event(delta(f"{rows}- mark {number}\n")), gate]
    server.play(reply(head(), *steps, event(delta("\n\nThe end.")), event(delta(finish="stop")), CLOSE))
    async with Program(clean_environment, server) as chat:
        await chat.ready()
        await chat.ask("question")
        await chat.wait_for("mark 0")
        chat.send(PAGE_UP)
        await wait_until(lambda: "mark 0" not in chat.text, 10, "the view moved")
        still = top(chat)
        gates[0].set()
        await chat.wait_for("new lines")
        assert top(chat) == still
        chat.send(CTRL_END)
        await chat.wait_for("mark 1")
        gates[1].set()
        await chat.wait_for("mark 2")  # it follows

        before = top(chat)
        for _ in range(5):
            chat.mouse(WHEEL_UP, 10, 10)
        await wait_until(lambda: top(chat)[5 * WHEEL_ROWS :] == before[: -5 * WHEEL_ROWS], 10, "the wheel's moves")
        still = top(chat)
        gates[2].set()
        await chat.wait_for("new lines")
        assert top(chat) == still
        for _ in range(60):
            chat.mouse(WHEEL_DOWN, 10, 10)
        await chat.wait_for("mark 3")
        chat.send(PAGE_UP)
        await wait_until(lambda: "mark 3" not in chat.text, 10, "the view moved")
        await to_messages(chat)
        chat.send(END)
        await chat.wait_for("mark 3")
        gates[3].set()
        await chat.wait_for("The end.")
        await leave(chat)


async def test_selecting_and_links(clean_environment: Path, server: SseServer) -> None:
    """Ctrl+C copies what the mouse selected, once; a link opens after a question and a yes only."""
    opened = clean_environment / "opened"
    programs = clean_environment / "bin"
    programs.mkdir()
    for name in ("xdg-open", "x-www-browser", "www-browser", "firefox"):
        fake = programs / name
        fake.write_text(f'#!/bin/sh\necho "$@" >> "{opened}"\n', "utf-8")
        fake.chmod(0o755)
    env = {"PATH": f"{programs}:/usr/bin:/bin", "DISPLAY": ":nowhere"}
    server.play(
        answer("Some words to select and [a page](https://example.org/a?b=c) to open.", framing=Framing.CLOSE)
    )
    async with Program(clean_environment, server, env=env) as chat:
        await chat.ready()
        await chat.ask("question")
        await chat.wait_for("words to select")
        column, row = chat.find("words to select")
        chat.mouse(0, column, row)
        for step in range(1, len("words to select")):
            chat.mouse(DRAG, column + step, row)
        chat.mouse(0, column + len("words to select") - 1, row, is_release=True)
        assert copies(chat) == []
        chat.send(CTRL_C)
        await chat.wait_for("Copied 15 characters")
        assert copies(chat) == ["words to select"]

        for key in (ESC, "n", ENTER):
            chat.click(*chat.find("a page"))
            await chat.wait_for("Open this link?")
            await chat.wait_for("https://example.org/a?b=c")
            chat.send(key)
            await wait_until(lambda: "Open this link?" not in chat.text, 10, "the question closed")
            assert not opened.exists()
        chat.click(*chat.find("a page"))
        await chat.wait_for("Open this link?")
        chat.send("y")
        await wait_until(opened.exists, 10, "the browser")
        await wait_until(lambda: opened.read_text("utf-8") == "https://example.org/a?b=c\n", 5, "the target")
        assert copies(chat) == ["words to select"]
        await leave(chat)


async def test_what_is_typed_behind_a_key_that_moves_the_focus_goes_there(
    clean_environment: Path, server: SseServer
) -> None:
    """All in one read: up to the messages, a key that acts there, back, text."""
    async with Program(clean_environment, server) as chat:
        await chat.ready()
        await chat.ask("question")
        await chat.wait_for("● done")
        typed = ""
        for number in range(12):
            chat.send(f"{TAB}k{TAB}{number},")
            typed += f"{number},"
            await chat.wait_for(typed)
        assert f"│ {typed} " in chat.text
