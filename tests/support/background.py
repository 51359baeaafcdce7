"""An answer that is made in the background: its script, a server that takes it up again, and a provider for it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

from chat_tui.core.conversation import ChatRequest, Message, Role, TextPart
from chat_tui.core.events import (
    Failed,
    Finished,
    ProgressKind,
    ProgressReported,
    StreamEvent,
    TextDelta,
)
from chat_tui.providers.http import Endpoint, HttpProvider
from chat_tui.providers.resumption import Pauses
from chat_tui.wire.base import Quirks
from chat_tui.wire.openai_responses import PROTOCOL
from tests.support.clock import ManualClock
from tests.support.sse_server import (
    Act,
    Framing,
    Recorded,
    Reply,
    SseServer,
    framed,
    head,
    json_response,
    reply,
    response,
    sse,
)

REQUEST = ChatRequest("m", (Message(1, Role.USER, (TextPart("Hello"),)),))
TEXTS = ("Grüße, ", "Welt 🌍: ", "ein\n", "Zweizeiler.")
WHOLE = "".join(TEXTS)
RECONNECTING = ProgressReported(ProgressKind.RECONNECT)


def response_object(status: str, **fields: object) -> dict[str, object]:
    return {"id": "resp_1", "object": "response", "status": status, "model": "m", "output": [], **fields}


def message(text: str) -> dict[str, object]:
    return {"id": "m", "type": "message", "content": [{"type": "output_text", "text": text}]}


def numbered_events() -> list[bytes]:
    found: list[dict[str, object]] = [
        {"type": "response.queued", "response": response_object("queued")},
        {"type": "response.created", "response": response_object("in_progress")},
        {"type": "response.output_item.added", "item": {"id": "m", "type": "message", "content": []}},
        *({"type": "response.output_text.delta", "item_id": "m", "delta": text} for text in TEXTS),
        {"type": "response.output_item.done", "item": message(WHOLE)},
        {"type": "response.completed", "response": response_object("completed")},
    ]
    return [sse({**event, "sequence_number": at}, str(event["type"])) for at, event in enumerate(found)]


EVENTS = numbered_events()
BODY = b"".join(EVENTS)


class Background(SseServer):
    """Gives `first` to the question, and for the rest what `rest` makes of the number it is asked for."""

    def __init__(self, first: Reply, rest: Callable[[int], Reply]) -> None:
        super().__init__()
        self._first = first
        self._rest = rest
        self.cancel_reply = json_response(response_object("cancelled"))

    def reply_to(self, request: Recorded) -> Reply:
        if request.path == "/v1/responses/resp_1/cancel":
            return self.cancel_reply
        if request.method == "POST":
            return self._first
        asked = re.fullmatch(r"/v1/responses/resp_1\?stream=true&starting_after=(\d+)", request.path)
        assert asked is not None, request.path
        return self._rest(int(asked[1]))

    def asked(self) -> list[str]:
        """What was asked, without the origin."""
        return [f"{found.method} {found.path.removeprefix('/v1')}" for found in self.requests]


def rest_of(number: int) -> Reply:
    return response(EVENTS[number + 1 :], framing=Framing.CHUNKED)


async def no_wait(_seconds: float) -> None:
    await asyncio.sleep(0)


def provider_for(server: SseServer, **fields: Any) -> HttpProvider:
    sleep: Callable[[float], Awaitable[None]] = fields.pop("sleep", no_wait)
    quirks = fields.pop("quirks", Quirks(is_background=True))
    pauses = Pauses(sleep, lambda: 1.0)
    return HttpProvider(
        "mine", "Mine", Endpoint(server.base_url, **fields), PROTOCOL, quirks, ManualClock(), pauses=pauses
    )


async def events_of(provider: HttpProvider) -> list[StreamEvent]:
    events = [event async for arrival in provider.stream(REQUEST) for event in arrival.events]
    assert [isinstance(event, Finished | Failed) for event in events] == [False] * (len(events) - 1) + [True]
    return events


def text_of(events: list[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def cut_at(offset: int, framing: Framing, act: Act) -> Reply:
    return reply(head(framing=framing) + framed(EVENTS, framing)[:offset], act)
