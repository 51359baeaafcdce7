"""Writing to a terminal that may stop reading (Ctrl+S, a stalled ssh): whoever writes never waits for it.

Textual 8.2's own writer holds 30 texts and then blocks the event loop: nothing was received any more, and no key
helped [measured]. Here pictures that pile up are left out, and when the terminal reads again everything is drawn
once as it is by then.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TextIO

MAX_PENDING_CHARS = 1 << 18
"""A full screen is about 20,000; a slow terminal gets so much before pictures are left out."""

PICTURE_CHARS = 64
"""What is shorter is no picture but a mode that must be set or reset."""

BEHIND_AFTER_S = 0.03
"""A terminal that has not taken a text after so long gets no more frames for now: they would only wait in line."""

LEAVING_S = 1.0
"""How long the end of the program waits for a terminal that does not read."""


class Output:
    """A queue of texts and the thread that writes them to `file`, in order.

    A picture changes what the one before has drawn, so after one was left out all are, until `start_over`.
    `on_caught_up` is called from that thread when the terminal has read all others: it shall draw everything anew.
    """

    def __init__(self, file: TextIO, on_caught_up: Callable[[], None]) -> None:
        self._file = file
        self._on_caught_up = on_caught_up
        self._texts: deque[str] = deque()
        self._pending_chars = 0
        self._has_left_out = self._is_told = False
        self._is_closed = False
        self._writing_since_s: float | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="terminal-output", daemon=True)
        self._thread.start()

    @property
    def pending_chars(self) -> int:
        """How much the terminal has not taken yet."""
        return self._pending_chars

    @property
    def is_behind(self) -> bool:
        """Whether the terminal is slow to take what it is given."""
        since_s = self._writing_since_s
        return since_s is not None and time.monotonic() - since_s > BEHIND_AFTER_S

    def write(self, text: str) -> None:
        """Returns at once."""
        with self._changed:
            if (self._has_left_out or self._pending_chars > MAX_PENDING_CHARS) and _is_picture(text):
                self._has_left_out = True
                return
            self._texts.append(text)
            self._pending_chars += len(text)
            self._changed.notify_all()

    def start_over(self) -> None:
        """What comes now draws everything."""
        with self._changed:
            self._has_left_out = self._is_told = False

    def close(self) -> None:
        """Write what is left, as far as the terminal takes it within `LEAVING_S`."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join(LEAVING_S)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._texts or self._is_closed)
                if not self._texts:
                    return
                text = "".join(self._texts)
                self._texts.clear()
            self._writing_since_s = time.monotonic()
            with contextlib.suppress(OSError, ValueError):  # the terminal has gone; the input tells of it
                self._file.write(text)
                self._file.flush()
            self._writing_since_s = None
            with self._changed:
                self._pending_chars -= len(text)
                is_caught_up = self._has_left_out and not (self._is_told or self._texts or self._is_closed)
                self._is_told = self._is_told or is_caught_up
            if is_caught_up:
                self._on_caught_up()


def _is_picture(text: str) -> bool:
    return len(text) > PICTURE_CHARS and not text.startswith("\x1b]")
