"""Selecting with the mouse as terminals report it, while text arrives: what is selected is what is copied."""

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

CTRL_C, CTRL_END, CTRL_HOME, F4, PAGE_UP = "\x03", "\x1b[1;5F", "\x1b[1;5H", "\x1bOS", "\x1b[5~"
DRAG, SHIFT_WHEEL_UP, SHIFT_WHEEL_DOWN, WHEEL_LEFT, WHEEL_RIGHT = 32, 68, 69, 66, 67
OSC_52 = re.compile(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)(?:\x07|\x1b\\)")
ROWS = [f"- row {number} of it" for number in range(80)]
DRAWN = [f" • row {number} of it" for number in range(80)]


@pytest.fixture
async def server() -> AsyncIterator[SseServer]:
    """Plays whatever a test says."""
    async with SseServer() as server:
        yield server


def streaming(server: SseServer, *steps: str | asyncio.Event) -> None:
    """Play text, and wait where an event stands."""
    parts = [step if isinstance(step, asyncio.Event) else event(delta(step)) for step in steps]
    server.play(reply(head(), *parts, event(delta(finish="stop")), CLOSE))


def copies(chat: Program) -> list[str]:
    """Everything that was written to the clipboard of the terminal."""
    return [base64.b64decode(found).decode() for found in OSC_52.findall(bytes(chat.output))]


async def copied(chat: Program) -> str:
    """What Ctrl+C copies now."""
    count = len(copies(chat))
    chat.send(CTRL_C)
    await wait_until(lambda: len(copies(chat)) > count, 10, "the copy")
    return copies(chat)[-1]


def press(chat: Program, text: str, *, at: int = 0) -> tuple[int, int]:
    """Press the button on a character of a text that is on the screen, and move a little, as a hand does."""
    column, row = chat.find(text)
    press_at(chat, column + at, row)
    return column + at, row


def press_at(chat: Program, column: int, row: int) -> None:
    """The same at a place."""
    chat.mouse(0, column, row)
    chat.mouse(DRAG, column + 1, row)


def drag(chat: Program, column: int, row: int) -> None:
    """Move there with the button pressed, and release."""
    chat.mouse(DRAG, column, row)
    chat.mouse(0, column, row, is_release=True)


async def hold(chat: Program, text: str, *, at: int = 0) -> None:
    """`press`, until it is seen to be selected: then the pointer may leave the view."""
    column, row = chat.find(text)
    before = chat.background(column + at, row)
    press(chat, text, at=at)
    await wait_until(lambda: chat.background(column + at, row) != before, 10, "the selection")


async def to_messages(chat: Program) -> None:
    """Tab: a press of the button moves no focus then, so that what it draws is what is selected."""
    chat.send("\t")
    await chat.wait_for("▎")


def select(chat: Program, first: str, last: str) -> None:
    """From the first character of one text to the last of another."""
    press(chat, first)
    column, row = chat.find(last)
    drag(chat, column + len(last) - 1, row)


async def leave(chat: Program) -> None:
    """Quit; nothing but what was asked for went to the terminal."""
    chat.send("\x11")
    assert await chat.wait_for_exit() == 0
    assert leaks(OSC_52.sub(b"", bytes(chat.output))) == []


async def test_a_selection_holds_its_text_while_more_arrives(clean_environment: Path, server: SseServer) -> None:
    """In the part that still grows; while the view stays, when the answer settles, in another width and theme."""
    gates = [asyncio.Event() for _ in range(3)]
    streaming(
        server,
        "First words, and [a link][g] above.\n\nSome words to be selec",
        gates[0],
        "ted here, and so many more that this paragraph is wrapped over several rows of the screen, or so. ",
        gates[1],
        "\n\n" + "\n".join(ROWS),
        gates[2],
        "\n\n[g]: https://guide.example/a\n",
    )
    async with Program(clean_environment, server) as chat:
        await chat.ready()
        await chat.ask("question")
        await chat.wait_for("to be selec")
        await to_messages(chat)
        select(chat, "words, and", "words to")
        gates[0].set()
        await chat.wait_for("or so.")
        gates[1].set()
        await chat.wait_for("new lines")
        gates[2].set()
        await chat.wait_for("done")
        await chat.wait_for("https://guide.example/a")
        chat.resize(60, 30)
        await wait_until(lambda: chat.lines[-1].strip() and len(max(chat.lines, key=len)) <= 60, 10, "resized")
        chat.send(F4)
        text = await copied(chat)
        assert text.startswith("words, and a link")
        assert text.endswith("above.\n\nSome words to")
        await leave(chat)


async def test_a_view_in_which_something_is_selected_does_not_run_away(
    clean_environment: Path, server: SseServer
) -> None:
    gate = asyncio.Event()
    streaming(server, "\n".join(ROWS[:60]) + "\n", gate, "\n".join(ROWS[60:]) + "\n\nThe end.")
    async with Program(clean_environment, server) as chat:
        await chat.ready()
        await chat.ask("question")
        await chat.wait_for("row 59")
        await to_messages(chat)
        place = chat.find("row 50")
        await hold(chat, "row 50")
        column, row = chat.find("row 52")
        chat.mouse(DRAG, column + 5, row)
        gate.set()
        await chat.wait_for("new lines")
        await chat.wait_for("done")
        assert chat.find("row 50") == place
        chat.mouse(0, column + 5, row, is_release=True)
        assert (await copied(chat)).split("\n") == ["row 50 of it", *DRAWN[51:52], " • row 52"]
        chat.send(CTRL_END)
        await chat.wait_for("The end.")
        await leave(chat)


