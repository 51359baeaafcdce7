"""What every protocol file provides, and what it is given. Nothing here knows HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from chat_tui.core.conversation import ChatRequest
    from chat_tui.core.events import StreamEvent


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request without its origin and credentials: `path` below the base URL, JSON-ready `body`."""

    path: str
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class WireEvent:
    """One framed event of a stream: SSE name (empty when the server sent none) and data."""

    name: str
    data: str


@dataclass(frozen=True, slots=True)
class Quirks:
    """How a server differs from the protocol's text; rows in providers.presets, not code.

    `has_stream_options`: accepts `stream_options` (Mistral refuses unknown fields).
    `max_tokens_name`: what the limit on output tokens is called there.
    `can_prefill`: continues a trailing assistant message by itself.
    `prefill_extra`: fields the trailing assistant message needs (Mistral, DeepSeek: prefix=true).
    `prefill_body`: fields the request needs then (vLLM: add_generation_prompt, continue_final_message).
    """

    has_stream_options: bool = True
    max_tokens_name: str = "max_tokens"
    can_prefill: bool = False
    prefill_extra: dict[str, Any] = field(default_factory=dict[str, Any])
    prefill_body: dict[str, Any] = field(default_factory=dict[str, Any])
    extra_body: dict[str, Any] = field(default_factory=dict[str, Any])


class Codec(Protocol):
    """Translates one answer of one protocol; a fresh one per request, pure, fed in order.

    After the wire's end `finish()` is called once. `decode` and `finish` together give exactly one terminal
    event, the last one. Raises nothing but `MalformedEvent` (then the stream may go on).
    """

    @property
    def is_done(self) -> bool:
        """Whether the terminal event has been given (the rest of the body is read but not decoded)."""
        ...

    @property
    def is_finishing(self) -> bool:
        """Whether the answer is complete but for formalities: then a broken connection is no cut."""
        ...

    def decode(self, event: WireEvent) -> tuple[StreamEvent, ...]:
        """Events of one wire event; empty after the terminal one."""
        ...

    def decode_document(self, text: str) -> tuple[StreamEvent, ...]:
        """A whole JSON answer that came although a stream was asked for, as one synthetic stream."""
        ...

    def finish(self) -> tuple[StreamEvent, ...]:
        """The clean end of the body: the terminal event if there was none yet, CUT when nothing ended it."""
        ...


class WireProtocol(Protocol):
    """A protocol file's factory: builds requests and the codec for their answers."""

    name: str

    def encode(self, request: ChatRequest, quirks: Quirks) -> WireRequest:
        """The request as this protocol writes it."""
        ...

    def codec(self) -> Codec:
        """A fresh codec for one answer."""
        ...
