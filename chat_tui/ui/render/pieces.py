"""What a transcript is made of: pieces that render themselves to rows for a width, and remember them.

A piece is a block of an answer, a prompt, a seam, a notice, … Its rows are valid for one layout (width, theme);
`Layout.stamp` tells whether they still are. Gap rows between pieces are part of the piece below the gap.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from chat_tui.core.block_page import BlockPage
from chat_tui.core.blocks import Block, BlockKind
from chat_tui.core.conversation import Ending, ToolCallPart
from chat_tui.core.outcome import FinishReason, Outcome
from chat_tui.core.sanitize import clean, clean_line
from chat_tui.ui.render.context import RenderContext
from chat_tui.ui.render.rows import plain_rows
from chat_tui.ui.theme import quiet

BLANK = Strip([], 0)

_NO_ROWS: Final[list[Strip]] = []
_NO_LINES: Final[dict[int, tuple[tuple[object, ...], Strip]]] = {}
"""What a piece has that is not laid out; never written to, because what is painted is laid out first."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One way to lay out: pieces rendered for another stamp are stale."""

    stamp: int
    context: RenderContext


class Piece(ABC):
    """One piece of a transcript; `height` is exact when `stamp` is the layout's, else a guess."""

    __slots__ = ("_rows_stamp", "height", "is_hidden", "owner_id", "painted", "rows", "stamp")

    is_flowing = False
    """Whether its rows are one wrapped text: copied as one line."""

    has_bar = False
    """Whether the accent bar of the reader's own turns stands in the margin."""

    def __init__(self, owner_id: int) -> None:
        self.owner_id = owner_id
        self.rows: list[Strip] = _NO_ROWS
        self.painted: dict[int, tuple[tuple[object, ...], Strip]] = _NO_LINES
        """The widget's finished lines by identity of the row, with what they depend on."""
        self.stamp = self._rows_stamp = -1
        self.height = 1
        self.is_hidden = False

    def lay_out(self, layout: Layout) -> int:
        """Make rows and height right for `layout`; costs nothing when they are. Returns the height."""
        if self.stamp != layout.stamp:
            rows = [] if self.is_hidden else self.render(layout.context)
            if self._rows_stamp == layout.stamp:
                rows = _with_known(self.rows, rows)
                kept = set(map(id, rows))
                self.painted = {key: line for key, line in self.painted.items() if key in kept}
            else:
                self.painted = {}
            self.rows = rows
            self.height = len(rows)
            self.stamp = self._rows_stamp = layout.stamp
        return self.height

    def invalidate(self) -> None:
        """What it shows has changed."""
        self.stamp = -1

    def forget_rows(self) -> None:
        """Nobody looks any more: the height stays, the rows are rendered again when somebody does."""
        self.rows, self.painted = _NO_ROWS, _NO_LINES
        self.stamp = self._rows_stamp = -1

    def hide(self, *, is_hidden: bool) -> None:
        """Fold it away, or let it be seen again; its height is a guess then."""
        if is_hidden is not self.is_hidden:
            self.is_hidden = is_hidden
            self.height = 0 if is_hidden else self.guess_rows()
            self.invalidate()

    def guess_rows(self) -> int:
        """About how many rows it has."""
        return 1

    @abstractmethod
    def render(self, context: RenderContext) -> list[Strip]:
        """All rows, gap rows included."""


def _with_known(known: list[Strip], rows: list[Strip]) -> list[Strip]:
    """The rows, those that are as before as the same objects: what was made of them need not be made again."""
    same = [old if old == new else new for old, new in zip(known, rows, strict=False)]
    return same + rows[len(same) :]


def render_block(block: Block, context: RenderContext) -> list[Strip]:
    """The rows of a block. What blocks are rendered with is loaded for the first one: after the first paint."""
    from chat_tui.ui.render import blocks

    return blocks.render_block(block, context)


def with_caret(rows: list[Strip], context: RenderContext) -> list[Strip]:
    """The rows of blocks with the caret behind their last character."""
    from chat_tui.ui.render import blocks

    return blocks.with_caret(rows, context)


