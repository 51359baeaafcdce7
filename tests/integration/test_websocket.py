"""OpenAI Responses over a WebSocket: what is sent when, and over which connection."""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from chat_tui.core.conversation import ChatRequest, TextPart
from chat_tui.core.errors import FaultKind
from chat_tui.core.events import (
    Connected,
    Failed,
    Finished,
    FinishReason,
    Ignored,
)
from chat_tui.providers import websocket
from chat_tui.providers.request_writing import LARGE_CHARS, is_large
from chat_tui.providers.websocket import WebSocketProvider
from chat_tui.wire.base import Quirks, WireRequest
from chat_tui.wire.openai_responses_websocket import OpenAIResponsesWebSocket
from tests.support.clock import ManualClock
from tests.support.waiting import wait_until
from tests.support.wire import played, stream_bytes, streams_of
from tests.support.ws_case import KEY, RECONNECTING, Talk, make, text_of, words_of
from tests.support.ws_server import (
    Batch,
    Close,
    Drop,
    Fragments,
    Ping,
    WsServer,
    answer,
    completed,
    created,
    delta,
    error,
    messages_of,
)


@pytest.fixture
def talk(socket_provider: WebSocketProvider) -> Talk:
    return Talk(socket_provider, system="Be brief.")


# -- good answers --------------------------------------------------------------------------------


async def test_the_first_turn_asks_for_everything_and_stores_nothing(ws: WsServer, talk: Talk) -> None:
    ws.play(*answer("Good ", "day."))
    events = await talk.ask("Hello")
    assert text_of(events) == "Good day."
    assert isinstance(events[0], Connected)
    assert events[-1] == Finished(FinishReason.STOP, "completed")
    sent = ws.received[0]
    assert (sent["type"], sent["model"], sent["store"], sent["instructions"]) == (
        "response.create",
        "m",
        False,
        "Be brief.",
    )
    assert words_of(sent) == ["Hello"]
    assert not sent.keys() & {"stream", "background", "previous_response_id"}
    request = ws.requests[0]
    assert request.path == "/v1/responses"
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.headers["User-Agent"].startswith("chat-tui/")
    assert "Sec-WebSocket-Extensions" not in request.headers


async def test_a_turn_that_follows_sends_what_is_new_over_the_same_connection(ws: WsServer, talk: Talk) -> None:
    for number in range(3):
        ws.play(*answer(f"Answer {number}.", response_id=f"resp_{number}"))
        await talk.ask(f"Question {number}")
    assert [sent.get("previous_response_id") for sent in ws.received] == [None, "resp_0", "resp_1"]
    assert [words_of(sent) for sent in ws.received] == [["Question 0"], ["Question 1"], ["Question 2"]]
    assert all(sent["instructions"] == "Be brief." for sent in ws.received)
    assert ws.places == [0, 0, 0]


