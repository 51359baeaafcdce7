"""Recorded errors of every kind of server: the class a person has to deal with, their words, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from chat_tui.core.errors import FaultKind
from chat_tui.providers.faults import Origin, fault_of_status

FOLDER = Path(__file__).parents[2] / "corpora" / "errors"
ORIGIN = Origin("api.example.com", "MINE_KEY", "[providers.mine]")
AUTH, QUOTA, RATE, BUSY = FaultKind.AUTH, FaultKind.QUOTA, FaultKind.RATE_LIMIT, FaultKind.OVERLOADED
CONTEXT, REQUEST, MODEL, SERVER, TIME = (
    FaultKind.CONTEXT, FaultKind.REQUEST, FaultKind.NOT_FOUND, FaultKind.SERVER, FaultKind.TIMEOUT,
)  # fmt: skip

# file: PROVIDER-STATUS-WHAT, class, whether it is asked again by itself, words of the server that have to be there
EXPECTED: dict[str, tuple[FaultKind, bool, str]] = {
    "anthropic-400-balance.json": (QUOTA, False, "credit balance is too low"),
    "anthropic-400-long.json": (CONTEXT, False, "prompt is too long"),
    "anthropic-400-prefill.json": (REQUEST, False, "must end with a user message"),
    "anthropic-401-key.json": (AUTH, False, "invalid x-api-key"),
    "anthropic-404-model.json": (MODEL, False, "model: claude-typo"),
    "anthropic-413-large.json": (CONTEXT, False, "maximum size"),
    "anthropic-429-rate.json": (RATE, True, "50 requests per minute"),
    "anthropic-429-spend.json": (QUOTA, False, "reached its limit"),
    "anthropic-529-overloaded.json": (BUSY, True, "Overloaded"),
    "azure-400-filter.json": (REQUEST, False, "content management policy"),
    "azure-401-key.json": (AUTH, False, "invalid subscription key"),
    "azure-404-deployment.json": (MODEL, False, "deployment for this resource"),
    "broken-500-half.json": (SERVER, True, "The engine died"),
    "cloudflare-403-challenge.html": (AUTH, False, "Just a moment"),
    "cloudflare-524-timeout.html": (TIME, True, "524: A timeout occurred"),
    "deepseek-400-reasoning.json": (REQUEST, False, "reasoning_content"),
    "deepseek-402-balance.json": (QUOTA, False, "Insufficient Balance"),
    "empty-529-nothing.txt": (BUSY, True, "no reason given"),
    "fastapi-404-path.json": (MODEL, False, "Not Found"),
    "fastapi-422-missing.json": (REQUEST, False, "body.messages: Field required"),
    "gemini-400-key.json": (AUTH, False, "API key not valid"),
    "gemini-404-model.json": (MODEL, False, "gemini-typo is not found"),
    "gemini-429-day.json": (QUOTA, False, "exceeded your current quota"),
    "gemini-429-minute.json": (RATE, True, "exceeded your current quota"),
    "gemini-503-overloaded.json": (BUSY, True, "The model is overloaded"),
    "go-404-path.txt": (MODEL, False, "404 page not found"),
    "groq-400-tools.json": (REQUEST, False, "Failed to call a function"),
    "groq-413-size.json": (CONTEXT, False, "Request too large"),
    "groq-498-flex.json": (BUSY, True, "capacity exceeded"),
    "llamacpp-400-context.json": (CONTEXT, False, "available context size"),
    "llamacpp-401-key.json": (AUTH, False, "Invalid API Key"),
    "llamacpp-500-image.json": (SERVER, False, "image input is not supported"),
    "llamacpp-503-loading.json": (BUSY, True, "Loading model"),
    "lmstudio-404-model.json": (MODEL, False, "not found. Load it first."),
    "mistral-401-key.json": (AUTH, False, "Unauthorized"),
    "mistral-422-field.json": (REQUEST, False, "body.stream_options: Extra inputs"),
    "mistral-429-capacity.json": (RATE, True, "capacity exceeded"),
    "nginx-413-large.html": (CONTEXT, False, "413 Request Entity Too Large"),
    "nginx-502-gateway.html": (SERVER, True, "502 Bad Gateway"),
    "nginx-504-gateway.html": (TIME, True, "504 Gateway Time-out"),
    "ollama-400-thinking.json": (REQUEST, False, "does not support thinking"),
    "ollama-404-model.json": (MODEL, False, "'llama-typo' not found"),
    "ollama-500-memory.json": (SERVER, False, "more system memory"),
    "openai-400-context.json": (CONTEXT, False, "maximum context length"),
    "openai-400-temperature.json": (REQUEST, False, "'temperature' does not support"),
    "openai-401-key.json": (AUTH, False, "Incorrect API key provided"),
    "openai-403-country.json": (AUTH, False, "not supported"),
    "openai-404-model.json": (MODEL, False, "gpt-typo"),
    "openai-429-balance.json": (QUOTA, False, "balance is exhausted"),
    "openai-429-quota.json": (QUOTA, False, "exceeded your current quota"),
    "openai-429-ramp.json": (RATE, True, "growing too fast"),
    "openai-429-rate.json": (RATE, True, "Rate limit reached"),
    "openai-500-server.json": (SERVER, True, "had an error"),
    "openai-503-overloaded.json": (BUSY, True, "currently overloaded"),
    "openrouter-402-credits.json": (QUOTA, False, "requires more credits"),
    "openrouter-403-moderation.json": (REQUEST, False, "input was flagged"),
    "openrouter-429-upstream.json": (RATE, True, "temporarily rate-limited upstream"),
    "openrouter-502-upstream.json": (SERVER, True, "Provider returned error"),
    "openrouter-503-none.json": (BUSY, True, "No allowed providers"),
    "proxy-500-plain.txt": (SERVER, True, "Internal Server Error"),
    "proxy-503-upstream.txt": (BUSY, True, "upstream connect error"),
    "together-404-model.json": (MODEL, False, "Unable to access model"),
    "vllm-400-context.json": (CONTEXT, False, "maximum context length"),
    "vllm-404-model.json": (MODEL, False, "does not exist"),
    "xai-400-key.json": (AUTH, False, "Incorrect API key"),
    "xai-400-stop.json": (REQUEST, False, "not supported on this model"),
    "xai-403-credits.json": (QUOTA, False, "any credits yet"),
}
HINTS = {
    AUTH: "MINE_KEY",
    QUOTA: "account behind MINE_KEY",
    RATE: "asked again",
    BUSY: "Ask again",
    TIME: "Ask again",
    CONTEXT: "--model",
    MODEL: "base_url of [providers.mine]",
}
"""What has to be in the hint of each class; a refused request speaks for itself."""


def test_every_recorded_error_is_expected() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(EXPECTED)
    assert len(EXPECTED) >= 30


@pytest.mark.parametrize("name", EXPECTED)
def test_class_words_and_what_to_do(name: str) -> None:
    kind, is_retried, words = EXPECTED[name]
    status = int(name.split("-")[1])
    body = (FOLDER / name).read_bytes().decode()
    headers = {"retry-after": "9"} if kind is RATE and status == 429 else {}
    fault = fault_of_status(status, headers, body, ORIGIN, url="https://api.example.com/v1/x", now_s=0.0)
    assert (fault.kind, fault.is_retryable) == (kind, is_retried)
    assert words in fault.message
    assert str(status) in fault.message
    assert "\n" not in fault.sentence
    is_page = name.endswith(".html") and status < 500
    assert ("a web page, not an API" if is_page else HINTS.get(kind, "")) in fault.hint
    assert fault.detail or not body
