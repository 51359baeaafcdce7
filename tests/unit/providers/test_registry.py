"""From PROVIDER/MODEL to a provider: names, keys, addresses, and what can be chosen."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from chat_tui.config.model import Config, ProviderConfig
from chat_tui.core.conversation import ChatRequest, Message, Role, TextPart
from chat_tui.core.errors import ConfigError
from chat_tui.core.events import Failed, Finished
from chat_tui.providers import registry as registry_module
from chat_tui.providers.listing import ModelGroup
from chat_tui.providers.presets import PRESETS
from chat_tui.providers.registry import ProviderRegistry
from chat_tui.providers.served import ServedProvider
from chat_tui.providers.servers import server_from
from chat_tui.wire.protocols import protocol_of
from tests.support.clock import ManualClock
from tests.support.sse_server import HOLD, SseServer, answer, json_response, reply

KEY = "sk-canary-0123456789abcdef"
HERE = "http://127.0.0.1:9/v1"
MINE = "https://mine.test/v1"
QUESTION = ChatRequest("m", (Message(1, Role.USER, (TextPart("Hi"),)),))


@pytest.fixture(autouse=True)
def no_probing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever listens on the usual ports of this machine is none of the tests' business."""
    monkeypatch.setattr(registry_module, "PROBED", ())


def make(tmp_path: Path, environ: dict[str, str] | None = None, **providers: ProviderConfig) -> ProviderRegistry:
    return ProviderRegistry(Config(providers=providers), environ or {}, tmp_path, ManualClock())


async def groups_of(registry: ProviderRegistry) -> dict[str, ModelGroup]:
    return {group.provider: group async for group in registry.list_models()}


# -- resolving -----------------------------------------------------------------------------------


def test_a_model_name_may_have_slashes(tmp_path: Path) -> None:
    registry = make(tmp_path, mine=ProviderConfig(base_url=HERE))
    provider, model = registry.resolve("mine/org/model:7b")
    assert (provider.name, model) == ("mine", "org/model:7b")
    assert isinstance(provider, ServedProvider)


def test_a_provider_is_made_once_and_a_local_model_is_one_of_its_own(tmp_path: Path) -> None:
    registry = make(tmp_path, mine=ProviderConfig(base_url=HERE))
    assert registry.resolve("mine/a")[0] is registry.resolve("mine/b")[0]
    assert registry.resolve("demo/cut")[0] is registry.resolve("demo/slow")[0]
    assert registry.resolve("local/a")[0] is registry.resolve("local/a")[0]
    assert registry.resolve("local/a")[0] is not registry.resolve("local/b")[0]
    assert registry.resolve("demo/cut")[0].is_demo


@pytest.mark.parametrize("preset", ["ollama", "lmstudio", "llamacpp", "vllm"])
def test_servers_on_this_machine_need_no_key(tmp_path: Path, preset: str) -> None:
    assert make(tmp_path).resolve(f"{preset}/x")[0].label == PRESETS[preset].label


@pytest.mark.parametrize(
    ("name", "config", "environ", "path"),
    [
        ("openai", ProviderConfig(), {}, "/v1/responses"),
        ("openai", ProviderConfig(base_url="https://api.openai.com/v1/"), {}, "/v1/responses"),
        ("openai", ProviderConfig(base_url=MINE), {}, "/v1/chat/completions"),
        ("openai", ProviderConfig(base_url=MINE, protocol="openai-responses"), {}, "/v1/responses"),
        ("openai", ProviderConfig(protocol="openai-chat"), {}, "/v1/chat/completions"),
        ("openai", ProviderConfig(), {"OPENAI_BASE_URL": MINE}, "/v1/chat/completions"),
        ("openai", ProviderConfig(), {"OPENAI_BASE_URL": "https://api.openai.com/v1"}, "/v1/responses"),
        ("xai", ProviderConfig(), {}, "/v1/responses"),
        ("xai", ProviderConfig(base_url=MINE), {}, "/v1/chat/completions"),
        ("anthropic", ProviderConfig(base_url=MINE), {}, "/v1/messages"),
    ],
)
def test_a_server_in_the_place_of_a_vendors_is_a_compatible_one(
    name: str, config: ProviderConfig, environ: dict[str, str], path: str
) -> None:
    keys = {"OPENAI_API_KEY": KEY, "XAI_API_KEY": KEY, "ANTHROPIC_API_KEY": KEY}
    server = server_from(name, config, keys | environ)
    wire = protocol_of(server.protocol).encode(QUESTION, server.quirks)
    assert f"/v1{wire.path}" == path


