"""Editing a question or the words of an answer: what it makes, what giving up changes, Esc twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

from chat_tui.core.conversation import Outcome
from chat_tui.core.events import Connected, TextDelta
from chat_tui.ui.screens.branching import MAX_REWRITE_CHARS
from tests.support.fake_provider import answer, failed
from tests.support.stage import Stage, stage
from tests.support.turns import REFUSED, asked, pressed, saying
from tests.support.versions import long_text, marks, shown
from tests.support.waiting import wait_until


def title_of_composer(on: Stage) -> str:
    return str(on.chat.prompt.border_title or "")


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


async def test_an_answer_too_long_for_the_composer_is_left_alone(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=saying("word " * (MAX_REWRITE_CHARS // 5 + 1))) as on:
        await asked(on)
        await pressed(on, "tab", "e")
        assert "too long to be edited here" in on.status
        assert not on.chat.is_editing
        assert on.chat.prompt.text == ""


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
