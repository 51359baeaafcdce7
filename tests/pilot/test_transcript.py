"""The transcript on a real screen: it follows or stays, and what is painted is what is there."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from chat_tui.core.conversation import Message, Role, TextPart
from chat_tui.core.events import Connected, Finished, FinishReason, TextDelta, ToolArgumentsDelta, ToolCallStarted
from chat_tui.providers.demo_scripts import DEMOS
from chat_tui.ui.theme import THEMES
from tests.support.answer_rows import COMPLETE, row_of
from tests.support.fake_provider import FakeProvider
from tests.support.painted_rows import links_of, painted_rows, stale_rows
from tests.support.stage import Stage, stage
from tests.support.waiting import wait_until

BADGE = re.compile(r"↓ ([\d,]+) new lines?")


async def streaming(on: Stage, stop_at_s: float) -> None:
    on.clock.stop_at_s = stop_at_s
    await on.ask("Go on")
    await on.until_standing()


async def test_the_view_follows_the_end(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        await streaming(on, 3.0)
        transcript = on.chat.transcript
        for stop_at_s in (4.0, 5.0, 7.0):
            assert transcript.is_following
            assert transcript.scroll_offset.y == transcript.virtual_size.height - transcript.size.height
            assert stale_rows(on) == []
            on.clock.stop_at_s = stop_at_s
            await wait_until(lambda stop=stop_at_s: on.clock.elapsed_s > stop - 0.1)
            await on.until_standing()


async def test_a_reader_who_scrolled_up_is_left_alone(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        await streaming(on, 6.0)
        await on.pilot.press("pageup")
        await on.settle()
        before, bottom = on.rows[:-1], on.rows[-1]
        assert not on.chat.transcript.is_following
        assert not BADGE.search(bottom)
        on.clock.stop_at_s = 12.0
        await wait_until(lambda: on.clock.elapsed_s > 11.9)
        await on.until_standing()
        assert on.rows[:-1] == before
        assert stale_rows(on) == []
        found = BADGE.search(on.rows[-1])
        assert found is not None
        assert int(found[1]) > 10
        on.clock.stop_at_s = float("inf")
        await on.until_done()
        assert on.rows[:-1] == before
        assert not on.chat.transcript.is_following
        await on.pilot.press("ctrl+end")
        await on.settle()
        assert on.chat.transcript.is_following
        assert not BADGE.search(on.rows[-1])
        assert "[spec]: https://spec.commonmark.org" in on.text
        assert stale_rows(on) == []


async def test_the_badge_counts_the_new_lines(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        await streaming(on, 6.0)
        rows_before = on.chat.transcript.virtual_size.height
        await on.pilot.press("pageup")
        on.clock.stop_at_s = 9.0
        await wait_until(lambda: on.clock.elapsed_s > 8.9)
        await on.until_standing()
        found = BADGE.search(on.rows[-1])
        assert found is not None
        assert int(found[1]) == on.chat.transcript.virtual_size.height - rows_before


@pytest.mark.parametrize("back", ["end", "pagedown", "send"])
async def test_going_to_the_end_follows_again(tmp_path: Path, back: str) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        await on.ask("Go on")
        await on.until_done()
        await on.pilot.press("pageup")
        assert not on.chat.transcript.is_following
        if back == "end":
            await on.pilot.press("tab", "end")
        elif back == "pagedown":
            await on.pilot.press("pagedown", "pagedown")
        else:
            on.clock.stop_at_s = on.clock.elapsed_s + 0.6
            await on.ask("More")
            await on.until_standing()
        await on.settle()
        assert on.chat.transcript.is_following
        assert stale_rows(on) == []


async def test_nothing_moves_when_the_answer_ends(tmp_path: Path) -> None:
    text = "A paragraph.\n\n- one\n- two\n\nThe last words"
    gate_provider = FakeProvider(lambda: 0.0)
    gate = asyncio.Event()
    gate_provider.add([Connected(), TextDelta(text), gate, Finished(FinishReason.STOP)])
    async with stage("fake/one", tmp_path, provider=gate_provider) as on:
        await on.ask("Go on")
        await wait_until(lambda: "The last words" in on.text)
        await on.settle()
        before = on.rows
        gate.set()
        await on.until_done()
        assert [row.removesuffix("▍") for row in before] == on.rows


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (120, 36)])
async def test_what_is_painted_is_what_is_there_at_every_frame(tmp_path: Path, size: tuple[int, int]) -> None:
    async with stage("demo/markdown", tmp_path, size=size) as on:
        await streaming(on, 0.5)
        for step in range(1, 28):
            on.clock.stop_at_s = 0.5 + step * 0.37
            await wait_until(lambda: on.clock.elapsed_s + 0.04 > on.clock.stop_at_s)
            await on.until_standing()
            assert stale_rows(on) == [], step
        on.clock.stop_at_s = float("inf")
        await on.until_done()
        assert stale_rows(on) == []


async def test_links_that_are_only_known_at_the_end_are_painted_where_they_stand(tmp_path: Path) -> None:
    gate = asyncio.Event()
    provider = FakeProvider(lambda: 0.0)
    provider.add(
        [
            Connected(),
            TextDelta("See [the guide][g] first.\n\n" + "Words.\n\n" * 4),
            gate,
            TextDelta("[g]: https://guide.example\n\nThe end."),
            Finished(FinishReason.STOP),
        ]
    )
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await on.ask("Go on")
        await wait_until(lambda: "Words." in on.text)
        await on.settle()
        assert any("[the guide][g]" in row.text for row in painted_rows(on))
        gate.set()
        await on.until_done()
        assert stale_rows(on) == []
        assert "https://guide.example" in set().union(*map(links_of, painted_rows(on)))


async def test_a_tool_call_above_later_text_is_painted_as_it_grows(tmp_path: Path) -> None:
    gate = asyncio.Event()
    provider = FakeProvider(lambda: 0.0)
    provider.add(
        [
            Connected(),
            ToolCallStarted("1", "call-1", "search"),
            TextDelta("Meanwhile, some words.\n\nAnd more"),
            gate,
            ToolArgumentsDelta("1", '{"query": "tokens"}'),
            TextDelta(" of them."),
            Finished(FinishReason.STOP),
        ]
    )
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await on.ask("Go on")
        await wait_until(lambda: "And more" in on.text)
        await on.settle()
        painted_rows(on)
        gate.set()
        await on.until_done()
        assert stale_rows(on) == []
        assert '{"query": "tokens"}' in on.text


async def test_a_theme_paints_every_row_anew(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        await on.ask("Go on")
        await on.until_done()
        dark, words = [row_of(row) for row in painted_rows(on)], on.rows
        on.chat.choose_theme("light")
        await on.settle()
        light = [row_of(row) for row in painted_rows(on)]
        assert on.rows == words
        assert stale_rows(on) == []
        text_colours = {style.color for row in light for text, style in row if style and text.strip()}
        assert THEMES["light"].styles.text.color in text_colours
        assert THEMES["dark"].styles.text.color not in text_colours
        dark_grounds, light_grounds = (
            {style.bgcolor for row in rows for _, style in row if style} for rows in (dark, light)
        )
        assert not dark_grounds & light_grounds
        await on.pilot.press("f4", "f4")
        await on.settle()
        assert on.app.theme == "dark"
        assert [row_of(row) for row in painted_rows(on)] == dark


async def test_a_resize_keeps_the_text_at_the_top(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(100, 24)) as on:
        await on.ask("Go on")
        await on.until_done()
        on.chat.transcript.scroll_to(y=22, animate=False, immediate=True)
        await on.settle()
        top = next(row.split()[0] for row in on.rows if row.strip())
        for width in (61, 140, 100):
            await on.pilot.resize_terminal(width, 24)
            await on.settle()
            assert stale_rows(on) == []
            assert not BADGE.search(on.rows[-1])
            assert not on.chat.transcript.is_following
            assert any(top in row for row in on.rows[:3]), width
        await on.pilot.press("ctrl+end")
        await on.pilot.resize_terminal(60, 20)
        await on.settle()
        assert on.chat.transcript.is_following
        assert "[spec]: https://spec.commonmark.org" in on.text


async def test_a_resize_while_streaming_loses_nothing(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(100, 24)) as on:
        await streaming(on, 3.0)
        for width, stop_at_s in ((60, 5.0), (130, 7.0), (100, 8.0)):
            await on.pilot.resize_terminal(width, 30)
            on.clock.stop_at_s = stop_at_s
            await wait_until(lambda stop=stop_at_s: on.clock.elapsed_s > stop - 0.1)
            await on.until_standing()
            assert stale_rows(on) == []
        on.clock.stop_at_s = float("inf")
        await on.until_done()
        resized = on.all_rows
        assert on.answer == DEMOS["markdown"].answer
        tip = on.session.conversation.tip
        assert tip is not None
    async with stage("demo/markdown", tmp_path, size=(100, 30)) as on:
        await on.ask("Go on")
        await on.until_done()
        assert on.all_rows == resized


async def test_a_new_conversation_is_an_empty_screen(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path) as on:
        await streaming(on, 3.0)
        await on.pilot.press("ctrl+n")
        await on.settle()
        assert not on.session.is_running
        assert on.text.strip() == ""
        assert on.session.conversation.path() == ()
        assert stale_rows(on) == []
        on.clock.stop_at_s = float("inf")
        await on.ask("Again")
        await on.until_done()
        assert [m.text for m in on.requests[-1].messages] == ["Again"]


async def test_a_piece_is_revealed_at_the_top_or_just_in_view(tmp_path: Path) -> None:
    paragraphs = "".join(f"Paragraph {number}.\n\n" for number in range(40))
    messages = tuple(Message(n, Role.ASSISTANT, (TextPart(paragraphs),), ending=COMPLETE) for n in (1, 2, 3))
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        transcript = on.chat.transcript
        transcript.show_messages(messages)
        await on.settle()
        assert list(transcript.message_ids) == [1, 2, 3]
        assert len(transcript.pieces_of(2)) == 40
        assert len(transcript.pieces_of(99)) == 0
        assert [row.text for row in transcript.rows_of(2, 20)] == ["", "Paragraph 20."]
        transcript.reveal(2, 20, 1, align="top")
        await on.settle()
        assert on.rows[0].strip() == "Paragraph 20."
        assert not transcript.is_following
        assert stale_rows(on) == []
        before = on.rows
        transcript.reveal(2, 21, 1)
        await on.settle()
        assert on.rows == before
        transcript.reveal(2, 39, 1)
        await on.settle()
        assert on.rows[-1].strip() == "Paragraph 39."
        transcript.reveal(1)
        await on.settle()
        assert on.rows[1].strip() == "Paragraph 0."
        assert stale_rows(on) == []
        transcript.reveal(99)
        transcript.reveal(1, 99)
        transcript.reveal(3, 39, align="top")
        await on.settle()
        assert on.rows[-1].strip() == ""
        assert transcript.is_following
