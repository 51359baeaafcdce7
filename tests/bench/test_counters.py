"""What reaches the terminal for a token, counted in the running application: cells, widgets, drains, re-rendering.

The screen is painted as for a real terminal, into `Grid`; each frame has its text at once, so that the counts do
not depend on how fast the machine is.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from textual.drivers.headless_driver import HeadlessDriver

from chat_tui.core.blocks import Block
from chat_tui.core.conversation import ChatRequest
from chat_tui.core.events import Arrival, Connected, Finished, FinishReason, TextDelta
from chat_tui.core.turn import Phase
from chat_tui.session.turn_runner import TurnRunner
from chat_tui.ui.render import block_pieces as pieces_module
from tests.bench.documents import make_tokens
from tests.bench.grid import Grid
from tests.support.fake_provider import FakeProvider
from tests.support.stage import Stage, stage
from tests.support.waiting import wait_until

COLUMNS, ROWS = 120, 36
MOST_RENDERED_CHARS = 3_000
"""In one frame: the tail, which is a page of code at most."""
FRAME_TOKENS = 8
"""At 100 tokens a second a frame has three or four; more of them make the counts larger, never smaller."""


@dataclass
class Frame:
    """What one frame cost."""

    cells: int
    drains: int
    rendered_chars: int


@dataclass
class Counts:
    """What has happened since it was last asked."""

    grid: Grid = field(default_factory=lambda: Grid(COLUMNS, ROWS))
    drains: int = 0
    rendered_chars: int = 0
    is_behind = False

    def paint(self, text: str) -> None:
        """Draw what is written, by Textual or past it."""
        self.grid.feed(text.encode())

    def take(self) -> Frame:
        """And begin again."""
        frame = Frame(self.grid.cell_count, self.drains, self.rendered_chars)
        self.grid.cell_count = self.drains = self.rendered_chars = 0
        return frame


class _Gated(FakeProvider):
    """Sends a delta for every token of a frame when the gate is opened once."""

    tokens: tuple[str, ...] = ()
    gate: asyncio.Semaphore

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Arrival]:
        yield Arrival(self.clock(), (Connected(),))
        for start in range(0, len(self.tokens), FRAME_TOKENS):
            await self.gate.acquire()
            for token in self.tokens[start : start + FRAME_TOKENS]:
                yield Arrival(self.clock(), (TextDelta(token),))
        await self.gate.acquire()
        yield Arrival(self.clock(), (Finished(FinishReason.STOP),))


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counts:
    """Textual's driver for tests writes, and what it writes is drawn; what is drained and rendered is counted."""
    counts = Counts()
    drain, render = TurnRunner.drain, pieces_module.render_block

    def counting_drain(self: TurnRunner, budget_chars: int) -> object:
        counts.drains += 1
        return drain(self, budget_chars)

    def counting_render(block: Block, context: pieces_module.RenderContext) -> object:
        counts.rendered_chars += len(block.source) + len(block.text)
        return render(block, context)

    def write(_: HeadlessDriver, data: str) -> None:
        counts.paint(data)

    def driver_of(_: object) -> Counts:
        return counts

    monkeypatch.setattr(HeadlessDriver, "is_headless", False)
    monkeypatch.setattr(HeadlessDriver, "write", write)
    monkeypatch.setattr("chat_tui.ui.driver.driver_of", driver_of, raising=False)
    monkeypatch.setattr(TurnRunner, "drain", counting_drain)
    monkeypatch.setattr(pieces_module, "render_block", counting_render)
    return counts


@contextlib.asynccontextmanager
async def _asked(folder: Path, tokens: list[str]) -> AsyncGenerator[tuple[Stage, _Gated]]:
    """A turn that waits for its first token."""
    provider = _Gated(lambda: 0.0)
    provider.tokens, provider.gate = tuple(tokens), asyncio.Semaphore(0)
    async with stage("fake/one", folder, provider=provider, size=(COLUMNS, ROWS)) as on:
        await on.ask("Go on")
        await wait_until(lambda: on.session.runner and on.session.runner.state.phase is Phase.WAITING)
        await on.settle()
        yield on, provider
        provider.gate.release()
        await on.until_done()


async def _frames(on: Stage, provider: _Gated, counts: Counts, count: int | None = None) -> list[Frame]:
    """One after another, `count` of them or until everything has been said."""
    runner = on.session.runner
    assert runner is not None
    frames: list[Frame] = []
    counts.take()
    total = len(provider.tokens)
    while (said := runner.metrics.token_count) < total and len(frames) != count:
        provider.gate.release()
        wanted = min(said + FRAME_TOKENS, total)
        await wait_until(lambda: runner.metrics.token_count == wanted)  # noqa: B023 - awaited at once
        await wait_until(lambda: not runner.pending_chars)
        await on.settle()
        frames.append(counts.take())
    return frames


def _by_quarter(values: list[int]) -> list[int]:
    """Their sums; what is left over is not counted."""
    size = len(values) // 4
    return [sum(values[start : start + size]) for start in range(0, 4 * size, size)]


@pytest.mark.parametrize(
    ("kind", "size", "most_cells", "most_rendered_chars"),
    [("mixed", 1200, 30, 100), ("code", 120, 90, 240), ("table", 90, 70, 160), ("list", 40, 30, 60)],
)
async def test_a_token_costs_what_has_changed(
    tmp_path: Path, counts: Counts, kind: str, size: int, most_cells: int, most_rendered_chars: int
) -> None:
    """Per token about twice of what is measured; late ones cost as early ones; and the picture is right."""
    async with _asked(tmp_path, make_tokens(kind, size)) as (on, provider):
        first, *frames = await _frames(on, provider, counts)
        assert counts.grid.lines == [strip.text.rstrip() for strip in on.screen]
    assert first.cells <= COLUMNS * ROWS
    assert {frame.drains for frame in frames} == {1}
    cells = [frame.cells for frame in frames]
    rendered_chars = [frame.rendered_chars for frame in frames]
    token_count = len(frames) * FRAME_TOKENS
    assert sum(cells) <= most_cells * token_count
    assert sum(rendered_chars) <= most_rendered_chars * token_count
    assert max(rendered_chars) <= MOST_RENDERED_CHARS
    for values in (cells, rendered_chars):
        _, early, *_, late = _by_quarter(values)
        assert late <= 1.5 * early, _by_quarter(values)


async def test_a_view_that_is_scrolled_away_is_left_alone(tmp_path: Path, counts: Counts) -> None:
    """Below it the answer grows: only the badge and the status bar say so."""
    async with _asked(tmp_path, make_tokens("mixed", 700)) as (on, provider):
        await _frames(on, provider, counts, 60)
        on.chat.action_scroll_top()
        await on.settle()
        above = counts.grid.lines[: ROWS // 2]
        assert "qA0000q" in "".join(above)
        frames = await _frames(on, provider, counts)
        assert len(frames) > 20
        assert counts.grid.lines[: ROWS // 2] == above
        assert max(frame.cells for frame in frames) <= 2 * COLUMNS
        await on.settle()
        assert counts.take().cells == 0


async def test_the_widgets_on_the_screen_are_always_the_same(tmp_path: Path, counts: Counts) -> None:
    async with stage("demo/burst", tmp_path, size=(COLUMNS, ROWS)) as on:
        before = [type(widget).__name__ for widget in on.app.screen.walk_children()]
        for number in range(3):
            await on.ask(f"Question {number}")
            await on.until_done()
        assert counts.drains >= 3
        assert on.chat.transcript.virtual_size.height > 300
        assert [type(widget).__name__ for widget in on.app.screen.walk_children()] == before
