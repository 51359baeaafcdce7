"""What a search marks on a real screen: in wrapped lines, code, tables, thinking, beyond the edge."""

from __future__ import annotations

from pathlib import Path

import pytest

from chat_tui.core.conversation import ReasoningPart, TextPart
from tests.support.finding import count, filler, find, found, here, history, others, type_words
from tests.support.stage import stage


async def test_all_matches_in_view_are_marked_and_one_stands_out(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        history(on, "A Needle", "needle, **nee**dle and `needle`; no need")
        await on.settle()
        await find(on, "needle")
        assert count(on) == "4 of 4"
        assert here(on) == ["needle"]
        assert others(on) == ["Needle", "needle", "needle"]
        await on.pilot.press("backspace", "backspace", "backspace", "backspace", "backspace", "backspace")
        await type_words(on, "Needle")
        assert count(on) == "1 of 1"
        assert here(on) == ["Needle"]
        assert others(on) == []


async def test_across_a_wrapped_line(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(60, 20)) as on:
        history(on, "Q", "> 1. " + "many words " * 4 + "**split needle** and behind")
        await on.settle()
        await find(on, "split needle")
        assert count(on) == "1 of 1"
        assert [text.strip() for text in here(on)] == ["split", "needle"]
        assert next(row for row in on.rows if "needle" in row).startswith("  ▎     needle")


@pytest.mark.parametrize(
    ("text", "words", "shown"),
    [
        ("Die Straße.", "strasse", "Straße"),
        ("日本語です", "本語", "本語"),
        ("x👩‍🔧y", "👩", "👩‍🔧"),
        ("İx y", "x y", "x y"),
    ],
)
async def test_marks_are_where_the_words_are(tmp_path: Path, text: str, words: str, shown: str) -> None:
    async with stage("demo/markdown", tmp_path, size=(60, 20)) as on:
        history(on, "Q", text)
        await on.settle()
        await on.pilot.press("ctrl+f")
        on.chat.find_bar.input.value = words
        await found(on)
        assert count(on) == "1 of 1"
        assert here(on) == [shown]


async def test_in_code_and_tables(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(80, 24)) as on:
        history(on, "Q", "```python\ncopy = needle(1)\n```\n\n| a | needle |\n|---|---|\n| b | copy |\n")
        await on.settle()
        await find(on, "needle")
        assert count(on) == "2 of 2"
        await on.pilot.press("escape")
        await find(on, "copy")
        assert count(on) == "2 of 2"


async def test_beyond_the_right_edge(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(60, 20)) as on:
        history(on, "Q", f"```\nneedle 1 {'x ' * 60}needle 2 {'x ' * 60}\n```\n")
        on.chat.transcript.toggle_wrap()
        await on.settle()
        assert "needle 2" not in on.text
        await find(on, "needle")
        assert count(on) == "2 of 2"
        assert here(on) == ["needle"]
        assert "needle 2" in on.text
        await on.pilot.press("up")
        await found(on)
        assert here(on) == ["needle"]
        assert "needle 1" in on.text


async def test_thinking_is_unfolded_when_it_is_gone_to(tmp_path: Path) -> None:
    async with stage("demo/reasoning", tmp_path, size=(80, 24)) as on:
        history(on, "Q", (ReasoningPart("A hidden needle.", 1.0), TextPart("The answer.")))
        await on.settle()
        assert "hidden" not in on.text
        await find(on, "needle")
        assert count(on) == "1 of 1"
        assert "A hidden needle." in on.text
        assert here(on) == ["needle"]


async def test_seams_and_notices_are_not_searched(tmp_path: Path) -> None:
    async with stage("demo/cut", tmp_path, size=(80, 24)) as on:
        await on.ask("Anybody there?")
        await on.until_done()
        assert "retry" in on.text
        assert "scripted" in on.text
        for words in ("retry", "scripted"):
            await find(on, words)
            assert count(on) == "nothing found"
            await on.pilot.press("escape")


async def test_a_resize_keeps_the_match(tmp_path: Path) -> None:
    async with stage("demo/markdown", tmp_path, size=(100, 24)) as on:
        history(on, "needle 1", filler("needle " * 8), "needle", "end")
        await on.settle()
        await find(on, "needle")
        await on.pilot.press("up", "up")
        await found(on)
        said = count(on)
        await on.pilot.resize_terminal(60, 20)
        await on.settle()
        await found(on)
        assert count(on) == said
        assert here(on) == ["needle"]
