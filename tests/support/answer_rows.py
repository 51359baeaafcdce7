"""An answer on the way a token takes to the screen, without a screen: cleaner, buffer, frames, pieces, rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.style import Style
from textual.strip import Strip

from chat_tui.core.conversation import Ending, Outcome
from chat_tui.core.render_buffer import RenderBuffer
from chat_tui.core.sanitize import TextCleaner
from chat_tui.ui.render.blocks import RenderContext
from chat_tui.ui.render.pieces import Layout
from chat_tui.ui.theme import THEMES
from chat_tui.ui.widgets.answer_view import AnswerView
from chat_tui.ui.widgets.piece_list import PieceList

COMPLETE = Ending(Outcome.COMPLETE)

Row = tuple[tuple[str, Style | None], ...]
"""What can be told apart on the screen: runs of text of one style (link and copy targets included)."""


def make_layout(width: int, stamp: int = 0, *, theme: str = "dark", is_wrapped: bool = True) -> Layout:
    """The layout the transcript would use for that text width."""
    styles = THEMES[theme].styles
    return Layout(stamp, RenderContext(width=width, measure_columns=100, styles=styles, is_wrapped=is_wrapped))


def row_of(strip: Strip) -> Row:
    """A strip by its text and styles, however it is cut into segments."""
    runs: list[tuple[str, Style | None]] = []
    for text, style, _ in strip:
        if runs and runs[-1][1] == style:
            runs[-1] = (runs[-1][0] + text, style)
        elif text:
            runs.append((text, style))
    return tuple(runs)


def rows_of(pieces: PieceList) -> list[Row]:
    """All rows, exact."""
    pieces.lay_out_all()
    return [row_of(strip) for _, _, strip in pieces.rows(0, pieces.row_count - 1)]


def text_of(rows: Iterable[Row]) -> str:
    """The rows without their styles."""
    return "\n".join("".join(text for text, _ in row) for row in rows)


class StreamedAnswer:
    """One answer fed delta by delta and painted frame by frame."""

    def __init__(self, width: int, *, is_wrapped: bool = True) -> None:
        self._is_wrapped = is_wrapped
        self.pieces = PieceList(make_layout(width, is_wrapped=is_wrapped))
        self.view = AnswerView(self.pieces, 1)
        self._cleaner = TextCleaner()
        self._buffer = RenderBuffer()

    def receive(self, delta: str) -> None:
        """Something came; nothing is shown by it."""
        self._buffer.push(self._cleaner.feed(delta))

    def paint(self) -> None:
        """One frame."""
        self.view.feed_text(self._buffer.flush())

    def end(self, ending: Ending = COMPLETE) -> list[Row]:
        """Settle it; the final rows."""
        self._buffer.push(self._cleaner.flush())
        self.paint()
        self.view.end(ending)
        return rows_of(self.pieces)

    def resize(self, width: int) -> None:
        """Another width, everything laid out again."""
        stamp = self.pieces.layout.stamp + 1
        self.pieces.set_layout(make_layout(width, stamp, is_wrapped=self._is_wrapped))
        rows_of(self.pieces)


def whole_rows(text: str, width: int, *, is_wrapped: bool = True) -> list[Row]:
    """The rows of a document that comes in one piece."""
    answer = StreamedAnswer(width, is_wrapped=is_wrapped)
    answer.receive(text)
    return answer.end()


def streamed_rows(
    deltas: Iterable[str], width: int, frames: Iterator[bool], *, is_wrapped: bool = True
) -> list[Row]:
    """The rows of a document that comes in pieces; `frames` says after which of them a frame is painted."""
    answer = StreamedAnswer(width, is_wrapped=is_wrapped)
    for delta in deltas:
        answer.receive(delta)
        if next(frames):
            answer.paint()
    return answer.end()
