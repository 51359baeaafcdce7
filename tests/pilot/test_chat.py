"""A question, its answer, and Esc in every phase: the real application on demo models."""

from __future__ import annotations

from pathlib import Path

import pytest

from chat_tui.core.conversation import Outcome, Role
from chat_tui.core.turn import Phase
from chat_tui.providers.demo_scripts import DEMOS
from chat_tui.ui.keys import ACTIONS, Scope
from chat_tui.ui.screens.models import ModelsScreen
from tests.support.stage import Stage, stage
from tests.support.waiting import wait_until


def phase_of(on: Stage) -> Phase:
    assert on.session.runner is not None
    return on.session.runner.state.phase


async def test_every_action_of_the_table_can_be_done(tmp_path: Path) -> None:
    composer_own = {"send", "newline", "history_back", "history_forward", "detach"}
    async with stage("demo/markdown", tmp_path) as on:
        rows = [row for row in ACTIONS if row.scope is not Scope.MODELS]
        missing = [
            row.id for row in rows if row.id not in composer_own and not hasattr(on.chat, f"action_{row.id}")
        ]
        assert missing == []
        assert all(hasattr(ModelsScreen, f"action_{row.id}") for row in ACTIONS if row not in rows)
        bound = {binding.action for _, binding in on.chat._bindings}
        bound |= {binding.action.removeprefix("screen.") for _, binding in on.chat.transcript._bindings}
        assert {row.id for row in rows if row.keys} <= bound | composer_own


async def test_no_action_fails_on_an_empty_conversation(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(60, 20)) as on:
        for row in ACTIONS:
            if "quit" not in row.id:
                await on.chat.run_action(row.id)
                await on.settle()
                if on.app.screen is not on.chat:
                    await on.pilot.press("escape")
                    await wait_until(lambda: on.app.screen is on.chat)
        assert on.app.is_running
        assert on.app.crash is None


async def test_a_question_is_answered(tmp_path: Path) -> None:
    async with stage("demo/reasoning", tmp_path) as on:
        await on.ask("How long is a page?")
        await on.until_done()
        assert on.answer == DEMOS["reasoning"].answer
        assert "How long is a page?" in on.text
        assert "What the reader notices is not the speed but its unevenness." in " ".join(on.text.split())
        assert on.chat.prompt.text == ""
        assert phase_of(on) is Phase.DONE
        assert "● done" in on.status
        assert [m.role for m in on.session.conversation.path()] == [Role.USER, Role.ASSISTANT]


@pytest.mark.parametrize(
    ("model", "stop_at_s", "phase"),
    [("demo/reasoning", 1.5, Phase.THINKING), ("demo/markdown", 2.0, Phase.ANSWERING)],
)
async def test_esc_keeps_what_has_arrived(tmp_path: Path, model: str, stop_at_s: float, phase: Phase) -> None:
    async with stage(model, tmp_path) as on:
        on.clock.stop_at_s = stop_at_s
        await on.ask("Go on")
        await on.until_standing()
        assert phase_of(on) is phase
        assert "Esc stop" in on.status
        await on.pilot.press("escape")
        await on.settle()
        assert on.session.runner is not None
        assert on.session.runner.ending is not None
        assert on.session.runner.ending.outcome is Outcome.STOPPED
        assert "● stopped" in on.status
        assert "╌╌ stopped · " in on.text
        tip = on.session.conversation.tip
        assert tip is not None
        assert bool(tip.text) is (phase is Phase.ANSWERING)
        assert tip.text == on.answer
        assert on.chat.prompt.text == ""


async def test_what_was_stopped_is_part_of_the_next_request(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path) as on:
        on.clock.stop_at_s = 2.0
        await on.ask("One")
        await on.until_standing()
        await on.pilot.press("escape")
        kept = on.answer
        on.clock.stop_at_s = float("inf")
        await on.ask("Two")
        await on.until_done()
        assert kept
        assert [m.text for m in on.requests[-1].messages] == ["One", kept, "Two"]


