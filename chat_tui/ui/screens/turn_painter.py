"""Between a running turn and the transcript: the frame. Nothing here posts a message, nothing runs when idle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from chat_tui.core.conversation import Message, ReasoningPart, ToolCallPart
from chat_tui.core.outcome import Phase
from chat_tui.core.render_buffer import WHOLE_BACKLOG_CHARS, FramePacer, RenderBuffer
from chat_tui.core.sanitize import clean
from chat_tui.ui.widgets.answer_view import Run, fold_summary
from chat_tui.ui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from chat_tui.session.turn_runner import TurnRunner

UNFOCUSED_FPS = 10
"""While the terminal does not have the focus: it may still be looked at, in another pane."""
OUT_OF_VIEW_FPS = 4
"""While the end is out of view, all that changes is the count of new lines; or the terminal reads slowly."""


class TurnPainter:
    """Listens to one turn and paints it: the first token at once, then as the pacer allows.

    A frame is due when text arrived; it is a call on the event loop, not a timer that runs anyway.
    """

    def __init__(
        self,
        transcript: Transcript,
        *,
        clock: Callable[[], float],
        max_fps: int,
        reasoning: str,
        on_phase: Callable[[Phase], None],
    ) -> None:
        self._transcript = transcript
        self._clock = clock
        self._max_fps = max_fps
        self._pacer = FramePacer(max_fps)
        self._is_focused = True
        self._reasoning = reasoning
        self._on_phase = on_phase
        self._runner: TurnRunner | None = None
        self._frame: asyncio.TimerHandle | asyncio.Handle | None = None
        self._is_reasoning_folded = True
        self._earlier_reasoning, self._earlier_text = RenderBuffer(), RenderBuffer()
        """What is still to be shown of the answer that is continued: before anything new."""
        self._earlier_summary = ""
        self._earlier: Message | None = None
        self._seen_restarts = 0
        self._calls: tuple[ToolCallPart, ...] | None = None
        """Calls that wait until the text before them is shown."""
        self.frame_count = 0

    @property
    def pending_chars(self) -> int:
        """How much waits to be shown."""
        earlier = self._earlier_reasoning.pending_chars + self._earlier_text.pending_chars
        return earlier + (0 if self._runner is None else self._runner.pending_chars)

    def begin(self, runner: TurnRunner, *, earlier: Message | None = None) -> None:
        """From now on this turn is painted; `earlier` is the answer it continues."""
        self.settle()
        self._runner = runner
        self._pacer.reset()
        self._begin_answer(runner, earlier)
        if self.pending_chars:  # at once: an answer of ordinary length does not vanish for a moment
            self._paint()

    def _begin_answer(self, runner: TurnRunner, earlier: Message | None) -> None:
        self._earlier, self._seen_restarts = earlier, runner.restart_count
        self._is_reasoning_folded = False
        is_fold_open = self._reasoning != "hide"
        if earlier is not None:
            self._earlier_reasoning.push(clean(earlier.reasoning))
            self._earlier_text.push(runner.shown_partial)
            durations = [part.duration_s for part in earlier.parts if isinstance(part, ReasoningPart)]
            self._earlier_summary = fold_summary(durations[-1] if durations else None, None)
            is_fold_open = is_fold_open and (self._reasoning == "show" or not earlier.reasoning)
        self._transcript.begin_answer(runner.message_id, is_fold_open=is_fold_open)

    def _catch_up(self, runner: TurnRunner) -> None:
        """Show the answer from its beginning when the server took some of it back; the runner gives all again."""
        if runner.restart_count == self._seen_restarts:
            return
        self._earlier_reasoning.flush()
        self._earlier_text.flush()
        self._calls = None
        self._transcript.drop_from(runner.message_id)
        self._begin_answer(runner, self._earlier)

    def text_arrived(self) -> None:
        """Part of TurnListener: see to it that a frame comes."""
        if self._frame is not None or self._runner is None:
            return
        loop = asyncio.get_running_loop()
        now_s = self._clock()
        self._pacer.max_fps = self._wanted_fps()
        wait_s = self._pacer.due_at_s(now_s) - now_s
        self._frame = loop.call_soon(self._paint) if wait_s <= 0 else loop.call_later(wait_s, self._paint)

    def _wanted_fps(self) -> float:
        if not self._transcript.is_end_in_view or self._transcript.is_terminal_behind:
            return min(self._max_fps, OUT_OF_VIEW_FPS)
        return self._max_fps if self._is_focused else min(self._max_fps, UNFOCUSED_FPS)

    def set_focused(self, *, is_focused: bool) -> None:
        """Whether the terminal has the focus; without it frames are rarer."""
        self._is_focused = is_focused
        self.hurry()

    def hurry(self) -> None:
        """The reader looks (again): a frame that waits because nobody did is due as for a reader."""
        if self._frame is not None:
            self._frame.cancel()
            self._frame = None
            self.text_arrived()

    def phase_changed(self, phase: Phase) -> None:
        """Part of TurnListener."""
        self._on_phase(phase)

    def end(self) -> None:
        """The turn has ended: settle it when everything is shown, a long backlog frame by frame so that keys are
        served between. Safe to call twice."""
        if self._runner is not None and self.pending_chars > WHOLE_BACKLOG_CHARS:
            self.text_arrived()
        else:
            self.settle()

    def settle(self) -> None:
        """Have done with a turn, before anything is put below its answer. What still waits of one that has ended
        takes its place there at once, and is split as it is looked at."""
        if self._runner is not None:
            self._catch_up(self._runner)
        rest = self._take_all()
        runner, self._runner = self._runner, None
        if self._frame is not None:
            self._frame.cancel()
            self._frame = None
        if runner is None:
            return
        was_folded, self._is_reasoning_folded = self._is_reasoning_folded, False
        self._fold(runner, is_left_alone=was_folded)
        if runner.ending is not None:
            self._transcript.end_answer(runner.ending, rest)

    def _take_all(self) -> list[Run]:
        """Everything that waits, in order."""
        rest = [Run(self._earlier_reasoning.flush(), is_reasoning=True), Run(self._earlier_text.flush())]
        runner = self._runner
        while runner is not None:  # at least once, for the tool calls
            drained = runner.drain(runner.pending_chars)
            rest += [Run(drained.reasoning, is_reasoning=True), Run(drained.answer)]
            self._calls = drained.tool_calls or self._calls
            if not runner.pending_chars:
                break
        calls, self._calls = self._calls, None
        return [run for run in (*rest, Run(calls=calls or ())) if run.text or run.calls]

    def tick(self) -> None:
        """A few times a second while thinking: the fold's line tells for how long."""
        if self._runner is not None and self._runner.state.phase is Phase.THINKING:
            self._transcript.summarize_reasoning(f"thinking {self._runner.reasoning_s or 0:.0f} s")

    def _paint(self) -> None:
        self._frame = None
        runner = self._runner
        if runner is None:
            return
        started_s = self._clock()
        self._catch_up(runner)
        chars = self._pacer.budget_chars(self.pending_chars)
        self._feed(runner, chars)
        self._pacer.painted(started_s, self._clock() - started_s, chars)
        self.frame_count += 1
        if self.pending_chars:
            self.text_arrived()
        elif runner.ending is not None:
            self.settle()

    def _feed(self, runner: TurnRunner, budget_chars: int) -> None:
        """Show what waits; thinking is over when the answer is seen to begin."""
        if self._earlier_reasoning.pending_chars or self._earlier_text.pending_chars:
            budget_chars -= self._feed_earlier(budget_chars)
        drained = runner.drain(budget_chars)
        self._calls = drained.tool_calls or self._calls
        calls = None
        if not self.pending_chars:
            calls, self._calls = self._calls, None
        self._transcript.feed(drained.reasoning, drained.answer, calls)
        if drained.answer:
            self._fold(runner)

    def _feed_earlier(self, budget_chars: int) -> int:
        """Show more of the answer that is continued. Returns how many characters."""
        reasoning = self._earlier_reasoning.take(budget_chars)
        text = self._earlier_text.take(budget_chars - len(reasoning))
        self._transcript.feed(reasoning, text)
        if reasoning:
            self._transcript.summarize_reasoning(self._earlier_summary)
        return len(reasoning) + len(text)

    def _fold(self, runner: TurnRunner, *, is_left_alone: bool = False) -> None:
        """Say how long was thought, and fold it; later only the words change, the reader may have opened it."""
        if not runner.state.has_reasoning or self._is_reasoning_folded:
            return
        self._is_reasoning_folded = True
        tokens = runner.state.usage.reasoning_tokens
        is_open = None if is_left_alone else self._reasoning == "show"
        self._transcript.summarize_reasoning(fold_summary(runner.reasoning_s, tokens), is_open=is_open)
