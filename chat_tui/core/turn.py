"""One answer as it grows: a reducer from stream events to everything a person or a file needs of it.

`reduce` is deterministic and does no input or output. Text is kept in append-only logs that successive states
share, so that the cost of an event does not grow with the answer; a state is therefore used in one line of
time only: after `reduce(state, event)` go on with what it returned.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from chat_tui.core.conversation import OpaquePart, Part, ReasoningPart, TextPart, ToolCallPart, ToolResultPart
from chat_tui.core.errors import Fault
from chat_tui.core.events import (
    Channel,
    Connected,
    Failed,
    Finished,
    Ignored,
    OpaqueReceived,
    ProgressKind,
    ProgressReported,
    ReasoningDelta,
    Started,
    StepMarked,
    StreamEvent,
    TerminalEvent,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallEnded,
    ToolCallStarted,
    ToolResultReceived,
    Usage,
    UsageReported,
)
from chat_tui.core.outcome import FinishReason, Phase

TAKEN_BACK = "taken-back."
"""What the kind of opaque data begins with that belongs to nothing any more."""

_PAGE_FRAGMENTS = 512


class _Fragments:
    """Text that comes a few characters at a time. It is joined in pages: each fragment would weigh ten times what
    it says."""

    __slots__ = ("_fresh", "_pages")

    def __init__(self) -> None:
        self._pages: list[str] = []
        self._fresh: list[str] = []

    def append(self, text: str) -> None:
        """More of it."""
        self._fresh.append(text)
        if len(self._fresh) == _PAGE_FRAGMENTS:
            self._pages.append("".join(self._fresh))
            self._fresh = []

    @property
    def text(self) -> str:
        """All of it; the same object until there is more."""
        if self._fresh or len(self._pages) != 1:
            self._pages = ["".join((*self._pages, *self._fresh))]
            self._fresh = []
        return self._pages[0]


@dataclass(slots=True)
class _TextLog:
    """A run of deltas of one kind, in arrival order."""

    is_reasoning: bool
    channel: Channel
    part: int
    fragments: _Fragments = field(default_factory=_Fragments)

    def take_back(self) -> None:
        """It is no part of the answer any more, and stays readable among the thoughts."""
        self.is_reasoning = True

    def as_part(self, reasoning_s: float | None) -> Part:
        text = self.fragments.text
        if self.is_reasoning:
            return ReasoningPart(text, reasoning_s)
        return TextPart(text, is_refusal=self.channel is Channel.REFUSAL)


@dataclass(slots=True)
class _CallLog:
    """A tool call being received."""

    key: str
    call_id: str = ""
    name: str = ""
    fragments: _Fragments = field(default_factory=_Fragments)
    is_complete: bool = False

    def as_part(self) -> ToolCallPart:
        return ToolCallPart(self.key, self.call_id, self.name, self.fragments.text, self.is_complete)


@dataclass(slots=True)
class TurnState:
    """Everything known of one answer. Raw text, append-only: what a server takes back moves among the thoughts."""

    phase: Phase = Phase.CONNECTING
    model: str = ""
    response_id: str = ""
    request_id: str = ""
    usage: Usage = field(default_factory=Usage)
    terminal: TerminalEvent | None = None
    has_output: bool = False
    """Whether a first token came: from then on nothing is retried by itself."""
    has_text: bool = False
    has_reasoning: bool = False
    progress_kind: ProgressKind | None = None
    """What the server says it does before its first token."""
    prompt_fraction: float | None = None
    """How much of that is done."""
    alive_count: int = 0
    ignored_count: int = 0
    _logs: list[_TextLog | _CallLog | OpaquePart | ToolResultPart] = field(
        default_factory=list["_TextLog | _CallLog | OpaquePart | ToolResultPart"]
    )
    _calls: dict[str, _CallLog] = field(default_factory=dict[str, _CallLog])
    _step_start: int = 0
    """Which log the running step begins with; it goes on with none from before."""
    had_text: bool = False
    """Whether there was text before the running step."""

    @property
    def text(self) -> str:
        """The visible text so far, raw."""
        return "".join(log.fragments.text for log in self._texts(is_reasoning=False))

    @property
    def reasoning(self) -> str:
        """The reasoning so far, raw."""
        return "".join(log.fragments.text for log in self._texts(is_reasoning=True))

    @property
    def has_tool_calls(self) -> bool:
        """Whether a call has begun; costs nothing, which `tool_calls` does."""
        return bool(self._calls)

    @property
    def tool_calls(self) -> tuple[ToolCallPart, ...]:
        """The calls so far, in order."""
        return tuple(call.as_part() for call in self._calls.values())

    @property
    def progress(self) -> tuple[ProgressKind, float | None] | None:
        """What the server says it does before its first token, and how much of that is done (0 to 1)."""
        return None if self.progress_kind is None else (self.progress_kind, self.prompt_fraction)

    @property
    def fault(self) -> Fault | None:
        """What broke the stream, once it has."""
        return self.terminal.fault if isinstance(self.terminal, Failed) else None

    def parts(self, reasoning_s: float | None = None) -> tuple[Part, ...]:
        """Everything that came, as message parts in arrival order."""
        return tuple(
            log
            if isinstance(log, OpaquePart | ToolResultPart)
            else log.as_part()
            if isinstance(log, _CallLog)
            else log.as_part(reasoning_s)
            for log in self._logs
        )

    @property
    def runs(self) -> tuple[tuple[bool, str], ...]:
        """The text in the order it came: whether it is reasoning, and what it says."""
        return tuple((log.is_reasoning, log.fragments.text) for log in self._logs if isinstance(log, _TextLog))

    def _texts(self, *, is_reasoning: bool) -> list[_TextLog]:
        return [log for log in self._logs if isinstance(log, _TextLog) and log.is_reasoning is is_reasoning]

    def append_text(self, text: str, part: int, channel: Channel, *, is_reasoning: bool) -> None:
        """Add to the last run when it is of the same kind, else begin a new one."""
        last = self._logs[-1] if len(self._logs) > self._step_start else None
        if not (
            isinstance(last, _TextLog)
            and last.is_reasoning is is_reasoning
            and last.part == part
            and last.channel is channel
        ):
            last = _TextLog(is_reasoning, channel, part)
            self._logs.append(last)
        last.fragments.append(text)

    def call(self, key: str) -> _CallLog:
        """The call of that key, begun when it is not known yet."""
        log = self._calls.get(key)
        if log is None:
            log = self._calls[key] = _CallLog(key)
            self._logs.append(log)
        return log

    def begin_again(self) -> None:
        """It is asked once more, because nothing came that a reader could see: what the attempt before gave to be
        sent back belongs to an answer that there is not."""
        self._logs.clear()
        self._calls.clear()
        self.begin_step()

    def begin_step(self) -> None:
        """What comes from now on is what `take_back_step` takes back."""
        self._step_start, self.had_text = len(self._logs), self.has_text

    def take_back_step(self) -> None:
        """The server disowns what the running step brought, because it tries again.

        Its text is kept as reasoning, its calls as incomplete ones; nothing of it is sent back or run.
        """
        for index in range(self._step_start, len(self._logs)):
            log = self._logs[index]
            if isinstance(log, _TextLog):
                log.take_back()
                self.has_reasoning = True
            elif isinstance(log, _CallLog):
                log.is_complete = False
            elif isinstance(log, OpaquePart):
                self._logs[index] = OpaquePart(f"{TAKEN_BACK}{log.kind}", log.data)
        self.has_text = self.had_text
        self.begin_step()

    def append_whole(self, part: OpaquePart | ToolResultPart) -> None:
        """Keep in its place what comes in one piece."""
        self._logs.append(part)


def reduce(state: TurnState, event: StreamEvent) -> TurnState:
    """The state after one more event. Nothing changes once a terminal event was seen."""
    if state.terminal is not None:
        return state
    match event:
        case TextDelta(text, part, channel):
            state.append_text(text, part, channel, is_reasoning=False)
            state.has_output = state.has_text = True
            state.phase, state.progress_kind = Phase.ANSWERING, None
        case ReasoningDelta(text, part):
            state.append_text(text, part, Channel.ANSWER, is_reasoning=True)
            state.has_output = state.has_reasoning = True
            state.phase, state.progress_kind = Phase.THINKING, None
        case ToolCallStarted() | ToolArgumentsDelta() | ToolCallEnded() | ToolResultReceived():
            _reduce_tool(state, event)
        case OpaqueReceived(kind, data):
            state.append_whole(OpaquePart(kind, data))
        case UsageReported(usage):
            state.usage = state.usage.updated(usage)
        case Finished() | Failed():
            _end(state, event)
        case _:
            _reduce_edge(state, event)
    return state


def _reduce_tool(
    state: TurnState, event: ToolCallStarted | ToolArgumentsDelta | ToolCallEnded | ToolResultReceived
) -> None:
    match event:
        case ToolCallStarted(key, call_id, name):
            log = state.call(key)
            log.call_id, log.name = call_id or log.call_id, name or log.name
            state.has_output = True
            state.phase = Phase.CALLING
        case ToolArgumentsDelta(key, fragment):
            state.call(key).fragments.append(fragment)
            state.has_output = True
            state.phase, state.progress_kind = Phase.CALLING, None
        case ToolCallEnded(key, arguments):
            log = state.call(key)
            log.fragments, log.is_complete = _Fragments(), True
            log.fragments.append(arguments)
        case ToolResultReceived(key, output):
            state.append_whole(ToolResultPart(key, output))


def _reduce_edge(state: TurnState, event: StreamEvent) -> None:
    match event:
        case Connected(_, request_id):
            state.request_id = request_id
            state.progress_kind = state.prompt_fraction = None
            if state.phase is Phase.CONNECTING:
                state.phase = Phase.WAITING
        case Started(response_id, model):
            state.response_id = response_id or state.response_id
            state.model = model or state.model
        case ProgressReported(kind, fraction):
            state.alive_count += 1
            if kind is not ProgressKind.ALIVE:
                is_same = kind is state.progress_kind and fraction is None
                state.prompt_fraction = state.prompt_fraction if is_same else fraction
                state.progress_kind = kind
        case StepMarked(what):
            if what == "reset":
                state.take_back_step()
            elif what == "start":
                state.begin_step()
        case Ignored():
            state.ignored_count += 1
        case _:
            raise TypeError(f"no stream event: {event!r}")


def _end(state: TurnState, event: TerminalEvent) -> None:
    state.terminal = event
    if isinstance(event, Failed) or event.reason is FinishReason.INTERRUPTED:
        state.phase = Phase.INTERRUPTED
    elif event.reason is FinishReason.CANCELLED:
        state.phase = Phase.STOPPED
    else:
        state.phase = Phase.DONE
