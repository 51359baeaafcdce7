"""A model on loopback that says numbered words at a steady rate and remembers when it said which."""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from dataclasses import dataclass, field

from tests.support.sse_server import CLOSE, Connection, SseServer, delta, head, reply, sse

TOKENS_PER_S = 200
_NUMBERS = itertools.count()


@dataclass(frozen=True)
class Plan:
    """How the next answers shall be: seconds before the first token, how many tokens, how many of them thoughts."""

    first_after_s: float = 0.0
    token_count: int = 2000
    thought_count: int = 0


@dataclass
class Answer:
    """One answer, as far as it was said. Times are on the monotonic clock; `finished_at_s` infinite: never."""

    number: int
    plan: Plan
    question: str
    asked_at_s: float
    sent_at_s: list[float] = field(default_factory=list[float])
    finished_at_s: float = math.inf

    def token(self, index: int) -> str:
        """Unlike every other token of every answer."""
        return f"a{self.number}x{index} "

    def text(self, count: int) -> str:
        """The first `count` tokens."""
        return "".join(map(self.token, range(count)))

    def said_by(self, at_s: float) -> int:
        """How many tokens had been sent by then."""
        return sum(sent_s <= at_s for sent_s in self.sent_at_s)


class SteadyModel:
    """Answers whatever `server` is asked, according to `plan`. `answers` are all it gave."""

    def __init__(self, server: SseServer) -> None:
        self.plan = Plan()
        self.answers: list[Answer] = []
        self.has_begun = asyncio.Event()
        """Set with each first token; whoever waits clears it before."""
        self._server = server
        self._taken_count = 0
        server.play(reply(head(), self._say, CLOSE))

    async def _say(self) -> None:
        request = self._server.requests[self._taken_count]
        self._taken_count += 1
        question = str(request.json["messages"][-1]["content"])
        answer = Answer(next(_NUMBERS), self.plan, question, request.at_s)
        self.answers.append(answer)
        await asyncio.sleep(answer.plan.first_after_s)
        await self._say_all(answer, request.connection)
        answer.finished_at_s = time.monotonic()
        request.connection.send(sse(delta(finish="stop")) + sse("[DONE]"))

    async def _say_all(self, answer: Answer, connection: Connection) -> None:
        started_s = time.monotonic()
        for index in range(answer.plan.token_count):
            if (wait_s := started_s + index / TOKENS_PER_S - time.monotonic()) > 0:
                await asyncio.sleep(wait_s)
            token = answer.token(index)
            is_thought = index < answer.plan.thought_count
            answer.sent_at_s.append(time.monotonic())
            connection.send(sse(delta(reasoning_content=token) if is_thought else delta(token)))
            self.has_begun.set()
