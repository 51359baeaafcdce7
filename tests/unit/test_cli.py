"""The command line: arguments, exit codes, and one sentence for whatever goes wrong."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from chat_tui import __version__, cli
from chat_tui.session.attachments import Attachment

SECRET = "sk-proj-4f9a8b7c6d5e4f3a2b1c0d9e"


class Stream(io.TextIOWrapper):
    """A standard stream over bytes, a terminal or not."""

    def __init__(self, content: bytes = b"", *, is_terminal: bool = False) -> None:
        super().__init__(io.BytesIO(content), encoding="utf-8", newline="\n", write_through=True)
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    def text(self) -> str:
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode()


class Terminal:
    """Standard streams of a run: which are terminals, what is piped in."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def run(self, *argv: str, stdin: bytes | None = None, stdout_is_terminal: bool = True) -> tuple[int, str, str]:
        """Exit code, standard output, standard error. `stdin` None: a terminal."""
        out, err = Stream(is_terminal=stdout_is_terminal), Stream()
        self._monkeypatch.setattr(sys, "stdin", Stream(stdin or b"", is_terminal=stdin is None))
        self._monkeypatch.setattr(sys, "stdout", out)
        self._monkeypatch.setattr(sys, "stderr", err)
        code = cli.main(argv)
        return code, out.text(), err.text()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("CHAT_TUI_MODEL", "demo/burst")
    return Terminal(monkeypatch)


