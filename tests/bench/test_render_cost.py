"""What a frame costs, counted: nothing that was rendered before is rendered again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from chat_tui.core.blocks import Block, BlockKind, TableShape
from chat_tui.ui.render import code, inline, table
from chat_tui.ui.render.blocks import RenderContext, render_block
from chat_tui.ui.theme import THEMES

CONTEXT = RenderContext(80, 80, THEMES["dark"].styles, is_tail=True)


def _counted(monkeypatch: pytest.MonkeyPatch, module: object, name: str) -> list[str]:
    """The first arguments a module's function is called with from now on."""
    calls: list[str] = []
    original: Callable[..., Any] = getattr(module, name)

    def counting(text: str, *rest: object, **named: object) -> object:
        calls.append(text)
        return original(text, *rest, **named)

    monkeypatch.setattr(module, name, counting)
    return calls


def test_importing_the_renderer_loads_neither_parser_nor_lexers() -> None:
    script = (
        "import sys, chat_tui.ui.render.blocks\n"
        "print([name for name in ('markdown_it', 'pygments', 'pygments.lexers') if name in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert output.stdout.strip() == "[]"


def test_warming_up_loads_both() -> None:
    script = (
        "import sys\n"
        "from chat_tui.ui.render.blocks import warm_up\n"
        "from chat_tui.ui.theme import THEMES\n"
        "warm_up(THEMES['dark'].styles)\n"
        "print(all(name in sys.modules for name in ('markdown_it', 'pygments.lexers.python')))"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert output.stdout.strip() == "True"


def test_plain_text_never_meets_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = _counted(monkeypatch, inline, "_parser")
    render_block(Block(BlockKind.PARAGRAPH, "Plain words, of (any) kind: 50%\nhttps://x.y/z too!", ""), CONTEXT)
    assert calls == []


def test_a_growing_page_of_code_is_lexed_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = 32
    source = "".join(f"value_{number} = compute({number})  # why\n" for number in range(lines))
    calls = _counted(monkeypatch, code, "lex")
    frames = 0
    for end in range(1, len(source) + 1, 5):
        render_block(Block(BlockKind.CODE, source[:end], "", info="python"), CONTEXT)
        frames += 1
    line_chars = len(source) // lines + 1
    assert sum(map(len, calls)) <= len(source) + frames * (line_chars + 1)


def test_a_growing_table_parses_only_its_last_row(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = tuple((f"*cell* {number}", "`b`", "c") for number in range(32))
    shape = TableShape(("", "", ""), ("one", "two", "three"), rows)
    render_block(Block(BlockKind.TABLE, "", "", rows=rows, table=shape), CONTEXT)
    calls = _counted(monkeypatch, table, "inline_spans")
    for number in range(10):
        grown = (*rows, (f"*growing {number}",))
        render_block(
            Block(BlockKind.TABLE, "", "", rows=grown, table=TableShape(("",), shape.header, grown)), CONTEXT
        )
    assert len(calls) <= 10 * 4


def test_cost_is_linear_in_the_length_of_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrapping looks at every character a bounded number of times, whatever the width."""
    from chat_tui.ui.render import wrap

    measured = _counted(monkeypatch, wrap, "cell_len")
    text = "日本語 word " * 500
    wrap.wrap_ranges(text, 10)
    assert sum(map(len, measured)) <= 3 * len(text)
