"""The AI SDK's UI messages: token counts, which are there only when the app puts them into its metadata."""

from __future__ import annotations

from chat_tui.core.events import Usage, UsageReported
from chat_tui.wire.answer_writer import AnswerWriter
from chat_tui.wire.json_text import JsonObject, as_count, as_object


def report_metadata(metadata: object, writer: AnswerWriter) -> None:
    """What an app's metadata says about tokens, under the names the SDK gives them."""
    found = as_object(metadata)
    if found is None:
        return
    holder = as_object(found.get("totalUsage")) or as_object(found.get("usage")) or found
    usage = _usage(holder)
    if usage != Usage():
        writer.add(UsageReported(usage))


def _usage(found: JsonObject) -> Usage:
    input_details = as_object(found.get("inputTokenDetails")) or {}
    output_details = as_object(found.get("outputTokenDetails")) or {}
    return Usage(
        input_tokens=as_count(found.get("inputTokens")),
        output_tokens=as_count(found.get("outputTokens")),
        reasoning_tokens=_first(output_details.get("reasoningTokens"), found.get("reasoningTokens")),
        cached_tokens=_first(input_details.get("cacheReadTokens"), found.get("cachedInputTokens")),
        cache_write_tokens=as_count(input_details.get("cacheWriteTokens")),
    )


def _first(*values: object) -> int | None:
    return next((count for value in values if (count := as_count(value)) is not None), None)
