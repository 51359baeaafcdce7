"""Anthropic Messages: a conversation as turns of content blocks, users' and assistants' in alternation."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from chat_tui.core.conversation import (
    ChatRequest,
    FilePart,
    Message,
    OpaquePart,
    Part,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from chat_tui.core.errors import CannotSend, Fault, MalformedEvent
from chat_tui.core.files import PDF
from chat_tui.core.outcome import FinishReason
from chat_tui.wire.anthropic_blocks import BLOCK, CITATIONS, is_server_call, is_server_result
from chat_tui.wire.attachments import base64_of, is_text, labelled
from chat_tui.wire.json_text import JsonObject, as_list, as_object, as_text, parse, repaired, repaired_tree

_IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_THOUGHTS = ("thinking", "redacted_thinking")
_CALL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_REFUSED_THOUGHT = re.compile(r"\bsignature\b|\bthinking\W{1,3}blocks?\b", re.IGNORECASE)
_MISSED_THOUGHT = re.compile(r"\bexpected\b.*\bthinking\b", re.IGNORECASE)
"""The opposite: thoughts have to be there."""
_NO_NAME = re.compile(r"[^A-Za-z0-9_-]")


def encode_messages(request: ChatRequest) -> tuple[list[JsonObject], bool]:
    """The turns, and whether the last one is the beginning of the answer. Raises CannotSend."""
    turns = _Turns(request.model)
    last = request.messages[-1] if request.messages else None
    is_paused = is_prefill = False
    for message in request.messages:
        if message.role is not Role.ASSISTANT:
            turns.add(Role.USER, _question(message))
        elif not _is_refused(message):
            is_paused = message is last and request.is_continuation and has_paused(message)
            turns.add_answer(message, is_paused=is_paused)
    if request.is_continuation and turns.ends_with_answer and not is_paused:
        turns.cut_to_text()
        is_prefill = turns.ends_with_answer
    return turns.written(), is_prefill


def refused_thoughts(request: ChatRequest, fault: Fault) -> tuple[OpaquePart, ...]:
    """All thoughts of a request that was refused for one of them; the newest models take them back only behind the
    very words they were thought behind, system text included. Empty for another fault."""
    said = f"{fault.message} {fault.detail}"
    if fault.status != 400 or not _REFUSED_THOUGHT.search(said) or _MISSED_THOUGHT.search(said):
        return ()
    return tuple(
        part
        for message in request.messages
        for part in message.parts
        if isinstance(part, OpaquePart)
        and part.kind == BLOCK
        and (as_object(part.data) or {}).get("type") in _THOUGHTS
    )


def has_paused(answer: Message) -> bool:
    """Whether the server waits to get that answer back as it came, with what of it is the server's own."""
    return answer.is_paused and any(isinstance(part, OpaquePart) and part.kind == BLOCK for part in answer.parts)


def _is_refused(message: Message) -> bool:
    """Whether the server ended it as refused: asked with it in the history, it refuses again."""
    ending = message.ending
    return ending is not None and ending.reason is FinishReason.REFUSAL and ending.raw_reason.startswith("refusal")


