"""The tree of messages and the path through it."""

from __future__ import annotations

import pytest

from chat_tui.core.conversation import (
    REWRITTEN,
    Conversation,
    Ending,
    Message,
    OpaquePart,
    Outcome,
    Part,
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
)


def says(text: str) -> tuple[TextPart, ...]:
    return (TextPart(text),)


def test_an_empty_conversation_has_no_path() -> None:
    conversation = Conversation()
    assert (conversation.tip, conversation.path(), len(conversation)) == (None, (), 0)


def test_messages_follow_each_other() -> None:
    conversation = Conversation()
    first = conversation.append(Role.USER, says("Hi"))
    second = conversation.append(Role.ASSISTANT, says("Hello"), model="m")
    assert (first.id, first.parent_id, second.id, second.parent_id) == (1, None, 2, 1)
    assert conversation.path() == (first, second)
    assert conversation.tip is second
    assert conversation.get(2).model == "m"


def test_a_second_answer_is_a_sibling_and_the_first_is_kept() -> None:
    conversation = Conversation()
    question = conversation.append(Role.USER, says("Hi"))
    first = conversation.append(Role.ASSISTANT, says("One"))
    conversation.rewind(question.id)
    second = conversation.append(Role.ASSISTANT, says("Two"))
    assert conversation.path() == (question, second)
    assert conversation.siblings(second.id) == conversation.siblings(first.id) == (first, second)
    assert conversation.siblings(question.id) == (question,)
    assert len(conversation) == 3


def test_rewinding_to_the_start_makes_another_beginning() -> None:
    conversation = Conversation()
    first = conversation.append(Role.USER, says("Hi"))
    conversation.rewind(None)
    assert conversation.path() == ()
    second = conversation.append(Role.USER, says("Hello"))
    assert second.parent_id is None
    assert conversation.siblings(first.id) == (first, second)


def test_unknown_ids_are_refused_and_change_nothing() -> None:
    conversation = Conversation()
    tip = conversation.append(Role.USER, says("Hi"))
    for act in (conversation.rewind, conversation.get, conversation.siblings):
        with pytest.raises(KeyError):
            act(7)
    assert conversation.tip is tip


def test_settling_gives_parts_and_end_in_place() -> None:
    conversation = Conversation()
    answer = conversation.append(Role.ASSISTANT, ())
    ending = Ending(Outcome.STOPPED, tokens=3)
    settled = conversation.settle(answer.id, says("Part"), ending)
    assert conversation.tip == settled == conversation.get(answer.id)
    assert (settled.text, settled.ending, answer.text, answer.ending) == ("Part", ending, "", None)


def test_a_message_reads_its_parts_in_order() -> None:
    call = ToolCallPart("k", "c", "n", "{}", is_complete=True)
    message = Message(
        1,
        Role.ASSISTANT,
        (
            ReasoningPart("hm ", 1.0),
            TextPart("One, "),
            call,
            OpaquePart("sig", "x"),
            ReasoningPart("ok"),
            TextPart("two."),
        ),
    )
    assert (message.text, message.reasoning) == ("One, two.", "hm ok")


@pytest.mark.parametrize(
    ("message", "is_sendable"),
    [
        (Message(1, Role.USER, says("")), True),
        (Message(1, Role.SYSTEM, ()), True),
        (Message(1, Role.ASSISTANT, says("words")), True),
        (Message(1, Role.ASSISTANT, says(" \n")), False),
        (Message(1, Role.ASSISTANT, ()), False),
        (Message(1, Role.ASSISTANT, (ReasoningPart("only thought"),)), False),
    ],
)
def test_an_answer_without_words_is_never_sent(message: Message, is_sendable: bool) -> None:
    assert message.is_sendable is is_sendable


def test_ids_come_from_whoever_gives_them() -> None:
    ids = iter((70, 12))
    conversation = Conversation(next_id=lambda: next(ids))
    first = conversation.append(Role.USER, says("Hi"))
    second = conversation.append(Role.ASSISTANT, says("Hello"), created_at_s=5.0)
    assert (first.id, second.id, second.parent_id, second.created_at_s) == (70, 12, 70, 5.0)
    assert conversation.path() == (first, second)


def test_the_leaf_is_the_end_of_the_newest_branch() -> None:
    conversation = Conversation()
    question = conversation.append(Role.USER, says("Hi"))
    old = conversation.append(Role.ASSISTANT, says("One"))
    conversation.append(Role.USER, says("And?"))
    deep = conversation.append(Role.ASSISTANT, says("One more"))
    conversation.rewind(question.id)
    new = conversation.append(Role.ASSISTANT, says("Two"))
    assert conversation.leaf(old.id) is deep
    assert conversation.leaf(question.id) is new
    assert conversation.leaf(new.id) is new
    assert conversation.path_to(deep.id)[-1] is deep


