"""A server takes back what it said: the answer is shown from its new beginning, the rest with the thoughts."""

from __future__ import annotations

import asyncio
from pathlib import Path

from chat_tui.core.events import Connected, Finished, FinishReason, StepMarked, TextDelta
from tests.support.fake_provider import FakeProvider, answer, failed
from tests.support.stage import Stage, stage
from tests.support.turns import asked
from tests.support.waiting import wait_until

RESET = StepMarked("reset")
STOP = Finished(FinishReason.STOP)


def shown(on: Stage) -> str:
    return " ".join("\n".join(on.all_rows).split())


def without_fold(rows: list[str]) -> list[str]:
    """The fold's line says for how long, which a message that was never thought about does not know."""
    return [row for row in rows if "thought" not in row]


async def test_the_answer_is_shown_from_its_new_beginning(tmp_path: Path) -> None:
    provider, gate, end = FakeProvider(lambda: 1000.0), asyncio.Event(), asyncio.Event()
    provider.add(
        [
            Connected(),
            TextDelta("First try, and **wrong"),
            gate,
            RESET,
            TextDelta("Second "),
            end,
            TextDelta("try."),
            STOP,
        ]
    )
    provider.scripts[0].append(STOP)
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await on.ask("Why?")
        await wait_until(lambda: "wrong" in on.text)
        gate.set()
        await wait_until(lambda: "Second" in on.text)
        end.set()
        await on.until_done()
        assert "Second try." in on.text
        assert "First try" not in on.text
        await on.pilot.press("ctrl+t")
        await on.settle()
        assert "First try, and **wrong" in shown(on)
        as_it_grew = without_fold(on.all_rows)
        on.chat.transcript.show_messages(on.session.conversation.path(), is_fold_open=True)
        assert without_fold(on.all_rows) == as_it_grew


async def test_a_continued_answer_keeps_what_it_had(tmp_path: Path) -> None:
    provider = FakeProvider(lambda: 1000.0)
    provider.add([Connected(), TextDelta("It begins "), failed()])
    provider.add([Connected(), TextDelta("badly"), RESET, TextDelta("well."), STOP])
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await asked(on)
        await on.pilot.press("tab", "c")
        await on.until_done()
        assert shown(on).startswith("Why? It begins")
        assert shown(on).endswith("well.")
        assert "badly" not in on.text
        provider.add(answer("More."))
        await asked(on, "And?")
        assert shown(on).index("well.") < shown(on).index("And?") < shown(on).index("More.")


async def test_what_is_taken_back_at_the_very_end_is_gone_from_the_answer(tmp_path: Path) -> None:
    provider = FakeProvider(lambda: 1000.0)
    provider.add([Connected(), TextDelta("Wrong."), RESET, failed()])
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await asked(on)
        assert "Wrong." not in on.text
        assert "╌╌ connection lost" in on.text
        tip = on.session.conversation.tip
        assert tip is not None
        assert (tip.text, tip.reasoning) == ("", "Wrong.")
