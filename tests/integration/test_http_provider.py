"""Good answers, and bodies that are none: one terminal event each."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import zlib
from collections.abc import Callable

import pytest

from chat_tui.core.errors import FaultKind
from chat_tui.core.events import (
    Connected,
    Failed,
    Finished,
    FinishReason,
)
from chat_tui.providers import body as body_module
from chat_tui.providers import reception
from chat_tui.providers.http import HttpProvider
from chat_tui.providers.request_writing import LARGE_CHARS
from chat_tui.wire.openai_chat import OpenAIChat, OpenAIChatCodec
from tests.support.clock import ManualClock
from tests.support.http_case import KEY, REQUEST, events_of, fault_of, make, text_of
from tests.support.sse_server import (
    CLOSE,
    HOLD,
    RESET,
    Framing,
    Reply,
    SseServer,
    answer,
    answer_events,
    chunk,
    delta,
    head,
    json_response,
    reply,
    response,
    sse,
)

# -- good answers --------------------------------------------------------------------------------


@pytest.mark.parametrize("framing", list(Framing))
async def test_an_answer_arrives_whole_in_every_framing(
    server: SseServer, provider: HttpProvider, framing: Framing
) -> None:
    server.play(answer("Good ", "day.", framing=framing))
    events = await events_of(provider)
    assert text_of(events) == "Good day."
    assert isinstance(events[0], Connected)
    assert events[-1] == Finished(FinishReason.STOP, "stop")


async def test_what_one_read_brings_is_one_arrival_at_one_time(
    server: SseServer, provider: HttpProvider, clock: ManualClock
) -> None:
    gate = asyncio.Event()
    words = [chunk(sse(delta(word))) for word in ("a", "b", "c")]
    server.play(reply(head(framing=Framing.CHUNKED), b"".join(words), gate, *words[:1], CLOSE))
    stream = provider.stream(REQUEST)
    connected = await anext(stream)
    clock.advance(1.5)
    first = await anext(stream)
    clock.advance(2.0)
    gate.set()
    second = await anext(stream)
    await stream.aclose()
    assert (connected.at_s, first.at_s, second.at_s) in [(1000.0, 1000.0, 1003.5), (1000.0, 1001.5, 1003.5)]
    assert [text_of(list(arrival.events)) for arrival in (first, second)] == ["abc", "a"]


async def test_long_documents_and_lists_are_read_beside_the_loop(
    server: SseServer, provider: HttpProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []

    def watched(read: Callable[..., object]) -> Callable[..., object]:
        def watching(*arguments: object) -> object:
            threads.append(threading.current_thread())
            return read(*arguments)

        return watching

    monkeypatch.setattr(OpenAIChat, "read_list", watched(OpenAIChat.read_list))
    monkeypatch.setattr(OpenAIChatCodec, "decode_document", watched(OpenAIChatCodec.decode_document))
    words = "x" * (LARGE_CHARS + 1)
    server.play(json_response({"choices": [{"message": {"content": words}, "finish_reason": "stop"}]}))
    assert text_of(await events_of(provider)) == words
    server.play(json_response({"data": [{"id": "m", "description": words}]}))
    assert [model.id for model in await provider.list_models()] == ["mine/m"]
    assert len(threads) == 2
    assert threading.main_thread() not in threads


async def test_the_request_is_complete_and_says_who_asks(server: SseServer, provider: HttpProvider) -> None:
    server.play(answer("Hi"))
    await events_of(provider)
    request = server.requests[0]
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["accept"] == "text/event-stream"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("chat-tui/")
    assert request.json["messages"] == [{"role": "user", "content": "Hello"}]


async def test_configured_headers_win_whatever_their_case(server: SseServer, clock: ManualClock) -> None:
    provider = make(server, clock, headers={"AUTHORIZATION": "Basic x", "X-Team": "a"})
    server.play(answer("Hi"))
    await events_of(provider)
    await provider.aclose()
    assert server.requests[0].headers["authorization"] == "Basic x"
    assert server.requests[0].headers["x-team"] == "a"


async def test_a_connection_serves_one_answer_after_another(server: SseServer, provider: HttpProvider) -> None:
    server.play(answer("Hi"))
    for _ in range(5):
        await events_of(provider)
    assert len(server.connections) == 1


@pytest.mark.parametrize(
    "content_type", ["Text/Event-Stream; charset=iso-8859-1", "text/event-stream", None, "text/plain"]
)
async def test_types_that_are_taken_for_a_stream(
    server: SseServer, provider: HttpProvider, content_type: str | None
) -> None:
    server.play(response(answer_events("Grüße"), content_type=content_type))
    assert text_of(await events_of(provider)) == "Grüße"


DOCUMENT = json.dumps(
    {"id": "1", "model": "x", "choices": [{"message": {"content": "Whole."}, "finish_reason": "stop"}]}
).encode()


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8", None])
async def test_a_json_answer_is_taken_whole(
    server: SseServer, provider: HttpProvider, content_type: str | None
) -> None:
    server.play(response([DOCUMENT[:20], DOCUMENT[20:]], content_type=content_type, framing=Framing.CHUNKED))
    events = await events_of(provider)
    assert text_of(events) == "Whole."
    assert events[-1] == Finished(FinishReason.STOP, "stop")


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate"])
async def test_compression_that_nobody_asked_for_is_undone(
    server: SseServer, provider: HttpProvider, encoding: str
) -> None:
    plain = b"".join(answer_events("Good ", "day."))
    packed = zlib.compress(plain) if encoding == "deflate" else gzip.compress(plain[:9]) + gzip.compress(plain[9:])
    server.play(response(packed, headers=[("Content-Encoding", encoding)]))
    assert text_of(await events_of(provider)) == "Good day."


async def test_a_finish_reason_stands_whatever_comes_after_it(server: SseServer, provider: HttpProvider) -> None:
    events = b"".join(answer_events("Hi", usage=False, done=False))
    for end in (RESET, CLOSE):
        server.play(reply(head(framing=Framing.CHUNKED) + chunk(events), end))
        assert (await events_of(provider))[-1] == Finished(FinishReason.STOP, "stop")
    server.play(response([events, sse("{broken")]))
    assert (await events_of(provider))[-1] == Finished(FinishReason.STOP, "stop")


async def test_after_the_finish_reason_silence_ends_the_answer_soon(
    server: SseServer, provider: HttpProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reception, "FINISHING_LIMIT_S", 0.01)
    events = b"".join(answer_events("Hi", usage=False, done=False))
    server.play(reply(head() + events, HOLD))
    assert (await events_of(provider))[-1] == Finished(FinishReason.STOP, "stop")


# -- bodies that are no stream -------------------------------------------------------------------

ODD_BODIES: list[tuple[Reply, FaultKind, str]] = [
    (response(b"<html><title>Log in</title>", content_type="text/html"), FaultKind.PROTOCOL, "a web page"),
    (response(b"<!doctype html>", content_type=None), FaultKind.PROTOCOL, "a web page"),
    (response(b"hello", content_type="application/x-ndjson"), FaultKind.PROTOCOL, "“application/x-ndjson”"),
    (response(b"Service down", content_type="text/plain"), FaultKind.PROTOCOL, "“Service down”"),
    (response(b"", content_type="text/html"), FaultKind.PROTOCOL, "a web page instead of a stream."),
    (json_response({"error": {"message": "Bad.", "code": 503}}), FaultKind.OVERLOADED, "“Bad.”"),
    (response(b'{"half', content_type="application/json"), FaultKind.PROTOCOL, "no chat answer"),
    (
        response(b'{"half": 12345', content_type="application/json", cut=9),
        FaultKind.CUT,
        "closed the connection in the middle",
    ),
    (
        response(b"{" * (body_module.DOCUMENT_BYTES + 2), content_type="application/json"),
        FaultKind.LIMIT,
        "4 MiB",
    ),
    (response(b""), FaultKind.CUT, "without a finish reason"),
    (response(b"", content_type=None), FaultKind.CUT, "without a finish reason"),
    (response(b'{"error": {"message": "Stray."}}'), FaultKind.SERVER, "“Stray.”"),
    (response([sse({"error": {"message": f"In {KEY} stream"}})]), FaultKind.SERVER, "“In ‹key removed› stream”"),
    (response([sse("{nonsense")]), FaultKind.PROTOCOL, "“{nonsense”"),
    (response(b"x", headers=[("Content-Encoding", "br")]), FaultKind.PROTOCOL, "compressed"),
    (response(b"not gzip", headers=[("Content-Encoding", "gzip")]), FaultKind.PROTOCOL, "compressed"),
    (response(b"data: " + b"x" * (1 << 21)), FaultKind.LIMIT, "limit"),
    (response([b"data: " + b"x" * 1000 + b"\n"] * 4500), FaultKind.LIMIT, "limit"),
    (
        response(gzip.compress(b"data: " + b"x" * (64 << 20)), headers=[("Content-Encoding", "gzip")]),
        FaultKind.LIMIT,
        "limit",
    ),
    (reply(b"SSH-2.0-OpenSSH_9.6\r\n", CLOSE), FaultKind.NETWORK, "without an answer"),
    (reply(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", CLOSE), FaultKind.PROTOCOL, "not HTTP"),
    (reply(b"HTTP/1.1 200 OK\r\n" + b"X-More: and more\r\n" * 9000, CLOSE), FaultKind.PROTOCOL, "not HTTP"),
    (reply(CLOSE), FaultKind.NETWORK, "without an answer"),
    (reply(RESET), FaultKind.NETWORK, "reset the connection"),
    (reply(head(framing=Framing.CHUNKED) + b"zz\r\n", CLOSE), FaultKind.PROTOCOL, "not HTTP"),
    (reply(head(framing=Framing.CHUNKED) + chunk(sse(delta("Hi"))), RESET), FaultKind.NETWORK, "reset"),
    (reply(head(framing=Framing.CHUNKED) + chunk(sse(delta("Hi"))), CLOSE), FaultKind.CUT, "in the middle"),
]


@pytest.mark.parametrize(("reply_", "kind", "sentence"), ODD_BODIES)
async def test_bodies_that_are_no_answer(
    server: SseServer, provider: HttpProvider, reply_: Reply, kind: FaultKind, sentence: str
) -> None:
    server.play(reply_)
    fault = await fault_of(provider)
    assert (fault.kind, sentence in fault.message) == (kind, True), fault


async def test_a_malformed_event_keeps_the_text_before_it(server: SseServer, provider: HttpProvider) -> None:
    server.play(response([sse(delta("kept")), sse("{" + "x" * 900), sse(delta("lost"))]))
    events = await events_of(provider)
    assert text_of(events) == "kept"
    assert isinstance(last := events[-1], Failed)
    assert last.fault.detail == "{" + "x" * 199


async def test_an_endless_answer_is_cut_off_at_its_limit(
    server: SseServer, provider: HttpProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_module, "ANSWER_CHARS", 1000)
    server.play(reply(head() + sse(delta("x" * 400)) * 3, HOLD))
    events = await events_of(provider)
    assert text_of(events) == "x" * 1200
    assert isinstance(last := events[-1], Failed)
    assert last.fault.kind is FaultKind.LIMIT


async def test_a_body_of_nothing_but_comments_ends_at_its_limit(
    server: SseServer, provider: HttpProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_module, "BODY_BYTES", 1000)
    server.play(reply(head() + b": still here\n" * 200, HOLD))
    assert (await fault_of(provider)).kind is FaultKind.LIMIT
