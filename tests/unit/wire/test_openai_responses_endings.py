"""How answers of OpenAI Responses end, what comes as a document, and how they are taken up again."""

from __future__ import annotations

import json

import pytest

from chat_tui.core.errors import FaultKind, MalformedEvent
from chat_tui.core.events import (
    Failed,
    Finished,
    FinishReason,
    Ignored,
    Started,
    StreamEvent,
    Usage,
    UsageReported,
)
from chat_tui.wire.base import ResumableCodec, WireEvent, WireRequest
from chat_tui.wire.openai_responses import PROTOCOL
from tests.support.wire import text_of
from tests.unit.wire.responses import created, decoded, delta, ended, event, of

# -- the end -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("max_output_tokens", FinishReason.LENGTH),
        ("max_messages", FinishReason.LENGTH),
        ("content_filter", FinishReason.CONTENT_FILTER),
        ("steered", FinishReason.PAUSE),
        ("whatever", FinishReason.OTHER),
    ],
)
def test_reasons_of_incomplete_answers(reason: str, expected: FinishReason) -> None:
    last = decoded(delta("x"), ended("incomplete", incomplete_details={"reason": reason}))[-1]
    assert last == Finished(expected, reason)


def test_an_incomplete_answer_may_not_say_why() -> None:
    assert decoded(ended("incomplete"))[-1] == Finished(FinishReason.OTHER, "incomplete")


@pytest.mark.parametrize(
    ("code", "kind", "is_retryable"),
    [
        ("server_error", FaultKind.SERVER, True),
        ("rate_limit_exceeded", FaultKind.RATE_LIMIT, True),
        ("invalid_prompt", FaultKind.REQUEST, False),
        ("data_residency_mismatch", FaultKind.REQUEST, False),
        ("bio_policy", FaultKind.REQUEST, False),
        ("misalignment_policy_violation", FaultKind.REQUEST, False),
        ("invalid_image_format", FaultKind.REQUEST, False),
        ("image_too_large", FaultKind.REQUEST, False),
        ("vector_store_timeout", FaultKind.SERVER, False),
    ],
)
def test_codes_of_failed_answers(code: str, kind: FaultKind, is_retryable: bool) -> None:
    last = decoded(ended("failed", error={"code": code, "message": "Sorry."}))[-1]
    assert isinstance(last, Failed)
    assert (last.fault.kind, last.fault.code, last.fault.is_retryable) == (kind, code, is_retryable)


def test_a_cancelled_answer_was_stopped() -> None:
    assert decoded(ended("cancelled"))[-1] == Finished(FinishReason.CANCELLED, "cancelled")


@pytest.mark.parametrize("mark", [[], [WireEvent("", "[DONE]")]])
def test_without_a_last_event_it_is_a_cut(mark: list[WireEvent]) -> None:
    for events, is_retryable in (([created()], True), ([created(), delta("x")], False)):
        last = decoded(*events, *mark)[-1]
        assert isinstance(last, Failed)
        assert (last.fault.kind, last.fault.is_retryable) == (FaultKind.CUT, is_retryable)


def test_what_follows_the_end_is_not_read() -> None:
    assert decoded(ended(), delta("x"), WireEvent("", "[DONE]"))[-1] == Finished(FinishReason.STOP, "completed")


def test_an_error_event_may_be_no_json() -> None:
    last = decoded(WireEvent("error", "upstream gave up"))[-1]
    assert isinstance(last, Failed)
    assert last.fault.message == "upstream gave up"
    with pytest.raises(MalformedEvent):
        decoded(WireEvent("", "upstream gave up"))


def test_unknown_events_are_counted() -> None:
    events = decoded(event("response.new_thing", x=1), event("x" * 500), WireEvent("", "[1]"), ended())
    assert [len(found.name) for found in of(Ignored, events)] == [18, 80, 23]


# -- documents -----------------------------------------------------------------------------------


def document(value: object) -> list[StreamEvent]:
    codec = PROTOCOL.codec()
    return [*codec.decode_document(json.dumps(value)), *codec.finish()]


