"""LM Studio's own protocol: named events that tell of loading the model and of reading the prompt, too.

`chat.end` is the end of an answer. After an `error` it comes as well, with what there is: the error stands. Tools
are run by the server.
"""

from __future__ import annotations

from chat_tui.core.conversation import ChatRequest, OpaquePart
from chat_tui.core.errors import Fault
from chat_tui.core.events import (
    Failed,
    Finished,
    FinishReason,
    ProgressKind,
    ProgressReported,
    Started,
    StreamEvent,
    TerminalEvent,
    Usage,
    UsageReported,
)
from chat_tui.core.sanitize import clean_line
from chat_tui.wire.answer_writer import AnswerWriter, written
from chat_tui.wire.base import Codec, Framing, ModelFacts, Quirks, WireEvent, WireProtocol, WireRequest
from chat_tui.wire.endings import no_answer
from chat_tui.wire.error_bodies import fault_of, read_error
from chat_tui.wire.framing import DONE
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
from chat_tui.wire.lmstudio_request import RESPONSE, encode_request, refused_identities
from chat_tui.wire.model_list import NAME_CHARS, is_chat_name, usable

_MARKS = frozenset({"reasoning.start", "reasoning.end", "message.start", "message.end"})
"""Events that say nothing the others do not."""
_PROGRESS = {"model_load": ProgressKind.LOAD, "prompt_processing": ProgressKind.PROMPT}


class LMStudio(WireProtocol):
    """`POST {base}/api/v1/chat` over server-sent events; the base has no version in it."""

    name = "lmstudio"
    framing = Framing.SSE
    key_header = "Authorization"

    def encode(self, request: ChatRequest, quirks: Quirks) -> WireRequest:
        """The request as this protocol writes it. Raises CannotSend for files that are neither text nor images,
        and for the middle of an answer."""
        return encode_request(request, quirks)

    def refused_parts(self, request: ChatRequest, fault: Fault) -> tuple[OpaquePart, ...]:
        """The answers that the server has forgotten; the history is quoted then."""
        return refused_identities(request, fault)

    def codec(self) -> Codec:
        """A fresh codec for one answer."""
        return LMStudioCodec()

    def list_request(self, quirks: Quirks, cursor: str = "") -> WireRequest:
        """`GET /api/v1/models`: what is installed, and how it is loaded."""
        return WireRequest("/api/v1/models", method="GET")

    def read_list(self, text: str) -> tuple[tuple[ModelFacts, ...], str]:
        """All models at once."""
        found = as_object(parse(text)) or {}
        return usable(_facts(model) for item in as_list(found.get("models")) if (model := as_object(item))), ""


PROTOCOL = LMStudio()


