"""OpenAI Responses over a WebSocket when something goes wrong: one end always, in the words that HTTP has."""

from __future__ import annotations

import asyncio
import json
import ssl

import pytest

from chat_tui.core.errors import FaultKind
from chat_tui.core.events import Failed, Finished
from chat_tui.providers import body as body_module
from chat_tui.providers import websocket
from chat_tui.providers.websocket import WebSocketProvider
from tests.support.clock import ManualClock
from tests.support.sockets import serving
from tests.support.waiting import wait_until
from tests.support.wire import played, stream_bytes, terminal_of
from tests.support.ws_case import KEY, Talk, make, text_of
from tests.support.ws_server import (
    Close,
    Drop,
    Fragments,
    Ping,
    Step,
    WsServer,
    answer,
    created,
    delta,
    error,
    messages_of,
)


@pytest.fixture
def talk(socket_provider: WebSocketProvider) -> Talk:
    return Talk(socket_provider)


# -- cuts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("leaving", [Close(1011, "internal \x1b[31merror"), Drop(), Drop(is_reset=True)])
@pytest.mark.parametrize("name", ["responses-text", "responses-tool"])
async def test_a_cut_behind_any_event_keeps_what_came(
    ws: WsServer, clock: ManualClock, name: str, leaving: Step
) -> None:
    messages = messages_of(stream_bytes(name))
    for count in range(len(messages)):
        ws.play(*messages[:count], leaving)
        provider = make(ws.base_url, clock)
        events = await Talk(provider).ask()
        await provider.aclose()
        terminal = terminal_of(events)
        assert isinstance(terminal, Failed), count
        # A reset may overtake what was sent before it; whatever came is kept.
        whole = played("".join(f"data: {message}\n\n" for message in messages[:count]).encode(), "openai-responses")
        is_reset = isinstance(leaving, Drop) and leaving.is_reset
        kinds = (FaultKind.CUT, FaultKind.NETWORK) if is_reset else (FaultKind.CUT,)
        assert terminal.fault.kind in kinds
        assert text_of(whole).startswith(text_of(events)) if is_reset else text_of(whole) == text_of(events)


async def test_the_server_s_reason_to_close_is_told(ws: WsServer, talk: Talk) -> None:
    ws.play(created(), delta("Th"), Close(1011, "out of \x1b[31mmemory"))
    fault = await talk.fault()
    assert fault.kind is FaultKind.CUT
    assert "(1011: “out of" in fault.message


async def test_what_comes_with_the_farewell_counts(ws: WsServer, talk: Talk) -> None:
    ws.play(*answer("Whole."), Close(1000))
    ws.play(*answer("Again."))
    assert isinstance((await talk.ask())[-1], Finished)
    assert text_of(await talk.ask()) == "Again."


# -- silence -------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_pinged", [False, True])
@pytest.mark.parametrize("has_token", [False, True])
async def test_silence_ends_it_whether_or_not_there_are_pings(
    ws: WsServer, clock: ManualClock, is_pinged: bool, has_token: bool
) -> None:
    provider = make(ws.base_url, clock, first_token_timeout_s=0.2, idle_timeout_s=0.15)
    ws.play(*([created(), delta("Th")] if has_token else []), asyncio.Event())
    talk = Talk(provider)
    task = asyncio.create_task(talk.fault())
    while not task.done():
        if is_pinged and ws.connections:
            try:
                await ws.connections[0].ping()
            except Exception:
                break
        await asyncio.wait({task}, timeout=0.01)
    fault = await task
    assert fault.kind is FaultKind.TIMEOUT
    assert ("idle_timeout_s" if has_token else "first_token_timeout_s") in fault.hint
    assert ("signs of life" in fault.message) is is_pinged
    assert text_of(list(talk.arrivals[-1].events)) == ""
    assert talk.messages[-1].text == ("Th" if has_token else "")
    await provider.aclose()


# -- errors as messages --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "kind", "can_retry", "status"),
    [
        (error("invalid_api_key", 401, "Incorrect API key provided"), FaultKind.AUTH, False, 401),
        (error("rate_limit_exceeded", 429, "Slow down"), FaultKind.RATE_LIMIT, True, 429),
        (error("insufficient_quota", 429, "You have no money"), FaultKind.QUOTA, False, 429),
        (error("server_error", 500, "Oops"), FaultKind.SERVER, True, 500),
        (error("model_not_found", 404, "No such model"), FaultKind.NOT_FOUND, False, 404),
        (error("context_length_exceeded", 400, "Too long"), FaultKind.CONTEXT, False, 400),
        (error("websocket_stream_limit_reached", 400, "Too many"), FaultKind.REQUEST, False, 400),
        ({"type": "error", "code": "rate_limit_exceeded", "message": "Flat"}, FaultKind.RATE_LIMIT, True, None),
    ],
)
async def test_an_error_as_a_message_is_what_it_is_over_http(
    ws: WsServer, talk: Talk, message: dict[str, object], kind: FaultKind, can_retry: bool, status: int | None
) -> None:
    ws.play(message)
    fault = await talk.fault()
    assert (fault.kind, fault.is_retryable, fault.status) == (kind, can_retry, status)
    if status is not None:
        assert fault.message.startswith(f"{status} from 127.0.0.1")
    if kind is FaultKind.AUTH:
        assert "MINE_KEY" in f"{fault.message} {fault.hint}"
    assert fault.http is not None
    sent = json.loads(fault.http.body or "")
    assert sent["stream"] is True
    assert "type" not in sent


