"""Every shape in which servers report errors, and what each means for a person."""

from __future__ import annotations

import json

import pytest

from chat_tui.core.errors import EXCERPT_CHARS, FaultKind
from chat_tui.wire.error_bodies import (
    MESSAGE_CHARS,
    ErrorBody,
    classify,
    effective_status,
    fault_of,
    is_retryable,
    read_error,
    title_of,
)

# what it is, status (None: inside a stream), body, message, kind, whether a retry may help
BODIES: list[tuple[str, int | None, object, str, FaultKind, bool]] = [
    ("OpenAI key", 401, {"error": {"message": "Incorrect API key provided: sk-…abcd.", "param": None,
        "type": "invalid_request_error", "code": "invalid_api_key"}},
        "Incorrect API key provided: sk-…abcd.", FaultKind.AUTH, False),
    ("OpenAI country", 403, {"error": {"message": "Country not supported",
        "code": "unsupported_country_region_territory"}}, "Country not supported", FaultKind.AUTH, False),
    ("OpenAI quota", 429, {"error": {"message": "You exceeded your current quota, please check your plan and "
        "billing details.", "type": "insufficient_quota", "code": "insufficient_quota"}},
        "You exceeded your current quota, please check your plan and billing details.", FaultKind.QUOTA, False),
    ("OpenAI credits", 429, {"error": {"message": "No balance.", "code": "credit_balance_exhausted"}},
        "No balance.", FaultKind.QUOTA, False),
    ("OpenAI rate", 429, {"error": {"message": "Rate limit reached for m on requests per min.",
        "type": "requests", "code": "rate_limit_exceeded"}},
        "Rate limit reached for m on requests per min.", FaultKind.RATE_LIMIT, True),
    ("OpenAI ramp", 429, {"error": {"message": "Slower.", "type": "rate_limit_error", "code": "slow_down"}},
        "Slower.", FaultKind.RATE_LIMIT, True),
    ("OpenAI context", 400, {"error": {"message": "This model's maximum context length is 8192 tokens.",
        "type": "invalid_request_error", "param": "messages", "code": "context_length_exceeded"}},
        "This model's maximum context length is 8192 tokens.", FaultKind.CONTEXT, False),
    ("OpenAI parameter", 400, {"error": {"message": "Unsupported parameter: 'max_tokens'",
        "type": "invalid_request_error", "param": "max_tokens", "code": "unsupported_parameter"}},
        "Unsupported parameter: 'max_tokens'", FaultKind.REQUEST, False),
    ("OpenAI model", 404, {"error": {"message": "The model `x` does not exist", "code": "model_not_found"}},
        "The model `x` does not exist", FaultKind.NOT_FOUND, False),
    ("OpenAI server", 500, {"error": {"message": "Sorry", "type": "server_error"}}, "Sorry",
        FaultKind.SERVER, True),
    ("OpenAI overloaded", 503, {"error": {"message": "Busy", "type": "service_unavailable_error",
        "code": "server_is_overloaded"}}, "Busy", FaultKind.OVERLOADED, True),
    ("OpenAI in a stream", None, {"error": {"message": "The server had an error while processing your request.",
        "type": "server_error", "param": None, "code": None}},
        "The server had an error while processing your request.", FaultKind.SERVER, True),
    ("OpenRouter upstream", 200, {"error": {"code": 502, "message": "Provider disconnected",
        "metadata": {"error_type": "provider_unavailable", "provider_code": None}}},
        "Provider disconnected", FaultKind.SERVER, True),
    ("OpenRouter credits", 402, {"error": {"code": 402, "message": "This request requires more credits"}},
        "This request requires more credits", FaultKind.QUOTA, False),
    ("OpenRouter moderation", 403, {"error": {"code": 403, "message": "Input was flagged",
        "metadata": {"reasons": ["violence"]}}}, "Input was flagged", FaultKind.REQUEST, False),
    ("OpenRouter raw", 429, {"error": {"code": 429, "message": "Provider returned error",
        "metadata": {"provider_name": "X", "raw": '{"error":{"message":"Too fast"}}'}}},
        "Provider returned error: Too fast", FaultKind.RATE_LIMIT, True),
    ("OpenRouter raw text", 429, {"error": {"code": 429, "message": "Provider returned error",
        "metadata": {"raw": "slow down, please"}}},
        "Provider returned error: slow down, please", FaultKind.RATE_LIMIT, True),
    ("Anthropic overloaded", None, {"type": "error", "error": {"type": "overloaded_error",
        "message": "Overloaded"}, "request_id": "r"}, "Overloaded", FaultKind.OVERLOADED, True),
    ("Anthropic spend cap", 429, {"type": "error", "error": {"type": "rate_limit_error", "message": "Cap.",
        "details": {"error_code": "enforced_spend_limit_reached"}}}, "Cap.", FaultKind.QUOTA, False),
    ("Anthropic prompt", 400, {"type": "error", "error": {"type": "invalid_request_error",
        "message": "prompt is too long: 210000 tokens > 200000 maximum"}},
        "prompt is too long: 210000 tokens > 200000 maximum", FaultKind.CONTEXT, False),
    ("Anthropic credit", 400, {"type": "error", "error": {"type": "invalid_request_error",
        "message": "Your credit balance is too low to access the API."}},
        "Your credit balance is too low to access the API.", FaultKind.QUOTA, False),
    ("Anthropic contract", 429, {"type": "error", "error": {"type": "rate_limit_error", "message": "Cap.",
        "details": {"error_code": "contract_spend_limit_reached"}}}, "Cap.", FaultKind.QUOTA, False),
    ("Anthropic ramp", 429, {"type": "error", "error": {"type": "rate_limit_error", "message": "Slower.",
        "details": {"error_code": "ramp_limit_exceeded"}}}, "Slower.", FaultKind.RATE_LIMIT, True),
    ("Anthropic own limit", 400, {"type": "error", "error": {"type": "invalid_request_error",
        "message": "You have reached your specified API usage limits."}},
        "You have reached your specified API usage limits.", FaultKind.QUOTA, False),
    ("Anthropic prompt and limit", 400, {"type": "error", "error": {"type": "invalid_request_error",
        "message": "input length and `max_tokens` exceed context limit: 190000 + 32000 > 200000"}},
        "input length and `max_tokens` exceed context limit: 190000 + 32000 > 200000", FaultKind.CONTEXT, False),
    ("Anthropic key", 401, {"type": "error", "error": {"type": "authentication_error",
        "message": "invalid x-api-key"}, "request_id": "req_1"}, "invalid x-api-key", FaultKind.AUTH, False),
    ("Anthropic billing", 402, {"type": "error", "error": {"type": "billing_error", "message": "Pay"}}, "Pay",
        FaultKind.QUOTA, False),
    ("Anthropic permission", 403, {"type": "error", "error": {"type": "permission_error", "message": "No"}},
        "No", FaultKind.AUTH, False),
    ("Anthropic model", 404, {"type": "error", "error": {"type": "not_found_error", "message": "model: x"}},
        "model: x", FaultKind.NOT_FOUND, False),
    ("Anthropic conflict", 409, {"type": "error", "error": {"type": "conflict_error", "message": "Again"}},
        "Again", FaultKind.REQUEST, True),
    ("Anthropic prefill", 400, {"type": "error", "error": {"type": "invalid_request_error",
        "message": "This model does not support assistant message prefill."}},
        "This model does not support assistant message prefill.", FaultKind.REQUEST, False),
    ("Anthropic server", 500, {"type": "error", "error": {"type": "api_error", "message": "Internal"}},
        "Internal", FaultKind.SERVER, True),
    ("Anthropic timeout", 504, {"type": "error", "error": {"type": "timeout_error", "message": "Late"}}, "Late",
        FaultKind.TIMEOUT, True),
    ("Anthropic busy", 529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
        "Overloaded", FaultKind.OVERLOADED, True),
    ("Anthropic size", 413, {"type": "error", "error": {"type": "request_too_large", "message": "Too large"}},
        "Too large", FaultKind.CONTEXT, False),
    ("Gemini in a list", 503, [{"error": {"code": 503, "message": "The model is overloaded.",
        "status": "UNAVAILABLE"}}], "The model is overloaded.", FaultKind.OVERLOADED, True),
    ("Gemini key", 400, {"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT",
        "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]}},
        "API key not valid.", FaultKind.AUTH, False),
    ("Gemini per day", 429, {"error": {"code": 429, "message": "You exceeded your current quota.",
        "status": "RESOURCE_EXHAUSTED", "details": [{"violations": [{"quotaId": "RequestsPerDayPerProject"}]}]}},
        "You exceeded your current quota.", FaultKind.QUOTA, False),
    ("Gemini per minute", 429, {"error": {"code": 429, "message": "You exceeded your current quota, please "
        "check your plan and billing details.", "status": "RESOURCE_EXHAUSTED",
        "details": [{"violations": [{}]}, {"violations": [{"quotaId": "RequestsPerMinutePerProject"}]}]}},
        "You exceeded your current quota, please check your plan and billing details.",
        FaultKind.RATE_LIMIT, True),
    ("Gemini per minute and per day", 429, {"error": {"code": 429, "message": "You exceeded your current quota.",
        "status": "RESOURCE_EXHAUSTED", "details": [{"violations": [{"quotaId": "RequestsPerMinutePerProject"},
        {"quotaId": "RequestsPerDayPerProject"}]}, {"retryDelay": "34s"}]}},
        "You exceeded your current quota.", FaultKind.QUOTA, False),
    ("Gemini without money", 402, {"error": {"code": 402, "message": "No funds", "status": "FAILED_PRECONDITION"}},
        "No funds", FaultKind.QUOTA, False),
    ("Gemini region", 400, {"error": {"code": 400, "message": "User location is not supported.",
        "status": "FAILED_PRECONDITION"}}, "User location is not supported.", FaultKind.REQUEST, False),
    ("Gemini permission", 403, {"error": {"code": 403, "message": "No", "status": "PERMISSION_DENIED"}}, "No",
        FaultKind.AUTH, False),
    ("Gemini model", 404, {"error": {"code": 404, "message": "models/x is not found", "status": "NOT_FOUND"}},
        "models/x is not found", FaultKind.NOT_FOUND, False),
    ("Gemini cancelled", 499, {"error": {"code": 499, "message": "Gone", "status": "CANCELLED"}}, "Gone",
        FaultKind.REQUEST, False),
    ("Gemini internal", 500, {"error": {"code": 500, "message": "Internal", "status": "INTERNAL"}}, "Internal",
        FaultKind.SERVER, True),
    ("Gemini deadline", 504, {"error": {"code": 504, "message": "Late", "status": "DEADLINE_EXCEEDED"}}, "Late",
        FaultKind.TIMEOUT, True),
    ("Interactions request", 400, {"error": {"code": "invalid_request", "message": "Bad"}}, "Bad",
        FaultKind.REQUEST, False),
    ("Interactions parameter", None, {"error": {"code": "parameter_unknown", "message": "Bad"}}, "Bad",
        FaultKind.REQUEST, False),
    ("Interactions request in a stream", None, {"error": {"code": "invalid_request", "message": "Bad"}}, "Bad",
        FaultKind.REQUEST, False),
    ("Interactions precondition", None, {"error": {"code": "failed_precondition", "message": "Bad"}}, "Bad",
        FaultKind.REQUEST, False),
    ("Interactions key", 401, {"error": {"code": "authentication", "message": "Bad"}}, "Bad",
        FaultKind.AUTH, False),
    ("Interactions model", 404, {"error": {"code": "model_not_found", "message": "Bad"}}, "Bad",
        FaultKind.NOT_FOUND, False),
    ("Interactions rate", 429, {"error": {"code": "rate_limit_exceeded", "message": "Slow"}}, "Slow",
        FaultKind.RATE_LIMIT, True),
    ("Interactions rate of a stream", None, {"error": {"code": "rate_limit_exceeded",
        "message": "Too many tokens"}},
        "Too many tokens", FaultKind.RATE_LIMIT, True),
    ("Interactions per day", 429, {"error": {"code": "quota_exceeded", "message": "Done for today"}},
        "Done for today", FaultKind.QUOTA, False),
    ("Interactions timeout", None, {"error": {"code": "gateway_timeout", "message": "Late"}}, "Late",
        FaultKind.TIMEOUT, True),
    ("Ollama", 404, {"error": "model 'x' not found"}, "model 'x' not found", FaultKind.NOT_FOUND, False),
    ("xAI", 400, {"code": "Client specified an invalid argument", "error": "Unknown field"}, "Unknown field",
        FaultKind.REQUEST, False),
    ("xAI key", 400, {"code": "Client specified an invalid argument", "error": "Incorrect API key provided"},
        "Incorrect API key provided", FaultKind.AUTH, False),
    ("Mistral", 400, {"object": "error", "message": "Bad role", "type": "invalid_request_error",
        "param": None, "code": None}, "Bad role", FaultKind.REQUEST, False),
    ("Mistral key", 401, {"message": "Unauthorized", "request_id": "r"}, "Unauthorized", FaultKind.AUTH, False),
    ("old vLLM", 400, {"object": "error", "message": "This model's maximum context length is 2048 tokens.",
        "type": "BadRequestError", "code": 400}, "This model's maximum context length is 2048 tokens.",
        FaultKind.CONTEXT, False),
    ("FastAPI", 422, {"detail": [{"loc": ["body", "messages", 0], "msg": "field required", "type": "missing"},
        {"loc": ["body", "model"], "msg": "str type expected"}]},
        "body.messages.0: field required; body.model: str type expected", FaultKind.REQUEST, False),
    ("FastAPI text", 404, {"detail": "Not Found"}, "Not Found", FaultKind.NOT_FOUND, False),
    ("detail as object", 500, {"detail": {"error": {"message": "inside"}}}, "inside", FaultKind.SERVER, True),
    ("Cloudflare", 403, {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}]},
        "Authentication error", FaultKind.AUTH, False),
    ("AWS", 429, {"Message": "Too many"}, "Too many", FaultKind.RATE_LIMIT, True),
    ("OAuth", 401, {"error": "invalid_client", "error_description": "Nope"}, "invalid_client",
        FaultKind.AUTH, False),
    ("wrapped JSON text", 400, {"error": {"message": '{"error": {"message": "the real one"}}'}}, "the real one",
        FaultKind.REQUEST, False),
    ("a brace in the text", 400, {"error": {"message": "{x} is not known"}}, "{x} is not known",
        FaultKind.REQUEST, False),
    ("llama.cpp loading", 503, {"error": {"code": 503, "message": "Loading model",
        "type": "unavailable_error"}}, "Loading model", FaultKind.OVERLOADED, True),
    ("llama.cpp context", 400, {"error": {"code": 400, "type": "exceed_context_size_error",
        "message": "the request exceeds the available context size"}},
        "the request exceeds the available context size", FaultKind.CONTEXT, False),
    ("llama.cpp image", 500, {"error": {"code": 500, "message": "image input is not supported - hint: ...",
        "type": "server_error"}}, "image input is not supported - hint: ...", FaultKind.SERVER, False),
    ("llama.cpp old context", 500, {"error": {"code": 500, "message": "context size exceeded",
        "type": "server_error"}}, "context size exceeded", FaultKind.CONTEXT, False),
    ("Groq flex", 498, {"error": {"message": "No capacity"}}, "No capacity", FaultKind.OVERLOADED, True),
    ("Groq size", 413, {"error": {"message": "Request too large for model", "type": "tokens",
        "code": "rate_limit_exceeded"}}, "Request too large for model", FaultKind.CONTEXT, False),
    ("Azure filter", 400, {"error": {"code": "content_filter", "message": "Filtered", "param": "prompt",
        "status": 400, "innererror": {"code": "ResponsibleAIPolicyViolation"}}}, "Filtered",
        FaultKind.REQUEST, False),
    ("vague in a stream", None, {"error": {"message": "no", "type": "invalid_request_error"}}, "no",
        FaultKind.REQUEST, False),
    ("flat event", None, {"type": "error", "message": "Model is overloaded now"}, "Model is overloaded now",
        FaultKind.OVERLOADED, True),
    ("HTML", 502, "<!DOCTYPE html><html><head><TITLE>502\nBad &amp; Gateway</TITLE></head><body>x</body></html>",
        "502 Bad & Gateway", FaultKind.SERVER, True),
    ("HTML without title", 504, "<html><style>a{b:c}</style><script>alert(1)</script><h1>Gateway</h1><p>Timeout",
        "Gateway Timeout", FaultKind.TIMEOUT, True),
    ("plain text", 500, "Internal Server Error", "Internal Server Error", FaultKind.SERVER, True),
    ("empty", 529, "", "", FaultKind.OVERLOADED, True),
    ("broken JSON", 400, '{"error": {"message": "cut', '{"error": {"message": "cut', FaultKind.REQUEST, False),
    ("JSON text", 400, '\ufeff {"error": "text"}', "text", FaultKind.REQUEST, False),
    ("JSON string", 400, '"only text"', "only text", FaultKind.REQUEST, False),
    ("conflict", 409, {"error": {"message": "Again"}}, "Again", FaultKind.REQUEST, True),
    ("not implemented", 501, "Not here", "Not here", FaultKind.SERVER, False),
    ("redirect", 307, "", "", FaultKind.PROTOCOL, False),
    ("nothing known", None, {"error": {"strange": True}}, "", FaultKind.SERVER, True),
    ("null", None, None, "", FaultKind.SERVER, True),
    ("a number", None, 7, "", FaultKind.SERVER, True),
    ("an empty list", None, [], "", FaultKind.SERVER, True),
]  # fmt: skip
_IDS = [case[0] for case in BODIES]


