"""Files in a prompt: what mentions one, and what does not."""

from __future__ import annotations

import pytest

from chat_tui.core.mentions import Mention, OpenMention, mention_of, mentions, open_mention, pasted_path


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("@a.png", [("a.png",)]),
        ("Look at @a.png.", [("a.png.", "a.png")]),
        ('See @"my pics/a b.png", please', [("my pics/a b.png",)]),
        ("@a @b\n@c", [("a",), ("b",), ("c",)]),
        ("@a and @a again", [("a",)]),
        ("(what @~/x/y.md) says", [("~/x/y.md)", "~/x/y.md")]),
        ("me@example.org", []),
        ("a @ b", []),
        ('@""', []),
        ("@...", [("...",)]),
        ("@" + "x" * 5_000, []),
    ],
)
def test_mentions_of_a_text(text: str, paths: list[tuple[str, ...]]) -> None:
    assert [mention.paths for mention in mentions(text)] == paths


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("@", OpenMention(0, "")),
        ("see @src/a", OpenMention(4, "src/a")),
        ('see @"my pi', OpenMention(4, "my pi")),
        ('see @"', OpenMention(4, "")),
        ('see @"my pic"', None),
        ("me@exa", None),
        ("@a ", None),
        ("", None),
    ],
)
def test_the_mention_that_is_typed(line: str, found: OpenMention | None) -> None:
    assert open_mention(line) == found


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("a.png", "@a.png"),
        ("a b.png", '@"a b.png"'),
        ("a.", '@"a."'),
        ('a".png', ""),
        ("a\nb", ""),
        ("a\x1b", ""),
        ("a\u202eb", ""),
        ("", ""),
    ],
)
def test_how_a_path_is_mentioned(path: str, written: str) -> None:
    assert mention_of(path) == written
    if written:
        assert [mention.paths[0] for mention in mentions(f"see {written} now")] == [path]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/tmp/a.png", "/tmp/a.png"),
        (" /tmp/a.png \n", "/tmp/a.png"),
        ("/tmp/my photo.png", "/tmp/my photo.png"),
        (r"/tmp/my\ photo\(1\).png", "/tmp/my photo(1).png"),
        ("'/tmp/it'\\''s.png'", "/tmp/it's.png"),
        ('"/tmp/a b.png"', "/tmp/a b.png"),
        ("file:///tmp/a%20b.png", "/tmp/a b.png"),
        ("FILE://localhost/tmp/a.png", "/tmp/a.png"),
        ("~/a.png", "~/a.png"),
        ("./a.png", "./a.png"),
        (r"C:\Users\me\a b.png", r"C:\Users\me\a b.png"),
        ("a.png", ""),
        ("'/a.png' '/b.png'", ""),
        ("/tmp/a.png\n/tmp/b.png", ""),
        ("file://elsewhere/tmp/a.png", ""),
        ("file:///tmp/a%00b", ""),
        ("file:///tmp/a%0Ab", ""),
        ("'/tmp/a.png", ""),
        ("https://example.org/a.png", ""),
        ("'", ""),
        ("", ""),
        ("/" * 5_000, ""),
    ],
)
def test_a_pasted_path(text: str, path: str) -> None:
    assert pasted_path(text) == path


def test_a_mention_in_quotes_ends_where_they_do() -> None:
    assert Mention("a.", is_quoted=True).paths == ("a.",)
