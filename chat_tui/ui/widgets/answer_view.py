"""One answer on the screen: text into blocks, blocks into pieces of its section, as it grows or from the history.

An answer is a row of segments (reasoning, text, reasoning, …), each with a splitter of its own; only the last
one grows. Settled blocks become pieces that never change again, the rest is one tail piece.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from chat_tui.core.blocks import Block
from chat_tui.core.conversation import Ending, Message, ReasoningPart, TextPart, ToolCallPart
from chat_tui.core.sanitize import TextCleaner
from chat_tui.ui.render.block_pieces import BlockPiece
from chat_tui.ui.render.pieces import CallsPiece, FoldPiece, Piece
from chat_tui.ui.render.seam_piece import SeamPiece, seam_words
from chat_tui.ui.theme import RenderStyles
from chat_tui.ui.widgets.answer_segment import Segment, new_splitter
from chat_tui.ui.widgets.piece_list import PieceList
from chat_tui.ui.widgets.section import SLICE_CHARS, guess_rows

_SEEN_CHARS: Final = 2_048
"""When more text comes at once only its end is seen: it is laid out by what is looked at, not as it comes."""


def warm_up(styles: RenderStyles) -> None:
    """Load what the first answer would wait for, best in a thread."""
    from chat_tui.ui.render import blocks

    new_splitter()
    blocks.warm_up(styles)


class Run(NamedTuple):
    """Text of one kind, or (with `calls`) the place where the tool calls stand."""

    text: str = ""
    is_reasoning: bool = False
    calls: tuple[ToolCallPart, ...] = ()


class _Rest:
    """What waits of an answer when something is put below it: split in slices, as one from the history is."""

    def __init__(self, view: AnswerView, runs: Sequence[Run], ending: Ending) -> None:
        self._view, self._runs, self._ending = view, runs, ending
        self.chars = sum(len(run.text) for run in runs)
        """Part of PieceMaker."""

    def guess_rows(self, width: int) -> int:
        """Part of PieceMaker."""
        return sum(guess_rows(run.text, width) for run in self._runs)

    def steps(self) -> Iterator[int]:
        """Part of PieceMaker."""
        return self._view.go_on(self._runs, self._ending)

    def release(self) -> None:
        """Part of PieceMaker: it is dropped with the answer."""


class _Source(NamedTuple):
    """A whole answer; raw as it is saved, or clean as it was fed."""

    runs: tuple[Run, ...]
    ending: Ending | None
    is_clean: bool


class AnswerView:
    """Feeds one answer into a section of its own at the end of a piece list.

    It is fed as it streams, or takes a whole `message` and makes its pieces when they are looked at.
    """

    __slots__ = (
        "_calls",
        "_chars",
        "_ending",
        "_fold_index",
        "_has_reasoning",
        "_has_text",
        "_is_fold_open",
        "_is_laid_out",
        "_segment",
        "_source",
        "_summary",
        "message_id",
        "section",
    )

    def __init__(
        self, pieces: PieceList, message_id: int, *, is_fold_open: bool = True, message: Message | None = None
    ) -> None:
        self.message_id = message_id
        self.section = pieces.add_section(message_id)
        self._is_fold_open = is_fold_open
        self._summary = "thinking"
        self._chars = 0
        self._has_reasoning = False
        self._ending: Ending | None = None
        self._source: _Source | None = None
        self._begin()
        if message is not None:
            self._take(message)

    @property
    def is_fold_open(self) -> bool:
        """Whether reasoning is shown."""
        return self._is_fold_open

    @property
    def has_reasoning(self) -> bool:
        """Whether there is something to fold."""
        return self._has_reasoning

    def feed_reasoning(self, text: str) -> None:
        """More of what the model thinks."""
        if text:
            self._chars += len(text)
            self._feed(text, is_reasoning=True)

    def feed_text(self, text: str) -> None:
        """More of the answer."""
        if text:
            self._chars += len(text)
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
            pieces = self.section.pieces
            self.section.changed(next(i for i in range(len(pieces) - 1, -1, -1) if pieces[i] is self._calls))

    def end(self, ending: Ending, rest: Sequence[Run] = ()) -> None:
        """Settle everything; an answer that ended early gets its seam. `rest` is what was not fed before: when that
        is much it is split later, as it is looked at."""
        waiting = _Rest(self, rest, ending)
        if waiting.chars > SLICE_CHARS:
            self.section.make_later(waiting)
            return
        for _ in self.go_on(rest, ending, is_laid_out=True):
            pass

    def go_on(self, runs: Sequence[Run], ending: Ending, *, is_laid_out: bool = False) -> Iterator[int]:
        """Feed the last runs in slices, and end. Yields after each slice how many characters that was."""
        self._is_laid_out = is_laid_out
        for run in runs:
            if run.calls:
                self.show_calls(run.calls)
            for start in range(0, len(run.text), SLICE_CHARS):
                text = run.text[start : start + SLICE_CHARS]
                self._chars += len(text)
                self._feed(text, is_reasoning=run.is_reasoning)
                yield len(text)
        self._settle_all(ending)
        self._is_laid_out = True
        self.section.can_be_made_again(self)

    def fold(self, *, is_open: bool) -> None:
        """Open or close the reasoning; what is not in view is laid out when it is."""
        self._is_fold_open = is_open
        if self._fold_index is None:
            return
        for index, piece in enumerate(self.section.pieces):
            if isinstance(piece, FoldPiece):
                piece.is_open = is_open
                self.section.changed(index)
            elif self._is_reasoning(piece):
                piece.hide(is_hidden=not is_open)
                self.section.guess_again(index)

    def summarize_reasoning(self, summary: str) -> None:
        """The words on the fold's line."""
        self._summary = summary
        if self._fold_index is not None and self._fold_index < len(self.section):
            piece = self.section.pieces[self._fold_index]
            if isinstance(piece, FoldPiece) and piece.summary != summary:
                piece.summary = summary
                self.section.changed(self._fold_index)

    # -- from the history --------------------------------------------------------------------------

    def fill(self, message: Message) -> None:
        """A whole answer from the history, split at once; it is laid out when it is seen."""
        self._take(message)
        self.section.make_all()

    def _take(self, message: Message) -> None:
        runs: list[Run] = []
        for part in message.parts:
            if isinstance(part, ReasoningPart) and part.text:
                runs.append(Run(part.text, is_reasoning=True))
                self._summary = fold_summary(part.duration_s, None)
            elif isinstance(part, TextPart) and part.text:
                runs.append(Run(part.text))
        if calls := tuple(part for part in message.parts if isinstance(part, ToolCallPart)):
            runs.append(Run(calls=calls))
        self._has_reasoning = any(run.is_reasoning for run in runs)
        self._source = _Source(tuple(runs), message.ending, is_clean=False)
        self._chars = sum(len(run.text) for run in runs)
        if runs or (message.ending is not None and seam_words(message.ending)):
            self.section.make_later(self)

    @property
    def chars(self) -> int:
        """Part of PieceMaker."""
        return self._chars

    def guess_rows(self, width: int) -> int:
        """Part of PieceMaker."""
        runs = self._source.runs if self._source is not None else ()
        shown = (run for run in runs if self._is_fold_open or not run.is_reasoning)
        return sum(guess_rows(run.text, width) + 2 * len(run.calls) for run in shown)

    def steps(self) -> Iterator[int]:
        """Part of PieceMaker."""
        source = self._source
        if source is None:
            return
        self._begin()
        self._is_laid_out = False
        cleaners = {is_reasoning: TextCleaner() for is_reasoning in (False, True)}
        is_after_calls = False
        for run in source.runs:
            if run.calls:
                if not source.is_clean:
                    self._flush(cleaners)
                self.show_calls(run.calls)
                is_after_calls = True
            for start in range(0, len(run.text), SLICE_CHARS):
                text = run.text[start : start + SLICE_CHARS]
                chars = len(text)
                if not source.is_clean:
                    text = cleaners[run.is_reasoning].feed(text)
                if text:
                    self._feed(text, is_reasoning=run.is_reasoning)
                yield chars
        if not source.is_clean and not is_after_calls:
            self._flush(cleaners)
        if source.ending is not None:
            self._settle_all(source.ending)
        elif self._segment is not None:
            self._show_tail(self._segment)
        self._is_laid_out = True

    def _flush(self, cleaners: dict[bool, TextCleaner]) -> None:
        for is_reasoning in (True, False):
            if held := cleaners[is_reasoning].flush():
                self._feed(held, is_reasoning=is_reasoning)

    def release(self) -> None:
        """Part of PieceMaker: what was fed is what its blocks were made from."""
        if self._source is not None:
            return
        runs: list[Run] = []
        for key, pieces in groupby(self.section.pieces, _run_key):
            if key is CallsPiece and self._calls is not None:
                runs.append(Run(calls=self._calls.calls))
            elif isinstance(key, bool):
                text = "".join(piece.block.source for piece in pieces if isinstance(piece, BlockPiece))
                runs.append(Run(text, is_reasoning=key))
        self._source = _Source(tuple(runs), self._ending, is_clean=True)

    # -- inside ----------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._segment: Segment | None = None
        self._fold_index: int | None = None
        self._calls: CallsPiece | None = None
        self._has_text = False
        self._is_laid_out = True

    def _feed(self, text: str, *, is_reasoning: bool) -> None:
        self._has_text |= not is_reasoning
        segment = self._segment
        if segment is None or segment.is_reasoning is not is_reasoning:
            segment = self._begin_segment(is_reasoning=is_reasoning)
        settled = segment.splitter.feed(text)
        is_laid_out = self._is_laid_out
        if len(text) > _SEEN_CHARS:
            self._is_laid_out = False
        self._settle(segment, settled)
        self._is_laid_out = is_laid_out
        if is_laid_out:
            self._show_tail(segment)
        elif segment.tail.blocks:  # what it shows is settled now
            segment.tail.show((), is_first=False)

    def _begin_segment(self, *, is_reasoning: bool) -> Segment:
        self._close_segment()
        if is_reasoning and self._fold_index is None:
            self._has_reasoning = True
            self._fold_index = len(self.section)
            fold = FoldPiece(self.message_id)
            fold.is_open = self._is_fold_open
            fold.summary = self._summary
            self._append(fold)
        self._segment = Segment(self.message_id, is_reasoning=is_reasoning)
        self._append(self._segment.tail)
        return self._segment

    def _settle(self, segment: Segment, blocks: tuple[Block, ...]) -> None:
        """Blocks that will not change go before the tail."""
        if not blocks:
            return
        self.section.truncate(len(self.section) - 1)
        for block in blocks:
            piece = BlockPiece(
                self.message_id,
                block,
                segment.references,
                is_first=not segment.has_settled,
                is_dim=segment.is_reasoning,
            )
            segment.has_settled = True
            segment.settled(piece)
            if segment.is_reasoning and not self._is_fold_open:
                piece.hide(is_hidden=True)
            self._append(piece)
        self._append(segment.tail)

    def _show_tail(self, segment: Segment) -> None:
        segment.tail.hide(is_hidden=segment.is_reasoning and not self._is_fold_open)
        segment.tail.show(segment.splitter.tail(), is_first=not segment.has_settled)
        self.section.changed(len(self.section) - 1)

    def _close_segment(self) -> None:
        segment, self._segment = self._segment, None
        if segment is None:
            return
        self._settle(segment, segment.splitter.close())
        self.section.truncate(len(self.section) - 1)
        if segment.references:
            self._resolve_references(segment)

    def _settle_all(self, ending: Ending) -> None:
        self._close_segment()
        self._ending = ending
        if seam_words(ending):
            is_first = not len(self.section)
            self._append(SeamPiece(self.message_id, ending, has_text=self._has_text, is_first=is_first))

    def _resolve_references(self, segment: Segment) -> None:
        """Links to definitions that came later are only known now: those blocks are rendered once more, when they
        are seen."""
        for index, piece in enumerate(self.section.pieces):
            if (
                isinstance(piece, BlockPiece)
                and piece.references is segment.references
                and piece.may_use_references
            ):
                self.section.guess_again(index)

    def _is_reasoning(self, piece: Piece) -> bool:
        if isinstance(piece, BlockPiece):
            return piece.is_dim
        return self._segment is not None and self._segment.is_reasoning and piece is self._segment.tail

    def _append(self, piece: Piece) -> None:
        self.section.append(piece, is_laid_out=self._is_laid_out)


def _run_key(piece: Piece) -> object:
    """Whether a piece is reasoning; its type when it is no text."""
    return piece.is_dim if isinstance(piece, BlockPiece) else type(piece)


def fold_summary(duration_s: float | None, tokens: int | None) -> str:
    """What the folded line says: thought for 6.2 s · 214 tok."""
    words = "thought" if duration_s is None else f"thought for {duration_s:.1f} s"
    return words if tokens is None else f"{words} · {tokens:,} tok"
