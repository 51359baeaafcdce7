"""Answers of OpenAI Responses: every stream of the corpus, and what each event means."""

from __future__ import annotations

from typing import Any

import pytest

from chat_tui.core.errors import FaultKind
from chat_tui.core.events import (
    Channel,
    Failed,
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
    ToolCallStarted,
    ToolResultReceived,
    Usage,
    UsageReported,
)
from tests.support.wire import played, reasoning_of, stream_bytes, terminal_of, text_of
from tests.unit.wire.responses import added, created, decoded, delta, done, ended, event, of


def stream(name: str) -> list[StreamEvent]:
    return played(stream_bytes(f"responses-{name}"), "openai-responses")


# -- the corpus ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "reasoning", "calls", "reason", "tokens"),
    [
        ("text", "2 + 2 = 4", "Adding two numbers.", [], FinishReason.STOP, (12, 40, 32, 0)),
        ("tool", "", "", ['{"city":"Paris"}'], FinishReason.TOOL_CALLS, (50, 18, 0, 0)),
        ("refusal", "I can't help with that.", "", [], FinishReason.REFUSAL, (9, 8, 0, 0)),
        ("incomplete", "Once upon a", "", [], FinishReason.LENGTH, (9, 64, 61, 0)),
        ("llamacpp", "It is four.", "Two and two.", [], FinishReason.STOP, (9, 8, None, None)),
        ("llamacpp-tool", "", "", ['{"at":"x"}'], FinishReason.TOOL_CALLS, None),
        (
            "phases",
            "I look it up.\n\nIt is 11 °C.",
            "First thought.\n\nSecond thought.",
            ["{}"],
            FinishReason.TOOL_CALLS,
            (10, 20, 5, 4),
        ),
        ("custom", "", "", ["ls -l"], FinishReason.TOOL_CALLS, (10, 20, 5, 4)),
        ("content-filter", "So f", "", [], FinishReason.CONTENT_FILTER, (10, 20, 5, 4)),
        ("tool-cut", "", "", [], FinishReason.LENGTH, (10, 20, 5, 4)),
        ("split-pair", "a🙂b🙂", "", [], FinishReason.STOP, None),
        ("no-deltas", "Whole.", "Hm.", ["{}"], FinishReason.TOOL_CALLS, (10, 20, 5, 4)),
        ("interleaved", "One\n\nTwo first second part", "", [], FinishReason.STOP, (10, 20, 5, 4)),
        ("background", "Later.", "", [], FinishReason.STOP, (10, 20, 5, 4)),
    ],
)
def test_streams_mean_what_the_protocol_says(
    name: str, text: str, reasoning: str, calls: list[str], reason: FinishReason, tokens: tuple[int | None, ...]
) -> None:
    events = stream(name)
    assert text_of(events) == text
    assert reasoning_of(events) == reasoning
    assert [found.arguments for found in of(ToolCallEnded, events)] == calls
    last = terminal_of(events)
    assert isinstance(last, Finished)
    assert last.reason is reason
    usages: list[Usage] = [found.usage for found in of(UsageReported, events)]
    counts = [(u.input_tokens, u.output_tokens, u.reasoning_tokens, u.cached_tokens) for u in usages]
    assert counts == ([] if tokens is None else [tokens])
    assert not of(Ignored, events)


@pytest.mark.parametrize(
    ("name", "kind", "code", "message", "is_retryable"),
    [
        ("failed", FaultKind.SERVER, "server_error", "The model failed to generate a response.", True),
        ("error", FaultKind.RATE_LIMIT, "rate_limit_exceeded", "Rate limit reached", True),
        ("error-nested", FaultKind.OVERLOADED, "server_is_overloaded", "Busy.", True),
    ],
)
def test_streams_that_fail(name: str, kind: FaultKind, code: str, message: str, is_retryable: bool) -> None:
    last = terminal_of(stream(name))
    assert isinstance(last, Failed)
    fault = last.fault
    assert (fault.kind, fault.code, fault.message, fault.is_retryable) == (kind, code, message, is_retryable)
    assert message in fault.detail


def test_an_answer_says_who_makes_it_once() -> None:
    assert of(Started, stream("background")) == [Started("resp_b", "gpt-6-astra")]
    assert of(ProgressReported, stream("background")) == [ProgressReported(ProgressKind.QUEUED)]


def test_the_speed_is_llamas_own() -> None:
    assert of(UsageReported, stream("llamacpp"))[0].usage.tokens_per_s == 61.5


def test_reasoning_is_raw_or_a_summary() -> None:
    assert {found.kind for found in of(ReasoningDelta, stream("text"))} == {ReasoningKind.SUMMARY}
    assert {found.kind for found in of(ReasoningDelta, stream("llamacpp"))} == {ReasoningKind.RAW}


def test_commentary_has_a_channel_of_its_own_and_phases_are_kept() -> None:
    events = stream("phases")
    assert text_of(events, Channel.COMMENTARY) == "I look it up."
    assert [found.data for found in of(OpaqueReceived, events) if found.kind.endswith(".message")] == [
        {"phase": "commentary"},
        {"phase": "final_answer"},
    ]


def test_a_phase_that_comes_with_the_end_is_kept_too() -> None:
    message = {"id": "m", "type": "message", "content": []}
    events = decoded(added(message), delta("x"), done({**message, "phase": "commentary"}), ended())
    assert of(OpaqueReceived, events) == [OpaqueReceived("openai-responses.phase", "commentary")]