@pytest.mark.parametrize(("status", "body", "message", "kind", "may_retry"), [c[1:] for c in BODIES], ids=_IDS)
def test_message_and_class(status: int, body: object, message: str, kind: FaultKind, may_retry: bool) -> None:
    read = read_error(body)
    assert read.message == message
    assert classify(status, read) is kind
    assert is_retryable(kind, status, read) is may_retry


@pytest.mark.parametrize("body", [case[2] for case in BODIES if isinstance(case[2], dict | list)])
def test_a_body_reads_the_same_as_text_and_parsed(body: object) -> None:
    assert read_error(json.dumps(body)) == read_error(body)


def test_names_and_numbers() -> None:
    body = read_error({"error": {"message": "m", "type": "t", "code": 502, "param": "p"}})
    assert body == ErrorBody("m", "t", "502", "p", 502)
    assert effective_status(200, body) == effective_status(None, body) == 502
    assert effective_status(429, body) == 429
    assert read_error({"error": {"message": "m", "code": 1234}}).status is None
    assert read_error({"error": {"message": "m", "code": True}}).code == ""
    assert read_error({"error": {"message": "m", "code": "429"}}).status == 429


def test_messages_are_cut_and_repaired() -> None:
    read = read_error({"error": {"message": "\ud83d" + "x" * 5000, "code": "c" * 500, "type": "t" * 500}})
    assert len(read.message) == MESSAGE_CHARS
    assert read.message.startswith("\ufffdx")
    assert read.message.endswith("…")
    assert len(read.code) == len(read.type) == 100
    assert len(read_error("plain " * 5000).message) == MESSAGE_CHARS
    assert len(read_error("<p>" + "word " * 5000).message) <= 200


