"""What comes of a running answer, handed to the store a few times a second and never per token."""

from __future__ import annotations

import asyncio

from chat_tui.core.events import (
    Channel,
    ReasoningDelta,
    StepMarked,
    StreamEvent,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallStarted,
    ToolResultReceived,
)
from chat_tui.store.store import ConversationStore

SAVE_EVERY_S = 0.2
"""How long a delta waits at most."""


class Deltas:
    """The deltas of a running answer on their way to the store."""

    def __init__(self, store: ConversationStore, conversation_id: str, message_id: int) -> None:
        self._store = store
        self._conversation_id, self._message_id = conversation_id, message_id
        self._waiting: list[tuple[str, str]] = []
        self._timer: asyncio.TimerHandle | None = None

    def note(self, event: StreamEvent) -> None:
        """Something came."""
        if (delta := _delta_of(event)) is None:
            return
        self._waiting.append(delta)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SAVE_EVERY_S, self.save)

    def drop(self) -> None:
        """The whole answer is stored now."""
        self._waiting = []
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def save(self) -> None:
        """Hand over what waits."""
        self._timer = None
        waiting, self._waiting = self._waiting, []
        self._store.append_deltas(self._conversation_id, self._message_id, waiting)


def _delta_of(event: StreamEvent) -> tuple[str, str] | None:
    """The event as the store appends it."""
    match event:
        case TextDelta(text, _, channel) if text:
            return ("refusal" if channel is Channel.REFUSAL else "text"), text
        case ReasoningDelta(text) if text:
            return "reasoning", text
        case ToolResultReceived(_, output) if output:
            return "result", output
        case ToolCallStarted(_, _, name) if name:
            return "call", name
        case ToolArgumentsDelta(_, fragment) if fragment:
            return "arguments", fragment
        case StepMarked("start" | "reset" as what):
            return f"step-{what}", what
        case _:
            return None
