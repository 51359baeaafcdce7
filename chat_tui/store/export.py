"""Conversations as files: Markdown and HTML to read (the shown path), JSON to keep (everything).

How an answer ended is metadata: it is in the JSON, and in no text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from chat_tui.core.conversation import Message, Part, ReasoningPart, Role
from chat_tui.core.sanitize import RawText, clean_line
from chat_tui.store.file_names import overwrite, safe_name, write_new
from chat_tui.store.model import StoredConversation
from chat_tui.store.records import conversation_to_record

FORMAT_NAME: Final = "chat-tui"
FORMAT_VERSION: Final = 1
"""Of the JSON envelope; a reader refuses a higher one."""
UNTITLED: Final = "Untitled conversation"


class ExportFormat(StrEnum):
    """What a conversation can be written as; the value is the extension."""

    MARKDOWN = "md"
    JSON = "json"
    HTML = "html"


def render(conversation: StoredConversation, form: ExportFormat) -> str:
    """One conversation as one text that UTF-8 can encode."""
    if form is ExportFormat.JSON:
        return "".join(json_pieces([conversation]))
    if form is ExportFormat.HTML:
        from chat_tui.store.export_html import as_html

        return as_html(conversation)
    from chat_tui.store.export_markdown import as_markdown

    return encodable(as_markdown(conversation))


def json_pieces(conversations: Iterable[StoredConversation]) -> Iterator[str]:
    """The JSON of any number of conversations, one on a line, ASCII, none held longer than it takes to write it."""
    yield f'{{"format": "{FORMAT_NAME}", "version": {FORMAT_VERSION}, "conversations": ['
    separator = "\n"
    for conversation in conversations:
        record = conversation_to_record(conversation)
        yield separator + json.dumps(record, ensure_ascii=True, allow_nan=False)
        separator = ",\n"
    yield "\n]}\n"


def export_one(
    conversation: StoredConversation, form: ExportFormat, target: Path | None = None, *, may_overwrite: bool = False
) -> Path:
    """Write one conversation into `target` (a file, or a directory; None: here), named after its title.

    An existing file gets a neighbour (`name-2.md`) unless `may_overwrite`. Raises OSError.
    """
    path = Path() if target is None else target
    if path.is_dir():
        path = path / f"{safe_name(conversation.title)}.{form}"
    write = overwrite if may_overwrite else write_new
    return write(path, [render(conversation, form)])


def shown_path(conversation: StoredConversation) -> tuple[Message, ...]:
    """The messages from the beginning to the tip."""
    by_id = {message.id: message for message in conversation.messages}
    path: list[Message] = []
    at = conversation.tip_id
    while at is not None and at in by_id:
        message = by_id.pop(at)
        path.append(message)
        at = message.parent_id
    return tuple(reversed(path))


def title_of(conversation: StoredConversation) -> str:
    """One line."""
    return clean_line(conversation.title, 200) or UNTITLED


def facts_of(conversation: StoredConversation) -> str:
    """Model and time on one line; may be empty."""
    return " · ".join(fact for fact in (clean_line(conversation.model), date_of(conversation.created_at_s)) if fact)


def date_of(at_s: float) -> str:
    """Minutes, UTC; empty for no time."""
    try:
        return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M UTC") if at_s > 0 else ""
    except (ValueError, OverflowError, OSError):
        return ""


def speaker_of(message: Message, conversation: StoredConversation) -> str:
    """Who speaks; an answer says its model where it is not the conversation's."""
    if message.role is Role.USER:
        return "You"
    if message.role is Role.SYSTEM:
        return "System"
    model = clean_line(message.model, 100)
    return "Assistant" if not model or message.model == conversation.model else f"Assistant ({model})"


def thought_label(part: ReasoningPart) -> str:
    """What a fold of reasoning is called."""
    if part.duration_s is None or part.duration_s <= 0:
        return "Thoughts"
    return f"Thought for {part.duration_s:.0f} s" if part.duration_s >= 1 else "Thought for less than a second"


def runs_of(parts: Iterable[Part]) -> Iterator[Part]:
    """The parts, with texts that follow each other joined as they were said."""
    from dataclasses import replace

    from chat_tui.core.conversation import TextPart

    held: TextPart | None = None
    for part in parts:
        if isinstance(part, TextPart):
            held = part if held is None else replace(held, text=held.text + part.text)
            continue
        if held is not None:
            yield held
            held = None
        yield part
    if held is not None:
        yield held


def encodable(text: str) -> str:
    """As received, save NUL and lone surrogates, which no file of text takes."""
    raw = RawText()
    return raw.feed(text) + raw.flush()
