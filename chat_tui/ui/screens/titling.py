"""Titles from a model, asked for beside the turns: never while one runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.worker import Worker

if TYPE_CHECKING:
    from chat_tui.session.titles import Titles
    from chat_tui.ui.screens.turns import TurnScreen


class Titling:
    """Belongs to one screen. `model` is asked; nobody when it is empty."""

    def __init__(self, screen: TurnScreen, model: str) -> None:
        self._screen = screen
        self._model = model
        self._titles: Titles | None = None
        self._worker: Worker[None] | None = None

    def want(self) -> None:
        """A turn has ended: its conversation may need a title."""
        if not self._model:
            return
        screen = self._screen
        if self._titles is None:
            from chat_tui.session.titles import Titles

            self._titles = Titles(screen.session, self._model, screen.show_title, screen.transcript.add_notice)
        self._titles.note(screen.session.conversation)
        if self._titles.is_waiting and not self._titles.is_asking and not screen.session.is_running:
            self._worker = screen.run_worker(self._titles.run(), group="titles", exit_on_error=False)

    def stop(self) -> None:
        """A turn begins: it is not to wait for a title, which is asked for again behind it."""
        if self._worker is not None:
            self._worker.cancel()
            self._worker = None

    def give_up(self) -> None:
        """The program ends: nobody is asked any more."""
        self._model = ""
        self.stop()
