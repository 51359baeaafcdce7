"""The scripted server and a provider for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from chat_tui.providers.http import HttpProvider
from tests.support.clock import ManualClock
from tests.support.http_case import make
from tests.support.sse_server import (
    SseServer,
)


@pytest.fixture
async def server() -> AsyncIterator[SseServer]:
    async with SseServer() as running:
        yield running


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def provider(server: SseServer, clock: ManualClock) -> AsyncIterator[HttpProvider]:
    made = make(server, clock)
    yield made
    await made.aclose()
