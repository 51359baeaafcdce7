"""markdown-it-py as the parser of inline text: its rules with ours, each tried only where it can match.

markdown-it tries all its rules at every character that ends a word; here a rule is asked at the characters it
begins with. And where the end of a link, an image or a tag cannot come any more, its rule is not asked at all: a
text of opened brackets is read once, not to its end from every bracket.

Importing this takes 90 ms: wait until the first text needs it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeAlias

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline import (
    StateInline,
    autolink,
    backtick,
    emphasis,
    entity,
    escape,
    html_inline,
    image,
    link,
    newline,
    strikethrough,
)

_Rule: TypeAlias = Callable[[StateInline, bool], bool]

_MATH_END: Final = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}
_WORD_END: Final = re.compile(r"[\n!$&*<\[\\\]_`~]")  # where a rule may begin, or a label end
_IMAGE_DEPTH: Final = "image_depth"
_MAX_IMAGE_DEPTH: Final = 4  # an image's text is parsed anew, whole, for each image it stands in
_MAX_LEVEL: Final = 20


def _emphasis(state: StateInline, silent: bool) -> bool:
    """Emphasis, but not in `2*3*4`."""
    position = state.pos
    if silent or state.src[position] != "*" or position == 0 or not state.src[position - 1].isdigit():
        return emphasis.tokenize(state, silent)
    end = position
    while end < state.posMax and state.src[end] == "*":
        end += 1
    if end >= state.posMax or not state.src[end].isdigit():
        return emphasis.tokenize(state, silent)
    state.append_pending(state.src[position:end])
    state.pos = end
    return True


def _link(state: StateInline, silent: bool) -> bool:
    return _has_end(state) and link(state, silent)


def _image(state: StateInline, silent: bool) -> bool:
    if not state.src.startswith("![", state.pos) or not _has_end(state):
        return False
    depth = state.env.get(_IMAGE_DEPTH, 0)
    if depth >= _MAX_IMAGE_DEPTH:
        return False
    state.env[_IMAGE_DEPTH] = depth + 1
    try:
        return image(state, silent)
    finally:
        state.env[_IMAGE_DEPTH] = depth


def _has_end(state: StateInline) -> bool:
    """Whether what ends the link or image that begins at the cursor stands anywhere behind it."""
    source, start, end = state.src, state.pos, state.posMax
    if "references" in state.env:
        return source.rfind("]", start, end) >= 0
    label_end = source.find("](", start, end)
    return label_end >= 0 and source.rfind(")", label_end, end) >= 0


def _tag(state: StateInline, silent: bool) -> bool:
    """`<https://…>`, or HTML."""
    has_end = state.src.rfind(">", state.pos, state.posMax) >= 0
    return has_end and (autolink(state, silent) or html_inline(state, silent))


def _math(state: StateInline, silent: bool) -> bool:
    """LaTeX is kept as written: from `\\(`, `\\[` or `$$` to its end; a lone backslash bracket alone."""
    start = state.pos
    opening = state.src[start : start + 2]
    if opening in _MATH_END:
        end = state.src.find(_MATH_END[opening], start + 2, state.posMax)
        if end < 0 and opening == "$$":
            return False
        end = end + 2 if end >= 0 else start + 2
    elif opening in ("\\)", "\\]"):
        end = start + 2
    else:
        return False
    if not silent:
        state.append_pending(state.src[start:end].replace("\n", " "))
    state.pos = end
    return True


def _escape(state: StateInline, silent: bool) -> bool:
    return _math(state, silent) or escape(state, silent)


def _nothing(state: StateInline, silent: bool) -> bool:
    return False


# A "]" begins nothing, but ends a word: labels are looked through word by word.
_RULES: Final[dict[str, _Rule]] = {
    "\n": newline,
    "\\": _escape,
    "$": _math,
    "`": backtick,
    "~": strikethrough.tokenize,
    "*": _emphasis,
    "_": _emphasis,
    "[": _link,
    "!": _image,
    "<": _tag,
    "&": entity,
    "]": _nothing,
}


class InlineParser(ParserInline):
    """`ParserInline` of markdown-it 4.3, with one rule for each character one can begin with."""

    def skipToken(self, state: StateInline) -> None:  # noqa: N802
        """Move over one token without making it."""
        position = state.pos
        if position in state.cache:
            state.pos = state.cache[position]
            return
        rule = _RULES.get(state.src[position])
        if state.level >= _MAX_LEVEL:
            state.pos = state.posMax
        elif rule is None:
            state.pos = _word_end(state)
        else:
            state.level += 1
            if not rule(state, True):
                state.pos = position + 1
            state.level -= 1
        state.cache[position] = state.pos

    def tokenize(self, state: StateInline) -> None:
        """Make the tokens of the text up to `state.posMax`."""
        source, end = state.src, state.posMax
        while (position := state.pos) < end:
            rule = _RULES.get(source[position]) if state.level < _MAX_LEVEL else _nothing
            if rule is None:
                state.pos = _word_end(state)
                state.append_pending(source[position : state.pos])
            elif not rule(state, False):
                state.append_pending(source[position])
                state.pos = position + 1
        if state.pending:
            state.pushPending()


def _word_end(state: StateInline) -> int:
    """Never beyond `posMax`: that is the end of the text, or a "]"."""
    match = _WORD_END.search(state.src, state.pos)
    return match.start() if match else state.posMax


class _InlineMarkdown(MarkdownIt):
    """Shows targets as they were written: no percent-encoding, no punycode."""

    def normalizeLink(self, url: str) -> str:  # noqa: N802
        return url

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802
        return link


@lru_cache(maxsize=1)
def inline_markdown() -> MarkdownIt:
    """markdown-it with our inline rules, made once."""
    markdown = _InlineMarkdown("commonmark")
    markdown.inline = InlineParser()
    return markdown
