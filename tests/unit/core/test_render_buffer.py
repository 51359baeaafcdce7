"""What is held back, how much of it a frame takes, and when the next frame is due."""

from __future__ import annotations

import pytest

from chat_tui.core.render_buffer import (
    MAX_SLICE_CHARS,
    MIN_SLICE_CHARS,
    SAVED_FRAMES,
    WHOLE_BACKLOG_CHARS,
    FramePacer,
    RenderBuffer,
)


def test_text_comes_out_in_order_and_in_slices() -> None:
    buffer = RenderBuffer()
    buffer.push("hello ")
    buffer.push("")
    buffer.push("world")
    assert buffer.pending_chars == 11
    assert buffer.take(3) == "hel"
    assert buffer.take(5) == "lo wo"
    assert buffer.pending_chars == 3
    assert buffer.flush() == "rld"
    assert buffer.flush() == ""
    assert buffer.take(4) == ""
    assert buffer.pending_chars == 0


def test_taking_nothing_takes_nothing() -> None:
    buffer = RenderBuffer()
    buffer.push("x")
    assert buffer.take(0) == ""
    assert buffer.take(-1) == ""
    assert buffer.flush() == "x"


def paint_all_saved(pacer: FramePacer, now_s: float, cost_s: float = 0.0) -> None:
    """As many frames at once as are saved up."""
    for _ in range(SAVED_FRAMES):
        assert pacer.due_at_s(now_s) == now_s
        pacer.painted(now_s, cost_s)


def test_the_first_frames_are_due_at_once_and_again_after_a_reset() -> None:
    pacer = FramePacer()
    paint_all_saved(pacer, 5.0)
    assert pacer.due_at_s(5.002) > 5.002
    pacer.reset()
    assert pacer.due_at_s(5.002) == 5.002


def test_fast_streams_get_the_frame_rate_to_the_frame() -> None:
    """Tokens every 10 ms for 10 s: 30 frames a second and what was saved up, no matter how late timers are."""
    pacer, due_s, frames = FramePacer(max_fps=30), None, 0
    for tick in range(10_000):
        now_s = tick / 1000 + 0.0004
        if tick % 10 == 0 and due_s is None:
            due_s = pacer.due_at_s(now_s)
        if due_s is not None and due_s <= now_s:
            pacer.painted(now_s, 0.001)
            frames, due_s = frames + 1, None
    assert 295 <= frames <= 300 + SAVED_FRAMES


def test_at_reading_rates_every_token_is_painted_at_once_however_uneven() -> None:
    pacer, now_s = FramePacer(max_fps=30), 0.0
    for step in range(300):
        now_s += (0.005, 0.06, 0.04)[step % 3]  # 28 a second
        assert pacer.due_at_s(now_s) == now_s
        pacer.painted(now_s, 0.001)


def test_a_pause_saves_few_frames() -> None:
    pacer = FramePacer(max_fps=30)
    pacer.painted(0.0, 0.001)
    paint_all_saved(pacer, 60.0)
    assert pacer.due_at_s(60.0) == pytest.approx(60.0 + 1 / 30)


def test_fewer_frames_while_nobody_looks() -> None:
    pacer = FramePacer(max_fps=30)
    pacer.max_fps = 4
    paint_all_saved(pacer, 1.0)
    assert pacer.due_at_s(1.0) == pytest.approx(1.25)
    pacer.max_fps = 30
    assert pacer.due_at_s(1.0) == pytest.approx(1 + 1 / 30)


def test_costly_frames_leave_half_of_the_time() -> None:
    pacer = FramePacer(max_fps=30)
    pacer.painted(1.0, 0.1)
    assert pacer.due_at_s(1.1) == pytest.approx(1.2)
    quarter = FramePacer(max_fps=30, duty=0.25)
    quarter.painted(1.0, 0.1)
    assert quarter.due_at_s(1.1) == pytest.approx(1.4)


def test_costly_text_comes_in_smaller_slices() -> None:
    pacer = FramePacer()
    pacer.painted(0.0, 0.08, MAX_SLICE_CHARS)
    assert pacer.budget_chars(100_000) == MAX_SLICE_CHARS // 4
    pacer.painted(1.0, 0.2, 300)
    assert pacer.budget_chars(100_000) == MIN_SLICE_CHARS
    pacer.painted(2.0, 0.2, 1)  # a frame of one token says nothing about text
    assert pacer.budget_chars(100_000) == MIN_SLICE_CHARS
    pacer.painted(3.0, 0.001, 5_000)
    assert pacer.budget_chars(100_000) == MAX_SLICE_CHARS


@pytest.mark.parametrize(
    ("backlog", "budget"),
    [
        (0, 0),
        (1, 1),
        (WHOLE_BACKLOG_CHARS, WHOLE_BACKLOG_CHARS),
        (WHOLE_BACKLOG_CHARS + 1, WHOLE_BACKLOG_CHARS),
        (12_000, 6_000),
        (32_768, MAX_SLICE_CHARS),
        (10_000_000, MAX_SLICE_CHARS),
    ],
)
def test_budget(backlog: int, budget: int) -> None:
    assert FramePacer().budget_chars(backlog) == budget


def test_a_burst_drains_within_a_few_frames() -> None:
    pacer, backlog, frames = FramePacer(), 32_768, 0
    while backlog:
        backlog -= pacer.budget_chars(backlog)
        frames += 1
    assert frames == 5
