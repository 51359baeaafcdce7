"""The numbers of one's own: how fast which model has answered here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from chat_tui.core.sanitize import clean

LINE_CELLS = 76
"""A panel is 80 cells wide, two of them on each side are its margin."""


class StatisticsScreen(ModalScreen[None]):
    """Read-only lines, made for `LINE_CELLS`."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss", "Close", show=False)]

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__()
        self._lines = lines

    def compose(self) -> ComposeResult:
        """Title and lines."""
        with Vertical(classes="panel"):
            yield Static("Your answers so far", classes="panel-title", markup=False)
            with VerticalScroll(id="statistics-text"):
                yield Static(Content(clean("\n".join(self._lines))), markup=False)
            yield Static("Esc closes", classes="panel-hint", markup=False)
