"""Pygments' rules run page by page, and only those that can match: the same tokens as Pygments over the whole."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pygments.lexer import RegexLexer
from pygments.lexers import get_lexer_by_name

from chat_tui.ui.render import lex_rules
from chat_tui.ui.render.first_characters import DOMAIN, first_characters
from chat_tui.ui.render.lexing import START, lex

YAML = """\
%YAML 1.2
---
name: &anchor 'two
  lines'
list:
  - one: {a: 1, b: [x,
      y]}  # why
  - |
    block of text

      deeper: no key
  - >2
     folded
    text
plain: a scalar
  over two lines
"double \\
  quoted": !tag *anchor
...
"""


@pytest.mark.parametrize(
    ("expression", "flags", "expected"),
    [
        ("abc", 0, "a"),
        ("a?bc", 0, "ab"),
        ("(?:a|b*)c", 0, "abc"),
        ("(?:x|y|)z", 0, "xyz"),
        (r"\b[p-r]+", 0, "pqr"),
        (r"(?<!a)(?=.)\d", 0, "0123456789"),
        (r"\s+$", 0, "\n "),
        ("s", re.IGNORECASE, "sS"),
        ("(?>ab)c", 0, "a"),
    ],
)
def test_first_characters(expression: str, flags: int, expected: str) -> None:
    assert first_characters(re.compile(expression, flags)) == frozenset(expected)


@pytest.mark.parametrize("expression", ["", "a*", "(a)?", r"(?=a)", r"(a)?\1b", r"(?-i:a)b", "(?i)[à-ÿ]"])
def test_what_may_be_empty_or_is_not_clear_may_begin_with_anything(expression: str) -> None:
    assert first_characters(re.compile(expression)) is None


def test_negated_sets() -> None:
    assert first_characters(re.compile(r"[^\w\s]")) == {c for c in DOMAIN if not re.match(r"[\w\s]", c)}
    assert first_characters(re.compile("[^a]", re.IGNORECASE)) == DOMAIN


CODE = st.text(st.sampled_from("ab1 \n\"'/*#<>(){}[]:;=-+.,\\&|!?@$%_~`é"), max_size=80).map(
    lambda text: text + "\n"
)


@settings(max_examples=60, deadline=None)
@given(CODE)
@pytest.mark.parametrize("language", ["python", "javascript", "rust", "css", "bash", "html", "sql", "go", "diff"])
def test_the_rules_that_are_left_out_would_not_have_matched(language: str, text: str) -> None:
    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    assert isinstance(lexer, RegexLexer)
    ours = lex_rules.run(lexer, text, lex_rules.START)
    assert ours is not None
    theirs = RegexLexer.get_tokens_unprocessed(lexer, text)
    # What a broken line ends with has another name for the same colour.
    expected = [(token, value) for _, token, value in theirs if value.strip()]
    assert [(token, value) for token, value in ours[0] if value.strip()] == expected


@pytest.mark.parametrize("page_lines", [1, 2, 3, 5, 32])
def test_yaml_goes_on_where_the_page_before_ended(page_lines: int) -> None:
    lexer = get_lexer_by_name("yaml", stripnl=False, ensurenl=False)
    expected = [(c, token) for _, token, value in lexer.get_tokens_unprocessed(YAML * 2) for c in value]
    lines = (YAML * 2).splitlines(keepends=True)
    place = lex_rules.START
    found: list[tuple[str, lex_rules.TokenType]] = []
    for at in range(0, len(lines), page_lines):
        page = lex_rules.run(lexer, "".join(lines[at : at + page_lines]), place)
        assert page is not None
        tokens, place = page
        found += [(c, token) for token, value in tokens for c in value]
    assert found == expected


def test_a_block_scalar_of_yaml_stays_one_over_pages() -> None:
    _, inside = lex("a: |\n  text\n", "yaml")
    assert inside != START
    assert lex("  b: 1\n", "yaml", inside)[0] != lex("  b: 1\n", "yaml")[0]
