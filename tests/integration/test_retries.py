"""What is asked again, and after how long: turns against a real socket, their waits counted instead of waited."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from chat_tui.core.conversation import Ending, Part
from chat_tui.core.errors import FaultKind
from chat_tui.core.outcome import Outcome
from chat_tui.providers import reception
from chat_tui.providers.http import HttpProvider
from chat_tui.session.turn_kind import TurnKind
from chat_tui.session.turn_runner import TurnRunner
from tests.support.clock import ManualClock
from tests.support.http_case import REQUEST, make
from tests.support.sse_server import (
    CLOSE,
    RESET,
    Reply,
    SseServer,
    answer,
    delta,
    head,
    json_response,
    reply,
    response,
    sse,
)
from tests.unit.providers.test_retry import NOW_S, WISHES

TRIES = 3
BACKOFF_S = (0.5, 1.0)


class Case(NamedTuple):
    """A response and whether the same question is asked again after it."""

    status: int
    body: object
    is_retried: bool
    kind: FaultKind


def error(message: str, **fields: object) -> dict[str, object]:
    return {"error": {"message": message, **fields}}


CASES = {
    "307": Case(307, "", False, FaultKind.REQUEST),
    "400": Case(400, error("Bad request"), False, FaultKind.REQUEST),
    "401": Case(401, error("Who?"), False, FaultKind.AUTH),
    "402": Case(402, error("Pay"), False, FaultKind.QUOTA),
    "403": Case(403, error("No"), False, FaultKind.AUTH),
    "404": Case(404, error("No such model"), False, FaultKind.NOT_FOUND),
    "408": Case(408, error("Late"), True, FaultKind.TIMEOUT),
    "409": Case(409, error("Conflict"), True, FaultKind.REQUEST),
    "413": Case(413, error("Too much"), False, FaultKind.CONTEXT),
    "415": Case(415, error("What is this"), False, FaultKind.REQUEST),
    "422": Case(422, {"detail": [{"loc": ["body"], "msg": "odd"}]}, False, FaultKind.REQUEST),
    "429 rate": Case(429, error("Slow", code="rate_limit_exceeded"), True, FaultKind.RATE_LIMIT),
    "429 quota": Case(429, error("Pay", code="insufficient_quota"), False, FaultKind.QUOTA),
    "429 credit": Case(429, error("Pay", code="credit_balance_exhausted"), False, FaultKind.QUOTA),
    "429 per day": Case(
        429, error("Done", details=[{"violations": [{"quotaId": "RequestsPerDay"}]}]), False, FaultKind.QUOTA
    ),
    "498": Case(498, error("No capacity"), True, FaultKind.OVERLOADED),
    "500": Case(500, error("Sorry"), True, FaultKind.SERVER),
    "500 for ever": Case(500, error("image input is not supported"), False, FaultKind.SERVER),
    "501": Case(501, error("Never"), False, FaultKind.SERVER),
    "502": Case(502, "<html><title>Bad gateway</title>", True, FaultKind.SERVER),
    "503": Case(503, "", True, FaultKind.OVERLOADED),
    "504": Case(504, "", True, FaultKind.TIMEOUT),
    "520": Case(520, "", True, FaultKind.SERVER),
    "524": Case(524, "", True, FaultKind.TIMEOUT),
    "529": Case(529, error("Overloaded", type="overloaded_error"), True, FaultKind.OVERLOADED),
}
SHOULD_RETRY = {"true": True, "TRUE": True, " true ": True, "false": False, "False": False, "yes": None, "1": None}
DECIDED = (FaultKind.AUTH, FaultKind.QUOTA)
"""Asking again with the same key and the same account cannot help, whatever a server says."""


class Turn(NamedTuple):
    """What became of a question."""

    ending: Ending
    waits_s: list[float]
    text: str


async def turn(provider: HttpProvider) -> Turn:
    waits_s: list[float] = []
    texts: list[str] = []

    async def sleep(seconds: float) -> None:
        waits_s.append(seconds)

    def keep(runner: TurnRunner, parts: tuple[Part, ...], ending: Ending) -> Ending:
        texts.append(runner.state.text)
        return ending

    runner = TurnRunner(
        provider,
        REQUEST,
        kind=TurnKind.ASK,
        message_id=1,
        prompt="",
        clock=ManualClock(),
        on_settled=keep,
        jitter=lambda: 1.0,
        sleep=sleep,
    )
    return Turn(await runner.run(), waits_s, texts[0])


def played(case: Case, headers: dict[str, str]) -> Reply:
    body = case.body if isinstance(case.body, str) else json.dumps(case.body)
    # what is no Latin-1 comes as the bytes that a careless server would send
    sent = [(name, value.encode().decode("latin-1")) for name, value in headers.items()]
    return response(body.encode(), status=case.status, content_type="application/json", headers=sent)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of day that dates in headers are compared with."""
    monkeypatch.setattr(reception, "time", SimpleNamespace(time=lambda: NOW_S))


