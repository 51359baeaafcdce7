"""Where a turn is and how it ends, in single words. Apart from the rest, because a screen knows them before the
first turn, and what a turn is made of is loaded with the first one.
"""

from __future__ import annotations

from enum import StrEnum

QUIET_AFTER_S = 5.0
"""Silence from here on is worth a word to the reader."""

STALLED_AFTER_S = 30.0
"""Silence from here on is a stall."""


class Phase(StrEnum):
    """What a turn is doing, in the words the status bar uses."""

    IDLE = "idle"
    CONNECTING = "connecting"
    WAITING = "waiting"
    THINKING = "thinking"
    ANSWERING = "answering"
    CALLING = "calling"
    RETRYING = "retrying"
    DONE = "done"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"

    @property
    def is_running(self) -> bool:
        """Whether Esc would stop something."""
        return self in _RUNNING


_RUNNING = frozenset(
    {Phase.CONNECTING, Phase.WAITING, Phase.THINKING, Phase.ANSWERING, Phase.CALLING, Phase.RETRYING}
)


class FinishReason(StrEnum):
    """Why an answer ended; each codec maps its protocol's words to these."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    PAUSE = "pause"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    OTHER = "other"


class Outcome(StrEnum):
    """How a turn ended: exactly one of these, and the user sees which."""

    COMPLETE = "complete"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
