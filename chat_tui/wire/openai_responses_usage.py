"""OpenAI Responses: token counts of the last event, and what its errors mean."""

from __future__ import annotations

import json
from dataclasses import replace

from chat_tui.core.errors import Fault, FaultKind
from chat_tui.core.events import Usage
from chat_tui.wire.error_bodies import ErrorBody, fault_of, read_error, title_of
from chat_tui.wire.json_text import JsonObject, as_count, as_object, as_quantity

_NOTHING = Usage()
_PASSING = frozenset({"", "server_error", "internal_error", "rate_limit_exceeded"})
"""Codes of answers that failed and may succeed when they are asked for again; all others are about the request."""


def read_usage(response: JsonObject, timings: JsonObject | None) -> Usage | None:
    """`response.usage`, and llama.cpp's `timings` beside the response; None when they say nothing."""
    found = as_object(response.get("usage")) or {}
    inputs = as_object(found.get("input_tokens_details")) or {}
    outputs = as_object(found.get("output_tokens_details")) or {}
    usage = Usage(
        input_tokens=as_count(found.get("input_tokens")),
        output_tokens=as_count(found.get("output_tokens")),
        reasoning_tokens=as_count(outputs.get("reasoning_tokens")),
        cached_tokens=as_count(inputs.get("cached_tokens")),
        cache_write_tokens=as_count(inputs.get("cache_write_tokens")),
        tokens_per_s=as_quantity((timings or {}).get("predicted_per_second")),
        cost=as_quantity(found.get("cost")),
    )
    return None if usage == _NOTHING else usage


def failed_fault(error: object) -> Fault:
    """The fault of `response.failed`: policies, images and prompts that were refused will be refused again."""
    body = read_error(error) if error else ErrorBody()
    fault = fault_of(body, excerpt=excerpt_of(error))
    if body.code in _PASSING:
        return fault
    if fault.kind is FaultKind.SERVER and "timeout" not in body.code:
        fault = replace(fault, kind=FaultKind.REQUEST, title=title_of(FaultKind.REQUEST))
    return replace(fault, is_retryable=False)


def excerpt_of(error: object) -> str:
    """An error as it came, for the details."""
    return json.dumps(error, ensure_ascii=False) if error else ""
