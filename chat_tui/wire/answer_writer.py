"""What most codecs do alike: text joined, calls numbered, the events of one answer in order."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from chat_tui.core.errors import Fault
from chat_tui.core.events import (
    Channel,
    Ignored,
    OpaqueReceived,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallEnded,
    ToolCallStarted,
    ToolResultReceived,
)
from chat_tui.wire.endings import cut
from chat_tui.wire.json_text import PairJoiner, repaired, repaired_tree, short


@dataclass(slots=True)
class _Call:
    name: str
    fragments: list[str] = field(default_factory=list[str])
    is_closed: bool = False
    is_answered: bool = False


class AnswerWriter:
    """Collects the events of one answer; `take` gives those since the last time. Texts may be any string.

    Calls have keys of ours, `call-0`, `call-1`, …; what is said of a key that is closed or unknown is passed over.
    """

    def __init__(self) -> None:
        self.has_output = False
        self._events: list[StreamEvent] = []
        self._joiners: dict[tuple[int, Channel | None], PairJoiner] = {}
        self._calls: dict[str, _Call] = {}

    def take(self, *last: StreamEvent) -> tuple[StreamEvent, ...]:
        """The new events, and these behind them."""
        events, self._events = (*self._events, *last), []
        return events

    def add(self, event: StreamEvent) -> None:
        """Any other event."""
        self._events.append(event)

    def ignore(self, name: str) -> None:
        """Something unknown."""
        self._events.append(Ignored(short(name)))

    def keep(self, kind: str, data: object) -> None:
        """Something to be sent back later."""
        self._events.append(OpaqueReceived(kind, repaired_tree(data)))

    # -- text ------------------------------------------------------------------------------------

    def say(self, text: object, part: int = 0) -> None:
        """More of the answer, if it is text."""
        self._write(text, part, Channel.ANSWER)

    def think(self, text: object, part: int = 0) -> None:
        """More reasoning, if it is text."""
        self._write(text, part, None)

    def _write(self, text: object, part: int, channel: Channel | None) -> None:
        if not isinstance(text, str) or not text:
            return
        joiner = self._joiners.get((part, channel))
        if joiner is None:
            joiner = self._joiners[part, channel] = PairJoiner()
        self._append(joiner.join(text), part, channel)

    def _append(self, text: str, part: int, channel: Channel | None) -> None:
        if text:
            self.has_output = True
            self._events.append(ReasoningDelta(text, part) if channel is None else TextDelta(text, part, channel))

    def flush(self) -> None:
        """Give what is held back: nothing more comes of these texts."""
        joiners, self._joiners = self._joiners, {}
        for (part, channel), joiner in joiners.items():
            self._append(joiner.flush(), part, channel)

    # -- calls -----------------------------------------------------------------------------------

    @property
    def has_open_question(self) -> bool:
        """Whether a call is closed and has no result: somebody has to run it."""
        return any(call.is_closed and not call.is_answered for call in self._calls.values())

    def start_call(self, call_id: str, name: str) -> str:
        """A call begins. Returns its key."""
        key = f"call-{len(self._calls)}"
        self._calls[key] = _Call(name)
        self.has_output = True
        self._events.append(ToolCallStarted(key, call_id or f"call_{len(self._calls) - 1}", name))
        return key

    def add_arguments(self, key: str, fragment: str) -> None:
        """More of the arguments' text; repaired already."""
        call = self._calls.get(key)
        if call is not None and not call.is_closed and fragment:
            call.fragments.append(fragment)
            self._events.append(ToolArgumentsDelta(key, fragment))

    def end_call(self, key: str) -> None:
        """The protocol closed the call."""
        call = self._calls.get(key)
        if call is not None and not call.is_closed:
            call.is_closed = True
            self._events.append(ToolCallEnded(key, "".join(call.fragments)))

    def answer_call(self, key: str, output: str) -> None:
        """The provider ran it."""
        call = self._calls.get(key)
        if call is not None:
            call.is_answered = True
            self._events.append(ToolResultReceived(key, output))

    def arguments_of(self, key: str) -> str:
        """What came so far, joined anew: not for every piece of them."""
        return "".join(self._calls[key].fragments)

    def has_arguments(self, key: str) -> bool:
        """Whether any came."""
        return bool(self._calls[key].fragments)

    def forget_calls(self) -> None:
        """The calls so far are taken back; their keys are not given again."""
        for call in self._calls.values():
            call.is_closed = call.is_answered = True

    # -- ends ------------------------------------------------------------------------------------

    def cut(self, message: str, title: str = "connection lost", code: str = "") -> Fault:
        """The answer is not complete; when nothing of it came, asking again costs nothing."""
        return cut(message, has_output=self.has_output, title=title, code=code)


def written(value: object) -> str:
    """A JSON value as text; a string is that already."""
    return repaired(value if isinstance(value, str) else json.dumps(repaired_tree(value), ensure_ascii=False))
