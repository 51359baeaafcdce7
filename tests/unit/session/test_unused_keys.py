"""Keys in the environment that nobody uses yet are mentioned; no model is chosen because of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from chat_tui.config.model import Config, ProviderConfig
from chat_tui.providers.registry import ProviderRegistry
from chat_tui.session.session import ChatSession


@pytest.mark.parametrize(
    ("model", "variables", "sentence"),
    [
        ("local/x", (), ""),
        ("local/x", ("OPENAI_API_KEY",), "OPENAI_API_KEY is set: F2 lists OpenAI's models."),
        (
            "demo/cut",
            ("GEMINI_API_KEY", "ANTHROPIC_API_KEY"),
            "ANTHROPIC_API_KEY and GEMINI_API_KEY are set: F2 lists Anthropic's and Gemini's models.",
        ),
        (
            "local/x",
            ("OPENAI_API_KEY", "GROQ_API_KEY", "XAI_API_KEY"),
            "OPENAI_API_KEY and 2 other keys are set: F2 lists their models.",
        ),
        ("openai/gpt", ("OPENAI_API_KEY",), ""),
        ("openai/gpt", ("OPENAI_API_KEY", "GROQ_API_KEY"), ""),
        ("ollama/x", ("LM_API_TOKEN",), ""),
    ],
)
def test_what_is_said_of_keys(tmp_path: Path, model: str, variables: tuple[str, ...], sentence: str) -> None:
    environ = dict.fromkeys(variables, "sk-canary-0123456789")
    session = ChatSession(ProviderRegistry(Config(), environ, tmp_path), model)
    assert session.unused_keys == sentence
    assert session.model_id == model


def test_where_more_models_come_from_is_said_while_no_other_provider_is_set_up(tmp_path: Path) -> None:
    def said(config: Config, environ: dict[str, str]) -> str:
        return ChatSession(ProviderRegistry(config, environ, tmp_path), "local/x").ways_to_more

    assert "OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY" in said(Config(), {})
    assert said(Config(), {"GROQ_API_KEY": "sk-canary-0123456789"}) == ""
    assert said(Config(providers={"mine": ProviderConfig(base_url="http://127.0.0.1:1/v1")}), {}) == ""
