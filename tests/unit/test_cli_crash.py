"""What the last guard makes of a bug of ours."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from chat_tui import cli
from chat_tui.cli_crash import redact
from chat_tui.core.errors import ConfigError

SECRET = "sk-proj-4f9a8b7c6d5e4f3a2b1c0d9e"


class TestGuard:
    def fail(self, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
        def raise_it(*_: object) -> int:
            canary = SECRET
            raise error from RuntimeError(f"the cause, api_key={canary}")

        monkeypatch.setattr(cli, "_dispatch", raise_it)

    def test_a_bug_is_a_sentence_and_a_private_file_without_locals_and_keys(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], clean_environment: Path
    ) -> None:
        monkeypatch.setenv("MINE_API_KEY", "sesame street")
        self.fail(monkeypatch, ValueError(f"Illegal header value b'Bearer {SECRET}' sesame street"))
        assert cli.main([]) == 70
        err = capsys.readouterr().err
        log = clean_environment / ".local/state/chat-tui/log/crash.log"
        assert err == (f"chat-tui: Something went wrong inside (ValueError); the particulars are in {log}.\n")
        text = log.read_text()
        assert "builtins.ValueError: Illegal header value" in text
        assert "RuntimeError: the cause" in text
        assert "test_cli_crash.py:" in text
        assert "in raise_it" in text
        for leak in (SECRET, SECRET[8:], "sesame", "canary"):
            assert leak not in text
        if os.name == "posix":
            assert stat.S_IMODE(log.stat().st_mode) == 0o600

    def test_no_place_for_the_file(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def refuse(*_: object) -> Path:
            raise OSError("no space")

        monkeypatch.setattr("chat_tui.config.paths.log_file", refuse)
        self.fail(monkeypatch, ValueError())
        assert cli.main([]) == 70
        assert "no file for the particulars" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("error", "code", "said"),
        [
            (KeyboardInterrupt(), 130, ""),
            (BrokenPipeError(), 141, ""),
            (ConfigError("Wrong.", "Do this."), 2, "chat-tui: Wrong. Do this.\n"),
        ],
    )
    def test_what_is_no_bug(
        self,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        error: BaseException,
        code: int,
        said: str,
    ) -> None:
        self.fail(monkeypatch, error)
        assert cli.main([]) == code
        assert capsys.readouterr().err == said

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (f"key {SECRET} end", "key ••• end"),
            ("Authorization: Bearer abc", "Authorization: •••"),
            ("x-api-key=abc rest", "x-api-key=••• rest"),
            ("list index out of range", "list index out of range"),
            ("chat_tui.providers.transport", "chat_tui.providers.transport"),
            ("value is hunter22 here", "value is ••• here"),
        ],
    )
    def test_redact(self, text: str, expected: str) -> None:
        assert redact(text, {"MY_PASSWORD": "hunter22", "HOME": "list"}) == expected
