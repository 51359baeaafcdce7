"""The model goes through JSON and comes back equal; what is no record is refused in a sentence."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings

from chat_tui.core.conversation import (
    Ending,
    FilePart,
    Generation,
    Message,
    OpaquePart,
    Outcome,
    Part,
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from chat_tui.core.cost import Cost, PriceSource
from chat_tui.core.errors import FaultKind
from chat_tui.core.events import FinishReason
from chat_tui.store import records
from chat_tui.store.model import StoredConversation
from chat_tui.store.records import BadRecord
from tests.support.conversations import GENERATIONS, JSON_DATA, PARTS, conversations, endings, messages

HIGH, LOW = "\ud83d", "\ude00"


def through_json(record: object) -> object:
    return json.loads(json.dumps(record, ensure_ascii=True, allow_nan=False))


@settings(max_examples=300)
@given(messages())
def test_any_message_comes_back_equal(message: Message) -> None:
    again = records.message_from_record(through_json(records.message_to_record(message)))
    assert again == message
    assert repr(again) == repr(message)


@given(PARTS)
def test_parts_come_back_from_their_column(parts: tuple[Part, ...]) -> None:
    column = records.parts_to_json(parts)
    assert column.isascii()
    assert "\0" not in column
    assert records.parts_from_json(column) == parts


@given(endings())
def test_an_ending_comes_back_from_its_column(ending: Ending) -> None:
    assert records.ending_from_json(records.ending_to_json(ending)) == ending


@given(GENERATIONS)
def test_settings_come_back_from_their_column(generation: Generation) -> None:
    assert records.generation_from_json(records.generation_to_json(generation)) == generation


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0",
        HIGH,
        LOW,
        HIGH + LOW,
        LOW + HIGH,
        f"a{HIGH}{LOW}b{HIGH}{LOW}",
        "😀",
        HIGH + "😀" + LOW,
        HIGH * 3 + LOW,
    ],
)
def test_halves_of_pairs_stay_apart(text: str) -> None:
    parts = (
        TextPart(text),
        ReasoningPart(text),
        ToolCallPart(text, text, text, text, is_complete=True),
        ToolResultPart(text, text),
        FilePart(text, text, b"\x00\xff"),
        OpaquePart(text, {text: [text, {"x": text}]}),
    )
    assert records.parts_from_json(records.parts_to_json(parts)) == parts


def test_text_of_ten_megabytes() -> None:
    parts = (TextPart("é\ud800 \0" * 2_500_000),)
    assert records.parts_from_json(records.parts_to_json(parts)) == parts


def nested(depth: int, leaf: object) -> object:
    for level in range(depth):
        leaf = [leaf] if level % 2 else {"deeper": leaf}
    return leaf


@pytest.mark.parametrize("leaf", ["plain", HIGH + LOW])
def test_data_as_deep_as_a_wire_lets_through(leaf: str) -> None:
    parts = (OpaquePart("deep", nested(200, leaf)),)
    assert records.parts_from_json(records.parts_to_json(parts)) == parts


def test_data_too_deep_for_any_json_is_none_and_the_rest_is_kept() -> None:
    parts = (OpaquePart("deep", nested(100_000, 1)), TextPart("kept"))
    assert records.parts_from_json(records.parts_to_json(parts)) == (OpaquePart("deep", None), TextPart("kept"))


def test_data_that_looks_wrapped_is_not_unwrapped() -> None:
    data = {"text": ["a", "b"], "array": [1], "object": [["x", 1]]}
    parts = (OpaquePart("x", data), OpaquePart("y", {**data, "z": HIGH + LOW}))
    assert records.parts_from_json(records.parts_to_json(parts)) == parts


def test_numbers_that_are_not_finite_are_as_if_not_there() -> None:
    ending = Ending(Outcome.COMPLETE, elapsed_s=math.inf, ttft_s=math.nan, tokens_per_s=-math.inf)
    assert records.ending_from_json(records.ending_to_json(ending)) == Ending(Outcome.COMPLETE)
    parts = (OpaquePart("x", [math.nan, 1.5]),)
    assert records.parts_from_json(records.parts_to_json(parts)) == (OpaquePart("x", [None, 1.5]),)
    assert records.ending_from_record({"outcome": "complete", "ttft_s": math.inf}) == Ending(Outcome.COMPLETE)


def test_defaults_are_left_out() -> None:
    message = Message(1, Role.USER, (TextPart("hello"),))
    assert records.message_to_record(message) == {
        "id": 1,
        "role": "user",
        "parts": [{"type": "text", "text": "hello"}],
    }


def test_unknown_fields_are_passed_over() -> None:
    record = {
        "id": 1,
        "role": "assistant",
        "parts": [{"type": "text", "text": "hello", "tint": "red"}],
        "mood": "good",
        "ending": {"outcome": "complete", "smell": 3},
    }
    expected = Message(1, Role.ASSISTANT, (TextPart("hello"),), ending=Ending(Outcome.COMPLETE))
    assert records.message_from_record(record) == expected


def test_words_of_a_newer_version() -> None:
    fault = {"kind": "gremlins", "title": "t", "message": "m"}
    ending = records.ending_from_record({"outcome": "interrupted", "reason": "bored", "fault": fault})
    assert ending.reason is FinishReason.OTHER
    assert ending.fault is not None
    assert ending.fault.kind is FaultKind.INTERNAL


GOOD = {"id": 1, "role": "user", "parts": []}


@pytest.mark.parametrize(
    "record",
    [
        None,
        [],
        "message",
        {},
        {**GOOD, "id": 0},
        {**GOOD, "id": -1},
        {**GOOD, "id": True},
        {**GOOD, "id": 1.5},
        {**GOOD, "id": 1 << 63},
        {**GOOD, "id": "1"},
        {**GOOD, "parent_id": "x"},
        {**GOOD, "role": "tool"},
        {**GOOD, "role": ["user"]},
        {**GOOD, "role": {}},
        {**GOOD, "parts": {}},
        {**GOOD, "parts": ["x"]},
        {**GOOD, "parts": [{"type": "hologram"}]},
        {**GOOD, "parts": [{"type": []}]},
        {**GOOD, "parts": [{"type": "text"}]},
        {**GOOD, "parts": [{"type": "text", "text": 3}]},
        {**GOOD, "parts": [{"type": "text", "text": ["a", 3]}]},
        {**GOOD, "parts": [{"type": "text", "text": "a", "is_refusal": 1}]},
        {**GOOD, "parts": [{"type": "opaque", "data": 1}]},
        {**GOOD, "parts": [{"type": "opaque", "kind": "k", "data": {"object": [[1]]}, "is_wrapped": True}]},
        {**GOOD, "parts": [{"type": "opaque", "kind": "k", "data": {}, "is_wrapped": True}]},
        {**GOOD, "model": 3},
        {**GOOD, "ending": "complete"},
        {**GOOD, "ending": {}},
        {**GOOD, "ending": {"outcome": "great"}},
        {**GOOD, "ending": {"outcome": "complete", "tokens": -1}},
        {**GOOD, "ending": {"outcome": "complete", "elapsed_s": "long"}},
        {**GOOD, "ending": {"outcome": "complete", "elapsed_s": 10**400}},
        {**GOOD, "ending": {"outcome": "complete", "usage": []}},
        {**GOOD, "ending": {"outcome": "complete", "fault": {"kind": "cut"}}},
    ],
    ids=repr,
)
def test_what_is_no_record_is_refused_in_a_sentence(record: object) -> None:
    with pytest.raises(BadRecord) as caught:
        records.message_from_record(record)
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize(
    "read",
    [records.parts_from_json, records.ending_from_json, records.generation_from_json],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "1" * 5_000, "nul", "3"])
def test_a_column_that_is_no_json(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(BadRecord):
        read(text)


@given(JSON_DATA)
def test_any_other_json_is_a_bad_record_at_most(data: object) -> None:
    for record in (data, {"id": 1, "role": "user", "parts": data}, {**GOOD, "ending": data}):
        with contextlib.suppress(BadRecord):
            records.message_from_record(record)


# -- conversations ---------------------------------------------------------------------------------


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(conversations())
def test_any_conversation_comes_back_equal(conversation: StoredConversation) -> None:
    record = through_json(records.conversation_to_record(conversation))
    assert records.conversation_from_record(record) == conversation


ID = "0123456789abcdef" * 2
ONE = {"id": 1, "role": "user", "parts": []}


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"id": 1},
        {"id": "x"},
        {"id": ID.upper()},
        {"id": ID, "messages": {}},
        {"id": ID, "messages": [3]},
        {"id": ID, "messages": [ONE, ONE]},
        {"id": ID, "messages": [{**ONE, "parent_id": 1}]},
        {"id": ID, "messages": [{**ONE, "parent_id": 2}, {**ONE, "id": 2}]},
        {"id": ID, "messages": [ONE], "tip_id": 2},
        {"id": ID, "is_pinned": 1},
        {"id": ID, "title": 3},
        {"id": ID, "updated_at_s": "now"},
    ],
    ids=repr,
)
def test_what_is_no_conversation_is_refused_in_a_sentence(record: object) -> None:
    with pytest.raises(BadRecord) as caught:
        records.conversation_from_record(record)
    assert caught.value.message.endswith(".")


def test_what_an_answer_has_cost_comes_back_and_old_records_have_none() -> None:
    charge = Cost(0.0042, PriceSource.LISTING, is_estimate=True)
    record = records.ending_to_record(Ending(Outcome.COMPLETE, charge=charge))
    assert record["charge"] == {"usd": 0.0042, "source": "listing", "is_estimate": True}
    assert records.ending_from_record(through_json(record)).charge == charge
    assert records.ending_from_record({"outcome": "complete"}).charge is None


def test_a_price_from_where_we_do_not_know_is_the_least_sure_one() -> None:
    record: object = {"outcome": "complete", "charge": {"usd": 1.5, "source": "an auction"}}
    assert records.ending_from_record(record).charge == Cost(1.5, PriceSource.LISTING)
