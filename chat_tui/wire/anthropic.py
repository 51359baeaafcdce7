"""Anthropic Messages, as Anthropic speaks it and as llama.cpp, LM Studio and gateways do.

An answer is complete when a stop reason came. The terminal event is given at `message_stop` or at the end of the
body: counts may follow the reason.
"""

from __future__ import annotations

from urllib.parse import quote

from chat_tui.core.conversation import ChatRequest, Message, OpaquePart
from chat_tui.core.errors import Fault
from chat_tui.core.events import (
    Channel,
    Failed,
    Finished,
    FinishReason,
    Ignored,
    ProgressKind,
    ProgressReported,
    ReasoningKind,
    Started,
    StreamEvent,
    TerminalEvent,
    TextDelta,
    UsageReported,
)
from chat_tui.wire.anthropic_blocks import BlockTracker, whole_blocks
from chat_tui.wire.anthropic_history import has_paused, refused_thoughts
from chat_tui.wire.anthropic_models import claude_model, read_page
from chat_tui.wire.anthropic_request import encode_request, version_headers
from chat_tui.wire.anthropic_usage import UsageTracker
from chat_tui.wire.base import Codec, Framing, ModelFacts, Quirks, WireEvent, WireProtocol, WireRequest
from chat_tui.wire.endings import cut, no_answer
from chat_tui.wire.error_bodies import fault_of, read_error
from chat_tui.wire.framing import DONE
from chat_tui.wire.json_text import JsonObject, as_list, as_object, as_text, parse, parse_all, parse_or_text, short

_PAGE_MODELS = 1000

_REASONS = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "pause_turn": FinishReason.PAUSE,
    "refusal": FinishReason.REFUSAL,
}
_WHOLE = (FinishReason.STOP, FinishReason.TOOL_CALLS, FinishReason.PAUSE)


class Anthropic(WireProtocol):
    """`POST {base}/messages` over server-sent events.

    The key goes in `x-api-key`, which everybody takes; tokens that want `Authorization` say so by `key_header`.
    """

    name = "anthropic"
    framing = Framing.SSE
    key_header = "x-api-key"

    def encode(self, request: ChatRequest, quirks: Quirks) -> WireRequest:
        """The request as this protocol writes it. Raises CannotSend for a file that has no form here."""
        return encode_request(request, quirks)

    def refused_parts(self, request: ChatRequest, fault: Fault) -> tuple[OpaquePart, ...]:
        """Thoughts that the model does not take back, because what stands before them has changed."""
        return refused_thoughts(request, fault)

    def codec(self) -> Codec:
        """A fresh codec for one answer."""
        return AnthropicCodec()

    def can_continue(self, model: str, answer: Message) -> bool:
        """Whether the server paused in that answer, or the model takes the beginning of one."""
        found = claude_model(model)
        return has_paused(answer) or (found is not None and found.can_prefill)

    def list_request(self, quirks: Quirks, cursor: str = "") -> WireRequest:
        """`GET /models`, a thousand at a time."""
        after = f"&after_id={quote(cursor, safe='')}" if cursor else ""
        return WireRequest(f"/models?limit={_PAGE_MODELS}{after}", headers=version_headers(quirks), method="GET")

    def read_list(self, text: str) -> tuple[tuple[ModelFacts, ...], str]:
        """The models of one page, and the id of the last one when there are more."""
        return read_page(text)


PROTOCOL = Anthropic()


