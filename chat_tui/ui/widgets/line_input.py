"""One line to type in, whose pastes are clean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events
from textual.widgets import Input

from chat_tui.core.sanitize import clean_line

if TYPE_CHECKING:
    from textual import getters
    from textual.app import App


class LineInput(Input):
    """An input that takes one clean line of what is pasted, cut at its `max_length` if it has one."""

    if TYPE_CHECKING:
        app = getters.app(App[object])  # Textual leaves the parameter open

    async def on_paste(self, event: events.Paste) -> None:
        """From the terminal."""
        event.stop()
        event.prevent_default()
        self._insert(event.text)

    def action_paste(self) -> None:
        """From this program: what was copied in it may be an answer, and answers are not trusted."""
        self._insert(self.app.clipboard)

    def _insert(self, text: str) -> None:
        limit_chars = self.max_length  # 0: has none
        self.insert_text_at_cursor(clean_line(text, limit_chars) if limit_chars else clean_line(text))
