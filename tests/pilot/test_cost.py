"""What an answer took, on the screen: in its details, at its seam, in the status bar where there is room."""

from __future__ import annotations

from pathlib import Path

import pytest

from chat_tui.config.model import Config, PriceConfig
from chat_tui.core.events import Connected, Finished, FinishReason, TextDelta, Usage, UsageReported
from chat_tui.ui.screens.answer_details import AnswerDetailsScreen
from chat_tui.ui.screens.details import DetailsScreen
from tests.support.fake_provider import CUT, FakeProvider, failed
from tests.support.stage import Stage, stage
from tests.support.turns import REFUSED, asked, pressed
from tests.support.waiting import wait_until

USAGE = Usage(input_tokens=1000, output_tokens=80, reasoning_tokens=30, cached_tokens=400)
PRICED = Config(prices={"fake/one": PriceConfig(input=1.0, output=10.0, cached=0.5)})
WIDE = (170, 40)


def counting(*ends: object) -> FakeProvider:
    """Answers that are counted, each with that end."""
    provider = FakeProvider(lambda: 1000.0)
    for end in ends:
        provider.add([Connected(), TextDelta("Good day."), UsageReported(USAGE), end])  # pyright: ignore[reportArgumentType] - an event
    return provider


def words(on: Stage) -> str:
    return " ".join(on.screen_text.split())


async def test_d_tells_what_the_last_answer_took(tmp_path: Path) -> None:
    async with stage(
        "fake/one", tmp_path, config=PRICED, provider=counting(Finished(FinishReason.STOP)), size=WIDE
    ) as on:
        await asked(on)
        assert "$0.0016" in on.status
        await pressed(on, "tab", "d")
        await wait_until(lambda: isinstance(on.app.screen, AnswerDetailsScreen))
        for part in (
            "model fake/one",
            "tokens in 1,000, 400 of them cached",
            "tokens out 80, 30 of them reasoning",
            "cost $0.0016 (your price)",
        ):
            assert part in words(on)
        panel = on.app.screen.query_one(".panel").region
        assert (panel.x, panel.y) == ((WIDE[0] - panel.width) // 2, (WIDE[1] - panel.height) // 2)
        await pressed(on, "y")
        await wait_until(lambda: on.app.screen is on.chat)
        assert "cost: $0.0016 (your price)\n" in on.app.clipboard


@pytest.mark.parametrize("command", ["/cost", "/tokens", "/details"])
async def test_a_command_tells_it_too(tmp_path: Path, command: str) -> None:
    async with stage("fake/one", tmp_path, config=PRICED, provider=counting(Finished(FinishReason.STOP))) as on:
        await asked(on)
        await on.ask(command)
        await wait_until(lambda: isinstance(on.app.screen, AnswerDetailsScreen))


async def test_where_nobody_knows_a_price_no_money_is_spoken_of(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=counting(Finished(FinishReason.STOP)), size=WIDE) as on:
        await asked(on)
        await pressed(on, "tab", "d")
        await wait_until(lambda: isinstance(on.app.screen, AnswerDetailsScreen))
        assert "tokens in 1,000" in words(on)
        assert "$" not in on.screen_text


async def test_a_cut_answer_says_it_at_its_seam_and_beside_its_fault(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, config=PRICED, provider=counting(failed(CUT)), size=WIDE) as on:
        await asked(on)
        assert "80 tok kept · ≈$0.0016 ╌╌" in on.text
        await pressed(on, "tab", "d")
        await wait_until(lambda: isinstance(on.app.screen, DetailsScreen))
        assert "The server closed the connection." in words(on)
        assert "cost ≈$0.0016 (your price)" in words(on)


async def test_a_request_that_brought_no_answer_is_told_of_before_the_answer_above_it(tmp_path: Path) -> None:
    provider = counting(Finished(FinishReason.STOP))
    provider.add([failed(REFUSED)])
    async with stage("fake/one", tmp_path, config=PRICED, provider=provider, size=WIDE) as on:
        await asked(on)
        await asked(on, "And now?")
        await pressed(on, "tab", "d")
        await wait_until(lambda: isinstance(on.app.screen, DetailsScreen))
        assert "MINE_API_KEY" in words(on)
        assert "cost" not in words(on)


@pytest.mark.parametrize(
    ("width", "is_shown"), [(60, False), (80, False), (99, False), (100, True), (120, False), (130, True)]
)
async def test_the_status_bar_has_it_only_where_nothing_else_needs_the_room(
    tmp_path: Path, width: int, is_shown: bool
) -> None:
    provider = counting(Finished(FinishReason.STOP))
    async with stage("fake/one", tmp_path, config=PRICED, provider=provider, size=(width, 30)) as on:
        await asked(on)
        assert ("$0.0016" in on.status) is is_shown
        assert "done" in on.status


async def test_a_conversation_adds_up_and_another_one_begins_anew(tmp_path: Path) -> None:
    provider = counting(Finished(FinishReason.STOP), Finished(FinishReason.STOP))
    async with stage("fake/one", tmp_path, config=PRICED, provider=provider, size=WIDE) as on:
        await asked(on)
        await asked(on, "And?")
        assert "$0.0032" in on.status
        await pressed(on, "tab", "d")
        await wait_until(lambda: isinstance(on.app.screen, AnswerDetailsScreen))
        for part in (
            "all answers 2 in this conversation",
            "tokens in 2,000, 800 of them cached",
            "tokens out 160, 60 of them reasoning",
            "cost $0.0032 (your price)",
        ):
            assert part in words(on)
        await pressed(on, "escape", "ctrl+n")
        assert "$" not in on.status
        await pressed(on, "d")
        assert on.app.screen is on.chat
