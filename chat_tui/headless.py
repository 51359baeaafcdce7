"""One question and its answer without a screen: the answer to `out` as it arrives, everything else to `err`.

Output formats:

text          The answer and a line end. For a terminal it is cleaned, for a pipe or file it is what the model
              wrote, save NUL and lone surrogates, which become U+FFFD.
json          One object at the end: text, reasoning, tool_calls, outcome, reason, error, usage, metrics, model.
stream-json   One object per line as it arrives, told apart by "type": first one "start" (model); any number of
              "reasoning" and "text" (text: to be appended); "retry" (wait_s, error) when it is asked again; at
              most one "usage"; last one "end" (outcome, reason, error, metrics).

`outcome` is complete, stopped or interrupted; `reason` is why the model ended (stop, length, …); `error` is null or
has kind, title, message, hint and status. JSON is ASCII, so that it may be shown on any terminal.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import select
import signal
import threading
from collections.abc import Generator
from dataclasses import asdict
from enum import StrEnum
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, TextIO

from chat_tui.core.conversation import Ending, Outcome, ToolResultPart
from chat_tui.core.errors import Fault
from chat_tui.core.events import FinishReason
from chat_tui.core.sanitize import RawText, clean_line
from chat_tui.core.turn import Phase

if TYPE_CHECKING:
    from chat_tui.core.conversation import FilePart
    from chat_tui.session.session import ChatSession
    from chat_tui.session.turn_runner import TurnRunner

EXIT_COMPLETE: Final = 0
EXIT_FAILED: Final = 1
EXIT_STOPPED: Final = 130
EXIT_BROKEN_PIPE: Final = 141


class OutputFormat(StrEnum):
    """What `out` gets."""

    TEXT = "text"
    JSON = "json"
    STREAM_JSON = "stream-json"


async def run(
    session: ChatSession,
    prompt: str,
    output_format: OutputFormat,
    out: TextIO,
    err: TextIO,
    *,
    is_terminal: bool,
    files: tuple[FilePart, ...] = (),
) -> int:
    """Ask, with files, stream, and return the exit code: 0 complete, 1 interrupted, 130 stopped, 128 + n on signal
    n, 141 when nobody reads `out` any more. Raises ConfigError when the model cannot be used, CannotSend when it
    sees no images.
    """
    if not (is_terminal and output_format is OutputFormat.TEXT):
        session.make_cleaner = RawText
    printer = _Printer(session, output_format, out, err)
    runner = session.submit(prompt, printer, files=files)
    printer.begin(runner)
    with _signals_stop(printer):
        ending = await runner.run()
        printer.end(ending)
    is_stopped = ending.outcome is Outcome.STOPPED
    if is_stopped and printer.signal_number is not None:
        return 128 + printer.signal_number
    if printer.write_error is not None:
        return _report_write_error(printer.write_error, err)
    if is_stopped:
        return EXIT_STOPPED
    return EXIT_COMPLETE if ending.outcome is Outcome.COMPLETE else EXIT_FAILED


class _InterruptedWriteError(OSError):
    """A signal came while nobody took what we write."""


class _Printer:
    """Writes what arrives. A TurnListener; also where signals and broken pipes are noted."""

    def __init__(self, session: ChatSession, output_format: OutputFormat, out: TextIO, err: TextIO) -> None:
        self.signal_number: int | None = None
        self.write_error: OSError | None = None
        self._is_writing = False
        self._session = session
        self._format = output_format
        self._out, self._err = out, err
        self._runner: TurnRunner | None = None
        self._loop = asyncio.get_running_loop()
        self._last_char = ""
        self._restart_count = 0

    def begin(self, runner: TurnRunner) -> None:
        """The turn to print, before it runs."""
        self._runner = runner
        self._emit("start", model=self._session.model_id)

    def cancel(self) -> None:
        """Stop the turn; what arrived is still printed."""
        if self._runner is not None:
            self._runner.cancel()

    def text_arrived(self) -> None:
        """Print it now."""
        if self._format is not OutputFormat.JSON:
            self._print_new()

    def phase_changed(self, phase: Phase) -> None:
        """A retry is announced; the other phases are for screens."""
        runner = self._runner
        if phase is not Phase.RETRYING or runner is None or runner.retry_fault is None:
            return
        wait_s = max(0.0, (runner.retry_at_s or 0.0) - self._session.now_s())
        self._emit("retry", wait_s=round(wait_s, 3), error=_error_data(runner.retry_fault))
        when = f"in {wait_s:.0f} s" if wait_s >= 1 else "at once"
        self._note(f"{_in_words(runner.retry_fault)} Asking again {when}.")

    def end(self, ending: Ending) -> None:
        """The rest of the text, then the numbers."""
        self.text_arrived()
        runner = self._runner
        if runner is None or self.write_error is not None:
            return
        if self._format is OutputFormat.TEXT:
            if self._last_char not in ("", "\n"):
                self._write("\n")
            self._describe(runner, ending)
        elif self._format is OutputFormat.STREAM_JSON:
            if usage := _usage_data(ending):
                self._emit("usage", **usage)
            self._emit("end", **_end_data(ending), metrics=_metrics_data(ending))
        else:
            self._write(json.dumps(_answer_data(runner, ending, self._session.model_id)) + "\n")

    # -- text ------------------------------------------------------------------------------------

    def _print_new(self) -> None:
        if self._runner is None:
            return
        if self._runner.restart_count != self._restart_count:
            self._begin_again(self._runner)
        drained = self._runner.flush()
        if self._format is OutputFormat.TEXT:
            self._print_text(drained.answer)
            return
        if drained.reasoning:
            self._emit("reasoning", text=drained.reasoning)
        if drained.answer:
            self._emit("text", text=drained.answer)

    def _begin_again(self, runner: TurnRunner) -> None:
        """The server took some of its answer back; what is printed stays, all that counts comes again."""
        self._restart_count = runner.restart_count
        if self._last_char not in ("", "\n"):
            self._print_text("\n")
        self._emit("restart")
        self._note("The server began again; the answer follows from its beginning.")

    def _print_text(self, text: str) -> None:
        if text:
            self._last_char = text[-1]
            self._write(text)

    def _emit(self, kind: str, **data: Any) -> None:
        if self._format is OutputFormat.STREAM_JSON:
            self._write(json.dumps({"type": kind, **data}) + "\n")

    def _write(self, text: str) -> None:
        """Write and flush; once nobody reads any more the turn is stopped and nothing is written again."""
        if self.write_error is not None:
            return
        self._is_writing = True
        try:
            self._out.write(text)
            self._out.flush()
        except OSError as error:
            self.write_error = error
            self._loop.call_soon(self.cancel)
        finally:
            self._is_writing = False

    def is_blocked(self) -> bool:
        """Whether we are in a write that nobody takes."""
        if not self._is_writing:
            return False
        try:
            return not select.select([], [self._out], [], 0)[1]
        except (OSError, ValueError):  # no file behind it
            return False

    # -- numbers ---------------------------------------------------------------------------------

    def _describe(self, runner: TurnRunner, ending: Ending) -> None:
        run_keys = {part.key for part in runner.state.parts() if isinstance(part, ToolResultPart)}
        for call in runner.state.tool_calls:
            if call.key not in run_keys:  # others the provider has run itself
                self._note(f"The model asked for the tool {call.name or 'without a name'}; it was not run.")
        if ending.fault is not None:
            self._note(_in_words(ending.fault))
        elif ending.outcome is Outcome.STOPPED:
            self._note("Stopped.")
        elif ending.reason is not FinishReason.STOP:
            self._note(f"The model ended early: {ending.raw_reason or ending.reason}.")
        if runner.state.has_output or ending.outcome is not Outcome.INTERRUPTED:
            self._say(summary(ending, self._session.model_id))

    def _note(self, sentence: str) -> None:
        if self._format is OutputFormat.TEXT:
            self._say(f"chat-tui: {sentence}")

    def _say(self, line: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # stderr may be closed; the answer goes on
            self._err.write(clean_line(line, 2000) + "\n")
            self._err.flush()


def summary(ending: Ending, model: str) -> str:
    """The numbers in one line; a dash where nothing was measured, ≈ where it is our own count."""
    about = "≈" if ending.is_estimate else ""
    ttft = "–" if ending.ttft_s is None else f"{ending.ttft_s:.2f} s"
    speed = "–" if ending.tokens_per_s is None else f"{about}{ending.tokens_per_s:.1f} tok/s"
    cost = "" if ending.charge is None else f" · {ending.charge.words}"
    return f"TTFT {ttft} · {speed} · {about}{ending.tokens} tok · {ending.elapsed_s:.1f} s · {model}{cost}"


# -- signals ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def _signals_stop(printer: _Printer) -> Generator[None]:
    """SIGINT, SIGTERM and SIGHUP stop the turn; a second one has its usual effect. Ignored ones stay ignored."""
    loop = asyncio.get_running_loop()
    before: dict[int, Any] = {}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def stop(number: int, frame: FrameType | None) -> None:
        printer.signal_number = number
        restore()
        loop.call_soon_threadsafe(printer.cancel)
        if printer.is_blocked():  # Python would go back to writing
            raise _InterruptedWriteError("interrupted")

    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        restore()


def _report_write_error(error: OSError, err: TextIO) -> int:
    if isinstance(error, BrokenPipeError):
        return EXIT_BROKEN_PIPE
    with contextlib.suppress(OSError, ValueError):
        err.write(f"chat-tui: the answer cannot be written: {clean_line(error.strerror or str(error))}.\n")
    return EXIT_FAILED


# -- data ------------------------------------------------------------------------------------------


def _answer_data(runner: TurnRunner, ending: Ending, model: str) -> dict[str, Any]:
    return {
        "text": runner.state.text,
        "reasoning": runner.state.reasoning,
        "tool_calls": [
            {"name": call.name, "arguments": call.arguments, "is_complete": call.is_complete}
            for call in runner.state.tool_calls
        ],
        **_end_data(ending),
        "usage": _usage_data(ending),
        "metrics": _metrics_data(ending),
        "model": model,
    }


def _end_data(ending: Ending) -> dict[str, Any]:
    return {
        "outcome": ending.outcome.value,
        "reason": ending.reason.value,
        "error": None if ending.fault is None else _error_data(ending.fault),
    }


def _error_data(fault: Fault) -> dict[str, Any]:
    return {
        "kind": fault.kind.value,
        "title": fault.title,
        "message": fault.message,
        "hint": fault.hint,
        "status": fault.status,
    }


def _usage_data(ending: Ending) -> dict[str, Any] | None:
    counted = {} if ending.usage is None else asdict(ending.usage)
    known = {name: value for name, value in counted.items() if value is not None}
    if ending.charge is not None:
        known["charge"] = asdict(ending.charge)
    return known or None


def _metrics_data(ending: Ending) -> dict[str, Any]:
    return {
        "ttft_s": ending.ttft_s,
        "tokens_per_s": ending.tokens_per_s,
        "tokens": ending.tokens,
        "is_estimate": ending.is_estimate,
        "elapsed_s": ending.elapsed_s,
    }


def _in_words(fault: Fault) -> str:
    """Title, message and hint as one line; the title only when the message does not begin with it."""
    if fault.message.lower().startswith(fault.title.lower()):
        return fault.sentence
    return f"{fault.title}: {fault.sentence}"
