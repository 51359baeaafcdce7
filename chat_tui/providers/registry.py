"""From PROVIDER/MODEL to whoever answers: the configuration, the presets, this machine's models and the demo."""

from __future__ import annotations

import asyncio
import difflib
import time
from collections.abc import AsyncGenerator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from chat_tui.config.aliases import unaliased
from chat_tui.config.model import DEFAULT_MODEL, Config, ProviderConfig
from chat_tui.core.cost import Prices, PriceSource, prices_per_token
from chat_tui.core.errors import ConfigError
from chat_tui.core.sanitize import clean_line
from chat_tui.providers.base import Clock, Provider
from chat_tui.providers.presets import PRESETS, PROBED
from chat_tui.providers.served import ServedProvider
from chat_tui.providers.servers import label_of, server_from, set_variable
from chat_tui.wire.base import ModelFacts

if TYPE_CHECKING:
    from chat_tui.providers.listing import ModelGroup, ModelListings
    from chat_tui.providers.model_marks import MarkedModels

LOCAL, DEMO = "local", "demo"
ANY = "any"
"""In the place of a model where only the provider matters."""


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

    def apart(self) -> ProviderRegistry:
        """One of the same settings, whose providers share no connection and no process with these."""
        return ProviderRegistry(self._config, self._environ, self._state_dir, self._clock)

    @cached_property
    def listings(self) -> ModelListings:
        """What can be chosen, as it was listed last."""
        from chat_tui.providers.listing import ModelListings
        from chat_tui.providers.model_cache import ModelCache

        return ModelListings(self, ModelCache(self._state_dir / "models"))

    @cached_property
    def marked(self) -> MarkedModels:
        """Favourites, and what was used last."""
        from chat_tui.providers.model_marks import MarkedModels

        return MarkedModels(self._state_dir / "models")

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
        name = shown.strip("/")
        if name in self._known():
            return f"For example {name}/MODEL; chat-tui models {name} lists them."
        configured = self.unaliased(self._config.model)
        usual = configured if "/" in configured.strip("/") else DEFAULT_MODEL
        return f"For example {usual}, or openai/{name or 'MODEL'}."

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
        config = self._config.providers.get(name)
        if config is None and name not in PRESETS:
            raise self._unknown(name, "" if model == ANY else model)
        return ServedProvider(server_from(name, config or ProviderConfig(), self._environ), self._clock)

    def _unknown(self, name: str, model: str = "") -> ConfigError:
        known = self._known()
        nearest = difflib.get_close_matches(name, known, n=1)
        meant = "/".join(filter(None, (nearest[0], clean_line(model, 80)))) if nearest else ""
        hint = f"Did you mean {meant}?" if nearest else f"Known are {', '.join(known)}."
        return ConfigError(f"There is no provider “{clean_line(name, 80)}”.", hint)

    def _known(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((LOCAL, DEMO, *self._config.providers, *PRESETS)))

    def keyed(self) -> tuple[tuple[str, str, str], ...]:
        """(name, label, variable) of presets whose key is set in that variable; those of this machine left out."""
        found = (
            (preset, set_variable(preset, self._environ)) for preset in PRESETS.values() if not preset.is_local
        )
        return tuple((preset.name, preset.label, variable) for preset, variable in found if variable)

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
        return ServedProvider(server_from(name, ProviderConfig(), self._environ, has_key=False), self._clock)

    def label_of(self, name: str) -> str:
        """What to call a provider."""
        return "this machine" if name == LOCAL else label_of(name)

    def server_of(self, name: str) -> str:
        """The address of a provider that is in use, else empty."""
        provider = self._providers.get(name)
        return provider.endpoint.base_url if isinstance(provider, ServedProvider) else ""

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
