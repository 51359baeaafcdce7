"""A list of conversations, two lines each: title, model and age; below it the newest words, or the ones found.

Not Textual's OptionList: that wants all options at once. This one knows how many there are, asks for those that
come into view (`Wanted`), and draws what it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from chat_tui.core.sanitize import clean, clean_line
from chat_tui.ui.widgets.ages import age_text
from chat_tui.ui.widgets.conversation_source import ListedConversation
from chat_tui.ui.widgets.gauges import fit

LINES = 2
"""How high one conversation is."""

MARGIN_CELLS = 3
"""The bar beside the highlighted one, the mark of the one that is open, a space."""

MAX_LINE_CHARS = 300
UNTITLED = "Untitled"

_ROOMY_CELLS = 64
_MODEL_CELLS, _AGE_CELLS, _GAP = 26, 8, 2


@dataclass(frozen=True, slots=True)
class Entry:
    """A conversation of the list. `snippet` is the place where something was found, in `message_id` (0: in the
    title), and `spans` what of it was looked for. `title` is what it is called now."""

    row: ListedConversation
    title: str
    message_id: int = 0
    snippet: str = ""
    spans: tuple[tuple[int, int], ...] = ()


class Tone(StrEnum):
    """How words are coloured; the name of their component class after `conversation-list--`."""

    TITLE = "title"
    DIM = "dim"
    ACCENT = "accent"
    MATCH = "match"


Span = tuple[str, Tone]


def size_text(chars: int) -> str:
    """How long a conversation is."""
    if chars < 1_000:
        return f"{chars} chars"
    for unit, most in (("k", 999_500), ("M", 999_500_000)):
        if chars < most:
            number = chars / (1_000 if unit == "k" else 1_000_000)
            return f"{number:.1f}{unit} chars" if number < 9.95 else f"{number:.0f}{unit} chars"
    return f"{chars / 1_000_000_000:.1f}G chars"


def title_line(entry: Entry, width: int, now_s: float) -> list[Span]:
    """The first line in `width` cells: pin, title, then model (where there is room) and age on the right."""
    row = entry.row
    right: list[Span] = [(f"{age_text(row.updated_at_s, now_s):>{_AGE_CELLS}}", Tone.DIM)]
    if width >= _ROOMY_CELLS:
        right.insert(0, (fit(clean_line(row.model), _MODEL_CELLS), Tone.DIM))
    pin: list[Span] = [("★ ", Tone.ACCENT)] if row.is_pinned else []
    words = _marked(entry, Tone.TITLE) if entry.snippet and not entry.message_id else [(_title(entry), Tone.TITLE)]
    return _both_ends([*pin, *words], right, width)


def words_line(entry: Entry, width: int) -> list[Span]:
    """The second line: what is special about it, the words found or the newest ones, its size on the right."""
    row = entry.row
    states = (("open elsewhere", row.is_open_elsewhere), ("unfinished", row.is_unfinished))
    state = [word for word, is_so in states if is_so]
    left: list[Span] = [(f"{' · '.join(state)}  ", Tone.ACCENT)] if state else []
    if entry.snippet and entry.message_id:
        left += _marked(entry, Tone.DIM)
    else:
        left.append((clean_line(row.preview, MAX_LINE_CHARS), Tone.DIM))
    right = [(size_text(row.text_chars), Tone.DIM)] if width >= _ROOMY_CELLS else []
    return _both_ends(left, right, width)


def _title(entry: Entry) -> str:
    return clean_line(entry.title, MAX_LINE_CHARS) or UNTITLED


def _marked(entry: Entry, tone: Tone) -> list[Span]:
    """The snippet in parts, so that cleaning it does not move the marks."""
    spans: list[Span] = []
    at = 0
    for start, end in (*entry.spans, (len(entry.snippet), len(entry.snippet))):
        spans.append((_flat(entry.snippet[at:start]), tone))
        spans.append((_flat(entry.snippet[start:end]), Tone.MATCH))
        at = end
    return [span for span in spans if span[0]]


def _flat(text: str) -> str:
    return clean(text).replace("\n", " ").replace("\t", " ")


def _both_ends(left: Sequence[Span], right: Sequence[Span], width: int) -> list[Span]:
    """Exactly `width` cells; the left gives way."""
    right = [(f"{'':{_GAP}}{text}", tone) for text, tone in right if text]
    room = max(0, width - sum(cell_len(text) for text, _ in right))
    line: list[Span] = []
    for text, tone in left:
        fitted = fit(text, room)
        line.append((fitted, tone))
        room -= cell_len(fitted)
        if fitted != text:
            break
    return [*line, (" " * max(0, room), Tone.DIM), *right]


class ConversationList(ScrollView, can_focus=False):
    """Draws entries, moves a highlight. It never has the focus: whoever opens it moves it by its methods."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"conversation-list--{tone}" for tone in Tone),
        "conversation-list--highlighted",
        "conversation-list--bar",
    }
    ALLOW_SELECT = False

    class Chosen(Message):
        """An entry was clicked; it is highlighted now."""

    class Wanted(Message):
        """Entries that are looked at, from `first` on, are not known."""

        def __init__(self, first: int) -> None:
            super().__init__()
            self.first = first

    class Moved(Message):
        """Another one is highlighted, or the list has scrolled."""

    def __init__(self, now_s: float, current_id: str = "", *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._now_s = now_s
        self._current_id = current_id
        self._entries: list[Entry | None] = []
        self._highlighted = 0
        self._empty_words = ""

    # -- what is in it -----------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """How many there are, known ones and others."""
        return len(self._entries)

    @property
    def highlighted(self) -> int:
        """Which one, from 0; 0 also when there is none."""
        return self._highlighted

    @property
    def entry(self) -> Entry | None:
        """The highlighted one; None when there is none, or it is not known yet."""
        return self._entries[self._highlighted] if self._highlighted < len(self._entries) else None

    @property
    def first_in_view(self) -> int:
        """The topmost one that is seen."""
        return self.scroll_offset.y // LINES

    @property
    def room(self) -> int:
        """How many are seen at once, at least 1."""
        return max(1, self.size.height // LINES)

    def show(self, count: int, offset: int, entries: Iterable[Entry], *, highlighted: int | None = None) -> None:
        """All anew: `count` in all, of which those from `offset` on are known."""
        self._entries = [None] * count
        self._take(offset, entries)
        self._highlighted = min(self._highlighted if highlighted is None else highlighted, max(0, count - 1))
        self.virtual_size = Size(self.size.width, count * LINES)
        self._reveal()
        self._look()
        self.refresh()

    def put(self, offset: int, entries: Iterable[Entry]) -> None:
        """These are known now."""
        self._take(offset, entries)
        self._look()
        self.refresh()

    def replace(self, entry: Entry) -> None:
        """The one that is highlighted has changed."""
        if self._highlighted < len(self._entries):
            self._entries[self._highlighted] = entry
            self.refresh()

    def place_of(self, conversation_id: str) -> int | None:
        """Where a conversation is, as far as that is known."""
        if not conversation_id:
            return None
        places = (place for place, entry in enumerate(self._entries) if entry and entry.row.id == conversation_id)
        return next(places, None)

    def show_empty(self, words: str) -> None:
        """What to say while there is nothing to show."""
        if words != self._empty_words:
            self._empty_words = words
            self.refresh()

    def _take(self, offset: int, entries: Iterable[Entry]) -> None:
        for place, entry in enumerate(entries, offset):
            if place < len(self._entries):
                self._entries[place] = entry

    # -- moving ------------------------------------------------------------------------------------

    def highlight(self, place: int) -> None:
        """Highlight another one and see it."""
        place = min(max(0, place), max(0, len(self._entries) - 1))
        if place != self._highlighted:
            self._highlighted = place
            self.refresh()
        self._reveal()
        self._look()
        self.post_message(self.Moved())

    def line_of(self, place: int) -> int:
        """In which line of the view an entry begins, now."""
        return place * LINES - self.scroll_offset.y

    def _reveal(self) -> None:
        top, height = self._highlighted * LINES, self.size.height
        at = self.scroll_offset.y
        if height < LINES:
            return  # not laid out yet
        if top < at:
            self.scroll_to(y=top, animate=False, force=True)
        elif top + LINES > at + height:
            self.scroll_to(y=top + LINES - height, animate=False, force=True)

    def _look(self) -> None:
        """Ask for what is seen, and for what would be next."""
        first = self.first_in_view
        last = min(first + 2 * self.room, len(self._entries) - 1)
        missing = next((place for place in range(first, last + 1) if self._entries[place] is None), None)
        if missing is not None:
            self.post_message(self.Wanted(missing))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Others are seen."""
        super().watch_scroll_y(old_value, new_value)
        self._look()
        self.post_message(self.Moved())

    def on_resize(self) -> None:
        """More or fewer are seen."""
        self.virtual_size = Size(self.size.width, len(self._entries) * LINES)
        self._reveal()
        self._look()
        self.post_message(self.Moved())

    def on_click(self, event: events.Click) -> None:
        """Take the one under the pointer."""
        place = (self.scroll_offset.y + event.y) // LINES
        if 0 <= place < len(self._entries):
            self.highlight(place)
            self.post_message(self.Chosen())

    # -- drawing -----------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One line of the view."""
        width = self.scrollable_content_region.width
        place, line = divmod(self.scroll_offset.y + y, LINES)
        if not self._entries and not y and self._empty_words:
            text = f"{'':{MARGIN_CELLS}}{self._empty_words}"
            return Strip([Segment(text, self._tone_style(Tone.DIM))]).adjust_cell_length(width, self.rich_style)
        if place >= len(self._entries):
            return Strip.blank(width, self.rich_style)
        is_highlighted = place == self._highlighted
        highlight = self.get_component_rich_style("conversation-list--highlighted")
        base = highlight if is_highlighted else self.rich_style
        entry = self._entries[place]
        spans: list[Span] = []
        if entry is not None:
            room = max(0, width - MARGIN_CELLS)
            spans = words_line(entry, room) if line else title_line(entry, room, self._now_s)
        segments = self._margin(entry, is_first=not line, is_highlighted=is_highlighted, base=base)
        styles = {tone: self._tone_style(tone, is_highlighted=is_highlighted) for tone in Tone}
        segments += [Segment(text, styles[tone]) for text, tone in spans if text]
        return Strip(segments).adjust_cell_length(width, base)

    def _margin(self, entry: Entry | None, *, is_first: bool, is_highlighted: bool, base: Style) -> list[Segment]:
        is_current = is_first and entry is not None and bool(entry.row.id) and entry.row.id == self._current_id
        bar = self.get_component_rich_style("conversation-list--bar", partial=True)
        accent = self.get_component_rich_style(f"conversation-list--{Tone.ACCENT}", partial=True)
        return [
            Segment("▌", base + bar) if is_highlighted else Segment(" ", base),
            Segment("●" if is_current else " ", base + accent),
            Segment(" ", base),
        ]

    def _tone_style(self, tone: Tone, *, is_highlighted: bool = False) -> Style:
        name = f"conversation-list--{tone}"
        if not is_highlighted:
            return self.get_component_rich_style(name)
        base = self.get_component_rich_style("conversation-list--highlighted")
        return base + Style(bold=True, underline=tone is Tone.MATCH) if tone in (Tone.MATCH, Tone.TITLE) else base
