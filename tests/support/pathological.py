"""Markdown that is hard on a renderer, as named generators: `PATTERNS[name](chars)` is about that many characters.

`UNIFORM` names the ones that look the same everywhere: there, what a frame costs must not depend on where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from math import isqrt
from typing import Final, TypeAlias

Generator: TypeAlias = Callable[[int], str]


def repeated(unit: str, before: str = "") -> Generator:
    """The unit again and again."""
    return lambda chars: before + unit * max(1, (chars - len(before)) // len(unit))


def numbered(unit: str, before: str = "") -> Generator:
    """The unit again and again, "#" being a number that counts."""
    return lambda chars: before + _until(chars - len(before), (unit.replace("#", str(n)) for n in count()))


def tower(opening: str, middle: str = "a", closing: str = "") -> Generator:
    """Openings, then something, then as many closings."""

    def generate(chars: int) -> str:
        times = max(1, (chars - len(middle)) // len(opening + closing))
        return opening * times + middle + closing * times

    return generate


def growing(mark: str, between: str = " a ") -> Generator:
    """Runs of the mark, each one longer than the run before."""
    return lambda chars: _until(chars, (mark * n + between for n in count(1)))


def lines(*units: str, before: str = "") -> Generator:
    """Lines of code or rows, numbered where they have a "#"."""
    return numbered("".join(unit + "\n" for unit in units), before)


def _until(chars: int, units: Iterable[str]) -> str:
    parts: list[str] = []
    remaining = chars
    for unit in units:
        if remaining <= 0:
            break
        parts.append(unit)
        remaining -= len(unit)
    return "".join(parts)


def _nested_list(chars: int) -> str:
    """Each item in the one before it, as deep as an item of two columns' indentation gets in so many characters."""
    return "".join("  " * n + "- a\n" for n in range(max(1, isqrt(chars))))


def _staircase(chars: int) -> str:
    """Items eight deep and back again, again and again."""
    return _until(chars, ("  " * (n % 8) + f"- item {n} of some words\n" for n in count()))


def _fence(info: str, *units: str) -> Generator:
    return lines(*units, before=f"```{info}\n")


_PYTHON = ("def f#(a: int) -> str:  # why", '    """Doc."""', '    return f"{a!r}" + str(0x#)', "")
_JS = ("const f# = async (a) => {", "  /* why */ return `${a}` + /x+/g.exec('#');", "};", "")
_RUST = ("pub fn f#<'a>(x: &'a str) -> Option<u8> {", '    /* why */ println!("{x} {}", #_u8);', "    None", "}")
_HTML = ('<div class="c#"><!-- why -->', "  <p style='color: red'>text &amp; <b>#</b></p>", "</div>")
_CPP = ("template <typename T> T f#(const T &a) {", "  return a + #u; // why", "}", '#include "a.h"')
_JSON = ('  {"key#": [1, 2.5e3, true, null],', '   "text": "a \\n \\u00e9 #"},')
_YAML = ("key#:", "  - name: &anchor 'text #'", "    value: {a: 1, b: [x, y]}  # why", "  - |", "    block #")

