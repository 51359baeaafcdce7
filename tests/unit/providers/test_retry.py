"""When a request is tried again: the table of header values and statuses, and the curve of the waits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_tui.core.errors import Fault, FaultKind
from chat_tui.providers.retry import RetryPolicy, retry_after_s

NOW_S = 1_781_525_760.0  # Mon, 15 Jun 2026 12:16:00 GMT
DATE = "Mon, 15 Jun 2026 12:16:00 GMT"
YEAR_S = 365 * 86_400.0

WISHES: list[tuple[dict[str, str], float | None]] = [
    ({}, None),
    ({"retry-after": ""}, None),
    ({"retry-after": "0"}, 0.0),
    ({"retry-after": "1"}, 1.0),
    ({"retry-after": " 7 "}, 7.0),
    ({"retry-after": "007"}, 7.0),
    ({"retry-after": "2.5"}, 2.5),
    ({"retry-after": "2."}, 2.0),
    ({"retry-after": ".5"}, 0.5),
    ({"retry-after": "60"}, 60.0),
    ({"retry-after": "61"}, 61.0),
    ({"retry-after": "3600"}, 3600.0),
    ({"retry-after": "99999999999999"}, YEAR_S),
    ({"retry-after": "9" * 5000}, YEAR_S),
    ({"retry-after": "-1"}, None),
    ({"retry-after": "-0"}, None),
    ({"retry-after": "+5"}, None),
    ({"retry-after": "1e3"}, None),
    ({"retry-after": "1_000"}, None),
    ({"retry-after": "0x10"}, None),
    ({"retry-after": "NaN"}, None),
    ({"retry-after": "inf"}, None),
    ({"retry-after": "-Infinity"}, None),
    ({"retry-after": "٧"}, None),
    ({"retry-after": "5s"}, None),
    ({"retry-after": "5, 6"}, None),
    ({"retry-after": "soon"}, None),
    ({"retry-after": "."}, None),
    ({"retry-after": "Mon, 15 Jun 2026 12:16:20 GMT"}, 20.0),
    ({"retry-after": "Monday, 15-Jun-26 12:16:20 GMT"}, 20.0),
    ({"retry-after": "Mon Jun 15 12:16:20 2026"}, 20.0),
    ({"retry-after": "Mon, 15 Jun 2026 14:16:20 +0200"}, 20.0),
    ({"retry-after": "Mon, 15 Jun 2026 12:00:00 GMT"}, 0.0),
    ({"retry-after": "Mon, 15 Jun 2026 12:16:20 GMT", "date": "Mon, 15 Jun 2026 12:16:15 GMT"}, 5.0),
    ({"retry-after": "Mon, 15 Jun 2026 12:16:20 GMT", "date": "nonsense"}, 20.0),
    ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, YEAR_S),
    ({"retry-after": "Mon, 99 Jun 2026 12:16:20 GMT"}, None),
    ({"retry-after": "Mon, 15 Jun 2026 12:16:20 +9999999999"}, None),
    ({"retry-after-ms": "1500"}, 1.5),
    ({"retry-after-ms": "17.5", "retry-after": "9"}, 0.0175),
    ({"retry-after-ms": "x", "retry-after": "9"}, 9.0),
    ({"retry-after-ms": "-4", "retry-after": "9"}, 9.0),
    ({"retry-after-ms": "0", "retry-after": "9"}, 0.0),
    ({"retry-after-ms": "9" * 400}, YEAR_S),
]


def fault(*, is_retryable: bool = True, wish_s: float | None = None, status: int = 429) -> Fault:
    return Fault(
        FaultKind.RATE_LIMIT, "busy", "Busy.", status=status, is_retryable=is_retryable, retry_after_s=wish_s
    )


@pytest.mark.parametrize(("headers", "expected_s"), WISHES)
def test_reads_every_form_of_the_wish(headers: dict[str, str], expected_s: float | None) -> None:
    assert retry_after_s(headers, NOW_S) == expected_s


@pytest.mark.parametrize(("headers", "wish_s"), WISHES)
@pytest.mark.parametrize("status", [429, 503])
def test_a_wish_is_obeyed_up_to_a_minute_and_refused_beyond(
    headers: dict[str, str], wish_s: float | None, status: int
) -> None:
    failed = fault(wish_s=retry_after_s(headers, NOW_S), status=status)
    waits = [RetryPolicy().wait_s(failed, attempt, jitter=1.0) for attempt in (1, 2, 3)]
    if wish_s is not None and wish_s > 60:
        assert waits == [None, None, None]
    else:
        assert waits == [max(0.5, wish_s or 0), max(1.0, wish_s or 0), None]


@given(st.text(max_size=40))
def test_any_header_text_gives_a_sane_wish_or_none(text: str) -> None:
    wish_s = retry_after_s({"retry-after": text, "retry-after-ms": text, "date": text}, NOW_S)
    assert wish_s is None or 0 <= wish_s <= YEAR_S


def test_doubles_up_to_the_cap() -> None:
    policy = RetryPolicy(retries=9)
    assert [policy.wait_s(fault(), attempt, 1.0) for attempt in range(1, 8)] == [0.5, 1, 2, 4, 8, 8, 8]


def test_full_jitter_scales_the_wait_and_is_kept_in_its_bounds() -> None:
    policy = RetryPolicy()
    assert [policy.wait_s(fault(), 2, jitter) for jitter in (0.0, 0.25, 1.0, 7.0, -7.0)] == [0, 0.25, 1, 1, 0]


def test_a_fault_that_would_only_repeat_itself_is_not_tried_again() -> None:
    assert RetryPolicy().wait_s(fault(is_retryable=False, wish_s=1), 1, 1.0) is None
