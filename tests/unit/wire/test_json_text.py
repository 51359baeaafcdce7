"""JSON from strangers: nothing that cannot be written again gets in."""

from __future__ import annotations

import json

import pytest

from chat_tui.core.errors import MalformedEvent
from chat_tui.wire.json_text import (
    MAX_DEPTH,
    MAX_VALUES,
    PairJoiner,
    as_count,
    as_list,
    as_object,
    as_quantity,
    as_text,
    parse,
    parse_all,
    repaired,
    repaired_tree,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no JSON"),
        ("", "no JSON"),
        ("\ufeff{}", "no JSON"),
        ("1" * 5000, "too long"),
        ("[" * 100_000, "too deep"),
        ("[" * 300 + "]" * 300, "too deep"),
        ('{"a":' * 300 + "1" + "}" * 300, "too deep"),
    ],
)
def test_what_cannot_be_read_is_malformed(text: str, words: str) -> None:
    with pytest.raises(MalformedEvent, match=words) as raised:
        parse(text)
    assert len(raised.value.excerpt) <= 200
    assert parse_all(text) == []


def test_depth_is_bounded_exactly() -> None:
    padding = '"' + " " * 2 * MAX_DEPTH + '"'
    assert parse("[" * MAX_DEPTH + padding + "]" * MAX_DEPTH)
    with pytest.raises(MalformedEvent):
        parse("[" * (MAX_DEPTH + 1) + padding + "]" * (MAX_DEPTH + 1))


def test_many_brackets_side_by_side_are_not_deep() -> None:
    assert parse(json.dumps([{"a": []}] * 500)) == [{"a": []}] * 500


def test_no_endless_row_of_values() -> None:
    assert len(parse_all("[]" * 2 * MAX_VALUES)) == MAX_VALUES


def test_numbers_that_json_does_not_have_become_null() -> None:
    assert parse("[NaN, Infinity, -Infinity, 1e999, -1e999, 1.5]") == [None, None, None, None, None, 1.5]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", []),
        (" \n", []),
        (' {"a":1}\n{"b":2} and words', [{"a": 1}, {"b": 2}]),
        ("[1]\r\n\t[2]\n", [[1], [2]]),
        ("500 Internal Server Error", [500]),
        ('{"a":1}{"b":', [{"a": 1}]),
        ("words {}", []),
    ],
)
def test_all_values_of_a_text(text: str, values: list[object]) -> None:
    assert parse_all(text) == values


@pytest.mark.parametrize(
    ("value", "count"),
    [(0, 0), (7, 7), (7.0, 7), (7.5, None), (-1, None), (True, None), ("7", None), (None, None), (10**300, None),
     (1e300, None), ([], None)],
)  # fmt: skip
def test_counts(value: object, count: int | None) -> None:
    assert as_count(value) == count


@pytest.mark.parametrize(
    ("value", "quantity"),
    [(0, 0.0), (2.5, 2.5), (-0.1, None), (True, None), ("1", None), (10**400, None), (None, None)],
)
def test_quantities(value: object, quantity: float | None) -> None:
    assert as_quantity(value) == quantity


def test_shapes() -> None:
    assert as_object({"a": 1}) == {"a": 1}
    assert as_object([1]) is None
    assert as_list([1]) == [1]
    assert as_list({"a": 1}) == []
    assert as_text("a\udc00") == "a\ufffd"
    assert as_text(1) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [("plain", "plain"), ("ü😀", "ü😀"), ("\ud83d\ude00", "😀"), ("\ude00\ud83d", "\ufffd\ufffd"),
     ("a\ud83db", "a\ufffdb"), ("\ud83d\ud83d\ude00", "\ufffd😀")],
)  # fmt: skip
def test_repaired(text: str, expected: str) -> None:
    assert repaired(text) == expected


def test_a_tree_is_repaired_throughout() -> None:
    assert repaired_tree({"\ud800": ["\ud83d\ude00", {"a": "\udc00"}, 1, None]}) == {
        "\ufffd": ["😀", {"a": "\ufffd"}, 1, None]
    }


def test_a_split_pair_is_joined() -> None:
    joiner = PairJoiner()
    assert [joiner.join(piece) for piece in ("a\ud83d", "\ude00b", "ü")] == ["a", "😀b", "ü"]
    assert joiner.flush() == ""


def test_a_half_pair_is_never_lost() -> None:
    joiner = PairJoiner()
    assert [joiner.join(piece) for piece in ("\ud83d", "", "x\ud83d", "\ud83d")] == ["", "", "\ufffdx", "\ufffd"]
    assert joiner.flush() == "\ufffd"
    assert joiner.flush() == ""