async def test_a_turn_stopped_while_it_only_thought_sends_no_empty_answer(tmp_path: Path) -> None:
    async with stage("demo/reasoning", tmp_path) as on:
        on.clock.stop_at_s = 1.5
        await on.ask("One")
        await on.until_standing()
        await on.pilot.press("escape")
        on.clock.stop_at_s = float("inf")
        await on.ask("Two")
        await on.until_done()
        assert [m.text for m in on.requests[-1].messages] == ["One\n\nTwo"]


async def test_esc_while_connecting_gives_the_question_back(tmp_path: Path) -> None:
    async with stage("demo/slow", tmp_path) as on:
        on.chat.ask("Not yet")
        assert phase_of(on) is Phase.CONNECTING
        on.chat.action_escape()
        await on.settle()
        assert on.chat.prompt.text == "Not yet"
        assert "Not yet" not in on.text
        assert on.session.conversation.path() == ()


async def test_esc_before_the_first_token_gives_the_question_back(tmp_path: Path) -> None:
    async with stage("demo/slow", tmp_path) as on:
        on.clock.stop_at_s = 3.0
        await on.ask("Take it back")
        await on.until_standing()
        assert phase_of(on) is Phase.WAITING
        assert "Take it back" in on.text
        await on.pilot.press("escape")
        await on.settle()
        assert on.chat.prompt.text == "Take it back"
        assert "Take it back" not in on.text
        assert "New conversation" in on.screen_text.splitlines()[0]
        assert "╌╌" not in on.text
        on.clock.stop_at_s = float("inf")
        await on.pilot.press("enter")
        await on.until_done()
        assert on.answer == DEMOS["slow"].answer


async def test_the_question_comes_back_above_a_draft(tmp_path: Path) -> None:
    async with stage("demo/slow", tmp_path) as on:
        on.clock.stop_at_s = 3.0
        await on.ask("First")
        await on.until_standing()
        await on.pilot.press(*"draft")
        await on.pilot.press("escape")
        await on.settle()
        assert on.chat.prompt.text == "First\ndraft"


async def test_a_question_that_looks_like_a_command_comes_back_as_it_was_typed(tmp_path: Path) -> None:
    async with stage("demo/slow", tmp_path) as on:
        on.clock.stop_at_s = 3.0
        await on.ask("//help me")
        await on.until_standing()
        assert on.requests[-1].messages[-1].text == "/help me"
        await on.pilot.press("escape")
        await on.settle()
        assert on.chat.prompt.text == "//help me"


async def test_esc_stops_a_stall_and_says_so(tmp_path: Path) -> None:
    async with stage("demo/stall", tmp_path) as on:
        on.clock.stop_at_s = 20.0
        await on.ask("Wait for it")
        await on.until_standing()
        on.clock.advance(7.0)
        on.chat.show_status()
        assert "● quiet 7 s" in on.status
        on.clock.advance(25.5)
        on.chat.show_status()
        assert "● stalled 32 s" in on.status
        await on.pilot.press("escape")
        await on.settle()
        assert "● stopped" in on.status
        assert on.answer.endswith("3. perhaps")
        assert "3. perhaps" in on.text


async def test_a_rate_limit_counts_down_and_then_answers(tmp_path: Path) -> None:
    async with stage("demo/ratelimit", tmp_path) as on:
        on.clock.stop_at_s = 1.0
        await on.ask("Too fast?")
        await on.until_standing()
        assert phase_of(on) is Phase.RETRYING
        assert "● retrying in 4 s" in on.status
        on.clock.advance(1.2)
        on.chat.show_status()
        assert "● retrying in 3 s" in on.status
        assert "Esc stop" in on.status
        on.clock.stop_at_s = float("inf")
        await on.until_done()
        assert on.answer == DEMOS["ratelimit"].answer
        assert on.text.count("Too fast?") == 1


