"""OpenAI Responses: calls of tools, ours to run (functions, custom tools) and the provider's own (hosted)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from chat_tui.core.events import (
    Ignored,
    OpaqueReceived,
    StreamEvent,
    ToolArgumentsDelta,
    ToolCallEnded,
    ToolCallStarted,
    ToolResultReceived,
)
from chat_tui.wire.json_text import JsonObject, PairJoiner, as_list, as_object, as_text, repaired

CUSTOM = "openai-responses.custom"
"""The id of a call whose input is plain text: it is sent back as a custom tool call."""

_NAME_CHARS = 80
_OUTPUT_CHARS = 64 << 10
_HOSTED = frozenset(
    {"web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_call"}
)
_WHOLE_FIELDS = ("arguments", "input", "code")
_PIECE_FIELDS = ("action", "operation", "queries", "query", "revised_prompt")
_RESULT_FIELDS = ("output", "outputs", "results", "error")


def is_call(item_type: str) -> bool:
    """Whether items of this type ask for a tool or tell of one."""
    return item_type.endswith("_call")


@dataclass(slots=True)
class Call:
    """One call. `is_hosted`: the provider runs it itself."""

    key: str
    type: str
    call_id: str
    name: str
    is_open: bool = True
    is_answered: bool = False
    chars: int = 0
    fragments: list[str] = field(default_factory=list[str])
    joiner: PairJoiner = field(default_factory=PairJoiner)

    @property
    def is_hosted(self) -> bool:
        """Whether its item holds its result."""
        return self.type in _HOSTED


class CallTracker:
    """The calls of one answer, open ones and closed ones."""

    def __init__(self) -> None:
        self._calls: list[Call] = []

    @property
    def has_begun(self) -> bool:
        """Whether there was any call."""
        return bool(self._calls)

    @property
    def has_unanswered(self) -> bool:
        """Whether a closed call waits for its result."""
        return any(not call.is_open and not call.is_answered for call in self._calls)

    def knows(self, call_id: str) -> bool:
        """Whether there is a call of that id."""
        return any(call.call_id == call_id for call in self._calls)

    def start(self, item_type: str, found: JsonObject, events: list[StreamEvent]) -> Call:
        """A call begins with its item, or with the first piece of its arguments."""
        call = Call(f"call-{len(self._calls)}", item_type, _call_id(found), _name(item_type, found))
        self._calls.append(call)
        events.append(ToolCallStarted(call.key, call.call_id, call.name))
        return call

    def name(self, call: Call, item_type: str, found: JsonObject, events: list[StreamEvent]) -> None:
        """What came late of the name and the id, announced by a second start."""
        if not call.is_open:
            return
        call.type = call.type or item_type
        call_id, name = call.call_id or _call_id(found), call.name or _name(item_type, found)
        if (call_id, name) != (call.call_id, call.name):
            call.call_id, call.name = call_id, name
            events.append(ToolCallStarted(call.key, call_id, name))

    def add(self, call: Call, fragment: str, events: list[StreamEvent]) -> None:
        """A piece of the arguments."""
        if call.is_open:
            _append(call, call.joiner.join(fragment), events)
        else:
            events.append(Ignored("late tool call fragment"))

    def complete(self, call: Call, whole: str, events: list[StreamEvent]) -> bool:
        """All of the arguments: what did not come yet. False when it is not what the pieces began."""
        if call.is_open and len(whole) >= call.chars:
            call.fragments = ["".join(call.fragments)]
            if whole.startswith(call.fragments[0]):
                call.joiner = PairJoiner()
                _append(call, whole[call.chars :], events)
                return True
        events.append(Ignored("arguments that differ from their fragments"))
        return False

    def finish(self, call: Call, found: JsonObject, events: list[StreamEvent]) -> None:
        """The item is done, which closes the call. One that was cut, or contradicts itself, stays open."""
        self.name(call, call.type, found, events)
        whole = _arguments(found)
        if whole and not self.complete(call, whole, events):
            return
        if as_text(found.get("status")) in ("incomplete", "in_progress"):
            return
        _append(call, call.joiner.flush(), events)
        call.is_open = False
        events.append(ToolCallEnded(call.key, "".join(call.fragments)))
        if call.type == "custom_tool_call":
            events.append(OpaqueReceived(CUSTOM, call.call_id))
        if call.is_hosted:
            call.is_answered = True
            events.append(ToolResultReceived(call.key, _result(found)))

    def answer(self, found: JsonObject, events: list[StreamEvent]) -> None:
        """An item of its own has the result of a call."""
        call_id = as_text(found.get("call_id"))
        call = next((call for call in self._calls if call.call_id == call_id and not call.is_open), None)
        if call is None:
            events.append(Ignored("result of no call"))
        else:
            call.is_answered = True
            events.append(ToolResultReceived(call.key, _result(found)))

    def flush(self, events: list[StreamEvent]) -> None:
        """Give what is held back of open calls."""
        for call in self._calls:
            if call.is_open:
                _append(call, call.joiner.flush(), events)


def _append(call: Call, fragment: str, events: list[StreamEvent]) -> None:
    if fragment:
        call.fragments.append(fragment)
        call.chars += len(fragment)
        events.append(ToolArgumentsDelta(call.key, fragment))


def _call_id(found: JsonObject) -> str:
    return as_text(found.get("call_id")) or as_text(found.get("id"))


def _name(item_type: str, found: JsonObject) -> str:
    return as_text(found.get("name")) or item_type.removesuffix("_call")[:_NAME_CHARS] if found else ""


def _arguments(found: JsonObject) -> str:
    """What the tool was given: a text, or the fields of the item that say it, as JSON."""
    for name in _WHOLE_FIELDS:
        value = found.get(name)
        if isinstance(value, str) and value:
            return repaired(value)
        if (fields := as_object(value)) is not None:
            return _json(fields)
    pieces = {name: found[name] for name in _PIECE_FIELDS if found.get(name)}
    return _json(pieces) if pieces else ""


def _result(found: JsonObject) -> str:
    """What came of it, as text; its state when the item tells no more."""
    value = next((found[name] for name in _RESULT_FIELDS if found.get(name)), None)
    if value is None:
        return as_text(found.get("status"))
    if isinstance(value, str):
        return repaired(value)[:_OUTPUT_CHARS]
    logs = [as_text((as_object(entry) or {}).get("logs")) for entry in as_list(value)]
    return ("\n".join(log for log in logs if log) or _json(value))[:_OUTPUT_CHARS]


def _json(value: object) -> str:
    return repaired(json.dumps(value, ensure_ascii=False))
