"""Conversations to choose from, without a store: what is asked for can be watched and held."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from chat_tui.core.errors import ChatError
from chat_tui.store.model import ConversationRow, SearchHit

NOW_S = 1_773_316_800.0
"""Thursday, 12 March 2026, noon."""

HOUR_S, DAY_S = 3_600.0, 86_400.0


def row(
    number: int, title: str = "", *, age_s: float = 0.0, preview: str = "", chars: int = 8_400
) -> ConversationRow:
    """One of many."""
    return ConversationRow(
        id=f"{number:032x}",
        title=title or f"Conversation {number}",
        is_pinned=False,
        updated_at_s=NOW_S - (age_s or number * HOUR_S),
        model="local/smollm2-135m",
        message_count=6,
        text_chars=chars,
        preview=preview or f"The last words of {number}.",
    )


SHELF = (
    replace(row(1, "Streaming basics", preview="And the browser reconnects by itself."), is_pinned=True),
    replace(
        row(2, "A parser for dates", age_s=720, preview="def parse(text)", chars=912), model="openai/gpt-4o-mini"
    ),
    replace(row(3, "Words for a letter", age_s=5 * HOUR_S, chars=1_240_000), is_unfinished=True),
    replace(row(4, "Naïve questions about 東京", age_s=2 * DAY_S), is_open_elsewhere=True),
    row(5, "Bread without yeast", age_s=40 * DAY_S, preview="Mix flour and water, and wait."),
    row(6, "An old one", age_s=900 * DAY_S),
)


class FakeLibrary:
    """`rows` are the conversations; a search finds those with the words in title or preview.

    `holds` maps words to an event their search waits for; `asked` is what was asked for.
    """

    def __init__(self, *rows: ConversationRow, current_id: str = "") -> None:
        self.rows = list(rows)
        self.current_id = current_id
        self.refresh_count = 0
        self.asked: list[tuple[str, int, int]] = []
        self.holds: dict[str, asyncio.Event] = {}
        self.given_up: list[str] = []
        self.failure: ChatError | None = None
        self._deleted: list[tuple[int, ConversationRow]] = []

    async def refresh(self) -> None:
        """There are no other windows."""
        self.refresh_count += 1

    async def count(self) -> int:
        """How many there are."""
        self._check()
        return len(self.rows)

    async def recent(self, limit: int, offset: int) -> list[ConversationRow]:
        """Pinned ones first."""
        self._check()
        self.asked.append(("", limit, offset))
        return sorted(self.rows, key=lambda one: not one.is_pinned)[offset : offset + limit]

    async def search(self, words: str, limit: int) -> list[SearchHit]:
        """In the title first."""
        self.asked.append((words, limit, 0))
        if words in self.holds:
            try:
                await self.holds[words].wait()
            except asyncio.CancelledError:
                self.given_up.append(words)
                raise
        self._check()
        hits: list[SearchHit] = []
        for one in self.rows:
            for message_id, text in ((0, one.title), (7, one.preview)):
                at = text.lower().find(words.lower())
                if at >= 0:
                    hits.append(SearchHit(one, message_id, text, ((at, at + len(words)),)))
                    break
        return hits[:limit]

    def rename(self, conversation_id: str, title: str) -> None:
        """Another title."""
        self._change(conversation_id, title=title)

    def set_pinned(self, conversation_id: str, *, is_pinned: bool) -> None:
        """At the top."""
        self._change(conversation_id, is_pinned=is_pinned)

    def delete(self, conversation_id: str, title: str) -> None:
        """Gone."""
        self._check()
        place = self._place(conversation_id)
        assert self.rows[place].title == title
        self._deleted.append((place, self.rows.pop(place)))

    def undelete(self) -> str:
        """Back."""
        if not self._deleted:
            raise ChatError("Nothing was deleted.")
        place, one = self._deleted.pop()
        self.rows.insert(place, one)
        return one.title

    def _place(self, conversation_id: str) -> int:
        return next(place for place, one in enumerate(self.rows) if one.id == conversation_id)

    def _change(self, conversation_id: str, **changes: str | bool) -> None:
        place = self._place(conversation_id)
        self.rows[place] = replace(self.rows[place], **changes)

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure
