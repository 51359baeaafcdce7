"""What a window asks of the thread that owns the database. Light: nothing here loads SQLite."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from chat_tui.core.conversation import Message
from chat_tui.store.model import StoreError

if TYPE_CHECKING:
    from chat_tui.store.tables import Tables


@dataclass(slots=True)
class Write:
    """One change. It may be carried out more than once, after what went before was undone."""

    apply: Callable[[Tables], None]


@dataclass(slots=True)
class Append:
    """More of a running message. Neighbours in the queue that go to the same one are drawn together."""

    conversation_id: str
    message_id: int
    deltas: list[tuple[str, str]]
    began_as: Message | None
    at_s: float

    def apply(self, tables: Tables) -> None:
        """Carry it out."""
        tables.append(self.conversation_id, self.message_id, self.deltas, self.began_as, self.at_s)

    def takes(self, later: Change) -> bool:
        """Whether the later one became part of this one."""
        if not (
            isinstance(later, Append)
            and (later.conversation_id, later.message_id) == (self.conversation_id, self.message_id)
        ):
            return False
        self.deltas.extend(later.deltas)
        return True


Change: TypeAlias = Write | Append


@dataclass(slots=True)
class Read:
    """One question. `answer` is called in the thread, with the result or with the error; not when nobody waits."""

    run: Callable[[Tables], object]
    answer: Callable[[object, StoreError | None], None]
    is_wanted: Callable[[], bool] = lambda: True


@dataclass(slots=True)
class Flush:
    """Everything before it is to be on disk by `deadline_s` (monotonic). `is_last`: then close."""

    deadline_s: float
    is_thorough: bool = False
    is_last: bool = False
    done: threading.Event = field(default_factory=threading.Event)
    is_saved: bool = False


Job: TypeAlias = Write | Append | Read | Flush
