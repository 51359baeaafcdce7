"""Joining a continuation: what is repeated is cut, nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_tui.core.continuation import OVERLAP_MIN_CHARS, OverlapTrimmer, continuation_prompt

PARTIAL = "Server-sent events keep one response open, and the browser reconnects by"


def _join(partial: str, pieces: list[str]) -> str:
    trimmer = OverlapTrimmer(partial)
    return partial + "".join([*(trimmer.feed(piece) for piece in pieces), trimmer.flush()])


@pytest.mark.parametrize(
    ("reply", "joined"),
    [
        (" itself.", f"{PARTIAL} itself."),
        ("browser reconnects by itself.", f"{PARTIAL} itself."),
        (PARTIAL + " itself.", f"{PARTIAL} itself."),
        ("by itself.", f"{PARTIAL}by itself."),
        ("", PARTIAL),
    ],
)
def test_known_joins(reply: str, joined: str) -> None:
    for size in (1, 2, 7, 100):
        assert _join(PARTIAL, [reply[i : i + size] for i in range(0, len(reply), size)]) == joined


@given(st.text(min_size=OVERLAP_MIN_CHARS, max_size=300), st.text(max_size=60), st.data())
def test_a_repeated_end_is_never_doubled_and_nothing_is_lost(partial: str, rest: str, data: st.DataObject) -> None:
    length = data.draw(st.integers(OVERLAP_MIN_CHARS, len(partial)))
    reply = partial[-length:] + rest
    sizes = data.draw(st.lists(st.integers(1, 20), max_size=60))
    pieces: list[str] = []
    for size in sizes:
        pieces.append(reply[:size])
        reply = reply[size:]
    joined = _join(partial, [*pieces, reply])
    assert joined.startswith(partial)
    assert joined.endswith(rest)
    assert len(joined) <= len(partial) + len(rest)


@given(st.text(max_size=80), st.lists(st.text(max_size=9)))
def test_without_a_repetition_the_text_is_the_text(partial: str, pieces: list[str]) -> None:
    joined = _join(partial, pieces)
    reply = "".join(pieces)
    assert joined == partial + reply or (len(reply) >= OVERLAP_MIN_CHARS and joined.endswith(reply[-1:]))


def test_the_prompt_quotes_the_end() -> None:
    assert PARTIAL[-40:] in continuation_prompt(PARTIAL)
