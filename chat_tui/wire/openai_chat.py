"""OpenAI Chat Completions, the protocol that nearly every server speaks, each with an accent.

An answer is complete when a finish reason came, not when the body or `[DONE]` did: gateways end bodies cleanly in
mid-answer, and vLLM writes `[DONE]` after an error. The terminal event is given at `[DONE]` or at the end of the
body, because usage, annotations and errors may follow the finish reason.
"""

from __future__ import annotations

from typing import Any

from chat_tui.core.conversation import ChatRequest
from chat_tui.core.errors import Fault
from chat_tui.core.events import (
    Channel,
    Failed,
    Finished,
    FinishReason,
    Ignored,
    OpaqueReceived,
    ProgressKind,
    ProgressReported,
    ReasoningDelta,
    ReasoningKind,
    Started,
    StreamEvent,
    TerminalEvent,
    TextDelta,
    UsageReported,
)
from chat_tui.wire.base import Codec, Framing, ModelFacts, Quirks, WireEvent, WireProtocol, WireRequest
from chat_tui.wire.endings import cut, no_answer
from chat_tui.wire.error_bodies import ErrorBody, fault_of, read_error
from chat_tui.wire.framing import DONE
from chat_tui.wire.json_text import (
    JsonObject,
    PairJoiner,
    as_list,
    as_object,
    as_quantity,
    as_text,
    parse,
    parse_all,
    parse_or_text,
    repaired_tree,
    short,
)
from chat_tui.wire.model_list import read_models
from chat_tui.wire.openai_chat_request import encode_request
from chat_tui.wire.openai_chat_tools import EXTRA_CONTENT, REASONING_DETAILS, ToolCallTracker
from chat_tui.wire.openai_chat_usage import read_usage
from chat_tui.wire.think_tags import ThinkTagSplitter, events_of

_REASONS = {
    "stop": FinishReason.STOP,
    "eos": FinishReason.STOP,
    "end_turn": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "model_length": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
}

_PLAIN_DELTA_KEYS = frozenset({"role", "content"})
_DELTA_KEYS = _PLAIN_DELTA_KEYS | {
    "refusal", "reasoning_content", "reasoning", "reasoning_details", "tool_calls", "function_call",
    "extra_content",
}  # fmt: skip


class OpenAIChat(WireProtocol):
    """`POST {base}/chat/completions` over server-sent events."""

    name = "openai-chat"
    framing = Framing.SSE
    key_header = "Authorization"

    def encode(self, request: ChatRequest, quirks: Quirks) -> WireRequest:
        """The request as this protocol writes it."""
        return encode_request(request, quirks)

    def codec(self) -> Codec:
        """A fresh codec for one answer."""
        return OpenAIChatCodec()

    def codec_for(self, quirks: Quirks) -> Codec:
        """A codec that knows how this server differs."""
        return OpenAIChatCodec(has_think_tags=quirks.has_think_tags)

    def list_request(self, quirks: Quirks, cursor: str = "") -> WireRequest:
        """`GET /models`."""
        return WireRequest("/models", method="GET")

    def read_list(self, text: str) -> tuple[tuple[ModelFacts, ...], str]:
        """All models at once."""
        return read_models(text), ""


PROTOCOL = OpenAIChat()


