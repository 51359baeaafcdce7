"""A response's body as events: undo compression, frame, decode, and keep to the limits. Pure; nothing waits."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

from chat_tui.core.errors import Fault, FaultKind, MalformedEvent
from chat_tui.core.events import (
    TOKEN_EVENTS,
    Failed,
    Finished,
    ProgressKind,
    ProgressReported,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolArgumentsDelta,
    ToolResultReceived,
)
from chat_tui.providers.faults import Cause, Origin, fault_of_cause, stray_fault
from chat_tui.wire.base import Codec, Framing, WireEvent
from chat_tui.wire.framing import LimitExceeded, SseFramer
from chat_tui.wire.line_framing import LineFramer
from chat_tui.wire.message_framing import MessageFramer

ANSWER_CHARS = 16 << 20
"""An answer longer than this is not read on."""
BODY_BYTES = 512 << 20
"""Nor a body, whatever it carries: a chunk's JSON is some hundred times the size of its token."""
DOCUMENT_BYTES = 4 << 20
"""Documents (JSON answers, lists of models) are read up to this size."""
_STEP_BYTES = 64 << 10

_ALIVE = ProgressReported(ProgressKind.ALIVE)
_FRAMERS: dict[Framing, Callable[[], SseFramer | LineFramer | MessageFramer]] = {
    Framing.SSE: SseFramer,
    Framing.LINES: LineFramer,
    Framing.WEBSOCKET: MessageFramer,
}


