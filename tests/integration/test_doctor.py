"""`chat-tui doctor` against servers on loopback: what works, and one sentence for each thing that does not."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chat_tui.cli_doctor import Wish, examine
from chat_tui.config.load import LoadedConfig
from chat_tui.config.model import Config, ProviderConfig
from chat_tui.providers.doctor import StepLimits
from chat_tui.providers.registry import ProviderRegistry
from tests.support.program import write_config
from tests.support.sockets import closed, serving
from tests.support.sse_server import (
    HOLD,
    RESET,
    SseServer,
    answer,
    answer_events,
    delta,
    head,
    json_response,
    reply,
    response,
    sse,
)
from tests.support.terminal import chat_tui_env
from tests.support.waiting import wait_until
from tests.support.wire import protocol_name, stream_bytes

KEY = "sk-canary-0123456789abcdef"
LISTED = json_response({"data": [{"id": "text-embedding-1"}, {"id": "scripted-1"}, {"id": "scripted-2"}]})
TEXT_STREAMS = ("chat", "responses", "anthropic", "gemini", "interactions", "lmstudio")
SLOW = "failed  This is the slow step: it took longer than 0.05 s."
SHORT = StepLimits(lookup_s=0.05, connect_s=0.05, tls_s=0.05, models_s=0.05, answer_s=0.05)


@pytest.fixture
async def server() -> AsyncIterator[SseServer]:
    async with SseServer() as running:
        running.route("/v1/models", LISTED)
        running.play(answer("ok"))
        yield running


class Doctor:
    """Examines `mine` at an address; `lines` is what was printed."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._state = tmp_path
        self._monkeypatch = monkeypatch
        self.lines: list[str] = []
        self.environ = {"MINE_KEY": KEY}

    async def examine(
        self,
        base_url: str,
        wish: Wish | None = None,
        *,
        model: str = "mine/scripted-1",
        problems: tuple[str, ...] = (),
        limits: StepLimits | None = None,
        addresses: tuple[str, ...] | None = None,
        **fields: Any,
    ) -> int:
        """The exit code."""
        settings: dict[str, Any] = {"base_url": base_url, "api_key_env": "MINE_KEY"} | fields
        return await self.examine_all(
            {"mine": ProviderConfig(**settings)}, wish, model=model, problems=problems, limits=limits,
            addresses=addresses,
        )  # fmt: skip

    async def examine_all(
        self,
        providers: dict[str, ProviderConfig],
        wish: Wish | None = None,
        *,
        model: str = "mine/scripted-1",
        problems: tuple[str, ...] = (),
        limits: StepLimits | None = None,
        addresses: tuple[str, ...] | None = None,
    ) -> int:
        config = Config(model=model, providers=providers)
        loaded = LoadedConfig(config, {}, problems, None)
        registry = ProviderRegistry(config, self.environ, self._state)

        async def look_up(host: str, port: int) -> list[str]:
            if not addresses:
                raise socket.gaierror("no such name")
            return list(addresses)

        code = await examine(
            loaded, registry, wish or Wish(width=400), self.lines.append, limits=limits,
            lookup=look_up if addresses is not None else None,
        )  # fmt: skip
        assert KEY not in self.text
        assert "\x1b" not in self.text
        return code

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def step(self, name: str) -> str:
        """Mark and words of the one line of a step."""
        found = [line.split(maxsplit=1)[1] for line in self.lines if line.split()[:1] == [name]]
        assert len(found) == 1, self.lines
        return found[0]

    @property
    def steps(self) -> list[str]:
        return [line.split()[0] for line in self.lines if line.startswith("  ")]


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    return Doctor(tmp_path, monkeypatch)


# -- what works ------------------------------------------------------------------------------------


async def test_everything_works(doctor: Doctor, server: SseServer) -> None:
    assert await doctor.examine(server.base_url) == 0
    assert doctor.steps == ["key", "connect", "TLS", "models", "answer"]
    assert doctor.step("key") == "ok      from MINE_KEY"
    assert doctor.step("connect") == f"ok      port {server.port}"
    assert doctor.step("TLS") == "–       not encrypted: the address begins with http://"
    assert doctor.step("models") == "ok      3 models"
    assert doctor.step("answer").startswith("ok      first token after ")
    assert doctor.step("answer").endswith(" ms, from scripted-1")
    assert "cost a few tokens" not in doctor.text  # the server is on this machine
    assert [request.path for request in server.requests] == ["/v1/models", "/v1/chat/completions"]
    await wait_until(lambda: server.open_connections == 0)