class PromptPiece(Piece):
    """The reader's own turn; the accent bar stands in its margin."""

    has_bar = True
    __slots__ = ("_is_first", "_text")

    def __init__(self, owner_id: int, text: str, width: int, *, is_first: bool = True) -> None:
        """A long text comes in several pieces, of which only the first has a gap above it."""
        super().__init__(owner_id)
        self._text = clean(text)
        self._is_first = is_first
        self.height = is_first + sum(1 + len(line) // max(1, width) for line in self._text.split("\n"))

    def render(self, context: RenderContext) -> list[Strip]:
        """Plain text as typed, wrapped; a blank row above."""
        rows = wrap_plain(self._text, context, context.styles.user_text)
        return [BLANK, *rows] if self._is_first else rows


class BlockPiece(Piece):
    """One block of an answer, or of reasoning when it is dim."""

    __slots__ = ("_guess_rows", "_made_of", "_number", "_traits", "references")

    def __init__(
        self,
        owner_id: int,
        block: Block,
        references: Mapping[str, tuple[str, str]],
        *,
        is_first: bool = False,
        is_dim: bool = False,
    ) -> None:
        super().__init__(owner_id)
        self._made_of: Block | BlockPage = block
        self._number = 0
        self._guess_rows = 1 + block.source.count("\n") + len(block.source) // 90
        self._traits = _traits(
            block.has_gap or is_first,
            is_dim,
            block.kind is BlockKind.PARAGRAPH,
            block.kind is BlockKind.CODE and block.page == 0,
            _may_use_references(block),
        )
        self.references = references
        self.height = self._guess_rows

    @property
    def has_gap(self) -> bool:
        """Whether a blank row is above it."""
        return self._traits.has_gap

    @property
    def is_dim(self) -> bool:
        """Whether it is reasoning."""
        return self._traits.is_dim

    @property
    def is_flowing(self) -> bool:
        """Paragraphs are wrapped text, all else is rows."""
        return self._traits.is_flowing

    @property
    def is_code_start(self) -> bool:
        """Whether a code block begins here."""
        return self._traits.is_code_start

    @property
    def may_use_references(self) -> bool:
        """Whether a reference link may stand in it."""
        return self._traits.may_use_references

    @property
    def block(self) -> Block:
        """The block; when it is kept in a page that was not looked at lately, all of that page is split for it."""
        made_of = self._made_of
        return made_of if isinstance(made_of, Block) else made_of.block(self._number)

    def keep_in(self, page: BlockPage, number: int) -> None:
        """Its block is the one with that number of a page: it need not be kept itself."""
        self._made_of, self._number = page, number

    def guess_rows(self) -> int:
        """From its length and its lines."""
        return self._guess_rows

    def render(self, context: RenderContext) -> list[Strip]:
        """The block's rows, below its gap."""
        styles = quiet(context.styles) if self.is_dim else context.styles
        rows = render_block(self.block, replace(context, references=self.references, styles=styles))
        return [BLANK, *rows] if self.has_gap else rows


class _Traits(NamedTuple):
    """What is often asked of a block: it need not be made for that. Few differ, so pieces share them."""

    has_gap: bool
    is_dim: bool
    is_flowing: bool
    is_code_start: bool
    may_use_references: bool


_traits = lru_cache(maxsize=32)(_Traits)


def _may_use_references(block: Block) -> bool:
    """A table repeats its header with every page when it is narrow."""
    if block.kind in (BlockKind.PARAGRAPH, BlockKind.HEADING):
        return "[" in block.text
    header = block.table.header if block.table is not None else ()
    return block.kind is BlockKind.TABLE and any("[" in cell for row in (header, *block.rows) for cell in row)


class TailPiece(Piece):
    """The growing end of an answer: rendered anew each frame, bounded by the splitter."""

    __slots__ = ("_first_rows", "_is_dim", "_is_first", "_references", "blocks")

    def __init__(self, owner_id: int, references: Mapping[str, tuple[str, str]], *, is_dim: bool = False) -> None:
        super().__init__(owner_id)
        self.blocks: tuple[Block, ...] = ()
        """What is shown; other blocks in every frame."""
        self._first_rows: list[int] = []
        self._is_first = True
        self._references = references
        self._is_dim = is_dim

    def show(self, blocks: tuple[Block, ...], *, is_first: bool) -> None:
        """Replace what is shown; the first block of an answer always has a gap above it."""
        self.blocks = blocks
        self._is_first = is_first
        self.invalidate()

    def block_at(self, row: int) -> int:
        """Which of the blocks a row belongs to, as it was rendered last. The gap above a block is part of it."""
        return max(0, bisect_right(self._first_rows, row) - 1)

    def render(self, context: RenderContext) -> list[Strip]:
        """All tail blocks and the caret behind the last character."""
        styles = quiet(context.styles) if self._is_dim else context.styles
        context = replace(context, references=self._references, styles=styles, is_tail=True)
        rows: list[Strip] = []
        self._first_rows = []
        for block in self.blocks:
            self._first_rows.append(len(rows))
            if block.has_gap or (self._is_first and block is self.blocks[0]):
                rows.append(BLANK)
            rows += render_block(block, context)
        return with_caret(rows, context) if rows else rows


class FoldPiece(Piece):
    """The head of folded reasoning: one line that says how long it took."""

    __slots__ = ("is_open", "summary")

    def __init__(self, owner_id: int) -> None:
        super().__init__(owner_id)
        self.summary = "thinking"
        self.is_open = True
        self.height = 2

    def render(self, context: RenderContext) -> list[Strip]:
        """▸ thought for 6.2 s · 214 tok"""
        text = f"{'▾' if self.is_open else '▸'} {self.summary}"
        style = context.styles.fold + Style(meta={"fold": True})
        return [BLANK, Strip([Segment(text, style)], cell_len(text)).crop(0, context.width)]


class CallsPiece(Piece):
    """Tool calls as they arrive: never run, arguments shown as far as they came."""

    __slots__ = ("calls",)

    def __init__(self, owner_id: int) -> None:
        super().__init__(owner_id)
        self.calls: tuple[ToolCallPart, ...] = ()
        self.height = 0

    def render(self, context: RenderContext) -> list[Strip]:
        """Name, state and raw arguments of each call."""
        rows: list[Strip] = []
        for call in self.calls:
            state = "not run" if call.is_complete else "incomplete, not run"
            head = f"⚒ {clean_line(call.name, 80) or 'a tool'} ({state})"
            rows += [BLANK, *wrap_plain(head, context, context.styles.strong)]
            if call.arguments:
                rows += wrap_plain(clean(call.arguments), context, context.styles.dim)
        return rows


class NoticePiece(Piece):
    """One line of ours in the transcript: what failed and what to do, or where an answer comes from."""

    __slots__ = ("_is_error", "_text")

    is_flowing = True

    def __init__(self, owner_id: int, text: str, *, is_error: bool = False) -> None:
        super().__init__(owner_id)
        self._text = clean_line(text, 1_000)
        self._is_error = is_error
        self.height = 2

    def render(self, context: RenderContext) -> list[Strip]:
        """A blank row and the wrapped sentence."""
        return [
            BLANK,
            *wrap_plain(self._text, context, context.styles.error if self._is_error else context.styles.notice),
        ]


class SeamPiece(Piece):
    """Where an answer ended early: a thin rule with the reason and what can be done. Never part of a text."""

    __slots__ = ("_is_first", "_keys", "_words")

    def __init__(self, owner_id: int, ending: Ending, *, has_text: bool = True, is_first: bool = False) -> None:
        """An answer that is nothing but its seam has the gap above that."""
        super().__init__(owner_id)
        self._is_first = is_first
        self._words = seam_words(ending)
        keys = [("c", "continue")] if has_text else []
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


def seam_words(ending: Ending) -> str:
    """Why an answer ended, empty when it ended well: "stopped · 412 tok · 8.1 s"."""
    if ending.is_rewritten:
        return "rewritten by you"
    tokens = f"{'≈' if ending.is_estimate else ''}{ending.tokens:,} tok"
    if ending.outcome is Outcome.STOPPED:
        return f"stopped · {tokens} · {ending.elapsed_s:.1f} s"
    if ending.outcome is Outcome.INTERRUPTED:
        title = clean_line(ending.fault.title, 80) if ending.fault else "interrupted"
        return f"{title} · {tokens} kept"
    if ending.reason is FinishReason.OTHER:
        return f"ended: {clean_line(ending.raw_reason, 40) or 'no reason given'} · {tokens}"
    words = _REASON_WORDS.get(ending.reason, "")
    return f"{words} · {tokens}" if words else ""


def wrap_plain(text: str, context: RenderContext, style: Style) -> list[Strip]:
    """Text without markup, wrapped at words within the measure, newlines kept."""
    return plain_rows(text, style, min(context.width, context.measure_columns))
