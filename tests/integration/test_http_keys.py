"""Keys, quirks that are learned, and the listing of models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from chat_tui.core.errors import FaultKind, ProviderError
from chat_tui.core.events import (
    Failed,
    Finished,
)
from chat_tui.providers.http import HttpProvider
from chat_tui.wire.openai_chat import OpenAIChat
from tests.support.clock import ManualClock
from tests.support.http_case import KEY, REQUEST, events_of, fault_of, make
from tests.support.sse_server import (
    CLOSE,
    HOLD,
    Reply,
    SseServer,
    answer,
    head,
    json_response,
    reply,
    response,
)

# -- keys and quirks -----------------------------------------------------------------------------


async def test_what_a_key_command_prints_is_sent_and_redacted(server: SseServer, clock: ManualClock) -> None:
    provider = make(
        server, clock, api_key="", key_source="api_key_command of [providers.mine]", key_command=("echo", KEY)
    )
    await provider.prepare()
    server.play(json_response({"error": f"{KEY} is wrong"}, 401))
    assert not (await fault_of(provider)).is_retryable
    await provider.aclose()
    assert [request.headers["authorization"] for request in server.requests] == [f"Bearer {KEY}"]


async def test_a_key_from_a_command_that_expires_is_asked_for_again(
    server: SseServer, clock: ManualClock, tmp_path: Path
) -> None:
    script = "echo x >> runs; echo sk-canary-run-$(wc -l < runs)"
    command = ("sh", "-c", f"cd '{tmp_path}'; {script}")
    provider = make(server, clock, api_key="", key_source="api_key_command", key_command=command)
    server.play(answer("Hi"), answer("Hi"), json_response({"error": "expired"}, 401))
    await events_of(provider)
    await events_of(provider)
    assert (await fault_of(provider)).is_retryable
    assert not (await fault_of(provider)).is_retryable
    await provider.aclose()
    sent = [request.headers["authorization"][-1] for request in server.requests]
    assert sent == ["1", "1", "1", "2"]


async def test_a_key_command_that_fails_is_a_fault_and_nothing_is_sent(
    server: SseServer, clock: ManualClock
) -> None:
    provider = make(server, clock, api_key="", key_source="api_key_command", key_command=("false",))
    await provider.prepare()
    fault = await fault_of(provider)
    await provider.aclose()
    assert fault.kind is FaultKind.SETUP
    assert "exit status 1" in fault.message
    assert server.requests == []


@pytest.mark.parametrize(
    ("message", "before", "after"),
    [
        ("Unknown field: stream_options", "stream_options", ""),
        ("Use 'max_completion_tokens' instead.", "max_tokens", "max_completion_tokens"),
    ],
)
async def test_a_refused_field_is_left_out_or_renamed_from_then_on(
    server: SseServer, provider: HttpProvider, message: str, before: str, after: str
) -> None:
    request = replace(REQUEST, generation=replace(REQUEST.generation, max_tokens=5))
    server.play(json_response({"error": {"message": message}}, 400), answer("Hi"))
    arrivals = [arrival async for arrival in provider.stream(request)]
    assert isinstance(last := arrivals[-1].events[-1], Failed)
    assert last.fault.is_retryable
    arrivals = [arrival async for arrival in provider.stream(request)]
    assert isinstance(arrivals[-1].events[-1], Finished)
    assert before in server.requests[0].json
    assert before not in server.requests[1].json
    assert not after or after in server.requests[1].json


async def test_a_mistake_of_ours_is_a_fault_too(
    server: SseServer, provider: HttpProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(f"with {KEY} in it")

    monkeypatch.setattr(OpenAIChat, "encode", broken)
    fault = await fault_of(provider)
    assert fault.kind is FaultKind.INTERNAL
    assert "RuntimeError" in fault.message


# -- models --------------------------------------------------------------------------------------


async def test_models_are_listed_as_they_are_chosen(server: SseServer, provider: HttpProvider) -> None:
    server.route("/v1/models", json_response({"data": [{"id": "org/small"}]}))
    assert [model.id for model in await provider.list_models()] == ["mine/org/small"]
    assert server.requests[0].method == "GET"
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert "content-type" not in server.requests[0].headers


@pytest.mark.parametrize(
    ("reply_", "sentence"),
    [
        (json_response({"error": "no"}, 401), "401 from"),
        (response(b"<html>", content_type="text/html"), "a web page instead of a list of models"),
        (response(b'{"data": []', content_type="application/json", cut=5), "in the middle of the answer"),
        (reply(HOLD), "sent no list of models in 0.05 s"),
        (reply(head(), HOLD), "sent no list of models in 0.05 s"),
        (reply(CLOSE), "without an answer"),
    ],
)
async def test_a_list_that_cannot_be_had_is_an_error_with_a_sentence(
    server: SseServer, provider: HttpProvider, monkeypatch: pytest.MonkeyPatch, reply_: Reply, sentence: str
) -> None:
    monkeypatch.setattr("chat_tui.providers.http.LIST_LIMIT_S", 0.05)
    server.play(reply_)
    with pytest.raises(ProviderError, match=sentence):
        await provider.list_models()


async def test_a_list_whose_key_cannot_be_had_is_an_error_too(server: SseServer, clock: ManualClock) -> None:
    provider = make(server, clock, api_key="", key_source="api_key_command", key_command=("false",))
    with pytest.raises(ProviderError, match="exit status 1"):
        await provider.list_models()
    await provider.aclose()
