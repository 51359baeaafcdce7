"""The lists of models of all providers: what is known from before at once, what they say now as they answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable
from urllib.parse import urlsplit

from chat_tui.core.errors import ChatError, ConfigError
from chat_tui.providers.base import ModelInfo, Provider
from chat_tui.providers.credentials import is_loopback
from chat_tui.providers.model_cache import KnownList, ModelCache, server_mark
from chat_tui.wire.base import ModelFacts

LIST_LIMIT_S = 2.0
"""After so long a provider is called slow."""


@dataclass(frozen=True, slots=True)
class ModelGroup:
    """What one provider offers. `problem` says in one sentence why that is nothing, or nothing new.

    `listed_at_s` is when a list from before was made (UTC epoch seconds), 0 for one of now. A group that is not
    `is_final` is followed by another one of the same provider, or by silence where nothing listens any more.
    """

    provider: str
    label: str
    models: tuple[ModelInfo, ...] = ()
    problem: str = ""
    listed_at_s: float = 0.0
    is_final: bool = True


class Listed(Protocol):
    """Whose models are listed."""

    def offered(self) -> Sequence[str]:
        """The providers that can be chosen."""
        ...

    def probed(self) -> Sequence[str]:
        """Those that may or may not listen on a port of this machine."""
        ...

    def lister(self, name: str) -> Provider:
        """Who is asked for an offered provider's models. Raises ConfigError."""
        ...

    def prober(self, name: str) -> Provider:
        """The same for a probed one, and nobody else's: to be closed. Raises ConfigError."""
        ...

    def label_of(self, name: str) -> str:
        """What to call it."""
        ...

    def server_of(self, name: str) -> str:
        """The address of a provider that is in use; empty for one that is not, or has none."""
        ...

    def own_ids(self) -> tuple[str, ...]:
        """Models that need no server. May block."""
        ...


class _Endpoint(Protocol):
    @property
    def base_url(self) -> str: ...


@runtime_checkable
class _Serving(Protocol):
    @property
    def endpoint(self) -> _Endpoint: ...


