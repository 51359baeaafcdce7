"""OpenAI Responses over server-sent events, in background mode with resuming.

An answer ends with `response.completed`, `.incomplete`, `.failed` or `error`, and with nothing else: there are no
formalities behind these, and a body that ends without them was cut. In background mode the answer is made whether
or not anybody listens; each event has a number, and what follows a number can be asked for.
"""

from __future__ import annotations

from collections.abc import Callable

from chat_tui.core.conversation import ChatRequest, OpaquePart
from chat_tui.core.errors import Fault, MalformedEvent
from chat_tui.core.events import (
    Failed,
    Finished,
    FinishReason,
    Ignored,
    ProgressKind,
    ProgressReported,
    Started,
    StreamEvent,
    TerminalEvent,
    UsageReported,
)
from chat_tui.wire.answer_path import path_of
from chat_tui.wire.base import Framing, ModelFacts, Quirks, ResumableCodec, WireEvent, WireProtocol, WireRequest
from chat_tui.wire.endings import cut, no_answer
from chat_tui.wire.error_bodies import fault_of, read_error
from chat_tui.wire.framing import DONE
from chat_tui.wire.json_text import JsonObject, as_count, as_object, as_text, parse, parse_all, short
from chat_tui.wire.model_list import read_models
from chat_tui.wire.openai_responses_items import ItemTracker, RunKind
from chat_tui.wire.openai_responses_request import PATH, encode_request, refused_thoughts
from chat_tui.wire.openai_responses_usage import excerpt_of, failed_fault, read_usage

_REASONS = {
    "max_output_tokens": FinishReason.LENGTH,
    "max_messages": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
    "steered": FinishReason.PAUSE,
}
_ENDS = frozenset({"completed", "incomplete", "failed", "cancelled"})
_TOOL_GROUPS = ("mcp_list_tools", "compaction")
_TOOL_PREFIXES = ("shell_call_", "mcp_call_", "code_interpreter_call_")


class OpenAIResponses(WireProtocol):
    """`POST {base}/responses` over server-sent events."""

    name = "openai-responses"
    framing = Framing.SSE
    key_header = "Authorization"

    def encode(self, request: ChatRequest, quirks: Quirks) -> WireRequest:
        """The request as this protocol writes it. Raises CannotSend for a file it has no form for."""
        return encode_request(request, quirks)

    def refused_parts(self, request: ChatRequest, fault: Fault) -> tuple[OpaquePart, ...]:
        """Reasoning that the server cannot read any more, or did not make."""
        return refused_thoughts(request, fault)

    def codec(self) -> ResumableCodec:
        """A fresh codec for one answer."""
        return OpenAIResponsesCodec()

    def list_request(self, quirks: Quirks, cursor: str = "") -> WireRequest:
        """`GET /models`."""
        return WireRequest("/models", method="GET")

    def read_list(self, text: str) -> tuple[tuple[ModelFacts, ...], str]:
        """All models at once."""
        return read_models(text), ""


PROTOCOL = OpenAIResponses()

_Reader = Callable[[JsonObject, list[StreamEvent]], None]


