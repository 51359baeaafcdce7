"""The one screen: the last answer again or further, and a conversation's branches.

Nothing here overwrites anything: what is asked again, edited or rewritten stands beside what was there. An edit
changes nothing before Enter: what it takes off the screen is still the conversation, and Esc shows it again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textual import on
from textual.content import Content

from chat_tui.config.load import LoadedConfig
from chat_tui.core.commands import escape
from chat_tui.core.conversation import FilePart, Message, Role
from chat_tui.core.errors import ChatError
from chat_tui.core.outcome import Phase
from chat_tui.session.session import ChatSession
from chat_tui.ui.messages import VersionChosen
from chat_tui.ui.screens.reading import ReadingScreen

if TYPE_CHECKING:
    from chat_tui.session.attachments import Attachment
    from chat_tui.session.turn_runner import TurnRunner

ESCAPE_TWICE_S = 1.0

MAX_REWRITE_CHARS = 150_000
"""The composer takes in so much without a pause one would notice."""

_EDIT_WORDS = {
    Role.USER: "Editing your question · Enter asks, Esc gives up",
    Role.ASSISTANT: "Rewriting the answer · Enter keeps it, Esc gives up",
}


@dataclass(frozen=True, slots=True)
class _Edit:
    """What the composer holds instead of a prompt: the `text` of a message, as it came there.

    `draft` is what stood there before, with the files `drafted`; `top` what was at the top of the messages, None
    for their end; `kept_count` how much stayed on the screen.
    """

    message_id: int
    role: Role
    text: str
    draft: str
    top: tuple[int, int, int] | None
    kept_count: int
    drafted: tuple[Attachment, ...] = ()


class BranchingScreen(ReadingScreen):
    """What a person can do with what was said."""

    def __init__(self, session: ChatSession, loaded: LoadedConfig, *, first_run: bool = False) -> None:
        super().__init__(session, loaded, first_run=first_run)
        self._edit: _Edit | None = None
        self._asked: tuple[TurnRunner, _Edit] | None = None
        """The turn that an edited question was asked with last."""
        self._escaped_s = float("-inf")

    # -- the last answer -------------------------------------------------------------------------

    def action_retry(self) -> None:
        """Another answer to the last question."""
        if self._is_busy():
            return
        old = self.session.conversation.tip
        try:
            runner = self.session.retry(self.painter)
        except ChatError as error:
            self.say(error.sentence)
            return
        if old is not None and old.role is Role.ASSISTANT:
            self.transcript.drop_from(old.id)
        self.prompt.focus()
        self.start_turn(runner)

    def action_continue_answer(self) -> None:
        """Go on where the last answer stopped."""
        if self._is_busy():
            return
        try:
            runner = self.session.continue_answer(self.painter)
        except ChatError as error:
            self.say(error.sentence)
            return
        earlier = self.session.conversation.get(runner.message_id)
        self.transcript.drop_from(earlier.id)
        self.prompt.focus()
        self.start_turn(runner, earlier=earlier)

    def _is_busy(self) -> bool:
        """Whether the conversation cannot be changed now, which is said."""
        if self.session.is_running:
            self.say("An answer is still running. Esc stops it.")
        elif self._edit is not None:
            self.say("Enter sends what is edited, Esc gives it up.")
        return self.session.is_running or self._edit is not None

    # -- editing ---------------------------------------------------------------------------------

    @property
    def is_editing(self) -> bool:
        """Whether the composer holds a message of the conversation."""
        return self._edit is not None

    @property
    def is_rewriting(self) -> bool:
        """Whether that is an answer."""
        return self._edit is not None and self._edit.role is Role.ASSISTANT

    @property
    def unsent(self) -> str:
        """What was typed and not sent: what was changed of a message, and the draft that stood there before."""
        text, edit = self.prompt.text, self._edit
        if edit is None:
            return text
        parts = (text if text != edit.text else "", edit.draft)
        return "\n".join(part for part in parts if part.strip())

    def action_edit(self) -> None:
        """The question or the answer under the cursor goes into the composer, without one the last question; it and
        what came after it leave the screen."""
        if self._is_busy():
            return
        message = self._marked_message() or self.session.last_user
        if message is None:
            self.say("There is no question to edit.")
        elif message.role is Role.ASSISTANT and len(message.text) > MAX_REWRITE_CHARS:
            self.say("This answer is too long to be edited here.")
        else:
            self._begin_edit(message)

    def _begin_edit(self, message: Message) -> None:
        from chat_tui.session.attachments import Attachment

        self.painter.settle()
        self.clear_selection()
        transcript, draft = self.transcript, self.prompt.text
        top = None if transcript.is_following else transcript.place_at(0)
        transcript.drop_from(message.id)
        self.prompt.put(escape(message.text))
        kept_count = transcript.block_count
        drafted = self.attachments.items
        self.attachments.show(tuple(map(Attachment, message.files)))
        self._take_up(_Edit(message.id, message.role, self.prompt.text, draft, top, kept_count, drafted))

    def _take_up(self, edit: _Edit) -> None:
        self._edit = edit
        self.prompt.is_remembering = edit.role is Role.USER
        self.prompt.border_title = Content(_EDIT_WORDS[edit.role])
        self.prompt.focus()
        self._show_changed()

    def give_up_edit(self) -> None:
        """Show again what was shown before, and the draft that stood in the composer. What was typed in the edit
        can be brought back with the composer's own undo."""
        edit = self._edit
        if edit is None:
            return
        path = self.session.conversation.path()
        at = next((number for number, message in enumerate(path) if message.id == edit.message_id), None)
        self._put_down(edit)
        if at is None:  # another conversation is about to be shown
            return
        self.clear_selection()
        self.transcript.show_instead(edit.message_id, path[at:], kept_count=edit.kept_count)
        self.transcript.mark(edit.message_id)
        if edit.top is not None:
            self.transcript.reveal(*edit.top, align="top")
        self._show_changed()

    def _put_down(self, edit: _Edit) -> None:
        """The composer is for prompts again."""
        self._edit = None
        self.prompt.is_remembering = True
        self.prompt.border_title = Content("")
        if self.prompt.text != edit.draft:
            self.prompt.put(edit.draft)
        self.attachments.show(edit.drafted)

    def ask(self, text: str, files: tuple[FilePart, ...] = ()) -> None:
        """Send a question; or what was edited takes its place beside what it was."""
        edit = self._edit
        if edit is None:
            super().ask(text, files)
        elif edit.role is Role.ASSISTANT:
            self._rewrite(edit, text)
        else:
            self._ask_edited(edit, text, files)

    def _ask_edited(self, edit: _Edit, text: str, files: tuple[FilePart, ...]) -> None:
        before = self.session.runner
        try:
            self.session.edit(edit.message_id)
        except ChatError as error:
            self.complain(error.sentence)
            return
        super().ask(text, files)
        runner = self.session.runner
        if runner is None or runner is before:  # why not was said, and the composer keeps the text
            self._undo_quietly()
        else:
            self._asked = runner, edit
            self._put_down(edit)

    def _rewrite(self, edit: _Edit, text: str) -> None:
        if self.prompt.text == edit.text:
            self.give_up_edit()
            self.say("Nothing was changed.")
            return
        try:
            rewritten = self.session.rewrite(edit.message_id, text)
        except ChatError as error:
            self.complain(error.sentence)
            return
        self._put_down(edit)
        self.transcript.show_instead(edit.message_id, (rewritten,), kept_count=edit.kept_count)
        self.transcript.mark(rewritten.id)
        self.transcript.focus()
        self._show_changed()
        self.say("Rewritten. c lets the model go on from there.")

    def _take_back(self, runner: TurnRunner) -> None:
        """Nothing came: an edited question is edited again, with all that was there before it still kept."""
        asked, self._asked = self._asked, None
        if asked is None or asked[0] is not runner:
            super()._take_back(runner)
            return
        draft, drafted = self.prompt.text, self.attachments.items
        self.prompt.clear()
        self.attachments.show(())
        super()._take_back(runner)
        self._undo_quietly()
        self._take_up(replace(asked[1], draft=draft, drafted=drafted))

    def _undo_quietly(self) -> None:
        """Go back to before the edit; what is known of the last turn stays known."""
        runner = self.session.runner
        self.session.undo()
        self.session.runner = runner

    def is_escape_done(self) -> bool:
        """Esc with nothing to stop or close: gives up an edit; the second on an empty composer begins one. False:
        it is for others."""
        if self._edit is not None and self.prompt.has_focus:
            self.give_up_edit()
            return True
        is_idle = self.prompt.has_focus and not self.prompt.text and not self.get_selected_text()
        question = self.session.last_user
        if not is_idle or self._edit is not None or question is None:
            self._escaped_s = float("-inf")
            return False
        now_s = self.session.now_s()
        is_second, self._escaped_s = now_s - self._escaped_s <= ESCAPE_TWICE_S, now_s
        if is_second:
            self._escaped_s = float("-inf")
            self._begin_edit(question)
        else:
            self.say("Esc again edits the last question.")
        return True

    def escape_hint(self, phase: Phase) -> str:
        """What Esc would do now."""
        return super().escape_hint(phase) or ("Esc back" if self._edit is not None else "")

    # -- versions, copies, undo --------------------------------------------------------------------

    def action_version_before(self) -> None:
        """The version before of the message under the cursor."""
        self._step(-1)

    def action_version_after(self) -> None:
        """The next version of the message under the cursor."""
        self._step(1)

    @on(VersionChosen)
    def version_chosen(self, event: VersionChosen) -> None:
        """The mark of a message was clicked."""
        self._step(event.step, event.message_id)

    def _step(self, step: int, message_id: int | None = None) -> None:
        """Show another version; without a cursor, of the last message that has some."""
        if self._is_busy():
            return
        conversation = self.session.conversation
        if message_id is None:
            with_versions = list(conversation.versions())
            message = self._marked_message() or conversation.tip
            message_id = None if message is None else message.id
            if not self.transcript.has_focus and with_versions:
                message_id = with_versions[-1]
        if message_id is None:
            self.say("There is no message yet.")
            return
        before = conversation.path()
        try:
            shown = self.session.switch_sibling(message_id, step)
        except ChatError as error:
            self.say(error.sentence)
            return
        self._show_other_path(before)
        number, total = conversation.versions()[shown.id]
        model = f" · {shown.model}" if shown.model not in ("", self.session.model_id) else ""
        self.say(f"Version {number} of {total}{model}")

    def action_fork(self) -> None:
        """A new conversation with all up to the message under the cursor, without one up to the last."""
        if self._is_busy():
            return
        message = self._marked_message() or self.session.conversation.tip
        if message is None:
            self.say("There is no message yet.")
            return
        try:
            self.session.fork(message.id)
        except ChatError as error:
            self.say(error.sentence)
            return
        self.show_conversation()
        self.prompt.focus()
        self.say("Forked: this is a new conversation.")

    def action_undo_change(self) -> None:
        """Show again what was shown before."""
        if self._edit is not None:
            self.give_up_edit()
            self.say("Taken back: the edit.")
            return
        conversation, before = self.session.conversation, self.session.conversation.path()
        try:
            words = self.session.undo()
        except ChatError as error:
            self.say(error.sentence)
            return
        if self.session.conversation is conversation:
            self._show_other_path(before)
        else:
            self.show_conversation()
        self.say(f"Taken back: {words}.")

    # -- inside ----------------------------------------------------------------------------------

    def _marked_message(self) -> Message | None:
        """The message under the cursor, while keys act on it."""
        if not self.transcript.has_focus:
            return None
        path, marked_id = self.session.conversation.path(), self.transcript.marked_id
        return next((message for message in path if message.id == marked_id), None)

    def show_conversation(self) -> None:
        """Show the session's conversation anew; a search and an edit are over, what was typed stays."""
        self._asked = None
        self.close_search()
        if self._edit is not None:
            self._put_down(replace(self._edit, draft=self.unsent))
        super().show_conversation()

    def _show_other_path(self, before: tuple[Message, ...]) -> None:
        """Show another path through the same conversation: what it has in common with the one before stays."""
        self.painter.settle()
        self.clear_selection()
        path = self.session.conversation.path()
        same = next((at for at, (old, new) in enumerate(zip(before, path, strict=False)) if old is not new), None)
        at = min(len(before), len(path)) if same is None else same
        self.transcript.show_instead(before[at].id if at < len(before) else 0, path[at:])
        if at < len(path):
            self.transcript.mark(path[at].id)
        self._show_changed()

    def _show_changed(self) -> None:
        """What depends on the path that is shown."""
        self.show_versions()
        self.show_title()
        self.show_status()
        self._count_more()
