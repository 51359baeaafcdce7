"""Blocks as rows: wrapping, containers, headings, rules, HTML, the caret."""

from __future__ import annotations

import pytest
from textual.strip import Strip

from chat_tui.core.blocks import Block, BlockKind, Container, ContainerKind
from chat_tui.ui.render.blocks import RenderContext, render_block, with_caret
from chat_tui.ui.theme import THEMES

STYLES = THEMES["dark"].styles
QUOTE = Container(ContainerKind.QUOTE)
ORDERED = Container(ContainerKind.ORDERED, "1.", is_opening=True)


def _bullet(*, is_opening: bool = True, task: bool | None = None) -> Container:
    return Container(ContainerKind.BULLET, "-", is_opening, task)


def _render(
    text: str, *containers: Container, kind: BlockKind = BlockKind.PARAGRAPH, width: int = 40
) -> list[Strip]:
    return render_block(Block(kind, text, text, containers, level=2), RenderContext(width, 30, STYLES))


def _rows(text: str, *containers: Container, kind: BlockKind = BlockKind.PARAGRAPH, width: int = 40) -> list[str]:
    return [strip.text for strip in _render(text, *containers, kind=kind, width=width)]


def test_prose_is_wrapped_at_words_within_the_measure() -> None:
    assert _rows("The server keeps one response open and writes events.") == [
        "The server keeps one response",
        "open and writes events.",
    ]


def test_long_words_are_cut_and_wide_characters_counted_as_two() -> None:
    assert _rows("x" * 25, width=10) == ["x" * 10, "x" * 10, "x" * 5]
    assert _rows("日本語のテキスト。", width=10) == ["日本語のテ", "キスト。"]
    assert _rows("日本語のテ。", width=10) == ["日本語の", "テ。"]
    assert _rows("ab 👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧 cd", width=10) == ["ab 👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", "👩‍👩‍👧 cd"]


@pytest.mark.parametrize(
    ("containers", "rows"),
    [
        ((QUOTE,), ["▎ one two three", "▎ four"]),
        ((QUOTE, QUOTE), ["▎ ▎ one two", "▎ ▎ three four"]),
        ((_bullet(),), [" • one two three", "   four"]),
        ((_bullet(is_opening=False),), ["   one two three", "   four"]),
        ((_bullet(is_opening=False), _bullet()), ["    ◦ one two", "      three four"]),
        ((ORDERED,), [" 1. one two", "    three four"]),
        ((Container(ContainerKind.ORDERED, "12)", is_opening=True),), ["12) one two", "    three four"]),
        ((_bullet(task=False),), [" ☐ one two three", "   four"]),
        ((_bullet(task=True),), [" ☑ one two three", "   four"]),
        (
            (Container(ContainerKind.ORDERED, "3.", is_opening=True, task=True),),
            [" 3. ☑ one two", "      three four"],
        ),
        ((QUOTE, _bullet()), ["▎  • one two", "▎    three four"]),
    ],
)
def test_containers_are_drawn_with_a_hanging_indent(containers: tuple[Container, ...], rows: list[str]) -> None:
    assert _rows("one two three four", *containers, width=16) == rows


def test_nesting_beyond_the_room_leaves_room_for_the_text_and_keeps_every_number() -> None:
    rows = _rows("deep text", *[ORDERED] * 9, width=20)
    assert rows == ["1. 1. 1. 1. 1. 1. 1.", " 1.  1. deep text"]
    assert _rows("text", Container(ContainerKind.ORDERED, "123456789.", is_opening=True), width=10) == [
        "123456789.",
        "text",
    ]


def test_an_item_without_content_shows_its_marker() -> None:
    assert _rows("", ORDERED) == [" 1. "]
    assert _rows("", _bullet(), kind=BlockKind.CODE)[0].startswith(" • ")


def test_headings_have_a_style_and_no_number_signs() -> None:
    (row,) = _render("A **title**", kind=BlockKind.HEADING)
    assert row.text == "A title"
    assert [segment.style for segment in row] == [STYLES.heading(2), STYLES.heading(2) + STYLES.strong]


def test_html_and_definitions_are_shown_literally_and_dim() -> None:
    html = _render("<details>\n  <b>*x*</b>\n</details>\n", kind=BlockKind.HTML)
    assert [row.text for row in html] == ["<details>", "  <b>*x*</b>", "</details>"]
    assert {segment.style for row in html for segment in row} == {STYLES.dim}
    assert _rows('[a]: http://x "t"\n', kind=BlockKind.DEFINITION) == ['[a]: http://x "t"']


def test_a_rule_is_a_thin_line_as_wide_as_the_text() -> None:
    assert _rows("", kind=BlockKind.RULE) == ["─" * 30]


def test_rows_have_no_padding_and_know_their_cells() -> None:
    row = _render("short ", _bullet())[0]
    assert row.text == " • short"
    assert row.cell_length == 8


def test_the_caret_stands_behind_the_last_character() -> None:
    context = RenderContext(12, 12, STYLES)
    prose = with_caret(_render("growing text", width=10), context)
    assert [row.text for row in prose] == ["growing", "text▍"]
    code = render_block(Block(BlockKind.CODE, "abc\n", ""), context)
    last = with_caret(code, context)[-1]
    assert last.text == " abc▍       "
    assert last.cell_length == 12
    assert list(last)[2].style == STYLES.code_block + STYLES.caret
    full = _render("exactly12345", width=12)
    assert with_caret(full, context) == full
    assert with_caret([], context) == []
