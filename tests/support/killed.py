"""What a program that was killed has left on disk, held against what is known to have happened to it."""

from __future__ import annotations

import math
import re
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from chat_tui.core.conversation import Conversation, Message, Outcome, Role
from chat_tui.store.model import StoredConversation
from chat_tui.store.store import ConversationStore
from tests.support.steady_model import Answer

SEAM = "chat-tui was ended"
"""What stands below an answer that a kill has cut."""
TEXT_S = 0.25
"""What happened longer than this before the kill must be on disk."""
DRAFT_S = 1.0
"""The same of what is typed and not sent."""
_ON_ITS_WAY_S = 0.1
"""What was said so shortly before the program was told to leave may come when it no longer listens."""
_READ_S = 30.0
_NEW_DRAFTS = ("new", *(f"new{number}" for number in range(2, 10)))
"""Of conversations that are not there yet, a window each."""
_FIRST_TOKEN = re.compile(r"a(\d+)x0 ")


@dataclass
class Life:
    """What somebody did with a program, and when (monotonic clock), from its start to its kill.

    `typed` is each state of the composer, `questions` and `titles` what was sent, `left_at_s` when it was told to
    end, `is_continuing` whether it was told to go on with an answer. `waited_s`: how long its threads and the
    model's could have run just before the kill while every core was taken.
    """

    phase: str
    typed: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    questions: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    titles: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    answers: list[Answer] = field(default_factory=list[Answer])
    is_continuing: bool = False
    left_at_s: float = math.inf
    died_at_s: float = math.inf
    waited_s: float = 0.0


@dataclass
class Left:
    """Everything that is in a store."""

    conversations: dict[str, StoredConversation] = field(default_factory=dict[str, StoredConversation])
    drafts: dict[str, str] = field(default_factory=dict[str, str])
    unfinished: frozenset[str] = frozenset()
    last_id: str | None = None

    @property
    def messages(self) -> dict[int, Message]:
        """All of them; their ids are unique in the whole store."""
        return {message.id: message for found in self.conversations.values() for message in found.messages}


