"""A conversation as data: messages made of parts, in a tree where retries and edits are siblings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from chat_tui.core.outcome import FinishReason, Outcome

if TYPE_CHECKING:
    from chat_tui.core.cost import Cost
    from chat_tui.core.errors import Fault
    from chat_tui.core.events import Usage


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class TextPart:
    """Words to be read. Raw, as received or typed."""

    text: str
    is_refusal: bool = False


@dataclass(frozen=True, slots=True)
class ReasoningPart:
    """What the model thought; shown in a fold, not sent back. `duration_s` from its first to its last token."""

    text: str
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class ToolCallPart:
    """A call the model asked for. Incomplete ones are shown, never run and never sent back."""

    key: str
    call_id: str
    name: str
    arguments: str
    is_complete: bool


@dataclass(frozen=True, slots=True)
class ToolResultPart:
    """What came of the call with the same key in the same message; the provider ran it, or we did."""

    key: str
    output: str


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file that goes with a question. `media_type` is lower case, without parameters; `data` the whole of it."""

    name: str
    media_type: str
    data: bytes = field(repr=False)

    @property
    def is_image(self) -> bool:
        """Whether models see it rather than read it."""
        return self.media_type.startswith("image/")


@dataclass(frozen=True, slots=True)
class OpaquePart:
    """Provider data kept for replay to the same provider. `kind` begins with the name of its protocol.

    What belongs to a call says so by `key` in its data.
    """

    kind: str
    data: Any


Part = TextPart | ReasoningPart | ToolCallPart | ToolResultPart | FilePart | OpaquePart

REWRITTEN = "rewritten"
"""The `raw_reason` of an answer whose words the reader wrote."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of an answer: `reason` for COMPLETE, `fault` for INTERRUPTED; numbers for the seam.

    `tokens` is the server's count, or ours when `is_estimate`. It is metadata: never part of a text, a copy,
    an export or a request.
    """

    outcome: Outcome
    reason: FinishReason = FinishReason.STOP
    fault: Fault | None = None
    raw_reason: str = ""
    tokens: int = 0
    is_estimate: bool = False
    elapsed_s: float = 0.0
    ttft_s: float | None = None
    tokens_per_s: float | None = None
    usage: Usage | None = None
    gap_p95_s: float | None = None
    longest_gap_s: float | None = None
    stalls: int = 0
    charge: Cost | None = None
    """What it has cost, at the prices of its time; None where nobody says so."""

    @property
    def is_rewritten(self) -> bool:
        """Whether the words are the reader's, in the place of the model's."""
        return self.outcome is Outcome.STOPPED and self.raw_reason == REWRITTEN


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of one speaker. `ending` is None for the user's and while an answer runs.

    `created_at_s` is in UTC epoch seconds, 0 when nobody knows; `generation` is what the answer was asked with.
    """

    id: int
    role: Role
    parts: tuple[Part, ...]
    parent_id: int | None = None
    model: str = ""
    ending: Ending | None = None
    created_at_s: float = 0.0
    generation: Generation | None = None

    @property
    def text(self) -> str:
        """The visible text, parts joined as they came."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))

    @property
    def reasoning(self) -> str:
        """All reasoning, joined."""
        return "".join(part.text for part in self.parts if isinstance(part, ReasoningPart))

    @property
    def files(self) -> tuple[FilePart, ...]:
        """What goes with the text."""
        return tuple(part for part in self.parts if isinstance(part, FilePart))

    @property
    def answered_calls(self) -> tuple[tuple[ToolCallPart, str], ...]:
        """The complete calls that have a result, with it. A call without one may stand in no request."""
        results = {part.key: part.output for part in self.parts if isinstance(part, ToolResultPart)}
        return tuple(
            (part, results[part.key])
            for part in self.parts
            if isinstance(part, ToolCallPart) and part.is_complete and part.key in results
        )

    def is_by(self, model: str) -> bool:
        """Whether that model of its provider gave the answer, as far as it is known who did."""
        return self.model.partition("/")[2] in ("", model)

    @property
    def is_sendable(self) -> bool:
        """Whether it may stand in a request: an assistant message without text never does."""
        return self.role is not Role.ASSISTANT or bool(self.text.strip())

    @property
    def is_paused(self) -> bool:
        """Whether its server stopped in the middle of its own work and waits to be asked to go on."""
        return self.ending is not None and self.ending.reason is FinishReason.PAUSE

    @property
    def is_void(self) -> bool:
        """Whether it is an answer nothing came of: it ended early, before its first token."""
        if self.role is not Role.ASSISTANT or self.ending is None or self.ending.outcome is Outcome.COMPLETE:
            return False
        return all(isinstance(part, OpaquePart) for part in self.parts)


