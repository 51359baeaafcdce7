"""Any path can be mentioned and pasted, and no text can break the grammar."""

from __future__ import annotations

import shlex
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from chat_tui.core.conversation import FilePart
from chat_tui.core.files import attached_label, facts_label, kind_of, media_type_of, pixels_of, shown_name, text_of
from chat_tui.core.mentions import mention_of, mentions, open_mention, pasted_path

TEXTS = st.text(max_size=60) | st.text(alphabet="@\"'\\ \n./~ab\u2028", max_size=40)
PATHS = st.text(st.characters(exclude_characters="\0\n\r", exclude_categories=("Cs",)), min_size=1, max_size=40)


@given(TEXTS)
def test_no_text_is_an_error(text: str) -> None:
    assert all(mention.paths for mention in mentions(text))
    open_mention(text.split("\n")[0])
    pasted_path(text)


@given(PATHS, TEXTS)
def test_what_is_mentioned_is_read_back(path: str, around: str) -> None:
    if written := mention_of(path):
        assert path in [mention.paths[0] for mention in mentions(f"{around} {written} {around}")] or '"' in around


@given(PATHS)
def test_a_path_is_read_back_from_what_terminals_paste(name: str) -> None:
    path = f"/{name}".rstrip()
    assert pasted_path(shlex.quote(path)) == path
    assert pasted_path(f"file://{quote(path)}") == path


@given(st.binary(max_size=200) | st.sampled_from([b"\xff\xd8", b"RIFF1234WEBP", b"\x89PNG\r\n\x1a\n"]), st.binary())
def test_no_bytes_are_an_error(head: bytes, tail: bytes) -> None:
    data = head + tail
    kind_of(data)
    text_of(data)
    media_type = media_type_of(data)
    size = pixels_of(FilePart("x", media_type or "image/jpeg", data))
    assert size is None or min(size) > 0


@given(st.text(max_size=300), st.integers(8, 80))
def test_shown_names_fit(name: str, room: int) -> None:
    shown = shown_name(name, room)
    assert 0 < len(shown) <= max(room, len("a file without a name"))
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in shown)
    file = FilePart(name, "text/plain", b"")
    assert "\n" not in attached_label(file) + facts_label(file)
