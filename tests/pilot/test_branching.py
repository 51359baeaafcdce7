"""The tree in hand: versions and their mark, edits that can be given up, rewritten answers, copies, undo."""

from __future__ import annotations

import asyncio
import random
import re
from pathlib import Path

import pytest
from textual.app import App
from textual.events import MouseMove

from chat_tui.core.conversation import Outcome, Role
from chat_tui.core.errors import Fault, FaultKind
from chat_tui.core.events import Connected, FinishReason, TextDelta
from chat_tui.ui.screens.branching import MAX_REWRITE_CHARS
from tests.support.fake_provider import FakeProvider, answer, failed
from tests.support.stage import Stage, stage
from tests.support.waiting import wait_until

MARK = re.compile(r"\[ (\d+/\d+) \]$")
REFUSED = Fault(
    FaultKind.AUTH, "401", "401 from a.test: the key in MINE_API_KEY was refused.", "Check it.", status=401
)


def saying(*texts: str) -> FakeProvider:
    """Gives these answers, one after the other."""
    provider = FakeProvider(lambda: 1000.0)
    for text in texts:
        provider.add(answer(text))
    return provider


def long_text(name: str, count: int) -> str:
    return "\n\n".join(f"{name} paragraph {number}" for number in range(count))


async def asked(on: Stage, question: str = "Why?") -> None:
    await on.ask(question)
    await on.until_done()


async def pressed(on: Stage, *keys: str) -> None:
    await on.pilot.press(*keys)
    await on.settle()


async def retried(on: Stage) -> None:
    on.chat.transcript.focus()
    await on.pilot.press("r")
    await on.until_done()


def shown(on: Stage) -> list[str]:
    """The texts of the path that is shown."""
    return [message.text for message in on.session.conversation.path()]


def marks(on: Stage) -> list[tuple[str, str]]:
    """Every mark in view, and the row below it."""
    rows = on.rows
    found = [(y, MARK.search(row)) for y, row in enumerate(rows)]
    return [(mark[1], rows[y + 1].strip(" ▌▎")) for y, mark in found if mark is not None]


def line_of(on: Stage, text: str) -> int:
    return next(y for y, row in enumerate(on.rows) if text in row)


def title_of_composer(on: Stage) -> str:
    return str(on.chat.prompt.border_title or "")


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


# -- editing ---------------------------------------------------------------------------------------


async def test_an_edit_that_is_given_up_has_changed_nothing(tmp_path: Path) -> None:
    provider = saying("One.", long_text("two", 30))
    async with stage("fake/one", tmp_path, provider=provider, size=(80, 24)) as on:
        await asked(on, "Early")
        await asked(on, "Late")
        on.chat.prompt.put("a draft")
        await pressed(on, "pageup", "tab")
        before, path, status = on.rows, on.session.conversation.path(), on.chat.transcript.is_following
        await pressed(on, "k", "k", "k")
        on.chat.transcript.reveal(path[-1].id, 3, align="top")
        await on.settle()
        before = on.rows
        await pressed(on, "e")
        assert on.chat.prompt.text == "Early"
        assert on.chat.prompt.has_focus
        assert title_of_composer(on).startswith("Editing your question")
        assert on.text.strip() == ""
        assert "Esc back" in on.status
        on.chat.prompt.put("Something else")
        await pressed(on, "escape")
        assert on.rows == before
        assert on.chat.transcript.is_following is status
        assert on.chat.prompt.text == "a draft"
        assert title_of_composer(on) == ""
        assert on.session.conversation.path() == path
        assert len(on.session.conversation) == 4
        await pressed(on, "ctrl+z")
        assert on.chat.prompt.text == "Something else", "what was typed in the edit can be brought back"


async def test_an_edited_question_is_asked_beside_the_old_one_and_the_draft_comes_back(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("One.", "Two.")) as on:
        await asked(on, "Old words")
        on.chat.prompt.put("for later")
        await pressed(on, "tab", "k", "e")
        assert on.chat.prompt.text == "Old words"
        on.chat.prompt.put("New words")
        await pressed(on, "enter")
        await on.until_done()
        assert shown(on) == ["New words", "Two."]
        assert on.chat.prompt.text == "for later"
        assert title_of_composer(on) == ""
        assert "Old words" not in on.text
        assert [m.text for m in on.session.conversation.siblings(on.session.conversation.path()[0].id)] == [
            "Old words",
            "New words",
        ]


