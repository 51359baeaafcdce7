"""OpenAI Chat Completions: token counts, in all the places where servers put them."""

from __future__ import annotations

from chat_tui.core.events import Usage
from chat_tui.wire.json_text import JsonObject, as_count, as_object, as_quantity

_NOTHING = Usage()


def read_usage(holder: JsonObject) -> Usage | None:
    """What one chunk (or the choice in it: Moonshot) says about tokens; None when it says nothing.

    `usage`, or `x_groq.usage`; `timings` (llama.cpp) adds the speed, and the counts where there is no `usage`.
    """
    groq = as_object(holder.get("x_groq")) or {}
    found = as_object(holder.get("usage")) or as_object(groq.get("usage"))
    usage = _NOTHING if found is None else _counts(found)
    timings = as_object(holder.get("timings"))
    if timings is not None:
        usage = _timings(timings).updated(usage)
    return None if usage == _NOTHING else usage


def _counts(usage: JsonObject) -> Usage:
    input_details = as_object(usage.get("prompt_tokens_details")) or {}
    output_details = as_object(usage.get("completion_tokens_details")) or {}
    input_tokens = as_count(usage.get("prompt_tokens"))
    output_tokens = as_count(usage.get("completion_tokens"))
    total_tokens = as_count(usage.get("total_tokens"))
    if input_tokens is not None and output_tokens is not None and total_tokens is not None:
        # xAI counts reasoning outside completion_tokens: only the total knows it
        output_tokens = max(output_tokens, total_tokens - input_tokens)
    cached_tokens = as_count(input_details.get("cached_tokens"))
    if cached_tokens is None:
        cached_tokens = as_count(usage.get("prompt_cache_hit_tokens"))
    if cached_tokens is not None and input_tokens is not None and cached_tokens > input_tokens:
        # more from the cache than there was: then xAI counted the cached ones apart
        input_tokens += cached_tokens
    generation_s = as_quantity(usage.get("completion_time"))
    return Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        reasoning_tokens=as_count(output_details.get("reasoning_tokens")),
        cached_tokens=cached_tokens,
        cache_write_tokens=as_count(input_details.get("cache_write_tokens")),
        tokens_per_s=output_tokens / generation_s if output_tokens and generation_s else None,
        cost=as_quantity(usage.get("cost")),
    )


def _timings(timings: JsonObject) -> Usage:
    cached_tokens = as_count(timings.get("cache_n"))
    prompt_tokens = as_count(timings.get("prompt_n"))
    return Usage(
        input_tokens=None if prompt_tokens is None else prompt_tokens + (cached_tokens or 0),
        output_tokens=as_count(timings.get("predicted_n")),
        cached_tokens=cached_tokens,
        tokens_per_s=as_quantity(timings.get("predicted_per_second")),
    )
