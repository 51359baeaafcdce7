"""Whatever came of an answer, it can be sent back: damaged ones in the form that the protocol asks for, too."""

from __future__ import annotations

import json
import random

import pytest

from chat_tui.core.conversation import ChatRequest, Ending, Message, Outcome, Role, TextPart
from chat_tui.core.events import Finished
from chat_tui.core.outcome import FinishReason
from chat_tui.core.turn import TurnState, reduce
from chat_tui.wire.anthropic import Anthropic
from chat_tui.wire.base import Quirks
from tests.property.test_wire_protocols import mutated
from tests.support.wire import played, stream_bytes, streams_of

_MUTANTS = 60


def answer_of(body: bytes) -> Message:
    """The answer as a session keeps it."""
    state = TurnState()
    for event in played(body, "anthropic"):
        state = reduce(state, event)
    reason = state.terminal.reason if isinstance(state.terminal, Finished) else FinishReason.STOP
    raw = state.terminal.raw if isinstance(state.terminal, Finished) else ""
    return Message(
        2, Role.ASSISTANT, state.parts(), model="a/m", ending=Ending(Outcome.COMPLETE, reason, raw_reason=raw)
    )


def asked(text: str) -> Message:
    return Message(1, Role.USER, (TextPart(text),))


@pytest.mark.parametrize("name", streams_of("anthropic"))
def test_whatever_came_can_be_sent_back(name: str) -> None:
    dice = random.Random(name)
    lines = stream_bytes(name).split(b"\n")
    for mutant in range(_MUTANTS):
        answer = answer_of(b"\n".join(mutated(lines, dice) if mutant else lines))
        for is_continuation in (False, True):
            messages = (asked("A"), answer) if is_continuation else (asked("A"), answer, asked("B"))
            request = ChatRequest("m", messages, is_continuation=is_continuation)
            body = Anthropic().encode(request, Quirks()).body
            json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
            check(body["messages"], is_paused=is_continuation and answer.is_paused)


def check(turns: list[dict[str, object]], *, is_paused: bool) -> None:
    """Turns alternate; every call has its result in the next one, and no turn ends with a thought."""
    roles = [turn["role"] for turn in turns]
    assert roles == [("user", "assistant")[at % 2] for at in range(len(turns))]
    blocks = [_blocks(turn["content"]) for turn in turns]
    assert all(blocks)
    for at, found in enumerate(blocks):
        calls = [block["id"] for block in found if block["type"] == "tool_use"]
        results = (
            [block["tool_use_id"] for block in blocks[at + 1] if block["type"] == "tool_result"] if calls else []
        )
        assert calls == results
        assert is_paused or found[-1]["type"] not in ("thinking", "redacted_thinking")


def _blocks(content: object) -> list[dict[str, object]]:
    return content if isinstance(content, list) else [{"type": "text", "text": content}]
