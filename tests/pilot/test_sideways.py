"""Code and tables wider than the screen: wrapped or whole, moved sideways, and copied exactly either way."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chat_tui.config.model import Config, RenderConfig
from chat_tui.core.events import Connected, Finished, FinishReason, TextDelta
from tests.support.fake_provider import FakeProvider
from tests.support.stage import Stage, stage
from tests.support.waiting import wait_until

LINE = "value = [" + ", ".join(str(number) for number in range(100, 130)) + "]"
CODE = f"short = 1\n{LINE}\nlast = 2\n"
COLUMNS = tuple(f"column-{letter}" for letter in "abcdefghij")
TABLE = f"| {' | '.join(COLUMNS)} |\n|{'---|' * 10}\n| {' | '.join(c.upper() for c in COLUMNS)} |\n"
DOCUMENT = f"Some words of prose.\n\n```python\n{CODE}```\n\n{TABLE}\n```\nbrief\n```\n\nThe end.\n"
SIZE = (60, 30)
WHOLE = Config(render=RenderConfig(wrap=False))


def playing(*steps: str | asyncio.Event) -> FakeProvider:
    provider = FakeProvider(lambda: 0.0)
    events = [step if isinstance(step, asyncio.Event) else TextDelta(step) for step in steps]
    provider.add([Connected(), *events, Finished(FinishReason.STOP)])
    return provider


async def shown(on: Stage) -> None:
    await on.ask("Go on")
    await on.until_done()
    await on.pilot.press("tab")
    await on.settle()


def row_with(on: Stage, text: str) -> str:
    return next(row for row in on.rows if text in row)


async def test_wide_blocks_are_moved_and_nothing_else(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=playing(DOCUMENT), size=SIZE, config=WHOLE) as on:
        await shown(on)
        first = on.rows
        assert row_with(on, "value =").rstrip().endswith("›")
        assert row_with(on, "column-a").endswith("›")
        assert not any("‹" in row for row in first)
        await on.pilot.press("right")
        await on.settle()
        moved = on.rows
        assert len(moved) == len(first)
        assert row_with(on, "100, 101").split("‹ ")[1].startswith(LINE[8:30])
        changed = [y for y, (old, new) in enumerate(zip(first, moved, strict=True)) if old != new]
        whole = {first[y].split()[1] if len(first[y].split()) > 1 else "" for y in changed}
        assert not whole & {"words", "copy", "brief"}
        assert any("brief" in row and "‹" not in row for row in moved)
        assert sum("copy" in row for row in moved) == 2
        await on.pilot.press("l", "h", "left")
        await on.settle()
        assert on.rows == first


async def test_it_ends_where_the_widest_row_ends(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=playing(DOCUMENT), size=SIZE, config=WHOLE) as on:
        await shown(on)
        for _ in range(24):
            await on.pilot.press("right")
        await on.settle()
        assert row_with(on, "129]").rstrip().endswith("129]")
        assert row_with(on, "COLUMN-J").endswith("COLUMN-J")
        assert not any("›" in row for row in on.rows)
        await on.pilot.press("left")
        await on.settle()
        assert any("›" in row for row in on.rows)
        await on.pilot.press("0")
        await on.settle()
        assert not any("‹" in row for row in on.rows)


async def test_a_key_changes_between_the_two(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=playing(DOCUMENT), size=SIZE) as on:
        await shown(on)
        wrapped = on.rows
        assert any("↪" in row for row in wrapped)
        await on.pilot.press("w")
        await on.settle()
        assert not any("↪" in row for row in on.rows)
        assert "stay whole" in on.status
        await on.pilot.press("w")
        await on.settle()
        assert on.rows == wrapped
        on.chat.prompt.focus()
        await on.ask("/wrap")
        await on.settle()
        assert not on.chat.transcript.is_wrapped


async def test_a_table_that_cannot_fit_is_moved_though_lines_are_wrapped(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=playing(DOCUMENT), size=SIZE) as on:
        await shown(on)
        before = on.rows
        await on.pilot.press("right")
        await on.settle()
        assert row_with(on, "COLUMN-B").lstrip("▎ ").startswith("‹")
        changed = [old for old, new in zip(before, on.rows, strict=True) if old != new]
        assert len(changed) == 3  # header, rule, row


async def test_there_is_a_word_when_nothing_is_wide(tmp_path: Path) -> None:
    async with stage("fake/one", tmp_path, provider=playing("Some words.\n"), size=SIZE) as on:
        await shown(on)
        before = on.rows
        await on.pilot.press("right")
        await on.settle()
        assert on.rows == before
        assert "Nothing in view is wider" in on.status


async def test_a_moved_block_stays_where_it_is_while_it_grows_and_settles(tmp_path: Path) -> None:
    gates = [asyncio.Event() for _ in range(3)]
    provider = playing(
        f"```python\n{LINE}\nshort\n", gates[0], f"{LINE}\n" * 3, gates[1], "more\n```\n\nwords\n", gates[2], "end"
    )
    async with stage("fake/one", tmp_path, provider=provider, size=SIZE, config=WHOLE) as on:
        await on.ask("Go on")
        await wait_until(lambda: "short" in on.text)
        await on.pilot.press("tab", "right", "right")
        await on.settle()
        seen = row_with(on, "‹")
        for gate, text in zip(gates, (LINE[20:30], "words", "end"), strict=True):
            gate.set()
            await wait_until(lambda text=text: text in on.text)
            await on.settle()
            assert row_with(on, "‹") == seen
        assert sum(row == seen for row in on.rows) == 4
        await on.until_done()
        assert sum(row == seen for row in on.rows) == 4


async def test_what_is_copied_is_whole(tmp_path: Path) -> None:
    text = DOCUMENT.replace("```\nbrief\n```\n\n", "")
    async with stage("fake/one", tmp_path, provider=playing(text), size=SIZE, config=WHOLE) as on:
        copied: list[str] = []
        on.app.copy_to_clipboard = copied.append  # type: ignore[method-assign]
        await shown(on)
        await on.pilot.press("right", "right", "Y")
        await wait_until(lambda: copied)
        assert copied == [CODE]
        await on.pilot.press("y")
        await wait_until(lambda: len(copied) == 2)
        assert copied[1] == text


@pytest.mark.parametrize("config", [Config(), WHOLE])
async def test_a_very_long_line_costs_no_more_than_its_rows_in_view(tmp_path: Path, config: Config) -> None:
    """A strip of a megabyte would be cut anew in every frame."""
    line = "x" * 300_000
    async with stage("fake/one", tmp_path, provider=playing(f"```\n{line}\n```\n"), size=SIZE, config=config) as on:
        await shown(on)
        transcript = on.chat.transcript
        assert max(len(transcript.row_text(row)) for row in range(transcript.row_count)) < 2_100
        await on.pilot.press("right")
        await on.settle()
        for y in range(transcript.size.height):
            assert transcript.render_line(y).cell_length == transcript.size.width
