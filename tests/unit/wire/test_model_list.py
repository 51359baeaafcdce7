"""Listings of models: every shape, and what they tell."""

from __future__ import annotations

import json

import pytest

from chat_tui.core.errors import MalformedEvent
from chat_tui.wire.base import ModelFacts
from chat_tui.wire.model_list import MAX_LOOKED_AT, MAX_MODELS, read_models, usable


@pytest.mark.parametrize(
    ("listing", "names"),
    [
        ({"data": [{"id": "b"}, {"id": "a"}]}, ["b", "a"]),
        ([{"id": "x"}, {"name": "y"}, {"model": "z"}, {"key": "k"}, "plain"], ["x", "y", "z", "k", "plain"]),
        ({"models": [{"name": "m"}]}, ["m"]),
        ({"data": [{"id": "d"}], "models": [{"name": "m"}]}, ["d"]),
        ({"data": [{"id": "text-embedding-3"}, {"id": "gpt"}, {"id": "whisper-1"}]},
         ["text-embedding-3", "gpt", "whisper-1"]),
        ({"data": [{"id": "a"}, {"id": "a"}, {"id": ""}, {"id": 7}, None, {}]}, ["a"]),
        ({"data": [{"id": "evil\x1b[2J"}, {"id": "a\nb"}, {"id": "x" * 300}, {"id": "ok"}]}, ["ok"]),
        ({"data": "nonsense"}, []),
        ("nonsense", []),
        ({"data": [{"id": f"m{n}"} for n in range(3000)]}, [f"m{n}" for n in range(2000)]),
    ],
)  # fmt: skip
def test_every_shape_of_a_listing(listing: object, names: list[str]) -> None:
    assert [facts.name for facts in read_models(json.dumps(listing))] == names


def test_no_more_of_a_long_list_is_looked_at_than_is_shown() -> None:
    looked_at: list[str] = []

    def facts(name: str) -> ModelFacts:
        looked_at.append(name)
        return ModelFacts(name)

    assert len(usable(facts(f"m{number}") for number in range(100_000))) == MAX_MODELS
    assert len(looked_at) <= MAX_MODELS + 1
    looked_at.clear()
    assert usable(facts(f"\x1b{number}") for number in range(100_000)) == ()
    assert len(looked_at) == MAX_LOOKED_AT


def test_what_is_no_json_is_no_listing() -> None:
    with pytest.raises(MalformedEvent):
        read_models("{")


@pytest.mark.parametrize(
    ("item", "facts"),
    [
        ({"id": "m", "name": "The Model"}, ModelFacts("m", "The Model")),
        ({"id": "m", "name": "m", "object": "model"}, ModelFacts("m")),
        ({"id": "m", "display_name": "a\x1bb"}, ModelFacts("m", "a␛b")),
        ({"id": "m", "max_model_len": 4096}, ModelFacts("m", context_tokens=4096)),
        ({"id": "m", "meta": {"n_ctx": 8192, "n_ctx_train": 1}}, ModelFacts("m", context_tokens=8192)),
        ({"id": "m", "context_length": -1}, ModelFacts("m")),
        ({"id": "m", "architecture": {"input_modalities": ["text", "image", 7]}},
         ModelFacts("m", inputs=frozenset({"text", "image"}))),
        ({"id": "m", "capabilities": {"vision": False}}, ModelFacts("m", inputs=frozenset({"text"}))),
        ({"id": "m", "pricing": {"prompt": "0.000003", "completion": 0.000015, "input_cache_read": "x"}},
         ModelFacts("m", input_price=0.000003, output_price=0.000015)),
        ({"id": "m", "pricing": {"prompt": "-1", "completion": "nan"}}, ModelFacts("m")),
        ({"id": "text-embedding-3"}, ModelFacts("text-embedding-3", is_chat=False)),
    ],
)  # fmt: skip
def test_what_a_listing_tells_of_a_model(item: object, facts: ModelFacts) -> None:
    assert read_models(json.dumps([item])) == (facts,)