@pytest.mark.parametrize("is_down", [True, False])
async def test_dragging_beyond_an_edge_scrolls(clean_environment: Path, server: SseServer, is_down: bool) -> None:
    """Over the composer, or the title; it goes on while the pointer rests there, and stops with the release."""
    gate = asyncio.Event()
    streaming(server, "\n".join(ROWS[:70]) + "\n", gate, "\n".join(ROWS[70:]) + "\n\nThe end.\n")
    async with Program(clean_environment, server) as chat:
        await chat.ready()
        await chat.ask("question")
        await chat.wait_for("row 69")
        await to_messages(chat)
        if is_down:
            chat.send(CTRL_HOME)
            await chat.wait_for("row 3 ")
            await hold(chat, "row 3 ")
            chat.mouse(DRAG, 40, 28)
            await chat.wait_for("row 69")
            gate.set()
            await chat.wait_for("The end.")
            chat.mouse(0, 40, 28, is_release=True)
            text = await copied(chat)
            assert text.split("\n") == ["row 3 of it", *DRAWN[4:], "", "The end."]
        else:
            await hold(chat, "row 65", at=5)
            chat.mouse(DRAG, 40, 1)
            gate.set()
            await chat.wait_for("▌ question")
            chat.mouse(0, 40, 1, is_release=True)
            text = await copied(chat)
            assert text.split("\n")[-3:] == [*DRAWN[63:65], " • row 65"]
            assert text.split("\n")[:3] == ["question", "", " • row 0 of it"]
        still = chat.lines[1:20]
        await wait_until(lambda: "done" in chat.lines[-1] or "Copied" in chat.lines[-1], 10, "the end")
        assert chat.lines[1:20] == still
        await leave(chat)


async def test_a_pointer_over_nothing_selects_nothing_more(clean_environment: Path, server: SseServer) -> None:
    """Blank rows, the margin, behind the end of a row, below the end of everything."""
    server.play(answer("One line.\n\nAnother line.\n\nThe last line.", framing=Framing.CLOSE))
    async with Program(clean_environment, server) as chat:
        await chat.ready()
        await chat.ask("question")
        await chat.wait_for("The last line.")
        await chat.wait_for("done")
        await to_messages(chat)
        column, row = press(chat, "line.")
        drag(chat, column, row + 1)
        assert await copied(chat) == "line."
        press(chat, "Another")
        drag(chat, 70, row + 2)
        assert await copied(chat) == "Another line."
        press(chat, "last")
        drag(chat, 50, row + 10)
        assert await copied(chat) == "last line."
        press(chat, "Another", at=6)
        drag(chat, 1, row)
        assert await copied(chat) == "One line.\n\nAnother"
        chat.mouse(0, 70, row + 1)
        chat.mouse(DRAG, 1, row + 2)
        chat.mouse(0, 1, row + 2, is_release=True)
        chat.send(CTRL_C)
        await chat.wait_for("Ctrl+C again quits.")  # nothing was selected
        assert len(copies(chat)) == 4
        await leave(chat)


async def test_words_links_and_joined_characters(clean_environment: Path, server: SseServer) -> None:
    """Two clicks select a word; a drag that ends on a link opens nothing."""
    text = "An 👩\u200d🚀 and e\u0301 in 日本語 here, then [a page](https://example.org/) to see."
    server.play(answer(text, framing=Framing.CLOSE))
    async with Program(clean_environment, server) as chat:
        await chat.ready()
        await chat.ask("question")
        await chat.wait_for("to see.")
        await chat.wait_for("done")
        await to_messages(chat)
        column, row = 3, next(n for n, line in enumerate(chat.lines, 1) if "to see." in line)
        for first, last, wanted in (
            (3, 5, "👩\u200d🚀"),
            (10, 11, "e\u0301"),
            (15, 17, "日本"),
            (15, 19, "日本語"),
        ):
            press_at(chat, column + first, row)
            drag(chat, column + last, row)
            assert (await copied(chat)).rstrip() == wanted
        chat.click(column + 1, row)
        chat.click(column + 1, row)
        assert await copied(chat) == "An"
        press_at(chat, column, row)
        drag(chat, column + 36, row)
        assert "a p" in await copied(chat)
        assert "Open this link?" not in chat.text
        await leave(chat)


LONG = "value = [" + ", ".join(str(number) for number in range(100, 140)) + "]"


async def test_code_that_was_moved_is_selected_as_it_is(clean_environment: Path, server: SseServer) -> None:
    """The wheel moves the block under the pointer alone; what is hidden between two ends is copied too."""
    code = f"```python\nfirst = 1\n{LONG}\n```\n"
    server.play(answer(f"{code}\nBetween.\n\n{code.replace('python', 'perl')}", framing=Framing.CLOSE))
    async with Program(clean_environment, server, config="[render]\nwrap = false\n", columns=70) as chat:
        await chat.ready()
        await chat.ask("question")
        await chat.wait_for("Between.")
        await chat.wait_for("perl")
        await to_messages(chat)
        column, row = chat.find("value")
        for button in (WHEEL_RIGHT, SHIFT_WHEEL_UP, SHIFT_WHEEL_DOWN, WHEEL_RIGHT):
            chat.mouse(button, column, row)
        await wait_until(lambda: f"‹ {LONG[16:40]}" in chat.lines[row - 1], 10, "moved")
        assert sum("‹" in line for line in chat.lines) == 2  # both lines of one block
        place = chat.find(LONG[20:26])
        press_at(chat, *place)
        drag(chat, place[0] + 5, place[1])
        assert await copied(chat) == LONG[20:26]
        press_at(chat, column, row - 1)
        drag(chat, *chat.find("Between."))
        assert await copied(chat) == f"\n{LONG}\n\nB".strip("\n")
        for _ in range(2):
            chat.mouse(WHEEL_LEFT, column, row)
        await wait_until(lambda: "‹" not in chat.text, 10, "back")
        await leave(chat)
