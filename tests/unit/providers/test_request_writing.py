"""How requests become bytes: the same ones however they are written, the large ones not on the loop."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_tui.core.conversation import ChatRequest, FilePart, Message, Role, TextPart
from chat_tui.core.errors import CannotSend
from chat_tui.providers.request_writing import (
    LARGE_CHARS,
    encoded,
    encoded_in_slices,
    wire_request,
    written,
)
from chat_tui.wire.base import Quirks, WireRequest
from chat_tui.wire.openai_chat import OpenAIChat

WORDS = st.text(st.characters(codec="utf-8"))
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner),
)


@given(st.dictionaries(WORDS, TREES), st.integers(1, 3))
def test_slices_change_nothing(body: dict[str, Any], slice_chars: int) -> None:
    assert encoded_in_slices(body, slice_chars) == encoded(body)
    assert json.loads(encoded_in_slices(body, slice_chars)) == body


def test_half_a_pair_can_be_sent() -> None:
    assert (
        json.loads(encoded({"a": "x\ud83d"})) == json.loads(encoded_in_slices({"a": "x\ud83d"}, 1)) == {"a": "x�"}
    )


class Watched(OpenAIChat):
    """Keeps the threads it wrote in."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []

    def encode(self, request: ChatRequest, quirks: Quirks) -> WireRequest:
        self.threads.append(threading.current_thread())
        return super().encode(request, quirks)


def question(*parts: FilePart | TextPart) -> ChatRequest:
    return ChatRequest("m", (Message(1, Role.USER, parts),))


@pytest.mark.parametrize(
    ("part", "is_beside"),
    [
        (FilePart("a.png", "image/png", bytes(LARGE_CHARS + 1)), True),
        (FilePart("a.png", "image/png", bytes(LARGE_CHARS)), False),
        (TextPart("a" * (LARGE_CHARS + 1)), True),
        (TextPart("a"), False),
    ],
)
async def test_what_is_large_is_written_beside_the_loop(part: FilePart | TextPart, is_beside: bool) -> None:
    protocol = Watched()
    wire = await wire_request(protocol, question(part), Quirks())
    (thread,) = protocol.threads
    assert (thread is not threading.main_thread()) is is_beside
    assert await written(wire.body) == encoded(wire.body)


@pytest.mark.parametrize("chars", [LARGE_CHARS, LARGE_CHARS + 1])
async def test_a_large_body_is_written_beside_the_loop(chars: int, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []

    def noted(body: dict[str, Any]) -> bytes:
        threads.append(threading.current_thread())
        return encoded(body)

    monkeypatch.setattr("chat_tui.providers.request_writing.encoded_in_slices", noted)
    body = {"input": [{"text": "a" * chars}]}
    assert await written(body) == encoded(body)
    assert [thread is threading.main_thread() for thread in threads] == [False] * (chars > LARGE_CHARS)


async def test_what_cannot_be_sent_is_said_from_there_too() -> None:
    with pytest.raises(CannotSend, match=r"all\.zip"):
        await wire_request(
            Watched(), question(FilePart("all.zip", "application/zip", bytes(LARGE_CHARS + 1))), Quirks()
        )
