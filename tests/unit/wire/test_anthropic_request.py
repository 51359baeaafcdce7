"""Anthropic Messages: what is sent, for which model, and that nothing else is; and the listing."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from chat_tui.core.conversation import (
    ChatRequest,
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
from chat_tui.core.errors import CannotSend, MalformedEvent
from chat_tui.core.outcome import FinishReason
from chat_tui.core.turn import TurnState, reduce
from chat_tui.wire.anthropic import Anthropic
from chat_tui.wire.anthropic_models import claude_model
from chat_tui.wire.base import ModelFacts, Quirks
from tests.support.wire import played, stream_bytes

NEW, OLD = "claude-opus-4-8", "claude-haiku-4-5"
COMPLETE = Ending(Outcome.COMPLETE)
PAUSED = Ending(Outcome.COMPLETE, FinishReason.PAUSE, raw_reason="pause_turn")


def user(*parts: str | Part) -> Message:
    return Message(1, Role.USER, tuple(TextPart(part) if isinstance(part, str) else part for part in parts))


def said(*parts: str | Part, model: str = f"anthropic/{NEW}", ending: Ending = COMPLETE) -> Message:
    found = tuple(TextPart(part) if isinstance(part, str) else part for part in parts)
    return Message(2, Role.ASSISTANT, found, model=model, ending=ending)


def asking(*messages: Message, model: str = NEW, **fields: Any) -> ChatRequest:
    return ChatRequest(model, messages or (user("Hi"),), **fields)


def body_of(request: ChatRequest, quirks: Quirks | None = None) -> dict[str, Any]:
    return Anthropic().encode(request, quirks or Quirks()).body


def sent(*messages: Message, **fields: Any) -> list[dict[str, Any]]:
    return body_of(asking(*messages, **fields))["messages"]


def block(**fields: object) -> OpaquePart:
    return OpaquePart("anthropic.block", fields)


THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "EqQ"}


# settings


def test_the_smallest_request() -> None:
    wire = Anthropic().encode(asking(), Quirks())
    assert wire.path == "/messages"
    assert wire.headers == {"anthropic-version": "2026-10-21"}
    assert wire.body == {
        "model": NEW,
        "max_tokens": 32_000,
        "stream": True,
        "messages": [{"role": "user", "content": "Hi"}],
    }


def test_settings_are_sent_when_set() -> None:
    settings = Generation(0.0, 0.5, 100, 7, ("END",))
    body = body_of(asking(model=OLD, generation=settings, system="Be brief."))
    assert {name: body[name] for name in body.keys() - {"model", "messages", "stream"}} == {
        "temperature": 0.0,
        "top_p": 0.5,
        "max_tokens": 100,
        "stop_sequences": ["END"],
        "system": "Be brief.",
    }
    assert "system" not in body_of(asking(system=" \n"))
    assert body_of(asking(), Quirks(extra_body={"max_tokens": 5}))["max_tokens"] == 5


@pytest.mark.parametrize(
    ("model", "settings", "quirks", "version"),
    [
        (NEW, Generation(), Quirks(), "2026-10-21"),
        ("claude-sonnet-5-5", Generation(max_tokens=5), Quirks(), "2026-10-21"),
        (OLD, Generation(temperature=0.0), Quirks(), "2023-06-01"),
        (OLD, Generation(top_p=0.9), Quirks(), "2023-06-01"),
        ("smollm2", Generation(), Quirks(), "2023-06-01"),
        ("smollm2", Generation(), Quirks(version="2030-01-01"), "2030-01-01"),
        (OLD, Generation(temperature=0.0), Quirks(version="2026-10-21"), "2026-10-21"),
    ],
)
def test_the_version(model: str, settings: Generation, quirks: Quirks, version: str) -> None:
    wire = Anthropic().encode(asking(model=model, generation=settings), quirks)
    assert wire.headers["anthropic-version"] == version


SUMMARY = {"type": "adaptive", "display": "summarized"}


@pytest.mark.parametrize(
    ("model", "effort", "max_tokens", "expected"),
    [
        (NEW, None, None, {}),
        (NEW, "medium", None, {"thinking": SUMMARY, "output_config": {"effort": "medium"}}),
        (NEW, "minimal", None, {"thinking": SUMMARY, "output_config": {"effort": "low"}}),
        (NEW, "none", None, {"thinking": {"type": "disabled"}}),
        ("claude-opus-5-5", None, None, {"thinking": SUMMARY}),
        ("claude-fable-5", None, None, {"thinking": SUMMARY}),
        ("claude-mythos-5-1", "none", None, {"thinking": SUMMARY, "output_config": {"effort": "low"}}),
        ("claude-opus-5", None, None, {}),
        (OLD, None, None, {}),
        (OLD, "low", None, {"thinking": {"type": "enabled", "budget_tokens": 4096}}),
        (OLD, "high", 4000, {"thinking": {"type": "enabled", "budget_tokens": 2000}}),
        (OLD, "high", 1500, {}),
        (OLD, "of my own", None, {"thinking": {"type": "enabled", "budget_tokens": 8192}}),
        ("smollm2", "medium", None, {"thinking": {"type": "enabled", "budget_tokens": 4096}}),
    ],
)
def test_thinking(model: str, effort: str | None, max_tokens: int | None, expected: dict[str, Any]) -> None:
    body = body_of(asking(model=model, generation=Generation(max_tokens=max_tokens, reasoning_effort=effort)))
    assert {name: body[name] for name in ("thinking", "output_config") if name in body} == expected


@pytest.mark.parametrize(
    ("model", "max_tokens"),
    [(NEW, 32_000), (OLD, 32_000), ("claude-3-haiku-20240307", 4096), ("smollm2", 8192)],
)
def test_a_limit_is_always_sent(model: str, max_tokens: int) -> None:
    assert body_of(asking(model=model))["max_tokens"] == max_tokens


# history


def test_turns_alternate_and_blank_ones_are_left_out() -> None:
    assert sent(user("A"), user("B"), said(" \n"), user(" "), said("C"), user("D")) == [
        {"role": "user", "content": [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]},
        {"role": "assistant", "content": "C"},
        {"role": "user", "content": "D"},
    ]


def test_what_was_signed_goes_back_exactly_and_in_order() -> None:
    search = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}}
    found = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"encrypted_content": "E"}]}
    hidden = {"type": "redacted_thinking", "data": "EmwK"}
    cited = [{"type": "web_search_result_location", "encrypted_index": "Eo8"}]
    answer = said(
        ReasoningPart("Hm.", 1.0),
        block(**THOUGHT),
        TextPart("Let me look."),
        ToolCallPart("s1", "s1", "web_search", '{"query": "x"}', is_complete=True),
        block(**search),
        ToolResultPart("s1", "[]"),
        block(**found),
        block(**hidden),
        TextPart("It is so."),
        OpaquePart("anthropic.citations", cited),
        OpaquePart("gemini.signature", "g"),
    )
    assert sent(user("A"), answer, user("B"))[1] == {
        "role": "assistant",
        "content": [
            THOUGHT,
            {"type": "text", "text": "Let me look."},
            search,
            found,
            hidden,
            {"type": "text", "text": "It is so.", "citations": cited},
        ],
    }


def test_a_received_answer_goes_back_as_it_came() -> None:
    state = TurnState()
    for event in played(stream_bytes("anthropic-search-pause"), "anthropic"):
        state = reduce(state, event)
    answer = said(*state.parts(), ending=PAUSED)
    request = asking(user("How warm is it?"), answer, is_continuation=True)
    assert Anthropic().can_continue(NEW, answer)
    content = body_of(request)["messages"][-1]["content"]
    types = ["text", "server_tool_use", "web_search_tool_result", "text", "server_tool_use"]
    assert [found["type"] for found in content] == types
    assert content[2]["content"][0]["encrypted_content"] == "EvAB"
    assert content[3]["citations"][0]["encrypted_index"] == "Eo8B"
    # asked something else, the search that nothing came of is left out
    content = sent(user("How warm is it?"), answer, user("Never mind."))[1]["content"]
    assert [found["type"] for found in content] == types[:-1]


def test_thoughts_of_another_model_and_at_the_end_are_left_out() -> None:
    other = said(block(**THOUGHT), "Yes.", model="anthropic/claude-sonnet-5")
    ends = said("No.", block(**THOUGHT))
    assert [turn["content"] for turn in sent(user("A"), other, user("B"), ends, user("C"))[1::2]] == ["Yes.", "No."]


def test_calls_and_results_are_turns() -> None:
    answer = said(
        "Let me look.",
        ToolCallPart("a", "toolu_1", "look", '{"at": 1}', is_complete=True),
        ToolCallPart("b", "toolu_2", "look at", "", is_complete=True),
        ToolResultPart("b", ""),
        ToolResultPart("a", "one"),
        "There it is.",
        ToolCallPart("c", "toolu_3", "look", "{", is_complete=False),
        ToolCallPart("d", "toolu_4", "look", "{}", is_complete=True),
    )
    assert sent(user("A"), answer, user("B"))[1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Let me look."},
                {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": 1}},
                {"type": "tool_use", "id": "toolu_2", "name": "look_at", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "one"},
                {"type": "tool_result", "tool_use_id": "toolu_2"},
            ],
        },
        {"role": "assistant", "content": "There it is."},
        {"role": "user", "content": "B"},
    ]


def test_ids_of_calls_are_made_unique_and_inputs_objects() -> None:
    def called(arguments: str, call_id: str) -> Message:
        return said("Look.", ToolCallPart("k", call_id, "n", arguments, is_complete=True), ToolResultPart("k", "r"))

    turns = sent(
        user("A"),
        called("[1]", "call_0"),
        user("B"),
        called("{", "call_0"),
        user("C"),
        called("{}", "é"),
        user("D"),
    )
    uses = [found for turn in turns for found in turn["content"] if isinstance(found, dict)]
    calls = [found for found in uses if found["type"] == "tool_use"]
    results = [found["tool_use_id"] for found in uses if found["type"] == "tool_result"]
    assert [call["input"] for call in calls] == [{"value": [1]}, {"value": "{"}, {}]
    assert [call["id"] for call in calls] == results
    assert len(set(results)) == 3


def test_results_stand_before_the_next_question_in_one_turn() -> None:
    answer = said("Look.", ToolCallPart("k", "t", "n", "{}", is_complete=True), ToolResultPart("k", "r"))
    last = sent(user("A"), answer, user("B"))[-1]
    assert [found["type"] for found in last["content"]] == ["tool_result", "text"]


def test_what_was_refused_is_not_sent_again() -> None:
    refused = said("First,", ending=Ending(Outcome.COMPLETE, FinishReason.REFUSAL, raw_reason="refusal: cyber"))
    assert len(sent(user("A"), refused, user("B"))) == 1
    elsewhere = said("I will not.", ending=Ending(Outcome.COMPLETE, FinishReason.REFUSAL, raw_reason="stop"))
    assert len(sent(user("A"), elsewhere, user("B"))) == 3


# going on


def test_the_beginning_of_an_answer_ends_with_a_word() -> None:
    cut = said("One, ", block(**THOUGHT), " \n", model=f"anthropic/{OLD}")
    request = asking(
        user("Count."), cut, model=OLD, is_continuation=True, generation=Generation(reasoning_effort="low")
    )
    body = body_of(request)
    assert body["messages"][-1] == {"role": "assistant", "content": "One,"}
    assert "thinking" not in body, "thinking and a started answer exclude each other"


def test_a_beginning_without_words_is_none() -> None:
    assert sent(user("Count."), said(block(**THOUGHT)), is_continuation=True) == [
        {"role": "user", "content": "Count."}
    ]


@pytest.mark.parametrize(
    ("model", "can_prefill"),
    [
        ("claude-haiku-4-5", True),
        ("claude-sonnet-4-5-20250929", True),
        ("claude-opus-4-5", True),
        ("claude-opus-4-1-20250805", True),
        ("claude-sonnet-4-20250514", True),
        ("claude-3-5-sonnet-20241022", True),
        ("claude-3-opus-20240229", True),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", True),
        ("anthropic/claude-haiku-4.5", True),
        ("claude-opus-4-6", False),
        ("claude-sonnet-4-6", False),
        ("claude-opus-5", False),
        ("claude-haiku-5-5", False),
        ("claude-fable-5-1", False),
        ("claude-mythos-5", False),
        ("claude-opus-latest", False),
        ("smollm2", False),
    ],
)
def test_which_models_take_the_beginning_of_an_answer(model: str, can_prefill: bool) -> None:
    assert Anthropic().can_continue(model, said("The ans")) is can_prefill


def test_a_pause_that_another_provider_made_is_no_pause_here() -> None:
    assert not Anthropic().can_continue(NEW, said("Hm", ending=PAUSED))
    assert Anthropic().can_continue(NEW, said("Hm", block(type="server_tool_use", id="s"), ending=PAUSED))


# files


def file(media_type: str, data: bytes = b"data", name: str = "name") -> FilePart:
    return FilePart(name, media_type, data)


def test_files_stand_before_the_words() -> None:
    encoded = base64.b64encode(b"data").decode()
    content = sent(user(file("image/png"), "What", file("application/pdf", name="a.pdf"), " is this?"))[0][
        "content"
    ]
    assert content == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": encoded}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": encoded},
            "title": "a.pdf",
        },
        {"type": "text", "text": "What is this?"},
    ]


def test_text_files_are_text() -> None:
    (found,) = sent(user(file("text/csv", b"a;b\n\xff", "t.csv")))
    assert "t.csv" in found["content"]
    assert "a;b\n\ufffd" in found["content"]


@pytest.mark.parametrize(
    ("media_type", "quirks"),
    [
        ("audio/wav", Quirks()),
        ("image/tiff", Quirks()),
        ("image/png", Quirks(can_see=False)),
        ("application/pdf", Quirks(can_see=False)),
    ],
)
def test_files_that_cannot_be_sent_are_refused_in_one_sentence(media_type: str, quirks: Quirks) -> None:
    with pytest.raises(CannotSend) as raised:
        body_of(asking(user(file(media_type, name="it"), "What is this?")), quirks)
    assert "“it”" in raised.value.message
    assert raised.value.hint


def test_every_body_can_be_written() -> None:
    answer = said(
        "half \ud83d",
        ToolCallPart("k", "t", "n", '{"a": "\\ud83d"}', is_complete=True),
        ToolResultPart("k", "\udc00"),
    )
    request = asking(user("\ud83d"), answer, user("B"), system="\ud800", generation=Generation(stop=("\ud800",)))
    json.dumps(body_of(request), ensure_ascii=False).encode()


def test_a_request_changes_nothing_that_it_was_given() -> None:
    given = {"type": "text", "text": "x"}
    answer = said("A", OpaquePart("anthropic.citations", [given]))
    before = json.dumps(given)
    once = sent(user("A"), answer, user("B"))
    assert sent(user("A"), answer, user("B")) == once
    assert json.dumps(given) == before


# listing


def test_pages_of_models() -> None:
    wire = Anthropic().list_request(Quirks())
    assert (wire.method, wire.path, wire.body) == ("GET", "/models?limit=1000", {})
    assert wire.headers == {"anthropic-version": "2023-06-01"}
    assert Anthropic().list_request(Quirks(), "a/b&c").path == "/models?limit=1000&after_id=a%2Fb%26c"


def test_what_a_page_tells() -> None:
    supported, missing = {"supported": True}, {"supported": False}
    page = {
        "data": [
            {"type": "model", "id": NEW, "display_name": "Claude Opus 4.8", "max_input_tokens": 1_000_000,
             "max_tokens": 128_000, "capabilities": {"image_input": supported, "pdf_input": supported}},
            {"type": "model", "id": OLD, "capabilities": {"image_input": missing}},
            {"type": "model", "id": "claude-odd", "capabilities": 7},
            7,
        ],
        "has_more": True,
        "last_id": "claude-odd",
    }  # fmt: skip
    facts, cursor = Anthropic().read_list(json.dumps(page))
    assert cursor == "claude-odd"
    assert facts == (
        ModelFacts(NEW, "Claude Opus 4.8", 1_000_000, frozenset({"text", "image", "file"})),
        ModelFacts(OLD, inputs=frozenset({"text"})),
        ModelFacts("claude-odd"),
    )
    assert Anthropic().read_list(json.dumps(page | {"has_more": False}))[1] == ""
    assert Anthropic().read_list('[{"id": "m"}]') == ((ModelFacts("m"),), "")
    with pytest.raises(MalformedEvent):
        Anthropic().read_list("{")


@pytest.mark.parametrize(
    ("name", "family", "version"),
    [
        ("claude-3-7-sonnet-latest", "sonnet", (3, 7)),
        ("claude-opus-4-20250514", "opus", (4, 0)),
        ("claude-opus-4-1@20250805", "opus", (4, 1)),
        ("Claude-Fable-5-2", "fable", (5, 2)),
    ],
)
def test_names_of_models(name: str, family: str, version: tuple[int, int]) -> None:
    found = claude_model(name)
    assert found is not None
    assert (found.family, found.version) == (family, version)


def test_a_request_is_not_changed_by_the_one_before() -> None:
    request = asking(user("A"), said("B"), user("C"))
    assert body_of(request) == body_of(replace(request))


def test_a_damaged_block_does_not_stop_a_request() -> None:
    odd = {"type": "server_tool_use", "id": ["x"]}
    answer = said(block(**odd), block(**THOUGHT), OpaquePart("anthropic.block", 7), "A")
    assert [found["type"] for found in sent(user("A"), answer, user("B"))[1]["content"]] == [
        "server_tool_use",
        "thinking",
        "text",
    ]
