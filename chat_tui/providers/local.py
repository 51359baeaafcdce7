"""Models on this machine: a llama.cpp server as a child process, spoken to like any other server.

The child is started in the background and ends with us, however we end; see llama_child for how.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
import signal
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

from chat_tui.config.model import LocalConfig
from chat_tui.core.conversation import ChatRequest, Message
from chat_tui.core.errors import ChatError, Fault, FaultKind, ProviderError
from chat_tui.core.events import Arrival, Failed, ProgressKind, ProgressReported
from chat_tui.core.sanitize import clean_line
from chat_tui.providers import local_weights
from chat_tui.providers.base import Clock, ModelInfo, Provider
from chat_tui.providers.llama_child import Settings

LOG_NAME = "llama-server.log"
_CHILD = Path(__file__).with_name("llama_child.py")
_PASSED_ON = (
    "PATH", "HOME", "LANG", "LC_ALL", "TMPDIR",
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES",
    "SYSTEMROOT", "TEMP", "TMP", "USERPROFILE",
)  # fmt: skip
"""All that the child sees of the environment: never a key."""

_FIRST_TOKEN_TIMEOUT_S = 3600.0
_IDLE_TIMEOUT_S = 600.0
_GRACE_S = 0.6
_EXIT_NOTICE_S = 0.25
_LOG_TAIL_BYTES = 8192
_LOGGED_ERROR = re.compile(r"[\d.]+ E (.*)|(.*GGML_ASSERT.*|\w+(?:Error|Exception)\b.*)")
_DEATH_KINDS = frozenset((FaultKind.CUT, FaultKind.NETWORK, FaultKind.TIMEOUT, FaultKind.PROTOCOL))


class LlamaServer:
    """One child process that listens; `provider` speaks to it."""

    def __init__(self, process: asyncio.subprocess.Process, provider: Provider) -> None:
        self.process = process
        self.provider = provider

    @property
    def has_exited(self) -> bool:
        """Whether the process is known to have ended."""
        return self.process.returncode is not None

    async def exits_soon(self) -> bool:
        """Whether the process has ended, when its connections just broke: the news may take a moment."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.process.wait(), _EXIT_NOTICE_S)
        return self.has_exited

    async def aclose(self) -> None:
        """End it and reap it."""
        await self.provider.aclose()
        await _end(self.process)


