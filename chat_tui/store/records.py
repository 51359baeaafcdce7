"""The conversation model as plain JSON values, and back, exactly.

A record is a dict that `json.dumps` takes. A field that has its default is left out, an unknown one is passed over:
what an older version wrote can be read, what a newer one added does no harm. Numbers that are not finite are
written as if they were not there.
"""

from __future__ import annotations

import json
import math
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Final, TypeAlias, TypeVar, cast

from chat_tui.core.conversation import (
    Ending,
    FilePart,
    Generation,
    Message,
    OpaquePart,
    Outcome,
    Part,
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from chat_tui.core.cost import Cost, PriceSource
from chat_tui.core.errors import Fault, FaultKind
from chat_tui.core.events import FinishReason, Usage
from chat_tui.store.json_values import (
    BadRecord,
    Record,
    data_to_record,
    read_count,
    read_data,
    read_flag,
    read_id,
    read_items,
    read_mapping,
    read_number,
    read_text,
    read_whole,
    text_to_json,
)
from chat_tui.store.model import StoredConversation

__all__ = [
    "BadRecord",
    "conversation_from_record",
    "conversation_to_record",
    "ending_from_json",
    "ending_from_record",
    "ending_to_json",
    "ending_to_record",
    "generation_from_json",
    "generation_from_record",
    "generation_to_json",
    "generation_to_record",
    "message_from_record",
    "message_to_record",
    "parts_from_json",
    "parts_from_record",
    "parts_to_json",
    "parts_to_record",
    "text_to_json",
]

_CONVERSATION_ID: Final = re.compile("[0-9a-f]{32}")

_Reader: TypeAlias = Callable[[object, str], object]
_T = TypeVar("_T")


# -- messages --------------------------------------------------------------------------------------


def message_to_record(message: Message) -> Record:
    """Everything of a message, JSON-safe."""
    return _to_record(message)


def message_from_record(record: object) -> Message:
    """The inverse of `message_to_record`. Raises BadRecord."""
    return _from_record(Message, record, "message")


def ending_to_record(ending: Ending) -> Record:
    """Everything of an ending, its fault and usage too, JSON-safe."""
    return _to_record(ending)


def ending_from_record(record: object) -> Ending:
    """The inverse of `ending_to_record`. Raises BadRecord."""
    return _from_record(Ending, record, "ending")


def generation_to_record(generation: Generation) -> Record:
    """The settings that are set, JSON-safe."""
    return _to_record(generation)


def generation_from_record(record: object) -> Generation:
    """The inverse of `generation_to_record`. Raises BadRecord."""
    return _from_record(Generation, record, "generation")


def parts_to_record(parts: Iterable[Part]) -> list[object]:
    """The parts, each with its `type`, JSON-safe."""
    return [_part_to_record(part) for part in parts]


def parts_from_record(record: object) -> tuple[Part, ...]:
    """The inverse of `parts_to_record`. Raises BadRecord."""
    return tuple(_part_from_record(part) for part in read_items(record, "parts"))


# -- conversations ---------------------------------------------------------------------------------


def conversation_to_record(conversation: StoredConversation) -> Record:
    """The whole tree, JSON-safe."""
    return _to_record(conversation)


def conversation_from_record(record: object) -> StoredConversation:
    """The inverse of `conversation_to_record`. Raises BadRecord, also for messages that are no tree."""
    conversation = _from_record(StoredConversation, record, "conversation")
    _check_tree(conversation)
    return conversation


def _check_tree(conversation: StoredConversation) -> None:
    seen: set[int] = set()
    for message in conversation.messages:
        if message.id in seen:
            raise BadRecord("Two messages have the same id.")
        if message.parent_id is not None and message.parent_id not in seen:
            raise BadRecord("The parent of a message does not stand before it.")
        seen.add(message.id)
    if conversation.tip_id is not None and conversation.tip_id not in seen:
        raise BadRecord("The last message that is shown is not there.")


# -- columns of the database -----------------------------------------------------------------------


def parts_to_json(parts: Iterable[Part]) -> str:
    """ASCII."""
    return _dumped(parts_to_record(parts))


def parts_from_json(text: str) -> tuple[Part, ...]:
    """The inverse of `parts_to_json`. Raises BadRecord."""
    return parts_from_record(_loaded(text, "parts"))


def ending_to_json(ending: Ending) -> str:
    """ASCII."""
    return _dumped(ending_to_record(ending))


def ending_from_json(text: str) -> Ending:
    """The inverse of `ending_to_json`. Raises BadRecord."""
    return ending_from_record(_loaded(text, "ending"))


def generation_to_json(generation: Generation) -> str:
    """ASCII."""
    return _dumped(generation_to_record(generation))


def generation_from_json(text: str) -> Generation:
    """The inverse of `generation_to_json`. Raises BadRecord."""
    return generation_from_record(_loaded(text, "generation"))


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def _loaded(text: str, what: str) -> object:
    try:
        return cast("object", json.loads(text))
    except (ValueError, RecursionError):
        raise BadRecord(f"The stored {what} are no JSON.") from None


# -- writing ---------------------------------------------------------------------------------------


def _to_record(value: object) -> Record:
    record: Record = {}
    for name, default in _FIELDS[type(value)].items():
        written = _written(getattr(value, name), default)
        if written is not MISSING:
            record[name] = written
    return record


def _written(value: object, default: object) -> object:
    """The JSON form of a field; MISSING for what is left out."""
    if value == default or (isinstance(value, float) and not math.isfinite(value)):
        return MISSING
    if isinstance(value, str):
        return text_to_json(value)
    if isinstance(value, tuple):
        return [_item_written(item) for item in cast("tuple[object, ...]", value)]
    return _to_record(value) if type(value) in _FIELDS else value


def _item_written(item: object) -> object:
    if isinstance(item, str):
        return text_to_json(item)
    return _to_record(item) if isinstance(item, Message) else _part_to_record(cast("Part", item))


def _part_to_record(part: Part) -> Record:
    if isinstance(part, OpaquePart):
        return {"type": "opaque", "kind": text_to_json(part.kind), **data_to_record(part.data)}
    if isinstance(part, FilePart):
        named = {"name": text_to_json(part.name), "media_type": text_to_json(part.media_type)}
        return {"type": "file", **named, "data": b64encode(part.data).decode("ascii")}
    return {"type": _PART_TYPES[type(part)], **_to_record(part)}


# -- reading ---------------------------------------------------------------------------------------


def _from_record(kind: type[_T], record: object, what: str) -> _T:
    found = read_mapping(record, what)
    readers = _CONVERSATION_READERS if kind is StoredConversation else _READERS
    values: dict[str, object] = {}
    for name, default in _FIELDS[kind].items():
        value = found.get(name)
        if value is not None:
            value = readers[name](value, f"{name} of the {what}")
        if value is not None:
            values[name] = value
        elif default is MISSING:
            raise BadRecord(f"The {what} has no {name}.")
    return cast("Callable[..., _T]", kind)(**values)


def _part_from_record(record: object) -> Part:
    found = read_mapping(record, "part")
    kind = found.get("type")
    if kind == "opaque":
        return OpaquePart(read_text(found.get("kind"), "kind of the part"), read_data(found))
    if kind == "file":
        return _file_part(found)
    known = _PARTS.get(kind) if isinstance(kind, str) else None
    if known is None:
        raise BadRecord("A part is of no known type.")
    return cast("Part", _from_record(known, found, "part"))


def _file_part(found: Mapping[str, object]) -> FilePart:
    try:
        data = b64decode(read_text(found.get("data"), "data of the file"), validate=True)
    except ValueError:
        raise BadRecord("The data of the file is no base64.") from None
    name, media_type = found.get("name"), found.get("media_type")
    return FilePart(read_text(name, "name of the file"), read_text(media_type, "media_type of the file"), data)


def _role(value: object, what: str) -> Role:
    return _member(Role, value, what)


def _outcome(value: object, what: str) -> Outcome:
    return _member(Outcome, value, what)


def _reason(value: object, what: str) -> FinishReason:
    """A word a newer version may know is OTHER here."""
    word = read_text(value, what)
    return FinishReason(word) if word in set(FinishReason) else FinishReason.OTHER


def _fault_kind(value: object, what: str) -> FaultKind:
    word = read_text(value, what)
    return FaultKind(word) if word in set(FaultKind) else FaultKind.INTERNAL


def _parts(value: object, _what: str) -> tuple[Part, ...]:
    return parts_from_record(value)


def _messages(value: object, what: str) -> tuple[Message, ...]:
    return tuple(message_from_record(item) for item in read_items(value, what))


def _conversation_id(value: object, what: str) -> str:
    found = read_text(value, what)
    if _CONVERSATION_ID.fullmatch(found):
        return found
    raise BadRecord(f"The {what} is not 32 hexadecimal digits.")


def _stop(value: object, what: str) -> tuple[str, ...]:
    return tuple(read_text(item, what) for item in read_items(value, what))


def _ending(value: object, _what: str) -> Ending:
    return ending_from_record(value)


def _generation(value: object, _what: str) -> Generation:
    return generation_from_record(value)


def _fault(value: object, what: str) -> Fault:
    return _from_record(Fault, value, what)


def _charge(value: object, what: str) -> Cost:
    return _from_record(Cost, value, what)


def _price_source(value: object, what: str) -> PriceSource:
    """A word a newer version may know is the least sure one here."""
    word = read_text(value, what)
    return PriceSource(word) if word in set(PriceSource) else PriceSource.LISTING


def _usage(value: object, what: str) -> Usage:
    return _from_record(Usage, value, what)


def _member(kind: type[_T], value: object, what: str) -> _T:
    try:
        return kind(value)  # pyright: ignore[reportCallIssue] - an enum
    except ValueError:
        raise BadRecord(f"The {what} is not a known one.") from None


_PARTS: Final[dict[str, type]] = {
    "text": TextPart,
    "reasoning": ReasoningPart,
    "tool_call": ToolCallPart,
    "tool_result": ToolResultPart,
}
_PART_TYPES: Final = {kind: name for name, kind in _PARTS.items()}
_FIELDS: Final[dict[type, dict[str, object]]] = {
    kind: {field.name: field.default for field in fields(kind) if field.metadata.get("is_kept", True)}
    for kind in (
        StoredConversation,
        Message,
        Ending,
        Fault,
        Usage,
        Cost,
        Generation,
        TextPart,
        ReasoningPart,
        ToolCallPart,
        ToolResultPart,
    )
}
"""Fields and their defaults; MISSING: has none."""

_NAMES: Final[tuple[tuple[_Reader, tuple[str, ...]], ...]] = (
    (read_text, ("text", "key", "call_id", "name", "arguments", "model", "raw_reason", "title", "message", "hint")),
    (read_text, ("code", "request_id", "detail", "reasoning_effort", "output")),
    (read_flag, ("is_refusal", "is_complete", "is_estimate", "is_retryable", "is_title_own", "is_pinned")),
    (
        read_number,
        ("duration_s", "elapsed_s", "ttft_s", "gap_p95_s", "longest_gap_s", "created_at_s", "retry_after_s"),
    ),
    (read_number, ("updated_at_s", "tokens_per_s", "cost", "usd", "temperature", "top_p")),
    (read_count, ("tokens", "stalls", "input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens")),
    (read_count, ("cache_write_tokens",)),
    (read_whole, ("status", "max_tokens", "seed")),
    (read_id, ("id", "parent_id", "tip_id")),
    (_role, ("role",)),
    (_outcome, ("outcome",)),
    (_reason, ("reason",)),
    (_fault_kind, ("kind",)),
    (_parts, ("parts",)),
    (_stop, ("stop",)),
    (_ending, ("ending",)),
    (_generation, ("generation",)),
    (_fault, ("fault",)),
    (_usage, ("usage",)),
    (_charge, ("charge",)),
    (_price_source, ("source",)),
)
"""A name of a field means the same wherever it stands."""

_READERS: Final[dict[str, _Reader]] = {name: reader for reader, names in _NAMES for name in names}
_CONVERSATION_READERS: Final[dict[str, _Reader]] = {**_READERS, "id": _conversation_id, "messages": _messages}
