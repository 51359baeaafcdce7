"""From PROVIDER/MODEL to whoever answers: the configuration, the presets, this machine's models and the demo."""

from __future__ import annotations

import asyncio
import difflib
import re
import time
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from chat_tui.config.aliases import unaliased
from chat_tui.config.model import DEFAULT_MODEL, Config, ProviderConfig
from chat_tui.core.cost import Prices, PriceSource, prices_per_token
from chat_tui.core.errors import ConfigError
from chat_tui.core.sanitize import clean_line
from chat_tui.providers.addresses import Address, address_of, over_http
from chat_tui.providers.base import Clock, Provider
from chat_tui.providers.credentials import (
    check_base_url,
    clean_key,
    expand_headers,
    is_loopback,
    issuer_of,
    keyring_command,
    secret_values,
    split_command,
)
from chat_tui.providers.listing import ModelGroup, ModelListings, serving_address
from chat_tui.providers.model_cache import ModelCache
from chat_tui.providers.model_marks import MarkedModels
from chat_tui.providers.presets import PRESETS, PROBED, Preset
from chat_tui.wire.base import ModelFacts, Quirks
from chat_tui.wire.protocols import protocol_of
from chat_tui.wire.socket_base import SocketProtocol

FIRST_TOKEN_LIMIT_S = 300.0
LOCAL_FIRST_TOKEN_LIMIT_S = 600.0
"""A server on this machine loads the model and reads the prompt first, and says nothing meanwhile."""
LOCAL, DEMO = "local", "demo"

__all__ = ["DEMO", "LOCAL", "ModelGroup", "ProviderRegistry"]


@dataclass(frozen=True, slots=True)
class _Secret:
    """A key or the program that prints it; `source` is the variable or setting it comes from."""

    key: str = field(default="", repr=False)
    source: str = ""
    command: tuple[str, ...] = ()


ANY = "any"
"""In the place of a model where only the provider matters."""
_LIKE_A_KEY = re.compile(r"KEY|TOKEN", re.IGNORECASE)
_KEY_FIELDS = ("api_key_env", "api_key_command", "api_key_keyring")


