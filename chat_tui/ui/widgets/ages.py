"""How long ago something was, in the fewest words that say it."""

from __future__ import annotations

import time
from typing import Final

_MINUTE_S: Final = 60
_HOUR_S: Final = 60 * _MINUTE_S
_DAY_S: Final = 24 * _HOUR_S
_WEEK_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def age_text(at_s: float, now_s: float) -> str:
    """At most 8 cells: now, 12 min, 3 h, Tue, 12 Mar, Mar 2024; empty for 0, which is no time. UTC epoch seconds,
    said in local time."""
    if at_s <= 0:
        return ""
    age_s = now_s - at_s
    if age_s < _MINUTE_S:
        return "now"
    if age_s < _HOUR_S:
        return f"{age_s // _MINUTE_S:.0f} min"
    try:
        then, today = time.localtime(at_s), time.localtime(now_s)
    except (ValueError, OverflowError, OSError):  # a time no calendar has, out of a damaged file
        return ""
    if age_s < _DAY_S:
        return f"{age_s // _HOUR_S:.0f} h"
    if age_s < 6 * _DAY_S:
        return _WEEK_DAYS[then.tm_wday]
    month = _MONTHS[then.tm_mon - 1]
    return f"{then.tm_mday} {month}" if then.tm_year == today.tm_year else f"{month} {then.tm_year}"
