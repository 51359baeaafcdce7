"""The deltas of an answer made into parts, when there was nobody left to end it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from chat_tui.core.conversation import (
    Ending,
    Message,
    OpaquePart,
    Outcome,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from chat_tui.core.errors import Fault, FaultKind
from chat_tui.core.events import FinishReason

FAULT = Fault(
    FaultKind.CUT,
    "chat-tui was ended",
    "chat-tui ended while this answer was being written.",
    is_retryable=True,
)
"""Why an answer whose window is gone is not complete."""


def folded(parts: tuple[Part, ...], deltas: Iterable[tuple[str, str]]) -> tuple[Part, ...]:
    """`parts` with what came after.

    Kinds: "text", "refusal", "reasoning", "call" (the name of a tool; one after the other are two calls),
    "arguments" and "result" (of the last call), "step-start" and "step-reset" (what came since is taken back; the
    text says nothing); other kinds are kept as opaque data.
    """
    done = list(parts)
    step_start, first_open = len(done), 0
    kind_before, pieces = "", list[str]()
    for kind, text in deltas:
        if pieces and (kind != kind_before or kind == "call"):
            _add(done, kind_before, "".join(pieces), first_open)
            pieces = []
        kind_before = kind
        if kind in ("step-start", "step-reset"):
            if kind == "step-reset":
                done[step_start:] = [_taken_back(part) for part in done[step_start:]]
            step_start = first_open = len(done)
        else:
            pieces.append(text)
    if pieces:
        _add(done, kind_before, "".join(pieces), first_open)
    return tuple(done)


def _taken_back(part: Part) -> Part:
    """As a turn keeps it that goes on: words among the thoughts, calls that are not complete."""
    if isinstance(part, TextPart):
        return ReasoningPart(part.text)
    return replace(part, is_complete=False) if isinstance(part, ToolCallPart) else part


def _add(parts: list[Part], kind: str, text: str, first_open: int) -> None:
    """More of the last part, when it is of that kind and not before `first_open`; else another part."""
    last = parts[-1] if len(parts) > first_open else None
    match kind, last:
        case (("text" | "refusal"), TextPart()) if last.is_refusal == (kind == "refusal"):
            parts[-1] = replace(last, text=last.text + text)
        case (("text" | "refusal"), _):
            parts.append(TextPart(text, is_refusal=kind == "refusal"))
        case "reasoning", ReasoningPart():
            parts[-1] = replace(last, text=last.text + text)
        case "reasoning", _:
            parts.append(ReasoningPart(text))
        case "call", _:
            parts.append(ToolCallPart(f"call-{len(parts)}", "", text, "", is_complete=False))
        case "arguments", ToolCallPart():
            parts[-1] = replace(last, arguments=last.arguments + text)
        case "result", ToolCallPart():
            parts[-1] = replace(last, is_complete=True)
            parts.append(ToolResultPart(last.key, text))
        case _:
            parts.append(OpaquePart(f"delta:{kind}", text))


def interrupted(message: Message, token_count: int = 0) -> Message:
    """The message, ended because its window was, with so many tokens or about that."""
    ending = Ending(Outcome.INTERRUPTED, FinishReason.INTERRUPTED, FAULT, tokens=token_count, is_estimate=True)
    return replace(message, ending=ending)
