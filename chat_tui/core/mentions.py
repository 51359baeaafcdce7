"""The grammar of files in a prompt: `@path`, `@"path with spaces"`, and a path that a terminal pastes for a file.

A mention begins at the start of the text or behind white space, and ends at white space; in quotes, at the quote.
Whether it names a file is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chat_tui.core.sanitize import clean

MAX_PATH_CHARS = 4_096
_MENTION = re.compile(r'(?<!\S)@(?:"([^"\n]+)"|([^\s"]+))')
_OPEN = re.compile(r'(?<!\S)@(?:"([^"\n]*)|([^\s"]*))\Z')
_AFTER = ".,;:!?…)]}'’”»"
"""What may stand behind a name and belong to the sentence."""

_PATH = re.compile(r"/|~/|\.\.?/|[A-Za-z]:[\\/]|\\\\")
_NOT_NAMED = re.compile(r'["\n\r]')


@dataclass(frozen=True, slots=True)
class Mention:
    """A mention as it was written. `is_quoted`: its end is certain."""

    written: str
    is_quoted: bool

    @property
    def paths(self) -> tuple[str, ...]:
        """What it may name, the likeliest first: without quotes the full stop behind it may be the sentence's."""
        bare = self.written.rstrip(_AFTER)
        return (self.written,) if self.is_quoted or bare in ("", self.written) else (self.written, bare)


@dataclass(frozen=True, slots=True)
class OpenMention:
    """The mention that is being typed: from its @ at `start` to the cursor."""

    start: int
    typed: str


def mentions(text: str) -> Iterator[Mention]:
    """All of a text, in order, each once."""
    seen: set[str] = set()
    for found in _MENTION.finditer(text):
        written = found[1] or found[2]
        if written not in seen and len(written) <= MAX_PATH_CHARS:
            seen.add(written)
            yield Mention(written, is_quoted=found[1] is not None)


class PastedMentions:
    """Mentions that came with text which the reader did not write: what is pasted may name any file here."""

    def __init__(self) -> None:
        self._pasted: set[str] = set()
        self._own: set[str] = set()

    def paste(self, text: str) -> None:
        """Text came that was not typed. What the reader has named before stays theirs."""
        self._pasted.update({mention.written for mention in mentions(text)} - self._own)

    def name(self, written: str) -> None:
        """The reader typed or chose it."""
        self._pasted.discard(written)

    def send(self, text: str) -> None:
        """A prompt is sent: what was named in it may come back with it."""
        self._own.update(mention.written for mention in mentions(text) if not self.holds(mention))

    def forget(self) -> None:
        """Nothing pasted is there any more."""
        self._pasted.clear()

    def holds(self, mention: Mention) -> bool:
        """Whether it was pasted, and not named by the reader since."""
        return not self._pasted.isdisjoint(mention.paths)


def open_mention(line: str) -> OpenMention | None:
    """The mention that the text before the cursor ends with, without a line break."""
    found = _OPEN.search(line[-MAX_PATH_CHARS:])
    if found is None:
        return None
    return OpenMention(len(line) - len(found[0]), found[1] if found[1] is not None else found[2])


def mention_of(path: str) -> str:
    """How a path is mentioned so that `mentions` reads it back; empty when it cannot be, or may not be shown."""
    if not path or _NOT_NAMED.search(path) or not (path.isprintable() or clean(path) == path):
        return ""
    is_plain = not re.search(r"\s", path) and not path.endswith(tuple(_AFTER))
    return f"@{path}" if is_plain else f'@"{path}"'


def pasted_path(text: str) -> str:
    """The one path that a paste consists of, as terminals write a file that was dropped on them; else empty.

    It may be quoted for a shell, or be a file:// URL. It must look like a path: no bare name is one.
    """
    text = text.strip()
    if not text or len(text) > MAX_PATH_CHARS or "\n" in text or "\r" in text:
        return ""
    if text[:7].lower() == "file://":
        return _path_of_url(text)
    candidates = [text]
    if text[0] in "'\"" or "\\ " in text or ("\\" in text and text[:1] in "/~."):
        import shlex

        try:
            words = shlex.split(text)
        except ValueError:
            words = []
        candidates = words if len(words) == 1 else []
    return next((path for path in candidates if _PATH.match(path) and "\0" not in path), "")


def _path_of_url(text: str) -> str:
    from urllib.parse import unquote, urlsplit

    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    path = unquote(parts.path, errors="surrogateescape")
    is_here = parts.netloc.lower() in ("", "localhost")
    return path if is_here and path.startswith("/") and "\0" not in path and "\n" not in path else ""
