"""When blocks settle and what the tail shows."""

from __future__ import annotations

import pytest

from chat_tui.core.blocks import Block, BlockKind, Container, ContainerKind
from chat_tui.core.splitter import BlockSplitter
from tests.support.splitting import split, values


def fed(*texts: str) -> tuple[BlockSplitter, list[Block]]:
    splitter = BlockSplitter()
    return splitter, [block for text in texts for block in splitter.feed(text)]


def texts(blocks: list[Block] | tuple[Block, ...]) -> list[str]:
    return [block.text for block in blocks]


def tail_of(text: str) -> list[tuple[str, str]]:
    splitter, _ = fed(text)
    return [(block.kind, block.text) for block in splitter.tail()]


# Settling


@pytest.mark.parametrize(
    ("text", "settled"),
    [
        ("para", []),
        ("para\n", []),
        ("para\n\n", ["para"]),
        ("para\n# h", []),
        ("para\n# h\n", ["para", "h"]),
        ("a\n===\n", ["a"]),
        ("- a\n", []),
        ("- a\n- b\n", ["a"]),
        ("- a\n  - b\n", ["a"]),
        ("> a\n\n", ["a"]),
        ("```\nx\n", []),
        ("```\nx\n```\n", ["x\n"]),
        ("<!-- x\n-->\n", ["<!-- x\n-->\n"]),
        ("[a]: /u\n", []),
        ("[a]: /u\ntext\n", ["[a]: /u"]),
        ('[a]: /u "t"\n', ['[a]: /u "t"']),
        ("***\n", [""]),
        ("    code\n\n", []),
        ("    code\n\ntext\n", ["code\n"]),
    ],
)
def test_a_block_settles_as_soon_as_nothing_can_change_it(text: str, settled: list[str]) -> None:
    assert texts(fed(text)[1]) == settled


def test_close_settles_everything() -> None:
    splitter, settled = fed("- a\n\n      code\n\n> quote")
    assert texts(settled) == ["a"]
    assert texts(splitter.close()) == ["code\n", "quote"]
    assert splitter.tail() == ()
    assert splitter.unsettled == ""


def test_containers_are_a_path() -> None:
    block = split("1. a\n2. > - [x] b\n")[1]
    assert block.containers == (
        Container(ContainerKind.ORDERED, "2.", is_opening=True),
        Container(ContainerKind.QUOTE, "", is_opening=True),
        Container(ContainerKind.BULLET, "-", is_opening=True, task=True),
    )
    assert block.text == "b"


def test_only_the_first_block_of_an_item_opens_it() -> None:
    first, second, third = split("- a\n\n  b\n  - c\n")
    assert [block.containers[0].is_opening for block in (first, second, third)] == [True, False, False]
    assert third.containers[1].is_opening


def test_an_item_without_content_is_an_empty_paragraph() -> None:
    assert [(block.text, block.containers[0].marker) for block in split("-\n- a\n2.\n")] == [
        ("", "-"),
        ("a", "-"),
        ("", "2."),
    ]


@pytest.mark.parametrize(
    ("text", "gaps"),
    [
        ("a\n\nb\n", [False, True]),
        ("a\n- b\n- c\n", [False, True, False]),
        ("- a\n\n- b\n", [False, True]),
        ("- a\n  - b\n    - c\n- d\n", [False, False, False, False]),
        ("- a\n\n  - b\n", [False, True]),
        ("- a\n  ```\n  x\n  ```\n- b\n", [False, True, False]),
        ("- a\n* b\n", [False, False]),
        ("- a\n\nb\n- c\n", [False, True, True]),
        ("> - a\n> - b\n", [False, False]),
        ("- a\n> - b\n", [False, True]),
        ("> a\n\n> b\n", [False, True]),
        ("- > a\n- > b\n", [False, False]),
        ("# a\nb\n", [False, True]),
        ("[a]: x\n[b]: y\nz\n", [False, False, False]),
        ("[a]: x\n\n[b]: y\n", [False, True]),
        ("-\n-\n\n-\n", [False, False, True]),
        ("- a\n\n      x\n\n      y\n  b\n", [False, True, True]),
        ("- ```\n  x\n\n  ```\n- b\n", [False, False]),
    ],
)
def test_gaps_follow_the_source(text: str, gaps: list[bool]) -> None:
    assert [block.has_gap for block in split(text)] == gaps


