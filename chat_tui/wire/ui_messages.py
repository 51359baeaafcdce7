"""The stream that chat routes made with the AI SDK answer with (UI messages).

An answer ends with `finish`, `error` or `abort`; `[DONE]` is written by the transport whatever happened, and proves
nothing. After `finish` the end of the body is waited for: a route may join several runs into one stream.
"""

from __future__ import annotations

from chat_tui.core.conversation import ChatRequest
from chat_tui.core.events import (
    Failed,
    Finished,
    FinishReason,
    Started,
    StepMarked,
    StreamEvent,
    TerminalEvent,
)
from chat_tui.wire.answer_writer import AnswerWriter
from chat_tui.wire.base import Codec, Framing, ModelFacts, Quirks, WireEvent, WireProtocol, WireRequest
from chat_tui.wire.endings import no_answer
from chat_tui.wire.error_bodies import fault_of, read_error
from chat_tui.wire.framing import DONE
from chat_tui.wire.json_text import JsonObject, as_object, as_text, parse, parse_all
from chat_tui.wire.ui_messages_request import IDENTITY, METADATA, PART, encode_request, no_listing
from chat_tui.wire.ui_messages_tools import ToolParts
from chat_tui.wire.ui_messages_usage import report_metadata

_REASONS = {
    "": FinishReason.STOP,
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "content-filter": FinishReason.CONTENT_FILTER,
    "tool-calls": FinishReason.TOOL_CALLS,
}
_KEPT = frozenset({"file", "reasoning-file", "source-url", "source-document"})
_STEPS = {"start-step": "start", "finish-step": "end", "reset-step": "reset"}


class UiMessages(WireProtocol):
    """`POST` to the base URL itself, answered over server-sent events."""

    name = "ui-messages"
    framing = Framing.SSE
    key_header = "Authorization"

    def encode(self, request: ChatRequest, quirks: Quirks) -> WireRequest:
        """The request as this protocol writes it. Raises CannotSend for images where there are none taken."""
        return encode_request(request, quirks)

    def codec(self) -> Codec:
        """A fresh codec for one answer."""
        return UiMessagesCodec()

    def list_request(self, quirks: Quirks, cursor: str = "") -> WireRequest:
        """There is no listing: always raises CannotSend."""
        raise no_listing()

    def read_list(self, text: str) -> tuple[tuple[ModelFacts, ...], str]:
        """There is no listing."""
        return (), ""


PROTOCOL = UiMessages()


