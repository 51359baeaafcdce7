"""What of a conversation goes into a request."""

from __future__ import annotations

from dataclasses import replace

from chat_tui.core.conversation import (
    Ending,
    FilePart,
    Message,
    OpaquePart,
    Part,
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from chat_tui.core.outcome import FinishReason, Outcome
from chat_tui.core.replay import replayable

SIGNATURE = OpaquePart("anthropic.thinking", {"signature": "s"})
CALL, RESULT = ToolCallPart("c", "id", "look", "{}", is_complete=True), ToolResultPart("c", "found")
IMAGE = FilePart("a.png", "image/png", b"png")


def asked(message_id: int, *parts: Part) -> Message:
    return Message(message_id, Role.USER, parts or (TextPart(f"q{message_id}"),))


def answered(message_id: int, model: str, *parts: Part) -> Message:
    return Message(message_id, Role.ASSISTANT, parts, model=model)


def test_the_same_provider_gets_everything_back() -> None:
    path = (asked(1), answered(2, "a/x", SIGNATURE, ReasoningPart("hm"), TextPart("yes"), CALL, RESULT), asked(3))
    assert replayable(path, None, "a/y") == path


def test_another_provider_gets_text_and_calls_with_their_results() -> None:
    path = (asked(1), answered(2, "a/x", SIGNATURE, ReasoningPart("hm"), TextPart("yes"), CALL, RESULT), asked(3))
    (_, answer, _) = replayable(path, None, "b/x")
    assert answer.parts == (TextPart("yes"), CALL, RESULT)
    assert answer.answered_calls == ((CALL, "found"),)


def test_a_call_without_a_result_is_no_answered_call() -> None:
    open_call = ToolCallPart("d", "id", "look", "{", is_complete=False)
    assert answered(1, "a/x", CALL, open_call, ToolResultPart("d", "?")).answered_calls == ()


def test_two_questions_in_a_row_are_one_with_the_files_of_both() -> None:
    path = (asked(1, IMAGE, TextPart("what is this?")), answered(2, "a/x"), asked(3))
    (only,) = replayable(path, None, "a/x")
    assert only.files == (IMAGE,)
    assert only.text == "what is this?\n\nq3"
    assert (only.id, only.role) == (3, Role.USER)


def test_nothing_after_the_tip() -> None:
    path = (asked(1), answered(2, "a/x", TextPart("yes")), asked(3))
    assert [message.id for message in replayable(path, 2, "a/x")] == [1, 2]


def test_a_paused_answer_without_a_word_goes_back_to_its_provider_only() -> None:
    paused = replace(
        answered(2, "a/x", SIGNATURE), ending=Ending(Outcome.COMPLETE, FinishReason.PAUSE, raw_reason="pause_turn")
    )
    assert replayable((asked(1), paused), None, "a/y") == (asked(1), paused)
    assert replayable((asked(1), paused), None, "b/x") == (asked(1),)
