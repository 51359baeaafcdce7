"""Lists of all providers: those of last time at once, those of now behind them, and no disk on the event loop."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path

import pytest

from chat_tui.config.model import Config, LocalConfig, PriceConfig, ProviderConfig
from chat_tui.core.cost import Prices, PriceSource
from chat_tui.core.errors import ConfigError
from chat_tui.providers import registry as registry_module
from chat_tui.providers.listing import ModelGroup
from chat_tui.providers.model_cache import ModelCache, server_mark
from chat_tui.providers.registry import ProviderRegistry
from chat_tui.wire.base import ModelFacts
from tests.support.clock import ManualClock
from tests.support.sse_server import HOLD, SseServer, json_response, reply

LISTED = {
    "data": [
        {"id": "org/a", "context_length": 1000, "pricing": {"prompt": "0.000003", "completion": "0.000015"}},
        {"id": "b"},
    ]
}
FAR = "https://far.example/v1"


@pytest.fixture(autouse=True)
def no_probing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever listens on the usual ports of this machine is none of the tests' business."""
    monkeypatch.setattr(registry_module, "PROBED", ())


def make(tmp_path: Path, config: Config | None = None, **base_urls: str) -> ProviderRegistry:
    providers = {name: ProviderConfig(base_url=url) for name, url in base_urls.items()}
    config = Config(providers=providers) if config is None else config
    return ProviderRegistry(config, {}, tmp_path, ManualClock())


def keep(tmp_path: Path, name: str, base_url: str, *models: ModelFacts, age_s: float = 7200.0) -> None:
    ModelCache(tmp_path / "models", lambda: time.time() - age_s).write(name, server_mark(base_url), models)


async def groups_of(registry: ProviderRegistry, only: str = "", **how: bool | float) -> list[ModelGroup]:
    found = [
        group
        async for group in registry.list_models(
            only, is_patient=bool(how.get("is_patient", False)), max_age_s=how.get("max_age_s", 0.0)
        )
        if group.provider not in ("local", "demo")
    ]
    await registry.aclose()
    return found


async def test_a_list_from_before_comes_first_and_a_new_one_takes_its_place(tmp_path: Path) -> None:
    async with SseServer() as server:
        server.route("/v1/models", json_response(LISTED))
        keep(tmp_path, "mine", server.base_url, ModelFacts("old"))
        old, new = await groups_of(make(tmp_path, mine=server.base_url))
        assert [model.id for model in old.models] == ["mine/old"]
        assert 7190 < time.time() - old.listed_at_s < 7300
        assert not old.is_final
        assert [model.id for model in new.models] == ["mine/org/a", "mine/b"]
        assert (new.listed_at_s, new.is_final) == (0.0, True)
        server.route("/v1/models", reply(HOLD))
        registry = make(tmp_path, mine=server.base_url)
        groups = registry.list_models()
        first = [await anext(groups) for _ in range(1)]
        assert [model.id for model in first[0].models] == ["mine/org/a", "mine/b"]
        await groups.aclose()
        await registry.aclose()


async def test_a_refresh_that_fails_leaves_the_list_with_the_reason(tmp_path: Path) -> None:
    async with SseServer() as server:
        server.play(json_response({"error": "no"}, 500))
        keep(tmp_path, "mine", server.base_url, ModelFacts("old"))
        _, failed = await groups_of(make(tmp_path, mine=server.base_url))
        assert "500 from" in failed.problem
        assert [model.id for model in failed.models] == ["mine/old"]
        assert failed.listed_at_s > 0
        assert failed.is_final