def test_a_preset_takes_its_key_from_its_variable(tmp_path: Path) -> None:
    provider, model = make(tmp_path, {"OPENROUTER_API_KEY": KEY}).resolve("openrouter/org/model")
    assert (provider.label, model) == ("OpenRouter", "org/model")
    assert KEY not in repr(provider)


@pytest.mark.parametrize("model_id", ["", "gpt", "/", "openai/", "/x", "  ", "\x1b[31mred"])
def test_what_is_no_model_is_told_how_to_write_one(tmp_path: Path, model_id: str) -> None:
    with pytest.raises(ConfigError, match="it takes PROVIDER/MODEL") as caught:
        make(tmp_path).resolve(model_id)
    assert "\x1b" not in caught.value.sentence


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("gpt", "For example local/smollm2-135m, or openai/gpt."),
        ("ollama", "For example ollama/MODEL; chat-tui models ollama lists them."),
        ("openai/", "For example openai/MODEL; chat-tui models openai lists them."),
    ],
)
def test_what_is_no_model_gets_an_example_that_is_one(tmp_path: Path, typed: str, hint: str) -> None:
    registry = ProviderRegistry(Config(model=typed), {}, tmp_path, ManualClock())
    with pytest.raises(ConfigError) as caught:
        registry.resolve(typed)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("opnai", "openai"), ("Ollama", "ollama"), ("mien", "mine"), ("locl", "local"), ("demos", "demo")],
)
def test_an_unknown_provider_gets_the_nearest_name(tmp_path: Path, name: str, nearest: str) -> None:
    registry = make(tmp_path, mine=ProviderConfig(base_url=HERE))
    with pytest.raises(ConfigError, match=f"no provider “{name}”") as caught:
        registry.resolve(f"{name}/x")
    assert caught.value.hint == f"Did you mean {nearest}/x?"


def test_a_provider_like_no_other_gets_the_whole_list(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        make(tmp_path).resolve("zzzzzzzz/x")
    assert caught.value.hint.startswith("Known are local, demo, openai,")


REFUSED: list[tuple[ProviderConfig, dict[str, str], str]] = [
    (ProviderConfig(), {}, "has no base_url"),
    (ProviderConfig(base_url="ftp://x"), {}, "does not begin with http"),
    (ProviderConfig(base_url=HERE, api_key_env="MINE_KEY"), {}, "needs a key, and MINE_KEY is not set"),
    (ProviderConfig(base_url=HERE, api_key_env="MINE_KEY"), {"MINE_KEY": " "}, "MINE_KEY is empty"),
    (ProviderConfig(base_url=HERE, api_key_env="MINE_KEY"), {"MINE_KEY": f"{KEY} x"}, "white space"),
    (ProviderConfig(base_url="http://far.example", api_key_env="MINE_KEY"), {"MINE_KEY": KEY}, "unencrypted"),
    (ProviderConfig(base_url="http://far.example", api_key_command="pass x"), {}, "unencrypted"),
    (ProviderConfig(base_url="http://far.example", headers={"api-key": "${K}"}), {"K": KEY}, "unencrypted"),
    (ProviderConfig(base_url=HERE, headers={"X": "${K}"}), {}, "K, which is not set"),
    (ProviderConfig(base_url=HERE, api_key_command="pass 'x"), {}, "quote"),
    (ProviderConfig(base_url=HERE, api_key_keyring="only-one"), {}, "must be SERVICE/USER"),
    (ProviderConfig(base_url=HERE, api_key_keyring="a/b", api_key_env="K"), {"K": KEY}, "says twice where its key"),
    (ProviderConfig(base_url="http://far.example", api_key_keyring="a/b"), {}, "unencrypted"),
]


@pytest.mark.parametrize(("config", "environ", "reason"), REFUSED)
def test_configurations_that_cannot_be_used(
    tmp_path: Path, config: ProviderConfig, environ: dict[str, str], reason: str
) -> None:
    registry = make(tmp_path, environ, mine=config)
    with pytest.raises(ConfigError, match=reason) as caught:
        registry.resolve("mine/x")
    assert "canary" not in caught.value.sentence
    assert registry.describe("mine/x") == "mine/x"


def test_a_cloud_preset_without_its_key_says_which_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="OPENAI_API_KEY is not set") as caught:
        make(tmp_path).resolve("openai/gpt")
    assert "export OPENAI_API_KEY=" in caught.value.hint


