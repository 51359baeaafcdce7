"""Sentences for failures: whom, what, and what to do; never a key, never a control character."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_tui.core.errors import DETAIL_CHARS, EXCERPT_CHARS, Fault, FaultKind
from chat_tui.providers.credentials import Redactor
from chat_tui.providers.faults import (
    Cause,
    Origin,
    fault_of_cause,
    fault_of_media_type,
    fault_of_status,
    is_about_field,
    request_id_of,
    silence_fault,
    stray_fault,
)

KEY = "sk-canary-0123456789abcdef"
ORIGIN = Origin("api.example.com", "MINE_KEY", "[providers.mine]", redactor=Redactor([KEY]))
NOW_S = 1_781_525_760.0


def of_status(status: int, body: str = "", headers: dict[str, str] | None = None, origin: Origin = ORIGIN) -> Fault:
    return fault_of_status(
        status, headers or {}, body, origin, url="https://api.example.com/v1/chat/completions", now_s=NOW_S
    )


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_has_a_sentence_about_the_host(cause: Cause) -> None:
    fault = fault_of_cause(cause, ORIGIN, "what")
    assert fault.message.endswith(".")
    assert "{" not in fault.sentence
    assert fault.title == fault.title.lower()
    assert cause is Cause.PROXY_SETTING or "api.example.com" in fault.message


def test_hints_fit_the_situation() -> None:
    assert fault_of_cause(Cause.REFUSED, Origin("127.0.0.1:11434", is_local=True)).hint == "Is the server running?"
    ollama = Origin("127.0.0.1:11434", is_local=True, start_command="ollama serve")
    assert fault_of_cause(Cause.REFUSED, ollama).hint.endswith("Start it with `ollama serve`.")
    assert "base_url of [providers.mine]" in fault_of_cause(Cause.REFUSED, ORIGIN).hint
    assert "base_url of [providers.mine]" in fault_of_cause(Cause.NO_HOST, ORIGIN).hint
    assert "HTTPS_PROXY" in fault_of_cause(Cause.UNREACHABLE, ORIGIN).hint
    assert "MINE_KEY" in fault_of_cause(Cause.HEADER, ORIGIN).hint
    assert fault_of_cause(Cause.HEADER, Origin("x")).hint == "Check the key and the headers."


def test_the_refused_key_is_named_by_its_variable() -> None:
    fault = of_status(401, '{"error": {"message": "Incorrect API key provided."}}')
    assert fault.message == (
        "401 from api.example.com: the key in MINE_KEY was refused. It says: “Incorrect API key provided.”"
    )
    assert fault.hint == "Check MINE_KEY: set it anew and start again."
    assert of_status(401, origin=Origin("x", section="[providers.x]")).hint.endswith("in [providers.x].")
    assert of_status(403, origin=Origin("x")).hint == ""
    assert "What MINE_KEY may do" in of_status(403).hint
    wrong = of_status(
        400, '{"error": {"code": 400, "message": "Bad.", "details": [{"reason": "API_KEY_INVALID"}]}}'
    )
    assert wrong.message == "400 from api.example.com: the key in MINE_KEY was refused. It says: “Bad.”"


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ("0.5", "Wait a little and ask again."),
        ("59", "in 59 s."),
        ("61.5", "in 62 s."),
        ("120", "in 2 min."),
        ("3599", "in 60 min."),
        ("7201", "in 3 h."),
        ("999999", "in 12 days."),
    ],
)
def test_how_long_it_wants_to_be_left_alone(wish: str, said: str) -> None:
    assert of_status(429, headers={"retry-after": wish}).hint.endswith(said)


@pytest.mark.parametrize(
    ("body", "setting"),
    [
        ('{"error": {"message": "Must be at most 2.", "param": "temperature"}}', "temperature"),
        ('{"error": {"message": "max_tokens: 99 > 8, which is the most this model can write"}}', "max_tokens"),
        ('{"error": {"message": "reasoning.effort has to be low or high"}}', "reasoning_effort"),
        ('{"error": {"message": "The stop sequences are too many", "param": "stop"}}', "stop"),
        ('{"error": {"message": "messages.1: thinking blocks cannot be changed; stop that"}}', ""),
        ('{"error": {"message": "Unstoppable", "param": "messages"}}', ""),
        ('{"error": {"message": "The temperature of messages", "param": "messages"}}', ""),
    ],
)
def test_a_refused_value_is_named_by_its_setting(body: str, setting: str) -> None:
    hint = of_status(400, body).hint
    assert hint == (f"Look at {setting} in [generation] of the configuration." if setting else "")


def test_where_the_address_is_set() -> None:
    origin = Origin("x", section="[providers.x]", address_variable="X_BASE_URL")
    assert of_status(404, origin=origin).hint.endswith("If the name is right, check X_BASE_URL.")
    assert of_status(307, headers={"location": "/y"}, origin=origin).hint.endswith("put it into X_BASE_URL.")
    assert fault_of_cause(Cause.NO_HOST, origin).hint == "Check X_BASE_URL and your network."


def test_hints_name_the_key_the_setting_and_the_flag() -> None:
    for status, named in ((402, "MINE_KEY"), (404, "base_url of [providers.mine]"), (404, "--model"), (413, "F2")):
        assert named in of_status(status).hint
    assert "Another model" in of_status(500, "image input is not supported").hint
    for status in (400, 408, 500, 502, 503, 504, 524, 529):
        assert of_status(status).hint == ("" if status == 400 else "Ask again in a moment.")


ANTHROPIC_429 = '{"type": "error", "error": {"type": "rate_limit_error", "message": "No."}, "request_id": "req_1"}'


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"request-id": "req_1"}, FaultKind.QUOTA),
        ({"anthropic-ratelimit-requests-limit": "5"}, FaultKind.QUOTA),
        ({"request-id": "req_1", "retry-after": "2"}, FaultKind.RATE_LIMIT),
        ({"request-id": "req_1", "x-should-retry": "true"}, FaultKind.RATE_LIMIT),
        ({}, FaultKind.RATE_LIMIT),
    ],
)
def test_a_rate_limit_of_anthropics_without_a_wait_is_a_spend_limit(
    headers: dict[str, str], kind: FaultKind
) -> None:
    fault = of_status(429, ANTHROPIC_429, headers)
    assert (fault.kind, fault.is_retryable) == (kind, kind is FaultKind.RATE_LIMIT)


def test_anthropics_other_429s_are_what_their_cause_says() -> None:
    body = ANTHROPIC_429.replace('"No."', '"No.", "details": {"error_code": "enforced_spend_limit_reached"}')
    assert of_status(429, body, {"request-id": "r", "retry-after": "9"}).kind is FaultKind.QUOTA
    body = body.replace("enforced_spend_limit_reached", "ramp_limit_exceeded")
    assert of_status(429, body, {"request-id": "r"}).kind is FaultKind.RATE_LIMIT


def test_a_key_split_by_what_cleaning_removes_is_found() -> None:
    fault = of_status(400, f"wrong: {KEY[:10]}\x07{KEY[10:]} and {KEY[:9]}\n{KEY[9:]}")
    assert KEY not in fault.message
    assert KEY not in fault.detail


def test_a_key_at_the_cut_is_not_shown_in_part() -> None:
    for padding in range(EXCERPT_CHARS - len(KEY) - 3, EXCERPT_CHARS + 3):
        assert KEY[:12] not in of_status(400, "x" * padding + KEY).message


def test_a_redirect_that_leads_nowhere() -> None:
    fault = of_status(302, headers={"location": "http://[::1"})
    assert fault.message == "302 from api.example.com: it redirects, and redirects are not followed."


@given(st.integers(min_value=201, max_value=599), st.text(), st.text(max_size=30), st.text(max_size=30))
def test_any_response_gives_clean_bounded_texts(status: int, body: str, location: str, wish: str) -> None:
    headers = {"location": location, "retry-after": wish, "x-request-id": wish, "x-should-retry": wish}
    fault = of_status(status, body + KEY, headers)
    for text in (fault.title, fault.message, fault.hint, fault.code, fault.request_id, fault.detail):
        assert KEY not in text
        assert not {unicodedata.category(char) for char in text} & {"Cc", "Cs", "Zl", "Zp"}
        assert len(text) <= DETAIL_CHARS
    assert fault.status == status


def test_the_header_says_before_the_body_how_long_to_wait() -> None:
    body = '{"error": {"code": 429, "message": "Slow", "details": [{"retryDelay": "34s"}]}}'
    assert of_status(429, body).retry_after_s == 34.0
    assert of_status(429, body, {"retry-after": "0"}).retry_after_s == 0.0
    assert of_status(429).retry_after_s is None


def test_the_server_is_quoted_in_faults_of_the_stream() -> None:
    fault = ORIGIN.presentable(Fault(FaultKind.OVERLOADED, "server overloaded", f"Busy\x1b[2J with {KEY}"))
    assert fault.message.startswith("api.example.com reported an error: “Busy")
    assert "‹key removed›" in fault.message
    assert fault.hint == "Ask again in a moment."
    own = ORIGIN.presentable(Fault(FaultKind.CUT, "connection lost", "The connection ended."))
    assert own.message == "The connection ended."


def test_silence_names_the_limit_that_was_passed() -> None:
    waiting = silence_fault(ORIGIN, 300.0, has_token=False, is_alive=True)
    assert waiting.message == "api.example.com sent no token for 300 s, only signs of life."
    assert waiting.hint == "The limit is first_token_timeout_s of [providers.mine]."
    assert waiting.is_retryable
    stalled = silence_fault(Origin("x"), 0.5, has_token=True, is_alive=False)
    assert stalled.sentence == "x sent no further token for 0.5 s. The limit is idle_timeout_s."
    assert not stalled.is_retryable


@pytest.mark.parametrize(
    ("media_type", "body", "sentence"),
    [
        ("text/html", "<title>Welcome</title>", "answered with a web page instead of a stream: “Welcome”."),
        ("", "<html>", "answered with a web page instead of a stream."),
        ("text/csv", "a,b", "answered with “text/csv” instead of a stream: “a,b”."),
        ("x\x1b[2J", "", "instead of a stream."),
        ("", "words", "answered with something else instead of a stream: “words”."),
    ],
)
def test_bodies_of_another_type(media_type: str, body: str, sentence: str) -> None:
    fault = fault_of_media_type(media_type, body, ORIGIN)
    assert sentence in fault.message
    assert "\x1b" not in fault.message


def test_fields_that_a_server_refuses() -> None:
    assert is_about_field(
        of_status(400, '{"error": {"message": "no", "param": "stream_options"}}'), "stream_options"
    )
    assert is_about_field(of_status(422, "stream_options: extra"), "stream_options")
    assert not is_about_field(of_status(500, "stream_options"), "stream_options")
    assert not is_about_field(of_status(400, "temperature"), "stream_options")


def test_an_error_between_the_events() -> None:
    fault = stray_fault('{"error": {"message": "Overloaded.", "type": "overloaded_error"}}', ORIGIN)
    assert fault is not None
    assert (fault.kind, fault.is_retryable) == (FaultKind.OVERLOADED, True)
    assert stray_fault("{}", ORIGIN) is None


def test_the_first_known_request_id() -> None:
    assert request_id_of({"cf-ray": "b", "request-id": "a"}, ORIGIN) == "a"
    assert request_id_of({}, ORIGIN) == ""
