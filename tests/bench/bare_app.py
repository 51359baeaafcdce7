"""The least that Textual can be: one Input. What a start costs before anything is ours."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Input


class BareApp(App[None]):
    """Echoes keys."""

    def compose(self) -> ComposeResult:
        """The one widget."""
        yield Input()


if __name__ == "__main__":
    BareApp().run()
