"""Every state of the screen as text and styles, compared with what is stored beside this file.

`CHAT_TUI_UPDATE=1 pytest tests/snapshots` writes what is shown now; the difference is then read in the diff.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from textual import events

from chat_tui.config.model import Config
from chat_tui.core.errors import Fault, FaultKind
from chat_tui.core.events import (
    Connected,
    Finished,
    FinishReason,
    StreamEvent,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallEnded,
    ToolCallStarted,
)
from chat_tui.ui.screens.conversations import ConversationsScreen
from chat_tui.ui.screens.models import ModelsScreen
from tests.snapshots.dump import dump
from tests.support.fake_provider import FakeProvider, answer, failed
from tests.support.images import png
from tests.support.library import NOW_S, SHELF, FakeLibrary
from tests.support.model_shelf import NOW_S as MODELS_NOW_S
from tests.support.model_shelf import ShelfOfModels
from tests.support.stage import Stage, stage
from tests.support.waiting import wait_until

FOLDER = Path(__file__).parent / "screens"
IS_UPDATING = bool(os.environ.get("CHAT_TUI_UPDATE"))
"""Read when this file is loaded: every test runs in a clean environment."""

WIDE, USUAL, NARROW = (120, 36), (100, 30), (60, 20)
REFUSED = Fault(
    FaultKind.AUTH,
    "key refused",
    "401 from api.example: the key in MINE_API_KEY was refused.",
    "Set it and start again.",
    status=401,
)
Act = Callable[[Stage], Awaitable[None]]


async def nothing(on: Stage) -> None:
    """As it opens."""


async def streaming(on: Stage) -> None:
    on.clock.stop_at_s = 5.2
    await on.ask("How does an answer reach my screen?")
    await on.until_standing()


async def settled(on: Stage) -> None:
    await on.ask("How does an answer reach my screen?")
    await on.until_done()


async def table_and_code(on: Stage) -> None:
    await settled(on)
    rows = on.all_rows
    on.chat.transcript.scroll_to(
        y=next(i for i, row in enumerate(rows) if row.startswith("Number")) - 2, animate=False, immediate=True
    )


async def stopped(on: Stage) -> None:
    await streaming(on)
    await on.pilot.press("escape")


async def waiting(on: Stage) -> None:
    on.clock.stop_at_s = 3.2
    await on.ask("Are you there?")
    await on.until_standing()


async def stalled(on: Stage) -> None:
    on.clock.stop_at_s = 20.0
    await on.ask("Are you there?")
    await on.until_standing()
    on.clock.advance(31.0)


async def retrying(on: Stage) -> None:
    on.clock.stop_at_s = 1.0
    await on.ask("Are you there?")
    await on.until_standing()


async def thinking(on: Stage) -> None:
    on.clock.stop_at_s = 1.9
    await on.ask("How long does a page take?")
    await on.until_standing()


async def unfolded(on: Stage) -> None:
    await on.ask("How long does a page take?")
    await on.until_done()
    await on.pilot.press("ctrl+t")


async def message_cursor(on: Stage) -> None:
    await settled(on)
    await on.pilot.press("tab", "up")


async def scrolled_up(on: Stage) -> None:
    await streaming(on)
    await on.pilot.press("pageup")
    on.clock.stop_at_s = 9.0
    await wait_until(lambda: on.clock.elapsed_s > 8.9)
    await on.until_standing()


async def two_turns(on: Stage) -> None:
    await on.ask("First question, in one line")
    await on.until_done()
    on.chat.prompt.put("A draft\nof two lines")


async def found(on: Stage) -> None:
    """Until the search is over, and the heights of all pieces are known: the thumb tells them."""
    await on.settle()
    on.chat.transcript.lay_out_all()
    await wait_until(lambda: not on.chat.is_finding)
    await on.settle()


async def finding(on: Stage) -> None:
    await settled(on)
    await on.pilot.press("ctrl+f", *"token")
    await found(on)
    await on.pilot.press("up", "up", "up")
    await found(on)
    assert on.chat.search.hit is not None


async def find_kept(on: Stage) -> None:
    await finding(on)
    await on.pilot.press("enter")


async def find_nothing(on: Stage) -> None:
    await settled(on)
    await on.pilot.press("ctrl+f", *"tokyo")
    await found(on)


async def code_jump(on: Stage) -> None:
    await settled(on)
    await on.pilot.press("tab", "{", "{")


async def versions(on: Stage) -> None:
    """Two versions of the question, three of the answer to the second."""
    await on.ask("How do tokens reach my screen?")
    await on.until_done()
    await on.pilot.press("tab", "k", "e")
    on.chat.prompt.put("How do the tokens of an answer reach my screen, and who is the slowest on the way?")
    await on.pilot.press("enter")
    await on.until_done()
    for _ in range(2):
        on.chat.transcript.focus()
        await on.pilot.press("r")
        await on.until_done()
    on.chat.transcript.focus()
    await on.pilot.press("[")
    on.chat.prompt.focus()
    on.chat.unsay()


async def editing(on: Stage) -> None:
    await versions(on)
    on.chat.transcript.focus()
    await on.pilot.press("k", "e")


async def rewritten(on: Stage) -> None:
    await versions(on)
    on.chat.transcript.focus()
    await on.pilot.press("e")
    on.chat.prompt.put("The server writes them,")
    await on.pilot.press("enter")


async def rewriting(on: Stage) -> None:
    await rewritten(on)
    await on.pilot.press("e")


def keys(*pressed: str, until: str) -> Act:
    """Press and wait for a text on the screen."""

    async def act(on: Stage) -> None:
        await on.pilot.press(*pressed)
        await wait_until(lambda: until in on.screen_text, what=until)

    return act


async def details(on: Stage) -> None:
    await on.ask("What broke?")
    await on.until_done()
    await on.pilot.press("tab")
    await keys("d", until="overloaded_error")(on)


async def answer_details(on: Stage) -> None:
    for question in ("And then?", "And after that?"):
        await on.ask(question)
        await on.until_done()
    await on.pilot.press("tab")
    await keys("d", until="This answer")(on)


async def link(on: Stage) -> None:
    await on.ask("Where is it?")
    await on.until_done()
    y = next(i for i, row in enumerate(on.rows) if "the bank" in row)
    x = on.chat.transcript.render_line(y).text.index("the bank") + 1
    await on.pilot.click("#transcript", offset=(x, y))
    await wait_until(lambda: "evil.example" in on.screen_text and on.app.screen is not on.chat)


async def command_hint(on: Stage) -> None:
    await on.pilot.press("/", "m", "o")


async def calling(on: Stage) -> None:
    await on.ask("Find it")
    await wait_until(lambda: '{"query": "tok' in on.text)


async def asked(on: Stage) -> None:
    await on.ask("Anybody there?")
    await on.until_done()


def telling() -> FakeProvider:
    provider = FakeProvider(lambda: 1000.0)
    slowest = "Slowest of all is the model: between two of its tokens a terminal could draw a hundred frames."
    code = "```python\nasync for token in answer:\n    show(token)\n```"
    for text in (
        "Over HTTP.",
        "The server writes each token as a small event, and the screen shows it in the next frame.",
        f"{slowest} Everything after it only has to keep out of the way.\n\n{code}",
        "As events.",
    ):
        provider.add(answer(text))
    return provider


def choosing_model(*pressed: str, until: str = "models · Enter") -> Act:
    """The picker of models over a few, after some keys."""

    async def act(on: Stage) -> None:
        on.app.push_screen(ModelsScreen(ShelfOfModels(), "demo/slow", now=lambda: MODELS_NOW_S))
        await wait_until(lambda: "models · Enter" in on.screen_text, what="the models")
        await keys(*pressed, until=until)(on)

    return act


async def attach(on: Stage, *names: str) -> None:
    """Files as they are dropped, and one more name that is being typed."""
    Path("docs").mkdir()
    for name in ("photo.png", "docs/plan.md", "docs/planets.md", "replay.py"):
        Path(name).write_bytes(png(120, 80) if name.endswith(".png") else b"# Plan\n" * 40)
    for count, name in enumerate(names, start=1):
        on.chat.attach(name)
        await wait_until(lambda count=count: len(on.chat.attachments.items) == count, what=name)


async def attaching(on: Stage) -> None:
    await attach(on, "photo.png", "docs/plan.md")
    for character in "Compare them with @pla":
        on.chat.prompt.post_message(events.Key(character, character))
    await wait_until(lambda: len(on.chat.mention_list.paths) == 3, 10, "the files")
    await on.pilot.press("down")


async def attached(on: Stage) -> None:
    await attach(on, "photo.png", "docs/plan.md")
    await on.ask("What is the difference?")
    await on.until_done()


def choosing(*pressed: str, until: str) -> Act:
    """The picker of conversations over a few, after some keys."""

    async def act(on: Stage) -> None:
        library = FakeLibrary(*SHELF, current_id=SHELF[1].id)
        on.app.push_screen(ConversationsScreen(library, now=lambda: NOW_S))
        await wait_until(lambda: SHELF[0].title in on.screen_text)
        await keys(*pressed, until=until)(on)

    return act


async def unsaved(on: Stage) -> None:
    await settled(on)
    on.chat.show_problem("Not saved: the disk is full. All of it is kept here and saved as soon as there is room.")
    await on.settle()
    on.chat.transcript.lay_out_all()
    await wait_until(lambda: "disk is full" in on.screen_text)


def refusing() -> FakeProvider:
    provider = FakeProvider(lambda: 1000.0)
    provider.add([failed(REFUSED)])
    return provider


def linking() -> FakeProvider:
    provider = FakeProvider(lambda: 1000.0)
    provider.add(answer("See [the bank](https://evil.example/login?next=https://bank.example) first."))
    return provider


def tooled() -> FakeProvider:
    script: list[StreamEvent | asyncio.Event | Exception] = [
        Connected(),
        TextDelta("Let me look that up."),
        ToolCallStarted("1", "call-1", "search"),
        ToolArgumentsDelta("1", '{"query": "tokens"}'),
        ToolCallEnded("1", '{"query": "tokens"}'),
        ToolCallStarted("2", "call-2", "fetch"),
        ToolArgumentsDelta("2", '{"query": "tok'),
        asyncio.Event(),
        Finished(FinishReason.TOOL_CALLS),
    ]
    provider = FakeProvider(lambda: 1000.0)
    provider.add(script)
    return provider


@dataclass(frozen=True)
class Screen:
    """A state, how to get there, and what it is shown with."""

    name: str
    model: str
    act: Act
    size: tuple[int, int] = USUAL
    theme: Literal["dark", "light", "terminal"] = "dark"
    provider: Callable[[], FakeProvider] | None = None
    first_run: bool = False


SCREENS = (
    Screen("empty", "demo/markdown", nothing),
    Screen("first-run", "fake/one", nothing, provider=refusing, first_run=True),
    Screen("waiting", "demo/slow", waiting),
    Screen("streaming", "demo/markdown", streaming),
    Screen("streaming-light", "demo/markdown", streaming, theme="light"),
    Screen("streaming-terminal", "demo/markdown", streaming, theme="terminal"),
    Screen("streaming-narrow", "demo/markdown", streaming, NARROW),
    Screen("streaming-wide", "demo/markdown", streaming, WIDE),
    Screen("scrolled-up", "demo/markdown", scrolled_up),
    Screen("settled", "demo/markdown", settled),
    Screen("table-and-code", "demo/markdown", table_and_code, WIDE),
    Screen("table-and-code-light", "demo/markdown", table_and_code, WIDE, "light"),
    Screen("table-and-code-terminal", "demo/markdown", table_and_code, NARROW, "terminal"),
    Screen("stalled", "demo/stall", stalled),
    Screen("stopped", "demo/markdown", stopped),
    Screen("cut", "demo/cut", asked),
    Screen("cut-narrow", "demo/cut", asked, NARROW),
    Screen("cut-light", "demo/cut", asked, theme="light"),
    Screen("retrying", "demo/ratelimit", retrying),
    Screen("refused", "fake/one", asked, provider=refusing),
    Screen("thinking", "demo/reasoning", thinking),
    Screen("folded", "demo/reasoning", asked),
    Screen("unfolded", "demo/reasoning", unfolded),
    Screen("calling", "fake/one", calling, provider=tooled),
    Screen("message-cursor", "demo/cut", message_cursor),
    Screen("draft", "demo/reasoning", two_turns, NARROW),
    Screen("command-hint", "demo/markdown", command_hint),
    Screen("find", "demo/markdown", finding, WIDE),
    Screen("find-light", "demo/markdown", finding, theme="light"),
    Screen("find-terminal", "demo/markdown", finding, theme="terminal"),
    Screen("find-narrow", "demo/markdown", find_kept, NARROW),
    Screen("find-nothing", "demo/markdown", find_nothing, NARROW, "light"),
    Screen("code-jump", "demo/markdown", code_jump),
    Screen("versions", "fake/one", versions, WIDE, provider=telling),
    Screen("versions-narrow", "fake/one", versions, NARROW, "light", provider=telling),
    Screen("versions-terminal", "fake/one", versions, NARROW, "terminal", provider=telling),
    Screen("editing", "fake/one", editing, NARROW, provider=telling),
    Screen("rewriting", "fake/one", rewriting, WIDE, "light", provider=telling),
    Screen("rewritten", "fake/one", rewritten, WIDE, provider=telling),
    Screen("rewritten-narrow", "fake/one", rewritten, NARROW, "light", provider=telling),
    Screen("help", "demo/markdown", keys("f1", until="Keys"), WIDE),
    Screen("help-narrow", "demo/markdown", keys("f1", until="Keys"), NARROW),
    Screen("palette", "demo/markdown", keys("ctrl+p", until="New conversation"), WIDE),
    Screen("conversations", "demo/markdown", choosing("down", until="6 conv"), WIDE),
    Screen("conversations-light", "demo/markdown", choosing("down", until="6 conv"), theme="light"),
    Screen("conversations-terminal", "demo/markdown", choosing("down", until="6 conv"), theme="terminal"),
    Screen("conversations-narrow", "demo/markdown", choosing(until="6 conv"), NARROW),
    Screen("conversations-found", "demo/markdown", choosing(*"br", until="2 conv")),
    Screen("conversations-rename", "demo/markdown", choosing("down", "ctrl+r", until="takes the title")),
    Screen("models", "demo/slow", choosing_model("down"), WIDE),
    Screen("models-usual", "demo/slow", choosing_model()),
    Screen("models-light", "demo/slow", choosing_model("ctrl+t"), theme="light"),
    Screen("models-terminal", "demo/slow", choosing_model("down"), theme="terminal"),
    Screen("models-narrow", "demo/slow", choosing_model(), NARROW),
    Screen("models-offer", "demo/slow", choosing_model(*"cloud/new", until="as it is")),
    Screen("attaching", "demo/markdown", attaching),
    Screen("attaching-light", "demo/markdown", attaching, NARROW, "light"),
    Screen("attaching-terminal", "demo/markdown", attaching, NARROW, "terminal"),
    Screen("attached", "demo/cut", attached),
    Screen("answer-details", "fake/one", answer_details, NARROW, provider=telling),
    Screen("conversations-deleted", "demo/markdown", choosing("down", "ctrl+d", until="brings it back")),
    Screen("unsaved", "demo/markdown", unsaved),
    Screen("unsaved-narrow", "demo/markdown", unsaved, NARROW, "light"),
    Screen("details", "demo/error", details),
    Screen("confirm-link", "fake/one", link, provider=linking),
)


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
async def test_the_screen_is_as_it_was(tmp_path: Path, screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    provider = None if screen.provider is None else screen.provider()
    async with stage(
        screen.model,
        tmp_path,
        config=Config(theme=screen.theme),
        size=screen.size,
        provider=provider,
        first_run=screen.first_run,
    ) as on:
        await screen.act(on)
        await on.settle()
        shown = dump(on.screen)
    path = FOLDER / f"{screen.name}.txt"
    if IS_UPDATING:
        FOLDER.mkdir(exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    assert path.exists(), "CHAT_TUI_UPDATE=1 stores it"
    assert shown == path.read_text(encoding="utf-8")


def test_nothing_else_is_stored() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {screen.name for screen in SCREENS}
