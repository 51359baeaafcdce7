"""Search: what is found, what it looks like, and that nothing typed is an error."""

from __future__ import annotations

import random
from base64 import b64encode
from pathlib import Path

import pytest

from chat_tui.core.conversation import FilePart, Message, Role, TextPart
from chat_tui.store.search import query_of
from tests.support.stores import chat, flushed, opened

PROBES = (
    *[
        "",
        " ",
        '"',
        "'",
        "c++",
        "it's",
        "foo-bar",
        "a.b",
        "$5",
        "AND",
        "OR",
        "NOT",
        "NEAR(",
        "*",
        "a*",
        "(",
        ")",
        "^a",
        "a:b",
        "words:x",
        "{",
        "}",
        "\\",
        "%",
        "_",
        "--",
        ";",
        "\x00",
        "\ud800",
        "a\x00b",
        "\U0001f642",
        "\xe9",
        "\u202e",
        "1 2 3",
        '""',
        '"a',
        'a"',
        "a AND",
        "a NOT b",
        "+",
        "-",
        "~",
        "|",
        "&",
        "=",
        "<x>",
        "[",
        "]",
    ],
)


@pytest.mark.parametrize(
    ("words", "title", "text", "is_found"),
    [
        ("hel", "", "Hello world", True),
        ("hello wor", "", "Hello world", True),
        ("world hel", "", "Hello world", True),
        ("ello", "", "Hello world", False),
        ("hello moon", "", "Hello world", False),
        ("tit", "Title", "", True),
        ("c++", "", "I like C++ a lot", True),
        ("it's", "", "it's so", True),
        ("foo-bar", "", "foo bar", True),
        ("uber", "", "Über uns", True),
        ("世界", "", "你好世界。", True),
        ("界世", "", "你好世界。", False),
        ("nul", "", "a\x00nul", True),
        ("\ud800 rest", "", "broken \ud800 rest", True),
    ],
)
async def test_what_is_found(tmp_path: Path, words: str, title: str, text: str, is_found: bool) -> None:
    with opened(tmp_path) as store:
        chat(store, text, title=title)
        assert bool(await store.search(words)) is is_found


async def test_hits_say_where(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        old = chat(store, "before " * 100 + "the needle\nis here " + "after " * 100)
        new = chat(store, "needle", "needles in the reply")
        titled = chat(store, "nothing", title="A needle")
        hits = await store.search("needle")
        assert [hit.row.id for hit in hits] == [titled, new, old]
        assert [hit.message_id for hit in hits] == [0, 2, 1]
        assert hits[2].snippet.startswith("…")
        for hit in hits:
            assert [hit.snippet[start:end].lower() for start, end in hit.spans] == ["needle"]
            assert "\n" not in hit.snippet
        assert len(await store.search("needle", 2)) == 2


@pytest.mark.parametrize("limit", [1, 4, 5, 6, 9, 12, 20])
async def test_titles_and_messages_together_are_at_most_as_many_as_are_asked_for(
    tmp_path: Path, limit: int
) -> None:
    with opened(tmp_path) as store:
        for number in range(12):
            chat(store, f"bread {number}", "and butter", title="About bread" if number < 5 else "About something")
        hits = await store.search("bread", limit)
        assert len(hits) == min(limit, 12)
        assert len({hit.row.id for hit in hits}) == len(hits)
        assert [hit.message_id == 0 for hit in hits] == [True] * min(limit, 5) + [False] * (len(hits) - 5)


async def test_the_index_follows_changes(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        conversation_id = chat(store, "alpha", title="beta")
        store.rename(conversation_id, "gamma")
        assert await store.search("beta") == []
        assert [hit.message_id for hit in await store.search("gamma")] == [0]


async def test_no_input_is_an_error(tmp_path: Path) -> None:
    chance = random.Random(4)
    alphabet = "ab \"'*():^-+.,{}[]\\%_\x00\ud800\udc00é世🙂\t\nANDORNEAR"
    with opened(tmp_path) as store:
        chat(store, "a b")
        for probe in PROBES:
            await store.search(probe)
        for _ in range(3000):
            await store.search("".join(chance.choices(alphabet, k=chance.randrange(12))), 5)


def test_words_are_quoted() -> None:
    assert query_of('say "hi" the') == '"say" AND """hi""" AND "the"*'
    assert query_of(' - "') == ""


async def test_files_are_in_no_index(tmp_path: Path) -> None:
    data = b"canary" * 1_000
    file = FilePart("photo.png", "image/png", data)
    with opened(tmp_path) as store:
        conversation_id = chat(store)
        store.put_message(conversation_id, Message(3, Role.USER, (file, TextPart("What is that?")), 2))
        flushed(store)
        assert [hit.message_id for hit in await store.search("that", 5)] == [3]
        assert await store.search(b64encode(data).decode()[:40], 5) == []
        (row,) = await store.search("that", 5)
        assert row.row.text_chars < 100
        assert (await store.load(conversation_id)).messages[-1].files == (file,)
