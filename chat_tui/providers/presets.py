"""Servers we know by name: address, key variables, and how each differs from the protocol's text. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field

from chat_tui.config.model import ProtocolName
from chat_tui.wire.base import Quirks


@dataclass(frozen=True, slots=True)
class Preset:
    """One known server.

    `api_key_envs`: the variables its key is usually in; the first that is set counts.
    `base_url_env`: the variable that its own tools take another address from; `base_url_path` is what that one
    leaves out at the end, `default_port` the port it may leave out (0: that of the scheme).
    `protocol_elsewhere`: what is spoken with another server that is put in its place, where that is less likely to
    know `protocol`; None: the same.
    `start_command`: what starts it, where it is a program of this machine.
    `is_local`: it runs on this machine, its key is optional and its port may be probed.
    """

    name: str
    label: str
    base_url: str
    api_key_envs: tuple[str, ...] = ()
    quirks: Quirks = field(default_factory=Quirks)
    is_local: bool = False
    protocol: ProtocolName = "openai-chat"
    protocol_elsewhere: ProtocolName | None = None
    base_url_env: str = ""
    base_url_path: str = ""
    default_port: int = 0
    start_command: str = ""


_NEW_LIMIT_NAME = "max_completion_tokens"

# `can_prefill` is set only where every model of the server continues a trailing assistant message: OpenRouter's
# depends on the model behind it, Ollama's on the chat template, DeepSeek's needs another address.
# OpenAI and xAI give summaries of thoughts, and thoughts to send back, only where they speak Responses.
# `has_think_tags` where the weights are open and may be served without anything that tells thoughts from answer.
PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "openai",
            "OpenAI",
            "https://api.openai.com/v1",
            ("OPENAI_API_KEY",),
            Quirks(max_tokens_name=_NEW_LIMIT_NAME),
            protocol="openai-responses",
            protocol_elsewhere="openai-chat",
            base_url_env="OPENAI_BASE_URL",
        ),
        Preset(
            "anthropic",
            "Anthropic",
            "https://api.anthropic.com/v1",
            ("ANTHROPIC_API_KEY",),
            protocol="anthropic",
            base_url_env="ANTHROPIC_BASE_URL",
            base_url_path="/v1",
        ),
        Preset(
            "gemini",
            "Gemini",
            "https://generativelanguage.googleapis.com/v1beta",
            ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
            protocol="gemini",
        ),
        Preset("openrouter", "OpenRouter", "https://openrouter.ai/api/v1", ("OPENROUTER_API_KEY",)),
        Preset(
            "groq",
            "Groq",
            "https://api.groq.com/openai/v1",
            ("GROQ_API_KEY",),
            Quirks(max_tokens_name=_NEW_LIMIT_NAME, can_prefill=True, has_think_tags=True),
        ),
        Preset(
            "mistral",
            "Mistral",
            "https://api.mistral.ai/v1",
            ("MISTRAL_API_KEY",),
            Quirks(has_stream_options=False, can_prefill=True, prefill_extra={"prefix": True}),
        ),
        Preset(
            "deepseek",
            "DeepSeek",
            "https://api.deepseek.com",
            ("DEEPSEEK_API_KEY",),
            Quirks(needs_reasoning_back=True),
        ),
        Preset(
            "xai",
            "xAI",
            "https://api.x.ai/v1",
            ("XAI_API_KEY",),
            Quirks(max_tokens_name=_NEW_LIMIT_NAME),
            protocol="openai-responses",
            protocol_elsewhere="openai-chat",
        ),
        Preset(
            "together",
            "Together",
            "https://api.together.ai/v1",
            ("TOGETHER_API_KEY",),
            Quirks(can_prefill=True, has_think_tags=True),
        ),
        Preset(
            "azure",
            "Azure OpenAI",
            "",  # every customer has an address of their own
            ("AZURE_OPENAI_API_KEY",),
            Quirks(key_header="api-key", max_tokens_name=_NEW_LIMIT_NAME),
            base_url_env="AZURE_OPENAI_ENDPOINT",
            base_url_path="/openai/v1",
        ),
        Preset(
            "ollama",
            "Ollama",
            "http://127.0.0.1:11434",
            is_local=True,
            protocol="ollama",
            base_url_env="OLLAMA_HOST",
            default_port=11434,
            start_command="ollama serve",
        ),
        Preset(
            "lmstudio",
            "LM Studio",
            "http://127.0.0.1:1234/v1",
            ("LM_API_TOKEN",),
            Quirks(has_think_tags=True),
            is_local=True,
            start_command="lms server start",
        ),
        Preset(
            "llamacpp",
            "llama.cpp",
            "http://127.0.0.1:8080/v1",
            ("LLAMA_API_KEY",),
            Quirks(can_prefill=True, has_think_tags=True),
            is_local=True,
            start_command="llama-server -m FILE.gguf",
        ),
        Preset(
            "vllm",
            "vLLM",
            "http://127.0.0.1:8000/v1",
            ("VLLM_API_KEY",),
            Quirks(
                can_prefill=True,
                prefill_body={"add_generation_prompt": False, "continue_final_message": True},
                has_think_tags=True,
            ),
            is_local=True,
            start_command="vllm serve MODEL",
        ),
    )
}

PROBED = ("ollama", "lmstudio", "llamacpp")
"""Whose usual ports (11434, 1234, 8080) on this machine are asked for models when the picker opens; Ollama, where
OLLAMA_HOST says it is."""
