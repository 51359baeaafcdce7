"""The life of the child process, with a stand-in for the child: started, asked, broken, started again, ended."""

import asyncio
import json
import os
import stat
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from chat_tui.config.model import LocalConfig
from chat_tui.core.conversation import ChatRequest, Message, Role, TextPart
from chat_tui.core.errors import Fault, FaultKind
from chat_tui.core.events import (
    Arrival,
    Connected,
    Failed,
    Finished,
    FinishReason,
    ProgressKind,
    ProgressReported,
    StreamEvent,
    TextDelta,
)
from chat_tui.providers import llama_child, local, local_weights
from chat_tui.providers.base import ModelInfo, Provider
from chat_tui.providers.local import LocalProvider, logged_errors
from tests.support.clock import ManualClock

REQUEST = ChatRequest("tiny", (Message(1, Role.USER, (TextPart("Hello"),)),))
LOAD = ProgressReported(ProgressKind.LOAD)
DONE = (TextDelta("Hi"), Finished(FinishReason.STOP))
CUT = Failed(Fault(FaultKind.CUT, "connection lost", "It ended."))
REFUSED = Failed(Fault(FaultKind.NETWORK, "not reached", "Nobody there."))

LISTENS = """
import json, os, sys
line = sys.stdin.readline()
record = {"argv": sys.orig_argv, "environ": dict(os.environ), "settings": json.loads(line)}
with open(RECORD, "a") as file:
    file.write(json.dumps(record) + "\\n")
print(json.dumps({"address": "http://127.0.0.1:1"}), flush=True)
sys.stdin.read()
"""
STUBBORN = """
import json, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sys.stdin.readline()
print(json.dumps({"address": "http://127.0.0.1:1"}), flush=True)
while True:
    signal.pause()
"""
FAILS = """
import json, sys
sys.stdin.readline()
sys.stderr.write("0.00 I srv init: loading\\n0.01 E gguf: bad \\x1b[31mversion\\n0.02 E srv: exiting\\n")
print(json.dumps({"error": "RuntimeError: no"}), flush=True)
sys.exit(1)
"""
FAILS_QUIETLY = 'import sys\nsys.stdin.readline()\nprint(\'{"error": "RuntimeError: no"}\', flush=True)'
DIES = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
BABBLES = "import sys\nsys.stdin.readline()\nprint('hello', flush=True)\nsys.exit(3)"
HANGS = "import sys\nsys.stdin.readline()\nsys.stdin.read()"

Answer = Callable[[asyncio.subprocess.Process], tuple[StreamEvent, ...]]


class FakeServer:
    """What speaks to the child instead of HTTP: plays one answer per request, an arrival per event."""

    name, label, is_demo = "local", "", False

    def __init__(self, bench: "Bench") -> None:
        self.bench = bench
        self.is_closed = False

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Arrival]:
        answers = self.bench.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        for event in answer if isinstance(answer, tuple) else answer(await self.bench.process()):
            yield Arrival(1.0, (event,))

    def can_continue(self, model: str, answer: Message) -> bool:
        return True

    async def prepare(self) -> str:
        return ""

    async def list_models(self) -> tuple[ModelInfo, ...]:
        return ()

    async def aclose(self) -> None:
        self.is_closed = True


