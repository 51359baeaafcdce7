"""Anthropic's protocol against a server that nobody here wrote: llama.cpp's /v1/messages with SmolLM2 135M."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from chat_tui.config.model import Config, ProviderConfig
from chat_tui.core.conversation import (
    ChatRequest,
    Ending,
    FilePart,
    Generation,
    Message,
    Outcome,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from chat_tui.core.errors import FaultKind, ProviderError
from chat_tui.core.events import (
    Connected,
    Failed,
    Finished,
    FinishReason,
    Started,
    StreamEvent,
    UsageReported,
)
from chat_tui.providers import llama_child, local_weights
from chat_tui.providers.http import Endpoint, HttpProvider
from chat_tui.providers.llama_child import Settings
from chat_tui.providers.registry import ProviderRegistry
from chat_tui.session.session import ChatSession
from chat_tui.wire.anthropic import Anthropic
from chat_tui.wire.base import Quirks
from tests.support.waiting import wait_until
from tests.support.wire import text_of

KEY = "the-key-of-this-test"
MODEL = "smollm2-135m"
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
ENDLESS = "Count from one to ten thousand in words, one number on each line."


def missing() -> str:
    try:
        local_weights.find_runtime()
        local_weights.find_bundled_weights()
    except ProviderError as error:
        return error.sentence
    return ""


pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "all is there")


@dataclass
class Server:
    """The child that listens; its slots tell what it does."""

    address: str

    @property
    def is_busy(self) -> bool:
        request = urllib.request.Request(f"{self.address}/slots", headers={"Authorization": f"Bearer {KEY}"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as reply:
            slots: list[dict[str, Any]] = json.load(reply)
        return any(slot["is_processing"] for slot in slots)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings: Settings = {
        "weights": str(local_weights.find_bundled_weights()),
        "alias": MODEL,
        "api_key": KEY,
        "context_tokens": 2048,
        "threads": 0,
        "import_from": str(local_weights.find_runtime()),
    }
    log = tmp_path_factory.mktemp("messages") / "log"
    command = [sys.executable, "-I", str(Path(llama_child.__file__))]
    with (
        log.open("wb") as stderr,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr) as child,
    ):
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps(settings).encode() + b"\n")
        child.stdin.flush()
        yield Server(json.loads(child.stdout.readline())["address"])
        child.stdin.close()
        assert child.wait(timeout=20) == 0


def provider_of(server: Server, key: str = KEY, quirks: Quirks | None = None) -> HttpProvider:
    endpoint = Endpoint(base_url=f"{server.address}/v1", api_key=key, key_source="THE_KEY")
    return HttpProvider(
        "llama", "llama.cpp", endpoint, Anthropic(), quirks or Quirks(can_prefill=True), time.monotonic
    )


@pytest.fixture
async def provider(server: Server) -> AsyncGenerator[HttpProvider]:
    made = provider_of(server)
    yield made
    await made.aclose()


def asking(*texts: str, max_tokens: int | None = None, system: str = "") -> ChatRequest:
    """User and assistant take turns; ends with the assistant for an even number of texts."""
    roles = (Role.USER, Role.ASSISTANT)
    messages = tuple(Message(i + 1, roles[i % 2], (TextPart(text),)) for i, text in enumerate(texts))
    generation = Generation(temperature=0.0, max_tokens=max_tokens)
    return ChatRequest(MODEL, messages, system, generation, is_continuation=len(texts) % 2 == 0)


async def events_of(provider: HttpProvider, request: ChatRequest) -> list[StreamEvent]:
    return [event async for arrival in provider.stream(request) for event in arrival.events]


async def test_an_answer_comes_to_its_own_end_with_usage(provider: HttpProvider) -> None:
    events = await events_of(provider, asking("Hi", max_tokens=200, system="You are friendly."))
    assert isinstance(events[0], Connected)
    assert next(event.model for event in events if isinstance(event, Started)) == MODEL
    assert text_of(events).strip()
    usage = [event.usage for event in events if isinstance(event, UsageReported)][-1]
    assert usage.input_tokens is not None
    assert usage.input_tokens > 5
    assert usage.output_tokens is not None
    assert usage.output_tokens > 1
    assert events[-1] == Finished(FinishReason.STOP, "end_turn")


async def test_what_is_cached_counts_as_input(provider: HttpProvider) -> None:
    request = asking("Name three colours of the rainbow, please.", max_tokens=4)
    counts = [
        [event.usage for event in await events_of(provider, request) if isinstance(event, UsageReported)][-1]
        for _ in range(2)
    ]
    assert counts[0].input_tokens == counts[1].input_tokens
    assert counts[1].cached_tokens


async def test_the_limit_on_tokens_ends_it(provider: HttpProvider) -> None:
    events = await events_of(provider, asking(ENDLESS, max_tokens=12))
    assert text_of(events)
    assert events[-1] == Finished(FinishReason.LENGTH, "max_tokens")


async def test_a_stop_sequence_ends_it(provider: HttpProvider) -> None:
    request = asking("Count from one to ten.", "One, two, three,", max_tokens=40)
    request = replace(request, generation=Generation(temperature=0.0, stop=("six",)))
    events = await events_of(provider, request)
    assert "five" in text_of(events)
    assert "six" not in text_of(events)
    assert isinstance(events[-1], Finished)
    assert events[-1].reason is FinishReason.STOP


async def test_closing_in_the_middle_frees_the_slot(server: Server, provider: HttpProvider) -> None:
    async with aclosing(provider.stream(asking(ENDLESS))) as stream:
        text = ""
        async for arrival in stream:
            text += text_of(arrival.events)
            if len(text) > 20:
                break
    await wait_until(lambda: not server.is_busy, timeout_s=30, what="the slot is idle")
    events = await events_of(provider, asking("Say hi.", max_tokens=3))
    assert isinstance(events[-1], Finished)


async def test_a_trailing_answer_is_continued_and_not_repeated(provider: HttpProvider) -> None:
    events = await events_of(provider, asking("Count from one to ten.", "One, two, three, ", max_tokens=8))
    assert text_of(events).startswith(" four, five"), "the space at the end is not sent"


async def test_a_prompt_beyond_the_context_is_refused_with_a_reason(provider: HttpProvider) -> None:
    last = (await events_of(provider, asking("word " * 4000)))[-1]
    assert isinstance(last, Failed)
    assert last.fault.kind is FaultKind.CONTEXT
    assert last.fault.status == 400


async def test_a_request_it_cannot_read_is_refused_with_its_words(server: Server) -> None:
    wrong = provider_of(server, quirks=Quirks(extra_body={"max_tokens": "many"}))
    last = (await events_of(wrong, asking("Hi", max_tokens=4)))[-1]
    await wrong.aclose()
    assert isinstance(last, Failed)
    assert last.fault.kind is FaultKind.REQUEST
    assert last.fault.status == 400
    assert "max_tokens" in last.fault.message
    assert not last.fault.is_retryable


async def test_an_image_is_refused_for_good(provider: HttpProvider) -> None:
    request = asking("Hi", max_tokens=4)
    image = Message(1, Role.USER, (FilePart("dot.png", "image/png", DOT), TextPart("What is this?")))
    last = (await events_of(provider, replace(request, messages=(image,))))[-1]
    assert isinstance(last, Failed)
    assert "image" in last.fault.message
    assert not last.fault.is_retryable


async def test_calls_results_and_text_files_are_taken(provider: HttpProvider) -> None:
    looked = Message(
        2,
        Role.ASSISTANT,
        (
            TextPart("Let me look."),
            ToolCallPart("a", "call_0", "get_weather", '{"city": "Paris"}', is_complete=True),
            ToolCallPart("b", "call_1", "get_weather", "", is_complete=True),
            ToolResultPart("a", "11 degrees"),
            ToolResultPart("b", ""),
            TextPart("It is 11 degrees."),
        ),
        ending=Ending(Outcome.COMPLETE),
    )
    note = Message(3, Role.USER, (FilePart("a.txt", "text/plain", b"Bring an umbrella."), TextPart("And now?")))
    asked = asking("How warm is it?", max_tokens=4)
    events = await events_of(provider, replace(asked, messages=(*asked.messages, looked, note)))
    assert isinstance(events[-1], Finished)


async def test_a_session_continues_and_changes_the_protocol(server: Server, tmp_path: Path) -> None:
    """The same server by two protocols, in the middle of a conversation."""
    address = f"{server.address}/v1"
    providers = {
        "llama": ProviderConfig(protocol="anthropic", base_url=address, api_key_env="A_KEY"),
        "chat": ProviderConfig(protocol="openai-chat", base_url=address, api_key_env="A_KEY"),
    }
    registry = ProviderRegistry(Config(providers=providers), {"A_KEY": KEY}, tmp_path)
    session = ChatSession(registry, f"llama/{MODEL}", generation=Generation(temperature=0.0, max_tokens=8))
    runner = session.submit("Count from one to ten in words.")
    await runner.run()
    first = session.conversation.path()[-1].text
    assert first
    await session.continue_answer().run()
    longer = session.conversation.path()[-1].text
    assert longer.startswith(first.rstrip())
    assert len(longer) > len(first)
    session.switch_model(f"chat/{MODEL}")
    await session.submit("Thank you.").run()
    session.switch_model(f"llama/{MODEL}")
    ending = await session.submit("Once more.").run()
    await session.aclose()
    assert ending.outcome is Outcome.COMPLETE
    assert len(session.conversation.path()) == 6


async def test_a_wrong_key_is_refused(server: Server) -> None:
    wrong = provider_of(server, "another-key")
    last = (await events_of(wrong, asking("Hi", max_tokens=4)))[-1]
    await wrong.aclose()
    assert isinstance(last, Failed)
    assert last.fault.kind is FaultKind.AUTH


async def test_its_models_are_listed(provider: HttpProvider) -> None:
    (model,) = await provider.list_models()
    assert model.id == f"llama/{MODEL}"
    assert model.facts is not None
    assert model.facts.context_tokens == 2048
