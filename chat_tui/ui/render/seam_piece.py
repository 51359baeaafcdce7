"""The piece that says where and why an answer ended early."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from chat_tui.core.conversation import Ending
from chat_tui.core.outcome import FinishReason, Outcome
from chat_tui.core.sanitize import clean_line
from chat_tui.ui.render.context import RenderContext
from chat_tui.ui.render.pieces import BLANK, Piece


class SeamPiece(Piece):
    """Where an answer ended early: a thin rule with the reason and what can be done. Never part of a text."""

    __slots__ = ("_is_first", "_keys", "_words")

    def __init__(self, owner_id: int, ending: Ending, *, has_text: bool = True, is_first: bool = False) -> None:
        """An answer that is nothing but its seam has the gap above that."""
        super().__init__(owner_id)
        self._is_first = is_first
        self._words = seam_words(ending)
        keys = [("c", "continue")] if has_text or ending.reason is FinishReason.PAUSE else []
        keys += [("r", "retry"), ("e", "edit")]
        if ending.fault is not None:
            keys.append(("d", "details"))
        self._keys = keys
        self.height = 1 + is_first

    def render(self, context: RenderContext) -> list[Strip]:
        """╌╌ reason ╌╌╌╌  c continue  r retry ╌╌; keys go to a row of their own when it is narrow."""
        rows = self._rule(context)
        return [BLANK, *rows] if self._is_first else rows

    def _rule(self, context: RenderContext) -> list[Strip]:
        width, seam, words = context.width, context.styles.seam, f" {self._words} "
        keys = "Tab then " + "  ".join(f"{key} {name}" for key, name in self._keys)
        room = width - cell_len(words) - cell_len(keys) - 8
        if room < 0:
            head = Strip([Segment("╌╌", seam), Segment(words, context.styles.seam)]).crop(0, width)
            rule = Segment("╌" * max(0, width - head.cell_length), seam)
            return [Strip([*head, rule]), Strip([Segment(f"  {keys}", context.styles.seam_key)]).crop(0, width)]
        return [
            Strip(
                [
                    Segment("╌╌", seam),
                    Segment(words, context.styles.seam),
                    Segment("╌" * (room + 2), seam),
                    Segment(f" {keys} ", context.styles.seam_key),
                    Segment("╌╌", seam),
                ],
                width,
            )
        ]


_REASON_WORDS = {
    FinishReason.LENGTH: "the token limit was reached",
    FinishReason.CONTENT_FILTER: "ended by a content filter",
    FinishReason.REFUSAL: "the model refused",
    FinishReason.PAUSE: "the model paused",
    FinishReason.TOOL_CALLS: "the model asked for a tool",
}


def _refused_category(raw_reason: str) -> str:
    """What a refusal is about, where the server says that: "refusal: violence"."""
    return clean_line(raw_reason.partition(":")[2].replace("_", " "), 40)


def seam_words(ending: Ending) -> str:
    """Why an answer ended, empty when it ended well: "stopped · 412 tok · 8.1 s"."""
    if ending.is_rewritten:
        return "rewritten by you"
    cost = "" if ending.charge is None else f" · {ending.charge.amount}"
    tokens = f"{'≈' if ending.is_estimate else ''}{ending.tokens:,} tok"
    if ending.outcome is Outcome.STOPPED:
        return f"stopped · {tokens} · {ending.elapsed_s:.1f} s{cost}"
    if ending.outcome is Outcome.INTERRUPTED:
        title = clean_line(ending.fault.title, 80) if ending.fault else "interrupted"
        return f"{title} · {tokens} kept{cost}"
    if ending.reason is FinishReason.OTHER:
        return f"ended: {clean_line(ending.raw_reason, 40) or 'no reason given'} · {tokens}"
    words = _REASON_WORDS.get(ending.reason, "")
    if ending.reason is FinishReason.REFUSAL and (category := _refused_category(ending.raw_reason)):
        words = f"{words} ({category})"
    return f"{words} · {tokens}" if words else ""
