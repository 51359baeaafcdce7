"""Every number of a stream, computed by hand."""

from __future__ import annotations

import pytest

from chat_tui.core.events import Usage
from chat_tui.core.metrics import StreamMetrics
from chat_tui.core.outcome import QUIET_AFTER_S, STALLED_AFTER_S

START = 1000.0


def metrics_of(*offsets_ms: int) -> StreamMetrics:
    metrics = StreamMetrics(START)
    for offset_ms in offsets_ms:
        metrics.tokens_arrived(START + offset_ms / 1000)
    return metrics


def test_nothing_is_invented_before_the_first_token() -> None:
    metrics = StreamMetrics(START)
    assert metrics.ttft_s is None
    assert metrics.tokens_per_s is None
    assert metrics.live_tokens_per_s(START + 3) is None
    assert metrics.gap_percentile_s(0.5) is None
    assert metrics.token_count == 0
    assert metrics.is_estimate
    assert metrics.strip(START + 3, 4) == (0, 0, 0, 0)
    assert metrics.elapsed_s(START + 3.25) == pytest.approx(3.25)
    assert metrics.silence_s(START + 3.25) == pytest.approx(3.25)


def test_first_token_and_rate_to_the_millisecond() -> None:
    metrics = metrics_of(212, 232, 252, 272, 292)
    assert metrics.ttft_s == pytest.approx(0.212)
    assert metrics.tokens_per_s == pytest.approx(4 / 0.080)
    assert metrics.token_count == 5


def test_one_token_or_one_burst_has_no_rate() -> None:
    assert metrics_of(100).tokens_per_s is None
    burst = StreamMetrics(START)
    burst.tokens_arrived(START + 0.1, count=40)
    assert burst.tokens_per_s is None
    assert burst.gap_percentile_s(1.0) == 0
    assert burst.token_count == 40


def test_an_empty_arrival_is_none() -> None:
    metrics = StreamMetrics(START)
    metrics.tokens_arrived(START + 1, count=0)
    assert metrics.ttft_s is None


def test_the_servers_count_replaces_ours() -> None:
    metrics = metrics_of(0, 1000)
    metrics.usage_reported(Usage(output_tokens=51))
    assert (metrics.token_count, metrics.is_estimate) == (51, False)
    assert metrics.tokens_per_s == pytest.approx(50)


def test_an_early_report_does_not_stand_for_what_came_after() -> None:
    metrics = StreamMetrics(START)
    metrics.usage_reported(Usage(input_tokens=9, output_tokens=1))
    metrics.tokens_arrived(START + 1, count=7)
    assert (metrics.token_count, metrics.is_estimate) == (7, True)
    metrics.usage_reported(Usage(output_tokens=12))
    assert (metrics.token_count, metrics.is_estimate) == (12, False)


def test_a_report_without_a_count_changes_nothing() -> None:
    metrics = metrics_of(1, 2)
    metrics.usage_reported(Usage(input_tokens=5))
    metrics.usage_reported(Usage(output_tokens=0))
    assert (metrics.token_count, metrics.is_estimate) == (2, True)


def test_reasoning_that_was_not_streamed_does_not_inflate_the_rate() -> None:
    metrics = metrics_of(*range(0, 1001, 100))
    metrics.usage_reported(Usage(output_tokens=2011, reasoning_tokens=2000))
    assert metrics.token_count == 2011
    assert metrics.tokens_per_s == pytest.approx(10)


def test_reasoning_that_was_streamed_counts() -> None:
    metrics = metrics_of(*range(0, 1001, 100))
    metrics.usage_reported(Usage(output_tokens=11, reasoning_tokens=6))
    assert metrics.tokens_per_s == pytest.approx(10)


def test_live_rate_is_of_the_last_second() -> None:
    metrics = metrics_of(*range(0, 2000, 50))
    assert metrics.live_tokens_per_s(START + 1.95) == pytest.approx(20)
    assert metrics.live_tokens_per_s(START + 2) == pytest.approx(19)
    assert metrics.live_tokens_per_s(START + 2.5) == pytest.approx(9)
    assert metrics.live_tokens_per_s(START + 10) == 0
    metrics.ended(START + 10)
    assert metrics.live_tokens_per_s(START + 10) == metrics.tokens_per_s


def test_live_rate_of_a_young_answer_is_no_guess() -> None:
    metrics = metrics_of(500, 510, 520)
    assert metrics.live_tokens_per_s(START + 0.6) is None
    assert metrics.live_tokens_per_s(START + 1.0) == pytest.approx(2 / 0.5)


def test_time_stands_still_after_the_end() -> None:
    metrics = metrics_of(100, 300)
    assert metrics.silence_s(START + 1) == pytest.approx(0.7)
    metrics.ended(START + 0.5)
    metrics.ended(START + 9)
    assert metrics.elapsed_s(START + 99) == pytest.approx(0.5)
    assert metrics.silence_s(START + 99) == pytest.approx(0.2)
    assert metrics.strip(START + 99, 3) == (1, 1, 0)


def test_stalls_are_long_gaps_between_tokens() -> None:
    long_ms = int(STALLED_AFTER_S * 1000)
    metrics = metrics_of(60_000, 60_000 + long_ms, 60_000 + 2 * long_ms - 1)
    assert metrics.stall_count == 1
    assert QUIET_AFTER_S < STALLED_AFTER_S


def test_gap_percentiles_are_within_half_a_percent() -> None:
    at_ms, offsets = 0, [0]
    for gap_ms in [10] * 50 + [20] * 40 + [300] * 9 + [4000]:
        at_ms += gap_ms
        offsets.append(at_ms)
    metrics = metrics_of(*offsets)
    assert metrics.gap_percentile_s(0.0) == pytest.approx(0.010, rel=0.006)
    assert metrics.gap_percentile_s(0.5) == pytest.approx(0.010, rel=0.006)
    assert metrics.gap_percentile_s(0.51) == pytest.approx(0.020, rel=0.006)
    assert metrics.gap_percentile_s(0.95) == pytest.approx(0.300, rel=0.006)
    assert metrics.gap_percentile_s(1.0) == pytest.approx(4.0, rel=0.006)
    with pytest.raises(ValueError, match="fraction"):
        metrics.gap_percentile_s(1.5)


def test_a_burst_is_gaps_of_zero() -> None:
    metrics = StreamMetrics(START)
    metrics.tokens_arrived(START, count=3)
    metrics.tokens_arrived(START + 0.4, count=2)
    assert metrics.gap_percentile_s(0.75) == 0
    assert metrics.gap_percentile_s(1.0) == pytest.approx(0.4, rel=0.006)


def test_strip_counts_per_cell_on_a_fixed_grid() -> None:
    metrics = metrics_of(0, 10, 249, 250, 600, 999, 1000)
    assert metrics.strip(START + 1.0, 5) == (3, 1, 1, 1, 1)
    assert metrics.strip(START + 1.24, 5) == (3, 1, 1, 1, 1)
    assert metrics.strip(START + 1.25, 5) == (1, 1, 1, 1, 0)
    assert metrics.strip(START + 1.0, 2, cell_s=0.5) == (2, 1)
    assert metrics.strip(START + 90, 3) == (0, 0, 0)


def test_memory_is_bounded_whatever_the_length() -> None:
    metrics = StreamMetrics(START)
    for index in range(200_000):
        metrics.tokens_arrived(START + index * 0.0021)
    assert len(metrics._minute._cells) <= 64 / 0.05 + 1
    assert len(metrics._recent._cells) <= 1001
    assert len(metrics._gaps._bins) <= 10
    assert metrics.tokens_per_s == pytest.approx(1 / 0.0021)
