"""Versions of a message: the mark that tells of them, and walking through them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.app import App
from textual.events import MouseMove

from chat_tui.core.events import Connected, FinishReason, TextDelta
from tests.support.fake_provider import answer, failed
from tests.support.stage import Stage, stage
from tests.support.turns import REFUSED, asked, pressed, saying
from tests.support.versions import MARK, long_text, marks, retried, shown
from tests.support.waiting import wait_until


def line_of(on: Stage, text: str) -> int:
    return next(y for y, row in enumerate(on.rows) if text in row)


# -- the mark ------------------------------------------------------------------------------------


async def test_a_retry_gets_a_mark_above_it_and_moves_nothing(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("First.", "Second.")) as on:
        await asked(on)
        assert marks(on) == []
        before = on.rows
        await retried(on)
        assert marks(on) == [("2/2", "Second.")]
        assert [MARK.sub("", row).rstrip() for row in on.rows] == [
            row.replace("First.", "Second.") for row in before
        ]


@pytest.mark.parametrize("size", [(60, 20), (120, 36), (200, 60)])
async def test_the_mark_ends_where_the_measure_does(tmp_path: Path, size: tuple[int, int]) -> None:
    async with stage("fake/one", tmp_path, provider=saying("First.", "Second."), size=size) as on:
        await asked(on)
        await retried(on)
        row = next(row for row in on.rows if MARK.search(row))
        assert len(row) == min(size[0] - 2, 102)


async def test_the_mark_is_no_part_of_any_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copies: list[str] = []

    def copy(_: App[None], text: str) -> None:
        copies.append(text)

    monkeypatch.setattr(App, "copy_to_clipboard", copy)
    async with stage("fake/one", tmp_path, provider=saying("First.", "Second.")) as on:
        await asked(on)
        await retried(on)
        assert not any("2/2" in row for row in on.all_rows)
        top = line_of(on, "Why?")
        x, y = 30, on.chat.transcript.region.y + line_of(on, "Second.")
        await on.pilot.mouse_down("#transcript", offset=(2, top))
        on.chat.transcript.post_message(
            MouseMove(None, x, y, 0, 0, 1, shift=False, meta=False, ctrl=False, screen_x=x, screen_y=y)
        )
        await on.pilot.mouse_up("#transcript", offset=(x, y - on.chat.transcript.region.y))
        await on.settle()
        assert marks(on) == [("2/2", "Second.")]
        await on.pilot.press("ctrl+c")
        await wait_until(lambda: bool(copies), what="the copy")
        assert copies == ["Why?\n\nSecond."]
        await on.pilot.press("ctrl+f", *"2/2")
        await wait_until(lambda: not on.chat.is_finding)
        assert on.chat.search.total == 0
        assert marks(on) == [("2/2", "Second.")]


async def test_rows_painted_at_once_are_those_painted_one_by_one(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("One.", "Two.", "Three."), size=(60, 20)) as on:
        await asked(on)
        await retried(on)
        await asked(on, "And?")
        transcript = on.chat.transcript
        lines = transcript._lines()
        assert lines == [transcript.render_line(y) for y in range(transcript.size.height)]
        assert sum(bool(MARK.search(line.text.rstrip())) for line in lines) == 1
        again = transcript._lines()
        assert all(new is old for new, old in zip(again, lines, strict=True)), "or every frame writes it anew"


async def test_the_mark_stands_from_the_first_token_on(tmp_path: Path) -> None:
    gate = asyncio.Event()
    provider = saying("First.")
    provider.add([Connected(), TextDelta("Half"), gate, *answer(" done.")[1:]])
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await asked(on)
        await pressed(on, "tab", "r")
        await wait_until(lambda: marks(on) == [("2/2", "Half▍")], what="the mark")
        gate.set()
        await on.until_done()
        assert marks(on) == [("2/2", "Half done.")]


async def test_a_retry_that_nothing_came_of_is_no_version(tmp_path: Path) -> None:
    provider = saying("First.")
    provider.add([failed(REFUSED)])
    provider.add(answer("Second."))
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await asked(on)
        await retried(on)
        assert "First." in on.text
        assert marks(on) == []
        await retried(on)
        assert marks(on) == [("2/2", "Second.")]


async def test_an_answer_that_is_nothing_but_its_end_has_its_mark_too(tmp_path: Path) -> None:
    provider = saying("First.")
    provider.add(answer(reason=FinishReason.CONTENT_FILTER))
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await asked(on)
        await retried(on)
        found = marks(on)
        assert [version for version, _ in found] == ["2/2"]
        assert "ended by a content filter" in found[0][1]


# -- walking through versions ----------------------------------------------------------------------


async def test_versions_of_an_answer_are_walked_through(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("First.", "Second.", "Third.")) as on:
        await asked(on)
        await retried(on)
        await retried(on)
        assert marks(on) == [("3/3", "Third.")]
        on.chat.transcript.focus()
        await pressed(on, "[")
        assert marks(on) == [("2/3", "Second.")]
        assert "Version 2 of 3" in on.status
        await pressed(on, "[")
        assert marks(on) == [("1/3", "First.")]
        assert on.text.count("First.") == 1
        assert "Third." not in on.text
        await pressed(on, "[")
        assert "There is no other version in that direction." in on.status
        await pressed(on, "]", "]")
        assert marks(on) == [("3/3", "Third.")]
        await pressed(on, "k", "[")
        assert "There is only this version." in on.status
        assert on.chat.transcript.has_focus


async def test_another_version_of_a_question_brings_what_came_after_it(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("One.", "Two.", "Three.")) as on:
        await asked(on, "Early")
        await asked(on, "Late")
        await pressed(on, "tab", "k", "k", "k", "e")
        assert on.chat.prompt.text == "Early"
        on.chat.prompt.put("Early, better")
        await pressed(on, "enter")
        await on.until_done()
        assert shown(on) == ["Early, better", "Three."]
        assert marks(on) == [("2/2", "Early, better")]
        await pressed(on, "tab", "k", "[")
        assert shown(on) == ["Early", "One.", "Late", "Two."]
        assert marks(on) == [("1/2", "Early")]
        assert "Two." in on.text
        assert on.chat.transcript.marked_id == on.session.conversation.path()[0].id


async def test_the_message_stays_where_it_is(tmp_path: Path) -> None:
    provider = saying("Before.", long_text("old", 30), long_text("new", 40))
    async with stage("fake/one", tmp_path, provider=provider, size=(80, 24)) as on:
        await asked(on)
        await asked(on, "Really?")
        await retried(on)
        transcript = on.chat.transcript
        newest = on.session.conversation.path()[-1].id
        transcript.focus()
        transcript.reveal(newest, align="top")
        transcript.scroll_relative(y=-3, animate=False, immediate=True)
        await on.settle()
        line = line_of(on, "new paragraph 0")
        assert line == 4
        for key, name in (("[", "old"), ("]", "new"), ("[", "old")):
            await pressed(on, key)
            assert line_of(on, f"{name} paragraph 0") == line
            assert not transcript.is_following
        transcript.reveal(transcript.message_ids[-1], 12, align="top")
        await pressed(on, "]")
        assert marks(on) == [("2/2", "new paragraph 0")]
        assert line_of(on, "new paragraph 0") == 1, "what began above the view begins at its top"


async def test_a_click_on_the_mark_shows_the_other_version(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("First.", "Second.")) as on:
        await asked(on)
        await retried(on)
        y = next(y for y, row in enumerate(on.rows) if MARK.search(row))
        row = on.rows[y]
        await on.pilot.click("#transcript", offset=(row.index("["), y))
        await on.settle()
        assert marks(on) == [("1/2", "First.")]
        await on.pilot.click("#transcript", offset=(row.index("]"), y))
        await on.settle()
        assert marks(on) == [("2/2", "Second.")]


async def test_without_a_cursor_the_last_message_that_has_versions_is_meant(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("First.", "Second.", "Third.")) as on:
        await asked(on)
        await retried(on)
        await asked(on, "And?")
        await on.chat.run_action("version_before")
        await on.settle()
        assert shown(on) == ["Why?", "First."]
        await on.chat.run_action("version_after")
        assert shown(on) == ["Why?", "Second.", "And?", "Third."]


async def test_a_search_goes_on_through_versions(tmp_path: Path) -> None:
    provider = saying(long_text("needle old", 12), long_text("needle new", 3))
    async with stage("fake/one", tmp_path, provider=provider, size=(60, 20)) as on:
        await asked(on)
        await retried(on)
        await on.pilot.press("ctrl+f", *"needle", "enter")
        await wait_until(lambda: on.chat.search.is_counted, what="the count")
        assert on.chat.search.total == 3
        await on.pilot.press("[")
        await wait_until(lambda: on.chat.search.is_counted and on.chat.search.total == 12, what="the other count")
        await on.pilot.press("n", "n", "ctrl+f", *" old")
        await wait_until(lambda: on.chat.search.is_counted and not on.chat.is_finding, what="the longer words")
        await on.settle()
        assert on.chat.search.hit is not None
        assert on.chat.search.total == 12
        await pressed(on, "escape", "tab", "]")
        assert "needle new paragraph 0" in on.text
        assert not on.chat.is_editing
