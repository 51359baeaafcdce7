"""Plays timed scripts: the demo models, the pictures in the documentation, tests. No network, no randomness."""

from __future__ import annotations

import asyncio
import difflib
import itertools
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass

from chat_tui.core.conversation import ChatRequest, Message, Role
from chat_tui.core.errors import Fault, FaultKind
from chat_tui.core.events import (
    Arrival,
    Connected,
    Failed,
    Finished,
    FinishReason,
    ReasoningDelta,
    Started,
    StreamEvent,
    TextDelta,
    Usage,
    UsageReported,
)
from chat_tui.core.sanitize import clean_line
from chat_tui.providers.base import Clock, ModelInfo
from chat_tui.providers.demo_scripts import DEMOS, Say, Script, Step, Think, Wait

Sleep = Callable[[float], Awaitable[None]]

_TOKEN_CHARS = (4, 6, 3, 5, 2, 4)
"""Lengths of successive deltas: four characters each on average, and never in step with the words."""

_READ_TOKENS = 64
"""How many tokens a burst brings at once, as one read of a socket would."""

_FOREIGN = "\n\n*(A demo model can only continue its own text.)*"


@dataclass(frozen=True, slots=True)
class _Beat:
    """What happens at one moment, `after_s` seconds after the last one."""

    after_s: float
    events: tuple[StreamEvent, ...] = ()


class ScriptedProvider:
    """The provider of `demo/…`; `scripts` maps the names after the slash.

    A conversation that ends with an assistant message is continued where that message ends.
    """

    name = "demo"
    label = "demo"
    is_demo = True

    def __init__(
        self,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        scripts: Mapping[str, Script] = DEMOS,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._scripts = scripts
        self._requests: dict[str, int] = {}

    async def prepare(self) -> str:
        """Nothing to prepare."""
        return ""

    def can_continue(self, model: str, answer: Message) -> bool:
        """Always."""
        return True

    async def list_models(self) -> tuple[ModelInfo, ...]:
        """Every script, in order."""
        return tuple(ModelInfo(f"demo/{name}", note=script.note) for name, script in self._scripts.items())

    async def aclose(self) -> None:
        """Nothing is held."""

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Arrival]:
        """Play the script named by the request's model."""
        fault = self._refusal(request.model)
        if fault is not None:
            yield Arrival(self._clock(), (Failed(fault),))
            return
        yield Arrival(self._clock(), (Connected(), Started("demo", f"demo/{request.model}")))
        due_s = self._clock()
        token_count = 0
        for beat in _beats(self._scripts[request.model], _partial(request)):
            due_s += beat.after_s
            await self._sleep(max(0.0, due_s - self._clock()))
            if not beat.events:
                continue
            yield Arrival(self._clock(), beat.events)
            if isinstance(beat.events[-1], Failed):
                return
            token_count += len(beat.events)
        usage = Usage(input_tokens=_input_tokens(request), output_tokens=token_count)
        yield Arrival(self._clock(), (UsageReported(usage), Finished(FinishReason.STOP, "stop")))

    def _refusal(self, model: str) -> Fault | None:
        script = self._scripts.get(model)
        if script is None:
            nearest = difflib.get_close_matches(model, self._scripts, n=1, cutoff=0.0)
            hint = f"Did you mean demo/{nearest[0]}?" if nearest else ""
            return Fault(
                FaultKind.NOT_FOUND, "no such model", f"There is no demo model “{clean_line(model)}”.", hint
            )
        self._requests[model] = self._requests.get(model, 0) + 1
        return script.refusal if self._requests[model] % 2 else None


def deltas(text: str) -> Iterator[str]:
    """The text in pieces of about four characters, always the same ones."""
    start = 0
    for size in itertools.cycle(_TOKEN_CHARS):
        if start >= len(text):
            return
        yield text[start : start + size]
        start += size


def _beats(script: Script, partial: str) -> Iterator[_Beat]:
    """The script from behind `partial`; what stands before that point is over, the break it stopped at too."""
    steps: tuple[Step, ...] = script.steps if script.answer.startswith(partial) else (Say(_FOREIGN),)
    skip_chars = len(partial) if steps is script.steps else 0
    is_over = skip_chars > 0
    for step in steps:
        if isinstance(step, Say):
            rest = step.text[skip_chars:]
            skip_chars -= len(step.text) - len(rest)
            is_over = is_over and not rest
            yield from _spoken(step, tuple(TextDelta(piece) for piece in deltas(rest)))
        elif is_over:
            continue
        elif isinstance(step, Think):
            yield from _spoken(step, tuple(ReasoningDelta(piece) for piece in deltas(step.text)))
        elif isinstance(step, Wait):
            yield _Beat(step.seconds)
        else:
            yield _Beat(0.0, (Failed(step.fault),))


def _spoken(step: Say | Think, tokens: tuple[TextDelta | ReasoningDelta, ...]) -> Iterator[_Beat]:
    if math.isinf(step.tokens_per_s):
        for start in range(0, len(tokens), _READ_TOKENS):
            yield _Beat(0.0, tokens[start : start + _READ_TOKENS])
    else:
        for token in tokens:
            yield _Beat(1.0 / step.tokens_per_s, (token,))


def _partial(request: ChatRequest) -> str:
    last = request.messages[-1] if request.messages else None
    return last.text if last is not None and last.role is Role.ASSISTANT else ""


def _input_tokens(request: ChatRequest) -> int:
    """As a server would count them, roughly."""
    return (len(request.system) + sum(len(message.text) for message in request.messages)) // 4
