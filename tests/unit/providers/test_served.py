"""Providers that load what they need when they are first asked."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import aclosing

import pytest

from chat_tui.config.model import ProviderConfig
from chat_tui.core.conversation import ChatRequest, Message, Role, TextPart
from chat_tui.core.events import Failed, StreamEvent
from chat_tui.providers.served import ServedProvider
from chat_tui.providers.servers import server_from
from chat_tui.wire import protocols
from tests.support.clock import ManualClock

REQUEST = ChatRequest("m", (Message(1, Role.USER, (TextPart("Hi"),)),))


@pytest.fixture
def loaded_in(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """The threads in which protocols were loaded."""
    threads: list[threading.Thread] = []
    load = protocols.protocol_of

    def protocol_of(name: str) -> object:
        threads.append(threading.current_thread())
        return load(name)

    monkeypatch.setattr(protocols, "protocol_of", protocol_of)
    return threads


@pytest.fixture
def refused_address() -> str:
    """Of a port where nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}"


def served(address: str) -> ServedProvider:
    return ServedProvider(server_from("mine", ProviderConfig(base_url=f"{address}/v1"), {}), ManualClock())


async def asked(provider: ServedProvider) -> list[StreamEvent]:
    async with aclosing(provider.stream(REQUEST)) as arrivals:
        return [event async for arrival in arrivals for event in arrival.events]


async def test_a_question_beside_the_preparation_loads_nothing_twice_and_nothing_on_the_loop(
    loaded_in: list[threading.Thread], refused_address: str
) -> None:
    provider = served(refused_address)
    assert provider.can_see("m")
    events, problem, _ = await asyncio.gather(asked(provider), provider.prepare(), asked(provider))
    assert isinstance(events[-1], Failed)
    assert problem == ""
    assert len(loaded_in) == 1
    assert loaded_in[0] is not threading.main_thread()
    await provider.aclose()


async def test_what_was_never_asked_loads_nothing(loaded_in: list[threading.Thread]) -> None:
    provider = served("http://127.0.0.1:9")
    await provider.aclose()
    assert not loaded_in
