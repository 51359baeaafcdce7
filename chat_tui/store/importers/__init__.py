"""Conversations of other programs, and our own: what a file is, is seen from what is in it.

Nothing of a file is executed, no path in it is followed. A conversation gets an id made of its original one, so
that importing a file again finds what is there; one that cannot be read does not keep the others out.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, Final

from chat_tui.store.importers import chatgpt, claude, own
from chat_tui.store.importers.building import ImportProblem, as_list, as_object
from chat_tui.store.importers.json_stream import MAX_ELEMENT_CHARS, JsonText, elements
from chat_tui.store.model import StoredConversation

__all__ = ["MAX_ELEMENT_CHARS", "ImportProblem", "read_conversations"]

_MEMBER: Final = re.compile(r"(?:.*/)?conversations(?:-\d+)?\.json")
_ENVELOPE: Final = re.compile(
    r'\{\s*"format"\s*:\s*"chat-tui"\s*,\s*"version"\s*:\s*(\d{1,6})\s*,\s*"conversations"\s*:\s*\['
)
_ARRAY: Final = re.compile(r"\[")
_OBJECT: Final = re.compile(r"\{")
_UNKNOWN: Final = "It is no conversation of chat-tui, ChatGPT, Claude or llm."


def read_conversations(path: Path) -> Generator[StoredConversation | ImportProblem, None, None]:
    """The conversations of a file, one by one; what cannot be read comes as an ImportProblem in its place.

    JSON (also in the ZIP archive it was sent in) or a logs database. Raises ImportProblem when the file as a whole
    cannot be read, also after some conversations. To be read and closed in one thread.
    """
    try:
        with path.open("rb") as file:
            header = file.read(16)
            file.seek(0)
            if header[:4] == b"PK\x03\x04":
                yield from _from_archive(file)
            elif header != b"SQLite format 3\0":
                yield from _from_json(file)
                return
    except OSError as error:
        raise ImportProblem(f"The file cannot be read ({error.strerror or type(error).__name__}).") from None
    if header == b"SQLite format 3\0":
        from chat_tui.store.importers import llm_logs

        yield from llm_logs.conversations(path)


def _from_archive(file: IO[bytes]) -> Iterator[StoredConversation | ImportProblem]:
    try:
        with zipfile.ZipFile(file) as archive:
            members = sorted(name for name in archive.namelist() if _MEMBER.fullmatch(name))
            if not members:
                raise ImportProblem("There is no conversations.json in the archive.")
            for member in members:
                with archive.open(member) as unpacked:
                    yield from _from_json(unpacked)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, RuntimeError):
        raise ImportProblem("The archive is damaged or locked.") from None
    except Exception as error:
        if type(error).__module__ == "zlib":
            raise ImportProblem("The archive is damaged.") from None
        raise


def _from_json(file: IO[bytes]) -> Iterator[StoredConversation | ImportProblem]:
    with io.TextIOWrapper(file, encoding="utf-8-sig") as decoded:
        text = JsonText(decoded)
        envelope = text.peek(_ENVELOPE)
        if envelope is not None:
            own.check_version(int(envelope.group(1)))
            text.take(_ENVELOPE)
            yield from map(_own, elements(text))
        elif text.take(_ARRAY):
            yield from map(_any, elements(text))
        elif text.peek(_OBJECT):
            yield from _from_object(text.value())
        elif text.is_finished:
            raise ImportProblem("The file is empty.")
        else:
            raise ImportProblem("The file is neither JSON nor a database.")


def _from_object(value: object) -> Iterator[StoredConversation | ImportProblem]:
    """One conversation alone, or an envelope that another program has written anew."""
    record = as_object(value)
    if record.get("format") == "chat-tui":
        version = record.get("version")
        own.check_version(version if isinstance(version, int) else 0)
        yield from map(_own, as_list(record.get("conversations")))
    elif isinstance(record.get("conversations"), list):
        yield from map(_any, as_list(record.get("conversations")))
    else:
        yield _any(record)


def _own(record: object) -> StoredConversation | ImportProblem:
    try:
        return own.conversation_of(record)
    except ImportProblem as problem:
        return problem


def _any(value: object) -> StoredConversation | ImportProblem:
    record = as_object(value)
    try:
        if chatgpt.is_one(record):
            return chatgpt.conversation_of(record)
        if claude.is_one(record):
            return claude.conversation_of(record)
        if isinstance(record.get("messages"), list) and "id" in record:
            return own.conversation_of(record)
    except ImportProblem as problem:
        return problem
    except RecursionError:
        return ImportProblem("Its data is nested too deep.")
    return ImportProblem(_UNKNOWN)
