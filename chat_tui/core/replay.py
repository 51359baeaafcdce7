"""The shown path as a request may carry it: to the provider that answered before, or to another one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from chat_tui.core.conversation import FilePart, Message, OpaquePart, Part, ReasoningPart, Role, TextPart


def replayable(path: Iterable[Message], tip_id: int | None, model_id: str) -> tuple[Message, ...]:
    """The messages up to `tip_id` (None: all), for the model PROVIDER/MODEL.

    No empty answers, no two questions in a row, and of answers by another provider only what every provider takes:
    text, and calls with their results.
    """
    provider = provider_of(model_id)
    history: list[Message] = []
    for message in path:
        is_own = provider_of(message.model) == provider
        if message.is_sendable or (message.is_paused and is_own):
            if history and message.role is Role.USER and history[-1].role is Role.USER:
                history[-1] = _joined(history[-1], message)
            elif message.role is Role.ASSISTANT and not is_own:
                history.append(_portable(message))
            else:
                history.append(message)
        if tip_id is not None and message.id == tip_id:
            break
    return tuple(history)


def unseen(history: Iterable[Message]) -> tuple[Message, ...]:
    """The same for a model that sees no images: the name of each stands for it."""
    return tuple(
        replace(message, parts=tuple(_named(part) for part in message.parts)) if message.files else message
        for message in history
    )


def _named(part: Part) -> Part:
    if isinstance(part, FilePart) and part.is_image:
        return TextPart(f"[Image: {part.name}]\n\n")
    return part


def provider_of(model_id: str) -> str:
    """PROVIDER of PROVIDER/MODEL."""
    return model_id.partition("/")[0]


def _joined(earlier: Message, later: Message) -> Message:
    """Two questions as one, a blank line between their words; the files of both."""
    words = "\n\n".join(text for text in (earlier.text, later.text) if text)
    return replace(later, parts=(*earlier.files, *later.files, TextPart(words)), parent_id=earlier.parent_id)


def _portable(message: Message) -> Message:
    """Signatures and encrypted thoughts are refused by everybody but their maker; thoughts are the model's own."""
    return replace(
        message, parts=tuple(part for part in message.parts if not isinstance(part, OpaquePart | ReasoningPart))
    )
