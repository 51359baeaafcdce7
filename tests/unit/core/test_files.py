"""What a file is, by its content."""

from __future__ import annotations

import pytest

from chat_tui.core.conversation import FilePart
from chat_tui.core.files import (
    HEAD_BYTES,
    attached_label,
    facts_label,
    kind_of,
    media_type_of,
    pixels_of,
    shown_name,
    size_label,
    text_of,
    text_type_of,
)
from tests.support import images

IMAGES = [
    ("image/png", images.png(1200, 800)),
    ("image/jpeg", images.jpeg(1200, 800)),
    ("image/gif", images.gif(1200, 800)),
    ("image/webp", images.webp(b"VP8X", 1200, 800)),
    ("image/webp", images.webp(b"VP8L", 1200, 800)),
    ("image/webp", images.webp(b"VP8 ", 1200, 800)),
]


@pytest.mark.parametrize(("media_type", "data"), IMAGES)
def test_an_image_is_known_by_its_head_and_tells_its_size(media_type: str, data: bytes) -> None:
    assert media_type_of(data[:HEAD_BYTES]) == media_type
    assert pixels_of(FilePart("x", media_type, data)) == (1200, 800)


@pytest.mark.parametrize(("media_type", "data"), IMAGES)
def test_what_is_cut_off_has_no_size_or_the_right_one(media_type: str, data: bytes) -> None:
    for end in range(len(data)):
        assert pixels_of(FilePart("x", media_type, data[:end])) in (None, (1200, 800))


def test_the_size_of_a_jpeg_stands_behind_its_thumbnail() -> None:
    thumbnail = images.jpeg(16, 16)
    segment = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    assert pixels_of(FilePart("x", "image/jpeg", images.jpeg(640, 480, before=segment + b"\xff"))) == (640, 480)


def test_segments_without_end_are_not_followed_for_ever() -> None:
    data = b"\xff\xd8" + b"\xff\xe1\x00\x00" * 100_000
    assert pixels_of(FilePart("x", "image/jpeg", data)) is None


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x00\x00\x00\x18ftypheic", "a HEIC image"),
        (b"\x00\x00\x00\x18ftypmp42", "a video or sound"),
        (b"PK\x03\x04", "an archive or an Office document"),
        (b"\x7fELF", "a program"),
        (b"\x00\x01", ""),
    ],
)
def test_what_cannot_go_has_a_name(head: bytes, kind: str) -> None:
    assert kind_of(head) == kind
    assert media_type_of(head) == ""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_is_what_can_be_read(encoding: str) -> None:
    assert text_of("Grüße 猫\n".encode(encoding)) == "Grüße 猫\n"


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"caf\xe9", b"a\0b", "a\0".encode("utf-16")])
def test_all_else_is_none(data: bytes) -> None:
    assert text_of(data) is None


def test_a_text_has_the_type_of_its_name() -> None:
    assert text_type_of("a/b.PY") == "text/x-python"
    assert text_type_of("Makefile") == text_type_of("") == "text/plain"


@pytest.mark.parametrize(
    ("size_bytes", "label"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1 kB"), (340_400, "340 kB"), (999_499, "999 kB"), (999_500, "1.0 MB")],
)
def test_sizes(size_bytes: int, label: str) -> None:
    assert size_label(size_bytes) == label


def test_names_are_harmless_and_keep_their_end() -> None:
    hostile = FilePart("a\x1b]0;x\x07\n\u202egnp.exe", "text/plain\x1b", b"x")
    for label in (shown_name(hostile.name), attached_label(hostile)):
        assert not set(label) & set("\x1b\x07\n\u202e")
    long = shown_name("a" * 100 + "/picture.png", 20)
    assert len(long) == 20
    assert long.endswith("cture.png")
    assert shown_name("") == "a file without a name"


def test_labels() -> None:
    assert facts_label(FilePart("x", "image/gif", images.gif(2, 3) + bytes(1_000))) == "2×3 · 1 kB"
    assert facts_label(FilePart("x", "application/pdf", b"%PDF-")) == "PDF · 5 B"
    assert facts_label(FilePart("x", "text/plain", b"hello")) == "5 B"
    assert attached_label(FilePart("a.txt", "text/plain", b"hello")) == "a.txt (text/plain, 5 B)"
