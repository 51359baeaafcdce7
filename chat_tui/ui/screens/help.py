"""Keys and commands, read from the one table of actions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from chat_tui.ui.keys import ACTIONS, Scope, key_label
from chat_tui.ui.screens.panel import PanelScreen

_SECTIONS = (
    (Scope.COMPOSER, "In the composer"),
    (Scope.TRANSCRIPT, "In the messages"),
    (Scope.MODELS, "In the list of models (F2)"),
    (Scope.EVERYWHERE, "Everywhere"),
)
_KEYS_WIDTH = 18


def help_rows() -> Iterator[tuple[str, str]]:
    """(keys, what they do), section by section; a section's title comes with empty keys."""
    for scope, title in _SECTIONS:
        yield "", title
        for row in ACTIONS:
            if row.scope is scope:
                yield "  ".join(key_label(key) for key in row.keys), row.help
    yield "", "Commands"
    for row in ACTIONS:
        if row.command:
            yield f"/{row.command}", row.title


def help_table() -> Table:
    """The same as two columns that wrap."""
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(width=_KEYS_WIDTH)
    table.add_column(ratio=1)
    is_first = True
    for keys, text in help_rows():
        if keys:
            table.add_row(Text(keys), Text(text, style="dim"))
            continue
        if not is_first:
            table.add_row()
        table.add_row(Text(text, style="bold"))
        is_first = False
    return table


class HelpScreen(PanelScreen[None]):
    """F1 and /help."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q", "dismiss", "Close", show=False),
        Binding("j", "scroll_help(1)", show=False),
        Binding("k", "scroll_help(-1)", show=False),
    ]

    def compose(self) -> ComposeResult:
        """A title, the table in a scroll, a line of hints."""
        with Vertical(classes="panel"):
            yield Static("Keys and commands", classes="panel-title", markup=False)
            with VerticalScroll(id="help-text"):
                yield Static(help_table(), markup=False)
            yield Static("↑ ↓ scroll · Esc closes", classes="panel-hint", markup=False)

    def action_scroll_help(self, lines: int) -> None:
        """Down for positive `lines`."""
        self.query_one("#help-text", VerticalScroll).scroll_relative(y=lines, animate=False)
