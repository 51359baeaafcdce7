"""The tree in hand: forks, undo, while an answer runs, and whatever is done in whatever order."""

from __future__ import annotations

import asyncio
import random
import re
from pathlib import Path

import pytest

from chat_tui.core.conversation import Role
from chat_tui.core.events import Connected, TextDelta
from tests.support.fake_provider import FakeProvider, answer, failed
from tests.support.stage import stage
from tests.support.turns import REFUSED, asked, pressed, saying
from tests.support.versions import long_text, marks, retried, shown
from tests.support.waiting import wait_until


async def test_a_fork_goes_on_elsewhere(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("One.", "Two.", "Three.")) as on:
        await asked(on, "First")
        await asked(on, "Second")
        original = on.session.conversation
        await pressed(on, "tab", "k", "k", "f")
        assert "Forked" in on.status
        assert on.chat.prompt.has_focus
        assert shown(on) == ["First", "One."]
        assert "Second" not in on.text
        assert on.session.conversation is not original
        await asked(on, "Elsewhere")
        assert shown(on) == ["First", "One.", "Elsewhere", "Three."]
        assert [m.text for m in original.path()] == ["First", "One.", "Second", "Two."]
        await on.ask("/undo")
        await on.settle()
        assert on.session.conversation is original
        assert "Two." in on.text
        assert "Taken back: the copy." in on.status


async def test_undo_takes_back_step_by_step(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("One.", "Two.", "Three.")) as on:
        await pressed(on, "tab", "u")
        assert "There is nothing to undo." in on.status
        await pressed(on, "tab")
        await asked(on, "First")
        await retried(on)
        await pressed(on, "tab", "k", "e")
        on.chat.prompt.put("First, better")
        await pressed(on, "enter")
        await on.until_done()
        await pressed(on, "tab", "k", "[")
        assert shown(on) == ["First", "Two."]
        for words, path in (
            ("showing the other version", ["First, better", "Three."]),
            ("going back to that question", ["First", "Two."]),
            ("the new answer", ["First", "One."]),
        ):
            await pressed(on, "u")
            assert f"Taken back: {words}." in on.status
            assert shown(on) == path
            assert [row.strip(" ▌▎") for row in on.rows if row.strip(" ▌▎") in path] == path
        assert marks(on) == [("1/2", "First"), ("1/2", "One.")]


async def test_while_an_answer_runs_the_keys_say_so(tmp_path: Path) -> None:
    gate = asyncio.Event()
    provider = saying("One.")
    provider.add([Connected(), TextDelta("Half"), gate, *answer(" done.")[1:]])
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await asked(on, "First")
        await pressed(on, "tab", "r")
        await wait_until(lambda: "Half" in on.text)
        path = on.session.conversation.path()
        for name in ("retry", "continue_answer", "edit", "version_before", "version_after", "fork", "undo_change"):
            on.chat.unsay()
            await on.chat.run_action(name)
            assert "An answer is still running. Esc stops it." in on.status, name
        assert on.session.conversation.path() == path
        gate.set()
        await on.until_done()
        assert shown(on) == ["First", "Half done."]


async def test_an_answer_is_copied_with_its_question_only(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("One.", "Two.")) as on:
        await asked(on, "First")
        await on.ask("/fork")
        await on.settle()
        assert [m.role for m in on.session.conversation.path()] == [Role.USER, Role.ASSISTANT]
        await asked(on, "Next")
        assert [m.text for m in on.requests[-1].messages] == ["First", "One.", "Next"]


async def test_a_retry_that_nothing_came_of_need_not_be_undone(tmp_path: Path) -> None:
    provider = saying("First.", "Second.")
    provider.add([failed(REFUSED)])
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await asked(on)
        await retried(on)
        await retried(on)
        assert shown(on) == ["Why?", "Second."]
        await pressed(on, "tab", "u")
        assert shown(on) == ["Why?", "First."]
        assert marks(on) == [("1/2", "First.")]
        await pressed(on, "u")
        assert "There is nothing to undo." in on.status


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_done_the_screen_shows_the_path_and_nothing_is_lost(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    provider = FakeProvider(lambda: 1000.0)
    said: set[str] = set()
    for number in range(80):
        text = long_text(f"answer {number}", chance.choice((1, 1, 30)))
        provider.add(chance.choice((answer(text), answer(text), [failed(REFUSED)], [Connected(), failed()])))
    async with stage("fake/one", tmp_path, provider=provider, size=(60, 20)) as on:
        chat, transcript = on.chat, on.chat.transcript
        known = on.session.conversation
        for number in range(60):
            act = chance.choice(("ask", "retry", "edit", "give up", "rewrite", "[", "]", "[", "u", "f", "k", "k"))
            if act == "ask":
                chat.prompt.focus()
                await asked(on, f"question {number}")
            else:
                transcript.focus()
                await pressed(on, {"retry": "r", "edit": "e", "give up": "e", "rewrite": "e"}.get(act, act))
                if chat.is_editing and act != "give up":
                    chat.prompt.put(f"{chat.prompt.text} edited {number}")
                    await pressed(on, "enter")
                if on.session.is_running or act == "retry":
                    await wait_until(lambda: not on.session.is_running, what=act)
                    await on.settle()
            if chat.is_editing:
                await pressed(on, "escape")
            chat.prompt.put("")
            path = on.session.conversation.path()
            assert not chat.is_editing
            assert list(transcript.message_ids) == [message.id for message in path], act
            if on.session.conversation is known:
                now = {message.text for message in known.messages if message.text}
                assert said <= now, act
                said = now
            else:
                known = on.session.conversation
                said = {message.text for message in known.messages if message.text}
            first = {message.id: message.text.split("\n")[0] for message in path}
            for mark, row in marks(on):
                shown_ids = [key for key, (at, of) in known.versions().items() if f"{at}/{of}" == mark]
                assert any(first[key][:20] == row[:20] for key in shown_ids), (act, mark, row)


async def test_from_the_palette_the_message_under_the_cursor_is_meant(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("One.", "Two.")) as on:
        await asked(on, "First")
        await asked(on, "Second")
        await pressed(on, "tab", "k", "k", "ctrl+p", *"fork")
        await wait_until(
            lambda: re.search(r"^\W*Fork +f  /fork$", on.screen_text, re.MULTILINE), what="the palette"
        )
        await on.pilot.press("enter")
        await wait_until(lambda: shown(on) == ["First", "One."], what="the fork")
