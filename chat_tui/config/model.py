"""Every setting, typed, with its meaning where it is declared; config.example.toml shows the same in TOML.

The structs are msgspec's: `load` converts key by key, so that one mistake costs one key and not the file.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from chat_tui.core.conversation import Generation

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
UsdPerMillion = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]

ProtocolName = Literal[
    "openai-chat",
    "openai-responses",
    "openai-responses-websocket",
    "anthropic",
    "gemini",
    "gemini-interactions",
    "ollama",
    "lmstudio",
    "ui-messages",
]
"""Each is a file of `chat_tui.wire`."""

DEFAULT_MODEL = "local/smollm2-135m"


class GenerationConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[generation]: sampling settings. Nothing is sent that is not set."""

    temperature: Annotated[float, msgspec.Meta(ge=0, le=5)] | None = None
    top_p: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None
    seed: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    stop: tuple[str, ...] = ()
    reasoning_effort: str | None = None

    def to_generation(self) -> Generation:
        """The same as the session takes it."""
        return Generation(**msgspec.structs.asdict(self))


class ProviderConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[providers.NAME]: a server. A name that is also a preset starts from that preset's row."""

    protocol: ProtocolName | None = None
    """What the server speaks; unset: as the preset, else openai-chat."""
    base_url: str = ""
    """Up to and including the version, for example http://127.0.0.1:8080/v1"""
    api_key_env: str = ""
    """Name of the environment variable that holds the key."""
    api_key_command: str | tuple[str, ...] = ()
    """Program that prints the key; run without a shell."""
    api_key_keyring: str = ""
    """SERVICE/USER of the system's keyring that holds the key; needs chat-tui[keyring]."""
    headers: dict[str, str] = {}
    """Extra headers of every request. ${NAME} is replaced from the environment."""
    allow_plain_http: bool = False
    """Whether the key may go unencrypted to another machine."""
    first_token_timeout_s: Seconds | None = None
    """How long the server may take before the first real event; comments do not count. Unset: 300, and 600 for
    servers on this machine, which load the model first."""
    idle_timeout_s: Seconds = 120.0
    """How long it may be silent between two real events."""
    connect_timeout_s: Seconds = 10.0
    background: bool = False
    """openai-responses only: the answer is made whether or not we listen, and goes on after a lost connection."""


class LocalConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[local]: models on this machine, run by a llama.cpp server that we start."""

    models: dict[str, str] = {}
    """name = path of a GGUF file; then --model local/NAME."""
    context_tokens: Annotated[int, msgspec.Meta(ge=256, le=2**24)] = 8192
    threads: Annotated[int, msgspec.Meta(ge=0, le=4096)] = 0
    """0: all cores but one, half of them above four."""


class RenderConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[render]: how a stream is painted."""

    max_fps: Annotated[int, msgspec.Meta(ge=1, le=120)] = 30
    measure_columns: Annotated[int, msgspec.Meta(ge=40, le=1000)] = 100
    """Prose is wrapped at this width at most; code and tables may be wider."""
    wrap: bool = True
    """Wrap long lines of code and the cells of wide tables; false: they stay whole and are scrolled sideways."""
    reasoning: Literal["auto", "show", "hide"] = "auto"
    """auto: open while the model thinks, folded when the answer begins."""


class ConversationsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[conversations]: what is kept."""

    save: bool = True
    """Keep what is said in a database of yours; false: it is gone when the window closes."""


class TitlesConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[titles]: what conversations are called."""

    model: str = ""
    """PROVIDER/MODEL or alias that is asked for a title after the first answer; empty: the first words are it."""


class PriceConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[prices."PROVIDER/MODEL"]: USD per million tokens; they go before what a server's listing says."""

    input: UsdPerMillion | None = None
    output: UsdPerMillion | None = None
    cached: UsdPerMillion | None = None
    """Input that the server had in its cache; unset: as input."""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    model: str = DEFAULT_MODEL
    """PROVIDER/MODEL or an alias; the default for --model."""
    theme: Literal["dark", "light", "terminal"] = "dark"
    """terminal: the sixteen colours your terminal is set to."""
    system: str = ""
    """System text that goes before every conversation."""
    generation: GenerationConfig = GenerationConfig()
    aliases: dict[str, str] = {}
    """Short names: alias = PROVIDER/MODEL or another alias; for --model, /model and wherever a model is named."""
    providers: dict[str, ProviderConfig] = {}
    prices: dict[str, PriceConfig] = {}
    """What models cost, by PROVIDER/MODEL or alias."""
    local: LocalConfig = LocalConfig()
    render: RenderConfig = RenderConfig()
    conversations: ConversationsConfig = ConversationsConfig()
    titles: TitlesConfig = TitlesConfig()