async def test_no_word_is_asked_for_with_no_ask(doctor: Doctor, server: SseServer) -> None:
    assert await doctor.examine(server.base_url, Wish(asks=False, width=400)) == 0
    assert doctor.step("answer") == "–       not asked for, as --no-ask says"
    assert [request.path for request in server.requests] == ["/v1/models"]


async def test_without_a_model_of_that_provider_the_first_chat_model_of_the_list_is_asked(
    doctor: Doctor, server: SseServer
) -> None:
    assert await doctor.examine(server.base_url, Wish("mine", width=400), model="demo/burst") == 0
    assert server.requests[-1].json["model"] == "scripted-1"
    assert doctor.step("answer").endswith("from scripted-1")


async def test_a_model_may_be_named_with_the_provider(doctor: Doctor, server: SseServer) -> None:
    assert await doctor.examine(server.base_url, Wish("mine/scripted-2", width=400)) == 0
    assert server.requests[-1].json["model"] == "scripted-2"


async def test_a_model_that_talks_without_end_is_stopped(doctor: Doctor, server: SseServer) -> None:
    server.play(reply(head() + b"".join(sse(delta(f"word {n} ")) for n in range(200)), HOLD))
    assert await doctor.examine(server.base_url) == 0
    await wait_until(lambda: server.open_connections == 0)


async def test_a_server_without_a_list_answers_all_the_same(doctor: Doctor, server: SseServer) -> None:
    server.route("/v1/models", json_response({"error": {"message": "no route"}}, status=404))
    assert await doctor.examine(server.base_url) == 0
    assert doctor.step("models") == "–       the server has no list of them"


async def test_a_protocol_that_has_no_list_needs_the_name_of_a_model(doctor: Doctor, server: SseServer) -> None:
    assert await doctor.examine(
        server.base_url, Wish("mine", width=400), model="demo/burst", protocol="ui-messages"
    )
    assert doctor.step("models").startswith("–")
    assert doctor.step("answer") == "failed  Name a model: --model mine/NAME"


async def test_a_key_from_a_program(doctor: Doctor, server: SseServer) -> None:
    command = (sys.executable, "-c", f"print('{KEY}')")
    assert await doctor.examine(server.base_url, api_key_env="", api_key_command=command) == 0
    assert doctor.step("key") == "ok      from api_key_command of [providers.mine]"


# -- what does not ---------------------------------------------------------------------------------


async def test_no_key(doctor: Doctor, server: SseServer) -> None:
    doctor.environ = {}
    assert await doctor.examine(server.base_url) == 1
    assert doctor.step("set-up").startswith("failed  [providers.mine] needs a key, and MINE_KEY is not set.")
    assert "export MINE_KEY=" in doctor.step("set-up")
    assert server.connections == []


async def test_a_wrong_key(doctor: Doctor, server: SseServer) -> None:
    refused = json_response({"error": {"message": f"bad \x1b[31mkey {KEY}\x07\u202e"}}, status=401)
    server.route("/v1/models", refused)
    assert await doctor.examine(server.base_url) == 1
    assert doctor.steps[-1] == "models"  # an answer could only be refused, too
    assert "401 from 127.0.0.1" in doctor.step("models")
    assert "the key in MINE_KEY was refused" in doctor.step("models")
    assert not {"\x07", "\u202e", "\x1b"} & set(doctor.text)
    assert len(server.requests) == 1


async def test_no_such_name(doctor: Doctor) -> None:
    assert await doctor.examine("https://nonexistent.invalid/v1", addresses=()) == 1
    assert doctor.steps == ["key", "DNS"]
    assert "The address of nonexistent.invalid could not be found." in doctor.step("DNS")


async def test_the_systems_own_resolver_knows_this_machine(doctor: Doctor, server: SseServer) -> None:
    assert await doctor.examine(f"http://localhost:{server.port}/v1") == 0
    assert doctor.step("DNS").startswith("ok      localhost is ")


