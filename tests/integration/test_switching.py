"""Another model in the middle of a conversation, of another protocol: what is said and done goes along, what only
its maker understands does not, and comes back to its maker."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from chat_tui.config.model import Config, ProviderConfig
from chat_tui.core.conversation import Role, ToolCallPart, ToolResultPart
from chat_tui.providers.registry import ProviderRegistry
from chat_tui.session.session import ChatSession
from tests.support.sse_server import SseServer, answer, response
from tests.support.wire import stream_bytes

THOUGHT, SIGNATURE, SAID, FOUND = "They want the weather.", "EqQBCg", "Let me check.", "11 °C and fog"


async def turn(session: ChatSession, prompt: str) -> None:
    """One question and its answer."""
    runner = session.submit(prompt)
    await runner.run()
    runner.settle()


def finish_call(session: ChatSession) -> None:
    """The call of the last answer gets its result, as if somebody had run it."""
    last = session.conversation.tip
    assert last is not None
    assert last.ending is not None
    (call,) = (part for part in last.parts if isinstance(part, ToolCallPart))
    session.conversation.settle(last.id, (*last.parts, ToolResultPart(call.key, FOUND)), last.ending)


async def test_text_and_finished_calls_go_along_and_thoughts_come_back_to_their_maker(tmp_path: Path) -> None:
    async with SseServer() as claude, SseServer() as other:
        claude.play(
            response(stream_bytes("anthropic-think-tool"), content_type="text/event-stream"),
            response(stream_bytes("anthropic-text"), content_type="text/event-stream"),
        )
        other.play(answer("Take ", "an umbrella."))
        config = Config(
            aliases={"umbrella": "other/small"},
            providers={
                "claude": ProviderConfig(base_url=f"{claude.url}/v1", protocol="anthropic"),
                "other": ProviderConfig(base_url=other.base_url, protocol="openai-chat"),
            },
        )
        session = ChatSession(ProviderRegistry(config, {}, tmp_path), "claude/claude-opus-4-5")
        await turn(session, "What is the weather in Paris?")
        finish_call(session)

        session.switch_model("umbrella")
        await turn(session, "And what do I take?")
        sent = other.requests[-1].json
        assert sent["model"] == "small"
        words = json.dumps(sent, ensure_ascii=False)
        assert SAID in words
        assert FOUND in words
        assert "What is the weather in Paris?" in words
        assert THOUGHT not in words
        assert SIGNATURE not in words
        assert _calls(sent["messages"]) == [("get_weather", '{"city": "Paris"}', FOUND)]

        session.switch_model("claude/claude-opus-4-5")
        await turn(session, "Thanks.")
        words = json.dumps(claude.requests[-1].json, ensure_ascii=False)
        for part in (THOUGHT, SIGNATURE, SAID, FOUND, "Take an umbrella."):
            assert part in words
        models = [message.model for message in session.conversation.path() if message.role is Role.ASSISTANT]
        assert models == ["claude/claude-opus-4-5", "other/small", "claude/claude-opus-4-5"]
        await session.aclose()


async def test_a_call_that_was_never_answered_stays_behind(tmp_path: Path) -> None:
    async with SseServer() as claude, SseServer() as other:
        claude.play(response(stream_bytes("anthropic-think-tool"), content_type="text/event-stream"))
        other.play(answer("Fine."))
        config = Config(
            providers={
                "claude": ProviderConfig(base_url=f"{claude.url}/v1", protocol="anthropic"),
                "other": ProviderConfig(base_url=other.base_url),
            }
        )
        session = ChatSession(ProviderRegistry(config, {}, tmp_path), "claude/claude-opus-4-5")
        await turn(session, "What is the weather in Paris?")
        last = session.conversation.tip
        assert last is not None
        assert any(isinstance(part, ToolCallPart) for part in last.parts)
        assert replace(last).answered_calls == ()
        session.switch_model("other/small")
        await turn(session, "Well?")
        assert _calls(other.requests[-1].json["messages"]) == []
        assert SAID in json.dumps(other.requests[-1].json)
        await session.aclose()


def _calls(messages: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Name, arguments and result of every call in messages of OpenAI Chat."""
    results = {message["tool_call_id"]: message["content"] for message in messages if message["role"] == "tool"}
    return [
        (call["function"]["name"], call["function"]["arguments"], results[call["id"]])
        for message in messages
        for call in message.get("tool_calls", ())
    ]