def test_nesting_has_an_end() -> None:
    body: object = "deep"
    for _ in range(50):
        body = {"error": body}
    assert read_error(body) == ErrorBody()
    assert read_error("[" * 100_000).message.startswith("[[[")


def test_a_list_of_many_errors_names_the_first_three() -> None:
    read = read_error([{"message": str(number), "code": number} for number in range(1, 9)])
    assert (read.message, read.code) == ("1; 2; 3", "1")


def test_a_fault_carries_what_was_read() -> None:
    body = read_error({"error": {"message": "Busy", "code": 503}})
    fault = fault_of(body, excerpt="\ud83d" + "x" * 1000)
    assert (fault.kind, fault.title, fault.message) == (FaultKind.OVERLOADED, "server overloaded", "Busy")
    assert (fault.status, fault.code, fault.is_retryable) == (503, "503", True)
    assert len(fault.detail) == EXCERPT_CHARS
    assert fault.detail.startswith("\ufffdx")


def test_a_fault_without_words_says_so() -> None:
    assert "did not say" in fault_of(ErrorBody()).message
    assert title_of(FaultKind.SERVER) == "server error"


@pytest.mark.parametrize(
    ("delay", "wait_s"),
    [
        ("34s", 34.0),
        ("1.5s", 1.5),
        ("0s", 0.0),
        ("s", None),
        ("-1s", None),
        ("34", None),
        ("1e9s", None),
        (34, None),
    ],
)
def test_the_wait_that_stands_in_the_body(delay: object, wait_s: float | None) -> None:
    details = [None, {"@type": "type.googleapis.com/google.rpc.Help"}, {"retryDelay": delay}]
    body = [{"error": {"code": 429, "message": "Slow", "status": "RESOURCE_EXHAUSTED", "details": details}}]
    assert read_error(body).retry_after_s == wait_s
    assert fault_of(read_error(body), status=429).retry_after_s == wait_s
