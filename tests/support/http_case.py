"""An HTTP provider in front of the scripted server, and what every test of it looks at."""

from __future__ import annotations

from typing import Any

from chat_tui.core.conversation import ChatRequest, Message, Role, TextPart
from chat_tui.core.errors import DETAIL_CHARS, Fault
from chat_tui.core.events import (
    Arrival,
    Failed,
    Finished,
    StreamEvent,
    TextDelta,
)
from chat_tui.providers.http import Endpoint, HttpProvider
from chat_tui.wire.base import Quirks
from chat_tui.wire.openai_chat import OpenAIChat
from tests.support.clock import ManualClock
from tests.support.sse_server import (
    SseServer,
)

KEY = "sk-canary-0123456789abcdef"
REQUEST = ChatRequest("m", (Message(1, Role.USER, (TextPart("Hello"),)),))


def make(server: SseServer, clock: ManualClock, quirks: Quirks | None = None, **fields: Any) -> HttpProvider:
    settings: dict[str, Any] = {"api_key": KEY, "key_source": "MINE_KEY"} | fields
    endpoint = Endpoint(server.base_url, **settings)
    return HttpProvider("mine", "Mine", endpoint, OpenAIChat(), quirks or Quirks(), clock)


async def arrivals_of(provider: HttpProvider) -> list[Arrival]:
    return [arrival async for arrival in provider.stream(REQUEST)]


async def events_of(provider: HttpProvider) -> list[StreamEvent]:
    events = [event for arrival in await arrivals_of(provider) for event in arrival.events]
    assert [isinstance(event, Finished | Failed) for event in events] == [False] * (len(events) - 1) + [True]
    return events


def text_of(events: list[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def fault_of(provider: HttpProvider) -> Fault:
    last = (await events_of(provider))[-1]
    assert isinstance(last, Failed)
    fault = last.fault
    assert fault.title
    assert fault.message
    for shown in (fault.title, fault.message, fault.hint, fault.code, fault.request_id, fault.detail):
        assert KEY not in shown
        assert "\n" not in shown
        assert "\x1b" not in shown
    assert len(fault.detail) <= DETAIL_CHARS
    assert fault.http is None or KEY not in f"{fault.http} {fault.http.curl()}"
    return fault
