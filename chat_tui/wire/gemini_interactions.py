"""Gemini Interactions: an answer as steps with a start, deltas and a stop; stored ones can be taken up again.

`interaction.completed` ends an answer, whatever its status. A status that was only reported on the way counts when
the body ends without it.
"""

from __future__ import annotations

from urllib.parse import quote

from chat_tui.core.conversation import ChatRequest, Message
from chat_tui.core.events import (
    Failed,
    Finished,
    FinishReason,
    Ignored,
    OpaqueReceived,
    ProgressKind,
    ProgressReported,
    Started,
    StreamEvent,
    TerminalEvent,
    Usage,
    UsageReported,
)
from chat_tui.wire.answer_path import path_of
from chat_tui.wire.base import Framing, ModelFacts, Quirks, ResumableCodec, WireEvent, WireProtocol, WireRequest
from chat_tui.wire.endings import cut, no_answer
from chat_tui.wire.error_bodies import ErrorBody, fault_of, read_error
from chat_tui.wire.framing import DONE
from chat_tui.wire.gemini_interactions_request import (
    CONTINUATION,
    PATH,
    REVISION,
    REVISION_HEADER,
    encode_request,
)
from chat_tui.wire.gemini_interactions_steps import StepReader
from chat_tui.wire.gemini_values import KEY_HEADER, list_request, read_list, token_of
from chat_tui.wire.json_text import (
    JsonObject,
    as_count,
    as_list,
    as_object,
    as_text,
    parse,
    parse_all,
    parse_or_text,
    short,
)

_REASONS = {
    "completed": FinishReason.STOP,
    "requires_action": FinishReason.TOOL_CALLS,
    "incomplete": FinishReason.LENGTH,
    "budget_exceeded": FinishReason.LENGTH,
    "requires_continuation": FinishReason.PAUSE,
    "cancelled": FinishReason.CANCELLED,
}
_UNFINISHED = ("", "in_progress", "queued")
_WHOLE = (FinishReason.STOP, FinishReason.TOOL_CALLS, FinishReason.PAUSE)
_FAILED = "failed"


class GeminiInteractions(WireProtocol):
    """`POST {base}/interactions`."""

    name = "gemini-interactions"
    framing = Framing.SSE
    key_header = KEY_HEADER

    def encode(self, request: ChatRequest, quirks: Quirks) -> WireRequest:
        """The request as this protocol writes it. Raises CannotSend for a file it has no form for."""
        return encode_request(request, quirks)

    def can_continue(self, model: str, answer: Message) -> bool:
        """Whether the answer paused and gave the token to go on with."""
        return bool(token_of(CONTINUATION, model, answer))

    def codec(self) -> ResumableCodec:
        """A fresh codec for one answer."""
        return GeminiInteractionsCodec()

    def list_request(self, quirks: Quirks, cursor: str = "") -> WireRequest:
        """`GET /models`, a page of a thousand."""
        return list_request(cursor)

    def read_list(self, text: str) -> tuple[tuple[ModelFacts, ...], str]:
        """The models that generate content, and the token of the next page."""
        return read_list(text)


PROTOCOL = GeminiInteractions()


