"""The diffs in CONTRIBUTING.md are applied, and what they make is chatted through."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest

import chat_tui
from chat_tui import wire
from chat_tui.config.model import Config, ProviderConfig
from chat_tui.core.conversation import ChatRequest, Message, Role, TextPart
from chat_tui.core.errors import FaultKind
from chat_tui.core.events import Failed, Finished, FinishReason, StreamEvent, TextDelta
from chat_tui.providers.presets import PRESETS, Preset
from chat_tui.providers.registry import ProviderRegistry
from chat_tui.wire.base import WireEvent
from chat_tui.wire.protocols import protocol_of
from tests.support.sse_server import SseServer, answer, json_response, response

ROOT = Path(chat_tui.__file__).parents[1]
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
KEY = "sk-canary-0123456789abcdef"
REQUEST = ChatRequest("m", (Message(1, Role.USER, (TextPart("Hello"),)),))


@dataclass(frozen=True)
class Diff:
    """One file's: the lines that are there, and those that come between them (None: it is a new file)."""

    path: str
    is_new: bool
    lines: tuple[str, ...]

    @property
    def added(self) -> list[str]:
        return [line[1:] for line in self.lines if line.startswith("+")]

    def applied(self) -> str:
        """The file's new text. Fails where its context does not stand in the file exactly once."""
        after = "\n".join(line[1:] for line in self.lines)
        if self.is_new:
            return after + "\n"
        before = "\n".join(line[1:] for line in self.lines if not line.startswith("+"))
        text = (ROOT / self.path).read_text("utf-8")
        assert text.count(before) == 1, f"{self.path} does not have exactly once:\n{before}"
        return text.replace(before, after)


def diffs() -> dict[str, Diff]:
    """Those of the document, by path."""
    found: dict[str, Diff] = {}
    for block in re.findall(r"^```diff\n(.*?)^```$", CONTRIBUTING.read_text("utf-8"), re.DOTALL | re.MULTILINE):
        old, new, hunk, *lines = block.splitlines()
        assert hunk.startswith("@@")
        path = new.removeprefix("+++ b/")
        found[path] = Diff(path, old == "--- /dev/null", tuple(line or " " for line in lines))
    return found


def made_of(diff: Diff, name: str) -> ModuleType:
    """The changed module, under another name."""
    module = ModuleType(name)
    sys.modules[name] = module
    try:
        exec(compile(diff.applied(), diff.path, "exec"), module.__dict__)
    finally:
        del sys.modules[name]
    return module


@pytest.fixture
async def server() -> AsyncIterator[SseServer]:
    async with SseServer() as running:
        running.route("/v1/models", json_response({"data": [{"id": "m"}]}))
        yield running


async def chat(registry: ProviderRegistry, model_id: str) -> tuple[str, StreamEvent]:
    """The text of one answer, and its end."""
    provider, model = registry.resolve(model_id)
    request = replace(REQUEST, model=model)
    events = [event async for arrival in provider.stream(request) for event in arrival.events]
    await registry.aclose()
    return "".join(event.text for event in events if isinstance(event, TextDelta)), events[-1]


def test_it_has_these_diffs_and_they_are_as_short_as_promised() -> None:
    found = diffs()
    assert set(found) == {
        "chat_tui/providers/presets.py", "chat_tui/config/model.py", "chat_tui/wire/acme_words.py"
    }  # fmt: skip
    assert len(found["chat_tui/providers/presets.py"].added) == 1
    assert len(found["chat_tui/config/model.py"].added) == 1
    assert found["chat_tui/wire/acme_words.py"].is_new


async def test_a_server_is_one_row(server: SseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    presets: dict[str, Any] = made_of(diffs()["chat_tui/providers/presets.py"], "presets_of_the_document").PRESETS
    assert presets.keys() - PRESETS.keys() == {"acme"}
    row = presets["acme"]
    fields: dict[str, Any] = {name: getattr(row, name) for name in Preset.__slots__}
    monkeypatch.setitem(PRESETS, "acme", replace(Preset(**fields), base_url=server.base_url))
    server.play(answer("Good ", "day."))
    text, end = await chat(ProviderRegistry(Config(), {"ACME_API_KEY": KEY}, tmp_path), "acme/some-model")
    assert (text, end) == ("Good day.", Finished(FinishReason.STOP, "stop"))
    (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"


@pytest.fixture
def new_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of the document, found among the protocols."""
    diff = diffs()["chat_tui/wire/acme_words.py"]
    folder = tmp_path / "wire"
    folder.mkdir()
    (folder / Path(diff.path).name).write_text(diff.applied(), "utf-8")
    monkeypatch.setattr(wire, "__path__", [*wire.__path__, str(folder)])
    monkeypatch.delitem(sys.modules, "chat_tui.wire.acme_words", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


@pytest.mark.usefixtures("new_protocol")
async def test_a_protocol_is_one_file_and_one_line(server: SseServer, tmp_path: Path) -> None:
    model = made_of(diffs()["chat_tui/config/model.py"], "config_model_of_the_document")
    name = "acme-words"
    assert name in get_args(model.ProtocolName)
    lines = b'{"word": "Good "}\n{"word": "day."}\n{"end": "stop"}\n'
    server.play(response(lines, content_type="application/x-ndjson"))
    provider = ProviderConfig(base_url=server.base_url, api_key_env="ACME_API_KEY", protocol=name)  # pyright: ignore[reportArgumentType] - the document's
    registry = ProviderRegistry(Config(providers={"acme": provider}), {"ACME_API_KEY": KEY}, tmp_path)
    assert [info.id for info in await registry.resolve("acme/m")[0].list_models()] == ["acme/m"]
    text, end = await chat(registry, "acme/m")
    assert (text, end) == ("Good day.", Finished(FinishReason.STOP, "stop"))
    assert server.requests[-1].json == {"model": "m", "said": ["user: Hello"]}
    assert server.requests[-1].headers["x-acme-key"] == KEY
    sys.modules.pop("chat_tui.wire.acme_words")


@pytest.mark.usefixtures("new_protocol")
@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_its_codec_keeps_the_contract_wherever_the_wire_is_cut(cut: int) -> None:
    codec = protocol_of("acme-words").codec()
    whole = '{"word": "Good "}\n{"word": "day \\ud83d"}\n[1]\n{"word": "\\ude00"}\n{"end": "stop"}\n'
    lines = [line for line in whole[:cut].splitlines(keepends=True) if line.endswith("\n")]
    events = [event for line in lines for event in codec.decode(WireEvent("", line))]
    events += codec.finish()
    assert [isinstance(event, Failed | Finished) for event in events] == [False] * (len(events) - 1) + [True]
    last = events[-1]
    assert isinstance(last, Failed)
    assert last.fault.kind is FaultKind.CUT
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert "Good day \N{GRINNING FACE}".startswith(text.rstrip("\ufffd"))
    sys.modules.pop("chat_tui.wire.acme_words")


def test_every_protocol_has_its_file() -> None:
    from chat_tui.config.model import ProtocolName

    for name in get_args(ProtocolName):
        assert protocol_of(name).name == name