async def test_an_edited_question_that_fails_is_edited_again_and_nothing_is_lost(tmp_path: Path) -> None:
    provider = saying("One.", "Two.")
    provider.add([failed(REFUSED)])
    provider.add(answer("Three."))
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await asked(on, "First")
        await asked(on, "Second")
        on.chat.prompt.put("for later")
        await pressed(on, "tab", "k", "k", "k", "e")
        on.chat.prompt.put("First, better")
        await pressed(on, "enter")
        await on.until_done()
        assert on.chat.prompt.text == "First, better"
        assert title_of_composer(on).startswith("Editing your question")
        assert "MINE_API_KEY was refused" in on.text
        assert shown(on) == ["First", "One.", "Second", "Two."]
        await on.chat.run_action("details")
        await wait_until(lambda: on.app.screen is not on.chat, what="the details are still there")
        await pressed(on, "escape")
        await pressed(on, "escape")
        assert marks(on) == []
        assert [row.strip(" ▌") for row in on.rows if row.strip(" ▌")][:4] == ["First", "One.", "Second", "Two."]
        assert on.chat.prompt.text == "for later"
        await pressed(on, "tab", "k", "k", "k", "e", "enter")
        await on.until_done()
        assert shown(on) == ["First", "Three."]
        assert marks(on) == [("2/2", "First")], "the failed one is none"


async def test_an_edited_question_that_cannot_be_asked_stays_in_the_composer(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("One.")) as on:
        await asked(on, "First")
        await pressed(on, "tab", "k", "e")
        on.session.model_id = "gone/model"
        on.chat.prompt.put("Better")
        await pressed(on, "enter")
        assert on.chat.prompt.text == "Better"
        assert on.chat.is_editing
        assert shown(on) == ["First", "One."]
        await pressed(on, "escape")
        assert "One." in on.text


async def test_the_models_words_are_rewritten_and_gone_on_from(tmp_path: Path) -> None:
    provider = saying("The sky is red", " and white.")
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await asked(on, "What is it?")
        on.chat.prompt.put("for later")
        await pressed(on, "tab", "e")
        assert on.chat.prompt.text == "The sky is red"
        assert title_of_composer(on).startswith("Rewriting the answer")
        assert "The sky" not in on.text
        assert "What is it?" in on.text
        on.chat.prompt.put("The sky is blue")
        await pressed(on, "enter")
        first, rewritten = on.session.conversation.siblings(on.session.conversation.path()[-1].id)
        assert (first.text, rewritten.text) == ("The sky is red", "The sky is blue")
        assert rewritten.ending is not None
        assert rewritten.ending.outcome is Outcome.STOPPED
        assert marks(on) == [("2/2", "The sky is blue")]
        assert "╌╌ rewritten by you ╌" in on.text
        assert on.chat.prompt.text == "for later"
        assert on.chat.transcript.has_focus
        await pressed(on, "c")
        await on.until_done()
        assert shown(on) == ["What is it?", "The sky is blue and white."]
        assert "rewritten by you" not in on.text
        assert marks(on) == [("2/2", "The sky is blue and white.")]
        assert "The sky is blue" in on.requests[-1].messages[1].text
        on.chat.prompt.put("")
        on.chat.prompt.focus()
        await pressed(on, "up")
        assert on.chat.prompt.text == "What is it?", "the model's words are no prompts"


async def test_an_answer_left_as_it_was_is_no_version(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("/help is a command.")) as on:
        await asked(on)
        before = on.rows
        await pressed(on, "tab", "e", "enter")
        assert on.rows == before
        assert len(on.session.conversation) == 2
        assert "Nothing was changed." in on.status


async def test_what_looks_like_a_command_is_edited_as_text(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("/help is a command.", "Two.")) as on:
        await asked(on)
        await pressed(on, "tab", "e")
        on.chat.prompt.put(on.chat.prompt.text + " Yes.")
        await pressed(on, "enter")
        assert shown(on) == ["Why?", "/help is a command. Yes."]


