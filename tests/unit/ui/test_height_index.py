"""The index of heights against a plain list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_tui.ui.widgets.height_index import HeightIndex

steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 9)),
        st.tuples(st.just("truncate"), st.integers(0, 40)),
        st.tuples(st.just("update"), st.integers(0, 9)),
    ),
    max_size=60,
)


@given(steps, st.data())
def test_it_is_a_list_with_sums(moves: list[tuple[str, int]], data: st.DataObject) -> None:
    index, model = HeightIndex(), list[int]()
    for move, value in moves:
        if move == "append":
            index.append(value)
            model.append(value)
        elif move == "truncate":
            index.truncate(value)
            del model[value:]
        elif model:
            at = data.draw(st.integers(0, len(model) - 1))
            index.update(at, value)
            model[at] = value
    assert [index[i] for i in range(len(index))] == model
    assert [index.top(i) for i in range(len(model) + 1)] == [sum(model[:i]) for i in range(len(model) + 1)]
    shown = [(at, row) for at, height in enumerate(model) for row in range(height)]
    assert [index.find(row) for row in range(index.total)] == shown
    for row in (-1, index.total):
        with pytest.raises(IndexError):
            index.find(row)
