"""Long answers that are stopped and gone on with: shown in slices, whole and in order."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chat_tui.core.block_page import PAGE_CHARS
from chat_tui.core.blocks import Block
from chat_tui.core.events import (
    Connected,
    ReasoningDelta,
    TextDelta,
)
from chat_tui.core.render_buffer import MAX_SLICE_CHARS
from chat_tui.core.splitter import BlockSplitter
from chat_tui.ui.widgets.piece_list import AT_ONCE_CHARS
from tests.support.fake_provider import FakeProvider, answer, failed
from tests.support.stage import Stage, stage
from tests.support.waiting import wait_until

LONG = "".join(f"Paragraph {number} of an answer that is long.\n\n" for number in range(4_000))
"""Some 180,000 characters."""


@pytest.fixture
def fed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How much was split in each call."""
    lengths: list[int] = []
    feed = BlockSplitter.feed

    def noting_feed(splitter: BlockSplitter, text: str) -> tuple[Block, ...]:
        lengths.append(len(text))
        return feed(splitter, text)

    monkeypatch.setattr(BlockSplitter, "feed", noting_feed)
    return lengths


async def long_answer_cut(on: Stage) -> None:
    await on.ask("Go")
    await on.until_done()
    await wait_until(lambda: not on.chat.painter.pending_chars and "connection lost" in on.text, 20)


async def drawn_again(on: Stage) -> list[str]:
    """The rows of the conversation as it is kept."""
    on.chat.transcript.show_messages(on.session.conversation.path())
    await on.settle()
    return on.all_rows


def show_slowly(on: Stage) -> None:
    """A frame every other minute: what waits to be shown goes on waiting, however slow the machine is."""
    on.chat.painter._max_fps = 0.01  # pyright: ignore[reportAttributeAccessIssue]


def show_usually(on: Stage) -> None:
    """As many frames as usual, from now on."""
    on.chat.painter._max_fps = 30
    on.chat.painter.hurry()


async def test_a_long_answer_is_continued_in_slices(tmp_path: Path, fed: list[int]) -> None:
    provider = FakeProvider(lambda: 0.0)
    provider.add([Connected(), ReasoningDelta("Long thoughts.\n\n" * 2_000), TextDelta(LONG + "The"), failed()])
    provider.add(answer(" new end."))
    async with stage("fake/one", tmp_path, provider=provider, size=(100, 30)) as on:
        await long_answer_cut(on)
        fed.clear()
        show_slowly(on)
        await on.pilot.press("tab", "c")
        await wait_until(lambda: not on.session.is_running)
        assert on.chat.painter.pending_chars > 100_000
        await on.pilot.press("h", "e", "y")
        assert on.chat.prompt.text == "hey"
        assert on.chat.painter.pending_chars
        show_usually(on)
        await wait_until(lambda: not on.chat.painter.pending_chars, 20)
        await on.settle()
        assert "The new end." in on.text
        chars = len("Long thoughts.\n\n") * 2_000 + len(LONG) + len("The new end.")
        assert chars <= sum(fed) <= chars + 4 * PAGE_CHARS  # what is looked at again
        assert max(fed) <= MAX_SLICE_CHARS
        rows = on.all_rows
        assert rows[3].startswith("▸ thought for ")
        assert rows == await drawn_again(on)


@pytest.mark.parametrize("is_stopped", [True, False])
async def test_stopping_and_continuing_in_the_middle_keeps_everything_in_order(
    tmp_path: Path, *, is_stopped: bool
) -> None:
    provider = FakeProvider(lambda: 0.0)
    provider.add([Connected(), TextDelta(LONG + "The"), failed()])
    provider.add([Connected(), TextDelta(" second"), asyncio.Event() if is_stopped else failed()])
    provider.add(answer(" third end."))
    async with stage("fake/one", tmp_path, provider=provider, size=(100, 30)) as on:
        await long_answer_cut(on)
        show_slowly(on)
        await on.pilot.press("tab", "c")
        await wait_until(lambda: on.answer.endswith(" second"))
        assert on.chat.painter.pending_chars
        if is_stopped:
            await on.pilot.press("escape")
        await wait_until(lambda: not on.session.is_running)
        assert on.chat.painter.pending_chars
        show_usually(on)
        await on.pilot.press("tab", "c")
        await on.until_done()
        await wait_until(lambda: not on.chat.painter.pending_chars, 20)
        await on.settle()
        tip = on.session.conversation.tip
        assert tip is not None
        assert tip.text == LONG + "The second third end."
        assert "The second third end." in on.text
        rows = on.all_rows
        assert rows == await drawn_again(on)


async def test_asking_on_while_much_waits_takes_no_time(tmp_path: Path, fed: list[int]) -> None:
    provider = FakeProvider(lambda: 0.0)
    provider.add(answer("First words.\n\n", LONG + "The end of it."))
    provider.add(answer("Next."))
    async with stage("fake/one", tmp_path, provider=provider, size=(100, 30)) as on:
        show_slowly(on)
        await on.ask("Go")
        await wait_until(lambda: not on.session.is_running)
        assert on.chat.painter.pending_chars > 100_000
        fed.clear()
        on.chat.ask("And then?")
        assert on.chat.painter.pending_chars == 0
        assert sum(fed) <= 2 * AT_ONCE_CHARS
        await wait_until(lambda: "Next." in on.text)
        await wait_until(lambda: not on.chat.transcript.is_idle_work_due, 20)
        await on.settle()
        assert max(fed) <= MAX_SLICE_CHARS
        assert "The end of it." in on.text
        assert on.text.index("The end of it.") < on.text.index("And then?") < on.text.index("Next.")
        rows = on.all_rows
        assert rows == await drawn_again(on)
