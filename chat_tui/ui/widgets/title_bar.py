"""The line at the top: what the conversation is called, and who answers."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from chat_tui.core.sanitize import clean_line
from chat_tui.ui.widgets.gauges import fit

_MARGIN, _GAP = 1, 2


def title_line(title: str, model: str, width: int) -> str:
    """Title left, model right, exactly `width` cells. The model keeps its whole name as long as half the line
    is enough for it; the title gives way."""
    room = max(0, width - 2 * _MARGIN)
    fitted_model = fit(model, max(room // 2, room - cell_len(title) - _GAP))
    fitted_title = fit(title, room - cell_len(fitted_model) - _GAP)
    gap = room - cell_len(fitted_title) - cell_len(fitted_model)
    return f"{'':{_MARGIN}}{fitted_title}{'':{max(0, gap)}}{fitted_model}{'':{_MARGIN}}"


class TitleBar(Widget):
    """One dim line. Title and model may come from anywhere: they are cleaned here."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._title = ""
        self._model = ""

    def show(self, title: str, model: str) -> None:
        """Say this."""
        title, model = clean_line(title), clean_line(model)
        if (title, model) != (self._title, self._model):
            self._title, self._model = title, model
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The line; `y` is always 0."""
        width = self.size.width
        line = title_line(self._title, self._model, width)
        return Strip([Segment(line, self.rich_style)]).adjust_cell_length(width, self.rich_style)
