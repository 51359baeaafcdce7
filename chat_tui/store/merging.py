"""What a conversation of a file has that the stored one of the same id has not.

A message of the file is here when one of the same speaker with the same words is here below the same message: ids
say little, since a foreign file is numbered anew every time. What differs comes in beside what is there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TypeAlias

from chat_tui.core.conversation import Message, Role
from chat_tui.store.model import StoredConversation
from chat_tui.store.records import parts_to_json

_Family: TypeAlias = dict[int | None, list[Message]]
_Key: TypeAlias = tuple[Role, str, int]


@dataclass(frozen=True, slots=True)
class Additions:
    """New messages of a conversation, each behind its parent, with ids that are free.

    `tip_id` is what is shown from now on, if what was shown, `from_tip_id`, still is; None: that stays.
    """

    conversation_id: str
    messages: tuple[Message, ...]
    from_tip_id: int | None
    tip_id: int | None
    model: str
    updated_at_s: float


def additions_to(stored: StoredConversation, found: StoredConversation) -> Additions | None:
    """What `found` has more; None when it is nothing. The same two give the same, so that it can be done twice."""
    places = _places(stored, found)
    new = [message for message in found.messages if message.id not in places]
    if not new:
        return None
    taken = {message.id for message in stored.messages}
    free = _free_ids(taken | {message.id for message in found.messages})
    messages: list[Message] = []
    for message in new:
        places[message.id] = next(free) if message.id in taken else message.id
        parent_id = None if message.parent_id is None else places[message.parent_id]
        messages.append(replace(message, id=places[message.id], parent_id=parent_id))
    tip_id = None if found.tip_id is None else places[found.tip_id]
    return Additions(
        stored.id,
        tuple(messages),
        stored.tip_id,
        tip_id if _goes_on(stored, messages, tip_id) else None,
        found.model,
        found.updated_at_s,
    )


def _places(stored: StoredConversation, found: StoredConversation) -> dict[int, int]:
    """Ids of messages of the file that are here, and their ids here."""
    here, there = _families(stored.messages), _families(found.messages)
    places: dict[int, int] = {}
    waiting: deque[tuple[int | None, int | None]] = deque([(None, None)])
    while waiting:
        there_id, here_id = waiting.popleft()
        for message, same in _pairs(there.get(there_id, ()), here.get(here_id, ())):
            places[message.id] = same.id
            waiting.append((message.id, same.id))
    return places


def _families(messages: Iterable[Message]) -> _Family:
    families: _Family = {}
    for message in messages:
        families.setdefault(message.parent_id, []).append(message)
    return families


def _pairs(found: Sequence[Message], stored: Sequence[Message]) -> Iterator[tuple[Message, Message]]:
    """Those of the one family that are in the other, the most alike first, none twice."""
    left, unpaired = {message.id: message for message in stored}, list(found)
    for key_of in (_key_of_id, _key_of_parts, _key_of_words):
        if not left or not unpaired:
            return
        alike: dict[_Key, deque[Message]] = {}
        for message in left.values():
            alike.setdefault(key_of(message), deque()).append(message)
        rest: list[Message] = []
        for message in unpaired:
            candidates = alike.get(key_of(message)) if message.text or key_of is _key_of_parts else None
            if candidates:
                same = candidates.popleft()
                del left[same.id]
                yield message, same
            else:
                rest.append(message)
        unpaired = rest
    for message in unpaired:
        same = left.get(message.id)
        if same is not None and _is_beginning(message, same):
            yield message, same


def _key_of_id(message: Message) -> _Key:
    return message.role, message.text, message.id


def _key_of_parts(message: Message) -> _Key:
    return message.role, parts_to_json(message.parts), 0


def _key_of_words(message: Message) -> _Key:
    return message.role, message.text, 0


def _is_beginning(message: Message, whole: Message) -> bool:
    """Whether the file was written while `whole`, of the same id, was still running."""
    return (
        whole.role is message.role
        and len(message.parts) <= len(whole.parts)
        and whole.text.startswith(message.text)
        and whole.reasoning.startswith(message.reasoning)
    )


def _free_ids(taken: Collection[int]) -> Iterator[int]:
    """Small ones: those that are given here are made of the time, and are large."""
    return (number for number in count(1) if number not in taken)


def _goes_on(stored: StoredConversation, new: Iterable[Message], tip_id: int | None) -> bool:
    """Whether what is shown ends where nothing followed, and the new path leads on from there."""
    if any(message.parent_id == stored.tip_id for message in stored.messages):
        return False
    parents = {message.id: message.parent_id for message in new}
    if tip_id not in parents:
        return False
    while tip_id in parents:
        tip_id = parents[tip_id]
    return tip_id == stored.tip_id
