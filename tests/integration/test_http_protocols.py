"""Protocols other than OpenAI's through the whole provider: where the request goes, and what comes of the body."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from chat_tui.core.conversation import ChatRequest, Message, OpaquePart, Role, TextPart
from chat_tui.core.errors import ChatError, FaultKind
from chat_tui.core.events import Connected, Failed, Finished, FinishReason, StepMarked, StreamEvent
from chat_tui.core.turn import TurnState, reduce
from chat_tui.providers.http import Endpoint, HttpProvider
from chat_tui.wire.base import Quirks
from chat_tui.wire.protocols import protocol_of
from tests.support.clock import ManualClock
from tests.support.http_case import KEY, REQUEST, events_of, text_of
from tests.support.sse_server import Framing, SseServer, answer, json_response, response
from tests.support.wire import stream_bytes

Make = Callable[..., Awaitable[HttpProvider]]


@pytest.fixture
async def speaking(server: SseServer, clock: ManualClock) -> AsyncIterator[Make]:
    """Makes providers of a protocol, for an address below the server's."""
    made: list[HttpProvider] = []

    async def make(protocol: str, path: str = "", quirks: Quirks | None = None) -> HttpProvider:
        endpoint = Endpoint(f"{server.url}{path}", api_key=KEY)
        made.append(HttpProvider("mine", "Mine", endpoint, protocol_of(protocol), quirks or Quirks(), clock))
        return made[-1]

    yield make
    for provider in made:
        await provider.aclose()


STREAMS = [
    ("ollama", "", "/api/chat", "ollama-think", "application/x-ndjson", "4"),
    ("ollama", "", "/api/chat", "ollama-mixed", "application/json", "I look. Done."),
    ("lmstudio", "", "/api/v1/chat", "lmstudio-tools", "text/event-stream", "I look. There is one."),
    ("ui-messages", "/api/chat", "/api/chat", "ui-messages", "text/event-stream", "11 °C"),
]


@pytest.mark.parametrize("framing", [Framing.CHUNKED, Framing.CLOSE])
@pytest.mark.parametrize(("protocol", "base", "path", "name", "media_type", "text"), STREAMS)
async def test_an_answer(
    server: SseServer,
    speaking: Make,
    framing: Framing,
    protocol: str,
    base: str,
    path: str,
    name: str,
    media_type: str,
    text: str,
) -> None:
    server.play(response(stream_bytes(name), content_type=media_type, framing=framing))
    events = await events_of(await speaking(protocol, base))
    assert isinstance(events[0], Connected)
    assert text_of(events) == text
    assert isinstance(events[-1], Finished)
    request = server.requests[0]
    assert (request.method, request.path) == ("POST", path)
    assert request.headers["accept"] == protocol_of(protocol).framing.value
    assert request.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(("protocol", "base", "path", "name", "media_type", "text"), STREAMS)
async def test_a_body_that_ends_too_soon_is_a_cut(
    server: SseServer, speaking: Make, protocol: str, base: str, path: str, name: str, media_type: str, text: str
) -> None:
    whole = stream_bytes(name)
    server.play(response(whole[: len(whole) // 2], content_type=media_type, framing=Framing.CLOSE))
    last = (await events_of(await speaking(protocol, base)))[-1]
    assert isinstance(last, Failed)
    assert last.fault.kind in (FaultKind.CUT, FaultKind.PROTOCOL)


async def test_the_errors_of_a_local_server_are_its_own_words(server: SseServer, speaking: Make) -> None:
    server.play(json_response({"error": "model 'm' not found"}, status=404))
    last = (await events_of(await speaking("ollama")))[-1]
    assert isinstance(last, Failed)
    assert last.fault.kind is FaultKind.NOT_FOUND
    assert "model 'm' not found" in last.fault.message


async def test_listings_are_asked_for_where_they_are(server: SseServer, speaking: Make) -> None:
    server.route("/api/tags", json_response({"models": [{"name": "qwen3:8b"}]}))
    server.route("/api/v1/models", json_response({"models": [{"type": "llm", "key": "qwen3-8b"}]}))
    assert [model.id for model in await (await speaking("ollama")).list_models()] == ["mine/qwen3:8b"]
    assert [model.id for model in await (await speaking("lmstudio")).list_models()] == ["mine/qwen3-8b"]


async def test_a_route_without_a_listing_is_not_asked_for_one(server: SseServer, speaking: Make) -> None:
    with pytest.raises(ChatError, match="lists no models"):
        await (await speaking("ui-messages", "/api/chat")).list_models()
    assert not server.requests


@pytest.mark.parametrize("has_tags", [False, True])
async def test_thoughts_between_tags_where_the_server_leaves_them(
    server: SseServer, speaking: Make, has_tags: bool
) -> None:
    server.play(answer("Hm.</th", "ink>\n\n4"))
    events = await events_of(await speaking("openai-chat", "/v1", Quirks(has_think_tags=has_tags)))
    state = TurnState()
    for event in events:
        state = reduce(state, event)
    assert (StepMarked("reset") in events) is has_tags
    assert (state.text, state.reasoning) == (("4", "Hm.") if has_tags else ("Hm.</think>\n\n4", ""))
    assert events[-1] == Finished(FinishReason.STOP, "stop")


async def test_what_cannot_be_said_is_not_sent(server: SseServer, speaking: Make) -> None:
    provider = await speaking("lmstudio")
    request = ChatRequest("m", REQUEST.messages, is_continuation=True)
    (arrival,) = [arrival async for arrival in provider.stream(request)]
    (failed,) = arrival.events
    assert isinstance(failed, Failed)
    assert failed.fault.kind is FaultKind.SETUP
    assert not server.requests


async def heard(provider: HttpProvider, request: ChatRequest) -> list[StreamEvent]:
    return [event async for arrival in provider.stream(request) for event in arrival.events]


async def test_a_server_that_has_forgotten_the_conversation_is_told_it(server: SseServer, speaking: Make) -> None:
    error = {
        "error": {
            "message": "Could not find stored response for previous_response_id: resp_lm1",
            "type": "invalid_request",
            "param": "previous_response_id",
        }
    }
    server.play(json_response(error, status=404), response(stream_bytes("lmstudio-text")))
    provider = await speaking("lmstudio")
    known = (TextPart("A cat."), OpaquePart("lmstudio.response", "resp_lm1"))
    history = (
        Message(1, Role.USER, (TextPart("What is it?"),)),
        Message(2, Role.ASSISTANT, known, 1, "mine/m"),
        Message(3, Role.USER, (TextPart("Sure?"),), 2),
    )
    request = replace(REQUEST, messages=history)
    refused = (await heard(provider, request))[-1]
    assert isinstance(refused, Failed)
    assert refused.fault.is_retryable
    assert isinstance((await heard(provider, request))[-1], Finished)
    first, second = (request.json for request in server.requests)
    assert (first["previous_response_id"], first["input"]) == ("resp_lm1", "Sure?")
    assert "previous_response_id" not in second
    assert "A cat." in second["input"][0]["content"]
    assert second["input"][1]["content"] == "Sure?"
