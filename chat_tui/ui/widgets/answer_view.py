"""One answer on the screen as it grows: text into blocks, blocks into pieces at the end of the list.

An answer is a row of segments (reasoning, text, reasoning, …), each with a splitter of its own; only the last
one grows. Settled blocks become pieces that never change again, the rest is one tail piece.
"""

from __future__ import annotations

from chat_tui.core.blocks import Block, BlockKind
from chat_tui.core.conversation import Ending, Message, ReasoningPart, TextPart, ToolCallPart
from chat_tui.core.sanitize import TextCleaner
from chat_tui.core.splitter import BlockSplitter
from chat_tui.ui.render.pieces import (
    BlockPiece,
    CallsPiece,
    FoldPiece,
    Piece,
    SeamPiece,
    TailPiece,
    seam_words,
)
from chat_tui.ui.widgets.piece_list import PieceList


class _Segment:
    """A run of reasoning or of text."""

    def __init__(self, owner_id: int, *, is_reasoning: bool) -> None:
        self.is_reasoning = is_reasoning
        self.splitter = BlockSplitter()
        self.has_settled = False
        self.references = self.splitter.references
        self.tail = TailPiece(owner_id, self.references, is_dim=is_reasoning)


class AnswerView:
    """Feeds one answer into a piece list, at whose end it stands."""

    def __init__(self, pieces: PieceList, message_id: int, *, is_fold_open: bool = True) -> None:
        self.message_id = message_id
        self.first_index = len(pieces)
        self._pieces = pieces
        self._segment: _Segment | None = None
        self._is_fold_open = is_fold_open
        self._fold_index: int | None = None
        self._calls: CallsPiece | None = None
        self._has_text = False
        self._is_laid_out = True

    @property
    def is_fold_open(self) -> bool:
        """Whether reasoning is shown."""
        return self._is_fold_open

    @property
    def has_reasoning(self) -> bool:
        """Whether there is something to fold."""
        return self._fold_index is not None

    def feed_reasoning(self, text: str) -> None:
        """More of what the model thinks."""
        if text:
            self._feed(text, is_reasoning=True)

    def feed_text(self, text: str) -> None:
        """More of the answer."""
        if text:
            self._has_text = True
            self._feed(text, is_reasoning=False)

    def show_calls(self, calls: tuple[ToolCallPart, ...]) -> None:
        """Tool calls stand below the text that came before them."""
        if self._calls is None:
            self._close_segment()
            self._calls = CallsPiece(self.message_id)
            self._calls.calls = calls
            self._append(self._calls)
        else:
            self._calls.calls = calls
            index = next(i for i in range(len(self._pieces) - 1, -1, -1) if self._pieces[i] is self._calls)
            self._pieces.changed(index)

    def fill(self, message: Message) -> None:
        """A whole answer from the history; it is laid out when it is seen."""
        self._is_laid_out = False
        cleaners = {part_type: TextCleaner() for part_type in (TextPart, ReasoningPart)}
        for part in message.parts:
            if isinstance(part, ReasoningPart):
                self.feed_reasoning(cleaners[ReasoningPart].feed(part.text))
                self.summarize_reasoning(fold_summary(part.duration_s, None))
            elif isinstance(part, TextPart):
                self.feed_text(cleaners[TextPart].feed(part.text))
        self.feed_reasoning(cleaners[ReasoningPart].flush())
        self.feed_text(cleaners[TextPart].flush())
        if calls := tuple(part for part in message.parts if isinstance(part, ToolCallPart)):
            self.show_calls(calls)
        if message.ending is not None:
            self.end(message.ending)
        elif self._segment is not None:
            self._show_tail(self._segment)

    def end(self, ending: Ending) -> None:
        """Settle everything; an answer that ended early gets its seam."""
        self._close_segment()
        if seam_words(ending):
            self._append(SeamPiece(self.message_id, ending, has_text=self._has_text))

    def fold(self, *, is_open: bool) -> None:
        """Open or close the reasoning."""
        self._is_fold_open = is_open
        if self._fold_index is None:
            return
        for index in range(self.first_index, len(self._pieces)):
            piece = self._pieces[index]
            if piece.owner_id != self.message_id:
                break
            if isinstance(piece, FoldPiece):
                piece.is_open = is_open
                self._pieces.changed(index)
            elif self._is_reasoning(piece):
                piece.is_hidden = not is_open
                self._pieces.changed(index)

    def summarize_reasoning(self, summary: str) -> None:
        """The words on the fold's line."""
        if self._fold_index is not None:
            piece = self._pieces[self._fold_index]
            if isinstance(piece, FoldPiece) and piece.summary != summary:
                piece.summary = summary
                self._pieces.changed(self._fold_index)

    # -- inside ----------------------------------------------------------------------------------

    def _feed(self, text: str, *, is_reasoning: bool) -> None:
        segment = self._segment
        if segment is None or segment.is_reasoning is not is_reasoning:
            segment = self._begin_segment(is_reasoning=is_reasoning)
        settled = segment.splitter.feed(text)
        self._settle(segment, settled)
        if self._is_laid_out:
            self._show_tail(segment)

    def _begin_segment(self, *, is_reasoning: bool) -> _Segment:
        self._close_segment()
        if is_reasoning and self._fold_index is None:
            self._fold_index = len(self._pieces)
            fold = FoldPiece(self.message_id)
            fold.is_open = self._is_fold_open
            self._append(fold)
        self._segment = _Segment(self.message_id, is_reasoning=is_reasoning)
        self._append(self._segment.tail)
        return self._segment

    def _settle(self, segment: _Segment, blocks: tuple[Block, ...]) -> None:
        """Blocks that will not change go before the tail."""
        if not blocks:
            return
        self._pieces.truncate(len(self._pieces) - 1)
        for block in blocks:
            piece = BlockPiece(
                self.message_id,
                block,
                segment.references,
                is_first=not segment.has_settled,
                is_dim=segment.is_reasoning,
            )
            segment.has_settled = True
            piece.is_hidden = segment.is_reasoning and not self._is_fold_open
            self._append(piece)
        self._append(segment.tail)

    def _show_tail(self, segment: _Segment) -> None:
        segment.tail.is_hidden = segment.is_reasoning and not self._is_fold_open
        segment.tail.show(segment.splitter.tail(), is_first=not segment.has_settled)
        self._pieces.changed(len(self._pieces) - 1)

    def _close_segment(self) -> None:
        segment, self._segment = self._segment, None
        if segment is None:
            return
        self._settle(segment, segment.splitter.close())
        self._pieces.truncate(len(self._pieces) - 1)
        if segment.references:
            self._resolve_references(segment)

    def _resolve_references(self, segment: _Segment) -> None:
        """Links to definitions that came later are only known now: those blocks are rendered once more."""
        for index in range(self.first_index, len(self._pieces)):
            piece = self._pieces[index]
            if (
                isinstance(piece, BlockPiece)
                and piece.references is segment.references
                and _may_use_references(piece.block)
            ):
                self._pieces.changed(index)

    def _is_reasoning(self, piece: Piece) -> bool:
        if isinstance(piece, BlockPiece):
            return piece.is_dim
        return self._segment is not None and self._segment.is_reasoning and piece is self._segment.tail

    def _append(self, piece: Piece) -> None:
        self._pieces.append(piece, is_laid_out=self._is_laid_out)


def _may_use_references(block: Block) -> bool:
    """Whether a reference link may stand in it; a table repeats its header with every page when it is narrow."""
    if block.kind in (BlockKind.PARAGRAPH, BlockKind.HEADING):
        return "[" in block.text
    header = block.table.header if block.table is not None else ()
    return block.kind is BlockKind.TABLE and any("[" in cell for row in (header, *block.rows) for cell in row)


def fold_summary(duration_s: float | None, tokens: int | None) -> str:
    """What the folded line says: thought for 6.2 s · 214 tok."""
    words = "thought" if duration_s is None else f"thought for {duration_s:.1f} s"
    return words if tokens is None else f"{words} · {tokens:,} tok"
