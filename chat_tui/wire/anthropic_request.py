"""Anthropic Messages: the request.

`max_tokens` is required by the protocol; nothing else is sent that was not asked for, but that models which think
in any case are asked for a summary of it: they would be silent for as long as they think.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from chat_tui.core.conversation import ChatRequest, Generation
from chat_tui.core.errors import CannotSend
from chat_tui.core.files import PDF
from chat_tui.wire.anthropic_history import encode_messages, takes
from chat_tui.wire.anthropic_models import ClaudeModel, claude_model, output_tokens
from chat_tui.wire.attachments import unseen, with_names
from chat_tui.wire.base import Quirks, WireRequest
from chat_tui.wire.json_text import JsonObject, repaired

PATH = "/messages"
VERSION = "2026-10-21"
"""Refuses temperature and top_p for every model."""
OLD_VERSION = "2023-06-01"
"""What every server knows that speaks this protocol."""

_MIN_BUDGET = 1024
_BUDGETS = {"minimal": 1024, "low": 4096, "medium": 8192, "high": 16_000, "xhigh": 24_000, "max": 30_000}
_NO_EFFORT = ("none", "off")
_SUMMARIZED: JsonObject = {"type": "adaptive", "display": "summarized"}


def encode_request(request: ChatRequest, quirks: Quirks) -> WireRequest:
    """The request. Raises CannotSend for a file of the last question that the protocol or the server does not
    take."""
    request = replace(request, messages=with_names(request.messages, partial(takes, can_see=quirks.can_see)))
    if not quirks.can_see:
        _check_blind(request)
    model = claude_model(request.model)
    messages, is_prefill = encode_messages(request)
    settings = request.generation
    max_tokens = settings.max_tokens or output_tokens(model)
    body: JsonObject = {
        "model": request.model,
        "max_tokens": max_tokens,
        "stream": True,
        "messages": messages,
    }
    if request.system.strip():
        body["system"] = repaired(request.system)
    body |= _sampling(settings)
    body |= _thinking(settings.reasoning_effort, model, max_tokens, is_prefill=is_prefill)
    body |= quirks.extra_body
    return WireRequest(PATH, body, version_headers(quirks, model, settings))


def version_headers(
    quirks: Quirks, model: ClaudeModel | None = None, settings: Generation | None = None
) -> dict[str, str]:
    """The version that is asked for: the newest of Anthropic's own models, unless it refuses what is set."""
    has_sampling = settings is not None and (settings.temperature is not None or settings.top_p is not None)
    version = OLD_VERSION if model is None or has_sampling else VERSION
    return {"anthropic-version": quirks.version or version}


def _sampling(settings: Generation) -> JsonObject:
    values: JsonObject = {
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "stop_sequences": [repaired(stop) for stop in settings.stop] or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _thinking(effort: str | None, model: ClaudeModel | None, max_tokens: int, *, is_prefill: bool) -> JsonObject:
    """How much it shall think, in the words of its generation. A started answer cannot be thought about."""
    always = model is not None and model.always_thinks
    if effort is None:
        return {"thinking": dict(_SUMMARIZED)} if always else {}
    effort = repaired(effort.lower())
    if effort in _NO_EFFORT and not always:
        return {"thinking": {"type": "disabled"}}
    if model is None or model.has_budgets:
        budget = min(_BUDGETS.get(effort, _BUDGETS["medium"]), max_tokens // 2)
        if is_prefill or budget < _MIN_BUDGET:
            return {}
        return {"thinking": {"type": "enabled", "budget_tokens": budget}}
    level = "low" if effort in (*_NO_EFFORT, "minimal") else effort
    return {"thinking": dict(_SUMMARIZED), "output_config": {"effort": level}}


def _check_blind(request: ChatRequest) -> None:
    for message in request.messages:
        for file in message.files:
            if file.is_image:
                raise unseen(file)
            if file.media_type == PDF:
                raise CannotSend(
                    f"“{repaired(file.name)}” is a PDF, and this server takes none.",
                    "Send its text instead, or ask another model.",
                )
