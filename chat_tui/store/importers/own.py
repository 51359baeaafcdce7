"""Our own JSON: everything comes back as it was."""

from __future__ import annotations

from dataclasses import replace

from chat_tui.core.conversation import Message
from chat_tui.core.errors import Fault
from chat_tui.core.sanitize import clean
from chat_tui.store.export import FORMAT_VERSION
from chat_tui.store.importers.building import ImportProblem
from chat_tui.store.json_values import BadRecord
from chat_tui.store.model import StoredConversation
from chat_tui.store.records import conversation_from_record


def check_version(version: int) -> None:
    """Raises ImportProblem for the envelope of a newer program."""
    if version > FORMAT_VERSION:
        raise ImportProblem(
            f"The file was written by a newer chat-tui (format {version}; this one reads {FORMAT_VERSION})."
        )


def conversation_of(record: object) -> StoredConversation:
    """One conversation. Raises ImportProblem.

    Faults are shown without being cleaned again, since we made them: those of a file are cleaned here.
    """
    try:
        conversation = conversation_from_record(record)
    except BadRecord as error:
        raise ImportProblem(error.message) from None
    except RecursionError:
        raise ImportProblem("Its data is nested too deep.") from None
    return replace(conversation, messages=tuple(_cleaned(message) for message in conversation.messages))


def _cleaned(message: Message) -> Message:
    ending = message.ending
    if ending is None or ending.fault is None:
        return message
    return replace(message, ending=replace(ending, fault=_cleaned_fault(ending.fault)))


def _cleaned_fault(fault: Fault) -> Fault:
    return replace(
        fault,
        title=clean(fault.title),
        message=clean(fault.message),
        hint=clean(fault.hint),
        code=clean(fault.code),
        request_id=clean(fault.request_id),
        detail=clean(fault.detail),
    )
