"""Titles that nobody typed: what a model is asked for one and what of its reply is taken, and those of copies.

The reply is untrusted text: one short line of it becomes the title, or the first words of the question stay.
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from chat_tui.core.conversation import ChatRequest, Conversation, Generation, Message, Role, TextPart
from chat_tui.core.errors import ChatError, Fault, FaultKind
from chat_tui.core.events import Failed, TextDelta
from chat_tui.core.outcome import Outcome
from chat_tui.core.sanitize import clean_line
from chat_tui.session.journal import MAX_TITLE_CHARS, title_of

if TYPE_CHECKING:
    from chat_tui.providers.base import Provider
    from chat_tui.session.session import ChatSession

TITLE_CELLS: Final = 60
TIME_LIMIT_S: Final = 20.0
MAX_TOKENS: Final = 200
"""Enough for a title, and for a model that thinks a little before it."""

MAX_REPLY_CHARS: Final = 4_000
EXCERPT_CHARS: Final = 2_000
"""So much of the question and of the answer is shown to the model."""

MAX_TRIES: Final = 3
"""How often a request is made that the reader's next question has cut short."""

MAX_WAITING: Final = 8

_SYSTEM = (
    "You name conversations. Reply with nothing but a title of at most six words, in the language of the "
    "conversation, without quotation marks and without a full stop."
)
_ABSURD_CELLS: Final = 2 * TITLE_CELLS
"""A line this long is an answer, not a title."""

_MAX_LINE_CHARS: Final = 400
_MAX_LINES: Final = 20
_PAIRS = {
    '"': '"', "'": "'", "`": "`", "“": "”", "„": "“”", "”": "”", "‘": "’", "‚": "‘’", "«": "»", "»": "«",
    "‹": "›", "›": "‹", "「": "」", "『": "』", "《": "》", "【": "】", "*": "*", "_": "_",
}  # fmt: skip
_LABEL = re.compile(
    r"(?:(?:the |a )?(?:suggested |conversation |chat )?title(?: of th(?:is|e) conversation)?(?: is)?|titel|titre"
    r"|título|titolo|tytuł|название|заголовок|标题|標題|タイトル|제목)"
    r" ?(?:[:：]|[-–—] |(?<=is )(?=[\"“]))\s*(?P<rest>.*)",
    re.IGNORECASE,
)
_BLOCK_MARK = re.compile(r"(?:#{1,6}|>|[-*+•]|\d{1,2}[.)])\s+")
_STRONG = re.compile(r"\*\*(?=\S)([^*]+)(?<=\S)\*\*")
_CODE = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_TAG = re.compile(r"</?(?:title|answer)>", re.IGNORECASE)
_THOUGHT = re.compile(r"<(think|thinking|thought|reasoning)>.*?(?:</\1>|\Z)", re.IGNORECASE | re.DOTALL)
_THOUGHT_END = re.compile(r".*</(?:think|thinking|thought|reasoning)>", re.IGNORECASE | re.DOTALL)
_MARKED = re.compile("[\u2400-\u2421\ufffd␦]")
"""What cleaning puts in the place of characters that have no business in a title."""

_NO_TITLE = re.compile(
    r"(?:(?:no |new |untitled )?(?:title|conversation|chat)|untitled|none|n/a)"
    r"|(?:i[’']m sorry|i am sorry|sorry,|i can(?:not|[’']t)|i[’']m unable|i am unable|as an ai)\b.*",
    re.IGNORECASE,
)
_ENDS = ".。．｡:;,，、 "
_JOINER = "\u200d"
_COPY = re.compile(r"(?P<stem>.*\S) \((?P<number>[2-9]|[1-9]\d)\)", re.DOTALL)


# -- pure ------------------------------------------------------------------------------------------


def title_from(reply: str) -> str:
    """The title in what a model replied: one clean line of at most `TITLE_CELLS`, empty when there is none."""
    text = _THOUGHT.sub("\n", reply[:MAX_REPLY_CHARS])
    text = _TAG.sub("", _THOUGHT_END.sub("", text, count=1))
    for line in text.strip().splitlines()[:_MAX_LINES]:
        title = _bare(clean_line(line[:_MAX_LINE_CHARS], _MAX_LINE_CHARS))
        if any(map(str.isalnum, title)) and not line.rstrip().endswith((":", "：")):
            return "" if _is_absurd(title) else _fitted(title)
    return ""


