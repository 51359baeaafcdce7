"""Servers as processes: each is a context that is ready when it is entered and gone when it is left."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chat_tui.providers import llama_child, local_weights
from chat_tui.providers.llama_child import Settings
from tests.servers import installed

KEY = "the-key-of-this-test"
MODEL = "smollm2-135m"
_READY_S = 90.0


def fetched(url: str, key: str = "") -> tuple[int, bytes]:
    """Status and body; status 0 when nobody answers."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
    except OSError:
        return 0, b""


@dataclass
class Llama:
    """The llama.cpp server behind all others; its slots tell what it does."""

    address: str

    @property
    def is_busy(self) -> bool:
        slots: list[dict[str, Any]] = json.loads(fetched(f"{self.address}/slots", KEY)[1])
        return any(slot["is_processing"] for slot in slots)


@contextmanager
def llama(folder: Path) -> Generator[Llama]:
    """llama.cpp with the weights that come with the tests. Raises ProviderError where they are missing."""
    settings: Settings = {
        "weights": str(local_weights.find_bundled_weights()),
        "alias": MODEL,
        "api_key": KEY,
        "context_tokens": 2048,
        "threads": 0,
        "import_from": str(local_weights.find_runtime()),
    }
    with process([sys.executable, "-I", str(llama_child.__file__)], folder / "llama.log") as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps(settings).encode() + b"\n")
        child.stdin.flush()
        yield Llama(json.loads(child.stdout.readline())["address"])


@contextmanager
def process(
    command: Sequence[str | Path], log: Path, cwd: Path | None = None, **environment: str
) -> Generator[subprocess.Popen[bytes]]:
    """A program in a session of its own, without our environment; at the end nothing of its session is left."""
    own = {"PATH": os.environ["PATH"], "HOME": str(log.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    with (
        log.open("wb") as stderr,
        subprocess.Popen(
            [*map(str, command)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            cwd=cwd or log.parent,
            env=own | environment,
            start_new_session=True,
        ) as child,
    ):
        try:
            yield child
        finally:
            assert child.stdin is not None
            child.stdin.close()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=15)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)


def free_port() -> int:
    """One that nobody listened at a moment ago, for programs that cannot choose one themselves."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _await_ready(child: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until_s = time.monotonic() + _READY_S
    while fetched(url)[0] != 200:
        if child.poll() is not None or time.monotonic() > until_s:
            raise installed.UnavailableError(f"it did not start: {log.read_text(errors='replace')[-500:]}")
        time.sleep(0.2)


_LITELLM = """
model_list:
  - model_name: {model}
    litellm_params: {{model: openai/{model}, api_base: "{address}/v1", api_key: {key}}}
  - model_name: translated
    litellm_params: {{model: llamafile/{model}, api_base: "{address}/v1", api_key: {key}}}
litellm_settings: {{drop_params: true, num_retries: 0, telemetry: false}}
general_settings: {{master_key: {key}}}
router_settings: {{num_retries: 0, disable_cooldowns: true}}
"""


@contextmanager
def litellm(llama_address: str, folder: Path) -> Generator[str]:
    """LiteLLM's proxy in front of llama.cpp; its address. Raises UnavailableError."""
    program, log, port = installed.litellm(), folder / "litellm.log", free_port()
    config = folder / "litellm.yaml"
    config.write_text(_LITELLM.format(model=MODEL, address=llama_address, key=KEY))
    command = (program, "--config", config, "--host", "127.0.0.1", "--port", str(port))
    address = f"http://127.0.0.1:{port}"
    with process(command, log, LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_MODE="PRODUCTION") as child:
        _await_ready(child, f"{address}/health/liveliness", log)
        yield address


@contextmanager
def ui_messages(llama_address: str, folder: Path) -> Generator[str]:
    """A chat route of the AI SDK in front of llama.cpp; its address."""
    script = installed.node() / "ui_messages.mjs"
    with process(("node", script, f"{llama_address}/v1", KEY), folder / "node.log") as child:
        assert child.stdout is not None
        port = child.stdout.readline().decode().strip()
        if not port:
            raise installed.UnavailableError(f"it did not start: {(folder / 'node.log').read_text()[-500:]}")
        yield f"http://127.0.0.1:{port}/api/chat"


@dataclass
class Aimock:
    """A server that answers from fixtures, by what the question is about (see aimock.mjs)."""

    address: str
    status_address: str

    @property
    def open_connections(self) -> int:
        return int(fetched(self.status_address)[1])


@contextmanager
def aimock(folder: Path) -> Generator[Aimock]:
    """@copilotkit/aimock, which speaks most of the protocols; it has no model."""
    script = installed.node() / "aimock.mjs"
    with process(("node", script), folder / "aimock.log") as child:
        assert child.stdout is not None
        ports = child.stdout.readline().decode().split()
        if len(ports) != 2:
            raise installed.UnavailableError(f"it did not start: {(folder / 'aimock.log').read_text()[-500:]}")
        yield Aimock(*(f"http://127.0.0.1:{port}" for port in ports))
