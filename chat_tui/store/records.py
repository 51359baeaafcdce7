"""The conversation model as plain JSON values, and back, exactly.

A record is a dict that `json.dumps` takes. A field that has its default is left out, an unknown one is passed over:
what an older version wrote can be read, what a newer one added does no harm. Numbers that are not finite are
written as if they were not there.

Text: JSON read by Python joins two halves of a surrogate pair that stand next to each other. A text that has such
halves is therefore written as the list of its pieces, cut between them; opaque data with them is written with every
container and text wrapped (`is_wrapped`). All other text, lone halves and NUL too, is written as it is.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Final, TypeAlias, TypeVar, cast

from chat_tui.core.conversation import (
    Ending,
    Generation,
    Message,
    OpaquePart,
    Outcome,
    Part,
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
)
from chat_tui.core.errors import ChatError, Fault, FaultKind
from chat_tui.core.events import FinishReason, Usage

MAX_ID: Final = (1 << 63) - 1
"""What a column of the database holds."""

_BETWEEN_HALVES: Final = re.compile("(?<=[\ud800-\udbff])(?=[\udc00-\udfff])")
_HALVES: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]")

Record: TypeAlias = dict[str, object]
_Reader: TypeAlias = Callable[[object, str], object]
_T = TypeVar("_T")


class BadRecord(ChatError):  # noqa: N818 - it names what was found
    """A record that cannot be what it is taken for; the message is one sentence."""

    title = "unreadable record"


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
    return tuple(_part_from_record(part) for part in _items(record, "parts"))


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
    return text_to_json(item) if isinstance(item, str) else _part_to_record(cast("Part", item))


def _part_to_record(part: Part) -> Record:
    if isinstance(part, OpaquePart):
        return {"type": "opaque", "kind": text_to_json(part.kind), **_opaque_to_record(part.data)}
    return {"type": _PART_TYPES[type(part)], **_to_record(part)}


def text_to_json(text: str) -> str | list[str]:
    """The text, or its pieces where reading it back would join what is apart."""
    if text.isascii():
        return str(text)
    try:
        text.encode()
    except UnicodeEncodeError:
        pieces = _BETWEEN_HALVES.split(text)
        return pieces if len(pieces) > 1 else text
    return str(text)


def _opaque_to_record(data: object) -> Record:
    """Data too deep to be written (nothing a wire lets through) is None."""
    try:
        is_plain = _HALVES.search(json.dumps(data, ensure_ascii=False, allow_nan=False)) is None
    except (ValueError, TypeError):
        is_plain = False
    except RecursionError:
        return {"data": None}
    if is_plain:
        return {"data": data}
    return {"data": _wrapped(data), "is_wrapped": True}


def _wrapped(value: object) -> object:
    if isinstance(value, str):
        return {"text": _BETWEEN_HALVES.split(value)}
    if isinstance(value, dict):
        items = cast("dict[object, object]", value).items()
        return {"object": [[_wrapped(str(name)), _wrapped(item)] for name, item in items]}
    if isinstance(value, list | tuple):
        return {"array": [_wrapped(item) for item in cast("list[object]", value)]}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, int) else {"text": [repr(value)]}


# -- reading ---------------------------------------------------------------------------------------


def _from_record(kind: type[_T], record: object, what: str) -> _T:
    found = _mapping(record, what)
    values: dict[str, object] = {}
    for name, default in _FIELDS[kind].items():
        value = found.get(name)
        if value is not None:
            value = _READERS[name](value, f"{name} of the {what}")
        if value is not None:
            values[name] = value
        elif default is MISSING:
            raise BadRecord(f"The {what} has no {name}.")
    return kind(**values)


def _part_from_record(record: object) -> Part:
    found = _mapping(record, "part")
    kind = found.get("type")
    if kind == "opaque":
        data = found.get("data")
        if found.get("is_wrapped") is True:
            data = _unwrapped(data)
        return OpaquePart(_text(found.get("kind"), "kind of the part"), data)
    known = _PARTS.get(kind) if isinstance(kind, str) else None
    if known is None:
        raise BadRecord("A part is of no known type.")
    return cast("Part", _from_record(known, found, "part"))


def _unwrapped(value: object) -> object:
    if not isinstance(value, dict):
        return value
    wrapped = cast("dict[str, object]", value)
    if "text" in wrapped:
        return _text(wrapped["text"], "data of the part")
    if "array" in wrapped:
        return [_unwrapped(item) for item in _items(wrapped["array"], "data of the part")]
    pairs = [_items(pair, "data of the part") for pair in _items(wrapped.get("object"), "data of the part")]
    if any(len(pair) != 2 for pair in pairs):
        raise BadRecord("The data of the part is not readable.")
    return {_text(_unwrapped(name), "data of the part"): _unwrapped(item) for name, item in pairs}


def _mapping(value: object, what: str) -> Mapping[str, object]:
    if isinstance(value, dict):
        return cast("dict[str, object]", value)
    raise BadRecord(f"The {what} is no JSON object.")


def _items(value: object, what: str) -> list[object]:
    if isinstance(value, list):
        return cast("list[object]", value)
    raise BadRecord(f"The {what} is no JSON array.")


def _text(value: object, what: str) -> str:
    if isinstance(value, str):
        return value
    pieces = _items(value, what)
    if all(isinstance(piece, str) for piece in pieces):
        return "".join(cast("list[str]", pieces))
    raise BadRecord(f"The {what} is no text.")


def _flag(value: object, what: str) -> bool:
    if isinstance(value, bool):
        return value
    raise BadRecord(f"The {what} is neither true nor false.")


def _whole(value: object, what: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_ID:
        return value
    raise BadRecord(f"The {what} is no whole number.")


def _count(value: object, what: str) -> int:
    number = _whole(value, what)
    if number < 0:
        raise BadRecord(f"The {what} is negative.")
    return number


def _id(value: object, what: str) -> int:
    number = _whole(value, what)
    if number < 1:
        raise BadRecord(f"The {what} is not positive.")
    return number


def _number(value: object, what: str) -> float | None:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return float(_whole(value, what))


def _role(value: object, what: str) -> Role:
    return _member(Role, value, what)


def _outcome(value: object, what: str) -> Outcome:
    return _member(Outcome, value, what)


def _reason(value: object, what: str) -> FinishReason:
    """A word a newer version may know is OTHER here."""
    word = _text(value, what)
    return FinishReason(word) if word in set(FinishReason) else FinishReason.OTHER


def _fault_kind(value: object, what: str) -> FaultKind:
    word = _text(value, what)
    return FaultKind(word) if word in set(FaultKind) else FaultKind.INTERNAL


def _parts(value: object, _what: str) -> tuple[Part, ...]:
    return parts_from_record(value)


def _stop(value: object, what: str) -> tuple[str, ...]:
    return tuple(_text(item, what) for item in _items(value, what))


def _ending(value: object, _what: str) -> Ending:
    return ending_from_record(value)


def _generation(value: object, _what: str) -> Generation:
    return generation_from_record(value)


def _fault(value: object, what: str) -> Fault:
    return _from_record(Fault, value, what)


def _usage(value: object, what: str) -> Usage:
    return _from_record(Usage, value, what)


def _member(kind: type[_T], value: object, what: str) -> _T:
    try:
        return kind(value)  # pyright: ignore[reportCallIssue] - an enum
    except ValueError:
        raise BadRecord(f"The {what} is not a known one.") from None


_PARTS: Final[dict[str, type]] = {"text": TextPart, "reasoning": ReasoningPart, "tool_call": ToolCallPart}
_PART_TYPES: Final = {kind: name for name, kind in _PARTS.items()}
_FIELDS: Final[dict[type, dict[str, object]]] = {
    kind: {field.name: field.default for field in fields(kind)}
    for kind in (Message, Ending, Fault, Usage, Generation, TextPart, ReasoningPart, ToolCallPart)
}
"""Fields and their defaults; MISSING: has none."""

_NAMES: Final[tuple[tuple[_Reader, tuple[str, ...]], ...]] = (
    (_text, ("text", "key", "call_id", "name", "arguments", "model", "raw_reason", "title", "message", "hint")),
    (_text, ("code", "request_id", "detail", "reasoning_effort")),
    (_flag, ("is_refusal", "is_complete", "is_estimate", "is_retryable")),
    (_number, ("duration_s", "elapsed_s", "ttft_s", "gap_p95_s", "longest_gap_s", "created_at_s", "retry_after_s")),
    (_number, ("tokens_per_s", "cost", "temperature", "top_p")),
    (_count, ("tokens", "stalls", "input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens")),
    (_count, ("cache_write_tokens",)),
    (_whole, ("status", "max_tokens", "seed")),
    (_id, ("id", "parent_id")),
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
)
"""A name of a field means the same wherever it stands."""

_READERS: Final[dict[str, _Reader]] = {name: reader for reader, names in _NAMES for name in names}