class UiMessagesCodec:
    """One answer. See `wire.base.Codec` for the contract."""

    def __init__(self) -> None:
        self.is_done = False
        self._has_begun = False
        self._reason: str | None = None
        self._parts: dict[tuple[str, str], int] = {}
        self._metadata: dict[tuple[str, str], JsonObject] = {}
        self._writer = AnswerWriter()
        self._tools = ToolParts(self._writer)

    @property
    def is_finishing(self) -> bool:
        """Whether `finish` came: as a rule only [DONE] follows, and a broken connection is no cut."""
        return self._reason is not None and not self.is_done

    def decode(self, event: WireEvent) -> tuple[StreamEvent, ...]:
        """Events of one part. Raises MalformedEvent for what is no JSON."""
        data = event.data.strip()
        if self.is_done or not data:
            return ()
        if data == DONE:
            return self._close("The server closed the answer")
        value = parse(data)
        part = as_object(value)
        if part is not None:
            self._read(part, data)
        elif value is not None:
            self._writer.ignore("part that is no object")
        return self._writer.take()

    def decode_document(self, text: str) -> tuple[StreamEvent, ...]:
        """An error that came as JSON, or parts in a row. After a stream (its stray text) only an error counts."""
        if self.is_done:
            return ()
        has_begun = self._has_begun
        for value in parse_all(text):
            part = as_object(value) or {}
            if part.get("error") or part.get("errorText"):
                self._end(Failed(fault_of(read_error(part.get("errorText") or part), excerpt=text)))
                return self._writer.take()
            if not has_begun and isinstance(part.get("type"), str):
                self._read(part, text)
                if self.is_done:
                    break
        if not self._has_begun:
            self._end(Failed(no_answer(text)))
        return self.finish()

    def finish(self) -> tuple[StreamEvent, ...]:
        """The end of the body: complete when `finish` came, else CUT."""
        return self._close("The connection ended")

    def _close(self, ended: str) -> tuple[StreamEvent, ...]:
        if not self.is_done:
            self._end(self._terminal(ended))
        return self._writer.take()

    # -- parts -----------------------------------------------------------------------------------

    def _read(self, part: JsonObject, data: str) -> None:
        kind = as_text(part.get("type"))
        writer = self._writer
        if kind.startswith(("text-", "reasoning-")) and kind not in _KEPT:
            self._read_text(kind, part)
        elif kind in _STEPS:
            self._mark(_STEPS[kind])
        elif kind.startswith("tool-"):
            self._tools.read(kind, part)
        elif kind in _KEPT:
            writer.keep(PART, part)
        elif kind == "error" or (not kind and part.get("error")):
            self._end(Failed(fault_of(read_error(part.get("errorText") or part), excerpt=data)))
        elif kind in ("start", "finish", "abort", "message-metadata"):
            self._read_frame(kind, part)
        else:
            writer.ignore(kind or "part without a type")
        self._has_begun = self._has_begun or bool(kind)

    def _read_text(self, kind: str, part: JsonObject) -> None:
        """A piece of a text or of reasoning; what is to go back with it is known at its end."""
        subject, _, what = kind.partition("-")
        name = (subject, as_text(part.get("id")))
        if metadata := as_object(part.get("providerMetadata")):
            self._metadata[name] = metadata
        delta = part.get("delta")
        if what == "delta" and delta:
            number = self._parts.setdefault(name, len(self._parts))
            if subject == "text":
                self._writer.say(delta, number)
            else:
                self._writer.think(delta, number)
        elif what == "end" and name in self._metadata:
            found = {"type": subject, "providerMetadata": self._metadata.pop(name)}
            if name in self._parts:
                self._writer.keep(METADATA, found)
            else:  # redacted reasoning has nothing else
                self._writer.keep(PART, {**found, "text": ""})
        elif what not in ("start", "delta", "end"):
            self._writer.ignore(kind)

    def _read_frame(self, kind: str, part: JsonObject) -> None:
        writer = self._writer
        if kind == "start":
            identity, metadata = as_text(part.get("messageId")), as_object(part.get("messageMetadata")) or {}
            if not self._has_begun:
                writer.add(Started(identity, as_text(metadata.get("model"))))
            if identity:
                writer.keep(IDENTITY, identity)
            self._reason = None
        report_metadata(part.get("messageMetadata"), writer)
        if kind == "finish":
            reason = part.get("finishReason")
            self._reason = as_text(reason)[:80] if isinstance(reason, str) or reason is None else "other"
        elif kind == "abort":
            message = "The server stopped the answer."
            if reason := as_text(part.get("reason")):
                message = f"The server stopped the answer ({reason[:80]})."
            self._end(Failed(writer.cut(message, "stopped by the server", "abort")))

    def _mark(self, what: str) -> None:
        writer = self._writer
        if what == "start":
            self._reason = None
        elif what == "reset":
            writer.flush()
            self._tools.reset()
            self._parts.clear()
            self._metadata.clear()
        writer.add(StepMarked(what))

    # -- ends ------------------------------------------------------------------------------------

    def _terminal(self, ended: str) -> TerminalEvent:
        raw = self._reason
        if raw is None:
            return Failed(self._writer.cut(f"{ended} without a finish: the answer is not complete."))
        if raw == "error":
            return Failed(fault_of(read_error("The route ended the answer with an error and did not say which.")))
        if raw == "interrupted":
            return Failed(self._writer.cut("The model behind the route was interrupted.", code=raw))
        reason = _REASONS.get(raw, FinishReason.OTHER)
        if reason is FinishReason.STOP and self._writer.has_open_question:
            reason = FinishReason.TOOL_CALLS
        return Finished(reason, raw)

    def _end(self, terminal: TerminalEvent) -> None:
        if not self.is_done:
            self.is_done = True
            self._writer.flush()
            self._writer.add(terminal)
