"""Every protocol by everything an answer can be or come to: a stream and what it says, or why there is none.

A cell is data; tests/integration/test_protocol_table.py plays it to the provider that a configuration gives.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from chat_tui.config.model import ProtocolName
from chat_tui.core.errors import FaultKind
from chat_tui.core.events import FinishReason

COLUMNS = (
    "text",
    "reasoning",
    "tool call",
    "refusal",
    "length",
    "filter",
    "error before",
    "error in the middle",
    "cut",
    "stall",
    "cancel",
    "usage",
    "resume",
)


@dataclass(frozen=True)
class Reads:
    """A stream of the corpus, and what of it is told; what is None is another cell's matter.

    `calls` are the closed ones: name and arguments. `said` stands in the fault's message.
    """

    stream: str
    text: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    calls: tuple[tuple[str, object], ...] | None = None
    reason: FinishReason | None = None
    fault: FaultKind | None = None
    said: str = ""
    usage: dict[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True)
class Refuses:
    """A status and a body instead of a stream."""

    status: int
    body: object
    kind: FaultKind
    said: str


@dataclass(frozen=True)
class Breaks:
    """A stream up to the event that has `after` in it, and the text until there."""

    stream: str
    after: bytes
    text: str


@dataclass(frozen=True)
class Resumes:
    """The same, and what is asked for then: the path below the address; the rest brings the whole text."""

    stream: str
    after: bytes
    asks: str
    text: str


Cell = Reads | Refuses | Breaks | Resumes | str
"""A sentence says why there is nothing to test."""

ADDRESSES: dict[ProtocolName, str] = {
    "openai-chat": "/v1",
    "openai-responses": "/v1",
    "openai-responses-websocket": "/v1",
    "anthropic": "/v1",
    "gemini": "/v1beta",
    "gemini-interactions": "/v1beta",
    "ollama": "",
    "lmstudio": "",
    "ui-messages": "/api/chat",
}
"""What follows the host in `base_url`."""

_WEATHER = (("get_weather", {"city": "Paris"}),)
_NO_REFUSAL = "It has no form for a refusal: that is ordinary text, or an answer that is filtered."
_NO_RESUME = "An answer ends with its connection; what came is kept and can be continued by another question."


def _openai_error(message: str, kind: str, code: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _broken(stream: str, after: bytes, text: str) -> dict[str, Cell]:
    """The three ways in which an answer stops in the middle."""
    return dict.fromkeys(("cut", "stall", "cancel"), Breaks(stream, after, text))


_RESPONSES: dict[str, Cell] = {
    "text": Reads("responses-text", text="2 + 2 = 4", reason=FinishReason.STOP),
    "reasoning": Reads("responses-text", reasoning="Adding two numbers."),
    "tool call": Reads("responses-tool", calls=_WEATHER, reason=FinishReason.TOOL_CALLS),
    "refusal": Reads("responses-refusal", refusal="I can't help with that.", reason=FinishReason.REFUSAL),
    "length": Reads("responses-incomplete", text="Once upon a", reason=FinishReason.LENGTH),
    "filter": Reads("responses-content-filter", text="So f", reason=FinishReason.CONTENT_FILTER),
    "error before": Refuses(
        404,
        _openai_error("The model `m` does not exist.", "invalid_request_error", "model_not_found"),
        FaultKind.NOT_FOUND,
        "does not exist",
    ),
    "error in the middle": Reads(
        "responses-failed", text="The ans", fault=FaultKind.SERVER, said="failed to generate a response"
    ),
    **_broken("responses-text", b'"delta":"2 + 2"', "2 + 2"),
    "usage": Reads("responses-text", usage={"input_tokens": 12, "output_tokens": 40, "reasoning_tokens": 32}),
}

TABLE: dict[ProtocolName, dict[str, Cell]] = {
    "openai-chat": {
        "text": Reads("chat-text", text="Hello.", reason=FinishReason.STOP),
        "reasoning": Reads("chat-reasoning", reasoning="Easy sum.", text="4"),
        "tool call": Reads(
            "chat-tools",
            calls=(*_WEATHER, ("get_weather", {"city": "Rome"})),
            reason=FinishReason.TOOL_CALLS,
        ),
        "refusal": Reads("chat-refusal", refusal="I can't help with that.", reason=FinishReason.REFUSAL),
        "length": Reads("chat-length", text="Once upon a", reason=FinishReason.LENGTH),
        "filter": Reads("chat-content-filter", text="First, yo", reason=FinishReason.CONTENT_FILTER),
        "error before": Refuses(
            401,
            _openai_error("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
            FaultKind.AUTH,
            "Incorrect API key",
        ),
        "error in the middle": Reads(
            "chat-error", text="The ans", fault=FaultKind.SERVER, said="had an error while processing"
        ),
        **_broken("chat-text", b'"Hel"', "Hel"),
        "usage": Reads("chat-text", usage={"input_tokens": 17, "output_tokens": 3, "cached_tokens": 0}),
        "resume": _NO_RESUME,
    },
    "openai-responses": {
        **_RESPONSES,
        "resume": Resumes(
            "responses-background",
            b'"sequence_number":3,',
            "/responses/resp_b?stream=true&starting_after=3",
            "Later.",
        ),
    },
    "openai-responses-websocket": {
        **_RESPONSES,
        "resume": "An answer ends with its connection; the next question takes the whole conversation to another.",
    },
    "anthropic": {
        "text": Reads("anthropic-text", text="Hello!", reason=FinishReason.STOP),
        "reasoning": Reads("anthropic-think-tool", reasoning="They want the weather.", text="Let me check."),
        "tool call": Reads("anthropic-think-tool", calls=_WEATHER, reason=FinishReason.TOOL_CALLS),
        "refusal": Reads("anthropic-refusal", reason=FinishReason.REFUSAL),
        "length": Reads("anthropic-length", text="Once upon a", reason=FinishReason.LENGTH),
        "filter": "It has no reason of that kind: what its classifiers stop ends with refusal.",
        "error before": Refuses(
            529,
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
            FaultKind.OVERLOADED,
            "Overloaded",
        ),
        "error in the middle": Reads("anthropic-error", fault=FaultKind.OVERLOADED, said="Overloaded"),
        **_broken("anthropic-text", b'"Hello"', "Hello"),
        "usage": Reads(
            "anthropic-think-tool",
            usage={"input_tokens": 500, "output_tokens": 89, "reasoning_tokens": 40, "cached_tokens": 200},
        ),
        "resume": _NO_RESUME,
    },
    "gemini": {
        "text": Reads("gemini-text", text="2 + 2 = 4", reason=FinishReason.STOP),
        "reasoning": Reads("gemini-text", reasoning="Adding numbers."),
        "tool call": Reads("gemini-tool", calls=_WEATHER, reason=FinishReason.TOOL_CALLS),
        "refusal": _NO_REFUSAL,
        "length": Reads("gemini-length", text="Once upon a", reason=FinishReason.LENGTH),
        "filter": Reads("gemini-safety", text="First,", reason=FinishReason.CONTENT_FILTER),
        "error before": Refuses(
            429,
            {
                "error": {
                    "code": 429,
                    "message": "You exceeded your current quota.",
                    "status": "RESOURCE_EXHAUSTED",
                    "details": [
                        {
                            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                            "violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel"}],
                        },
                        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"},
                    ],
                }
            },
            FaultKind.RATE_LIMIT,
            "exceeded your current quota",
        ),
        "error in the middle": Reads("gemini-error", text="The ans", fault=FaultKind.OVERLOADED, said="overloaded"),
        **_broken("gemini-text", b'"2 + 2"', "2 + 2"),
        "usage": Reads("gemini-text", usage={"input_tokens": 9, "output_tokens": 36, "reasoning_tokens": 30}),
        "resume": _NO_RESUME,
    },
    "gemini-interactions": {
        "text": Reads("interactions-text", text="Hello.", reason=FinishReason.STOP),
        "reasoning": Reads("interactions-tool", reasoning="Need the weather."),
        "tool call": Reads("interactions-tool", calls=_WEATHER, reason=FinishReason.TOOL_CALLS),
        "refusal": _NO_REFUSAL,
        "length": Reads("interactions-length", calls=(), reason=FinishReason.LENGTH),
        "filter": "It has no status of that kind: an answer that is filtered has failed, or is an error.",
        "error before": Refuses(
            400,
            {"error": {"code": "parameter_unknown", "message": "Unknown parameter: x."}},
            FaultKind.REQUEST,
            "Unknown parameter",
        ),
        "error in the middle": Reads("interactions-error", fault=FaultKind.TIMEOUT, said="Deadline expired"),
        **_broken("interactions-text", b'"Hel"', "Hel"),
        "usage": Reads(
            "interactions-tool", usage={"input_tokens": 40, "output_tokens": 32, "reasoning_tokens": 20}
        ),
        "resume": Resumes(
            "interactions-text", b'"Hel"', "/interactions/v1_0?stream=true&last_event_id=e3", "Hello."
        ),
    },
    "ollama": {
        "text": Reads("ollama-think", text="4", reason=FinishReason.STOP),
        "reasoning": Reads("ollama-think", reasoning="Easy sum."),
        "tool call": Reads("ollama-tool", calls=_WEATHER, reason=FinishReason.TOOL_CALLS),
        "refusal": _NO_REFUSAL,
        "length": Reads("ollama-length", text="Once upon a", reason=FinishReason.LENGTH),
        "filter": "Models on one's own machine are filtered by nobody; it has no such reason.",
        "error before": Refuses(404, {"error": "model 'm' not found"}, FaultKind.NOT_FOUND, "model 'm' not found"),
        "error in the middle": Reads(
            "ollama-error", text="The ans", fault=FaultKind.SERVER, said="an error was encountered"
        ),
        **_broken("ollama-length", b"Once upon a", "Once upon a"),
        "usage": Reads("ollama-think", usage={"input_tokens": 17, "output_tokens": 8}),
        "resume": _NO_RESUME,
    },
    "lmstudio": {
        "text": Reads("lmstudio-text", text="4", reason=FinishReason.STOP),
        "reasoning": Reads("lmstudio-text", reasoning="Easy."),
        "tool call": Reads("lmstudio-tools", calls=(("model_search", {"limit": 1}),), reason=FinishReason.STOP),
        "refusal": _NO_REFUSAL,
        "length": "It ends every answer in the same way, and does not tell that one ran into its limit.",
        "filter": "Models on one's own machine are filtered by nobody; it has no such reason.",
        "error before": Refuses(
            400,
            {"error": {"type": "invalid_request", "message": "Unrecognized key: x", "code": "x", "param": "x"}},
            FaultKind.REQUEST,
            "Unrecognized key",
        ),
        "error in the middle": Reads("lmstudio-error", text="The ans", fault=FaultKind.SERVER, said="has crashed"),
        **_broken("lmstudio-error", b'"The ans"', "The ans"),
        "usage": Reads("lmstudio-text", usage={"input_tokens": 12, "output_tokens": 5, "reasoning_tokens": 3}),
        "resume": _NO_RESUME,
    },
    "ui-messages": {
        "text": Reads("ui-messages", text="11 °C", reason=FinishReason.STOP),
        "reasoning": Reads("ui-messages", reasoning="Need weather."),
        "tool call": Reads("ui-messages", calls=_WEATHER),
        "refusal": _NO_REFUSAL,
        "length": Reads("ui-messages-length", text="Once upon a", reason=FinishReason.LENGTH),
        "filter": Reads("ui-messages-content-filter", text="First,", reason=FinishReason.CONTENT_FILTER),
        "error before": Refuses(500, {"error": "no model here"}, FaultKind.SERVER, "no model here"),
        "error in the middle": Reads("ui-messages-error", text="The ans", fault=FaultKind.SERVER, said="An error"),
        **_broken("ui-messages", b'"11 "', "11 "),
        "usage": Reads(
            "ui-messages-length",
            usage={"input_tokens": 9, "output_tokens": 3, "reasoning_tokens": 1, "cached_tokens": 4},
        ),
        "resume": "Whether a route can be asked again is its author's choice, and it does not say so.",
    },
}
