"""A conversation as one HTML file that needs nothing else, runs nothing and fetches nothing.

Every text is escaped, and cleaned as on the screen. Answers are Markdown without HTML, rendered by markdown-it;
what was asked stands as it was typed. Images are links: opening the file must not tell anybody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from chat_tui.core.conversation import Message, ReasoningPart, Role, TextPart, ToolCallPart
from chat_tui.core.files import attached_label
from chat_tui.core.sanitize import clean, clean_line
from chat_tui.store.export import facts_of, runs_of, shown_path, speaker_of, thought_label, title_of
from chat_tui.store.model import StoredConversation

_LINKED: Final = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_MATH_END: Final = {"\\(": "\\)", "\\[": "\\]"}
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE: Final = """\
:root { color-scheme: light dark; --ink: #1c1f23; --paper: #fdfdfc; --soft: #5c6370; --line: #d9dce1;
  --code: #f1f2f4; --accent: #2f6f4f; }
@media (prefers-color-scheme: dark) { :root { --ink: #dfe1e5; --paper: #16181b; --soft: #9aa1ac; --line: #33373d;
  --code: #202327; --accent: #7fc29b; } }
body { background: var(--paper); color: var(--ink); font: 16px/1.6 system-ui, sans-serif; margin: 0 auto;
  max-width: 46rem; overflow-wrap: break-word; padding: 2rem 1rem 4rem; }
header { border-bottom: 1px solid var(--line); margin-bottom: 2rem; }
h1 { font-size: 1.5rem; line-height: 1.3; margin: 0; }
header p, h2 { color: var(--soft); font-size: .875rem; font-weight: 600; }
section { margin: 0 0 2rem; }
section.user { border-left: 3px solid var(--accent); padding-left: 1rem; }
.attached { color: var(--soft); font-size: .875rem; margin: .5rem 0 0; }
.plain { white-space: pre-wrap; }
pre { background: var(--code); border-radius: 6px; overflow-x: auto; padding: .75rem 1rem; }
code, pre { font: .875rem/1.5 ui-monospace, monospace; }
:not(pre) > code { background: var(--code); border-radius: 3px; padding: .1em .3em; }
details { border-left: 2px solid var(--line); color: var(--soft); margin: 1rem 0; padding-left: 1rem; }
summary { cursor: pointer; }
blockquote { border-left: 2px solid var(--line); margin-left: 0; padding-left: 1rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
td, th { border: 1px solid var(--line); padding: .3rem .6rem; }
a { color: var(--accent); }
"""


def as_html(conversation: StoredConversation) -> str:
    """The shown path."""
    title, facts = escape(title_of(conversation)), escape(facts_of(conversation))
    sections = "\n".join(_section(message, conversation) for message in shown_path(conversation))
    return (
        '<!DOCTYPE html>\n<html lang="und">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{title}</h1>\n<p>{facts}</p>\n</header>\n<main>\n{sections}\n</main>\n</body>\n</html>\n"
    )


def _section(message: Message, conversation: StoredConversation) -> str:
    bodies = [_body(part, is_typed=message.role is not Role.ASSISTANT) for part in runs_of(message.parts)]
    bodies += [f'<p class="attached">Attached: {escape(attached_label(file))}</p>' for file in message.files]
    inside = "\n".join(body for body in bodies if body)
    return (
        f'<section class="{message.role.value}">\n<h2>{escape(speaker_of(message, conversation))}</h2>\n'
        f"{inside}\n</section>"
    )


def _body(part: object, *, is_typed: bool) -> str:
    if isinstance(part, TextPart):
        text = clean(part.text)
        return f'<div class="plain" dir="auto">{escape(text)}</div>' if is_typed else _rendered(text)
    if isinstance(part, ReasoningPart):
        label = escape(thought_label(part))
        return f"<details>\n<summary>{label}</summary>\n{_rendered(clean(part.text))}\n</details>"
    if isinstance(part, ToolCallPart):
        name = escape(clean_line(part.name, 100) or "a tool")
        return f"<p>Asked for <code>{name}</code></p>\n<pre><code>{escape(clean(part.arguments))}</code></pre>"
    return ""


def _rendered(text: str) -> str:
    return f'<div dir="auto">\n{_markdown().render(text)}</div>'


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    markdown = _Markdown("commonmark", {"html": False}).enable(["table", "strikethrough"])
    markdown.inline.ruler.before("escape", "math", _math)
    markdown.add_render_rule("link_open", _link_open)
    markdown.add_render_rule("image", _image)
    return markdown


class _Markdown(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802
        """What leads elsewhere than to the web or a mailbox stays text."""
        return _LINKED.match(url) is not None


def _math(state: StateInline, silent: bool) -> bool:
    """LaTeX is kept as written, backslashes and all."""
    start = state.pos
    ending = _MATH_END.get(state.src[start : start + 2])
    if ending is None:
        return False
    end = state.src.find(ending, start + 2, state.posMax)
    end = start + 2 if end < 0 else end + 2
    if not silent:
        state.pending += state.src[start:end]
    state.pos = end
    return True


def _link_open(
    renderer: RendererProtocol, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    target = escape(str(tokens[index].attrGet("href") or ""))
    return f'<a href="{target}" title="{target}" rel="noopener noreferrer">'


def _image(
    renderer: RendererProtocol, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    token = tokens[index]
    target = escape(str(token.attrGet("src") or ""))
    words = escape("".join(child.content for child in token.children or ()))
    return f'<a href="{target}" title="{target}" rel="noopener noreferrer">[image: {words}]</a>'
