"""The one screen: searching the conversation.

The reader is led to a match while they type and brought back by Esc. All looking is done in slices on the event
loop, which the next key ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING

from textual import on, work
from textual.widget import Widget
from textual.worker import Worker

from chat_tui.config.load import LoadedConfig
from chat_tui.core.conversation import Message
from chat_tui.core.outcome import Phase
from chat_tui.core.sanitize import clean_line
from chat_tui.session.session import ChatSession
from chat_tui.ui.messages import MatchWanted, SearchKept, WordsChanged
from chat_tui.ui.screens.turns import TICK_S, TurnScreen

if TYPE_CHECKING:
    from chat_tui.session.turn_runner import TurnRunner
    from chat_tui.ui.widgets.find_bar import FindBar
    from chat_tui.ui.widgets.search import Hit, Place, Search

SLICE_S = 0.008
"""For how long the search keeps the event loop at a time; one piece may take it over that."""


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where the reader was when the search began."""

    top: Place | None
    bottom: Place | None
    is_following: bool
    marked_id: int | None
    focused: Widget | None


class FindingScreen(TurnScreen):
    """What a person can do to find something."""

    def __init__(self, session: ChatSession, loaded: LoadedConfig, *, first_run: bool = False) -> None:
        super().__init__(session, loaded, first_run=first_run)
        self._has_searched = False
        self.slice_count = 0
        """How often the search has let the event loop go on."""
        self._origin = _Origin(None, None, is_following=True, marked_id=None, focused=None)
        self._last_words = ""
        self._finding: Worker[None] | None = None
        self._is_seeking = False
        self._top_of_hit = -1.0

    # Most conversations are never searched: what it takes is loaded and mounted when it is first asked for.

    @cached_property
    def search(self) -> Search:
        """What is searched for and where it was found."""
        from chat_tui.ui.widgets.search import Search

        return Search(self.transcript, self._settled_message)

    @cached_property
    def find_bar(self) -> FindBar:
        """Where the words are typed, above the composer."""
        from chat_tui.ui.widgets.find_bar import FindBar

        return FindBar(id="find-bar")

    @property
    def is_find_open(self) -> bool:
        """Whether the bar is on the screen."""
        return self._has_searched and self.find_bar.is_open

    @property
    def is_typing_words(self) -> bool:
        """Whether keys go into the bar."""
        return self._has_searched and self.find_bar.is_typing

    # -- opening and closing -----------------------------------------------------------------------

    def action_find(self) -> None:
        """Ctrl+F: type what to look for. The words of last time are there, and marked, to be taken or replaced."""
        self._open(self.search.query.words or self._last_words)
        if self._last_words and not self.search.is_active:
            self.search.look_for(self._last_words)
            self._find(None, 0)
            self.transcript.remark()

    def action_find_here(self) -> None:
        """The slash, while the messages have the focus."""
        self.action_find()

    def find_words(self, words: str) -> None:
        """/find WORDS: the messages get the focus, for n and N."""
        words = clean_line(words)
        self._open(words)
        self._look(words)
        self.transcript.focus()

    def close_search(self) -> None:
        """Take the bar and the marks away. A reader who was still typing goes back to where they were."""
        if not self.is_find_open:
            return
        is_undecided = self.find_bar.is_typing
        self._stop_finding()
        self.search.close()
        self.find_bar.close()
        if not is_undecided:
            self._show_found()
            self.transcript.release()
            return
        (self._origin.focused or self.prompt).focus()
        if self._origin.marked_id is not None:
            self.transcript.mark(self._origin.marked_id)
        if self._origin.is_following:
            self.transcript.follow()
        elif self._origin.top is not None:
            self.transcript.reveal(*self._origin.top, align="top")
        self._show_found()

    @property
    def is_search_next(self) -> bool:
        """Whether Esc would close the search: it goes before an answer that runs, but not from the composer."""
        return self.is_find_open and not (self.prompt.has_focus and self.session.is_running)

    def escape_hint(self, phase: Phase) -> str:
        """What Esc would do now."""
        if not self.is_search_next:
            return super().escape_hint(phase)
        return "Esc back" if self.find_bar.is_typing else "Esc close"

    def _open(self, words: str) -> None:
        if not self._has_searched:
            self._has_searched = True
            self.transcript.search = self.search
            self.mount(self.find_bar, before=self.prompt)
        if not self.find_bar.is_open:
            self._origin = _Origin(
                self._place_at(0),
                self._place_at(self.transcript.size.height - 1),
                self.transcript.is_following,
                self.transcript.marked_id,
                self.focused,
            )
            self.transcript.hold()
        self.find_bar.open(words)
        self._show_found()
        self.show_status()

    @on(WordsChanged)
    def words_changed(self, event: WordsChanged) -> None:
        """Search while it is typed, always from where the reader was."""
        self._look(event.words)

    @on(MatchWanted)
    def moved(self, event: MatchWanted) -> None:
        """An arrow in the bar."""
        if self.search.is_active:
            self._move(event.step)

    @on(SearchKept)
    def keep_search(self) -> None:
        """Enter: the reader stays; the messages get the focus, for n and N."""
        words = self.find_bar.input.value
        if not words.strip():
            self.close_search()
            return
        if self.search.hit is None and not (self.search.is_counted and not self.search.total):
            self._look(words)
        if self.search.hit is not None or not self.search.is_counted:
            self.transcript.focus()
            self.show_status()

    # -- moving from match to match ----------------------------------------------------------------

    def action_find_next(self) -> None:
        """The next match further down, around the end."""
        self._move(1)

    def action_find_previous(self) -> None:
        """The next match further up, around the beginning."""
        self._move(-1)

    def _move(self, step: int) -> None:
        """From the match the reader looks at; from the edge of the view when they have gone elsewhere."""
        if not self.search.is_active:
            self.say("Nothing is searched for. Ctrl+F searches.")
            return
        hit = self.search.hit
        if hit is None or not self._is_in_view(hit):
            self._find(self._place_at(0 if step > 0 else self.transcript.size.height - 1), step)
        else:
            self._find(hit, step)

    def _is_in_view(self, hit: Hit) -> bool:
        top, bottom = self._place_at(0), self._place_at(self.transcript.size.height - 1)
        ids = list(self.transcript.message_ids)
        if top is None or bottom is None or hit.message_id not in ids:
            return False
        first, at, last = (
            (ids.index(message_id), piece_index, row)
            for message_id, piece_index, row in (top, (hit.message_id, hit.piece_index, hit.row), bottom)
        )
        return first <= at <= last

    def _place_at(self, y: int) -> Place | None:
        from chat_tui.ui.widgets.search import Place

        place = self.transcript.place_at(y)
        return None if place is None else Place(*place)

    def _look(self, words: str) -> None:
        """Other words, from where the reader was when the bar was opened."""
        self.search.look_for(words)
        if self.search.is_active:
            self._last_words = words
            self._find(self._origin.bottom, -1)
        else:
            self._stop_finding()
            self._show_found()

    def _go(self) -> None:
        """Lead the reader to the match."""
        hit, transcript = self.search.hit, self.transcript
        if hit is None:
            return
        transcript.mark(hit.message_id)
        if transcript.pieces_of(hit.message_id)[hit.piece_index].is_hidden:
            transcript.unfold(hit.message_id)
        transcript.reveal(hit.message_id, hit.piece_index, hit.row, align="middle")
        transcript.reveal(hit.message_id, hit.piece_index, hit.match[-1].row)
        span = hit.match[0]
        transcript.reveal_chars(hit.message_id, hit.piece_index, span.row, span.start, span.end)
        transcript.hold()
        self._top_of_hit = transcript.scroll_y

    # -- looking, in slices ------------------------------------------------------------------------

    @property
    def is_finding(self) -> bool:
        """Whether the search is still at it."""
        return self._finding is not None and not self._finding.is_finished

    def _find(self, start: Place | Hit | None, step: int) -> None:
        self._is_seeking = True
        self._finding = self._seek_and_count(start, step)

    def _stop_finding(self) -> None:
        self._is_seeking = False
        if self._finding is not None:
            self._finding.cancel()

    @work(group="find", exclusive=True, exit_on_error=False)
    async def _seek_and_count(self, start: Place | Hit | None, step: int) -> None:
        if step:
            await self._in_slices(self.search.seek(start, step))
            self._is_seeking = False
            self._go()
            self._show_found()
        await self._in_slices(self.search.count())
        self._is_seeking = False
        self._show_found()

    async def _in_slices(self, steps: Iterable[None]) -> None:
        until_s = perf_counter() + SLICE_S
        for _ in steps:
            if perf_counter() >= until_s:
                self.slice_count += 1
                self._show_count()
                await asyncio.sleep(0)
                until_s = perf_counter() + SLICE_S

    def _show_found(self) -> None:
        self._show_count()
        self.transcript.remark()

    def _show_count(self) -> None:
        search = self.search
        if search.is_active:
            self.find_bar.show_matches(
                search.number, search.total, is_counted=search.is_counted, is_looking=self._is_seeking
            )
        else:
            self.find_bar.show_count("")

    # -- while an answer grows ---------------------------------------------------------------------

    def _settled_message(self, message_id: int) -> Message | None:
        """A message as it is known, None as long as not all of it is on the screen."""
        runner = self.session.runner
        if runner is not None and runner.message_id == message_id and (runner.is_running or runner.pending_chars):
            return None
        try:
            return self.session.conversation.get(message_id)
        except KeyError:
            return None

    def _on_tick(self) -> None:
        super()._on_tick()
        self._count_more()

    def end_turn(self, runner: TurnRunner) -> None:
        """The one end of a turn; what it has brought is counted."""
        super().end_turn(runner)
        self._count_more()

    def on_resize(self) -> None:
        """Rows are others now; a reader who looks at the match goes on looking at it."""
        if self._has_searched and self.search.is_active:
            is_at_hit = self.transcript.scroll_y == self._top_of_hit
            self.call_after_refresh(self._after_resize, is_at_hit=is_at_hit)

    def _after_resize(self, *, is_at_hit: bool) -> None:
        self._count_more()
        if is_at_hit:
            self._go()

    def _count_more(self) -> None:
        """Count what is new, unless somebody is at it."""
        if not self._has_searched or not self.search.is_active:
            return
        runner = self.session.runner
        if runner is not None and not runner.is_running and runner.pending_chars:
            self.set_timer(TICK_S, self._count_more)
        if not self.is_finding and self.search.refresh():
            self._finding = self._seek_and_count(None, 0)
