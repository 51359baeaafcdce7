"""The line above the composer while something is searched for: the words, how many there are, what keys do now."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from chat_tui.core.find import MAX_WORDS_CHARS
from chat_tui.core.sanitize import clean
from chat_tui.ui.messages import FocusMoved, MatchWanted, SearchKept, WordsChanged
from chat_tui.ui.widgets.line_input import LineInput

_TYPING_HINTS, _KEPT_HINTS = "↑ ↓ move  Enter keep", "n next  N previous"
_ROOMY_CELLS = 48


def count_text(number: int | None, total: int, *, is_counted: bool, is_looking: bool) -> str:
    """Which match of how many: "3 of 17", "3 of 17+" as long as they are counted, "17 found" as long as it is not
    known which, "nothing found"."""
    if total == 0 and number is None:
        return "looking …" if is_looking or not is_counted else "nothing found"
    count = f"{total:,}" if is_counted else f"{total:,}+"
    return f"{count} found" if number is None else f"{number:,} of {count}"


def hints(width: int, *, is_typing: bool) -> str:
    """What keys do, where there is room for it in `width` cells beside words and count; Esc has its own place."""
    if width < _ROOMY_CELLS:
        return ""
    return _TYPING_HINTS if is_typing else _KEPT_HINTS


class FindInput(LineInput):
    """The words. What would move in a list of suggestions moves between matches."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Previous match", show=False),
        Binding("down", "move(1)", "Next match", show=False),
        Binding("shift+enter", "move(-1)", "Previous match", show=False),
    ]

    def action_move(self, step: int) -> None:
        """To another match."""
        self.post_message(MatchWanted(step))


class FindBar(Horizontal):
    """Hidden until it is opened. It searches nothing itself."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.input = FindInput(
            placeholder="words in this conversation", max_length=MAX_WORDS_CHARS, compact=True, id="find-words"
        )
        self.input.cursor_blink = False
        self._count = Static("", id="find-count", markup=False)
        self._hints = Static("", id="find-hints", markup=False)
        self.display = False

    @property
    def is_open(self) -> bool:
        """Whether it is on the screen."""
        return bool(self.display)

    @property
    def is_typing(self) -> bool:
        """Whether keys go into the words."""
        return self.input.has_focus

    @property
    def count(self) -> str:
        """What it says about the matches."""
        return str(self._count.content)

    def open(self, words: str) -> None:
        """Show it, with words that the next key replaces."""
        if not self.input.is_attached:
            self.mount(Static("Find", id="find-label", markup=False), self.input, self._count, self._hints)
        self.display = True
        with self.prevent(Input.Changed):
            self.input.value = clean(words).replace("\n", " ")
        self.input.select_all()
        self.input.focus()

    def close(self) -> None:
        """Take it off the screen."""
        self.display = False

    def show_count(self, text: str) -> None:
        """Say which match of how many this is."""
        if text != self.count:
            self._count.update(Content(text))

    def show_matches(self, number: int | None, total: int, *, is_counted: bool, is_looking: bool) -> None:
        """The same from the numbers."""
        self.show_count(count_text(number, total, is_counted=is_counted, is_looking=is_looking))

    @on(Input.Changed)
    def words_changed(self, event: Input.Changed) -> None:
        """Search while it is typed."""
        event.stop()
        self.post_message(WordsChanged(event.value))

    @on(Input.Submitted)
    def submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        event.stop()
        self.post_message(SearchKept())

    def on_resize(self) -> None:
        """Hints are what gives way."""
        self._show_hints()

    def on_descendant_focus(self) -> None:
        """Keys mean something else now."""
        self._show_hints()
        self.post_message(FocusMoved())

    def on_descendant_blur(self) -> None:
        """Keys mean something else now."""
        self._show_hints()
        self.post_message(FocusMoved())

    def _show_hints(self) -> None:
        self._hints.update(Content(hints(self.size.width, is_typing=self.is_typing)))
