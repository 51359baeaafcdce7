"""The one screen: reading what is there. Moving, jumping, folding, copying, links; nothing is sent by it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from textual import on, work

from chat_tui.config.load import LoadedConfig
from chat_tui.core.conversation import Message, Role
from chat_tui.core.files import attached_label
from chat_tui.session.session import ChatSession
from chat_tui.ui.clipboard import Clipboard
from chat_tui.ui.keys import key_label
from chat_tui.ui.messages import CopyRequested, LinkChosen
from chat_tui.ui.render.block_pieces import BlockPiece
from chat_tui.ui.render.rows import MAX_ROW_CELLS
from chat_tui.ui.screens.finding import FindingScreen
from chat_tui.ui.widgets.reading_view import SHIFT_CELLS

_MAY_HAVE_CODE = re.compile(r"```|~~~|^(?:[^\w\n]|\d+[.)])*(?: {4}|\t)", re.MULTILINE)
"""A fence, or a line that is indented, behind a list marker or a quote sign too."""


@dataclass(frozen=True, slots=True)
class _CodeJump:
    """The code block the reader has gone to: block `number` (from 0) of a message, and where the view then was."""

    message_id: int
    number: int
    piece_index: int
    top: tuple[int, int, int] | None


class ReadingScreen(FindingScreen):
    """What a person can do with the messages."""

    def __init__(self, session: ChatSession, loaded: LoadedConfig, *, first_run: bool = False) -> None:
        super().__init__(session, loaded, first_run=first_run)
        self._clipboard = Clipboard(self._write_osc52, os.environ)
        self._code_jump: _CodeJump | None = None

    # -- looking around --------------------------------------------------------------------------

    def action_switch_focus(self) -> None:
        """Composer ↔ messages."""
        (self.transcript if self.prompt.has_focus or self.is_typing_words else self.prompt).focus()

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

    def action_top_if_empty(self) -> None:
        """Home, where it has nothing to do in the composer."""
        if not self.prompt.text:
            self.action_scroll_top()

    def action_end_if_empty(self) -> None:
        """End, where it has nothing to do in the composer."""
        if not self.prompt.text:
            self.action_scroll_end()

    def action_go_top(self) -> None:
        """The beginning."""
        self.action_scroll_top()

    def action_go_end(self) -> None:
        """The end, and follow."""
        self.action_scroll_end()

    def action_half_page_up(self) -> None:
        """Half a page up; the view stays there."""
        self._scroll(-max(1, self.transcript.size.height // 2))

    def action_half_page_down(self) -> None:
        """Half a page down."""
        self._scroll(max(1, self.transcript.size.height // 2))

    def action_line_up(self) -> None:
        """A line up; the view stays there."""
        self._scroll(-1)

    def action_line_down(self) -> None:
        """A line down."""
        self._scroll(1)

    def _scroll(self, rows: int) -> None:
        self.transcript.scroll_relative(y=rows, animate=False)

    def action_toggle_wrap(self) -> None:
        """Wrap what is wide, or keep it whole."""
        self.transcript.toggle_wrap()
        if self.transcript.is_wrapped:
            self.say("Long lines are wrapped.")
        else:
            self.say("Long lines stay whole; ← and → move along them.")

    def action_shift_right(self) -> None:
        """See what is further right of wide lines and tables."""
        self._shift(SHIFT_CELLS)

    def action_shift_left(self) -> None:
        """And back."""
        self._shift(-SHIFT_CELLS)

    def action_shift_home(self) -> None:
        """Back to the beginning of wide lines."""
        self._shift(-MAX_ROW_CELLS)

    def _shift(self, cells: int) -> None:
        if not self.transcript.shift(cells):
            wrapped = " Long lines are wrapped; w keeps them whole." if self.transcript.is_wrapped else ""
            self.say(f"Nothing in view is wider than the screen.{wrapped}")

    def action_toggle_reasoning(self) -> None:
        """Fold or unfold what the model thought."""
        self.transcript.toggle_reasoning()

    # -- jumping ---------------------------------------------------------------------------------

    def action_last_answer(self) -> None:
        """The top of the last answer; the view stays there while it grows."""
        answer = next((m for m in reversed(self._path()) if m.role is Role.ASSISTANT), None)
        if answer is None:
            self.say("There is no answer yet.")
            return
        self._jump(answer.id, 0)

    def action_code_below(self) -> None:
        """The next code block further down."""
        self._jump_to_code(1)

    def action_code_above(self) -> None:
        """The next code block further up."""
        self._jump_to_code(-1)

    def _jump(self, message_id: int, piece_index: int) -> None:
        """Bring a piece to the top of the view, without the gap above it."""
        transcript = self.transcript
        if piece_index >= len(transcript.pieces_of(message_id)):
            return
        if transcript.pieces_of(message_id)[piece_index].is_hidden:
            transcript.unfold(message_id)
        rows = transcript.rows_of(message_id, piece_index)
        transcript.mark(message_id)
        transcript.reveal(message_id, piece_index, int(bool(rows) and not rows[0].text.strip()), align="top")

    def _jump_to_code(self, step: int) -> None:
        """From the block the reader has gone to if the view is still there, else from the top of the view."""
        transcript, last = self.transcript, self._code_jump
        top = transcript.place_at(0)
        start = top
        if last is not None and last.top == top:
            start = (last.message_id, last.piece_index, 0)
        place = None if start is None else self._code_from(start, step)
        if place is None:
            self.say(f"No code block further {'down' if step > 0 else 'up'}.")
            return
        message_id, piece_index = place
        self._jump(message_id, piece_index)
        starts = self._code_starts(message_id)
        number = starts.index(piece_index)
        self._code_jump = _CodeJump(message_id, number, piece_index, transcript.place_at(0))
        self.say(f"Code block {number + 1} of {len(starts)} in this message. {key_label('Y')} copies it.")

    def _code_from(self, start: tuple[int, int, int], step: int) -> tuple[int, int] | None:
        """Message and piece of the next code block beyond a place, which may be in the middle of one."""
        message_id, piece_index, row = start
        ids = list(self.transcript.message_ids)
        at = ids.index(message_id)
        for other in ids[at:] if step > 0 else ids[at::-1]:
            for index in self._code_starts(other)[::step]:
                is_beyond = other != message_id or (index - piece_index) * step > 0
                if is_beyond or (step < 0 and index == piece_index and row > 1):
                    return other, index
        return None

    def _code_starts(self, message_id: int) -> list[int]:
        """The pieces of a message that code blocks begin with. A message without code is not taken apart for it."""
        message = self._settled_message(message_id)
        if message is not None and not _MAY_HAVE_CODE.search(message.text + message.reasoning):
            return []
        pieces = self.transcript.pieces_of(message_id)
        return [i for i, piece in enumerate(pieces) if isinstance(piece, BlockPiece) and piece.is_code_start]

    def _path(self) -> tuple[Message, ...]:
        return self.session.conversation.path()

    # -- copying and links -----------------------------------------------------------------------

    def action_copy_message(self) -> None:
        """The source of the message under the cursor, else of the last answer; files are named below it."""
        message = self._current_message()
        if message is None or not message.text:
            self.say("There is no message to copy.")
        else:
            named = "\n".join(f"Attached: {attached_label(file)}" for file in message.files)
            self.copy(f"{message.text}\n\n{named}" if named else message.text)

    def action_copy_code(self) -> None:
        """The code block gone to, else the last one of the message under the cursor."""
        message = self._current_message()
        codes = [] if message is None else self.transcript.codes(message.id)
        if message is not None and codes:
            self.copy(codes[self._wanted_code(message, codes)])
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

    def _wanted_code(self, message: Message, codes: list[str]) -> int:
        jump = self._code_jump
        is_gone_to = jump is not None and jump.message_id == message.id and jump.top == self.transcript.place_at(0)
        return jump.number if jump is not None and is_gone_to and jump.number < len(codes) else -1

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
        from chat_tui.ui.screens.confirm_link import ConfirmLink

        self.app.push_screen(ConfirmLink(event.target))

    def _write_osc52(self, text: str) -> None:
        self.app.copy_to_clipboard(text)
