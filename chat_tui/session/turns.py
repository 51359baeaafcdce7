"""Turns of a conversation with a model: submit, stop, retry, continue, switch model. Knows no screen."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from chat_tui.core.continuation import (
    OverlapTrimmer,
    continuation_prompt,
    continued,
    with_free_keys,
    without_last_space,
)
from chat_tui.core.conversation import (
    ChatRequest,
    Ending,
    FilePart,
    Generation,
    Message,
    OpaquePart,
    Part,
    Role,
    TextPart,
)
from chat_tui.core.errors import CannotSend, ChatError
from chat_tui.core.files import shown_name
from chat_tui.core.outcome import Outcome
from chat_tui.core.replay import replayable, unseen
from chat_tui.core.sanitize import Cleaner, TextCleaner
from chat_tui.providers.base import BlindProvider, Clock, Provider
from chat_tui.session.charging import charged, use_of
from chat_tui.session.charging import joined as with_earlier
from chat_tui.session.journal import Journal
from chat_tui.session.models import ModelSession
from chat_tui.session.turn_kind import TurnKind

if TYPE_CHECKING:
    from chat_tui.core.cost import Prices, Use
    from chat_tui.providers.registry import ProviderRegistry
    from chat_tui.session.turn_runner import TurnListener, TurnRunner


def turn_runner() -> type[TurnRunner]:
    """Who runs a turn, loaded with everything that is only needed by turns when it is first asked for."""
    from chat_tui.session.turn_runner import TurnRunner

    return TurnRunner


class NothingToDo(ChatError):  # noqa: N818 - no error, a key pressed where it has no meaning
    """The key or command has nothing to act on here."""

    title = "nothing to do"


class TurnSession(ModelSession):
    """One conversation and the model that answers in it; at most one turn runs at a time.

    `journal` is told everything that shall be kept.
    """

    def __init__(
        self,
        registry: ProviderRegistry,
        model_id: str,
        *,
        system: str = "",
        generation: Generation | None = None,
        clock: Clock = time.monotonic,
        journal: Journal | None = None,
    ) -> None:
        super().__init__(registry, model_id)
        self.journal = journal or Journal()
        self.conversation = self.journal.conversation()
        self.system = system
        self.generation = generation or Generation()
        self.runner: TurnRunner | None = None
        self.make_cleaner: Callable[[], Cleaner] = TextCleaner
        """What answers pass before they are drained; for files and pipes `core.sanitize.RawText`."""
        self._return_to: Message | None = None
        """What was shown before the question: shown again when nothing comes of it."""
        self._left: set[str] = set()
        """Models that were chosen before and may still hold something."""
        self._clock = clock

    @property
    def use(self) -> Use:
        """What the conversation took with all its versions, and what that has cost as far as somebody says so."""
        return use_of(self.conversation.messages)

    @property
    def is_running(self) -> bool:
        """Whether a turn runs."""
        return self.runner is not None and self.runner.is_running

    def now_s(self) -> float:
        """The clock all numbers of this session are on."""
        return self._clock()

    # -- turns -----------------------------------------------------------------------------------

    def submit(
        self, prompt: str, listener: TurnListener | None = None, *, files: tuple[FilePart, ...] = ()
    ) -> TurnRunner:
        """Ask, with files. The turn begins when the caller awaits `run`; its time runs from now.

        Raises ConfigError when the model cannot be used and CannotSend when it sees no images; the conversation is
        then unchanged.
        """
        provider, model = self._resolve()
        self._check_seen(provider, model, files)
        self._return_to = self.conversation.tip
        question = self.conversation.append(
            Role.USER, (*files, TextPart(prompt)), created_at_s=self.journal.now_s(), generation=self.generation
        )
        self.journal.asked(self.conversation, question)
        return self._begin(TurnKind.ASK, provider, model, prompt, listener)

    def retry(self, listener: TurnListener | None = None) -> TurnRunner:
        """Ask the last question again; the new answer becomes a sibling of the old one.

        Raises NothingToDo when there is no question, else as `submit` does.
        """
        user = self.last_user
        if user is None:
            raise NothingToDo("There is no question to ask again.")
        provider, model = self._resolve()
        self._check_seen(provider, model, user.files)
        self._return_to = self.conversation.tip
        self.conversation.rewind(user.id)
        return self._begin(TurnKind.RETRY, provider, model, user.text, listener)

    def continue_answer(self, listener: TurnListener | None = None) -> TurnRunner:
        """Let the model go on where its last answer ended early.

        Raises NothingToDo when there is no text to go on from.
        """
        answer, user = self.conversation.tip, self.last_user
        if answer is None or user is None or answer.role is not Role.ASSISTANT:
            raise NothingToDo("There is no answer to continue.")
        provider, model = self._resolve()
        *earlier, last = self._history(answer)
        if last.role is not Role.ASSISTANT:
            raise NothingToDo("There is no answer to continue.")
        trimmer = None
        can_continue = provider.can_continue(model, last)
        if not can_continue and not last.text.strip():
            raise NothingToDo("There is no text to go on from.")
        if not can_continue:
            trimmer = OverlapTrimmer(last.text)
            history = (*earlier, last, Message(0, Role.USER, (TextPart(continuation_prompt(last.text)),)))
        else:
            last = last if last.is_paused else replace(last, parts=without_last_space(last.parts))
            history = (*earlier, last)
        request = ChatRequest(model, history, self.system, self.generation, is_continuation=can_continue)
        self.runner = turn_runner()(
            provider,
            request,
            kind=TurnKind.CONTINUE,
            message_id=answer.id,
            prompt=user.text,
            clock=self._clock,
            on_settled=self._settle_continuation,
            listener=listener,
            partial=last.text,
            trimmer=trimmer,
            make_cleaner=self.make_cleaner,
            jitter=random.random,
            on_event=self.journal.answering(self.conversation, answer),
        )
        return self.runner

    @property
    def last_user(self) -> Message | None:
        """The last question on the shown path."""
        return next((m for m in reversed(self.conversation.path()) if m.role is Role.USER), None)

    def stop(self) -> None:
        """End the running turn at once; what arrived stays."""
        if self.runner is not None:
            self.runner.cancel()

    # -- model and life --------------------------------------------------------------------------

    def switch_model(self, model_id: str) -> None:
        """Answer with another model (PROVIDER/MODEL or an alias) from the next turn on.

        Raises ConfigError, then nothing changed.
        """
        self._registry.resolve(model_id)
        model_id = self._registry.unaliased(model_id)
        self._left.add(self.model_id)
        self._left.discard(model_id)
        self.model_id = model_id

    async def prepare(self) -> str:
        """Make the first answer faster (starts the embedded model), give up what the model before held.

        Returns one sentence that says why there will be no answer, empty when nothing is known against it.
        """
        while self._left and not self.is_running:
            await self._registry.release(self._left.pop())
        try:
            provider, _ = self._resolve()
        except ChatError as error:
            return error.sentence
        problem, _ = await asyncio.gather(provider.prepare(), self._remember_use())
        return problem

    async def aclose(self) -> None:
        """Stop what runs and give everything back."""
        self.stop()
        await self._registry.aclose()

    # -- inside ----------------------------------------------------------------------------------

    def _begin(
        self, kind: TurnKind, provider: Provider, model: str, prompt: str, listener: TurnListener | None
    ) -> TurnRunner:
        user = self.conversation.tip
        request = ChatRequest(model, self._history(user), self.system, self.generation)
        answer = self.conversation.append(
            Role.ASSISTANT,
            (),
            model=self.model_id,
            created_at_s=self.journal.now_s(),
            generation=self.generation,
        )
        self.runner = turn_runner()(
            provider,
            request,
            kind=kind,
            message_id=answer.id,
            prompt=prompt,
            clock=self._clock,
            on_settled=self._settle,
            listener=listener,
            make_cleaner=self.make_cleaner,
            jitter=random.random,
            on_event=self.journal.answering(self.conversation, answer),
        )
        return self.runner

    def _settle(self, runner: TurnRunner, parts: tuple[Part, ...], ending: Ending) -> Ending:
        """Keep the answer; when nothing came at all, go back to where the conversation was."""
        ending = charged(ending, runner.request, self._prices(runner))
        answer = self.conversation.settle(runner.message_id, parts, ending)
        self.journal.settled(self.conversation, answer)
        if not runner.state.has_output and ending.outcome is not Outcome.COMPLETE:
            self.conversation.rewind(None if self._return_to is None else self._return_to.id)
            self.journal.returned(self.conversation)
        return ending

    def _settle_continuation(self, runner: TurnRunner, parts: tuple[Part, ...], ending: Ending) -> Ending:
        """Join the pieces in the same message: nothing repeated, nothing lost."""
        answer = self.conversation.get(runner.message_id)
        request, text = runner.request, runner.state.text
        parts = with_free_keys(answer.parts, parts)
        if request.is_continuation and answer.is_paused:
            joined = (*answer.parts, *parts)
        else:
            # what was signed behind a question to go on is refused when that question is gone
            kept = (TextPart,) if request.is_continuation else (TextPart, OpaquePart)
            others = tuple(part for part in parts if not isinstance(part, kept))
            is_stripped = request.is_continuation and bool(text)
            joined = continued(without_last_space(answer.parts) if is_stripped else answer.parts, others, text)
        whole = charged(ending, request, self._prices(runner))
        if (before := answer.ending) is not None:
            whole = with_earlier(before, whole)
            if answer.is_paused and not parts:  # it waits as before
                whole = replace(whole, reason=before.reason)
        self.journal.settled(self.conversation, self.conversation.settle(answer.id, joined, whole))
        return whole

    def _prices(self, runner: TurnRunner) -> Prices | None:
        return self.price_of(f"{runner.provider.name}/{runner.request.model}")

    def _history(self, tip: Message | None) -> tuple[Message, ...]:
        history = replayable(self.conversation.path(), None if tip is None else tip.id, self.model_id)
        provider, model = self._resolve()
        return history if self._can_see(provider, model) else unseen(history)

    # -- files -----------------------------------------------------------------------------------

    def _can_see(self, provider: Provider, model: str) -> bool:
        """Whether nothing is known against images: by its provider, or by what was listed of it."""
        if isinstance(provider, BlindProvider) and not provider.can_see(model):
            return False
        facts = self.facts_of(self.model_id)
        inputs = None if facts is None else facts.inputs
        return inputs is None or "image" in inputs

    def _check_seen(self, provider: Provider, model: str, files: tuple[FilePart, ...]) -> None:
        image = next((file for file in files if file.is_image), None)
        if image is not None and not self._can_see(provider, model):
            raise CannotSend(
                f"“{shown_name(image.name)}” is an image, and {self.model_label} cannot see.",
                "Take it out, or ask another model.",
            )
