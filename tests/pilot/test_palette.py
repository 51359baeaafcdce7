"""The command palette: actions of the table, entries of the screen, names that are only names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.command import CommandList, CommandPalette, Provider
from textual.screen import Screen
from textual.widgets import Label

import chat_tui.ui.palette as palette_module
from chat_tui.ui.keys import ACTIONS
from chat_tui.ui.palette import ActionsProvider, PaletteEntry
from tests.pilot.panels import HOSTILE_VISIBLE
from tests.support.waiting import wait_until


class FedScreen(Screen[None]):
    """Has one action of the table and two entries of its own."""

    ran: ClassVar[list[str]] = []

    def compose(self) -> ComposeResult:
        yield Label("below", markup=False)

    def action_help(self) -> None:
        self.ran.append("help")

    def palette_entries(self) -> Iterable[PaletteEntry]:
        yield PaletteEntry("Theme: light", "now dark", lambda: self.ran.append("light"))
        yield PaletteEntry(f"Model: {HOSTILE_VISIBLE}", HOSTILE_VISIBLE, lambda: self.ran.append("hostile"))


class PaletteApp(App[None]):
    CSS_PATH = Path(palette_module.__file__).parent / "styles" / "app.tcss"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {ActionsProvider}

    def on_mount(self) -> None:
        FedScreen.ran.clear()
        self.push_screen(FedScreen())


def prompts(app: App[None]) -> list[str]:
    if not isinstance(app.screen, CommandPalette):
        return []
    return [str(option.prompt) for option in app.screen.query_one(CommandList).options]


async def test_it_lists_the_table_and_the_screens_own_entries() -> None:
    app = PaletteApp()
    async with app.run_test(size=(100, 40), notifications=True) as pilot:
        await pilot.press("ctrl+p")
        await wait_until(lambda: len(prompts(app)) > 2)
        listed = prompts(app)
        expected = [row.title for row in ACTIONS if row.is_in_palette]
        assert [line.split("  ")[0] for line in listed[: len(expected)]] == expected
        assert listed[-2].startswith("Theme: light")
        assert HOSTILE_VISIBLE in listed[-1]


async def test_choosing_runs_the_action() -> None:
    app = PaletteApp()
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.press("ctrl+p", *"help")
        await wait_until(lambda: bool(prompts(app)) and prompts(app)[0].startswith("Help"))
        await pilot.press("enter")
        await wait_until(lambda: FedScreen.ran == ["help"])


async def test_a_hostile_name_can_be_searched_and_chosen() -> None:
    app = PaletteApp()
    async with app.run_test(size=(100, 40), notifications=True) as pilot:
        await pilot.press("ctrl+p", *"x [/red]")
        await wait_until(lambda: len(prompts(app)) == 1 and HOSTILE_VISIBLE in prompts(app)[0])
        await pilot.press("enter")
        await wait_until(lambda: FedScreen.ran == ["hostile"])
        assert app.is_running
