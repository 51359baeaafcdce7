"""Anthropic Messages: token counts. `input_tokens` is what no cache had; the total is the sum of three."""

from __future__ import annotations

from chat_tui.core.events import Usage
from chat_tui.wire.json_text import JsonObject, as_count, as_object, as_quantity

_INPUTS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


class UsageTracker:
    """Snapshots of one answer: what a later one leaves out keeps the value of an earlier one."""

    def __init__(self) -> None:
        self._inputs: dict[str, int] = {}

    def read(self, usage: JsonObject, *, is_start: bool = False) -> Usage | None:
        """All that is known now; None when this says nothing. At the start the output is a placeholder."""
        for name in _INPUTS:
            count = as_count(usage.get(name))
            if count is not None:
                self._inputs[name] = count
        details = as_object(usage.get("output_tokens_details")) or {}
        found = Usage(
            input_tokens=sum(self._inputs.values()) if self._inputs else None,
            output_tokens=None if is_start else as_count(usage.get("output_tokens")),
            reasoning_tokens=as_count(details.get("thinking_tokens")),
            cached_tokens=self._inputs.get("cache_read_input_tokens"),
            cache_write_tokens=self._inputs.get("cache_creation_input_tokens"),
            cost=as_quantity(usage.get("cost")),
        )
        return None if found == Usage() else found
