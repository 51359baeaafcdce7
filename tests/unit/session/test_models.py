"""Which model answers: by its name or an alias; what is known of it, and which ones are preferred."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from chat_tui.config.model import Config, PriceConfig
from chat_tui.core.cost import Prices
from chat_tui.core.errors import ConfigError
from chat_tui.providers.model_marks import MarkedModels
from chat_tui.providers.registry import ProviderRegistry
from chat_tui.session.session import ChatSession
from tests.support.clock import ManualClock

ALIASES = {"cut": "demo/cut", "again": "cut", "bad": "groc/x"}


def make(tmp_path: Path, model: str = "demo/slow") -> ChatSession:
    config = Config(aliases=ALIASES, prices={"cut": PriceConfig(input=1.0, output=2.0)})
    registry = ProviderRegistry(config, {}, tmp_path, ManualClock())
    return ChatSession(registry, model, clock=ManualClock())


def test_an_alias_is_the_model_it_stands_for(tmp_path: Path) -> None:
    assert make(tmp_path, "again").model_id == "demo/cut"
    session = make(tmp_path)
    session.switch_model("again")
    assert session.model_id == "demo/cut"
    assert session.is_demo
    with pytest.raises(ConfigError):
        session.switch_model("bad")
    assert session.model_id == "demo/cut"


def test_aliases_are_known_with_what_they_stand_for_in_the_end(tmp_path: Path) -> None:
    session = make(tmp_path)
    assert session.aliases == {"cut": "demo/cut", "again": "demo/cut", "bad": "groc/x"}
    assert session.known_models()[:3] == ("cut", "again", "bad")


def test_a_price_is_had_by_name_and_by_alias(tmp_path: Path) -> None:
    session = make(tmp_path)
    assert session.price_of("demo/cut") == session.price_of("again") == Prices(1.0, 2.0)
    assert session.price_of("demo/slow") is None
    assert session.facts_of("demo/slow") is None


async def test_the_model_that_is_prepared_is_the_one_used_last(tmp_path: Path) -> None:
    session = make(tmp_path)
    assert (await session.marks()).used == ()
    await session.prepare()
    assert (await session.marks()).used == ("demo/slow",)
    assert "demo/burst" in session.known_models()
    session.switch_model("cut")
    await session.prepare()
    assert set((await session.marks()).used) == {"demo/cut", "demo/slow"}
    await session.aclose()


async def test_a_model_that_cannot_be_used_is_not_remembered(tmp_path: Path) -> None:
    session = make(tmp_path, "groc/x")
    assert "no provider" in await session.prepare()
    assert (await session.marks()).used == ()


async def test_favourites_are_kept_off_the_event_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []
    read = MarkedModels.read

    def noting(self: MarkedModels) -> object:
        threads.append(threading.current_thread())
        return read(self)

    monkeypatch.setattr(MarkedModels, "read", noting)
    one, other = make(tmp_path), make(tmp_path)
    await one.set_favourite("a/b", is_favourite=True)
    await other.set_favourite("c/d", is_favourite=True)
    assert set((await one.marks()).favourites) == {"a/b", "c/d"}
    await other.set_favourite("a/b", is_favourite=False)
    assert (await one.marks()).favourites == ("c/d",)
    assert threads
    assert threading.main_thread() not in threads
