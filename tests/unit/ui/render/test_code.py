"""Code blocks: label row, highlighting by pages, wrapped lines."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from chat_tui.core.blocks import Block, BlockKind, Container, ContainerKind
from chat_tui.ui.render.blocks import RenderContext, render_block
from chat_tui.ui.render.lexing import START, LexState, language_of, lex, start_state
from chat_tui.ui.render.rows import MAX_ROW_CELLS, SourceRow, hidden_cells
from chat_tui.ui.theme import THEMES, CodeRole

STYLES = THEMES["dark"].styles


def _code(text: str, info: str = "", page: int = 0, previous: Block | None = None) -> Block:
    return Block(BlockKind.CODE, text, text, info=info, page=page, previous=previous)


def _rows(block: Block, width: int = 40, *, is_tail: bool = False) -> list[str]:
    context = RenderContext(width, 30, STYLES, is_tail=is_tail)
    return [strip.text for strip in render_block(block, context)]


def _styles_of(block: Block, word: str, *, is_tail: bool = False) -> Style | None:
    strips = render_block(block, RenderContext(80, 80, STYLES, is_tail=is_tail))
    return next(segment.style for strip in strips for segment in strip if segment.text.strip() == word)


def test_the_label_row_has_the_info_string_and_copy() -> None:
    block = _code("x = 1\n", "python title=a.py")
    assert _rows(block) == ["   python title=a.py              copy  ", "   x = 1" + " " * 32]
    label = render_block(block, RenderContext(40, 30, STYLES))[0]
    assert [segment.style.meta for segment in label if segment.text == "copy" and segment.style] == [
        {"copy": "code"}
    ]
    assert all(segment.style and segment.style.bgcolor == STYLES.code_block.bgcolor for segment in label)


def test_only_the_first_page_has_a_label() -> None:
    first = _code("a = '''\n", "python")
    assert _rows(_code("b'''\n", "python", 1, first)) == ["   b'''" + " " * 33]


def test_blank_lines_are_rows_and_a_started_block_is_its_label() -> None:
    assert len(_rows(_code("a\n\n\nb\n\n"))) == 1 + 5
    assert len(_rows(_code(""))) == 1
    assert _rows(_code(""), is_tail=True)[1:] == [" " * 40]


def test_a_long_info_string_is_wrapped() -> None:
    rows = _rows(_code("", "python " + "word " * 12))
    assert " ".join(" ".join(rows).replace("copy", "").split()) == ("python " + "word " * 12).strip()


def test_long_lines_are_wrapped_behind_a_mark_and_nothing_is_dropped() -> None:
    rows = _rows(_code("call(first, second, third, and_a_fourth)\n"), 30)
    assert rows[1:] == [
        "   call(first, second,".ljust(30),
        " ↪ third, and_a_fourth)".ljust(30),
    ]
    wide = _rows(_code("語" * 20 + "\n"), 30)
    assert all(cell_len(row) == 30 for row in wide)
    assert "".join(wide).count("語") == 20


def test_long_lines_can_stay_whole_behind_a_window() -> None:
    label, row = render_block(_code("x" * 100 + "\n"), RenderContext(40, 30, STYLES, is_wrapped=False))
    assert label.cell_length == 40
    assert row.text == "   " + "x" * 100
    assert hidden_cells(row) == 65


def test_a_line_longer_than_a_row_may_be_is_cut_even_behind_a_window() -> None:
    text = "word " * 30_000
    rows = render_block(_code(text + "\n"), RenderContext(40, 30, STYLES, is_wrapped=False))[1:]
    assert max(row.cell_length for row in rows) <= 3 + MAX_ROW_CELLS
    assert len(rows) < 1.5 * len(text) / MAX_ROW_CELLS
    assert [isinstance(row, SourceRow) and row.joint for row in rows] == ["\n", *[""] * (len(rows) - 1)]
    assert source_of(rows) == text


def source_of(rows: list[Strip]) -> str:
    """The text of rows as it is copied."""
    lines = [(row.text[row.start : row.end], row.joint) for row in rows if isinstance(row, SourceRow)]
    return "".join(joint + text for text, joint in lines).removeprefix("\n")


@pytest.mark.parametrize("is_wrapped", [True, False])
def test_the_text_of_the_rows_is_the_source(is_wrapped: bool) -> None:
    source = "def f():\n    return '日本語 and e\u0301 and more words'  \n\nlast = 1\n"
    for containers in ((), (Container(ContainerKind.BULLET, "-", is_opening=True),)):
        block = Block(BlockKind.CODE, source, source, containers, info="python")
        rows = render_block(block, RenderContext(24, 30, STYLES, is_wrapped=is_wrapped))
        assert source_of(rows) == "python\n" + source.removesuffix("\n")


def test_a_page_that_begins_within_a_line_goes_on() -> None:
    first = _code("x" * 30)
    row = render_block(_code("y" * 5 + "\n", page=1, previous=first), RenderContext(40, 30, STYLES))[0]
    assert row.text.startswith(" ↪ yyyyy ")
    assert isinstance(row, SourceRow)
    assert row.joint == ""
    for end in range(1, 6):
        tail = _code("y" * end, page=1, previous=first)
        assert render_block(tail, RenderContext(40, 30, STYLES, is_tail=True))[0].text.startswith(" ↪ y")


def test_all_pages_of_a_block_move_together_from_its_first_line_on() -> None:
    context = RenderContext(40, 30, STYLES, is_wrapped=False)
    text = "a line that is longer than a key may be\nand more\n"
    first = _code(text, "c")
    pages = [first, _code("later\n", "c", 1, first), *[_code(text[:end], "c") for end in range(24, len(text))]]
    rows = [row for page in pages for row in render_block(page, context)]
    keys = {row.window.key for row in rows if isinstance(row, SourceRow) and row.window is not None}
    assert len(keys) == 1


def test_tabs_go_to_their_stops() -> None:
    assert _rows(_code("\ta\tb\nxyz\tc\n"))[1:] == ["       a   b".ljust(40), "   xyz c".ljust(40)]


def test_tokens_have_the_styles_of_their_roles() -> None:
    block = _code('def f():\n    return "text"  # why\n', "python")
    roles = {"def": CodeRole.KEYWORD, "f": CodeRole.FUNCTION, "# why": CodeRole.COMMENT}
    for word, role in roles.items():
        assert _styles_of(block, word) == STYLES.code_tokens[role]


def test_the_state_goes_on_over_pages_even_when_pages_were_never_rendered() -> None:
    first = _code('x = """\n', "python")
    second = _code("inside\n", "python", 1, first)
    third = _code('end"""\nreturn\n', "python", 2, second)
    assert _styles_of(third, "return") == STYLES.code_tokens[CodeRole.KEYWORD]
    assert _styles_of(second, "inside") == STYLES.code_tokens[CodeRole.STRING]
    assert start_state(second) != START


