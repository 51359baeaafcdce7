"""What all importers of foreign conversations share: reading values that may be anything, and planting a tree."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final, cast

from chat_tui.core.conversation import (
    Ending,
    Message,
    Outcome,
    Part,
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
)
from chat_tui.core.errors import ChatError
from chat_tui.core.sanitize import clean_line
from chat_tui.store.model import StoredConversation

MAX_NAME_CHARS: Final = 200
_TICKS: Final = re.compile("`{3,}")
_LATEST_S: Final = 32_503_680_000.0  # the year 3000
_COMPLETE: Final = Ending(Outcome.COMPLETE)


class ImportProblem(ChatError):  # noqa: N818 - it names what was found
    """A file, or one conversation in it, that cannot be taken over; the message is one sentence."""

    title = "import"


def conversation_id(source: str, original_id: str) -> str:
    """The id a foreign conversation gets: always the same, so that a second import finds it there."""
    return blake2b(f"{source}\0{original_id}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def id_of(source: str, original_id: str, record: object) -> str:
    """`conversation_id`, from the whole content for one that came without an id."""
    return conversation_id(source, original_id or json.dumps(record, sort_keys=True))


def as_object(value: object) -> Mapping[str, object]:
    """The value if it is a JSON object, else an empty one."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    """The value if it is a JSON array, else an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []


def as_text(value: object) -> str:
    """The value if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def as_name(value: object) -> str:
    """A string on one clean line."""
    return clean_line(as_text(value), MAX_NAME_CHARS)


def as_count(value: object) -> int | None:
    """A whole number of at least 0."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53
    return value if is_count and isinstance(value, int) else None


def as_time_s(value: object) -> float:
    """Epoch seconds from a number or an ISO 8601 text (UTC where it says nothing); 0 for no time."""
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            value = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        seconds = float(value) if isinstance(value, int | float) else 0.0
    except (ValueError, OverflowError):
        return 0.0
    return seconds if math.isfinite(seconds) and 0 < seconds < _LATEST_S else 0.0


def fenced(text: str) -> str:
    """`text` as a code block that nothing in it can close."""
    longest = max((len(run) for run in _TICKS.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{text.rstrip(chr(10))}\n{fence}"


def placeholder(what: str, name: str = "") -> str:
    """What stands for something that is no text: `[image]`, `[file: plan.pdf]`."""
    return f"[{what}: {name}]" if name else f"[{what}]"


def call_of(name: object, arguments: object, call_id: object = "", *, key: str) -> ToolCallPart:
    """A call as it was made; arguments that are no text become JSON."""
    written = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return ToolCallPart(key, as_text(call_id), as_name(name) or "tool", written, is_complete=True)


def result_of(name: object, output: str) -> ReasoningPart:
    """What a tool gave: in the fold, it is none of the answer's words."""
    return ReasoningPart(f"{as_name(name) or 'tool'}:\n{fenced(output)}\n")


@dataclass(slots=True)
class Sprout:
    """A message that still grows. `key` is the original id; `parent` the key of the nearest one kept above it."""

    key: str
    role: Role
    parts: list[Part] = field(default_factory=list[Part])
    parent: str | None = None
    model: str = ""
    ending: Ending | None = None
    created_at_s: float = 0.0

    def add_text(self, text: str) -> None:
        """Words, in a paragraph of their own after other words."""
        if not text:
            return
        last = self.parts[-1] if self.parts else None
        if isinstance(last, TextPart):
            self.parts[-1] = replace(last, text=f"{last.text}\n\n{text}")
        else:
            self.parts.append(TextPart(text))


def planted(sprouts: Iterable[Sprout], tip: str | None) -> tuple[tuple[Message, ...], int | None]:
    """Messages with ids from 1 and the id of the tip. Sprouts stand behind their parents; keys are unique."""
    ids: dict[str, int] = {}
    messages: list[Message] = []
    for at, sprout in enumerate(sprouts, 1):
        ids[sprout.key] = at
        ending = (sprout.ending or _COMPLETE) if sprout.role is Role.ASSISTANT else None
        messages.append(
            Message(
                at,
                sprout.role,
                tuple(sprout.parts),
                None if sprout.parent is None else ids.get(sprout.parent),
                sprout.model if sprout.role is Role.ASSISTANT else "",
                ending,
                created_at_s=sprout.created_at_s,
            )
        )
    return tuple(messages), ids.get(tip or "", len(messages) or None)


def in_order(parents: Mapping[str, str | None]) -> Iterator[str]:
    """All keys, each behind its parent, otherwise as they stand; those of a circle are left out."""
    children: dict[str | None, list[str]] = {}
    for key, parent in parents.items():
        children.setdefault(parent if parent in parents else None, []).append(key)
    waiting = list(reversed(children.get(None, [])))
    while waiting:
        key = waiting.pop()
        yield key
        waiting.extend(reversed(children.get(key, [])))


def stored(
    identity: str, title: object, sprouts: Iterable[Sprout], tip: str | None, created: object, updated: object
) -> StoredConversation:
    """The conversation; one without a title is called by its first words. No words at all: no messages."""
    messages, tip_id = planted(sprouts, tip)
    name = as_name(title)
    first = next((message.text for message in messages if message.role is Role.USER), "")
    created_at_s = as_time_s(created)
    return StoredConversation(
        id=identity,
        title=name or clean_line(first[:2_000], 60),
        is_title_own=bool(name),
        created_at_s=created_at_s,
        updated_at_s=as_time_s(updated) or created_at_s,
        model=next((message.model for message in reversed(messages) if message.model), ""),
        tip_id=tip_id,
        messages=messages,
    )
