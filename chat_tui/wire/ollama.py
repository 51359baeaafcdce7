"""Ollama's own protocol: lines of JSON. It reports thinking, whole tool calls and timings that `/v1` does not.

The line with `done` is the end of an answer, or a line with `error`; there is no other sign of either. Nothing is
sent while a model is loaded into memory, which may take minutes.
"""

from __future__ import annotations

from chat_tui.core.conversation import ChatRequest
from chat_tui.core.errors import Fault, FaultKind
from chat_tui.core.events import (
    Failed,
    Finished,
    FinishReason,
    Started,
    StreamEvent,
    TerminalEvent,
    Usage,
    UsageReported,
)
from chat_tui.wire.answer_writer import AnswerWriter, written
from chat_tui.wire.base import Codec, Framing, ModelFacts, Quirks, WireEvent, WireProtocol, WireRequest
from chat_tui.wire.endings import no_answer
from chat_tui.wire.error_bodies import fault_of, read_error
from chat_tui.wire.json_text import (
    JsonObject,
    as_count,
    as_list,
    as_object,
    as_quantity,
    as_text,
    parse,
    parse_all,
)
from chat_tui.wire.model_list import is_chat_name, usable
from chat_tui.wire.ollama_request import encode_request

_REASONS = {"stop": FinishReason.STOP, "length": FinishReason.LENGTH}
_MESSAGE_KEYS = frozenset({"role", "content", "thinking", "tool_calls"})
_NS_PER_S = 1e9
_SHORTEST_NS = 1e6
"""A generation shorter than this was not measured."""


class Ollama(WireProtocol):
    """`POST {base}/api/chat` over lines of JSON; the base has no version in it."""

    name = "ollama"
    framing = Framing.LINES
    key_header = "Authorization"

    def encode(self, request: ChatRequest, quirks: Quirks) -> WireRequest:
        """The request as this protocol writes it. Raises CannotSend for files that are neither text nor images."""
        return encode_request(request, quirks)

    def codec(self) -> Codec:
        """A fresh codec for one answer."""
        return OllamaCodec()

    def list_request(self, quirks: Quirks, cursor: str = "") -> WireRequest:
        """`GET /api/tags`: what is installed."""
        return WireRequest("/api/tags", method="GET")

    def read_list(self, text: str) -> tuple[tuple[ModelFacts, ...], str]:
        """All models at once, with what the listing itself tells of each."""
        found = as_object(parse(text)) or {}
        return usable(_facts(model) for item in as_list(found.get("models")) if (model := as_object(item))), ""


PROTOCOL = Ollama()


class OllamaCodec:
    """One answer. See `wire.base.Codec` for the contract."""

    is_finishing = False
    """The line that ends an answer is all there is of its end."""

    def __init__(self) -> None:
        self.is_done = False
        self._has_started = False
        self._writer = AnswerWriter()

    def decode(self, event: WireEvent) -> tuple[StreamEvent, ...]:
        """Events of one line. Raises MalformedEvent for what is no JSON."""
        if self.is_done or not event.data.strip():
            return ()
        self._read(parse(event.data), event.data)
        return self._writer.take()

    def decode_document(self, text: str) -> tuple[StreamEvent, ...]:
        """Lines that came as a document, a whole answer, or an error."""
        if self.is_done:
            return ()
        for value in parse_all(text):
            self._read(value, text)
            if self.is_done:
                return self._writer.take()
        if self._has_started or self._writer.has_output:
            return self.finish()
        self._end(Failed(no_answer(text)))
        return self._writer.take()

    def finish(self) -> tuple[StreamEvent, ...]:
        """The end of the body: a cut, since the end of the answer would have been a line."""
        if not self.is_done:
            message = "The connection ended without a last line: the answer is not complete."
            self._end(Failed(self._writer.cut(message)))
        return self._writer.take()

    def _read(self, value: object, text: str) -> None:
        line = as_object(value)
        if line is None:
            if value is not None:
                self._writer.ignore("line that is no object")
            return
        model = as_text(line.get("model"))
        if model and not self._has_started:
            self._has_started = True
            self._writer.add(Started(model=model))
        message = as_object(line.get("message"))
        if message is not None:
            self._read_message(message)
        if line.get("error"):
            self._end(Failed(fault_of(read_error(line), excerpt=text)))
        elif line.get("done") is True:
            usage = _usage(line)
            if usage != Usage():
                self._writer.add(UsageReported(usage))
            self._end(self._terminal(as_text(line.get("done_reason"))))
        elif message is None:
            self._writer.ignore("line without a message")

    def _read_message(self, message: JsonObject) -> None:
        writer = self._writer
        writer.think(message.get("thinking"))
        writer.say(message.get("content"))
        for item in as_list(message.get("tool_calls")):
            call = as_object(item)
            if call is None:
                continue
            function = as_object(call.get("function")) or {}
            key = writer.start_call(as_text(call.get("id")), as_text(function.get("name")))
            arguments = function.get("arguments")
            writer.add_arguments(key, written({} if arguments is None else arguments))
            writer.end_call(key)
        for key, value in message.items():
            if value and key not in _MESSAGE_KEYS:
                writer.ignore(key)

    def _terminal(self, raw: str) -> TerminalEvent:
        if not raw:
            message = "The server ended the answer without a reason: its model stopped in the middle."
            return Failed(self._writer.cut(message))
        if raw in ("load", "unload") and not self._writer.has_output:
            message = f"The server did {raw} the model and gave no answer."
            return Failed(Fault(FaultKind.PROTOCOL, "no answer", message, code=raw, is_retryable=raw == "load"))
        reason = _REASONS.get(raw, FinishReason.OTHER)
        if reason is FinishReason.STOP and self._writer.has_open_question:
            reason = FinishReason.TOOL_CALLS
        return Finished(reason, raw[:80])

    def _end(self, terminal: TerminalEvent) -> None:
        self.is_done = True
        self._writer.flush()
        self._writer.add(terminal)


def _usage(line: JsonObject) -> Usage:
    """The counts of the last line; durations are in nanoseconds."""
    tokens, duration_ns = as_count(line.get("eval_count")), as_quantity(line.get("eval_duration"))
    return Usage(
        input_tokens=as_count(line.get("prompt_eval_count")),
        output_tokens=tokens,
        tokens_per_s=tokens / duration_ns * _NS_PER_S
        if tokens and duration_ns is not None and duration_ns >= _SHORTEST_NS
        else None,
    )


def _facts(model: JsonObject) -> ModelFacts:
    name = as_text(model.get("name")) or as_text(model.get("model"))
    details = as_object(model.get("details")) or {}
    capabilities = {as_text(item) for item in as_list(model.get("capabilities"))}
    seen = {"vision": "image", "audio": "audio"}
    return ModelFacts(
        name=name,
        context_tokens=as_count(details.get("context_length")) or None,
        inputs=frozenset({"text", *(seen[item] for item in capabilities & seen.keys())}) if capabilities else None,
        is_chat="completion" in capabilities if capabilities else is_chat_name(name),
    )
