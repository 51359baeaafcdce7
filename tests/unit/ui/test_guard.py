"""Nothing hostile reaches the terminal through Textual, even where nobody cleaned it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pytest
from rich import control as rich_control
from rich.segment import ControlType, Segment
from rich.style import Style
from rich.text import Text
from textual import content as textual_content
from textual.app import App, ComposeResult
from textual.color import Color
from textual.content import Content
from textual.filter import LineFilter
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input, Label, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from chat_tui.ui.guard import ControlFilter, install_guard
from tests.support.payloads import PAYLOADS, Payload

SGR = re.compile(r"\x1b\[[0-9;]*m")
FORBIDDEN = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
BLACK = Color(0, 0, 0)


@pytest.fixture(autouse=True)
def restored_tables() -> Iterator[None]:
    tables = (textual_content._CONTROL_STRIP_TRANSLATE, rich_control._CONTROL_STRIP_TRANSLATE)
    before = [dict(table) for table in tables]
    yield
    for table, original in zip(tables, before, strict=True):
        table.clear()
        table.update(original)


class RawRow(Widget):
    """A Line-API widget that hands on what it was given."""

    text = ""

    def render_line(self, y: int) -> Strip:
        style = Style(link=f"https://evil.example/{self.text}")
        return Strip([Segment("plain "), Segment(self.text, style if y else None)])


class SinksApp(App[None]):
    """Every kind of place that text is put into, without any cleaning."""

    def __init__(self, line_filter: LineFilter | None) -> None:
        super().__init__()
        self._line_filter = line_filter

    def get_line_filters(self) -> Sequence[LineFilter]:
        added = () if self._line_filter is None else (self._line_filter,)
        return (*super().get_line_filters(), *added)

    def compose(self) -> ComposeResult:
        yield Static(id="content")
        yield Static(id="rich")
        yield Label(id="label", markup=False)
        yield Input()
        yield TextArea()
        yield OptionList()
        yield RawRow()

    def fill(self, text: str) -> None:
        content = self.query_one("#content", Static)
        content.update(Content(text))
        content.styles.border = ("round", "red")
        content.border_title = Content(text)
        self.query_one("#rich", Static).update(Text(text))
        self.query_one("#label", Label).update(Content(text))
        self.query_one(Input).value = text
        self.query_one(TextArea).text = text
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_option(Option(Content(text)))
        row = self.query_one(RawRow)
        row.styles.height = 2
        row.text = text
        row.refresh()
        self.clear_notifications()
        self.notify(text, title="said", markup=False)

    def leaks(self) -> set[str]:
        """Kinds of widgets of which a row, as written to the terminal, holds more than text and SGR."""
        return {
            type(widget).__name__
            for widget in self.screen.query("*")
            if widget.size
            for strip in widget.render_lines(Region(0, 0, *widget.outer_size))
            if FORBIDDEN.search(SGR.sub("", strip.render(self.console)))
        }


async def leaks_of(app: SinksApp, payloads: Sequence[Payload]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    async with app.run_test(size=(80, 60), notifications=True) as pilot:
        for payload in payloads:
            app.fill(payload.text)
            await pilot.pause()
            if leaks := app.leaks():
                found[payload.name] = leaks
    return found


async def test_unguarded_the_sinks_leak() -> None:
    """What the guard is for; and the proof that the tests below look at the right thing."""
    found = await leaks_of(SinksApp(None), PAYLOADS[::12])
    assert set.union(*found.values()) >= {"Static", "Label", "Input", "TextArea", "OptionList", "Toast", "RawRow"}


async def test_the_tables_alone_save_all_but_raw_rows() -> None:
    assert install_guard() == ()
    found = await leaks_of(SinksApp(None), PAYLOADS[::12])
    assert set.union(*found.values()) == {"RawRow"}


async def test_the_filter_alone_saves_everything() -> None:
    assert await leaks_of(SinksApp(ControlFilter()), PAYLOADS) == {}


def test_both_libraries_show_what_they_would_have_passed_on() -> None:
    install_guard()
    install_guard()
    for plain in (Content("\x1b[2J\x9b\x7f\x00\r\n\t").plain, Text("\x1b[2J\x9b\x7f\x00\r\n\t").plain):
        assert plain == "␛[2J\N{REPLACEMENT CHARACTER}␡␀\n\t"
    assert Text("a").append("\u202e\ud800").plain == "a␦\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("module", ["textual.content", "rich.control"])
def test_moved_internals_are_named(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(f"{module}._CONTROL_STRIP_TRANSLATE")
    assert install_guard() == (module,)


def test_a_clean_row_is_passed_on_as_it_is() -> None:
    segments = [Segment("tab-free text é 服务 😀", Style(bold=True)), Segment("می‌خواهم")]
    assert ControlFilter().apply(segments, BLACK) is segments


def test_a_row_keeps_its_width_its_styles_and_textuals_own_controls() -> None:
    style = Style(bold=True, link="https://evil.example", meta={"link": "https://good.example"})
    own = Segment("\x07", None, [(ControlType.BELL,)])
    [text, control] = ControlFilter().apply([Segment("a\x1b[2J\u202eb\ud800", style), own], BLACK)
    assert text.text == "a[2Jb\N{REPLACEMENT CHARACTER}"
    assert text.cell_length == Segment("a\x1b[2J\u202eb\ud800").cell_length
    assert text.style is not None
    assert (text.style.bold, text.style.link, text.style.meta) == (True, None, style.meta)
    assert control is own
