"""Conversations of every shape for property tests: any text, any tree, every kind of part and ending."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from chat_tui.core.conversation import (
    Ending,
    FilePart,
    Generation,
    Message,
    OpaquePart,
    Outcome,
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from chat_tui.core.cost import Cost, PriceSource
from chat_tui.core.errors import Fault, FaultKind
from chat_tui.core.events import FinishReason, Usage
from chat_tui.store.model import StoredConversation

ANY_CHARACTER = st.characters() | st.sampled_from("\0\ud83d\ude00😀\x1b\u202e\r\n\u2028é`<&")
TEXTS = st.text(ANY_CHARACTER, max_size=40)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False).map(lambda number: number + 0.0)  # no -0.0
MAYBE_NUMBERS = st.none() | NUMBERS
COUNTS = st.integers(0, 1 << 40)
MAYBE_COUNTS = st.none() | COUNTS
JSON_LEAVES = st.none() | st.booleans() | st.integers() | NUMBERS | TEXTS
JSON_DATA = st.recursive(
    JSON_LEAVES,
    lambda child: st.lists(child, max_size=4) | st.dictionaries(TEXTS, child, max_size=4),
    max_leaves=12,
)
PARTS = st.lists(
    st.builds(TextPart, TEXTS, st.booleans())
    | st.builds(ReasoningPart, TEXTS, MAYBE_NUMBERS)
    | st.builds(ToolCallPart, TEXTS, TEXTS, TEXTS, TEXTS, st.booleans())
    | st.builds(ToolResultPart, TEXTS, TEXTS)
    | st.builds(FilePart, TEXTS, TEXTS, st.binary(max_size=200))
    | st.builds(OpaquePart, TEXTS, JSON_DATA),
    max_size=4,
).map(tuple)


def faults(texts: st.SearchStrategy[str] = TEXTS) -> st.SearchStrategy[Fault]:
    """Faults whose words are `texts`."""
    return st.builds(
        Fault,
        st.sampled_from(FaultKind),
        texts,
        texts,
        texts,
        st.none() | st.integers(100, 599),
        texts,
        st.booleans(),
        MAYBE_NUMBERS,
        texts,
        texts,
    )


USAGES = st.builds(
    Usage, MAYBE_COUNTS, MAYBE_COUNTS, MAYBE_COUNTS, MAYBE_COUNTS, MAYBE_COUNTS, MAYBE_NUMBERS, MAYBE_NUMBERS
)
GENERATIONS = st.builds(
    Generation,
    MAYBE_NUMBERS,
    MAYBE_NUMBERS,
    MAYBE_COUNTS,
    st.none() | st.integers(-(1 << 62), 1 << 62),
    st.lists(TEXTS, max_size=3).map(tuple),
    st.none() | TEXTS,
)


def endings(texts: st.SearchStrategy[str] = TEXTS) -> st.SearchStrategy[Ending]:
    """Endings whose faults and reasons are in `texts`."""
    return st.builds(
        Ending,
        st.sampled_from(Outcome),
        st.sampled_from(FinishReason),
        st.none() | faults(texts),
        texts,
        COUNTS,
        st.booleans(),
        NUMBERS,
        MAYBE_NUMBERS,
        MAYBE_NUMBERS,
        st.none() | USAGES,
        gap_p95_s=MAYBE_NUMBERS,
        longest_gap_s=MAYBE_NUMBERS,
        stalls=COUNTS,
        charge=st.none() | st.builds(Cost, NUMBERS, st.sampled_from(PriceSource), st.booleans()),
    )


def messages(texts: st.SearchStrategy[str] = TEXTS) -> st.SearchStrategy[Message]:
    """One message of any kind; names of models, reasons and faults are `texts`."""
    ids = st.integers(1, (1 << 63) - 1)
    return st.builds(
        Message,
        ids,
        st.sampled_from(Role),
        PARTS,
        st.none() | ids,
        texts,
        st.none() | endings(texts),
        created_at_s=NUMBERS,
        generation=st.none() | GENERATIONS,
    )


@st.composite
def conversations(
    draw: st.DrawFn, texts: st.SearchStrategy[str] = TEXTS, *, max_messages: int = 8
) -> StoredConversation:
    """A conversation with a tree of any shape; all names and faults are `texts`."""
    tree: list[Message] = []
    for message in draw(st.lists(messages(texts), max_size=max_messages, unique_by=lambda one: one.id)):
        parent = draw(st.none() | st.sampled_from(tree)) if tree else None
        tree.append(replace(message, parent_id=parent and parent.id))
    tip = draw(st.none() | st.sampled_from(tree)) if tree else None
    return StoredConversation(
        id=f"{draw(st.integers(0, (1 << 128) - 1)):032x}",
        title=draw(texts),
        is_title_own=draw(st.booleans()),
        is_pinned=draw(st.booleans()),
        created_at_s=draw(NUMBERS),
        updated_at_s=draw(NUMBERS),
        model=draw(texts),
        tip_id=tip and tip.id,
        messages=tuple(tree),
    )
