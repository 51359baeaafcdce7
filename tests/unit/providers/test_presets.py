"""The rows of known servers."""

from __future__ import annotations

import pytest

from chat_tui.providers.credentials import check_base_url, is_loopback
from chat_tui.providers.presets import PRESETS, PROBED, Preset


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
def test_every_row_can_be_used(preset: Preset) -> None:
    assert preset.name == preset.name.lower()
    assert "/" not in preset.name
    assert check_base_url(preset.base_url, preset.name, has_secret=True) == preset.base_url
    host = preset.base_url.partition("//")[2].partition("/")[0].partition(":")[0]
    assert is_loopback(host) is preset.is_local
    assert preset.is_local or preset.api_key_env.endswith("_API_KEY")


def test_the_servers_that_are_known() -> None:
    cloud = {"openai", "openrouter", "groq", "mistral", "deepseek", "xai", "together"}
    assert set(PRESETS) == cloud | {"ollama", "lmstudio", "llamacpp", "vllm"}


def test_the_usual_ports_are_of_this_machine() -> None:
    ports = [PRESETS[name].base_url.removeprefix("http://127.0.0.1:") for name in PROBED]
    assert ports == ["11434/v1", "1234/v1", "8080/v1"]


def test_servers_that_differ_from_the_protocols_text() -> None:
    assert not PRESETS["mistral"].quirks.has_stream_options
    assert PRESETS["mistral"].quirks.prefill_extra == {"prefix": True}
    assert PRESETS["vllm"].quirks.prefill_body["continue_final_message"] is True
    assert PRESETS["openai"].quirks.max_tokens_name == "max_completion_tokens"
    assert not PRESETS["openai"].quirks.can_prefill