class OpenAIChatCodec:
    """One answer. See `wire.base.Codec` for the contract."""

    def __init__(self, *, has_think_tags: bool = False) -> None:
        self._splitter = ThinkTagSplitter() if has_think_tags else None
        self._is_done = False
        self._has_started = False
        self._has_output = False
        self._has_refusal = False
        self._reason = ""
        self._last_words = ErrorBody()
        self._tools = ToolCallTracker()
        self._answer = PairJoiner()
        self._refusal = PairJoiner()
        self._reasoning = PairJoiner()

    @property
    def is_done(self) -> bool:
        """Whether the terminal event has been given."""
        return self._is_done

    @property
    def is_finishing(self) -> bool:
        """Whether a finish reason came: only usage and [DONE] can follow, and a broken connection is no cut."""
        return bool(self._reason) and not self._is_done

    def decode(self, event: WireEvent) -> tuple[StreamEvent, ...]:
        """Events of one chunk. Raises MalformedEvent for what is no JSON."""
        if self._is_done:
            return ()
        data = event.data
        if event.name == "error":
            return self._read_error_event(data)
        if len(data) < 32:
            mark = data.strip()
            if not mark:
                return ()
            if mark == DONE:
                return self._end([], self._terminal("The server closed the answer"))
        value = parse(data)
        chunk = as_object(value)
        error = _error_in(value)
        events: list[StreamEvent] = []
        if chunk is not None:
            self._read_chunk(chunk, events)
        if error is not None:
            return self._end(events, Failed(fault_of(read_error(error), excerpt=data)))
        if chunk is None:
            return () if value is None else (Ignored("event that is no object"),)
        if not events and "choices" not in chunk and not _is_routine(chunk):
            self._last_words = read_error(chunk)
            events.append(Ignored(short(event.name or as_text(chunk.get("type")) or "chunk without choices")))
        return tuple(events)

    def _read_error_event(self, data: str) -> tuple[StreamEvent, ...]:
        value = parse_or_text(data)
        events: list[StreamEvent] = []
        self._read_chunk(as_object(value) or {}, events)
        return self._end(events, Failed(fault_of(read_error(value), excerpt=data)))

    def decode_document(self, text: str) -> tuple[StreamEvent, ...]:
        """A whole answer or error that came as JSON (or as something else: a page, plain text).

        Several values in a row are read as chunks.
        """
        if self._is_done:
            return ()
        has_begun = self._has_begun
        is_whole = False
        events: list[StreamEvent] = []
        for value in parse_all(text):
            document = as_object(value) or {}
            choices = [choice for item in as_list(document.get("choices")) if (choice := as_object(item))]
            if choices:
                self._read_chunk(document, events)
                is_whole = is_whole or any(as_object(choice.get("message")) for choice in choices)
            error = _error_in(value)
            if error is not None:
                return self._end(events, Failed(fault_of(read_error(error), excerpt=text)))
        if is_whole and not has_begun and not self._reason:
            return self._end(events, Finished(FinishReason.OTHER))
        if self._has_begun:
            return self._end(events, self._terminal("The connection ended"))
        return self._end(events, Failed(no_answer(text)))

    def finish(self) -> tuple[StreamEvent, ...]:
        """The end of the body: complete when a finish reason came, else CUT."""
        if self._is_done:
            return ()
        return self._end([], self._terminal("The connection ended"))

    @property
    def _has_begun(self) -> bool:
        return self._has_started or self._has_output or bool(self._reason)

    def _read_chunk(self, chunk: JsonObject, events: list[StreamEvent]) -> None:
        if not self._has_started:
            self._start(chunk, events)
        for item in as_list(chunk.get("choices")):
            choice = as_object(item)
            if choice is not None:
                self._read_choice(choice, events)
        if chunk.get("usage") or chunk.get("timings") or chunk.get("x_groq"):
            _report_usage(chunk, events)
        progress = as_object(chunk.get("prompt_progress"))
        if progress is not None:
            events.append(_prompt_progress(progress))

    def _start(self, chunk: JsonObject, events: list[StreamEvent]) -> None:
        answer_id, model = as_text(chunk.get("id")), as_text(chunk.get("model"))
        if answer_id or model:
            self._has_started = True
            events.append(Started(answer_id, model))

    def _read_choice(self, choice: JsonObject, events: list[StreamEvent]) -> None:
        index = choice.get("index")
        if index and isinstance(index, int) and index is not True:
            events.append(Ignored("choice of another index"))
            return
        delta = as_object(choice.get("delta"))
        if delta is None and not self._has_output:
            delta = as_object(choice.get("message"))
        if delta is not None:
            self._read_delta(delta, events)
        reason = choice.get("finish_reason")
        if reason:
            self._read_reason(reason, choice, events)

    def _read_reason(self, reason: object, choice: JsonObject, events: list[StreamEvent]) -> None:
        if isinstance(reason, str):
            self._reason = short(reason)
        else:
            events.append(Ignored("finish_reason that is no text"))
        if choice.get("error"):
            self._last_words = read_error(choice)
        _report_usage(choice, events)

    def _read_delta(self, delta: JsonObject, events: list[StreamEvent]) -> None:
        is_plain = delta.keys() <= _PLAIN_DELTA_KEYS
        if not is_plain:
            self._read_reasoning(delta, events)
        content = delta.get("content")
        if content:
            if isinstance(content, str):
                self._say(content, events)
            else:
                self._read_typed(content, events)
        if not is_plain:
            self._read_rest(delta, events)

    def _say(self, text: str, events: list[StreamEvent]) -> None:
        text = self._answer.join(text)
        if text:
            self._has_output = True
            events += (TextDelta(text),) if self._splitter is None else events_of(self._splitter.feed(text))

    def _think(self, text: str, events: list[StreamEvent], kind: ReasoningKind = ReasoningKind.RAW) -> None:
        text = self._reasoning.join(text)
        if text:
            self._has_output = True
            if self._splitter is not None:  # this server tells thoughts apart itself
                events += events_of(self._splitter.flush())
            events.append(ReasoningDelta(text, 0, kind))

    def _read_typed(self, content: object, events: list[StreamEvent]) -> None:
        """Mistral's content: a list of typed pieces, thinking ones with a list of their own."""
        for item in as_list(content) or [content]:
            piece = as_object(item)
            kind = as_text(piece.get("type")) if piece else ""
            if isinstance(item, str):
                self._say(item, events)
            elif piece is None:
                events.append(Ignored("content that is no text"))
            elif kind == "thinking":
                self._think(_plain_text(piece.get("thinking")), events)
            elif isinstance(piece.get("text"), str):
                self._say(piece["text"], events)
            else:
                events.append(Ignored(short(f"content {kind}".strip())))

    def _read_reasoning(self, delta: JsonObject, events: list[StreamEvent]) -> None:
        details = [found for item in as_list(delta.get("reasoning_details")) if (found := as_object(item))]
        is_summary = any(detail.get("type") == "reasoning.summary" for detail in details)
        text = _plain_text(delta.get("reasoning_content")) or _plain_text(delta.get("reasoning"))
        if not text:
            text = "".join(_plain_text(detail.get("text") or detail.get("summary")) for detail in details)
        self._think(text, events, ReasoningKind.SUMMARY if is_summary else ReasoningKind.RAW)
        if details:
            events.append(OpaqueReceived(REASONING_DETAILS, repaired_tree(details)))

    def _read_rest(self, delta: JsonObject, events: list[StreamEvent]) -> None:
        refusal = delta.get("refusal")
        if refusal and isinstance(refusal, str):
            self._has_refusal = self._has_output = True
            text = self._refusal.join(refusal)
            if text:
                events.append(TextDelta(text, 0, Channel.REFUSAL))
        for item in as_list(delta.get("tool_calls")):
            fragment = as_object(item)
            if fragment is not None:
                self._has_output = True
                self._tools.read(fragment, events)
        function = as_object(delta.get("function_call"))
        if function is not None:
            self._has_output = True
            self._tools.read({"index": 0, "function": function}, events)
        extra = delta.get("extra_content")
        if extra:
            events.append(OpaqueReceived(EXTRA_CONTENT, repaired_tree(extra)))
        unknown = [key for key in delta if key not in _DELTA_KEYS and delta[key]]
        events.extend(Ignored(short(key)) for key in unknown)

    def _terminal(self, ended: str) -> TerminalEvent:
        """What the finish reason says; `ended` begins the sentence when there was none."""
        raw = self._reason
        if not raw:
            message = f"{ended} without a finish reason: the answer is not complete."
            if self._last_words.message:
                message += f" The server's last words: {self._last_words.message}"
            return Failed(self._cut("connection lost", message))
        if raw == "error":
            return Failed(fault_of(self._last_words))
        if raw == "abort":
            return Failed(self._cut("stopped by the server", "The server aborted the answer."))
        if raw == "insufficient_system_resource":
            message = "The server ended the answer for want of resources."
            return Failed(self._cut("server overloaded", message))
        reason = _REASONS.get(raw, FinishReason.OTHER)
        if reason is FinishReason.STOP:
            if self._has_refusal:
                reason = FinishReason.REFUSAL
            elif self._tools.has_calls:
                reason = FinishReason.TOOL_CALLS
        return Finished(reason, raw)

    def _cut(self, title: str, message: str) -> Fault:
        return cut(message, has_output=self._has_output, title=title, code=self._reason)

    def _end(self, events: list[StreamEvent], terminal: TerminalEvent) -> tuple[StreamEvent, ...]:
        """Give what is held back, close the open call if the answer is whole, and then nothing more."""
        self._is_done = True
        if held := self._reasoning.flush():
            events.append(ReasoningDelta(held))
        if held := self._answer.flush():
            self._say(held, events)
        if self._splitter is not None:
            events += events_of(self._splitter.flush())
        if held := self._refusal.flush():
            events.append(TextDelta(held, 0, Channel.REFUSAL))
        closing = (FinishReason.STOP, FinishReason.TOOL_CALLS)
        if isinstance(terminal, Finished) and terminal.reason in closing:
            self._tools.close(events)
        else:
            self._tools.flush(events)
        events.append(terminal)
        return tuple(events)