class LocalProvider:
    """Answers with the model `model` of `local/…`; the server is shared by all its requests.

    Nothing is started before `prepare` or the first answer. A server that died is started again by the next
    request. `state_dir` holds the log (0600).
    """

    is_demo = False

    def __init__(
        self,
        config: LocalConfig,
        model: str,
        state_dir: Path,
        clock: Clock = time.monotonic,
        *,
        name: str = "local",
    ) -> None:
        self.name = name
        self.label = local_weights.label(model)
        self.log_path = state_dir / LOG_NAME
        self._config = config
        self._model = model
        self._clock = clock
        self._starting: asyncio.Task[LlamaServer | Fault] | None = None

    async def prepare(self) -> str:
        """Start the server and wait until it is ready or has failed."""
        server = await asyncio.shield(self._server())
        return server.sentence if isinstance(server, Fault) else ""

    def can_continue(self, model: str, answer: Message) -> bool:
        """Always."""
        return True

    def can_see(self, model: str) -> bool:
        """Never: nothing here reads images."""
        return False

    async def list_models(self) -> tuple[ModelInfo, ...]:
        """The names in [local] models and the bundled one."""
        return local_weights.list_local(self._config)

    async def aclose(self) -> None:
        """End the child, also one that is still starting; within about two seconds whatever it does."""
        starting, self._starting = self._starting, None
        if starting is None:
            return
        starting.cancel()
        await asyncio.wait({starting})
        if not starting.cancelled() and isinstance(server := starting.result(), LlamaServer):
            await server.aclose()

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Arrival]:
        """One answer. While the model is loading: one LOAD progress, then silence."""
        may_restart = True
        while True:
            starting = self._server()
            if not starting.done():
                yield self._arrival(ProgressReported(ProgressKind.LOAD))
            server = await asyncio.shield(starting)
            if isinstance(server, Fault):
                yield self._arrival(Failed(server))
                return
            has_begun = False
            async with aclosing(server.provider.stream(request)) as arrivals:
                async for arrival in arrivals:
                    last = arrival.events[-1]
                    if isinstance(last, Failed) and last.fault.kind in _DEATH_KINDS and await server.exits_soon():
                        if may_restart and not has_begun and len(arrival.events) == 1:
                            break
                        fault = self._death(server.process.returncode or 0, last.fault)
                        yield Arrival(arrival.at_s, (*arrival.events[:-1], Failed(fault)))
                        return
                    yield arrival
                    has_begun = True
                else:
                    return
            may_restart = False

    def _arrival(self, event: ProgressReported | Failed) -> Arrival:
        return Arrival(self._clock(), (event,))

    def _server(self) -> asyncio.Task[LlamaServer | Fault]:
        """The start that runs or has succeeded; a new one when it failed or its server has died since."""
        previous: LlamaServer | None = None
        if self._starting is not None:
            if not self._starting.done():
                return self._starting
            result = None if self._starting.cancelled() else self._starting.result()
            if isinstance(result, LlamaServer):
                if not result.has_exited:
                    return self._starting
                previous = result
        self._starting = asyncio.create_task(self._start(previous), name="local-model-start")
        return self._starting

    async def _start(self, previous: LlamaServer | None) -> LlamaServer | Fault:
        """Starts a child and waits until it listens; there is no time limit, big weights take minutes to read."""
        if previous is not None:
            await previous.aclose()
        try:
            weights = local_weights.resolve_weights(self._model, self._config)
            runtime = local_weights.find_runtime()
            process = await self._spawn()
        except ProviderError as error:
            return error.fault
        except ChatError as error:
            return Fault(FaultKind.SETUP, "no such model", error.message, error.hint)
        except OSError as error:
            message = f"The local model could not be started: {clean_line(error.strerror or str(error))}."
            return Fault(FaultKind.SETUP, "local model did not start", message)
        api_key = secrets.token_urlsafe(32)
        settings: Settings = {
            "weights": str(weights),
            "alias": self._model,
            "api_key": api_key,
            "context_tokens": self._config.context_tokens,
            "threads": self._config.threads,
            "import_from": str(runtime),
        }
        try:
            reply = await _converse(process, settings)
            address = reply.get("address")
            if isinstance(address, str):
                return LlamaServer(process, self._connect(address, api_key))
        except BaseException:
            await _end(process)
            raise
        await _end(process)
        return self._start_fault(weights, reply, process.returncode or 0)

    async def _spawn(self) -> asyncio.subprocess.Process:
        """Raises OSError."""
        log = os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        try:
            if sys.platform != "win32":
                os.fchmod(log, 0o600)
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                str(_CHILD),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
                start_new_session=True,  # the terminal's signals are ours, not the child's
            )
        finally:
            os.close(log)

    def _connect(self, address: str, api_key: str) -> Provider:
        from chat_tui.providers.endpoint import Endpoint
        from chat_tui.providers.http import HttpProvider
        from chat_tui.wire.base import Quirks
        from chat_tui.wire.openai_chat import OpenAIChat

        endpoint = Endpoint(
            base_url=f"{address}/v1",
            api_key=api_key,
            first_token_timeout_s=_FIRST_TOKEN_TIMEOUT_S,
            idle_timeout_s=_IDLE_TIMEOUT_S,
        )
        # Without reports of its progress the server hears of a stop only when it has read the whole prompt.
        quirks = Quirks(can_prefill=True, extra_body={"return_progress": True})
        return HttpProvider(self.name, self.label, endpoint, OpenAIChat(), quirks, self._clock)

    def _start_fault(self, weights: Path, reply: dict[str, Any], returncode: int) -> Fault:
        errors = logged_errors(self.log_path)
        line = errors[0] if errors else clean_line(str(reply.get("error", "")), 200)
        reason = line or f"its process {_ending(returncode)}"
        message = f"llama.cpp could not start with {clean_line(weights.name, 100)}: {reason.rstrip('.')}."
        return Fault(FaultKind.SETUP, "local model did not start", message, self._log_hint, detail=line)

    def _death(self, returncode: int, fault: Fault) -> Fault:
        errors = logged_errors(self.log_path)
        line = errors[-1] if errors else ""
        message = f"The local model's process {_ending(returncode)}{f': {line}' if line else ''}."
        hint = f"The next request starts it again. {self._log_hint}"
        kind = FaultKind.CUT if fault.kind is FaultKind.CUT else FaultKind.NETWORK
        return replace(
            fault, kind=kind, title="local model ended", message=message, hint=hint, is_retryable=True, detail=line
        )

    @property
    def _log_hint(self) -> str:
        return f"Its log is {clean_line(str(self.log_path))}"


async def _converse(process: asyncio.subprocess.Process, settings: Settings) -> dict[str, Any]:
    """Settings in, the child's one line out; {} when it ended without one. stdin stays open: it is the lifeline."""
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the child has no pipes")
    line = b""
    with contextlib.suppress(OSError, ValueError):  # it died while we wrote, or wrote what is no line
        process.stdin.write(json.dumps(settings).encode() + b"\n")
        await process.stdin.drain()
        line = await process.stdout.readline()
    try:
        return json.loads(line)
    except ValueError:
        return {}


async def _end(process: asyncio.subprocess.Process) -> None:
    """Close its lifeline, then ask, then kill; returns when it is reaped."""
    if process.stdin is not None:
        process.stdin.close()
    for insist in (process.terminate, process.kill, None):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _GRACE_S)
            return
        if insist is not None:
            with contextlib.suppress(ProcessLookupError):
                insist()


def logged_errors(path: Path) -> list[str]:
    """What the log's end says went wrong, oldest first, cleaned; may be empty.

    llama.cpp's lines carry a level; a failed assertion and a traceback do not.
    """
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LOG_TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    return [
        clean_line((found[1] or found[2]).strip(), 200) for line in lines if (found := _LOGGED_ERROR.match(line))
    ]


def _ending(returncode: int) -> str:
    if returncode >= 0:
        return f"ended with status {returncode}"
    try:
        return f"was killed ({signal.Signals(-returncode).name})"
    except ValueError:
        return f"was killed (signal {-returncode})"
