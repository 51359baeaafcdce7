"""Files that may be meant by what is typed behind an @: a short list above the composer."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from chat_tui.core.files import shown_name
from chat_tui.ui.widgets.gauges import fit

_MARGIN = 2
_MAX_CHARS = 200


class MentionList(Widget):
    """Not there while there is nothing to choose. The composer keeps the focus; its keys move the choice."""

    COMPONENT_CLASSES: ClassVar = {
        "mention-list--name",
        "mention-list--way",
        "mention-list--chosen",
        "mention-list--mark",
    }

    class Clicked(Message):
        """One was clicked; it is the chosen one."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.paths: tuple[str, ...] = ()
        self.is_moved = False
        """Whether the reader has looked for one with the arrow keys."""
        self.display = False
        self._at = 0

    @property
    def is_open(self) -> bool:
        """Whether there is something to choose."""
        return bool(self.paths)

    @property
    def chosen(self) -> str:
        """The path that would be taken; empty when there is none."""
        return self.paths[self._at] if self.paths else ""

    def show(self, paths: tuple[str, ...]) -> None:
        """Offer these; nothing to choose closes the list."""
        if paths != self.paths:
            self.paths, self._at, self.is_moved = paths, 0, False
            self.display = bool(paths)
            self.refresh(layout=True)

    def move(self, step: int) -> None:
        """Choose another one, around the ends."""
        if self.paths:
            self._at = (self._at + step) % len(self.paths)
            self.is_moved = True
            self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """A row each."""
        return len(self.paths)

    def on_click(self, event: events.Click) -> None:
        """Take what was clicked."""
        if 0 <= event.y < len(self.paths):
            self._at = event.y
            self.post_message(self.Clicked())

    def render_line(self, y: int) -> Strip:
        """One path: the way there stands back, the name does not."""
        width = self.size.width
        if y >= len(self.paths):
            return Strip.blank(width, self.rich_style)
        is_chosen = y == self._at
        path = fit(shown_name(self.paths[y], _MAX_CHARS), max(1, width - 2 * _MARGIN))
        name_at = path.rfind("/", 0, len(path) - 1) + 1
        way = self.get_component_rich_style("mention-list--way")
        name = self.get_component_rich_style(f"mention-list--{'chosen' if is_chosen else 'name'}")
        mark = Segment("▸ " if is_chosen else "  ", self.get_component_rich_style("mention-list--mark"))
        line = [mark, Segment(path[:name_at], way), Segment(path[name_at:], name)]
        return Strip(line).adjust_cell_length(width, self.rich_style)