@pytest.mark.parametrize(("name", "hint"), [("mine", "Is the server running?"), ("ollama", "`ollama serve`")])
async def test_nothing_listens(doctor: Doctor, name: str, hint: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        providers = {name: ProviderConfig(base_url=url)}
        assert await doctor.examine_all(providers, Wish(name, width=400)) == 1
    assert doctor.steps == ["key", "connect"]
    assert "refused the connection: nothing is listening there." in doctor.step("connect")
    assert hint in doctor.step("connect")


async def test_a_certificate_that_nobody_vouches_for(doctor: Doctor, context: ssl.SSLContext) -> None:
    async with SseServer(context=context) as secure:
        assert await doctor.examine(secure.base_url) == 1
        assert doctor.steps == ["key", "connect", "TLS"]
        assert "could not be verified" in doctor.step("TLS")
        assert "SSL_CERT_FILE" in doctor.step("TLS")
        assert secure.requests == []


async def test_a_certificate_that_is_trusted(
    doctor: Doctor, context: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    async with SseServer(context=context) as secure:
        secure.route("/v1/models", LISTED)
        secure.play(answer("ok"))
        assert await doctor.examine(f"https://host.example:{secure.port}/v1", addresses=("127.0.0.1",)) == 1
        assert doctor.step("TLS").startswith("ok      TLS 1.3, certificate valid until 2")


async def test_a_server_that_says_nothing_in_the_handshake(doctor: Doctor) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1 << 16):
            pass
        await closed(writer)

    async with serving(say_nothing) as port:
        assert await doctor.examine(f"https://127.0.0.1:{port}/v1", limits=SHORT) == 1
    assert doctor.step("TLS").startswith(
        "failed  This is the slow step: it took longer than 0.05 s. Check that the port"
    )


async def test_a_list_that_does_not_come_is_named_and_the_word_is_asked_for(
    doctor: Doctor, server: SseServer
) -> None:
    server.route("/v1/models", reply(HOLD))
    assert await doctor.examine(server.base_url, limits=replace(SHORT, answer_s=9)) == 1
    assert doctor.step("models").startswith(
        "failed  This is the slow step: it took longer than 0.05 s. The server takes connections"
    )
    assert doctor.step("answer").startswith("ok")


async def test_an_answer_that_does_not_begin(doctor: Doctor, server: SseServer) -> None:
    server.play(reply(head(), HOLD))
    assert await doctor.examine(server.base_url, limits=replace(SHORT, models_s=9, connect_s=9)) == 1
    assert doctor.step("answer").startswith(
        "failed  This is the slow step: it took longer than 0.05 s. In a chat it is waited for"
    )
    await wait_until(lambda: server.open_connections == 0)


async def test_all_steps_together_have_a_limit(doctor: Doctor, server: SseServer) -> None:
    server.route("/v1/models", reply(HOLD))
    assert await doctor.examine(server.base_url, limits=StepLimits(total_s=0.2)) == 1
    assert doctor.step("models").startswith("failed  This is the slow step")
    assert doctor.step("answer") == "failed  There was no time left for it: the steps before took 0.2 s."


@pytest.mark.parametrize("has_token", [False, True])
async def test_an_answer_that_is_cut(doctor: Doctor, server: SseServer, has_token: bool) -> None:
    server.play(response(b"".join(answer_events("ok")[:2])) if has_token else reply(head(), RESET))
    assert await doctor.examine(server.base_url) == 1
    words = doctor.step("answer")
    assert words.startswith("failed")
    assert words.startswith("failed  A word came, and then: ") is has_token


async def test_a_typo_in_the_model(doctor: Doctor, server: SseServer) -> None:
    server.play(json_response({"error": {"message": "no such model", "code": "model_not_found"}}, status=404))
    assert await doctor.examine(server.base_url, model="mine/scripted1") == 1
    assert "The list does not have scripted1: did you mean mine/scripted-1?" in doctor.step("answer")


async def test_a_provider_that_is_not_known(doctor: Doctor) -> None:
    assert await doctor.examine_all({}, Wish("openia", width=400)) == 1
    assert "Did you mean openai?" in doctor.step("set-up")


async def test_a_problem_of_the_configuration_counts(doctor: Doctor, server: SseServer) -> None:
    assert await doctor.examine(server.base_url, problems=("chat.toml: thme: did you mean theme?",)) == 1
    assert doctor.lines[0] == "configuration  failed  chat.toml: thme: did you mean theme?"
    assert doctor.step("answer").startswith("ok")


async def test_a_proxy_is_named_without_its_password(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:hunter2@127.0.0.1:{port}")
        assert await doctor.examine("https://host.example/v1") == 1
    assert doctor.step("proxy") == f"ok      http://127.0.0.1:{port}, as the environment says"
    assert "The proxy on the way to host.example cannot be reached." in doctor.step("connect")
    assert "hunter2" not in doctor.text


# -- several ---------------------------------------------------------------------------------------


async def test_all_are_examined_at_once_and_told_in_order(
    doctor: Doctor, server: SseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is answered only when the second has been: one after the other, they would never end."""
    monkeypatch.setattr("chat_tui.cli_doctor.LOCAL", "demo")

    def offered(_: ProviderRegistry) -> list[str]:
        return ["mine", "second"]

    monkeypatch.setattr(ProviderRegistry, "offered", offered)
    gate = asyncio.Event()

    async def open_gate() -> None:
        gate.set()

    async with SseServer() as second:
        second.route("/v1/models", LISTED)
        second.play(reply(open_gate, *answer("ok").steps))
        server.play(reply(gate, *answer("ok").steps))
        providers = {
            "mine": ProviderConfig(base_url=server.base_url, api_key_env="MINE_KEY"),
            "second": ProviderConfig(base_url=second.base_url),
        }
        assert await doctor.examine_all(providers, Wish(is_everything=True, width=400)) == 0
    headings = [line.split()[0] for line in doctor.lines if " · " in line]
    assert headings == ["mine", "second"]


async def test_for_programs(doctor: Doctor, server: SseServer) -> None:
    assert await doctor.examine(server.base_url, Wish(is_json=True)) == 0
    data = json.loads(doctor.text)
    assert data["is_ok"] is True
    assert data["configuration"] == {"path": None, "problems": []}
    (one,) = data["providers"]
    assert (one["provider"], one["address"], one["is_ok"]) == ("mine", server.base_url, True)
    assert [(check["step"], check["state"]) for check in one["checks"]] == [
        ("key", "ok"), ("connect", "ok"), ("TLS", "left out"), ("models", "ok"), ("answer", "ok"),
    ]  # fmt: skip


@pytest.mark.parametrize("stream", ["ollama-think", "ui-messages", *(f"{name}-text" for name in TEXT_STREAMS)])
async def test_the_word_of_every_protocol(doctor: Doctor, server: SseServer, stream: str) -> None:
    """The list of models is no list here, which is a reason to complain and none not to ask."""
    is_lines = stream.startswith("ollama")
    media_type = "application/x-ndjson" if is_lines else "text/event-stream"
    server.play(response(stream_bytes(stream), content_type=media_type))
    await doctor.examine(server.url, protocol=protocol_name(stream))
    assert doctor.step("answer").startswith("ok      first token after ")


async def test_lines_are_wrapped_at_the_width_of_the_terminal(doctor: Doctor, server: SseServer) -> None:
    server.route("/v1/models", json_response({"error": {"message": "words " * 60}}, status=401))
    assert await doctor.examine(server.base_url, Wish(width=80)) == 1
    assert max(map(len, doctor.lines)) <= 80
    assert any(line.startswith(" " * 23 + "words") for line in doctor.lines)


# -- the program -----------------------------------------------------------------------------------


async def test_the_program(server: SseServer, clean_environment: Path) -> None:
    config = write_config(clean_environment, server, 'model = "mine/scripted-1"')
    argv = [sys.executable, "-m", "chat_tui", "--config", str(config), "doctor"]
    environ = chat_tui_env(clean_environment) | {"MINE_API_KEY": KEY}

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*argv, *more], env=environ, capture_output=True, text=True, check=False, timeout=30)

    done = await asyncio.to_thread(run)
    assert (done.returncode, done.stderr) == (0, "")
    assert "first token after" in done.stdout
    assert KEY not in done.stdout
    server.route("/v1/models", json_response({"error": {"message": "no"}}, status=401))
    done = await asyncio.to_thread(run, "mine", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["is_ok"] is False
