"""OpenAI Responses: the request.

The whole history goes with every request (`store: false`), so that nothing depends on what a server keeps. Items
that only their maker can read (encrypted reasoning, hosted tools) go back as they came, in their place.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from chat_tui.core.conversation import (
    ChatRequest,
    FilePart,
    Generation,
    Message,
    OpaquePart,
    Part,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from chat_tui.core.errors import CannotSend, Fault
from chat_tui.core.files import PDF
from chat_tui.wire.attachments import data_url, is_text, labelled, unseen, with_names
from chat_tui.wire.base import Quirks, WireRequest
from chat_tui.wire.json_text import JsonObject, as_object, as_text, repaired
from chat_tui.wire.openai_responses_calls import CUSTOM
from chat_tui.wire.openai_responses_items import BREAK, ITEM, MESSAGE, PHASE

PATH = "/responses"
_UNREADABLE = ("invalid_encrypted_content", "ncrypted content for item")
ENCRYPTED_REASONING = "reasoning.encrypted_content"


def encode_request(request: ChatRequest, quirks: Quirks) -> WireRequest:
    """The request body. There is no form here for `seed` and `stop`. Raises CannotSend for a file of the last
    question that the server does not take."""
    messages = with_names(request.messages, partial(_takes, quirks=quirks))
    items = [item for message in messages for item in _items(message, quirks)]
    body: dict[str, Any] = {"model": request.model, "input": items, "stream": True, "store": False}
    if quirks.has_encrypted_reasoning:
        body["include"] = [ENCRYPTED_REASONING]
    if request.system.strip():
        body["instructions"] = repaired(request.system)
    body |= _generation(request.generation, quirks)
    if quirks.is_background:
        body["background"] = True
    body |= quirks.extra_body
    return WireRequest(PATH, body, is_resumable=bool(body.get("background")))


def _generation(generation: Generation, quirks: Quirks) -> dict[str, Any]:
    effort = generation.reasoning_effort
    reasoning: dict[str, str] | None = {"effort": effort} if effort else None
    if reasoning and effort != "none" and quirks.has_reasoning_summary:
        reasoning["summary"] = "auto"  # without it a model that thinks for minutes shows nothing of it
    settings: dict[str, Any] = {
        "temperature": generation.temperature,
        "top_p": generation.top_p,
        "max_output_tokens": generation.max_tokens,
        "reasoning": reasoning,
    }
    return {name: value for name, value in settings.items() if value is not None}


def _items(message: Message, quirks: Quirks) -> list[JsonObject]:
    if message.role is Role.ASSISTANT:
        return _answer_items(message)
    content = [found for part in message.parts if (found := _content(part, quirks)) is not None]
    return [{"type": "message", "role": message.role.value, "content": content}] if content else []


def refused_thoughts(request: ChatRequest, fault: Fault) -> tuple[OpaquePart, ...]:
    """All reasoning of a request that was refused because of one: another account's, another address's, or too old
    to be read. Empty for another fault."""
    if fault.status not in (400, 404):
        return ()
    thoughts = tuple(
        part
        for message in request.messages
        for part in message.parts
        if isinstance(part, OpaquePart) and part.kind == ITEM and _field(part, "type") == "reasoning"
    )
    said = f"{fault.code} {fault.message} {fault.detail}"
    names = (*_UNREADABLE, *(_field(part, "id") for part in thoughts))
    return thoughts if any(name and name in said for name in names) else ()


def _field(part: OpaquePart, name: str) -> str:
    return as_text((as_object(part.data) or {}).get(name))


# -- questions -----------------------------------------------------------------------------------


def _content(part: Part, quirks: Quirks) -> JsonObject | None:
    if isinstance(part, TextPart):
        return {"type": "input_text", "text": repaired(part.text)} if part.text else None
    return _file(part, quirks) if isinstance(part, FilePart) else None


def _takes(file: FilePart, quirks: Quirks) -> bool:
    return is_text(file) or (quirks.can_see and (file.is_image or file.media_type == PDF))


def _file(file: FilePart, quirks: Quirks) -> JsonObject:
    name = repaired(file.name)
    if is_text(file):
        return {"type": "input_text", "text": labelled(file)}
    if file.is_image:
        if not quirks.can_see:
            raise unseen(file)
        return {"type": "input_image", "image_url": data_url(file), "detail": "auto"}
    if file.media_type == PDF and quirks.can_see:
        return {"type": "input_file", "filename": name, "file_data": data_url(file)}
    what = "text, images and PDF" if quirks.can_see else "text"
    raise CannotSend(
        f"“{name}” is {file.media_type}, and this server takes {what} only.",
        "Send its text instead, or ask another model.",
    )


# -- answers -------------------------------------------------------------------------------------


class _Words:
    """The message that is being put together: text and refusals of one phase."""

    def __init__(self) -> None:
        self.phase = ""
        self._content: list[JsonObject] = []
        self._follows_break = False

    def begin(self, data: object, *, is_first: bool) -> None:
        self.phase = as_text((as_object(data) or {}).get("phase"))
        self._follows_break = not is_first

    def add(self, part: TextPart) -> None:
        text = part.text
        if self._follows_break and text:
            text, self._follows_break = text.removeprefix(BREAK), False  # ours, not the model's
        last = self._content[-1] if self._content else {}
        if part.is_refusal:
            self._content.append({"type": "refusal", "refusal": repaired(text)})
        elif last.get("type") == "output_text":
            last["text"] = repaired(last["text"] + text)
        else:
            self._content.append({"type": "output_text", "text": repaired(text), "annotations": []})

    def take(self) -> Iterator[JsonObject]:
        """The message so far, if it says anything."""
        content = [found for found in self._content if (found.get("text") or found.get("refusal") or "").strip()]
        self._content = []
        if content:
            phase = {"phase": self.phase} if self.phase else {}
            yield {"type": "message", "role": Role.ASSISTANT.value, **phase, "content": content}


def _answer_items(message: Message) -> list[JsonObject]:
    """Text, calls with their results, and items of this protocol, in the order in which they came."""
    kept = [part.data for part in message.parts if isinstance(part, OpaquePart) and part.kind == ITEM]
    own_ids = {as_text((as_object(data) or {}).get("id")) for data in kept}
    calls = {call.key: (call, output) for call, output in message.answered_calls if call.call_id not in own_ids}
    waiting: set[str] = set()
    customs = {as_text(part.data) for part in message.parts if isinstance(part, OpaquePart) and part.kind == CUSTOM}
    items: list[JsonObject] = []
    words = _Words()
    for part in message.parts:
        if isinstance(part, TextPart):
            words.add(part)
        elif isinstance(part, OpaquePart):
            if part.kind == PHASE:
                words.phase = as_text(part.data)
            elif part.kind == MESSAGE:
                items += words.take()
                words.begin(part.data, is_first=not any(item["type"] == "message" for item in items))
            elif part.kind == ITEM and (found := as_object(part.data)) and as_text(found.get("type")):
                items += [*words.take(), found]
        elif isinstance(part, ToolCallPart):
            items += words.take()
            if part.key in calls:
                items.append(_call(part, is_custom=part.call_id in customs))
                waiting.add(part.key)
            else:
                _drop_thoughts(items, part, own_ids)
        elif isinstance(part, ToolResultPart) and part.key in waiting:
            waiting.remove(part.key)  # a second result of one call would be refused: the last one counts
            call, output = calls[part.key]
            items += [*words.take(), _result(call, output, is_custom=call.call_id in customs)]
    items += words.take()
    while items and items[-1]["type"] == "reasoning":
        items.pop()  # refused without the item that it led to
    return items


def _drop_thoughts(items: list[JsonObject], call: ToolCallPart, own_ids: set[str]) -> None:
    """Reasoning that led to a call that is left out is refused without it."""
    if call.call_id in own_ids:
        return
    while items and items[-1]["type"] == "reasoning":
        items.pop()


def _call(call: ToolCallPart, *, is_custom: bool) -> JsonObject:
    kind, field = ("custom_tool_call", "input") if is_custom else ("function_call", "arguments")
    found = {"type": kind, "call_id": call.call_id, "name": call.name, field: call.arguments}
    return {name: repaired(value) for name, value in found.items()}


def _result(call: ToolCallPart, output: str, *, is_custom: bool) -> JsonObject:
    kind = "custom_tool_call_output" if is_custom else "function_call_output"
    found = {"type": kind, "call_id": call.call_id, "output": output}
    return {name: repaired(value) for name, value in found.items()}
