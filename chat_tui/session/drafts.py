"""What is typed and not sent, kept in the store under the conversation it was typed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chat_tui.core.errors import ChatError

if TYPE_CHECKING:
    from chat_tui.session.session import ChatSession
    from chat_tui.store.store import ConversationStore

NEW = "new"
"""Under which the draft of a conversation is kept that is not there yet; another window has its own: new2 …"""

_MOST_NEW = 9


def joined(first: str, second: str) -> str:
    """Both texts, one below the other; one of them alone when the other is blank or the same."""
    if not second.strip() or first == second:
        return first or second
    return f"{first}\n{second}" if first.strip() else second


class Drafts:
    """The draft in the composer, and where it belongs.

    A text follows the reader when the conversation changes under it (the first question begins one, nothing came of
    it); when they go to another one it stays behind (`leave`). Until it is known what was typed there before
    (`enter`) nothing is saved, so that nothing unseen is overwritten.
    """

    def __init__(self, session: ChatSession) -> None:
        self._session = session
        self._key = ""
        self._saved = ""
        self._behind = ""
        """Under which the text was before it moved; removed when it is safe in its new place."""

    @property
    def key(self) -> str:
        """Under which the text is kept; empty while that is not known."""
        return self._key

    @property
    def is_known(self) -> bool:
        """Whether what the composer holds belongs to the conversation that is shown, and is saved there."""
        here = self._session.conversation.id
        return bool(self._key) and (self._key == here or (not here and self._key.startswith(NEW)))

    @property
    def is_anywhere(self) -> bool:
        """Whether it is known where the text is saved, be it in another conversation than the one that is shown."""
        return bool(self._key)

    async def enter(self) -> str:
        """Find out what was typed for the conversation that is shown, and be there from now on. The caller puts it
        into the composer and saves that."""
        store = self._session.journal.store
        if store is None:
            return ""
        self._behind, self._key = self._key or self._behind, ""
        while True:
            key = self._wanted(store)
            try:
                draft = await store.draft(key)
            except ChatError:
                draft = ""  # what cannot be read is no reason to lose what is typed now
            if self._wanted(store) == key:
                break
        self._key, self._saved = key, draft
        if self._behind == key:
            self._behind = ""
        return draft

    def save(self, text: str) -> None:
        """Keep the text; nothing happens when it is kept already, or not known where."""
        store = self._session.journal.store if self._key else None
        if store is None:
            return
        if text != self._saved:
            self._saved = text
            store.put_draft(self._key, text)
        if self._behind:
            store.put_draft(self._behind, "")
            self._behind = ""

    def sent(self, text: str) -> None:
        """A question was sent, `text` is what the composer holds now. With the first one the conversation began."""
        here = self._session.conversation.id
        if self._key and here and self._key != here:
            self._behind, self._key, self._saved = self._key, here, ""
        self.save(text)

    def leave(self, text: str) -> bool:
        """The reader has gone elsewhere: the text stays where it was typed. False: that is not known."""
        if not self._key:
            return False
        self.save(text)
        self._key = self._saved = ""
        return True

    def save_last(self, text: str) -> None:
        """Keep what would be lost with the program, for the conversation that is shown, without looking there."""
        store = self._session.journal.store if self._key else None
        if store is not None and not self.is_known:
            self._behind, self._key, self._saved = self._key, self._wanted(store), ""
        self.save(text)

    # -- inside ------------------------------------------------------------------------------------

    def _wanted(self, store: ConversationStore) -> str:
        """Where a draft belongs now. Two windows that have both nothing yet do not share one."""
        if here := self._session.conversation.id:
            return here
        for number in range(1, _MOST_NEW):
            key = NEW if number == 1 else f"{NEW}{number}"
            if store.hold(key):
                return key
        return NEW