def test_references_are_normalised_and_the_first_counts() -> None:
    splitter, _ = fed("[Foo\n  BAR]: <a b> 'x &amp; \\'y\\''\n[foo bar]: later\n[ẞ]: /s\\_t\n\n")
    assert dict(splitter.references) == {"foo bar": ("a b", "x & 'y'"), "ss": ("/s_t", "")}


@pytest.mark.parametrize(
    "text",
    [
        "[]: x",
        "[ ]: x",
        "[a] : x",
        "[a[b]: x",
        "[a]: x y",
        "[a]: <x",
        "[a]: x)",
        "[a]: (x",
        '[a]: x "t" u',
        '[a]: x "t\n\nu"',
        "[a]: x (t(u)",
        "[a]:",
        "[" + "a" * 1000 + "]: x",
        "[a\n\nb]: x",
    ],
)
def test_what_looks_like_a_definition_stays_text(text: str) -> None:
    splitter = BlockSplitter()
    blocks = (*splitter.feed(text), *splitter.close())
    assert {block.kind for block in blocks} == {BlockKind.PARAGRAPH}
    assert splitter.references == {}


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ('[a]: x\n"open title\nmore\n', ["definition", "paragraph"]),
        ('[a]: x\n"title" garbage\n', ["definition", "paragraph"]),
        ("[a]: x\n===\n", ["definition", "paragraph"]),
        ("[a]: x\nb\n===\n", ["definition", "heading"]),
        ("[a]: x\na | b\n--|--\n", ["definition", "table"]),
        ("[a|b]: x\n-|-\n", ["definition", "paragraph"]),
        ("[a]: x\n" + "y" * 5000 + "\n", ["definition", "paragraph", "paragraph"]),
        ('[a]: x\n"' + "y\n" * 2500, ["definition", "paragraph", "paragraph"]),
        ("[a]: (x(y)\\))\n", ["definition"]),
    ],
)
def test_text_after_a_definition_is_its_own_block(text: str, kinds: list[str]) -> None:
    assert [block.kind for block in split(text)] == kinds


# Pages


def test_a_long_fence_settles_in_pages() -> None:
    lines = "".join(f"line {number}\n" for number in range(70))
    splitter, settled = fed("~~~py x\n" + lines)
    assert [block.text.count("\n") for block in settled] == [32, 32]
    blocks = [*settled, *splitter.feed("~~~\n")]
    assert [block.page for block in blocks] == [0, 1, 2]
    assert [block.is_closed for block in blocks] == [False, False, True]
    assert [block.has_gap for block in blocks] == [False, False, False]
    assert {block.info for block in blocks} == {"py x"}
    assert [block.previous for block in blocks] == [None, *blocks[:2]]
    assert "".join(texts(blocks)) == lines
    assert blocks[2].source.endswith("~~~\n")


def test_a_long_table_settles_in_pages_that_share_a_shape() -> None:
    rows = "".join(f"| {number} | x |\n" for number in range(70))
    blocks = split("| a | b |\n|:-:|--|\n" + rows)
    assert [len(block.rows) for block in blocks] == [32, 32, 6]
    assert [block.previous for block in blocks] == [None, *blocks[:2]]
    assert all(block.table is blocks[0].table for block in blocks)
    assert blocks[0].table
    assert blocks[0].table.sample == blocks[0].rows
    assert blocks[0].table.alignments == ("center", "")


def test_long_html_settles_in_pages() -> None:
    blocks = split("- <div>\n" + "  <p>\n" * 40 + "\n  end\n")
    assert [(block.kind, block.page, block.containers[0].is_opening) for block in blocks] == [
        ("html", 0, True),
        ("html", 1, False),
        ("paragraph", 0, False),
    ]


def test_a_long_paragraph_is_cut_at_a_line_end_then_at_a_space_then_anywhere() -> None:
    by_line = split("some words and more\n" * 300)
    assert [block.page for block in by_line] == [0, 1]
    assert by_line[0].text.endswith("more")
    assert by_line[0].source.endswith("more\n")
    by_space = split("words " * 1000)
    assert [block.text[-5:] for block in by_space] == ["words", "words"]
    anywhere = split("x" * 10_000)
    assert [len(block.text) for block in anywhere] == [4096, 4096, 1808]
    assert [block.has_gap for block in anywhere] == [False] * 3
    assert anywhere[1].previous is anywhere[0]


