"""What a token costs the screen, counted: no messages, few frames, no more work for late ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import cast

import pytest
from textual.message_pump import MessagePump

from chat_tui.core.blocks import Block
from chat_tui.core.conversation import ChatRequest, Ending, Message, Part, Role, TextPart, ToolCallPart
from chat_tui.core.events import Arrival, Connected, Finished, FinishReason, TextDelta
from chat_tui.core.render_buffer import SAVED_FRAMES
from chat_tui.core.turn import Phase
from chat_tui.providers.demo_scripts import DEMOS, Say, Script
from chat_tui.providers.scripted import ScriptedProvider
from chat_tui.session.turn_runner import TurnKind, TurnRunner
from chat_tui.ui.render import block_pieces as pieces_module
from chat_tui.ui.screens.turn_painter import TurnPainter
from chat_tui.ui.widgets.answer_view import AnswerView, Run
from chat_tui.ui.widgets.piece_list import PieceList
from chat_tui.ui.widgets.transcript import Transcript
from tests.support.answer_rows import COMPLETE, make_layout
from tests.support.fake_provider import FakeProvider
from tests.support.stage import stage
from tests.support.virtual_loop import run_virtually
from tests.support.waiting import wait_until

MAX_FPS = 30


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[Block]:
    """Every block that is rendered from now on."""
    blocks: list[Block] = []
    original = pieces_module.render_block

    def counting(block: Block, context: pieces_module.RenderContext) -> object:
        blocks.append(block)
        return original(block, context)

    monkeypatch.setattr(pieces_module, "render_block", counting)
    return blocks


# -- messages ------------------------------------------------------------------------------------


class _FrameByFrame(FakeProvider):
    """The same text in the same frames, each of them in `tokens` deltas that arrive one by one."""

    tokens = 1
    frames: tuple[str, ...] = ()
    gate: asyncio.Semaphore

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Arrival]:
        yield Arrival(self.clock(), (Connected(),))
        for frame in self.frames:
            await self.gate.acquire()
            size = len(frame) // self.tokens
            for start in range(0, len(frame), size):
                yield Arrival(self.clock(), (TextDelta(frame[start : start + size]),))
        await self.gate.acquire()
        yield Arrival(self.clock(), (Finished(FinishReason.STOP),))


async def _messages_posted(folder: Path, monkeypatch: pytest.MonkeyPatch, tokens: int) -> tuple[int, int, int]:
    """Messages, frames and tokens of one answer of 20 frames."""
    provider = _FrameByFrame(lambda: 0.0)
    provider.tokens, provider.gate = tokens, asyncio.Semaphore(0)
    provider.frames = tuple(f"{number:03} {'words ' * 32}" + "and more of it.\n" for number in range(20))
    provider.frames = tuple(frame[:208] for frame in provider.frames)
    posted = 0
    original = MessagePump.post_message

    def counting(self: MessagePump, message: object) -> bool:
        nonlocal posted
        posted += 1
        return original(self, message)  # type: ignore[arg-type] # passed on as it came

    async with stage("fake/one", folder, provider=provider) as on:
        await on.ask("Go on")
        runner = on.session.runner
        assert runner is not None
        await wait_until(lambda: runner.state.phase is Phase.WAITING)
        await on.settle()
        monkeypatch.setattr(MessagePump, "post_message", counting)
        frames_before = on.chat.painter.frame_count
        for number in range(1, 21):
            provider.gate.release()
            await wait_until(lambda: runner.metrics.token_count == number * tokens)  # noqa: B023 - awaited here
            await wait_until(lambda: not runner.pending_chars)
        frames = on.chat.painter.frame_count - frames_before
        total = posted
        monkeypatch.setattr(MessagePump, "post_message", original)
        provider.gate.release()
        await on.until_done()
        return total, frames, runner.metrics.token_count


async def test_no_message_is_posted_for_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few, few_frames, few_tokens = await _messages_posted(tmp_path, monkeypatch, 2)
    many, many_frames, many_tokens = await _messages_posted(tmp_path, monkeypatch, 104)
    assert (few_tokens, many_tokens) == (40, 2080)
    assert few_frames == many_frames == 20
    assert abs(many - few) <= 20, (few, many)
    assert many <= 12 * many_frames


# -- rendering -----------------------------------------------------------------------------------


def test_rendering_a_character_costs_the_same_early_and_late(rendered: list[Block]) -> None:
    """By frames of eight characters, over an answer of every kind of block that is 40,000 characters long."""
    text = DEMOS["markdown"].answer * 12
    pieces = PieceList(make_layout(100))
    view = AnswerView(pieces, 1)
    calls: list[int] = []
    chars: list[int] = []
    quarter = len(text) // 4
    for start in range(0, 4 * quarter, quarter):
        rendered.clear()
        for at in range(start, start + quarter, 8):
            view.feed_text(text[at : min(at + 8, start + quarter)])
        calls.append(len(rendered))
        chars.append(sum(len(block.source) for block in rendered))
    assert calls[-1] <= 1.5 * calls[0], calls
    assert chars[-1] <= 1.5 * chars[0], chars
    assert max(calls) <= quarter // 8 * 6


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ("```python\n", "value = compute(number)  # a line of code\n"),
        ("| a | b |\n|---|---|\n", "| a cell of a table | another *one* |\n"),
        ("", "- an item of a long list with a few words\n"),
        ("", "One paragraph that goes on and on without a blank line, "),
    ],
    ids=["code", "table", "list", "paragraph"],
)
def test_a_long_block_costs_the_same_early_and_late(rendered: list[Block], head: str, line: str) -> None:
    pieces = PieceList(make_layout(100))
    view = AnswerView(pieces, 1)
    view.feed_text(head)
    chars: list[int] = []
    for _ in range(4):
        rendered.clear()
        for _ in range(200):
            view.feed_text(line)
        chars.append(sum(len(block.source) + len(block.text) for block in rendered))
    assert chars[-1] <= 1.5 * chars[0], chars


async def test_a_long_history_is_laid_out_as_far_as_it_is_seen(tmp_path: Path, rendered: list[Block]) -> None:
    messages = tuple(
        Message(n, Role.USER, (TextPart(f"question {n}"),))
        if n % 2
        else Message(n, Role.ASSISTANT, (TextPart(f"# Answer {n}\n\nWords.\n\n- one\n- two\n"),), ending=COMPLETE)
        for n in range(1, 1001)
    )
    async with stage("demo/cut", tmp_path, size=(100, 30)) as on:
        rendered.clear()
        on.chat.transcript.show_messages(messages)
        height = on.chat.transcript.size.height
        assert len(rendered) <= height
        on.chat.transcript.add_prompt(1001, "one more")
        on.chat.transcript.begin_answer(1002)
        rendered.clear()
        on.chat.transcript.feed("", "The first words of it.")
        assert len(rendered) <= 2


# -- frames --------------------------------------------------------------------------------------


class _RecordingTranscript:
    """Takes what the painter gives it, and when."""

    is_end_in_view = True
    is_terminal_behind = False

    def __init__(self) -> None:
        self.fed: list[tuple[float, str]] = []

    def begin_answer(self, message_id: int, *, is_fold_open: bool) -> None:
        """Noted by nobody."""

    def feed(self, reasoning: str, text: str, calls: tuple[ToolCallPart, ...] | None = None) -> None:
        """One frame."""
        self.fed.append((asyncio.get_running_loop().time(), reasoning + text))

    def end_answer(self, ending: Ending, rest: Sequence[Run] = ()) -> None:
        """What is left."""
        self.fed += [(asyncio.get_running_loop().time(), run.text) for run in rest]

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(text for _, text in self.fed)


def _keep_nothing(runner: TurnRunner, parts: tuple[Part, ...], ending: Ending) -> Ending:
    """Nobody asks for the message."""
    return ending


async def _play(script: Script) -> tuple[_RecordingTranscript, TurnPainter, float]:
    """One turn with its painter on the loop's virtual time; how many seconds it took."""
    clock = asyncio.get_running_loop().time
    transcript = _RecordingTranscript()
    painter = TurnPainter(
        cast("Transcript", transcript), clock=clock, max_fps=MAX_FPS, reasoning="auto", on_phase=lambda _: None
    )
    provider = ScriptedProvider(clock, asyncio.sleep, {"script": script})
    runner = TurnRunner(
        provider,
        ChatRequest("script", ()),
        kind=TurnKind.ASK,
        message_id=1,
        prompt="",
        clock=clock,
        on_settled=_keep_nothing,
        listener=painter,
    )
    painter.begin(runner)
    await runner.run()
    while runner.pending_chars:
        await asyncio.sleep(0.001)
    seconds = clock()
    painter.end()
    return transcript, painter, seconds


