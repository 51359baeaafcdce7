"""Inline Markdown as styled spans: nothing that was written disappears, nothing in it is obeyed.

markdown-it-py parses (CommonMark and strikethrough). What differs from CommonMark here keeps text visible: HTML is
shown as text, `\\(…\\)`, `\\[…\\]` and `$$…$$` are kept as written, `2*3*4` is not emphasis, the targets of links
and images are shown, and `<std::string>` keeps its brackets. Text without any special character skips the parser.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias
from unicodedata import category

from rich.style import Style

from chat_tui.core.block_definition import normalise_label
from chat_tui.ui.render.context import RenderContext
from chat_tui.ui.render.wrap import Span, showable
from chat_tui.ui.theme import RenderStyles

if TYPE_CHECKING:
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

    _Parse: TypeAlias = Callable[[str], StateInline]

_SPECIAL: Final = re.compile(r"[\\`*_\[<&]|~~|\$\$|[ \t]\n|\n[ \t]")
# Text with more special characters is no prose, and is shown as it is; a link counts for three. While text grows
# it is parsed up to three times; marks are closed as long as they are so few that they may be meant.
_SPECIAL_LIMIT: Final = 800
_CLOSED_LIMIT: Final = 300
_CLOSER_LIMIT: Final = 16
_BARE_URL: Final = re.compile(r"https?://[^\s<>\"`]+")
_URL_END: Final = ".,;:!?'*_~"
_LINE_BREAK_TAG: Final = re.compile(r"<br\s*/?>", re.IGNORECASE)
_LINK_SCHEMES: Final = ("http:", "https:", "mailto:", "ftp:")
_TRAILING_MARKS: Final = re.compile(r"(?:\*+|_+|~+|`+)$")
_OPEN_LINK: Final = re.compile(r"\[[^\[\]\n]*\]\([^()\s]*(?P<title>\s+\"[^\"\n]*)?$")
_BACKTICKS: Final = re.compile(r"\\.|`+", re.DOTALL)
_BACKTICK_RUN: Final = re.compile(r"`+")
_OPEN_CODE_CHARS: Final = 200  # a longer one is more likely a stray backtick
_TILDE: Final = ord("~")


def inline_spans(text: str, base: Style, context: RenderContext) -> list[Span]:
    """The text of one paragraph, heading or cell as spans; a "\\n" in a span is a hard break. Never raises."""
    text = showable(text)
    if _SPECIAL.search(text) is None:
        return _with_urls(text.replace("\n", " "), base, context.styles)
    specials = len(_SPECIAL.findall(text)) + 2 * text.count("](") if len(text) > _CLOSED_LIMIT else 0
    if specials > _SPECIAL_LIMIT:
        return [(text.replace("\n", " "), base)]
    parse = _parser(context.references)
    state = _closed(text, parse) if context.is_tail and specials <= _CLOSED_LIMIT else parse(text)
    return _Spans(context.styles).of(state.tokens, base)


def plain_text(spans: list[Span]) -> str:
    """What the spans say, without styles."""
    return "".join([text for text, _ in spans])


@lru_cache(maxsize=256)
def link_style(target: str) -> Style:
    """A style that says nothing but where a click leads. Never an OSC 8 link: the reader is asked first."""
    return Style.from_meta({"link": target}) if target.isprintable() else Style.null()


class _References:
    """What markdown-it looks link definitions up in, by its own normal form of a label, which is in upper case."""

    def __init__(self, definitions: Mapping[str, tuple[str, str]]) -> None:
        self._definitions = definitions

    def get(self, label: str, default: None = None) -> dict[str, str] | None:
        """A definition as markdown-it wants it."""
        found = self._definitions.get(normalise_label(label))
        return default if found is None else {"href": found[0], "title": found[1]}


def _with_urls(text: str, style: Style, styles: RenderStyles) -> list[Span]:
    """Text with the bare URLs in it as links."""
    if "://" not in text:
        return [(text, style)] if text else []
    spans: list[Span] = []
    position = 0
    for match in _BARE_URL.finditer(text):
        url = _without_end(match.group())
        start = match.start()
        if start > position:
            spans.append((text[position:start], style))
        spans.append((url, style + styles.link + link_style(url)))
        position = start + len(url)
    if position < len(text):
        spans.append((text[position:], style))
    return spans


def _without_end(url: str) -> str:
    """A URL without the punctuation behind it, and the brackets that close what does not open in it."""
    unopened = {closing: url.count(closing) - url.count(opening) for opening, closing in ("()", "[]", "{}")}
    end = len(url)
    while end and (url[end - 1] in _URL_END or unopened.get(url[end - 1], 0) > 0):
        end -= 1
        if url[end] in unopened:
            unopened[url[end]] -= 1
    return url[:end]


class _Spans:
    """Spans of a parsed text: walks its tokens with a stack of styles."""

    def __init__(self, styles: RenderStyles) -> None:
        self._styles = styles
        self._spans: list[Span] = []
        self._marks = {"strong_open": styles.strong, "em_open": styles.emphasis, "s_open": styles.strike}

    def of(self, tokens: list[Token], base: Style) -> list[Span]:
        """All spans of the tokens."""
        self._walk(tokens, base, is_link=False)
        return self._spans

    def _walk(self, tokens: list[Token], base: Style, is_link: bool) -> None:
        spans = self._spans
        stack: list[Style] = [base]
        links: list[tuple[Token, int]] = []
        for token in tokens:
            kind = token.type
            style = stack[-1]
            if kind == "text":
                if is_link or links:
                    spans.append((token.content, style))
                else:
                    spans += _with_urls(token.content, style, self._styles)
            elif kind == "code_inline":
                self._add_code(token.content, style)
            elif kind == "link_open":
                links.append((token, len(spans)))
                stack.append(self._open_link(token, style))
            elif kind == "link_close":
                stack.pop()
                self._close_link(*links.pop(), stack[-1])
            elif kind == "image":
                self._add_image(token, style)
            elif token.nesting > 0:
                stack.append(style + self._marks[kind])
            elif token.nesting < 0:
                stack.pop()
            else:
                spans.append((_leaf_text(token), style))

    def _add_code(self, content: str, style: Style) -> None:
        mark = self._styles.code_mark
        if mark:
            dim = style + self._styles.dim
            self._spans += [(mark, dim), (content, style + self._styles.code_inline), (mark, dim)]
        else:
            self._spans.append((content, style + self._styles.code_inline))

    def _open_link(self, token: Token, style: Style) -> Style:
        href = str(token.attrs.get("href", ""))
        if token.info == "auto" and not href.lower().startswith(_LINK_SCHEMES):
            self._spans.append(("<", style))
            return style
        return style + self._styles.link + link_style(href)

    def _close_link(self, token: Token, first: int, style: Style) -> None:
        """Adds what the text does not say: the target and title, or the bracket of a `<x::y>` that is no link."""
        href = str(token.attrs.get("href", ""))
        if token.info == "auto":
            if not href.lower().startswith(_LINK_SCHEMES):
                self._spans.append((">", style))
            return
        self._add_target(href, str(token.attrs.get("title", "")), plain_text(self._spans[first:]), style)

    def _add_target(self, href: str, title: str, shown: str, style: Style) -> None:
        target = "" if href == shown else href
        if title:
            target = f'{target} "{title}"' if target else f'"{title}"'
        if target:
            target = _printable(target)
            self._spans.append((f" ({target})", style + self._styles.link_target + link_style(href)))

    def _add_image(self, token: Token, style: Style) -> None:
        href = str(token.attrs.get("src", ""))
        link = style + self._styles.link + link_style(href)
        self._spans.append(("▣ ", style + self._styles.link_target))
        first = len(self._spans)
        self._walk(token.children or [], link, is_link=True)
        self._add_target(href, str(token.attrs.get("title", "")), plain_text(self._spans[first:]), style)


def _printable(text: str) -> str:
    text = text.replace("\n", " ")
    return text if text.isprintable() else "".join([c if c.isprintable() else "\ufffd" for c in text])


def _leaf_text(token: Token) -> str:
    """Breaks, HTML (as text; `<br>` as what it means), and escapes and entities, resolved.

    An entity for something invisible stays as it was written.
    """
    kind, content = token.type, token.content
    if kind == "softbreak":
        return " "
    if kind == "hardbreak" or (kind == "html_inline" and _LINE_BREAK_TAG.fullmatch(content)):
        return "\n"
    if token.info != "entity" or content.isprintable() or {category(character) for character in content} == {"Zs"}:
        return content.replace("\n", " ")
    return " " if content in "\n\t" else token.markup


# --- the parser -------------------------------------------------------------------------------------------


def _parser(references: Mapping[str, tuple[str, str]]) -> _Parse:
    """The inline parser, knowing these link definitions."""
    from markdown_it.rules_inline import StateInline

    from chat_tui.ui.render.inline_parser import inline_markdown

    markdown = inline_markdown()
    known = {"references": _References(references)} if references else {}

    def parse(text: str) -> StateInline:
        state = StateInline(text, markdown, {**known}, [])
        markdown.inline.tokenize(state)
        for rule in markdown.inline.ruler2.getRules(""):
            rule(state)
        return state

    return parse


# --- what is still open at the end of growing text -----------------------------------------------------------


def _closed(text: str, parse: _Parse) -> StateInline:
    """The text parsed with the marks that are open at its end closed, so that it does not jump when they are."""
    text = text.rstrip()
    state = parse(text)
    if "`" in text and (code := _open_code(text)) is not None:
        state = parse(_with_code_closed(text, *code))
    elif link := _OPEN_LINK.search(text):
        state = parse(text + ('")' if link["title"] else ")"))
    elif marks := _TRAILING_MARKS.search(_last_text(state)):
        state = parse(text[: len(text) - len(marks.group())].rstrip())
    closers = [
        chr(opener.marker) * (2 if opener.marker == _TILDE else 1)
        for opener in reversed(state.delimiters)
        if opener.open and not opener.close and opener.end < 0
    ]
    return parse(state.src + "".join(closers)) if 0 < len(closers) <= _CLOSER_LIMIT else state


def _last_text(state: StateInline) -> str:
    last = state.tokens[-1] if state.tokens else None
    return last.content if last is not None and last.type == "text" else ""


def _with_code_closed(text: str, start: int, mark: str) -> str:
    content = text[start + len(mark) :].rstrip("`")
    if not content:
        return text[:start].rstrip()
    return text[:start] + mark + content + mark if len(content) <= _OPEN_CODE_CHARS else text


def _open_code(text: str) -> tuple[int, str] | None:
    """Where a code span begins that does not end, and its backticks."""
    runs: dict[int, list[int]] = {}
    for match in _BACKTICK_RUN.finditer(text):
        runs.setdefault(len(match.group()), []).append(match.start())
    position = 0
    while match := _BACKTICKS.search(text, position):
        position = match.end()
        run = match.group()
        if run[0] == "\\":
            continue
        closers = runs.get(len(run), [])
        closer = bisect_left(closers, position)
        if closer == len(closers):
            return match.start(), run
        position = closers[closer] + len(run)
    return None
