"""Untrusted text → text that may be shown: no control character, nothing invisible, nothing printable lost.

Every suspicious character is replaced by one visible character; escape sequences are not parsed. Without its
ESC a sequence is plain text, so an unterminated one cannot swallow what follows, and any way of cutting a text
into pieces gives the same result. The replacements:

    CR, CRLF, NEL, U+2028, U+2029   newline
    other C0, DEL                   their control pictures (ESC → ␛); VT and FF too, since in answers they are
                                    mostly halves of a badly escaped \\vec or \\frac
    other C1, lone surrogates       �
    hidden characters               ␦, counted: bidirectional overrides and isolates, zero-width and filler
                                    characters, tags, variation selectors and joiners where no script uses them

What scripts do use stays: joiners in Arabic, Persian, Indic and emoji (UTS #51), one variation selector after
a symbol or ideograph (UTS #37), subdivision flags, direction marks, zero-width spaces in Khmer, Thai and Lao.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Protocol

HIDDEN_MARKER = "␦"
"""Stands for one hidden character."""

_BROKEN = "\N{REPLACEMENT CHARACTER}"
_BLACK_FLAG = "\U0001f3f4"
_TAGS = frozenset(map(chr, range(0xE0020, 0xE0080)))
_DIRECTION_MARKS = "\u061c\u200e\u200f"
_ZERO_WIDTH_SPACE = "\u200b"
_JOINERS = "\u200b\u200c\u200d"
_GRAPHEME_JOINER = "\u034f"
_RUNS_BEFORE_JOINER = ("", "\ufe0e", "\ufe0f")
_MAX_RUN = 3

_SUSPECT = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # soft hyphen, fillers, Arabic and Mongolian marks
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero width, separators, bidirectional controls
    "\ud800-\udfff\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"  # surrogates, fillers, selectors, BOM, annotations
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # shorthand and musical format controls
    "\U000e0000-\U000e0fff"  # tags, variation selectors 17 to 256, reserved ignorables
    "]"
)
_ASCII_TABLE = {code: 0x2400 + code for code in range(0x20) if code not in (0x09, 0x0A)} | {0x7F: 0x2421}
_REPLACEMENTS = (
    {chr(code): chr(picture) for code, picture in _ASCII_TABLE.items()}
    | {chr(code): _BROKEN for code in range(0x80, 0xA0)}
    | dict.fromkeys("\x85\u2028\u2029", "\n")
)
_SURROGATES = re.compile("([\ud800-\udbff])([\udc00-\udfff])|[\ud800-\udfff]")
_FLAG_TAGS = re.compile("[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")
_FLAG_TAGS_BEGUN = re.compile("[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\\Z")

# Which neighbours make an invisible character part of the writing: edges of sorted ranges, each from a first
# character up to the one after its last. Bisected, since compiling such regular expressions takes 10 ms.
_JOINED = "\u0600\u1d00\ua840\uac00\ufb50\ufe00\ufe70\ufeff\U00010a00\U00012000\U0001e900\U0001e960"
_JOINED_OR_EMOJI = (
    "\u0600\u1d00\u2190\u2400\u2440\u2c00\ua840\uac00\ufb50\ufe00\ufe70\ufeff"
    "\U00010a00\U00012000\U0001e900\U0001e960\U0001f000\U0001fb00"
)
_SPACELESS = "\u0e00\u10a0\u1780\u1800\u19e0\u1a00"
_SELECTABLE = "#$*+0:©ª®¯\u1000\u2000\u2010\u2400\u2440\u3000\u3001\ud800\uf900\ufb00\U00010000\U00040000"
_IDEOGRAPHS = "\u3400\ua000\uf900\ufb00\U00020000\U00040000"
_MONGOLIAN = "\u1807\u1808\u1820\u18ab"
_HEBREW = "\u0591\u05eb"


class Cleaner(Protocol):
    """Something deltas pass on their way to a reader; `flush` gives what was held back."""

    @property
    def hidden_chars(self) -> int:
        """How many invisible characters were made visible."""
        ...

    def feed(self, text: str) -> str:
        """What of the text so far can be given on."""
        ...

    def flush(self) -> str:
        """The rest."""
        ...


class RawText:
    """A cleaner for files and pipes: everything as it came, save NUL and lone surrogates, which become U+FFFD.

    Holds back half a surrogate pair, until its other half comes.
    """

    hidden_chars = 0

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """The text, ready to be encoded."""
        text = self._held + text
        self._held = text[-1] if text and "\ud800" <= text[-1] <= "\udbff" else ""
        return _encodable(text[: len(text) - len(self._held)])

    def flush(self) -> str:
        """Half a pair whose other half never came."""
        held, self._held = self._held, ""
        return _encodable(held)


def _encodable(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


class TextCleaner:
    """Cleans one stream, piece by piece.

    `feed` holds back half a surrogate pair, half a flag and a joiner whose next neighbour decides: never what
    can be seen. `hidden_chars` counts the invisible characters replaced so far.

    Measured: 2 ns per character of ASCII, 8 of other text, 1 µs per suspicious character; 0.6 µs for a token.
    """

    def __init__(self) -> None:
        self.hidden_chars = 0
        self._held = ""
        self._has_cr = False  # a CR ended the last piece; it went out as a newline, an LF now is its other half
        self._base = ""  # the last character put out that is not invisible
        self._run = ""  # invisible characters let through after it

    def feed(self, text: str) -> str:
        """The cleaned form of `text`, given what came before."""
        return self._clean(text, is_final=False)

    def flush(self) -> str:
        """What was held back; the next `feed` begins a new text."""
        rest = self._clean("", is_final=True)
        self._has_cr, self._base, self._run = False, "", ""
        return rest

    def _clean(self, text: str, *, is_final: bool) -> str:
        if self._held:
            text, self._held = self._held + text, ""
        if text and not is_final and "\ud800" <= text[-1] <= "\udbff":
            text, self._held = text[:-1], text[-1]
        if not text:
            return ""
        if self._has_cr:
            text = text.removeprefix("\n")
            self._has_cr = False
        if "\r" in text:
            self._has_cr = text[-1] == "\r"
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        if not text.isascii():
            return self._clean_unicode(text, is_final=is_final)
        text = text.translate(_ASCII_TABLE)
        if text:
            self._base, self._run = text[-1], ""
        return text

    def _clean_unicode(self, text: str, *, is_final: bool) -> str:
        if not _SUSPECT.search(text):
            self._base, self._run = text[-1], ""
            return text
        text = _SURROGATES.sub(_joined_pair, text)
        pieces: list[str] = []
        position = 0
        while found := _SUSPECT.search(text, position):
            start = found.start()
            if start > position:
                pieces.append(text[position:start])
                self._base, self._run = text[start - 1], ""
            length = self._legitimate_length(text, start, is_final=is_final)
            if length is None:
                self._held = text[start:] + self._held
                return "".join(pieces)
            if length:
                position = start + length
                self._run += text[position - 1]
                pieces.append(text[start:position])
            else:
                position = start + 1
                pieces.append(self._replace(text[start]))
        if position < len(text):
            pieces.append(text[position:])
            self._base, self._run = text[-1], ""
        return "".join(pieces)

    def _replace(self, character: str) -> str:
        shown = _REPLACEMENTS.get(character)
        if shown is None:
            self.hidden_chars += 1
            shown = HIDDEN_MARKER
        self._base, self._run = shown, ""
        return shown

    def _legitimate_length(self, text: str, start: int, *, is_final: bool) -> int | None:
        """How many characters from `start` stay as they are; None: the next piece will tell."""
        character = text[start]
        if character in _JOINERS:
            following = text[start + 1 : start + 2]
            if not following and not is_final:
                return None
            if _SUSPECT.match(following):
                following = ""
            return int(_is_joiner_used(character, self._base, self._run, following))
        if self._base == _BLACK_FLAG and not self._run and character in _TAGS:
            if flag := _FLAG_TAGS.match(text, start):
                return flag.end() - start
            return None if not is_final and _FLAG_TAGS_BEGUN.match(text, start) else 0
        return int(_is_mark_used(character, self._base, self._run))


def _is_joiner_used(character: str, base: str, run: str, following: str) -> bool:
    if character == _ZERO_WIDTH_SPACE:
        return not run and (_is_in(base, _SPACELESS) or _is_in(following, _SPACELESS))
    return run in _RUNS_BEFORE_JOINER and (_is_in(base, _JOINED_OR_EMOJI) or _is_in(following, _JOINED))


def _is_mark_used(character: str, base: str, run: str) -> bool:
    """Whether a direction mark, variation selector or combining control belongs to the writing around it."""
    if character in _DIRECTION_MARKS:
        return len(run) < _MAX_RUN
    if run:
        return False
    if "\ufe00" <= character <= "\ufe0f":
        return _is_in(base, _SELECTABLE)
    if "\U000e0100" <= character <= "\U000e01ef":
        return _is_in(base, _IDEOGRAPHS)
    if "\u180b" <= character <= "\u180f":
        return _is_in(base, _MONGOLIAN)
    return character == _GRAPHEME_JOINER and _is_in(base, _HEBREW)


def _is_in(character: str, edges: str) -> bool:
    return bisect_right(edges, character) % 2 == 1


def _joined_pair(found: re.Match[str]) -> str:
    high, low = found.group(1), found.group(2)
    return _BROKEN if low is None else chr(0x10000 + ((ord(high) & 0x3FF) << 10) + (ord(low) & 0x3FF))


def clean(text: str) -> str:
    """A whole text, cleaned; newlines and tabs stay."""
    cleaner = TextCleaner()
    return cleaner.feed(text) + cleaner.flush()


def clean_line(text: str, max_chars: int = 400) -> str:
    """One line for titles, errors and names: cleaned, white space collapsed, cut with … at `max_chars`."""
    line = " ".join(clean(text).split())
    return line if len(line) <= max_chars else line[: max_chars - 1] + "…"
