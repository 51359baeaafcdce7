"""The one screen: conversations that are kept, what is typed in each, what is not saved.

A draft belongs to the conversation it was typed in: it is saved at most `SAVE_DRAFT_AFTER_S` later, stays behind
when the reader goes to another one, and is there again when they come back.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.timer import Timer
from textual.widgets import TextArea

from chat_tui.config.load import LoadedConfig
from chat_tui.core.commands import escape
from chat_tui.core.errors import ChatError
from chat_tui.core.history import MAX_ENTRIES, PromptHistory
from chat_tui.core.outcome import Outcome
from chat_tui.core.sanitize import clean_line
from chat_tui.session.drafts import Drafts, joined
from chat_tui.session.journal import MAX_TITLE_CHARS
from chat_tui.session.session import ChatSession
from chat_tui.session.turn_kind import TurnKind
from chat_tui.ui.screens.branching import BranchingScreen
from chat_tui.ui.screens.titling import Titling
from chat_tui.ui.widgets.banner import Banner

if TYPE_CHECKING:
    from chat_tui.core.conversation import FilePart, Message
    from chat_tui.session.attachments import Attachment
    from chat_tui.session.library import Library
    from chat_tui.session.turn_runner import TurnRunner
    from chat_tui.ui.screens.conversations import Choice

SAVE_DRAFT_AFTER_S = 0.5
LAST, PICK = "last", "pick"

_NOT_KEPT = "Conversations are not kept here."
_BUSY = "An answer is still running. Esc stops it."
_FAILED = "chat-tui failed when it showed the last conversation, which is kept: chat-tui -r {id} tries again."
_SHARED = "This conversation is open in another window, too. Both can go on; nothing of either is lost."


class KeepingScreen(BranchingScreen):
    """What a person can do with conversations."""

    def __init__(self, session: ChatSession, loaded: LoadedConfig, *, first_run: bool = False) -> None:
        super().__init__(session, loaded, first_run=first_run)
        self.banner = Banner(id="banner")
        self.drafts = Drafts(session)
        self._draft_timer: Timer | None = None
        self._files_behind: dict[str, tuple[Attachment, ...]] = {}
        """What was attached in conversations that the reader has left, by the keys of their drafts."""
        self._library: Library | None = None
        self._titling = Titling(self, loaded.config.titles.model)
        self._is_model_asked_for = loaded.origins.get("model", "").startswith("--")
        """Whether the command line names a model: then it answers in what is resumed at the start, too."""

    def compose(self) -> ComposeResult:
        """The banner stands below the title."""
        for widget in super().compose():
            yield widget
            if widget is self.title_bar:
                yield self.banner

    def on_mount(self) -> None:
        """What is resumed is wanted at once, and looked for when the composer can be seen."""
        if self.resume:
            self.call_after_refresh(self._begin)

    def load_the_rest(self) -> None:
        """What was typed before, and the prompts of earlier days."""
        super().load_the_rest()
        if self.session.journal.is_keeping:
            self.load_prompts()
            if not self.resume:
                self.find_draft()

    # -- what is not saved -------------------------------------------------------------------------

    def show_problem(self, sentence: str) -> None:
        """What is not saved and why, as long as it is so; empty when all is saved again."""
        self.banner.show(sentence)

    # -- opening -----------------------------------------------------------------------------------

    @property
    def library(self) -> Library | None:
        """All stored conversations; None when they are not kept."""
        if self._library is None and (store := self.session.journal.store) is not None:
            from chat_tui.session.library import Library

            self._library = Library(self.session, store, self._left)
        return self._library

    @work(group="open", exclusive=True, exit_on_error=False)
    async def _begin(self) -> None:
        """Open what the command line names; what cannot be opened is said, and a new conversation is there."""
        library, store, wanted = self.library, self.session.journal.store, self.resume
        if library is None or store is None:
            self.complain(_NOT_KEPT)
            return
        if wanted == PICK:
            self.find_draft()
            self.open_picker()
            return
        try:
            conversation_id = await store.last_id() if wanted == LAST else await library.id_of(wanted)
            if wanted == LAST and conversation_id and conversation_id == await store.failed_id():
                raise ChatError(_FAILED.format(id=conversation_id[:8]))
            if conversation_id is not None:
                await self._open_stored(conversation_id, keeps_model=self._is_model_asked_for)
                return
            self.say("There is no conversation to go on with yet.")
        except ChatError as error:
            self.complain(error.sentence)
        self.find_draft()

    def action_resume(self) -> None:
        """F3: choose a conversation."""
        self.open_picker()

    def open_picker(self, words: str = "") -> None:
        """Choose a conversation, at first among those with `words`."""
        library = self.library
        if library is None:
            self.say(_NOT_KEPT)
            return
        self.save_draft()
        from chat_tui.ui.screens.conversations import ConversationsScreen

        self.app.push_screen(ConversationsScreen(library, words), self._take_conversation)

    def _take_conversation(self, choice: Choice | None) -> None:
        self.show_title()  # it may have been changed there
        if choice is not None:
            self.open_conversation(choice)

    @work(group="open", exclusive=True, exit_on_error=False)
    async def open_conversation(self, choice: Choice) -> None:
        """Show a stored conversation at its end, or the place in it that was found."""
        is_here = choice.conversation_id == self.session.conversation.id
        if self.session.is_running and not (is_here and not choice.message_id):
            self.say(_BUSY)
            return
        try:
            if not is_here or self.session.is_shared:
                await self._open_stored(choice.conversation_id)
            if choice.message_id:
                self._show_place(choice)
            else:
                self.transcript.follow()
        except ChatError as error:
            self.complain(error.sentence)

    async def _open_stored(self, conversation_id: str, *, keeps_model: bool = False) -> None:
        """Raises ChatError, and then nothing has changed."""
        is_another = conversation_id != self.session.conversation.id
        await self.session.open(conversation_id)
        self.close_search()
        if is_another:
            self._leave_draft()
        self.show_conversation()
        if not keeps_model:
            self._answer_with_its_model()
        if self.session.is_shared:
            self.transcript.add_notice(_SHARED)
        self.prompt.focus()

    def _answer_with_its_model(self) -> None:
        model = self.session.last_model
        if not model or model == self.session.model_id:
            return
        try:
            self.session.switch_model(model)
        except ChatError:
            self.transcript.add_notice(f"{clean_line(model, 80)} is not there; {self.session.model_label} goes on.")
            return
        self.show_title()
        self.show_status()
        self.prepare_model()

    def _show_place(self, choice: Choice) -> None:
        """Lead the reader to what was found; all of it is marked, n and N go on from there."""
        if self.is_editing:
            self.give_up_edit()
        try:
            path = self.session.conversation.path()
            self.session.show_message(choice.message_id)
        except KeyError:
            return  # another window has changed it since
        if path != self.session.conversation.path():
            self.show_conversation()
        self.close_search()
        self.transcript.mark(choice.message_id)
        self.transcript.reveal(choice.message_id, align="top")
        self.transcript.hold()
        self.transcript.focus()
        if choice.words:
            self._open_search(choice)

    def _open_search(self, choice: Choice) -> None:
        from chat_tui.ui.widgets.search import Place

        words = clean_line(choice.words)
        self._open(words)
        self.search.look_for(words)
        self._last_words = words
        self._find(Place(choice.message_id, 0, 0), 1)
        self.transcript.focus()

    # -- new, titles, undo -------------------------------------------------------------------------

    def action_new(self) -> None:
        """An empty conversation; what is typed stays where it was typed, a first question goes along."""
        if (runner := self.session.runner) is not None and runner.is_running:
            self.session.stop()
            self.end_turn(runner)
        is_empty = not self.session.conversation.id and not self.session.conversation.path()
        if not is_empty or self.is_editing:
            self._leave_draft()
        self.close_search()
        if not is_empty:
            self.session.new()
        self.show_conversation()
        self.prompt.focus()

    def _left(self) -> None:
        """The conversation was deleted; what is typed in it is still wanted."""
        self.close_search()
        self.show_conversation()

    def action_rename(self) -> None:
        """T and /rename: the title goes into the composer, to be changed there."""
        if self.is_editing or self.prompt.text.strip():
            self.say("/rename TITLE gives this conversation a title.")
            return
        self.prompt.put(f"/rename {clean_line(self.session.conversation.title, MAX_TITLE_CHARS)}")
        self.prompt.focus()

    def rename(self, title: str) -> None:
        """/rename TITLE."""
        title = clean_line(title, MAX_TITLE_CHARS)
        self.session.rename(title)
        self.show_title()
        self.say(f"The title is “{title}”.")

    def start_turn(self, runner: TurnRunner, *, earlier: Message | None = None) -> None:
        """Run it and show it; what is asked beside the turns waits until it has ended."""
        self._titling.stop()
        super().start_turn(runner, earlier=earlier)

    def action_fork(self) -> None:
        """A new conversation with all up to the message under the cursor; its title has a number of its own."""
        before = self.session.conversation
        super().action_fork()
        if self.session.conversation is not before:
            self.number_copy()

    @work(group="copies", exit_on_error=False)
    async def number_copy(self) -> None:
        """Another number, when a stored conversation has that one already."""
        from chat_tui.session.titles import number_copy

        if await number_copy(self.session):
            self.show_title()

    def action_undo_change(self) -> None:
        """Take back the last change; a deleted conversation is one, too."""
        library = self._library
        if library is not None and library.is_delete_last and not self.is_editing:
            self.say(f"“{clean_line(library.undelete(), 40)}” is back.")
            return
        before = self.session.conversation
        super().action_undo_change()
        if self.session.conversation is not before and library is not None:
            library.bring_back(self.session.conversation.id)

    def show_conversation(self) -> None:
        """Show the session's conversation anew, with what was typed in it."""
        super().show_conversation()
        self.find_draft()

    # -- drafts ------------------------------------------------------------------------------------

    @on(TextArea.Changed, "#prompt")
    def draft_changed(self) -> None:
        """It is saved in a moment, with all that is typed until then."""
        if self._draft_timer is None and self.session.journal.is_keeping:
            self._draft_timer = self.set_timer(SAVE_DRAFT_AFTER_S, self.save_draft)

    def save_draft(self) -> None:
        """Keep what is typed."""
        self._stop_draft_timer()
        if self.drafts.is_known:
            self.drafts.save(self.unsent)
        elif self.drafts.is_anywhere:
            self.find_draft()

    def save_last_draft(self) -> None:
        """The program ends: what is typed is kept, and a question nothing has come of; nobody is asked any more."""
        self._stop_draft_timer()
        self._titling.give_up()
        text, runner = self.unsent, self.session.runner
        if runner is not None and runner is not self._ended and _came_to_nothing(runner):
            text = joined(escape(runner.prompt), text)
        self.drafts.save_last(text)

    def _stop_draft_timer(self) -> None:
        if self._draft_timer is not None:
            self._draft_timer.stop()
            self._draft_timer = None

    def _leave_draft(self) -> None:
        """The reader goes to another conversation; what cannot be kept yet goes along."""
        text, key = self.unsent, self.drafts.key
        self._stop_draft_timer()
        if self.drafts.leave(text):
            if self.is_editing:
                self.give_up_edit()
            self.prompt.put("")
            self._files_behind[key] = self.attachments.items
            self.attachments.show(())

    @work(group="draft", exclusive=True, exit_on_error=False)
    async def find_draft(self) -> None:
        """Put what was typed in this conversation into the composer, above what is there now."""
        if self.drafts.is_known or not self.session.journal.is_keeping:
            self.drafts.save(self.unsent)
            return
        draft = await self.drafts.enter()
        files = self._files_behind.pop(self.drafts.key, ())
        if (edit := self._edit) is not None:
            self._edit = replace(edit, draft=joined(draft, edit.draft), drafted=(*files, *edit.drafted))
        else:
            if (text := joined(draft, self.prompt.text)) != self.prompt.text:
                self.prompt.put(text)
            self.attachments.show((*files, *self.attachments.items))
        self.drafts.save(self.unsent)

    @work(group="prompts", exclusive=True, exit_on_error=False)
    async def load_prompts(self) -> None:
        """What was asked in all conversations can be brought back with the arrow keys."""
        store = self.session.journal.store
        if store is None:
            return
        try:
            asked = [escape(prompt) for prompt in await store.prompts(MAX_ENTRIES)]
        except ChatError:
            return  # then there are those of this window
        now = self.prompt.prompts.entries
        known = set(now)
        earlier = [prompt for prompt in reversed(asked) if prompt not in known]
        self.prompt.prompts = PromptHistory([*earlier, *now])

    def ask(self, text: str, files: tuple[FilePart, ...] = ()) -> None:
        """Send a question; its draft is done with."""
        super().ask(text, files)
        self._stop_draft_timer()
        self.drafts.sent(self.unsent)

    def end_turn(self, runner: TurnRunner) -> None:
        """The one end of a turn; a question nothing has come of is a draft again, a first answer makes a title."""
        super().end_turn(runner)
        if _came_to_nothing(runner):
            self.save_draft()
        self._titling.want()


def _came_to_nothing(runner: TurnRunner) -> bool:
    """Whether its question is given back to the reader."""
    ending = runner.ending
    has_failed = ending is not None and ending.outcome is not Outcome.COMPLETE
    return has_failed and runner.kind is TurnKind.ASK and not runner.state.has_output
