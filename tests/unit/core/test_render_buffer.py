"""What is held back, how much of it a frame takes, and when the next frame is due."""

from __future__ import annotations

import pytest

from chat_tui.core.render_buffer import MAX_SLICE_CHARS, WHOLE_BACKLOG_CHARS, FramePacer, RenderBuffer


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


def test_the_first_frame_is_due_at_once_and_again_after_a_reset() -> None:
    pacer = FramePacer()
    assert pacer.due_at_s(5.0) == 5.0
    pacer.painted(5.0, 0.001)
    assert pacer.due_at_s(5.002) > 5.002
    pacer.reset()
    assert pacer.due_at_s(5.002) == 5.002


def test_cheap_frames_come_at_the_frame_rate() -> None:
    pacer = FramePacer(max_fps=30)
    pacer.painted(1.0, 0.002)
    assert pacer.due_at_s(1.01) == pytest.approx(1.0 + 1 / 30)
    assert pacer.due_at_s(9.0) <= 9.0


def test_costly_frames_leave_half_of_the_time() -> None:
    pacer = FramePacer(max_fps=30)
    pacer.painted(1.0, 0.1)
    assert pacer.due_at_s(1.1) == pytest.approx(1.2)
    quarter = FramePacer(max_fps=30, duty=0.25)
    quarter.painted(1.0, 0.1)
    assert quarter.due_at_s(1.1) == pytest.approx(1.4)


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