def _bare(line: str) -> str:
    """Without what stands around a title: Markdown, labels, quotation marks, a full stop."""
    line = _CODE.sub(r"\1", _STRONG.sub(r"\1", _LINK.sub(r"\1", line)))
    while True:
        before = line
        line = " ".join(line.split())
        if not line.endswith("..."):
            line = line.rstrip(_ENDS)
        if mark := _BLOCK_MARK.match(line):
            line = line[mark.end() :]
        if label := _LABEL.fullmatch(line):
            line = label["rest"]
        if len(line) > 1 and line[-1] in _PAIRS.get(line[0], ""):
            inner = line[1:-1]
            # “A” and “B” is not in quotation marks, its words are.
            line = inner if line[0] not in inner and line[-1] not in inner else line
        if line == before:
            return line


def _is_absurd(title: str) -> bool:
    return bool(_MARKED.search(title) or _NO_TITLE.fullmatch(title)) or _cells(title) > _ABSURD_CELLS


def _fitted(title: str) -> str:
    """At most `TITLE_CELLS` of it, whole words where that is possible."""
    if _cells(title) <= TITLE_CELLS:
        return title
    end, cells = 0, 1  # the ellipsis
    while (cells := cells + _cells(title[end])) <= TITLE_CELLS:
        end += 1
    space = title.rfind(" ", end // 2, end + 1)
    return f"{title[: space if space > 0 else end].rstrip(_ENDS + _JOINER)}…"


def _cells(text: str) -> int:
    """How wide it is in a terminal, at most: marks that take no room count as if they did."""
    return len(text) + sum(unicodedata.east_asian_width(character) in "WF" for character in text)


def request_for(model: str, question: str, answer: str) -> ChatRequest:
    """What a model is asked; `model` is its provider's own name for it."""
    words = f"Question:\n{_excerpt(question)}\n\nAnswer:\n{_excerpt(answer)}\n\nWhat is the title?"
    return ChatRequest(
        model, (Message(0, Role.USER, (TextPart(words),)),), _SYSTEM, Generation(max_tokens=MAX_TOKENS)
    )


def _excerpt(text: str) -> str:
    return text if len(text) <= EXCERPT_CHARS else f"{text[:EXCERPT_CHARS]}…"


def first_answer(conversation: Conversation) -> Message | None:
    """The only answer so far that came to its end or was stopped with some text; None without one, or with more."""
    found: Message | None = None
    for message in conversation.messages:
        ending = message.ending
        has_come = ending is not None and ending.outcome is not Outcome.INTERRUPTED and not ending.is_rewritten
        if message.role is Role.ASSISTANT and has_come and message.text.strip():
            if found is not None:
                return None
            found = message
    return found


def copy_title(title: str, taken: Iterable[str] = ()) -> str:
    """What a copy is called: "Title (2)", or a number above all that are `taken`. Empty for an empty title."""
    stem, number = _numbered(title)
    if not stem:
        return ""
    numbers = [other for name, other in map(_numbered, taken) if name == stem]
    return f"{stem} ({max(number, *numbers, 1) + 1})"


def _numbered(title: str) -> tuple[str, int]:
    """What a title is without the number of a copy, cut so that there is room for one; and the number."""
    found = _COPY.fullmatch(title.strip())
    stem, number = (found["stem"], int(found["number"])) if found else (title.strip(), 1)
    return stem[: MAX_TITLE_CHARS - len(" (100)")].rstrip(), number


# -- with a model ------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Wish:
    """A title that is wanted; the first words it stands for, and what to show the model."""

    conversation: Conversation
    first_words: str
    question: str
    answer: str
    tries: int = 0


class Titles:
    """Asks `model` once for a title of every stored conversation that has got its first answer here.

    Whoever runs turns tells of their ends (`note`), then awaits `run` in the background, and cancels that when the
    next turn begins: what was cut short is asked again later. `on_title` is called when a title has changed,
    `on_trouble` once at most, with a sentence, when a model could not be asked.
    """

    def __init__(
        self, session: ChatSession, model: str, on_title: Callable[[], None], on_trouble: Callable[[str], None]
    ) -> None:
        self.is_asking = False
        self._session, self._model = session, model
        self._on_title, self._on_trouble = on_title, on_trouble
        self._waiting: deque[_Wish] = deque(maxlen=MAX_WAITING)
        self._known: set[str] = set()
        self._has_complained = False

    @property
    def is_waiting(self) -> bool:
        """Whether `run` has anything to do."""
        return bool(self._waiting)

    def note(self, conversation: Conversation) -> None:
        """A turn of it has ended. A title is wanted if there is one answer, and the first words are the title."""
        if not conversation.id or conversation.id in self._known or conversation.is_title_own:
            return
        opening = conversation.opening
        first_words = "" if opening is None else title_of(opening.text)
        if conversation.title != first_words or (answer := first_answer(conversation)) is None:
            return
        question = conversation.messages[0] if answer.parent_id is None else conversation.get(answer.parent_id)
        self._known.add(conversation.id)
        self._waiting.append(_Wish(conversation, first_words, question.text, answer.text))

    async def run(self) -> None:
        """Ask for all titles that are wanted. Raises nothing but CancelledError."""
        self.is_asking = True
        try:
            while self._waiting:
                wish = self._waiting.popleft()
                wish.tries += 1
                try:
                    await self._fulfil(wish)
                except asyncio.CancelledError:
                    if wish.tries < MAX_TRIES:
                        self._waiting.appendleft(wish)
                    raise
        finally:
            self.is_asking = False
            # A model on this machine holds a process; it is not worth that for the rest of the day.
            await self._session.other_registry.release(self._model)

    # -- inside ------------------------------------------------------------------------------------

    async def _fulfil(self, wish: _Wish) -> None:
        try:
            if not await self._is_wanted(wish):
                return
            async with asyncio.timeout(TIME_LIMIT_S):
                title = title_from(await self._reply(wish))
            if title and await self._is_wanted(wish):
                self._give(wish, title)
        except TimeoutError:
            self._complain(f"no reply within {TIME_LIMIT_S:g} s.")
        except ChatError as error:
            self._complain(error.message, error.hint)
        except Exception as error:  # noqa: BLE001 - a title is not worth a word about our own mistakes
            self._complain(f"chat-tui itself failed ({type(error).__name__}).")

    async def _is_wanted(self, wish: _Wish) -> bool:
        """Whether the conversation is still there under its first words: a person may have given it a title, in
        another window, too, or deleted it."""
        store = self._session.journal.store
        if store is None:
            return False
        try:
            stored = await store.load(wish.conversation.id)
        except ChatError:
            return False
        return not stored.is_title_own and stored.title == wish.first_words

    def _give(self, wish: _Wish, title: str) -> None:
        store, conversation_id = self._session.journal.store, wish.conversation.id
        for conversation in (wish.conversation, self._session.conversation):
            if conversation.id == conversation_id:  # it may have been left and opened again
                conversation.title = title
        if store is not None:
            store.rename(conversation_id, title, is_own=False)
        self._on_title()

    async def _reply(self, wish: _Wish) -> str:
        """The text the model replies with. Raises ChatError."""
        provider, name = self._session.other_registry.resolve(self._model)
        request = request_for(name, wish.question, wish.answer)
        text, fault = await _answer_of(provider, request)
        if fault is not None and fault.is_retryable and fault.kind is FaultKind.REQUEST:
            text, fault = await _answer_of(provider, request)  # the provider has learned what it must leave out
        if fault is not None:
            raise ChatError(fault.message, fault.hint)
        return text

    def _complain(self, what: str, hint: str = "") -> None:
        if not self._has_complained:
            self._has_complained = True
            model = clean_line(self._model, 80)
            self._on_trouble(f"No title from {model}: {what} {hint or '[titles] in the configuration names it.'}")


async def _answer_of(provider: Provider, request: ChatRequest) -> tuple[str, Fault | None]:
    """All text of one answer, without its reasoning; what ended it early."""
    text: list[str] = []
    length = 0
    async with aclosing(provider.stream(request)) as stream:
        async for arrival in stream:
            for event in arrival.events:
                if isinstance(event, Failed):
                    return "", event.fault
                if isinstance(event, TextDelta):
                    text.append(event.text)
                    length += len(event.text)
            if length > MAX_REPLY_CHARS:
                break
    return "".join(text), None


# -- copies ------------------------------------------------------------------------------------------


async def number_copy(session: ChatSession) -> bool:
    """Give the copy that was just made a number that no stored conversation has; whether it has changed."""
    conversation, store = session.conversation, session.journal.store
    title = conversation.title
    stem, number = _numbered(title)
    if store is None or not conversation.id or number == 1:
        return False
    try:
        hits = await store.search(stem, 500)
    except ChatError:
        return False
    others = [hit.row.title for hit in hits if hit.row.id != conversation.id]
    if title not in others or conversation.title != title:
        return False
    conversation.title = copy_title(stem, others)
    store.rename(conversation.id, conversation.title, is_own=conversation.is_title_own)
    return True
