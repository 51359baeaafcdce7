"""Protocols by name. Each is a file of this package whose `PROTOCOL` is what it offers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from chat_tui.wire.base import WireProtocol


def protocol_of(name: str) -> WireProtocol:
    """The protocol, its file loaded now: `openai-chat` is `openai_chat.py`. Raises ImportError for no such file."""
    module = import_module(f"chat_tui.wire.{name.replace('-', '_')}")
    return cast("WireProtocol", module.PROTOCOL)
