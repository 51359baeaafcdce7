"""What a session needs of whoever answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from chat_tui.core.conversation import ChatRequest, Message
    from chat_tui.core.events import Arrival
    from chat_tui.wire.base import ModelFacts

Clock = Callable[[], float]
"""A monotonic clock, seconds."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One model that can be chosen: `id` is PROVIDER/MODEL as --model takes it. `facts` are a listing's."""

    id: str
    label: str = ""
    note: str = ""
    is_available: bool = True
    facts: ModelFacts | None = None


class Provider(Protocol):
    """Answers requests with a stream of arrivals.

    `stream` yields exactly one terminal event, as the last event of the last arrival, and raises nothing but
    CancelledError: whatever goes wrong becomes `Failed`. Closing the generator, or cancelling the task that
    awaits it, closes the socket at once. It never retries; that is the session's decision.
    """

    name: str
    label: str
    is_demo: bool

    def can_continue(self, model: str, answer: Message) -> bool:
        """Whether that model goes on by itself behind that answer, when it is the last of a request's messages."""
        ...

    def stream(self, request: ChatRequest) -> AsyncGenerator[Arrival]:
        """One answer. A fresh generator per call; nothing is sent before it is iterated."""
        ...

    async def prepare(self) -> str:
        """Whatever makes the first answer faster: start a server, load what is needed.

        Returns one sentence that says why there will be no answer, empty when nothing is known against it.
        """
        ...

    async def list_models(self) -> tuple[ModelInfo, ...]:
        """What can be chosen here. Raises ProviderError."""
        ...

    async def aclose(self) -> None:
        """Give back what it holds (connections, the child process)."""
        ...


@runtime_checkable
class BlindProvider(Protocol):
    """A provider that knows which of its models see no images; others are asked to find out."""

    def can_see(self, model: str) -> bool:
        """Whether nothing is known against it."""
        ...