@dataclass
class Counts:
    """What some kills found. `lost` counts acknowledged things that were not there, or no longer as they were."""

    kills: Counter[str] = field(default_factory=Counter[str])
    damaged: int = 0
    lost: int = 0
    wrong: int = 0
    not_shown: int = 0
    failed: int = 0
    facts: int = 0
    tokens: int = 0
    cut: int = 0
    shown: int = 0
    continued: int = 0
    late: int = 0
    most_lost_tokens: int = 0
    most_lost_s: float = 0.0
    lost_s: list[float] = field(default_factory=list[float])
    most_lost_draft_s: float = 0.0
    most_lost_draft_chars: int = 0
    notes: list[str] = field(default_factory=list[str])

    @property
    def is_good(self) -> bool:
        """Nothing damaged, nothing acknowledged lost, every cut answer shown as one."""
        return not (self.damaged or self.lost or self.wrong or self.not_shown or self.failed or self.late)

    def note(self, kind: str, life: Life, words: str) -> None:
        """One thing that must not be."""
        setattr(self, kind, getattr(self, kind) + 1)
        self.notes.append(f"{kind} after {life.phase}: {words}")

    def table(self) -> str:
        """For people."""
        phases = ", ".join(f"{phase} {count}" for phase, count in sorted(self.kills.items()))
        ordered = sorted(self.lost_s)
        median_s = ordered[len(ordered) // 2] if ordered else 0.0
        return (
            f"kills {self.kills.total()}: {phases}\n"
            f"damaged {self.damaged}, facts acknowledged {self.facts}, lost {self.lost}, wrong {self.wrong},"
            f" not shown {self.not_shown}, failed {self.failed}\n"
            f"tokens {self.tokens}, answers cut {self.cut}, shown again with their seam {self.shown},"
            f" gone on with {self.continued}\n"
            f"text lost of a cut answer: median {median_s:.3f} s, most {self.most_lost_s:.3f} s"
            f" ({self.most_lost_tokens} tokens), later than allowed {self.late}\n"
            f"draft lost: at most {self.most_lost_draft_s:.3f} s ({self.most_lost_draft_chars} characters)"
        )


async def read_left(state: Path, folder: Path) -> tuple[Left, list[str]]:
    """What a copy of the directory `state` has, and what is wrong with its files."""
    copy = folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    left = Left()
    if not (state / "conversations.db").exists():
        return left, []
    shutil.copytree(state, copy)
    store = ConversationStore.open(copy)
    try:
        rows = await store.recent(1000)
        for row in rows:
            left.conversations[row.id] = await store.load(row.id)
        drafts = {key: await store.draft(key) for key in [*left.conversations, *_NEW_DRAFTS]}
        left.last_id = await store.last_id()
        is_saved = store.flush(_READ_S, is_thorough=True)
        problems = [*store.notes, *([] if is_saved else [store.problem or "not saved"])]
    finally:
        store.close(_READ_S)
    left.drafts = {key: text for key, text in drafts.items() if text}
    left.unfinished = frozenset(row.id for row in rows if row.is_unfinished)
    with closing(sqlite3.connect(copy / "conversations.db")) as connection:
        found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
    return left, problems + (found if found != ["ok"] else [])


def said(message: Message) -> str:
    """Everything a model said in it, thoughts first."""
    return message.reasoning + message.text


def examine(before: Left, left: Left, life: Life, counts: Counts) -> None:
    """Hold what is left against what was there before this life and what happened in it."""
    _examine_old(before, left, life, counts)
    _examine_sent(left, life, counts)
    _examine_draft(before, left, life, counts)
    for answer in life.answers:
        _examine_answer(before, left, life, answer, counts)
    for found in left.conversations.values():
        conversation = Conversation()
        try:
            conversation.restore(found.messages, found.tip_id)
        except ValueError as error:
            counts.note("lost", life, f"{found.id} cannot be shown: {error}")


def _examine_old(before: Left, left: Left, life: Life, counts: Counts) -> None:
    """Whatever was there once is there for ever; an answer that was continued has become longer."""
    messages = left.messages
    for identity, old in before.messages.items():
        counts.facts += 1
        new = messages.get(identity)
        if new is None:
            counts.note("lost", life, f"{old.role} {old.text[-40:]!r} is gone")
        elif (new.role, new.parent_id) != (old.role, old.parent_id) or not (
            said(new).startswith(said(old)) if old.role is Role.ASSISTANT else new.text == old.text
        ):
            counts.note("lost", life, f"{said(old)[-40:]!r} has become {said(new)[-40:]!r}")
    new_titles = {title for _, title in life.titles}
    for identity, found in before.conversations.items():
        title = left.conversations[identity].title if identity in left.conversations else None
        if title != found.title and title not in new_titles:
            counts.note("lost", life, f"the title {found.title!r} has become {title!r}")


def _examine_sent(left: Left, life: Life, counts: Counts) -> None:
    asked = {message.text for message in left.messages.values() if message.role is Role.USER}
    titles = {found.title for found in left.conversations.values()}
    for at_s, question in life.questions:
        asked_at_s = min((a.asked_at_s for a in life.answers if question.strip() in a.question), default=math.inf)
        if asked_at_s < life.died_at_s - TEXT_S - life.waited_s:
            counts.facts += 1
            if not any(question.strip() in text for text in asked):
                counts.note("lost", life, f"the question {question!r}, sent {life.died_at_s - at_s:.2f} s before")
    for at_s, title in life.titles:
        if at_s < life.died_at_s - TEXT_S - life.waited_s:
            counts.facts += 1
            if title not in titles:
                counts.note("lost", life, f"the title {title!r}, given {life.died_at_s - at_s:.2f} s before")


def _examine_draft(before: Left, left: Left, life: Life, counts: Counts) -> None:
    """Of what stood in the composer everything older than a second is in a draft, or was sent."""
    if not life.typed:
        return
    kept = [
        *left.drafts.values(),
        *(message.text for key, message in left.messages.items() if key not in before.messages),
    ]
    counts.facts += 1
    newest = len(life.typed) - 1
    tails = tuple(kept)  # below what was typed for it before, when that came to the composer later
    last_kept = next((n for n in range(newest, -1, -1) if any(t.endswith(life.typed[n][1]) for t in tails)), None)
    if last_kept == newest:
        return
    first_missing = life.typed[0 if last_kept is None else last_kept + 1]
    lost_s = life.died_at_s - first_missing[0]
    counts.most_lost_draft_s = max(counts.most_lost_draft_s, lost_s)
    before_it = "" if last_kept is None else life.typed[last_kept][1]
    chars = len(life.typed[newest][1]) - len(before_it)
    counts.most_lost_draft_chars = max(counts.most_lost_draft_chars, chars)
    if lost_s > DRAFT_S + TEXT_S + life.waited_s:
        counts.note("lost", life, f"{lost_s:.2f} s of a draft: {life.typed[newest][1]!r}, there is {kept[-3:]}")


def _examine_answer(before: Left, left: Left, life: Life, answer: Answer, counts: Counts) -> None:
    """A cut answer ends where the kill came, with at most a moment missing, and says that it was cut."""
    sent = answer.said_by(min(life.left_at_s - _ON_ITS_WAY_S, life.died_at_s))
    counts.tokens += sent
    must_be_there = answer.asked_at_s < life.died_at_s - TEXT_S - life.waited_s
    message, place = _find(left, answer)
    count = 0
    if message is not None:
        old = before.messages.get(message.id)
        prior, own = said(message)[:place], said(message)[place:]
        count = own.count(f"a{answer.number}x")
        rest = own[len(answer.text(count)) :]
        if not own.startswith(answer.text(count)) or prior not in _priors(old, life):
            counts.note("lost", life, f"an answer is no longer as it came: …{said(message)[-80:]!r}")
        if rest and not _FIRST_TOKEN.match(rest):
            counts.note("lost", life, f"what was gone on with is not as it came: {rest[:80]!r}")
        elif not rest and not (life.is_continuing and answer.finished_at_s < math.inf):
            _examine_end(left, life, answer, message, counts, is_whole=count == answer.plan.token_count)
    elif must_be_there and not _has_unsaid(before, left):
        counts.note("lost", life, f"no answer to {answer.question!r}")
    if count < sent:
        lost_s = life.died_at_s - answer.sent_at_s[count]
        counts.lost_s.append(lost_s)
        counts.most_lost_s = max(counts.most_lost_s, lost_s)
        counts.most_lost_tokens = max(counts.most_lost_tokens, sent - count)
        if lost_s > TEXT_S + life.waited_s:
            asked_s = life.died_at_s - answer.asked_at_s
            there = "no message" if message is None else f"{count} there"
            words = (
                f"{lost_s:.3f} s, {sent - count} of {sent} tokens missing, {there}, asked {asked_s:.3f} s before"
            )
            counts.note("late", life, f"{words}, waited {life.waited_s:.3f} s")


def _find(left: Left, answer: Answer) -> tuple[Message | None, int]:
    """The message that has the answer's first token, and where in what was said."""
    for message in left.messages.values():
        for found in _FIRST_TOKEN.finditer(said(message)):
            if int(found.group(1)) == answer.number:
                return message, found.start()
    return None, 0


def _priors(old: Message | None, life: Life) -> set[str]:
    """What may stand before an answer in its message: what was there before this life, or an answer of it that was
    whole and was gone on with."""
    wholes = (answer.text(answer.plan.token_count) for answer in life.answers if answer.finished_at_s < math.inf)
    return {"" if old is None else said(old), *wholes}


def _has_unsaid(before: Left, left: Left) -> bool:
    """Whether there is a new answer without a word, or an old one that was being continued."""
    return any(
        message.role is Role.ASSISTANT and (not said(message) or key in before.messages)
        for key, message in left.messages.items()
    )


def _examine_end(
    left: Left, life: Life, answer: Answer, message: Message, counts: Counts, *, is_whole: bool
) -> None:
    outcome = None if message.ending is None else message.ending.outcome
    if answer.finished_at_s < life.died_at_s - TEXT_S - life.waited_s:
        counts.facts += 1
        if outcome is not Outcome.COMPLETE:
            counts.note("wrong", life, f"a complete answer is {outcome}")
    elif outcome in (Outcome.INTERRUPTED, Outcome.STOPPED):
        counts.cut += 1
        if not any(message.id in {m.id for m in left.conversations[i].messages} for i in left.unfinished) and (
            outcome is Outcome.INTERRUPTED
        ):
            counts.note("wrong", life, "the list does not say that an answer is unfinished")
    elif not is_whole:
        counts.note("wrong", life, f"a cut answer is {outcome}")
