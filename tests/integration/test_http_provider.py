"""What every kind of response becomes: one terminal event, one sentence, no key in any text."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chat_tui.core.conversation import ChatRequest, Message, Role, TextPart
from chat_tui.core.errors import EXCERPT_CHARS, Fault, FaultKind, ProviderError
from chat_tui.core.events import (
    Arrival,
    Connected,
    Failed,
    Finished,
    FinishReason,
    ProgressKind,
    ProgressReported,
    StreamEvent,
    TextDelta,
)
from chat_tui.providers import body as body_module
from chat_tui.providers import reception
from chat_tui.providers.http import Endpoint, HttpProvider, model_names
from chat_tui.wire.base import Quirks
from chat_tui.wire.openai_chat import OpenAIChat
from tests.support.clock import ManualClock
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
from tests.support.waiting import wait_until

KEY = "sk-canary-0123456789abcdef"
REQUEST = ChatRequest("m", (Message(1, Role.USER, (TextPart("Hello"),)),))


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


def make(server: SseServer, clock: ManualClock, quirks: Quirks | None = None, **fields: Any) -> HttpProvider:
    settings: dict[str, Any] = {"api_key": KEY, "key_source": "MINE_KEY"} | fields
    endpoint = Endpoint(server.base_url, **settings)
    return HttpProvider("mine", "Mine", endpoint, OpenAIChat(), quirks or Quirks(), clock)


async def arrivals_of(provider: HttpProvider) -> list[Arrival]:
    return [arrival async for arrival in provider.stream(REQUEST)]


async def events_of(provider: HttpProvider) -> list[StreamEvent]:
    events = [event for arrival in await arrivals_of(provider) for event in arrival.events]
    assert [isinstance(event, Finished | Failed) for event in events] == [False] * (len(events) - 1) + [True]
    return events


def text_of(events: list[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def fault_of(provider: HttpProvider) -> Fault:
    last = (await events_of(provider))[-1]
    assert isinstance(last, Failed)
    fault = last.fault
    assert fault.title
    assert fault.message
    for shown in (fault.title, fault.message, fault.hint, fault.code, fault.request_id, fault.detail):
        assert KEY not in shown
        assert "\n" not in shown
        assert "\x1b" not in shown
    assert len(fault.detail) <= EXCERPT_CHARS
    return fault


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


# -- errors by status ----------------------------------------------------------------------------

ERRORS: list[tuple[Reply, FaultKind, str, bool]] = [
    (
        json_response({"error": {"message": f"Incorrect API key: {KEY}", "code": "invalid_api_key"}}, 401),
        FaultKind.AUTH,
        "401 from {host}: the key in MINE_KEY was refused. It says: “Incorrect API key: ‹key removed›”",
        False,
    ),
    (json_response({"error": {"message": "No.", "code": "forbidden"}}, 403), FaultKind.AUTH, "“No.”", False),
    (
        json_response({"error": {"message": "Pay.", "code": "insufficient_quota"}}, 429),
        FaultKind.QUOTA,
        "429 from {host}: “Pay.”",
        False,
    ),
    (json_response({"error": {"message": "Slow down."}}, 429), FaultKind.RATE_LIMIT, "“Slow down.”", True),
    (json_response({"error": {"message": "No such model."}}, 404), FaultKind.NOT_FOUND, "No such model.", False),
    (json_response({"detail": "Not Found"}, 404), FaultKind.NOT_FOUND, "404 from {host}: “Not Found”", False),
    (
        json_response({"error": {"message": "Too long.", "code": "context_length_exceeded"}}, 400),
        FaultKind.CONTEXT,
        "Too long.",
        False,
    ),
    (json_response({"error": "text"}, 400), FaultKind.REQUEST, "400 from {host}: “text”", False),
    (json_response([{"error": {"message": "In a list."}}], 400), FaultKind.REQUEST, "In a list.", False),
    (response(b"", status=500, content_type=None), FaultKind.SERVER, "“Internal Server Error”", True),
    (response(b"", status=599, content_type=None), FaultKind.SERVER, "“no reason given”", True),
    (
        response(b"<html><title>Bad gateway</title>", status=502, content_type="text/html"),
        FaultKind.SERVER,
        "502 from {host}: “Bad gateway”",
        True,
    ),
    (response(b"plain \x1b[31mwords", status=503), FaultKind.OVERLOADED, "503 from {host}: “plain", True),
    (
        response(gzip.compress(b'{"error": "packed"}'), status=400, headers=[("Content-Encoding", "gzip")]),
        FaultKind.REQUEST,
        "packed",
        False,
    ),
    (
        response(b"\xff\xfe", status=400, headers=[("Content-Encoding", "gzip")]),
        FaultKind.REQUEST,
        "“Bad Request”",
        False,
    ),
    (
        response(b"\xff", status=400, headers=[("Content-Encoding", "br")]),
        FaultKind.REQUEST,
        "“Bad Request”",
        False,
    ),
    (response(b"x" * 200_000, status=400), FaultKind.REQUEST, "400 from {host}: “xxx", False),
    (response(b'{"error": "half', status=500, cut=8), FaultKind.SERVER, "500 from {host}", True),
    (reply(head(204, None), CLOSE), FaultKind.PROTOCOL, "204 from {host}: an answer without content.", False),
]


@pytest.mark.parametrize(("reply_", "kind", "sentence", "can_retry"), ERRORS)
async def test_errors_by_status(
    server: SseServer, provider: HttpProvider, reply_: Reply, kind: FaultKind, sentence: str, can_retry: bool
) -> None:
    server.play(reply_)
    fault = await fault_of(provider)
    assert fault.kind is kind
    assert sentence.format(host=f"127.0.0.1:{server.port}") in fault.message
    assert fault.is_retryable is can_retry
    assert fault.status is not None


async def test_a_401_without_a_key_says_that_one_is_wanted(server: SseServer, clock: ManualClock) -> None:
    provider = make(server, clock, api_key="", key_source="")
    server.play(json_response({"error": "who?"}, 401))
    fault = await fault_of(provider)
    await provider.aclose()
    assert "it wants a key, and none is set." in fault.message
    assert "[providers.mine]" in fault.hint


async def test_the_servers_wishes_about_retries(server: SseServer, provider: HttpProvider) -> None:
    server.play(json_response({"error": "busy"}, 503, headers=[("Retry-After", "7"), ("X-Request-Id", "req-1")]))
    fault = await fault_of(provider)
    assert (fault.retry_after_s, fault.request_id, fault.is_retryable) == (7.0, "req-1", True)
    server.play(json_response({"error": "no"}, 500, headers=[("x-should-retry", "false")]))
    assert not (await fault_of(provider)).is_retryable
    server.play(json_response({"error": "odd"}, 400, headers=[("x-should-retry", "TRUE")]))
    assert (await fault_of(provider)).is_retryable
    server.play(json_response({"error": "key"}, 401, headers=[("x-should-retry", "true")]))
    assert not (await fault_of(provider)).is_retryable


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("https://evil.example:444/x?token=1", "to https://evil.example:444,"),
        ("https://me:word@evil.example/", "to https://evil.example,"),
        ("/login", "to http://127.0.0.1:{port},"),
        ("http://[::1", "to an address that cannot be read, and"),
        ("", "it redirects, and"),
    ],
)
async def test_redirects_are_named_and_never_followed(
    server: SseServer, provider: HttpProvider, status: int, location: str, target: str
) -> None:
    headers = [("Location", location)] if location else []
    server.play(response(b"", status=status, content_type=None, headers=headers))
    fault = await fault_of(provider)
    assert target.format(port=server.port) in fault.message
    assert len(server.requests) == 1
    assert not fault.is_retryable


async def test_a_redirect_to_a_second_server_sends_it_nothing(server: SseServer, provider: HttpProvider) -> None:
    async with SseServer() as other:
        server.play(response(b"", status=307, content_type=None, headers=[("Location", other.base_url)]))
        fault = await fault_of(provider)
        assert f"127.0.0.1:{other.port}" in fault.message
        assert other.connections == []


async def test_an_error_body_that_never_ends_is_not_waited_for(
    server: SseServer, provider: HttpProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reception, "ERROR_BODY_LIMIT_S", 0.01)
    server.play(reply(head(500) + b'{"error": "half a', HOLD))
    assert (await fault_of(provider)).kind is FaultKind.SERVER
    await wait_until(lambda: server.open_connections == 0)


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


# -- silence -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply_", "sentence", "can_retry"),
    [
        (reply(HOLD), "sent no token for 0.25 s.", True),
        (reply(head(), HOLD), "sent no token for 0.25 s.", True),
        (reply(head(content_type=None), HOLD), "sent no token for 0.25 s.", True),
        (reply(head(content_type="application/json") + b"{", HOLD), "sent no token for 0.25 s.", True),
        (reply(head() + sse(delta("Hi")), HOLD), "sent no further token for 0.05 s.", False),
        (reply(head() + b": alive\n\n", HOLD), "sent no token for 0.25 s, only signs of life.", True),
    ],
)
async def test_silence_is_told(
    server: SseServer, clock: ManualClock, reply_: Reply, sentence: str, can_retry: bool
) -> None:
    provider = make(server, clock, first_token_timeout_s=0.25, idle_timeout_s=0.05)
    server.play(reply_)
    fault = await fault_of(provider)
    await provider.aclose()
    assert (fault.kind, fault.is_retryable) == (FaultKind.TIMEOUT, can_retry)
    assert sentence in fault.message


async def test_comments_are_signs_of_life_that_do_not_count_as_tokens(
    server: SseServer, clock: ManualClock
) -> None:
    provider = make(server, clock, first_token_timeout_s=0.1, idle_timeout_s=0.1)

    async def drip() -> None:
        while server.open_connections:
            server.connections[0].send(b": alive\n\n")
            await asyncio.sleep(0)

    server.play(reply(head(), drip))
    events = await events_of(provider)
    await provider.aclose()
    alive = events.count(ProgressReported(ProgressKind.ALIVE))
    assert alive > 3
    assert isinstance(last := events[-1], Failed)
    assert "only signs of life" in last.fault.message


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


@pytest.mark.parametrize(
    ("listing", "names"),
    [
        ({"data": [{"id": "b"}, {"id": "a"}]}, ["b", "a"]),
        ([{"id": "x"}, {"name": "y"}, {"model": "z"}, {"key": "k"}, "plain"], ["x", "y", "z", "k", "plain"]),
        ({"models": [{"name": "m"}]}, ["m"]),
        ({"data": [{"id": "d"}], "models": [{"name": "m"}]}, ["d"]),
        ({"data": [{"id": "text-embedding-3"}, {"id": "gpt"}, {"id": "whisper-1"}]},
         ["gpt", "text-embedding-3", "whisper-1"]),
        ({"data": [{"id": "a"}, {"id": "a"}, {"id": ""}, {"id": 7}, None, {}]}, ["a"]),
        ({"data": [{"id": "evil\x1b[2J"}, {"id": "a\nb"}, {"id": "x" * 300}, {"id": "ok"}]}, ["ok"]),
        ({"data": "nonsense"}, []),
        ("nonsense", []),
        ({"data": [{"id": f"m{n}"} for n in range(3000)]}, [f"m{n}" for n in range(2000)]),
    ],
)  # fmt: skip
def test_every_shape_of_a_listing(listing: object, names: list[str]) -> None:
    assert model_names(json.dumps(listing)) == names


def test_a_listing_that_is_no_json_has_no_names() -> None:
    assert model_names("{") == []


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
