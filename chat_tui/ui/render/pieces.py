"""What a transcript is made of: pieces that render themselves to rows for a width, and remember them.

A piece is a block of an answer, a prompt, a seam, a notice, … Its rows are valid for one layout (width, theme);
`Layout.stamp` tells whether they still are. Gap rows between pieces are part of the piece below the gap.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from chat_tui.core.conversation import FilePart, ToolCallPart
from chat_tui.core.files import facts_label, shown_name
from chat_tui.core.sanitize import clean, clean_line
from chat_tui.ui.render.context import RenderContext
from chat_tui.ui.render.rows import plain_rows

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


class FilesPiece(Piece):
    """What went with the reader's turn, a line each: name, pixels, size."""

    has_bar = True
    __slots__ = ("_labels",)

    def __init__(self, owner_id: int, files: Sequence[FilePart]) -> None:
        super().__init__(owner_id)
        self._labels = tuple((shown_name(file.name), facts_label(file)) for file in files)
        self.height = len(self._labels)

    def render(self, context: RenderContext) -> list[Strip]:
        """photo.png  1200×800 · 340 kB"""
        styles = context.styles
        lines = (
            [Segment(name, styles.user_text), Segment(f"  {facts}", styles.dim)] for name, facts in self._labels
        )
        return [Strip(line).crop(0, context.width) for line in lines]


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


def wrap_plain(text: str, context: RenderContext, style: Style) -> list[Strip]:
    """Text without markup, wrapped at words within the measure, newlines kept."""
    return plain_rows(text, style, min(context.width, context.measure_columns))
