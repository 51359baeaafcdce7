"""Choosing a conversation: all of them, newest first, or those that have the words typed; rename, pin, delete."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from chat_tui.core.errors import ChatError
from chat_tui.core.find import MAX_WORDS_CHARS
from chat_tui.core.sanitize import clean_line
from chat_tui.session.journal import MAX_TITLE_CHARS
from chat_tui.ui.screens.panel import PanelScreen
from chat_tui.ui.widgets.conversation_list import (
    MARGIN_CELLS,
    UNTITLED,
    ConversationList,
    Entry,
)
from chat_tui.ui.widgets.conversation_source import (
    ConversationSource,
    FoundConversation,
    ListedConversation,
)
from chat_tui.ui.widgets.line_input import LineInput

PAGE = 50
"""How many are asked for at once."""

_KEYS = "Enter opens · Ctrl+R renames · Ctrl+T pins · Ctrl+D deletes · Esc closes"


@dataclass(frozen=True, slots=True)
class Choice:
    """A conversation, and the place in it that was found: `words` in a message; 0 and "" for its end."""

    conversation_id: str
    message_id: int = 0
    words: str = ""


def words_found(entry: Entry, typed: str) -> str:
    """What to lead the reader to in the message: all that was typed, where it stands there like that, else the
    longest word of it; empty where only the index knows (accents)."""
    if not entry.message_id or not entry.spans:
        return ""
    phrase = " ".join(typed.split()).lower()
    if phrase in entry.snippet.lower():
        return phrase
    return max((entry.snippet[start:end] for start, end in entry.spans), key=len).lower()


class ConversationsScreen(PanelScreen[Choice | None]):
    """F3 and /resume. Dismisses with the choice, or None. `now` is the wall clock, in UTC epoch seconds."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f3", "leave", "Close", show=False),
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "move_page(-1)", show=False),
        Binding("pagedown", "move_page(1)", show=False),
        Binding("ctrl+home", "go(False)", show=False),
        Binding("ctrl+end", "go(True)", show=False),
        # Before the search line, to which some of them mean something else.
        Binding("ctrl+r", "rename", show=False, priority=True),
        Binding("ctrl+t", "pin", show=False, priority=True),
        Binding("ctrl+d", "delete", show=False, priority=True),
        Binding("ctrl+z", "undelete", show=False, priority=True),
    ]

    def __init__(self, source: ConversationSource, words: str = "", now: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._source = source
        self._first_words = words
        self._list = ConversationList(now(), source.current_id, id="conversation-list")
        self._search = LineInput(
            placeholder="Search titles and messages", max_length=MAX_WORDS_CHARS, id="conversation-search"
        )
        self._title = LineInput(max_length=MAX_TITLE_CHARS, id="conversation-title")
        self._hint = Static("", id="conversation-hint", classes="panel-hint", markup=False)
        self._limit = PAGE
        self._shown_words = ""
        """What is listed: all for none, else what was found."""
        self._stamp = 0
        self._pages: set[int] = set()
        """Which pages were asked for, by the stamp they belong to."""
        self._notice = ""
        self._is_listed = False
        self._is_choice_due = False
        """Enter came before what was typed had been found."""

    @property
    def rows(self) -> ConversationList:
        """The list."""
        return self._list

    def compose(self) -> ComposeResult:
        """Title, search line, list, hints."""
        with Vertical(classes="panel"):
            yield Static("Conversations", classes="panel-title", markup=False)
            yield self._search
            with Container(id="conversation-rows"):
                yield self._list
                yield self._title
            yield self._hint

    def on_mount(self) -> None:
        """Ask for what is seen first."""
        self._title.display = False
        if self._first_words:
            with self.prevent(Input.Changed):
                self._search.value = clean_line(self._first_words, MAX_WORDS_CHARS)
        self._search.focus()
        self._show_hint()
        self._load()

    # -- loading -------------------------------------------------------------------------------------

    @on(Input.Changed, "#conversation-search")
    def _words_changed(self) -> None:
        self._limit = PAGE
        self._notice = ""
        self._is_choice_due = False
        self._load()

    @work(group="list", exclusive=True, exit_on_error=False)
    async def _load(self, keep_id: str = "", at: int = 0) -> None:
        """List anew; the highlight goes to a conversation, if it is among what is loaded, else to a place. The next
        key ends this."""
        words = self._search.value.strip()
        offset = 0
        try:
            if not self._is_listed:
                await self._source.refresh()
            if words:
                entries = [_found(hit) for hit in await self._source.search(words, self._limit)]
                count = len(entries)
            else:
                count = await self._source.count()
                offset = max(0, min(at, count - 1) - PAGE // 2)
                entries = [_listed(row) for row in await self._source.recent(PAGE, offset)]
        except ChatError as error:
            self._fail(error)
            return
        self._stamp += 1
        self._pages.clear()
        self._shown_words, self._is_listed = words, True
        self._list.show(max(count, offset + len(entries)), offset, entries, highlighted=at)
        if (place := self._list.place_of(keep_id)) is not None:
            self._list.highlight(place)
        self._list.show_empty("Nothing has these words." if words else "Nothing is stored yet.")
        self._show_hint()
        if self._is_choice_due:
            self._choose()

    @on(ConversationList.Wanted)
    def _page_wanted(self, event: ConversationList.Wanted) -> None:
        page = event.first // PAGE
        if not self._shown_words and page not in self._pages:
            self._pages.add(page)
            self._load_page(page, self._stamp)

    @work(group="page", exit_on_error=False)
    async def _load_page(self, page: int, stamp: int) -> None:
        try:
            rows = await self._source.recent(PAGE, page * PAGE)
        except ChatError as error:
            self._fail(error)
            return
        if stamp == self._stamp:
            self._list.put(page * PAGE, map(_listed, rows))

    def _fail(self, error: ChatError) -> None:
        self._notice = error.sentence
        self._show_hint()

    # -- choosing ------------------------------------------------------------------------------------

    @on(Input.Submitted, "#conversation-search")
    def _submitted(self) -> None:
        self._is_choice_due = self._is_stale
        if not self._is_stale:
            self._choose()

    @on(ConversationList.Chosen)
    def _clicked(self) -> None:
        self._choose()

    @property
    def _is_stale(self) -> bool:
        """Whether something else was typed than what is listed."""
        return not self._is_listed or self._search.value.strip() != self._shown_words

    @property
    def _entry(self) -> Entry | None:
        """What can be changed: not what the next moment is gone."""
        return None if self._is_stale or self.is_renaming else self._list.entry

    def _choose(self) -> None:
        self._is_choice_due = False
        entry = self._list.entry
        if entry is not None:
            words = words_found(entry, self._shown_words)
            self.dismiss(Choice(entry.row.id, entry.message_id, words))

    def action_leave(self) -> None:
        """Close what is open: the title, else all of it."""
        if self.is_renaming:
            self._end_rename()
        else:
            self.dismiss(None)

    def action_move(self, step: int) -> None:
        """The next one further down (negative: up)."""
        self._go(self._list.highlighted + step)

    def action_move_page(self, step: int) -> None:
        """A page further down."""
        self._go(self._list.highlighted + step * self._list.room)

    def action_go(self, is_end: bool) -> None:
        """The first or the last one."""
        self._go(self._list.count - 1 if is_end else 0)

    def _go(self, place: int) -> None:
        if self.is_renaming:
            return
        if self._notice:
            self._notice = ""
            self._show_hint()
        self._list.highlight(place)
        is_cut = bool(self._shown_words) and self._list.count == self._limit
        if is_cut and self._list.highlighted == self._list.count - 1:
            self._limit *= 2
            self._load(at=self._list.highlighted)

    # -- changing ------------------------------------------------------------------------------------

    @property
    def is_renaming(self) -> bool:
        """Whether a title is being written."""
        return bool(self._title.display)

    def action_rename(self) -> None:
        """Write another title, where the old one stands."""
        entry = self._entry
        if entry is None:
            return
        self._title.value = clean_line(entry.title, MAX_TITLE_CHARS)
        self._title.display = True
        self._place_title()
        self._title.focus()
        self._show_hint()

    @on(ConversationList.Moved)
    def _place_title(self) -> None:
        if not self.is_renaming:
            return
        line = self._list.line_of(self._list.highlighted)
        if not 0 <= line < self._list.size.height:
            self._end_rename()
            return
        self._title.styles.width = max(10, self._list.size.width - MARGIN_CELLS)
        self._title.styles.offset = (MARGIN_CELLS, line)

    @on(Input.Submitted, "#conversation-title")
    def _take_title(self) -> None:
        entry, title = self._list.entry, clean_line(self._title.value, MAX_TITLE_CHARS)
        if entry is not None and title and title != entry.title:
            self._source.rename(entry.row.id, title)
            self._list.replace(Entry(entry.row, title, entry.message_id, *_kept_snippet(entry)))
            self._notice = ""
        self._end_rename()

    def _end_rename(self) -> None:
        self._title.display = False
        self._search.focus()
        self._show_hint()

    def action_pin(self) -> None:
        """Keep it at the top, or no longer."""
        entry = self._entry
        if entry is None:
            return
        self._source.set_pinned(entry.row.id, is_pinned=not entry.row.is_pinned)
        self._notice = f"“{_name(entry.title)}” {'is no longer at' if entry.row.is_pinned else 'stays at'} the top."
        self._load(keep_id=entry.row.id, at=self._list.highlighted if entry.row.is_pinned else 0)

    def action_delete(self) -> None:
        """Remove it; one key brings it back."""
        entry = self._entry
        if entry is None:
            return
        if entry.row.is_open_elsewhere:
            self._notice = "It is open in another window. Close it there first."
            self._show_hint()
            return
        try:
            self._source.delete(entry.row.id, entry.title)
        except ChatError as error:
            self._fail(error)
            return
        self._notice = f"“{_name(entry.title)}” is deleted. Ctrl+Z brings it back."
        self._load(at=self._list.highlighted)

    def action_undelete(self) -> None:
        """Bring back the one deleted last."""
        if self.is_renaming:
            return
        here = self._list.entry
        try:
            title = self._source.undelete()
        except ChatError as error:
            self._fail(error)
            return
        self._notice = f"“{_name(title)}” is back."
        self._load(keep_id="" if here is None else here.row.id, at=self._list.highlighted)

    def _show_hint(self) -> None:
        if self.is_renaming:
            hint = "Enter takes the title · Esc leaves it as it was"
        else:
            hint = self._notice or f"{self._count_text()}{_KEYS}"
        self._hint.update(Content(clean_line(hint)))

    def _count_text(self) -> str:
        if not self._is_listed:
            return ""
        count = self._list.count
        more = "+" if self._shown_words and count == self._limit else ""
        return f"{count:,}{more} {'conversation' if count == 1 else 'conversations'} · "


def _listed(row: ListedConversation) -> Entry:
    return Entry(row, row.title)


def _found(hit: FoundConversation) -> Entry:
    return Entry(hit.row, hit.row.title, hit.message_id, hit.snippet, hit.spans)


def _kept_snippet(entry: Entry) -> tuple[str, tuple[tuple[int, int], ...]]:
    """What was found in a message is still there under another title."""
    return (entry.snippet, entry.spans) if entry.message_id else ("", ())


def _name(title: str) -> str:
    return clean_line(title, 40) or UNTITLED
