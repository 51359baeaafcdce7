"""Token counts as servers report them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts as the server reports them; None where it said nothing.

    `input_tokens` and `output_tokens` are totals; `reasoning_tokens` ⊂ output, `cached_tokens` ⊂ input.
    `tokens_per_s` is the server's own measurement of its speed. `cost` is in the server's currency (USD).
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    tokens_per_s: float | None = None
    cost: float | None = None

    def updated(self, newer: Usage) -> Usage:
        """The newer snapshot over this one, field by field: None never overwrites a value."""
        return Usage(
            **{
                name: getattr(self, name) if getattr(newer, name) is None else getattr(newer, name)
                for name in self.__slots__
            }
        )
