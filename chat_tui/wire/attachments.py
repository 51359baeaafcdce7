"""Files that go with a question, in the forms that protocols have for them."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import replace

from chat_tui.core.conversation import FilePart, Message, Role, TextPart
from chat_tui.core.errors import CannotSend
from chat_tui.wire.json_text import repaired

_TEXT_TYPES = re.compile(
    r"text/.+|.+\+(json|xml|yaml)"
    r"|application/(json|jsonl|x-ndjson|xml|yaml|x-yaml|toml|javascript|x-javascript|typescript|sql|x-sh|x-python)"
)


def is_text(file: FilePart) -> bool:
    """Whether its content can stand among the words of a question."""
    return _TEXT_TYPES.fullmatch(file.media_type) is not None


def base64_of(file: FilePart) -> str:
    """The content, bare."""
    return base64.b64encode(file.data).decode("ascii")


def data_url(file: FilePart) -> str:
    """The content with its type."""
    return f"data:{file.media_type};base64,{base64_of(file)}"


def words_of(message: Message) -> str:
    """The text of a question, before it each of its text files under its name."""
    files = [labelled(file) for file in message.files if is_text(file)]
    return "\n\n".join(text for text in (*files, repaired(message.text)) if text)


def takes_images(file: FilePart, *, can_see: bool) -> bool:
    """Whether a protocol that has forms for text and images only takes it."""
    return is_text(file) or (file.is_image and can_see)


def with_names(messages: tuple[Message, ...], takes: Callable[[FilePart], bool]) -> tuple[Message, ...]:
    """The messages, in earlier questions the names of the files that are not taken instead of them.

    Those of the last question stay: who asks with a file wants to hear that nobody would read it, who asked with
    one long ago wants an answer.
    """
    last = next((message for message in reversed(messages) if message.role is Role.USER), None)
    return tuple(message if message is last else _with_names(message, takes) for message in messages)


def _with_names(message: Message, takes: Callable[[FilePart], bool]) -> Message:
    gone = [file for file in message.files if not takes(file)]
    if not gone:
        return message
    names = (f"[Attached: {repaired(file.name)}, {file.media_type}]" for file in gone)
    words = "\n\n".join(text for text in (*names, message.text) if text)
    return replace(message, parts=(*(file for file in message.files if file not in gone), TextPart(words)))


def images_of(message: Message, protocol: str, *, can_see: bool) -> list[FilePart]:
    """The files that are no text. Raises CannotSend when there are others than images, or nobody can see those."""
    images = [file for file in message.files if not is_text(file)]
    for file in images:
        if not file.is_image:
            raise CannotSend(
                f"“{repaired(file.name)}” is {file.media_type}, and {protocol} takes text and images only.",
                "Send its text instead, or ask another model.",
            )
        if not can_see:
            raise unseen(file)
    return images


def unseen(file: FilePart) -> CannotSend:
    """What to say of an image for a server that takes none."""
    return CannotSend(
        f"“{repaired(file.name)}” is an image, and this server takes none.", "Take it out, or ask another model."
    )


def labelled(file: FilePart) -> str:
    """A text file's content under its name."""
    name = repaired(file.name)
    return f"--- {name} ---\n{file.data.decode('utf-8', 'replace').rstrip()}\n--- end of {name} ---"