class AnthropicCodec:
    """One answer. See `wire.base.Codec` for the contract."""

    def __init__(self) -> None:
        self._is_done = False
        self._has_started = False
        self._has_explained = False
        self._reason = ""
        self._category = ""
        self._blocks = BlockTracker()
        self._usage = UsageTracker()

    @property
    def is_done(self) -> bool:
        """Whether the terminal event has been given."""
        return self._is_done

    @property
    def is_finishing(self) -> bool:
        """Whether a stop reason came: only counts can follow, and a broken connection is no cut."""
        return bool(self._reason) and not self._is_done

    def decode(self, event: WireEvent) -> tuple[StreamEvent, ...]:
        """Events of one wire event. Raises MalformedEvent for what is no JSON."""
        if self._is_done:
            return ()
        data = event.data
        if event.name == "error":
            return self._fail(parse_or_text(data), data)
        if len(data) < 32:
            mark = data.strip()
            if not mark:
                return ()
            if mark == DONE:
                return self._end([], self._terminal("The server closed the answer"))
        value = parse(data)
        found = as_object(value)
        if found is None:
            return () if value is None else (Ignored("event that is no object"),)
        if _is_error(found):
            return self._fail(found, data)
        return self._read(as_text(found.get("type")) or event.name, found)

    def decode_document(self, text: str) -> tuple[StreamEvent, ...]:
        """A whole message or error that came as JSON (or as something else: a page, plain text).

        Several values in a row are read as events. After a stream (its stray text) only an error counts.
        """
        if self._is_done:
            return ()
        has_begun = self._has_begun
        is_whole = False
        events: list[StreamEvent] = []
        for value in parse_all(text):
            found = as_object(value) or {}
            if _is_error(found):
                return (*events, *self._fail(found, text))
            if has_begun:
                continue
            if isinstance(found.get("content"), list):
                is_whole = True
                self._read_message(found, events)
            elif kind := as_text(found.get("type")):
                events += self._read(kind, found)
                if self._is_done:
                    return tuple(events)
        if is_whole and not self._reason:
            return self._end(events, Finished(FinishReason.OTHER))
        if self._has_begun:
            return self._end(events, self._terminal("The connection ended"))
        return self._end(events, Failed(no_answer(text, "answer")))

    def finish(self) -> tuple[StreamEvent, ...]:
        """The end of the body: complete when a stop reason came, else CUT."""
        if self._is_done:
            return ()
        return self._end([], self._terminal("The connection ended"))

    # -- events ----------------------------------------------------------------------------------

    def _read(self, kind: str, found: JsonObject) -> tuple[StreamEvent, ...]:
        events: list[StreamEvent] = []
        match kind:
            case "content_block_delta":
                self._blocks.delta(found.get("index"), as_object(found.get("delta")) or {}, events)
            case "content_block_start":
                self._blocks.start(found.get("index"), as_object(found.get("content_block")) or {}, events)
            case "content_block_stop":
                self._blocks.stop(found.get("index"), events)
            case "message_start":
                self._start(as_object(found.get("message")) or {}, events)
            case "message_delta":
                self._read_ending(as_object(found.get("delta")) or {}, events)
                self._count(found, events)
            case "message_stop":
                return self._end(events, self._terminal("", is_ended=True))
            case "ping":
                events.append(ProgressReported(ProgressKind.ALIVE))
            case _:
                events.append(Ignored(short(kind or "event without a type")))
        return tuple(events)

    def _start(self, message: JsonObject, events: list[StreamEvent]) -> None:
        answer_id, model = as_text(message.get("id")), as_text(message.get("model"))
        if not self._has_started and (answer_id or model):
            self._has_started = True
            claude = claude_model(model)
            if claude is not None and not claude.has_budgets:
                self._blocks.thinking_kind = ReasoningKind.SUMMARY
            events.append(Started(answer_id, model))
        self._count(message, events, is_start=True)

    def _read_message(self, message: JsonObject, events: list[StreamEvent]) -> None:
        """A message in one piece."""
        self._start(message, events)
        for number, block in enumerate(whole_blocks(as_list(message.get("content")))):
            self._blocks.start(number, block, events)
            self._blocks.stop(number, events)
        self._read_ending(message, events)
        self._count(message, events)

    def _read_ending(self, ending: JsonObject, events: list[StreamEvent]) -> None:
        reason = ending.get("stop_reason")
        if isinstance(reason, str) and reason:
            self._reason = short(reason)
        elif reason:
            events.append(Ignored("stop_reason that is no text"))
        details = as_object(ending.get("stop_details")) or {}
        self._category = short(as_text(details.get("category"))) or self._category
        explanation = as_text(details.get("explanation"))
        if explanation and not self._has_explained:
            self._has_explained = True
            events.append(TextDelta(explanation, 0, Channel.REFUSAL))

    def _count(self, holder: JsonObject, events: list[StreamEvent], *, is_start: bool = False) -> None:
        usage = self._usage.read(as_object(holder.get("usage")) or {}, is_start=is_start)
        if usage is not None:
            events.append(UsageReported(usage))

    # -- the end ---------------------------------------------------------------------------------

    @property
    def _has_begun(self) -> bool:
        return self._has_started or self._blocks.has_output or bool(self._reason)

    def _terminal(self, ended: str, *, is_ended: bool = False) -> TerminalEvent:
        """What the stop reason says; `ended` begins the sentence when there was none and nothing else ended it."""
        raw = self._reason
        if not raw and not is_ended:
            message = f"{ended} without a stop reason: the answer is not complete."
            return Failed(cut(message, has_output=self._blocks.has_output))
        reason = _REASONS.get(raw, FinishReason.OTHER)
        if reason is FinishReason.STOP and self._blocks.has_own_calls:
            reason = FinishReason.TOOL_CALLS
        return Finished(reason, f"{raw}: {self._category}" if self._category else raw)

    def _fail(self, value: object, data: str) -> tuple[StreamEvent, ...]:
        return self._end([], Failed(fault_of(read_error(value), excerpt=data)))

    def _end(self, events: list[StreamEvent], terminal: TerminalEvent) -> tuple[StreamEvent, ...]:
        """Close what is open if the answer is whole, and then nothing more."""
        self._is_done = True
        self._blocks.close(events, is_whole=isinstance(terminal, Finished) and terminal.reason in _WHOLE)
        return (*events, terminal)


def _is_error(found: JsonObject) -> bool:
    """Anthropic's error event, or an error object of somebody else's (llama.cpp writes OpenAI's)."""
    return bool(found.get("error")) or found.get("type") == "error"
