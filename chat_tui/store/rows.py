"""Lines of lists, from columns."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, cast

from chat_tui.store.columns import from_exact
from chat_tui.store.model import ConversationRow

ROW_COLUMNS: Final = (
    "c.id, c.title, c.is_pinned, c.updated_at_s, c.model, c.message_count, c.text_chars, c.preview, c.is_unfinished"
)
"""Of the table `conversations c`, what `row_of` takes."""


def row_of(columns: Sequence[object], open_elsewhere: Collection[str] = ()) -> ConversationRow:
    """The row of `ROW_COLUMNS`."""
    identity, title, is_pinned, updated_at_s, model, count, chars, preview, is_unfinished = columns
    return ConversationRow(
        id=str(identity),
        title=from_exact(str(title)),
        is_pinned=bool(is_pinned),
        updated_at_s=number(updated_at_s),
        model=from_exact(str(model)),
        message_count=cast("int", count),
        text_chars=cast("int", chars),
        preview=str(preview),
        is_open_elsewhere=identity in open_elsewhere,
        is_unfinished=bool(is_unfinished),
    )


def number(value: object) -> float:
    """A column that should hold one; 0.0 when it does not."""
    return float(value) if isinstance(value, int | float) else 0.0
