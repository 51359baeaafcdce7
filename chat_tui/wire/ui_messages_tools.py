"""The AI SDK's UI messages: the parts of tool calls, most of which the route runs itself."""

from __future__ import annotations

from chat_tui.core.errors import MalformedEvent
from chat_tui.core.events import ProgressKind, ProgressReported
from chat_tui.wire.answer_writer import AnswerWriter, written
from chat_tui.wire.json_text import JsonObject, PairJoiner, as_object, as_text, parse, repaired_tree
from chat_tui.wire.ui_messages_request import CALL


class ToolParts:
    """The calls of one answer, by the names the route gives them."""

    def __init__(self, writer: AnswerWriter) -> None:
        self._writer = writer
        self._keys: dict[str, str] = {}
        self._joiners: dict[str, PairJoiner] = {}

    def reset(self) -> None:
        """What came so far is taken back: the same names are other calls now."""
        self._keys.clear()
        self._joiners.clear()
        self._writer.forget_calls()

    def read(self, kind: str, part: JsonObject) -> None:
        """One part whose type begins with `tool-`."""
        call_id = as_text(part.get("toolCallId"))
        if kind in ("tool-input-start", "tool-input-available", "tool-input-error"):
            self._read_input(kind, call_id, part)
        elif call_id not in self._keys:
            self._writer.ignore(f"{kind} of an unknown call")
        elif kind == "tool-input-delta":
            fragment = part.get("inputTextDelta")
            if isinstance(fragment, str):
                key = self._keys[call_id]
                self._writer.add_arguments(key, self._joiners[key].join(fragment))
        elif kind == "tool-output-available":
            self._read_output(call_id, part)
        elif kind == "tool-output-error":
            self._fail(call_id, as_text(part.get("errorText")) or "The tool failed.")
        elif kind == "tool-output-denied":
            self._fail(call_id, "The call was denied.")
        else:
            self._writer.ignore(kind)

    def _read_input(self, kind: str, call_id: str, part: JsonObject) -> None:
        key = self._keys.get(call_id)
        if key is None:
            key = self._keys[call_id] = self._writer.start_call(call_id, as_text(part.get("toolName")))
            self._joiners[key] = PairJoiner()
        if kind == "tool-input-start":
            self._keep(key, part)
            return
        self._writer.add_arguments(key, self._joiners[key].flush())
        if not self._writer.has_arguments(key) and part.get("input") is not None:
            self._writer.add_arguments(key, written(part["input"]))
        if kind == "tool-input-available":
            self._writer.end_call(key)
            self._keep(key, part, self._other_input(key, part))
        else:
            # left open: it does not fit the tool, and never ran
            self._writer.answer_call(key, as_text(part.get("errorText")) or "The arguments do not fit the tool.")

    def _other_input(self, key: str, part: JsonObject) -> JsonObject:
        """The arguments as the route understood them, where that is something else than what it streamed."""
        if "input" not in part:
            return {}
        try:
            streamed = parse(self._writer.arguments_of(key) or "{}")
        except MalformedEvent:
            streamed = None
        return {} if streamed == part["input"] else {"input": part["input"]}

    def _keep(self, key: str, part: JsonObject, more: JsonObject | None = None) -> None:
        found = dict(more or {})
        found |= {name: True for name in ("dynamic", "providerExecuted") if part.get(name) is True}
        if metadata := as_object(part.get("providerMetadata")):
            found["callProviderMetadata"] = metadata
        if found:
            self._writer.keep(CALL, {"key": key, **found})

    def _read_output(self, call_id: str, part: JsonObject) -> None:
        if part.get("preliminary") is True:
            self._writer.add(ProgressReported(ProgressKind.TOOL))
            return
        output = part.get("output")
        self._writer.answer_call(self._keys[call_id], "" if output is None else written(repaired_tree(output)))

    def _fail(self, call_id: str, words: str) -> None:
        key = self._keys[call_id]
        self._writer.answer_call(key, words)
        self._writer.keep(CALL, {"key": key, "errorText": words})
