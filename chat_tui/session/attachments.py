"""Files that go with a question: read off the event loop, sized and typed by what is in them.

Every problem is one sentence: which file, what is wrong, what to do. Nothing is read that nobody named.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from chat_tui.core.conversation import FilePart
from chat_tui.core.errors import ChatError
from chat_tui.core.files import (
    HEAD_BYTES,
    PDF,
    kind_of,
    media_type_of,
    shown_name,
    size_label,
    text_of,
    text_type_of,
)
from chat_tui.core.mentions import Mention, mentions
from chat_tui.core.sanitize import clean_line

MAX_IMAGE_BYTES: Final = 20_000_000
MAX_PDF_BYTES: Final = 32_000_000
MAX_TEXT_BYTES: Final = 1_000_000
MAX_FILES: Final = 20
MAX_ALL_BYTES: Final = 40_000_000
"""Of one question."""

PASTE_LIMIT_S: Final = 1.0
"""So long a pasted path may take to be looked at; then it is text."""

_ONE_BY_ONE: Final = "Name the files to attach, one by one."


class AttachError(ChatError):
    """A file that cannot go with a question."""

    title = "not attached"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file as it was when it was read. `path` is absolute; empty for one of an earlier question, or of a pipe."""

    file: FilePart
    path: str = ""


# -- one file ------------------------------------------------------------------------------------


def read_file(written: str) -> Attachment:
    """The file of that path (`~` is the home directory). Raises AttachError. Blocks: not for the event loop."""
    path = absolute(written)
    shown = shown_name(written)
    try:
        with open(path, "rb", opener=_open_now) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise AttachError(f"“{shown}” is no regular file.", _ONE_BY_ONE)
            head = stream.read(HEAD_BYTES)
            data = head + stream.read(_limit(head) + 1 - len(head))
    except (OSError, ValueError) as error:
        raise _cannot_read(shown, path, error) from None
    return Attachment(make_file(_name_of(path), data), str(path))


def make_file(name: str, data: bytes) -> FilePart:
    """A file of that content; a text becomes UTF-8. Raises AttachError."""
    shown = shown_name(name)
    if not data:
        raise AttachError(f"“{shown}” is empty.", "There is nothing to attach.")
    head = data[:HEAD_BYTES]
    media_type, limit = media_type_of(head), _limit(head)
    if len(data) > limit:
        kind = "an image" if media_type.startswith("image/") else "a PDF" if media_type else "a text"
        known = kind_of(head) if not media_type else ""
        if known:
            raise _no_form(shown, known)
        raise AttachError(
            f"“{shown}” is larger than the {size_label(limit)} that {kind} may have.",
            "Make it smaller." if media_type else "Send the part that matters.",
        )
    if media_type:
        return FilePart(name, media_type, data)
    text = text_of(data)
    if text is None:
        raise _no_form(shown, kind_of(head))
    if not text.strip():
        raise AttachError(f"“{shown}” is blank.", "There is nothing to attach.")
    has_mark = data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"))
    return FilePart(name, text_type_of(name), text.encode() if has_mark else data)


def absolute(written: str) -> Path:
    """The path somebody wrote, from here or from home; links stay as they are."""
    path = Path(written)
    if written.startswith("~"):
        with contextlib.suppress(RuntimeError):  # nobody of that name
            path = path.expanduser()
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links


def _name_of(path: Path) -> str:
    """Below this directory the way there, elsewhere the name alone: where one's home is concerns nobody."""
    here = Path.cwd()
    name = path.relative_to(here).as_posix() if path.is_relative_to(here) else path.name
    return clean_line(name, 200)


def _limit(head: bytes) -> int:
    media_type = media_type_of(head)
    if media_type == PDF:
        return MAX_PDF_BYTES
    return MAX_IMAGE_BYTES if media_type else MAX_TEXT_BYTES


def _no_form(shown: str, kind: str) -> AttachError:
    return AttachError(
        f"“{shown}” is {kind or 'neither an image nor a text'}, which cannot be attached.",
        "PNG, JPEG, GIF and WebP images, PDF and text can.",
    )


