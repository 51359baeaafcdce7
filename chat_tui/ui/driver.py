"""The terminal: input that knows a lone Esc after 25 ms and ends where it ends, output that nobody waits for.

Textual 8.2.8 looks at its escape time-out only when `select(0.1)` returns, so that Esc costs 100 ms whatever
ESCDELAY says, and it reads an ended input again and again with a whole core [measured, both].
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import selectors
import threading
from collections.abc import Iterator, Sequence

from textual import constants
from textual._xterm_parser import XTermParser
from textual.app import App, ScreenStackError
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key, Paste
from textual.message import Message
from textual.message_pump import MessagePump
from textual.messages import TerminalSupportsSynchronizedOutput

from chat_tui.ui.messages import InputEnded
from chat_tui.ui.output import Output

IDLE_S = 0.1
"""How often the thread looks whether it shall end while nobody types: leaving takes at most this long."""

READ_BYTES = 1 << 16

KEY_WAIT_S = 0.25
"""How long a key waits for what the key before it does; a loop that is busy for longer gets it all the same."""

START_WAIT_S, _LOOK_S = 5.0, 0.005
"""How long what is typed while the program starts waits for somebody to take it, and how often is looked."""

UNCLOSED_PASTE_S = 2.0
"""A paste whose end never comes is ended after this much silence, else it would swallow the keyboard."""

_PASTE_START, _PASTE_END = "\x1b[200~", "\x1b[201~"
_SYNC_START, _SYNC_END = "\x1b[?2026h", "\x1b[?2026l"
_LEGACY_ALT_ENTER, _ALT_ENTER = "\x1b\r", "\x1b[13;3u"
"""Textual takes the first for a plain Enter; the second is how the kitty protocol writes the same keys."""


class PasteReader:
    """Takes bracketed pastes out of the input, however it is cut: what is pasted is text and never a key.

    Textual 8.2.8 looks for keys in pastes too: after an ESC in one, a control character further on would
    act [measured: quit, cut, a new conversation].
    """

    def __init__(self) -> None:
        self._pasted: list[str] | None = None
        self._recent = ""  # the end of what was read before: a mark may have begun in it

    @property
    def is_open(self) -> bool:
        """Whether the end of a paste is awaited."""
        return self._pasted is not None

    def feed(self, text: str) -> Iterator[str | Paste]:
        """Keys for the parser, and pastes. The mark of a paste's beginning goes to the parser, at once ended."""
        while text:
            mark = _PASTE_START if self._pasted is None else _PASTE_END
            found = (self._recent + text).find(mark)
            if found < 0:
                self._recent = (self._recent + text)[1 - len(mark) :]
                before, text = text, ""
            else:
                cut = found + len(mark) - len(self._recent)
                self._recent = ""
                before, text = text[:cut], text[cut:]
            if self._pasted is None:
                yield before if found < 0 else before + _PASTE_END
                self._pasted = None if found < 0 else []
            else:
                self._pasted.append(before)
                if found >= 0:
                    yield self._take(len(_PASTE_END))

    def close(self) -> Paste:
        """End a paste whose end never came."""
        self._recent = ""
        return self._take(0)

    def _take(self, mark_chars: int) -> Paste:
        whole = "".join(self._pasted or ())
        self._pasted = None
        return Paste(whole[: len(whole) - mark_chars])


def make_parser() -> XTermParser:
    """Textual 8.2.8 has no public name for what turns bytes of a terminal into keys; a test guards this one."""
    return XTermParser(constants.DEBUG)


def driver_of(app: App[None]) -> ChatDriver | None:
    """The driver of a running app, when it is ours; Textual 8.2.8 has no public name for it."""
    driver: object = getattr(app, "_driver", None)
    return driver if isinstance(driver, ChatDriver) else None


