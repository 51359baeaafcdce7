"""A conversation as Markdown: headings for who speaks, thoughts in a fold, texts as they are."""

from __future__ import annotations

import re
from typing import Final

from chat_tui.core.conversation import Message, ReasoningPart, TextPart, ToolCallPart
from chat_tui.core.files import attached_label
from chat_tui.core.sanitize import clean_line
from chat_tui.store.export import facts_of, runs_of, shown_path, speaker_of, thought_label, title_of
from chat_tui.store.model import StoredConversation

_TICKS: Final = re.compile("`{3,}")
_MARKS: Final = re.compile(r"([\\`*_\[\]<>&|~$])")
_ESCAPED: Final = r"\\\1"


def as_markdown(conversation: StoredConversation) -> str:
    """The shown path. Text and code stay untouched; a fence left open is closed, or it would swallow the rest."""
    sections = [f"# {title_of(conversation)}"]
    if facts := facts_of(conversation):
        sections.append(facts)
    for message in shown_path(conversation):
        sections.append(f"## {speaker_of(message, conversation)}")
        sections.extend(_bodies(message))
    return "\n\n".join(sections) + "\n"


def _bodies(message: Message) -> list[str]:
    bodies: list[str] = []
    for part in runs_of(message.parts):
        if isinstance(part, TextPart):
            bodies.append(_closed(part.text.strip("\n")))
        elif isinstance(part, ReasoningPart):
            bodies.append(_folded(thought_label(part), part.text))
        elif isinstance(part, ToolCallPart):
            bodies.append(f"**{_call_label(part)}**\n\n{fenced(part.arguments, 'json')}")
    bodies += [f"Attached: {_MARKS.sub(_ESCAPED, attached_label(file))}" for file in message.files]
    return [body for body in bodies if body]


def _call_label(part: ToolCallPart) -> str:
    name = clean_line(part.name, 100).replace("*", "")
    return f"Asked for {name or 'a tool'}" + ("" if part.is_complete else " (incomplete)")


def _folded(label: str, text: str) -> str:
    quoted = "\n".join(f"> {line}".rstrip() for line in text.strip("\n").split("\n"))
    return f"<details>\n<summary>{label}</summary>\n\n{quoted}\n\n</details>"


def fenced(text: str, info: str = "") -> str:
    """`text` in a fence that nothing in it can close."""
    longest = max((len(run) for run in _TICKS.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{info}\n{text.rstrip(chr(10))}\n{fence}"


def _closed(text: str) -> str:
    if "```" not in text and "~~~" not in text:
        return text
    from markdown_it import MarkdownIt

    last = next((token for token in reversed(MarkdownIt("commonmark").disable("inline").parse(text))), None)
    if last is None or last.type != "fence" or last.level or last.map is None:
        return text
    lines = text.split("\n")[last.map[0] : last.map[1]]
    is_closed = len(lines) > 1 and re.fullmatch(rf" {{0,3}}{last.markup}{last.markup[0]}*[ \t]*", lines[-1])
    return text if is_closed else f"{text}\n{last.markup}"
