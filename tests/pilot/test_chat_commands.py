"""Commands, history, the palette, the first line and the numbers, in the real application."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.command import CommandList, CommandPalette

from chat_tui.providers.demo_scripts import DEMOS
from chat_tui.ui.keys import ACTIONS
from chat_tui.ui.screens.help import HelpScreen
from chat_tui.ui.screens.models import ModelsScreen
from tests.support.fake_provider import FakeProvider, answer
from tests.support.payloads import PAYLOADS
from tests.support.stage import stage
from tests.support.turns import asked
from tests.support.waiting import wait_until

# -- commands ------------------------------------------------------------------------------------


async def test_model_takes_a_known_name_at_once(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path) as on:
        await on.ask("/model demo/cut")
        await on.settle()
        assert on.session.model_id == "demo/cut"
        assert "demo/cut" in on.screen_text.splitlines()[0]
        assert "Answering with" in on.status
        assert on.chat.prompt.text == ""
        await asked(on)
        assert "connection lost" in on.text
        assert "interrupted" in on.status  # what was said before has made way for the phases of the answer


async def test_model_says_what_it_does_not_know_and_changes_nothing(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path) as on:
        await on.ask("/model dmeo/markdown")
        await on.settle()
        assert on.session.model_id == "demo/markdown"
        assert "dmeo" in on.text
        await asked(on)
        assert on.answer == DEMOS["markdown"].answer


async def test_a_notice_during_an_answer_waits_below_it(tmp_path: Path) -> None:
    """It must not get between the settled part of the answer and what still grows."""
    async with stage("demo/markdown", tmp_path) as on:
        on.clock.stop_at_s = 3.0
        await on.ask("Go on")
        await on.until_standing()
        await on.ask("/model nowhere/x")
        await on.settle()
        assert "nowhere" in on.status
        on.clock.stop_at_s = float("inf")
        await on.until_done()
        rows = "\n".join(on.all_rows)
        assert rows.count("nowhere") == 1
        assert rows.index("nowhere") > rows.index("In code")
    async with stage("demo/markdown", tmp_path) as on:
        await asked(on, "Go on")
        whole = "\n".join(on.all_rows).rstrip()
    assert rows.rstrip().startswith(whole)


async def test_theme_takes_a_name(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path) as on:
        await on.ask("/theme light")
        await on.settle()
        assert on.app.theme == "light"
        assert "Theme light." in on.status
        await on.ask("/theme nightly")
        await on.settle()
        assert on.app.theme == "light"
        assert "There is no theme of that name." in on.status


async def test_an_unknown_command_keeps_the_text(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path) as on:
        await on.ask("/hlep me")
        await on.settle()
        assert on.chat.prompt.text == "/hlep me"
        assert "There is no command /hlep. Did you mean /help?" in on.status
        assert on.requests == []
        await on.ask("/xyzzy")
        await on.settle()
        assert on.chat.prompt.text == "/xyzzy"
        assert "F1 lists them." in on.status


@pytest.mark.parametrize("text", ["/usr/bin is a folder", "a /help inside", "//help"])
async def test_what_only_looks_like_a_command_is_asked(tmp_path: Path, text: str) -> None:
    async with stage("demo/slow", tmp_path) as on:
        on.clock.stop_at_s = 1.0
        await on.ask(text)
        await on.until_standing()
        assert on.requests[-1].messages[-1].text == text.replace("//", "/")
        assert on.chat.prompt.text == ""


async def test_commands_do_what_their_keys_do(tmp_path: Path) -> None:
    async with stage("demo/cut", tmp_path) as on:
        await asked(on)
        for command, screen in (("/help", HelpScreen), ("/model", ModelsScreen)):
            await on.ask(command)
            await wait_until(lambda screen=screen: isinstance(on.app.screen, screen), what=command)
            await on.pilot.press("escape")
            await wait_until(lambda: on.app.screen is on.chat)
        await on.ask("/continue")
        await on.until_done()
        assert on.answer == DEMOS["cut"].answer
        await on.ask("/edit")
        await on.settle()
        assert on.chat.prompt.text == "Why?"
        await on.ask("/new")
        await on.settle()
        assert on.text.strip() == ""
        await on.ask("/quit")
        await wait_until(lambda: on.app.return_code == 0)


async def test_stop_stops(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path) as on:
        on.clock.stop_at_s = 2.0
        await on.ask("Go on")
        await on.until_standing()
        await on.ask("/stop")
        await on.settle()
        assert not on.session.is_running
        assert "╌╌ stopped" in on.text


async def test_the_history_remembers_what_was_asked(tmp_path: Path) -> None:
    async with stage("demo/reasoning", tmp_path) as on:
        await asked(on, "first")
        await asked(on, "second\nwith two lines")
        await on.pilot.press(*"draft", "up")
        assert on.chat.prompt.text == "second\nwith two lines"
        await on.pilot.press("up", "up")
        assert on.chat.prompt.text == "first"
        await on.pilot.press("down", "down", "down")
        assert on.chat.prompt.text == "draft"


async def test_hostile_prompts_are_asked_as_text(tmp_path: Path) -> None:
    provider = FakeProvider(lambda: 0.0)
    async with stage("fake/one", tmp_path, provider=provider) as on:
        for payload in PAYLOADS[::9]:
            provider.add(answer(payload.text))
            await asked(on, payload.text)
            assert on.app.is_running, payload.name
            assert not {"\x1b", "\x9b", "\x07", "\x9d", "\u202e"} & set(on.screen_text), payload.name
            for word in payload.words:
                assert word in "\n".join(on.all_rows), payload.name


# -- palette, first line, numbers ----------------------------------------------------------------


async def test_the_palette_lists_every_action_and_theme(tmp_path: Path) -> None:
    async with stage("demo/cut", tmp_path) as on:
        await asked(on)
        await on.pilot.press("ctrl+p")
        await wait_until(
            lambda: (
                isinstance(on.app.screen, CommandPalette)
                and len(on.app.screen.query_one(CommandList).options) > len(DEMOS)
            )
        )
        titles = [str(o.prompt).split("  ")[0] for o in on.app.screen.query_one(CommandList).options]
        assert titles == [row.title for row in ACTIONS if row.is_in_palette] + [
            f"Theme {name}" for name in ("dark", "light", "terminal")
        ]
        await on.pilot.press(*"ask again")
        await wait_until(
            lambda: str(on.app.screen.query_one(CommandList).options[0].prompt).startswith("Ask again")
        )
        await on.pilot.press("enter")
        await wait_until(lambda: len(on.requests) == 2)
        await on.until_done()


async def test_the_first_run_says_who_answers(tmp_path: Path) -> None:
    provider = FakeProvider(lambda: 0.0)
    async with stage("fake/one", tmp_path, provider=provider, first_run=True) as on:
        await on.settle()
        assert "Answering with " in on.text
        assert "F2 for other models" in on.text
        assert on.chat.prompt.has_focus
        await wait_until(lambda: provider.is_prepared)
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await on.settle()
        assert on.text.strip() == ""


async def test_a_demo_says_that_it_is_one(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path) as on:
        await on.settle()
        assert "This is a demo: the answers are scripted, no model is asked." in on.text


async def test_the_status_bar_has_the_numbers_of_the_session(tmp_path: Path) -> None:
    async with stage("demo/slow", tmp_path) as on:
        on.clock.stop_at_s = 8.0
        await on.ask("Slowly")
        await on.until_standing()
        runner = on.session.runner
        assert runner is not None
        metrics = runner.metrics
        assert metrics.ttft_s == pytest.approx(5.125)
        assert "TTFT  5.1 s" in on.status
        assert f"≈{metrics.token_count} tok" in on.status
        on.clock.stop_at_s = float("inf")
        await on.until_done()
        assert not metrics.is_estimate
        assert f" {metrics.token_count} tok" in on.status
        assert "≈" not in on.status
        assert metrics.tokens_per_s == pytest.approx(8.0, rel=0.02)
        assert f"{metrics.tokens_per_s:.1f} tok/s" in on.status
        ending = runner.ending
        assert ending is not None
        assert (ending.tokens, ending.ttft_s) == (metrics.token_count, metrics.ttft_s)
        before = on.status
        on.clock.advance(100.0)
        await on.settle()
        assert on.status == before
