"""Commands, history, copying, the palette, the first line and the numbers, in the real application."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.app import App
from textual.command import CommandList, CommandPalette
from textual.events import MouseMove

from chat_tui.core.events import Connected, Finished, FinishReason, TextDelta
from chat_tui.providers.demo_scripts import DEMOS
from chat_tui.ui.keys import ACTIONS
from chat_tui.ui.screens.confirm_link import ConfirmLink
from chat_tui.ui.screens.help import HelpScreen
from chat_tui.ui.screens.models import ModelsScreen
from tests.support.fake_provider import FakeProvider, answer
from tests.support.payloads import PAYLOADS
from tests.support.stage import Stage, stage
from tests.support.waiting import wait_until


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What went to the clipboard."""
    texts: list[str] = []

    def copy(_: App[None], text: str) -> None:
        texts.append(text)

    monkeypatch.setattr(App, "copy_to_clipboard", copy)
    return texts


async def settled_answer(on: Stage, question: str = "Go on") -> None:
    await on.ask(question)
    await on.until_done()


# -- commands ------------------------------------------------------------------------------------


async def test_model_takes_a_known_name_at_once(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path) as on:
        await on.ask("/model demo/cut")
        await on.settle()
        assert on.session.model_id == "demo/cut"
        assert "demo/cut" in on.screen_text.splitlines()[0]
        assert "Answering with" in on.status
        assert on.chat.prompt.text == ""
        await settled_answer(on)
        assert "connection lost" in on.text


async def test_model_says_what_it_does_not_know_and_changes_nothing(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path) as on:
        await on.ask("/model dmeo/markdown")
        await on.settle()
        assert on.session.model_id == "demo/markdown"
        assert "dmeo" in on.text
        await settled_answer(on)
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
        await settled_answer(on)
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
        await settled_answer(on)
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
        assert on.chat.prompt.text == "Go on"
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
        await settled_answer(on, "first")
        await settled_answer(on, "second\nwith two lines")
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
            await settled_answer(on, payload.text)
            assert on.app.is_running, payload.name
            assert not {"\x1b", "\x9b", "\x07", "\x9d", "\u202e"} & set(on.screen_text), payload.name
            for word in payload.words:
                assert word in "\n".join(on.all_rows), payload.name


# -- the message cursor and copying --------------------------------------------------------------


async def test_y_copies_the_exact_source_of_the_last_answer(tmp_path: Path, copied: list[str]) -> None:
    async with stage("demo/markdown", tmp_path) as on:
        await settled_answer(on)
        await on.pilot.press("tab", "y")
        await wait_until(lambda: copied)
        assert copied == [DEMOS["markdown"].answer]
        await wait_until(lambda: "Copied" in on.status)
        assert "(terminal, OSC 52)" in on.status


async def test_capital_y_copies_the_last_code_block(tmp_path: Path, copied: list[str]) -> None:
    async with stage("demo/markdown", tmp_path) as on:
        await settled_answer(on)
        await on.pilot.press("tab", "Y")
        await wait_until(lambda: copied)
        assert copied == ["an indented block keeps\n    every space it has\n"]
        await on.pilot.press("escape")
        await on.ask("/copy 3")
        await wait_until(lambda: len(copied) == 2)
        assert copied[1].startswith('curl -N "$BASE_URL/chat/completions"')
        await on.ask("/copy 9")
        await on.settle()
        assert "this message has 4" in on.status


async def test_a_code_block_of_many_pages_is_copied_whole(tmp_path: Path, copied: list[str]) -> None:
    code = "".join(f"line {number}\n" for number in range(200))
    provider = FakeProvider(lambda: 0.0)
    provider.add(
        [
            Connected(),
            *(TextDelta(part) for part in (f"Look:\n\n```\n{code}", "```\n")),
            Finished(FinishReason.STOP),
        ]
    )
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await settled_answer(on)
        await on.pilot.press("tab", "Y")
        await wait_until(lambda: copied)
        assert copied == [code]


async def test_the_seam_is_not_part_of_the_copy(tmp_path: Path, copied: list[str]) -> None:
    async with stage("demo/cut", tmp_path) as on:
        await settled_answer(on)
        await on.pilot.press("tab", "y")
        await wait_until(lambda: copied)
        assert copied == [on.answer]
        assert "╌" not in copied[0]


async def test_the_cursor_moves_over_questions_and_answers(tmp_path: Path, copied: list[str]) -> None:
    provider = FakeProvider(lambda: 0.0)
    provider.add(answer("Answer one."))
    provider.add(answer("Answer two."))
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await settled_answer(on, "Question one?")
        await settled_answer(on, "Question two?")
        await on.pilot.press("tab", "y")
        for keys in (("up", "y"), ("k", "y"), ("up", "y"), ("up", "y"), ("j", "y"), ("down", "y")):
            await on.pilot.press(*keys)
            await on.settle()
        assert copied == [
            "Answer two.",
            "Question two?",
            "Answer one.",
            "Question one?",
            "Question one?",
            "Answer one.",
            "Question two?",
        ]
        marked = [row for row in on.rows if row.startswith("▌")]
        assert len(marked) == 2
        assert not any(row.startswith("▎") for row in on.rows)
        await on.pilot.press("up")
        await on.settle()
        assert [row for row in on.rows if row.startswith("▎")] == ["▎ Answer one."]


async def test_nothing_to_copy_is_said(tmp_path: Path, copied: list[str]) -> None:
    async with stage("demo/markdown", tmp_path) as on:
        await on.pilot.press("tab", "y")
        await on.settle()
        assert "There is no message to copy." in on.status
        await on.pilot.press("Y")
        await on.settle()
        assert "There is no code block in this message." in on.status
        assert copied == []