class ModelListings:
    """Asks for lists, keeps them on disk and in memory, and answers from there. It never blocks the event loop."""

    def __init__(self, listed: Listed, cache: ModelCache) -> None:
        self._listed = listed
        self._cache = cache
        self._lists: dict[str, KnownList] = {}
        self._facts: dict[str, dict[str, ModelFacts]] = {}
        self._own_ids: tuple[str, ...] = ()
        self._recall_lock = asyncio.Lock()
        self._has_recalled = False

    async def recall(self) -> None:
        """Load what is on disk, once."""
        async with self._recall_lock:
            if not self._has_recalled:
                found, self._own_ids = await asyncio.to_thread(self._read)
                for name, known in found.items():
                    if name not in self._lists:
                        self._take(name, known)
                self._has_recalled = True

    def facts_of(self, name: str, model: str) -> ModelFacts | None:
        """What is known of a provider's model; None before any list of it is."""
        known = self._lists.get(name)
        server = self._listed.server_of(name)
        if known is None or (server and known.server != server_mark(server)):
            return None
        return self._facts[name].get(model)

    def known_ids(self) -> tuple[str, ...]:
        """Every PROVIDER/MODEL that is known without asking; nothing before `recall`."""
        names = dict.fromkeys((*self._listed.offered(), *self._listed.probed()))
        listed = (f"{name}/{model}" for name in names for model in self._facts.get(name, ()))
        return (*listed, *self._own_ids)

    async def groups(
        self, only: str = "", *, is_patient: bool = False, max_age_s: float = 0.0
    ) -> AsyncGenerator[ModelGroup]:
        """What can be chosen, a group at a time: first the lists from before, then each as it is answered.

        `only`: of that provider. A list that is younger than `max_age_s` and not of this machine is not asked for
        again. After `LIST_LIMIT_S` a provider is said to be slow, and its list is waited for only by `is_patient`.
        """
        await self.recall()
        tasks: list[asyncio.Task[None]] = []
        queue: asyncio.Queue[ModelGroup | None] = asyncio.Queue()
        try:
            asked: list[str] = []
            for name in [only] if only else self._listed.offered():
                known = self._known(name)
                is_good = known is not None and self._is_good(name, known, max_age_s)
                if known is not None:
                    yield self._group(name, known, is_final=is_good)
                if not is_good:
                    asked.append(name)
            put = queue.put_nowait
            tasks = [asyncio.create_task(self._ask(name, put, is_patient=is_patient)) for name in asked]
            if not only:
                tasks += [asyncio.create_task(self._probe(name, put)) for name in self._listed.probed()]
            for task in tasks:
                task.add_done_callback(lambda _: put(None))
            running = len(tasks)
            while running:
                group = await queue.get()
                if group is None:
                    running -= 1
                else:
                    yield group
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # -- inside ----------------------------------------------------------------------------------

    def _read(self) -> tuple[dict[str, KnownList], tuple[str, ...]]:
        return self._cache.read_all(), self._listed.own_ids()

    def _take(self, name: str, known: KnownList) -> None:
        self._lists[name] = known
        self._facts[name] = {facts.name: facts for facts in known.models}

    def _known(self, name: str) -> KnownList | None:
        """What is known of the server that would be asked."""
        try:
            self._listed.lister(name)
        except ConfigError:
            return None
        known, server = self._lists.get(name), self._listed.server_of(name)
        return known if known is not None and server and known.server == server_mark(server) else None

    def _is_good(self, name: str, known: KnownList, max_age_s: float) -> bool:
        is_here = is_loopback(urlsplit(self._listed.server_of(name)).hostname or "")
        return not is_here and 0 <= time.time() - known.at_s < max_age_s

    def _group(self, name: str, known: KnownList | None, problem: str = "", *, is_final: bool = True) -> ModelGroup:
        label = self._listed.label_of(name)
        if known is None:
            return ModelGroup(name, label, problem=problem, is_final=is_final)
        return ModelGroup(name, label, _infos(name, known.models), problem, known.at_s, is_final)

    async def _ask(self, name: str, put: Callable[[ModelGroup], None], *, is_patient: bool) -> None:
        asking: asyncio.Task[tuple[ModelInfo, ...]] | None = None
        try:
            provider = self._listed.lister(name)
            asking = asyncio.create_task(provider.list_models())
            done, _ = await asyncio.wait({asking}, timeout=LIST_LIMIT_S)
            if not done:
                slow = f"{self._listed.label_of(name)} sent no list of models within {LIST_LIMIT_S:g} s."
                put(self._group(name, self._known(name), slow, is_final=not is_patient))
                if not is_patient:
                    return
            models = await asking
            await self._keep(name, self._listed.server_of(name), models)
            put(ModelGroup(name, self._listed.label_of(name), models))
        except ChatError as error:
            put(self._group(name, self._known(name), error.sentence))
        except Exception as error:  # noqa: BLE001 - one provider must not take the others' lists away
            words = f"chat-tui itself failed to list these models ({type(error).__name__})."
            put(self._group(name, self._known(name), words))
        finally:
            if asking is not None:
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)

    async def _probe(self, name: str, put: Callable[[ModelGroup], None]) -> None:
        """Whatever listens on this port may not be the server it usually is: it gets to see no key."""
        label = self._listed.label_of(name)
        try:
            provider = self._listed.prober(name)
        except ConfigError as error:  # its variable names an address that cannot be one
            put(ModelGroup(name, label, problem=error.sentence))
            return
        try:
            async with asyncio.timeout(LIST_LIMIT_S):
                models = await provider.list_models()
        except (TimeoutError, ChatError):
            return
        finally:
            await provider.aclose()
        if models:
            await self._keep(name, serving_address(provider), models)
            put(ModelGroup(name, label, models))

    async def _keep(self, name: str, server: str, models: tuple[ModelInfo, ...]) -> None:
        if server:
            facts = tuple(model.facts for model in models if model.facts is not None)
            self._take(name, await asyncio.to_thread(self._cache.write, name, server_mark(server), facts))


def serving_address(provider: Provider) -> str:
    """Where a provider asks; empty for one that needs no server."""
    return provider.endpoint.base_url if isinstance(provider, _Serving) else ""


def _infos(name: str, models: Sequence[ModelFacts]) -> tuple[ModelInfo, ...]:
    return tuple(ModelInfo(f"{name}/{facts.name}", facts.label, facts=facts) for facts in models)
