"""Source text that grows, as settled blocks and one bounded tail.

Once per frame the screen calls `feed` with the new text, then `tail`; `close` once at the end:

    settled = splitter.feed(text)     # blocks that will never change again, in order
    tail = splitter.tail()            # what the rest looks like now: render it, replace it next time

However the text is cut, the settled blocks are the same. Their sources and `unsettled` joined are the input.
The text waits as slices of what was fed (`SourceTape`); a gap of a million blank lines costs what it weighs.
"""

from __future__ import annotations

from collections.abc import Mapping

from chat_tui.core.block_open import Bounds, OpenBlocks
from chat_tui.core.block_parser import BlockParser
from chat_tui.core.block_source import LineReader, SourceTape
from chat_tui.core.blocks import Block


class BlockSplitter:
    """Splits growing Markdown into blocks, each character looked at once.

    Fences, tables and HTML settle in pages of `page_lines` lines or rows, a paragraph in pieces of at most
    `paragraph_chars` characters.
    """

    def __init__(self, page_lines: int = 32, paragraph_chars: int = 4096) -> None:
        self._tape = SourceTape()
        self._lines = LineReader()
        bounds = Bounds(page_lines=page_lines, paragraph_chars=paragraph_chars)
        self._parser = BlockParser(OpenBlocks(self._tape, bounds))

    @property
    def references(self) -> Mapping[str, tuple[str, str]]:
        """Normalised label → (target, title) of the link reference definitions settled so far."""
        return self._parser.blocks.references

    @property
    def unsettled(self) -> str:
        """Text that no settled block has taken; after `close` blank lines (or bare ">") at the end."""
        return self._tape.slice(self._parser.blocks.settled_to, self._tape.end)

    def feed(self, text: str) -> tuple[Block, ...]:
        """Add text, cut anywhere; the blocks it settles."""
        self._tape.push(text)
        for piece in self._lines.feed(text):
            self._parser.feed(piece)
        return self._take_settled()

    def tail(self) -> tuple[Block, ...]:
        """What is not settled, as it looks now, made anew each time; its size is bounded.

        The beginning of a line that could still become block syntax is held back, and so is the first row of
        what may become a table, until the line after it tells.
        """
        fork = self._parser.fork()
        partial = self._lines.partial()
        is_held = partial.is_start and (fork.hide_header(partial) or fork.is_undecided(partial))
        if partial.text and not is_held:
            fork.feed(partial)
        fork.finish(is_closed=False)
        return tuple(fork.blocks.settled)

    def close(self) -> tuple[Block, ...]:
        """Settle everything that is left."""
        for piece in self._lines.close():
            self._parser.feed(piece)
        self._parser.finish()
        return self._take_settled()

    def _take_settled(self) -> tuple[Block, ...]:
        blocks = self._parser.blocks
        settled = tuple(blocks.settled)
        blocks.settled.clear()
        self._tape.drop(blocks.settled_to)
        return settled