async def test_while_something_is_edited_the_other_keys_say_so(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("One.", "Two.")) as on:
        await asked(on, "First")
        await asked(on, "Second")
        await pressed(on, "tab", "k", "e")
        on.chat.prompt.put("changed")
        for name in ("retry", "continue_answer", "edit", "version_before", "version_after", "fork"):
            on.chat.unsay()
            await on.chat.run_action(name)
            assert "Enter sends what is edited, Esc gives it up." in on.status, name
        assert on.chat.prompt.text == "changed"
        await pressed(on, "tab", "escape")
        assert on.chat.prompt.has_focus
        assert on.chat.is_editing, "the first Esc only goes back to the composer"
        await on.ask("/undo")
        await on.settle()
        assert not on.chat.is_editing
        assert shown(on) == ["First", "One.", "Second", "Two."]
        assert "Two." in on.text


async def test_leaving_an_edit_keeps_what_was_typed(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("One.")) as on:
        await asked(on, "First")
        on.chat.prompt.put("a draft")
        await pressed(on, "tab", "k", "e")
        assert on.chat.unsent == "a draft", "an edit that changed nothing is nothing to keep"
        on.chat.prompt.put("changed")
        assert on.chat.unsent == "changed\na draft"
        await pressed(on, "ctrl+n")
        assert not on.chat.is_editing
        assert on.chat.prompt.text == "changed\na draft"
        assert on.text.strip() == ""
        assert on.chat.unsent == "changed\na draft"


async def test_ctrl_c_gives_an_edit_up(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("One.")) as on:
        await asked(on, "First")
        on.chat.prompt.put("a draft")
        await pressed(on, "tab", "k", "e", "ctrl+c")
        await wait_until(lambda: on.chat.prompt.text == "a draft")
        assert "One." in on.text


# -- Esc twice -------------------------------------------------------------------------------------


async def test_esc_twice_edits_the_last_question(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("One.", "Two.")) as on:
        await pressed(on, "escape", "escape")
        assert not on.chat.is_editing
        await asked(on, "First")
        await asked(on, "Second")
        await pressed(on, "escape")
        assert "Esc again edits the last question." in on.status
        await pressed(on, "escape")
        assert on.chat.prompt.text == "Second"
        assert on.chat.is_editing
        assert "Two." not in on.text
        await pressed(on, "escape")
        assert "Two." in on.text
        assert on.chat.prompt.text == ""


async def test_esc_twice_is_fast_and_on_an_empty_composer(tmp_path: Path) -> None:
    gate = asyncio.Event()
    provider = saying("One.")
    provider.add([Connected(), TextDelta("Half"), gate])
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await asked(on, "First")
        await pressed(on, "escape")
        on.clock.advance(1.1)
        await pressed(on, "escape")
        assert not on.chat.is_editing
        on.chat.prompt.put("x")
        await pressed(on, "escape", "escape")
        assert on.chat.prompt.text == "x"
        on.chat.prompt.put("")
        await pressed(on, "tab", "escape", "escape")
        assert not on.chat.is_editing, "one went back to the composer"
        on.clock.advance(2.0)
        await on.ask("Second")
        await wait_until(lambda: "Half" in on.text)
        await pressed(on, "escape", "escape")
        assert not on.chat.is_editing, "one stopped the answer"


# -- copies and undo -------------------------------------------------------------------------------


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


async def test_an_answer_that_is_nothing_but_its_end_has_its_mark_too(tmp_path: Path) -> None:
    provider = saying("First.")
    provider.add(answer(reason=FinishReason.CONTENT_FILTER))
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await asked(on)
        await retried(on)
        found = marks(on)
        assert [version for version, _ in found] == ["2/2"]
        assert "ended by a content filter" in found[0][1]


async def test_an_answer_too_long_for_the_composer_is_left_alone(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("word " * (MAX_REWRITE_CHARS // 5 + 1))) as on:
        await asked(on)
        await pressed(on, "tab", "e")
        assert "too long to be edited here" in on.status
        assert not on.chat.is_editing
        assert on.chat.prompt.text == ""


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
