"""The one screen: files that go with a question.

They are named in the text (`@path`), dropped or pasted as a path, or come from the command line. What was attached
stands above the composer until it is sent; nothing is attached that the reader did not name.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from textual import on, work

from chat_tui.config.load import LoadedConfig
from chat_tui.core.errors import ChatError
from chat_tui.core.files import shown_name
from chat_tui.core.outcome import Phase
from chat_tui.session.session import ChatSession
from chat_tui.ui.screens.keeping import KeepingScreen
from chat_tui.ui.widgets.attachment_bar import AttachmentBar
from chat_tui.ui.widgets.mention_list import MentionList
from chat_tui.ui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from chat_tui.session.attachments import Attachment
    from chat_tui.session.file_list import FileFinder

_CHANGED = "Not sent: the text was changed while its files were read. Enter sends it."
_NO_WORDS = "Say what to do with the file."


class AttachingScreen(KeepingScreen):
    """What a person can do with files."""

    begin_with: tuple[Attachment, ...] = ()
    """What the command line attaches to the first question."""

    def __init__(self, session: ChatSession, loaded: LoadedConfig, *, first_run: bool = False) -> None:
        super().__init__(session, loaded, first_run=first_run)
        self._mentioned: str | None = None

    @cached_property
    def _finder(self) -> FileFinder:
        from chat_tui.session.file_list import FileFinder

        return FileFinder()

    def on_mount(self) -> None:
        """What was named when the program was started is there at once."""
        self.prompt.take_path = self.attach_pasted
        if self.begin_with:
            self.attachments.show(self.begin_with)

    # -- completion ------------------------------------------------------------------------------

    @on(Prompt.Mentioning)
    def offer_files(self, event: Prompt.Mentioning) -> None:
        """Look for what may be meant; what was found for fewer letters stands until then."""
        self._mentioned = event.typed
        if event.typed is None:
            self.close_mentions()
        else:
            self.find_files(event.typed)

    @work(group="mentions", exclusive=True, exit_on_error=False)
    async def find_files(self, typed: str) -> None:
        """Offer the files that fit what is typed."""
        paths = await self._finder.find(typed)
        if self._mentioned == typed:
            self.mention_list.set_class(bool(self.attachments.items), "apart")
            self.mention_list.show(paths if self.prompt.has_focus else ())
            self.show_status()

    def close_mentions(self) -> None:
        """There is nothing to choose any more."""
        self._mentioned = None
        self.mention_list.show(())
        self.show_status()

    def escape_hint(self, phase: Phase) -> str:
        """What Esc would do now."""
        return "Esc close" if self.mention_list.is_open else super().escape_hint(phase)

    @on(MentionList.Clicked)
    def take_clicked(self) -> None:
        """A file was clicked."""
        self.prompt.take_choice()
        self.prompt.focus()

    def action_attach(self) -> None:
        """Ctrl+O and /attach: begin a mention where the cursor is."""
        self.prompt.focus()
        self.prompt.begin_mention()

    # -- attaching -------------------------------------------------------------------------------

    @work(group="attach", exit_on_error=False)
    async def attach(self, path: str) -> None:
        """/attach PATH."""
        from chat_tui.session.attachments import read_attachment

        try:
            self._put(await read_attachment(path))
        except ChatError as error:
            self.complain(error.sentence)

    async def attach_pasted(self, path: str) -> bool:
        """The path of an image attaches it; of anything else it is text (False)."""
        from chat_tui.session.attachments import read_pasted

        attachment = None if self.is_rewriting else await read_pasted(path)
        if attachment is None:
            return False
        try:
            self._put(attachment)
        except ChatError as error:
            self.say(error.sentence)
            return False
        return True

    def _put(self, attachment: Attachment) -> None:
        """Raises ChatError when there is too much already."""
        from chat_tui.session.attachments import check_all

        items = self.attachments.items
        if any(item.path == attachment.path for item in items):
            self.say(f"“{shown_name(attachment.file.name)}” is attached already.")
            return
        check_all((*items, attachment))
        self.attachments.show((*items, attachment))

    @on(Prompt.Detached)
    def action_detach(self) -> None:
        """Backspace at the very start, and /detach: what was attached last does not go."""
        if items := self.attachments.items:
            self.attachments.show(items[:-1])
            self.say(f"“{shown_name(items[-1].file.name)}” is taken out.")

    @on(AttachmentBar.Changed)
    def attachments_changed(self) -> None:
        """Whether Enter has something to send."""
        self.prompt.may_be_blank = bool(self.attachments.items)

    # -- sending ---------------------------------------------------------------------------------

    def ask_with_files(self, typed: str, text: str) -> None:
        """Send a question with what is attached and what it mentions; `typed` is what the composer holds."""
        from chat_tui.session.attachments import has_mentions

        if not text.strip():
            self.say(_NO_WORDS)
        elif self.session.is_running or self.is_rewriting or not (self.attachments.items or has_mentions(text)):
            self.ask(text)
        else:
            self.read_and_ask(typed, text)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def read_and_ask(self, typed: str, text: str) -> None:
        """Read the files, then ask. What cannot be attached is said, and the composer keeps everything."""
        from chat_tui.session.attachments import gather

        conversation, attached = self.session.conversation, self.attachments.items
        try:
            files, left_out = await gather(text, attached, self.prompt.pasted.holds)
        except ChatError as error:
            self.complain(error.sentence)
            return
        is_same = self.prompt.text == typed and self.attachments.items == attached
        if is_same and self.session.conversation is conversation:
            self.ask(text, files)
            if left_out:
                self.say(f"Pasted and not attached: {shown_name(', '.join(left_out))}. Type it, or Ctrl+O.")
        else:
            self.say(_CHANGED)
