"""OpenAI Chat Completions: what each server's way of writing an answer means."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from chat_tui.core.errors import FaultKind
from chat_tui.core.events import (
    Channel,
    Finished,
    FinishReason,
    Ignored,
    OpaqueReceived,
    ProgressKind,
    ProgressReported,
    ReasoningDelta,
    ReasoningKind,
    Started,
    StreamEvent,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallEnded,
    Usage,
    UsageReported,
)
from chat_tui.wire.base import WireEvent
from chat_tui.wire.openai_chat import OpenAIChat
from chat_tui.wire.openai_chat_tools import EXTRA_CONTENT, REASONING_DETAILS
from tests.unit.wire.streams import (
    CHAT_STREAMS,
    DONE,
    USAGE,
    answer,
    chunk,
    decoded,
    event,
    played,
    stream_bytes,
    terminals,
    text_of,
)

# the recorded streams

ENDINGS: dict[str, tuple[str, FinishReason | FaultKind]] = {
    "chat-azure": ("Hi", FinishReason.STOP),
    "chat-content-filter": ("First, yo", FinishReason.CONTENT_FILTER),
    "chat-cut": ("The answer is", FaultKind.CUT),
    "chat-done-without-reason": ("The ans", FaultKind.CUT),
    "chat-error": ("The ans", FaultKind.SERVER),
    "chat-error-openrouter": ("The ans", FaultKind.SERVER),
    "chat-event-error": ("The ans", FaultKind.SERVER),
    "chat-groq": ("Yes.", FinishReason.STOP),
    "chat-length": ("Once upon a", FinishReason.LENGTH),
    "chat-llamacpp": ("Grüße 👩‍🚀\u2028.", FinishReason.STOP),
    "chat-mistral": ("4", FinishReason.STOP),
    "chat-moonshot": ("Four.", FinishReason.STOP),
    "chat-no-last-newline": ("Whole.", FinishReason.STOP),
    "chat-openrouter": ("Hi", FinishReason.STOP),
    "chat-reasoning": ("4", FinishReason.STOP),
    "chat-refusal": ("I can't help with that.", FinishReason.REFUSAL),
    "chat-resources": ("The ans", FaultKind.CUT),
    "chat-split-pair": ("Up 🚀 and 😀", FinishReason.STOP),
    "chat-stray-error": ("The ans", FaultKind.OVERLOADED),
    "chat-text": ("Hello.", FinishReason.STOP),
    "chat-tools": ("", FinishReason.TOOL_CALLS),
    "chat-tools-cut-by-length": ("", FinishReason.LENGTH),
    "chat-tools-loose": ("Let me look. ", FinishReason.TOOL_CALLS),
}


@pytest.mark.parametrize("name", CHAT_STREAMS)
def test_recorded_streams_end_as_they_should(name: str) -> None:
    text, ending = ENDINGS[name]
    events = played(stream_bytes(name))
    (terminal,) = terminals(events)
    assert events[-1] is terminal
    assert text_of(events) == text
    assert (terminal.reason if isinstance(terminal, Finished) else terminal.fault.kind) is ending


# text, reasoning, refusal


def test_text_comes_as_it_was_cut() -> None:
    events = answer(
        chunk({"role": "assistant", "content": ""}), chunk({"content": "a "}), chunk({"content": "\tb"})
    )
    assert events == [TextDelta("a "), TextDelta("\tb")]


@pytest.mark.parametrize(
    "value",
    [
        {"choices": []},
        {"choices": None},
        {"choices": "x"},
        {"choices": [None, 7]},
        {"choices": [{}]},
        {"choices": [{"index": 0, "delta": None}]},
        {"choices": [{"index": None, "delta": {"content": None}}]},
        {"choices": [{"index": True, "delta": []}]},
        {"usage": None},
        None,
    ],
)
def test_nothing_in_it_is_nothing(value: object) -> None:
    assert answer(event(value)) == []


@pytest.mark.parametrize("data", ["", "  "])
def test_empty_data_is_nothing(data: str) -> None:
    assert answer(WireEvent("ping", data)) == []


@pytest.mark.parametrize("mark", ["[DONE]", " [DONE]", "[DONE]  \n"])
def test_done_ends_the_answer(mark: str) -> None:
    codec = OpenAIChat().codec()
    codec.decode(chunk({"content": "a"}, "stop"))
    assert codec.decode(WireEvent("", mark)) == (Finished(FinishReason.STOP, "stop"),)
    assert codec.is_done
    assert codec.decode(chunk({"content": "late"})) == ()
    assert codec.decode(WireEvent("", "no JSON")) == ()
    assert codec.decode_document("{}") == ()
    assert codec.finish() == ()


def test_text_after_the_finish_reason_still_counts() -> None:
    assert text_of(answer(chunk({"content": "a"}, "stop"), chunk({"content": "b"}))) == "ab"


def test_other_choices_are_not_mixed_in() -> None:
    other = {"index": 1, "delta": {"content": "no"}, "finish_reason": "length"}
    events = answer(event({"choices": [{"index": 0, "delta": {"content": "a"}}, other]}))
    assert events == [TextDelta("a"), Ignored("choice of another index")]


def test_typed_content() -> None:
    content = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "h"}, "m", {"type": "x"}]},
        {"type": "thinking", "thinking": "!"},
        {"type": "text", "text": "a"},
        {"type": "text", "text": ""},
        "b",
        {"type": "reference", "reference_ids": [1]},
        {},
        7,
    ]
    assert answer(chunk({"content": content}), chunk({"content": {"type": "text", "text": "c"}})) == [
        ReasoningDelta("hm"),
        ReasoningDelta("!"),
        TextDelta("a"),
        TextDelta("b"),
        Ignored("content reference"),
        Ignored("content"),
        Ignored("content that is no text"),
        TextDelta("c"),
    ]


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_content": "hm"},
        {"reasoning": "hm"},
        {"reasoning_content": None, "reasoning": "hm", "content": None},
        {"reasoning_content": "hm", "reasoning": "hm"},
        {"reasoning": [{"type": "text", "text": "hm"}]},
    ],
)
def test_reasoning_under_both_names(delta: object) -> None:
    assert answer(chunk(delta)) == [ReasoningDelta("hm")]


def test_reasoning_comes_before_the_text_of_its_chunk() -> None:
    assert answer(chunk({"content": "a", "reasoning": "hm"})) == [ReasoningDelta("hm"), TextDelta("a")]


def test_reasoning_details_are_kept_and_tell_a_summary() -> None:
    raw = [{"type": "reasoning.text", "text": "h\ud83d", "signature": None}, {"type": "reasoning.encrypted"}]
    summary = [{"type": "reasoning.summary", "summary": "s"}]
    assert answer(chunk({"reasoning": "hm", "reasoning_details": raw}), chunk({"reasoning_details": summary})) == [
        ReasoningDelta("hm"),
        OpaqueReceived(REASONING_DETAILS, [{**raw[0], "text": "h\ufffd"}, raw[1]]),
        ReasoningDelta("s", 0, ReasoningKind.SUMMARY),
        OpaqueReceived(REASONING_DETAILS, summary),
    ]


def test_a_refusal_is_no_ordinary_stop() -> None:
    events = decoded([chunk({"content": None, "refusal": "No"}), chunk({"refusal": ""}), chunk({}, "stop"), DONE])
    assert events == [TextDelta("No", 0, Channel.REFUSAL), Finished(FinishReason.REFUSAL, "stop")]
    events = decoded([chunk({"refusal": "No"}), chunk({}, "length"), DONE])
    assert events[-1] == Finished(FinishReason.LENGTH, "length")


def test_unknown_parts_of_a_delta_are_counted() -> None:
    events = answer(chunk({"content": "a", "audio": {"id": "x"}, "images": [], "\ud800" + "x" * 100: 1}))
    assert events == [TextDelta("a"), Ignored("audio"), Ignored("\ufffd" + "x" * 79)]


def test_opaque_extra_content_is_kept() -> None:
    assert answer(chunk({"extra_content": {"google": {"thought": True}}})) == [
        OpaqueReceived(EXTRA_CONTENT, {"google": {"thought": True}})
    ]


# half characters


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("content", TextDelta),
        ("reasoning", ReasoningDelta),
        ("refusal", partial(TextDelta, channel=Channel.REFUSAL)),
    ],
)
def test_a_pair_split_over_deltas_is_joined_per_channel(name: str, made: Callable[[str], StreamEvent]) -> None:
    events = decoded([chunk({name: "a\ud83d"}), chunk({name: "\ude00b"}), chunk({name: "\ud83d"}), DONE])
    assert events[:-1] == [made("a"), made("😀b"), made("\ufffd")]


def test_a_held_half_of_an_argument_is_given_at_the_end() -> None:
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "x\ud83d"}}
    events = answer(chunk({"tool_calls": [call]}))
    assert events[1:] == [
        ToolArgumentsDelta("call-0", "x"),
        ToolArgumentsDelta("call-0", "\ufffd"),
        ToolCallEnded("call-0", "x\ufffd"),
    ]
    events = decoded([chunk({"tool_calls": [call]})])
    assert events[1:-1] == [ToolArgumentsDelta("call-0", "x"), ToolArgumentsDelta("call-0", "\ufffd")]


# the beginning


def test_started_once_with_the_first_id_or_model() -> None:
    events = answer(
        chunk({}, id="", model=""),
        chunk({}, id="x", model="m\ud800"),
        chunk({}, id="y", model="n"),
        chunk({}, id=""),
    )
    assert events == [Started("x", "m\ufffd")]
    assert answer(chunk({}, id=7, model="m")) == [Started("", "m")]


def test_prompt_progress() -> None:
    def progress(**numbers: object) -> WireEvent:
        return event({"choices": [], "prompt_progress": numbers})

    events = answer(
        progress(total=4, processed=1), progress(total=4, processed=9), progress(total=0, processed=0), progress()
    )
    assert events == [ProgressReported(ProgressKind.PROMPT, at) for at in (0.25, 1.0, None, None)]


# usage

READ = Usage(17, 3, 2, 4, 5)


@pytest.mark.parametrize(
    ("fields", "usage"),
    [
        ({"usage": USAGE}, READ),
        ({"x_groq": {"usage": {**USAGE, "completion_time": 0.5}}}, Usage(17, 3, 2, 4, 5, 6.0)),
        ({"usage": {**USAGE, "cost": 0.25}}, Usage(17, 3, 2, 4, 5, None, 0.25)),
        ({"usage": {"prompt_tokens": 9, "prompt_cache_hit_tokens": 8}}, Usage(9, cached_tokens=8)),
        ({"usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 15}}, Usage(9, 6)),
        ({"usage": {"prompt_tokens": 9, "completion_tokens": 6, "total_tokens": 9}}, Usage(9, 6)),
        (
            {"usage": {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 20}}},
            Usage(29, cached_tokens=20),
        ),
        (
            {"timings": {"cache_n": 2, "prompt_n": 3, "predicted_n": 4, "predicted_per_second": 50.5}},
            Usage(5, 4, cached_tokens=2, tokens_per_s=50.5),
        ),
        ({"usage": USAGE, "timings": {"prompt_n": 1, "predicted_per_second": 9}}, Usage(17, 3, 2, 4, 5, 9.0)),
        ({"timings": {"prompt_n": 3}}, Usage(3)),
    ],
)
def test_usage_in_all_its_places(fields: dict[str, object], usage: Usage) -> None:
    assert answer(event({"choices": [], **fields})) == [UsageReported(usage)]
    assert answer(chunk({}, "stop", **fields)) == [UsageReported(usage)]


def test_usage_inside_the_choice() -> None:
    choice = {"index": 0, "delta": {}, "finish_reason": "stop", "usage": USAGE}
    assert answer(event({"choices": [choice]})) == [UsageReported(READ)]


@pytest.mark.parametrize(
    "fields",
    [
        {"usage": {}},
        {"usage": {"prompt_tokens": -1, "completion_tokens": "3", "total_tokens": 10**30, "cost": float("nan")}},
        {"usage": "much"},
        {"x_groq": {"id": "req"}},
        {"x_groq": True},
        {"timings": [1]},
    ],
)
def test_usage_that_says_nothing(fields: dict[str, object]) -> None:
    assert answer(event({"choices": [], **fields})) == []
