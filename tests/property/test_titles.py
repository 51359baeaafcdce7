"""Whatever a model replies, its title can be shown; whatever a copy is copied from, it has a name of its own."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from chat_tui.core.sanitize import clean_line
from chat_tui.session.journal import MAX_TITLE_CHARS
from chat_tui.session.titles import TITLE_CELLS, copy_title, title_from
from tests.support.payloads import PAYLOADS

PIECES = st.one_of(
    st.text(max_size=20),
    st.text(st.characters(), max_size=20),
    st.sampled_from(
        [
            "Title: ", "**", "“", "”", '"', "'", "# ", "- ", "1. ", "`", "<think>", "</think>", "\n", "\r\n", ".",
            "…", "_", "word ", "two words ", "東京", "👩\u200d💻", "é", "[a](b)", "<title>", ":", " ", "\t",
            "\x1b[2J", "\u202e", "\ud800",
        ]
    ),
    st.sampled_from([payload.text for payload in PAYLOADS]),
)  # fmt: skip
REPLIES = st.lists(PIECES, max_size=30).map("".join)
WORDS = st.lists(
    st.text("abcdefgäöüßжш", min_size=3, max_size=8).filter(lambda word: word.isalpha()), min_size=2, max_size=6
).map(" ".join)


@settings(max_examples=500, deadline=None)
@given(REPLIES)
@example("a" * 60 + " b")
@example("無" * 31)
@example("x" + "👩\u200d💻" * 30)
def test_a_title_is_one_clean_short_line_or_nothing(reply: str) -> None:
    title = title_from(reply)
    assert title == clean_line(title)
    assert cell_len(title) <= TITLE_CELLS
    assert not title or any(map(str.isalnum, title))
    assert not title.endswith((".", "。", ":", " ")) or title.endswith("...")
    assert not (title.startswith(("“", "#")) and title.endswith("”"))
    assert "\x1b" not in title
    assert "␛" not in title


@settings(deadline=None)
@given(
    WORDS,
    st.sampled_from(["", "Title: ", "# ", "**Title:** ", "- ", "Here you are:\n\n", "<think>hm</think>\n"]),
    st.sampled_from([("", ""), ("“", "”"), ('"', '"'), ("**", "**"), ("`", "`"), ("*“", "”*")]),
    st.sampled_from(["", ".", "\n", "\n\nIs that good?", " \t"]),
)
def test_what_models_put_around_a_title_is_taken_off(
    words: str, before: str, marks: tuple[str, str], after: str
) -> None:
    assert title_from(f"{before}{marks[0]}{words}{marks[1]}{after}") == words


@settings(deadline=None)
@given(
    st.text(max_size=220).filter(str.strip),
    st.lists(st.text(max_size=12), max_size=3),
    st.lists(st.integers(0, 100), min_size=1, max_size=20),
)
@example("x" * 200, [], [0, 0, 1])
def test_copies_and_copies_of_copies_have_names_of_their_own(
    title: str, others: list[str], origins: list[int]
) -> None:
    family, taken = [title], [title, *others]
    for origin in origins:
        copy = copy_title(family[origin % len(family)], taken)
        assert copy not in taken
        assert len(copy) <= MAX_TITLE_CHARS
        assert copy.count("(2)") <= title.count("(2)") + 1
        family.append(copy)
        taken.append(copy)
