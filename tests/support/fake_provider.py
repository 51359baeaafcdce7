"""A provider that says what a test tells it to, step by step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field

from chat_tui.core.conversation import ChatRequest, Message
from chat_tui.core.cost import Prices
from chat_tui.core.errors import ConfigError, Fault, FaultKind
from chat_tui.core.events import (
    Arrival,
    Connected,
    Failed,
    Finished,
    FinishReason,
    StreamEvent,
    TextDelta,
)
from chat_tui.providers.base import ModelInfo
from chat_tui.providers.listing import ModelGroup
from chat_tui.wire.base import ModelFacts

CUT = Fault(FaultKind.CUT, "connection lost", "The server closed the connection.")
BUSY = Fault(FaultKind.OVERLOADED, "overloaded", "503 from a.test: busy.", status=503, is_retryable=True)


def answer(*deltas: str, reason: FinishReason = FinishReason.STOP) -> list[StreamEvent]:
    """A whole answer as events."""
    return [Connected(), *(TextDelta(delta) for delta in deltas), Finished(reason)]


@dataclass
class FakeProvider:
    """Plays `scripts` in order, one per request; each event is an arrival of its own.

    A script may hold an `asyncio.Event`: the stream waits there. `clock` gives the arrival times.
    """

    clock: Callable[[], float]
    scripts: list[list[StreamEvent | asyncio.Event | Exception]] = field(default_factory=list)
    name: str = "fake"
    label: str = "Fake"
    is_demo: bool = False
    can_prefill: bool = False
    requests: list[ChatRequest] = field(default_factory=list)
    open_streams: int = 0
    is_prepared: bool = False

    def add(self, events: Iterable[StreamEvent | asyncio.Event | Exception]) -> None:
        """One more script."""
        self.scripts.append(list(events))

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Arrival]:
        """The next script."""
        self.requests.append(request)
        self.open_streams += 1
        try:
            for event in self.scripts.pop(0):
                if isinstance(event, asyncio.Event):
                    await event.wait()
                elif isinstance(event, Exception):
                    raise event
                else:
                    yield Arrival(self.clock(), (event,))
                    await asyncio.sleep(0)
        finally:
            self.open_streams -= 1

    def can_continue(self, model: str, answer: Message) -> bool:
        """As it was made."""
        return self.can_prefill

    async def prepare(self) -> str:
        """Noted."""
        self.is_prepared = True
        return ""

    async def list_models(self) -> tuple[ModelInfo, ...]:
        """One."""
        return (ModelInfo("fake/one"),)

    async def aclose(self) -> None:
        """Nothing to give back."""


@dataclass
class FakeRegistry:
    """Knows the provider `fake` only."""

    provider: FakeProvider
    released: list[str] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict[str, str])
    facts: dict[str, ModelFacts] = field(default_factory=dict[str, ModelFacts])
    used: list[str] = field(default_factory=list)
    prices: dict[str, Prices] = field(default_factory=dict[str, Prices])

    @property
    def listings(self) -> FakeRegistry:
        """This one: nothing is known without asking."""
        return self

    @property
    def marked(self) -> FakeRegistry:
        """This one."""
        return self

    async def recall(self) -> None:
        """Nothing to load."""

    def known_ids(self) -> tuple[str, ...]:
        """Those with facts."""
        return tuple(self.facts)

    def facts_of(self, model_id: str) -> ModelFacts | None:
        """As they were given."""
        return self.facts.get(model_id)

    def prices_of(self, model_id: str) -> Prices | None:
        """As they were given."""
        return self.prices.get(model_id)

    def use(self, model_id: str) -> None:
        """Noted."""
        self.used.append(model_id)

    def unaliased(self, model_id: str) -> str:
        """The model behind an alias."""
        return self.aliases.get(model_id, model_id)

    def resolve(self, model_id: str) -> tuple[FakeProvider, str]:
        """Raises ConfigError for every other provider."""
        name, _, model = self.unaliased(model_id).partition("/")
        if name != "fake":
            raise ConfigError(f"There is no provider {name}.", "F2 lists them.")
        return self.provider, model

    def describe(self, model_id: str) -> str:
        """The id."""
        return model_id

    async def list_models(
        self, only: str = "", *, is_patient: bool = False, max_age_s: float = 0.0
    ) -> AsyncIterator[ModelGroup]:
        """One group."""
        yield ModelGroup("fake", "Fake", await self.provider.list_models(), "")

    async def release(self, model_id: str) -> None:
        """Noted."""
        self.released.append(model_id)

    async def aclose(self) -> None:
        """Nothing to give back."""


def failed(fault: Fault = CUT) -> Failed:
    """A broken stream."""
    return Failed(fault)
