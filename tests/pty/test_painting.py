"""What is written straight to the terminal is what a full repaint would show."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pyte
import pytest

from tests.support.hostile import event
from tests.support.program import Program
from tests.support.sse_server import CLOSE, HOLD, SseServer, delta, head, reply
from tests.support.terminal import leaks
from tests.support.waiting import wait_until

PAGE_UP, CTRL_END, F1, ESC, BACKSPACE = "\x1b[5~", "\x1b[1;5F", "\x1bOP", "\x1b", "\x7f"
Picture = list[list[pyte.screens.Char]]
ANSWERS = Path(__file__).parents[1] / "corpora" / "answers"


@pytest.fixture
async def server() -> AsyncIterator[SseServer]:
    async with SseServer() as server:
        yield server


def differences(before: Picture, after: Picture) -> str:
    """The rows that differ, as text and with the first cell that does."""
    found: list[str] = []
    for y, (old, new) in enumerate(zip(before, after, strict=True)):
        if old != new:
            x = next(x for x, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1])
            texts = ("".join(cell.data for cell in row) for row in (old, new))
            found += [f"row {y}, from cell {x}: {old[x]} {new[x]}", *texts]
    return "\n".join(found)


async def repainted_is_the_same(chat: Program) -> None:
    """Let Textual paint everything anew, by opening help and closing it; what stands still looks as before.

    The composer has to be empty, and is left so. The terminal has to show frames as a whole: half a one that is
    seen because of how it was read is another picture.
    """
    assert chat.is_synchronized
    chat.send("z")
    await chat.wait_for("│ z ")  # all that was written before has been read
    before = chat.cells
    chat.send(F1)
    await chat.wait_for("Send the prompt.")
    chat.send(ESC)
    await wait_until(lambda: "Send the prompt." not in chat.text, 10, "help closed")
    rows = len(before) - 1  # the status bar tells the time
    try:
        await wait_until(lambda: chat.cells[:rows] == before[:rows], 10, "the same picture")
    except AssertionError as error:
        raise AssertionError(differences(before[:rows], chat.cells[:rows])) from error
    chat.send(BACKSPACE)
    await chat.wait_for("Ask anything")


@pytest.mark.parametrize(
    ("name", "theme", "columns", "rows"),
    [
        ("long_tutorial", "dark", 100, 30),
        ("conversation", "light", 60, 20),
        ("tables_and_rules", "terminal", 120, 36),
        ("cjk_prose", "dark", 61, 21),
        ("fences_in_lists", "light", 90, 24),
        ("rtl", "dark", 80, 24),
    ],
)
async def test_a_full_repaint_changes_nothing(
    clean_environment: Path, server: SseServer, name: str, theme: str, columns: int, rows: int
) -> None:
    text = ((ANSWERS / f"{name}.md").read_text("utf-8") * 20)[:6_000]
    pieces = [text[start : start + 7] for start in range(0, len(text), 7)]
    gates = [asyncio.Event() for _ in range(3)]
    third = len(pieces) // 3
    steps: list[bytes | asyncio.Event] = []
    for number, piece in enumerate(pieces):
        steps.append(event(delta(piece)))
        if third and number % third == third - 1 and number // third < len(gates):
            steps += [event(delta(f"\n\nmark {number // third}\n\n")), gates[number // third]]
    end = [event(delta("\n\nThe end.")), event(delta(finish="stop")), CLOSE]
    server.play(reply(head(), *steps, *end))
    config = f'theme = "{theme}"'
    async with Program(
        clean_environment, server, config=config, columns=columns, rows=rows, is_synchronized=True
    ) as chat:
        await chat.ready()
        await chat.ask("question")
        await chat.wait_for("mark 0")
        await repainted_is_the_same(chat)
        gates[0].set()
        await chat.wait_for("mark 1")
        chat.send(PAGE_UP)
        await wait_until(lambda: "mark 1" not in chat.text, 10, "the view moved")
        gates[1].set()
        gates[2].set()
        await chat.wait_for("● done")
        chat.send(CTRL_END)
        await chat.wait_for("The end.")
        await repainted_is_the_same(chat)
        chat.send(PAGE_UP)
        await wait_until(lambda: "The end." not in chat.text, 10, "the view moved")
        await repainted_is_the_same(chat)
        chat.send("\x11")
        assert await chat.wait_for_exit() == 0
        assert leaks(bytes(chat.output)) == []


async def test_rows_are_scrolled_and_not_written_again(clean_environment: Path, server: SseServer) -> None:
    lines = [f"word{number} " * 12 + "\n\n" for number in range(23)]
    gate = asyncio.Event()
    first = [event(delta(line)) for line in lines[:20]]
    rest = [event(delta(line)) for line in lines[20:]]
    server.play(reply(head(), *first, event(delta("mark 0\n\n")), gate, *rest, event(delta("The end.")), CLOSE))
    async with Program(clean_environment, server, columns=100, rows=30) as chat:
        await chat.ready()
        await chat.ask("question")
        await chat.wait_for("mark 0")
        start = len(chat.output)
        gate.set()
        await chat.wait_for("The end.")
        written = bytes(chat.output[start:])
        assert b"M\x1b[r" in written
        assert all(written.count(b"word%d " % number) <= 2 * 12 for number in range(20, 23))
        assert b"word19 " not in written


async def test_a_terminal_that_does_not_read_holds_up_nothing(clean_environment: Path, server: SseServer) -> None:
    """Text is received and keys act meanwhile; when it reads again all is there, drawn as it is by then."""
    gate = asyncio.Event()
    wide = [event(delta(f"{number} " + "word " * 300 + "\n\n")) for number in range(300)]
    server.play(reply(head(), event(delta("It begins.\n\n")), gate, *wide, HOLD))
    async with Program(clean_environment, server, columns=200, rows=60, is_synchronized=True) as chat:
        await chat.ready()
        await chat.ask("question")
        await chat.wait_for("It begins.")
        chat.stop_reading()
        start = len(chat.output)
        gate.set()
        await server.connections[0].writable()
        for number in range(100):  # each is echoed: more than any buffer of a terminal and 30 queued texts hold
            chat.send(f"{number} ")
            await asyncio.sleep(0)
        chat.send(ESC)
        await wait_until(lambda: not server.connections[0].is_open, 20, "Esc closed the stream")
        assert len(chat.output) == start
        chat.read_again()
        await chat.wait_for("stopped · ")
        await chat.wait_for("97 98 99")
        chat.send("\x03")
        await chat.wait_for("Ask anything")
        await repainted_is_the_same(chat)
        chat.send("\x11")
        assert await chat.wait_for_exit() == 0
