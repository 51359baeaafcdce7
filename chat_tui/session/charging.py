"""What an answer has cost: counted by its server, else estimated from what was sent and what streamed."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Final

from chat_tui.core.conversation import ChatRequest, Ending, FilePart, Message, TextPart
from chat_tui.core.cost import Prices, Use, cost_of, sum_of, total_of
from chat_tui.core.outcome import Outcome
from chat_tui.core.usage import Usage

CHARS_PER_TOKEN: Final = 4
"""Of a language that tokenizers know well; an amount that rests on it is marked as an estimate."""

_UNCHARGED = ("local/", "demo/")
"""Models that nobody asks money for."""


def charged(ending: Ending, request: ChatRequest, prices: Prices | None) -> Ending:
    """The ending with what the answer has cost, where somebody says so.

    An answer that ended early is an estimate: its server may have counted more than came here. Without any token
    nothing is charged that the server does not report.
    """
    usage = ending.usage or Usage()
    is_counted = not ending.is_estimate and usage.input_tokens is not None and usage.output_tokens is not None
    if prices is not None and not is_counted and ending.tokens:
        usage = _estimated(usage, ending.tokens, request)
    cost = cost_of(usage, prices)
    if cost is None:
        return ending
    is_estimate = not is_counted or ending.outcome is not Outcome.COMPLETE
    return replace(ending, charge=replace(cost, is_estimate=is_estimate))


def _estimated(usage: Usage, tokens_out: int, request: ChatRequest) -> Usage:
    tokens_in = _tokens_of(request) if usage.input_tokens is None else usage.input_tokens
    return replace(usage, input_tokens=tokens_in, output_tokens=max(tokens_out, usage.output_tokens or 0))


def _tokens_of(request: ChatRequest) -> int | None:
    """About how many tokens a request has; None with files, whose tokens nobody can guess."""
    chars = len(request.system)
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, FilePart):
                return None
            if isinstance(part, TextPart):
                chars += len(part.text)
    return math.ceil(chars / CHARS_PER_TOKEN)


def joined(before: Ending, ending: Ending) -> Ending:
    """The ending of an answer that was continued: its tokens, time, counts and cost added up."""
    is_own = before.is_rewritten or not before.tokens  # nothing of what went before was charged for
    costs = [ending.charge] if is_own and before.charge is None else [before.charge, ending.charge]
    return replace(
        ending,
        tokens=before.tokens + ending.tokens,
        is_estimate=before.is_estimate or ending.is_estimate,
        elapsed_s=before.elapsed_s + ending.elapsed_s,
        usage=ending.usage if is_own else _added(before.usage, ending.usage),
        charge=total_of(costs),
    )


def _added(before: Usage | None, after: Usage | None) -> Usage | None:
    """Counts that both have are added, what one of them lacks is not known. Rates are the later one's."""
    if before is None or after is None:
        return None
    sums: dict[str, int | float | None] = {}
    for field in fields(Usage):
        one, other = getattr(before, field.name), getattr(after, field.name)
        sums[field.name] = None if one is None or other is None else one + other
    return replace(Usage(**sums), tokens_per_s=after.tokens_per_s)  # pyright: ignore[reportArgumentType] - same fields


def use_of(messages: tuple[Message, ...]) -> Use:
    """What a conversation took, all its versions. Models that cost nothing leave nothing unknown."""
    asked = [(message, message.ending) for message in messages if message.ending is not None]
    given = [(message, end) for message, end in asked if not end.is_rewritten and (end.tokens or end.charge)]
    usages = [end.usage or Usage() for _, end in given]
    costs = [end.charge for message, end in given if end.charge or not message.model.startswith(_UNCHARGED)]
    return Use(
        answers=len(given),
        tokens_in=sum(usage.input_tokens or 0 for usage in usages),
        cached_tokens=sum(usage.cached_tokens or 0 for usage in usages),
        uncounted=sum(usage.input_tokens is None for usage in usages),
        tokens_out=sum(end.tokens for _, end in given),
        reasoning_tokens=sum(usage.reasoning_tokens or 0 for usage in usages),
        is_estimate=any(end.is_estimate for _, end in given),
        cost=sum_of(costs),
    )
