"""Our dispatch by character makes the same tokens as markdown-it's own loop over all its rules."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

from chat_tui.ui.render.inline_parser import inline_markdown

PARTS = [
    "a", "b ", " ", "\n", "  \n", "*", "**", "***", "_", "__", "~~", "~", "`", "``", "[", "]", "](", "](/u)",
    "](/u 't')", "![", "(", ")", "<", ">", "<b>", "</b>", "<http://a.b>", "<a@b.c>", "&amp;", "&", "\\", "\\*",
    "!", ":", "-", "#", "é", "[a]", "[a][b]", "[b][]", "<!--", "-->", "<?", "?>", "]]>", "http://x",
]  # fmt: skip
REFERENCES = {"A": {"href": "/v", "title": "t"}, "B": {"href": "/w", "title": ""}}


MATH = re.compile(r"\\+(?=[\[\]()])")  # kept as written by a rule of ours


def tokens(markdown: MarkdownIt, text: str, *, has_references: bool) -> list[dict[str, object]]:
    state = StateInline(text, markdown, {"references": REFERENCES} if has_references else {}, [])
    markdown.inline.tokenize(state)
    for rule in markdown.inline.ruler2.getRules(""):
        rule(state)
    return [dict(token.as_dict()) for token in state.tokens]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=25).map("".join), st.booleans())
def test_the_tokens_are_those_of_markdown_it(text: str, has_references: bool) -> None:
    text = MATH.sub("", text)
    theirs = MarkdownIt("commonmark").enable("strikethrough")
    assert tokens(inline_markdown(), text, has_references=has_references) == tokens(
        theirs, text, has_references=has_references
    )


def test_images_in_images_are_parsed_to_a_bound_and_stay_text_below() -> None:
    depth = 40
    parsed = tokens(inline_markdown(), "![a " * depth + "x" + "](b)" * depth, has_references=False)
    assert str(parsed).count("'type': 'image'") == 4
    assert str(parsed).count("'type': 'link_open'") == 1