class GeminiInteractionsCodec:
    """One answer. See `wire.base.ResumableCodec` for the contract."""

    def __init__(self) -> None:
        self._is_done = False
        self._is_over = False
        """Whether the server has ended the answer, and not we, or the connection."""
        self._has_started = False
        self._id = ""
        self._status = ""
        self._token = ""
        self._last_words = ErrorBody()
        self._steps = StepReader()
        self._last_event_id = ""
        self._event_ids: set[str] = set()
        self._passed_over: frozenset[str] = frozenset()

    @property
    def is_done(self) -> bool:
        """Whether the terminal event has been given."""
        return self._is_done

    @property
    def is_finishing(self) -> bool:
        """Whether a last status was reported: a broken connection is no cut."""
        return bool(self._status) and not self._is_done

    def resume(self) -> WireRequest | None:
        """The stream again from behind the last event; None without its id, and once the answer has ended.

        Only answers that are stored have it. What comes again in spite of the id is passed over.
        """
        path = path_of(PATH, self._id)
        if self._is_done or self._status or not (path and self._last_event_id):
            return None
        self._passed_over = frozenset(self._event_ids)
        rest = f"{path}?stream=true&last_event_id={quote(self._last_event_id, safe='')}"
        return WireRequest(rest, headers={REVISION_HEADER: REVISION}, method="GET")

    def cancel(self) -> WireRequest | None:
        """What stops an answer in the background; None before it has an id, and once the server has ended it.

        One that we gave up, because its connection could not be had again or it is too long, goes on without it.
        """
        path = path_of(PATH, self._id)
        if self._is_over or self._status or not path:
            return None
        return WireRequest(f"{path}/cancel", headers={REVISION_HEADER: REVISION})

    # -- events ----------------------------------------------------------------------------------

    def decode(self, event: WireEvent) -> tuple[StreamEvent, ...]:
        """Events of one event. Raises MalformedEvent for what is no JSON."""
        data = event.data
        if self._is_done or not data:
            return ()
        if len(data) < 32:
            mark = data.strip()
            if not mark:
                return ()
            if mark == DONE:
                self._is_over = True
                return self._end([], self._terminal("The server closed the answer"))
        if event.name == "error":
            return self._fail(parse_or_text(data), data, [])
        value = parse(data)
        found = as_object(value)
        if found is None:
            if as_list(value) and read_error(value) != ErrorBody():
                return self._fail(value, data, [])
            return () if value is None else (Ignored("event that is no object"),)
        event_id = as_text(found.get("event_id"))
        if event_id:
            if event_id in self._passed_over:
                return ()
            self._event_ids.add(event_id)
        events = self._read(as_text(found.get("event_type")) or event.name, found, data)
        self._last_event_id = event_id or self._last_event_id
        return events

    def decode_document(self, text: str) -> tuple[StreamEvent, ...]:
        """A whole interaction as JSON, or an error. After a stream (its stray text) only an error counts."""
        if self._is_done:
            return ()
        has_begun = self._has_started or self._steps.has_output
        events: list[StreamEvent] = []
        for value in parse_all(text):
            found = as_object(value)
            if (found is not None and found.get("error")) or as_list(value):
                return self._fail(value, text, events)
            if found is not None and not has_begun and ("steps" in found or "status" in found):
                return self._complete(found, events)
        if has_begun:
            return self._end(events, self._terminal("The connection ended"))
        return self._end(events, Failed(no_answer(text, "interaction")))

    def finish(self) -> tuple[StreamEvent, ...]:
        """The end of the body: complete when a last status was reported, else CUT."""
        if self._is_done:
            return ()
        return self._end([], self._terminal("The connection ended"))

    def _read(self, kind: str, found: JsonObject, data: str) -> tuple[StreamEvent, ...]:
        events: list[StreamEvent] = []
        interaction = _interaction_of(kind, found)
        if interaction is not None:
            self._start(interaction, events)
        if found.get("error") or kind == "error":
            return self._fail(found, data, events)
        match kind:
            case "step.delta":
                self._steps.delta(found.get("index"), as_object(found.get("delta")) or {}, events)
            case "step.start":
                step = as_object(found.get("step")) or {}
                if step.get("error"):
                    self._last_words = read_error(step)
                self._steps.start(found.get("index"), step, events)
            case "step.stop":
                self._steps.stop(found.get("index"), events)
            case "interaction.completed":
                return self._complete(interaction or {}, events)
            case "interaction.created" | "interaction.in_progress" | "interaction.requires_action":
                usual = "requires_action" if kind == "interaction.requires_action" else "in_progress"
                self._report_status(interaction or {"status": usual}, events)
            case "interaction.status_update":
                self._report_status(found, events)
            case "done":
                pass
            case _:
                events.append(Ignored(short(kind or "event without a type")))
        metadata = as_object(found.get("metadata")) or {}
        for holder, name in ((found, "usage"), (metadata, "total_usage")):
            _report_usage(holder.get(name), events)
        return tuple(events)

    def _start(self, interaction: JsonObject, events: list[StreamEvent]) -> None:
        found_id, model = as_text(interaction.get("id")), as_text(interaction.get("model"))
        self._id = self._id or found_id
        if not self._has_started and (found_id or model):
            self._has_started = True
            events.append(Started(found_id, model))

    def _report_status(self, holder: JsonObject, events: list[StreamEvent]) -> None:
        """A status on the way; one of the last ones counts if nothing comes after it."""
        status = as_text(holder.get("status"))
        self._id = self._id or as_text(holder.get("interaction_id"))
        self._token = as_text(holder.get("continuation_token")) or self._token
        self._status = "" if status in _UNFINISHED else short(status)
        if status in _UNFINISHED:
            events.append(ProgressReported(ProgressKind.QUEUED if status == "queued" else ProgressKind.PROMPT))

    def _complete(self, interaction: JsonObject, events: list[StreamEvent]) -> tuple[StreamEvent, ...]:
        """`interaction.completed`, or a whole interaction; its steps count only if none came before."""
        self._is_over = True
        if not self._has_started:
            self._start(interaction, events)
        if not self._steps.has_output:
            for number, item in enumerate(as_list(interaction.get("steps"))):
                step = as_object(item) or {}
                if step.get("type") not in ("user_input", None):
                    self._steps.start(number, step, events)
                    self._steps.stop(number, events)
        _report_usage(interaction.get("usage"), events)
        self._token = as_text(interaction.get("continuation_token")) or self._token
        self._status = short(as_text(interaction.get("status"))) or self._status
        if self._status == _FAILED:
            said = read_error({key: interaction.get(key) for key in ("error", "errors")})
            self._last_words = said if said != ErrorBody() else self._last_words
        if not self._status:
            return self._end(events, Finished(FinishReason.OTHER))
        return self._end(events, self._terminal(""))

    # -- the end ---------------------------------------------------------------------------------

    def _terminal(self, ended: str) -> TerminalEvent:
        """What the last status says; `ended` begins the sentence when there was none."""
        if not self._status:
            message = f"{ended} without a final status: the answer is not complete."
            return Failed(cut(message, has_output=self._steps.has_output))
        if self._status == _FAILED:
            return Failed(fault_of(self._last_words))
        return Finished(_REASONS.get(self._status, FinishReason.OTHER), self._status)

    def _fail(self, error: object, excerpt: str, events: list[StreamEvent]) -> tuple[StreamEvent, ...]:
        self._is_over = True
        return self._end(events, Failed(fault_of(read_error(error), excerpt=excerpt)))

    def _end(self, events: list[StreamEvent], terminal: TerminalEvent) -> tuple[StreamEvent, ...]:
        """Close or leave open what has not stopped, and then nothing more."""
        self._is_done = True
        self._steps.close(events, is_whole=isinstance(terminal, Finished) and terminal.reason in _WHOLE)
        if isinstance(terminal, Finished) and terminal.reason is FinishReason.STOP and self._steps.waiting:
            terminal = Finished(FinishReason.TOOL_CALLS, terminal.raw)
        if self._token and isinstance(terminal, Finished) and terminal.reason is FinishReason.PAUSE:
            events.append(OpaqueReceived(CONTINUATION, self._token))
        events.append(terminal)
        return tuple(events)


def _report_usage(value: object, events: list[StreamEvent]) -> None:
    """A snapshot of the whole interaction; the thoughts are counted apart from the output."""
    found = as_object(value)
    if found is None:
        return
    output_tokens, thought_tokens = (
        as_count(found.get("total_output_tokens")),
        as_count(found.get("total_thought_tokens")),
    )
    counts = [count for count in (output_tokens, thought_tokens) if count is not None]
    usage = Usage(
        input_tokens=as_count(found.get("total_input_tokens")),
        output_tokens=sum(counts) if counts else None,
        reasoning_tokens=thought_tokens,
        cached_tokens=as_count(found.get("total_cached_tokens")),
    )
    if usage != Usage():
        events.append(UsageReported(usage))


def _interaction_of(kind: str, found: JsonObject) -> JsonObject | None:
    """What an event tells of the whole answer; LiteLLM writes that into the event itself."""
    interaction = as_object(found.get("interaction"))
    is_flat = interaction is None and kind.startswith("interaction.") and "id" in found
    return found if is_flat else interaction
