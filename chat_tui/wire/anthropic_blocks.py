"""Anthropic Messages: the content of an answer, block by block.

What has to be sent back unchanged is given as it came: whole blocks (signed and hidden thinking, tools that the
server ran and what came of them, blocks we do not know) as `BLOCK`, the sources of a text behind it as `CITATIONS`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from chat_tui.core.errors import MalformedEvent
from chat_tui.core.events import (
    Ignored,
    OpaqueReceived,
    ReasoningDelta,
    ReasoningKind,
    StepMarked,
    StreamEvent,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallEnded,
    ToolCallStarted,
    ToolResultReceived,
)
from chat_tui.wire.json_text import (
    JsonObject,
    PairJoiner,
    as_list,
    as_object,
    as_text,
    parse,
    repaired,
    repaired_tree,
    short,
)

BLOCK = "anthropic.block"
CITATIONS = "anthropic.citations"

_KNOWN = ("text", "thinking", "redacted_thinking", "fallback")


def is_server_call(kind: str) -> bool:
    """Whether a block of that type is a call which the server runs itself."""
    return kind.endswith("tool_use") and kind != "tool_use"


def is_server_result(kind: str) -> bool:
    """Whether a block of that type is what came of such a call."""
    return kind.endswith("_tool_result")


@dataclass(slots=True)
class _Block:
    kind: str
    part: int
    source: JsonObject
    key: str = ""
    is_open: bool = True
    is_whole: bool = True
    """Whether everything that came of it was understood, so that it can be given back."""
    signature: str = ""
    fragments: list[str] = field(default_factory=list[str])
    citations: list[Any] = field(default_factory=list[Any])
    joiner: PairJoiner = field(default_factory=PairJoiner)

    @property
    def is_call(self) -> bool:
        return self.kind.endswith("tool_use")


class BlockTracker:
    """The blocks of one answer. The newest is open until it is stopped or the next one begins.

    A call is ended by what follows it, not by its own stop: that also comes when the limit on tokens cut it.
    """

    def __init__(self) -> None:
        self.has_output = False
        self.has_own_calls = False
        """Whether there is a call that the client has to run."""
        self.thinking_kind = ReasoningKind.RAW
        self._by_index: dict[int, _Block] = {}
        self._newest: _Block | None = None
        self._waiting: _Block | None = None
        self._keys: set[str] = set()
        self._count = 0

    # -- events ----------------------------------------------------------------------------------

    def start(self, index: object, source: JsonObject, events: list[StreamEvent]) -> None:
        """`content_block_start`; of some blocks it has everything."""
        if self._newest is not None:
            self._stop(self._newest, events)
        self._end_waiting(events)
        block = self._newest = _Block(as_text(source.get("type")), self._count, source)
        self._count += 1
        if isinstance(index, int):
            self._by_index[index] = block
        if block.is_call:
            self._start_call(block, events)
        elif block.kind == "text":
            self._say(block, _string(source.get("text")), events)
            block.citations += [repaired_tree(item) for item in as_list(source.get("citations"))]
        elif block.kind == "thinking":
            block.signature = as_text(source.get("signature"))
            self._think(block, _string(source.get("thinking")), events)
        elif is_server_result(block.kind):
            self._read_result(source, events)
        elif block.kind == "fallback":
            events.append(StepMarked("start"))
        elif block.kind not in _KNOWN:
            events.append(Ignored(short(f"block {block.kind}".strip())))

    def delta(self, index: object, delta: JsonObject, events: list[StreamEvent]) -> None:
        """`content_block_delta`."""
        kind = as_text(delta.get("type"))
        block = self._block_of(index, kind, events)
        if block is None:
            events.append(Ignored(short(f"{kind or 'delta'} without a block")))
        elif kind == "text_delta":
            self._say(block, _string(delta.get("text")), events)
        elif kind == "thinking_delta":
            self._think(block, _string(delta.get("thinking")), events)
        elif kind == "input_json_delta" and block.is_call:
            self._argue(block, _string(delta.get("partial_json")), events)
        elif kind == "signature_delta":
            block.signature = as_text(delta.get("signature"))
        elif kind == "citations_delta":
            block.citations.append(repaired_tree(delta.get("citation")))
        else:
            block.is_whole = False
            events.append(Ignored(short(kind or "delta without a type")))

    def stop(self, index: object, events: list[StreamEvent]) -> None:
        """`content_block_stop`."""
        block = self._by_index.get(index) if isinstance(index, int) else self._newest
        if block is not None:
            self._stop(block, events)

    def close(self, events: list[StreamEvent], *, is_whole: bool) -> None:
        """The answer ended. A whole one closes what is open; otherwise it stays as incomplete as it is."""
        block = self._newest
        if is_whole:
            if block is not None:
                self._stop(block, events)
            self._end_waiting(events)
        elif block is not None and block.is_open:
            self._flush(block, events)

    # -- blocks ----------------------------------------------------------------------------------

    def _block_of(self, index: object, kind: str, events: list[StreamEvent]) -> _Block | None:
        """The block a delta belongs to; text and thinking that no start announced begin one."""
        block = self._by_index.get(index) if isinstance(index, int) else self._newest
        if block is None and kind in ("text_delta", "thinking_delta"):
            self.start(index, {"type": kind.removesuffix("_delta")}, events)
            block = self._newest
        return block

    def _stop(self, block: _Block, events: list[StreamEvent]) -> None:
        if not block.is_open:
            return
        self._flush(block, events)
        block.is_open = False
        if block.kind == "text":
            if block.citations:
                events.append(OpaqueReceived(CITATIONS, block.citations, block.part))
            return
        if block.is_call:
            self._waiting = block
        kept = _whole(block)
        if kept is not None:
            events.append(OpaqueReceived(BLOCK, kept, block.part))

    def _flush(self, block: _Block, events: list[StreamEvent]) -> None:
        """Give what is held back."""
        held = block.joiner.flush()
        if not held:
            return
        if block.is_call:
            block.fragments.append(held)
            events.append(ToolArgumentsDelta(block.key, held))
        elif block.kind == "thinking":
            block.fragments.append(held)
            events.append(ReasoningDelta(held, block.part, self.thinking_kind))
        else:
            events.append(TextDelta(held, block.part))

    def _say(self, block: _Block, text: str, events: list[StreamEvent]) -> None:
        text = block.joiner.join(text) if block.is_open and block.kind == "text" else repaired(text)
        if text:
            self.has_output = True
            events.append(TextDelta(text, block.part))

    def _think(self, block: _Block, text: str, events: list[StreamEvent]) -> None:
        is_own = block.is_open and block.kind == "thinking"
        text = block.joiner.join(text) if is_own else repaired(text)
        if text:
            self.has_output = True
            if is_own:  # else it would be among the arguments of a call
                block.fragments.append(text)
            events.append(ReasoningDelta(text, block.part, self.thinking_kind))

    # -- tools -----------------------------------------------------------------------------------

    def _start_call(self, block: _Block, events: list[StreamEvent]) -> None:
        call_id = as_text(block.source.get("id"))
        block.key = call_id if call_id and call_id not in self._keys else f"call-{block.part}"
        while block.key in self._keys:
            block.key += "'"
        self._keys.add(block.key)
        self.has_output = True
        self.has_own_calls = self.has_own_calls or block.kind == "tool_use"
        events.append(ToolCallStarted(block.key, call_id, as_text(block.source.get("name"))))

    def _argue(self, block: _Block, fragment: str, events: list[StreamEvent]) -> None:
        if not block.is_open:
            events.append(Ignored("late tool call fragment"))
        elif fragment := block.joiner.join(fragment):
            block.fragments.append(fragment)
            events.append(ToolArgumentsDelta(block.key, fragment))

    def _end_waiting(self, events: list[StreamEvent]) -> None:
        block, self._waiting = self._waiting, None
        if block is None:
            return
        given = block.source.get("input")
        if not block.fragments and given:
            # the whole call came with its start
            text = json.dumps(repaired_tree(given), ensure_ascii=False)
            block.fragments.append(text)
            events.append(ToolArgumentsDelta(block.key, text))
        events.append(ToolCallEnded(block.key, "".join(block.fragments)))

    def _read_result(self, source: JsonObject, events: list[StreamEvent]) -> None:
        call_id = as_text(source.get("tool_use_id"))
        if call_id:
            events.append(ToolResultReceived(call_id, _readable(source.get("content"))))
        else:
            events.append(Ignored(short(f"{source.get('type')} of no call")))


def _whole(block: _Block) -> JsonObject | None:
    """The block as it is sent back; None for one that cannot be, or needs not."""
    if block.kind in ("", "tool_use") or not block.is_whole:
        return None
    kept = as_object(repaired_tree(block.source)) or {}
    if block.kind == "thinking":
        # without a signature nobody takes it back
        thought: JsonObject = {"thinking": "".join(block.fragments), "signature": block.signature}
        return kept | thought if block.signature else None
    if block.is_call and block.fragments:
        try:
            given = as_object(parse("".join(block.fragments)))
        except MalformedEvent:
            given = None
        return None if given is None else kept | {"input": repaired_tree(given)}
    return kept | ({"input": {}} if block.is_call and not as_object(kept.get("input")) else {})


def _readable(content: object) -> str:
    """What a tool gave, without what only the server can read."""
    if isinstance(content, str):
        return repaired(content)
    return json.dumps(repaired_tree(_without_secrets(content)), ensure_ascii=False)


def _without_secrets(value: object) -> object:
    found, items = as_object(value), as_list(value)
    if found is not None:
        return {key: _without_secrets(item) for key, item in found.items() if not key.startswith("encrypted_")}
    return [_without_secrets(item) for item in items] if items else value


def _string(value: object) -> str:
    """A delta as it came: halves of pairs are joined later."""
    return value if isinstance(value, str) else ""


def whole_blocks(content: Iterable[object]) -> Iterable[JsonObject]:
    """The blocks of a message that came in one piece."""
    return (block for item in content if (block := as_object(item)) is not None)
