"""Files that go with a question: what is read, and what is said of what cannot be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chat_tui.core.conversation import FilePart
from chat_tui.core.mentions import PastedMentions
from chat_tui.session import attachments
from chat_tui.session.attachments import (
    MAX_IMAGE_BYTES,
    MAX_PDF_BYTES,
    MAX_TEXT_BYTES,
    AttachError,
    Attachment,
    check_all,
    gather,
    make_file,
    read_attachment,
    read_file,
    read_pasted,
)
from tests.support import images


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(path: str) -> str:
    with pytest.raises(AttachError) as caught:
        read_file(path)
    sentence = caught.value.sentence
    assert "\n" not in sentence
    assert "\x1b" not in sentence
    assert sentence.endswith(".")
    return sentence


def test_what_a_file_holds_says_what_it_is(here: Path) -> None:
    (here / "photo.txt").write_bytes(images.png(30, 20))
    (here / "notes.png").write_text("# Grüße\n", "utf-8")
    (here / "paper").write_bytes(b"%PDF-1.7\n")
    assert read_file("photo.txt").file == FilePart("photo.txt", "image/png", images.png(30, 20))
    assert read_file("notes.png").file == FilePart("notes.png", "text/plain", "# Grüße\n".encode())
    assert read_file("paper").file.media_type == "application/pdf"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_marked_text_becomes_plain_utf8(here: Path, encoding: str) -> None:
    (here / "a.py").write_text("x = 'é'\n", encoding)
    assert read_file("a.py").file == FilePart("a.py", "text/x-python", "x = 'é'\n".encode())


def test_below_here_the_way_is_part_of_the_name_elsewhere_not(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "src").mkdir()
    (here / "src" / "a.md").write_text("x")
    assert read_file("src/../src/a.md").file.name == "src/a.md"
    assert read_file("src/a.md").path == str(here / "src" / "a.md")
    monkeypatch.setenv("HOME", str(here))
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    assert read_file("~/src/a.md").file.name == "a.md"


def test_what_cannot_be_read_is_said(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "dir").mkdir()
    (here / "empty").touch()
    (here / "blank").write_text(" \n")
    (here / "zip.txt").write_bytes(b"PK\x03\x04rest\xff")
    (here / "data").write_bytes(b"\x00\x01\x02")
    os.mkfifo(here / "pipe")
    assert "There is no file “gone.png”. Looked for in" in refused("gone.png")
    assert "There is no file" in refused("empty/below.png")
    assert "is a directory" in refused("dir")
    assert "no regular file" in refused("pipe")
    assert "is empty" in refused("empty")
    assert "is blank" in refused("blank")
    assert "an archive or an Office document" in refused("zip.txt")
    assert "neither an image nor a text" in refused("data")
    assert "cannot be read" in refused("a\0b")
    assert "There is no file “␛[2Jx" in refused("\x1b[2Jx\n.png")
    assert "cannot be read" in refused("x" * 5_000)

    def forbid(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(attachments.os, "open", forbid)
    assert "may not be read" in refused("empty")


@pytest.mark.parametrize(
    ("head", "limit"),
    [(images.png(), MAX_IMAGE_BYTES), (b"%PDF-1.7\n", MAX_PDF_BYTES), (b"text", MAX_TEXT_BYTES)],
)
def test_each_kind_has_its_limit(here: Path, head: bytes, limit: int) -> None:
    path = here / "large"
    path.write_bytes(head + b"x" * (limit - len(head)))
    assert len(read_file("large").file.data) == limit
    with path.open("ab") as file:
        file.write(b"x" * 1_000_000)
    assert "is larger than the" in refused("large")


def test_an_archive_that_is_too_large_for_a_text_is_still_named(here: Path) -> None:
    (here / "a.zip").write_bytes(b"PK\x03\x04" + bytes(MAX_TEXT_BYTES))
    assert "archive" in refused("a.zip")


async def test_a_prompt_brings_what_it_mentions(here: Path) -> None:
    (here / "a.md").write_text("A")
    (here / "b c.md").write_text("B")
    held = Attachment(make_file("pasted.png", images.png()), "/elsewhere/pasted.png")
    files, _ = await gather('See @a.md, @"b c.md". @a.md again, @nobody, me@a.md and @.', [held])
    assert [file.name for file in files] == ["pasted.png", "a.md", "b c.md"]
    assert await gather("Nothing here", []) == ((), ())


async def test_a_mentioned_file_goes_once(here: Path) -> None:
    (here / "a.md").write_text("A")
    held = await read_attachment("a.md")
    assert [file.name for file in (await gather("@a.md @./a.md", [held])).files] == ["a.md"]
    asked_before = Attachment(make_file("a.md", b"as it was"))
    assert (await gather("@a.md", [asked_before])).files == (asked_before.file,), (
        "an edited question keeps its file"
    )


async def test_a_mention_that_was_pasted_is_named_and_not_read(here: Path) -> None:
    (here / "a.md").write_text("secret")
    pasted = PastedMentions()
    pasted.paste("error: see @a.md.")
    assert await gather("What is this? error: see @a.md. and @nobody", [], pasted.holds) == ((), ("a.md.",))
    pasted.name("a.md")
    pasted.name("a.md.")
    assert [file.name for file in (await gather("see @a.md.", [], pasted.holds)).files] == ["a.md"]


async def test_a_mentioned_file_that_cannot_go_stops_the_question(here: Path) -> None:
    (here / "data").write_bytes(b"\0")
    with pytest.raises(AttachError, match="data"):
        await gather("What is @data?", [])


async def test_too_much_is_too_much(here: Path) -> None:
    for number in range(21):
        (here / f"{number}.txt").write_text("x")
    with pytest.raises(AttachError, match="21 files"):
        await gather(" ".join(f"@{number}.txt" for number in range(21)), [])
    big = Attachment(FilePart("x", "image/png", bytes(MAX_IMAGE_BYTES)))
    check_all([big, big])
    with pytest.raises(AttachError, match="together"):
        check_all([big, big, big])


async def test_of_pasted_paths_only_images_are_attached(here: Path) -> None:
    (here / "a.png").write_bytes(images.png())
    (here / "a.md").write_text("A")
    os.mkfifo(here / "pipe.png")
    found = await read_pasted(str(here / "a.png"))
    assert found is not None
    assert found.file.media_type == "image/png"
    for name in ("a.md", "pipe.png", "gone.png", "", "\0", "x" * 5_000):
        assert await read_pasted(str(here / name) if name else str(here)) is None