class ProviderRegistry:
    """Makes providers when they are first asked for, and keeps them until `aclose`."""

    def __init__(
        self, config: Config, environ: Mapping[str, str], state_dir: Path, clock: Clock = time.monotonic
    ) -> None:
        self._config = config
        self._environ = environ
        self._state_dir = state_dir
        self._clock = clock
        self._providers: dict[str, Provider] = {}
        self.listings = ModelListings(self, ModelCache(state_dir / "models"))
        self.marked = MarkedModels(state_dir / "models")

    def apart(self) -> ProviderRegistry:
        """One of the same settings, whose providers share no connection and no process with these."""
        return ProviderRegistry(self._config, self._environ, self._state_dir, self._clock)

    # -- one model -------------------------------------------------------------------------------

    def resolve(self, model_id: str) -> tuple[Provider, str]:
        """The provider and its own name for the model, or for the one an alias means. Raises ConfigError."""
        model_id = self.unaliased(model_id)
        name, separator, model = model_id.strip().partition("/")
        if not separator or not name or not model:
            shown = clean_line(model_id, 80)
            raise ConfigError(
                f"“{shown}” is no model: it takes PROVIDER/MODEL.",
                self._example(shown),
            )
        # Each local model is a server of its own; every other provider serves all its models.
        key = model_id if name == LOCAL else name
        provider = self._providers.get(key)
        if provider is None:
            provider = self._providers[key] = self._make(name, model)
        return provider, model

    def _example(self, shown: str) -> str:
        meant = difflib.get_close_matches(shown, self._config.aliases, n=1)
        if meant:
            return f"Did you mean the alias {meant[0]}?"
        return f"For example {self.unaliased(self._config.model)}, or openai/{shown.strip('/') or 'MODEL'}."

    def describe(self, model_id: str) -> str:
        """What to call the model in a sentence; never raises."""
        try:
            provider, model = self.resolve(model_id)
        except ConfigError:
            return clean_line(model_id, 80)
        if self.unaliased(model_id).startswith(f"{LOCAL}/"):
            return provider.label
        return f"{clean_line(model, 80)} · {provider.label}"

    def _make(self, name: str, model: str) -> Provider:
        if name == LOCAL:
            from chat_tui.providers.local import LocalProvider

            return LocalProvider(self._config.local, model, self._state_dir, self._clock)
        if name == DEMO:
            from chat_tui.providers.scripted import ScriptedProvider

            return ScriptedProvider(self._clock)
        return self._make_server(name, model)

    def _make_server(self, name: str, model: str) -> Provider:
        config, preset = self._config.providers.get(name), PRESETS.get(name)
        if config is None and preset is None:
            raise self._unknown(name, "" if model == ANY else model)
        return self._connect(name, config or ProviderConfig(), preset)

    def _unknown(self, name: str, model: str = "") -> ConfigError:
        known = [LOCAL, DEMO, *self._config.providers, *PRESETS]
        nearest = difflib.get_close_matches(name, known, n=1)
        meant = "/".join(filter(None, (nearest[0], clean_line(model, 80)))) if nearest else ""
        hint = f"Did you mean {meant}?" if nearest else f"Known are {', '.join(dict.fromkeys(known))}."
        return ConfigError(f"There is no provider “{clean_line(name, 80)}”.", hint)

    def _connect(
        self, name: str, config: ProviderConfig, preset: Preset | None, *, has_key: bool = True
    ) -> Provider:
        """An HTTP provider; without a key when only a port is probed. Raises ConfigError."""
        from chat_tui.providers.http import Endpoint, HttpProvider

        where = f"[providers.{name}]"
        address = address_of(config, preset, self._environ, where)
        secret = self._secret(name, config, preset, address) if has_key else _Secret()
        headers = expand_headers(config.headers, self._environ, where) if has_key else {}
        secrets = secret_values(headers, config.headers, self._environ) if has_key else ()
        protocol = protocol_of(config.protocol or (preset.protocol if preset else "openai-chat"))
        is_socket = isinstance(protocol, SocketProtocol)
        base_url = check_base_url(
            over_http(address.url) if is_socket else address.url,
            where,
            has_secret=bool(secret.key or secret.command or secrets),
            source=address.source,
            may_be_plain=config.allow_plain_http,
            is_whole=config.protocol == "ui-messages",
        )
        is_here = is_loopback(urlsplit(base_url).hostname or "")
        usual_limit_s = LOCAL_FIRST_TOKEN_LIMIT_S if is_here else FIRST_TOKEN_LIMIT_S
        endpoint = Endpoint(
            base_url=base_url,
            api_key=secret.key,
            key_source=secret.source,
            headers=headers,
            connect_timeout_s=config.connect_timeout_s,
            first_token_timeout_s=config.first_token_timeout_s or usual_limit_s,
            idle_timeout_s=config.idle_timeout_s,
            key_command=secret.command,
            secrets=secrets,
            start_command=preset.start_command if preset and is_here else "",
            address_variable=address.variable,
        )
        quirks = preset.quirks if preset else Quirks()
        if config.background:
            if protocol.name not in ("openai-responses", "gemini-interactions"):
                raise ConfigError(
                    f"{where} asks for background, which {protocol.name} does not have.",
                    'Set protocol = "openai-responses" there, or take background out.',
                )
            quirks = replace(quirks, is_background=True)
        if is_socket:
            from chat_tui.providers.websocket import WebSocketProvider

            return WebSocketProvider(name, _label(name), endpoint, protocol, quirks, self._clock)
        return HttpProvider(name, _label(name), endpoint, protocol, quirks, self._clock)

    def _secret(self, name: str, config: ProviderConfig, preset: Preset | None, address: Address) -> _Secret:
        """The key, or the program that prints it, and what to call it. Raises ConfigError."""
        where = f"[providers.{name}]"
        named = [field for field in _KEY_FIELDS if getattr(config, field)]
        if len(named) > 1:
            raise ConfigError(
                f"{where} says twice where its key is: {' and '.join(named)}.", "Leave one of them out."
            )
        source = f"{named[0]} of {where}" if named else ""
        if config.api_key_command or config.api_key_keyring:
            if address.variable and not address.is_usual:
                raise ConfigError(
                    f"{address.source} would get the key that {source} keeps.",
                    f"If that is right, write the address into {where} as base_url.",
                )
            program = split_command(config.api_key_command, source)
            return _Secret("", source, program or keyring_command(config.api_key_keyring, source))
        key, variable = self._key(config, preset, address, where)
        if preset and address.is_usual and (issuer := issuer_of(key)) not in ("", preset.name):
            other = PRESETS[issuer]
            raise ConfigError(
                f"The key in {variable} looks like one of {other.label}'s, and {preset.label} would get it.",
                f"Put it into {other.api_key_envs[0]} and choose {other.name}/NAME.",
            )
        return _Secret(key, variable)

    def _key(self, config: ProviderConfig, preset: Preset | None, address: Address, where: str) -> tuple[str, str]:
        """The key and the variable it is in. A server on this machine may do without, if nobody asks for one."""
        variables = (config.api_key_env,) if config.api_key_env else preset.api_key_envs if preset else ()
        # A preset's address replaced by another one: its key is not for that server unless that is said.
        is_replaced = bool(preset and preset.base_url and config.base_url) and not address.is_usual
        if not variables or (is_replaced and not config.api_key_env):
            return "", ""
        variable = next((name for name in variables if self._environ.get(name, "").strip()), "")
        if not variable:
            if preset and preset.is_local and not config.api_key_env:
                return "", ""
            state = "empty" if variables[0] in self._environ else "not set"
            raise ConfigError(
                f"{preset.label if preset else where} needs a key, and {' or '.join(variables)} is {state}.",
                self._key_hint(variables[0]),
            )
        return clean_key(self._environ[variable], variable), variable

    def _key_hint(self, variable: str) -> str:
        """How to set it, unless something is set that was probably meant to be it."""
        set_ones = [name for name, value in self._environ.items() if value.strip() and _LIKE_A_KEY.search(name)]
        meant = difflib.get_close_matches(variable, set_ones, n=1, cutoff=0.8)
        if meant:
            return f"{meant[0]} is set: did you mean that to be {variable}?"
        return f"Set it before you start chat-tui: export {variable}=…"

    def keyed(self) -> tuple[tuple[str, str, str], ...]:
        """(name, label, variable) of presets whose key is set in that variable; those of this machine left out."""
        found = ((preset, self._set_variable(preset)) for preset in PRESETS.values() if not preset.is_local)
        return tuple((preset.name, preset.label, variable) for preset, variable in found if variable)

    def _set_variable(self, preset: Preset) -> str:
        return next((name for name in preset.api_key_envs if self._environ.get(name, "").strip()), "")

    # -- all models ------------------------------------------------------------------------------

    def list_models(
        self, only: str = "", *, is_patient: bool = False, max_age_s: float = 0.0
    ) -> AsyncGenerator[ModelGroup]:
        """What can be chosen; see `ModelListings.groups`. Raises ConfigError for a provider that is not known.

        Asked are: this machine's models, what is configured, presets whose key is set, the usual ports of local
        servers (on this machine, without any key; silence there is no problem), and the demo.
        """
        if only and only not in (LOCAL, DEMO) and only not in self._config.providers and only not in PRESETS:
            raise self._unknown(only)
        return self.listings.groups(only, is_patient=is_patient, max_age_s=max_age_s)

    def offered(self) -> list[str]:
        """What can be chosen: this machine, what is configured, presets whose key is set, the demo."""
        keyed = (name for name, _, _ in self.keyed())
        return list(dict.fromkeys((LOCAL, *self._config.providers, *keyed, DEMO)))

    def probed(self) -> list[str]:
        """Presets of this machine that nobody has configured."""
        return [name for name in PROBED if name not in self._config.providers]

    def lister(self, name: str) -> Provider:
        """Who is asked for a provider's models. Raises ConfigError."""
        return self.resolve(DEFAULT_MODEL if name == LOCAL else f"{name}/any")[0]

    def prober(self, name: str) -> Provider:
        """One that is asked without any key, to be closed. Raises ConfigError."""
        return self._connect(name, ProviderConfig(), PRESETS[name], has_key=False)

    def label_of(self, name: str) -> str:
        """What to call a provider."""
        return _label(name)

    def server_of(self, name: str) -> str:
        """The address of a provider that is in use, else empty."""
        provider = self._providers.get(name)
        return "" if provider is None else serving_address(provider)

    def own_ids(self) -> tuple[str, ...]:
        """Models that need no server. Looks at files."""
        from chat_tui.providers.demo_scripts import DEMOS
        from chat_tui.providers.local_weights import list_local

        try:
            local = [model.id for model in list_local(self._config.local) if model.is_available]
        except (OSError, RuntimeError):  # a path nobody can look at; ~name of nobody
            local = []
        return (*local, *(f"{DEMO}/{name}" for name in DEMOS))

    # -- what is known of them ---------------------------------------------------------------------

    @property
    def aliases(self) -> Mapping[str, str]:
        """Short names and what they stand for."""
        return self._config.aliases

    def unaliased(self, model_id: str) -> str:
        """PROVIDER/MODEL for an alias, anything else as it is."""
        return unaliased(model_id, self._config.aliases)

    def facts_of(self, model_id: str) -> ModelFacts | None:
        """What the last list of its provider says of a model; None where nothing is known."""
        name, _, model = self.unaliased(model_id).partition("/")
        if name == LOCAL:
            return ModelFacts(model, context_tokens=self._config.local.context_tokens, inputs=frozenset({"text"}))
        return self.listings.facts_of(name, model)

    def prices_of(self, model_id: str) -> Prices | None:
        """The configuration's prices, else those of the list; None where neither says any."""
        model_id = self.unaliased(model_id)
        for name, given in self._config.prices.items():
            if self.unaliased(name) == model_id:
                return Prices(given.input, given.output, given.cached, PriceSource.CONFIG)
        facts = self.facts_of(model_id)
        if facts is None:
            return None
        return prices_per_token(facts.input_price, facts.output_price, facts.cached_price)

    async def release(self, model_id: str) -> None:
        """Give up a model that is not chosen any more: an embedded one holds a process and its weights."""
        model_id = self.unaliased(model_id)
        if model_id.startswith(f"{LOCAL}/") and (provider := self._providers.pop(model_id, None)):
            await provider.aclose()

    async def aclose(self) -> None:
        """Close every provider, all at once."""
        providers = list(self._providers.values())
        self._providers.clear()
        await asyncio.gather(*(provider.aclose() for provider in providers), return_exceptions=True)


def _label(name: str) -> str:
    if name == LOCAL:
        return "this machine"
    return PRESETS[name].label if name in PRESETS else clean_line(name, 40)
