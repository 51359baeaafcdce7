"""Jumping about in the messages: to the last answer, from code block to code block, by lines and half pages."""

from __future__ import annotations

from pathlib import Path

from chat_tui.ui.clipboard import Clipboard
from tests.pilot.test_find import filler, history
from tests.support.stage import Stage, stage


def code(*names: str) -> str:
    return "".join(f"{filler('before ' + name, 9)}```python\n{name}()\n```\n\n" for name in names) + filler(
        "last", 20
    )


def listen(on: Stage) -> list[str]:
    """What is copied from now on."""
    copied: list[str] = []
    on.chat._clipboard = Clipboard(copied.append, {})
    return copied


def top(on: Stage) -> str:
    """The first row of the view, without margin."""
    return on.rows[0][2:].strip()


async def test_to_the_top_of_the_last_answer(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        history(on, "One", filler("first"), "Two", filler("second"))
        await on.settle()
        await on.pilot.press("tab", "k", "k", "t")
        await on.settle()
        assert top(on) == "second paragraph 0."
        assert on.chat.transcript.marked_id == 4
        assert not on.chat.transcript.is_following
        await on.pilot.press("G")
        await on.settle()
        assert on.chat.transcript.is_following
        await on.pilot.press("g")
        await on.settle()
        assert "One" in on.rows[1]
        on.chat.prompt.focus()
        await on.ask("/answer")
        await on.settle()
        assert top(on) == "second paragraph 0."
        assert on.chat.prompt.has_focus


async def test_the_view_stays_at_the_top_of_an_answer_that_grows(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        on.clock.stop_at_s = 8.0
        await on.ask("Go on")
        await on.until_standing()
        await on.ask("/answer")
        await on.settle()
        before = on.rows[:-1]
        on.clock.stop_at_s = float("inf")
        await on.until_done()
        assert on.rows[:-1] == before


async def test_nothing_to_jump_to(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        await on.pilot.press("tab", "t")
        assert "no answer yet" in on.status
        for key in ("{", "}"):
            await on.pilot.press(key)
            assert "No code block" in on.status


async def test_from_code_block_to_code_block(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        history(on, "One", code("a", "b"), "Two", code("c"))
        await on.settle()
        copied = listen(on)
        await on.pilot.press("tab")
        seen: list[str] = []
        for key in "{{{{}}}":
            await on.pilot.press(key)
            await on.settle()
            seen.append(on.rows[1].strip())
            assert top(on).startswith("python")
        assert [row.removeprefix("▎").strip() for row in seen] == ["c()", "b()", "a()", "a()", "b()", "c()", "c()"]
        assert "No code block further down" in on.status
        assert on.chat.transcript.marked_id == 4
        await on.pilot.press("{", "{", "Y")
        await on.settle()
        assert copied == ["a()\n"]
        await on.pilot.press("shift+down", "Y")
        await on.settle()
        assert copied[1:] == ["b()\n"]


async def test_code_in_view_is_the_next_one_down(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        history(on, "One", code("a", "b"))
        await on.settle()
        await on.pilot.press("tab", "g", "}")
        await on.settle()
        assert on.rows[1].removeprefix("▎").strip() == "a()"
        await on.pilot.press("shift+down", "{")
        await on.settle()
        assert on.rows[1].removeprefix("▎").strip() == "a()"


async def test_by_lines_and_half_pages(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        history(on, "One", filler("first"))
        await on.settle()
        await on.pilot.press("tab")
        transcript = on.chat.transcript
        half = transcript.size.height // 2
        seen: list[int] = []
        for key in ("ctrl+u", "shift+up", "shift+down", "shift+up", "ctrl+u", "ctrl+d"):
            await on.pilot.press(key)
            await on.settle()
            end = transcript.row_count - transcript.size.height  # rows far above may turn out to be others
            seen.append(end - transcript.scroll_offset.y)
        assert seen == [half, half + 1, half, half + 1, 2 * half + 1, half + 1]
        assert not transcript.is_following
        await on.pilot.press("ctrl+d", "ctrl+d")
        await on.settle()
        assert transcript.is_following


async def test_selecting_lines_in_the_composer_scrolls_nothing(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        history(on, "One", filler("first"))
        await on.settle()
        on.chat.prompt.put("a\nb")
        await on.pilot.press("shift+up", "ctrl+u")
        await on.settle()
        assert on.chat.transcript.is_following
        assert "first paragraph 39." in on.text
        assert on.chat.prompt.text != "a\nb"


async def test_home_and_end_belong_to_the_composer_only_while_it_holds_text(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        history(on, "One", filler("first"), "Two", filler("second"))
        await on.settle()
        await on.pilot.press("home")
        await on.settle()
        assert "One" in on.rows[1]
        assert on.chat.prompt.has_focus
        await on.pilot.press("end")
        await on.settle()
        assert on.chat.transcript.is_following
        await on.pilot.press("a", "b", "home", "x", "end", "y")
        await on.settle()
        assert on.chat.prompt.text == "xaby"
        assert on.chat.transcript.is_following
