"""Looks at a provider step by step, as a person with a problem would: key, name, connection, models, one word.

Each step says what was found, or in one sentence what is wrong and what to do. A step that fails ends the
examination where the rest could only fail for the same reason. Nothing here raises, shows a key, or takes longer
than `StepLimits` say.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from chat_tui.config.model import DEFAULT_MODEL
from chat_tui.core.conversation import ChatRequest, Message, Role, TextPart
from chat_tui.core.errors import ChatError, FaultKind, ProviderError
from chat_tui.core.events import TOKEN_EVENTS, Arrival, Failed, Finished
from chat_tui.core.sanitize import clean_line
from chat_tui.providers.base import Clock, ModelInfo, Provider
from chat_tui.providers.credentials import is_loopback
from chat_tui.providers.environment import proxy_of
from chat_tui.providers.faults import Origin
from chat_tui.providers.listing import serving_address
from chat_tui.providers.reach import Lookup, agreed, is_address, look_up, origin_of, port_of, told
from chat_tui.providers.registry import LOCAL, ProviderRegistry
from chat_tui.providers.served import ServedProvider

if TYPE_CHECKING:
    from chat_tui.providers.endpoint import Endpoint

PROMPT: Final = "Reply with the one word: ok"
MAX_TOKENS_HEARD: Final = 16
"""After so many the model is stopped: it was to say one word."""

_HOPELESS = frozenset({FaultKind.AUTH, FaultKind.NETWORK, FaultKind.SETUP, FaultKind.QUOTA})
"""When the list of models fails for one of these, an answer would too."""
_SLOW = {
    "key": "Run the program that prints the key yourself: does it wait for you?",
    "DNS": "Check your network and its name servers.",
    "connect": "Check base_url, and what may stand between: a firewall, a VPN, a proxy.",
    "TLS": "Check that the port of base_url is one that speaks TLS.",
    "models": "The server takes connections and says nothing: it is busy, or its base_url is another program's.",
    "start": "Big weights take minutes to load: in a chat they are waited for.",
    "answer": "In a chat it is waited for: the server may be busy, or load the model.",
}
_LEAST_S = 0.01
_WITHOUT_LIST = frozenset({404, 405, 501})


class CheckState(StrEnum):
    """What came of a step."""

    OK = "ok"
    FAILED = "failed"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class Check:
    """One step: what was found, or what is wrong and what to do. Clean, one line, without keys."""

    step: str
    state: CheckState
    words: str
    elapsed_s: float = 0.0


@dataclass(frozen=True, slots=True)
class StepLimits:
    """How long a step may take at most, and all of them together. `rest_s`: an answer after its first token."""

    key_s: float = 3.0
    lookup_s: float = 2.0
    connect_s: float = 2.0
    tls_s: float = 2.0
    models_s: float = 3.0
    start_s: float = 6.0
    answer_s: float = 6.0
    rest_s: float = 1.0
    total_s: float = 8.0
    farewell_s: float = 1.0


@dataclass(slots=True)
class _Step:
    """A step that runs; `words` are what it has found."""

    name: str
    words: str = ""
    check: Check | None = None

    @property
    def has_failed(self) -> bool:
        return self.check is not None and self.check.state is CheckState.FAILED


class Examination:
    """One provider, examined once. `model` is its own name for the one that shall say a word, empty: any.

    `asks` False leaves the word out, which costs a few tokens.
    """

    def __init__(
        self,
        registry: ProviderRegistry,
        name: str,
        model: str = "",
        *,
        asks: bool = True,
        limits: StepLimits | None = None,
        lookup: Lookup | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self.name = name
        self.label = registry.label_of(name)
        self.address = ""
        self.has_asked = False
        """Whether a word was asked of a server that may charge for it."""
        self._registry = registry
        self._model = model or (DEFAULT_MODEL.partition("/")[2] if name == LOCAL else "")
        self._asks = asks
        self._limits = limits or StepLimits()
        self._lookup = lookup or look_up
        self._clock = clock
        self._until_s = 0.0
        self._models: tuple[ModelInfo, ...] = ()

    async def checks(self) -> AsyncGenerator[Check]:
        """The steps as they are done, until one makes the next ones pointless."""
        self._until_s = asyncio.get_running_loop().time() + self._limits.total_s
        try:
            provider, _ = self._registry.resolve(f"{self.name}/{self._model or 'any'}")
        except ChatError as error:
            yield Check("set-up", CheckState.FAILED, _line(error.sentence))
            return
        self.address = serving_address(provider)
        steps = self._server_steps(provider) if self.address else self._own_steps(provider)
        async with aclosing(steps):
            async for check in steps:
                yield check

    # -- a server ----------------------------------------------------------------------------------

    async def _server_steps(self, provider: Provider) -> AsyncGenerator[Check]:
        if not isinstance(provider, ServedProvider):
            return
        origin = origin_of(self.name, provider.endpoint)
        yield (key := await self._key(provider))
        if key.state is CheckState.FAILED:
            return
        async with aclosing(self._way(provider.endpoint, origin)) as way:
            async for check in way:
                yield check
                if check.state is CheckState.FAILED:
                    return
        models, is_hopeless = await self._list(provider)
        yield models
        if not is_hopeless:
            yield await self._word(provider)

    async def _key(self, provider: ServedProvider) -> Check:
        endpoint = provider.endpoint
        async with self._step("key", self._limits.key_s) as step:
            if sentence := await provider.prepare():
                raise ChatError(sentence)
            if endpoint.api_key or endpoint.key_command:
                step.words = f"from {endpoint.key_source}"
            elif endpoint.secrets:
                step.words = f"none; the headers of [providers.{self.name}] are sent"
            else:
                step.words = "none set, none is sent"
        return _done(step)

    async def _way(self, endpoint: Endpoint, origin: Origin) -> AsyncGenerator[Check]:
        """Proxy, name, connection, TLS."""
        from chat_tui.providers import network

        proxy = proxy_of(endpoint.base_url)
        parts = urlsplit(proxy or endpoint.base_url)
        host, port = parts.hostname or "", port_of(proxy or endpoint.base_url)
        if proxy:
            shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
            yield Check("proxy", CheckState.OK, _line(f"{shown}, as the environment says"))
        addresses = [host]
        if not is_address(host):
            async with self._step("DNS", self._limits.lookup_s) as step:
                with told(origin, is_proxy=bool(proxy)):
                    addresses = await self._lookup(host, port)
                more = f" and {len(addresses) - 1} more" if len(addresses) > 1 else ""
                step.words = f"{host} is {addresses[0]}{more}"
            yield _done(step)
        if not addresses:
            return
        async with self._step("connect", self._limits.connect_s) as step:
            with told(origin, is_proxy=bool(proxy)):
                stream = await network.connect(addresses, port)
            step.words = f"port {port}" + (" of the proxy" if proxy else "")
        yield _done(step)
        if step.has_failed:
            return
        try:
            if proxy:
                return  # what is behind it, the list of models shows
            if parts.scheme != "https":
                yield Check("TLS", CheckState.LEFT_OUT, "not encrypted: the address begins with http://")
                return
            async with self._step("TLS", self._limits.tls_s) as step:
                with told(origin):
                    step.words = agreed(await network.encrypt(stream, host))
            yield _done(step)
        finally:
            await stream.aclose()

    async def _list(self, provider: Provider) -> tuple[Check, bool]:
        """The check, and whether an answer needs not be asked for."""
        is_hopeless = False
        async with self._step("models", self._limits.models_s) as step:
            try:
                self._models = await provider.list_models()
            except ChatError as error:
                fault = error.fault if isinstance(error, ProviderError) else None
                if fault is None or (fault.status in _WITHOUT_LIST and fault.kind is not FaultKind.AUTH):
                    step.words = "the server has no list of them"
                    step.check = Check("models", CheckState.LEFT_OUT, step.words)
                else:
                    is_hopeless = fault.kind in _HOPELESS
                    raise
            else:
                count = len(self._models)
                step.words = f"{count:,} model{'' if count == 1 else 's'}"
                if not count:
                    raise ChatError(f"{self.label} offers no models. {_GET_MODELS.get(self.name, '')}".strip())
        return _done(step), is_hopeless

    # -- what needs no server ------------------------------------------------------------------------

    async def _own_steps(self, provider: Provider) -> AsyncGenerator[Check]:
        """A model on this machine: is it installed, does it start. And the demo, which is always there."""
        self._models = await provider.list_models()
        if not self._model:
            self._model = _chat_model(self._models)
        if not provider.is_demo:
            async with self._step("installed", self._limits.start_s) as step:
                info = next((info for info in self._models if info.id == f"{self.name}/{self._model}"), None)
                if info is not None and not info.is_available:
                    raise ChatError(info.note)
                step.words = provider.label
            yield _done(step)
            if step.has_failed:
                return
            async with self._step("start", self._limits.start_s) as step:
                if sentence := await provider.prepare():
                    raise ChatError(sentence)
                step.words = "llama.cpp runs, the model is loaded"
            yield _done(step)
            if step.has_failed:
                return
        yield await self._word(provider)

    # -- one word ------------------------------------------------------------------------------------

    async def _word(self, provider: Provider) -> Check:
        model = self._model or _chat_model(self._models)
        if not self._asks:
            return Check("answer", CheckState.LEFT_OUT, "not asked for, as --no-ask says")
        if not model:
            return Check("answer", CheckState.FAILED, f"Name a model: --model {self.name}/NAME")
        self.has_asked = bool(self.address) and not is_loopback(urlsplit(self.address).hostname or "")
        async with self._step("answer", self._limits.answer_s) as step:
            step.words = await self._heard(provider, model)
        check = _done(step)
        if check.state is CheckState.FAILED and (advice := self._other_name(model)):
            check = Check(check.step, check.state, f"{check.words} {advice}", check.elapsed_s)
        return check

    async def _heard(self, provider: Provider, model: str) -> str:
        """Which model said its first token when. Raises ChatError for a stream that brings none or breaks."""
        request = ChatRequest(model, (Message(1, Role.USER, (TextPart(PROMPT),)),))
        begun_s, first_s = self._clock(), 0.0
        async with aclosing(provider.stream(request)) as arrivals:
            async for arrival in arrivals:
                if any(isinstance(event, TOKEN_EVENTS) for event in arrival.events):
                    first_s = arrival.at_s
                _check_end(arrival, model, has_token=bool(first_s))
                if first_s:
                    break
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._limits.rest_s):
                    await _hear_rest(arrivals, model)
        return f"first token after {(first_s - begun_s) * 1000:,.0f} ms, from {_line(model, 80)}"

    def _other_name(self, model: str) -> str:
        names = [info.id.partition("/")[2] for info in self._models]
        if not names or model in names:
            return ""
        nearest = difflib.get_close_matches(model, names, n=1)
        meant = f"did you mean {self.name}/{_line(nearest[0], 80)}?" if nearest else "see `chat-tui models`."
        return f"The list does not have {_line(model, 80)}: {meant}"

    # -- steps ---------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _step(self, name: str, limit_s: float) -> AsyncGenerator[_Step]:
        """Time what is done inside, end it at its limit, and make whatever goes wrong the step's words."""
        loop = asyncio.get_running_loop()
        step = _Step(name)
        begun_s, state = self._clock(), CheckState.OK
        now_s = loop.time()
        until_s = min(now_s + limit_s, self._until_s)
        try:
            async with asyncio.timeout_at(until_s):
                yield step
        except TimeoutError:
            state = CheckState.FAILED
            took = f"it took longer than {until_s - now_s:.2g} s."
            step.words = f"This is the slow step: {took} {_SLOW.get(name, '')}"
            if until_s - now_s < _LEAST_S:
                step.words = f"There was no time left for it: the steps before took {self._limits.total_s:g} s."
        except ChatError as error:
            state, step.words = CheckState.FAILED, error.sentence
        if step.check is None:
            step.check = Check(name, state, _line(step.words), self._clock() - begun_s)


