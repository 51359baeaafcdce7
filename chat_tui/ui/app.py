"""The application: themes, life, signals and the way out when something breaks.

What Textual 8.2 leaves to do [measured]: SIGTERM, SIGHUP and SIGQUIT kill without restoring the terminal; a crash
prints local variables and exits with 0; an end of file on stdin spins. All three are handled here.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.console import RenderableType
from textual import on
from textual.app import App
from textual.binding import BindingType
from textual.driver import Driver
from textual.filter import LineFilter
from textual.theme import Theme

from chat_tui.config.load import LoadedConfig
from chat_tui.core.sanitize import clean
from chat_tui.session.session import ChatSession
from chat_tui.ui.guard import ControlFilter, install_guard
from chat_tui.ui.messages import InputEnded
from chat_tui.ui.palette import ActionsProvider
from chat_tui.ui.screens.chat import ChatScreen
from chat_tui.ui.theme import THEMES
from chat_tui.ui.widgets.terminal_rows import TerminalRows

if TYPE_CHECKING:
    from chat_tui.session.attachments import Attachment
    from chat_tui.session.turn_runner import TurnRunner

HANG_UP_EXIT_CODE = 129
EXIT_CODES = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": HANG_UP_EXIT_CODE, "SIGQUIT": 131}
_CONTROL_FILTER = ControlFilter()
"""One for all: rows are cached per filter object."""


class ChatApp(App[None]):
    """One screen; everything else is on top of it."""

    TITLE = "chat-tui"
    CSS_PATH: ClassVar = ["styles/app.tcss", "styles/panels.tcss"]
    COMMANDS: ClassVar = {ActionsProvider}
    BINDINGS: ClassVar[list[BindingType]] = []
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self, session: ChatSession, loaded: LoadedConfig, *, first_run: bool = False, resume: str = ""
    ) -> None:
        # Before Textual asks for it: what is set later is styled, laid out and painted twice.
        self.set_reactive(ChatApp.theme, "terminal" if os.environ.get("NO_COLOR") else loaded.config.theme)
        super().__init__(driver_class=_driver_class())
        self.session = session
        self.crash: BaseException | None = None
        self._unfinished: TurnRunner | None = None
        self.animation_level = "none"  # nothing moves but what carries information
        self.chat = ChatScreen(session, loaded, first_run=first_run)
        self.chat.resume = resume

    @property
    def available_themes(self) -> dict[str, Theme]:
        """Textual's and ours."""
        return super().available_themes | {name: theme.textual for name, theme in THEMES.items()}

    def get_default_screen(self) -> ChatScreen:
        """The chat itself, not an empty screen below it."""
        return self.chat

    def get_line_filters(self) -> Sequence[LineFilter]:
        """The last place before the terminal that every row of every widget passes."""
        return (*super().get_line_filters(), _CONTROL_FILTER)

    def on_mount(self) -> None:
        """Signals first: from here on every way out restores the terminal."""
        loop = asyncio.get_running_loop()

        def tell(problem: str) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self.chat.show_problem, problem)

        self.session.journal.on_problem = tell
        if not self.is_headless:
            for name, code in EXIT_CODES.items():
                with contextlib.suppress(NotImplementedError, AttributeError):  # Windows has neither
                    loop.add_signal_handler(getattr(signal, name), self._leave, code)
        if sys.platform != "win32":
            from chat_tui.ui.driver import driver_of

            if (driver := driver_of(self)) is not None:
                for widget in (self.chat.transcript, self.chat.status_bar):
                    widget.paint_on(TerminalRows(driver, self))

    def on_app_focus(self) -> None:
        """The terminal is looked at."""
        self.chat.painter.set_focused(is_focused=True)

    def on_app_blur(self) -> None:
        """The reader is elsewhere, though the terminal may still be in sight."""
        self.chat.painter.set_focused(is_focused=False)

    def _leave(self, code: int) -> None:
        self.exit(return_code=code)

    def exit(self, result: None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """Stop what runs and go; all of it synchronous, because the loop may not get far any more."""
        self._stop_turn()
        super().exit(result, return_code, message)

    def _stop_turn(self) -> None:
        runner = self.session.runner
        if runner is not None and runner.is_running:
            self._unfinished = runner
            runner.cancel()
        with contextlib.suppress(Exception):  # after a crash, anything may be broken
            self.chat.save_last_draft()

    @on(InputEnded)
    def leave_for_good(self) -> None:
        """A terminal that went without a word (nohup) is an end like a hang-up."""
        self._leave(HANG_UP_EXIT_CODE)

    async def on_unmount(self) -> None:
        """Nothing of ours outlives the screen."""
        await self.session.aclose()

    def unfinished_words(self) -> str:
        """An answer cut off by leaving, and a draft when it was not left on purpose: cleaned, for the shell."""
        parts: list[str] = []
        if (
            self._unfinished is not None
            and (text := self._unfinished.partial + self._unfinished.state.text).strip()
        ):
            parts.append(clean(text))
        if self.return_code and (draft := self.chat.unsent).strip():
            parts.append(f"Your draft:\n{draft}")
        return "\n\n".join(parts)

    def _fatal_error(self) -> None:
        """Textual 8.2.8 would print a traceback with local variables, keys among them: the crash is kept for
        `run`, which writes a log without them."""
        self.crash = sys.exc_info()[1]
        self._stop_turn()
        self._close_messages_no_wait()


def _driver_class() -> type[Driver] | None:
    """Ours where there are Unix terminals, else Textual's choice."""
    if sys.platform == "win32":
        return None
    from chat_tui.ui.driver import ChatDriver

    return ChatDriver


@dataclass(frozen=True, slots=True)
class Departure:
    """How the screen was left. `words` is what would be lost with it: an unfinished answer, a draft."""

    exit_code: int
    words: str = ""
    crash: BaseException | None = None


def run(
    session: ChatSession,
    loaded: LoadedConfig,
    first_run: bool,
    resume: str = "",
    attached: tuple[Attachment, ...] = (),
) -> Departure:
    """Open the chat and stay until it is left. `resume`: the conversation to begin with, see `ChatScreen`;
    `attached` goes with the first question."""
    install_guard()
    app = ChatApp(session, loaded, first_run=first_run, resume=resume)
    app.chat.begin_with = attached
    app.run()
    session.left(is_crash=app.crash is not None)
    return Departure(app.return_code or 0, app.unfinished_words(), app.crash)
