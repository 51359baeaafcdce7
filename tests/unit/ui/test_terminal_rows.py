"""What is written to the terminal makes its rows what they shall be, and is no more than that."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pyte
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from chat_tui.ui.widgets.terminal_rows import TerminalRows, changed_cells
from tests.support.waiting import wait_until

WIDTH, HEIGHT = 24, 6
STYLES = (Style(bgcolor="#101010"), Style(bold=True, bgcolor="#101010"), Style(color="#ff0000", bgcolor="#101010"))
segments = st.lists(
    st.tuples(st.text("ab ", min_size=1, max_size=6), st.sampled_from(STYLES)).map(lambda part: Segment(*part)),
    max_size=5,
)


def padded(parts: Sequence[Segment]) -> Strip:
    return Strip(parts).adjust_cell_length(WIDTH, STYLES[0])


def cells(parts: Sequence[Segment]) -> list[tuple[str, Style | None]]:
    return [(character, style) for text, style, _ in parts for character in text]


@given(segments, segments)
def test_old_and_what_changed_make_the_new(one: list[Segment], other: list[Segment]) -> None:
    old, new = padded(one), padded(other)
    row = cells(list(old))
    changed = changed_cells(old, new)
    if changed is not None:
        first, parts = changed
        fresh = cells(parts)
        row[first : first + len(fresh)] = fresh
    assert row == cells(list(new))
    if old == new:
        assert changed is None


@given(segments, st.text("ab", min_size=1, max_size=4))
def test_appended_text_is_all_that_is_written(parts: list[Segment], more: str) -> None:
    end = Segment("a.", STYLES[0])
    old = padded([*parts[:2], end])
    new = padded([*parts[:2], Segment(f"a.{more}", STYLES[0])])
    changed = changed_cells(old, new)
    assert changed is not None
    assert "".join(segment.text for segment in changed[1]) == more


def test_rows_with_wide_characters_are_written_whole() -> None:
    old, new = padded([Segment("日本 a")]), padded([Segment("日本 b")])
    assert changed_cells(old, new) == (0, list(new))


class PyteTerminal:
    """Understands what is painted."""

    is_behind = False

    def __init__(self) -> None:
        self.screen = pyte.Screen(WIDTH + 1, HEIGHT + 2)
        self.stream = pyte.Stream(self.screen)
        self.painted: list[str] = []

    def paint(self, text: str) -> None:
        self.painted.append(text)
        self.stream.feed(text)

    def rows(self) -> list[list[tuple[str, bool, str]]]:
        buffer = self.screen.buffer
        return [
            [(buffer[y][x].data, buffer[y][x].bold, buffer[y][x].fg) for x in range(WIDTH + 1)]
            for y in range(1, HEIGHT + 1)
        ]


class RowsApp(App[None]):
    CSS = f"Screen {{ layout: vertical; }} #rows {{ width: {WIDTH}; height: {HEIGHT}; margin: 1 0; }}"

    def compose(self) -> ComposeResult:
        yield Widget(id="rows")


def expected(lines: Sequence[Strip], bar: Sequence[Strip]) -> list[list[tuple[str, bool, str]]]:
    return [
        [
            (text, bool(style and style.bold), "red" if style and style.color else "default")
            for part in (*line, *cell)
            for text, style in [(c, part.style) for c in part.text]
        ]
        for line, cell in zip(lines, bar, strict=True)
    ]


async def test_the_terminal_shows_what_it_was_told_however_rows_move() -> None:
    chance = random.Random(7)
    pool = [padded([Segment(f"row {n} ", chance.choice(STYLES)), Segment("x" * (n % 9))]) for n in range(60)]
    thumbs = [Strip([Segment(" ", STYLES[0])], 1), Strip([Segment("#", STYLES[2])], 1)]
    app = RowsApp()
    async with app.run_test(size=(WIDTH + 1, HEIGHT + 2)) as pilot:
        widget = app.query_one("#rows")
        await wait_until(lambda: widget.size.height == HEIGHT)
        terminal = PyteTerminal()
        rows = TerminalRows(terminal, app)
        top, scrolled = 0, 0
        lines: list[Strip] = []
        bar: list[Strip] = []
        for step in range(300):
            top = max(
                0,
                min(len(pool) - HEIGHT, top + chance.choice((0, 1, 1, 2, 3, -2, 9, -50 if step % 40 == 0 else 1))),
            )
            lines = pool[top : top + HEIGHT]
            if chance.random() < 0.3:
                lines = [*lines[:-1], padded([Segment(f"growing {step}")])]
            bar = [chance.choice(thumbs) if step % 3 == 0 else thumbs[y % 2] for y in range(HEIGHT)]
            if chance.random() < 0.1:
                rows.forget(1, 4)
            if chance.random() < 0.1:
                rows.forget_bar()
            rows.show(widget, lines, bar)
            assert terminal.rows() == expected(lines, bar), step
            scrolled += "M\x1b[r" in terminal.painted[-1]
        assert scrolled > 30
        before = len(terminal.painted)
        rows.show(widget, lines, bar)
        assert len(terminal.painted) == before  # nothing has changed
        await pilot.pause()


async def test_a_moved_row_is_scrolled_and_only_the_new_one_written() -> None:
    lines = [padded([Segment(f"row {n}")]) for n in range(HEIGHT + 1)]
    app = RowsApp()
    async with app.run_test(size=(WIDTH + 1, HEIGHT + 2)):
        widget = app.query_one("#rows")
        await wait_until(lambda: widget.size.height == HEIGHT)
        terminal = PyteTerminal()
        rows = TerminalRows(terminal, app)
        rows.show(widget, lines[:HEIGHT])
        rows.show(widget, lines[1:])
        assert f"row {HEIGHT}" in terminal.painted[1]
        assert all(f"row {n}" not in terminal.painted[1] for n in range(HEIGHT))


async def test_only_on_the_current_screen() -> None:
    app = RowsApp()
    async with app.run_test(size=(WIDTH + 1, HEIGHT + 2)):
        widget = app.query_one("#rows")
        await wait_until(lambda: widget.size.height == HEIGHT)
        rows = TerminalRows(PyteTerminal(), app)
        assert rows.can_show(widget)
        await app.push_screen(Screen[None]())
        assert not rows.can_show(widget)


def test_widths_agree() -> None:
    assert cell_len(padded([Segment("日本 a")]).text) == WIDTH
