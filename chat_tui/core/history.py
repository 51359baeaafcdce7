"""What was asked before, as Up and Down walk through it in the composer."""

from __future__ import annotations

from collections.abc import Iterable

MAX_ENTRIES = 1_000
MAX_ENTRY_CHARS = 100_000
"""A longer prompt is not remembered: it was pasted, and is in the conversation."""


class PromptHistory:
    """Prompts, oldest first, and a place in them; the place behind the last one is the draft.

    Whatever stands in the composer when the place changes is kept for that place, so that neither a draft nor
    an edit of an earlier prompt is lost by looking around; `add` ends the walk and forgets those edits.
    """

    def __init__(self, entries: Iterable[str] = (), *, max_entries: int = MAX_ENTRIES) -> None:
        self._entries: list[str] = []
        self._max_entries = max_entries
        self._edits: dict[int, str] = {}
        for entry in entries:
            self._append(entry)
        self._place = len(self._entries)

    @property
    def entries(self) -> tuple[str, ...]:
        """As they were sent, oldest first."""
        return tuple(self._entries)

    def add(self, prompt: str) -> None:
        """Remember a prompt that was sent. Blank ones, and one equal to the last, are not stored again."""
        self._append(prompt)
        self._edits.clear()
        self._place = len(self._entries)

    def back(self, current: str) -> str | None:
        """The prompt before; `current` is what the composer holds. None: there is none."""
        return self._move(current, self._place - 1)

    def forward(self, current: str) -> str | None:
        """The prompt after, in the end the draft. None: this is the draft."""
        return self._move(current, self._place + 1)

    def _move(self, current: str, place: int) -> str | None:
        if not 0 <= place <= len(self._entries):
            return None
        self._edits[self._place] = current
        self._place = place
        unedited = self._entries[place] if place < len(self._entries) else ""
        return self._edits.get(place, unedited)

    def _append(self, prompt: str) -> None:
        if not prompt.strip() or len(prompt) > MAX_ENTRY_CHARS:
            return
        if self._entries and self._entries[-1] == prompt:
            return
        self._entries.append(prompt)
        del self._entries[: max(0, len(self._entries) - self._max_entries)]