async def test_what_is_large_is_written_beside_the_loop_also_where_only_it_is_sent(
    ws: WsServer, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []
    encode = OpenAIResponsesWebSocket.encode

    def watched(protocol: OpenAIResponsesWebSocket, request: ChatRequest, quirks: Quirks) -> WireRequest:
        if is_large(request):
            threads.append(threading.current_thread())
        return encode(protocol, request, quirks)

    monkeypatch.setattr(OpenAIResponsesWebSocket, "encode", watched)
    for number in range(2):
        ws.play(*answer("Yes.", response_id=f"resp_{number}"))
    await talk.ask("Short")
    await talk.ask("x" * (LARGE_CHARS + 1))
    assert ws.received[1]["previous_response_id"] == "resp_0"
    assert len(threads) == 2
    assert threading.main_thread() not in threads


@pytest.mark.parametrize("name", streams_of("openai-responses"))
async def test_every_stream_is_what_it_is_over_http(ws: WsServer, talk: Talk, name: str) -> None:
    stream = stream_bytes(name)
    ws.play(*messages_of(stream), Close())
    events = [event for event in await talk.ask() if not isinstance(event, Connected)]
    expected = played(stream, "openai-responses")
    assert events[:-1] == expected[:-1]
    if isinstance(last := expected[-1], Failed):
        assert isinstance(events[-1], Failed)
        assert events[-1].fault.kind is last.fault.kind
    else:
        assert events[-1] == last


async def test_what_one_read_brings_is_one_arrival_at_one_time(
    ws: WsServer, talk: Talk, clock: ManualClock
) -> None:
    gate = asyncio.Event()
    ws.play(Batch([created(), delta("a"), delta("b"), delta("c")]), gate, completed(text="abc"))
    stream = talk.provider.stream(talk.request("Hello"))
    await anext(stream)
    clock.advance(1.5)
    first = await anext(stream)
    clock.advance(2.0)
    gate.set()
    second = await anext(stream)
    await stream.aclose()
    assert text_of(list(first.events)) == "abc"
    assert first.at_s in (1000.0, 1001.5)
    assert second.at_s == 1003.5
    assert isinstance(second.events[-1], Finished)


async def test_a_message_in_many_frames_is_one(ws: WsServer, talk: Talk) -> None:
    whole = '{"type":"response.output_text.delta","item_id":"msg_1","content_index":0,"delta":"Grüße"}'
    ws.play(created(), Fragments([whole[:10], whole[10:80], whole[80:]]), Ping(), b"[1]", completed(text="Grüße"))
    events = await talk.ask()
    assert text_of(events) == "Grüße"
    assert Ignored("event that is no object") in events


async def test_pings_are_answered_while_nothing_is_asked(ws: WsServer, talk: Talk) -> None:
    ws.play(*answer("Yes."))
    await talk.ask()
    pong = await ws.connections[0].ping()
    await asyncio.wait_for(pong, 5)


async def test_what_comes_between_turns_belongs_to_none(ws: WsServer, talk: Talk) -> None:
    ws.play(*answer("One."))
    await talk.ask("First")
    await ws.connections[0].send('{"type":"response.output_text.delta","item_id":"x","delta":"Stray."}')
    await ws.connections[0].send('{"type":"response.completed","response":{"id":"resp_x","status":"completed"}}')
    await asyncio.wait_for(await ws.connections[0].ping(), 5)
    ws.play(*answer("Two.", response_id="resp_2"))
    assert text_of(await talk.ask("Second")) == "Two."
    assert ws.received[1]["previous_response_id"] == "resp_1"
    assert ws.places == [0, 0]


async def test_nothing_of_it_is_logged(ws: WsServer, talk: Talk, caplog: pytest.LogCaptureFixture) -> None:
    ws.play(*answer("A secret answer."))
    with caplog.at_level(logging.DEBUG):
        await talk.ask("A secret question")
    own = [record for record in caplog.records if not record.name.startswith(("websockets.server", "asyncio"))]
    assert own == []


async def test_the_models_are_listed_over_plain_http(ws: WsServer, talk: Talk) -> None:
    ws.refusals.append((200, {"Content-Type": "application/json"}, b'{"data": [{"id": "a"}, {"id": "b"}]}'))
    assert [model.id for model in await talk.provider.list_models()] == ["mine/a", "mine/b"]
    request = ws.requests[0]
    assert request.path == "/v1/models"
    assert "Upgrade" not in request.headers
    assert request.headers["Authorization"] == f"Bearer {KEY}"


# -- when everything is sent ---------------------------------------------------------------------


@pytest.mark.parametrize("change", ["edit", "retry", "rewritten", "model", "system", "fork"])
async def test_whatever_the_server_does_not_know_exactly_is_sent_whole(
    ws: WsServer, talk: Talk, change: str
) -> None:
    ws.play(*answer("One."))
    ws.play(*answer("Two.", response_id="resp_2"))
    ws.play(*answer("Three.", response_id="resp_3"))
    await talk.ask("First")
    await talk.ask("Second")
    expected = ["First", "One.", "Second", "Two.", "Third"]
    match change:
        case "edit":
            talk.messages[2] = replace(talk.messages[2], parts=(TextPart("Other"),))
            expected[2] = "Other"
        case "rewritten":
            talk.messages[3] = replace(talk.messages[3], parts=(TextPart("Mine."),))
            expected[3] = "Mine."
        case "retry":
            del talk.messages[2:]
            expected = ["First", "One.", "Third"]
        case "fork":
            del talk.messages[1:]
            talk.messages.clear()
            expected = ["Third"]
        case "model":
            talk.model = "other"
        case _:
            talk.system = "Be long."
    await talk.ask("Third")
    assert "previous_response_id" not in ws.received[2]
    assert words_of(ws.received[2]) == expected
    assert ws.places == [0, 0, 0]
    ws.play(*answer("Four."))
    await talk.ask("Fourth")
    assert ws.received[3]["previous_response_id"] == "resp_3"


async def test_an_answer_that_is_not_complete_is_not_built_upon(ws: WsServer, talk: Talk) -> None:
    cut = {"type": "response.incomplete", "response": {"id": "resp_1", "status": "incomplete"}}
    ws.play(created(), delta("Once"), cut)
    ws.play(*answer("Yes."))
    await talk.ask("First")
    await talk.ask("Second")
    assert "previous_response_id" not in ws.received[1]
    assert words_of(ws.received[1]) == ["First", "Once", "Second"]
    assert ws.places == [0, 0]


async def test_two_conversations_at_once_have_a_connection_each(ws: WsServer, talk: Talk) -> None:
    gate = asyncio.Event()
    ws.play(created("resp_a"), gate, delta("A"), completed("resp_a", "A"))
    ws.play(*answer("B", response_id="resp_b"))
    other = Talk(talk.provider)
    first = asyncio.create_task(talk.ask("a"))
    await wait_until(lambda: len(ws.received) == 1)
    await other.ask("b")
    gate.set()
    await first
    assert ws.places == [0, 1]
    ws.play(*answer("A2"))
    ws.play(*answer("B2"))
    await other.ask("b2")
    await talk.ask("a2")
    assert ws.places == [0, 1, 1, 0]
    assert [sent.get("previous_response_id") for sent in ws.received[2:]] == ["resp_b", "resp_a"]


# -- asked again by itself -----------------------------------------------------------------------


async def test_a_response_that_is_forgotten_is_asked_for_in_full_once(ws: WsServer, talk: Talk) -> None:
    ws.play(*answer("One."))
    ws.play(error("previous_response_not_found", param="previous_response_id"))
    ws.play(*answer("Two."))
    await talk.ask("First")
    events = await talk.ask("Second")
    assert text_of(events) == "Two."
    assert [type(event) for event in events[:1]] == [Connected]
    assert [words_of(sent) for sent in ws.received] == [["First"], ["Second"], ["First", "One.", "Second"]]
    assert ws.places == [0, 0, 0]


async def test_a_response_that_nobody_asked_for_cannot_be_forgotten(ws: WsServer, talk: Talk) -> None:
    ws.play(error("previous_response_not_found"))
    fault = await talk.fault()
    assert (fault.kind, fault.status, fault.is_retryable) == (FaultKind.REQUEST, 400, False)
    assert len(ws.received) == 1


async def test_a_connection_that_is_used_up_is_replaced(ws: WsServer, talk: Talk) -> None:
    ws.play(*answer("One."))
    ws.play(error("websocket_connection_limit_reached"))
    ws.play(*answer("Two."))
    await talk.ask("First")
    events = await talk.ask("Second")
    assert text_of(events) == "Two."
    assert RECONNECTING in events
    assert ws.places == [0, 0, 1]
    assert words_of(ws.received[2]) == ["First", "One.", "Second"]
    await wait_until(lambda: ws.has_lost(0))


async def test_limits_that_do_not_end_are_told(ws: WsServer, talk: Talk) -> None:
    ws.play(*answer("One."))
    for _ in range(3):
        ws.play(error("websocket_connection_limit_reached"))
    await talk.ask("First")
    fault = await talk.fault("Second")
    assert fault.code == "websocket_connection_limit_reached"
    assert len(ws.received) == 3


async def test_after_the_first_word_nothing_is_asked_again(ws: WsServer, talk: Talk) -> None:
    ws.play(*answer("One."))
    ws.play(created(), delta("Tw"), error("websocket_connection_limit_reached"))
    await talk.ask("First")
    events = await talk.ask("Second")
    assert text_of(events) == "Tw"
    assert isinstance(events[-1], Failed)
    assert len(ws.received) == 2


async def test_a_connection_that_is_nearly_an_hour_old_is_replaced(
    ws: WsServer, talk: Talk, clock: ManualClock
) -> None:
    for _ in range(3):
        ws.play(*answer("Yes."))
    await talk.ask("First")
    clock.advance(54 * 60)
    await talk.ask("Second")
    clock.advance(2 * 60)
    events = await talk.ask("Third")
    assert isinstance(events[-1], Finished)
    assert ws.places == [0, 0, 1]
    assert words_of(ws.received[2])[0] == "First"
    await wait_until(lambda: ws.has_lost(0))
    assert ws.connections[0].close_code == 1000


@pytest.mark.parametrize("leaving", [Close(1001, "bye"), Drop(), Drop(is_reset=True)])
async def test_a_connection_that_the_server_has_closed_is_replaced(
    ws: WsServer, talk: Talk, leaving: Close | Drop
) -> None:
    ws.play(*answer("One."), leaving)
    ws.play(*answer("Two."))
    await talk.ask("First")
    await wait_until(lambda: ws.has_lost(0))
    events = await talk.ask("Second")
    assert text_of(events) == "Two."
    assert ws.places == [0, 1]
    assert words_of(ws.received[1]) == ["First", "One.", "Second"]


@pytest.mark.parametrize("leaving", [Close(1012), Drop(), Drop(is_reset=True)])
async def test_a_connection_that_closes_on_the_question_is_replaced(
    ws: WsServer, talk: Talk, leaving: Close | Drop
) -> None:
    ws.play(*answer("One."))
    ws.play(leaving)
    ws.play(*answer("Two."))
    await talk.ask("First")
    events = await talk.ask("Second")
    assert text_of(events) == "Two."
    assert RECONNECTING in events
    assert ws.places == [0, 0, 1]
    assert words_of(ws.received[2]) == ["First", "One.", "Second"]


async def test_a_connection_that_was_quiet_is_asked_for_a_sign_of_life(
    ws: WsServer, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        ws.play(*answer("Yes."))
    monkeypatch.setattr(websocket, "QUIET_S", -1.0)
    await talk.ask("First")
    await talk.ask("Second")
    assert ws.places == [0, 0]
    ws.connections[0].transport.pause_reading()  # what a dead line looks like: no answer, and no end
    monkeypatch.setattr(websocket, "PONG_LIMIT_S", 0.05)
    await talk.ask("Third")
    assert ws.places == [0, 0, 1]


# -- encrypted -----------------------------------------------------------------------------------


async def test_all_of_it_over_tls(
    clock: ManualClock, context: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    async with WsServer(context) as secure:
        provider = make(secure.base_url, clock)
        talk = Talk(provider)
        words = "word " * 40_000
        for number in range(2):
            secure.play(Ping(), *answer(words, response_id=f"resp_{number}"))
            assert text_of(await talk.ask(words)) == words
        await provider.aclose()
        await wait_until(lambda: secure.has_lost(0))
        assert secure.connections[0].close_code == 1000
    assert secure.received[1]["previous_response_id"] == "resp_0"
    assert secure.places == [0, 0]


# -- stopping ------------------------------------------------------------------------------------


async def test_leaving_closes_the_connection_and_the_next_turn_has_another(ws: WsServer, talk: Talk) -> None:
    ws.play(*answer("One."))
    await talk.ask("First")
    never = asyncio.Event()
    ws.play(created("resp_2"), delta("Tw"), never)
    stream = talk.provider.stream(talk.request("Second"))
    seen = ""
    while not seen:
        seen = text_of(list((await anext(stream)).events))
    assert not ws.has_lost(0)
    await stream.aclose()
    await wait_until(lambda: ws.has_lost(0), what="the server to see the end")
    ws.play(*answer("Three."))
    await talk.ask("Third")
    assert ws.places == [0, 0, 1]
    assert "previous_response_id" not in ws.received[2]


async def test_cancelling_the_task_closes_the_connection_before_any_answer(ws: WsServer, talk: Talk) -> None:
    ws.play(asyncio.Event())
    task = asyncio.create_task(talk.ask())
    await wait_until(lambda: ws.received)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await wait_until(lambda: ws.has_lost(0))


async def test_closing_the_provider_says_good_bye_and_leaves_nothing(ws: WsServer, clock: ManualClock) -> None:
    provider = make(ws.base_url, clock)
    ws.play(*answer("One."))
    await Talk(provider).ask()
    before = asyncio.all_tasks()
    await provider.aclose()
    await wait_until(lambda: ws.has_lost(0))
    assert ws.connections[0].close_code == 1000
    left = {task.get_name() for task in asyncio.all_tasks() & before}
    assert "http-exchange" not in left
