"""What is taken out of the store to be read elsewhere: a conversation as a file, the numbers of one's own."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from chat_tui.core.errors import ChatError
from chat_tui.core.sanitize import clean_line
from chat_tui.session.turns import NothingToDo

if TYPE_CHECKING:
    from chat_tui.core.conversation import Conversation
    from chat_tui.session.session import ChatSession

FORMATS = ("md", "json", "html")


async def export(session: ChatSession, target: str = "") -> Path:
    """Write the open conversation into a file or directory (empty: the working directory, as Markdown) and return
    where; the extension says the format. Nothing is overwritten: the name gets a number.

    Raises ChatError with a sentence.
    """
    conversation = session.conversation
    if not conversation.path():
        raise NothingToDo("There is nothing to export yet.")
    try:
        return await asyncio.to_thread(_write, conversation, target.strip() or ".")
    except OSError as error:
        reason = (error.strerror or "").lower() or type(error).__name__
        raise ChatError(f"{clean_line(target, 200)} cannot be written: {clean_line(reason, 80)}.") from error


def _write(conversation: Conversation, target: str) -> Path:
    from chat_tui.store.export import ExportFormat, export_one
    from chat_tui.store.model import StoredConversation

    path = Path(target).expanduser()
    form = path.suffix.removeprefix(".").lower()
    if form not in FORMATS:
        if form and not path.is_dir():
            raise ChatError(f"/export writes {', '.join(FORMATS)}, not .{clean_line(form, 20)}.")
        form = FORMATS[0]
    tip = conversation.tip
    stored = StoredConversation(
        conversation.id,
        conversation.title,
        is_title_own=conversation.is_title_own,
        is_pinned=conversation.is_pinned,
        created_at_s=conversation.created_at_s,
        updated_at_s=max((message.created_at_s for message in conversation.messages), default=0.0),
        model=next((message.model for message in reversed(conversation.path()) if message.model), ""),
        tip_id=None if tip is None else tip.id,
        messages=conversation.messages,
    )
    return export_one(stored, ExportFormat(form), path)


async def statistics(session: ChatSession, width: int) -> tuple[str, ...]:
    """What one's own answers were like, by model, in lines of `width` cells. Raises ChatError."""
    from chat_tui.core.statistics import statistics_lines, statistics_of

    if (store := session.journal.store) is None:
        raise NothingToDo("Conversations are not kept here, so there is nothing to count.")
    midnight = datetime.fromtimestamp(time.time()).astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    return statistics_lines(statistics_of(await store.turns(), midnight.timestamp()), width)