@pytest.fixture
def prompts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is asked, and in which format, instead of asking it."""
    from chat_tui import headless

    asked: list[tuple[str, str]] = []

    async def run(session: Any, prompt: str, output_format: str, *_: object, **__: object) -> int:
        asked.append((prompt, output_format))
        return 0

    monkeypatch.setattr(headless, "run", run)
    return asked


Opened = list[tuple[Any, Any, bool, str, tuple[Attachment, ...]]]
"""Session, configuration, first run, resume, files."""


@pytest.fixture
def screens(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """What the screen is opened with, instead of opening it."""
    opened: Opened = []

    def run(
        session: Any, loaded: Any, first_run: bool, resume: str, attached: tuple[Attachment, ...]
    ) -> argparse.Namespace:
        opened.append((session, loaded, first_run, resume, attached))
        return argparse.Namespace(exit_code=7, words="words to keep", crash=None)

    app = types.ModuleType("chat_tui.ui.app")
    app.run = run  # pyright: ignore[reportAttributeAccessIssue] - a stand-in module
    monkeypatch.setitem(sys.modules, "chat_tui.ui.app", app)
    return opened


class TestQuestions:
    @pytest.mark.parametrize(
        ("argv", "stdin", "asked"),
        [
            (("-p", "hello"), None, "hello"),
            (("--print", "hello"), None, "hello"),
            (("--print=-5 + 3?",), None, "-5 + 3?"),
            (("-p", "config"), None, "config"),
            (("-p", "models"), None, "models"),
            (("-p", "hello"), b"", "hello"),
            (("-p", "explain"), b"the code\n", "explain\n\nthe code"),
            ((), b"\xef\xbb\xbffrom a pipe\n", "from a pipe"),
            (("-p",), b"from a pipe", "from a pipe"),
            (("-p", "no text \udcff"), None, "no text ?"),
            (("-p",), b"\xff\xfe", "\N{REPLACEMENT CHARACTER}" * 2),
            (("-m", "demo/slow", "-p", "hello", "-s", "brief"), None, "hello"),
        ],
    )
    def test_are_found(
        self,
        terminal: Terminal,
        prompts: list[tuple[str, str]],
        argv: tuple[str, ...],
        stdin: bytes | None,
        asked: str,
    ) -> None:
        assert terminal.run(*argv, stdin=stdin) == (0, "", "")
        assert prompts == [(asked, "text")]

    def test_stdout_that_is_no_terminal_prints_too(
        self, terminal: Terminal, prompts: list[tuple[str, str]]
    ) -> None:
        assert terminal.run("-p", "x", "--output-format", "json", stdout_is_terminal=False)[0] == 0
        assert prompts == [("x", "json")]

    @pytest.mark.parametrize("stdin", [b"", b" \n\n"])
    def test_an_empty_stdin_is_an_end(self, terminal: Terminal, stdin: bytes) -> None:
        code, out, err = terminal.run(stdin=stdin)
        assert (code, out) == (2, "")
        assert err == (
            "chat-tui: There is no question: give one with -p PROMPT or on standard input. See chat-tui --help.\n"
        )

    def test_no_question_and_no_screen(self, terminal: Terminal) -> None:
        code, _, err = terminal.run(stdout_is_terminal=False)
        assert code == 2
        assert "Standard output is no terminal" in err

    def test_a_flood_on_stdin_is_refused(self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cli, "MAX_STDIN_BYTES", 1 << 20)
        code, _, err = terminal.run(stdin=b"x" * (1 << 20) + b"y")
        assert code == 2
        assert "longer than 1 MiB" in err

    def test_closed_streams(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setattr(sys, "stdin", None)
        assert cli.main([]) == 2
        assert "There is no question" in capsys.readouterr().err
        monkeypatch.setattr(sys, "stdout", None)
        assert cli.main(["-p", "x"]) == 2
        assert "Standard output is closed" in capsys.readouterr().err
        monkeypatch.setattr(sys, "stderr", None)
        assert cli.main(["-p", "x"]) == 2

    def test_an_answer_for_real(self, terminal: Terminal) -> None:
        code, out, err = terminal.run("-p", "x", stdout_is_terminal=False)
        assert code == 0
        assert out.startswith("## Part 1")
        assert "demo/burst" in err

    def test_problems_of_the_configuration_are_told_and_the_answer_comes(
        self, terminal: Terminal, tmp_path: Path, prompts: list[tuple[str, str]]
    ) -> None:
        file = tmp_path / "c.toml"
        file.write_text("modelx = 1")
        code, _, err = terminal.run("-p", "x", "--config", str(file))
        assert code == 0
        assert err == f"chat-tui: {file}: modelx: unknown key; did you mean model?\n"
        assert prompts == [("x", "text")]


class TestScreen:
    def test_opens_with_what_was_asked_for(self, terminal: Terminal, screens: Opened) -> None:
        code, out, _ = terminal.run("-m", "demo/slow", "-s", "brief", "--theme", "light")
        assert (code, out) == (7, "words to keep\n")
        session, loaded, first_run, resume, attached = screens[0]
        assert (session.model_id, session.system, loaded.config.theme) == ("demo/slow", "brief", "light")
        assert loaded.origins["system"] == "--system"
        assert first_run
        assert (resume, attached) == ("", ())
        assert session.journal.is_keeping

    @pytest.mark.parametrize(
        ("argv", "resume"),
        [(("-c",), "last"), (("--continue",), "last"), (("-r",), "pick"), (("-r", "0a1b"), "0a1b"), ((), "")],
    )
    def test_goes_on_with_a_conversation(
        self, terminal: Terminal, screens: Opened, argv: tuple[str, ...], resume: str
    ) -> None:
        terminal.run("-m", "demo/slow", *argv)
        assert screens[0][3] == resume

    def test_attaches_what_is_named_and_says_what_cannot_be(
        self, terminal: Terminal, screens: Opened, tmp_path: Path
    ) -> None:
        (tmp_path / "a.md").write_text("A")
        named = str(tmp_path / "a.md")
        assert terminal.run("-f", named, "--file", named)[0] == 7
        assert [item.file.data for item in screens[0][4]] == [b"A"]
        code, _, err = terminal.run("-f", str(tmp_path / "gone"))
        assert code == 2
        assert "There is no file" in err
        assert len(screens) == 1

    @pytest.mark.parametrize("argv", [("-c", "-p", "x"), ("-r", "0a", "-p", "x"), ("-c", "models")])
    def test_going_on_needs_a_screen(self, terminal: Terminal, argv: tuple[str, ...]) -> None:
        code, _, err = terminal.run(*argv)
        assert code == 2
        assert "-c and -r open a chat" in err

    def test_nothing_is_kept_where_that_is_not_wanted(
        self, terminal: Terminal, screens: Opened, tmp_path: Path
    ) -> None:
        (tmp_path / "c.toml").write_text("[conversations]\nsave = false\n")
        terminal.run("--config", str(tmp_path / "c.toml"), "-m", "demo/slow")
        assert not screens[0][0].journal.is_keeping

    def test_esc_is_not_waited_for_long(
        self, terminal: Terminal, screens: Opened, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("ESCDELAY", raising=False)
        terminal.run()
        assert os.environ["ESCDELAY"] == "25"
        monkeypatch.setenv("ESCDELAY", "80")
        terminal.run()
        assert os.environ["ESCDELAY"] == "80"

    def test_a_configured_user_is_no_first_run(self, terminal: Terminal, screens: Opened, tmp_path: Path) -> None:
        (tmp_path / "c.toml").write_text("")
        terminal.run("--config", str(tmp_path / "c.toml"))
        assert screens[0][2] is False

    def test_a_crash_of_the_screen_is_one_sentence_and_a_file(
        self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def run(*_: object) -> argparse.Namespace:
            return argparse.Namespace(exit_code=1, words="partial", crash=ValueError(f"Bearer {SECRET}"))

        app = types.ModuleType("chat_tui.ui.app")
        app.run = run  # pyright: ignore[reportAttributeAccessIssue] - a stand-in module
        monkeypatch.setitem(sys.modules, "chat_tui.ui.app", app)
        code, out, err = terminal.run()
        assert (code, out) == (70, "partial\n")
        assert "(ValueError)" in err

    @pytest.mark.parametrize("argv", [("-m", "nowhere/x"), ("-m", "x"), ("--theme", "drak"), ("--config", "/none")])
    def test_wrong_flags_are_said_before_it_opens(
        self, terminal: Terminal, screens: Opened, argv: tuple[str, ...]
    ) -> None:
        code, out, err = terminal.run(*argv)
        assert (code, out, screens) == (2, "", [])
        assert err.startswith("chat-tui: ")
        assert err.count("\n") == 1


class TestCommands:
    def test_config_path(self, terminal: Terminal, clean_environment: Path) -> None:
        expected = clean_environment / ".config/chat-tui/config.toml"
        assert terminal.run("config", "path") == (0, f"{expected}\n", "")
        assert terminal.run("config", "path", "--config", "/a/b.toml") == (0, "/a/b.toml\n", "")

    def test_config_show(self, terminal: Terminal, tmp_path: Path) -> None:
        file = tmp_path / "c.toml"
        file.write_text(f'theme = "drak"\n[providers.mine]\nheaders = {{ A = "{SECRET}" }}')
        file.chmod(0o600)
        code, out, err = terminal.run("config", "show", "--config", str(file), "-m", "a/b")
        assert code == 0
        assert out.splitlines()[0] == f"# {file}"
        assert out.splitlines()[1].split() == ["model", "=", '"a/b"', "#", "--model"]
        assert "theme: must be one of" in err
        assert SECRET not in out + err

    @pytest.mark.parametrize(
        "argv", [("config", "show", "--json"), ("--json", "config", "show"), ("config", "--json", "show")]
    )
    def test_config_show_as_data(self, terminal: Terminal, argv: tuple[str, ...]) -> None:
        code, out, err = terminal.run(*argv)
        data = json.loads(out)
        assert (code, err, data["path"], data["problems"]) == (0, "", None, [])
        assert {"key": "model", "value": "demo/burst", "origin": "environment CHAT_TUI_MODEL"} in data["settings"]

    def test_local_install(self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        from chat_tui.providers import local_install

        def install(*, echo: Any) -> int:
            echo("installing")
            return 3

        monkeypatch.setattr(local_install, "install", install)
        assert terminal.run("local", "install") == (3, "installing\n", "")

    def test_models(self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        from chat_tui.providers import registry
        from chat_tui.providers.base import ModelInfo
        from chat_tui.providers.listing import ModelGroup

        async def list_models(*_: object, **__: object) -> Any:
            yield ModelGroup("demo", "demo", (ModelInfo("demo/burst", "burst\x1b[1m"), ModelInfo("demo/slow")))
            yield ModelGroup("mine", "", (), "It does not\x07 answer.")

        monkeypatch.setattr(registry.ProviderRegistry, "list_models", list_models)
        code, out, _ = terminal.run("models")
        assert code == 0
        *listed, more = out.splitlines()
        assert more.startswith("More models: set a key in the environment (OPENAI_API_KEY,")
        assert listed == [
            "demo",
            f"  * {'demo/burst':<30}    burst␛[1m",
            "    demo/slow",
            "mine",
            "    It does not␇ answer.",
        ]
        groups = json.loads(terminal.run("models", "--json")[1])
        assert [group["provider"] for group in groups] == ["demo", "mine"]
        assert groups[0]["models"][1] == {"id": "demo/slow", "label": "", "note": "", "is_available": True}
        assert groups[1]["problem"] == "It does not\x07 answer."

    def test_a_terminal_without_utf_8_is_no_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        monkeypatch.setattr(out, "isatty", lambda: True)
        monkeypatch.setattr(sys, "stdout", out)
        assert cli.main(["config", "show", "-s", "é"]) == 0
        assert 'system                      = "?"' in out.buffer.getvalue().decode("ascii")

    def test_version_and_help(self, terminal: Terminal) -> None:
        assert terminal.run("--version") == (0, f"chat-tui {__version__}\n", "")
        code, out, _ = terminal.run("--help")
        assert code == 0
        for word in ("--model", "--print", "config show", "local install", "CHAT_TUI_THEME", "130 stopped"):
            assert word in out
        assert max(map(len, out.splitlines())) <= 110


class TestWrongUsage:
    @pytest.mark.parametrize(
        ("argv", "said"),
        [
            (("--modelx", "x"), "There is no option --modelx."),
            ((f"--api-key={SECRET}",), "There is no option --api-key."),
            ((f"-k{SECRET}",), "There is no option -k."),
            ((SECRET,), "That is no command; there are config path, "),
            (("-p", "two", "words"), "After -p comes one PROMPT; several words need quotes."),
            (("config",), "The command is config path or config show."),
            (("config", "edit"), "The command is config path or config show."),
            (("local",), "The command is local install."),
            (("-m",), "argument -m/--model: expected one argument."),
            (("--output-format", "xml", "-p", "x"), "invalid choice: 'xml'"),
            (("--json",), "--json goes with config show, models, doctor"),
            (("--json", "-p", "x"), "--json goes with config show, models, doctor"),
            (("-f", "a.png", "models"), "-f goes with a question; one of several words needs quotes."),
            (("-f", "a.png", "two", "words"), "-f goes with a question; one of several words needs quotes."),
            (("doctor", "openai", "groq"), "After doctor comes one PROVIDER or nothing."),
            (("doctor", "openai", "--all"), "--all is all providers: name none"),
            (("models", "--no-ask"), "--no-ask goes with doctor."),
            (("models", "--output-format", "json"), "--output-format goes with -p."),
            (("--output-format", "json"), "--output-format goes with -p."),
            (("\x1b[31m--x",), "That is no command"),
            (("--\x1b[31m",), "There is no option --␛[31m."),
        ],
    )
    def test_is_one_sentence_and_2(self, terminal: Terminal, argv: tuple[str, ...], said: str) -> None:
        code, out, err = terminal.run(*argv)
        assert (code, out) == (2, "")
        assert said in err
        assert err.count("\n") == 1
        assert err.rstrip("\n").isprintable()
        assert SECRET[8:] not in err
