"""Servers we know by name: address, key variable, and how each differs from the protocol's text. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field

from chat_tui.config.model import ProtocolName
from chat_tui.wire.base import Quirks


@dataclass(frozen=True, slots=True)
class Preset:
    """One known server. `is_local`: it runs on this machine, its key is optional and its port may be probed."""

    name: str
    label: str
    base_url: str
    api_key_env: str = ""
    quirks: Quirks = field(default_factory=Quirks)
    is_local: bool = False
    protocol: ProtocolName = "openai-chat"


_NEW_LIMIT_NAME = "max_completion_tokens"

# `can_prefill` is set only where every model of the server continues a trailing assistant message: OpenRouter's
# depends on the model behind it, Ollama's on the chat template, DeepSeek's needs another address.
PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "openai",
            "OpenAI",
            "https://api.openai.com/v1",
            "OPENAI_API_KEY",
            Quirks(max_tokens_name=_NEW_LIMIT_NAME),
        ),
        Preset("openrouter", "OpenRouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
        Preset(
            "groq",
            "Groq",
            "https://api.groq.com/openai/v1",
            "GROQ_API_KEY",
            Quirks(max_tokens_name=_NEW_LIMIT_NAME, can_prefill=True),
        ),
        Preset(
            "mistral",
            "Mistral",
            "https://api.mistral.ai/v1",
            "MISTRAL_API_KEY",
            Quirks(has_stream_options=False, can_prefill=True, prefill_extra={"prefix": True}),
        ),
        Preset("deepseek", "DeepSeek", "https://api.deepseek.com", "DEEPSEEK_API_KEY"),
        Preset("xai", "xAI", "https://api.x.ai/v1", "XAI_API_KEY", Quirks(max_tokens_name=_NEW_LIMIT_NAME)),
        Preset(
            "together",
            "Together",
            "https://api.together.ai/v1",
            "TOGETHER_API_KEY",
            Quirks(can_prefill=True),
        ),
        Preset("ollama", "Ollama", "http://127.0.0.1:11434/v1", is_local=True),
        Preset("lmstudio", "LM Studio", "http://127.0.0.1:1234/v1", "LM_API_TOKEN", is_local=True),
        Preset(
            "llamacpp",
            "llama.cpp",
            "http://127.0.0.1:8080/v1",
            "LLAMA_API_KEY",
            Quirks(can_prefill=True),
            is_local=True,
        ),
        Preset(
            "vllm",
            "vLLM",
            "http://127.0.0.1:8000/v1",
            "VLLM_API_KEY",
            Quirks(
                can_prefill=True,
                prefill_body={"add_generation_prompt": False, "continue_final_message": True},
            ),
            is_local=True,
        ),
    )
}

PROBED = ("ollama", "lmstudio", "llamacpp")
"""Whose usual ports (11434, 1234, 8080) are asked for models when the picker opens, on this machine only."""