@dataclass(slots=True)
class Conversation:
    """A tree of messages and the path through it that is shown. Nothing is ever taken out of it.

    `id` names it in a store; empty for one that is nowhere. Message ids come from `next_id`, and count up from 1
    where nobody gives others. `is_title_own`: the reader gave the title.
    """

    title: str = ""
    id: str = ""
    is_title_own: bool = False
    is_pinned: bool = False
    created_at_s: float = 0.0
    next_id: Callable[[], int] | None = None
    _messages: dict[int, Message] = field(default_factory=dict[int, Message])
    _tip: int | None = None

    def restore(self, messages: Iterable[Message], tip_id: int | None) -> None:
        """Put back what was stored, in its order. Raises ValueError when a parent or the tip is missing."""
        self._messages = {message.id: message for message in messages}
        parents = {message.parent_id for message in self._messages.values()} | {tip_id}
        if not parents - {None} <= self._messages.keys():
            raise ValueError("a message is missing")
        self._tip = tip_id

    @property
    def tip(self) -> Message | None:
        """The last message of the shown path."""
        return None if self._tip is None else self._messages[self._tip]

    @property
    def messages(self) -> tuple[Message, ...]:
        """All of the tree, oldest first."""
        return tuple(self._messages.values())

    @property
    def opening(self) -> Message | None:
        """The first question that something came of or may still come of, which a title is made of. Where nothing
        came of any, the newest."""
        void = self._void()
        first = [message for message in self._messages.values() if message.parent_id is None]
        return next((message for message in first if message.id not in void), first[-1] if first else None)

    def path(self) -> tuple[Message, ...]:
        """The shown messages, oldest first."""
        return self.path_to(self._tip)

    def path_to(self, message_id: int | None) -> tuple[Message, ...]:
        """From the first message to that one. Raises KeyError."""
        found: list[Message] = []
        while message_id is not None:
            message = self._messages[message_id]
            found.append(message)
            message_id = message.parent_id
        return tuple(reversed(found))

    def get(self, message_id: int) -> Message:
        """Raises KeyError for an id that is not here."""
        return self._messages[message_id]

    def append(
        self,
        role: Role,
        parts: tuple[Part, ...],
        *,
        model: str = "",
        ending: Ending | None = None,
        created_at_s: float = 0.0,
        generation: Generation | None = None,
    ) -> Message:
        """Add a message after the tip and make it the tip."""
        message_id = self._free_id() if self.next_id is None else self.next_id()
        message = Message(message_id, role, parts, self._tip, model, ending, created_at_s, generation)
        self._messages[message.id] = message
        self._tip = message.id
        return message

    def _free_id(self) -> int:
        """One that counts up; in a copy of a path there are gaps before it."""
        message_id = next(reversed(self._messages), 0) + 1
        while message_id in self._messages:
            message_id += 1
        return message_id

    def settle(self, message_id: int, parts: tuple[Part, ...], ending: Ending) -> Message:
        """Give a running answer its final parts and its end."""
        message = replace(self._messages[message_id], parts=parts, ending=ending)
        self._messages[message_id] = message
        return message

    def rewind(self, message_id: int | None) -> None:
        """Make `message_id` (None: the empty start) the tip; what came after stays in the tree."""
        if message_id is not None and message_id not in self._messages:
            raise KeyError(message_id)
        self._tip = message_id

    def siblings(self, message_id: int) -> tuple[Message, ...]:
        """All messages with the same parent and role, oldest first (retries, edits); includes itself. What nothing
        came of is left out."""
        own, void = self._messages[message_id], self._void()
        return tuple(
            message
            for message in self._messages.values()
            if message.parent_id == own.parent_id
            and message.role is own.role
            and (message is own or message.id not in void)
        )

    def versions(self) -> dict[int, tuple[int, int]]:
        """Of the shown messages those that have siblings: which of how many each is, from 1."""
        void, path = self._void(), self.path()
        void.difference_update(message.id for message in path)
        families: dict[tuple[int | None, Role], list[int]] = {}
        for message in self._messages.values():
            if message.id not in void:
                families.setdefault((message.parent_id, message.role), []).append(message.id)
        found: dict[int, tuple[int, int]] = {}
        for message in path:
            family = families[message.parent_id, message.role]
            if len(family) > 1:
                found[message.id] = family.index(message.id) + 1, len(family)
        return found

    def leaf(self, message_id: int) -> Message:
        """The end of the newest branch below a message; itself when nothing came of what follows it."""
        void = self._void()
        newest = {message.parent_id: message for message in self._messages.values() if message.id not in void}
        message = self._messages[message_id]
        while (below := newest.get(message.id)) is not None:
            message = below
        return message

    def _void(self) -> set[int]:
        """What nothing came of: answers that ended before their first token, and questions that have no others."""
        parents = {message.parent_id for message in self._messages.values()}
        answers = {m.id for m in self._messages.values() if m.is_void and m.id not in parents}
        answered = {message.parent_id for message in self._messages.values() if message.id not in answers}
        asked = {self._messages[answer_id].parent_id for answer_id in answers}
        return answers | {
            question_id
            for question_id in asked
            if question_id is not None
            and question_id not in answered
            and self._messages[question_id].role is Role.USER
        }

    def __len__(self) -> int:
        return len(self._messages)


@dataclass(frozen=True, slots=True)
class Generation:
    """Sampling settings; nothing is sent that is None (many current models refuse what they do not know)."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    reasoning_effort: str | None = None


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What is asked of a provider. `model` is the provider's own name for it.

    `messages` end with a user message, or with an assistant message that the model shall continue
    (`is_continuation`); `system` is separate because protocols put it in different places.
    """

    model: str
    messages: tuple[Message, ...]
    system: str = ""
    generation: Generation = Generation()
    is_continuation: bool = False
