"""Inline Markdown: what is styled, what is kept as written, and what growing text looks like."""

from __future__ import annotations

from itertools import pairwise

import pytest
from rich.style import Style

from chat_tui.ui.render.context import RenderContext
from chat_tui.ui.render.inline import inline_spans, plain_text
from chat_tui.ui.theme import THEMES

STYLES = THEMES["dark"].styles
REFERENCES = {"the spec": ("http://spec.example", "The spec")}


def _spans(text: str, *, is_tail: bool = False, theme: str = "dark") -> list[tuple[str, Style]]:
    context = RenderContext(80, 80, THEMES[theme].styles, REFERENCES, is_tail=is_tail)
    return inline_spans(text, THEMES[theme].styles.text, context)


def _text(text: str, *, is_tail: bool = False) -> str:
    return plain_text(_spans(text, is_tail=is_tail))


def _style(spans: list[tuple[str, Style]], text: str) -> Style:
    return next(style for found, style in spans if found == text)


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("plain words", "plain words"),
        ("one\ntwo", "one two"),
        ("hard  \nbreak", "hard\nbreak"),
        ("hard\\\nbreak", "hard\nbreak"),
        ("line<br>break<BR/>twice", "line\nbreak\ntwice"),
        ("**strong** *em* `code` ~~gone~~", "strong em code gone"),
        ("[text](http://x.y)", "text (http://x.y)"),
        ('[text](http://x.y "Title")', 'text (http://x.y "Title")'),
        ("[http://x.y](http://x.y)", "http://x.y"),
        ("[https://bank.example/](http://evil)", "https://bank.example/ (http://evil)"),
        ("<http://x.y/ü> <me@x.y>", "http://x.y/ü me@x.y"),
        ("![alt *text*](a.png)", "▣ alt text (a.png)"),
        (
            "[The  Spec] [one][the spec]",
            'The  Spec (http://spec.example "The spec") one (http://spec.example "The spec")',
        ),
        ("[unknown] and [^1]", "[unknown] and [^1]"),
        ("Vec<T> List<String> std::vector<std::string>", "Vec<T> List<String> std::vector<std::string>"),
        ("a <b>bold</b> <!-- comment -->", "a <b>bold</b> <!-- comment -->"),
        ("[bad](javascript:x)", "[bad](javascript:x)"),
        ("2*3*4 and 2**3**4", "2*3*4 and 2**3**4"),
        ("\\(a_1*b*c\\), \\[x\\_y\\], $$a \\\\ *b* c$$", "\\(a_1*b*c\\), \\[x\\_y\\], $$a \\\\ *b* c$$"),
        ("\\*no\\* \\# \\`x\\` \\( lone", "*no* # `x` \\( lone"),
        ("&amp; &lt; &#233; &copy;", "& < é ©"),
        ("&#x202e; &ZeroWidthSpace; &#27;", "&#x202e; &ZeroWidthSpace; \ufffd"),
        ("a&nbsp;b&Tab;c&NewLine;d&ThickSpace;e", "a\xa0b c d\u205f\u200ae"),
        ("[markup] [/red] [@click=app.quit]x[/]", "[markup] [/red] [@click=app.quit]x[/]"),
        ("tab\there \x1b[31m", "tab    here \ufffd[31m"),
    ],
)  # fmt: skip
def test_shown_text(source: str, shown: str) -> None:
    assert _text(source) == shown


def test_styles_of_marks() -> None:
    spans = _spans("**strong *both*** *em* `code` ~~gone~~ plain")
    assert _style(spans, "strong ") == STYLES.text + STYLES.strong
    assert _style(spans, "both") == STYLES.text + STYLES.strong + STYLES.emphasis
    assert _style(spans, "em") == STYLES.text + STYLES.emphasis
    assert _style(spans, "code") == STYLES.text + STYLES.code_inline
    assert _style(spans, "gone") == STYLES.text + STYLES.strike
    assert _style(spans, " plain") == STYLES.text


