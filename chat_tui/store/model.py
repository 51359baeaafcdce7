"""What the store hands out: conversations, rows of lists, hits of a search, turns to count."""

from __future__ import annotations

from dataclasses import dataclass

from chat_tui.core.conversation import Message
from chat_tui.core.cost import Cost
from chat_tui.core.errors import ChatError


class StoreError(ChatError):
    """Something could not be read from the store; the message is for a person."""

    title = "conversations"


@dataclass(frozen=True, slots=True)
class StoredConversation:
    """One whole conversation. `messages` are all of the tree, in the order they were first stored.

    `id` is 32 hexadecimal digits, times are UTC epoch seconds, `tip_id` the last message of the shown path.
    `is_title_own`: the user gave the title, nothing replaces it.
    """

    id: str
    title: str = ""
    is_title_own: bool = False
    is_pinned: bool = False
    created_at_s: float = 0.0
    updated_at_s: float = 0.0
    model: str = ""
    tip_id: int | None = None
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """One line of a list. `text_chars` counts the visible text of all messages, `preview` is the newest one's.

    `preview` has no line breaks and at most `PREVIEW_CHARS`. `is_unfinished`: the newest answer was interrupted.
    """

    id: str
    title: str
    is_pinned: bool
    updated_at_s: float
    model: str
    message_count: int
    text_chars: int
    preview: str
    is_open_elsewhere: bool = False
    is_unfinished: bool = False


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One conversation that has the words: `message_id` is the newest message with them, 0 when it is the title.

    `spans` are start and end offsets into `snippet` of what was found.
    """

    row: ConversationRow
    message_id: int
    snippet: str
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class TurnRow:
    """The numbers of one answer. `provider` is what stands before the first slash of `model`, else empty."""

    model: str
    provider: str
    started_at_s: float
    outcome: str
    tokens: int
    is_estimate: bool
    ttft_s: float | None
    tokens_per_s: float | None
    gap_p95_s: float | None
    longest_gap_s: float | None
    stalls: int
    charge: Cost | None = None


@dataclass(frozen=True, slots=True)
class StoreCounts:
    """How much there is."""

    conversations: int
    messages: int
    running: int


PREVIEW_CHARS = 200