def test_what_was_stored_is_put_back() -> None:
    conversation = Conversation()
    conversation.append(Role.USER, says("Hi"))
    answer = conversation.append(Role.ASSISTANT, says("One"))
    conversation.rewind(1)
    other = Conversation()
    other.restore(conversation.messages, answer.id)
    assert other.path() == conversation.path_to(answer.id)
    assert other.messages == conversation.messages
    with pytest.raises(ValueError, match="missing"):
        other.restore((answer,), answer.id)
    with pytest.raises(ValueError, match="missing"):
        other.restore((), 4)
    other.restore((), None)
    assert other.path() == ()


FAILED = Ending(Outcome.INTERRUPTED)


def test_versions_are_counted_where_there_are_several() -> None:
    conversation = Conversation()
    question = conversation.append(Role.USER, says("Hi"))
    first = conversation.append(Role.ASSISTANT, says("One"))
    follow_up = conversation.append(Role.USER, says("And?"))
    assert conversation.versions() == {}
    conversation.rewind(question.id)
    second = conversation.append(Role.ASSISTANT, says("Two"))
    assert conversation.versions() == {second.id: (2, 2)}
    conversation.rewind(first.id)
    other = conversation.append(Role.USER, says("Why?"))
    assert conversation.versions() == {first.id: (1, 2), other.id: (2, 2)}
    conversation.rewind(follow_up.id)
    assert conversation.versions() == {first.id: (1, 2), follow_up.id: (1, 2)}


@pytest.mark.parametrize(
    ("parts", "ending", "is_void"),
    [
        ((), None, False),
        ((), Ending(Outcome.COMPLETE), False),
        ((), FAILED, True),
        ((), Ending(Outcome.STOPPED), True),
        ((OpaquePart("id", "x"),), FAILED, True),
        ((ReasoningPart("hm"),), FAILED, False),
        (says("Half"), FAILED, False),
    ],
)
def test_an_answer_that_ended_before_its_first_token_is_void(
    parts: tuple[Part, ...], ending: Ending | None, *, is_void: bool
) -> None:
    assert Message(1, Role.ASSISTANT, parts, ending=ending).is_void is is_void
    assert not Message(1, Role.USER, parts, ending=ending).is_void


def test_what_nothing_came_of_is_no_version_and_no_end_of_a_branch() -> None:
    conversation = Conversation()
    question = conversation.append(Role.USER, says("Hi"))
    answer = conversation.append(Role.ASSISTANT, says("One"))
    conversation.append(Role.USER, says("Taken back"))
    conversation.append(Role.ASSISTANT, (), ending=FAILED)
    conversation.rewind(question.id)
    failed = conversation.append(Role.ASSISTANT, (), ending=FAILED)
    assert conversation.siblings(failed.id) == (answer, failed), "what is asked about is always there"
    assert conversation.versions() == {failed.id: (2, 2)}, "and so is what is shown"
    conversation.rewind(answer.id)
    assert conversation.siblings(answer.id) == (answer,)
    assert conversation.versions() == {}
    assert conversation.leaf(question.id) == answer
    assert conversation.leaf(answer.id) == answer
    again = conversation.append(Role.USER, says("Taken back, asked again"))
    assert conversation.versions() == {}
    assert conversation.siblings(again.id) == (again,)


def test_a_conversation_opens_with_the_first_question_that_something_came_of() -> None:
    conversation = Conversation()
    assert conversation.opening is None
    for words in ("First", "Second"):
        conversation.rewind(None)
        question = conversation.append(Role.USER, says(words))
        assert conversation.opening is question
        conversation.settle(conversation.append(Role.ASSISTANT, ()).id, (), Ending(Outcome.STOPPED))
        assert conversation.opening is question
    conversation.rewind(None)
    third = conversation.append(Role.USER, says("Third"))
    conversation.append(Role.ASSISTANT, says("Yes."), ending=Ending(Outcome.COMPLETE))
    conversation.rewind(None)
    conversation.append(Role.USER, says("Fourth"))
    assert conversation.opening is third


def test_the_readers_own_words_are_told_from_an_answer_that_was_stopped() -> None:
    assert Ending(Outcome.STOPPED, raw_reason=REWRITTEN).is_rewritten
    assert not Ending(Outcome.STOPPED).is_rewritten
    assert not Ending(Outcome.COMPLETE, raw_reason=REWRITTEN).is_rewritten


def test_in_what_was_put_back_no_id_is_given_twice() -> None:
    conversation = Conversation()
    conversation.restore(
        (
            Message(1, Role.USER, says("Hi")),
            Message(9, Role.ASSISTANT, says("One"), 1),
            Message(3, Role.USER, says("And?"), 9),
            Message(4, Role.ASSISTANT, says("Two"), 3),
        ),
        4,
    )
    more = [conversation.append(Role.USER, says("More")).id for _ in range(6)]
    assert len({1, 9, 3, 4, *more}) == 10
    assert len(conversation) == len(conversation.path()) == 10