class ChatDriver(LinuxDriver):
    """Textual's driver for Unix terminals with its input loop replaced. Sends `InputEnded` when that is so."""

    _frame_start = _frame_end = ""
    _owns_screen = False
    _output: Output | None = None
    _is_key_done: threading.Event | None = None
    _has_started = False

    def start_application_mode(self) -> None:
        """Take the screen."""
        super().start_application_mode()
        self._owns_screen = True

    def stop_application_mode(self) -> None:
        """Give it back."""
        self._owns_screen = False
        super().stop_application_mode()

    def write(self, data: str) -> None:
        """Write, without ever waiting for the terminal."""
        if self._file is None:  # standard error is closed
            return
        if self._output is None:
            self._output = Output(self._file, self._caught_up)
        self._output.write(data)

    def close(self) -> None:
        """Write what is left."""
        super().close()
        if self._output is not None:
            self._output.close()
            self._output = None

    @property
    def is_behind(self) -> bool:
        """Whether the terminal is slow to take what it is given."""
        return self._output is not None and self._output.is_behind

    def _caught_up(self) -> None:
        """In the thread that writes: the terminal reads again after pictures were left out."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._draw_all)

    def _draw_all(self) -> None:
        if self._output is not None:
            self._output.start_over()
        if self._owns_screen:
            self._app.screen.refresh()

    def paint(self, text: str) -> None:
        """Write a frame past Textual's compositor; shown as a whole by terminals that can do that."""
        if self._owns_screen:
            self.write(f"{self._frame_start}{text}{self._frame_end}")

    def process_message(self, message: Message) -> None:
        """Pass on what was read from the terminal, and note what it says about itself. In the thread that reads.

        A key that is no text may move the focus: Textual 8.2.8 asks for that only once nobody on the way up from
        the focused widget has wanted the key, and by then has given the next ones to the same widget [measured:
        Tab and `c` in one read wrote a c]. So what is typed next waits until that key has come to its end.
        """
        if isinstance(message, TerminalSupportsSynchronizedOutput):
            self._frame_start, self._frame_end = _SYNC_START, _SYNC_END
        is_typed = isinstance(message, Key | Paste)
        if is_typed and not self._has_started:
            self._wait_for_focus()
        if is_typed and self._is_key_done is not None:
            self._is_key_done.wait(KEY_WAIT_S)
            self._is_key_done = None
        super().process_message(message)
        if isinstance(message, Key) and not message.is_printable:
            self._is_key_done = threading.Event()
            asyncio.run_coroutine_threadsafe(self._follow_key(self._is_key_done), self._loop)

    def _wait_for_focus(self) -> None:
        """Until the composer is there: before, a key goes to nobody. People type ahead."""
        for _ in range(int(START_WAIT_S / _LOOK_S)):
            with contextlib.suppress(ScreenStackError):
                if self._app.focused is not None:
                    break
            if self.exit_event.wait(_LOOK_S):
                break
        self._has_started = True

    async def _follow_key(self, is_done: threading.Event) -> None:
        """Set the event once the key that was sent last has been through the queues it passes: the app's, those of
        the focused widget and all above it, and once more for what these said of it."""

        def pass_on(pumps: Sequence[MessagePump]) -> None:
            if not pumps or not pumps[0].call_later(pass_on, pumps[1:]):
                is_done.set()

        def start() -> None:
            has_screen = bool(self._app.screen_stack)
            way = list((self._app.focused or self._app.screen).ancestors_with_self) if has_screen else []
            pass_on([*way, *way])

        if not self._app.call_later(start):
            is_done.set()

    def run_input_thread(self) -> None:
        """Read until the driver stops or the input ends."""
        parser = make_parser()
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        pastes = PasteReader()
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
                    text = decode(data)
                    silence_s = 0.0
                    for piece in pastes.feed(text):
                        self._process(parser, piece)
                    # The parser waits for the rest of a sequence only after a lone escape.
                    wait_s = constants.ESCAPE_DELAY if text.endswith("\x1b") else IDLE_S
                else:
                    silence_s += wait_s
                    wait_s = IDLE_S
                    if pastes.is_open and silence_s >= UNCLOSED_PASTE_S:
                        self._process(parser, pastes.close())
                for message in parser.tick():
                    self.process_message(message)

    def _process(self, parser: XTermParser, piece: str | Paste) -> None:
        messages = (
            [piece] if isinstance(piece, Paste) else parser.feed(piece.replace(_LEGACY_ALT_ENTER, _ALT_ENTER))
        )
        for message in messages:
            # The parser's own paste is the empty one between the two marks it was given.
            if not (isinstance(message, Paste) and not message.text):
                self.process_message(message)

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, READ_BYTES)
        except OSError:  # the terminal was closed
            return b""