class Bench:
    """A LocalProvider whose child is a little script."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.record = folder / "record"
        self.child = folder / "child.py"
        self.answers: list[tuple[StreamEvent, ...] | Answer] = [DONE]
        self.servers: list[FakeServer] = []
        self.weights = folder / "tiny.gguf"
        self.weights.write_bytes(b"GGUF")
        self.state = folder / "state"
        self.state.mkdir()
        monkeypatch.setattr(local, "_CHILD", self.child)
        monkeypatch.setattr(local_weights, "find_runtime", lambda: folder)
        config = LocalConfig(models={"tiny": str(self.weights)}, context_tokens=4096, threads=3)
        self.provider = LocalProvider(config, "tiny", self.state, ManualClock(5.0))
        self.provider._connect = self.connect

    def behave(self, script: str) -> None:
        self.child.write_text(f"RECORD = {str(self.record)!r}\n{script}")

    def connect(self, address: str, api_key: str) -> Provider:
        assert address == "http://127.0.0.1:1"
        self.servers.append(FakeServer(self))
        return self.servers[-1]

    async def process(self) -> asyncio.subprocess.Process:
        assert self.provider._starting is not None
        server = await self.provider._starting
        assert not isinstance(server, Fault)
        return server.process

    async def ask(self) -> list[StreamEvent]:
        return [event async for arrival in self.provider.stream(REQUEST) for event in arrival.events]

    async def fault(self) -> Fault:
        last = (await self.ask())[-1]
        assert isinstance(last, Failed)
        return last.fault

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.record.read_text().splitlines()]


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Bench]:
    made = Bench(tmp_path, monkeypatch)
    made.behave(LISTENS)
    yield made
    await made.provider.aclose()


def then_die(*events: StreamEvent) -> Answer:
    def answer(process: asyncio.subprocess.Process) -> tuple[StreamEvent, ...]:
        process.kill()
        return events

    return answer


async def test_nothing_runs_before_it_is_needed(bench: Bench) -> None:
    stream = bench.provider.stream(REQUEST)
    await stream.aclose()
    assert not bench.record.exists()
    assert bench.provider.label == "tiny on this machine"


async def test_an_answer_waits_for_the_model_to_load(bench: Bench) -> None:
    arrivals = [arrival async for arrival in bench.provider.stream(REQUEST)]
    assert arrivals[0] == Arrival(5.0, (LOAD,))
    assert tuple(event for arrival in arrivals[1:] for event in arrival.events) == DONE


async def test_a_prepared_model_answers_without_loading_and_is_started_once(bench: Bench) -> None:
    await bench.provider.prepare()
    await bench.process()
    assert await bench.ask() == list(DONE)
    assert await bench.ask() == list(DONE)
    assert len(bench.records) == 1


async def test_two_requests_at_once_share_one_child(bench: Bench) -> None:
    await asyncio.gather(bench.ask(), bench.ask())
    assert len(bench.records) == 1


async def test_the_key_and_the_settings_go_over_stdin_and_no_secret_into_the_environment(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    await bench.ask()
    (record,) = bench.records
    key = record["settings"].pop("api_key")
    assert len(key) >= 40
    assert record["settings"] == {
        "weights": str(bench.weights),
        "alias": "tiny",
        "context_tokens": 4096,
        "threads": 3,
        "import_from": str(bench.folder),
    }
    assert key not in json.dumps(record)
    assert "sk-canary" not in json.dumps(record)
    assert "-I" in record["argv"]
    assert set(record["environ"]) <= {*local._PASSED_ON, "LC_CTYPE"}


async def test_every_child_has_a_key_of_its_own(bench: Bench) -> None:
    await bench.ask()
    (await bench.process()).kill()
    await (await bench.process()).wait()
    await bench.ask()
    assert len({record["settings"]["api_key"] for record in bench.records}) == 2


async def test_the_log_is_private_whatever_it_was_before(bench: Bench) -> None:
    bench.provider.log_path.write_text("old")
    bench.provider.log_path.chmod(0o666)
    mask = os.umask(0)
    try:
        await bench.ask()
    finally:
        os.umask(mask)
    assert stat.S_IMODE(bench.provider.log_path.stat().st_mode) == 0o600
    assert bench.provider.log_path.read_text() == ""


async def test_a_model_that_cannot_be_loaded_says_the_first_error_of_the_log(bench: Bench) -> None:
    bench.behave(FAILS)
    fault = await bench.fault()
    assert fault.kind is FaultKind.SETUP
    assert fault.message == "llama.cpp could not start with tiny.gguf: gguf: bad ␛[31mversion."
    assert str(bench.provider.log_path) in fault.hint
    bench.behave(LISTENS)
    assert (await bench.ask())[-1] == DONE[-1]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (FAILS_QUIETLY, "RuntimeError: no."),
        (DIES, "its process was killed (SIGKILL)."),
        (BABBLES, "its process ended with status 3."),
    ],
)
async def test_a_child_that_never_listens_is_a_fault(bench: Bench, script: str, reason: str) -> None:
    bench.behave(script)
    assert (await bench.fault()).message.endswith(reason)


@pytest.mark.parametrize(("model", "words"), [("tiyn", "no local model"), ("./gone.gguf", "does not exist")])
async def test_a_model_that_is_not_there_is_a_fault(bench: Bench, model: str, words: str) -> None:
    provider = LocalProvider(LocalConfig(models={"tiny": "x"}), model, bench.state)
    events = [event async for arrival in provider.stream(REQUEST) for event in arrival.events]
    last = events[-1]
    assert isinstance(last, Failed)
    assert last.fault.kind is FaultKind.SETUP
    assert words in last.fault.message
    assert [info.id for info in await provider.list_models()] == ["local/tiny", "local/smollm2-135m"]


async def test_a_child_that_cannot_be_started_is_a_fault(bench: Bench) -> None:
    bench.state.rmdir()
    fault = await bench.fault()
    assert fault.kind is FaultKind.SETUP
    assert fault.message == "The local model could not be started: No such file or directory."


async def test_a_child_that_dies_in_mid_answer_is_named_and_the_text_stays(bench: Bench) -> None:
    bench.answers = [then_die(Connected(), TextDelta("half"), CUT), DONE]
    events = await bench.ask()
    assert events[:3] == [LOAD, Connected(), TextDelta("half")]
    last = events[-1]
    assert isinstance(last, Failed)
    assert last.fault.kind is FaultKind.CUT
    assert last.fault.message == "The local model's process was killed (SIGKILL)."
    assert last.fault.is_retryable
    assert len(bench.servers) == 1
    assert await bench.ask() == [LOAD, *DONE]
    assert len(bench.servers) == 2
    assert bench.servers[0].is_closed


async def test_a_child_found_dead_by_a_request_is_started_once_more_for_it(bench: Bench) -> None:
    bench.answers = [then_die(REFUSED), DONE]
    assert await bench.ask() == [LOAD, LOAD, *DONE]


async def test_a_child_that_always_dies_is_not_started_for_ever(bench: Bench) -> None:
    bench.answers = [then_die(REFUSED)]
    events = await bench.ask()
    assert isinstance(events[-1], Failed)
    assert len(bench.records) == 2


async def test_a_fault_of_a_living_child_stays_what_it_is(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_EXIT_NOTICE_S", 0.01)
    bench.answers = [(CUT,)]
    assert await bench.ask() == [LOAD, CUT]
    assert len(bench.records) == 1


async def test_cancelling_while_it_loads_stops_the_request_and_not_the_start(bench: Bench) -> None:
    bench.behave(HANGS)
    async with aclosing(bench.provider.stream(REQUEST)) as stream:
        assert (await anext(stream)).events == (LOAD,)
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert bench.provider._starting is not None
    assert not bench.provider._starting.done()


async def test_closing_ends_and_reaps_the_child(bench: Bench) -> None:
    await bench.ask()
    process = await bench.process()
    await bench.provider.aclose()
    assert process.returncode == 0
    assert bench.servers[0].is_closed
    await bench.provider.aclose()


async def test_closing_kills_a_child_that_does_not_listen(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_GRACE_S", 0.05)
    bench.behave(STUBBORN)
    await bench.ask()
    process = await bench.process()
    await bench.provider.aclose()
    assert process.returncode == -9


async def test_closing_while_it_starts_leaves_no_child(bench: Bench) -> None:
    bench.behave(HANGS)
    spawned: list[asyncio.subprocess.Process] = []
    original = bench.provider._spawn

    async def spawn() -> asyncio.subprocess.Process:
        spawned.append(await original())
        return spawned[0]

    bench.provider._spawn = spawn
    preparing = asyncio.create_task(bench.provider.prepare())
    while not spawned:
        await asyncio.sleep(0)
    await bench.provider.aclose()
    with pytest.raises(asyncio.CancelledError):
        await preparing
    assert spawned[0].returncode is not None


async def test_a_failed_start_is_forgotten_by_closing(bench: Bench) -> None:
    bench.behave(DIES)
    await bench.fault()
    await bench.provider.aclose()
    assert bench.servers == []


def test_errors_of_a_log_are_found_with_and_without_levels(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert logged_errors(log) == []
    log.write_text(
        "0.1 I srv: fine\nggml.c:7: GGML_ASSERT(ok) failed\n#3 0x00\nImportError: no lib\n0.2 E cmn: last\n"
    )
    assert logged_errors(log) == ["ggml.c:7: GGML_ASSERT(ok) failed", "ImportError: no lib", "cmn: last"]


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("0.1 E old\n" + "0.2 I chatter\n" * 1000 + "0.3 E new\n")
    assert logged_errors(log) == ["new"]


def test_an_end_by_an_unknown_signal_has_words_too() -> None:
    assert local._ending(-250) == "was killed (signal 250)"


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (4, 3), (8, 4), (16, 8)])
def test_threads_by_cores(cores: int, threads: int) -> None:
    assert llama_child.default_threads(cores) == threads
