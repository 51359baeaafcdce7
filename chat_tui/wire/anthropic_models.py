"""Anthropic Messages: what the models take, told by their names, and the listing that names them.

Names are `claude-FAMILY-MAJOR-MINOR` and, before the fourth generation, `claude-MAJOR-MINOR-FAMILY`, with dates
behind and the names of clouds before them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from chat_tui.wire.base import ModelFacts
from chat_tui.wire.json_text import JsonObject, as_list, as_object, as_text, parse
from chat_tui.wire.model_list import MAX_LOOKED_AT, read_models

_CLAUDE = re.compile(
    r"claude-(?:(?P<family>[a-z]+)-)?(?P<major>\d{1,2})(?!\d)(?:[-.](?P<minor>\d{1,2})(?!\d))?(?:-(?P<late>[a-z]+))?"
)
_NEWEST = (99, 0)
_LAST_WITH_PREFILL = (4, 5)
_LAST_WITH_BUDGETS = (4, 5)
_ALWAYS_THINKING = {"fable": (5, 0), "mythos": (5, 0), "opus": (5, 5)}

_OUTPUT_TOKENS = 32_000
_OLD_OUTPUT_TOKENS = 4096
_FOREIGN_OUTPUT_TOKENS = 8192


@dataclass(frozen=True, slots=True)
class ClaudeModel:
    """One model of Anthropic's. A name without a number is taken for one of the newest."""

    family: str
    version: tuple[int, int]

    @property
    def can_prefill(self) -> bool:
        """Whether it continues a trailing assistant message; all after 4.5 refuse one."""
        return self.version <= _LAST_WITH_PREFILL

    @property
    def has_budgets(self) -> bool:
        """Whether its thinking is switched on with a number of tokens, and given as it is thought."""
        return self.version <= _LAST_WITH_BUDGETS

    @property
    def always_thinks(self) -> bool:
        """Whether its thinking cannot be switched off."""
        return self.version >= _ALWAYS_THINKING.get(self.family, _NEWEST)

    @property
    def output_tokens(self) -> int:
        """A limit that it takes and no usual answer reaches."""
        return _OLD_OUTPUT_TOKENS if self.version < (3, 7) else _OUTPUT_TOKENS


def claude_model(name: str) -> ClaudeModel | None:
    """The model of that name; None for one that is not Anthropic's."""
    lower = name.lower()
    if "claude" not in lower:
        return None
    found = _CLAUDE.search(lower)
    if found is None:
        return ClaudeModel("", _NEWEST)
    return ClaudeModel(found["family"] or found["late"] or "", (int(found["major"]), int(found["minor"] or 0)))


def output_tokens(model: ClaudeModel | None) -> int:
    """The limit on output where none is set: the protocol requires one."""
    return _FOREIGN_OUTPUT_TOKENS if model is None else model.output_tokens


def read_page(text: str) -> tuple[tuple[ModelFacts, ...], str]:
    """The models of a page of the listing, and the id behind which the next begins. Raises MalformedEvent."""
    page = as_object(parse(text)) or {}
    inputs = {
        as_text(found.get("id")): _inputs(found)
        for item in as_list(page.get("data"))[:MAX_LOOKED_AT]
        if (found := as_object(item))
    }
    facts = tuple(
        found if inputs.get(found.name) is None else replace(found, inputs=inputs[found.name])
        for found in read_models(text)
    )
    return facts, as_text(page.get("last_id")) if page.get("has_more") is True else ""


def _inputs(item: JsonObject) -> frozenset[str] | None:
    capabilities = as_object(item.get("capabilities")) or {}
    images, files = (as_object(capabilities.get(name)) for name in ("image_input", "pdf_input"))
    if images is None and files is None:
        return None
    named = {"image": images, "file": files}
    return frozenset({"text", *(name for name, found in named.items() if found and found.get("supported") is True)})
