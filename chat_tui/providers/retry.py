"""When a request is tried again, and how long to wait before it. Pure: numbers in, numbers out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from chat_tui.core.errors import Fault

_NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+", re.ASCII)
_LONGEST_S = 365 * 86_400.0
"""Whatever a server asks for beyond a year is a year: nothing is waited for that long anyway."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with full jitter, and the server's own wish as a minimum.

    `retries` further tries after the first one. A server that asks for more than `longest_wish_s` gets no
    automatic retry: a person has to decide about a wait that long.
    """

    retries: int = 2
    base_s: float = 0.5
    cap_s: float = 8.0
    longest_wish_s: float = 60.0

    def wait_s(self, fault: Fault, attempt: int, jitter: float) -> float | None:
        """Seconds until the next try; None: do not try again.

        `attempt` is the number of the try that failed, from 1; `jitter` is drawn from 0..1 by the caller.
        """
        if not fault.is_retryable or attempt > self.retries:
            return None
        backoff_s = min(self.cap_s, self.base_s * 2 ** (attempt - 1)) * min(1.0, max(0.0, jitter))
        wish_s = fault.retry_after_s
        if wish_s is None:
            return backoff_s
        return None if wish_s > self.longest_wish_s else max(wish_s, backoff_s)


def retry_after_s(headers: Mapping[str, str], now_s: float) -> float | None:
    """What `retry-after-ms` or `retry-after` asks for, in seconds; None when absent or no sensible wish.

    Header names are lower case. A date (RFC 9110 §10.2.3, all three formats) counts from the `date` header,
    or from `now_s` (seconds since 1970) without one; a date in the past is 0.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return min(milliseconds / 1000, _LONGEST_S)
    text = headers.get("retry-after", "").strip()
    seconds = _number(text)
    if seconds is not None:
        return min(seconds, _LONGEST_S)
    then_s = _date_s(text)
    if then_s is None:
        return None
    sent_s = _date_s(headers.get("date", ""))
    return min(max(0.0, then_s - (now_s if sent_s is None else sent_s)), _LONGEST_S)


def _number(text: str) -> float | None:
    """A plain decimal; no sign, exponent, underscore, infinity or NaN."""
    stripped = text.strip()
    return float(stripped) if _NUMBER.fullmatch(stripped) else None


def _date_s(text: str) -> float | None:
    try:
        when = parsedate_to_datetime(text)
        seconds = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return seconds
