"""The grammar of slash commands.

A prompt is a command if it begins with a slash, lower-case ASCII letters, and then white space or its end;
the rest is the argument. All else is text: `/usr/bin`, `/`, ` /help`. A second slash in front makes a text of
what would be a command: `//help` is sent as `/help`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

_COMMAND = re.compile(r"/([a-z]+)(?:\s+(.*))?\Z", re.DOTALL)
_ESCAPED = re.compile(r"//+[a-z]+(?:\s|\Z)")


@dataclass(frozen=True, slots=True)
class Command:
    """A known command; `argument` is stripped, may be empty and may have several lines."""

    name: str
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Shaped like a command, but there is none of that name; `nearest` is the known one meant, or empty."""

    name: str
    nearest: str = ""


def parse(text: str, known: Collection[str]) -> Command | Unknown | None:
    """The command in a prompt; None for ordinary text, which `unescape` makes ready to be sent."""
    found = _COMMAND.match(text)
    if found is None:
        return None
    name, argument = found.group(1), (found.group(2) or "").strip()
    if name in known:
        return Command(name, argument)
    return Unknown(name, _nearest(name, known))


def unescape(text: str) -> str:
    """A prompt that is no command, as it is sent: `//name …` loses one slash, a comment like `// x` does not."""
    return text[1:] if _ESCAPED.match(text) else text


def escape(text: str) -> str:
    """What to put into the composer so that `text` is sent as it is: the inverse of `unescape`."""
    return "/" + text if _COMMAND.match(text) or _ESCAPED.match(text) else text


def _nearest(name: str, known: Collection[str]) -> str:
    """The only one that begins so, else the one that differs least."""
    begun = [candidate for candidate in known if candidate.startswith(name)]
    if len(begun) == 1:
        return begun[0]
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, sorted(known), n=1)), "")
