"""What every protocol file provides, and what it is given. Nothing here knows HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from chat_tui.core.conversation import ChatRequest, Message, OpaquePart
    from chat_tui.core.errors import Fault
    from chat_tui.core.events import StreamEvent


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request without its origin and credentials: `path` below the base URL, JSON-ready `body`.

    `is_resumable` False: its answer ends with its connection, whatever the codec could resume.
    """

    path: str
    body: dict[str, Any] = field(default_factory=dict[str, Any])
    headers: dict[str, str] = field(default_factory=dict[str, str])
    method: str = "POST"
    is_resumable: bool = True


class Framing(StrEnum):
    """How the events of an answer are told apart on the wire; the value is the media type."""

    SSE = "text/event-stream"
    LINES = "application/x-ndjson"
    WEBSOCKET = "websocket"


@dataclass(frozen=True, slots=True)
class WireEvent:
    """One framed event of a stream: SSE name (empty when the server sent none) and data."""

    name: str
    data: str


@dataclass(frozen=True, slots=True)
class Quirks:
    """How a server differs from the protocol's text; rows in providers.presets, not code.

    Of all protocols:
    `key_header`: the header that carries the key there, bare; empty: as the protocol says.
    `extra_body`: fields every request has.
    `can_prefill`: every model continues a trailing assistant message by itself.
    `can_see`: takes images and files where its protocol has a form for them.

    Of OpenAI Chat:
    `has_stream_options`: accepts `stream_options` (Mistral refuses unknown fields).
    `max_tokens_name`: what the limit on output tokens is called there.
    `prefill_extra`: fields the trailing assistant message needs (Mistral, DeepSeek: prefix=true).
    `prefill_body`: fields the request needs then (vLLM: add_generation_prompt, continue_final_message).
    `has_think_tags`: a `<think>` at the very start of the answer opens its reasoning.
    `needs_reasoning_back`: wants the reasoning of turns with tool calls again (DeepSeek).

    Of others:
    `version`: the version of the protocol that is asked for (Anthropic, Gemini Interactions).
    `is_background`: the answer is made whether or not we listen, and can be taken up again (OpenAI Responses,
    Gemini Interactions).
    `has_encrypted_reasoning`: gives the reasoning of every model in a form to send back (OpenAI Responses).
    `has_reasoning_summary`: gives a summary of the reasoning when it is asked for one (OpenAI Responses).
    """

    key_header: str = ""
    extra_body: dict[str, Any] = field(default_factory=dict[str, Any])
    can_prefill: bool = False
    can_see: bool = True
    has_stream_options: bool = True
    max_tokens_name: str = "max_tokens"
    prefill_extra: dict[str, Any] = field(default_factory=dict[str, Any])
    prefill_body: dict[str, Any] = field(default_factory=dict[str, Any])
    has_think_tags: bool = False
    needs_reasoning_back: bool = False
    version: str = ""
    is_background: bool = False
    has_encrypted_reasoning: bool = True
    has_reasoning_summary: bool = True


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a listing says of one model; None and empty where it says nothing.

    `name` is what a request calls it. `inputs` are modalities ("text", "image", "file", "audio"). Prices are in
    USD per token.
    """

    name: str
    label: str = ""
    context_tokens: int | None = None
    inputs: frozenset[str] | None = None
    input_price: float | None = None
    output_price: float | None = None
    cached_price: float | None = None
    is_chat: bool = True


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


@runtime_checkable
class ResumableCodec(Codec, Protocol):
    """A codec of answers that are made whether or not somebody listens.

    While `resume()` gives a request, a broken connection is no end: the rest is asked for with it and decoded by
    this same codec, which passes over what it has had before.
    """

    def resume(self) -> WireRequest | None:
        """What to ask for to go on behind the last event; None when that cannot be had (yet, or any more)."""
        ...

    def cancel(self) -> WireRequest | None:
        """What tells the server to stop; None when closing the connection does."""
        ...


class WireProtocol(Protocol):
    """A protocol file's factory: builds requests and the codec for their answers.

    `key_header` carries the key; in `Authorization` it stands behind `Bearer`, in any other header alone. A
    protocol derives from this; what has a body here is what most of them do.
    """

    name: str
    framing: Framing
    key_header: str

    def encode(self, request: ChatRequest, quirks: Quirks) -> WireRequest:
        """The request as this protocol writes it. Raises `CannotSend` for a part it has no form for."""
        ...

    def codec(self) -> Codec:
        """A fresh codec for one answer."""
        ...

    def codec_for(self, quirks: Quirks) -> Codec:
        """A fresh codec for one answer of a server that differs so."""
        return self.codec()

    def can_continue(self, model: str, answer: Message) -> bool:
        """Whether that model goes on behind that answer, where not all models of a server do."""
        return False

    def refused_parts(self, request: ChatRequest, fault: Fault) -> tuple[OpaquePart, ...]:
        """What of the history that request was refused for, when servers stop taking back what they gave with an
        answer; empty when it was refused for something else."""
        return ()

    def list_request(self, quirks: Quirks, cursor: str = "") -> WireRequest:
        """What to ask for the models; `cursor` is what the page before gave for the next one."""
        ...

    def read_list(self, text: str) -> tuple[tuple[ModelFacts, ...], str]:
        """The models of one page and the cursor of the next, empty behind the last. Raises MalformedEvent."""
        ...
