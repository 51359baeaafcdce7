"""The conversation on the screen: which messages there are, the running answer, the message cursor, clicks.

One widget instead of one per block, because a tree of Markdown widgets costs 6 to 10 times the CPU per token
and seconds per thousand messages [measured on Textual 8.2].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, Protocol

from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip

from chat_tui.core.conversation import Ending, Message, Role, ToolCallPart
from chat_tui.ui.keys import ACTIONS, Scope
from chat_tui.ui.messages import CopyRequested, FocusMoved, LinkChosen, TextTyped
from chat_tui.ui.render.pieces import BlockPiece, Layout, NoticePiece, Piece, PromptPiece
from chat_tui.ui.theme import ChatTheme
from chat_tui.ui.widgets.answer_view import AnswerView
from chat_tui.ui.widgets.reading_view import ReadingView
from chat_tui.ui.widgets.row_painter import Mark

NOTICE_OWNER = 0
_KEYS = tuple(row for row in ACTIONS if row.scope is Scope.TRANSCRIPT)


class MatchesInRows(Protocol):
    """A search, for who draws rows."""

    @property
    def is_active(self) -> bool:
        """Whether something is searched for."""
        ...

    def spans(self, piece: Piece, row: int, text: str) -> Sequence[tuple[int, int, bool]]:
        """The matches in a row: from character, up to character, whether it is the one the reader is led to."""
        ...


class Transcript(ReadingView, can_focus=True):
    """All messages. The chat screen feeds it once per frame."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(",".join(row.keys), f"screen.{row.id}", row.title, show=False) for row in _KEYS
    ]

    def __init__(
        self,
        theme: ChatTheme,
        *,
        measure_columns: int = 100,
        is_wrapped: bool = True,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(theme, measure_columns=measure_columns, is_wrapped=is_wrapped, id=id)
        self._views: dict[int, AnswerView] = {}
        self._answer: AnswerView | None = None
        self._late_notices: list[tuple[str, bool]] = []
        self._message_ids: list[int] = []
        self._first_pieces: dict[int, int] = {}
        self._cursor_id: int | None = None
        self.search: MatchesInRows | None = None
        """What is searched for."""

    # -- content ---------------------------------------------------------------------------------

    def add_prompt(self, message_id: int, text: str) -> None:
        """The reader's turn; the view goes to the end and follows."""
        self._add_id(message_id)
        self._pieces.append(PromptPiece(message_id, text, self._text_width))
        self.follow()

    def add_notice(self, text: str, *, is_error: bool = False) -> None:
        """One line of ours; below an answer that is still growing when that has ended."""
        if self._answer is not None:
            self._late_notices.append((text, is_error))
            return
        row_count = self._pieces.row_count
        self._pieces.append(NoticePiece(NOTICE_OWNER, text, is_error=is_error))
        self._show_more(row_count)

    def begin_answer(self, message_id: int, *, is_fold_open: bool = True) -> None:
        """The next text belongs to a new answer."""
        self._answer = self._add_view(message_id, is_fold_open=is_fold_open)

    def feed(self, reasoning: str, text: str, calls: tuple[ToolCallPart, ...] | None = None) -> None:
        """One frame's worth of the running answer."""
        answer = self._answer
        if answer is None:
            return
        row_count = self._pieces.row_count
        answer.feed_reasoning(reasoning)
        answer.feed_text(text)
        if calls is not None:
            answer.show_calls(calls)
        self._show_more(row_count)

    def end_answer(self, ending: Ending) -> None:
        """Settle the running answer and draw its seam, if it has one."""
        if self._answer is None:
            return
        row_count = self._pieces.row_count
        self._answer.end(ending)
        self._answer = None
        self._show_more(row_count)
        self._add_late_notices()

    def summarize_reasoning(self, summary: str, *, is_open: bool | None = None) -> None:
        """Put words on the fold's line of the running answer; open or close it."""
        answer = self._answer
        if answer is None or not answer.has_reasoning:
            return
        if is_open is not None and (is_open or not self._is_read(answer)):
            answer.fold(is_open=is_open)
        answer.summarize_reasoning(summary)
        self._show()

    def _is_read(self, answer: AnswerView) -> bool:
        """Whether a reader who has scrolled has some of its reasoning in view."""
        if self.is_following:
            return False
        top = self.scroll_offset.y
        return any(
            isinstance(piece, BlockPiece) and piece.is_dim and piece.owner_id == answer.message_id
            for piece, _, _ in self._pieces.rows(top, top + self.size.height - 1)
        )

    def toggle_reasoning(self) -> None:
        """Open or close the reasoning of the answer under the cursor, else of the last one that has some."""
        view = self._views.get(self._cursor_id or 0)
        if view is None or not view.has_reasoning:
            view = next((v for v in reversed(self._views.values()) if v.has_reasoning), None)
        if view is not None:
            view.fold(is_open=not view.is_fold_open)
            self._show()

    def drop_from(self, message_id: int) -> None:
        """Take a message and everything below it off the screen."""
        for index in range(len(self._pieces)):
            if self._pieces[index].owner_id == message_id:
                self._pieces.truncate(index)
                break
        if message_id in self._message_ids:
            for dropped in self._message_ids[self._message_ids.index(message_id) :]:
                self._views.pop(dropped, None)
            del self._message_ids[self._message_ids.index(message_id) :]
        self._answer = None
        self._new_rows = 0
        self._show()
        self._add_late_notices()

    def show_messages(self, messages: tuple[Message, ...], *, is_fold_open: bool = False) -> None:
        """Show another conversation, at its end. Only what is visible is laid out now."""
        self._pieces.truncate(0)
        self._views.clear()
        self._message_ids.clear()
        self._answer = self._cursor_id = None
        for message in messages:
            if message.role is Role.USER:
                self._add_id(message.id)
                self._pieces.append(PromptPiece(message.id, message.text, self._text_width), is_laid_out=False)
            elif message.role is Role.ASSISTANT:
                self._add_view(message.id, is_fold_open=is_fold_open).fill(message)
        self._is_following = True
        self._relayout()
        self._add_late_notices()

    def _add_late_notices(self) -> None:
        notices, self._late_notices = self._late_notices, []
        for text, is_error in notices:
            self.add_notice(text, is_error=is_error)

    def _add_view(self, message_id: int, *, is_fold_open: bool) -> AnswerView:
        self._add_id(message_id)
        view = self._views[message_id] = AnswerView(self._pieces, message_id, is_fold_open=is_fold_open)
        return view

    def _add_id(self, message_id: int) -> None:
        """The next piece is the first of a message."""
        self._message_ids.append(message_id)
        self._first_pieces[message_id] = len(self._pieces)

    # -- highlighted matches -----------------------------------------------------------------------

    @property
    def has_marks(self) -> bool:
        """Whether something is searched for."""
        return self.search is not None and self.search.is_active

    def marks(self, piece: Piece, row: int, text: str) -> Sequence[Mark]:
        """The matches in a row, the one the reader is led to above the others."""
        if self.search is None:
            return ()
        styles = self.styles_by_role
        return [
            Mark(start, end, styles.match_here if is_here else styles.match)
            for start, end, is_here in self.search.spans(piece, row, text)
        ]

    # -- looking into messages ---------------------------------------------------------------------

    @property
    def message_ids(self) -> Sequence[int]:
        """The messages shown, oldest first."""
        return self._message_ids

    def pieces_of(self, message_id: int) -> Sequence[Piece]:
        """The pieces of a message, in order, empty for one that is not here; nothing is laid out for it."""
        return [self._pieces[index] for index in self._indices_of(message_id)]

    def rows_of(self, message_id: int, piece_index: int) -> list[Strip]:
        """The rows of one piece of a message as they are shown now, none when it is folded away. The other
        pieces stay as they are. Raises IndexError."""
        index = self._indices_of(message_id)[piece_index]
        self._pieces.lay_out(index)
        return self._pieces[index].rows

    def reveal(
        self,
        message_id: int,
        piece_index: int = 0,
        row_in_piece: int = 0,
        *,
        align: Literal["top", "middle", "nearest"] = "nearest",
    ) -> None:
        """Scroll a row of a piece to the top of the view, or only when it is not in view: with rows around it
        (middle) or as far as it takes to see it (nearest). The view follows afterwards only when that is its end.
        A message or piece that is not here changes nothing."""
        indices = self._indices_of(message_id)
        if not 0 <= piece_index < len(indices):
            return
        index = indices[piece_index]
        height = max(1, self.size.height)
        self._pieces.lay_out(index)
        self._pieces.lay_out_above(index, height)
        self._pieces.lay_out_window(self._pieces.top(index), row_in_piece + height)
        row = self._pieces.top(index) + min(row_in_piece, max(0, self._pieces[index].height - 1))
        view_top = int(self.scroll_y)
        if align != "top" and view_top <= row < view_top + height:
            return
        top = row if align == "top" or row < view_top else row - height + 1
        if align == "middle":
            top = row - height // 3
        self._update_size()
        top = max(0, min(top, self._end_row))
        self._set_following(is_following=top >= self._end_row)
        self._pieces.lay_out_window(top, height)
        self._move_to(top)
        self._paint()

    @property
    def text_layout(self) -> Layout:
        """What pieces are laid out for now."""
        return self._pieces.layout

    def place_at(self, y: int) -> tuple[int, int, int] | None:
        """What stands in line `y` of the view, or where the end is above that: message, piece of it, row of that.
        For a line of ours the message above it; None when there is none."""
        if not self._pieces.row_count:
            return None
        index, row = self._pieces.find(min(max(0, int(self.scroll_y) + y), self._pieces.row_count - 1))
        while self._pieces[index].owner_id == NOTICE_OWNER:
            if index == 0:
                return None
            index, row = index - 1, max(0, self._pieces[index - 1].height - 1)
        message_id = self._pieces[index].owner_id
        return message_id, self._indices_of(message_id).index(index), row

    def unfold(self, message_id: int) -> None:
        """Show the reasoning of a message."""
        view = self._views.get(message_id)
        if view is not None and not view.is_fold_open:
            view.fold(is_open=True)
            self._show()

    def hold(self) -> None:
        """Stay here while an answer grows, until the reader goes to the end."""
        self._set_following(is_following=False)

    def release(self) -> None:
        """No longer stay for the sake of `hold`: follow when this is the end."""
        if self.scroll_y >= self._end_row:
            self.follow()

    def _indices_of(self, message_id: int) -> range:
        """The pieces of a message: they stand together, and where they begin never changes."""
        first = end = self._first_pieces.get(message_id, len(self._pieces))
        while end < len(self._pieces) and self._pieces[end].owner_id == message_id:
            end += 1
        return range(first, end)

    # -- message cursor --------------------------------------------------------------------------

    @property
    def marked_id(self) -> int | None:
        """The message the keys act on."""
        return self._cursor_id

    def move_cursor(self, step: int) -> None:
        """Go to the message `step` further down (negative: up) and bring it into view."""
        if not self._message_ids:
            return
        last = len(self._message_ids) - 1
        at = self._message_ids.index(self._cursor_id) if self._cursor_id in self._message_ids else last + 1
        self._cursor_id = self._message_ids[min(max(0, at + step), last)]
        if step:
            self._reveal(self._cursor_id)
        self._paint()

    def mark(self, message_id: int) -> None:
        """Put the cursor on a message; `reveal` or `remark` show it."""
        if message_id in self._message_ids:
            self._cursor_id = message_id

    def _reveal(self, message_id: int) -> None:
        owned = self._indices_of(message_id)
        if not owned:
            return
        top, bottom = self._pieces.top(owned[0]), self._pieces.top(owned[-1] + 1)
        view_top, height = int(self.scroll_y), self.size.height
        if top < view_top or bottom > view_top + height:
            row = max(0, min(top, self._end_row))
            self._set_following(is_following=row >= self._end_row)
            self._pieces.lay_out_window(row, height)
            self._move_to(row)

    def on_focus(self) -> None:
        """The cursor begins at the last message."""
        if self._cursor_id not in self._message_ids:
            self._cursor_id = self._message_ids[-1] if self._message_ids else None
        self._paint()
        self.post_message(FocusMoved())

    def on_blur(self) -> None:
        """The cursor is only drawn while keys act on it."""
        self._paint()
        self.post_message(FocusMoved())

    def on_key(self, event: events.Key) -> None:
        """Text typed here was meant for the composer."""
        is_action = any({event.key, event.character} & set(row.keys) for row in _KEYS)
        if event.is_printable and event.character and not is_action:
            event.stop()
            self.post_message(TextTyped(event.character))

    # -- clicks and copying ----------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        """Links, copy labels and folds are style meta of what was clicked."""
        meta = {} if self.has_dragged else event.style.meta
        if "link" in meta:
            self.post_message(LinkChosen(str(meta["link"])))
        elif "copy" in meta:
            index, _ = self._pieces.find(self.scroll_offset.y + event.y)
            self.post_message(CopyRequested(self._pieces.code(index)))
        elif "fold" in meta:
            index, _ = self._pieces.find(self.scroll_offset.y + event.y)
            self._cursor_id = self._pieces[index].owner_id
            self.toggle_reasoning()

    def codes(self, message_id: int) -> list[str]:
        """Exact source of every code block of a message, in order."""
        return [self._pieces.code(index) for index in self._pieces.code_starts(message_id)]
