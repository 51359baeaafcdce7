"""Rendering holds for any text: it never fails, never exceeds its width, and drops no word."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from chat_tui.core.blocks import Block, BlockKind, Container, ContainerKind, TableShape
from chat_tui.ui.render.blocks import RenderContext, render_block
from chat_tui.ui.render.lexing import START, lex
from chat_tui.ui.render.rows import SourceRow, hidden_cells, windowed
from chat_tui.ui.render.wrap import clusters, wrap_ranges
from chat_tui.ui.theme import THEMES, CodeRole

WIDE = "表記你好👩‍👩‍👧✅❤️é́ก็"
TEXT = st.text(max_size=200) | st.text(alphabet="ab *_`~[](){}<>!&;:/\\\"'#|\n\t1.$-=" + WIDE, max_size=300)
WORDS = st.sampled_from(
    [
        *("plain", "two words", "**strong**", "*emph*", "`code`", "~~gone~~", "***both***", "__under__", "**open"),
        *("`open", "[text](http://host/path)", '[t](url "title")', "[half](par", "![alt](src)", "![[deep](x)](y)"),
        *("<tag>", "Vec<T>", "<std::string>", "<http://auto.link>", "<!-- said -->", "a_b_c", "2*3*4", "| cell"),
        *(
            "\\*star\\*",
            "\\(x_1\\)",
            "$y$",
            "&amp",
            "[ref]",
            "[^note]",
            "https://bare.url/x_y_z?a=1.",
            "\n",
            "  \n",
        ),
        *("表記", "👩‍👩‍👧", "é́x"),
    ]
)
MARKDOWN = st.lists(WORDS, max_size=12).map(" ".join)
WIDTH = st.integers(10, 200)
CONTAINERS = st.lists(
    st.builds(
        Container,
        st.sampled_from(ContainerKind),
        st.sampled_from(["-", "1.", "12)", "123456789."]),
        st.booleans(),
        st.sampled_from([None, True, False]),
    ),
    max_size=8,
).map(tuple)
CELLS = st.lists(st.lists(TEXT | MARKDOWN, max_size=6).map(tuple), max_size=6).map(tuple)


def _context(width: int, *, is_tail: bool = False, theme: str = "dark", is_wrapped: bool = True) -> RenderContext:
    return RenderContext(width, 100, THEMES[theme].styles, is_tail=is_tail, is_wrapped=is_wrapped)


def _check_width(block: Block, context: RenderContext) -> list[str]:
    rows = render_block(block, context)
    for row in rows:
        assert row.cell_length == sum(cell_len(segment.text) for segment in row)
        assert "\n" not in row.text
        if not isinstance(row, SourceRow) or row.window is None:
            assert row.cell_length <= context.width
            continue
        for shift in {0, 1, 2, 7, hidden_cells(row) // 2, hidden_cells(row), hidden_cells(row) + 9}:
            seen = windowed(row, row.window, shift)
            assert seen.cell_length <= context.width
            assert seen.cell_length == sum(cell_len(segment.text) for segment in seen)
            assert ("›" in seen.text) >= (shift < hidden_cells(row))
    return [row.text for row in rows]


@given(
    st.sampled_from([kind for kind in BlockKind if kind is not BlockKind.TABLE]),
    TEXT | MARKDOWN,
    CONTAINERS,
    WIDTH,
    st.booleans(),
    st.sampled_from(sorted(THEMES)),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_no_row_is_wider_than_the_context(
    kind: BlockKind,
    text: str,
    containers: tuple[Container, ...],
    width: int,
    is_tail: bool,
    theme: str,
    is_wrapped: bool,
) -> None:
    block = Block(kind, text, text, containers, info="python" if len(text) % 2 else text, level=2)
    _check_width(block, _context(width, is_tail=is_tail, theme=theme, is_wrapped=is_wrapped))


@given(CELLS, CELLS, WIDTH, st.booleans(), st.integers(0, 1), st.booleans())
@settings(max_examples=100, deadline=None)
@example((("0000000", ""),), (("", "表"),), 10, False, 1, True)
def test_no_table_is_wider_than_the_context(
    sample: tuple[tuple[str, ...], ...],
    rows: tuple[tuple[str, ...], ...],
    width: int,
    is_tail: bool,
    page: int,
    is_wrapped: bool,
) -> None:
    header = sample[0] if sample else ("head",)
    shape = TableShape(("", "center", "right"), header, sample)
    block = Block(BlockKind.TABLE, "", "", rows=rows, table=shape, page=page)
    _check_width(block, _context(width, is_tail=is_tail, is_wrapped=is_wrapped))


@given(MARKDOWN, WIDTH, st.booleans())
@settings(max_examples=300, deadline=None)
@example("see <std::vector<std::string>> x", 40, False)
@example("**bold `x** y", 40, True)
def test_every_word_of_prose_is_shown(text: str, width: int, is_tail: bool) -> None:
    rows = _check_width(Block(BlockKind.PARAGRAPH, text, text), _context(width, is_tail=is_tail))
    shown = "".join(rows).replace(" ", "")
    missing = [word for word in re.findall(r"[a-z0-9]+", text) if word not in shown]
    assert missing == []


@given(st.lists(st.lists(MARKDOWN, min_size=1, max_size=5).map(tuple), min_size=1, max_size=5).map(tuple), WIDTH)
@settings(max_examples=100, deadline=None)
def test_every_letter_of_a_ragged_table_is_shown(rows: tuple[tuple[str, ...], ...], width: int) -> None:
    rows = tuple(tuple(cell.replace("\n", " ") for cell in row) for row in rows)
    shape = TableShape(("", "right"), ("one", "two"), rows)
    shown = "".join(_check_width(Block(BlockKind.TABLE, "", "", rows=rows, table=shape), _context(width)))
    for letter in "abcdefghijklmnopqrstuvwxyz":
        said = sum(cell.count(letter) for row in rows for cell in row)
        assert shown.count(letter) >= said


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=300), WIDTH)
@settings(max_examples=200, deadline=None)
def test_code_shows_all_that_is_not_space(text: str, width: int) -> None:
    rows = _check_width(Block(BlockKind.CODE, text + "\n", text), _context(width))
    shown = "".join("".join(rows[1:]).replace("↪", "").split())
    assert shown == "".join(text.replace("↪", "").split())


@given(st.text(alphabet="ab  -" + WIDE + "、「」", max_size=120), st.integers(2, 40))
@settings(max_examples=300, deadline=None)
def test_wrapping_drops_spaces_only_and_cuts_no_cluster(text: str, width: int) -> None:
    ranges = wrap_ranges(text, width)
    starts = {start for start, _ in clusters(text)} | {len(text)}
    position = 0
    for start, end in ranges:
        assert text[position:start].strip(" ") == ""
        assert cell_len(text[start:end]) <= width
        assert start in starts or text[start - 1] == " "
        position = end
    assert text[position:].strip(" ") == ""


SOURCES = {
    "python": 'def f(x):\n    """Say\n\n    it."""\n    s = f"{x!r}"\n    return s  # x\n\nX = \'\'\'a\nb\'\'\'\n',
    "javascript": "const t = `a\n${1 + 2}\nb`;\n/* one\n * two\n */\nfunction f(a) { return a / 2; }\n// end\n",
    "go": 'package main\n\n/* long\n   comment */\nvar s = `raw\nstring`\n\nfunc main() {\n\tprintln("x", 1)\n}\n',
    "rust": 'fn main() {\n    /* a /* nested */\n    */\n    let s = "two\nlines";\n    println!("{}", s);\n}\n',
    "c": '#include <a.h>\n/* first\n   second */\nint main(void) {\n    return 0; /* x */\n}\nchar *s = "z";\n',
    "html": "<div\n  class='x'>\n<!-- one\n two -->\n<p>text &amp; more</p>\n</div>\n<b>x</b>\n",
    "bash": 'set -e\nfor f in *.py; do\n  echo "$f\n  two lines"\ndone # end\nx=$(ls | wc -l)\n',
    "css": "/* a\n b */\n.x > a:hover {\n  color: #fff;\n  margin: 0 1px;\n}\n",
}


@pytest.mark.parametrize("language", sorted(SOURCES))
def test_pages_are_highlighted_like_the_whole(language: str) -> None:
    lines = SOURCES[language].splitlines(keepends=True)
    whole, _ = lex("".join(lines), language)
    for cut in range(1, len(lines)):
        first, state = lex("".join(lines[:cut]), language)
        second, _ = lex("".join(lines[cut:]), language, state)
        assert _by_character([*first, *second]) == _by_character(whole), f"cut after line {cut}"


@given(st.sampled_from(sorted(SOURCES)), st.text(alphabet="ab1 \n\"'`/*#<>{}()=\\-é表", max_size=120))
@settings(max_examples=200, deadline=None)
def test_lexing_loses_nothing(language: str, text: str) -> None:
    pieces, _ = lex(text, language, START)
    assert "".join(piece for _, piece in pieces) == text


def _by_character(pieces: list[tuple[CodeRole, str]]) -> list[tuple[str, CodeRole]]:
    """Roles of all characters that can be seen: how spaces are named makes no difference."""
    return [(character, role) for role, text in pieces for character in text if not character.isspace()]