PATTERNS: Final[dict[str, Generator]] = {
    # Growing without end
    "prose": repeated("Some words of an answer, and some more of them. "),
    "prose with marks": repeated("A **strong** word, some `code` and a [link](https://a.b/c) here. "),
    "prose lines": repeated("Some words of an answer,\nand *some* more of them.\n"),
    "paragraphs": repeated("Some words of an answer.\n\n"), "line without spaces": repeated("x"),
    "list": numbered("- item # of some words\n"), "ordered list": numbered("1. item # of *some* words\n"),
    "loose list": numbered("- item #\n\n  a second paragraph\n\n"), "nested list": _staircase,
    "list ever deeper": _nested_list, "task list": numbered("- [x] task # of *some* words\n- [ ] open\n"),
    "table": lines("| # | *some* words | `code #` |", before="| a | b | c |\n|---|:-:|--:|\n"),
    "fence": _fence("", "line # of something"), "python": _fence("python", *_PYTHON),
    "javascript": _fence("js", *_JS), "rust": _fence("rust", *_RUST), "yaml": _fence("yaml", *_YAML),
    "json": _fence("json", *_JSON), "html": _fence("html", *_HTML),
    "css": _fence("css", "a.b#:hover > c[d='e'] {", "  color: #f0f; /* why */", "}"),
    "bash": _fence("bash", 'for f in "$(ls)"; do  # why', "  echo ${f%%.*} '#' | grep -v x", "done"),
    "c++": _fence("c++", *_CPP), "unknown language": _fence("frobnicate", "some ## words (#)"),
    "code line in fence": repeated("f(x) + ", "```python\n"), "line in fence": repeated("x", "```\n"),
    "line in row": repeated("x", "| a | b |\n|---|---|\n| y | "), "line in item": repeated("some words ", "- "),
    "line in quote": repeated("some words ", "> "), "quoted": repeated("> some words of a *quote*\n"),
    "quoted code": repeated("> f(x) = 1\n", "> ```python\n"), "blank lines": repeated("\n", "a"),
    "blank quote lines": repeated("> \n", "> a\n"), "headings": numbered("# Heading #\n"),
    "rules": repeated("---\n"), "html block": repeated("<p class='a'>some text</p>\n", "<div>\n"),
    "html blocks": repeated("<div>\na\n\n"), "definitions": numbered("[label #]: https://a.b/# 'title'\n"),
    "references": numbered("See [label #][l#] and [l#].\n"), "setext": numbered("Heading #\n======\n"),
    "fences": numbered("```py\nx = #\n```\n"), "indented code": repeated("    x = 1\n\n"),
    "blank code": repeated("    x\n" + (" " * 290 + "\n") * 30),
    # Emphasis
    "*a **a ": repeated("*a **a "), "*a_ ": repeated("*a_ "), "_a __a ": repeated("_a __a "),
    "** runs": repeated("**"), "__ runs": repeated("__"), "*": growing("*"), "_": growing("_", "a"),
    "a**b": repeated("a**b"), "*a* pairs": repeated("*a*"), "***a** b*": repeated("***a** b* "),
    "~~a ~a": repeated("~~a ~a "), "~ runs": repeated("~"), "strong tower": tower("**a ", "x", " a**"),
    "odd emphasis": repeated("a***b**c*d**e***f "),
    # Links and images
    "[": repeated("["), "[a": repeated("[a "), "]": repeated("]"), "![[": repeated("![["), "![": repeated("!["),
    "[a](": repeated("[a]("), "[a](b": repeated("[a](b"), "[a](<b": repeated("[a](<b"),
    "![a](": repeated("![a]("), "[a](b) links": repeated("[a](b)"), "nested links": tower("[a ", "x", "](b)"),
    "nested images": tower("![a ", "x", "](b)"), "nested brackets": tower("[", "a", "]"),
    "[a][b": repeated("[a][b"), "[x]: [": repeated("[x]: ["), "open definition": repeated("\\]a ", "[a: "),
    "open title": repeated("a\n", "[a]: /u '"), "parentheses in target": tower("(", "a", ")"),
    "target of parentheses": repeated("(", "[a]("), "open bracket with code": repeated("`a` ", "["),
    # Code spans, HTML, entities, autolinks
    "backticks growing": growing("`"),
    "backticks shrinking": lambda chars: " ".join("`" * n for n in range(max(2, int((2 * chars) ** 0.5)), 0, -1)),
    "backtick a": repeated("`a``b"), "open code": repeated("a ", "`"), "<": repeated("<"), "<a": repeated("<a "),
    "<a b": repeated("<a b='c "), "<!--": repeated("a <!-- "), "CDATA": repeated("a <![CDATA["),
    "<? <!A": repeated("a <? <!A "), "tags": repeated("a <b class='c'>d</b>"),
    "open tag": repeated(" b='c'", "x <a"), "entities": repeated("&amp;&#65;"),
    "broken entities": repeated("&amp &# &x;"), "&": repeated("&"), "autolinks": repeated("<https://a.b/c>"),
    "open autolink": repeated("a", "x <https:"), "mail autolink": repeated("a.", "x <a@"),
    "bare URLs": repeated("https://a.b/c?d=e "), "one URL": repeated("a/", "https://"),
    "URL of brackets": repeated(")", "https://a.b/"), "URL of pairs": repeated("(]).", "https://a.b/"),
    "math": repeated("$$a \\(b \\[c "), "$": repeated("$$a"), "backslashes": repeated("\\"),
    "escapes": repeated("\\*\\`\\["), "hard breaks": repeated("a  \nb\\\n"),
    # Blocks
    "row of cells": repeated("b|", "| a | b |\n|---|---|\n"),
    "table and references": repeated("| [a] | *b* |\n", "[a]: /u\n\n| a | b |\n|---|---|\n"),
    "links and references": repeated("[a](b", "[a]: /u\n\n"),
    "images and references": repeated("![a](b ", "[a]: /u\n\n"), "lines of one character": repeated("a\n\n"),
    "wide table": lambda chars: "|a" * (chars // 6) + "|\n" + "|-" * (chars // 6) + "|\n" + "|b" * (chars // 6),
    "columns of tables": repeated("|a" * 40 + "|\n", "|a" * 40 + "|\n" + "|-" * 40 + "|\n"),
    "ragged rows": repeated("|a\n|" + "b|" * 30 + "\n", "| a | b |\n|---|---|\n"),
    "row of pipes": repeated("|", "| a | b |\n|---|---|\n"),
    "escaped pipes": repeated("\\|", "| a | b |\n|---|---|\n|"), "header without end": repeated("| a "),
    "delimiters": repeated("|-", "a\n"),
    "table of marks": repeated("| *a **b `c [d | <e &f |\n", "| a | b |\n|---|---|\n"),
    "setext underline": repeated("=", "a\n"), "dashes": repeated("-"), "spaced dashes": repeated("- "),
    "> tower": tower("> "), ">>> lines": repeated("> " * 50 + "a\n"), "- tower": tower("- "),
    "1. tower": tower("1. "), "> - tower": tower("> - "), "lazy quote": repeated("a\n", "> " * 50),
    "task boxes": repeated("- [ ] "), "boxes": repeated("[ ] [x] "), "tilde fences": repeated("~~~\n~~~~\n"),
    "fence of backticks": repeated("`", "```\n"), "#": repeated("#"), "# closed": repeated("#", "# a "),
    "spaces": repeated(" ", "a"), "leading spaces": repeated(" "), "tabs": repeated("\t", "a"),
    "tabs in code": repeated("\ta\tb\n", "```python\n"), "tabs in items": repeated("-\t>\ta\n"),
    "digits": repeated("1"), "mixed": repeated("> - *a [b](c `d` <e &f; ~~g ![h\n\n| i | j |\n|---|--\n"),
    # Characters
    "wide": repeated("日本語"), "wide words": repeated("日本語の言葉 word "),
    "wide code": repeated("日本語 = '言葉'\n", "```python\n"),
    "wide line in fence": repeated("日本", "```python\n"),
    "wide cells": repeated("| 日本語 | 言葉 |\n", "| a | b |\n|---|---|\n"), "combining": repeated("\u0301", "a"),
    "combining by word": repeated("a\u0301\u0302 "), "combining in fence": repeated("\u0301", "```\na"),
    "ZWJ": repeated("\U0001f468\u200d"), "families": repeated("\U0001f468\u200d\U0001f469\u200d\U0001f467 "),
    "flags": repeated("\U0001f1e9\U0001f1ea"), "right to left": repeated("שלום עולם "),
    "selectors": repeated("\u2764\ufe0f"), "selectors on one": repeated("\ufe0f", "\u2764"),
    "zero width": repeated("\u200b", "a"), "joiners": repeated("\u200d", "a"),
    "skin": repeated("*\U0001f44d\U0001f3fd* "), "marked clusters": repeated("*a*\u0301"),
    "controls": repeated("\x1b[1m\x00"),
}  # fmt: skip

UNIFORM: Final = (
    "prose", "prose with marks", "list", "ordered list", "loose list", "nested list", "task list", "table", "fence",
    "python", "javascript", "rust", "yaml", "json", "html", "css", "bash", "c++", "quoted", "headings", "rules",
    "html block", "definitions", "references", "setext", "fences", "paragraphs", "blank lines", "blank quote lines",
    "line in fence", "line in row", "line in item", "line in quote", "line without spaces",
)  # fmt: skip