@pytest.mark.parametrize(
    ("opening", "closing"),
    [("`", "`"), ("``", "``"), ("[", "](u)"), ("`[", "`")],
)
def test_a_long_paragraph_is_not_cut_inside_code_or_brackets(opening: str, closing: str) -> None:
    first = split("a " * 1600 + opening + "b \\] " * 300 + closing + " c" * 100)[0]
    assert first.text == "a " * 1599 + "a"


def test_a_paragraph_that_was_cut_becomes_no_heading() -> None:
    blocks = split("a b\n" * 2000 + "===\n\n" + "a b\n" * 2000 + "---\n")
    assert {block.kind for block in blocks} == {BlockKind.PARAGRAPH, BlockKind.RULE}


def test_the_rest_of_a_cut_paragraph_can_still_be_a_table() -> None:
    blocks = split("a b\n" * 1100 + "| a |\n|---|\n| 1 |\n")
    assert [block.kind for block in blocks] == ["paragraph", "paragraph", "table"]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("# " + "x" * 5000 + "\n\ny", {"paragraph"}),
        ("```" + "x" * 5000 + "\ny", {"paragraph"}),
        ("-" * 5000 + "\n", {"paragraph"}),
        ("```\n" + "x" * 20_000 + "\ny\n```", {"code"}),
        ("    " + "x" * 20_000 + "\n    y\n", {"code"}),
        ("<div>" + "x" * 20_000 + "\ny\n\n", {"html"}),
        ("<b>" + "x" * 5000 + "\n", {"paragraph"}),
        ("[a]: " + "x" * 5000 + "\n", {"paragraph"}),
        ("| a |\n|---|\n|" + "x" * 5000 + "|\n", {"table", "paragraph"}),
        ("> " + " " * 5000 + "\n", {"paragraph"}),
        ("a\n" + " " * 5000 + "b\n", {"paragraph", "code"}),
    ],
    ids=range(11),
)
def test_over_long_lines_lose_nothing(text: str, kinds: set[str]) -> None:
    blocks = split(text)
    assert {block.kind for block in blocks} == kinds
    shown = "".join(block.text + block.info for block in blocks)
    assert shown.count("x") == text.count("x")
    assert values(split(text, (text[at : at + 997] for at in range(0, len(text), 997)))) == values(blocks)


def test_html_ends_where_its_end_is_cut_by_a_piece() -> None:
    text = "<!--" + "x" * 4090 + "-->" + "y" * 100 + "\ntext\n"
    assert [(block.kind, block.text[-5:]) for block in split(text)] == [("html", "yyyy\n"), ("paragraph", "text")]


def test_indented_code_ends_after_a_page_of_blank_lines() -> None:
    assert texts(split("    a\n" + "\n" * 33 + "    b\n")) == ["a\n", "b\n"]
    assert texts(split("    a\n" + "\n" * 32 + "    b\n")) == ["a\n" + "\n" * 32, "b\n"]
    assert [block.page for block in split("    a\n" + "\n" * 32 + "    b\n")] == [0, 1]


# The tail


@pytest.mark.parametrize(
    "partial",
    [
        *("", " ", "   ", "-", "*", "+", "_", "=", "--", "***", "**", "__", "===", "* * *", "- - ", ":", ":-"),
        *("#", "##", "######", "# ", "1", "12", "1.", "1)", "1. ", ">", ">>", "> ", "> > ", "> -"),
        *("`", "``", "```", "```py", "~", "~~", "~~~", "~~~py", "- ```py"),
        *("[", "- ", "- [", "- [ ", "- [x", "- [x]", "- [ ] ", "1. ["),
        *("|", "|a", "|a|b", "|a | b ", "|:-", "<", "</", "<di", "<a href='x'", "<T>", "<!-"),
    ],
)
def test_what_could_become_syntax_is_held_back(partial: str) -> None:
    for before in ("", "text\n\n", "text\n"):
        splitter, settled = fed(before + partial)
        assert "".join(texts(splitter.tail())) == ("text" if before == "text\n" else "")
        everything = [*settled, *splitter.close()]
        assert "".join(block.source for block in everything) + splitter.unsettled == before + partial


@pytest.mark.parametrize(
    "partial", ["-a", "*em", "**b", "1.5", "#tag", "`x", "=x", "~x", "<3", "[link", "- a", "> b", "2024 was"]
)
def test_what_is_decided_is_shown_at_once(partial: str) -> None:
    assert tail_of(partial) != []


