"""OpenAI Responses as a server speaks it that nobody here wrote: llama.cpp with the embedded model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from chat_tui.config.model import LocalConfig
from chat_tui.core.conversation import (
    ChatRequest,
    Generation,
    Message,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from chat_tui.core.errors import Fault, FaultKind, ProviderError
from chat_tui.core.events import Failed, Finished, FinishReason, Started, StreamEvent, TextDelta, UsageReported
from chat_tui.providers import local_weights
from chat_tui.providers.http import HttpProvider
from chat_tui.providers.local import LocalProvider
from chat_tui.wire.base import Quirks
from chat_tui.wire.openai_responses import PROTOCOL


def missing() -> str:
    try:
        local_weights.find_runtime()
        local_weights.find_bundled_weights()
    except ProviderError as error:
        return error.sentence
    return ""


pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "all is there")
HELLO = Message(1, Role.USER, (TextPart("Say hello."),))


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncGenerator[HttpProvider]:
    local = LocalProvider(LocalConfig(context_tokens=1024), "smollm2-135m", tmp_path)
    assert await local.prepare() == ""
    assert local._starting is not None
    server = await local._starting
    assert not isinstance(server, Fault), server
    assert isinstance(server.provider, HttpProvider)
    endpoint = server.provider._endpoint
    made = HttpProvider("llama", "llama.cpp", endpoint, PROTOCOL, Quirks(is_background=True), time.monotonic)
    yield made
    await made.aclose()
    await local.aclose()


async def events_of(provider: HttpProvider, *messages: Message, max_tokens: int | None = 12) -> list[StreamEvent]:
    request = ChatRequest("smollm2-135m", messages, "Be brief.", Generation(temperature=0.0, max_tokens=max_tokens))
    return [event async for arrival in provider.stream(request) for event in arrival.events]


def text_of(events: list[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def test_answers_errors_and_stopping(provider: HttpProvider) -> None:
    events = await events_of(provider, HELLO)
    assert text_of(events)
    # A limit that was reached is not told here.
    assert events[-1] == Finished(FinishReason.STOP, "completed")
    assert any(isinstance(event, Started) and event.id for event in events)
    usage = next(event.usage for event in events if isinstance(event, UsageReported))
    assert usage.input_tokens
    assert usage.output_tokens
    assert usage.output_tokens <= 12
    assert usage.tokens_per_s

    parts = (
        ToolCallPart("k", "c1", "look", '{"at": "sky"}', is_complete=True),
        ToolResultPart("k", "blue"),
        TextPart("I see."),
    )
    answer, question = Message(2, Role.ASSISTANT, parts), Message(3, Role.USER, (TextPart("What?"),))
    assert text_of(await events_of(provider, HELLO, answer, question))

    last = (await events_of(provider, Message(1, Role.USER, (TextPart("word " * 3000),))))[-1]
    assert isinstance(last, Failed)
    assert last.fault.kind is FaultKind.CONTEXT

    has_text = asyncio.Event()

    async def endless() -> None:
        counting = Message(1, Role.USER, (TextPart("Count from one to ten thousand in words."),))
        request = ChatRequest("smollm2-135m", (counting,))
        async for arrival in provider.stream(request):
            if text_of(list(arrival.events)):
                has_text.set()

    task = asyncio.create_task(endless())
    await has_text.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert text_of(await events_of(provider, HELLO))