OFFICIAL: list[tuple[str, dict[str, str], str]] = [
    ("openai", {"OPENAI_API_KEY": "sk-ant-canary-0123456789"}, "looks like one of Anthropic's, and OpenAI"),
    ("openai", {"OPENAI_API_KEY": "sk-or-v1-canary-0123456789"}, "OpenRouter's"),
    ("anthropic", {"ANTHROPIC_API_KEY": "sk-proj-canary-0123456789"}, "OpenAI's"),
    ("gemini", {"GOOGLE_API_KEY": "gsk_canary0123456789"}, "key in GOOGLE_API_KEY looks like one of Groq's"),
    ("mistral", {"MISTRAL_API_KEY": "AIzacanary0123456789"}, "Gemini's"),
    ("groq", {"GROQ_API_KEY": "xai-canary-0123456789"}, "xAI's"),
    ("gemini", {}, "GEMINI_API_KEY or GOOGLE_API_KEY is not set"),
    ("azure", {"AZURE_OPENAI_API_KEY": KEY}, r"\[providers.azure\] has no base_url"),
    ("azure", {"AZURE_OPENAI_API_KEY": KEY, "AZURE_OPENAI_ENDPOINT": "http://me.test"}, "unencrypted to me.test"),
    ("openai", {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "http://me.test/v1"}, "address in OPENAI_BASE_URL would"),
    ("ollama", {"OLLAMA_HOST": "a b"}, "OLLAMA_HOST has white space"),
    ("ollama", {"OLLAMA_HOST": "box:port"}, "OLLAMA_HOST (is no URL|names no host)"),
]


