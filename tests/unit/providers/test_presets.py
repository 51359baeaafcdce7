"""The rows of known servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from chat_tui.config.model import ProviderConfig
from chat_tui.core.conversation import ChatRequest, Message, Role, TextPart
from chat_tui.providers.addresses import address_of
from chat_tui.providers.credentials import check_base_url, is_loopback
from chat_tui.providers.presets import PRESETS, PROBED, Preset
from chat_tui.wire.protocols import protocol_of

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
def test_every_row_can_be_used(preset: Preset) -> None:
    assert preset.name == preset.name.lower()
    assert "/" not in preset.name
    assert preset.is_local or all(name.endswith("_API_KEY") for name in preset.api_key_envs)
    assert preset.is_local or preset.api_key_envs
    assert protocol_of(preset.protocol).name == preset.protocol
    if not preset.base_url:
        assert preset.base_url_env
        return
    assert check_base_url(preset.base_url, preset.name, has_secret=True) == preset.base_url
    host = preset.base_url.partition("//")[2].partition("/")[0].partition(":")[0]
    assert is_loopback(host) is preset.is_local


ASKED = {
    "openai": ("https://api.openai.com/v1/responses", "Authorization"),
    "anthropic": ("https://api.anthropic.com/v1/messages", "x-api-key"),
    "gemini": (
        "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent?alt=sse",
        "x-goog-api-key",
    ),
    "openrouter": ("https://openrouter.ai/api/v1/chat/completions", "Authorization"),
    "groq": ("https://api.groq.com/openai/v1/chat/completions", "Authorization"),
    "mistral": ("https://api.mistral.ai/v1/chat/completions", "Authorization"),
    "deepseek": ("https://api.deepseek.com/chat/completions", "Authorization"),
    "xai": ("https://api.x.ai/v1/responses", "Authorization"),
    "together": ("https://api.together.ai/v1/chat/completions", "Authorization"),
    "azure": ("https://me.openai.azure.com/openai/v1/chat/completions", "api-key"),
    "ollama": ("http://127.0.0.1:11434/api/chat", "Authorization"),
    "lmstudio": ("http://127.0.0.1:1234/v1/chat/completions", "Authorization"),
    "llamacpp": ("http://127.0.0.1:8080/v1/chat/completions", "Authorization"),
    "vllm": ("http://127.0.0.1:8000/v1/chat/completions", "Authorization"),
}


@pytest.mark.parametrize("name", PRESETS)
def test_where_a_question_goes_and_which_header_has_the_key(name: str) -> None:
    preset = PRESETS[name]
    environ = {"AZURE_OPENAI_ENDPOINT": "https://me.openai.azure.com/"}
    protocol = protocol_of(preset.protocol)
    wire = protocol.encode(ChatRequest("m", (Message(1, Role.USER, (TextPart("Hi"),)),)), preset.quirks)
    base_url = address_of(ProviderConfig(), preset, environ, "[x]").url
    asked = f"{base_url}/{wire.path.lstrip('/')}"
    assert (asked, preset.quirks.key_header or protocol.key_header) == ASKED[name]


def test_the_servers_that_are_known() -> None:
    assert set(PRESETS) == set(ASKED)


def test_the_usual_ports_are_of_this_machine() -> None:
    ports = [PRESETS[name].base_url.removeprefix("http://127.0.0.1:") for name in PROBED]
    assert ports == ["11434", "1234/v1", "8080/v1"]


def test_servers_that_differ_from_the_protocols_text() -> None:
    assert not PRESETS["mistral"].quirks.has_stream_options
    assert PRESETS["mistral"].quirks.prefill_extra == {"prefix": True}
    assert PRESETS["vllm"].quirks.prefill_body["continue_final_message"] is True
    assert PRESETS["openai"].quirks.max_tokens_name == "max_completion_tokens"
    assert not PRESETS["openai"].quirks.can_prefill
    assert PRESETS["deepseek"].quirks.needs_reasoning_back
    thinking = {name for name, preset in PRESETS.items() if preset.quirks.has_think_tags}
    assert thinking == {"groq", "together", "lmstudio", "llamacpp", "vllm"}


def test_the_example_of_a_configuration_names_every_row() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    for preset in PRESETS.values():
        line = next((line for line in lines if line.startswith(f"#   {preset.name} ")), "")
        assert all(name in line for name in (*preset.api_key_envs, preset.base_url_env)), preset.name
