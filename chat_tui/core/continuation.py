"""Going on where an answer stopped: what is asked, and how the two pieces are joined.

A server that continues a trailing assistant message needs nothing of this. Everybody else is asked to, and
models that are asked often begin by repeating the last words: those are cut off again, nothing else is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from chat_tui.core.conversation import OpaquePart, Part, TextPart, ToolCallPart, ToolResultPart

OVERLAP_MIN_CHARS = 12
"""A shorter repetition may be chance ("hel" + "lo"), and cutting it would lose text."""

OVERLAP_MAX_CHARS = 400
QUOTE_CHARS = 120


def continuation_prompt(partial: str) -> str:
    """What the user message says that asks for the rest of `partial`."""
    return (
        "Your previous response was interrupted and ended with:\n\n"
        f"{partial[-QUOTE_CHARS:]}\n\n"
        "Begin your reply with exactly these last words and continue from there. "
        "No introduction and no comment on the interruption."
    )


def without_last_space(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The parts up to the last word. White space behind it would be refused, or come again with what follows."""
    kept = list(parts)
    for at in range(len(kept) - 1, -1, -1):
        part = kept[at]
        if isinstance(part, TextPart):
            text = part.text.rstrip()
            kept[at : at + 1] = [replace(part, text=text)] if text else []
            if text:
                break
    return tuple(kept)


def continued(before: tuple[Part, ...], others: tuple[Part, ...], text: str) -> tuple[Part, ...]:
    """An answer with `text` behind its last words, and what else came with that before them."""
    last = max((at for at, part in enumerate(before) if isinstance(part, TextPart)), default=None)
    if last is None:
        return (*before, *others, TextPart(text)) if text else (*before, *others)
    words = before[last]
    whole = replace(words, text=words.text + text) if isinstance(words, TextPart) else words
    return (*before[:last], *others, whole, *before[last + 1 :])


def with_free_keys(before: tuple[Part, ...], parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The parts that came later, their calls under keys that no call before has: many servers count the calls of
    every answer from the start. A result without a call of its own stays with the call before."""
    taken = {part.key for part in before if isinstance(part, ToolCallPart)}
    own = {part.key for part in parts if isinstance(part, ToolCallPart)}
    keys: dict[str, str] = {}
    for key in sorted(own & taken):
        number = 2
        while (free := f"{key}-{number}") in taken | own:
            number += 1
        keys[key] = free
        taken.add(free)
    return tuple(_rekeyed(part, keys) for part in parts) if keys else parts


def _rekeyed(part: Part, keys: dict[str, str]) -> Part:
    if isinstance(part, ToolCallPart | ToolResultPart):
        return replace(part, key=keys.get(part.key, part.key))
    if isinstance(part, OpaquePart) and isinstance(part.data, dict):
        data = cast("dict[str, Any]", part.data)
        key = data.get("key")
        if isinstance(key, str) and key in keys:
            return replace(part, data=data | {"key": keys[key]})
    return part


class OverlapTrimmer:
    """Cuts from the beginning of a continuation what repeats the end of the partial answer.

    Holds text back only while the beginning could still turn out to be a repetition (at most
    `OVERLAP_MAX_CHARS`), then passes everything through. `feed` and `flush` together return the continuation
    without the repeated beginning and without any other change.
    """

    def __init__(self, partial: str) -> None:
        self._end = partial[-OVERLAP_MAX_CHARS:]
        self._held: str | None = ""

    def feed(self, text: str) -> str:
        """What of the text so far can be shown."""
        if self._held is None:
            return text
        self._held += text
        return "" if self._may_still_repeat(self._held) else self.flush()

    def flush(self) -> str:
        """The rest, repetition removed; afterwards everything passes."""
        if self._held is None:
            return ""
        held, self._held = self._held, None
        return held[self._overlap(held) :]

    def _may_still_repeat(self, held: str) -> bool:
        """Whether `held` lies wholly inside the end of the partial answer, so that more could match."""
        return len(held) < len(self._end) and held in self._end

    def _overlap(self, held: str) -> int:
        for length in range(min(len(held), len(self._end)), OVERLAP_MIN_CHARS - 1, -1):
            if self._end.endswith(held[:length]):
                return length
        return 0