async def test_what_is_typed_over_the_messages_goes_to_the_composer(tmp_path: Path) -> None:
    async with stage("demo/cut", tmp_path) as on:
        await settled_answer(on)
        await on.pilot.press("tab", "q", "y", "z")
        await on.settle()
        assert on.chat.prompt.text == "qyz"
        assert on.chat.prompt.has_focus


async def test_a_click_on_the_copy_label_copies_that_code(tmp_path: Path, copied: list[str]) -> None:
    provider = FakeProvider(lambda: 0.0)
    provider.add(answer("```python\nfirst = 1\n```\n\n```python\nsecond = 2\n```\n"))
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await settled_answer(on)
        y = next(i for i, row in enumerate(on.rows) if row.endswith("copy"))
        x = on.chat.transcript.render_line(y).text.index("copy") + 1
        await on.pilot.click("#transcript", offset=(x, y))
        await wait_until(lambda: copied)
        assert copied == ["first = 1\n"]


async def click_copy_labels(on: Stage) -> None:
    """Click all that are in view, from the top."""
    for y, row in enumerate(on.rows):
        if row.endswith("copy"):
            x = on.chat.transcript.render_line(y).text.index("copy") + 1
            await on.pilot.click("#transcript", offset=(x, y))
            await on.settle()


async def test_code_that_still_grows_is_copied_as_far_as_it_has_come(tmp_path: Path, copied: list[str]) -> None:
    """One block that is settled, one of several pages of which the last grows, and two at once in the tail."""
    go_on = [asyncio.Event() for _ in range(3)]
    lines = "".join(f"line {number}\n" for number in range(70))
    provider = FakeProvider(lambda: 0.0)
    provider.add(
        [
            Connected(),
            TextDelta("```sh\nfirst\n```\n\nThen:\n\n```python\n" + lines + "and = ha"),
            go_on[0],
            TextDelta("lf\n\n"),
            go_on[1],
            TextDelta("```\n\n> ```c\n> one;\n> ```\n>\n> ```c\n> two;\n> thr"),
            go_on[2],
            TextDelta("ee;\n"),
            Finished(FinishReason.STOP),
        ]
    )
    async with stage("fake/one", tmp_path, provider=provider, size=(80, 100)) as on:
        await on.ask("Go on")
        await on.until_text("and = ha")
        await wait_until(lambda: "and = ha" in on.text)
        await click_copy_labels(on)
        assert copied == ["first\n", lines + "and = ha"]
        await on.pilot.press("Y")
        await wait_until(lambda: len(copied) == 3)
        assert copied.pop() == lines + "and = ha"
        go_on[0].set()
        await on.until_text("half\n\n")
        await on.pilot.press("Y")
        await wait_until(lambda: len(copied) == 3)
        assert copied.pop() == lines + "and = half\n\n"
        go_on[1].set()
        await wait_until(lambda: "thr" in on.text)
        copied.clear()
        await click_copy_labels(on)
        assert copied == ["first\n", lines + "and = half\n\n", "one;\n", "two;\nthr"]
        await on.pilot.press("Y")
        await wait_until(lambda: len(copied) == 5)
        assert copied[-1] == "two;\nthr"
        go_on[2].set()
        await on.until_done()
        copied.clear()
        await click_copy_labels(on)
        assert copied[-2:] == ["one;\n", "two;\nthree;\n"]


async def test_a_link_asks_before_anything_is_opened(tmp_path: Path) -> None:
    provider = FakeProvider(lambda: 0.0)
    provider.add(answer("See [the bank](https://evil.example/login)."))
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await settled_answer(on)
        y = next(i for i, row in enumerate(on.rows) if "the bank" in row)
        x = on.chat.transcript.render_line(y).text.index("the bank") + 1
        await on.pilot.click("#transcript", offset=(x, y))
        await wait_until(lambda: isinstance(on.app.screen, ConfirmLink))
        await on.pilot.pause()
        assert "https://evil.example/login" in on.screen_text
        await on.pilot.press("escape")
        await wait_until(lambda: on.app.screen is on.chat)


async def test_selected_text_is_copied_by_ctrl_c_as_it_was_written(tmp_path: Path, copied: list[str]) -> None:
    words = "A paragraph that is long enough to be wrapped at sixty columns into several rows of text."
    provider = FakeProvider(lambda: 0.0)
    provider.add(answer(words))
    async with stage("fake/one", tmp_path, provider=provider, size=(60, 20)) as on:
        await settled_answer(on)
        top = next(i for i, row in enumerate(on.rows) if "A paragraph" in row)
        await on.pilot.mouse_down("#transcript", offset=(2, top))
        x, y = 50, on.chat.transcript.region.y + top + 1
        on.chat.transcript.post_message(
            MouseMove(None, x, y, 0, 0, 1, shift=False, meta=False, ctrl=False, screen_x=x, screen_y=y)
        )
        await on.pilot.mouse_up("#transcript", offset=(50, top + 1))
        await on.settle()
        await on.pilot.press("ctrl+c")
        await wait_until(lambda: copied)
        assert words.startswith(copied[0])
        assert len(copied[0]) > 60
        assert on.app.return_code is None


# -- palette, first line, numbers ----------------------------------------------------------------


async def test_the_palette_lists_every_action_and_theme(tmp_path: Path) -> None:
    async with stage("demo/cut", tmp_path) as on:
        await settled_answer(on)
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
