"""What a conversation costs that is fifty times as long as another: nothing that can be counted, but its text."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from chat_tui.core.block_page import PAGE_CHARS
from chat_tui.core.blocks import Block
from chat_tui.core.conversation import Message, Role, TextPart
from chat_tui.core.events import TextDelta
from chat_tui.core.splitter import BlockSplitter
from chat_tui.core.turn import TurnState, reduce
from chat_tui.providers.demo_scripts import DEMOS
from chat_tui.providers.scripted import deltas
from chat_tui.ui.render import block_pieces as pieces_module
from chat_tui.ui.render.block_pieces import BlockPiece
from chat_tui.ui.theme import THEMES
from chat_tui.ui.widgets.answer_view import AnswerView
from chat_tui.ui.widgets.piece_list import PieceList
from chat_tui.ui.widgets.section import SLICE_CHARS
from tests.support.answer_rows import COMPLETE, make_layout
from tests.support.stage import Stage, stage
from tests.support.waiting import wait_until

LONG_ANSWERS = {
    "prose": ("Words and words that make a sentence of some length. " * 8 + "\n\n") * 1_000,
    "markdown": (DEMOS["markdown"].answer + "\n\n") * (400_000 // len(DEMOS["markdown"].answer)),
    "short items": "- an item of some forty characters or so\n" * 10_000,
}

FEW, MANY = 20, 1_000
ANSWER_CHARS = 3_900


class Work(NamedTuple):
    """What was done: characters split, blocks rendered."""

    split_chars: int
    rendered_blocks: int


@dataclass
class _Counter:
    split_chars: int = 0
    rendered_blocks: int = 0

    def take(self) -> Work:
        """What was done since the last call."""
        work = Work(self.split_chars, self.rendered_blocks)
        self.split_chars = self.rendered_blocks = 0
        return work


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> _Counter:
    """Counts from now on."""
    counter = _Counter()
    feed: Callable[[BlockSplitter, str], tuple[Block, ...]] = BlockSplitter.feed
    render = pieces_module.render_block

    def counting_feed(splitter: BlockSplitter, text: str) -> tuple[Block, ...]:
        counter.split_chars += len(text)
        return feed(splitter, text)

    def counting_render(block: Block, context: pieces_module.RenderContext) -> object:
        counter.rendered_blocks += 1
        return render(block, context)

    monkeypatch.setattr(BlockSplitter, "feed", counting_feed)
    monkeypatch.setattr(pieces_module, "render_block", counting_render)
    return counter


def conversation(count: int) -> tuple[Message, ...]:
    """Questions of a line and answers of every kind of block, 2,000 characters a message."""
    markdown = (DEMOS["markdown"].answer * 2)[:ANSWER_CHARS]
    return tuple(
        Message(n, Role.USER, (TextPart(f"question {n} " + "about this and that " * 5),))
        if n % 2
        else Message(n, Role.ASSISTANT, (TextPart(f"# Answer {n}\n\n{markdown}\n\nend {n}\n"),), ending=COMPLETE)
        for n in range(1, count + 1)
    )


async def until_idle(on: Stage) -> None:
    """Until nothing is left to be laid out."""
    await wait_until(lambda: not on.chat.transcript.is_idle_work_due, 20, "the end of idle work")
    await on.settle()


async def measured(on: Stage, counter: _Counter, count: int) -> dict[str, Work]:
    """The same things done in a conversation of so many messages."""
    transcript = on.chat.transcript
    work: dict[str, Work] = {}
    counter.take()
    transcript.show_messages(conversation(count))
    await on.settle()
    assert f"end {count}" in on.text
    work["open"] = counter.take()
    await until_idle(on)
    work["open, idle"] = counter.take()
    transcript.add_prompt(count + 1, "one more")
    transcript.begin_answer(count + 2)
    transcript.feed("", "The first words of it.")
    transcript.end_answer(COMPLETE)
    await on.settle()
    work["add"] = counter.take()
    for number in range(12):
        transcript.scroll_page_up(animate=False)
        await on.settle()
        work[f"page {number}"] = counter.take()
    await until_idle(on)
    counter.take()
    await on.pilot.resize_terminal(84, 36)
    await until_idle(on)
    work["resize"] = counter.take()
    transcript.set_theme(THEMES["light"])
    await until_idle(on)
    work["theme"] = counter.take()
    return work


async def test_a_long_conversation_costs_what_a_short_one_costs(tmp_path: Path, counter: _Counter) -> None:
    async with stage("demo/cut", tmp_path, size=(100, 36)) as on:
        few = await measured(on, counter, FEW)
        many = await measured(on, counter, MANY)
        height = on.chat.transcript.size.height
    for name, work in many.items():
        assert work.split_chars <= few[name].split_chars + 2 * ANSWER_CHARS, (name, few[name], work)
        assert work.rendered_blocks <= few[name].rendered_blocks + 2 * height, (name, few[name], work)
        assert work.split_chars <= 6 * ANSWER_CHARS, (name, work)
        assert work.rendered_blocks <= 12 * height, (name, work)
    assert many["open"].split_chars <= 2 * ANSWER_CHARS
    assert many["open"].rendered_blocks <= 2 * height
    assert many["add"].rendered_blocks <= 4


async def test_a_long_message_at_the_end_is_split_in_slices(
    tmp_path: Path, counter: _Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    fed: list[int] = []
    feed: Callable[[BlockSplitter, str], tuple[Block, ...]] = BlockSplitter.feed

    def noting_feed(splitter: BlockSplitter, text: str) -> tuple[Block, ...]:
        fed.append(len(text))
        return feed(splitter, text)

    monkeypatch.setattr(BlockSplitter, "feed", noting_feed)
    text = DEMOS["markdown"].answer * (400_000 // len(DEMOS["markdown"].answer)) + "\n\nThe very end.\n"
    async with stage("demo/cut", tmp_path, size=(100, 36)) as on:
        counter.take()
        on.chat.transcript.show_messages((Message(1, Role.ASSISTANT, (TextPart(text),), ending=COMPLETE),))
        assert counter.split_chars <= 4 * SLICE_CHARS
        await until_idle(on)
        assert "The very end." in on.text
        assert on.chat.transcript.is_following
        assert len(text) <= counter.split_chars <= 1.01 * len(text)
        assert max(fed) <= SLICE_CHARS
        assert counter.rendered_blocks <= 12 * 36
        counter.take()
        await on.pilot.resize_terminal(84, 36)
        await until_idle(on)
        assert counter.take().split_chars <= 8 * PAGE_CHARS  # what is near


async def test_an_answer_that_goes_on_is_not_rendered_whole(tmp_path: Path, counter: _Counter) -> None:
    async with stage("demo/cut", tmp_path, size=(100, 36)) as on:
        transcript = on.chat.transcript
        transcript.add_prompt(1, "go on")
        transcript.begin_answer(2)
        counter.take()
        transcript.feed("", DEMOS["markdown"].answer * 50)
        assert 1 <= counter.take().rendered_blocks <= 3 * 36
        transcript.feed("", "And the end of it.")
        await on.settle()
        assert "And the end of it." in on.text


# -- memory --------------------------------------------------------------------------------------


@contextmanager
def growth() -> Generator[Callable[[], int]]:
    """Bytes that are held more than at the beginning."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]

    def grown() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before

    try:
        yield grown
    finally:
        tracemalloc.stop()


