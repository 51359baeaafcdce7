"""OpenAI Chat Completions: tool calls out of fragments.

By the protocol fragments belong together by `index`, and only the first has an id and a name. Real servers leave
out the index, repeat the id on every fragment or never send one, send the name late, send all calls with index 0,
or the whole call at once with the arguments as an object.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Final

from chat_tui.core.events import (
    Ignored,
    OpaqueReceived,
    StreamEvent,
    ToolArgumentsDelta,
    ToolCallEnded,
    ToolCallStarted,
)
from chat_tui.wire.json_text import JsonObject, PairJoiner, as_object, as_text, repaired_tree

REASONING_DETAILS: Final = "openai-chat.reasoning_details"
EXTRA_CONTENT: Final = "openai-chat.extra_content"
CALL_EXTRA: Final = "openai-chat.call_extra_content"
"""What a server gives to get it back: of its thoughts, of an answer, of the call before."""


@dataclass(slots=True)
class _Call:
    key: str
    call_id: str
    name: str
    is_id_ours: bool
    is_open: bool = True
    fragments: list[str] = field(default_factory=list[str])
    joiner: PairJoiner = field(default_factory=PairJoiner)


class ToolCallTracker:
    """The calls of one answer. Only the newest is open: a call ends when the next one begins, or by `close`."""

    def __init__(self) -> None:
        self._by_index: dict[int, _Call] = {}
        self._newest: _Call | None = None
        self._count = 0

    @property
    def has_calls(self) -> bool:
        """Whether there was any call."""
        return self._count > 0

    def read(self, fragment: JsonObject, events: list[StreamEvent]) -> None:
        """One element of `tool_calls`."""
        function = as_object(fragment.get("function")) or {}
        call_id = as_text(fragment.get("id"))
        name = as_text(function.get("name"))
        arguments = _argument_text(function.get("arguments"))
        index = _index(fragment.get("index"))
        call = self._belonging(index, call_id, name)
        if call is None:
            call = self._start(index, call_id, name, events)
        elif not call.is_open:
            events.append(Ignored("late tool call fragment"))
            return
        else:
            self._complete(call, call_id, name, events)
        arguments = call.joiner.join(arguments)
        if arguments:
            call.fragments.append(arguments)
            events.append(ToolArgumentsDelta(call.key, arguments))
        extra = fragment.get("extra_content")
        if extra:
            events.append(OpaqueReceived(CALL_EXTRA, repaired_tree(extra), self._count - 1))

    def close(self, events: list[StreamEvent]) -> None:
        """The protocol closed the open call."""
        if self._newest is not None:
            self._end(self._newest, events)

    def flush(self, events: list[StreamEvent]) -> None:
        """Give what is held back of the open call, which stays open: it was cut."""
        if self._newest is not None:
            self._flush(self._newest, events)

    def _belonging(self, index: int | None, call_id: str, name: str) -> _Call | None:
        call = self._newest if index is None else self._by_index.get(index)
        if call is None:
            return None
        if call_id and not call.is_id_ours:
            return call if call_id == call.call_id else None
        if index is None and name and call.name:
            return None
        return call

    def _start(self, index: int | None, call_id: str, name: str, events: list[StreamEvent]) -> _Call:
        self.close(events)
        key = f"call-{self._count}"
        call = _Call(key, call_id or f"call_{self._count}", name, is_id_ours=not call_id)
        self._count += 1
        self._newest = call
        if index is not None:
            self._by_index[index] = call
        events.append(ToolCallStarted(key, call.call_id, name))
        return call

    def _complete(self, call: _Call, call_id: str, name: str, events: list[StreamEvent]) -> None:
        """An id or a name that came late, announced by a second start of the same call."""
        new_id = call_id if call_id and call.is_id_ours else call.call_id
        new_name = call.name or name
        if (new_id, new_name) != (call.call_id, call.name):
            call.call_id, call.name, call.is_id_ours = new_id, new_name, call.is_id_ours and not call_id
            events.append(ToolCallStarted(call.key, new_id, new_name))

    def _end(self, call: _Call, events: list[StreamEvent]) -> None:
        if call.is_open:
            self._flush(call, events)
            call.is_open = False
            events.append(ToolCallEnded(call.key, "".join(call.fragments)))

    def _flush(self, call: _Call, events: list[StreamEvent]) -> None:
        held = call.joiner.flush()
        if held:
            call.fragments.append(held)
            events.append(ToolArgumentsDelta(call.key, held))


def _index(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _argument_text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
