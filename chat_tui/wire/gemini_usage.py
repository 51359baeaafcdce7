"""Gemini generateContent: token counts, a snapshot in every chunk or in some, each with some of the fields."""

from __future__ import annotations

from chat_tui.core.events import Usage
from chat_tui.wire.json_text import JsonObject, as_count

_FIELDS = (
    "promptTokenCount", "toolUsePromptTokenCount", "candidatesTokenCount", "thoughtsTokenCount",
    "cachedContentTokenCount", "totalTokenCount",
)  # fmt: skip


class UsageReader:
    """The counts of one answer; a field that a snapshot leaves out keeps its value."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._reported = Usage()

    def read(self, metadata: JsonObject) -> Usage | None:
        """The counts after one `usageMetadata`; None when nothing is new."""
        for name in _FIELDS:
            count = as_count(metadata.get(name))
            if count is not None:
                self._counts[name] = count
        usage = self._usage(as_count(metadata.get("totalTokenCount")))
        if usage == self._reported:
            return None
        self._reported = usage
        return usage

    def _usage(self, total_tokens: int | None) -> Usage:
        """`candidatesTokenCount` leaves the thoughts out, and some models leave their count out altogether: then
        the total knows it."""
        input_tokens = self._sum("promptTokenCount", "toolUsePromptTokenCount")
        output_tokens = self._sum("candidatesTokenCount", "thoughtsTokenCount")
        if None not in (total_tokens, input_tokens, output_tokens):
            output_tokens = max(output_tokens or 0, (total_tokens or 0) - (input_tokens or 0))
        return Usage(
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            reasoning_tokens=self._counts.get("thoughtsTokenCount"),
            cached_tokens=self._counts.get("cachedContentTokenCount"),
        )

    def _sum(self, *names: str) -> int | None:
        found = [self._counts[name] for name in names if name in self._counts]
        return sum(found) if found else None
