"""What is searched in a conversation and where it is: matches by message, piece and row.

Looking at everything costs as much as drawing everything, so nothing here is done in one go: `seek` and `count` are
generators that stop after each piece, for the caller to end when the reader types on. A message is only looked at
closer when its source may contain the words, a piece of it only then rendered, and what was rendered is remembered
for the next words. Only counts are kept of matches: there may be as many as characters.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from textual.strip import Strip

from chat_tui.core.conversation import Message, Role, ToolCallPart
from chat_tui.core.find import Match, Query, Row, RowText, Source
from chat_tui.ui.render.block_pieces import BlockPiece, TailPiece
from chat_tui.ui.render.pieces import FoldPiece, Layout, NoticePiece, Piece
from chat_tui.ui.render.rows import joint_of, source_range
from chat_tui.ui.render.seam_piece import SeamPiece
from chat_tui.ui.render.wrap import clusters, is_narrow

REMEMBERED_CHARS = 4_000_000
"""How much rendered text is remembered between words."""

_NOT_SEARCHED = (FoldPiece, NoticePiece, SeamPiece)
"""What is neither the reader's nor the model's."""

_SEEN_PIECES = 200


class Place(NamedTuple):
    """A row of a piece of a message."""

    message_id: int
    piece_index: int
    row: int


@dataclass(frozen=True, slots=True)
class Hit:
    """The match `ordinal` (from 0) of a piece of a message; its rows are those of the piece."""

    message_id: int
    piece_index: int
    ordinal: int
    match: Match

    @property
    def row(self) -> int:
        """The row of the piece it begins in."""
        return self.match[0].row


class Searchable(Protocol):
    """A conversation on the screen."""

    @property
    def message_ids(self) -> Sequence[int]:
        """The messages, oldest first."""
        ...

    @property
    def text_layout(self) -> Layout:
        """What pieces are laid out for."""
        ...

    def pieces_of(self, message_id: int) -> Sequence[Piece]:
        """The pieces of a message, in order."""
        ...


class Search:
    """One search after another in one conversation. `message_of` gives None for a message it does not know."""

    def __init__(self, shown: Searchable, message_of: Callable[[int], Message | None]) -> None:
        self._shown = shown
        self._message_of = message_of
        self.query = Query("")
        self.hit: Hit | None = None
        """Where the reader is led to."""
        self.is_counted = False
        """Whether `total` is all there is."""
        self.rendered_count = 0
        """How many pieces were rendered, or taken as they are, to look into them."""
        self._hit_piece: Piece | None = None
        self._stamp = -1
        self._messages: dict[int, Message | None] = {}
        self._sources: dict[int, Source] = {}
        self._counts: dict[int, list[int]] = {}
        self._growing: dict[int, list[tuple[Piece, int]]] = {}
        self._looked_into: dict[int, list[RowText | Source | None]] = {}
        """By message, for each piece: what it says; what it is made from, while that was enough; or nothing."""
        self._remembered_chars = 0
        self._seen: dict[int, tuple[Piece, list[Strip], dict[int, list[tuple[int, int, int]]]]] = {}

    @property
    def is_active(self) -> bool:
        """Whether something is searched for."""
        return not self.query.is_empty

    # -- what is searched for --------------------------------------------------------------------

    def look_for(self, words: str) -> None:
        """Other words: nothing is found yet."""
        self.query = Query(words)
        self._forget_matches()

    def close(self) -> None:
        """Search for nothing, remember nothing."""
        self.look_for("")
        self._messages.clear()
        self._sources.clear()
        self._looked_into.clear()
        self._remembered_chars = 0

    def refresh(self) -> bool:
        """Take note of what has changed on the screen. Returns whether there is something to count."""
        if self._shown.text_layout.stamp != self._stamp:
            self._stamp = self._shown.text_layout.stamp
            self._looked_into.clear()
            self._remembered_chars = 0
            self._counts.clear()
            self._growing.clear()
            self._seen.clear()
        now = {message_id: self._message_of(message_id) for message_id in self._shown.message_ids}
        for message_id, message in self._messages.items():
            if message_id not in now or now[message_id] is not message:
                self._forget_message(message_id, is_gone=message_id not in now)
        self._messages = now
        self._find_hit_again()
        self.is_counted = all(map(self._counts.__contains__, now)) and not any(map(self._is_growing, now))
        return self.is_active and not self.is_counted

    def _forget_matches(self) -> None:
        self.hit = self._hit_piece = None
        self.is_counted = False
        self._counts.clear()
        self._growing.clear()
        self._seen.clear()

    def _forget_message(self, message_id: int, *, is_gone: bool) -> None:
        self._counts.pop(message_id, None)
        self._growing.pop(message_id, None)
        self._sources.pop(message_id, None)
        for entry in self._looked_into.pop(message_id, ()):
            self._remembered_chars -= len(entry.text) if isinstance(entry, RowText) else 0
        if is_gone and self.hit is not None and self.hit.message_id == message_id:
            self.hit = self._hit_piece = None

    def _find_hit_again(self) -> None:
        """Pieces of an answer that grows are replaced, and its tail becomes several."""
        hit = self.hit
        if hit is None:
            return
        index, ordinal = hit.piece_index, hit.ordinal
        pieces = self._shown.pieces_of(hit.message_id)
        while index < len(pieces):
            if self._hit_piece is pieces[index] and not isinstance(pieces[index], TailPiece):
                return
            matches = self._matches(hit.message_id, index)
            if ordinal < len(matches):
                self.hit = Hit(hit.message_id, index, ordinal, matches[ordinal])
                self._hit_piece = pieces[index]
                return
            ordinal -= len(matches)
            index += 1
        self._hit_piece = None

    # -- where it is -----------------------------------------------------------------------------

    def seek(self, start: Place | Hit | None, step: int) -> Generator[None]:
        """Make `hit` the next match down (`step` 1) or up (-1) from a match, or the one nearest to a place: in its
        row or further up (down); None is the end of it all (its beginning). Goes around the ends; `hit` is None
        when there is no match at all."""
        self.refresh()
        ids = list(self._messages)
        found: Hit | None = None
        if ids and self.is_active:
            if start is not None and start.message_id not in self._messages:
                start = None
            at = ids.index(start.message_id) if start is not None else 0 if step > 0 else len(ids) - 1
            for turn in range(len(ids) + 1):
                found = yield from self._seek_in(ids[(at + step * turn) % len(ids)], None if turn else start, step)
                if found is not None:
                    break
        self.hit = found
        self._hit_piece = None
        self._find_hit_again()

    def _seek_in(self, message_id: int, start: Place | Hit | None, step: int) -> Generator[None, None, Hit | None]:
        counts = self._counts.get(message_id)
        if not self._may_contain(message_id) or (counts is not None and not any(counts)):
            yield
            return None
        for index in range(self._piece_count(message_id))[::step]:
            if start is not None and (index - start.piece_index) * step < 0:
                continue
            matches = self._matches(message_id, index)
            ordinals = range(len(matches))
            if start is not None and index == start.piece_index:
                ordinals = [ordinal for ordinal in ordinals if _is_behind(ordinal, matches[ordinal], start, step)]
            if ordinals:
                ordinal = ordinals[0] if step > 0 else ordinals[-1]
                return Hit(message_id, index, ordinal, matches[ordinal])
            yield
        return None

    def count(self) -> Iterator[None]:
        """Count all matches from the top, those of an answer that grows as far as it has come."""
        if not self.refresh():
            return
        for message_id in list(self._messages):
            is_growing = self._is_growing(message_id)
            if message_id in self._counts and not is_growing:
                continue
            if is_growing:
                yield from self._count_growing(message_id)
            elif self._may_contain(message_id):
                counts: list[int] = []
                for index in range(self._piece_count(message_id)):
                    counts.append(len(self._matches(message_id, index)))
                    yield
                self._counts[message_id] = counts
            else:
                self._counts[message_id] = []
                yield
        self.is_counted = True

    def _count_growing(self, message_id: int) -> Iterator[None]:
        """What is settled of it is counted once."""
        known = self._growing.get(message_id, [])
        counted: list[tuple[Piece, int]] = []
        for index, piece in enumerate(self._shown.pieces_of(message_id)):
            if index < len(known) and known[index][0] is piece and isinstance(piece, BlockPiece):
                counted.append(known[index])
            else:
                counted.append((piece, len(self._matches(message_id, index))))
                yield
        self._growing[message_id] = counted
        self._counts[message_id] = [count for _, count in counted]

    @property
    def total(self) -> int:
        """How many matches are counted."""
        return sum(map(sum, self._counts.values()))

    @property
    def number(self) -> int | None:
        """Which of all matches `hit` is, from 1; None while that is not counted."""
        hit = self.hit
        if hit is None:
            return None
        before = 0
        for message_id in self._messages:
            counts = self._counts.get(message_id)
            if counts is None:
                return None
            if message_id == hit.message_id:
                return before + sum(counts[: hit.piece_index]) + hit.ordinal + 1
            before += sum(counts)
        return None

    # -- what is seen ----------------------------------------------------------------------------

    def spans(self, piece: Piece, row: int, text: str) -> list[tuple[int, int, bool]]:
        """The matches in a row of a laid out piece: from character, up to character, whether it is `hit`. Never
        half of what is drawn as one."""
        if not self.is_active or isinstance(piece, _NOT_SEARCHED):
            return []
        seen = self._seen.get(id(piece))
        if seen is None or seen[0] is not piece or seen[1] is not piece.rows:
            if len(self._seen) > _SEEN_PIECES:
                self._seen.clear()
            seen = self._seen[id(piece)] = (piece, piece.rows, self._by_row(piece))
            if self.hit is not None and self.hit.message_id == piece.owner_id:
                self._find_hit_again()  # the pieces of a message may have been made anew
        spans = seen[2].get(row)
        if not spans:
            return []
        ordinal = self.hit.ordinal if self.hit is not None and piece is self._hit_piece else -1
        if not is_narrow(text):
            spans = [(*_widened(text, start, end), number) for start, end, number in spans]
        joined: list[tuple[int, int, bool]] = []
        for start, end, number in spans:
            is_here = number == ordinal
            is_next = joined and joined[-1][1] >= start and joined[-1][2] is is_here
            joined.append((joined.pop()[0] if is_next else start, end, is_here))
        return joined

    def _by_row(self, piece: Piece) -> dict[int, list[tuple[int, int, int]]]:
        by_row: dict[int, list[tuple[int, int, int]]] = {}
        for number, match in enumerate(self.query.find_in_rows(searched_text(piece.rows))):
            for span in match:
                by_row.setdefault(span.row, []).append((span.start, span.end, number))
        return by_row

    # -- looking into messages and pieces ----------------------------------------------------------

    def _is_growing(self, message_id: int) -> bool:
        message = self._messages.get(message_id)
        return message is None or (message.role is Role.ASSISTANT and message.ending is None)

    def _may_contain(self, message_id: int) -> bool:
        message = self._messages.get(message_id)
        if message is None or self._is_growing(message_id):
            return True
        source = self._sources.get(message_id)
        if source is None:
            source = self._sources[message_id] = Source(_source_text(message))
        return source.may_contain(self.query)

    def _piece_count(self, message_id: int) -> int:
        known = self._looked_into.get(message_id)
        return len(self._shown.pieces_of(message_id)) if known is None else len(known)

    def _matches(self, message_id: int, index: int) -> list[Match]:
        """The matches in a piece; the message is only taken apart again for what was never looked into."""
        if self._is_growing(message_id):
            pieces = self._shown.pieces_of(message_id)  # may have gone since they were counted
            is_there = index < len(pieces) and not isinstance(pieces[index], _NOT_SEARCHED)
            entry = self._read(pieces[index]) if is_there else None
        else:
            known = self._looked_into.get(message_id)
            if known is None:
                looked: list[RowText | Source | None] = list(map(_first_look, self._shown.pieces_of(message_id)))
                known = looked
                self._looked_into[message_id] = known
            entry = known[index] if index < len(known) else None
            if isinstance(entry, Source) and entry.may_contain(self.query):
                pieces = self._shown.pieces_of(message_id)
                if index >= len(pieces):
                    return []
                entry = self._read(pieces[index])
                if self._remembered_chars < REMEMBERED_CHARS:
                    known[index] = entry
                    self._remembered_chars += len(entry.text)
        return self.query.find_in_rows(entry) if isinstance(entry, RowText) else []

    def _read(self, piece: Piece) -> RowText:
        """What a piece says, whether it is on the screen or not."""
        layout = self._shown.text_layout
        is_laid_out = piece.stamp == layout.stamp and not piece.is_hidden
        self.rendered_count += 1
        return searched_text(piece.rows if is_laid_out else piece.render(layout.context))


def searched_text(strips: Sequence[Strip]) -> RowText:
    """The text in the rows of a piece."""
    rows: list[Row] = []
    for strip in strips:
        start, end = source_range(strip)
        rows.append(Row(strip.text[start:end], start, joint_of(strip)))
    return RowText(rows)


def _widened(text: str, start: int, end: int) -> tuple[int, int]:
    """The range with the whole of every character and what joins it."""
    edges = [edge for edge, _ in clusters(text)]
    return (
        max([edge for edge in edges if edge <= start], default=0),
        min([edge for edge in edges if edge >= end], default=len(text)),
    )


def _is_behind(ordinal: int, match: Match, start: Place | Hit, step: int) -> bool:
    """Whether a match of the piece that a search starts in lies in its direction."""
    if isinstance(start, Hit):
        return (ordinal - start.ordinal) * step > 0
    return (match[0].row - start.row) * step >= 0


def _source_text(message: Message) -> str:
    calls = [f"{part.name}\n{part.arguments}" for part in message.parts if isinstance(part, ToolCallPart)]
    return "\n".join([message.reasoning, message.text, *calls])


def _first_look(piece: Piece) -> Source | None:
    """What decides whether a piece is worth rendering."""
    if isinstance(piece, _NOT_SEARCHED):
        return None
    if not isinstance(piece, BlockPiece):
        return Source("", is_unknown=True)
    block = piece.block
    text = block.source
    if block.table is not None:  # a later page may repeat the header
        text += "\n" + "\n".join(block.table.header)
    return Source(text, is_unknown=bool(piece.references) and "[" in text)  # targets of links stand elsewhere
