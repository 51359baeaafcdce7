"""The numbers of one's own: how fast which model has answered here."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from chat_tui.core.sanitize import clean
from chat_tui.ui.screens.panel import TextPanel

LINE_CELLS = 76
"""A panel is 80 cells wide, two of them on each side are its margin."""


class StatisticsScreen(TextPanel):
    """Lines made for `LINE_CELLS`."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("Your answers so far", Content(clean("\n".join(lines))))