@pytest.mark.parametrize("tokens_per_s", [5.0, 60.0, 500.0])
def test_frames_are_rarer_than_tokens_and_never_too_many(tokens_per_s: float) -> None:
    text = "four" * 400
    transcript, painter, seconds = run_virtually(_play(Script("", (Say(text, tokens_per_s),))))
    assert transcript.text == text
    assert painter.frame_count <= MAX_FPS * seconds + SAVED_FRAMES
    assert painter.frame_count <= 400
    times = [at for at, fed in transcript.fed[: painter.frame_count] if fed]
    apart = zip(times, times[SAVED_FRAMES + 1 :], strict=False)
    assert all(later - earlier >= 1 / MAX_FPS - 1e-6 for earlier, later in apart)
    assert times[0] <= 1 / tokens_per_s + 1e-6


def test_no_token_waits_for_more_than_a_frame() -> None:
    """60 tokens a second, 30 frames a second: what has arrived is on the screen a thirtieth of a second later."""
    text = "four" * 300
    transcript, _, _ = run_virtually(_play(Script("", (Say(text, 60.0),))))
    shown_chars = 0
    for at_s, fed in transcript.fed:
        arrived_chars = min(len(text), int(at_s * 60.0 + 1e-6) * 4)
        shown_chars += len(fed)
        assert shown_chars >= arrived_chars - 4 * 3


def test_a_burst_of_8000_tokens_is_drained_in_few_bounded_frames() -> None:
    transcript, painter, seconds = run_virtually(_play(DEMOS["burst"]))
    assert transcript.text == DEMOS["burst"].answer
    assert max(len(fed) for _, fed in transcript.fed) <= 8_192
    assert painter.frame_count <= len(DEMOS["burst"].answer) / 4_096 + 3
    assert seconds <= 1.0