@pytest.mark.parametrize("is_inside", [True, False])
async def test_a_wait_that_is_asked_for_in_the_message_is_known(ws: WsServer, talk: Talk, is_inside: bool) -> None:
    headers = {"Retry-After": "7", "x-request-id": "req_1"}
    message = error("rate_limit_exceeded", 429, "Slow down", **({"headers": headers} if is_inside else {}))
    ws.play(message if is_inside else message | {"headers": headers})
    fault = await talk.fault()
    assert (fault.retry_after_s, fault.request_id) == (7.0, "req_1")


async def test_a_field_that_is_refused_is_left_out_next_time(ws: WsServer, talk: Talk) -> None:
    ws.play(error("unsupported_parameter", 400, "Unsupported parameter: reasoning.summary"))
    fault = await talk.fault()
    assert fault.is_retryable


async def test_what_is_no_json_ends_it(ws: WsServer, talk: Talk) -> None:
    ws.play(created(), delta("Th"), "{nonsense")
    fault = await talk.fault()
    assert fault.kind is FaultKind.PROTOCOL


# -- bounds --------------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [1, 40])
async def test_a_message_beyond_the_bound_is_not_read(ws: WsServer, talk: Talk, parts: int) -> None:
    size = ((4 << 20) + parts) // parts + 1
    ws.play(created(), delta("Th"), Fragments(["x" * size] * parts))
    fault = await talk.fault()
    assert fault.kind is FaultKind.LIMIT
    assert "4 MiB" in fault.message
    assert talk.messages[-1].text == "Th"


async def test_an_answer_without_end_is_bounded(ws: WsServer, talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_module, "BODY_BYTES", 1 << 20)
    ws.play(created(), *[delta("x" * 1000)] * 2000)
    fault = await talk.fault()
    assert fault.kind is FaultKind.LIMIT


async def test_a_reader_that_does_not_read_holds_the_server_back(ws: WsServer, talk: Talk) -> None:
    ws.play(created(), *[delta("x" * 60_000)] * 200, *answer("")[-1:])
    stream = talk.provider.stream(talk.request("Hello"))
    await anext(stream)
    await wait_until(lambda: ws.connections[0].transport.get_write_buffer_size() > 0, 10, "a server that waits")
    assert len(ws.closed) == 0
    held = [arrival async for arrival in stream]
    assert sum(len(text_of(list(arrival.events))) for arrival in held) == 200 * 60_000


# -- the handshake -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "said"),
    [
        (401, {}, b'{"error":{"message":"Bad key"}}', FaultKind.AUTH, "MINE_KEY was refused"),
        (429, {"Retry-After": "3"}, b'{"error":{"message":"Slow"}}', FaultKind.RATE_LIMIT, "Slow"),
        (503, {}, b"<title>Down</title>", FaultKind.OVERLOADED, "Down"),
        (
            302,
            {"Location": "https://other.example/x"},
            b"",
            FaultKind.REQUEST,
            "it redirects to https://other.example",
        ),
        (404, {}, b"File Not Found", FaultKind.NOT_FOUND, "File Not Found"),
        (200, {}, b"<html>Welcome</html>", FaultKind.PROTOCOL, "did not open a WebSocket"),
    ],
)
async def test_a_refused_handshake_is_told_as_over_http(
    ws: WsServer, talk: Talk, status: int, headers: dict[str, str], body: bytes, kind: FaultKind, said: str
) -> None:
    ws.refusals.append((status, headers, body))
    fault = await talk.fault()
    assert (fault.kind, fault.status) == (kind, status)
    assert said in fault.message
    assert fault.retry_after_s == (3.0 if status == 429 else None)
    if status in (200, 404):
        assert 'protocol = "openai-responses"' in fault.hint
    assert fault.http is not None
    ws.play(*answer("Now."))
    assert text_of(await talk.ask("Again")) == "Now."


async def test_a_server_that_does_not_answer_the_handshake_is_left(
    ws: WsServer, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "HANDSHAKE_LIMIT_S", 0.1)
    ws.is_deaf = True
    fault = await talk.fault()
    assert (fault.kind, fault.is_retryable) == (FaultKind.TIMEOUT, True)
    assert "did not open a WebSocket within 0.1 s" in fault.message


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: wrong\r\n\r\n",
        b"HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n",
    ],
)
async def test_a_switch_to_something_else_is_no_websocket(clock: ManualClock, said: bytes) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await reader.read()

    async with serving(handle) as port:
        provider = make(f"http://127.0.0.1:{port}/v1", clock)
        fault = await Talk(provider).fault()
        await provider.aclose()
    assert fault.kind is FaultKind.PROTOCOL
    assert "no WebSocket" in fault.message


async def test_nobody_there_is_told_as_over_http(clock: ManualClock) -> None:
    provider = make("http://127.0.0.1:9/v1", clock)
    fault = await Talk(provider).fault()
    await provider.aclose()
    assert fault.kind is FaultKind.NETWORK
    assert "nothing is listening" in fault.message


async def test_a_proxy_is_asked_for_the_tunnel(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with serving(handle) as port:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        provider = make("https://host.example/v1", clock)
        fault = await Talk(provider).fault()
        await provider.aclose()
    assert asked[0].startswith(b"CONNECT host.example:443")
    assert KEY.encode() not in asked[0]
    assert "proxy" in fault.message


async def test_a_certificate_of_nobody_is_refused(clock: ManualClock, context: ssl.SSLContext) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(handle, context) as port:
        provider = make(f"https://127.0.0.1:{port}/v1", clock)
        fault = await Talk(provider).fault()
        await provider.aclose()
    assert "certificate" in fault.title


async def test_pings_alone_do_not_make_a_closed_connection_answered(ws: WsServer, talk: Talk) -> None:
    ws.play(*answer("One."))
    ws.play(Ping(), Close(1001))
    ws.play(*answer("Two."))
    await talk.ask("First")
    assert text_of(await talk.ask("Second")) == "Two."
