"""An app to open one panel in, with everything on that could execute a hostile text."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Any, ClassVar

from textual.app import App
from textual.screen import Screen

import chat_tui.ui.keys as keys_module

STYLES: list[str | PurePath] = [
    Path(keys_module.__file__).parent / "styles" / name for name in ("app.tcss", "panels.tcss")
]
HOSTILE = "x [/red] [@click=app.quit]y[/] [b \x1b]52;c;eA==\x07\u202e"
HOSTILE_VISIBLE = "x [/red] [@click=app.quit]y[/] [b"


class PanelApp(App[None]):
    """Collects what the panel is dismissed with."""

    CSS_PATH: ClassVar = STYLES

    def __init__(self) -> None:
        super().__init__()
        self.results: list[Any] = []

    def open_panel(self, screen: Screen[Any]) -> None:
        """On top of the empty default screen."""
        self.push_screen(screen, self.results.append)


def screen_text(app: App[Any]) -> str:
    """What can be read on the screen now, row by row."""
    width, height = app.size
    compositor = app.screen._compositor  # Textual 8.2.8 has no public way to read the composed screen
    compositor.reflow(app.screen, app.size)
    rows = ["".join(segment.text for segment in strip) for strip in compositor.render_strips()]
    assert len(rows) <= height
    return "\n".join(row[:width].rstrip() for row in rows)