class Inflater:
    """Undoes gzip and deflate in bounded steps, for servers that compress what they were asked not to."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=47)  # gzip or zlib, by their first bytes
        self._has_begun = False

    @property
    def is_whole(self) -> bool:
        """Whether the compressed stream came to its own end: a cut is invisible otherwise."""
        return self._inflate.eof or not self._has_begun

    def feed(self, data: bytes) -> Iterator[bytes]:
        """At most 64 KiB at a time. Raises zlib.error for what is not compressed."""
        while data:
            if self._inflate.eof:  # another member follows
                self._inflate = zlib.decompressobj(wbits=47)
            self._has_begun = True
            piece = self._inflate.decompress(data, _STEP_BYTES)
            if piece:
                yield piece
            data = self._inflate.unconsumed_tail or self._inflate.unused_data
            if not piece and not self._inflate.eof:
                return


class AnswerBody:
    """Bytes of a streamed answer in, events out; exactly one terminal event, the last one.

    `has_token` turns True with the first output of the model. `real_events` counts what the server meant to
    say: comments and pings are signs of life, not among them.
    """

    def __init__(
        self, codec: Codec, origin: Origin, *, is_compressed: bool = False, framing: Framing = Framing.SSE
    ) -> None:
        self._codec = codec
        self._origin = origin
        self._framer = _FRAMERS[framing]()
        self._inflater = Inflater() if is_compressed else None
        self._chars = 0
        self._bytes = 0
        self.is_done = False
        self.has_token = False
        self.real_events = 0

    def restart(self, *, is_compressed: bool) -> None:
        """The rest of the answer comes in another body: its codec and its limits stay, its framing begins anew."""
        self._framer = type(self._framer)()
        self._inflater = Inflater() if is_compressed else None

    @property
    def is_compressed(self) -> bool:
        """Whether a piece may become many times its size."""
        return self._inflater is not None

    @property
    def is_finishing(self) -> bool:
        """Whether the answer is complete but for its last formalities."""
        return self._codec.is_finishing

    def feed(self, data: bytes) -> Iterator[tuple[StreamEvent, ...]]:
        """The events of a piece of the body, in steps of bounded size; a step may have none."""
        try:
            for step in (data,) if self._inflater is None else self._inflater.feed(data):
                yield self._decode(step)
                if self.is_done:
                    return
        except zlib.error:
            yield self.fail(fault_of_cause(Cause.COMPRESSED, self._origin))

    def _decode(self, data: bytes) -> tuple[StreamEvent, ...]:
        self._bytes += len(data)
        comments = self._framer.comments
        events: list[StreamEvent] = []
        try:
            wire_events = self._framer.feed(data)
            if self._framer.comments > comments:
                events.append(_ALIVE)
            for wire_event in wire_events:
                self._decode_event(wire_event, events)
                if self.is_done:
                    return tuple(events)
        except LimitExceeded as error:
            events += self.fail(limit_fault(error.message))
        else:
            if self._chars > ANSWER_CHARS:
                events += self.fail(limit_fault("The answer is longer than 16 million characters."))
            elif self._bytes > BODY_BYTES:
                events += self.fail(limit_fault("The server sent more than 512 MiB."))
        return tuple(events)

    def _decode_event(self, wire_event: WireEvent, events: list[StreamEvent]) -> None:
        try:
            decoded = self._codec.decode(wire_event)
        except MalformedEvent as error:
            events += self.fail(_malformed_fault(error, self._origin))
            return
        if decoded != (_ALIVE,):
            self.real_events += 1
        for event in decoded:
            self._take(self._presentable(event), events)

    def _presentable(self, event: StreamEvent) -> StreamEvent:
        """The codec quotes the server as it is."""
        return Failed(self._origin.presentable(event.fault)) if isinstance(event, Failed) else event

    def _take(self, event: StreamEvent, events: list[StreamEvent]) -> None:
        """Keep an event; none behind the terminal one, which has to be the last for whoever waits for it."""
        if self.is_done:
            return
        if isinstance(event, TextDelta | ReasoningDelta):
            self._chars += len(event.text)
        elif isinstance(event, ToolArgumentsDelta):
            self._chars += len(event.fragment)
        elif isinstance(event, ToolResultReceived):
            self._chars += len(event.output)
        elif isinstance(event, Finished | Failed):
            self.is_done = True
        self.has_token = self.has_token or isinstance(event, TOKEN_EVENTS)
        events.append(event)

    def document(self, text: str) -> tuple[StreamEvent, ...]:
        """A whole JSON answer instead of a stream."""
        events: list[StreamEvent] = []
        try:
            for event in self._codec.decode_document(text):
                self._take(self._presentable(event), events)
        except MalformedEvent as error:
            events += self.fail(_malformed_fault(error, self._origin))
        return tuple(events) if self.is_done else (*events, *self.end(None))

    def rest(self) -> tuple[StreamEvent, ...]:
        """The last event of a body that is over, if only its blank line is missing; as a rule none."""
        events: list[StreamEvent] = []
        try:
            for wire_event in () if self.is_done else self._framer.finish():
                if not self.is_done:
                    self._decode_event(wire_event, events)
        except LimitExceeded as error:
            events += self.fail(limit_fault(error.message))
        return tuple(events)

    def end(self, fault: Fault | None) -> tuple[StreamEvent, ...]:
        """The end of the body: a clean one, or one by `fault`. A finish reason that came before it stands."""
        events = list(self.rest())
        if self.is_done:
            return tuple(events)
        if fault is None and self._inflater is not None and not self._inflater.is_whole:
            fault = fault_of_cause(Cause.CUT, self._origin)
        if self._framer.stray:
            fault = stray_fault(self._framer.stray, self._origin) or fault
        for event in self._finish(fault):
            self._take(event, events)
        return tuple(events)

    def fail(self, fault: Fault) -> tuple[StreamEvent, ...]:
        """End here, for a reason that the codec does not know."""
        if self.is_done:
            return ()
        self.is_done = True
        return self._finish(fault)

    def _finish(self, fault: Fault | None) -> tuple[StreamEvent, ...]:
        """What the codec held back and its terminal event, with our better reason in place of its "cut".

        A finish reason that came stands, whatever happened after it.
        """
        *held, last = self._codec.finish()
        if isinstance(last, Failed):
            is_vague = last.fault.kind is FaultKind.CUT
            last = Failed(fault) if fault is not None and is_vague else self._presentable(last)
        return (*held, last)


def limit_fault(message: str) -> Fault:
    """The server sent more than we read."""
    return Fault(FaultKind.LIMIT, "too much data", message, "What came before it is kept.")


def _malformed_fault(error: MalformedEvent, origin: Origin) -> Fault:
    excerpt = origin.shown(error.excerpt, 200)
    return Fault(
        FaultKind.PROTOCOL,
        "unreadable event",
        f"{origin.host} sent an event that cannot be read{f': “{excerpt}”' if excerpt else '.'}",
        "What came before it is kept.",
        detail=excerpt,
    )
