"""Anthropic Messages over a real socket: what a session sends, and how it goes on after a cut or a pause."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from chat_tui.config.model import Config, ProviderConfig
from chat_tui.core.conversation import Message, Outcome, Role, TextPart
from chat_tui.core.errors import FaultKind
from chat_tui.core.outcome import FinishReason
from chat_tui.providers.http import Endpoint, HttpProvider
from chat_tui.providers.registry import ProviderRegistry
from chat_tui.session.session import ChatSession
from chat_tui.wire.anthropic import Anthropic
from chat_tui.wire.base import Quirks, WireProtocol
from chat_tui.wire.openai_chat import OpenAIChat
from tests.support.sse_server import Framing, Recorded, Reply, SseServer, json_response, response, sse
from tests.support.wire import stream_bytes

KEY = "sk-ant-canary-0123456789"
PREFILLED, ASKED = "a/claude-haiku-4-5", "a/claude-opus-4-8"


def streamed(name: str, cut: int | None = None) -> Reply:
    return response(
        stream_bytes(f"anthropic-{name}"), framing=Framing.CHUNKED if cut is None else Framing.CLOSE, cut=cut
    )


def said(text: str, reason: str = "end_turn") -> Reply:
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    ending = {"type": "message_delta", "delta": {"stop_reason": reason}}
    return response([sse(event) for event in (delta, ending, {"type": "message_stop"})])


def posts(server: SseServer) -> list[Recorded]:
    return [request for request in server.requests if request.method == "POST"]


@pytest.fixture
async def session(server: SseServer, tmp_path: Path) -> AsyncGenerator[ChatSession]:
    providers = {"a": ProviderConfig(protocol="anthropic", base_url=server.base_url, api_key_env="A_KEY")}
    made = ChatSession(ProviderRegistry(Config(providers=providers), {"A_KEY": KEY}, tmp_path), ASKED)
    yield made
    await made.aclose()


def shown(session: ChatSession) -> str:
    return session.conversation.path()[-1].text


async def test_the_key_goes_in_one_header_and_the_version_with_it(server: SseServer, session: ChatSession) -> None:
    server.play(streamed("text"))
    ending = await session.submit("Hi").run()
    (request,) = posts(server)
    assert request.path.endswith("/messages")
    assert request.headers["x-api-key"] == KEY
    assert "authorization" not in request.headers
    assert request.headers["anthropic-version"] == "2026-10-21"
    assert (shown(session), ending.outcome) == ("Hello!", Outcome.COMPLETE)


@pytest.mark.parametrize("model", [PREFILLED, ASKED])
async def test_an_answer_that_was_cut_goes_on(server: SseServer, session: ChatSession, model: str) -> None:
    session.switch_model(model)
    server.play(streamed("text", cut=stream_bytes("anthropic-text").index(b'"text":"!"')), said(" there."))
    ending = await session.submit("Hi").run()
    assert (shown(session), ending.outcome) == ("Hello", Outcome.INTERRUPTED)
    assert ending.fault is not None
    assert ending.fault.kind is FaultKind.CUT
    await session.continue_answer().run()
    assert shown(session) == "Hello there."
    last = posts(server)[-1].json["messages"][-1]
    assert last["role"] == ("assistant" if model == PREFILLED else "user")
    assert last["content"].endswith("Hello") if model == PREFILLED else "Hello" in last["content"]


async def test_a_pause_goes_on_with_what_the_server_sent(server: SseServer, session: ChatSession) -> None:
    server.play(streamed("search-pause"), said(" And Oslo is colder."), said("Yes."))
    ending = await session.submit("How warm is it?").run()
    assert ending.reason is FinishReason.PAUSE
    ending = await session.continue_answer().run()
    assert ending.reason is FinishReason.STOP
    assert shown(session) == "Let me look that up.It is 12.8 °C there. And Oslo is colder."
    back = posts(server)[1].json["messages"][-1]
    assert back["role"] == "assistant"
    assert [block["type"] for block in back["content"]][-1] == "server_tool_use"
    assert back["content"][2]["content"][0]["encrypted_content"] == "EvAB"
    await session.submit("Sure?").run()
    assert [turn["role"] for turn in posts(server)[2].json["messages"]] == ["user", "assistant", "user"]


async def test_thoughts_go_back_to_their_model_as_they_came(server: SseServer, session: ChatSession) -> None:
    server.play(streamed("thinking-omitted"), said("Five."), said("Six."))
    await session.submit("2 + 2?").run()
    await session.submit("2 + 3?").run()
    content = posts(server)[1].json["messages"][1]["content"]
    assert content == [
        {"type": "thinking", "thinking": "", "signature": "EqQBCg"},
        {"type": "redacted_thinking", "data": "EmwKAhgB"},
        {"type": "text", "text": "Four."},
    ]
    session.switch_model(PREFILLED)
    await session.submit("2 + 4?").run()
    assert posts(server)[2].json["messages"][1]["content"] == "Four."


async def test_thoughts_that_are_not_taken_back_any_more_are_left_out(
    server: SseServer, session: ChatSession
) -> None:
    said_of_it = "messages.1.content.0: Invalid `signature` in `thinking` block"
    refusal = json_response(
        {"type": "error", "error": {"type": "invalid_request_error", "message": said_of_it}}, status=400
    )
    server.play(streamed("thinking-omitted"), refusal, said("Five."), said("Six."))
    await session.submit("2 + 2?").run()
    session.system = "Be brief."
    await session.submit("2 + 3?").run()
    assert shown(session) == "Five."
    await session.submit("2 + 4?").run()
    assert [turn.json["messages"][1]["content"] == "Four." for turn in posts(server)[1:]] == [False, True, True]


async def test_an_error_in_the_middle_keeps_the_text(server: SseServer, session: ChatSession) -> None:
    server.play(streamed("error"))
    ending = await session.submit("Hi").run()
    assert ending.fault is not None
    assert ending.fault.kind is FaultKind.OVERLOADED
    assert shown(session) == "The answer is"
    assert len(posts(server)) == 1, "nothing is asked again behind the first token"


async def test_an_http_error_is_read(server: SseServer, session: ChatSession) -> None:
    body = {"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}}
    server.play(json_response(body, 401, [("request-id", "req_1")]))
    ending = await session.submit("Hi").run()
    assert ending.fault is not None
    assert ending.fault.kind is FaultKind.AUTH
    assert ending.fault.request_id == "req_1"
    assert "A_KEY" in ending.fault.sentence
    assert KEY not in str(ending.fault)


async def test_what_was_refused_leaves_the_history(server: SseServer, session: ChatSession) -> None:
    server.play(streamed("refusal"), said("Gladly."))
    ending = await session.submit("Something bad").run()
    assert ending.reason is FinishReason.REFUSAL
    assert shown(session) == "First,", "what came is shown all the same"
    await session.submit("Something good").run()
    (turn,) = posts(server)[1].json["messages"]
    assert turn["role"] == "user"


async def test_a_listing_of_two_pages(server: SseServer, session: ChatSession) -> None:
    pages = [
        {"data": [{"id": "claude-b", "display_name": "B"}], "has_more": True, "last_id": "claude-b"},
        {"data": [{"id": "claude-a"}], "has_more": False, "last_id": "claude-a"},
    ]
    server.play(*(json_response(page) for page in pages))
    provider, _ = session._registry.resolve("a/any")
    assert [model.id for model in await provider.list_models()] == ["a/claude-b", "a/claude-a"]
    first, second = server.requests
    assert first.path.endswith("/models?limit=1000")
    assert second.path.endswith("/models?limit=1000&after_id=claude-b")
    assert first.headers["anthropic-version"] == "2023-06-01"


async def test_who_goes_on_with_an_answer(server: SseServer) -> None:
    begun = Message(2, Role.ASSISTANT, (TextPart("The ans"),))

    def can_continue(protocol: WireProtocol, quirks: Quirks, model: str) -> bool:
        made = HttpProvider("a", "A", Endpoint(server.base_url), protocol, quirks, time.monotonic)
        return made.can_continue(model, begun)

    assert can_continue(Anthropic(), Quirks(), "claude-haiku-4-5")
    assert not can_continue(Anthropic(), Quirks(), "claude-opus-4-8")
    assert can_continue(Anthropic(), Quirks(can_prefill=True), "smollm2")
    assert can_continue(OpenAIChat(), Quirks(can_prefill=True), "any")
    assert not can_continue(OpenAIChat(), Quirks(), "claude-haiku-4-5")
