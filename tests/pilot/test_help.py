"""Help lists every action, opens above, and goes away again."""

from __future__ import annotations

import pytest
from textual.containers import VerticalScroll

from chat_tui.ui.keys import ACTIONS, key_label
from chat_tui.ui.screens.help import HelpScreen, help_rows
from tests.pilot.panels import PanelApp, screen_text
from tests.support.waiting import wait_until


def test_every_action_and_command_is_there() -> None:
    rows = list(help_rows())
    for row in ACTIONS:
        assert any(row.help == text and all(key_label(key) in keys for key in row.keys) for keys, text in rows)
        if row.command:
            assert (f"/{row.command}", row.title) in rows
    assert [text for keys, text in rows if not keys][-1] == "Commands"


@pytest.mark.parametrize("key", ["escape", "f1", "q"])
async def test_it_closes(key: str) -> None:
    app = PanelApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.open_panel(HelpScreen())
        await wait_until(lambda: isinstance(app.screen, HelpScreen))
        await pilot.press(key)
        await wait_until(lambda: not isinstance(app.screen, HelpScreen))
        assert app.results == [None]


@pytest.mark.parametrize("size", [(120, 36), (60, 20)])
async def test_it_scrolls_to_its_end(size: tuple[int, int]) -> None:
    app = PanelApp()
    async with app.run_test(size=size) as pilot:
        app.open_panel(HelpScreen())
        await wait_until(lambda: "Keys and commands" in screen_text(app))
        scroll = app.screen.query_one("#help-text", VerticalScroll)
        await pilot.press("j")
        assert scroll.scroll_offset.y == 1
        await pilot.press("k", "end")
        await wait_until(lambda: "/end" in screen_text(app))
        assert "Esc closes" in screen_text(app)
