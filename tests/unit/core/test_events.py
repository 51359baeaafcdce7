"""The vocabulary of a stream."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import get_args

import pytest

from chat_tui.core.events import (
    TOKEN_EVENTS,
    Arrival,
    Connected,
    Finished,
    FinishReason,
    StreamEvent,
    TerminalEvent,
    TextDelta,
    Usage,
)


def test_usage_takes_what_is_newer_and_keeps_what_is_not_said() -> None:
    old = Usage(input_tokens=10, output_tokens=5, reasoning_tokens=2, cost=0.5)
    new = old.updated(Usage(output_tokens=0, cached_tokens=4, cache_write_tokens=1, tokens_per_s=7.5))
    assert new == Usage(10, 0, 2, 4, 1, 7.5, 0.5)
    assert old.output_tokens == 5
    assert old.updated(Usage()) == old


def test_every_event_can_be_compared_and_not_changed() -> None:
    assert TextDelta("a") == TextDelta("a") != TextDelta("b")
    with pytest.raises(FrozenInstanceError):
        setattr(TextDelta("a"), "text", "b")  # noqa: B010 - the point of the test


def test_terminal_and_token_events_are_events() -> None:
    events = set(get_args(StreamEvent))
    assert set(get_args(TerminalEvent)) < events
    assert set(TOKEN_EVENTS) < events
    assert not set(TOKEN_EVENTS) & set(get_args(TerminalEvent))


def test_an_arrival_holds_events_of_one_moment() -> None:
    arrival = Arrival(12.5, (Connected(), Finished(FinishReason.STOP, "stop")))
    assert [type(event).__name__ for event in arrival.events] == ["Connected", "Finished"]
