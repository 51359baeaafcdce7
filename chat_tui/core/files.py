"""What a file is, by its content: its type, an image's size in pixels, and the few words that stand for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from chat_tui.core.sanitize import clean_line

if TYPE_CHECKING:
    from chat_tui.core.conversation import FilePart

PDF: Final = "application/pdf"
HEAD_BYTES: Final = 64
"""So much of a file tells its type."""

MAX_NAME_CHARS: Final = 60
_MAX_SEGMENTS: Final = 1_000
"""Of a JPEG, looked through for its size: a thumbnail or a profile may stand before it, no more."""

_MAGIC: Final = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"%PDF-"), PDF),
)
_KNOWN: Final = (
    (re.compile(rb"....ftyp(?:hei|hev|mif1|msf1)", re.DOTALL), "a HEIC image"),
    (re.compile(rb"....ftypavi[fs]", re.DOTALL), "an AVIF image"),
    (re.compile(rb"....ftyp|\x1aE\xdf\xa3", re.DOTALL), "a video or sound"),
    (re.compile(rb"II\*\x00|MM\x00\*"), "a TIFF image"),
    (re.compile(rb"BM.{4}\x00{4}", re.DOTALL), "a BMP image"),
    (re.compile(rb"\x00\x00\x01\x00"), "an icon"),
    (re.compile(rb"ID3|OggS|fLaC|RIFF....(?:WAVE|AVI )", re.DOTALL), "a video or sound"),
    (re.compile(rb"PK\x03\x04"), "an archive or an Office document"),
    (re.compile(rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|\x28\xb5\x2f\xfd"), "an archive"),
    (re.compile(rb"\x7fELF|MZ|\xcf\xfa\xed\xfe|\xca\xfe\xba\xbe"), "a program"),
)
_TEXT_TYPES: Final = {
    "c": "text/x-c", "cpp": "text/x-c++", "css": "text/css", "csv": "text/csv", "go": "text/x-go",
    "h": "text/x-c", "html": "text/html", "htm": "text/html", "java": "text/x-java", "js": "text/javascript",
    "json": "application/json", "jsonl": "application/jsonl", "md": "text/markdown", "py": "text/x-python",
    "rs": "text/x-rust", "sh": "text/x-sh", "sql": "text/x-sql", "toml": "text/x-toml", "ts": "text/x-typescript",
    "tsv": "text/tab-separated-values", "xml": "text/xml", "yaml": "text/x-yaml", "yml": "text/x-yaml",
}  # fmt: skip


def media_type_of(head: bytes) -> str:
    """The type of an image or document by its first `HEAD_BYTES`; empty for everything else."""
    return next((media_type for pattern, media_type in _MAGIC if pattern.match(head)), "")


def kind_of(head: bytes) -> str:
    """What a file is that is neither sent nor text ("a HEIC image"); empty when that is not known."""
    return next((kind for pattern, kind in _KNOWN if pattern.match(head)), "")


def text_type_of(name: str) -> str:
    """The type of a text by its name."""
    return _TEXT_TYPES.get(name.rpartition(".")[2].lower(), "text/plain")


def text_of(data: bytes) -> str | None:
    """A text in UTF-8, or in UTF-16 with its mark; None for what is no text."""
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


# -- pixels --------------------------------------------------------------------------------------


def pixels_of(file: FilePart) -> tuple[int, int] | None:
    """Width and height of an image, from its header; None when that does not tell."""
    data = file.data
    match file.media_type:
        case "image/png" if data[12:16] == b"IHDR" and len(data) >= 24:
            size = _number(data, 16, 4), _number(data, 20, 4)
        case "image/gif" if len(data) >= 10:
            size = _number(data, 6, 2, is_little=True), _number(data, 8, 2, is_little=True)
        case "image/webp" if len(data) >= 30:
            size = _webp_pixels(data)
        case "image/jpeg":
            size = _jpeg_pixels(data)
        case _:
            return None
    return size if all(size) else None


def _number(data: bytes, at: int, count: int, *, is_little: bool = False) -> int:
    return int.from_bytes(data[at : at + count], "little" if is_little else "big")


def _webp_pixels(data: bytes) -> tuple[int, int]:
    form = data[12:16]
    if form == b"VP8X":
        return 1 + _number(data, 24, 3, is_little=True), 1 + _number(data, 27, 3, is_little=True)
    if form == b"VP8L":
        bits = _number(data, 21, 4, is_little=True)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if form == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        return _number(data, 26, 2, is_little=True) & 0x3FFF, _number(data, 28, 2, is_little=True) & 0x3FFF
    return 0, 0


def _jpeg_pixels(data: bytes) -> tuple[int, int]:
    """From the frame header; the segments before it say how long they are."""
    at = 2
    for _ in range(_MAX_SEGMENTS):
        while data[at + 1 : at + 2] == b"\xff":  # fill bytes
            at += 1
        if at + 9 > len(data) or data[at] != 0xFF:
            break
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return _number(data, at + 7, 2), _number(data, at + 5, 2)
        if marker == 0xDA:
            break
        at += 2 + max(2, _number(data, at + 2, 2))
    return 0, 0


# -- words ---------------------------------------------------------------------------------------


def size_label(size_bytes: int) -> str:
    """A size as people read it: 512 B, 3 kB, 1.4 MB."""
    if size_bytes < 1_000:
        return f"{size_bytes} B"
    if size_bytes < 999_500:
        return f"{size_bytes / 1_000:.0f} kB"
    return f"{size_bytes / 1_000_000:.1f} MB"


def shown_name(name: str, max_chars: int = MAX_NAME_CHARS) -> str:
    """A name that may be shown: cleaned, and shortened in the middle, because its end tells what it is."""
    cleaned = clean_line(name, 1_000) or "a file without a name"
    if len(cleaned) <= max_chars:
        return cleaned
    end = max_chars // 2
    return f"{cleaned[: max_chars - end - 1]}…{cleaned[len(cleaned) - end :]}"


def facts_label(file: FilePart) -> str:
    """Pixels of an image, type of a document, size: what stands behind a name."""
    pixels = pixels_of(file)
    facts = [f"{pixels[0]}×{pixels[1]}"] if pixels else ["PDF"] if file.media_type == PDF else []
    return " · ".join([*facts, size_label(len(file.data))])


def attached_label(file: FilePart) -> str:
    """For a text that leaves the program: name, type and size."""
    return f"{shown_name(file.name, 200)} ({clean_line(file.media_type, 80)}, {size_label(len(file.data))})"
