"""The terminal's input, read so that a lone Esc is known as one after 25 ms and the end of the input is an end.

Textual 8.2.8 looks at its escape time-out only when `select(0.1)` returns, so that Esc costs 100 ms whatever
ESCDELAY says, and it reads an ended input again and again with a whole core [measured, both].
"""

from __future__ import annotations

import codecs
import os
import selectors

from textual import constants
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from chat_tui.ui.messages import InputEnded

IDLE_S = 0.1
"""How often the thread looks whether it shall end while nobody types: leaving takes at most this long."""

READ_BYTES = 1 << 16

UNCLOSED_PASTE_S = 2.0
"""A paste whose end never comes is ended after this much silence, else it would swallow the keyboard."""

_PASTE_START, _PASTE_END = "\x1b[200~", "\x1b[201~"
_LEGACY_ALT_ENTER, _ALT_ENTER = "\x1b\r", "\x1b[13;3u"
"""Textual takes the first for a plain Enter; the second is how the kitty protocol writes the same keys."""


class PasteWatch:
    """Whether the input stands inside a bracketed paste; fed with everything that is read, cut anywhere."""

    def __init__(self) -> None:
        self.is_open = False
        self._recent = ""

    def feed(self, text: str) -> None:
        """Look at more input; a mark may have begun in what came before."""
        text = self._recent + text
        self._recent = text[-len(_PASTE_START) + 1 :]
        start, end = text.rfind(_PASTE_START), text.rfind(_PASTE_END)
        if start != end:
            self.is_open = start > end


def make_parser() -> XTermParser:
    """Textual 8.2.8 has no public name for what turns bytes of a terminal into keys; a test guards this one."""
    return XTermParser(constants.DEBUG)


class ChatDriver(LinuxDriver):
    """Textual's driver for Unix terminals with its input loop replaced. Sends `InputEnded` when that is so."""

    def run_input_thread(self) -> None:
        """Read until the driver stops or the input ends."""
        parser = make_parser()
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        paste = PasteWatch()
        silence_s = 0.0
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            wait_s = IDLE_S
            while not self.exit_event.is_set():
                if selector.select(wait_s):
                    data = self._read()
                    if not data:
                        self.send_message(InputEnded())
                        return
                    text = decode(data).replace(_LEGACY_ALT_ENTER, _ALT_ENTER)
                    paste.feed(text)
                    silence_s = 0.0
                    for message in parser.feed(text) if text else ():
                        self.process_message(message)
                    # The parser waits for the rest of a sequence only after a lone escape.
                    wait_s = constants.ESCAPE_DELAY if text.endswith("\x1b") else IDLE_S
                else:
                    silence_s += wait_s
                    wait_s = IDLE_S
                    if paste.is_open and silence_s >= UNCLOSED_PASTE_S:
                        paste.is_open = False
                        for message in parser.feed(_PASTE_END):
                            self.process_message(message)
                for message in parser.tick():
                    self.process_message(message)

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, READ_BYTES)
        except OSError:  # the terminal was closed
            return b""
