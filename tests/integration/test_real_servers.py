"""Our protocols against servers that nobody here wrote, in front of llama.cpp where they need a model.

They are installed and started only when asked; see tests/servers. llama.cpp itself has tests of its own.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from chat_tui.config.model import Config, ProtocolName, ProviderConfig
from chat_tui.core.conversation import ChatRequest, Generation, Message, Outcome, Role, TextPart
from chat_tui.core.errors import FaultKind, ProviderError
from chat_tui.core.events import Connected, Failed, Finished, FinishReason, StreamEvent, TextDelta
from chat_tui.providers.http import Endpoint, HttpProvider
from chat_tui.providers.registry import ProviderRegistry
from chat_tui.providers.websocket import WebSocketProvider
from chat_tui.session.session import ChatSession
from chat_tui.wire.base import Quirks
from chat_tui.wire.protocols import protocol_of
from chat_tui.wire.socket_base import SocketProtocol
from tests.servers import installed, running
from tests.servers.installed import UnavailableError
from tests.servers.running import KEY, MODEL, Aimock, Llama
from tests.support.vendor_clients import our_reading
from tests.support.waiting import wait_until
from tests.support.wire import played, stream_bytes, streams_of, text_of


def missing() -> str:
    try:
        installed.folder()
    except UnavailableError as error:
        return str(error)
    return ""


pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "all of them were asked for")

ENDLESS = "Count from one to ten thousand in words, one number on each line."


@dataclass(frozen=True)
class Target:
    """A server and the protocol it is spoken to with. `no_length`: why a limit on tokens is not seen there."""

    server: str
    protocol: ProtocolName
    path: str = ""
    model: str = MODEL
    no_length: str = ""
    extra_body: dict[str, Any] = field(default_factory=dict[str, Any])


TARGETS = {
    "litellm-chat": Target("litellm", "openai-chat", "/v1"),
    "litellm-anthropic": Target("litellm", "anthropic", "/v1", "translated"),
    "litellm-responses": Target(
        "litellm", "openai-responses", "/v1", no_length="it passes llama.cpp's own through"
    ),
    "litellm-responses-translated": Target("litellm", "openai-responses", "/v1", "translated"),
    "litellm-gemini": Target("litellm", "gemini", "/v1beta"),
    "litellm-interactions": Target(
        "litellm", "gemini-interactions", "/v1beta", "translated", no_length="it says completed"
    ),
    "ai-sdk-ui-messages": Target("ui_messages", "ui-messages"),
}
"""All of these answer with the model behind them."""

MOCKED = {
    "aimock-chat": Target("aimock", "openai-chat", "/v1"),
    "aimock-responses": Target("aimock", "openai-responses", "/v1", no_length="it does not name the reason"),
    "aimock-responses-websocket": Target(
        "aimock", "openai-responses-websocket", "/v1", no_length="it does not name the reason"
    ),
    "aimock-anthropic": Target("aimock", "anthropic", "/v1"),
    "aimock-gemini": Target("aimock", "gemini", "/v1beta"),
    "aimock-interactions": Target("aimock", "gemini-interactions", "/v1beta", no_length="it says completed"),
    "aimock-ollama": Target("aimock", "ollama", no_length="it says stop"),
}
"""These answer from fixtures: each protocol as another author understood it. For LM Studio there is nothing."""


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Llama]:
    with ExitStack() as stack:
        try:
            yield stack.enter_context(running.llama(tmp_path_factory.mktemp("llama")))
        except ProviderError as error:
            pytest.skip(error.sentence)


@pytest.fixture(scope="module")
def litellm(llama: Llama, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with ExitStack() as stack:
        yield _entered(stack, lambda: running.litellm(llama.address, tmp_path_factory.mktemp("litellm")))


@pytest.fixture(scope="module")
def ui_messages(llama: Llama, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with ExitStack() as stack:
        yield _entered(stack, lambda: running.ui_messages(llama.address, tmp_path_factory.mktemp("node")))


@pytest.fixture(scope="module")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aimock]:
    with ExitStack() as stack:
        yield _entered(stack, lambda: running.aimock(tmp_path_factory.mktemp("aimock")))


def _entered(stack: ExitStack, make: Callable[[], Any]) -> Any:
    try:
        return stack.enter_context(make())
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture
def target(request: pytest.FixtureRequest) -> Target:
    """The target, with its whole address in the place of its path."""
    found: Target = {**TARGETS, **MOCKED}[request.param]
    server = request.getfixturevalue(found.server)
    return replace(found, path=(server if isinstance(server, str) else server.address) + found.path)


def provider_of(target: Target, key: str = KEY) -> HttpProvider:
    endpoint = Endpoint(base_url=target.path, api_key=key, key_source="THE_KEY")
    protocol, quirks = protocol_of(target.protocol), Quirks(extra_body=target.extra_body)
    if isinstance(protocol, SocketProtocol):
        return WebSocketProvider("real", "Real", endpoint, protocol, quirks, time.monotonic)
    return HttpProvider("real", "Real", endpoint, protocol, quirks, time.monotonic)


@pytest.fixture
async def provider(target: Target) -> AsyncGenerator[HttpProvider]:
    made = provider_of(target)
    yield made
    await made.aclose()


def asking(target: Target, *texts: str, max_tokens: int | None = None) -> ChatRequest:
    """User and assistant take turns."""
    roles = (Role.USER, Role.ASSISTANT)
    messages = tuple(Message(i + 1, roles[i % 2], (TextPart(text),)) for i, text in enumerate(texts))
    return ChatRequest(target.model, messages, "", Generation(max_tokens=max_tokens, temperature=0.0))


async def events_of(provider: HttpProvider, request: ChatRequest) -> list[StreamEvent]:
    return [event async for arrival in provider.stream(request) for event in arrival.events]


@pytest.mark.parametrize("target", [*TARGETS, *MOCKED], indirect=True)
async def test_an_answer_comes_in_pieces_to_its_own_end(target: Target, provider: HttpProvider) -> None:
    events = await events_of(provider, asking(target, "Hi", "Hello.", "What is a token?", max_tokens=100))
    assert isinstance(events[0], Connected)
    assert sum(isinstance(event, TextDelta) for event in events) > 2
    assert text_of(events).strip()
    assert isinstance(events[-1], Finished), events[-1]
    assert events[-1].reason in {FinishReason.STOP, FinishReason.LENGTH}


@pytest.mark.parametrize("target", TARGETS, indirect=True)
async def test_a_limit_on_tokens_ends_it(target: Target) -> None:
    limit = {"maxOutputTokens": 16} if target.protocol == "ui-messages" else {}
    provider = provider_of(replace(target, extra_body=limit))
    events = await events_of(provider, asking(target, ENDLESS, max_tokens=None if limit else 16))
    await provider.aclose()
    assert 0 < len(text_of(events)) < 200
    expected = FinishReason.STOP if target.no_length else FinishReason.LENGTH
    assert isinstance(events[-1], Finished), events[-1]
    assert events[-1].reason is expected, target.no_length or events[-1]


@pytest.mark.parametrize("target", TARGETS, indirect=True)
async def test_closing_in_the_middle_frees_the_slot(llama: Llama, target: Target, provider: HttpProvider) -> None:
    request = asking(target, ENDLESS)
    if target.protocol == "anthropic":
        request = asking(target, ENDLESS, max_tokens=1800)
    await read_some(provider, request)
    await wait_until(lambda: not llama.is_busy, timeout_s=30, what="the slot is idle")
    events = await events_of(provider, asking(target, "Say hi.", max_tokens=16))
    assert isinstance(events[-1], Finished), events[-1]


async def read_some(provider: HttpProvider, request: ChatRequest) -> None:
    async with aclosing(provider.stream(request)) as stream:
        text = ""
        async for arrival in stream:
            text += text_of(arrival.events)
            if len(text) > 20:
                return
    raise AssertionError("it came to its own end")


@pytest.mark.parametrize("target", TARGETS, indirect=True)
async def test_what_the_model_behind_it_refuses_is_said(target: Target, provider: HttpProvider) -> None:
    last = (await events_of(provider, asking(target, "word " * 4000, max_tokens=16)))[-1]
    assert isinstance(last, Failed), last
    assert last.fault.kind is FaultKind.CONTEXT, last
    assert "2048" in last.fault.message, last
    assert not last.fault.is_retryable


@pytest.mark.parametrize("target", [name for name in TARGETS if TARGETS[name].server == "litellm"], indirect=True)
async def test_a_wrong_key_and_an_unknown_model_are_refused(target: Target, provider: HttpProvider) -> None:
    wrong = provider_of(target, "sk-another")
    last = (await events_of(wrong, asking(target, "Hi", max_tokens=16)))[-1]
    await wrong.aclose()
    assert isinstance(last, Failed), last
    assert last.fault.status == 400, "without a database it says that it has none, and not 401"
    assert not last.fault.is_retryable
    last = (await events_of(provider, replace(asking(target, "Hi", max_tokens=16), model="nobody")))[-1]
    assert isinstance(last, Failed), last
    assert "nobody" in last.fault.message, last
    assert not last.fault.is_retryable, last


@pytest.mark.parametrize("target", [*TARGETS, *MOCKED], indirect=True)
async def test_models_are_switched_in_mid_conversation(llama: Llama, target: Target, tmp_path: Path) -> None:
    providers = {
        "real": ProviderConfig(protocol=target.protocol, base_url=target.path, api_key_env="A_KEY"),
        "direct": ProviderConfig(protocol="openai-chat", base_url=f"{llama.address}/v1", api_key_env="A_KEY"),
    }
    registry = ProviderRegistry(Config(providers=providers), {"A_KEY": KEY}, tmp_path)
    session = ChatSession(registry, f"direct/{MODEL}", generation=Generation(max_tokens=16))
    for model in (f"direct/{MODEL}", f"real/{target.model}", f"direct/{MODEL}", f"real/{target.model}"):
        session.switch_model(model)
        ending = await session.submit("Please think.").run()
        assert ending.outcome is Outcome.COMPLETE, (model, ending.fault)
    await session.aclose()
    assert len(session.conversation.path()) == 8


@pytest.mark.parametrize("target", MOCKED, indirect=True)
async def test_what_another_author_understood_is_read(
    aimock: Aimock, target: Target, provider: HttpProvider
) -> None:
    """Tool call, limit, reasoning, error before, a cut, and a close in the middle."""
    called = await events_of(provider, asking(target, "How is the weather?"))
    assert our_reading(called).parsed_calls == [("get_weather", {"city": "Paris"})]
    limited = await events_of(provider, asking(target, "Something long."))
    assert text_of(limited) == "Once upon a"
    assert isinstance(limited[-1], Finished)
    assert (limited[-1].reason is FinishReason.LENGTH) is not bool(target.no_length), limited[-1]
    thought = our_reading(await events_of(provider, asking(target, "Please think.")))
    assert (thought.text, thought.error) == ("4", "")
    refused = (await events_of(provider, asking(target, "Please fail.")))[-1]
    assert isinstance(refused, Failed)
    assert refused.fault.kind is FaultKind.OVERLOADED
    assert "The model is overloaded." in refused.fault.message
    cut = await events_of(provider, asking(target, "Please be cut."))
    assert isinstance(cut[-1], Failed), cut[-1]
    assert cut[-1].fault.kind is FaultKind.CUT, cut[-1]
    assert "This answer is cut in the middle.".startswith(text_of(cut))
    kept = aimock.open_connections
    another = provider_of(target)
    await read_some(another, asking(target, ENDLESS))
    await wait_until(lambda: aimock.open_connections <= kept, timeout_s=10, what="the server to see the close")
    await another.aclose()


_NOT_COMPARED = {
    "ui-messages-parts": "the SDK insists on a start before the first piece of a text",
    "ui-messages-reset": "what the SDK takes back we leave to the session to take back",
}


@pytest.mark.parametrize("name", sorted({*streams_of("ui-messages")} - _NOT_COMPARED.keys()))
def test_the_ai_sdk_reads_the_same(name: str) -> None:
    """Its own reader, of which there is none for Python, over the same bytes."""
    try:
        script = installed.node() / "read_ui_messages.mjs"
    except UnavailableError as error:
        pytest.skip(str(error))
    done = subprocess.run(["node", script], input=stream_bytes(name), capture_output=True, check=True, timeout=60)
    theirs: dict[str, Any] = json.loads(done.stdout)
    parts: list[dict[str, Any]] = theirs["parts"]
    ours = our_reading(played(stream_bytes(name), "ui-messages"))
    assert ours.text == "".join(part["text"] for part in parts if part["type"] == "text")
    assert ours.reasoning == "".join(part["text"] for part in parts if part["type"] == "reasoning")
    called = [part for part in parts if "toolCallId" in part and "input" in part]
    names = [part.get("toolName") or part["type"].removeprefix("tool-") for part in called]
    assert ours.parsed_calls == list(zip(names, (part["input"] for part in called), strict=True))
    assert bool(theirs["errors"]) == ("error" in name)
