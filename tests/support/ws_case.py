"""A provider in front of the scripted WebSocket server, and a conversation that it has."""

from __future__ import annotations

from typing import Any

from chat_tui.core.conversation import ChatRequest, Ending, Message, Role, TextPart
from chat_tui.core.errors import Fault
from chat_tui.core.events import (
    Arrival,
    Connected,
    Failed,
    Finished,
    ProgressKind,
    ProgressReported,
    StreamEvent,
    TextDelta,
)
from chat_tui.core.outcome import Outcome
from chat_tui.core.turn import TurnState, reduce
from chat_tui.providers.base import Clock
from chat_tui.providers.http import Endpoint
from chat_tui.providers.websocket import WebSocketProvider
from chat_tui.wire.base import Quirks
from chat_tui.wire.openai_responses_websocket import PROTOCOL
from tests.support.wire import terminal_of

RECONNECTING = ProgressReported(ProgressKind.RECONNECT)
KEY = "sk-canary-0123456789abcdef"


def make(base_url: str, clock: Clock, quirks: Quirks | None = None, **fields: Any) -> WebSocketProvider:
    settings: dict[str, Any] = {"api_key": KEY, "key_source": "MINE_KEY"} | fields
    return WebSocketProvider("mine", "Mine", Endpoint(base_url, **settings), PROTOCOL, quirks or Quirks(), clock)


class Talk:
    """Questions and answers as the session would send them."""

    def __init__(self, provider: WebSocketProvider, *, model: str = "m", system: str = "") -> None:
        self.provider = provider
        self.model, self.system = model, system
        self.messages: list[Message] = []
        self.arrivals: list[Arrival] = []

    def request(self, text: str) -> ChatRequest:
        question = Message(len(self.messages) + 1, Role.USER, (TextPart(text),))
        self.messages.append(question)
        return ChatRequest(self.model, tuple(self.messages), self.system)

    async def ask(self, text: str = "Hello") -> list[StreamEvent]:
        """All events of one answer, which is put behind the question."""
        self.arrivals = [arrival async for arrival in self.provider.stream(self.request(text))]
        events = [event for arrival in self.arrivals for event in arrival.events]
        terminal_of(events)
        assert sum(isinstance(event, Connected) for event in events) <= 1 + events.count(RECONNECTING)
        self.hold(events)
        return events

    async def fault(self, text: str = "Hello") -> Fault:
        """How an answer failed; nothing of it may show the key."""
        last = (await self.ask(text))[-1]
        assert isinstance(last, Failed)
        fault = last.fault
        assert fault.title
        assert fault.message
        shown = (fault.title, fault.message, fault.hint, fault.code, fault.request_id, fault.detail)
        assert not any(KEY in text or "\n" in text or "\x1b" in text for text in shown)
        assert fault.http is None or KEY not in f"{fault.http} {fault.http.curl()}"
        return fault

    def hold(self, events: list[StreamEvent]) -> None:
        state = TurnState()
        for event in events:
            state = reduce(state, event)
        outcome = Outcome.COMPLETE if isinstance(events[-1], Finished) else Outcome.INTERRUPTED
        answer = Message(len(self.messages) + 1, Role.ASSISTANT, state.parts(), ending=Ending(outcome))
        self.messages.append(answer)


def text_of(events: list[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def words_of(message: dict[str, Any]) -> list[str]:
    """The texts of a request's input, in order."""
    return [part["text"] for item in message["input"] for part in item.get("content", ())]
