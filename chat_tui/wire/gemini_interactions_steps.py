"""Gemini Interactions: what one step brings, from its start over its deltas to its stop."""

from __future__ import annotations

from dataclasses import dataclass, field

from chat_tui.core.events import (
    Ignored,
    OpaqueReceived,
    ReasoningDelta,
    ReasoningKind,
    StreamEvent,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallEnded,
    ToolCallStarted,
    ToolResultReceived,
)
from chat_tui.wire.gemini_interactions_request import SERVER_STEP, THOUGHT
from chat_tui.wire.gemini_values import json_of, media_name
from chat_tui.wire.json_text import (
    JsonObject,
    PairJoiner,
    as_list,
    as_object,
    as_text,
    repaired,
    repaired_tree,
    short,
)

_FUNCTION = "function_call"
_MEDIA = ("image", "audio", "video", "document")
_DELTA_STEPS = {
    "text": "model_output",
    "thought_summary": "thought",
    "thought_signature": "thought",
    "arguments_delta": _FUNCTION,
}
"""The step a delta belongs to, for servers that leave out its start."""
_RAW_KEYS = ("id", "call_id", "name", "arguments", "result", "is_error", "signature")


@dataclass(slots=True)
class _Step:
    """One step that has not stopped. `raw` is what it is so far of a step that goes back as it came."""

    kind: str
    part: int
    key: str = ""
    chars: int = 0
    signature: str = ""
    arguments: object = None
    fragments: list[str] = field(default_factory=list[str])
    joiner: PairJoiner = field(default_factory=PairJoiner)
    raw: JsonObject = field(default_factory=dict[str, object])