def test_an_open_block_comment_is_one_while_it_grows() -> None:
    block = _code("a = 1;\n/* if this\n * returns", "go")
    assert _styles_of(block, "* returns", is_tail=True) == STYLES.code_tokens[CodeRole.COMMENT]


def test_a_growing_page_ends_as_the_settled_one() -> None:
    source = 'async def f(x):\n    """Doc."""\n    return f"{x}"  # 日本\n\nclass A: ...\n'
    context = RenderContext(60, 60, STYLES, is_tail=True)
    for end in range(1, len(source)):
        grown = render_block(_code(source[:end], "python"), context)
        assert "".join(row.text for row in grown).split()[2:] == source[:end].split()
    settled = render_block(_code(source, "python"), RenderContext(60, 60, STYLES))
    assert render_block(_code(source, "python"), context) == settled


def test_two_streams_and_another_width_do_not_mix() -> None:
    one, other = RenderContext(40, 40, STYLES, is_tail=True), RenderContext(50, 50, STYLES, is_tail=True)
    first = render_block(_code("a = 1\nb", "python"), one)
    render_block(_code("a = 2\nb", "python"), one)
    render_block(_code("a = 1\nb", "python"), other)
    assert render_block(_code("a = 1\nb", "python"), one) == first


@pytest.mark.parametrize(
    ("info", "language"),
    [
        ("Python", "python"),
        ("{.rust .numberLines}", "rust"),
        ("js,ignore", "js"),
        ("python:app.py", "python"),
        ("c++ linenos", "c++"),
        ("", ""),
        ("  ", ""),
    ],
)
def test_language_of_an_info_string(info: str, language: str) -> None:
    assert language_of(_code("", info)) == language


def test_unknown_languages_and_very_long_lines_are_plain() -> None:
    assert lex("def x\n", "no-such-language") == ([(CodeRole.TEXT, "def x\n")], START)
    long_line = "def " * 3000 + "\n"
    assert lex(long_line, "python") == ([(CodeRole.TEXT, long_line)], START)


def test_a_lexer_without_states_starts_each_page_anew() -> None:
    pieces, state = lex('{"a": [1, true]}\n', "json")
    assert state == START
    assert (CodeRole.NUMBER, "1") in pieces


@pytest.mark.parametrize(
    "language", ["python", "javascript", "rust", "c", "bash", "html", "sql", "toml", "ruby", "php"]
)
def test_our_loop_over_the_rules_does_what_pygments_does(language: str) -> None:
    """The one private name of Pygments in use (2.21); when this fails, its RegexLexer has changed."""
    from pygments.lexer import RegexLexer
    from pygments.lexers import get_lexer_by_name

    from chat_tui.ui.render.lexing import _role

    text = 'a = "b\\n" + f(1.5) # c\n<p class="x">&amp;</p>\nif (x) { return; } /* d */\n\n[key]\nend\n'
    lexer = get_lexer_by_name(language)
    assert isinstance(lexer, RegexLexer)
    expected = [
        (character, _role(token))
        for _, token, value in RegexLexer.get_tokens_unprocessed(lexer, text)
        for character in value
    ]
    pieces, state = lex(text, language)
    assert [(character, role) for role, value in pieces for character in value] == expected
    assert isinstance(state, LexState)
