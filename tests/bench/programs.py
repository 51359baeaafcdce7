"""What is measured: chat-tui, and beside it what shows how good its figures are. Each has a home of its own."""

from __future__ import annotations

import itertools
import sys
from dataclasses import dataclass, field
from pathlib import Path

from chat_tui.cli import TEXTUAL_SETTINGS
from tests.bench.client import Client
from tests.bench.server import PacedServer
from tests.support.terminal import chat_tui_argv, chat_tui_env

CHAT_TUI = "chat-tui"
NAIVE = "naive Textual"
READER = "bare reader"
BARE_APP = "bare Textual app"

_HERE = Path(__file__).parent
_SCRIPTS = {NAIVE: "naive.py", READER: "bare_reader.py", BARE_APP: "bare_app.py"}
_XDG = {"CONFIG": ".config", "DATA": ".local/share", "STATE": ".local/state", "CACHE": ".cache"}


@dataclass
class Programs:
    """Starts them against one server, in a folder that is thrown away."""

    server: PacedServer
    folder: Path
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def client(self, program: str, more_config: str = "", home: str = "") -> Client:
        """Not started yet. `more_config`: TOML for chat-tui; `home`: the name of one that is used again."""
        return self._client(program, more_config, self.folder / (home or f"home-{next(self._numbers)}"))

    def _client(self, program: str, more_config: str, home: Path) -> Client:
        for place in _XDG.values():
            (home / place).mkdir(parents=True, exist_ok=True)
        env = chat_tui_env(home, BENCH_API_KEY="none")
        env |= {f"XDG_{name}_HOME": str(home / place) for name, place in _XDG.items()}
        env["PYTHONPATH"] = str(_HERE.parents[1])  # what is measured is what this is part of
        del env["PYTHONDONTWRITEBYTECODE"]  # an installed program is compiled once
        return Client(self._argv(program, home, more_config), env, home)

    def long_conversation(self, message_count: int, result_file: Path) -> Client:
        """chat-tui with a conversation in it, measuring itself; see `long_conversation`."""
        client = self.client(CHAT_TUI)
        client.argv = [sys.executable, "-m", "tests.bench.long_conversation", str(message_count), str(result_file)]
        client.env |= TEXTUAL_SETTINGS
        return client

    def _argv(self, program: str, home: Path, more_config: str) -> list[str]:
        if program != CHAT_TUI:
            # -P: beside the script there is nothing to import
            return [sys.executable, "-P", str(_HERE / _SCRIPTS[program]), self.server.base_url]
        config = home / "config.toml"
        config.write_text(
            f'model = "bench/paced"\n[providers.bench]\nprotocol = "openai-chat"\n'
            f'base_url = "{self.server.base_url}"\napi_key_env = "BENCH_API_KEY"\n{more_config}\n',
            "utf-8",
        )
        installed = Path(sys.executable).with_name("chat-tui")
        options = ("--config", str(config))
        return [str(installed), *options] if installed.exists() else chat_tui_argv(*options)


def ready(client: Client) -> None:
    """Until the composer is there and what loads behind it has been loaded."""
    client.wait_for("Ask anything")
    client.settle()
