"""What a protocol provides, beyond `wire.base`, whose answers all come over one connection that is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from chat_tui.wire.base import Codec, WireProtocol, WireRequest

if TYPE_CHECKING:
    from chat_tui.core.conversation import ChatRequest
    from chat_tui.wire.base import Quirks


class Remedy(StrEnum):
    """What helps at once against a refusal: the whole request, on the same connection or on another one."""

    RESEND = "resend"
    RECONNECT = "reconnect"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error as a message: what a status line, headers (lower-case names) and a body say over HTTP."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: str = ""
    remedy: Remedy | None = None


class SocketCodec(Codec, Protocol):
    """A codec whose wire events are messages."""

    @property
    def refusal(self) -> Refusal | None:
        """The error that ended the answer, if the server sent one as a message."""
        ...


class Memory(Protocol):
    """What the server knows at the other end of one connection."""

    def knows(self, request: ChatRequest) -> bool:
        """Whether the request follows the last answer here: the same path, model and instructions."""
        ...

    def shortened(self, request: ChatRequest, wire: WireRequest, quirks: Quirks) -> dict[str, Any]:
        """The message of a request that is known: what is new in it."""
        ...

    def learn(self, request: ChatRequest, codec: Codec) -> None:
        """The request was answered: `codec` has decoded all of the answer."""
        ...

    def forget(self) -> None:
        """Something went wrong: the server may have dropped it."""
        ...


@runtime_checkable
class SocketProtocol(WireProtocol, Protocol):
    """A protocol over a WebSocket: `encode` gives the whole message, its path is where the socket is."""

    def codec(self) -> SocketCodec:
        """A fresh codec for one answer."""
        ...

    def memory(self) -> Memory:
        """A fresh memory for one connection."""
        ...

    def over_http(self, wire: WireRequest) -> dict[str, Any]:
        """The body that says the same over plain HTTP, for a command that can be copied."""
        ...
