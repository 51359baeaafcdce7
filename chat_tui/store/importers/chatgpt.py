"""ChatGPT's export: conversations whose messages are a tree of nodes, one node for every step of an answer.

The steps of one answer (thoughts, calls, what tools gave, words) become one message; nodes that are hidden or empty
are passed over. Pictures and sounds are not in the file: a placeholder says where they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from chat_tui.core.conversation import Ending, Outcome, ReasoningPart, Role
from chat_tui.core.events import FinishReason
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

SOURCE: Final = "chatgpt"

_ROLES: Final = {"user": Role.USER, "assistant": Role.ASSISTANT, "tool": Role.ASSISTANT, "system": Role.SYSTEM}
_HIDDEN_TYPES: Final = frozenset(("user_editable_context", "model_editable_context", "app_pairing_content"))
_TO_EVERYBODY: Final = frozenset(("", "all"))


def is_one(record: Mapping[str, object]) -> bool:
    """Whether this is a conversation of that export."""
    return isinstance(record.get("mapping"), dict)


def conversation_of(record: Mapping[str, object]) -> StoredConversation:
    """One conversation. Raises ImportProblem."""
    nodes = {key: as_object(node) for key, node in as_object(record.get("mapping")).items()}
    parents = {key: as_text(node.get("parent")) or None for key, node in nodes.items()}
    sprouts: dict[str, Sprout] = {}
    kept: dict[str, str | None] = {}  # node → the sprout that holds it, or the nearest one above
    forks = _forks(parents)
    reached = 0
    for key in in_order(parents):
        reached += 1
        above = kept.get(parents[key] or "")
        kept[key] = _grow(
            key, as_object(nodes[key].get("message")), above, sprouts, is_step=parents[key] not in forks
        )
    if reached < len(nodes):
        raise ImportProblem("The messages of the conversation go in a circle.")
    tip = kept.get(as_text(record.get("current_node")))
    original_id = as_text(record.get("conversation_id")) or as_text(record.get("id"))
    return stored(
        id_of(SOURCE, original_id, record),
        record.get("title"),
        sprouts.values(),
        tip,
        record.get("create_time"),
        record.get("update_time"),
    )


def _forks(parents: Mapping[str, str | None]) -> set[str | None]:
    seen: set[str | None] = set()
    forks: set[str | None] = set()
    for parent in parents.values():
        (forks if parent in seen else seen).add(parent)
    return forks


def _grow(
    key: str, message: Mapping[str, object], above: str | None, sprouts: dict[str, Sprout], *, is_step: bool
) -> str | None:
    """Make a message of a node, or a part of the answer it continues; returns the key of what holds it."""
    author = as_object(message.get("author"))
    role = _ROLES.get(as_text(author.get("role")))
    metadata = as_object(message.get("metadata"))
    if role is None or metadata.get("is_visually_hidden_from_conversation") is True:
        return above
    sprout = Sprout(key, role, parent=above, created_at_s=as_time_s(message.get("create_time")))
    _fill(sprout, message, as_text(author.get("role")) == "tool", author.get("name"))
    holder = sprouts.get(above or "")
    is_continued = role is Role.ASSISTANT and is_step and holder is not None and holder.role is Role.ASSISTANT
    seconds = metadata.get("finished_duration_sec")
    if is_continued and holder is not None and isinstance(seconds, int | float):
        _note_duration(holder, float(seconds))
    if not sprout.parts:
        return above
    slug = as_name(metadata.get("model_slug"))
    sprout.model = f"{SOURCE}/{slug}" if slug else ""
    sprout.ending = _ending(metadata)
    if not is_continued or holder is None:
        sprouts[key] = sprout
        return key
    for part in sprout.parts:
        holder.parts.append(part)
    holder.model = sprout.model or holder.model
    holder.ending = sprout.ending
    return above


def _note_duration(holder: Sprout, seconds: float) -> None:
    for at in range(len(holder.parts) - 1, -1, -1):
        part = holder.parts[at]
        if isinstance(part, ReasoningPart):
            holder.parts[at] = replace(part, duration_s=seconds if 0 <= seconds < 1e9 else None)
            return


def _ending(metadata: Mapping[str, object]) -> Ending:
    kind = as_text(as_object(metadata.get("finish_details")).get("type"))
    if kind == "interrupted":
        return Ending(Outcome.STOPPED, FinishReason.CANCELLED, raw_reason=kind)
    reason = FinishReason.LENGTH if kind == "max_tokens" else FinishReason.STOP
    return Ending(Outcome.COMPLETE, reason)


def _fill(sprout: Sprout, message: Mapping[str, object], is_tool: bool, name: object) -> None:
    content = as_object(message.get("content"))
    kind = as_text(content.get("content_type"))
    if kind in _HIDDEN_TYPES or kind == "reasoning_recap":
        return
    if kind == "thoughts":
        thoughts = "\n\n".join(_thoughts(content))
        if thoughts:
            sprout.parts.append(ReasoningPart(thoughts))
        return
    text = "\n\n".join(piece for piece in _pieces(content, kind) if piece)
    recipient = as_text(message.get("recipient"))
    if is_tool:
        if text:
            sprout.parts.append(result_of(name, text))
    elif sprout.role is Role.ASSISTANT and recipient not in _TO_EVERYBODY:
        sprout.parts.append(call_of(recipient, text, key=sprout.key))
    else:
        sprout.add_text(fenced(text) if kind in ("code", "execution_output") and text else text)
        for attachment in as_list(as_object(message.get("metadata")).get("attachments")):
            sprout.add_text(placeholder("file", as_name(as_object(attachment).get("name"))))


def _thoughts(content: Mapping[str, object]) -> Iterator[str]:
    for thought in as_list(content.get("thoughts")):
        found = as_object(thought)
        words = [as_text(found.get("summary")), as_text(found.get("content"))]
        yield "\n".join(word for word in words if word)


def _pieces(content: Mapping[str, object], kind: str) -> Iterator[str]:
    parts = as_list(content.get("parts"))
    for part in parts:
        yield part if isinstance(part, str) else _piece(as_object(part))
    if not parts:
        words = as_text(content.get("text")) or as_text(content.get("result"))
        yield words or ("" if kind in ("text", "code") or not kind else placeholder(as_name(kind)))


def _piece(part: Mapping[str, object]) -> str:
    kind = as_text(part.get("content_type"))
    if text := as_text(part.get("text")):
        return text
    for word in ("image", "audio", "video"):
        if word in kind:
            return placeholder(word)
    return placeholder(as_name(kind) or "attachment")
