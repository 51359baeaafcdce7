"""No text becomes markup: found in the source, because a test of the screen only finds what it shows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import chat_tui

UI = Path(chat_tui.__file__).parent / "ui"
SAFE_WITH_FLAG = {
    "Static",
    "Label",
    "OptionList",
    "Button",
    "Checkbox",
    "RadioButton",
    "SelectionList",
    "Digits",
    "notify",
}
"""Calls that read their text as markup unless they are told not to."""

NEVER = {"from_markup", "to_content", "DataTable", "Tree", "Collapsible", "TabPane", "Markdown", "RichLog"}
"""Calls that have no business here: they parse, or they cannot be told not to."""

TITLES = {"border_title", "border_subtitle", "tooltip", "sub_title"}
"""Attributes that Textual reads as markup when they are strings."""


def _offences(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            flags = {keyword.arg: keyword.value for keyword in node.keywords}
            is_off = isinstance(flag := flags.get("markup"), ast.Constant) and flag.value is False
            if name in NEVER or (name in SAFE_WITH_FLAG and not is_off):
                yield f"line {node.lineno}: {name}"
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Attribute) and target.attr in TITLES and not _is_content(node.value):
                    yield f"line {node.lineno}: {target.attr}"


def _is_content(value: ast.expr) -> bool:
    """Whether the value is made of calls that give `Content`."""
    if isinstance(value, ast.IfExp):
        return _is_content(value.body) and _is_content(value.orelse)
    if not isinstance(value, ast.Call):
        return False
    name = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
    return name == "Content" or name.endswith("_hint")


@pytest.mark.parametrize("path", sorted(UI.rglob("*.py")), ids=lambda path: str(path.relative_to(UI)))
def test_no_call_reads_text_as_markup(path: Path) -> None:
    assert list(_offences(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "Static(text)",
        "Static(text, markup=True)",
        "self.app.notify(message)",
        "Content.from_markup(text)",
        "self.border_title = title",
        "widget.border_subtitle = f'{title}'",
    ],
)
def test_the_rule_finds_what_it_is_for(source: str) -> None:
    assert list(_offences(source))


def test_the_rule_lets_pass_what_is_safe() -> None:
    assert list(_offences("Static(text, markup=False)\nself.border_title = Content(title)")) == []
