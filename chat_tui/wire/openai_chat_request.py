"""OpenAI Chat Completions: the request.

Only what every compatible server takes: string contents where there is no image, `system` for instructions
(`developer` is OpenAI's own), and no setting that was not asked for, because many models refuse what they do not
know. What a server marked as its own in an answer goes back to it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from chat_tui.core.conversation import (
    ChatRequest,
    Generation,
    Message,
    OpaquePart,
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from chat_tui.wire.attachments import data_url, images_of, takes_images, with_names, words_of
from chat_tui.wire.base import Quirks, WireRequest
from chat_tui.wire.json_text import JsonObject, as_list, as_object, as_text, repaired
from chat_tui.wire.openai_chat_tools import CALL_EXTRA, EXTRA_CONTENT, REASONING_DETAILS

PATH = "/chat/completions"
_NAME = "OpenAI Chat"

_DETAILS = (REASONING_DETAILS, "reasoning_details")
_EXTRAS = (EXTRA_CONTENT, CALL_EXTRA, "extra_content")
"""Each with what it was called in conversations that are stored."""


def encode_request(request: ChatRequest, quirks: Quirks) -> WireRequest:
    """The request body. Answers with nothing in them that can be sent (a failed one, bare tool calls) are left out.

    Raises CannotSend for a file of the last question that is neither text nor an image, or that nobody would see;
    of one further up its name is sent.
    """
    messages: list[JsonObject] = []
    calls = _CallIds()
    for message in with_names(request.messages, partial(takes_images, can_see=quirks.can_see)):
        if message.role is not Role.ASSISTANT:
            messages.append(_question(message, quirks))
        elif message.is_sendable or message.answered_calls:
            messages += _answer(message, request.model, quirks, calls)
    if request.system.strip():
        messages.insert(0, {"role": Role.SYSTEM.value, "content": repaired(request.system)})
    body: dict[str, Any] = {"model": request.model, "messages": messages, "stream": True}
    if quirks.has_stream_options:
        body["stream_options"] = {"include_usage": True}
    body |= _generation(request.generation, quirks)
    if request.is_continuation and messages and messages[-1]["role"] == Role.ASSISTANT.value:
        messages[-1] |= quirks.prefill_extra
        body |= quirks.prefill_body
    body |= quirks.extra_body
    return WireRequest(PATH, body)


def _generation(generation: Generation, quirks: Quirks) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "temperature": generation.temperature,
        "top_p": generation.top_p,
        quirks.max_tokens_name: generation.max_tokens,
        "seed": generation.seed,
        "stop": list(generation.stop) or None,
        "reasoning_effort": generation.reasoning_effort,
    }
    return {name: value for name, value in settings.items() if value is not None}


# -- questions -----------------------------------------------------------------------------------


def _question(message: Message, quirks: Quirks) -> JsonObject:
    """Text as a string; with images as a list, the words first. Raises CannotSend."""
    words = words_of(message)
    images = images_of(message, _NAME, can_see=quirks.can_see)
    content: str | list[JsonObject] = words
    if images:
        texts: list[JsonObject] = [{"type": "text", "text": words}] if words.strip() else []
        content = [*texts, *({"type": "image_url", "image_url": {"url": data_url(image)}} for image in images)]
    return {"role": message.role.value, "content": content}


# -- answers -------------------------------------------------------------------------------------


class _CallIds:
    """Other servers number the calls of each answer from the start, or give them no ids."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def unique(self, call_id: str) -> str:
        """The id, or one of ours when it is taken."""
        call_id = repaired(call_id)
        number = len(self._known)
        while not call_id or call_id in self._known:
            call_id = f"call_{number}"
            number += 1
        self._known.add(call_id)
        return call_id


class _Step:
    """One message of the model's: words, calls, and the results that follow it."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.thoughts: list[str] = []
        self.details: list[JsonObject] = []
        self.extra: object = None
        self.calls: list[JsonObject] = []
        self.results: list[JsonObject] = []
        self.has_ended = False
        """Whether a result came: what the model says then is another message."""

    def written(self, *, has_thoughts: bool) -> list[JsonObject]:
        """The messages; none when nothing but thoughts is in it."""
        text = "".join(self.words)
        if not text.strip() and not self.calls:
            return []
        message: JsonObject = {"role": Role.ASSISTANT.value, "content": repaired(text)}
        if self.calls:
            message["content"] = repaired(text) if text.strip() else None
            message["tool_calls"] = self.calls
        if self.details:
            message["reasoning_details"] = _merged(self.details)
        if self.extra:
            message["extra_content"] = self.extra
        if has_thoughts and self.thoughts:
            message["reasoning_content"] = repaired("".join(self.thoughts))
        return [message, *self.results]


def _answer(message: Message, model: str, quirks: Quirks, ids: _CallIds) -> list[JsonObject]:
    """An answer as one message, or as several when calls were made in it: every call is followed by its result, one
    without is left out. Signed thoughts go back to the model that had them."""
    outputs = {call.key: output for call, output in message.answered_calls}
    is_same_model = message.is_by(model)
    steps = [_Step()]
    newest: JsonObject | None = None
    for part in message.parts:
        if steps[-1].has_ended and not isinstance(part, ToolResultPart):
            steps.append(_Step())
            newest = None
        step = steps[-1]
        match part:
            case TextPart(text):
                step.words.append(text)
                newest = None
            case ReasoningPart(text):
                step.thoughts.append(text)
            case ToolCallPart() if part.key in outputs:
                call_id = ids.unique(part.call_id)
                newest = _call(part, call_id)
                step.calls.append(newest)
                step.results.append(_result(call_id, outputs[part.key]))
            case ToolCallPart():
                newest = {}
            case ToolResultPart() if step.results:
                step.has_ended = True
            case OpaquePart(kind, data) if kind in _DETAILS and is_same_model:
                step.details += [found for item in as_list(data) if (found := as_object(item)) is not None]
            case OpaquePart(kind, data) if kind in _EXTRAS:
                _put_extra(step, newest if kind != EXTRA_CONTENT else None, data)
            case _:
                pass
    has_thoughts = quirks.needs_reasoning_back and bool(outputs)
    return [written for step in steps for written in step.written(has_thoughts=has_thoughts)]


def _put_extra(step: _Step, call: JsonObject | None, data: object) -> None:
    """To the call it came with; of what came with the text only a signature is for the next request."""
    google = as_object((as_object(data) or {}).get("google")) or {}
    if call is not None:
        call["extra_content"] = data
    elif signature := google.get("thought_signature"):
        step.extra = {"google": {"thought_signature": signature}}


def _call(part: ToolCallPart, call_id: str) -> JsonObject:
    arguments = repaired(part.arguments) if part.arguments.strip() else "{}"
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": repaired(part.name), "arguments": arguments},
    }


def _result(call_id: str, output: str) -> JsonObject:
    return {"role": "tool", "tool_call_id": call_id, "content": repaired(output)}


def _merged(details: list[JsonObject]) -> list[JsonObject]:
    """Details came in pieces, as the text did; those of one thought are one again, its signature with the last."""
    merged: list[JsonObject] = []
    for detail in details:
        before = merged[-1] if merged else {}
        is_more = before.get("type") == detail.get("type") and before.get("index") == detail.get("index")
        field = {"reasoning.text": "text", "reasoning.summary": "summary"}.get(as_text(detail.get("type")))
        if not is_more or field is None or before.get("signature"):
            merged.append(dict(detail))
            continue
        text = as_text(before.get(field)) + as_text(detail.get(field))
        before |= {name: value for name, value in detail.items() if value is not None}
        before[field] = text
    return merged
