"""The conversation on the screen: which messages there are, the running answer, the message cursor, clicks.

One widget instead of one per block, because a tree of Markdown widgets costs 6 to 10 times the CPU per token
and seconds per thousand messages [measured on Textual 8.2].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol, Unpack

from textual import events
from textual.binding import Binding, BindingType

from chat_tui.core.conversation import Ending, FilePart, Message, Role, ToolCallPart
from chat_tui.ui.keys import ACTIONS, Scope
from chat_tui.ui.messages import CopyRequested, FocusMoved, LinkChosen, TextTyped, VersionChosen
from chat_tui.ui.render.block_pieces import BlockPiece
from chat_tui.ui.render.pieces import NoticePiece, Piece
from chat_tui.ui.theme import ChatTheme
from chat_tui.ui.widgets.answer_view import AnswerView, Run
from chat_tui.ui.widgets.message_view import MessageView
from chat_tui.ui.widgets.piece_view import ViewSettings
from chat_tui.ui.widgets.prompt_view import PromptView
from chat_tui.ui.widgets.row_painter import Mark
from chat_tui.ui.widgets.section import Section

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


class Transcript(MessageView, can_focus=True):
    """All messages. The chat screen feeds it once per frame."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(",".join(row.keys), f"screen.{row.id}", row.title, show=False) for row in _KEYS
    ]

    def __init__(self, theme: ChatTheme, **settings: Unpack[ViewSettings]) -> None:
        super().__init__(theme, **settings)
        self._views: dict[int, AnswerView] = {}
        self._answer: AnswerView | None = None
        self._late_notices: list[tuple[str, bool]] = []
        self._cursor_id: int | None = None
        self.search: MatchesInRows | None = None
        """What is searched for."""

    # -- content ---------------------------------------------------------------------------------

    def add_prompt(self, message_id: int, text: str, files: Sequence[FilePart] = ()) -> None:
        """The reader's turn; the view goes to the end and follows."""
        self._add_section(PromptView(self._pieces, message_id, text, files).section)
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
        with self._staying():
            answer.feed_reasoning(reasoning)
            answer.feed_text(text)
            if calls is not None:
                answer.show_calls(calls)
        self._show_more(row_count)

    def end_answer(self, ending: Ending, rest: Sequence[Run] = ()) -> None:
        """Settle the running answer and draw its seam, if it has one. `rest` is what was not fed before; much of it
        is split as it is looked at, the remainder when idle."""
        if self._answer is None:
            return
        row_count = self._pieces.row_count
        with self._staying():
            self._answer.end(ending, rest)
        self._answer = None
        self._show_more(row_count)
        self._add_late_notices()
        if rest:
            self._go_on_when_idle()

    def summarize_reasoning(self, summary: str, *, is_open: bool | None = None) -> None:
        """Put words on the fold's line of the running answer; open or close it."""
        answer = self._answer
        if answer is None:
            return
        with self._staying():
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
            with self._staying():
                view.fold(is_open=not view.is_fold_open)
            self._show()

    def drop_from(self, message_id: int) -> None:
        """Take a message and everything below it off the screen."""
        if (section := self._sections.get(message_id)) is not None:
            with self._staying():
                self._drop(section)
        self._answer = None
        self._new_rows = 0
        if self._is_following or self.scroll_y >= self._end_row:
            self.follow()
        else:
            self._show()
        self._add_late_notices()

    def show_messages(self, messages: tuple[Message, ...], *, is_fold_open: bool = False) -> None:
        """Show another conversation, at its end. Only what is visible is laid out now."""
        self._clear_sections()
        self._views.clear()
        self._answer = self._cursor_id = None
        for message in messages:
            self._add_message(message, is_fold_open=is_fold_open)
        self._is_following = True
        self._relayout()
        self._add_late_notices()

    @property
    def block_count(self) -> int:
        """How many messages and lines of ours there are."""
        return len(self._pieces.sections)

    def show_instead(self, message_id: int, messages: Sequence[Message], *, kept_count: int | None = None) -> None:
        """Show other messages in the place of one and all below it: the first begins in the line of the view where
        that began, as far as the end lets it; in the first line when that began out of view. When that message is
        not here they are added below the first `kept_count` blocks (None: all), and the end is shown."""
        section = self._sections.get(message_id)
        y = -1
        if section is not None:
            y = self._line_of(section)
            self._drop(section)
        elif kept_count is not None:
            self._pieces.truncate_sections(kept_count)
        self._answer = None
        self._new_rows = 0
        for message in messages:
            self._add_message(message)
        first = self._sections.get(messages[0].id) if messages else None
        if y < 0 or first is None:
            self.follow()
        else:
            self._put_in_line(first, y)

    def _add_message(self, message: Message, *, is_fold_open: bool = False) -> None:
        if message.role is Role.USER:
            self._add_section(PromptView(self._pieces, message.id, message.text, message.files).section)
        elif message.role is Role.ASSISTANT:
            self._add_view(message.id, is_fold_open=is_fold_open, message=message)

    def _drop(self, section: Section) -> None:
        for dropped in self._drop_sections(section):
            self._views.pop(dropped, None)

    def _add_late_notices(self) -> None:
        notices, self._late_notices = self._late_notices, []
        for text, is_error in notices:
            self.add_notice(text, is_error=is_error)

    def _add_view(self, message_id: int, *, is_fold_open: bool, message: Message | None = None) -> AnswerView:
        view = AnswerView(self._pieces, message_id, is_fold_open=is_fold_open, message=message)
        self._views[message_id] = view
        self._add_section(view.section)
        return view

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

    # -- for whoever leads the reader somewhere ----------------------------------------------------

    def unfold(self, message_id: int) -> None:
        """Show the reasoning of a message."""
        view = self._views.get(message_id)
        if view is not None and not view.is_fold_open:
            with self._staying():
                view.fold(is_open=True)
            self._show()

    def hold(self) -> None:
        """Stay here while an answer grows, until the reader goes to the end."""
        self._set_following(is_following=False)

    def release(self) -> None:
        """No longer stay for the sake of `hold`: follow when this is the end."""
        if self.scroll_y >= self._end_row:
            self.follow()

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
        marked = self._sections.get(self._cursor_id or 0)
        at = last + 1 if marked is None else self._number_of(marked)
        self._cursor_id = self._message_ids[min(max(0, at + step), last)]
        if step:
            self._reveal_whole(self._cursor_id)
        self._paint()

    def mark(self, message_id: int) -> None:
        """Put the cursor on a message; `reveal` or `remark` show it."""
        if message_id in self._sections:
            self._cursor_id = message_id

    def on_focus(self) -> None:
        """The cursor begins at the last message."""
        if self._cursor_id not in self._sections:
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
            place = self._pieces.place(self.scroll_offset.y + event.y)
            code = self._pieces.sections[place.section].code(place.piece, place.row)
            self.post_message(CopyRequested(code))
        elif "version" in meta:
            self.post_message(VersionChosen(self._message_at(event.y), int(meta["version"])))
        elif "fold" in meta:
            self._cursor_id = self._message_at(event.y)
            self.toggle_reasoning()

    def _message_at(self, y: int) -> int:
        return self._pieces.sections[self._pieces.place(self.scroll_offset.y + y).section].message_id

    def codes(self, message_id: int) -> list[str]:
        """Exact source of every code block of a message, in order."""
        return list(self._sections[message_id].codes()) if self.pieces_of(message_id) else []