class _Turns:
    """Blocks by turns; neighbours of one role are one turn."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._turns: list[tuple[Role, list[JsonObject]]] = []
        self._call_ids: set[str] = set()

    @property
    def ends_with_answer(self) -> bool:
        return bool(self._turns) and self._turns[-1][0] is Role.ASSISTANT

    def add(self, role: Role, blocks: list[JsonObject]) -> None:
        """More of that role; nothing when there are no blocks."""
        if blocks and self._turns and self._turns[-1][0] is role:
            self._turns[-1][1].extend(blocks)
        elif blocks:
            self._turns.append((role, blocks))

    def add_answer(self, message: Message, *, is_paused: bool) -> None:
        """An answer. The results of its calls are a turn of the user's, and what it said then is another of its
        own. A paused one goes back as it came."""
        outputs = {call.key: output for call, output in message.answered_calls}
        own_ids, dangling = _server_calls(message.parts)
        has_own_thoughts = message.is_by(self._model)
        blocks: list[JsonObject] = []
        results: list[JsonObject] = []
        has_result = False
        for part in message.parts:
            if has_result and not isinstance(part, ToolResultPart):
                self._add_step(blocks, results)
                blocks, results, has_result = [], [], False
            match part:
                case TextPart(text) if text.strip():
                    blocks.append(_text(text))
                case ToolCallPart() if part.key in outputs and part.call_id not in own_ids:
                    call_id = self._unique_id(part.call_id)
                    blocks.append(_call(part, call_id))
                    results.append(_result(call_id, outputs[part.key]))
                case ToolResultPart() if results:
                    has_result = True
                case OpaquePart(kind, data) if kind == CITATIONS:
                    _cite(blocks, data)
                case OpaquePart(kind, data) if kind == BLOCK and (block := as_object(data)) is not None:
                    if as_text(block.get("id")) in dangling and not is_paused:
                        continue
                    if has_own_thoughts or block.get("type") not in _THOUGHTS:
                        blocks.append(block)
                case _:
                    pass
        if not results and not is_paused:
            while blocks and blocks[-1].get("type") in _THOUGHTS:  # an answer does not end with a thought
                blocks.pop()
        self._add_step(blocks, results)

    def _add_step(self, blocks: list[JsonObject], results: list[JsonObject]) -> None:
        self.add(Role.ASSISTANT, blocks)
        self.add(Role.USER, results)

    def _unique_id(self, call_id: str) -> str:
        """Other providers number the calls of each answer from the start, or use characters refused here."""
        if not _CALL_ID.fullmatch(call_id) or call_id in self._call_ids:
            number = len(self._call_ids)
            while (call_id := f"call_{number}") in self._call_ids:
                number += 1
        self._call_ids.add(call_id)
        return call_id

    def cut_to_text(self) -> None:
        """Make the last turn the beginning of an answer: it ends with a word, not with a space or a thought."""
        blocks = self._turns[-1][1]
        while blocks:
            text = as_text(blocks[-1].get("text")).rstrip() if blocks[-1].get("type") == "text" else ""
            if text:
                blocks[-1] = blocks[-1] | {"text": text}
                return
            blocks.pop()
        self._turns.pop()

    def written(self) -> list[JsonObject]:
        """The turns as the protocol has them; one that is only text as a string."""
        return [{"role": role.value, "content": _content(blocks)} for role, blocks in self._turns]


def _content(blocks: list[JsonObject]) -> str | list[JsonObject]:
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        return as_text(blocks[0]["text"])
    return blocks


def _text(text: str) -> JsonObject:
    return {"type": "text", "text": repaired(text)}


def _cite(blocks: list[JsonObject], citations: object) -> None:
    """Give a text its sources back."""
    found = [item for item in as_list(citations) if as_object(item)]
    if found and blocks and blocks[-1].get("type") == "text":
        blocks[-1]["citations"] = found


def _server_calls(parts: Iterable[Part]) -> tuple[set[str], set[str]]:
    """The ids of the calls that the server ran, and of those that it did not come to the end of."""
    blocks = [as_object(part.data) or {} for part in parts if isinstance(part, OpaquePart) and part.kind == BLOCK]
    calls = {as_text(block.get("id")) for block in blocks if is_server_call(as_text(block.get("type")))}
    ended = {as_text(block.get("tool_use_id")) for block in blocks if is_server_result(as_text(block.get("type")))}
    return calls - {""}, calls - ended - {""}


# -- tools ---------------------------------------------------------------------------------------


def _call(part: ToolCallPart, call_id: str) -> JsonObject:
    try:
        given = repaired_tree(parse(part.arguments.strip() or "{}"))
    except MalformedEvent:
        given = repaired(part.arguments)
    found = as_object(given)
    name = _NO_NAME.sub("_", part.name)[:64] or "tool"
    return {
        "type": "tool_use",
        "id": call_id,
        "name": name,
        "input": {"value": given} if found is None else found,
    }


def _result(call_id: str, output: str) -> JsonObject:
    result: JsonObject = {"type": "tool_result", "tool_use_id": call_id}
    return result | {"content": repaired(output)} if output.strip() else result


# -- questions -----------------------------------------------------------------------------------


def _question(message: Message) -> list[JsonObject]:
    blocks = [_file(file) for file in message.files]
    return [*blocks, _text(message.text)] if message.text.strip() else blocks


def takes(file: FilePart, *, can_see: bool) -> bool:
    """Whether there is a form for it, and a server that reads that."""
    return is_text(file) or (can_see and file.media_type in (*_IMAGE_TYPES, PDF))


def _file(file: FilePart) -> JsonObject:
    """Raises CannotSend."""
    if file.media_type in _IMAGE_TYPES:
        return {"type": "image", "source": _base64(file)}
    if file.media_type == PDF:
        document: dict[str, Any] = {"type": "document", "source": _base64(file)}
        return document | {"title": repaired(file.name)} if file.name else document
    if is_text(file):
        return _text(labelled(file))
    raise CannotSend(
        f"“{repaired(file.name)}” is {file.media_type}, and Anthropic Messages takes PNG, JPEG, GIF and WebP "
        "images, PDF and text only.",
        "Convert it, or take it out.",
    )


def _base64(file: FilePart) -> JsonObject:
    return {"type": "base64", "media_type": file.media_type, "data": base64_of(file)}
