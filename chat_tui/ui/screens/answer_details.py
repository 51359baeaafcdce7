"""All that is known about one answer: who gave it, how fast, and what it took."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from chat_tui.core.conversation import Message
from chat_tui.core.cost import Use
from chat_tui.core.sanitize import clean_line
from chat_tui.ui.screens.panel import TextPanel
from chat_tui.ui.widgets.gauges import ESTIMATE, duration_text, latency_text, rate_text

ALL = "all answers"
"""The label above what the conversation took; a gap is before it."""

_LABEL_CELLS = 13
Fact = tuple[str, str]


def answer_facts(message: Message, conversation: Use) -> Iterator[Fact]:
    """(label, value) of what is known of an answer that has ended, and of what all of the conversation took."""
    if message.model:
        yield "model", clean_line(message.model, 200)
    ending = message.ending
    if ending is not None and not ending.is_rewritten:
        usage = ending.usage
        if usage is not None and usage.input_tokens is not None:
            yield "tokens in", f"{usage.input_tokens:,}{_part(usage.cached_tokens, 'cached')}"
        if ending.tokens:
            mark = ESTIMATE if ending.is_estimate else ""
            reasoning = None if usage is None else usage.reasoning_tokens
            yield "tokens out", f"{mark}{ending.tokens:,}{_part(reasoning, 'reasoning')}"
        if ending.ttft_s is not None:
            yield "first token", f"after {latency_text(ending.ttft_s)}"
        if ending.tokens_per_s is not None:
            yield "speed", f"{rate_text(ending.tokens_per_s)} tok/s"
        if ending.elapsed_s:
            yield "time", duration_text(ending.elapsed_s)
        if ending.charge is not None:
            yield "cost", ending.charge.words
    if conversation.answers > 1:
        yield from _conversation_facts(conversation)


def _conversation_facts(use: Use) -> Iterator[Fact]:
    """Of all answers together, other versions included."""
    yield ALL, f"{use.answers:,} in this conversation"
    if use.tokens_in:
        more = "≥" if use.uncounted else ""
        yield "tokens in", f"{more}{use.tokens_in:,}{_part(use.cached_tokens, 'cached')}"
    mark = ESTIMATE if use.is_estimate else ""
    yield "tokens out", f"{mark}{use.tokens_out:,}{_part(use.reasoning_tokens, 'reasoning')}"
    if use.cost.known is not None:
        some = f", not known of {use.cost.unknown:,}" if use.cost.unknown else ""
        yield "cost", f"{use.cost.words}{some}"


def _part(count: int | None, name: str) -> str:
    return f", {count:,} of them {name}" if count else ""


def facts_text(facts: Iterable[Fact]) -> str:
    """The same as plain text."""
    return "".join(f"{label}: {value}\n" for label, value in facts)


class AnswerDetailsScreen(TextPanel):
    """`copy` gets the text, and says on the screen below which way it went."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "dismiss", "Close", show=False),
        Binding("y", "copy", "Copy", show=False),
    ]

    def __init__(self, facts: Iterable[Fact], copy: Callable[[str], object]) -> None:
        self._facts = tuple(facts)
        super().__init__("This answer", _shown(self._facts), "y copies")
        self._copy = copy

    def action_copy(self) -> None:
        """Copy all of it, and make way for the answer."""
        self.dismiss()
        self._copy(facts_text(self._facts))


def _shown(facts: Iterable[Fact]) -> Content:
    lines: list[Content | tuple[str, str] | str] = []
    for label, value in facts:
        lines += ["\n"] if label == ALL else []
        lines += [(f"{label:<{_LABEL_CELLS}}", "dim"), value, "\n"]
    return Content.assemble(*lines[:-1])
