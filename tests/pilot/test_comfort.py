"""Whoever has scrolled reads on undisturbed: the same rows at the same place, whatever comes, ends or is folded."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from chat_tui.core.events import Connected, Finished, FinishReason, ReasoningDelta, StreamEvent, TextDelta
from tests.support.fake_provider import FakeProvider
from tests.support.stage import Stage, stage
from tests.support.waiting import wait_until

SIZE = (70, 24)
BEGIN = "".join(f"Paragraph {n}: [the guide][g] and *some* `words` of it, to be wrapped.\n\n" for n in range(30))
MORE = [f"word{n} " + ("\n\n" if n % 40 == 39 else "") for n in range(1_000)]
DEFINITION = "\n\n[g]: https://guide.example/start\n"


def playing(steps: Sequence[StreamEvent | asyncio.Event]) -> FakeProvider:
    provider = FakeProvider(lambda: 0.0)
    provider.add([Connected(), *steps, Finished(FinishReason.STOP)])
    return provider


def view(on: Stage) -> list[str]:
    """What is seen, without the last row: the badge stands there."""
    return on.rows[:-1]


async def fed(on: Stage, gate: asyncio.Event, until: str) -> None:
    gate.set()
    await wait_until(lambda: until in on.answer, 20, until)
    await wait_until(lambda: on.session.runner is None or not on.session.runner.pending_chars, 20, "painted")
    await on.settle()


async def wheel(on: Stage, rows: int) -> None:
    on.chat.transcript.scroll_relative(y=rows, animate=False, immediate=True)
    await on.settle()


MOVES: dict[str, tuple[str, ...]] = {
    "pageup": ("pageup",),
    "pageup and pagedown": ("pageup", "pageup", "pageup", "pagedown"),
    "home": ("tab", "home"),
    "top": ("ctrl+home",),
    "line": ("tab", "shift+up", "shift+up"),
    "wheel": (),
}


@pytest.mark.parametrize("move", MOVES)
async def test_what_is_read_stays_while_it_grows_and_when_it_ends(tmp_path: Path, move: str) -> None:
    gates = [asyncio.Event() for _ in range(2)]
    steps = [TextDelta(BEGIN), gates[0], *map(TextDelta, MORE), TextDelta("\n\nThat was it."), gates[1]]
    async with stage("fake/one", tmp_path, provider=playing(steps), size=SIZE) as on:
        await on.ask("Go on")
        await wait_until(lambda: "Paragraph 29" in on.text, 20)
        await on.settle()
        if move == "wheel":
            await wheel(on, -7)
        else:
            await on.pilot.press(*MOVES[move])
            await on.settle()
        assert not on.chat.transcript.is_following
        before = view(on)
        await fed(on, gates[0], "That was it.")
        assert view(on) == before
        assert "new lines" in on.rows[-1]
        gates[1].set()
        await on.until_done()
        assert view(on) == before
        await on.pilot.press("ctrl+end")
        await on.settle()
        assert "That was it." in on.text
        assert on.chat.transcript.is_following


@pytest.mark.parametrize("rows_up", [3, 20, 60])
async def test_a_late_definition_moves_nothing_that_is_read(tmp_path: Path, rows_up: int) -> None:
    """Links become links; the rows above the view may be fewer then."""
    long = "".join(f"{n} [a very long name of the guide that is wrapped][g] {'x' * 40}\n\n" for n in range(30))
    gate = asyncio.Event()
    steps = [TextDelta(long), TextDelta("PLAIN words in between.\n\n" * 40), gate, TextDelta(DEFINITION)]
    async with stage("fake/one", tmp_path, provider=playing(steps), size=SIZE) as on:
        await on.ask("Go on")
        await wait_until(lambda: "PLAIN" in on.text, 20)
        await on.settle()
        await wheel(on, -rows_up)
        before, height = on.rows[0], on.chat.transcript.virtual_size.height
        assert "PLAIN" in before or not before
        seen = view(on)
        gate.set()
        await on.until_done()
        assert on.chat.transcript.virtual_size.height != height
        assert view(on) == seen


def thinking(*texts: str) -> list[StreamEvent]:
    return [ReasoningDelta(text) for text in texts]


THOUGHTS = [f"Thought {n}, at some length, so that the row is a full one.\n\n" for n in range(40)]


async def test_thoughts_that_are_read_are_not_folded_away(tmp_path: Path) -> None:
    gates = [asyncio.Event() for _ in range(2)]
    steps = [*thinking(*THOUGHTS), gates[0], TextDelta("The answer."), *map(TextDelta, MORE), gates[1]]
    async with stage("fake/one", tmp_path, provider=playing(steps), size=SIZE) as on:
        await on.ask("Go on")
        await wait_until(lambda: "Thought 39" in on.text, 20)
        await on.pilot.press("pageup")
        await on.settle()
        before = view(on)
        assert any("Thought" in row for row in before)
        await fed(on, gates[0], "word999")
        assert view(on) == before
        gates[1].set()
        await on.until_done()
        assert view(on) == before
        assert any("thought" in row for row in on.all_rows)


async def test_thoughts_that_nobody_reads_are_folded_below_the_view(tmp_path: Path) -> None:
    gates = [asyncio.Event() for _ in range(2)]
    provider = playing([TextDelta(BEGIN)])
    provider.add(
        [Connected(), *thinking(*THOUGHTS), gates[0], TextDelta("The answer."), Finished(FinishReason.STOP)]
    )
    async with stage("fake/one", tmp_path, provider=provider, size=SIZE) as on:
        await on.ask("Go on")
        await on.until_done()
        await on.ask("And more")
        await wait_until(lambda: "Thought 39" in on.text, 20)
        await on.pilot.press("ctrl+home")
        await on.settle()
        before = view(on)
        gates[0].set()
        await on.until_done()
        assert view(on) == before
        assert not any("Thought 3," in row for row in on.all_rows)


async def test_a_reader_who_follows_sees_the_answer_begin(tmp_path: Path) -> None:
    gate = asyncio.Event()
    steps = [*thinking(*THOUGHTS), gate, TextDelta("The answer.")]
    async with stage("fake/one", tmp_path, provider=playing(steps), size=SIZE) as on:
        await on.ask("Go on")
        await wait_until(lambda: "Thought 39" in on.text, 20)
        gate.set()
        await on.until_done()
        assert "The answer." in on.text
        assert "Thought" not in on.text


@pytest.mark.parametrize("is_above", [True, False])
async def test_folding_leaves_what_is_read_where_it_is(tmp_path: Path, is_above: bool) -> None:
    gate = asyncio.Event()
    steps = [*thinking(*THOUGHTS[:10]), *map(TextDelta, [BEGIN, *MORE]), gate]
    async with stage("fake/one", tmp_path, provider=playing(steps), size=SIZE) as on:
        await on.ask("Go on")
        await wait_until(lambda: "word999" in on.answer and "word999" in on.text, 20)
        await (wheel(on, -30) if is_above else on.pilot.press("ctrl+home"))
        await on.settle()
        before = view(on)
        for _ in range(2):
            await on.pilot.press("ctrl+t")
            await on.settle()
            if is_above:
                assert view(on) == before
            else:
                assert view(on)[:3] == before[:3]
        assert view(on) == before
        gate.set()
        await on.until_done()


async def test_what_is_read_stays_when_lines_are_wrapped_otherwise(tmp_path: Path) -> None:
    code = "```\n" + f"{'long line ' * 20}\n" * 20 + "```\n\n"
    text = code + "".join(f"Paragraph {n}.\n\n" for n in range(40))
    async with stage("fake/one", tmp_path, provider=playing([TextDelta(text)]), size=SIZE) as on:
        await on.ask("Go on")
        await on.until_done()
        await on.pilot.press("tab")
        await wheel(on, -20)
        before = view(on)
        for _ in range(2):
            height = on.chat.transcript.virtual_size.height
            await on.pilot.press("w")
            await on.settle()
            assert view(on) == before
            await wait_until(lambda old=height: on.chat.transcript.virtual_size.height != old, 10, "idle layout")
            await on.settle()
            assert view(on) == before
