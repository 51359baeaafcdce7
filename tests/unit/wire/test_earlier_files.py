"""Files of earlier questions, in every protocol: what is not taken any more is named, the question is asked."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from typing import get_args

import pytest

from chat_tui.config.model import ProtocolName
from chat_tui.core.conversation import ChatRequest, FilePart, Message, Role, TextPart
from chat_tui.core.errors import CannotSend
from chat_tui.wire.attachments import with_names
from chat_tui.wire.base import Quirks
from chat_tui.wire.protocols import protocol_of

PROTOCOLS = get_args(ProtocolName)
PHOTO = FilePart("photo.png", "image/png", b"\x89PNG pixels")
PAPER = FilePart("paper.pdf", "application/pdf", b"%PDF-1.7 pages")
ARCHIVE = FilePart("all.zip", "application/zip", b"PK bytes")
WITH_PDF = ("anthropic", "gemini", "gemini-interactions", "openai-responses", "openai-responses-websocket")
"""These have a form for PDF."""


def conversation(*files: FilePart) -> ChatRequest:
    """Two questions, the files with the first."""
    return ChatRequest(
        "m-1",
        (
            Message(1, Role.USER, (*files, TextPart("What is this?"))),
            Message(2, Role.ASSISTANT, (TextPart("A cat."),), 1, "other/m-1"),
            Message(3, Role.USER, (TextPart("Which breed?"),), 2),
        ),
    )


def written(name: str, request: ChatRequest, quirks: Quirks) -> str:
    return json.dumps(protocol_of(name).encode(request, quirks).body)


@pytest.mark.parametrize("can_see", [True, False])
@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_question_goes_out_whatever_an_earlier_one_had_with_it(name: str, can_see: bool) -> None:
    body = written(name, conversation(PHOTO, PAPER, ARCHIVE), Quirks(can_see=can_see))
    named = [file.name for file in (PHOTO, PAPER, ARCHIVE) if f"[Attached: {file.name}, {file.media_type}]" in body]
    takes_any = name == "ui-messages"
    takes_paper = takes_any or (can_see and name in WITH_PDF)
    assert ("photo.png" in named) is not can_see
    assert ("paper.pdf" in named) is not takes_paper
    assert ("all.zip" in named) is not takes_any
    assert body.index("What is this?") < body.index("Which breed?")


@pytest.mark.parametrize("name", PROTOCOLS)
def test_what_is_taken_is_sent_again(name: str) -> None:
    body = written(name, conversation(PHOTO), Quirks())
    assert b64encode(PHOTO.data).decode() in body
    assert "[Attached" not in body


@pytest.mark.parametrize("name", [name for name in PROTOCOLS if name != "ui-messages"])
def test_with_the_last_question_it_is_refused(name: str) -> None:
    request = ChatRequest("m-1", (Message(1, Role.USER, (ARCHIVE, TextPart("What is this?"))),))
    with pytest.raises(CannotSend, match=r"all\.zip"):
        protocol_of(name).encode(request, Quirks())


def test_a_file_without_words_is_its_name() -> None:
    question, *rest = conversation().messages
    question = replace(question, parts=(PHOTO, PAPER))
    first, *others = with_names((question, *rest), lambda file: file is PAPER)
    assert first.parts == (PAPER, TextPart("[Attached: photo.png, image/png]"))
    assert others == rest