def test_the_table_is_as_large_as_it_should_be() -> None:
    assert len({tuple(headers.items()) for headers, _ in WISHES}) >= 40
    assert len(CASES) >= 20


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_requests_sent_for_every_form_of_the_wish(
    server: SseServer, provider: HttpProvider, case: Case
) -> None:
    for headers, wish_s in WISHES:
        server.requests.clear()
        server.play(played(case, headers))
        ending, waits_s, _ = await turn(provider)
        is_too_long = wish_s is not None and wish_s > 60
        expected_s = [max(wish_s or 0.0, backoff_s) for backoff_s in BACKOFF_S]
        if not case.is_retried or is_too_long:
            expected_s = []
        assert len(server.requests) == 1 + len(expected_s), headers
        assert waits_s == expected_s, headers
        assert ending.fault is not None
        assert ending.fault.kind is case.kind
        if wish_s is not None:
            assert ending.fault.retry_after_s == wish_s
        if is_too_long and case.kind is FaultKind.RATE_LIMIT:
            assert "It wants to be asked again in" in ending.fault.hint


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_requests_sent_for_what_the_server_says_about_retries(
    server: SseServer, provider: HttpProvider, case: Case
) -> None:
    for value, wish in SHOULD_RETRY.items():
        server.requests.clear()
        server.play(played(case, {"x-should-retry": value}))
        await turn(provider)
        is_retried = case.is_retried if wish is None or case.kind in DECIDED or case.status < 400 else wish
        assert len(server.requests) == (TRIES if is_retried else 1), value


OVERLOADED = sse(error("Busy", type="overloaded_error"))
STREAMS: dict[str, tuple[Reply, int]] = {
    "error before the first token": (response(OVERLOADED), TRIES),
    "error behind an empty delta": (response(sse(delta(role="assistant", content="")) + OVERLOADED), TRIES),
    "rate limit in the stream": (response(sse(error("Slow", code=429))), TRIES),
    "quota in the stream": (response(sse(error("Pay", code="insufficient_quota"))), 1),
    "wrong key in the stream": (response(sse(error("Who?", code="invalid_api_key"))), 1),
    "error behind a token": (response(sse(delta("Hi")) + OVERLOADED), 1),
    "error behind a thought": (response(sse(delta(reasoning_content="Hm")) + OVERLOADED), 1),
    "error behind a call": (
        response(sse(delta(tool_calls=[{"index": 0, "id": "a", "function": {"name": "f"}}])) + OVERLOADED), 1,
    ),
    "cut before the first token": (reply(head(), CLOSE), TRIES),
    "cut behind a token": (reply(head() + sse(delta("Hi")), CLOSE), 1),
    "reset before the first token": (reply(head(), RESET), TRIES),
    "reset behind a token": (reply(head() + sse(delta("Hi")), RESET), 1),
    "closed without an answer": (reply(CLOSE), TRIES),
    "reset without an answer": (reply(RESET), TRIES),
    "filtered": (response(sse(delta(finish="content_filter"))), 1),
    "empty and done": (response(sse(delta(finish="stop")) + sse("[DONE]")), 1),
    "a web page": (response(b"<html>", content_type="text/html"), 1),
    "an error as a whole": (json_response(error("Busy", type="overloaded_error")), TRIES),
}  # fmt: skip


@pytest.mark.parametrize(("script", "count"), STREAMS.values(), ids=STREAMS)
async def test_requests_sent_for_what_a_stream_brings(
    server: SseServer, provider: HttpProvider, script: Reply, count: int
) -> None:
    server.play(script)
    _, waits_s, text = await turn(provider)
    assert len(server.requests) == count
    assert len(waits_s) == count - 1
    assert text in ("", "Hi")


async def test_a_second_try_that_answers_is_the_answer(server: SseServer, provider: HttpProvider) -> None:
    server.play(json_response(error("Busy"), 503), reply(CLOSE), answer("Good ", "day."))
    ending, waits_s, text = await turn(provider)
    assert (ending.outcome, text, waits_s) == (Outcome.COMPLETE, "Good day.", list(BACKOFF_S))


async def test_nobody_listens() -> None:
    async with SseServer() as server:
        provider = make(server, ManualClock())
    ending, waits_s, _ = await turn(provider)  # it has gone
    await provider.aclose()
    assert len(waits_s) == TRIES - 1
    assert ending.fault is not None
    assert ending.fault.kind is FaultKind.NETWORK
    assert "refused the connection" in ending.fault.message


async def test_a_refused_setting_is_left_out_at_the_second_try(server: SseServer, provider: HttpProvider) -> None:
    server.play(json_response(error("Unknown field: stream_options", param="stream_options"), 400), answer("Hi"))
    ending, waits_s, text = await turn(provider)
    assert (ending.outcome, text, len(waits_s)) == (Outcome.COMPLETE, "Hi", 1)
    assert "stream_options" not in server.requests[1].json
