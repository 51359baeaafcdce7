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


def make_parser() -> XTermParser:
    """Textual 8.2.8 has no public name for what turns bytes of a terminal into keys; a test guards this one."""
    return XTermParser(constants.DEBUG)


class ChatDriver(LinuxDriver):
    """Textual's driver for Unix terminals with its input loop replaced. Sends `InputEnded` when that is so."""

    def run_input_thread(self) -> None:
        """Read until the driver stops or the input ends."""
        parser = make_parser()
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            wait_s = IDLE_S
            while not self.exit_event.is_set():
                if selector.select(wait_s):
                    data = self._read()
                    if not data:
                        self.send_message(InputEnded())
                        return
                    text = decode(data)
                    for message in parser.feed(text) if text else ():
                        self.process_message(message)
                    # The parser waits for the rest of a sequence only after a lone escape.
                    wait_s = constants.ESCAPE_DELAY if text.endswith("\x1b") else IDLE_S
                else:
                    wait_s = IDLE_S
                for message in parser.tick():
                    self.process_message(message)

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, READ_BYTES)
        except OSError:  # the terminal was closed
            return b""
