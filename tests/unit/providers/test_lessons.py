"""Which refusals teach to leave a field out, and which are left to the person."""

from __future__ import annotations

import json

import pytest

from chat_tui.core.conversation import ChatRequest, Generation, Message, OpaquePart, Role, TextPart
from chat_tui.core.errors import Fault, FaultKind
from chat_tui.providers.lessons import Lessons
from chat_tui.wire.base import Quirks
from chat_tui.wire.protocols import protocol_of

ALL = Generation(temperature=0.5, top_p=0.9, max_tokens=9, seed=1, stop=("END",), reasoning_effort="low")


def refused(message: str, status: int = 400, **fields: object) -> Fault:
    body = json.dumps({"error": {"message": message, **fields}})
    return Fault(FaultKind.REQUEST, "refused", f"400 from x: “{message}”", status=status, detail=body)


REFUSALS: list[tuple[Fault, str]] = [
    (
        refused(
            "Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) value is "
            "supported.",
            param="temperature",
            code="unsupported_value",
        ),
        "temperature",
    ),
    (refused("Unsupported parameter: 'top_p' is not supported with this model.", param="top_p"), "top_p"),
    (refused("`temperature` is deprecated for this model."), "temperature"),
    (refused("`temperature` and `top_p` cannot both be specified for this model."), "top_p"),
    (refused("Argument not supported on this model: stop"), "stop"),
    (refused("stop_sequences: Extra inputs are not permitted"), "stop"),
    (refused("`reasoning_effort` is not supported with this model"), "reasoning_effort"),
    (refused("Unsupported parameter: 'reasoning.effort' is not supported with this model."), "reasoning_effort"),
    (refused('"llama2" does not support thinking'), "reasoning_effort"),
    (refused('Invalid JSON payload received. Unknown name "seed": Cannot find field.'), "seed"),
    (refused("body.seed: Extra inputs are forbidden", 422), ""),
    (refused("seed: Extra inputs are forbidden", 422), "seed"),
    (refused("temperature must be between 0 and 2", param="temperature"), ""),
    (refused("Unknown model; the temperature there is unbearable", 404), ""),
    (refused("This model does not support images."), ""),
    (refused("Unsupported parameter: 'tools'. Temperature is fine.", param="tools"), ""),
    (refused("temperature is not supported", 500), ""),
]


@pytest.mark.parametrize(("fault", "setting"), REFUSALS)
def test_what_a_refusal_teaches(fault: Fault, setting: str) -> None:
    lessons = Lessons(Quirks())
    request = ChatRequest("m", (), generation=ALL)
    learned = lessons.learn(fault, request)
    assert learned.is_retryable is bool(setting)
    sent = lessons.applied_to(request).generation
    changed = [name for name in Generation.__slots__ if getattr(sent, name) != getattr(ALL, name)]
    assert changed == ([setting] if setting else [])
    assert not setting or setting in learned.hint
    assert lessons.applied_to(ChatRequest("other", (), generation=ALL)).generation == ALL


def test_a_setting_that_was_not_sent_is_not_to_blame() -> None:
    lessons = Lessons(Quirks())
    fault = refused("Unsupported parameter: 'temperature'.", param="temperature")
    assert lessons.learn(fault, ChatRequest("m", (), generation=Generation(top_p=0.5))) == fault


def test_lessons_add_up_and_each_is_learned_once() -> None:
    lessons = Lessons(Quirks())
    request = ChatRequest("m", (), generation=ALL)
    for setting in ("temperature", "top_p"):
        fault = refused(f"Unsupported parameter: '{setting}'.", param=setting)
        assert lessons.learn(fault, lessons.applied_to(request)).is_retryable
        assert not lessons.learn(fault, lessons.applied_to(request)).is_retryable
    assert lessons.applied_to(request).generation == Generation(
        max_tokens=9, seed=1, stop=("END",), reasoning_effort="low"
    )


