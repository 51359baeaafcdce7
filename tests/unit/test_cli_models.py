"""`chat-tui models` and what shells complete: lines that can be read and copied, data for programs, exit codes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from chat_tui.cli_arguments import UsageError, parse
from chat_tui.cli_models import completion_script, model_names, print_models, with_alias_problems
from chat_tui.config.load import LoadedConfig
from chat_tui.config.model import Config
from chat_tui.providers.base import ModelInfo
from chat_tui.providers.listing import ModelGroup
from chat_tui.providers.model_cache import ModelCache
from chat_tui.wire.base import ModelFacts

if TYPE_CHECKING:
    from chat_tui.session.session import ChatSession

NOW_S = 1_000_000.0
BIG = ModelInfo(
    "cloud/org/big", "Big", facts=ModelFacts("org/big", "Big", 131_072, frozenset({"text", "image"}), 3e-6, 15e-6)
)
LONG = ModelInfo(f"cloud/{'x' * 60}", facts=ModelFacts("x" * 60, "", 8192))
BARE = ModelInfo("cloud/bare", "Bare\x1b[2J", facts=ModelFacts("bare"))
SLOW = ModelInfo("demo/slow", note="says little")


class Session:
    """Lists what it was made with."""

    def __init__(self, *groups: ModelGroup) -> None:
        self.model_id = "demo/slow"
        self.aliases = {"best": "cloud/org/big"}
        self.ways_to_more = ""
        self.asked: list[tuple[str, float]] = []
        self._groups = groups

    async def list_models(self, only: str = "", *, max_age_s: float = 0.0) -> AsyncIterator[ModelGroup]:
        self.asked.append((only, max_age_s))
        for group in self._groups:
            yield group


async def printed(
    *groups: ModelGroup, is_json: bool = False, is_refresh: bool = False, only: str = "", ways_to_more: str = ""
) -> tuple[int, str, Session]:
    lines: list[str] = []
    session = Session(*groups)
    session.ways_to_more = ways_to_more
    code = await print_models(
        cast("ChatSession", session),
        lines.append,
        only=only,
        is_json=is_json,
        is_refresh=is_refresh,
        now_s=NOW_S,
    )
    return code, "\n".join(lines), session


async def test_facts_stand_in_columns_and_ids_are_whole() -> None:
    groups = (
        ModelGroup("cloud", "Cloud", (BIG, LONG, BARE), listed_at_s=NOW_S - 720),
        ModelGroup("demo", "demo", (SLOW,)),
    )
    code, text, _ = await printed(*groups)
    assert code == 0
    assert text.splitlines() == [
        "cloud · Cloud · as of 12 min ago",
        f"    {'cloud/org/big = best':<40}    128k  $3 / $15         img",
        f"    {LONG.id}      8k",
        f"    {'cloud/bare':<40}    Bare␛[2J",
        "demo",
        f"  * {'demo/slow':<30}    says little",
    ]
    assert all(len(line) <= 80 for line in text.splitlines() if LONG.id not in line)


async def test_where_more_come_from_is_said_below_all_to_people_only() -> None:
    demo = ModelGroup("demo", "demo", (SLOW,))
    assert (await printed(demo, ways_to_more="Set a key."))[1].splitlines()[-1] == "Set a key."
    assert "Set a key." not in (await printed(demo, ways_to_more="Set a key.", only="demo"))[1]
    assert "Set a key." not in (await printed(demo, ways_to_more="Set a key.", is_json=True))[1]


async def test_what_cannot_be_listed_is_one_line_and_what_is_asked_anew_is_shown_once() -> None:
    old = ModelGroup("cloud", "Cloud", (BIG,), listed_at_s=NOW_S - 9000, is_final=False)
    failed = ModelGroup("cloud", "Cloud", (BIG,), "cloud refused\nthe connection.", NOW_S - 9000)
    code, text, _ = await printed(old, failed)
    assert code == 0
    assert text.splitlines()[:2] == ["cloud · Cloud · as of 2 h ago", "    cloud refused the connection."]
    assert text.count("cloud/org/big") == 1


async def test_the_exit_code_says_whether_there_is_any_model() -> None:
    broken = ModelGroup("cloud", "Cloud", problem="Broken.")
    assert (await printed(broken))[0] == 1
    assert (await printed(broken, is_json=True))[0] == 1
    assert (await printed(broken, ModelGroup("demo", "demo", (SLOW,))))[0] == 0


async def test_a_list_of_this_hour_is_good_enough_unless_that_is_refused() -> None:
    assert (await printed(only="cloud"))[2].asked == [("cloud", 3600.0)]
    assert (await printed(is_refresh=True))[2].asked == [("", 0.0)]


async def test_data_has_all_facts() -> None:
    _, text, _ = await printed(
        ModelGroup("cloud", "Cloud", (BIG, BARE), "Old.", NOW_S - 5), ModelGroup("demo", "", (SLOW,)), is_json=True
    )
    cloud, demo = json.loads(text)
    assert (cloud["provider"], cloud["problem"], cloud["listed_at_s"]) == ("cloud", "Old.", NOW_S - 5)
    assert cloud["models"][0] == {
        "id": "cloud/org/big",
        "label": "Big",
        "note": "",
        "is_available": True,
        "is_chat": True,
        "context_tokens": 131_072,
        "inputs": ["image", "text"],
        "usd_per_million_tokens": {"input": 3.0, "output": 15.0, "cached": None},
    }
    assert cloud["models"][1]["usd_per_million_tokens"] is None
    assert cloud["models"][1]["inputs"] is None
    assert (demo["listed_at_s"], demo["models"]) == (
        None,
        [{"id": "demo/slow", "label": "", "note": "says little", "is_available": True}],
    )


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("models", "a", "b"), "After models comes one PROVIDER or nothing."),
        (("completion",), "After completion comes one of bash, zsh, fish."),
        (("completion", "csh"), "After completion comes one of bash, zsh, fish."),
        (("--refresh",), "--refresh goes with models."),
        (("stats", "--refresh"), "--refresh goes with models."),
    ],
)
def test_what_makes_no_sense_is_one_sentence(argv: tuple[str, ...], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(argv)
    assert str(caught.value) == words


@pytest.mark.parametrize("argv", [("models",), ("models", "openai", "--json", "--refresh"), ("completion", "fish")])
def test_what_makes_sense(argv: tuple[str, ...]) -> None:
    assert parse(argv).command == [word for word in argv if not word.startswith("-")]


def test_an_alias_of_an_unknown_provider_is_a_problem() -> None:
    config = Config(aliases={"fast": "groc/x", "good": "demo/cut", "odd": "zz\x1b[2J/x"})
    first, second = with_alias_problems(LoadedConfig(config, {}, ("One.",), None)).problems[1:]
    assert first.startswith("The alias fast stands for a model of groc")
    assert first.endswith("Did you mean groq?")
    assert "zz␛" in second


# -- completion ----------------------------------------------------------------------------------------


def test_names_are_the_aliases_and_what_is_on_disk(tmp_path: Path) -> None:
    ModelCache(tmp_path / "models").write("cloud", "mark", (ModelFacts("org/a"), ModelFacts("b")))
    loaded = LoadedConfig(Config(aliases={"best": "cloud/org/a"}), {}, (), None)
    assert list(model_names(loaded, tmp_path)) == ["best", "cloud/org/a", "cloud/b"]
    assert list(model_names(LoadedConfig(Config(), {}, (), None), tmp_path / "none")) == []


NAMES = ("best", "cloud/llama-70b", "cloud/llama-8b", "ollama/qwen:7b", "ollama/qwen:14b")


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("chat-tui -m b", ["best"]),
        ("chat-tui --model cloud/", ["cloud/llama-70b", "cloud/llama-8b"]),
        ("chat-tui --model=cloud/llama-8", ["cloud/llama-8b"]),
        ("chat-tui -p hello -m ", list(NAMES)),
        ("chat-tui -m ollama/qwen:1", ["14b"]),
        ("chat-tui -p b", []),
        ("chat-tui ", []),
    ],
)
def test_bash_completes_models(tmp_path: Path, line: str, found: list[str]) -> None:
    fake = tmp_path / "chat-tui"
    fake.write_text("#!/bin/sh\nprintf '%s\\n' " + " ".join(NAMES) + "\n", encoding="utf-8")
    fake.chmod(0o755)
    script = (
        completion_script("bash")
        + f"\nCOMP_LINE={line!r} COMP_POINT={len(line)} COMP_WORDBREAKS=$' \\t\\n=:'\nCOMPREPLY=()\n_chat_tui\n"
        + 'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    run = subprocess.run(
        ["bash", "-c", script], env=environ, capture_output=True, text=True, check=True, timeout=20
    )
    assert run.stdout.split() == found
    assert run.stderr == ""


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_take_the_script(shell: str) -> None:
    script = completion_script(shell)
    assert "chat-tui model-names" in script
    if program := shutil.which(shell):
        subprocess.run([program, "-n"], input=script, text=True, check=True, timeout=20)


def test_a_shell_waits_for_no_screen_and_no_network() -> None:
    """The command that completes loads neither."""
    code = (
        "import sys\nfrom chat_tui import cli\ncli.main(['model-names'])\n"
        "print([name for name in ('textual', 'httpx', 'rich', 'asyncio', 'sqlite3') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.splitlines()[-1] == "[]"