class OpenAIResponsesCodec:
    """One answer. See `wire.base.ResumableCodec` for the contract."""

    def __init__(self) -> None:
        self._is_done = False
        self._is_over = False
        self._id = ""
        self._number: int | None = None
        self._has_resumed = False
        self._has_started = False
        self._items = items = ItemTracker()
        self._readers: dict[str, _Reader] = {
            "response.output_item.added": items.added,
            "response.output_item.done": items.done,
            "response.content_part.done": items.part_done,
            "response.reasoning_summary_part.done": items.part_done,
            "response.function_call_arguments.delta": items.arguments_delta,
            "response.function_call_arguments.done": items.arguments_done,
            "response.custom_tool_call_input.delta": items.arguments_delta,
            "response.custom_tool_call_input.done": items.arguments_done,
            "response.mcp_call_arguments.delta": items.arguments_delta,
            "response.mcp_call_arguments.done": items.arguments_done,
            "response.code_interpreter_call_code.delta": items.arguments_delta,
            "response.code_interpreter_call_code.done": items.arguments_done,
            "response.content_part.added": _nothing,
            "response.reasoning_summary_part.added": _nothing,
            "response.created": self._read_start,
            "response.in_progress": self._read_start,
            "response.queued": self._read_queued,
        }
        for name, kind in _RUN_EVENTS.items():
            self._readers[f"{name}.delta"] = _bound(items.delta, kind)
            self._readers[f"{name}.done"] = _bound(items.text_done, kind)

    @property
    def is_done(self) -> bool:
        """Whether the terminal event has been given."""
        return self._is_done

    @property
    def is_finishing(self) -> bool:
        """Never: the last event is the one with the reason."""
        return False

    # -- reading ---------------------------------------------------------------------------------

    def decode(self, event: WireEvent) -> tuple[StreamEvent, ...]:
        """Events of one wire event; none of one that was read before a resume. Raises MalformedEvent."""
        if self._is_done:
            return ()
        data = event.data
        if len(data) < 32:
            mark = data.strip()
            if not mark:
                return ()
            if mark == DONE:
                return self._end([], Failed(self._cut("The server closed the answer")))
        try:
            value = parse(data)
        except MalformedEvent:
            if event.name != "error":
                raise
            value = {"type": "error", "message": data}
        found = as_object(value)
        if found is None:
            return () if value is None else (Ignored("event that is no object"),)
        number = as_count(found.get("sequence_number"))
        if self._has_resumed and number is not None and self._number is not None and number <= self._number:
            return ()
        events: list[StreamEvent] = []
        terminal = self._read(as_text(found.get("type")) or event.name, found, events)
        if number is not None:
            self._number = max(number, self._number or 0)
        if terminal is not None:
            self._is_over = True
            return self._end(events, terminal)
        return tuple(events)

    def decode_document(self, text: str) -> tuple[StreamEvent, ...]:
        """A whole response or error that came as JSON (or as something else: a page, plain text)."""
        if self._is_done:
            return ()
        events: list[StreamEvent] = []
        for value in parse_all(text):
            found = as_object(value) or {}
            status = as_text(found.get("status"))
            if found.get("object") == "response" or ("output" in found and status):
                self._start(found, events)
                if status in _ENDS:
                    self._is_over = True
                    return self._end(events, self._terminal(status, found, found, events))
                self._items.read_output(found.get("output"), events)
            elif found.get("error") or found.get("type") == "error":
                self._is_over = True
                return self._end(events, Failed(fault_of(read_error(found), excerpt=text)))
        if self._has_started or self._items.has_output:
            return self._end(events, Failed(self._cut("The connection ended")))
        return self._end(events, Failed(no_answer(text, "response")))

    def finish(self) -> tuple[StreamEvent, ...]:
        """The end of the body: always a cut, a complete answer has ended before it."""
        return () if self._is_done else self._end([], Failed(self._cut("The connection ended")))

    def _read(self, kind: str, found: JsonObject, events: list[StreamEvent]) -> TerminalEvent | None:
        """One event; its terminal event when it ends the answer."""
        reader = self._readers.get(kind)
        if reader is not None:
            reader(found, events)
            return None
        name = kind.removeprefix("response.")
        if kind == "error" or (not kind and found.get("error")):
            return Failed(fault_of(read_error(found), excerpt=excerpt_of(found)))
        if name != kind and name in _ENDS:
            response = as_object(found.get("response")) or {}
            self._start(response, events)
            status = as_text(response.get("status"))
            return self._terminal(status if status in _ENDS else name, response, found, events)
        group = name.partition(".")[0]
        if group.endswith("_call") or group in _TOOL_GROUPS or group.startswith(_TOOL_PREFIXES):
            events.append(ProgressReported(ProgressKind.TOOL))
        else:
            events.append(Ignored(short(kind) or "event without a type"))
        return None

    def _read_start(self, found: JsonObject, events: list[StreamEvent]) -> None:
        self._start(as_object(found.get("response")) or {}, events)

    def _read_queued(self, found: JsonObject, events: list[StreamEvent]) -> None:
        self._read_start(found, events)
        events.append(ProgressReported(ProgressKind.QUEUED))

    def _start(self, response: JsonObject, events: list[StreamEvent]) -> None:
        answer_id, model = as_text(response.get("id")), as_text(response.get("model"))
        self._id = self._id or answer_id
        if not self._has_started and (answer_id or model):
            self._has_started = True
            events.append(Started(answer_id, model))

    # -- the end ---------------------------------------------------------------------------------

    def _terminal(
        self, status: str, response: JsonObject, holder: JsonObject, events: list[StreamEvent]
    ) -> TerminalEvent:
        """What the last event says, after what of the output came with it only."""
        if status in ("completed", "incomplete"):
            self._items.read_output(response.get("output"), events)
        usage = read_usage(response, as_object(holder.get("timings")))
        if usage is not None:
            events.append(UsageReported(usage))
        if status == "failed":
            return Failed(failed_fault(response.get("error")))
        if status == "cancelled":
            return Finished(FinishReason.CANCELLED, status)
        if status == "incomplete":
            details = as_object(response.get("incomplete_details")) or {}
            raw = short(as_text(details.get("reason"))) or status
            return Finished(_REASONS.get(raw, FinishReason.OTHER), raw)
        if self._items.has_refusal:
            return Finished(FinishReason.REFUSAL, status)
        return Finished(FinishReason.TOOL_CALLS if self._items.calls.has_unanswered else FinishReason.STOP, status)

    def _cut(self, ended: str) -> Fault:
        message = f"{ended} before the end of the response: the answer is not complete."
        return cut(message, has_output=self._items.has_output)

    def _end(self, events: list[StreamEvent], terminal: TerminalEvent) -> tuple[StreamEvent, ...]:
        """Give what is held back, and then nothing more."""
        self._is_done = True
        self._items.flush(events)
        events.append(terminal)
        return tuple(events)

    # -- background mode -------------------------------------------------------------------------

    def resume(self) -> WireRequest | None:
        """The events behind the last numbered one; from now on those up to it are passed over."""
        path = path_of(PATH, self._id)
        if self._is_done or self._number is None or not path:
            return None
        self._has_resumed = True
        return WireRequest(f"{path}?stream=true&starting_after={self._number}", method="GET")

    def cancel(self) -> WireRequest | None:
        """What ends an answer in background mode: closing the connection does not."""
        path = path_of(PATH, self._id)
        return None if self._is_over or not path else WireRequest(f"{path}/cancel")


_RUN_EVENTS = {
    "response.output_text": RunKind.ANSWER,
    "response.refusal": RunKind.REFUSAL,
    "response.reasoning_text": RunKind.REASONING,
    "response.reasoning_summary_text": RunKind.SUMMARY,
}


def _nothing(_found: JsonObject, _events: list[StreamEvent]) -> None:
    """An event that only announces what follows."""


def _bound(read: Callable[[RunKind, JsonObject, list[StreamEvent]], None], kind: RunKind) -> _Reader:
    return lambda found, events: read(kind, found, events)
