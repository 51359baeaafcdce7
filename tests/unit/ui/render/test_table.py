"""Tables: widths, alignment, shrinking, ragged rows, the form for narrow screens."""

from __future__ import annotations

from chat_tui.core.blocks import Block, BlockKind, TableShape
from chat_tui.ui.render.blocks import RenderContext, render_block
from chat_tui.ui.render.rows import SourceRow, hidden_cells
from chat_tui.ui.theme import THEMES

STYLES = THEMES["dark"].styles
ROWS = (("SSE", "yes", "1.5"), ("WebSocket", "no", "10"))
SHAPE = TableShape(("left", "center", "right"), ("Transport", "HTTP", "s"), ROWS)


def _table(rows: tuple[tuple[str, ...], ...], shape: TableShape = SHAPE, page: int = 0) -> Block:
    return Block(BlockKind.TABLE, "", "", rows=rows, table=shape, page=page)


def _rows(block: Block, width: int = 60, *, is_tail: bool = False) -> list[str]:
    return [strip.text for strip in render_block(block, RenderContext(width, 60, STYLES, is_tail=is_tail))]


def _shape(*rows: tuple[str, ...]) -> TableShape:
    return TableShape(("",) * len(rows[0]), rows[0], rows[1:])


def test_columns_are_as_wide_as_their_widest_cell_and_aligned() -> None:
    assert _rows(_table(ROWS)) == [
        "Transport  HTTP    s",
        "────────────────────",
        "SSE        yes   1.5",
        "WebSocket   no    10",
    ]


def test_the_header_is_bold_and_the_rule_is_quiet() -> None:
    header, rule, *_ = render_block(_table(ROWS), RenderContext(60, 60, STYLES))
    assert {segment.style for segment in header if segment.text.strip()} == {STYLES.table_header}
    assert {segment.style for segment in rule} == {STYLES.table_rule}


def test_later_pages_have_the_same_columns_and_no_header() -> None:
    rows = _rows(_table((("A much longer name", "no", "2"),), page=1))
    assert rows == ["A much      no     2", "longer", "name"]


def test_ragged_rows_lose_nothing() -> None:
    rows = _rows(_table((("only",), ("a", "b", "c", "d")), page=1))
    assert rows[0] == "only"
    assert rows[1] == "a           b    c │"
    assert rows[2].strip() == "d"


def test_a_wide_table_shrinks_the_columns_that_want_most() -> None:
    long = "many words that need a lot of room in their column"
    shape = _shape(("Key", "Text"), ("a", long), ("b", "short"))
    rows = _rows(_table(shape.sample, shape), 30)
    assert rows[0] == "Key  Text"
    assert rows[1] == "─" * 30
    assert rows[2:4] == ["a    many words that need a", "     lot of room in their"]
    assert rows[5:] == ["", "b    short"]


def test_columns_that_cannot_fit_are_shown_through_a_window() -> None:
    shape = _shape(("Name", "Kind", "Price", "Stock"), ("apple", "fruit", "12", "yes"), ("kale", "leaf", "3"))
    block = _table(shape.sample, shape)
    for is_wrapped in (True, False):
        rows = render_block(block, RenderContext(14, 60, STYLES, is_wrapped=is_wrapped))
        assert [row.text for row in rows] == [
            "Name   Kind   Price  Stock",
            "──────────────────────────",
            "apple  fruit  12     yes",
            "kale   leaf   3",
        ]
        assert [hidden_cells(row) for row in rows] == [12, 12, 10, 1]
        assert {row.window.key for row in rows if isinstance(row, SourceRow) and row.window} == {
            ("table", "Name", "Kind", "Price", "Stock")
        }


def test_cells_are_whole_where_nothing_is_wrapped() -> None:
    long = "many words that need a lot of room in their column"
    shape = _shape(("Key", "Text"), ("a", long))
    rows = render_block(_table(shape.sample, shape), RenderContext(30, 60, STYLES, is_wrapped=False))
    assert rows[2].text == f"a    {long}"
    assert hidden_cells(rows[2]) == 25


def test_wide_cells_of_a_table_that_scrolls_are_wrapped_where_cells_may_be() -> None:
    long = "word " * 30
    shape = _shape(tuple("abcdef"), (long,) * 6)
    block = _table(shape.sample, shape)
    wrapped = render_block(block, RenderContext(30, 60, STYLES))
    assert {row.cell_length for row in wrapped[:2]} == {5 * 42 + 1, 6 * 42 - 2}
    assert len(wrapped) == 2 + 4
    whole = render_block(block, RenderContext(30, 60, STYLES, is_wrapped=False))
    assert len(whole) == 2 + 1
    assert whole[2].text.count("word") == 180


def test_a_table_with_more_columns_than_a_row_has_cells_is_stacked() -> None:
    shape = _shape(tuple(f"name {n}" for n in range(700)), tuple(f"value {n}" for n in range(700)))
    for is_wrapped in (True, False):
        rows = render_block(_table(shape.sample, shape), RenderContext(40, 60, STYLES, is_wrapped=is_wrapped))
        assert [row.text for row in rows[:2]] == ["name 0: value 0", "name 1: value 1"]
        assert len(rows) == 700


def test_cells_are_inline_markdown_and_breaks_are_kept() -> None:
    shape = _shape(("a", "b"), ("**bold** `x`", "one<br>two"))
    assert _rows(_table(shape.sample, shape))[2:] == ["bold x  one", "        two"]


def test_a_growing_cell_is_shown_as_if_its_marks_were_closed() -> None:
    shape = _shape(("a", "b"), ("**left", "**right"))
    assert _rows(_table(shape.sample, shape), is_tail=True)[2] == "**left  right"


def test_a_table_without_rows_is_its_header() -> None:
    assert _rows(_table((), TableShape(("",), ("Head",), ()))) == ["Head", "────"]
    assert _rows(Block(BlockKind.TABLE, "", "")) == []
