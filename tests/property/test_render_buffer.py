"""Released text equals pushed text; the pacer keeps both of its promises."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chat_tui.core.render_buffer import SAVED_FRAMES, FramePacer, RenderBuffer


class BufferMachine(RuleBasedStateMachine):
    """A buffer beside the plainest model of one: two strings."""

    def __init__(self) -> None:
        super().__init__()
        self.buffer = RenderBuffer()
        self.pushed = ""
        self.released = ""

    @rule(text=st.text(max_size=20))
    def push(self, text: str) -> None:
        self.buffer.push(text)
        self.pushed += text

    @rule(limit=st.integers(-2, 30))
    def take(self, limit: int) -> None:
        taken = self.buffer.take(limit)
        assert len(taken) == min(max(limit, 0), len(self.pushed) - len(self.released))
        self.released += taken

    @rule()
    def flush(self) -> None:
        self.released += self.buffer.flush()
        assert self.released == self.pushed

    @invariant()
    def nothing_is_lost_or_moved(self) -> None:
        assert self.pushed.startswith(self.released)
        assert self.buffer.pending_chars == len(self.pushed) - len(self.released)


BufferMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestBuffer = BufferMachine.TestCase


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 0.1), st.floats(0, 0.5)), min_size=1, max_size=60))
def test_frames_keep_rate_and_duty(frames: list[tuple[float, float]]) -> None:
    pacer, now_s, starts, last_cost_s = FramePacer(max_fps=30, duty=0.5), 0.0, [-1.0], 0.0
    for cost_s, idle_s in frames:
        start_s = max(now_s + idle_s, pacer.due_at_s(now_s))
        assert start_s - starts[-1] >= 2 * last_cost_s - 1e-9
        pacer.painted(start_s, cost_s)
        now_s, last_cost_s = start_s + cost_s, cost_s
        starts.append(start_s)
    for count in range(1, len(starts)):  # in no stretch of time more than its frames and those saved up
        for first, last in zip(starts[1:], starts[count:], strict=False):
            assert count <= (last - first) * 30 + SAVED_FRAMES + 1e-6


@given(st.integers(0, 20_000_000))
def test_a_frame_takes_something_and_never_more_than_there_is(backlog: int) -> None:
    budget = FramePacer().budget_chars(backlog)
    assert min(backlog, 1) <= budget <= min(backlog, 8_192)
