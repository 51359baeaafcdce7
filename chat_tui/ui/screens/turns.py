"""The one screen, first of its classes: what is on it and the life of a turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.screen import Screen
from textual.timer import Timer
from textual.worker import Worker, WorkerState

from chat_tui.config.load import LoadedConfig
from chat_tui.core.commands import escape
from chat_tui.core.conversation import FilePart, Message
from chat_tui.core.errors import ChatError
from chat_tui.core.outcome import Outcome, Phase
from chat_tui.session.journal import title_of
from chat_tui.session.session import ChatSession, turn_runner
from chat_tui.session.turn_kind import TurnKind
from chat_tui.ui import heap
from chat_tui.ui.messages import FocusMoved, Followed, TextTyped
from chat_tui.ui.screens.turn_painter import TurnPainter
from chat_tui.ui.theme import THEMES
from chat_tui.ui.widgets.answer_view import warm_up
from chat_tui.ui.widgets.attachment_bar import AttachmentBar
from chat_tui.ui.widgets.mention_list import MentionList
from chat_tui.ui.widgets.prompt import Prompt
from chat_tui.ui.widgets.status_bar import StatusBar, status_view
from chat_tui.ui.widgets.title_bar import TitleBar
from chat_tui.ui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from textual import getters
    from textual.app import App

    from chat_tui.session.attachments import Attachment
    from chat_tui.session.turn_runner import TurnRunner

TICK_S = 0.25
"""How often the numbers in the status bar are brought up to date while a turn runs."""

LOAD_AFTER_S = 0.1
"""How long after the first frame the rest is loaded: imports hold the interpreter, in a thread too, and the first
keys shall not wait for them."""

REST_S = 2.0
"""How long after a turn nobody is likely to wait for anything."""

NOTES_AFTER_S = 1.0
"""How long after its opening the store is asked what happened to its files; and again after each turn."""

NOTICE_S = 4.0


class TurnScreen(Screen[None]):
    """Composer, transcript, title and status, and one turn at a time between them and the session."""

    if TYPE_CHECKING:
        app = getters.app(App[None])

    AUTO_FOCUS = "#prompt"
    """Else Textual would focus the transcript first, and paint that."""

    resume = ""
    """The conversation to begin with: an id, "last", "pick" to choose one, "" for a new one."""

    def __init__(self, session: ChatSession, loaded: LoadedConfig, *, first_run: bool = False) -> None:
        super().__init__()
        self.session = session
        self.transcript = Transcript(
            THEMES[loaded.config.theme],
            measure_columns=loaded.config.render.measure_columns,
            is_wrapped=loaded.config.render.wrap,
            id="transcript",
        )
        self.mention_list = MentionList(id="mentions")
        self.attachments = AttachmentBar(id="attachments")
        self.prompt = Prompt(id="prompt", choices=self.mention_list)
        self.status_bar = StatusBar(id="status-bar")
        self.title_bar = TitleBar(id="title-bar")
        self.painter = TurnPainter(
            self.transcript,
            clock=session.now_s,
            max_fps=loaded.config.render.max_fps,
            reasoning=loaded.config.render.reasoning,
            on_phase=lambda _: self.show_status(),
        )
        self._problems = loaded.problems
        self._first_run = first_run
        self._notice = ""
        self._notice_timer: Timer | None = None
        self._tick: Timer | None = None
        self._rest_timer: Timer | None = None
        self._ended: TurnRunner | None = None
        self._cost = ""
        """What the conversation has cost; it is reckoned when that changes."""
        self._sent_with: tuple[Attachment, ...] = ()
        """What was attached to the last question, beside the files its text mentions."""

    def compose(self) -> ComposeResult:
        """Top to bottom."""
        yield self.title_bar
        with Horizontal(id="reading"):
            # In a container of its own: Textual's compositor renders all that are in the same one for any change.
            yield Container(self.transcript, id="messages")
            yield self.transcript.thumb
        yield self.mention_list
        yield self.attachments
        yield self.prompt
        yield self.status_bar

    def on_mount(self) -> None:
        """The composer is usable at once; everything else follows."""
        self._tick = self.set_interval(TICK_S, self._on_tick, pause=True)
        self._rest_timer = self.set_interval(REST_S, self._rest, pause=True)
        self.prompt.focus()
        self.show_title()
        self.show_status()
        for problem in self._problems:
            self.transcript.add_notice(problem, is_error=True)
        self.greet()
        self.call_after_refresh(self.set_timer, LOAD_AFTER_S, self.load_the_rest)

    def load_the_rest(self) -> None:
        """What the first answer needs: HTTP or the model's server, and what Markdown is rendered with."""
        heap.release()
        self.prepare_model()
        self.warm_up()
        self.session.open_store()
        self.set_timer(NOTES_AFTER_S, self.tell_notes)

    def greet(self) -> None:
        """Which model will answer, and how to get others; only where that is news."""
        if self.session.is_demo:
            self.transcript.add_notice("This is a demo: the answers are scripted, no model is asked.")
        elif self._first_run:
            self.transcript.add_notice(f"Answering with {self.session.model_label}. {self._ways_on}")

    @property
    def _ways_on(self) -> str:
        """How to get another model; names those that a key in the environment is for."""
        return f"{self.session.unused_keys or 'F2 for other models,'} F1 for keys."

    @work(group="prepare", exclusive=True, exit_on_error=False)
    async def prepare_model(self) -> None:
        """Start what the model needs while the reader types; say at once what stands in the way."""
        problem = await self.session.prepare()
        if problem and self._first_run and not self.session.conversation.path():
            self.transcript.show_messages(())  # "Answering with …" is not true
            problem = f"{problem} {self._ways_on}"
        if problem:
            self.complain(problem)

    @work(group="warm-up", thread=True, exit_on_error=False)
    def warm_up(self) -> None:
        """Load what the first turn runs and is rendered with, while the reader types: it takes longer than a frame
        may."""
        turn_runner()
        warm_up(self.transcript.styles_by_role)

    # -- a turn ----------------------------------------------------------------------------------

    def ask(self, text: str, files: tuple[FilePart, ...] = ()) -> None:
        """Send a question with files; whatever is wrong is said, and the composer keeps what it holds."""
        if self.session.is_running:
            self.say("An answer is still running. Esc stops it.")
            return
        self.painter.settle()
        try:
            runner = self.session.submit(text, self.painter, files=files)
        except ChatError as error:
            self.complain(error.sentence)
            return
        self.prompt.clear()
        self._sent_with = self.attachments.items
        self.attachments.show(())
        self.transcript.add_prompt(self._question_id(runner), text, files)
        self.show_title()
        self.start_turn(runner)

    def _question_id(self, runner: TurnRunner) -> int:
        return self.session.conversation.get(runner.message_id).parent_id or 0

    def start_turn(self, runner: TurnRunner, *, earlier: Message | None = None) -> None:
        """Run it and show it; `earlier` is the answer it continues. Keys on the messages now mean this answer, and
        what was said before makes way for its phases."""
        self.unsay()
        self.painter.begin(runner, earlier=earlier)
        self.transcript.mark(runner.message_id)
        self.show_versions()
        self._run_turn(runner)
        if self._tick is not None:
            self._tick.resume()

    @work(group="turn", exclusive=True, exit_on_error=False)
    async def _run_turn(self, runner: TurnRunner) -> None:
        try:
            await runner.run()
        finally:
            runner.settle()
            self.end_turn(runner)

    def end_turn(self, runner: TurnRunner) -> None:
        """The one end of a turn on the screen; a second call for the same turn finds nothing to do."""
        if self._ended is runner or runner.ending is None:
            return
        self._ended = runner
        self.painter.end()
        if self._tick is not None:
            self._tick.pause()
        if not runner.state.has_output:
            if runner.ending.outcome is Outcome.COMPLETE:
                self.transcript.add_notice("The answer was empty.")
            else:
                self._take_back(runner)
        if runner.hidden_chars:
            self.say(f"{runner.hidden_chars} hidden characters in this answer are shown as marks.")
        self.tell_notes()
        self._cost = self.session.use.cost.amount
        self.show_status()
        if self._rest_timer is not None:
            self._rest_timer.reset()
            self._rest_timer.resume()

    def _rest(self) -> None:
        if self._rest_timer is not None:
            self._rest_timer.pause()
        if not self.session.is_running:
            heap.tidy()

    def _take_back(self, runner: TurnRunner) -> None:
        """Nothing came: the conversation is where it was, one line says what failed."""
        if runner.kind is TurnKind.ASK:
            draft = self.prompt.text
            self.transcript.drop_from(self._question_id(runner))
            prompt = escape(runner.prompt)
            self.prompt.put(f"{prompt}\n{draft}" if draft.strip() else prompt)
            self.attachments.show((*self._sent_with, *self.attachments.items))
        else:
            self.transcript.show_messages(self.session.conversation.path())
        self.show_versions()
        if runner.ending is not None and runner.ending.fault is not None:
            self.transcript.add_notice(runner.ending.fault.sentence, is_error=True)
        self.show_title()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A fault of our own in a worker is said, not swallowed; what arrived is kept."""
        if event.state is WorkerState.ERROR:
            worker = cast("Worker[object]", event.worker)
            name = type(worker.error).__name__
            self.complain(f"chat-tui itself failed ({name}). What arrived is kept.")

    # -- what is always visible ------------------------------------------------------------------

    def _on_tick(self) -> None:
        self.painter.tick()
        self.show_status()

    def show_conversation(self) -> None:
        """Show the session's conversation anew, at its end: for whoever has made it another one."""
        self.painter.settle()
        self.transcript.show_messages(self.session.conversation.path())
        self.show_versions()
        self.show_title()
        self._cost = self.session.use.cost.amount
        self.show_status()

    def show_versions(self) -> None:
        """Mark the messages that have others beside them."""
        self.transcript.show_versions(self.session.conversation.versions())

    def show_title(self) -> None:
        """The conversation's title, else its first words, and the model. Where nothing stands, only a title of the
        reader's own is one."""
        conversation = self.session.conversation
        first = next((message.text for message in conversation.path()), None)
        given = conversation.title if first is not None or conversation.is_title_own else ""
        title = given or title_of(first or "") or "New conversation"
        self.title_bar.show(title, self.session.model_id)

    def show_status(self) -> None:
        """Phase, numbers, and what Esc would do now."""
        runner = self.session.runner
        now_s = self.session.now_s()
        phase = Phase.IDLE if runner is None else runner.state.phase
        retry_in_s = 0.0 if runner is None or runner.retry_at_s is None else max(0.0, runner.retry_at_s - now_s)
        self.status_bar.show(
            status_view(
                None if runner is None else runner.metrics,
                phase,
                now_s,
                model=self.session.model_id,
                retry_in_s=retry_in_s,
                reason="" if runner is None or runner.retry_fault is None else runner.retry_fault.title,
                escape_hint=self.escape_hint(phase),
                notice=self._notice,
                progress=None if runner is None else runner.state.progress,
                cost=self._cost,
            )
        )

    def escape_hint(self, phase: Phase) -> str:
        """What Esc would do now."""
        return "Esc stop" if phase.is_running else "Esc back" if self.transcript.has_focus else ""

    def tell_notes(self) -> None:
        """What happened to the files of the store."""
        for note in self.session.journal.take_notes():
            self.transcript.add_notice(note)

    def show_problem(self, sentence: str) -> None:
        """What is not saved and why; empty when all is saved again."""
        if sentence:
            self.complain(sentence)

    def complain(self, sentence: str) -> None:
        """Something cannot be done: a line that stays, and at once where an answer is still growing above it."""
        self.transcript.add_notice(sentence, is_error=True)
        if self.session.is_running:
            self.say(sentence)

    def say(self, notice: str) -> None:
        """A few words in the status bar, for a few seconds."""
        self._notice = notice
        if self._notice_timer is not None:
            self._notice_timer.stop()
        self._notice_timer = self.set_timer(NOTICE_S, self.unsay)
        self.show_status()

    def unsay(self) -> None:
        """The notice has stood long enough."""
        self._notice = ""
        self.show_status()

    @on(FocusMoved)
    def focus_moved(self) -> None:
        """What Esc would do depends on where the focus is."""
        self.show_status()

    @on(Followed)
    def paint_at_once(self) -> None:
        """What came while the end was out of view is wanted now."""
        self.painter.hurry()

    @on(TextTyped)
    def type_into_prompt(self, event: TextTyped) -> None:
        """What is typed while the messages have the focus was meant for the composer."""
        self.prompt.focus()
        self.prompt.insert(event.text)
