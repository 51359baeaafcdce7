"""One turn from submit to its one end: the task, the reducer, the cleaners, the buffers, the numbers.

Hops 4 to 7 of a token: reduce (raw text, kept), clean (the display copy), hold, release. All of it runs on the
event loop; the screen takes text with `drain`, once per frame, and is told only *that* something is there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol

from chat_tui.core.continuation import OverlapTrimmer
from chat_tui.core.conversation import ChatRequest, Ending, Outcome, Part, ToolCallPart
from chat_tui.core.errors import Fault, FaultKind
from chat_tui.core.events import (
    TOKEN_EVENTS,
    Arrival,
    Connected,
    Failed,
    Finished,
    ProgressReported,
    ReasoningDelta,
    StepMarked,
    StreamEvent,
    TextDelta,
    UsageReported,
)
from chat_tui.core.metrics import StreamMetrics
from chat_tui.core.outcome import FinishReason, Phase
from chat_tui.core.render_buffer import RenderBuffer
from chat_tui.core.sanitize import Cleaner, TextCleaner
from chat_tui.core.turn import TurnState, reduce
from chat_tui.providers.base import Clock, Provider
from chat_tui.providers.retry import RetryPolicy
from chat_tui.session.turn_kind import TurnKind

YIELD_AFTER_S = 0.008
"""A burst is read for at most this long before keys and frames get their turn."""


class TurnListener(Protocol):
    """Who wants to know. Called on the event loop, never per token but per arrival; must return at once."""

    def text_arrived(self) -> None:
        """There is something to drain."""
        ...

    def phase_changed(self, phase: Phase) -> None:
        """The turn entered another phase; the last one is terminal."""
        ...


class SilentListener:
    """Wants to know nothing."""

    def text_arrived(self) -> None:
        """Ignored."""

    def phase_changed(self, phase: Phase) -> None:
        """Ignored."""


@dataclass(frozen=True, slots=True)
class Drained:
    """Cleaned text not shown before. Tool calls are given whole, None when they did not change."""

    answer: str
    reasoning: str
    tool_calls: tuple[ToolCallPart, ...] | None = None


class TurnRunner:
    """Runs one request to its end, with the retries that are allowed, and keeps everything that came.

    `on_event` is told every event as it is kept. `on_settled` is called exactly once, synchronously, with all parts
    and the ending, whatever happened; it returns the ending of the message as a whole, which for a continuation
    counts what came before.
    """

    def __init__(
        self,
        provider: Provider,
        request: ChatRequest,
        *,
        kind: TurnKind,
        message_id: int,
        prompt: str,
        clock: Clock,
        on_settled: Callable[[TurnRunner, tuple[Part, ...], Ending], Ending],
        listener: TurnListener | None = None,
        partial: str = "",
        trimmer: OverlapTrimmer | None = None,
        make_cleaner: Callable[[], Cleaner] = TextCleaner,
        retry: RetryPolicy | None = None,
        jitter: Callable[[], float] = lambda: 0.5,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        on_event: Callable[[StreamEvent], None] | None = None,
    ) -> None:
        self.provider = provider
        self.request = request
        self.kind = kind
        self.message_id = message_id
        self.prompt = prompt
        self.partial = partial
        self.state = TurnState()
        self.metrics = StreamMetrics(clock())
        self.ending: Ending | None = None
        self.retry_at_s: float | None = None
        self.retry_fault: Fault | None = None
        self._clock = clock
        self._on_settled = on_settled
        self._listener = listener or SilentListener()
        self._trimmer = trimmer
        self._retry = retry or RetryPolicy()
        self._jitter = jitter
        self.sleep = sleep
        self._on_event = on_event
        self._task: asyncio.Task[None] | None = None
        self._held: deque[tuple[bool, RenderBuffer]] = deque()
        """Runs of reasoning (True) and answer in the order they came: a model may think between its words."""
        self._make_cleaner = make_cleaner
        self._answer_cleaner, self._reasoning_cleaner = make_cleaner(), make_cleaner()
        self.shown_partial = self._answer_cleaner.feed(partial)
        """The text that is continued, cleaned by the same cleaner that goes on with what comes."""
        self._has_new_calls = False
        self.restart_count = 0
        """How often the server took something back: what was drained before is then to be forgotten, everything
        comes again."""
        self._is_stale = False
        """Whether something was taken back and what is held does not say so yet."""
        self._reasoning_span_s: tuple[float, float] | None = None

    # -- running ---------------------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        """Until the one end."""
        return self.ending is None

    @property
    def reasoning_s(self) -> float | None:
        """From the first reasoning token to the last one."""
        return None if self._reasoning_span_s is None else self._reasoning_span_s[1] - self._reasoning_span_s[0]

    @property
    def hidden_chars(self) -> int:
        """How many invisible characters were made visible."""
        return self._answer_cleaner.hidden_chars + self._reasoning_cleaner.hidden_chars

    async def run(self) -> Ending:
        """The whole turn. Raises nothing; if the awaiting task is cancelled the turn ends as stopped first."""
        self._listener.phase_changed(self.state.phase)
        self._task = asyncio.create_task(self._run_attempts(), name="turn")
        try:
            await asyncio.wait({self._task})
        except asyncio.CancelledError:
            self.cancel()
            raise
        finally:
            ending = self.settle()
        return ending

    def cancel(self) -> None:
        """Stop at once: the turn is stopped now, the socket is closed in the next step of the loop."""
        self._apply(Finished(FinishReason.CANCELLED), self._clock())
        if self._task is not None:
            self._task.cancel()
        self.settle()

    async def _run_attempts(self) -> None:
        attempt = 1
        while True:
            fault = await self._run_attempt()
            wait_s = None if fault is None else self._retry.wait_s(fault, attempt, self._jitter())
            if fault is None or wait_s is None or self.state.has_output:
                break
            await self._wait_for_retry(fault, wait_s)
            attempt += 1
        if fault is not None:
            self._apply(Failed(fault), self._clock())

    async def _run_attempt(self) -> Fault | None:
        """One request. Returns the fault that ended it, None when it ended well."""
        last_yield_s = self._clock()
        try:
            async with aclosing(self.provider.stream(self.request)) as stream:
                async for arrival in stream:
                    if fault := self._receive(arrival):
                        return fault
                    if self._clock() - last_yield_s > YIELD_AFTER_S:
                        await asyncio.sleep(0)
                        last_yield_s = self._clock()
        except Exception as error:  # noqa: BLE001 - our own bug must not cost the text that came
            return Fault(
                FaultKind.INTERNAL,
                "internal error",
                f"chat-tui itself failed while reading the stream ({type(error).__name__}).",
                "The text so far is kept; please report this.",
            )
        if self.state.terminal is None:
            return Fault(FaultKind.PROTOCOL, "connection lost", "The stream ended without an end.")
        return None

    async def _wait_for_retry(self, fault: Fault, wait_s: float) -> None:
        self.retry_fault, self.retry_at_s = fault, self._clock() + wait_s
        self._enter(Phase.RETRYING)
        await self.sleep(wait_s)
        self.state.begin_again()
        self.retry_at_s = None
        self._enter(Phase.CONNECTING)

    def _enter(self, phase: Phase) -> None:
        if self.state.terminal is None and self.state.phase is not phase:
            self.state.phase = phase
            self._listener.phase_changed(phase)

    # -- receiving -------------------------------------------------------------------------------

    def _receive(self, arrival: Arrival) -> Fault | None:
        """Take in what one read brought. Returns the fault of a failure, which is not applied yet."""
        token_count = sum(isinstance(event, TOKEN_EVENTS) for event in arrival.events)
        if token_count:  # before the events: whoever is told of a phase finds the numbers that go with it
            self.metrics.tokens_arrived(arrival.at_s, token_count)
        fault = None
        for event in arrival.events:
            if isinstance(event, Failed):
                fault = event.fault
            else:
                self._apply(event, arrival.at_s)
        was_stale = self._is_stale
        if was_stale:
            self._hold_anew()
        if token_count or was_stale:
            self._listener.text_arrived()
        return fault

    def _apply(self, event: StreamEvent, at_s: float) -> None:
        if self.state.terminal is not None:
            return
        if self._trimmer is not None:
            event = self._trim(self._trimmer, event, at_s)
        before = self.state.phase
        self.state = reduce(self.state, event)
        if self._on_event is not None:
            self._on_event(event)
        match event:
            case TextDelta(text):
                self._hold(self._answer_cleaner.feed(text), is_reasoning=False)
            case ReasoningDelta(text):
                self._hold(self._reasoning_cleaner.feed(text), is_reasoning=True)
                first_s = at_s if self._reasoning_span_s is None else self._reasoning_span_s[0]
                self._reasoning_span_s = (first_s, at_s)
            case Connected() | ProgressReported():
                pass
            case UsageReported(usage):
                self.metrics.usage_reported(usage)
            case Finished() | Failed():
                self.metrics.ended(at_s)
                self._release_cleaners()
            case StepMarked("reset"):
                self._is_stale = True
            case _:
                self._has_new_calls = self.state.has_tool_calls
        if self.state.phase is not before:
            self._listener.phase_changed(self.state.phase)

    def _trim(self, trimmer: OverlapTrimmer, event: StreamEvent, at_s: float) -> StreamEvent:
        """The same event without the words a continuation repeats; what is held back comes before the end."""
        if isinstance(event, TextDelta):
            return replace(event, text=trimmer.feed(event.text))
        if isinstance(event, Finished | Failed) and (rest := trimmer.flush()):
            self._trimmer = None
            self._apply(TextDelta(rest), at_s)
        if event == StepMarked("reset"):
            if rest := trimmer.flush():
                self._trimmer = None
                self._apply(TextDelta(rest), at_s)
            # the next attempt may repeat the last words, too, unless an earlier step has gone on already
            self._trimmer = None if self.state.had_text else OverlapTrimmer(self.partial)
        return event

    # -- showing ---------------------------------------------------------------------------------

    @property
    def pending_chars(self) -> int:
        """How much waits to be drained."""
        return sum(buffer.pending_chars for _, buffer in self._held)

    def drain(self, budget_chars: int) -> Drained:
        """What one frame shows: at most one run of reasoning and the run of the answer behind it."""
        reasoning = self._take(budget_chars, is_reasoning=True)
        answer = self._take(budget_chars - len(reasoning), is_reasoning=False)
        return Drained(answer, reasoning, self._take_calls())

    def flush(self) -> Drained:
        """Everything that was not drained yet, answer and reasoning each in one piece."""
        reasoning = "".join(buffer.flush() for is_reasoning, buffer in self._held if is_reasoning)
        answer = "".join(buffer.flush() for _, buffer in self._held)
        self._held.clear()
        return Drained(answer, reasoning, self._take_calls())

    def _hold_anew(self) -> None:
        """Something was taken back: hold all there is, in its order, as if it had come just now."""
        self._is_stale = False
        self.restart_count += 1
        self._held.clear()
        self._answer_cleaner, self._reasoning_cleaner = self._make_cleaner(), self._make_cleaner()
        self.shown_partial = self._answer_cleaner.feed(self.partial)
        for is_reasoning, text in self.state.runs:
            cleaner = self._reasoning_cleaner if is_reasoning else self._answer_cleaner
            self._hold(cleaner.feed(text), is_reasoning=is_reasoning)
        if self.state.terminal is not None:
            self._release_cleaners()
        self._has_new_calls = self.state.has_tool_calls

    def _release_cleaners(self) -> None:
        self._hold(self._reasoning_cleaner.flush(), is_reasoning=True)
        self._hold(self._answer_cleaner.flush(), is_reasoning=False)

    def _hold(self, text: str, *, is_reasoning: bool) -> None:
        if not text or self._is_stale:
            return
        if not self._held or self._held[-1][0] is not is_reasoning:
            self._held.append((is_reasoning, RenderBuffer()))
        self._held[-1][1].push(text)

    def _take(self, budget_chars: int, *, is_reasoning: bool) -> str:
        """Up to that many characters of the oldest run, nothing when it is of the other kind."""
        if not self._held or self._held[0][0] is not is_reasoning:
            return ""
        text = self._held[0][1].take(budget_chars)
        if not self._held[0][1].pending_chars:
            self._held.popleft()
        return text

    def _take_calls(self) -> tuple[ToolCallPart, ...] | None:
        if not self._has_new_calls:
            return None
        self._has_new_calls = False
        return self.state.tool_calls

    # -- ending ----------------------------------------------------------------------------------

    def settle(self) -> Ending:
        """The one end, whatever happened; a second call changes nothing.

        Synchronous, because what awaits at exit may never run.
        """
        if self.ending is not None:
            return self.ending
        if self.state.terminal is None:
            self._apply(
                Failed(Fault(FaultKind.INTERNAL, "internal error", "The turn ended without an end.")), self._clock()
            )
        self.ending = self._on_settled(self, self.state.parts(self.reasoning_s), self._make_ending())
        return self.ending

    def _make_ending(self) -> Ending:
        terminal, metrics = self.state.terminal, self.metrics
        reason = terminal.reason if isinstance(terminal, Finished) else FinishReason.INTERRUPTED
        outcome = {Phase.STOPPED: Outcome.STOPPED, Phase.DONE: Outcome.COMPLETE}.get(
            self.state.phase, Outcome.INTERRUPTED
        )
        return Ending(
            outcome=outcome,
            reason=reason,
            fault=self.state.fault,
            raw_reason=terminal.raw if isinstance(terminal, Finished) else "",
            tokens=metrics.token_count,
            is_estimate=metrics.is_estimate,
            elapsed_s=metrics.elapsed_s(self._clock()),
            ttft_s=metrics.ttft_s,
            tokens_per_s=metrics.tokens_per_s,
            usage=self.state.usage,
            gap_p95_s=metrics.gap_percentile_s(0.95),
            longest_gap_s=metrics.gap_percentile_s(1.0),
            stalls=metrics.stall_count,
        )