class LMStudioCodec:
    """One answer. See `wire.base.Codec` for the contract."""

    def __init__(self) -> None:
        self.is_done = False
        self._has_started = False
        self._fault: Fault | None = None
        self._call = ""
        self._writer = AnswerWriter()

    @property
    def is_finishing(self) -> bool:
        """Whether an error came: only what there is of the answer follows it."""
        return self._fault is not None and not self.is_done

    def decode(self, event: WireEvent) -> tuple[StreamEvent, ...]:
        """Events of one event. Raises MalformedEvent for what is no JSON."""
        data = event.data
        if self.is_done or not data.strip() or data.strip() == DONE:
            return ()
        value = parse(data)
        found = as_object(value)
        if found is not None:
            self._read(as_text(found.get("type")) or event.name, found, data)
        elif event.name == "error":
            self._fault = fault_of(read_error(value), excerpt=data)
        elif value is not None:
            self._writer.ignore("event that is no object")
        return self._writer.take()

    def decode_document(self, text: str) -> tuple[StreamEvent, ...]:
        """A whole answer or an error that came as JSON. After a stream (its stray text) only an error counts."""
        if self.is_done:
            return ()
        has_begun = self._has_started or self._writer.has_output
        for value in parse_all(text):
            found = as_object(value) or {}
            if found.get("error"):
                self._fault = fault_of(read_error(found), excerpt=text)
            elif as_list(found.get("output")) and not has_begun:
                self._start(found)
                self._finish_with(found)
                return self._writer.take()
        if self._fault is None and not has_begun:
            self._fault = no_answer(text)
        return self.finish()

    def finish(self) -> tuple[StreamEvent, ...]:
        """The end of the body: a cut, unless an error was told before."""
        if not self.is_done:
            message = "The connection ended before the answer was said to end: it is not complete."
            self._end(Failed(self._fault or self._writer.cut(message)))
        return self._writer.take()

    def _read(self, kind: str, found: JsonObject, data: str) -> None:
        subject, _, what = kind.partition(".")
        writer = self._writer
        if kind == "message.delta":
            writer.say(found.get("content"))
        elif kind == "reasoning.delta":
            writer.think(found.get("content"))
        elif subject in _PROGRESS and what in ("start", "progress", "end"):
            fraction = 1.0 if what == "end" else as_quantity(found.get("progress"))
            writer.add(ProgressReported(_PROGRESS[subject], None if fraction is None else min(1.0, fraction)))
        elif subject == "tool_call":
            self._read_call(what, found)
        elif kind == "chat.start":
            self._start(found)
        elif kind == "chat.end":
            self._finish_with(as_object(found.get("result")) or {})
        elif kind == "error" or found.get("error"):
            self._fault = self._fault or fault_of(read_error(found), excerpt=data)
        elif kind not in _MARKS:
            writer.ignore(kind or "event without a type")

    def _start(self, found: JsonObject) -> None:
        if not self._has_started:
            self._has_started = True
            self._writer.add(Started(model=as_text(found.get("model_instance_id"))))

    def _read_call(self, what: str, found: JsonObject) -> None:
        """One call at a time is running; `result` is what `success` was called first."""
        writer = self._writer
        if what == "start" or not self._call:
            metadata = as_object(found.get("metadata")) or {}
            name = as_text(found.get("tool")) or as_text(metadata.get("tool_name"))
            self._call = writer.start_call("", name)
        if not writer.has_arguments(self._call) and as_object(found.get("arguments")) is not None:
            writer.add_arguments(self._call, written(found["arguments"]))
        if what in ("success", "result"):
            writer.end_call(self._call)
            writer.answer_call(self._call, written(found.get("output") or ""))
            self._call = ""
        elif what == "failure":
            # left open: it was never run
            writer.answer_call(self._call, as_text(found.get("reason")) or "The call failed.")
            self._call = ""
        elif what not in ("start", "arguments"):
            writer.ignore(f"tool_call.{what}")

    def _finish_with(self, result: JsonObject) -> None:
        """The end, with the numbers; its copy of the answer counts when nothing came before it."""
        writer = self._writer
        if not writer.has_output:
            for item in as_list(result.get("output")):
                self._read_output(as_object(item) or {})
        usage = _usage(as_object(result.get("stats")) or {})
        if usage != Usage():
            writer.add(UsageReported(usage))
        if identity := as_text(result.get("response_id")):
            writer.keep(RESPONSE, identity)
        self._end(Finished(FinishReason.STOP) if self._fault is None else Failed(self._fault))

    def _read_output(self, item: JsonObject) -> None:
        kind = as_text(item.get("type"))
        if kind == "message":
            self._writer.say(item.get("content"))
        elif kind == "reasoning":
            self._writer.think(item.get("content"))
        elif kind == "tool_call":
            self._read_call("success", item)
        else:
            self._writer.ignore(f"output {kind}".strip())

    def _end(self, terminal: TerminalEvent) -> None:
        self.is_done = True
        self._writer.flush()
        self._writer.add(terminal)


def _usage(stats: JsonObject) -> Usage:
    return Usage(
        input_tokens=as_count(stats.get("input_tokens")),
        output_tokens=as_count(stats.get("total_output_tokens")),
        reasoning_tokens=as_count(stats.get("reasoning_output_tokens")),
        tokens_per_s=as_quantity(stats.get("tokens_per_second")) or None,
    )


def _facts(model: JsonObject) -> ModelFacts:
    name = as_text(model.get("key"))
    label = as_text(model.get("display_name"))
    kind = as_text(model.get("type"))
    capabilities = as_object(model.get("capabilities")) or {}
    can_see = capabilities.get("vision")
    return ModelFacts(
        name=name,
        label="" if label == name else clean_line(label, NAME_CHARS),
        context_tokens=_context_tokens(model),
        inputs=frozenset({"text", "image"} if can_see else {"text"}) if isinstance(can_see, bool) else None,
        is_chat=kind == "llm" if kind else is_chat_name(name),
    )


def _context_tokens(model: JsonObject) -> int | None:
    """What it is loaded with, else the most it could be."""
    loaded = [as_object(item) or {} for item in as_list(model.get("loaded_instances"))]
    configured = [as_count((as_object(item.get("config")) or {}).get("context_length")) for item in loaded]
    return max((count for count in configured if count), default=as_count(model.get("max_context_length"))) or None
