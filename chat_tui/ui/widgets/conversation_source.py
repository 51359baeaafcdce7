"""What a list of stored conversations is made from, whoever keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class ListedConversation(Protocol):
    """One stored conversation. `updated_at_s` is in UTC epoch seconds, `preview` how its newest words begin."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def is_pinned(self) -> bool: ...
    @property
    def updated_at_s(self) -> float: ...
    @property
    def model(self) -> str: ...
    @property
    def text_chars(self) -> int: ...
    @property
    def preview(self) -> str: ...
    @property
    def is_open_elsewhere(self) -> bool: ...
    @property
    def is_unfinished(self) -> bool: ...


class FoundConversation(Protocol):
    """A conversation with the words: where (`message_id`, 0 is the title), and what of `snippet` they are."""

    @property
    def row(self) -> ListedConversation: ...
    @property
    def message_id(self) -> int: ...
    @property
    def snippet(self) -> str: ...
    @property
    def spans(self) -> tuple[tuple[int, int], ...]: ...


class ConversationSource(Protocol):
    """All stored conversations. What is awaited raises ChatError when they cannot be read."""

    @property
    def current_id(self) -> str:
        """The one that is open."""
        ...

    async def refresh(self) -> None:
        """Know what became of other windows, before anything is listed."""
        ...

    async def count(self) -> int:
        """How many there are."""
        ...

    async def recent(self, limit: int, offset: int) -> Sequence[ListedConversation]:
        """Pinned ones first, then those changed last."""
        ...

    async def search(self, words: str, limit: int) -> Sequence[FoundConversation]:
        """Those that have all the words."""
        ...

    def rename(self, conversation_id: str, title: str) -> None:
        """Give a title."""
        ...

    def set_pinned(self, conversation_id: str, *, is_pinned: bool) -> None:
        """Keep it at the top, or no longer."""
        ...

    def delete(self, conversation_id: str, title: str) -> None:
        """Remove it. Raises ChatError when it must stay."""
        ...

    def undelete(self) -> str:
        """Bring back the one deleted last; its title. Raises ChatError when there is none."""
        ...