class StepReader:
    """The steps of one answer."""

    def __init__(self) -> None:
        self._open: dict[int, _Step] = {}
        self._newest = 0
        self._calls = 0
        self._keys: dict[str, str] = {}
        self._unnamed_key = ""
        self.has_output = False
        """Whether the model said, thought or called anything."""
        self.waiting: set[str] = set()
        """Keys of the closed calls that nobody but us can run."""

    def start(self, index: object, step: JsonObject, events: list[StreamEvent]) -> None:
        """`step.start`, or a whole step out of a document (then `stop` follows)."""
        number = self._number(index)
        self._stop(number, events)
        opened = self._begin(number, as_text(step.get("type")), step, events)
        for item in as_list(step.get("summary")):
            self._think(opened, item, events)
        for item in as_list(step.get("content")):
            self._read_content(opened, as_object(item) or {}, events)
        opened.signature = as_text(step.get("signature"))

    def delta(self, index: object, delta: JsonObject, events: list[StreamEvent]) -> None:
        """`step.delta`."""
        number = self._number(index)
        kind = as_text(delta.get("type"))
        step = self._open.get(number)
        if step is None:
            step = self._begin(number, _DELTA_STEPS.get(kind, kind), {}, events)
        if kind == "text":
            self._say(step, delta.get("text"), events)
        elif kind == "thought_summary":
            self._think(step, delta.get("content"), events)
        elif kind == "thought_signature":
            step.signature = as_text(delta.get("signature")) or step.signature
        elif kind == "arguments_delta":
            self._argue(step, delta.get("arguments"), events)
        elif kind == step.kind and kind.endswith(("_call", "_result")):
            self._keep(step, delta)
        else:
            self._read_content(step, delta, events)

    def stop(self, index: object, events: list[StreamEvent]) -> None:
        """`step.stop`: what a step says only as a whole is said now."""
        self._stop(self._number(index), events)

    def close(self, events: list[StreamEvent], *, is_whole: bool) -> None:
        """The end of the answer: steps that never stopped stop with it, if it is whole, else they stay open."""
        for number in list(self._open):
            if is_whole:
                self._stop(number, events)
            else:
                self._flush(self._open[number], events)

    def _number(self, index: object) -> int:
        if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < 1 << 31:
            self._newest = index
        return self._newest

    def _begin(self, number: int, kind: str, raw: JsonObject, events: list[StreamEvent]) -> _Step:
        step = self._open[number] = _Step(kind, number)
        if kind.endswith("_call"):
            self._call(step, raw, events)
        if kind not in (_FUNCTION, "model_output", "thought"):
            step.raw["type"] = repaired(kind)
            self._keep(step, raw)
            if not kind.endswith(("_call", "_result")):
                events.append(Ignored(short(f"step {kind}")))
        return step

    def _call(self, step: _Step, raw: JsonObject, events: list[StreamEvent]) -> None:
        step.key = f"call-{self._calls}"
        self._calls += 1
        call_id = as_text(raw.get("id"))
        if call_id:
            self._keys[call_id] = step.key
        self._unnamed_key = step.key
        step.arguments = raw.get("arguments")
        self.has_output = True
        events.append(
            ToolCallStarted(step.key, call_id, as_text(raw.get("name")) or step.kind.removesuffix("_call"))
        )

    def _keep(self, step: _Step, raw: JsonObject) -> None:
        step.raw |= {name: repaired_tree(raw[name]) for name in _RAW_KEYS if name in raw}
        if raw.get("arguments") is not None:
            step.arguments = raw["arguments"]

    # -- content ---------------------------------------------------------------------------------

    def _read_content(self, step: _Step, content: JsonObject, events: list[StreamEvent]) -> None:
        kind = as_text(content.get("type"))
        if kind == "text":
            self._say(step, content.get("text"), events)
        elif kind in _MEDIA:
            events.append(Ignored(media_name(kind, content.get("mime_type"), content.get("data"))))
        else:
            events.append(Ignored(short(f"content {kind}".strip())))

    def _say(self, step: _Step, value: object, events: list[StreamEvent]) -> None:
        text = value if isinstance(value, str) else ""
        if step.kind == "thought":
            self._add_thought(step, text, events)
            return
        self.has_output = self.has_output or bool(text)
        text = step.joiner.join(text)
        if text:
            events.append(TextDelta(text, step.part))

    def _think(self, step: _Step, value: object, events: list[StreamEvent]) -> None:
        content = as_object(value) or {"text": value}
        text = content.get("text")
        if isinstance(text, str):
            self._add_thought(step, text, events)
        else:
            self._read_content(step, content, events)

    def _add_thought(self, step: _Step, text: str, events: list[StreamEvent]) -> None:
        self.has_output = self.has_output or bool(text)
        text = step.joiner.join(text)
        if text:
            step.chars += len(text)
            events.append(ReasoningDelta(text, step.part, ReasoningKind.SUMMARY))

    def _argue(self, step: _Step, value: object, events: list[StreamEvent]) -> None:
        if not step.key or not isinstance(value, str):
            events.append(Ignored("arguments of no call"))
            return
        text = step.joiner.join(value)
        if text:
            step.fragments.append(text)
            events.append(ToolArgumentsDelta(step.key, text))

    # -- the end of a step -----------------------------------------------------------------------

    def _flush(self, step: _Step, events: list[StreamEvent]) -> None:
        held = step.joiner.flush()
        if not held:
            return
        if step.kind == "thought":
            step.chars += len(held)
            events.append(ReasoningDelta(held, step.part, ReasoningKind.SUMMARY))
        elif step.key:
            step.fragments.append(held)
            events.append(ToolArgumentsDelta(step.key, held))
        else:
            events.append(TextDelta(held, step.part))

    def _stop(self, number: int, events: list[StreamEvent]) -> None:
        step = self._open.pop(number, None)
        if step is None:
            return
        self._flush(step, events)
        if step.key:
            self._end_call(step, events)
        elif step.kind.endswith("_result"):
            self._end_result(step, events)
        elif step.kind == "thought" and step.signature:
            data = {"signature": step.signature, "chars": step.chars}
            events.append(OpaqueReceived(THOUGHT, data, step.part))

    def _end_call(self, step: _Step, events: list[StreamEvent]) -> None:
        arguments = "".join(step.fragments)
        if not arguments and step.arguments:
            whole = step.arguments
            arguments = repaired(whole) if isinstance(whole, str) else json_of(whole)
            events.append(ToolArgumentsDelta(step.key, arguments))
        events.append(ToolCallEnded(step.key, arguments))
        if step.kind == _FUNCTION:
            self.waiting.add(step.key)
        else:
            events.append(OpaqueReceived(SERVER_STEP, {"key": step.key, "step": step.raw}, step.part))

    def _end_result(self, step: _Step, events: list[StreamEvent]) -> None:
        """The result of a call that the provider ran: by its id, else of the newest call."""
        key = self._keys.get(as_text(step.raw.get("call_id")), self._unnamed_key)
        if not key:
            events.append(Ignored(short(f"{step.kind} of no call")))
            return
        result = step.raw.get("result")
        events.append(ToolResultReceived(key, repaired(result) if isinstance(result, str) else json_of(result)))
        if key in self.waiting:
            self.waiting.discard(key)
        else:
            events.append(OpaqueReceived(SERVER_STEP, {"key": key, "step": step.raw}, step.part))
