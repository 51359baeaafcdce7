"""Listings of models, read leniently: every server has fields of its own, and some are no listing at all."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from chat_tui.core.sanitize import clean_line
from chat_tui.wire.base import ModelFacts
from chat_tui.wire.json_text import JsonObject, as_count, as_list, as_object, as_text, parse

MAX_MODELS = 2000
MAX_LOOKED_AT = 2 * MAX_MODELS
NAME_CHARS = 200

_NO_CHAT = ("embed", "whisper", "tts", "dall-e", "moderation", "image", "realtime", "rerank", "transcri")
_CONTEXT_KEYS = (
    "context_length", "context_window", "max_context_length", "max_model_len", "max_input_tokens",
    "inputTokenLimit",
)  # fmt: skip
_LABEL_KEYS = ("display_name", "displayName", "name")


def read_models(text: str) -> tuple[ModelFacts, ...]:
    """The models of `{"data": […]}`, `{"models": […]}` or a bare list, those that are no chat models marked.

    Names that cleaning would change are left out. Raises MalformedEvent for what is no JSON.
    """
    listing = parse(text)
    found = as_object(listing)
    items = as_list(listing) if found is None else as_list(found.get("data")) or as_list(found.get("models"))
    return usable(facts for item in items if (facts := _facts(item)) is not None)


def usable(facts: Iterable[ModelFacts]) -> tuple[ModelFacts, ...]:
    """Each name once, none that is empty or that cleaning would change, at most `MAX_MODELS`.

    No more than `MAX_LOOKED_AT` are looked at: a list may have as many as there is room for in 4 MiB.
    """
    by_name: dict[str, ModelFacts] = {}
    for found in islice(facts, MAX_LOOKED_AT):
        if len(by_name) == MAX_MODELS:
            break
        if found.name and clean_line(found.name, NAME_CHARS) == found.name:
            by_name[found.name] = found
    return tuple(by_name.values())


def is_chat_name(name: str) -> bool:
    """Whether a name does not look like that of another kind of model."""
    lower = name.lower()
    return not any(word in lower for word in _NO_CHAT)


def _facts(item: object) -> ModelFacts | None:
    found = as_object(item)
    if found is None:
        name, found = as_text(item), {}
    else:
        name = _first_text(found, ("id", "name", "model", "key"))
    if not name:
        return None
    label = _first_text(found, _LABEL_KEYS)
    pricing = as_object(found.get("pricing")) or {}
    return ModelFacts(
        name=name,
        label="" if label == name else clean_line(label, NAME_CHARS),
        context_tokens=_context_tokens(found),
        inputs=_inputs(found),
        input_price=price(pricing.get("prompt")),
        output_price=price(pricing.get("completion")),
        cached_price=price(pricing.get("input_cache_read")),
        is_chat=is_chat_name(name),
    )


def _first_text(found: JsonObject, keys: Iterable[str]) -> str:
    return next((text for key in keys if (text := as_text(found.get(key)))), "")


def _context_tokens(found: JsonObject) -> int | None:
    meta = as_object(found.get("meta")) or {}
    counts = [as_count(found.get(key)) for key in _CONTEXT_KEYS] + [as_count(meta.get("n_ctx"))]
    return next((count for count in counts if count), None)


def _inputs(found: JsonObject) -> frozenset[str] | None:
    architecture = as_object(found.get("architecture")) or {}
    named = [as_text(item) for item in as_list(architecture.get("input_modalities"))]
    if named:
        return frozenset(name for name in named if name)
    capabilities = as_object(found.get("capabilities")) or {}
    if isinstance(capabilities.get("vision"), bool):
        return frozenset({"text", "image"} if capabilities["vision"] else {"text"})
    return None


def price(value: object) -> float | None:
    """USD per token, written as a number or as text; None for what is none."""
    try:
        number = float(value) if isinstance(value, str | int | float) else -1.0
    except ValueError:
        return None
    return number if 0 <= number < 1 else None
