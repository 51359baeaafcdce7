"""The vocabulary every protocol is translated into.

A stream is any number of events and then exactly one terminal one: `Finished` or `Failed`.
`Finished(INTERRUPTED)` and `Finished(CANCELLED)` are made by us, never expected from a wire.
Texts are raw: as they came, not cleaned (see core.sanitize), never empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chat_tui.core.errors import Fault
from chat_tui.core.outcome import FinishReason
from chat_tui.core.usage import Usage


class Channel(StrEnum):
    """What a piece of visible text is."""

    ANSWER = "answer"
    COMMENTARY = "commentary"
    REFUSAL = "refusal"


class ReasoningKind(StrEnum):
    """Whether reasoning is the model's own or a summary of it."""

    RAW = "raw"
    SUMMARY = "summary"


class ProgressKind(StrEnum):
    """Signs of life before or between tokens; only ALIVE is no real event (a comment, a ping).

    RECONNECT is ours: the connection broke, and the answer is taken up again on another one.
    """

    ALIVE = "alive"
    QUEUED = "queued"
    LOAD = "load"
    PROMPT = "prompt"
    TOOL = "tool"
    RECONNECT = "reconnect"


@dataclass(frozen=True, slots=True)
class Connected:
    """Response headers are here (made by the transport): from now on we wait for the model, not the network."""

    status: int = 200
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Started:
    """The answer exists at the provider; at most one, may be missing."""

    id: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """Append to the visible answer. `part` orders and groups; it is no number to compute with."""

    text: str
    part: int = 0
    channel: Channel = Channel.ANSWER


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """Append to the thinking fold."""

    text: str
    part: int = 0
    kind: ReasoningKind = ReasoningKind.RAW


@dataclass(frozen=True, slots=True)
class OpaqueReceived:
    """Provider data that is never shown but must be kept and sent back (signatures, encrypted reasoning)."""

    kind: str
    data: Any
    part: int = 0


@dataclass(frozen=True, slots=True)
class ToolCallStarted:
    """A call begins; `key` is ours, unique within the answer. `name` may come later (a second one replaces it)."""

    key: str
    call_id: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class ToolArgumentsDelta:
    """Raw JSON text, append."""

    key: str
    fragment: str


@dataclass(frozen=True, slots=True)
class ToolCallEnded:
    """The protocol closed the call; `arguments` is the complete string. Only now may a tool run."""

    key: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolResultReceived:
    """The provider ran the tool itself."""

    key: str
    output: str


@dataclass(frozen=True, slots=True)
class StepMarked:
    """One model call of a multi-step run begins or ends; `reset` drops what came since the last start."""

    what: str


@dataclass(frozen=True, slots=True)
class UsageReported:
    """A snapshot; the newest replaces the older field by field, they are never added up."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class ProgressReported:
    """Liveness and pre-token progress; `fraction` 0..1 where known."""

    kind: ProgressKind
    fraction: float | None = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """Something we do not know: counted, never dropped silently."""

    name: str


@dataclass(frozen=True, slots=True)
class Finished:
    """Terminal: the protocol ended the answer. `raw` is the server's own word for the reason."""

    reason: FinishReason
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """Terminal: the stream broke or was refused. A cut body is `Failed` with kind CUT."""

    fault: Fault


TerminalEvent = Finished | Failed

StreamEvent = (
    Connected
    | Started
    | TextDelta
    | ReasoningDelta
    | OpaqueReceived
    | ToolCallStarted
    | ToolArgumentsDelta
    | ToolCallEnded
    | ToolResultReceived
    | StepMarked
    | UsageReported
    | ProgressReported
    | Ignored
    | Finished
    | Failed
)

TOKEN_EVENTS = (TextDelta, ReasoningDelta, ToolCallStarted, ToolArgumentsDelta)
"""Events that carry model output: the first of them is the first token, after it nothing is retried by itself."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What one read of the socket brought: events that share the time they arrived at.

    `at_s` is on the injected monotonic clock. Batching keeps the cost per token at one event, not one
    suspended generator, and makes a burst what it is: many tokens at one moment.
    """

    at_s: float
    events: tuple[StreamEvent, ...]