def _cannot_read(shown: str, path: Path, error: OSError | ValueError) -> AttachError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        where = shown_name(str(path.parent))
        return AttachError(f"There is no file “{shown}”.", f"Looked for in {where}.")
    if isinstance(error, IsADirectoryError):
        return AttachError(f"“{shown}” is a directory.", _ONE_BY_ONE)
    if isinstance(error, PermissionError):
        return AttachError(f"“{shown}” may not be read.", "Its permissions forbid it.")
    return AttachError(f"“{shown}” cannot be read: {_reason(error)}.")


def _reason(error: OSError | ValueError) -> str:
    text = error.strerror if isinstance(error, OSError) else "that is no path"
    return clean_line(text or "unknown reason").rstrip(".")


# -- what goes with a question -------------------------------------------------------------------


def has_mentions(text: str) -> bool:
    """Whether there is anything in a prompt that may name a file."""
    return next(mentions(text), None) is not None


class Gathered(NamedTuple):
    """What goes with a question; `left_out` are mentions of files that are there, but were pasted."""

    files: tuple[FilePart, ...]
    left_out: tuple[str, ...] = ()


async def gather(
    text: str, attached: Iterable[Attachment], is_pasted: Callable[[Mention], bool] = lambda _: False
) -> Gathered:
    """What is attached, and the files that a prompt mentions: a mention that names none is text.

    Raises AttachError for a file that is there and cannot be attached, and for too much of everything.
    """
    found, left_out = list(attached), list[str]()
    if has_mentions(text):
        found, left_out = await asyncio.to_thread(_with_mentioned, text, found, is_pasted)
    check_all(found)
    return Gathered(tuple(attachment.file for attachment in found), tuple(left_out))


def check_all(attached: Iterable[Attachment]) -> None:
    """Raises AttachError when that is more than one question may carry."""
    sizes = [len(attachment.file.data) for attachment in attached]
    if len(sizes) > MAX_FILES:
        raise AttachError(f"That is {len(sizes)} files, and {MAX_FILES} may go with a question.", "Take some out.")
    if sum(sizes) > MAX_ALL_BYTES:
        raise AttachError(
            f"The files have {size_label(sum(sizes))} together, and {size_label(MAX_ALL_BYTES)} may go with a "
            "question.",
            "Take some out.",
        )


def _with_mentioned(
    text: str, attached: list[Attachment], is_pasted: Callable[[Mention], bool]
) -> tuple[list[Attachment], list[str]]:
    found, left_out = list(attached), list[str]()
    paths = {attachment.path for attachment in attached} - {""}
    names = {attachment.file.name for attachment in attached if not attachment.path}
    for mention in mentions(text):
        path = _existing(mention)
        if path is None or str(path) in paths or _name_of(path) in names:
            continue  # of an edited question the file stays as it was
        if is_pasted(mention):
            left_out.append(mention.written)
            continue
        paths.add(str(path))
        found.append(read_file(str(path)))
        check_all(found)
    return found, left_out


def _existing(mention: Mention) -> Path | None:
    """The file a mention names; a directory is none, and what is not there neither."""
    for written in mention.paths:
        path = absolute(written)
        try:
            if path.exists() and not path.is_dir():
                return path
        except (OSError, ValueError):  # a name that is too long, or holds a NUL
            continue
    return None


async def read_attachment(path: str) -> Attachment:
    """The file of that path. Raises AttachError."""
    return await asyncio.to_thread(read_file, path)


async def read_pasted(path: str) -> Attachment | None:
    """The image a pasted path names; None when it names none, or one that cannot be attached."""
    try:
        async with asyncio.timeout(PASTE_LIMIT_S):
            return await asyncio.to_thread(_image_of, path)
    except (AttachError, OSError, ValueError):  # a TimeoutError is an OSError
        return None


def _image_of(path: str) -> Attachment | None:
    with open(absolute(path), "rb", opener=_open_now) as stream:
        head = stream.read(HEAD_BYTES) if stat.S_ISREG(os.fstat(stream.fileno()).st_mode) else b""
    return read_file(path) if media_type_of(head).startswith("image/") else None


def _open_now(path: str, flags: int) -> int:
    """A pipe would wait for whoever writes into it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