def test_a_whole_response_is_an_answer() -> None:
    message = {"id": "m", "type": "message", "content": [{"type": "output_text", "text": "Hi."}]}
    whole = {
        "id": "r",
        "object": "response",
        "status": "completed",
        "model": "m",
        "output": [message],
        "error": None,
    }
    events = document(whole | {"usage": {"input_tokens": 3, "output_tokens": 1}})
    assert text_of(events) == "Hi."
    assert of(Started, events) == [Started("r", "m")]
    assert events[-2:] == [UsageReported(Usage(3, 1)), Finished(FinishReason.STOP, "completed")]
    assert isinstance(document(whole | {"status": "in_progress"})[-1], Failed)
    failed = document(whole | {"status": "failed", "error": {"code": "server_error", "message": "No."}})[-1]
    assert isinstance(failed, Failed)
    assert failed.fault.message == "No."


def test_other_documents_are_faults() -> None:
    refused, strange = document({"error": {"message": "No such model"}})[-1], document({"hello": 1})[-1]
    assert isinstance(refused, Failed)
    assert refused.fault.message == "No such model"
    assert isinstance(strange, Failed)
    assert strange.fault.kind is FaultKind.PROTOCOL


# -- resuming ------------------------------------------------------------------------------------


def test_an_answer_can_be_resumed_once_it_has_an_id_and_a_number() -> None:
    codec = PROTOCOL.codec()
    assert isinstance(codec, ResumableCodec)
    assert codec.resume() is None
    codec.decode(delta("x", number=3))
    assert codec.resume() is None
    assert codec.cancel() is None
    codec.decode(created(sequence_number=4))
    assert codec.resume() == WireRequest("/responses/r?stream=true&starting_after=4", method="GET")
    assert codec.cancel() == WireRequest("/responses/r/cancel")
    codec.decode(ended())
    assert codec.resume() is None
    assert codec.cancel() is None


def test_without_numbers_nothing_is_resumed_but_can_be_cancelled() -> None:
    codec = PROTOCOL.codec()
    codec.decode(created())
    assert codec.resume() is None
    assert codec.cancel() == WireRequest("/responses/r/cancel")


def test_a_cut_answer_can_still_be_cancelled() -> None:
    codec = PROTOCOL.codec()
    codec.decode(created(sequence_number=0))
    codec.finish()
    assert codec.resume() is None
    assert codec.cancel() is not None


def test_what_came_before_a_resume_is_passed_over() -> None:
    codec = PROTOCOL.codec()
    before = [created(sequence_number=0), delta("a", number=1), delta("b", number=2)]
    after = [delta("c", number=3), ended()]
    events = [found for wire in before for found in codec.decode(wire)]
    assert codec.resume() is not None
    events += [found for wire in (*before, *after) for found in codec.decode(wire)]
    assert text_of(events) == "abc"
    assert len(of(Started, events)) == 1


def test_equal_numbers_are_no_repetition_without_a_resume() -> None:
    events = decoded(delta("a", number=0), delta("b", number=0), ended())
    assert text_of(events) == "ab"


@pytest.mark.parametrize(
    ("answer_id", "path"),
    [("../../evil", "..%2F..%2Fevil"), ("a b?c#d", "a%20b%3Fc%23d"), ("..", None), ("x" * 501, None)],
)
def test_an_id_leads_nowhere_else(answer_id: str, path: str | None) -> None:
    codec = PROTOCOL.codec()
    codec.decode(event("response.created", sequence_number=0, response={"id": answer_id}))
    wire = codec.cancel()
    assert (None if wire is None else wire.path) == (None if path is None else f"/responses/{path}/cancel")
    assert (codec.resume() is None) is (path is None)


def test_all_models_are_listed_at_once() -> None:
    from chat_tui.wire.base import Quirks

    assert PROTOCOL.list_request(Quirks()) == WireRequest("/models", method="GET")
    models, cursor = PROTOCOL.read_list('{"data":[{"id":"gpt-6-astra"}]}')
    assert ([model.name for model in models], cursor) == (["gpt-6-astra"], "")