async def test_esc_ends_the_countdown(tmp_path: Path) -> None:
    async with stage("demo/ratelimit", tmp_path) as on:
        on.clock.stop_at_s = 1.0
        await on.ask("Too fast?")
        await on.until_standing()
        await on.pilot.press("escape")
        await on.settle()
        assert phase_of(on) is Phase.STOPPED
        assert on.chat.prompt.text == "Too fast?"
        assert on.session.conversation.path() == ()


async def test_esc_first_closes_what_is_open_above(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path) as on:
        on.clock.stop_at_s = 2.0
        await on.ask("Go on")
        await on.until_standing()
        for key in ("f2", "f1", "ctrl+p"):
            await on.pilot.press(key)
            await wait_until(lambda: on.app.screen is not on.chat)
            await on.pilot.press("escape")
            await wait_until(lambda: on.app.screen is on.chat)
            assert on.session.is_running, key
        await on.pilot.press("escape")
        await on.settle()
        assert not on.session.is_running


async def test_ctrl_c_stops_then_clears_then_quits(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path) as on:
        on.clock.stop_at_s = 2.0
        await on.ask("Go on")
        await on.until_standing()
        await on.pilot.press(*"draft", "ctrl+c")
        await on.settle()
        assert not on.session.is_running
        assert on.chat.prompt.text == "draft"
        await on.pilot.press("ctrl+c")
        assert on.chat.prompt.text == ""
        await on.pilot.press("ctrl+c")
        assert "Ctrl+C again quits." in on.status
        assert on.app.return_code is None
        await on.pilot.press("ctrl+c")
        await wait_until(lambda: on.app.return_code == 0)


async def test_ctrl_d_quits_only_an_empty_composer(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path) as on:
        await on.pilot.press(*"words", "ctrl+d")
        assert on.app.return_code is None
        await on.pilot.press("ctrl+c", "ctrl+d")
        await wait_until(lambda: on.app.return_code == 0)


async def test_leaving_in_the_middle_keeps_the_words_for_the_shell(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path) as on:
        on.clock.stop_at_s = 2.0
        await on.ask("Go on")
        await on.until_standing()
        kept = on.answer
        await on.pilot.press("ctrl+q")
        await wait_until(lambda: on.app.return_code == 0)
        assert kept
        assert on.app.unfinished_words() == kept


async def test_keys_typed_while_streaming_are_kept_and_not_sent(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path) as on:
        on.clock.stop_at_s = 2.0
        await on.ask("One")
        await on.until_standing()
        await on.pilot.press(*"next", "enter")
        await on.settle()
        assert on.chat.prompt.text == "next"
        assert "An answer is still running. Esc stops it." in on.status
        assert len(on.requests) == 1
        on.clock.stop_at_s = float("inf")
        await on.until_done()
        assert on.chat.prompt.text == "next"


async def test_one_turn_after_the_other_works_after_every_kind_of_end(tmp_path: Path) -> None:
    async with stage("demo/cut", tmp_path) as on:
        for model in ("cut", "error", "ratelimit", "burst", "reasoning"):
            on.session.switch_model(f"demo/{model}")
            await on.ask(f"ask {model}")
            await on.until_done()
            assert f"ask {model}" in "\n".join(on.all_rows)
        roles = [m.role for m in on.session.conversation.path()]
        assert roles == [Role.USER, Role.ASSISTANT] * 5


async def test_the_picker_is_open_while_an_answer_streams(tmp_path: Path) -> None:
    async with stage("demo/slow", tmp_path) as on:
        on.clock.stop_at_s = 8.0
        await on.ask("Slowly")
        await on.until_standing()
        await on.pilot.press("f2")
        await wait_until(lambda: isinstance(on.app.screen, ModelsScreen))
        on.clock.stop_at_s = float("inf")
        await wait_until(lambda: not on.session.is_running, 20)
        await on.pilot.press("escape")
        await on.settle()
        assert "none is held back to make a nicer line." in " ".join(on.all_rows)
