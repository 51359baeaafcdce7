"""What opens above the conversation."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, ScreenResultType
from textual.widgets import Static


class PanelScreen(ModalScreen[ScreenResultType]):
    """One panel in the middle of what it darkens: a container of the class `panel`. The style sheet knows this
    class, so whatever is made from it looks the same."""


class TextPanel(PanelScreen[None]):
    """Something to read, in a panel as high as it is long: its title and its keys stay where they are."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss", "Close", show=False)]

    def __init__(self, title: str, text: Content, keys: str = "") -> None:
        """All clean. `keys`: what can be done here besides closing it."""
        super().__init__()
        self._panel_title = title
        self._text = text
        self._keys = keys

    def compose(self) -> ComposeResult:
        """Title, text, keys."""
        with Vertical(classes="panel"):
            yield Static(Content(self._panel_title), classes="panel-title", markup=False)
            with VerticalScroll(classes="panel-text"):
                yield Static(self._text, markup=False)
            hint = f"{self._keys} · Esc closes" if self._keys else "Esc closes"
            yield Static(hint, classes="panel-hint", markup=False)