async def test_a_slow_list_is_said_to_be_slow_and_comes_later_for_the_patient(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat_tui.providers.listing.LIST_LIMIT_S", 0.05)
    async with SseServer() as server:
        gate = asyncio.Event()
        whole = json_response(LISTED).steps
        server.play(reply(gate, *whole))
        registry = make(tmp_path, mine=server.base_url)
        found: list[ModelGroup] = []
        async for group in registry.list_models("mine", is_patient=True):
            found.append(group)
            gate.set()
        assert "sent no list of models within 0.05 s" in found[0].problem
        assert [group.is_final for group in found] == [False, True]
        assert len(found[1].models) == 2
        await registry.aclose()
        gate.clear()
        (slow,) = await groups_of(make(tmp_path / "other", mine=server.base_url))
        assert slow.is_final
        assert not slow.models


async def test_a_fresh_list_is_not_asked_for_again_unless_it_is_of_this_machine(tmp_path: Path) -> None:
    async with SseServer() as server:
        server.route("/v1/models", json_response(LISTED))
        keep(tmp_path, "far", FAR, ModelFacts("known"), age_s=60)
        keep(tmp_path, "here", server.base_url, ModelFacts("known"), age_s=60)
        groups = await groups_of(make(tmp_path, far=FAR, here=server.base_url), max_age_s=3600.0)
        assert [(group.provider, group.is_final, len(group.models)) for group in groups] == [
            ("far", True, 1),
            ("here", False, 1),
            ("here", True, 2),
        ]
        assert len(server.requests) == 1


async def test_the_list_of_another_server_is_none(tmp_path: Path) -> None:
    async with SseServer() as server:
        server.route("/v1/models", json_response(LISTED))
        keep(tmp_path, "mine", FAR, ModelFacts("theirs"))
        registry = make(tmp_path, mine=server.base_url)
        registry.resolve("mine/x")
        await registry.listings.recall()
        assert registry.facts_of("mine/theirs") is None
        (new,) = await groups_of(registry)
        assert [model.id for model in new.models] == ["mine/org/a", "mine/b"]


async def test_only_one_provider_is_asked_when_it_is_named(tmp_path: Path) -> None:
    async with SseServer() as server:
        server.route("/v1/models", json_response(LISTED))
        registry = make(tmp_path, mine=server.base_url, other=server.base_url)
        assert [group.provider async for group in registry.list_models("demo")] == ["demo"]
        assert [group.provider for group in await groups_of(registry, "mine")] == ["mine"]
        assert len(server.requests) == 1
        with pytest.raises(ConfigError, match="no provider “mien”") as caught:
            registry.list_models("mien")
        assert caught.value.hint == "Did you mean mine?"


async def test_a_mistake_of_ours_with_one_provider_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = make(tmp_path, mine="http://127.0.0.1:9/v1")

    async def broken() -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(registry.lister("mine"), "list_models", broken)
    found = {group.provider: group async for group in registry.list_models()}
    await registry.aclose()
    assert found["mine"].problem == "chat-tui itself failed to list these models (RuntimeError)."
    assert found["demo"].models


async def test_nothing_is_read_or_written_on_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []
    for name in ("read_all", "write"):
        original = getattr(ModelCache, name)

        def noting(self: ModelCache, *args: object, original: object = original) -> object:
            threads.append(threading.current_thread())
            assert callable(original)
            return original(self, *args)

        monkeypatch.setattr(ModelCache, name, noting)
    async with SseServer() as server:
        server.route("/v1/models", json_response(LISTED))
        await groups_of(make(tmp_path, mine=server.base_url))
    assert len(threads) == 2
    assert threading.main_thread() not in threads


# -- what is known without asking ----------------------------------------------------------------------


async def test_facts_and_names_are_known_from_before_and_from_now(tmp_path: Path) -> None:
    async with SseServer() as server:
        server.route("/v1/models", json_response(LISTED))
        keep(tmp_path, "mine", server.base_url, ModelFacts("old", context_tokens=5))
        keep(tmp_path, "gone", FAR, ModelFacts("unconfigured"))
        registry = make(tmp_path, mine=server.base_url)
        assert registry.facts_of("mine/old") is None
        await registry.listings.recall()
        assert registry.facts_of("mine/old") == ModelFacts("old", context_tokens=5)
        known = registry.listings.known_ids()
        assert "mine/old" in known
        assert "demo/cut" in known
        assert "local/smollm2-135m" in known
        assert "gone/unconfigured" not in known
        await groups_of(registry)
        assert registry.facts_of("mine/old") is None
        facts = registry.facts_of("mine/org/a")
        assert facts is not None
        assert facts.context_tokens == 1000
        assert json.loads((tmp_path / "models" / "mine.json").read_bytes())["models"][0]["name"] == "org/a"


async def test_a_probed_server_is_known_and_shown_only_while_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_module, "PROBED", ("llamacpp",))
    monkeypatch.setenv("NO_PROXY", "*")
    async with SseServer() as server:
        server.route("/v1/models", json_response(LISTED))
        preset = registry_module.PRESETS["llamacpp"]
        from dataclasses import replace

        monkeypatch.setitem(registry_module.PRESETS, "llamacpp", replace(preset, base_url=server.base_url))
        assert [group.provider for group in await groups_of(make(tmp_path))] == ["llamacpp"]
    registry = make(tmp_path)
    await registry.listings.recall()
    assert "llamacpp/b" in registry.listings.known_ids()
    assert await groups_of(registry) == []


async def test_prices_are_the_configurations_else_the_lists(tmp_path: Path) -> None:
    async with SseServer() as server:
        server.route("/v1/models", json_response(LISTED))
        config = Config(
            providers={"mine": ProviderConfig(base_url=server.base_url)},
            aliases={"bee": "mine/b"},
            prices={"bee": PriceConfig(input=1.0, output=2.0, cached=0.5)},
        )
        registry = make(tmp_path, config)
        assert registry.prices_of("mine/org/a") is None
        await groups_of(registry)
        assert registry.prices_of("mine/org/a") == Prices(3.0, 15.0, None, PriceSource.LISTING)
        assert registry.prices_of("mine/b") == Prices(1.0, 2.0, 0.5, PriceSource.CONFIG)
        assert registry.prices_of("bee") == registry.prices_of("mine/b")
        assert registry.prices_of("mine/unknown") is None


def test_the_context_of_a_local_model_is_what_it_is_given(tmp_path: Path) -> None:
    registry = make(tmp_path, Config(local=LocalConfig(context_tokens=1234)))
    facts = registry.facts_of("local/anything")
    assert facts is not None
    assert (facts.context_tokens, facts.inputs) == (1234, frozenset({"text"}))


# -- aliases -------------------------------------------------------------------------------------------


def test_an_alias_is_resolved_wherever_a_model_is_named(tmp_path: Path) -> None:
    config = Config(aliases={"demo1": "demo/cut", "again": "demo1"})
    registry = make(tmp_path, config)
    provider, model = registry.resolve("again")
    assert (provider.name, model) == ("demo", "cut")
    assert registry.describe("again") == "cut · demo"
    assert registry.unaliased("again") == "demo/cut"
    assert registry.unaliased("demo/slow") == "demo/slow"


def test_a_name_that_is_nearly_an_alias_gets_a_hint(tmp_path: Path) -> None:
    registry = make(tmp_path, Config(aliases={"fast": "demo/cut"}))
    with pytest.raises(ConfigError, match="“fsat” is no model") as caught:
        registry.resolve("fsat")
    assert caught.value.hint == "Did you mean the alias fast?"


def test_an_alias_of_an_unknown_provider_says_what_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no provider “groc”"):
        make(tmp_path, Config(aliases={"fast": "groc/x"})).resolve("fast")
