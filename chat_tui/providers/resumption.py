"""Answers that a server makes whether or not we listen: when and how one is taken up again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from chat_tui.core.errors import Fault, FaultKind
from chat_tui.providers.retry import RetryPolicy
from chat_tui.providers.transport import Exchange
from chat_tui.wire.base import ResumableCodec, WireRequest

_POLICY = RetryPolicy(retries=3, base_s=0.5, cap_s=2.0)
_PASSING_STATUSES = (408, 425, 429)


@dataclass(frozen=True, slots=True)
class Pauses:
    """How reconnecting waits. `jitter` gives 0..1, the part of the longest pause that is taken."""

    sleep: Callable[[float], Awaitable[None]]
    jitter: Callable[[], float]
    policy: RetryPolicy = _POLICY


class Resumption:
    """One answer's reconnects: bounded as long as nothing new comes, unbounded otherwise."""

    def __init__(
        self, codec: ResumableCodec, send: Callable[[WireRequest], Awaitable[Exchange]], pauses: Pauses
    ) -> None:
        self._codec = codec
        self._send = send
        self._pauses = pauses
        self._tries = 0
        self._wait_s = 0.0
        self._wire = WireRequest("")
        self.fault: Fault | None = None
        """What broke the connection when the answer came no further; None: a clean end."""

    def begin(self, fault: Fault | None, *, is_silence: bool = False) -> bool:
        """Whether the answer shall be taken up again after this break. Counts from anew when there was progress.

        Silence is waited out once more and not three times: the reader has said how long is too long.
        """
        wire = self._codec.resume()
        if wire is None:
            self.fault = fault
            return False
        if wire != self._wire:
            self._tries, self._wire, self.fault = 0, wire, fault
        elif is_silence and self._tries > 0:
            return False
        self._tries += 1
        basis = Fault(FaultKind.CUT, "", "") if fault is None else replace(fault, retry_after_s=None)
        wait_s = self._pauses.policy.wait_s(replace(basis, is_retryable=True), self._tries, self._pauses.jitter())
        self._wait_s = wait_s or 0.0
        return wait_s is not None

    async def reconnect(self) -> Exchange:
        """Wait, and ask for the rest. Raises ChatError."""
        await self._pauses.sleep(self._wait_s)
        return await self._send(self._wire)


def is_passing(status: int) -> bool:
    """Whether a server that answers with this may still give the rest later."""
    return status >= 500 or status in _PASSING_STATUSES
