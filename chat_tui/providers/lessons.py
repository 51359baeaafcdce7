"""What a server teaches by refusing: what it does not know, or not any more, is left out from then on. Pure."""

from __future__ import annotations

import re
from dataclasses import replace

from chat_tui.core.conversation import ChatRequest, Generation, Message, OpaquePart
from chat_tui.core.errors import Fault
from chat_tui.providers.faults import is_about_field
from chat_tui.providers.setting_names import named_settings
from chat_tui.wire.base import Quirks, WireProtocol

_REFUSAL = re.compile(
    r"unsupported|deprecat|unknown|unrecogni[sz]ed|unexpected|forbidden|cannot (both )?be|can't be"
    r"|not (currently |yet )?(be )?(support|permit|allow|accept|available|compatible)|n't support"
    r"|only the default",
    re.IGNORECASE,
)


class Lessons:
    """What is known of one server: how it differs, and which settings which of its models refuse, and what of
    its answers it does not take back any more."""

    def __init__(self, quirks: Quirks, protocol: WireProtocol | None = None) -> None:
        self.quirks = quirks
        self._protocol = protocol
        self._refused: dict[str, frozenset[str]] = {}
        self._forgotten: dict[int, OpaquePart] = {}
        """By identity: conversations keep the parts they have, and equality would compare whole thoughts."""

    def applied_to(self, request: ChatRequest) -> ChatRequest:
        """The request without the settings that its model has refused, and without what is not taken any more."""
        if self._forgotten:
            request = replace(request, messages=tuple(self._recalled(message) for message in request.messages))
        refused = self._refused.get(request.model)
        return replace(request, generation=_without(request.generation, refused)) if refused else request

    def learn(self, fault: Fault, request: ChatRequest) -> Fault:
        """The fault of that request (as it was sent); worth a retry when the next one leaves out what it names."""
        if (better := self._better_quirks(fault)) is not None:
            self.quirks = better
            return replace(fault, is_retryable=True)
        parts = () if self._protocol is None else self._protocol.refused_parts(request, fault)
        if parts:
            self._forgotten |= {id(part): part for part in parts}
            return replace(fault, is_retryable=True)
        setting = _refused_setting(fault, request.generation)
        if not setting:
            return fault
        self._refused[request.model] = self._refused.get(request.model, frozenset()) | {setting}
        hint = f"It is asked again without {setting}, which stands in [generation] of the configuration."
        return replace(fault, is_retryable=True, hint=hint)

    def _recalled(self, message: Message) -> Message:
        kept = tuple(part for part in message.parts if id(part) not in self._forgotten)
        return message if len(kept) == len(message.parts) else replace(message, parts=kept)

    def _better_quirks(self, fault: Fault) -> Quirks | None:
        quirks = self.quirks
        if quirks.has_stream_options and is_about_field(fault, "stream_options"):
            return replace(quirks, has_stream_options=False)
        if quirks.max_tokens_name == "max_tokens" and is_about_field(fault, "max_completion_tokens"):
            return replace(quirks, max_tokens_name="max_completion_tokens")
        if quirks.has_encrypted_reasoning and is_about_field(fault, "ncrypted content is not supported"):
            return replace(quirks, has_encrypted_reasoning=False)
        if quirks.has_reasoning_summary and is_about_field(fault, "reasoning.summary"):
            return replace(quirks, has_reasoning_summary=False)
        return None


def _without(generation: Generation, refused: frozenset[str]) -> Generation:
    changed = generation
    for name in refused:
        changed = replace(changed, **{name: getattr(Generation(), name)})
    return changed


def _refused_setting(fault: Fault, generation: Generation) -> str:
    """The setting that a server does not take at all; empty when it only objects to the value, or to nothing."""
    said = f"{fault.code} {fault.message} {fault.detail}"
    if fault.status not in (400, 422) or not _REFUSAL.search(said):
        return ""
    named = named_settings(said, fault.detail)
    # how long an answer may be is renamed, but never left out: without a limit it may cost more than was meant
    return next((name for name in named if name != "max_tokens" and _is_set(generation, name)), "")


def _is_set(generation: Generation, name: str) -> bool:
    return getattr(generation, name) not in (None, ())
