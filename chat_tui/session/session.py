"""A conversation in hand: its branches, others that are stored, undo. Turns are in `session.turns`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from chat_tui.core.conversation import REWRITTEN, Conversation, Ending, Message, Role, TextPart
from chat_tui.core.errors import ChatError
from chat_tui.core.outcome import Outcome
from chat_tui.session.journal import title_of
from chat_tui.session.turns import NothingToDo, TurnSession, turn_runner

if TYPE_CHECKING:
    from chat_tui.providers.registry import ProviderRegistry
    from chat_tui.session.turn_runner import TurnListener, TurnRunner

__all__ = ["ChatSession", "NothingToDo", "turn_runner"]

MAX_UNDO = 100


class _Shown(NamedTuple):
    """What was shown before something else was."""

    words: str
    conversation: Conversation
    tip_id: int | None

    def is_still(self, conversation: Conversation, tip: Message | None) -> bool:
        """Whether it is shown."""
        return self.conversation is conversation and self.tip_id == (None if tip is None else tip.id)


class ChatSession(TurnSession):
    """What a person does with conversations. Nothing is overwritten: changes make siblings."""

    _undo: tuple[_Shown, ...] = ()
    _other_registry: ProviderRegistry | None = None

    is_shared = False
    """Whether another window has this conversation open, too."""

    @property
    def problem(self) -> str:
        """What is not saved and why; empty when all is, or nothing is to be."""
        return self.journal.problem

    @property
    def unused_keys(self) -> str:
        """A sentence about keys in the environment, each for models of a known provider; empty when there is none,
        and when one of these providers answers already. No model of theirs is chosen by itself: what is said here
        would leave the machine, and cost money."""
        found = self._registry.keyed()
        if not found or self.model_id.partition("/")[0] in {name for name, _, _ in found}:
            return ""
        if len(found) > 2:
            return f"{found[0][2]} and {len(found) - 1} other keys are set: F2 lists their models."
        variables = " and ".join(variable for _, _, variable in found)
        labels = " and ".join(f"{label}'s" for _, label, _ in found)
        return f"{variables} {'is' if len(found) == 1 else 'are'} set: F2 lists {labels} models."

    @property
    def undo_depth(self) -> int:
        """How many changes `undo` could take back, one after the other."""
        return len(self._undo)

    @property
    def other_registry(self) -> ProviderRegistry:
        """Providers for what is asked beside the turns: they share nothing with those that answer."""
        if self._other_registry is None:
            self._other_registry = self._registry.apart()
        return self._other_registry

    async def aclose(self) -> None:
        """Stop what runs and give everything back."""
        if self._other_registry is None:
            await super().aclose()
        else:
            await asyncio.gather(super().aclose(), self._other_registry.aclose())

    def open_store(self) -> None:
        """Open the store now, and not with the first question: what is wrong with it is said before anything is."""
        _ = self.journal.store

    # -- branches --------------------------------------------------------------------------------

    def retry(self, listener: TurnListener | None = None) -> TurnRunner:
        """Ask the last question again; the new answer becomes a sibling of the old one."""
        before = self._shown("the new answer")
        runner = super().retry(listener)
        self._remember(before)
        return runner

    def edit(self, message_id: int) -> str:
        """Go back before a question and return its text, to be edited; what came after stays in the tree.

        Raises NothingToDo when that is no question of the shown path.
        """
        question = self._on_path(message_id, Role.USER)
        before = self._shown("going back to that question")
        self.conversation.rewind(question.parent_id)
        self._moved(before)
        return question.text

    def edit_last(self) -> str:
        """Go back before the last question and return it. Raises NothingToDo when there is none."""
        if (question := self.last_user) is None:
            raise NothingToDo("There is no question to edit.")
        return self.edit(question.id)

    def rewrite(self, message_id: int, text: str) -> Message:
        """Put other words into the model's mouth: a sibling of its answer, which can be continued."""
        answer = self._on_path(message_id, Role.ASSISTANT)
        before = self._shown("the rewritten answer")
        self.conversation.rewind(answer.parent_id)
        rewritten = self.conversation.append(
            Role.ASSISTANT,
            (TextPart(text),),
            model=answer.model,
            ending=Ending(Outcome.STOPPED, raw_reason=REWRITTEN),
            created_at_s=self.journal.now_s(),
        )
        self.journal.put(self.conversation, rewritten)
        self._moved(before)
        return rewritten

    def switch_sibling(self, message_id: int, step: int) -> Message:
        """Show the branch of the sibling `step` further on (negative: back). Returns that sibling."""
        self._check_idle()
        siblings = self.conversation.siblings(message_id)
        at = next(number for number, message in enumerate(siblings) if message.id == message_id)
        if not 0 <= at + step < len(siblings):
            raise NothingToDo("There is no other version in that direction." if len(siblings) > 1 else _ONLY_ONE)
        before = self._shown("showing the other version")
        self.conversation.rewind(self.conversation.leaf(siblings[at + step].id).id)
        self._moved(before)
        return siblings[at + step]

    def show_message(self, message_id: int) -> None:
        """Show the branch a message is in. Raises KeyError when it is not in this conversation."""
        self._check_idle()
        if all(message.id != message_id for message in self.conversation.path()):
            tip_id = self.conversation.leaf(message_id).id
            before = self._shown("showing the other version")
            self.conversation.rewind(tip_id)
            self._moved(before)

    def fork(self, message_id: int) -> Conversation:
        """What was said up to a message as a conversation of its own, numbered in its title; it is open then."""
        from chat_tui.session.titles import copy_title

        self._check_idle()
        before = self._shown("the copy")
        old, new = self.conversation, self.journal.conversation()
        path = old.path_to(message_id)
        new.restore(path, message_id)
        title = old.title or title_of(path[0].text if path else "")
        new.title = copy_title(title, (shown.conversation.title for shown in self._undo))
        new.is_title_own = old.is_title_own
        self.conversation, self.runner = new, None
        self.journal.forked(new, path)
        if new.is_title_own:
            self.rename(new.title)
        self._remember(before)
        return new

    def undo(self) -> str:
        """Show again what was shown before the last edit, retry, switch or copy; what that was, in a few words."""
        self._check_idle()
        tip = self.conversation.tip
        while self._undo and self._undo[-1].is_still(self.conversation, tip):  # nothing came of it
            self._undo = self._undo[:-1]
        if not self._undo:
            raise NothingToDo("There is nothing to undo.")
        *rest, last = self._undo
        self._undo = tuple(rest)
        self.conversation, self.runner = last.conversation, None
        self.conversation.rewind(last.tip_id)
        self.is_shared = not self.journal.opened(self.conversation)
        self.journal.moved(self.conversation)
        return last.words

    # -- conversations ---------------------------------------------------------------------------

    def new(self) -> None:
        """Begin an empty conversation."""
        self.stop()
        before = self._shown("the new conversation")
        self.conversation, self.runner, self.is_shared = self.journal.conversation(), None, False
        self.journal.left()
        self._remember(before)

    async def open(self, conversation_id: str) -> None:
        """Show a stored conversation. Raises StoreError when it cannot be read; nothing has changed then."""
        if self.journal.store is None:
            raise NothingToDo("Conversations are not kept here.")
        stored = await self.journal.store.load(conversation_id)
        self._check_idle()
        conversation = self.journal.conversation()
        try:
            conversation.restore(stored.messages, stored.tip_id)
        except ValueError as error:
            raise ChatError("This conversation is damaged and cannot be shown.") from error
        conversation.id, conversation.title = stored.id, stored.title
        conversation.is_title_own, conversation.is_pinned = stored.is_title_own, stored.is_pinned
        conversation.created_at_s = stored.created_at_s
        before = self._shown("opening that conversation")
        self.conversation, self.runner = conversation, None
        self.is_shared = not self.journal.opened(conversation)
        self._remember(before)

    async def open_last(self) -> bool:
        """Show the conversation that was changed last. False: there is none."""
        if self.journal.store is None or (last := await self.journal.store.last_id()) is None:
            return False
        await self.open(last)
        return True

    def left(self, *, is_crash: bool) -> None:
        """The program ends. A crash when a conversation had only been opened may be that conversation's doing: it
        is not shown again unasked."""
        if self.journal.store is None or not self.conversation.id:
            return
        if not is_crash:
            self.journal.store.drop_failed(self.conversation.id)
        elif self.runner is None:
            self.journal.store.put_failed(self.conversation.id)

    @property
    def last_model(self) -> str:
        """Who answered last in this conversation; empty before the first answer."""
        return next((m.model for m in reversed(self.conversation.path()) if m.model), "")

    def rename(self, title: str) -> None:
        """Give the conversation a title of the reader's own."""
        self.conversation.title, self.conversation.is_title_own = title, True
        if self.journal.store is not None and self.conversation.id:
            self.journal.store.rename(self.conversation.id, title)

    # -- inside ----------------------------------------------------------------------------------

    def _check_idle(self) -> None:
        if self.is_running:
            raise NothingToDo("An answer is still running. Esc stops it.")

    def _on_path(self, message_id: int, role: Role) -> Message:
        self._check_idle()
        found = next((m for m in self.conversation.path() if m.id == message_id and m.role is role), None)
        if found is None:
            raise NothingToDo(_NOT_THERE[role])
        return found

    def _shown(self, words: str) -> _Shown:
        tip = self.conversation.tip
        return _Shown(words, self.conversation, None if tip is None else tip.id)

    def _remember(self, before: _Shown) -> None:
        self._undo = (*self._undo, before)[-MAX_UNDO:]

    def _moved(self, before: _Shown) -> None:
        self.journal.moved(self.conversation)
        self._remember(before)


_ONLY_ONE = "There is only this version."
_NOT_THERE = {
    Role.USER: "That is no question of this conversation.",
    Role.ASSISTANT: "That is no answer of this conversation.",
    Role.SYSTEM: "That is no message of this conversation.",
}
