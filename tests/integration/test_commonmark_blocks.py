"""Our blocks are those of a whole parse by markdown-it-py: CommonMark's examples and our own answers."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from chat_tui.core.blocks import Block, BlockKind
from chat_tui.core.splitter import BlockSplitter
from tests.support.block_oracle import flattened, whole_parse
from tests.support.splitting import cuts, split, values

ROOT = Path(__file__).parents[2]
ANSWERS = sorted((ROOT / "tests/corpora/answers").glob("*.md"))
_CORPORA = Path(os.environ.get("CHAT_TUI_CORPORA") or ROOT.parent / "shared/corpora")
_EXAMPLES = _CORPORA / "commonmark-0.31.2.json"

# The characters that may appear in no block: markers of containers, headings, fences, tables, setext, boxes.
_SYNTAX = set(" \t\n\r>#=-_*+|:`~[]xX0123456789.)\\")


def read_examples() -> list[str]:
    if not _EXAMPLES.exists():
        pytest.skip("the CommonMark examples are not here; CHAT_TUI_CORPORA names their folder")
    return json.loads(_EXAMPLES.read_text(encoding="utf-8"))


def same_as_whole_parse(text: str) -> bool:
    splitter = BlockSplitter()
    blocks = (*splitter.feed(text), *splitter.close())
    return flattened(blocks, splitter.references) == whole_parse(text)


def same_for_any_cut(text: str, seed: int) -> bool:
    whole = values(split(text))
    choose = random.Random(seed)
    positions = choose.sample(range(len(text) + 1), k=min(len(text), 12))
    return (
        values(split(text, text, with_tails=len(text) < 2_000))
        == whole
        == values(split(text, cuts(text, positions)))
    )


def shown(block: Block) -> str:
    cells = [cell for row in block.rows for cell in row]
    if block.table and not block.page:
        cells += block.table.header
    markers = [container.marker for container in block.containers]
    return " ".join([block.text, block.info, *cells, *markers])


def visible(text: str) -> str:
    return "".join(character for character in text.replace("\0", "\ufffd") if character not in _SYNTAX)


def nothing_lost(text: str) -> bool:
    blocks = split(text)
    return all(
        visible(block.source) in (visible(block.text + block.info), visible(block.info + block.text))
        for block in blocks
        if block.kind is not BlockKind.TABLE
    ) and sorted(visible(text)) == sorted(visible("".join(map(shown, blocks))))


def keeps_what_it_shows(text: str) -> bool:
    """Whether no character that was on screen ever leaves it while the text grows."""
    splitter = BlockSplitter()
    settled_chars = shown_chars = 0
    for character in text:
        settled_chars += sum(len(visible(shown(block))) for block in splitter.feed(character))
        now_chars = settled_chars + sum(len(visible(shown(block))) for block in splitter.tail())
        if now_chars < shown_chars:
            return False
        shown_chars = now_chars
    return True


def test_all_examples_are_there() -> None:
    assert len(read_examples()) == 652


def test_examples_equal_the_whole_parse() -> None:
    assert [number for number, text in enumerate(read_examples(), 1) if not same_as_whole_parse(text)] == []


def test_examples_are_the_same_for_any_cut() -> None:
    assert [number for number, text in enumerate(read_examples(), 1) if not same_for_any_cut(text, number)] == []


def test_examples_lose_nothing() -> None:
    assert [number for number, text in enumerate(read_examples(), 1) if not nothing_lost(text)] == []


def test_there_are_enough_answers() -> None:
    assert len(ANSWERS) >= 60


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.stem)
def test_answer(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    splitter = BlockSplitter()
    blocks = (*splitter.feed(text), *splitter.close())
    assert flattened(blocks, splitter.references) == whole_parse(text)
    assert same_for_any_cut(text, len(text))
    assert keeps_what_it_shows(text)
    assert nothing_lost(text)
