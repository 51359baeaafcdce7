"""The splitter's work is flat: calls and characters counted, no clock."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType

import pytest

from chat_tui.core.block_parser import BlockParser
from chat_tui.core.block_source import Piece
from chat_tui.core.splitter import BlockSplitter

LONG = {
    "paragraph": "some words of a paragraph that never ends " * 500,
    "paragraph of lines": "some words of a paragraph\n" * 800,
    "flat list": "- an item\n" * 2000,
    "nested list": "".join("  " * min(level, 99) + "- item\n" for level in range(400)),
    "table": "| a | b |\n|---|---|\n" + "| some cell | other |\n" * 1000,
    "fence": "```\n" + "    return some_value\n" * 1000,
    "html": "<!--\n" + "some text\n" * 1000,
    "one line": "x" * 20_000,
    "quotes": (">" * 1000 + "foo\n") * 8,
    "blank lines": "a\n" + "\n" * 10_000,
    "definitions": "[label]: /target\n" * 1000,
    "open title": '[label]: /target\n"title\n' + "goes on\n" * 2000,
    "backticks": "`" * 20_000,
    "indented": "    some code\n" * 1000,
    "spaces": " " * 20_000 + "x",
}


def count_calls(work: Callable[[], object]) -> int:
    """How many functions `work` calls, those in C included."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    previous = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(previous)
    return count


@pytest.mark.parametrize("name", LONG)
def test_calls_per_character_do_not_grow(name: str) -> None:
    text = LONG[name]
    splitter = BlockSplitter()
    costs: list[float] = []
    for quarter in range(4):
        part = text[len(text) * quarter // 4 : len(text) * (quarter + 1) // 4]
        pieces = [part[at : at + 4] for at in range(0, len(part), 4)]

        def work(pieces: list[str] = pieces) -> None:
            for index, piece in enumerate(pieces):
                splitter.feed(piece)
                if index % 8 == 0:
                    splitter.tail()

        costs.append(count_calls(work) / len(part))
    assert max(costs) < 100
    assert costs[3] < costs[1] * 1.5 + 1


@pytest.mark.parametrize(
    "text",
    [
        "x" * 1_000_000,
        "\n" * 1_000_000,
        "```\n" + "    return some_value\n" * 10_000,
        "| a | b |\n|---|---|\n" + "| some cell | other |\n" * 5000,
        "- item\n" * 2000,
    ],
    ids=["one line", "blank lines", "fence", "table", "list"],
)
def test_each_character_is_parsed_once(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = 0
    feed = BlockParser.feed

    def counting(self: BlockParser, piece: Piece) -> None:
        nonlocal parsed
        parsed += piece.end - piece.start
        feed(self, piece)

    monkeypatch.setattr(BlockParser, "feed", counting)
    splitter = BlockSplitter()
    step = 4 if "\n" not in text else 4096
    for at in range(0, len(text), step):
        splitter.feed(text[at : at + step])
    splitter.close()
    assert parsed == len(text)


@pytest.mark.parametrize("name", LONG)
def test_the_tail_is_bounded(name: str) -> None:
    text = LONG[name]
    splitter = BlockSplitter()
    longest = 0
    for at in range(0, len(text), 97):
        splitter.feed(text[at : at + 97])
        tail = splitter.tail()
        longest = max(longest, sum(len(block.source) + len(block.text) for block in tail))
        assert len(tail) <= 3
    assert longest <= 2 * (4096 + 8192)


def test_a_gap_of_many_blank_lines_costs_what_it_weighs() -> None:
    splitter = BlockSplitter()
    splitter.feed("a\n\n")
    for _ in range(50):
        splitter.feed("\n" * 4000)
    calls = count_calls(splitter.tail)
    assert calls < 100
    assert len(splitter.unsettled) == 200_000
    splitter.feed("b")
    assert [block.source for block in splitter.tail()] == ["b"]
    assert [len(block.source) for block in splitter.close()] == [200_001]