def test_links_carry_their_target_as_meta_and_are_never_terminal_links() -> None:
    spans = _spans('see [text](http://x.y "t"), http://bare.url/a_(b)_c. and <http://auto.x>')
    for text, target in [("text", "http://x.y"), ("http://auto.x", "http://auto.x")]:
        assert _style(spans, text).meta == {"link": target}
    bare = _style(spans, "http://bare.url/a_(b)_c")
    assert bare.meta == {"link": "http://bare.url/a_(b)_c"}
    assert bare.underline
    target = _style(spans, ' (http://x.y "t")')
    assert target.color == STYLES.link_target.color
    assert all(style.link is None for _, style in spans)


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ("http://a.b/c?d=e&f=g.", "http://a.b/c?d=e&f=g"),
        ("(http://a.b/c)", "http://a.b/c"),
        ("http://a.b/c_(d)!", "http://a.b/c_(d)"),
        ("http://a.b/c), then", "http://a.b/c"),
        ("[(http://a.b/c)].", "http://a.b/c"),
        ("http://a.b/{d}(e)?", "http://a.b/{d}(e)"),
        ("http://a.b/" + ")" * 3_000, "http://a.b/"),
    ],
)
def test_bare_urls_end_before_punctuation(source: str, url: str) -> None:
    spans = _spans(source)
    assert _style(spans, url).meta == {"link": url}
    assert plain_text(spans) == source


def test_a_target_with_invisible_characters_is_shown_but_leads_nowhere() -> None:
    spans = _spans("[x](http://a&#x202e;b)")
    assert plain_text(spans) == "x (http://a\ufffdb)"
    assert all("link" not in style.meta for _, style in spans)


def test_code_is_marked_where_there_is_no_background() -> None:
    assert plain_text(_spans("use `ls`", theme="terminal")) == "use `ls`"


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("so **bold wor", "so bold wor"),
        ("so **bold", "so bold"),
        ("so **bold*", "so bold"),
        ("so **", "so"),
        ("so *em and **both", "so em and both"),
        ("call `print(", "call print("),
        ("call `a *b", "call a *b"),
        ("call `", "call"),
        ("call ``a`", "call a"),
        ("**call `print", "call print"),
        ("~~gone", "gone"),
        ("see [text](http://x", "see text (http://x)"),
        ("see **[text](http://x_y*z", "see text (http://x_y*z)"),
        ('see [text](http://x "ti', 'see text (http://x "ti")'),
        ("a *b* c", "a *b* c".replace("*", "")),
        ("done **here**", "done here"),
        ("snake_case and 2 * 3", "snake_case and 2 * 3"),
        ("a \\*b", "a *b"),
    ],
)
def test_growing_text_is_shown_as_if_its_marks_were_closed(source: str, shown: str) -> None:
    assert _text(source, is_tail=True) == shown


def test_open_marks_are_literal_in_text_that_is_complete() -> None:
    assert _text("so **bold `x [a](b") == "so **bold `x [a](b"


def test_more_open_marks_than_anybody_means_are_literal() -> None:
    few, many = "*a " * 16 + "b", "*a " * 17 + "b"
    assert _text(few, is_tail=True) == few.replace("*", "")
    assert _text(many, is_tail=True) == many


@pytest.mark.parametrize(
    ("source", "shown"),
    [("`a` ``b", "a b"), ("``a` b", "a` b"), ("\\`` a `b", "`ab"), ("`a ``b` c ``d` e", "a ``b c d` e")],
)
def test_the_code_that_is_open_at_the_end_is_closed(source: str, shown: str) -> None:
    assert _text(source, is_tail=True) == shown


def test_growing_strong_text_does_not_jump() -> None:
    source = "Then **the server writes** and `closes` it."
    shown = [_text(source[:end], is_tail=True) for end in range(1, len(source) + 1)]
    for before, after in pairwise(shown):
        assert after.startswith(before.rstrip("*` "))


@pytest.mark.parametrize(
    "source", ["![" * 5000, "[" * 5000 + "](x)" * 5000, "*a " * 5000, "`" * 9999 + "a", "<" * 9999]
)
@pytest.mark.parametrize("is_tail", [False, True])
def test_pathological_text_is_shown(source: str, is_tail: bool) -> None:
    assert _text(source, is_tail=is_tail).strip() or source.strip("`") == ""
