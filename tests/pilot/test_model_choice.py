"""Choosing a model in the real application: names from the lists of last time, favourites that stay, aliases."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from chat_tui.config.model import Config, ProviderConfig
from chat_tui.providers import registry as registry_module
from chat_tui.providers.model_cache import ModelCache, server_mark
from chat_tui.providers.model_marks import MarkedModels
from chat_tui.ui.screens.models import ModelsScreen
from chat_tui.wire.base import ModelFacts
from tests.support.stage import Stage, stage
from tests.support.waiting import wait_until

NOBODY = "http://127.0.0.1:9/v1"
"""The discard port: nothing listens there."""

CONFIG = Config(providers={"mine": ProviderConfig(base_url=NOBODY)}, aliases={"quick": "mine/org/small"})


@pytest.fixture(autouse=True)
def no_probing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever listens on the usual ports of this machine is none of the tests' business."""
    monkeypatch.setattr(registry_module, "PROBED", ())


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A directory in which a list of three hours ago lies."""
    cache = ModelCache(tmp_path / "models", lambda: time.time() - 3 * 3600 - 60)
    cache.write(
        "mine", server_mark(NOBODY), (ModelFacts("org/small", context_tokens=8192), ModelFacts("org/large"))
    )
    return tmp_path


async def known(on: Stage) -> None:
    await wait_until(lambda: "mine/org/small" in on.session.known_models(), what="the lists of last time")


async def opened(on: Stage) -> ModelsScreen:
    await on.pilot.press("f2")
    await wait_until(lambda: "models · Enter" in on.screen_text, 10, "the picker")
    screen = on.app.screen
    assert isinstance(screen, ModelsScreen)
    return screen


async def test_tab_completes_a_model_of_last_time_and_enter_takes_it(state: Path) -> None:
    async with stage("demo/slow", state, config=CONFIG) as on:
        await known(on)
        await on.pilot.press(*"/model mine/org/s")
        assert "mine/org/small" in str(on.chat.prompt.border_subtitle)
        await on.pilot.press("tab", "enter")
        await wait_until(lambda: on.session.model_id == "mine/org/small")
        assert on.session.facts_of("mine/org/small") == ModelFacts("org/small", context_tokens=8192)


async def test_an_alias_is_taken_and_the_model_is_shown(state: Path) -> None:
    async with stage("demo/slow", state, config=CONFIG) as on:
        await known(on)
        await on.pilot.press(*"/model qu", "tab", "enter")
        await wait_until(lambda: on.session.model_id == "mine/org/small")
        await wait_until(lambda: "mine/org/small" in on.screen_text.split("\n")[0])


async def test_the_list_of_last_time_is_there_with_its_age_and_why_there_is_no_newer_one(state: Path) -> None:
    async with stage("demo/slow", state, config=CONFIG) as on:
        await opened(on)
        await wait_until(lambda: "refused the connection" in on.screen_text, 10)
        assert "mine  3 h ago" in on.screen_text
        await on.pilot.press(*"large", "enter")
        await wait_until(lambda: on.session.model_id == "mine/org/large")


async def test_a_favourite_is_one_in_the_next_window_too(state: Path) -> None:
    async with stage("demo/slow", state, config=CONFIG) as on:
        await opened(on)
        await on.pilot.press(*"org/large", "ctrl+t")
        await wait_until(lambda: MarkedModels(state / "models").read().favourites == ("mine/org/large",))
        await on.pilot.press("escape")
        await on.settle()
        assert on.session.model_id == "demo/slow"
    async with stage("demo/slow", state, config=CONFIG) as on:
        await opened(on)
        assert "★ mine/org/large" in on.screen_text


async def test_what_was_chosen_is_what_was_used_last(state: Path) -> None:
    async with stage("demo/slow", state, config=CONFIG) as on:
        await on.pilot.press(*"/model demo/cut", "enter")
        await wait_until(lambda: MarkedModels(state / "models").read().used[:1] == ("demo/cut",))
        await opened(on)
        rows = on.screen_text.split("\n")
        place = next(number for number, row in enumerate(rows) if "Used last" in row)
        assert "● demo/cut" in rows[place + 1]