@pytest.mark.parametrize(
    ("message", "before", "after"),
    [
        ("Unknown field: stream_options", Quirks(), Quirks(has_stream_options=False)),
        ("Use 'max_completion_tokens' instead.", Quirks(), Quirks(max_tokens_name="max_completion_tokens")),
        (
            "Encrypted content is not supported with this model.",
            Quirks(),
            Quirks(has_encrypted_reasoning=False),
        ),
        ("reasoning.summary: verify first", Quirks(), Quirks(has_reasoning_summary=False)),
        ("stream_options", Quirks(has_stream_options=False), Quirks(has_stream_options=False)),
    ],
)
def test_how_the_server_differs(message: str, before: Quirks, after: Quirks) -> None:
    lessons = Lessons(before)
    learned = lessons.learn(refused(message), ChatRequest("m", ()))
    assert lessons.quirks == after
    assert learned.is_retryable is (before != after)


# -- what is not taken back any more -------------------------------------------------------------

THOUGHT = OpaquePart("anthropic.block", {"type": "thinking", "thinking": "Hm.", "signature": "EqQB"})
SEARCH = OpaquePart("anthropic.block", {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}})
REASONING = OpaquePart("openai-responses.item", {"id": "rs_1", "type": "reasoning", "encrypted_content": "gA"})
HOSTED = OpaquePart("openai-responses.item", {"id": "ws_1", "type": "web_search_call"})
IDENTITY = OpaquePart("lmstudio.response", "resp_lm1")
FIRST = OpaquePart("lmstudio.response", "resp_lm0")


def history(*parts: OpaquePart) -> ChatRequest:
    """As many answers as parts."""
    messages: list[Message] = []
    for part in parts:
        messages += [
            Message(0, Role.USER, (TextPart("?"),)),
            Message(0, Role.ASSISTANT, (part, TextPart("Yes.")), model="a/m"),
        ]
    return ChatRequest("m", (*messages, Message(0, Role.USER, (TextPart("Sure?"),))))


def left(request: ChatRequest) -> list[OpaquePart]:
    return [part for message in request.messages for part in message.parts if isinstance(part, OpaquePart)]


@pytest.mark.parametrize(
    ("protocol", "message", "status", "sent", "stays"),
    [
        (
            "anthropic",
            "messages.1.content.0: Invalid `signature` in `thinking` block",
            400,
            (THOUGHT, SEARCH),
            [SEARCH],
        ),
        ("anthropic", "`thinking` blocks must remain as they were", 400, (THOUGHT,), []),
        ("anthropic", "Expected `thinking`, but found `text`: start with a thinking block", 400, (THOUGHT,), None),
        ("anthropic", "thinking.budget_tokens: too small", 400, (THOUGHT,), None),
        ("anthropic", "Invalid `signature` in `thinking` block", 500, (THOUGHT,), None),
        ("anthropic", "Invalid `signature` in `thinking` block", 400, (SEARCH,), None),
        ("lmstudio", "previous_response_id: not found", 404, (FIRST, IDENTITY), []),
        ("lmstudio", "There is no response resp_lm1", 400, (FIRST, IDENTITY), []),
        ("lmstudio", "There is no model resp_lm", 400, (FIRST, IDENTITY), None),
        ("openai-responses", "previous_response_not_found", 400, (IDENTITY,), None),
        ("openai-responses", "invalid_encrypted_content", 400, (REASONING, HOSTED), [HOSTED]),
        ("openai-responses-websocket", "Item with id 'rs_1' not found.", 404, (REASONING,), []),
        ("openai-responses", "Item with id 'rs_1' not found.", 500, (REASONING,), None),
        ("openai-responses", "Item with id 'ws_1' not found.", 404, (REASONING, HOSTED), None),
    ],
)
def test_what_is_forgotten_is_left_out(
    protocol: str, message: str, status: int, sent: tuple[OpaquePart, ...], stays: list[OpaquePart] | None
) -> None:
    lessons = Lessons(Quirks(), protocol_of(protocol))
    request = history(*sent)
    assert lessons.learn(refused(message, status), request).is_retryable is (stays is not None)
    better = lessons.applied_to(request)
    assert left(better) == (list(sent) if stays is None else stays)
    assert [said.text for said in better.messages] == [said.text for said in request.messages]


def test_what_was_forgotten_is_no_reason_twice_and_later_answers_stay() -> None:
    lessons = Lessons(Quirks(), protocol_of("lmstudio"))
    fault = refused("previous_response_id: not found", 404)
    request = history(IDENTITY)
    assert lessons.learn(fault, request).is_retryable
    assert not lessons.learn(fault, lessons.applied_to(request)).is_retryable
    assert left(lessons.applied_to(history(IDENTITY, FIRST))) == [FIRST]
