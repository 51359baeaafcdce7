"""Any document built from pieces of Markdown, cut in any way, is what a whole parse makes of it."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from chat_tui.core.block_syntax import STARTERS
from chat_tui.core.blocks import BlockKind
from chat_tui.core.splitter import BlockSplitter
from tests.support.block_oracle import flattened, whole_parse
from tests.support.pathological import PATTERNS
from tests.support.splitting import cuts, split, values

PREFIXES = ["", "", "", "> ", ">", "- ", "* ", "1. ", "2) ", "10. ", "  ", "   ", "    ", "\t", "- > ", "- [x] "]
CONTENTS = [
    "", "", "foo", "bar baz  ", "`code` **bold**", "# h", "## h ##", "===", "---", "***", "-", "```",
    "```py", "~~~", "````", "<div>", "</div>", "<b>", "<!-- c", "-->", "<script>", "</script>",
    "| a | b |", "|---|:-:|", "| 1 | 2 | 3 |", "\\| x",
    "[x]", "[ ] t", "é 你好", "Vec<T>", "2*3*4", "1.", "+", "&amp;", "{}",
]  # fmt: skip
LINES = st.builds(lambda *parts: "".join(parts), *map(st.sampled_from, (PREFIXES, PREFIXES, CONTENTS)))
# What follows a definition in its paragraph is left to the unit tests: markdown-it begins a new paragraph there.
DEFINITIONS = st.sampled_from(["[a]: /u", "[b]: <v> 'title'", "[c]:\n/w\n(long\ntitle)"]).map(
    lambda text: f"\n{text}\n"
)
DOCUMENTS = st.lists(st.one_of(LINES, LINES, LINES, DEFINITIONS), max_size=12).map("\n".join)
ANY_TEXT = st.text(st.sampled_from("ab \t\n\r\0>-*+1.)#`~=|[]:x<!\\é你"), max_size=80)


def is_peculiar(text: str) -> bool:
    """Where markdown-it differs from the reference implementations of CommonMark and GFM.

    It makes a table of a header that stands in a line which begins another block (`- a | b` above `|---|---|`),
    lets what looks like a block after four columns of indentation end a quoted paragraph, and in a quote gives
    code and HTML the tab whole of which the quote has taken a column.
    """
    lines = text.split("\n")
    is_indented_start = any(
        line.expandtabs(4).startswith("    ") and line.strip()[:1] in STARTERS for line in lines if line.strip()
    )
    return (
        any(is_header_in_a_block(first, second) for first, second in pairwise(lines))
        or (">" in text and is_indented_start)
        or re.search(r">[ ]*\t", text) is not None
    )


def is_header_in_a_block(first: str, second: str) -> bool:
    """Whether `second` could be a delimiter row and `first`, with a pipe, begins with the marker of a block."""
    if "|" not in first or re.fullmatch(r"[ >\t]*[|:\-][|:\- \t]*", second) is None:
        return False
    is_outside_quote = first.lstrip().startswith(">") and not second.lstrip().startswith(">")
    return is_outside_quote or first.lstrip(" \t>")[:1] in STARTERS


# The same documents each time: a further peculiarity of the other parser must not break an unrelated change.
@settings(max_examples=200, deadline=None, derandomize=True)
@given(DOCUMENTS)
def test_blocks_equal_the_whole_parse(text: str) -> None:
    splitter = BlockSplitter()
    blocks = (*splitter.feed(text), *splitter.close())
    ours, references = flattened(blocks, splitter.references)
    theirs, their_references = whole_parse(text)
    if not is_peculiar(text):
        assert ours == theirs
        assert references == their_references


TABLES = st.lists(
    st.sampled_from(["| a | b |", "a | b", "|---|--:|", "--|--", "x", "", "> q", "# h", "    i", "||"]), max_size=8
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(TABLES)
def test_tables_equal_the_whole_parse(lines: list[str]) -> None:
    text = "\n".join(lines)
    splitter = BlockSplitter()
    blocks = (*splitter.feed(text), *splitter.close())
    is_table_in_quote = any(first == "> q" and "--" in second for first, second in pairwise(lines))
    if not is_table_in_quote:
        assert flattened(blocks, splitter.references) == whole_parse(text)


@settings(max_examples=200, deadline=None)
@given(st.one_of(DOCUMENTS, ANY_TEXT), st.lists(st.integers(0, 300), max_size=8))
def test_blocks_are_the_same_for_any_cut(text: str, positions: list[int]) -> None:
    whole = values(split(text))
    assert values(split(text, cuts(text, positions), with_tails=True)) == whole
    assert values(split(text, text, with_tails=True)) == whole


@settings(max_examples=100, deadline=None)
@given(st.one_of(DOCUMENTS, ANY_TEXT))
def test_the_tail_is_a_part_of_the_input_and_close_shows_it_all(text: str) -> None:
    splitter = BlockSplitter()
    settled = ""
    for fed, character in enumerate(text, 1):
        settled += "".join(block.source for block in splitter.feed(character))
        tail = "".join(block.source for block in splitter.tail())
        assert settled + splitter.unsettled == text[:fed]
        assert tail in splitter.unsettled
    settled += "".join(block.source for block in splitter.close())
    assert settled + splitter.unsettled == text
    assert not splitter.unsettled.strip(" \t\r\n>")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.sampled_from(["word ", "longer-word ", "x" * 700, "`", "``", "[", "]", "\n", "\\", " "]), max_size=300
    ),
    st.integers(1, 999),
)
def test_long_paragraphs_lose_nothing(words: list[str], step: int) -> None:
    text = "start" + "".join(words).replace("\n", "\nw") * 3
    blocks = split(text)
    assert values(split(text, (text[at : at + step] for at in range(0, len(text), step)))) == values(blocks)
    assert all(len(block.text) <= 4096 for block in blocks if block.kind is BlockKind.PARAGRAPH)
    shown = "".join(block.text for block in blocks)
    assert "".join(shown.split()) == "".join(text.split())


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(PATTERNS)), st.lists(st.integers(0, 9_000), max_size=8), st.integers(1, 999))
def test_pathological_blocks_are_the_same_for_any_cut(name: str, positions: list[int], step: int) -> None:
    text = PATTERNS[name](9_000)
    whole = values(split(text))
    assert values(split(text, cuts(text, positions), with_tails=True)) == whole
    assert values(split(text, (text[at : at + step] for at in range(0, len(text), step)))) == whole
