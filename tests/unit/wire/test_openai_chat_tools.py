"""Tool calls, in all the ways in which servers cut and number them."""

from __future__ import annotations

import pytest

from chat_tui.core.events import (
    Finished,
    FinishReason,
    Ignored,
    OpaqueReceived,
    ToolArgumentsDelta,
    ToolCallEnded,
    ToolCallStarted,
)
from chat_tui.wire.base import WireEvent
from chat_tui.wire.openai_chat_tools import CALL_EXTRA
from tests.unit.wire.streams import (
    DONE,
    answer,
    chunk,
    decoded,
    ended_calls,
    event,
)


def call(index: object = 0, call_id: object = None, name: object = None, arguments: object = None) -> WireEvent:
    part = {"index": index, "id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
    return chunk({"tool_calls": [{key: value for key, value in part.items() if value is not None}]})


@pytest.mark.parametrize(
    "fragments",
    [
        pytest.param([call(0, "a", "f", '{"x":1}')], id="whole in one"),
        pytest.param([call(0, "a", "f", ""), *(call(0, arguments=c) for c in '{"x":1}')], id="by characters"),
        pytest.param([call(0, "a"), call(0, name="f"), call(0, arguments='{"x":1}')], id="name late"),
        pytest.param([call(0, "a", "f", '{"x"'), call(0, "a", "f", ":1}")], id="id and name repeated"),
        pytest.param([call(0, "a", "f", '{"x"'), call(0, name="f", arguments=":1}")], id="only name repeated"),
        pytest.param([call(None, "a", "f", '{"x"'), call(None, arguments=":1}")], id="no index"),
        pytest.param([call(None, "a", "f", '{"x"'), call(None, "a", "f", ":1}")], id="no index, id repeated"),
        pytest.param([call(None, "a"), call(None, name="f", arguments='{"x":1}')], id="no index, name late"),
        pytest.param([call(0, None, "f", '{"x"'), call(0, "a", arguments=":1}")], id="id late"),
        pytest.param([call(None, None, "f"), call(None, "a", arguments='{"x":1}')], id="no index, id late"),
        pytest.param([call("x", "a", "f", '{"x":1}')], id="index of another type"),
    ],
)
def test_one_call_in_all_its_variants(fragments: list[WireEvent]) -> None:
    events = answer(*fragments)
    started = [one for one in events if isinstance(one, ToolCallStarted)]
    assert started[-1] == ToolCallStarted("call-0", "a", "f")
    assert {one.key for one in started} == {"call-0"}
    assert events[-1] == ToolCallEnded("call-0", '{"x":1}')
    assert ended_calls(events) == ['{"x":1}']


@pytest.mark.parametrize(
    "fragments",
    [
        pytest.param([call(0, "a", "f", "{}"), call(1, "b", "g", "[]")], id="by index"),
        pytest.param([call(0, "a", "f", "{}"), call(0, "b", "g", "[]")], id="one index, two ids"),
        pytest.param([call(0, "a", "f", "{"), call(0, None, None, "}"),
                      call(0, "b", "g", "["), call(0, None, None, "]")],
                     id="one index, in pieces"),
        pytest.param([call(None, "a", "f", "{}"), call(None, "b", "g", "[]")], id="no index, two ids"),
    ],
)  # fmt: skip
def test_two_calls(fragments: list[WireEvent]) -> None:
    events = answer(*fragments)
    assert [one for one in events if not isinstance(one, ToolArgumentsDelta)] == [
        ToolCallStarted("call-0", "a", "f"),
        ToolCallEnded("call-0", "{}"),
        ToolCallStarted("call-1", "b", "g"),
        ToolCallEnded("call-1", "[]"),
    ]


def test_without_index_and_id_a_name_begins_a_call() -> None:
    events = answer(call(None, None, "f", "{"), call(None, arguments="}"), call(None, None, "g", "[]"))
    assert ended_calls(events) == ["{}", "[]"]
    started = [one for one in events if isinstance(one, ToolCallStarted)]
    assert [one.call_id for one in started] == ["call_0", "call_1"]


def test_arguments_as_an_object_or_none_at_all() -> None:
    assert ended_calls(answer(call(0, "a", "f", {"q": "ü"}))) == ['{"q": "ü"}']
    assert ended_calls(answer(call(0, "a", "f"))) == [""]


def test_the_old_function_call() -> None:
    events = decoded(
        [chunk({"function_call": {"name": "f", "arguments": "{"}}), chunk({"function_call": {"arguments": "}"}}),
         chunk({}, "function_call"), DONE]
    )  # fmt: skip
    assert ended_calls(events) == ["{}"]
    assert events[-1] == Finished(FinishReason.TOOL_CALLS, "function_call")


def test_a_late_fragment_of_a_closed_call_is_not_put_into_another() -> None:
    events = answer(
        call(0, "a", "f", "{}"), call(1, "b", "g", "["), call(0, arguments="late"), call(1, arguments="]")
    )
    assert ended_calls(events) == ["{}", "[]"]
    assert Ignored("late tool call fragment") in events


def test_parts_of_calls_that_are_none() -> None:
    events = answer(chunk({"tool_calls": [None, 1]}), chunk({"tool_calls": {}}), chunk({"tool_calls": [{}]}))
    assert events == [ToolCallStarted("call-0", "call_0", ""), ToolCallEnded("call-0", "")]


def test_a_call_keeps_its_signature() -> None:
    part = {"index": 0, "id": "a", "function": {"name": "f"}, "extra_content": {"s": "x"}}
    assert OpaqueReceived(CALL_EXTRA, {"s": "x"}) in answer(chunk({"tool_calls": [part]}))


@pytest.mark.parametrize(
    ("tail", "calls"),
    [
        ([chunk({}, "tool_calls"), DONE], ["{}", "[]"]),
        ([chunk({}, "stop"), DONE], ["{}", "[]"]),
        ([chunk({}, "length"), DONE], ["{}"]),
        ([chunk({}, "content_filter"), DONE], ["{}"]),
        ([DONE], ["{}"]),
        ([event({"error": "x"})], ["{}"]),
        ([], ["{}"]),
    ],
)
def test_the_last_call_ends_only_with_a_whole_answer(tail: list[WireEvent], calls: list[str]) -> None:
    assert ended_calls(decoded([call(0, "a", "f", "{}"), call(1, "b", "g", "[]"), *tail])) == calls


def test_a_stop_with_calls_is_tool_calls() -> None:
    assert decoded([call(0, "a", "f"), chunk({}, "stop"), DONE])[-1] == Finished(FinishReason.TOOL_CALLS, "stop")
