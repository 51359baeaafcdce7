"""The one screen, the whole: what is done with models and the program; commands lead to the actions.

Every action of `ui.keys` is a method `action_<id>` here or in one of the classes this one is made from.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType

from chat_tui.config.load import LoadedConfig
from chat_tui.core.commands import Command, Unknown, parse, unescape
from chat_tui.core.conversation import Message, Role
from chat_tui.core.errors import ChatError, Fault
from chat_tui.core.sanitize import clean_line
from chat_tui.session.session import ChatSession
from chat_tui.ui.keys import ACTIONS, Scope
from chat_tui.ui.palette import PaletteEntry
from chat_tui.ui.screens.attaching import AttachingScreen
from chat_tui.ui.theme import THEMES
from chat_tui.ui.widgets.prompt import Prompt

COMMANDS = {name: row for row in ACTIONS for name in (row.command, *row.aliases) if name}
_COMPOSER_OWN = {"send", "newline", "history_back", "history_forward", "detach"}
_PRIORITY = {"escape", "interrupt"}
"""Keys that mean the same wherever the focus is."""


class ChatScreen(AttachingScreen):
    """All that a person can do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(",".join(row.keys), row.id, row.title, show=False, priority=row.id in _PRIORITY)
        for row in ACTIONS
        if row.scope not in (Scope.TRANSCRIPT, Scope.MODELS) and row.id not in _COMPOSER_OWN
    ]

    def __init__(self, session: ChatSession, loaded: LoadedConfig, *, first_run: bool = False) -> None:
        super().__init__(session, loaded, first_run=first_run)
        self.prompt.model_names = session.known_models
        self._will_quit = False

    def palette_entries(self) -> Iterable[PaletteEntry]:
        """What the palette lists behind the actions."""
        for name in THEMES:
            yield PaletteEntry(f"Theme {name}", f"/theme {name}", partial(self.choose_theme, name))

    # -- composer --------------------------------------------------------------------------------

    @on(Prompt.Submitted)
    async def send_prompt(self, event: Prompt.Submitted) -> None:
        """Enter: a command is done, everything else is asked."""
        command = parse(event.text, COMMANDS)
        if isinstance(command, Unknown):
            nearest = f" Did you mean /{command.nearest}?" if command.nearest else " F1 lists them."
            self.say(f"There is no command /{command.name}.{nearest}")
        elif command is None:
            self.ask_with_files(event.text, unescape(event.text))
        else:
            self.prompt.clear()
            await self.run_command(command)

    async def run_command(self, command: Command) -> None:
        """What a slash command does; most do what their key does."""
        if command.name == "model" and command.argument:
            self.choose_model(command.argument)
        elif command.name == "theme" and command.argument:
            self.choose_theme(command.argument)
        elif command.name in ("resume", "sessions") and command.argument:
            self.open_picker(command.argument)
        elif command.name == "rename" and command.argument:
            self.rename(command.argument)
        elif command.name == "export":
            self.export(command.argument)
        elif command.name == "attach" and command.argument:
            self.attach(command.argument)
        elif command.name == "find" and command.argument:
            self.find_words(command.argument)
        elif command.name == "copy" and command.argument:
            self.copy_code_number(command.argument)
        else:
            await self.run_action(COMMANDS[command.name].id)

    def action_quit_if_empty(self) -> None:
        """Ctrl+D."""
        if not self.prompt.text and not self.attachments.items:
            self.action_quit()

    # -- taking out --------------------------------------------------------------------------------

    def action_export(self) -> None:
        """As Markdown, into the working directory."""
        self.export("")

    @work(group="export", exclusive=True, exit_on_error=False)
    async def export(self, target: str) -> None:
        """Write the conversation into a file and say where."""
        from chat_tui.session.extracts import export

        try:
            path = await export(self.session, target)
        except ChatError as error:
            self.say(error.sentence)
        else:
            self.say(f"Exported to {clean_line(str(path), 200)}")

    @work(group="statistics", exclusive=True, exit_on_error=False)
    async def action_statistics(self) -> None:
        """The numbers of one's own."""
        from chat_tui.session.extracts import statistics
        from chat_tui.ui.screens.statistics import LINE_CELLS, StatisticsScreen

        try:
            lines = await statistics(self.session, LINE_CELLS)
        except ChatError as error:
            self.say(error.sentence)
        else:
            self.app.push_screen(StatisticsScreen(lines))

    # -- stopping and leaving --------------------------------------------------------------------

    def action_escape(self) -> None:
        """Esc: close the search, stop what runs, give up an edit, go back to the composer; twice there: edit."""
        runner = self.session.runner
        if self.is_search_next:
            self.close_search()
        elif self.mention_list.is_open:
            self.close_mentions()
        elif runner is not None and runner.is_running:
            self.session.stop()
            self.end_turn(runner)
        elif not self.is_escape_done():
            self.clear_selection()
            self.prompt.focus()
        self.show_status()

    def action_interrupt(self) -> None:
        """Ctrl+C: copy, stop, clear; quit on the second press with nothing left to do. What the mouse did before it
        comes first: else it could stop an answer instead of copying from it."""
        self.transcript.call_later(self._interrupt)

    def _interrupt(self) -> None:
        if selected := self.get_selected_text():
            self.copy(selected)
            self.clear_selection()
        elif self.prompt.has_focus and self.prompt.selected_text:
            self.copy(self.prompt.selected_text)
        elif (runner := self.session.runner) is not None and runner.is_running:
            self.session.stop()
            self.end_turn(runner)
        elif self.is_typing_words:
            self.close_search()
        elif self.is_editing:
            self.give_up_edit()
        elif self.prompt.text or self.attachments.items:
            self.prompt.put("")
            self.attachments.show(())
        elif self._will_quit:
            self.action_quit()
        else:
            self._will_quit = True
            self.say("Ctrl+C again quits.")

    def unsay(self) -> None:
        """The second Ctrl+C counts as long as the notice stands."""
        self._will_quit = False
        super().unsay()

    def action_quit(self) -> None:
        """Leave; a running answer is stopped and printed below the prompt of the shell."""
        self.app.exit(return_code=0)

    # -- what failed -----------------------------------------------------------------------------

    def action_details(self) -> None:
        """What is known of the answer under the cursor, else of the last one, and of a failure."""
        from chat_tui.ui.screens.answer_details import AnswerDetailsScreen, answer_facts
        from chat_tui.ui.screens.details import DetailsScreen

        fault, answer = self._failed_request(), self._answer_to_tell_of()
        facts: tuple[tuple[str, str], ...] = ()
        is_last = answer is None or answer is self.session.conversation.tip
        if answer is not None and answer.ending is not None and (fault is None or not is_last):
            fault, facts = answer.ending.fault, tuple(answer_facts(answer, self.session.use))
        if fault is not None:
            self.app.push_screen(DetailsScreen(fault, self.copy, facts))
        elif facts:
            self.app.push_screen(AnswerDetailsScreen(facts, self.copy))
        else:
            self.say("There is no answer to tell of.")

    def _failed_request(self) -> Fault | None:
        """Why the last request has brought no answer, or none yet: it may be waiting to be tried again."""
        runner = self.session.runner
        if runner is None:
            return None
        if runner.is_running:
            return None if runner.retry_at_s is None else runner.retry_fault
        is_here = any(message.id == runner.message_id for message in self.session.conversation.path())
        return None if is_here or runner.ending is None else runner.ending.fault

    def _answer_to_tell_of(self) -> Message | None:
        """The one under the cursor, else the last one that has ended. A cursor at the end says nothing."""
        path = self.session.conversation.path()
        ended = [m for m in path if m.role is Role.ASSISTANT and m.ending is not None]
        marked = self._marked_message()
        return marked if marked is not None and marked in ended else ended[-1] if ended else None

    # -- model and theme ----------------------------------------------------------------------------

    def action_models(self) -> None:
        """The picker."""
        from chat_tui.ui.screens.models import ModelsScreen

        self.app.push_screen(ModelsScreen(self.session, current=self.session.model_id), self._take_model)

    def _take_model(self, model_id: str | None) -> None:
        if model_id:
            self.choose_model(model_id)

    def choose_model(self, model_id: str) -> None:
        """Answer with another model from the next turn on; an impossible one is said and changes nothing."""
        try:
            self.session.switch_model(model_id)
        except ChatError as error:
            self.complain(error.sentence)
            return
        self.say(f"Answering with {self.session.model_label}.")
        self.show_title()
        self.prepare_model()

    def action_next_theme(self) -> None:
        """Dark, light, the terminal's own colours, and around again."""
        names = list(THEMES)
        self.choose_theme(
            names[(names.index(self.app.theme) + 1) % len(names)] if self.app.theme in names else names[0]
        )

    def choose_theme(self, name: str) -> None:
        """Other colours at once."""
        if name not in THEMES:
            self.say(f"There is no theme of that name. There are {', '.join(THEMES)}.")
            return
        self.app.theme = name
        self.transcript.set_theme(THEMES[name])
        self.say(f"Theme {name}.")

    def action_help(self) -> None:
        """Keys and commands."""
        from chat_tui.ui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen())

    def action_palette(self) -> None:
        """Any action by name."""
        self.app.action_command_palette()