def test_a_conversation_holds_little_more_than_its_text() -> None:
    """After all of it has been looked at, from the end to the beginning."""
    messages = conversation(MANY)
    text_bytes = sum(len(message.text) for message in messages)
    with growth() as grown:
        pieces = PieceList(make_layout(100))
        for message in messages:
            if message.role is Role.ASSISTANT:
                AnswerView(pieces, message.id, message=message)
        pieces.lay_out_end(40)
        opened = grown()
        row = pieces.row_count - 40
        while row > 0:
            row = pieces.move_window(row, max(0, row - 38), 40)
        scrolled = grown()
    assert opened <= text_bytes, opened / text_bytes
    assert scrolled <= 3 * text_bytes, scrolled / text_bytes
    assert pieces.row(1)[1].text == "Answer 2"


@pytest.mark.parametrize(("name", "most"), [("prose", 3), ("markdown", 4), ("short items", 7)])
def test_a_long_answer_holds_little_more_than_its_text(name: str, most: int) -> None:
    """In deltas of four characters, by the reducer and the view. What one string of it weighs comes on top: up to
    four bytes a character, which its encoding has one of. An item of a list is a piece, however short."""
    text = LONG_ANSWERS[name]
    text_bytes = len(text.encode())
    pieces = PieceList(make_layout(100))
    AnswerView(pieces, 1).feed_text(DEMOS["markdown"].answer)  # what is loaded and remembered once
    pieces.lay_out_end(40)
    with growth() as grown:
        view, state = AnswerView(pieces, 2), TurnState()
        frame: list[str] = []
        for delta in deltas(text):
            state = reduce(state, TextDelta(delta))
            frame.append(delta)
            if len(frame) == 200:
                view.feed_text("".join(frame))
                frame.clear()
                pieces.lay_out_end(40)
        view.feed_text("".join(frame))
        streaming = grown()
        view.end(COMPLETE)
        message = Message(2, Role.ASSISTANT, state.parts(), ending=COMPLETE)
        ended = grown()
    held = sys.getsizeof(message.text)
    assert streaming <= held + most * text_bytes, (streaming / text_bytes, held / text_bytes)
    assert ended <= held + most * text_bytes, (ended / text_bytes, held / text_bytes)
    assert message.text == state.text == text
    pieces.lay_out_all()
    shown = "".join(piece.block.source for piece in view.section.pieces if isinstance(piece, BlockPiece))
    assert shown.rstrip() == text.rstrip()


def test_a_long_answer_drops_the_rows_it_has_streamed_past() -> None:
    markdown = DEMOS["markdown"].answer
    pieces = PieceList(make_layout(100))
    view = AnswerView(pieces, 1)
    with_rows: list[int] = []
    for _ in range(100):
        for start in range(0, len(markdown), 200):
            view.feed_text(markdown[start : start + 200])
            pieces.lay_out_end(40)
        with_rows.append(sum(bool(piece.rows) for piece in view.section.pieces))
    assert len(view.section) > 1_000
    assert max(with_rows) <= 400
    assert with_rows[-1] <= 2 * with_rows[4]
