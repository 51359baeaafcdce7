"""Gemini generateContent: every event is a whole response, and none of them is marked as the last.

An answer is complete when a finish reason or a blocked prompt was named; parts may stand in the same chunk, usage
may follow. So the terminal event is given at the end of the body.
"""

from __future__ import annotations

import re

from chat_tui.core.conversation import ChatRequest, Message
from chat_tui.core.events import (
    Failed,
    Finished,
    FinishReason,
    Ignored,
    OpaqueReceived,
    ReasoningDelta,
    ReasoningKind,
    Started,
    StreamEvent,
    TerminalEvent,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallEnded,
    ToolCallStarted,
    ToolResultReceived,
    UsageReported,
)
from chat_tui.wire.base import Codec, Framing, ModelFacts, Quirks, WireEvent, WireProtocol, WireRequest
from chat_tui.wire.endings import cut, no_answer
from chat_tui.wire.error_bodies import fault_of, read_error
from chat_tui.wire.framing import DONE
from chat_tui.wire.gemini_request import CONTINUATION, OWN_ID, SERVER_PART, SIGNATURE, encode_request
from chat_tui.wire.gemini_usage import UsageReader
from chat_tui.wire.gemini_values import KEY_HEADER, json_of, list_request, media_name, read_list, token_of
from chat_tui.wire.json_text import (
    JsonObject,
    PairJoiner,
    as_list,
    as_object,
    as_text,
    parse,
    parse_all,
    parse_or_text,
    repaired,
    repaired_tree,
    short,
)

_RAW_CHARS = 200

_REASONS = {
    "STOP": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    "CONTINUATION": FinishReason.PAUSE,
} | dict.fromkeys(
    (
        "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR",
        "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION",
    ),
    FinishReason.CONTENT_FILTER,
)  # fmt: skip
"""Anything else is OTHER, with the server's word for it."""

_CHUNK_KEYS = frozenset(
    {
        "candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId", "createTime", "error",
        "modelStatus", "sdkHttpResponse",
    }
)  # fmt: skip
_CANDIDATE_KEYS = frozenset(
    {
        "content", "finishReason", "finishMessage", "index", "safetyRatings", "tokenCount", "avgLogprobs",
        "logprobsResult", "continuationToken",
    }
)  # fmt: skip
_PART_KEYS = frozenset(
    {
        "text", "thought", "thoughtSignature", "functionCall", "executableCode", "codeExecutionResult",
        "inlineData", "fileData",
    }
)  # fmt: skip


class Gemini(WireProtocol):
    """`POST {base}/models/{model}:streamGenerateContent?alt=sse`."""

    name = "gemini"
    framing = Framing.SSE
    key_header = KEY_HEADER

    def encode(self, request: ChatRequest, quirks: Quirks) -> WireRequest:
        """The request as this protocol writes it. Raises CannotSend for a file it has no form for."""
        return encode_request(request, quirks)

    def can_continue(self, model: str, answer: Message) -> bool:
        """Whether the answer paused and gave the token to go on with."""
        return bool(token_of(CONTINUATION, model, answer))

    def codec(self) -> Codec:
        """A fresh codec for one answer."""
        return GeminiCodec()

    def list_request(self, quirks: Quirks, cursor: str = "") -> WireRequest:
        """`GET /models`, a page of a thousand."""
        return list_request(cursor)

    def read_list(self, text: str) -> tuple[tuple[ModelFacts, ...], str]:
        """The models that generate content, and the token of the next page."""
        return read_list(text)


PROTOCOL = Gemini()


