"""Properties of OpenAI Chat: cut, chunked, mutated and arbitrary streams end once, lose nothing, raise nothing."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import json
import random
import re
from collections.abc import Iterable
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_tui.core.errors import FaultKind, MalformedEvent
from chat_tui.core.events import (
    Failed,
    Finished,
    StreamEvent,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallEnded,
    ToolCallStarted,
)
from chat_tui.wire.base import WireEvent
from chat_tui.wire.error_bodies import MESSAGE_CHARS, classify, fault_of, is_retryable, read_error
from chat_tui.wire.json_text import repaired
from chat_tui.wire.openai_chat import OpenAIChat
from tests.unit.wire.streams import CHAT_STREAMS, chunk, decoded, framed, played, stream_bytes, terminals, text_of


def _check(events: list[StreamEvent]) -> None:
    """What holds for every stream."""
    (terminal,) = terminals(events)
    assert events[-1] is terminal
    arguments: dict[str, str] = {}
    ended: set[str] = set()
    for event in events:
        if isinstance(event, TextDelta):
            assert event.text
        elif isinstance(event, ToolCallStarted):
            arguments.setdefault(event.key, "")
            assert event.key not in ended
        elif isinstance(event, ToolArgumentsDelta):
            arguments[event.key] += event.fragment
            assert event.key not in ended
        elif isinstance(event, ToolCallEnded):
            assert event.arguments == arguments[event.key]
            assert event.key not in ended
            ended.add(event.key)


def _check_writable(values: Iterable[object]) -> None:
    """No half surrogate pair, no NaN and nothing too deep: all of it can be saved and sent."""
    for value in values:
        json.dumps(dataclasses.asdict(cast("Any", value)), ensure_ascii=False, allow_nan=False).encode()


@pytest.mark.parametrize("name", CHAT_STREAMS)
def test_nothing_is_complete_before_its_reason(name: str) -> None:
    body = stream_bytes(name)
    reason = re.search(rb'"finish_reason":"\w+"', body)
    for cut in range((reason.end() if reason else len(body)) + 1):
        assert isinstance(played(body[:cut])[-1], Failed)


_KEYS = [
    "choices", "delta", "index", "content", "finish_reason", "error", "message", "tool_calls", "function",
    "arguments",
    "name", "id", "model", "usage", "prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details",
    "cached_tokens", "reasoning", "reasoning_content", "reasoning_details", "refusal", "type", "text", "thinking",
    "x_groq", "timings", "predicted_per_second", "cache_n", "prompt_n", "prompt_progress", "processed", "total",
    "function_call", "extra_content", "object", "code", "metadata", "raw", "details", "detail", "loc", "violations",
]  # fmt: skip
_WORDS = [
    "",
    "stop",
    "length",
    "tool_calls",
    "error",
    "thinking",
    "text",
    "\ud83d",
    "\ude00",
    '{"a":1}',
    "<p>",
    "[" * 300,
]
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, 1, -1, 10**40, 1e300, float("nan"), float("inf"), 429, 502])
    | st.sampled_from(_WORDS)
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=5),
    max_leaves=20,
)


def _chunk_of(choices: list[object], rest: dict[str, object]) -> dict[str, object]:
    return {**rest, "choices": choices}


_chunks = st.builds(
    _chunk_of,
    st.lists(
        st.fixed_dictionaries(
            {"delta": st.dictionaries(st.sampled_from(_KEYS), _json, max_size=4)},
            optional={"index": _json, "finish_reason": st.sampled_from(_WORDS) | _json},
        ),
        max_size=2,
    ),
    st.dictionaries(st.sampled_from(_KEYS), _json, max_size=3),
)


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from(["", "", "error", "x"]), _json | _chunks), max_size=5))
def test_any_json_is_decoded(values: list[tuple[str, object]]) -> None:
    events = decoded([WireEvent(name, json.dumps(value)) for name, value in values])
    _check(events)
    _check_writable(events)


@settings(max_examples=200)
@given(st.text() | _json.map(json.dumps) | _chunks.map(json.dumps))
def test_any_text_is_an_event_or_malformed_and_a_document(text: str) -> None:
    for events in (decoded([WireEvent("", text)]), list(OpenAIChat().codec().decode_document(text))):
        _check(events)
        _check_writable(events)


@settings(max_examples=300)
@given(st.none() | st.sampled_from([200, 307, 400, 401, 403, 429, 500, 503]), st.text() | _json)
def test_any_error_body_is_read(status: int | None, body: Any) -> None:
    read = read_error(body)
    fault = fault_of(read, status=status)
    assert len(read.message) <= MESSAGE_CHARS
    assert fault.message
    assert fault.kind is classify(status, read)
    assert fault.is_retryable is is_retryable(fault.kind, status, read)
    _check_writable([read, fault])


@given(st.text(st.characters(exclude_categories=[]) | st.sampled_from("😀ü\ud83d\ude00"), max_size=20), st.data())
def test_text_cut_between_any_two_utf16_units_comes_out_whole(text: str, data: st.DataObject) -> None:
    units = text.encode("utf-16-le", "surrogatepass")
    edges = sorted({0, len(units), *(2 * at for at in data.draw(st.lists(st.integers(0, len(units) // 2))))})
    pieces = [units[start:end].decode("utf-16-le", "surrogatepass") for start, end in itertools.pairwise(edges)]
    events = decoded(chunk({"content": piece}) for piece in pieces)
    assert text_of(events) == repaired(text)


_STRANGE: list[object] = [
    None, True, 0, -1, 10**30, 1e308, float("nan"), "", "x", "\ud83d", "\0\x1b[31m", [], {}, [None], {"error": "e"},
    [[[[]]]], "stop", "error", [{"type": "text", "text": "t"}],
]  # fmt: skip


def _mutate(node: Any, dice: random.Random) -> None:
    """Change one thing somewhere below a JSON object or array, in place."""
    while True:
        keys: list[Any] = list(cast("dict[str, Any]", node)) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return
        key = dice.choice(keys)
        if isinstance(node[key], dict | list) and dice.random() < 0.75:
            node = node[key]
            continue
        kind = dice.randrange(4)
        if kind == 0:
            del node[key]
        elif kind == 1 and isinstance(node, list):
            node.append(copy.deepcopy(node[key]))
        elif kind == 2 and isinstance(node, dict):
            node[dice.choice(_KEYS)] = node.pop(key)
        else:
            node[key] = copy.deepcopy(dice.choice(_STRANGE))
        return


@pytest.mark.parametrize("name", CHAT_STREAMS)
def test_mutated_chunks_never_hurt(name: str) -> None:
    dice = random.Random(name)
    recorded = [json.loads(event.data) for event in framed(stream_bytes(name)) if event.data.startswith("{")]
    for _ in range(300):
        values = copy.deepcopy(recorded)
        for _ in range(dice.randint(1, 4)):
            _mutate(values, dice)
        if dice.random() < 0.3:
            dice.shuffle(values)
        events = decoded([WireEvent("", json.dumps(value)) for value in values])
        _check(events)
        _check_writable(events)


def test_only_malformed_events_are_raised() -> None:
    """The checks above pass over MalformedEvent; here it is the only thing a wall of brackets can be."""
    with pytest.raises(MalformedEvent):
        OpenAIChat().codec().decode(WireEvent("", '{"choices":' + "[" * 200_000))


def test_a_cut_stream_is_a_cut() -> None:
    events = played(stream_bytes("chat-text")[:300])
    assert not any(isinstance(event, Finished) for event in events)
    assert isinstance(events[-1], Failed)
    assert events[-1].fault.kind is FaultKind.CUT
