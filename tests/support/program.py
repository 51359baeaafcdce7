"""The real program in a real terminal, set up as a user would: one TOML file, one key in the environment."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.support.sse_server import SseServer
from tests.support.terminal import Terminal, chat_tui_argv, chat_tui_env

KEY = "sk-canary-4f1d8a3b7c2e9605"
"""What must be in no output and in no file."""

MODEL = "mine/scripted-1"
REPEAT = max(1, int(os.environ.get("CHAT_TUI_REPEAT", "1")))
"""How often each test of life and of Esc does the same again."""


def write_config(home: Path, server: SseServer | None, more: str = "") -> Path:
    """A configuration file that knows the scripted server as `mine`; `more` stands before its table."""
    path = home / "chat.toml"
    table = ""
    if server is not None:
        table = (
            f'[providers.mine]\nprotocol = "openai-chat"\nbase_url = "{server.base_url}"\n'
            'api_key_env = "MINE_API_KEY"\nidle_timeout_s = 60\nfirst_token_timeout_s = 60\n'
        )
    path.write_text(f"{more}\n{table}", "utf-8")
    path.chmod(0o600)
    return path


class Program(Terminal):
    """chat-tui in a terminal. `launcher` is Python source that starts it instead of `python -m chat_tui`."""

    def __init__(
        self,
        home: Path,
        server: SseServer | None = None,
        *,
        model: str = MODEL,
        config: str = "",
        arguments: Sequence[str] = (),
        launcher: str = "",
        env: Mapping[str, str] | None = None,
        columns: int = 100,
        rows: int = 30,
        is_controlling: bool = True,
        ignored: Iterable[signal.Signals] = (),
        stdin: int | None = None,
        is_synchronized: bool = False,
    ) -> None:
        path = write_config(home, server, config)
        options = ["--config", str(path), *(["--model", model] if model else []), *arguments]
        argv = [sys.executable, "-c", launcher, *options] if launcher else chat_tui_argv(*options)
        super().__init__(
            argv,
            chat_tui_env(home, MINE_API_KEY=KEY, **(env or {})),
            columns=columns,
            rows=rows,
            is_controlling=is_controlling,
            ignored=ignored,
            stdin=stdin,
            is_synchronized=is_synchronized,
        )

    async def ready(self) -> None:
        """Until the composer takes keys."""
        await self.wait_for("Ask anything")

    async def ask(self, text: str) -> None:
        """Type a question and send it."""
        await self.type_in(f"{text}\r")
