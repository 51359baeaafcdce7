"""The one screen, second third: reading what is there. Moving, folding, copying, links; nothing is sent by it."""

from __future__ import annotations

import os

from textual import on, work

from chat_tui.config.load import LoadedConfig
from chat_tui.core.conversation import Message, Role
from chat_tui.session.session import ChatSession
from chat_tui.ui.clipboard import Clipboard
from chat_tui.ui.messages import CopyRequested, LinkChosen
from chat_tui.ui.screens.confirm_link import ConfirmLink
from chat_tui.ui.screens.turns import TurnScreen


class ReadingScreen(TurnScreen):
    """What a person can do with the messages."""

    def __init__(self, session: ChatSession, loaded: LoadedConfig, *, first_run: bool = False) -> None:
        super().__init__(session, loaded, first_run=first_run)
        self._clipboard = Clipboard(self._write_osc52, os.environ)

    # -- looking around --------------------------------------------------------------------------

    def action_switch_focus(self) -> None:
        """Composer ↔ messages."""
        (self.transcript if self.prompt.has_focus else self.prompt).focus()

    def action_cursor_up(self) -> None:
        """The message above."""
        self.transcript.move_cursor(-1)

    def action_cursor_down(self) -> None:
        """The message below."""
        self.transcript.move_cursor(1)

    def action_scroll_page_up(self) -> None:
        """A page up; the view stays there."""
        self.transcript.scroll_page_up(animate=False)

    def action_scroll_page_down(self) -> None:
        """A page down."""
        self.transcript.scroll_page_down(animate=False)

    def action_scroll_top(self) -> None:
        """The beginning."""
        self.transcript.scroll_home(animate=False)

    def action_scroll_end(self) -> None:
        """The end, and follow."""
        self.transcript.follow()

    def action_toggle_reasoning(self) -> None:
        """Fold or unfold what the model thought."""
        self.transcript.toggle_reasoning()

    # -- copying and links -----------------------------------------------------------------------

    def action_copy_message(self) -> None:
        """The source of the message under the cursor, else of the last answer."""
        message = self._current_message()
        if message is None or not message.text:
            self.say("There is no message to copy.")
        else:
            self.copy(message.text)

    def action_copy_code(self) -> None:
        """The last code block of the message under the cursor."""
        message = self._current_message()
        codes = [] if message is None else self.transcript.codes(message.id)
        if codes:
            self.copy(codes[-1])
        else:
            self.say("There is no code block in this message.")

    def copy_code_number(self, argument: str) -> None:
        """/copy N."""
        message = self._current_message()
        blocks = [] if message is None else self.transcript.codes(message.id)
        if not argument.isdecimal() or not 1 <= int(argument) <= len(blocks):
            self.say(f"/copy N takes a code block by its number; this message has {len(blocks)}.")
        else:
            self.copy(blocks[int(argument) - 1])

    def _current_message(self) -> Message | None:
        path = self.session.conversation.path()
        if self.transcript.has_focus:
            return next((m for m in path if m.id == self.transcript.marked_id), None)
        return next((m for m in reversed(path) if m.role is Role.ASSISTANT), None)

    @on(CopyRequested)
    def copy_requested(self, event: CopyRequested) -> None:
        """A copy label was clicked."""
        self.copy(event.text)

    @work(group="copy", exit_on_error=False)
    async def copy(self, text: str) -> None:
        """Copy and say which way it went."""
        self.say(await self._clipboard.copy(text))

    @on(LinkChosen)
    def confirm_link(self, event: LinkChosen) -> None:
        """Nothing is opened before the reader has seen the whole target and agreed."""
        self.app.push_screen(ConfirmLink(event.target))

    def _write_osc52(self, text: str) -> None:
        self.app.copy_to_clipboard(text)
