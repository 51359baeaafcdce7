"""One turn of the reader on the screen: plain text in pieces of a bounded length, because a paste can be long, and
below it what went with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from chat_tui.core.conversation import FilePart
from chat_tui.core.sanitize import TextCleaner
from chat_tui.ui.render.pieces import FilesPiece, PromptPiece
from chat_tui.ui.widgets.piece_list import PieceList
from chat_tui.ui.widgets.section import SLICE_CHARS, guess_rows

PIECE_CHARS: Final = 4_096
"""A piece is cut at the last newline before, else at the last space, else there."""


class PromptView:
    """Makes the pieces of one prompt, when they are looked at, in a section of its own at the end of a list."""

    __slots__ = ("_files", "_pieces", "_text", "section")

    def __init__(self, pieces: PieceList, message_id: int, text: str, files: Sequence[FilePart] = ()) -> None:
        self._pieces = pieces
        self._text = text
        self._files = files
        self.section = pieces.add_section(message_id)
        self.section.make_later(self)

    @property
    def chars(self) -> int:
        """Part of PieceMaker."""
        return len(self._text)

    def guess_rows(self, width: int) -> int:
        """Part of PieceMaker."""
        return 1 + guess_rows(self._text, width) + len(self._files)

    def steps(self) -> Iterator[int]:
        """Part of PieceMaker."""
        cleaner = TextCleaner()
        held = ""
        for start in range(0, len(self._text), SLICE_CHARS):
            text = self._text[start : start + SLICE_CHARS]
            held += cleaner.feed(text)
            while len(held) > PIECE_CHARS:
                part, held = _cut(held)
                self._append(part)
            yield len(text)
        held += cleaner.flush()
        if held or not len(self.section):
            self._append(held)
        if self._files:
            self.section.append(FilesPiece(self.section.message_id, self._files), is_laid_out=False)

    def release(self) -> None:
        """Part of PieceMaker: the text is kept anyway."""

    def _append(self, text: str) -> None:
        width = self._pieces.layout.context.width
        piece = PromptPiece(self.section.message_id, text, width, is_first=not len(self.section))
        self.section.append(piece, is_laid_out=False)


def _cut(text: str) -> tuple[str, str]:
    """A piece and what is left. A newline at the cut belongs to neither; the rows are the same without it."""
    if (newline := text.rfind("\n", 0, PIECE_CHARS)) > 0:
        return text[:newline], text[newline + 1 :]
    end = text.rfind(" ", 0, PIECE_CHARS) + 1 or PIECE_CHARS
    return text[:end], text[end:]
