"""Claude's export: conversations with a list of messages, which may say their parents, made of content blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from chat_tui.core.conversation import Part, ReasoningPart, Role, TextPart
from chat_tui.store.importers.building import (
    ImportProblem,
    Sprout,
    as_list,
    as_name,
    as_object,
    as_text,
    as_time_s,
    call_of,
    fenced,
    id_of,
    in_order,
    placeholder,
    result_of,
    stored,
)
from chat_tui.store.model import StoredConversation

SOURCE: Final = "claude"

_ROLES: Final = {"human": Role.USER, "user": Role.USER, "assistant": Role.ASSISTANT, "system": Role.SYSTEM}


def is_one(record: Mapping[str, object]) -> bool:
    """Whether this is a conversation of that export."""
    return isinstance(record.get("chat_messages"), list)


def conversation_of(record: Mapping[str, object]) -> StoredConversation:
    """One conversation. Raises ImportProblem."""
    model = as_name(record.get("model"))
    sprouts: dict[str, Sprout] = {}
    parents: dict[str, str | None] = {}
    previous: str | None = None
    for at, item in enumerate(as_list(record.get("chat_messages"))):
        message = as_object(item)
        role = _ROLES.get(as_text(message.get("sender")))
        key = as_text(message.get("uuid")) or f"#{at}"
        if role is None or key in sprouts:
            continue
        sprout = Sprout(key, role, created_at_s=as_time_s(message.get("created_at")))
        sprout.parts.extend(_parts(message, key))
        _attach(sprout, message)
        sprout.model = f"{SOURCE}/{model}" if model else ""
        sprouts[key] = sprout
        says_parent = "parent_message_uuid" in message
        parents[key] = as_text(message.get("parent_message_uuid")) if says_parent else previous
        previous = key
    ordered = [replace(sprouts[key], parent=parents[key]) for key in in_order(parents)]
    if len(ordered) < len(sprouts):
        raise ImportProblem("The messages of the conversation go in a circle.")
    leaf = as_text(record.get("current_leaf_message_uuid"))
    return stored(
        id_of(SOURCE, as_text(record.get("uuid")), record),
        record.get("name"),
        ordered if any(sprout.parts for sprout in ordered) else (),
        leaf if leaf in sprouts else previous,
        record.get("created_at"),
        record.get("updated_at"),
    )


def _parts(message: Mapping[str, object], key: str) -> Iterator[Part]:
    blocks = [as_object(block) for block in as_list(message.get("content"))]
    if not blocks and (text := as_text(message.get("text"))):
        yield TextPart(text)
    for at, block in enumerate(blocks):
        kind = as_text(block.get("type"))
        if kind == "text":
            text = as_text(block.get("text"))
            if text:
                yield TextPart(text)
        elif kind == "thinking":
            yield _thinking(block)
        elif kind.endswith("tool_use"):
            yield call_of(block.get("name"), block.get("input"), block.get("id"), key=f"{key}.{at}")
        elif kind.endswith("tool_result"):
            yield result_of(block.get("name"), "\n".join(_texts(block.get("content"))))
        elif kind not in ("token_budget", "flag"):
            yield TextPart(placeholder(as_name(kind) or "attachment"))


def _thinking(block: Mapping[str, object]) -> ReasoningPart:
    text = as_text(block.get("thinking")) or as_text(block.get("text"))
    start_s, stop_s = as_time_s(block.get("start_timestamp")), as_time_s(block.get("stop_timestamp"))
    return ReasoningPart(text, stop_s - start_s if 0 < start_s <= stop_s else None)


def _texts(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    for item in as_list(content):
        block = as_object(item)
        kind = as_text(block.get("type"))
        yield as_text(block.get("text")) or placeholder(as_name(kind) or "attachment")


def _attach(sprout: Sprout, message: Mapping[str, object]) -> None:
    """Name what was attached; what was pasted as an attachment is text, and stays."""
    for item in as_list(message.get("attachments")):
        attachment = as_object(item)
        sprout.add_text(placeholder("file", as_name(attachment.get("file_name"))))
        if content := as_text(attachment.get("extracted_content")):
            sprout.add_text(fenced(content))
    for item in as_list(message.get("files")) or as_list(message.get("files_v2")):
        sprout.add_text(placeholder("file", as_name(as_object(item).get("file_name"))))
