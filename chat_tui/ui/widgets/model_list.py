"""The list of models on the screen: however many there are, only the rows in view are drawn."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from chat_tui.ui.widgets import model_rows
from chat_tui.ui.widgets.model_rows import Row, RowKind, Tone

MARGIN_CELLS = 3
"""The bar beside the highlighted row, the mark of the model that answers, a space."""

SCROLLBAR_CELLS = 1
ROOMY_ROWS = 14
"""From which height on groups have a gap between them."""


class ModelList(ScrollView, can_focus=False):
    """Draws rows, moves a highlight. It never has the focus: whoever opens it moves it by its methods."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"model-list--{tone}" for tone in Tone),
        "model-list--highlighted",
        "model-list--bar",
    }
    ALLOW_SELECT = False

    class Chosen(Message):
        """A row was clicked; it is highlighted now."""

    def __init__(self, current_id: str = "", *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._current_id = current_id
        self._all: Sequence[Row] = ()
        self._rows: Sequence[Row] = ()
        """As they stand below each other in the width there is."""
        self._favourites: Collection[str] = ()
        self._highlighted: int | None = None

    @property
    def rows(self) -> Sequence[Row]:
        """All of them, as they are laid out."""
        return self._rows

    @property
    def highlighted(self) -> int | None:
        """Which row, from 0; None when none can be taken."""
        return self._highlighted

    @property
    def choice(self) -> str:
        """What is taken with the highlighted row; empty when there is none."""
        return "" if self._highlighted is None else self._rows[self._highlighted].choice

    def show(self, rows: Sequence[Row], favourites: Collection[str], wanted: str) -> None:
        """All anew, with the row of `wanted` highlighted, else the first one that can be taken."""
        self._all, self._favourites = rows, favourites
        self._lay_out(wanted)

    def _lay_out(self, wanted: str) -> None:
        width = max(1, self.size.width - MARGIN_CELLS - SCROLLBAR_CELLS)
        self._rows = model_rows.laid_out(self._all, width, is_roomy=self.size.height >= ROOMY_ROWS)
        self._highlighted = self._place_of(wanted)
        self.virtual_size = Size(self.size.width, len(self._rows))
        self._reveal()
        self.refresh()

    def _place_of(self, wanted: str) -> int | None:
        first: int | None = None
        for place, row in enumerate(self._rows):
            choice = row.choice
            if choice and (not wanted or choice == wanted):
                return place
            if choice and first is None:
                first = place
        return first

    # -- moving ------------------------------------------------------------------------------------

    def move(self, step: int) -> None:
        """To the next row that can be taken, from one end to the other; `step` is 1 or -1."""
        count = len(self._rows)
        at = self._highlighted
        if at is None:
            return
        for distance in range(1, count + 1):
            place = (at + step * distance) % count
            if self._rows[place].choice:
                self._highlight(place)
                return

    def move_page(self, step: int) -> None:
        """A view further, and not beyond the end."""
        if self._highlighted is None:
            return
        far = min(max(0, self._highlighted + step * max(1, self.size.height - 1)), len(self._rows) - 1)
        behind = range(far, len(self._rows)) if step > 0 else range(far, -1, -1)
        before = range(far, self._highlighted, -1 if step > 0 else 1)
        place = next((place for place in (*behind, *before) if self._rows[place].choice), self._highlighted)
        self._highlight(place)

    def _highlight(self, place: int) -> None:
        self._highlighted = place
        self._reveal()
        self.refresh()

    def _reveal(self) -> None:
        """The highlighted row is in view, with the title above it, and below it what no key could reach."""
        height, at = self.size.height, self.scroll_offset.y
        if not height:
            return  # not laid out yet
        top = bottom = self._highlighted or 0
        while top > 0 and bottom - top < height - 1 and not self._rows[top - 1].choice:
            top -= 1
        while bottom < len(self._rows) - 1 and not self._rows[bottom + 1].choice:
            bottom += 1
        if top < at:
            self.scroll_to(y=top, animate=False, force=True)
        elif bottom >= at + height:
            self.scroll_to(y=min(top, bottom - height + 1), animate=False, force=True)

    def on_resize(self) -> None:
        """More or fewer are seen, and sentences break elsewhere."""
        self._lay_out(self.choice)

    def on_click(self, event: events.Click) -> None:
        """Take the one under the pointer."""
        place = self.scroll_offset.y + event.y
        if 0 <= place < len(self._rows) and self._rows[place].choice:
            self._highlight(place)
            self.post_message(self.Chosen())

    # -- drawing -----------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One line of the view."""
        width = self.scrollable_content_region.width
        place = self.scroll_offset.y + y
        if place >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        row = self._rows[place]
        is_highlighted = place == self._highlighted
        base = self.get_component_rich_style("model-list--highlighted") if is_highlighted else self.rich_style
        is_model = row.kind is RowKind.MODEL and row.model is not None
        model_id = row.model.id if is_model and row.model is not None else ""
        spans = model_rows.row_spans(row, max(0, width - MARGIN_CELLS), is_favourite=model_id in self._favourites)
        bar = self.get_component_rich_style("model-list--bar", partial=True)
        highlight = base if is_highlighted else None
        segments = [
            Segment("▌", base + bar) if is_highlighted else Segment(" ", base),
            Segment("●" if model_id and model_id == self._current_id else " ", self._style(Tone.ACCENT, highlight)),
            Segment(" ", base),
        ]
        segments += [Segment(text, self._style(tone, highlight)) for text, tone in spans]
        return Strip(segments).adjust_cell_length(width, base)

    def _style(self, tone: Tone, highlight: Style | None) -> Style:
        """What is highlighted has one colour: two would not be readable in all themes."""
        if highlight is not None:
            return highlight + Style(bold=True) if tone is Tone.PLAIN else highlight
        return self.get_component_rich_style(f"model-list--{tone}")