def test_encrypted_reasoning_is_kept_as_it_came_and_where_it_came() -> None:
    events = stream("text")
    kept = of(OpaqueReceived, events)
    assert [found.kind for found in kept] == ["openai-responses.item"]
    assert kept[0].data == {
        "id": "rs_1",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "Adding two numbers."}],
        "encrypted_content": "gAAAAB",
    }
    assert (
        events.index(of(ReasoningDelta, events)[-1])
        < events.index(kept[0])
        < events.index(of(TextDelta, events)[0])
    )


@pytest.mark.parametrize(
    "item",
    [
        {"id": "r", "type": "reasoning", "summary": []},
        {"id": "r", "type": "reasoning", "summary": [], "encrypted_content": ""},
        {"id": "r", "type": "reasoning", "summary": [], "encrypted_content": "x", "status": "incomplete"},
    ],
)
def test_reasoning_that_would_be_refused_is_not_kept(item: dict[str, Any]) -> None:
    assert not of(OpaqueReceived, decoded(done(item), ended()))


def test_hosted_tools_are_calls_with_their_results() -> None:
    events = stream("hosted")
    assert [found.name for found in of(ToolCallStarted, events)] == ["web_search", "roll", "code_interpreter"]
    assert [found.arguments for found in of(ToolCallEnded, events)] == [
        '{"action": {"type": "search", "query": "weather"}}',
        '{"n":6}',
        "print(1)",
    ]
    assert [found.output for found in of(ToolResultReceived, events)] == ["completed", "4", "1\n"]
    assert [found.data["id"] for found in of(OpaqueReceived, events)] == ["ws_1", "mcp_1", "ci_1"]
    assert of(ProgressReported, events) == [ProgressReported(ProgressKind.TOOL)] * 5
    assert events[-1] == Finished(FinishReason.STOP, "completed")


def test_the_server_can_run_any_call() -> None:
    call = {"id": "sh", "type": "shell_call", "call_id": "c", "action": {"commands": ["ls"]}}
    result = {"id": "so", "type": "shell_call_output", "call_id": "c", "output": "a.txt"}
    assert decoded(done(call), ended())[-1] == Finished(FinishReason.TOOL_CALLS, "completed")
    events = decoded(done(call), done(result), ended())
    assert of(ToolResultReceived, events) == [ToolResultReceived("call-0", "a.txt")]
    assert events[-1] == Finished(FinishReason.STOP, "completed")


# -- items ---------------------------------------------------------------------------------------


def test_nothing_that_only_an_end_holds_is_lost_and_nothing_comes_twice() -> None:
    text = {"type": "output_text", "text": "Whole text", "annotations": []}
    message = {"id": "m", "type": "message", "content": [text]}
    for tail in (
        [event("response.output_text.done", item_id="m", content_index=0, text="Whole text")],
        [event("response.content_part.done", item_id="m", content_index=0, part=text)],
        [done(message)],
        [],
    ):
        events = decoded(created(), delta("Whole"), *tail, *tail, ended(output=[message]))
        assert text_of(events) == "Whole text"


def test_gateways_that_make_up_new_ids_do_not_double_text() -> None:
    message = {"id": "other", "type": "message", "content": [{"type": "output_text", "text": "Hi."}]}
    whole = event("response.output_item.done", output_index=0, item=message)
    again = ended(output=[{**message, "id": "third"}])
    assert text_of(decoded(delta("Hi.", "a", output_index=0), whole, again)) == "Hi."
    assert text_of(decoded(delta("Hi.", "a"), again)) == "Hi."


@pytest.mark.parametrize("whole", ["Ho.", "H", "Hello"])
def test_a_done_text_that_differs_is_told_of(whole: str) -> None:
    events = decoded(delta("Hi."), event("response.output_text.done", item_id="m", text=whole), ended())
    assert text_of(events) == "Hi."
    assert of(Ignored, events) == [Ignored("text that differs from its deltas")]


def test_without_ids_the_newest_item_is_meant() -> None:
    events = decoded(
        added({"type": "message"}),
        event("response.output_text.delta", delta="a"),
        event("response.output_text.delta", delta="b"),
        ended(),
    )
    assert text_of(events) == "ab"


@pytest.mark.parametrize("status", ["incomplete", "in_progress"])
def test_a_call_that_was_cut_does_not_end(status: str) -> None:
    item = {"id": "f", "type": "function_call", "call_id": "c", "name": "n", "arguments": '{"a', "status": status}
    assert not of(ToolCallEnded, decoded(added(item), done(item), ended()))


def test_a_call_that_contradicts_itself_does_not_end() -> None:
    item = {"id": "f", "type": "function_call", "call_id": "c", "name": "n"}
    piece = event("response.function_call_arguments.delta", item_id="f", delta='{"a":1}')
    events = decoded(added(item), piece, done({**item, "arguments": '{"b":1}'}), ended())
    assert not of(ToolCallEnded, events)
    assert of(Ignored, events) == [Ignored("arguments that differ from their fragments")]


def test_a_name_may_come_late() -> None:
    piece = event("response.function_call_arguments.delta", item_id="f", delta="{}")
    item = {"id": "f", "type": "function_call", "call_id": "c", "name": "n", "arguments": "{}"}
    events = decoded(piece, done(item), ended())
    assert of(ToolCallStarted, events) == [ToolCallStarted("call-0"), ToolCallStarted("call-0", "c", "n")]
    assert of(ToolArgumentsDelta, events) == [ToolArgumentsDelta("call-0", "{}")]
    assert of(ToolCallEnded, events) == [ToolCallEnded("call-0", "{}")]


def test_a_failed_hosted_tool_says_why() -> None:
    item = {"id": "x", "type": "mcp_call", "name": "n", "arguments": "{}", "error": "no", "status": "failed"}
    events = decoded(done(item), ended())
    assert of(ToolResultReceived, events) == [ToolResultReceived("call-0", "no")]
    assert not of(OpaqueReceived, events)
