"""Full collections come when they are asked for, and only then."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from chat_tui.ui import heap


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Whatever a test does, the others find the collector as it was."""
    before = gc.get_threshold()
    yield
    heap.give_back()
    assert gc.isenabled()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


class _Node:
    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def full_collections() -> Iterator[list[int]]:
    """How many objects each found."""
    found: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "stop" and info["generation"] == 2:
            found.append(info["collected"])

    gc.callbacks.append(note)
    yield found
    gc.callbacks.remove(note)


def test_many_objects_bring_no_full_collection(full_collections: list[int]) -> None:
    heap.hold()
    assert not gc.isenabled()
    heap.release()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 1000
    kept = [[number] for number in range(600_000)]
    assert full_collections == []
    heap.tidy()
    assert len(full_collections) == 1
    assert gc.get_freeze_count() > len(kept)


def test_the_same_brings_some_without(full_collections: list[int]) -> None:
    kept = [[number] for number in range(600_000)]
    assert full_collections
    assert kept


def test_cycles_are_found_all_the_same() -> None:
    heap.hold()
    heap.release()
    young, old = _Node(), _Node()
    seen = [weakref.ref(young), weakref.ref(old)]
    del young
    gc.collect(1)
    assert seen[0]() is None
    del old
    heap.tidy()
    assert seen[1]() is None


def test_nothing_happens_to_a_process_that_is_not_ours() -> None:
    heap.release()
    heap.tidy()
    heap.give_back()
    assert gc.get_freeze_count() == 0


def test_holding_twice_gives_back_what_was_first() -> None:
    before = gc.get_threshold()
    heap.hold()
    heap.release()
    heap.hold()
    heap.give_back()
    assert gc.get_threshold() == before
