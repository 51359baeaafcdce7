"""Where a server is: settings, variables and what those leave out."""

from __future__ import annotations

import pytest

from chat_tui.config.model import ProviderConfig
from chat_tui.core.errors import ConfigError
from chat_tui.providers.addresses import address_of
from chat_tui.providers.presets import PRESETS


def url_of(name: str, environ: dict[str, str], base_url: str = "") -> str:
    return address_of(ProviderConfig(base_url=base_url), PRESETS[name], environ, f"[providers.{name}]").url


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("  ", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8000", "http://127.0.0.1:8000"),
        (":8000", "http://127.0.0.1:8000"),
        ("[::]:8000", "http://127.0.0.1:8000"),
        ("::1", "http://[::1]:11434"),
        ("[::1]", "http://[::1]:11434"),
        ("[::1]:8000", "http://[::1]:8000"),
        ("box", "http://box:11434"),
        ("box:8000/", "http://box:8000"),
        ("box/ollama", "http://box:11434/ollama"),
        ("http://box", "http://box"),
        ("https://ollama.com", "https://ollama.com"),
    ],
)
def test_what_ollamas_variable_leaves_out(host: str, url: str) -> None:
    assert url_of("ollama", {"OLLAMA_HOST": host}) == url


@pytest.mark.parametrize(
    ("name", "environ", "url"),
    [
        ("anthropic", {"ANTHROPIC_BASE_URL": "https://a.test"}, "https://a.test/v1"),
        ("anthropic", {"ANTHROPIC_BASE_URL": "https://a.test/v1/"}, "https://a.test/v1"),
        ("openai", {"OPENAI_BASE_URL": "https://a.test/x"}, "https://a.test/x"),
        ("azure", {"AZURE_OPENAI_ENDPOINT": "https://a.test"}, "https://a.test/openai/v1"),
        ("azure", {"AZURE_OPENAI_ENDPOINT": "https://a.test/openai/v1"}, "https://a.test/openai/v1"),
        ("groq", {"OPENAI_BASE_URL": "https://a.test/x"}, "https://api.groq.com/openai/v1"),
    ],
)
def test_variables_of_the_vendors_own_tools(name: str, environ: dict[str, str], url: str) -> None:
    assert url_of(name, environ) == url
    assert url_of(name, environ, "https://said.test/v1") == "https://said.test/v1"


@pytest.mark.parametrize(
    ("name", "config", "environ", "url"),
    [
        ("ollama", ProviderConfig(protocol="openai-chat"), {}, "http://127.0.0.1:11434/v1"),
        ("ollama", ProviderConfig(protocol="anthropic"), {"OLLAMA_HOST": "box"}, "http://box:11434/v1"),
        ("ollama", ProviderConfig(base_url="http://127.0.0.1:11434/v1/"), {}, "http://127.0.0.1:11434"),
        ("ollama", ProviderConfig(), {"OLLAMA_HOST": "http://box/v1"}, "http://box"),
        ("ollama", ProviderConfig(protocol="openai-chat", base_url="http://box/x"), {}, "http://box/x"),
        ("lmstudio", ProviderConfig(protocol="lmstudio"), {}, "http://127.0.0.1:1234"),
        ("lmstudio", ProviderConfig(protocol="openai-responses"), {}, "http://127.0.0.1:1234/v1"),
        ("openai", ProviderConfig(protocol="openai-responses"), {}, "https://api.openai.com/v1"),
    ],
)
def test_the_address_fits_the_protocol(
    name: str, config: ProviderConfig, environ: dict[str, str], url: str
) -> None:
    assert address_of(config, PRESETS[name], environ, "[x]").url == url


def test_what_has_no_address_says_how_to_give_one() -> None:
    with pytest.raises(ConfigError, match="has no base_url") as caught:
        url_of("azure", {})
    assert "AZURE_OPENAI_ENDPOINT" in caught.value.hint
    with pytest.raises(ConfigError, match="has no base_url"):
        address_of(ProviderConfig(), None, {}, "[providers.mine]")


def test_the_usual_address_is_known_as_such() -> None:
    openai = PRESETS["openai"]
    for config, environ, is_usual in (
        (ProviderConfig(), {}, True),
        (ProviderConfig(base_url="https://api.openai.com/v1/"), {}, True),
        (ProviderConfig(base_url="https://x.test"), {}, False),
        (ProviderConfig(), {"OPENAI_BASE_URL": "https://x.test"}, False),
        (ProviderConfig(), {"OPENAI_BASE_URL": "https://api.openai.com/v1"}, True),
    ):
        assert address_of(config, openai, environ, "[x]").is_usual is is_usual
