"""The line below the title that stands as long as something is so: what is not saved, and why."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from chat_tui.core.sanitize import clean_line

MAX_CHARS = 300


class Banner(Static):
    """Not there while there is nothing to say. The sentence may come from anywhere: it is cleaned here."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__("", id=id, markup=False)
        self._sentence = ""
        self.display = False

    @property
    def sentence(self) -> str:
        """What it says; empty while it is not there."""
        return self._sentence

    def show(self, sentence: str) -> None:
        """Say this from now on; nothing when it is empty."""
        sentence = clean_line(sentence, MAX_CHARS)
        if sentence != self._sentence:
            self._sentence = sentence
            self.update(Content(sentence))
            self.display = bool(sentence)