_GET_MODELS = {
    "ollama": "Get one with `ollama pull NAME`.",
    "lmstudio": "Get one with `lms get NAME`.",
}


def _done(step: _Step) -> Check:
    if step.check is None:
        raise RuntimeError("the step is not over")
    return step.check


def _chat_model(models: tuple[ModelInfo, ...]) -> str:
    usable = (info for info in models if info.is_available and (info.facts is None or info.facts.is_chat))
    return next((info.id.partition("/")[2] for info in usable), "")


async def _hear_rest(arrivals: AsyncGenerator[Arrival], model: str) -> None:
    """Whether the stream also ends well; a model that says or thinks much is not waited for."""
    token_count = 1
    async for arrival in arrivals:
        _check_end(arrival, model, has_token=True)
        token_count += sum(isinstance(event, TOKEN_EVENTS) for event in arrival.events)
        if token_count >= MAX_TOKENS_HEARD:
            return


def _check_end(arrival: Arrival, model: str, *, has_token: bool) -> None:
    last = arrival.events[-1]
    if isinstance(last, Failed):
        raise ChatError(f"A word came, and then: {last.fault.sentence}" if has_token else last.fault.sentence)
    if isinstance(last, Finished) and not has_token:
        raise ChatError(f"{_line(model, 80)} ended its answer without a word.")


def _line(text: str, max_chars: int = 600) -> str:
    return clean_line(text, max_chars)
