"""Refusals, redirects and silence: one sentence each, no key in any text."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from chat_tui.core.errors import FaultKind
from chat_tui.core.events import (
    Failed,
    ProgressKind,
    ProgressReported,
)
from chat_tui.providers import reception
from chat_tui.providers.http import HttpProvider
from tests.support.clock import ManualClock
from tests.support.http_case import KEY, events_of, fault_of, make
from tests.support.sse_server import (
    CLOSE,
    HOLD,
    Reply,
    SseServer,
    delta,
    head,
    json_response,
    reply,
    response,
    sse,
)
from tests.support.waiting import wait_until

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
