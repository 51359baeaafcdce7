"""The real application on a stage: demo models, a clock that jumps, and a stop wherever one is wanted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

from textual._compositor import LayoutUpdate
from textual.app import App
from textual.pilot import Pilot
from textual.strip import Strip

from chat_tui.config.load import LoadedConfig
from chat_tui.config.model import Config
from chat_tui.core.conversation import ChatRequest, FilePart
from chat_tui.providers.base import Provider
from chat_tui.providers.registry import ProviderRegistry
from chat_tui.providers.scripted import ScriptedProvider
from chat_tui.session.journal import Journal
from chat_tui.session.session import ChatSession
from chat_tui.session.turn_runner import TurnListener, TurnRunner
from chat_tui.ui.app import ChatApp
from tests.support.clock import ManualClock
from tests.support.waiting import wait_until


class StageClock(ManualClock):
    """Waits take no time, until `stop_at_s` is reached: there everything stands still until it is moved on."""

    def __init__(self) -> None:
        super().__init__()
        self.started_s = self.now_s
        self.stop_at_s = float("inf")
        self.is_standing = False

    @property
    def elapsed_s(self) -> float:
        """Since the stage was built."""
        return self.now_s - self.started_s

    async def sleep(self, seconds: float) -> None:
        """What the scripted provider waits with."""
        while self.elapsed_s + seconds > self.stop_at_s:
            self.is_standing = True
            await asyncio.sleep(0.001)
        self.is_standing = False
        self.advance(seconds)
        await asyncio.sleep(0)


class StageRegistry(ProviderRegistry):
    """Knows the demo models on the stage's clock, and remembers what they were asked."""

    def __init__(
        self, config: Config, state_dir: Path, clock: StageClock, provider: Provider | None = None
    ) -> None:
        super().__init__(config, {}, state_dir, clock)
        self.requests: list[ChatRequest] = []
        self._players: dict[str, Provider] = {"demo": ScriptedProvider(clock, clock.sleep)}
        if provider is not None:
            self._players["fake"] = provider

    def resolve(self, model_id: str) -> tuple[Provider, str]:
        """Only what is played here is answered by it."""
        name, _, model = model_id.partition("/")
        return (self._players[name], model) if name in self._players else super().resolve(model_id)


class StageSession(ChatSession):
    """Waits before a retry on the stage's clock."""

    def __init__(
        self, registry: StageRegistry, model_id: str, clock: StageClock, journal: Journal | None = None
    ) -> None:
        super().__init__(registry, model_id, clock=clock, journal=journal)
        self.requests = registry.requests
        self._stage_clock = clock

    def submit(
        self, prompt: str, listener: TurnListener | None = None, *, files: tuple[FilePart, ...] = ()
    ) -> TurnRunner:
        """As it is, on the stage's clock."""
        return self._on_stage(super().submit(prompt, listener, files=files))

    def retry(self, listener: TurnListener | None = None) -> TurnRunner:
        """As it is, on the stage's clock."""
        return self._on_stage(super().retry(listener))

    def continue_answer(self, listener: TurnListener | None = None) -> TurnRunner:
        """As it is, on the stage's clock."""
        return self._on_stage(super().continue_answer(listener))

    def _on_stage(self, runner: TurnRunner) -> TurnRunner:
        runner.sleep = self._stage_clock.sleep
        self.requests.append(runner.request)
        return runner


class Stage:
    """An app under a pilot."""

    def __init__(self, app: ChatApp, pilot: Pilot[None], clock: StageClock, requests: list[ChatRequest]) -> None:
        self.app, self.pilot, self.clock = app, pilot, clock
        self.requests = requests
        self.chat = app.chat
        self.session = app.session

    async def ask(self, text: str) -> None:
        """Type and send."""
        self.chat.prompt.put(text)
        self.chat.prompt.pasted.forget()
        await self.pilot.press("enter")

    async def until_text(self, text: str) -> None:
        """Until the model has written that much (the clock stops there) and it is painted."""
        await wait_until(lambda: self.answer.endswith(text) or text in self.answer, 20, text)

    async def until_done(self) -> None:
        """Until the turn has ended and is painted."""
        await wait_until(lambda: self.session.runner is not None and not self.session.is_running, 30, "the end")
        await self.settle()

    async def until_standing(self) -> None:
        """Until the clock stands at its stop and everything that came is painted."""
        await wait_until(lambda: self.clock.is_standing, 20, "the stop")
        await wait_until(lambda: self.session.runner is None or not self.session.runner.pending_chars, 20)
        await self.settle()

    async def settle(self) -> None:
        """Let what was posted be handled and painted; the stage's clock does not drive the status bar."""
        self.chat.painter.tick()
        self.chat.show_status()
        for _ in range(4):
            await self.pilot.pause(0)

    @property
    def answer(self) -> str:
        """The raw text of the running or last answer."""
        runner = self.session.runner
        return "" if runner is None else runner.partial + runner.state.text

    @property
    def rows(self) -> list[str]:
        """The visible rows of the transcript as text."""
        transcript = self.chat.transcript
        return [transcript.render_line(y).text.rstrip() for y in range(transcript.size.height)]

    @property
    def text(self) -> str:
        """The visible transcript as one string."""
        return "\n".join(self.rows)

    @property
    def all_rows(self) -> list[str]:
        """Every row of the transcript, what is scrolled away included, without margin."""
        transcript = self.chat.transcript
        transcript.lay_out_all()
        return [transcript.row_text(row).rstrip() for row in range(transcript.virtual_size.height)]

    @property
    def status(self) -> str:
        """The line at the bottom."""
        return self.chat.status_bar.render_line(0).text.strip()

    @property
    def screen(self) -> list[Strip]:
        """What the terminal shows, row by row, a panel over its dimmed background included."""
        return composed(self.app)

    @property
    def screen_text(self) -> str:
        """The same as text."""
        return "\n".join(strip.text.rstrip() for strip in self.screen)


def composed(app: App[None]) -> list[Strip]:
    """The composed screen; Textual 8.2.8 has no public way to read it."""
    update = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
    assert isinstance(update, LayoutUpdate)
    return [Strip.join(row).simplify() for row in update.strips]


@contextlib.asynccontextmanager
async def stage(
    model: str,
    state_dir: Path,
    *,
    config: Config | None = None,
    size: tuple[int, int] = (120, 36),
    provider: Provider | None = None,
    first_run: bool = False,
    journal: Journal | None = None,
    resume: str = "",
) -> AsyncGenerator[Stage]:
    """The application with a demo model, composer focused. `provider` answers for all models `fake/…`, what is said
    is kept by `journal`, and `resume` is the conversation to begin with."""
    config = config or Config()
    clock = StageClock()
    session = StageSession(StageRegistry(config, state_dir, clock, provider), model, clock, journal)
    app = ChatApp(session, LoadedConfig(config, {}, (), None), first_run=first_run, resume=resume)
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        yield Stage(app, pilot, clock, session.requests)
