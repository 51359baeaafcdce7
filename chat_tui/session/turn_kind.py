"""What a turn is for."""

from __future__ import annotations

from enum import StrEnum


class TurnKind(StrEnum):
    """What happens on screen when nothing comes depends on it."""

    ASK = "ask"
    RETRY = "retry"
    CONTINUE = "continue"
