"""OpenAI Responses: the items of one answer, out of deltas, `.done` events and whole items.

Items are told apart by their id and never by nesting: parts of several can interleave, and llama.cpp sends all
`.done` events at the end, without indexes. What a `.done` event holds beyond the deltas before it is given on as
one more delta, so that a server without deltas, or one that lost some, costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from chat_tui.core.events import (
    Channel,
    Ignored,
    OpaqueReceived,
    ReasoningDelta,
    ReasoningKind,
    StreamEvent,
    TextDelta,
)
from chat_tui.wire.json_text import JsonObject, PairJoiner, as_count, as_list, as_object, as_text, repaired_tree
from chat_tui.wire.openai_responses_calls import Call, CallTracker, is_call

ITEM = "openai-responses.item"
"""An item to be sent back as it is: encrypted reasoning, what a hosted tool did, a compaction."""
MESSAGE = "openai-responses.message"
"""A message begins: `{"phase": …}`, or `{}` for one without a phase. The first message needs none."""
PHASE = "openai-responses.phase"
"""The phase of the message before it, which came only with its end."""
BREAK = "\n\n"
"""What we put between two messages, and between two parts of a summary."""

_NAME_CHARS = 80
_KEPT = frozenset({"compaction", "mcp_list_tools", "tool_search_output"})


class RunKind(Enum):
    """What a run of text is: the name of its part, and the field the text is in."""

    ANSWER = "output_text", "text"
    REFUSAL = "refusal", "refusal"
    REASONING = "reasoning_text", "text"
    SUMMARY = "summary_text", "text"

    @property
    def is_visible(self) -> bool:
        """Whether it is part of the answer."""
        return self in (RunKind.ANSWER, RunKind.REFUSAL)


_KIND_OF_PART = {kind.value[0]: kind for kind in RunKind}


@dataclass(slots=True)
class _Run:
    """One part of an item as text."""

    kind: RunKind
    number: int
    channel: Channel
    lead: str
    chars: int = 0
    fragments: list[str] = field(default_factory=list[str])
    joiner: PairJoiner = field(default_factory=PairJoiner)

    def add(self, text: str, events: list[StreamEvent]) -> None:
        if not text:
            return
        self.fragments.append(text)
        self.chars += len(text)
        text, self.lead = self.lead + text, ""
        if self.kind.is_visible:
            events.append(TextDelta(text, self.number, self.channel))
        else:
            kind = ReasoningKind.SUMMARY if self.kind is RunKind.SUMMARY else ReasoningKind.RAW
            events.append(ReasoningDelta(text, self.number, kind))

    def complete(self, whole: str, events: list[StreamEvent]) -> None:
        """The full text: what of it did not come yet."""
        if len(whole) >= self.chars:  # else the text is not even joined: a server may send any number of these
            self.fragments = ["".join(self.fragments)]
            if whole.startswith(self.fragments[0]):
                self.joiner = PairJoiner()
                self.add(whole[self.chars :], events)
                return
        events.append(Ignored("text that differs from its deltas"))


@dataclass(slots=True)
class _Item:
    """One element of `output`."""

    type: str = ""
    phase: str = ""
    runs: dict[tuple[RunKind, int], _Run] = field(default_factory=dict["tuple[RunKind, int]", _Run])
    call: Call | None = None
    is_done: bool = False


class ItemTracker:
    """The items of one answer."""

    def __init__(self) -> None:
        self.calls = CallTracker()
        self.has_text = False
        self.has_refusal = False
        self._items: dict[str, _Item] = {}
        self._by_index: dict[int, _Item] = {}
        self._newest: _Item | None = None
        self._messages = 0
        self._runs = 0
        self._speaker: _Item | None = None
        self._has_reasoning = False

    @property
    def has_output(self) -> bool:
        """Whether anything came that a reader could see."""
        return self.has_text or self._has_reasoning or self.calls.has_begun

    # -- events ----------------------------------------------------------------------------------

    def added(self, event: JsonObject, events: list[StreamEvent]) -> None:
        """`response.output_item.added`."""
        found = as_object(event.get("item")) or {}
        item = self._items.get(as_text(found.get("id")))
        if item is None:
            item = self._register(as_text(found.get("id")), as_count(event.get("output_index")))
        self._begin(item, found, events)

    def done(self, event: JsonObject, events: list[StreamEvent]) -> None:
        """`response.output_item.done`."""
        found = as_object(event.get("item")) or {}
        index, kind = as_count(event.get("output_index")), as_text(found.get("type"))
        self._finish(self._find(as_text(found.get("id")), index, kind), found, events)

    def delta(self, kind: RunKind, event: JsonObject, events: list[StreamEvent]) -> None:
        """A piece of text; halves of surrogate pairs are joined."""
        text = event.get("delta")
        if isinstance(text, str) and text:
            run = self._run(self._item_of(event), kind, _part_index(kind, event), events)
            run.add(run.joiner.join(text), events)

    def text_done(self, kind: RunKind, event: JsonObject, events: list[StreamEvent]) -> None:
        """`….done` of a text: `text` or `refusal` is all of it."""
        text = as_text(event.get(kind.value[1]))
        if text:
            self._run(self._item_of(event), kind, _part_index(kind, event), events).complete(text, events)

    def part_done(self, event: JsonObject, events: list[StreamEvent]) -> None:
        """`response.content_part.done` and `response.reasoning_summary_part.done`."""
        part = as_object(event.get("part")) or {}
        kind = _KIND_OF_PART.get(as_text(part.get("type")))
        if kind is not None:
            self._read_part(self._item_of(event), kind, _part_index(kind, event), part, events)

    def arguments_delta(self, event: JsonObject, events: list[StreamEvent]) -> None:
        """A piece of a call's arguments, input or code."""
        fragment = event.get("delta")
        if isinstance(fragment, str) and fragment:
            self.calls.add(self._call(self._item_of(event), events), fragment, events)

    def arguments_done(self, event: JsonObject, events: list[StreamEvent]) -> None:
        """All of them. The call ends with its item, not here: not every server sends this."""
        whole = next((as_text(event.get(name)) for name in ("arguments", "input", "code") if event.get(name)), "")
        if whole:
            self.calls.complete(self._call(self._item_of(event), events), whole, events)

    def read_output(self, output: object, events: list[StreamEvent]) -> None:
        """The `output` of a whole response: what of it did not come as events."""
        for index, element in enumerate(as_list(output)):
            found = as_object(element) or {}
            item = self._known(as_text(found.get("id")), index, as_text(found.get("type")))
            if item is None and (not self._has_of(found) or not self._items):
                item = self._register(as_text(found.get("id")), index)
            if item is not None:
                self._finish(item, found, events)

    def flush(self, events: list[StreamEvent]) -> None:
        """Give what is held back; open calls stay open, they were cut."""
        for item in self._items.values():
            for run in item.runs.values():
                run.add(run.joiner.flush(), events)
        self.calls.flush(events)

    # -- inside ----------------------------------------------------------------------------------

    def _has_of(self, found: JsonObject) -> bool:
        """Whether something of that sort came already: then an unknown id is another name for it."""
        kind = as_text(found.get("type"))
        if kind == "message":
            return self.has_text
        if kind == "reasoning":
            return self._has_reasoning
        return self.calls.knows(as_text(found.get("call_id")))

    def _register(self, item_id: str, index: int | None) -> _Item:
        item = self._newest = _Item()
        self._items[item_id or f"#{len(self._items)}"] = item
        if index is not None:
            self._by_index[index] = item
        return item

    def _known(self, item_id: str, index: int | None, kind: str) -> _Item | None:
        """By its id; else by its place, if what is there can be it (gateways make up other ids)."""
        item = self._items.get(item_id)
        if item is None and index is not None:
            item = self._by_index.get(index)
            if item is not None and kind and item.type not in ("", kind):
                return None
        return item

    def _find(self, item_id: str, index: int | None, kind: str = "") -> _Item:
        """The item of an event: by its id, else by its place, else (without either) the newest."""
        item = self._known(item_id, index, kind)
        if item is None and not item_id and index is None:
            item = self._newest
        return item or self._register(item_id, index)

    def _item_of(self, event: JsonObject) -> _Item:
        return self._find(as_text(event.get("item_id")), as_count(event.get("output_index")))

    def _begin(self, item: _Item, found: JsonObject, events: list[StreamEvent]) -> None:
        """What the item says of itself when it is first seen whole or in outline."""
        if item.type:
            return
        item.type = as_text(found.get("type"))[:_NAME_CHARS]
        if item.type == "message":
            item.phase = as_text(found.get("phase"))[:_NAME_CHARS]
            self._messages += 1
            if item.phase or self._messages > 1:
                events.append(OpaqueReceived(MESSAGE, {"phase": item.phase} if item.phase else {}))
        elif is_call(item.type):
            if item.call is None:
                item.call = self.calls.start(item.type, found, events)
            else:
                self.calls.name(item.call, item.type, found, events)

    def _finish(self, item: _Item, found: JsonObject, events: list[StreamEvent]) -> None:
        if item.is_done:
            return
        self._begin(item, found, events)
        item.is_done = True
        if item.type == "message":
            self._read_parts(item, found.get("content"), events)
            phase = as_text(found.get("phase"))[:_NAME_CHARS]
            if phase and phase != item.phase:
                events.append(OpaqueReceived(PHASE, phase))
        elif item.type == "reasoning":
            kinds = {kind for kind, _ in item.runs}
            for name, kind in (("summary", RunKind.SUMMARY), ("content", RunKind.REASONING)):
                if not kinds or kind in kinds:
                    self._read_parts(item, found.get(name), events)
        elif item.call is not None:
            self.calls.finish(item.call, found, events)
        elif item.type.endswith("_output"):
            self.calls.answer(found, events)
        elif item.type not in _KEPT:
            events.append(Ignored(f"item {item.type}".strip()))
        if _is_kept(item, found):
            events.append(OpaqueReceived(ITEM, repaired_tree(found)))

    def _read_parts(self, item: _Item, parts: object, events: list[StreamEvent]) -> None:
        for index, element in enumerate(as_list(parts)):
            part = as_object(element) or {}
            kind = _KIND_OF_PART.get(as_text(part.get("type")))
            if kind is None:
                events.append(Ignored(f"part {as_text(part.get('type'))[:_NAME_CHARS]}".strip()))
            else:
                self._read_part(item, kind, index, part, events)

    def _read_part(
        self, item: _Item, kind: RunKind, index: int, part: JsonObject, events: list[StreamEvent]
    ) -> None:
        text = as_text(part.get(kind.value[1]))
        if text:
            self._run(item, kind, index, events).complete(text, events)

    def _run(self, item: _Item, kind: RunKind, index: int, events: list[StreamEvent]) -> _Run:
        run = item.runs.get((kind, index))
        if run is None:
            run = item.runs[kind, index] = _Run(kind, self._runs, self._channel(item, kind), self._lead(item, kind))
            self._runs += 1
        return run

    def _channel(self, item: _Item, kind: RunKind) -> Channel:
        if kind is RunKind.REFUSAL:
            self.has_refusal = True
            return Channel.REFUSAL
        return Channel.COMMENTARY if item.phase == "commentary" else Channel.ANSWER

    def _lead(self, item: _Item, kind: RunKind) -> str:
        """Messages, and parts of reasoning, are paragraphs of their own."""
        if not kind.is_visible:
            has_before, self._has_reasoning = self._has_reasoning, True
            return BREAK if has_before else ""
        is_another = self.has_text and self._speaker is not item
        self.has_text, self._speaker = True, item
        return BREAK if is_another else ""

    def _call(self, item: _Item, events: list[StreamEvent]) -> Call:
        if item.call is None:
            item.call = self.calls.start(item.type, {}, events)
        return item.call


def _part_index(kind: RunKind, event: JsonObject) -> int:
    return as_count(event.get("summary_index" if kind is RunKind.SUMMARY else "content_index")) or 0


def _is_kept(item: _Item, found: JsonObject) -> bool:
    """Whether the item is sent back: not what was not stored nor encrypted, and nothing that was cut."""
    if not as_text(found.get("type")) or as_text(found.get("status")) not in ("", "completed"):
        return False
    if item.type == "reasoning":
        return bool(as_text(found.get("encrypted_content")))
    return item.type in _KEPT or (item.call is not None and item.call.is_hosted)