class GeminiCodec:
    """One answer. See `wire.base.Codec` for the contract."""

    def __init__(self) -> None:
        self._is_done = False
        self._has_started = False
        self._has_output = False
        self._id = ""
        self._reason = ""
        self._reason_words = ""
        self._is_blocked = False
        self._answer = PairJoiner()
        self._thoughts = PairJoiner()
        self._usage = UsageReader()
        self._calls = 0
        self._waiting_calls = 0
        self._running_key = ""

    @property
    def is_done(self) -> bool:
        """Whether the terminal event has been given."""
        return self._is_done

    @property
    def is_finishing(self) -> bool:
        """Whether the reason of the end came: only usage can follow, and a broken connection is no cut."""
        return bool(self._reason) and not self._is_done

    def decode(self, event: WireEvent) -> tuple[StreamEvent, ...]:
        """Events of one chunk. Raises MalformedEvent for what is no JSON."""
        data = event.data
        if self._is_done or not data:
            return ()
        if len(data) < 32:
            mark = data.strip()
            if not mark:
                return ()
            if mark == DONE:  # gateways write it
                return self._end([], self._terminal("The server closed the answer"))
        if event.name == "error":
            return self._fail(parse_or_text(data), data, [])
        return tuple(self._read_value(parse(data), data))

    def decode_document(self, text: str) -> tuple[StreamEvent, ...]:
        """A whole answer, the array of chunks that comes without `alt=sse`, or an error as bare JSON."""
        if self._is_done:
            return ()
        events: list[StreamEvent] = []
        for value in parse_all(text):
            events += self._read_value(value, text)
            if self._is_done:
                return tuple(events)
        if self._has_started or self._has_output or self._reason:
            return self._end(events, self._terminal("The connection ended"))
        return self._end(events, Failed(no_answer(text, "Gemini answer")))

    def finish(self) -> tuple[StreamEvent, ...]:
        """The end of the body: complete when a reason came, else CUT."""
        if self._is_done:
            return ()
        return self._end([], self._terminal("The connection ended"))

    # -- reading ---------------------------------------------------------------------------------

    def _read_value(self, value: object, excerpt: str) -> list[StreamEvent]:
        """A chunk, or several of them in an array. An error ends the answer."""
        events: list[StreamEvent] = []
        for item in as_list(value) or [value]:
            chunk = as_object(item)
            if chunk is None:
                if item is not None:
                    events.append(Ignored("event that is no object"))
                continue
            self._read_chunk(chunk, events)
            if chunk.get("error"):
                return list(self._fail(chunk, excerpt, events))
        return events

    def _read_chunk(self, chunk: JsonObject, events: list[StreamEvent]) -> None:
        if not self._has_started:
            self._start(chunk, events)
        for item in as_list(chunk.get("candidates")):
            candidate = as_object(item)
            if candidate is not None:
                self._read_candidate(candidate, events)
        feedback = as_object(chunk.get("promptFeedback"))
        if feedback is not None:
            self._read_feedback(feedback)
        metadata = as_object(chunk.get("usageMetadata"))
        if metadata is not None:
            usage = self._usage.read(metadata)
            if usage is not None:
                events.append(UsageReported(usage))
        if not chunk.keys() <= _CHUNK_KEYS:
            events.extend(Ignored(short(key)) for key in chunk if key not in _CHUNK_KEYS and chunk[key])

    def _start(self, chunk: JsonObject, events: list[StreamEvent]) -> None:
        self._id, model = as_text(chunk.get("responseId")), as_text(chunk.get("modelVersion"))
        if self._id or model:
            self._has_started = True
            events.append(Started(self._id, model))

    def _read_feedback(self, feedback: JsonObject) -> None:
        reason = as_text(feedback.get("blockReason"))
        if reason and not reason.endswith("_UNSPECIFIED"):
            self._reason, self._is_blocked = short(reason), True
            self._reason_words = as_text(feedback.get("blockReasonMessage"))

    def _read_candidate(self, candidate: JsonObject, events: list[StreamEvent]) -> None:
        index = candidate.get("index")
        if index and isinstance(index, int) and index is not True:
            events.append(Ignored("candidate of another index"))
            return
        content = as_object(candidate.get("content"))
        if content is not None:
            for item in as_list(content.get("parts")):
                part = as_object(item)
                if part is not None:
                    self._read_part(part, events)
        reason = candidate.get("finishReason")
        if reason:
            self._read_reason(reason, candidate, events)
        if not candidate.keys() <= _CANDIDATE_KEYS:
            events.extend(Ignored(short(key)) for key in candidate if key not in _CANDIDATE_KEYS and candidate[key])

    def _read_reason(self, reason: object, candidate: JsonObject, events: list[StreamEvent]) -> None:
        if not isinstance(reason, str):
            events.append(Ignored("finishReason that is no text"))
            return
        if reason.endswith("_UNSPECIFIED"):  # written out by servers that write out defaults
            return
        self._reason = short(reason)
        self._reason_words = as_text(candidate.get("finishMessage"))
        token = as_text(candidate.get("continuationToken"))
        if token:
            events.append(OpaqueReceived(CONTINUATION, token))

    # -- parts -----------------------------------------------------------------------------------

    def _read_part(self, part: JsonObject, events: list[StreamEvent]) -> None:
        signed: JsonObject = {}
        text = part.get("text")
        if isinstance(text, str):
            signed = self._say(text, part.get("thought") is True, events)
        if not part.keys() <= {"text", "thought"}:
            signed = self._read_rest(part, events) or signed
        signature = part.get("thoughtSignature")
        if signature and isinstance(signature, str):
            if signed:
                events.append(OpaqueReceived(SIGNATURE, {"signature": repaired(signature), **signed}))
            elif "executableCode" not in part and "codeExecutionResult" not in part:
                events.append(Ignored("thoughtSignature of a part that is not kept"))

    def _say(self, text: str, is_thought: bool, events: list[StreamEvent]) -> JsonObject:
        """Text of the answer or of a thought; returns what a signature of it signs."""
        joined = (self._thoughts if is_thought else self._answer).join(text)
        if text:
            self._has_output = True
        if joined:
            events.append(ReasoningDelta(joined, 0, ReasoningKind.SUMMARY) if is_thought else TextDelta(joined))
        return {"of": "thought" if is_thought else "text", "chars": len(joined)}

    def _read_rest(self, part: JsonObject, events: list[StreamEvent]) -> JsonObject:
        call, code = as_object(part.get("functionCall")), as_object(part.get("executableCode"))
        result = as_object(part.get("codeExecutionResult"))
        signed: JsonObject = {}
        if call is not None:
            signed = self._call(call, events)
        if code is not None:
            self._run(part, code, events)
        if result is not None:
            self._take_result(part, result, events)
        for name in ("inlineData", "fileData"):
            media = as_object(part.get(name))
            if media is not None:
                events.append(Ignored(media_name(name, media.get("mimeType"), media.get("data"))))
        events.extend(Ignored(short(f"part {key}")) for key in part if key not in _PART_KEYS and part[key])
        return signed

    def _begin_call(self, call_id: str, name: str, events: list[StreamEvent]) -> str:
        key = f"call-{self._calls}"
        if not call_id:
            call_id = f"{OWN_ID}{re.sub(r'[^A-Za-z0-9_-]', '', self._id)[:24]}-{self._calls}"
        self._calls += 1
        self._has_output = True
        events.append(ToolCallStarted(key, call_id, name))
        return key

    def _call(self, call: JsonObject, events: list[StreamEvent]) -> JsonObject:
        """A call, whole in one part; only Vertex sends its arguments in pieces, and such a call stays open."""
        key = self._begin_call(as_text(call.get("id")), as_text(call.get("name")), events)
        if call.get("partialArgs") or call.get("willContinue"):
            events.append(Ignored("functionCall in pieces"))
            return {}
        self._close_call(key, call.get("args"), events)
        self._waiting_calls += 1
        return {"of": "call", "key": key}

    def _close_call(self, key: str, value: object, events: list[StreamEvent]) -> None:
        arguments = "" if value is None else repaired(value) if isinstance(value, str) else json_of(value)
        if arguments:
            events.append(ToolArgumentsDelta(key, arguments))
        events.append(ToolCallEnded(key, arguments))

    def _run(self, part: JsonObject, code: JsonObject, events: list[StreamEvent]) -> None:
        """Code that the provider runs itself; its result comes as a part of its own."""
        key = self._running_key = self._begin_call(as_text(code.get("id")), "code_execution", events)
        self._close_call(key, code, events)
        events.append(OpaqueReceived(SERVER_PART, {"key": key, "part": repaired_tree(part)}))

    def _take_result(self, part: JsonObject, result: JsonObject, events: list[StreamEvent]) -> None:
        if not self._running_key:
            events.append(Ignored("codeExecutionResult without code"))
            return
        key, self._running_key = self._running_key, ""
        output, outcome = as_text(result.get("output")), as_text(result.get("outcome"))
        is_plain = output and outcome in ("", "OUTCOME_OK")
        events.append(ToolResultReceived(key, output if is_plain else json_of(result)))
        events.append(OpaqueReceived(SERVER_PART, {"key": key, "part": repaired_tree(part)}))

    # -- the end ---------------------------------------------------------------------------------

    def _terminal(self, ended: str) -> TerminalEvent:
        """What the reason says; `ended` begins the sentence when there was none."""
        if not self._reason:
            message = f"{ended} without a finish reason: the answer is not complete."
            return Failed(cut(message, has_output=self._has_output))
        reason = FinishReason.CONTENT_FILTER if self._is_blocked else _REASONS.get(self._reason, FinishReason.OTHER)
        if reason is FinishReason.STOP and self._waiting_calls:
            reason = FinishReason.TOOL_CALLS
        words = f": {self._reason_words}" if self._reason_words else ""
        return Finished(reason, f"{self._reason}{words}"[:_RAW_CHARS])

    def _fail(self, error: object, excerpt: str, events: list[StreamEvent]) -> tuple[StreamEvent, ...]:
        return self._end(events, Failed(fault_of(read_error(error), excerpt=excerpt)))

    def _end(self, events: list[StreamEvent], terminal: TerminalEvent) -> tuple[StreamEvent, ...]:
        """Give what is held back, and then nothing more."""
        self._is_done = True
        if held := self._thoughts.flush():
            events.append(ReasoningDelta(held, 0, ReasoningKind.SUMMARY))
        if held := self._answer.flush():
            events.append(TextDelta(held))
        events.append(terminal)
        return tuple(events)
