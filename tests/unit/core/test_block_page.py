"""Blocks that are made again of the source of a page are those it was made of."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_tui.core.block_page import BlockPage, can_begin_page
from chat_tui.core.blocks import Block
from chat_tui.core.splitter import BlockSplitter
from chat_tui.providers.demo_scripts import DEMOS
from tests.support.pathological import PATTERNS

_LINES = st.sampled_from(
    [
        *("", "", " ", "words", "more words", "    indented", "  two in", "\ttab", "- item", "  - nested"),
        *("1. one", "2. two", "10) ten", "-", "- [x] done", "> quote", ">", "> > deep", "> - both", "# head"),
        *(
            "---",
            "* other",
            "===",
            "```",
            "~~~ sh",
            "    ```",
            "<div>",
            "</div>",
            "<a>",
            "<!-- on",
            "-->",
            "| a | b |",
            "|---|---|",
        ),
        *("2. | a", "[a]: /target", "[b]:", "/there", "[a] and [b]", "- - twice", "-     code in item", "*"),
    ]
)


def split(text: str) -> tuple[Block, ...]:
    """All blocks of a text."""
    splitter = BlockSplitter()
    return (*splitter.feed(text), *splitter.close())


def facts(block: Block) -> tuple[object, ...]:
    """What is seen of a block, the gap above it apart, of which the source may have more below."""
    return tuple(
        getattr(block, field.name)
        for field in dataclasses.fields(block)
        if field.name not in ("has_gap", "previous", "source")
    )


def check_pages(text: str) -> int:
    """Cut wherever it is allowed; the pages give the same blocks. Returns how many pages that was."""
    pages: list[list[Block]] = []
    before = None
    for block in split(text):
        if before is None or can_begin_page(block, before):
            pages.append([])
        pages[-1].append(block)
        before = block
    for blocks in pages:
        page = BlockPage(blocks)
        assert [facts(page.block(i)) for i in range(len(blocks))] == [facts(block) for block in blocks]
        with pytest.raises(IndexError):
            page.block(len(blocks))
        for index, block in enumerate(blocks):
            if block.previous in blocks:
                assert page.block(index).previous is page.block(blocks.index(block.previous))
    return len(pages)


@given(st.lists(_LINES, max_size=14).map("\n".join))
def test_any_page_gives_its_blocks_again(text: str) -> None:
    check_pages(text)


@pytest.mark.parametrize("name", sorted(DEMOS))
def test_pages_of_ordinary_answers_are_short(name: str) -> None:
    text = DEMOS[name].answer
    assert check_pages(text) >= text.count("\n\n") // 4


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_pages_of_what_breaks_others(name: str) -> None:
    check_pages(PATTERNS[name](20_000))
