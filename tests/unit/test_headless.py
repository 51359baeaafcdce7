"""Printing an answer: what goes where, when, and with which exit code."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import io
import json
import os
import select
import signal
import threading
from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest

from chat_tui.core.conversation import ChatRequest, Message
from chat_tui.core.errors import Fault, FaultKind
from chat_tui.core.events import (
    Arrival,
    Connected,
    Failed,
    Finished,
    FinishReason,
    ReasoningDelta,
    StepMarked,
    StreamEvent,
    TextDelta,
    ToolCallEnded,
    ToolCallStarted,
    ToolResultReceived,
    Usage,
    UsageReported,
)
from chat_tui.headless import OutputFormat, run
from chat_tui.providers.base import ModelInfo
from chat_tui.providers.registry import ProviderRegistry
from chat_tui.session.session import ChatSession
from tests.support.clock import ManualClock
from tests.support.waiting import wait_until

CUT = Failed(Fault(FaultKind.CUT, "connection lost", "The server closed the connection.", "Ask again."))
BUSY = Failed(
    Fault(FaultKind.OVERLOADED, "overloaded", "The server is busy.", is_retryable=True, retry_after_s=0.0)
)
DONE = Finished(FinishReason.STOP, "stop")


class FakeProvider:
    """Plays arrivals; None in a script waits until the stream is closed."""

    name, label, is_demo = "fake", "Fake", False

    def __init__(self, clock: ManualClock, *scripts: tuple[tuple[StreamEvent, ...] | None, ...]) -> None:
        self._clock, self._scripts = clock, list(scripts)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Arrival]:
        for events in self._scripts.pop(0):
            if events is None:
                await asyncio.Event().wait()
            else:
                yield Arrival(self._clock.advance(0.5), events)
                await asyncio.sleep(0)

    def can_continue(self, model: str, answer: Message) -> bool:
        return False

    async def prepare(self) -> None: ...

    async def list_models(self) -> tuple[ModelInfo, ...]:
        return ()

    async def aclose(self) -> None: ...


class FakeRegistry:
    """Every model is answered by one provider."""

    def __init__(self, provider: FakeProvider) -> None:
        self._provider = provider

    def resolve(self, model_id: str) -> tuple[FakeProvider, str]:
        return self._provider, model_id

    def unaliased(self, model_id: str) -> str:
        return model_id

    def facts_of(self, model_id: str) -> None:
        return None

    def prices_of(self, model_id: str) -> None:
        return None


def session_of(*scripts: tuple[tuple[StreamEvent, ...] | None, ...]) -> ChatSession:
    clock = ManualClock()
    registry = cast("ProviderRegistry", FakeRegistry(FakeProvider(clock, *scripts)))
    return ChatSession(registry, "fake/model", clock=clock)


class Recording(io.StringIO):
    """Remembers how much each flush made visible."""

    def __init__(self) -> None:
        super().__init__()
        self.flushed_chars: list[int] = []

    def flush(self) -> None:
        super().flush()
        self.flushed_chars.append(self.tell())


async def ask(
    *scripts: tuple[tuple[StreamEvent, ...] | None, ...],
    output_format: OutputFormat = OutputFormat.TEXT,
    is_terminal: bool = False,
) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = await run(session_of(*scripts), "question", output_format, out, err, is_terminal=is_terminal)
    return code, out.getvalue(), err.getvalue()


def texts(*pieces: str) -> tuple[tuple[StreamEvent, ...] | None, ...]:
    return ((Connected(),), *((TextDelta(piece),) for piece in pieces), (DONE,))


class TestText:
    async def test_the_answer_on_one_side_the_numbers_on_the_other(self) -> None:
        usage = UsageReported(Usage(input_tokens=3, output_tokens=2))
        code, out, err = await ask(((Connected(),), (TextDelta("He"),), (TextDelta("llo."),), (usage, DONE)))
        assert (code, out) == (0, "Hello.\n")
        assert err == "TTFT 1.00 s · 2.0 tok/s · 2 tok · 2.0 s · fake/model\n"

    async def test_an_answer_that_begins_again_is_announced(self) -> None:
        again = ((TextDelta("wrong"),), (StepMarked("reset"), TextDelta("right")), (DONE,))
        code, out, err = await ask(again)
        assert (code, out) == (0, "wrong\nright\n")
        assert "The server began again; the answer follows from its beginning." in err

    async def test_our_own_count_is_marked(self) -> None:
        _, _, err = await ask(texts("a", "b"))
        assert "≈2 tok · " in err

    async def test_nothing_measured_is_a_dash(self) -> None:
        code, out, err = await ask(((Connected(), DONE),))
        assert (code, out) == (0, "")
        assert err.startswith("TTFT – · – · ")

    async def test_no_second_line_end(self) -> None:
        assert (await ask(texts("a\n")))[1] == "a\n"

    @pytest.mark.parametrize("is_terminal", [True, False])
    async def test_every_arrival_is_visible_at_once(self, *, is_terminal: bool) -> None:
        out = Recording()
        session = session_of(((Connected(),), (TextDelta("one "), TextDelta("two ")), (TextDelta("three"),), None))
        turn = asyncio.create_task(
            run(session, "q", OutputFormat.TEXT, out, io.StringIO(), is_terminal=is_terminal)
        )
        await wait_until(lambda: out.getvalue() == "one two three")
        assert len(out.flushed_chars) == 2 if is_terminal else len(out.flushed_chars) in (1, 2)
        session.stop()
        assert await turn == 130

    async def test_reasoning_is_not_the_answer(self) -> None:
        _, out, _ = await ask(((ReasoningDelta("hm "),), (TextDelta("yes"), DONE)))
        assert out == "yes\n"

    async def test_a_tool_call_is_told(self) -> None:
        code, out, err = await ask(((ToolCallStarted("k", "c", "look\x1bup"), Finished(FinishReason.TOOL_CALLS)),))
        assert (code, out) == (0, "")
        assert "asked for the tool look␛up; it was not run" in err

    async def test_nothing_is_said_of_a_tool_that_the_provider_has_run(self) -> None:
        call = ToolCallStarted("k", "c", "web_search"), ToolCallEnded("k", "{}"), ToolResultReceived("k", "found")
        _, out, err = await ask(((*call, TextDelta("It is so."), DONE),))
        assert out == "It is so.\n"
        assert "web_search" not in err

    async def test_an_answer_cut_by_the_token_limit_is_told(self) -> None:
        code, _, err = await ask(((TextDelta("a"), Finished(FinishReason.LENGTH, "max_tokens")),))
        assert code == 0
        assert "The model ended early: max_tokens." in err


class TestCleaning:
    async def test_a_terminal_gets_no_control_characters(self) -> None:
        _, out, _ = await ask(texts("a\x1b", "]52;c;aGk=\x07b\x9b31m"), is_terminal=True)
        assert all(character == "\n" or character.isprintable() for character in out)
        assert "]52;c;aGk=" in out

    async def test_a_pipe_gets_what_the_model_wrote(self) -> None:
        _, out, _ = await ask(texts("a\x1b[1m\r\n\u202eb"))
        assert out == "a\x1b[1m\r\n\u202eb\n"

    async def test_a_pipe_gets_no_nul_and_nothing_that_cannot_be_encoded(self) -> None:
        _, out, _ = await ask(texts("a\0b\ud83d", "\ude00c\udc00\0é"))
        assert out == "a\N{REPLACEMENT CHARACTER}b😀c\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}é\n"

    async def test_a_hostile_fault_is_one_clean_line(self) -> None:
        fault = Fault(FaultKind.SERVER, "server error", "oh\x1b]0;x\x07\nno")
        _, _, err = await ask(((Failed(fault),),))
        assert err == "chat-tui: server error: oh␛]0;x␇ no\n", "and no numbers, where nothing was measured"


class TestEndings:
    async def test_a_broken_stream_keeps_the_text_and_fails(self) -> None:
        code, out, err = await ask(((TextDelta("partial"),), (CUT,)))
        assert (code, out) == (1, "partial\n")
        assert err.splitlines()[0] == "chat-tui: connection lost: The server closed the connection. Ask again."

    async def test_a_retry_is_announced(self) -> None:
        code, out, err = await ask(((BUSY,),), texts("ok"))
        assert (code, out) == (0, "ok\n")
        assert err.startswith("chat-tui: overloaded: The server is busy. Asking again at once.\n")

    async def test_stopped_is_130_with_the_text_out(self) -> None:
        session = session_of(((TextDelta("partial"),), None))
        out, err = io.StringIO(), io.StringIO()
        turn = asyncio.create_task(run(session, "q", OutputFormat.TEXT, out, err, is_terminal=False))
        await wait_until(lambda: out.getvalue() == "partial")
        session.stop()
        assert await turn == 130
        assert out.getvalue() == "partial\n"
        assert err.getvalue().startswith("chat-tui: Stopped.\n")

    @pytest.mark.parametrize(
        ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
    )
    async def test_a_signal_stops_and_gives_its_code(self, number: signal.Signals, code: int) -> None:
        before = signal.getsignal(number)
        out = io.StringIO()
        session = session_of(((TextDelta("partial"),), None))
        turn = asyncio.create_task(run(session, "q", OutputFormat.TEXT, out, io.StringIO(), is_terminal=False))
        await wait_until(lambda: out.getvalue() == "partial")
        os.kill(os.getpid(), number)
        assert await turn == code
        assert out.getvalue() == "partial\n"
        assert signal.getsignal(number) == before

    async def test_an_ignored_signal_stays_ignored(self) -> None:
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            out = io.StringIO()
            session = session_of(((TextDelta("a"),), None))
            turn = asyncio.create_task(run(session, "q", OutputFormat.TEXT, out, io.StringIO(), is_terminal=False))
            await wait_until(lambda: out.getvalue() == "a")
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.sleep(0)
            assert session.is_running
            session.stop()
            assert await turn == 130
        finally:
            signal.signal(signal.SIGHUP, before)

    async def test_nobody_reads(self) -> None:
        class Broken(io.StringIO):
            def flush(self) -> None:
                raise BrokenPipeError(errno.EPIPE, "Broken pipe")

        err = io.StringIO()
        session = session_of(((TextDelta("a"),), None))
        assert await run(session, "q", OutputFormat.TEXT, Broken(), err, is_terminal=False) == 141
        assert "written" not in err.getvalue()

    async def test_a_full_disk_is_told(self) -> None:
        class Full(io.StringIO):
            def write(self, text: str, /) -> int:
                raise OSError(errno.ENOSPC, "No space left on device")

        err = io.StringIO()
        session = session_of(((TextDelta("a"),), None))
        assert await run(session, "q", OutputFormat.TEXT, Full(), err, is_terminal=False) == 1
        assert err.getvalue().endswith("chat-tui: the answer cannot be written: No space left on device.\n")

    async def test_a_signal_ends_a_write_that_nobody_takes(self) -> None:
        """A pipe that is full and never read; the signal comes while the write is blocked."""
        reading, writing = os.pipe()
        session = session_of(((TextDelta("x" * 4_000_000),), None))

        def interrupt() -> None:
            select.select([reading], [], [])
            signal.pthread_kill(main_thread, signal.SIGTERM)

        main_thread = threading.get_ident()
        interrupter = threading.Thread(target=interrupt)
        interrupter.start()
        out = os.fdopen(writing, "w", encoding="utf-8")
        try:
            code = await run(session, "q", OutputFormat.TEXT, out, io.StringIO(), is_terminal=False)
            assert code == 143
        finally:
            interrupter.join()
            os.close(reading)
            with contextlib.suppress(BrokenPipeError):
                out.close()


class TestJson:
    async def test_one_object(self) -> None:
        usage = UsageReported(Usage(input_tokens=3, output_tokens=3))
        code, out, err = await ask(
            ((Connected(),), (ReasoningDelta("hm"),), (TextDelta("ja\x1b"),), (TextDelta("é"), usage, DONE)),
            output_format=OutputFormat.JSON,
        )
        assert (code, err) == (0, "")
        assert out.isascii()
        assert out.count("\n") == 1
        assert json.loads(out) == {
            "text": "ja\x1bé",
            "reasoning": "hm",
            "tool_calls": [],
            "outcome": "complete",
            "reason": "stop",
            "error": None,
            "usage": {"input_tokens": 3, "output_tokens": 3},
            "metrics": {
                "ttft_s": 1.0,
                "tokens_per_s": 2.0,
                "tokens": 3,
                "is_estimate": False,
                "elapsed_s": 2.0,
            },
            "model": "fake/model",
        }

    async def test_an_error_is_data(self) -> None:
        code, out, err = await ask(((TextDelta("a"),), (CUT,)), output_format=OutputFormat.JSON)
        answer = json.loads(out)
        assert (code, err) == (1, "")
        assert (answer["text"], answer["outcome"], answer["reason"]) == ("a", "interrupted", "interrupted")
        assert answer["error"]["kind"] == "cut"
        assert answer["error"]["hint"] == "Ask again."
        assert answer["usage"] is None


class TestStreamJson:
    async def lines(self, *scripts: tuple[tuple[StreamEvent, ...] | None, ...]) -> list[dict[str, Any]]:
        _, out, err = await ask(*scripts, output_format=OutputFormat.STREAM_JSON)
        assert err == ""
        return [json.loads(line) for line in out.splitlines()]

    async def test_kinds_in_order(self) -> None:
        usage = UsageReported(Usage(output_tokens=2))
        lines = await self.lines(((Connected(),), (ReasoningDelta("hm"),), (TextDelta("a"),), (usage, DONE)))
        assert [line["type"] for line in lines] == ["start", "reasoning", "text", "usage", "end"]
        assert lines[0] == {"type": "start", "model": "fake/model"}
        assert lines[3] == {"type": "usage", "output_tokens": 2}
        assert (lines[4]["outcome"], lines[4]["reason"], lines[4]["error"]) == ("complete", "stop", None)
        assert lines[4]["metrics"]["tokens"] == 2

    async def test_the_pieces_are_the_whole(self) -> None:
        pieces = ("a\ud83d", "\ude00 ", "\x1b[1m", "é\n", "end")
        lines = await self.lines(texts(*pieces))
        assert "".join(line["text"] for line in lines if line["type"] == "text") == "a😀 \x1b[1mé\nend"

    async def test_what_is_taken_back_is_said_again_without_it(self) -> None:
        lines = await self.lines(((TextDelta("a"),), (StepMarked("reset"), TextDelta("b")), (TextDelta("c"), DONE)))
        said = [(line["type"], line.get("text")) for line in lines[1:-1]]
        assert said == [("text", "a"), ("restart", None), ("reasoning", "a"), ("text", "b"), ("text", "c")]

    async def test_a_retry_is_a_line(self) -> None:
        lines = await self.lines(((BUSY,),), texts("ok"))
        assert [line["type"] for line in lines] == ["start", "retry", "text", "end"]
        assert lines[1]["error"]["kind"] == "overloaded"

    async def test_the_end_always_comes(self) -> None:
        lines = await self.lines(((CUT,),))
        assert [line["type"] for line in lines] == ["start", "end"]
        assert lines[1]["error"]["kind"] == "cut"


async def test_of_a_long_answer_every_character_is_written_once() -> None:
    """Arrivals are written as they come; the long text is never joined anew."""
    pieces = [f"token {number} " for number in range(20_000)]
    out = Recording()
    await run(session_of(texts(*pieces)), "q", OutputFormat.TEXT, out, io.StringIO(), is_terminal=False)
    assert out.getvalue() == "".join(pieces) + "\n"
