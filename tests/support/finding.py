"""A search on the stage: asked for, waited for, and what of it can be seen."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style

from chat_tui.core.conversation import Conversation, Message, Part, Role, TextPart
from chat_tui.ui.theme import THEMES
from tests.support.answer_rows import COMPLETE
from tests.support.stage import Stage
from tests.support.waiting import wait_until

STYLES = THEMES["dark"].styles


def history(on: Stage, *turns: str | Sequence[Part]) -> tuple[Message, ...]:
    """Put a conversation on the stage: questions and answers by turns."""
    conversation: Conversation = on.session.conversation
    for number, turn in enumerate(turns):
        parts = (TextPart(turn),) if isinstance(turn, str) else tuple(turn)
        role = Role.ASSISTANT if number % 2 else Role.USER
        conversation.append(role, parts, ending=COMPLETE if number % 2 else None)
    on.chat.transcript.show_messages(conversation.path())
    return conversation.path()


def filler(word: str, count: int = 40) -> str:
    return "".join(f"{word} paragraph {number}.\n\n" for number in range(count))


async def find(on: Stage, words: str) -> None:
    """Ctrl+F and type."""
    await on.pilot.press("ctrl+f")
    await type_words(on, words)


async def type_words(on: Stage, words: str) -> None:
    await on.pilot.press(*("space" if character == " " else character for character in words))
    await found(on)


async def found(on: Stage) -> None:
    """Until everything is counted and painted."""
    await on.settle()
    await wait_until(lambda: not on.chat.is_finding, what="the end of the search")
    await on.settle()


def marked(on: Stage, style: Style) -> list[str]:
    """The texts in view that are highlighted so, from above."""
    texts: list[str] = []
    for strip in on.screen[1 : 1 + on.chat.transcript.size.height]:
        at = -1
        for text, own, _ in strip:
            if own is not None and own.bgcolor == style.bgcolor and own.color == style.color:
                if at == 0:
                    texts[-1] += text
                else:
                    texts.append(text)
                at = 0
            else:
                at = -1
    return texts


def here(on: Stage) -> list[str]:
    return marked(on, STYLES.match_here)


def others(on: Stage) -> list[str]:
    return marked(on, STYLES.match)


def count(on: Stage) -> str:
    return on.chat.find_bar.count
