"""What a whole parse makes of a document: markdown-it-py's block tokens, flattened like our blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.token import Token

from chat_tui.core.blocks import Block, BlockKind

_TASK = re.compile(r"\[([ xX])\][ \t]+(?=\S)")
_INDENTATION = re.compile(r"\n[ \t]+")
_LONG_CHARS = 4_000


@dataclass
class Leaf:
    """What both parsers must agree on. A container is its marker (or ">"), "+" before it when it opens here."""

    kind: str
    text: str = ""
    containers: tuple[str, ...] = ()
    level: int = 0
    info: str = ""
    header: tuple[str, ...] = ()
    alignments: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


References = dict[str, tuple[str, str]]


def whole_parse(text: str) -> tuple[list[Leaf], References]:
    """The leaves and the references of a document parsed at once."""
    parser = MarkdownIt("commonmark", {"maxNesting": 10_000, "inline_definitions": True}).enable("table")
    parser.validateLink = lambda url: True
    parser.normalizeLink = lambda url: url
    parser.disable("inline")
    reader = _Reader()
    env: dict[str, dict[str, dict[str, str]]] = {}
    for token in parser.parse(text if text.endswith("\n") else text + "\n", env):
        reader.read(token)
    references = {label: (item["href"], item["title"]) for label, item in env.get("references", {}).items()}
    return [_normal(leaf) for leaf in reader.leaves], references


def flattened(blocks: Iterable[Block], references: Mapping[str, tuple[str, str]]) -> tuple[list[Leaf], References]:
    """The same of settled blocks: pages joined, rows padded and cut to the header's width as GFM says."""
    leaves: list[Leaf] = []
    for block in blocks:
        if block.page:
            leaves[-1].text += block.text
            leaves[-1].rows += _rows(block)
            continue
        leaf = Leaf(block.kind, block.text, level=block.level, info=block.info, rows=_rows(block))
        leaf.containers = tuple(
            ("+" if container.is_opening else "") + _name(container.marker, container.task)
            for container in block.containers
        )
        if block.table:
            leaf.header = block.table.header
            leaf.alignments = block.table.alignments
        if block.kind is BlockKind.DEFINITION:
            leaf.text = ""
        leaves.append(leaf)
    return [_normal(leaf) for leaf in leaves], {normalizeReference(key): value for key, value in references.items()}


def _rows(block: Block) -> tuple[tuple[str, ...], ...]:
    width = len(block.table.header) if block.table else 0
    return tuple((row + ("",) * width)[:width] for row in block.rows)


def _name(marker: str, task: bool | None) -> str:
    box = "" if task is None else "[x]" if task else "[ ]"
    return (marker or ">") + box


def _normal(leaf: Leaf) -> Leaf:
    if leaf.kind in (BlockKind.PARAGRAPH, BlockKind.HEADING):
        leaf.text = _INDENTATION.sub("\n", leaf.text.strip())
        if len(leaf.text) > _LONG_CHARS:  # the blanks where pieces were cut are in their sources only
            leaf.text = "".join(leaf.text.split())
    return leaf


@dataclass
class _Open:
    marker: str
    is_empty: bool = True
    task: bool | None = None


@dataclass
class _Reader:
    leaves: list[Leaf] = field(default_factory=list[Leaf])
    _stack: list[_Open] = field(default_factory=list[_Open])
    _table: Leaf | None = None
    _cells: tuple[str, ...] = ()
    _may_be_task: bool = False

    def read(self, token: Token) -> None:
        match token.type:
            case "blockquote_open":
                self._stack.append(_Open(""))
            case "list_item_open":
                self._stack.append(_Open(token.info + token.markup))
            case "blockquote_close" | "list_item_close":
                if self._stack[-1].is_empty:
                    self._add(Leaf("paragraph"))
                self._stack.pop()
            case "fence" | "code_block":
                self._add(Leaf("code", token.content, info=token.info.strip()))
            case "html_block":
                self._add(Leaf("html", token.content))
            case "hr":
                self._add(Leaf("rule"))
            case "definition":
                self._add(Leaf("definition"))
            case "heading_open":
                self._open_text(Leaf("heading", level=int(token.tag[1:])), is_plain="#" not in token.markup)
            case "paragraph_open":
                self._open_text(Leaf("paragraph"), is_plain=True)
            case "inline":
                self._read_inline(token.content)
            case _:
                self._read_table(token)

    def _add(self, leaf: Leaf) -> Leaf:
        self.leaves.append(leaf)
        leaf.containers = tuple(
            ("+" if container.is_empty else "") + _name(container.marker, container.task)
            for container in self._stack
        )
        for container in self._stack:
            container.is_empty = False
        return leaf

    def _open_text(self, leaf: Leaf, *, is_plain: bool) -> None:
        self._may_be_task = is_plain and bool(self._stack and self._stack[-1].is_empty and self._stack[-1].marker)
        self._add(leaf)

    def _read_inline(self, content: str) -> None:
        if self._table:
            self._cells += (content,)
            return
        leaf = self.leaves[-1]
        task = _TASK.match(content) if self._may_be_task else None
        if task:
            self._stack[-1].task = task[1] != " "
            leaf.containers = (*leaf.containers[:-1], "+" + _name(self._stack[-1].marker, self._stack[-1].task))
            content = content[task.end() :]
        leaf.text = content

    def _read_table(self, token: Token) -> None:
        match token.type:
            case "table_open":
                self._table = self._add(Leaf("table"))
            case "table_close":
                self._table = None
            case "tr_open":
                self._cells = ()
            case "th_open" if self._table:
                self._table.alignments += (str(token.attrs.get("style", "")).removeprefix("text-align:"),)
            case "tr_close" if self._table:
                if self._table.header:
                    self._table.rows += (self._cells,)
                else:
                    self._table.header = self._cells
            case _:
                pass
