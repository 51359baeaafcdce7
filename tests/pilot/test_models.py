"""The picker: it is usable before everybody has answered, and takes what it does not know."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from textual import events
from textual.widgets import Input, OptionList

from chat_tui.core.errors import ConfigError
from chat_tui.ui.screens.models import ListedGroup, ModelsScreen, is_match
from tests.pilot.panels import HOSTILE, HOSTILE_VISIBLE, PanelApp, screen_text
from tests.support.waiting import wait_until


@dataclass(frozen=True)
class Model:
    id: str
    label: str = ""
    note: str = ""
    is_available: bool = True


@dataclass(frozen=True)
class Group:
    provider: str
    label: str = ""
    models: tuple[Model, ...] = ()
    problem: str = ""


LOCAL = Group("local", "On this machine", (Model("local/smollm2-135m", "SmolLM2 135M"),))
DEMO = Group("demo", "Demo", (Model("demo/slow"), Model("demo/cut", "breaks off", is_available=False)))
MINE = Group("mine", "mine", problem="No answer within 2 s.")


class Listing:
    """Gives the next group when told to."""

    def __init__(self, *groups: Group, fails_with: Exception | None = None, is_held: bool = False) -> None:
        self._groups = groups
        self._fails_with = fails_with
        self.gate = asyncio.Event()
        self.was_closed = False
        if not is_held:
            self.gate.set()

    async def __call__(self) -> AsyncIterator[ListedGroup]:
        try:
            for group in self._groups:
                yield group
            await self.gate.wait()
            if self._fails_with is not None:
                raise self._fails_with
            yield Group("late", "Late", (Model("late/model"),))
        finally:
            self.was_closed = True


async def shown(app: PanelApp, listing: Listing, until: str, current: str = "") -> OptionList:
    app.open_panel(ModelsScreen(listing, current))
    await wait_until(lambda: until in screen_text(app), what=until)
    return app.screen.query_one("#model-list", OptionList)


async def test_groups_models_and_problems_are_named() -> None:
    app = PanelApp()
    async with app.run_test(size=(100, 30)):
        await shown(app, Listing(LOCAL, DEMO, MINE), "late/model")
        text = screen_text(app)
        for part in (
            "On this machine",
            "local/smollm2-135m",
            "SmolLM2 135M",
            "mine",
            "No answer within 2 s.",
            "Late",
        ):
            assert part in text
        assert "3 models" in text


async def test_it_can_be_used_while_somebody_is_still_asked() -> None:
    app, listing = PanelApp(), Listing(LOCAL, is_held=True)
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(app, listing, "local/smollm2-135m")
        assert "looking for more" in screen_text(app)
        await pilot.press("enter")
        await wait_until(lambda: app.results == ["local/smollm2-135m"])
        await wait_until(lambda: listing.was_closed)


async def test_the_highlight_stays_when_more_arrives() -> None:
    app, listing = PanelApp(), Listing(LOCAL, DEMO, is_held=True)
    async with app.run_test(size=(100, 30)) as pilot:
        models = await shown(app, listing, "demo/slow", current="local/smollm2-135m")
        await pilot.press("down")
        highlighted = models.highlighted
        listing.gate.set()
        await wait_until(lambda: "late/model" in screen_text(app))
        assert models.highlighted == highlighted
        await pilot.press("enter")
        await wait_until(lambda: app.results == ["demo/slow"])


async def test_the_current_model_is_marked_and_highlighted() -> None:
    app = PanelApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(app, Listing(LOCAL, DEMO), "late/model", current="demo/slow")
        assert "● demo/slow" in screen_text(app)
        await pilot.press("enter")
        await wait_until(lambda: app.results == ["demo/slow"])


async def test_search_narrows_as_it_is_typed() -> None:
    app = PanelApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(app, Listing(LOCAL, DEMO, MINE), "late/model")
        await pilot.press(*"smol 135")
        await wait_until(lambda: "demo/slow" not in screen_text(app))
        assert "1 model" in screen_text(app)
        await pilot.press("enter")
        await wait_until(lambda: app.results == ["local/smollm2-135m"])


async def test_a_name_that_matches_nothing_is_taken_as_it_is() -> None:
    app = PanelApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(app, Listing(LOCAL), "late/model")
        await pilot.press(*"groq/new-one")
        await wait_until(lambda: "Use groq/new-one as it is" in screen_text(app))
        await pilot.press("enter")
        await wait_until(lambda: app.results == ["groq/new-one"])


async def test_what_is_not_available_is_shown_and_cannot_be_taken() -> None:
    app = PanelApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(app, Listing(DEMO, is_held=True), "demo/cut")
        await pilot.press("down", "enter")
        await wait_until(lambda: app.results == ["demo/slow"])


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (ConfigError("providers.x is broken.", "Mend it."), "providers.x is broken. Mend it."),
        (OSError(HOSTILE), "Listing"),
    ],
)
async def test_a_listing_that_fails_says_so_and_still_takes_a_name(failure: Exception, words: str) -> None:
    app = PanelApp()
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await shown(app, Listing(LOCAL, fails_with=failure), words)
        await pilot.press(*"a/b", "enter")
        await wait_until(lambda: app.results == ["a/b"])


@pytest.mark.parametrize("key", ["escape", "f2"])
async def test_it_closes_without_a_choice(key: str) -> None:
    app, listing = PanelApp(), Listing(LOCAL, is_held=True)
    async with app.run_test(size=(60, 20)) as pilot:
        await shown(app, listing, "local/smollm2-135m")
        await pilot.press("down", "up", "pagedown", "pageup", key)
        await wait_until(lambda: app.results == [None])
        await wait_until(lambda: listing.was_closed)


async def test_a_click_takes() -> None:
    app = PanelApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(app, Listing(LOCAL), "late/model")
        await pilot.click("#model-list", offset=(4, 3))
        await wait_until(lambda: app.results == ["late/model"])


async def test_hostile_names_are_text() -> None:
    app = PanelApp()
    hostile = Group(HOSTILE, HOSTILE, (Model("evil/" + HOSTILE, HOSTILE, HOSTILE),), HOSTILE)
    async with app.run_test(size=(200, 30), notifications=True) as pilot:
        await shown(app, Listing(hostile, is_held=True), HOSTILE_VISIBLE)
        text = screen_text(app)
        assert text.count(HOSTILE_VISIBLE) >= 3
        assert "\x1b" not in text
        assert "\u202e" not in text
        search = app.screen.query_one("#model-search", Input)
        search.post_message(events.Paste(HOSTILE + "\nsecond line"))
        await wait_until(lambda: search.value.endswith("second line"))
        assert "\x1b" not in search.value
        await wait_until(lambda: "as it is" in screen_text(app))
        await pilot.press("escape")
        assert app.is_running


def test_every_word_has_to_be_somewhere() -> None:
    model = Model("ollama/Llama-3:8B", "Llama 3 by Meta")
    assert is_match(model, "")
    assert is_match(model, "META llama-3")
    assert not is_match(model, "llama qwen")


async def test_what_was_copied_in_here_is_pasted_clean() -> None:
    app = PanelApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(app, Listing(LOCAL), "late/model")
        app.copy_to_clipboard("x\x1b[2Jy\nz")
        search = app.screen.query_one("#model-search", Input)
        search.focus()
        await pilot.press("ctrl+v")
        await wait_until(lambda: bool(search.value), what="the paste")
        assert search.value == "x␛[2Jy z"
