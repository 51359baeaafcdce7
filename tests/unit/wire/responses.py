"""Events of OpenAI Responses as tests write them, and what the codec makes of them."""

from __future__ import annotations

import json
from typing import Any

from chat_tui.core.events import (
    StreamEvent,
)
from chat_tui.wire.base import WireEvent
from chat_tui.wire.openai_responses import OpenAIResponsesCodec


def event(kind: str, name: str = "", **fields: Any) -> WireEvent:
    return WireEvent(name, json.dumps({"type": kind, **fields}))


def created(**fields: Any) -> WireEvent:
    return event("response.created", response={"id": "r", "model": "m", "status": "in_progress"}, **fields)


def ended(status: str = "completed", *, output: object = None, **fields: Any) -> WireEvent:
    return event(f"response.{status}", response={"id": "r", "status": status, "output": output or [], **fields})


def delta(text: object, item: str = "m", number: int | None = None, **fields: Any) -> WireEvent:
    numbered = {} if number is None else {"sequence_number": number}
    return event("response.output_text.delta", item_id=item, delta=text, **numbered, **fields)


def added(item: dict[str, Any]) -> WireEvent:
    return event("response.output_item.added", item=item)


def done(item: dict[str, Any]) -> WireEvent:
    return event("response.output_item.done", item=item)


def decoded(*events: WireEvent) -> list[StreamEvent]:
    codec = OpenAIResponsesCodec()
    return [*(found for wire in events for found in codec.decode(wire)), *codec.finish()]


def of(kind: type, events: list[StreamEvent]) -> list[Any]:
    return [found for found in events if isinstance(found, kind)]
