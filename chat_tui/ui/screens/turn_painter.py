"""Between a running turn and the transcript: the frame. Nothing here posts a message, nothing runs when idle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from chat_tui.core.conversation import Message
from chat_tui.core.render_buffer import WHOLE_BACKLOG_CHARS, FramePacer
from chat_tui.core.sanitize import clean
from chat_tui.core.turn import Phase
from chat_tui.session.turn_runner import TurnRunner
from chat_tui.ui.widgets.answer_view import fold_summary
from chat_tui.ui.widgets.transcript import Transcript

UNFOCUSED_FPS = 10
"""While the terminal does not have the focus: it may still be looked at, in another pane."""
OUT_OF_VIEW_FPS = 4
"""While the end is out of view, all that changes is the count of new lines."""


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
        self.frame_count = 0

    def begin(self, runner: TurnRunner, *, earlier: Message | None = None) -> None:
        """From now on this turn is painted; `earlier` is the answer it continues."""
        self.settle()
        self._runner = runner
        self._is_reasoning_folded = False
        self._pacer.reset()
        self._transcript.begin_answer(runner.message_id, is_fold_open=self._reasoning != "hide")
        if earlier is not None:
            self._transcript.feed(clean(earlier.reasoning), "")
            self._transcript.summarize_reasoning("thought", is_open=self._reasoning == "show")
            self._transcript.feed("", runner.shown_partial)

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
        if not self._transcript.is_end_in_view:
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
        if self._runner is not None and self._runner.pending_chars > WHOLE_BACKLOG_CHARS:
            self.text_arrived()
        else:
            self.settle()

    def settle(self) -> None:
        """Show all that still waits of a turn that has ended; before anything is put below its answer."""
        runner, self._runner = self._runner, None
        if self._frame is not None:
            self._frame.cancel()
            self._frame = None
        if runner is None:
            return
        while True:  # at least once, for the tool calls
            self._feed(runner, runner.pending_chars)
            if not runner.pending_chars:
                break
        was_folded, self._is_reasoning_folded = self._is_reasoning_folded, False
        self._fold(runner, is_left_alone=was_folded)
        if runner.ending is not None:
            self._transcript.end_answer(runner.ending)

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
        chars = self._pacer.budget_chars(runner.pending_chars)
        self._feed(runner, chars)
        self._pacer.painted(started_s, self._clock() - started_s, chars)
        self.frame_count += 1
        if runner.pending_chars:
            self.text_arrived()
        elif runner.ending is not None:
            self.settle()

    def _feed(self, runner: TurnRunner, budget_chars: int) -> None:
        """Show what waits; thinking is over when the answer is seen to begin."""
        drained = runner.drain(budget_chars)
        self._transcript.feed(drained.reasoning, drained.answer, drained.tool_calls)
        if drained.answer:
            self._fold(runner)

    def _fold(self, runner: TurnRunner, *, is_left_alone: bool = False) -> None:
        """Say how long was thought, and fold it; later only the words change, the reader may have opened it."""
        if not runner.state.has_reasoning or self._is_reasoning_folded:
            return
        self._is_reasoning_folded = True
        tokens = runner.state.usage.reasoning_tokens
        is_open = None if is_left_alone else self._reasoning == "show"
        self._transcript.summarize_reasoning(fold_summary(runner.reasoning_s, tokens), is_open=is_open)
