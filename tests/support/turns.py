"""Turns of a chat on the stage: a model that has its answers ready, questions asked, keys pressed."""

from __future__ import annotations

from chat_tui.core.errors import Fault, FaultKind
from tests.support.fake_provider import FakeProvider, answer
from tests.support.stage import Stage

REFUSED = Fault(
    FaultKind.AUTH, "401", "401 from a.test: the key in MINE_API_KEY was refused.", "Check it.", status=401
)


def saying(*texts: str) -> FakeProvider:
    """Gives these answers, one after the other."""
    provider = FakeProvider(lambda: 1000.0)
    for text in texts:
        provider.add(answer(text))
    return provider


async def asked(on: Stage, question: str = "Why?") -> None:
    await on.ask(question)
    await on.until_done()


async def pressed(on: Stage, *keys: str) -> None:
    await on.pilot.press(*keys)
    await on.settle()
