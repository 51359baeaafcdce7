"""What a block is rendered for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chat_tui.ui.theme import RenderStyles


@dataclass(frozen=True, slots=True)
class RenderContext:
    """Widths in cells. `references` maps a normalised label to (target, title) of its link definition.

    `is_tail` is true for text that is still growing: unclosed inline marks at its end are closed for display.
    `is_wrapped`: long lines of code and wide tables are wrapped; else they stay whole and the view shows a window
    of them (`rows.Window`).
    """

    width: int
    measure_columns: int
    styles: RenderStyles
    references: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    is_tail: bool = False
    is_wrapped: bool = True
