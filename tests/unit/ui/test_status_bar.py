"""The status line: words, figures, places."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult

import chat_tui.ui.widgets.status_bar as status_bar_module
from chat_tui.core.events import ProgressKind, Usage
from chat_tui.core.metrics import StreamMetrics
from chat_tui.core.turn import Phase
from chat_tui.ui.widgets.status_bar import STRIP_CELLS, Cell, StatusBar, StatusView, Tone, lay_out, status_view
from chat_tui.ui.widgets.terminal_rows import TerminalRows
from chat_tui.ui.widgets.title_bar import title_line

STYLES = Path(status_bar_module.__file__).parents[1] / "styles" / "app.tcss"

FULL = StatusView(
    phase="answering",
    tone=Tone.ACCENT,
    model="local/smollm2-135m",
    ttft_s=0.212,
    tokens_per_s=48.2,
    tokens=412,
    elapsed_s=8.1,
    strip=(0.0, 1.0, 4.0) * 8,
    escape_hint="Esc stop",
)


def line(view: StatusView, width: int) -> str:
    """The whole line as text."""
    text = ""
    for cell in lay_out(view, width):
        text += " " * (cell.x - cell_len(text)) + "".join(part for part, _ in cell.spans)
    return text


def tones(cells: tuple[Cell, ...], text: str) -> set[Tone]:
    return {tone for cell in cells for part, tone in cell.spans if text in part}


# -- from the turn to the view -------------------------------------------------------------------


def running_metrics() -> StreamMetrics:
    """Submitted at 100, first token at 100.2, then one every 0.1 s until 101.2."""
    metrics = StreamMetrics(100.0)
    for tick in range(11):
        metrics.tokens_arrived(100.2 + tick * 0.1)
    return metrics


def test_nothing_measured_yet() -> None:
    view = status_view(None, Phase.IDLE, 5.0, model="a/b")
    assert view == StatusView("ready", Tone.DIM, "a/b")
    assert line(view, 120).count("–") == 5


@pytest.mark.parametrize(
    ("kind", "fraction", "word"),
    [
        (ProgressKind.LOAD, 0.5, "loading 50 %"),
        (ProgressKind.LOAD, None, "loading 31 s"),
        (ProgressKind.PROMPT, 0.999, "reading 99 %"),
        (ProgressKind.QUEUED, None, "queued 31 s"),
        (ProgressKind.TOOL, 0.5, "waiting 31 s"),
    ],
)
def test_what_the_server_does_while_we_wait(kind: ProgressKind, fraction: float | None, word: str) -> None:
    view = status_view(StreamMetrics(100.0), Phase.WAITING, 131.0, progress=(kind, fraction))
    assert view.phase == word
    if word.startswith("loading"):  # before there is anybody to connect to
        assert status_view(StreamMetrics(100.0), Phase.CONNECTING, 131.0, progress=(kind, fraction)).phase == word
    later = status_view(StreamMetrics(100.0), Phase.DONE, 131.0, progress=(kind, fraction))
    assert later.phase == "done"


@pytest.mark.parametrize(
    ("phase", "word"),
    [(Phase.WAITING, "reconnecting"), (Phase.ANSWERING, "reconnecting"), (Phase.STOPPED, "stopped")],
)
def test_a_connection_made_anew_is_told_in_every_phase_that_runs(phase: Phase, word: str) -> None:
    assert status_view(StreamMetrics(100.0), phase, 131.0, progress=(ProgressKind.RECONNECT, None)).phase == word


@pytest.mark.parametrize(
    ("phase", "now_s", "word", "tone"),
    [
        (Phase.IDLE, 100.0, "ready", Tone.DIM),
        (Phase.CONNECTING, 100.0, "connecting", Tone.ACCENT),
        (Phase.WAITING, 100.9, "waiting", Tone.ACCENT),
        (Phase.WAITING, 103.4, "waiting 3 s", Tone.ACCENT),
        (Phase.WAITING, 131.0, "waiting 31 s", Tone.WARN),
        (Phase.DONE, 200.0, "done", Tone.GOOD),
        (Phase.STOPPED, 200.0, "stopped", Tone.DIM),
        (Phase.INTERRUPTED, 200.0, "interrupted", Tone.BAD),
        (Phase.RETRYING, 101.0, "retrying in 4 s", Tone.WARN),
    ],
)
def test_words_before_the_first_token_and_after_the_end(phase: Phase, now_s: float, word: str, tone: Tone) -> None:
    view = status_view(StreamMetrics(100.0), phase, now_s, retry_in_s=3.2)
    assert (view.phase, view.tone) == (word, tone)


@pytest.mark.parametrize("phase", [Phase.THINKING, Phase.ANSWERING, Phase.CALLING])
@pytest.mark.parametrize(
    ("silence_s", "word", "tone"),
    [(4.9, "", Tone.ACCENT), (6.5, "quiet 6 s", Tone.WARN), (31.9, "stalled 31 s", Tone.BAD)],
)
def test_silence_has_words(phase: Phase, silence_s: float, word: str, tone: Tone) -> None:
    view = status_view(running_metrics(), phase, 101.2 + silence_s)
    assert (view.phase, view.tone) == (word or phase.value, tone)


def test_every_phase_has_a_word_that_fits() -> None:
    for phase in Phase:
        for now_s in (100.0, 700.0):
            view = status_view(StreamMetrics(100.0), phase, now_s, retry_in_s=60)
            assert view.phase in line(view, 60)


def test_retrying_at_once_counts_no_seconds() -> None:
    assert status_view(StreamMetrics(0.0), Phase.RETRYING, 0.0).phase == "retrying"


def test_figures_while_running_are_live_and_estimates() -> None:
    view = status_view(running_metrics(), Phase.ANSWERING, 101.25)
    assert view.ttft_s == pytest.approx(0.2)
    assert view.tokens_per_s == pytest.approx(10, rel=0.15)
    assert (view.tokens, view.is_estimate) == (11, True)
    assert view.elapsed_s == pytest.approx(1.25)
    assert len(view.strip) == STRIP_CELLS
    assert sum(view.strip) == 11


def test_figures_after_the_end_stay_and_are_the_servers() -> None:
    metrics = running_metrics()
    metrics.usage_reported(Usage(output_tokens=21))
    metrics.ended(101.3)
    view = status_view(metrics, Phase.DONE, 999.0)
    assert view.tokens_per_s == pytest.approx(20.0)
    assert (view.tokens, view.is_estimate) == (21, False)
    assert view.elapsed_s == pytest.approx(1.3)
    assert view == replace(status_view(metrics, Phase.DONE, 5_000.0))


def test_before_the_first_token_only_the_time_is_known() -> None:
    view = status_view(StreamMetrics(100.0), Phase.WAITING, 102.0)
    assert (view.ttft_s, view.tokens_per_s, view.tokens, view.strip) == (None, None, None, ())
    assert view.elapsed_s == 2.0


# -- from the view to the line -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "shown", "hidden"),
    [
        (
            200,
            ("answering", "TTFT", "tok/s", "⣿", "412 tok", "8.1 s", "local/smollm2-135m", "Esc stop", "F1 help"),
            (),
        ),
        (120, ("answering", "TTFT 212 ms", "48 tok/s", "⣿", "412 tok", "8.1 s", "Esc stop", "F1 help"), ("local",)),
        (80, ("answering", "TTFT 212 ms", "48 tok/s", "412 tok", "8.1 s", "Esc stop"), ("F1", "⣿")),
        (60, ("answering", "TTFT 212 ms", "48 tok/s", "Esc stop"), ("412", "8.1 s", "F1")),
        (30, ("answering",), ("TTFT",)),
    ],
)
def test_what_is_shown_at_which_width(width: int, shown: tuple[str, ...], hidden: tuple[str, ...]) -> None:
    text = line(FULL, width)
    assert all(part in text for part in shown), text
    assert not any(part in text for part in hidden), text


def test_cells_never_overlap_nor_leave_the_line() -> None:
    crowded = replace(FULL, notice="n" * 300, phase="retrying in 60 s", model="日本" * 40)
    for width in range(1, 220):
        for view in (FULL, StatusView(), crowded, replace(crowded, notice="")):
            edge = 0
            for cell in lay_out(view, width):
                assert cell.x >= edge
                assert sum(cell_len(text) for text, _ in cell.spans) == cell.width
                edge = cell.x + cell.width
            assert edge <= width


def test_cells_do_not_move_while_numbers_change() -> None:
    views = (
        StatusView(),
        FULL,
        replace(FULL, ttft_s=12.3, tokens_per_s=1234.5, tokens=123_456, is_estimate=True, elapsed_s=3725),
    )
    places = [[(cell.x, cell.width) for cell in lay_out(view, 120)] for view in views]
    assert places[0] == places[1] == places[2]
    units = [line(view, 120).index(" tok/s") for view in views]
    assert len(set(units)) == 1


@pytest.mark.parametrize(
    ("ttft_s", "tone"), [(0.5, Tone.GOOD), (0.51, Tone.WARN), (2.0, Tone.WARN), (2.1, Tone.BAD)]
)
def test_latency_is_coloured_by_how_it_feels(ttft_s: float, tone: Tone) -> None:
    cells = lay_out(StatusView(ttft_s=ttft_s), 120)
    assert tones(cells, " s" if ttft_s >= 1 else " ms") & {Tone.GOOD, Tone.WARN, Tone.BAD} == {tone}


def test_an_estimate_is_marked() -> None:
    text = line(replace(FULL, is_estimate=True), 120)
    assert "≈48 tok/s" in text
    assert "≈412 tok" in text
    assert "≈" not in line(FULL, 120)


def test_help_takes_the_place_of_an_empty_hint_when_there_is_no_room_for_both() -> None:
    assert line(replace(FULL, escape_hint=""), 60).rstrip().endswith("F1 help")


def test_a_notice_takes_the_place_of_the_figures() -> None:
    text = line(replace(FULL, notice="Copied 3 characters\x1b[31m (terminal, OSC 52)"), 120)
    assert "Copied 3 characters" in text
    assert "TTFT" not in text
    assert "\x1b" not in text
    assert "Esc stop" in text


@pytest.mark.parametrize("width", [30, 60, 120])
def test_why_it_waits_stands_behind_the_countdown(width: int) -> None:
    view = status_view(
        StreamMetrics(0.0),
        Phase.RETRYING,
        0.0,
        retry_in_s=3.2,
        reason="rate\x1b[31m limited",
        escape_hint="Esc stop",
    )
    text = line(view, width)
    assert text.lstrip().startswith("● retrying in 4 s · rate")
    assert "\x1b" not in text
    assert ("Esc stop" in text) is (width > 30)
    assert status_view(StreamMetrics(0.0), Phase.WAITING, 0.0, reason="rate limited").reason == ""


# -- the widget ----------------------------------------------------------------------------------


class RecordingTerminal:
    """Remembers what was painted."""

    is_behind = False

    def __init__(self) -> None:
        self.painted: list[str] = []

    def paint(self, text: str) -> None:
        self.painted.append(text)


class BarApp(App[None]):
    CSS_PATH = STYLES

    def compose(self) -> ComposeResult:
        yield StatusBar(id="status-bar")


async def test_only_changed_cells_are_written() -> None:
    app = BarApp()
    async with app.run_test(size=(120, 4)):
        bar = app.query_one(StatusBar)
        terminal = RecordingTerminal()
        bar.paint_on(TerminalRows(terminal, app))
        bar.show(FULL)
        assert "412 tok" in re.sub("\x1b[^m]*m", "", terminal.painted.pop())
        bar.show(replace(FULL))
        assert terminal.painted == []
        bar.show(replace(FULL, tokens=413))
        [painted] = terminal.painted
        assert re.sub("\x1b[^mH]*[mH]", "", painted) == "3"


async def test_hostile_texts_are_texts() -> None:
    hostile = "x [/red] [@click=app.quit]y[/] \x1b]0;z\x07"
    app = BarApp()
    async with app.run_test(size=(200, 4), notifications=True):
        bar = app.query_one(StatusBar)
        bar.show(replace(FULL, model=hostile))
        assert "x [/red] [@click=app.quit" in bar.render_line(0).text
        bar.show(replace(FULL, notice=hostile))
        assert "[@click=app.quit]y[/]" in bar.render_line(0).text
        assert "\x1b" not in bar.render_line(0).text


# -- the title -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "model", "width", "expected"),
    [
        ("Streaming", "a/b", 20, " Streaming      a/b "),
        ("A long title indeed", "a/b", 20, " A long title… a/b "),
        ("", "provider/a-very-long-name", 20, " provider/a-very… "),
        ("Title", "provider/a-very-long-name", 20, " Title  provider/a… "),
        ("Title", "m", 2, "  "),
    ],
)
def test_title_line(title: str, model: str, width: int, expected: str) -> None:
    text = title_line(title, model, width)
    assert cell_len(text) == width
    assert text.split() == expected.split()
