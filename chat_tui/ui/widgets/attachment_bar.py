"""What goes with the next question: a few lines above the composer, not there while nothing does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from chat_tui.core.files import facts_label, shown_name
from chat_tui.ui.widgets.gauges import fit

if TYPE_CHECKING:
    from chat_tui.session.attachments import Attachment

MAX_ROWS = 3
_MARGIN, _GAP = 2, 3
_HINT = "Backspace takes one out"

Chip = tuple[str, str]
"""A name, and what is known of the file."""


def chip_rows(chips: Sequence[Chip], width: int, max_rows: int = MAX_ROWS) -> list[list[Chip]]:
    """The chips side by side in as few rows as they need; what has no room in the last one is counted there."""
    rows: list[list[Chip]] = [[]]
    used = 0
    for at, chip in enumerate(chips):
        cells = _cells(chip)
        more = (f"and {len(chips) - at} more", "")
        is_last_row = len(rows) == max_rows
        reserve = _GAP + _cells(more) if is_last_row and at < len(chips) - 1 else 0
        if rows[-1] and used + _GAP + cells + reserve > width:
            if is_last_row:
                rows[-1].append(more)
                break
            rows.append([])
            used = 0
        used += cells + (_GAP if rows[-1] else 0)
        rows[-1].append(chip)
    return [row for row in rows if row]


def _cells(chip: Chip) -> int:
    name, facts = chip
    return cell_len(name) + (1 + cell_len(facts) if facts else 0)


class AttachmentBar(Widget):
    """Names that stand out, sizes that do not. Names may come from anywhere: they are cleaned for it."""

    COMPONENT_CLASSES: ClassVar = {"attachment-bar--name", "attachment-bar--facts"}

    class Changed(Message):
        """Something else goes with the next question."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.items: tuple[Attachment, ...] = ()
        self.display = False
        self._chips: tuple[Chip, ...] = ()

    def show(self, items: tuple[Attachment, ...]) -> None:
        """These go with the next question."""
        if items == self.items:
            return
        self.items = items
        self._chips = tuple((shown_name(item.file.name, 40), facts_label(item.file)) for item in items)
        self.display = bool(items)
        self.refresh(layout=True)
        self.post_message(self.Changed())

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as the chips need."""
        return len(chip_rows(self._chips, max(1, width - 2 * _MARGIN)))

    def render_line(self, y: int) -> Strip:
        """One row of chips; how to be rid of them at its end where there is room."""
        width = self.size.width
        room = max(1, width - 2 * _MARGIN)
        rows = chip_rows(self._chips, room)
        if y >= len(rows):
            return Strip.blank(width, self.rich_style)
        segments = list(self._segments(rows[y], room))
        free = room - sum(cell_len(segment.text) for segment in segments)
        if y == len(rows) - 1 and free >= len(_HINT) + _GAP:
            facts = self.get_component_rich_style("attachment-bar--facts")
            segments.append(Segment(f"{'':{free - len(_HINT)}}{_HINT}", facts))
        line = [Segment(" " * _MARGIN, self.rich_style), *segments]
        return Strip(line).adjust_cell_length(width, self.rich_style)

    def _segments(self, row: list[Chip], room: int) -> Iterator[Segment]:
        name_style, facts_style = self._styles()
        for at, (name, facts) in enumerate(row):
            if at:
                yield Segment(" " * _GAP, self.rich_style)
            yield Segment(fit(name, room), name_style if facts else facts_style)
            if facts:
                yield Segment(f" {facts}", facts_style)

    def _styles(self) -> tuple[Style, Style]:
        name = self.get_component_rich_style("attachment-bar--name")
        return name, self.get_component_rich_style("attachment-bar--facts")
