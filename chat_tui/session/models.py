"""Which model answers, and what is known of it and of the others. Asks nobody but for lists."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chat_tui.core.cost import Prices
    from chat_tui.providers.base import Provider
    from chat_tui.providers.listing import ModelGroup
    from chat_tui.providers.model_marks import ModelMarks
    from chat_tui.providers.registry import ProviderRegistry
    from chat_tui.wire.base import ModelFacts


class ModelSession:
    """The model of a session. Wherever one is named, an alias of the configuration may stand."""

    def __init__(self, registry: ProviderRegistry, model_id: str) -> None:
        self._registry = registry
        self.model_id = registry.unaliased(model_id)
        """PROVIDER/MODEL."""

    @property
    def model_label(self) -> str:
        """What the model is called in a sentence."""
        return self._registry.describe(self.model_id)

    @property
    def is_demo(self) -> bool:
        """Whether answers are scripted."""
        return self.model_id.partition("/")[0] == "demo"

    # -- what there is -----------------------------------------------------------------------------

    def list_models(
        self, only: str = "", *, is_patient: bool = False, max_age_s: float = 0.0
    ) -> AsyncGenerator[ModelGroup]:
        """What can be chosen, group by group: lists from before, then what comes in. Raises ConfigError.

        `only`: of that provider. Lists younger than `max_age_s` are not asked for again. A slow provider is named,
        and its list waited for only by `is_patient`.
        """
        return self._registry.list_models(only, is_patient=is_patient, max_age_s=max_age_s)

    def known_models(self) -> tuple[str, ...]:
        """What can be chosen as far as it is known without asking: aliases, then PROVIDER/MODEL."""
        return (*self.aliases, *self._registry.listings.known_ids())

    @property
    def aliases(self) -> Mapping[str, str]:
        """Short names and the PROVIDER/MODEL they stand for."""
        return {name: self._registry.unaliased(name) for name in self._registry.aliases}

    @property
    def ways_to_more(self) -> str:
        """A sentence about where more models come from; empty once a provider beside this machine is set up."""
        from chat_tui.providers.presets import PRESETS
        from chat_tui.providers.registry import DEMO, LOCAL

        if set(self._registry.offered()) - {LOCAL, DEMO}:
            return ""
        variables = [preset.api_key_envs[0] for preset in PRESETS.values() if not preset.is_local]
        return (
            f"More models: set a key in the environment ({', '.join(variables[:3])}, …) and start chat-tui again, "
            "or start a server on this machine (Ollama, LM Studio, llama.cpp, vLLM)."
        )

    def facts_of(self, model_id: str) -> ModelFacts | None:
        """What a list, of now or from before, says of a model; None where nothing is known (yet)."""
        return self._registry.facts_of(model_id)

    def price_of(self, model_id: str) -> Prices | None:
        """What a model's tokens cost, and who says so: the configuration, else a list; None when neither does."""
        return self._registry.prices_of(model_id)

    # -- what is preferred -------------------------------------------------------------------------

    async def marks(self) -> ModelMarks:
        """Favourites and the models used last, those of other windows included."""
        return await asyncio.to_thread(self._registry.marked.read)

    async def set_favourite(self, model_id: str, *, is_favourite: bool) -> None:
        """Keep a model among the favourites, or no longer."""
        await asyncio.to_thread(self._registry.marked.set_favourite, model_id, is_favourite=is_favourite)

    # -- inside ------------------------------------------------------------------------------------

    def _resolve(self) -> tuple[Provider, str]:
        return self._registry.resolve(self.model_id)

    async def _remember_use(self) -> None:
        """From now on it is the model used last. What is known of all of them is loaded."""
        await self._registry.listings.recall()
        await asyncio.to_thread(self._registry.marked.use, self.model_id)