def _error_in(value: object) -> object | None:
    """The error of a chunk, whatever else is in it; None when there is none. Google sends a list of one."""
    chunk = as_object(value)
    if chunk is None:
        return next((item for item in as_list(value) if as_object(item) and _error_in(item) is not None), None)
    if chunk.get("error") or chunk.get("object") == "error" or chunk.get("type") == "error":
        return chunk
    groq = as_object(chunk.get("x_groq"))
    return groq if groq and groq.get("error") else None


def _is_routine(chunk: JsonObject) -> bool:
    """A chunk that says nothing to us and is no surprise: usage or a first id without choices."""
    return "usage" in chunk or "x_groq" in chunk


def _report_usage(holder: JsonObject, events: list[StreamEvent]) -> None:
    usage = read_usage(holder)
    if usage is not None:
        events.append(UsageReported(usage))


def _prompt_progress(progress: JsonObject) -> ProgressReported:
    done, total = as_quantity(progress.get("processed")), as_quantity(progress.get("total"))
    fraction = min(1.0, done / total) if done is not None and total else None
    return ProgressReported(ProgressKind.PROMPT, fraction)


def _plain_text(value: Any) -> str:
    """A string, or the texts of a list of typed pieces."""
    if isinstance(value, str):
        return value
    pieces = [as_object(item) or {"text": item} for item in as_list(value)]
    return "".join(text for piece in pieces if isinstance(text := piece.get("text"), str))
