"""The message cursor, and copying: an answer, a code block, a selection, always the exact source."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.app import App
from textual.events import MouseMove

from chat_tui.core.events import Connected, Finished, FinishReason, TextDelta
from chat_tui.providers.demo_scripts import DEMOS
from chat_tui.ui.screens.confirm_link import ConfirmLink
from tests.support.fake_provider import FakeProvider, answer
from tests.support.stage import Stage, stage
from tests.support.turns import asked
from tests.support.waiting import wait_until


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What went to the clipboard."""
    texts: list[str] = []

    def copy(_: App[None], text: str) -> None:
        texts.append(text)

    monkeypatch.setattr(App, "copy_to_clipboard", copy)
    return texts


async def test_y_copies_the_exact_source_of_the_last_answer(tmp_path: Path, copied: list[str]) -> None:
    async with stage("demo/markdown", tmp_path) as on:
        await asked(on)
        await on.pilot.press("tab", "y")
        await wait_until(lambda: copied)
        assert copied == [DEMOS["markdown"].answer]
        await wait_until(lambda: "Copied" in on.status)
        assert "(terminal, OSC 52)" in on.status


async def test_capital_y_copies_the_last_code_block(tmp_path: Path, copied: list[str]) -> None:
    async with stage("demo/markdown", tmp_path) as on:
        await asked(on)
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
        await asked(on)
        await on.pilot.press("tab", "Y")
        await wait_until(lambda: copied)
        assert copied == [code]


async def test_the_seam_is_not_part_of_the_copy(tmp_path: Path, copied: list[str]) -> None:
    async with stage("demo/cut", tmp_path) as on:
        await asked(on)
        await on.pilot.press("tab", "y")
        await wait_until(lambda: copied)
        assert copied == [on.answer]
        assert "╌" not in copied[0]


async def test_after_another_question_the_keys_mean_its_answer(tmp_path: Path, copied: list[str]) -> None:
    provider = FakeProvider(lambda: 0.0)
    provider.add(answer("Answer one."))
    provider.add(answer("Answer two."))
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await asked(on, "Question one?")
        await on.pilot.press("tab", "y", "tab")
        await asked(on, "Question two?")
        await on.pilot.press("tab", "y")
        await wait_until(lambda: len(copied) == 2)
        assert copied == ["Answer one.", "Answer two."]
        assert [row for row in on.rows if row.startswith("▎")] == ["▎ Answer two."]


async def test_the_cursor_moves_over_questions_and_answers(tmp_path: Path, copied: list[str]) -> None:
    provider = FakeProvider(lambda: 0.0)
    provider.add(answer("Answer one."))
    provider.add(answer("Answer two."))
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await asked(on, "Question one?")
        await asked(on, "Question two?")
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
        await asked(on)
        await on.pilot.press("tab", "q", "y", "z")
        await on.settle()
        assert on.chat.prompt.text == "qyz"
        assert on.chat.prompt.has_focus


async def test_a_click_on_the_copy_label_copies_that_code(tmp_path: Path, copied: list[str]) -> None:
    provider = FakeProvider(lambda: 0.0)
    provider.add(answer("```python\nfirst = 1\n```\n\n```python\nsecond = 2\n```\n"))
    async with stage("fake/one", tmp_path, provider=provider) as on:
        await asked(on)
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
        await asked(on)
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
        await asked(on)
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