@pytest.mark.parametrize("partial", ["-", "--", "---", "=", "==", "== "])
def test_an_incomplete_underline_does_not_make_a_heading(partial: str) -> None:
    assert tail_of("foo\n" + partial) == [("paragraph", "foo")]
    assert [block.kind for block in fed("foo\n" + partial + "\n")[1]] == ["heading"]


def test_an_incomplete_line_is_no_definition() -> None:
    assert tail_of("[^1]: A") == [("paragraph", "[^1]: A")]
    assert tail_of("[a]: b\n") == [("definition", "[a]: b")]
    assert tail_of('[a]: b\n"ti') == [("definition", "[a]: b"), ("paragraph", '"ti')]


def test_a_row_that_may_be_a_header_waits_for_the_next_line() -> None:
    assert tail_of("text\n| a | b |") == [("paragraph", "text")]
    assert tail_of("| a | b |\n") == []
    assert tail_of("| a | b |\n|--") == []
    assert tail_of("| a | b |\n| c") == [("paragraph", "| a | b |")]
    assert tail_of("| a | b |\n| c |\n") == [("paragraph", "| a | b |")]
    assert tail_of("| a | b |\nx") == [("paragraph", "| a | b |\nx")]
    assert tail_of("| a | b |\n# ") == [("paragraph", "| a | b |")]
    assert tail_of("> | a | b |\n> ") == []
    assert tail_of("| a | b |\n|---|---|\n") == [("table", "")]


def test_a_row_is_shown_while_it_grows() -> None:
    splitter, _ = fed("| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4")
    assert splitter.tail()[0].rows == (("1", "2"), ("3", "4"))
    splitter.feed("2 |\n|")
    assert splitter.tail()[0].rows == (("1", "2"), ("3", "42"))
    splitter.feed("\n- ")
    assert splitter.tail()[0].rows == (("1", "2"), ("3", "42"), ())
    assert not splitter.tail()[0].is_closed


def test_fences_appear_when_their_line_is_complete() -> None:
    assert tail_of("```py") == []
    assert tail_of("```py\n") == [("code", "")]
    assert tail_of("```py\nx\n``") == [("code", "x\n")]
    assert tail_of("```py\nx\n  ```") == [("code", "x\n")]
    assert tail_of("```py\nx\n- ") == [("code", "x\n- \n")]
    assert tail_of("- ```\n  x\n  ``") == [("code", "x\n")]
    assert tail_of("<div>\n- ") == [("html", "<div>\n- \n")]
    assert tail_of("<div>\n ") == [("html", "<div>\n")]


def test_the_tail_changes_nothing() -> None:
    text = "# a\n\n- b\n  [x]: /y\n\n| c | d |\n|---|---|\n| 1 | 2 |\n\n```\ne\n\n    f\n\n    g"
    assert values(split(text, text, with_tails=True)) == values(split(text))


def test_the_source_of_the_tail_is_what_it_shows() -> None:
    splitter, _ = fed("a\n\n\n\n\nb\nc")
    assert [block.source for block in splitter.tail()] == ["b\nc"]
    assert splitter.unsettled == "\n\n\nb\nc"


# Hostile input


@pytest.mark.parametrize("marker", [">", "> ", "- ", "1. ", "> - "])
def test_a_thousand_levels_become_text_at_last(marker: str) -> None:
    text = marker * 1000 + "end\n"
    blocks = split(text * 2)
    assert {len(block.containers) for block in blocks} == {100}
    shown = "".join(block.text for block in blocks)
    assert shown.count("end") == 2
    for mark in marker.split():
        levels = sum((container.marker or ">") == mark for container in blocks[0].containers)
        assert shown.count(mark) == 2 * (1000 - levels)


def test_nul_becomes_visible_and_carriage_returns_end_lines() -> None:
    assert texts(split("a\0b\r\n\r\nc\rd\r\r# e\r")) == ["a\ufffdb", "c\nd", "e"]
    text = "a\r\n\r\nb\r\n```\r\nc\r"
    assert values(split(text, text)) == values(split(text))


def test_blank_lines_at_the_end_are_left_over() -> None:
    splitter, settled = fed("a\n\n\n\n")
    assert texts(settled) == ["a"]
    assert splitter.close() == ()
    assert splitter.unsettled == "\n\n"


def test_empty_input() -> None:
    splitter = BlockSplitter()
    assert splitter.feed("") == splitter.tail() == splitter.close() == ()