@pytest.mark.parametrize(("name", "environ", "reason"), OFFICIAL)
def test_what_is_wrong_in_the_environment(tmp_path: Path, name: str, environ: dict[str, str], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        make(tmp_path, environ).resolve(f"{name}/x")
    assert "canary" not in caught.value.sentence


def test_a_gateway_may_want_any_key(tmp_path: Path) -> None:
    environ = {"OPENAI_API_KEY": "sk-or-v1-canary", "OPENAI_BASE_URL": "https://openrouter.ai/api/v1"}
    assert make(tmp_path, environ).resolve("openai/x")[0].label == "OpenAI"


def test_a_kept_key_goes_to_no_address_that_only_a_variable_names(tmp_path: Path) -> None:
    environ = {"OPENAI_BASE_URL": "https://evil.test/v1"}
    kept = ProviderConfig(api_key_command="pass openai")
    with pytest.raises(ConfigError, match=r"OPENAI_BASE_URL would get the key that api_key_command"):
        make(tmp_path, environ, openai=kept).resolve("openai/x")
    said = ProviderConfig(api_key_command="pass openai", base_url="https://evil.test/v1")
    assert make(tmp_path, environ, openai=said).resolve("openai/x")[0].name == "openai"
    usual = {"OPENAI_BASE_URL": "https://api.openai.com/v1/"}
    assert make(tmp_path, usual, openai=kept).resolve("openai/x")[0].name == "openai"


def test_plain_http_to_another_machine_is_allowed_by_saying_so(tmp_path: Path) -> None:
    config = ProviderConfig(base_url="http://far.example/v1", api_key_env="MINE_KEY", allow_plain_http=True)
    assert make(tmp_path, {"MINE_KEY": KEY}, mine=config).resolve("mine/x")[0].name == "mine"
    refused = ProviderConfig(base_url="http://far.example/v1", api_key_env="MINE_KEY")
    with pytest.raises(ConfigError, match="unencrypted") as caught:
        make(tmp_path, {"MINE_KEY": KEY}, mine=refused).resolve("mine/x")
    assert "allow_plain_http = true in [providers.mine]" in caught.value.hint


def test_which_presets_have_their_key_set(tmp_path: Path) -> None:
    environ = {"OPENAI_API_KEY": KEY, "GOOGLE_API_KEY": KEY, "GROQ_API_KEY": " ", "LM_API_TOKEN": KEY}
    found = make(tmp_path, environ).keyed()
    assert found == (("openai", "OpenAI", "OPENAI_API_KEY"), ("gemini", "Gemini", "GOOGLE_API_KEY"))
    both = make(tmp_path, {"GOOGLE_API_KEY": KEY, "GEMINI_API_KEY": KEY}).keyed()
    assert both == (("gemini", "Gemini", "GEMINI_API_KEY"),)


async def test_the_key_of_azure_has_a_header_of_its_own(tmp_path: Path) -> None:
    async with SseServer() as server:
        environ = {"AZURE_OPENAI_API_KEY": KEY, "AZURE_OPENAI_ENDPOINT": server.url}
        headers = await sent_headers(make(tmp_path, environ), server, "azure/deployment")
        assert server.requests[-1].path == "/openai/v1/chat/completions"
    assert headers["api-key"] == KEY
    assert "authorization" not in headers


@pytest.mark.parametrize(
    ("environ", "hint"),
    [
        ({}, "Set it before you start chat-tui: export OPENAI_API_KEY=…"),
        ({"OPENAI_KEY": KEY}, "OPENAI_KEY is set: did you mean that to be OPENAI_API_KEY?"),
        ({"OPEN_AI_API_KEY": KEY}, "OPEN_AI_API_KEY is set: did you mean that to be OPENAI_API_KEY?"),
        ({"OPENAI_KEY": " ", "PATH": "/bin"}, "Set it before you start chat-tui: export OPENAI_API_KEY=…"),
    ],
)
def test_a_key_under_another_name_is_found(tmp_path: Path, environ: dict[str, str], hint: str) -> None:
    with pytest.raises(ConfigError, match=r"^OpenAI needs a key, and OPENAI_API_KEY is not set") as caught:
        make(tmp_path, environ).resolve("openai/gpt")
    assert caught.value.hint == hint


async def sent_headers(registry: ProviderRegistry, server: SseServer, model_id: str) -> dict[str, str]:
    server.play(answer("Hi"))
    provider, model = registry.resolve(model_id)
    request = ChatRequest(model, (Message(1, Role.USER, (TextPart("Hello"),)),))
    arrivals = [arrival async for arrival in provider.stream(request)]
    assert isinstance(arrivals[-1].events[-1], Finished)
    await registry.aclose()
    return server.requests[-1].headers


async def test_everything_configured_reaches_the_server(tmp_path: Path) -> None:
    async with SseServer() as server:
        config = ProviderConfig(
            base_url=f"{server.base_url}/", api_key_env="MINE_KEY", headers={"X-Team": "${TEAM}"}
        )
        registry = make(tmp_path, {"MINE_KEY": f" {KEY}\n", "TEAM": "a"}, mine=config)
        headers = await sent_headers(registry, server, "mine/m")
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["x-team"] == "a"


async def test_a_key_command_is_used(tmp_path: Path) -> None:
    async with SseServer() as server:
        config = ProviderConfig(base_url=server.base_url, api_key_command=f"echo {KEY}")
        headers = await sent_headers(make(tmp_path, mine=config), server, "mine/m")
    assert headers["authorization"] == f"Bearer {KEY}"


async def test_a_presets_key_is_not_sent_to_another_address(tmp_path: Path) -> None:
    async with SseServer() as server:
        environ = {"OPENAI_API_KEY": KEY}
        elsewhere = make(tmp_path, environ, openai=ProviderConfig(base_url=server.base_url))
        assert "authorization" not in await sent_headers(elsewhere, server, "openai/m")
        said_so = ProviderConfig(base_url=server.base_url, api_key_env="OPENAI_API_KEY")
        wanted = make(tmp_path, environ, openai=said_so)
        assert "authorization" in await sent_headers(wanted, server, "openai/m")


@pytest.mark.parametrize(
    ("base_url", "limit_s"), [("http://127.0.0.1:9/v1", 600.0), ("https://far.example/v1", 300.0)]
)
def test_a_server_on_this_machine_may_load_its_model_first(tmp_path: Path, base_url: str, limit_s: float) -> None:
    provider = make(tmp_path, mine=ProviderConfig(base_url=base_url)).resolve("mine/m")[0]
    assert isinstance(provider, ServedProvider)
    assert provider.endpoint.first_token_timeout_s == limit_s


async def test_limits_come_from_the_configuration(tmp_path: Path) -> None:
    async with SseServer() as server:
        server.play(reply(HOLD))
        config = ProviderConfig(base_url=server.base_url, first_token_timeout_s=0.02)
        registry = make(tmp_path, mine=config)
        provider, model = registry.resolve("mine/m")
        request = ChatRequest(model, (Message(1, Role.USER, (TextPart("Hello"),)),))
        arrivals = [arrival async for arrival in provider.stream(request)]
        await registry.aclose()
    assert isinstance(last := arrivals[-1].events[-1], Failed)
    assert "0.02 s" in last.fault.message
    assert "first_token_timeout_s of [providers.mine]" in last.fault.hint


def test_what_a_model_is_called(tmp_path: Path) -> None:
    registry = make(tmp_path, {"OPENAI_API_KEY": KEY}, mine=ProviderConfig(base_url=HERE))
    assert registry.describe("mine/a/b") == "a/b · mine"
    assert registry.describe("openai/gpt") == "gpt · OpenAI"
    assert registry.describe("demo/cut") == "cut · demo"
    assert "machine" in registry.describe("local/smollm2-135m")
    assert registry.describe("nobody/\x1b[31mx").startswith("nobody/")
    assert "\x1b" not in registry.describe("nobody/\x1b[31mx")


# -- listing -------------------------------------------------------------------------------------


async def test_listing_shows_what_is_configured_local_and_demo(tmp_path: Path) -> None:
    async with SseServer() as server:
        server.route("/v1/models", json_response({"data": [{"id": "a"}, {"id": "b"}]}))
        registry = make(tmp_path, mine=ProviderConfig(base_url=server.base_url))
        groups = await groups_of(registry)
        await registry.aclose()
    assert set(groups) == {"local", "demo", "mine"}
    assert [model.id for model in groups["mine"].models] == ["mine/a", "mine/b"]
    assert all(model.id.startswith("demo/") for model in groups["demo"].models)
    assert "local/smollm2-135m" in [model.id for model in groups["local"].models]


async def test_what_cannot_be_listed_says_why_and_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat_tui.providers.listing.LIST_LIMIT_S", 0.5)
    async with SseServer() as silent, SseServer() as refusing:
        silent.play(reply(HOLD))
        refusing.play(json_response({"error": "no"}, 500))
        registry = make(
            tmp_path,
            silent=ProviderConfig(base_url=silent.base_url),
            refusing=ProviderConfig(base_url=refusing.base_url),
            unset=ProviderConfig(base_url=HERE, api_key_env="NOT_SET_KEY"),
        )
        await registry.resolve("refusing/x")[0].prepare()  # loading the library is not what is timed here
        names = [group.provider async for group in registry.list_models()]
        groups = await groups_of(registry)
        await registry.aclose()
    assert names[-1] == "silent"
    assert groups["silent"].problem == "silent sent no list of models within 0.5 s."
    assert "500 from" in groups["refusing"].problem
    assert "NOT_SET_KEY is not set" in groups["unset"].problem
    assert all(not group.models for name, group in groups.items() if name not in ("local", "demo"))


async def test_a_preset_is_offered_once_its_key_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with SseServer() as server:
        server.route("/v1/models", json_response({"data": [{"id": "gpt"}]}))
        monkeypatch.setitem(PRESETS, "openai", replace(PRESETS["openai"], base_url=server.base_url))
        registry = make(tmp_path, {"OPENAI_API_KEY": KEY, "GROQ_API_KEY": " "})
        groups = await groups_of(registry)
        await registry.aclose()
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert set(groups) == {"local", "demo", "openai"}
    assert [model.id for model in groups["openai"].models] == ["openai/gpt"]


async def test_usual_ports_are_probed_without_a_key_and_silence_is_no_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_module, "PROBED", ("ollama", "lmstudio", "llamacpp"))
    monkeypatch.setitem(PRESETS, "lmstudio", replace(PRESETS["lmstudio"], base_url=HERE))
    async with SseServer() as server, SseServer() as empty:
        server.route("/v1/models", json_response({"data": [{"id": "found"}]}))
        empty.route("/api/tags", json_response({"models": []}))
        monkeypatch.setitem(PRESETS, "llamacpp", replace(PRESETS["llamacpp"], base_url=server.base_url))
        monkeypatch.setitem(PRESETS, "ollama", replace(PRESETS["ollama"], base_url=empty.url))
        registry = make(tmp_path, {"LLAMA_API_KEY": KEY, "LM_API_TOKEN": KEY})
        groups = await groups_of(registry)
        await registry.aclose()
        assert [request.headers.get("authorization") for request in server.requests] == [None]
    assert set(groups) == {"local", "demo", "llamacpp"}
    assert [model.id for model in groups["llamacpp"].models] == ["llamacpp/found"]


async def test_a_list_that_is_no_longer_wanted_leaves_nothing_behind(tmp_path: Path) -> None:
    async with SseServer() as server:
        server.play(reply(HOLD))
        registry = make(tmp_path, mine=ProviderConfig(base_url=server.base_url))
        tasks = asyncio.all_tasks()
        groups = registry.list_models()
        async for _ in groups:
            break
        await groups.aclose()
        assert asyncio.all_tasks() == tasks
        await registry.aclose()
