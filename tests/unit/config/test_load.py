"""Loading: what the file gives, what a mistake costs, what is said about it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chat_tui.config.load import CONFIG_VARIABLE, MAX_PROBLEMS, LoadedConfig, find_file, load
from chat_tui.config.model import Config, GenerationConfig, ProviderConfig
from chat_tui.config.paths import config_file
from chat_tui.core.conversation import Generation
from chat_tui.core.errors import ConfigError

SECRET = "sk-proj-4f9a8b7c6d5e4f3a2b1c0d9e"


def load_text(tmp_path: Path, text: str | bytes, environ: dict[str, str] | None = None) -> LoadedConfig:
    file = tmp_path / "config.toml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    file.chmod(0o600)
    return load(file, environ or {})


def only_problem(loaded: LoadedConfig) -> str:
    assert len(loaded.problems) == 1, loaded.problems
    return loaded.problems[0]


class TestWithoutMistakes:
    def test_nothing_gives_the_defaults(self) -> None:
        loaded = load(None, {})
        assert loaded.config == Config()
        assert loaded.problems == ()
        assert loaded.path is None
        assert set(loaded.origins.values()) == {"default"}

    def test_the_documented_shape(self, tmp_path: Path) -> None:
        loaded = load_text(
            tmp_path,
            """
            model = "mine/whatever"
            theme = "light"
            [generation]
            temperature = 1
            stop = ["END", "STOP"]
            [providers.mine]
            protocol = "openai-chat"
            base_url = "http://127.0.0.1:8080/v1"
            api_key_env = "MINE_API_KEY"
            headers = { X-Team = "a" }
            first_token_timeout_s = 300
            idle_timeout_s = 120
            [local.models]
            mistral = "~/m.gguf"
            """,
        )
        assert loaded.problems == ()
        assert loaded.config == Config(
            model="mine/whatever",
            theme="light",
            generation=GenerationConfig(temperature=1.0, stop=("END", "STOP")),
            providers={
                "mine": ProviderConfig(
                    protocol="openai-chat",
                    base_url="http://127.0.0.1:8080/v1",
                    api_key_env="MINE_API_KEY",
                    headers={"X-Team": "a"},
                    first_token_timeout_s=300.0,
                )
            },
            local=type(Config().local)(models={"mistral": "~/m.gguf"}),
        )
        assert loaded.path == tmp_path / "config.toml"

    def test_origins_name_every_key(self, tmp_path: Path) -> None:
        loaded = load_text(tmp_path, '[providers.mine]\nbase_url = "http://h/v1"\nheaders = { "X.Y" = "a" }')
        assert loaded.origins["model"] == "default"
        assert loaded.origins["providers.mine.base_url"] == "file"
        assert loaded.origins["providers.mine.idle_timeout_s"] == "default"
        assert loaded.origins['providers.mine.headers."X.Y"'] == "file"

    def test_a_byte_order_mark_and_crlf_are_no_mistakes(self, tmp_path: Path) -> None:
        loaded = load_text(tmp_path, b'\xef\xbb\xbfmodel = "a/b"\r\ntheme = "light"\r\n')
        assert (loaded.config.model, loaded.config.theme, loaded.problems) == ("a/b", "light", ())

    def test_generation_becomes_the_sessions(self) -> None:
        assert GenerationConfig(temperature=0.5, stop=("x",)).to_generation() == Generation(
            temperature=0.5, stop=("x",)
        )


class TestPrecedence:
    def test_flag_over_environment_over_file_over_default(self, tmp_path: Path) -> None:
        file = tmp_path / "config.toml"
        file.write_text('model = "file/m"\ntheme = "light"\nsystem = "from file"')
        environ = {"CHAT_TUI_MODEL": "env/m", "CHAT_TUI_THEME": "terminal"}
        loaded = load(file, environ, {"model": "flag/m"})
        assert (loaded.config.model, loaded.config.theme, loaded.config.system) == (
            "flag/m",
            "terminal",
            "from file",
        )
        assert {key: loaded.origins[key] for key in ("model", "theme", "system", "render.max_fps")} == {
            "model": "--model",
            "theme": "environment CHAT_TUI_THEME",
            "system": "file",
            "render.max_fps": "default",
        }

    def test_an_empty_variable_is_not_set_but_an_empty_flag_is(self, tmp_path: Path) -> None:
        file = tmp_path / "config.toml"
        file.write_text('system = "from file"')
        assert load(file, {"CHAT_TUI_SYSTEM": ""}).config.system == "from file"
        assert load(file, {}, {"system": ""}).config.system == ""

    def test_bytes_that_are_no_text_are_replaced(self) -> None:
        loaded = load(None, {"CHAT_TUI_MODEL": "a/\udcff"}, {"system": "\udcfe"})
        assert (loaded.config.model, loaded.config.system) == ("a/?", "?")

    def test_a_wrong_variable_is_a_problem(self) -> None:
        loaded = load(None, {"CHAT_TUI_THEME": "drak"})
        assert loaded.config.theme == "dark"
        assert loaded.origins["theme"] == "default"
        problem = only_problem(loaded)
        assert problem == (
            "CHAT_TUI_THEME must be one of dark, light, terminal (did you mean dark?); it is not used."
        )

    def test_a_wrong_flag_is_an_error(self) -> None:
        with pytest.raises(ConfigError, match=r"^--theme must be one of dark, light, terminal\.$"):
            load(None, {}, {"theme": "nonsense"})

    def test_the_file_is_the_flags_then_the_variables_then_the_platforms(self, tmp_path: Path) -> None:
        environ = {CONFIG_VARIABLE: "/from/variable"}
        assert find_file(tmp_path, environ) == tmp_path
        assert find_file(None, environ) == Path("/from/variable")
        assert find_file(None, {CONFIG_VARIABLE: ""}) == config_file()
        assert find_file(Path("~/x"), {}) == Path.home() / "x"
        assert find_file(Path("~nobody-of-that-name/x"), {}) == Path("~nobody-of-that-name/x")


class TestMistakesInOneKey:
    @pytest.mark.parametrize(
        ("text", "key", "said"),
        [
            ('modelx = "a/b"', "modelx", "unknown key; did you mean model?"),
            ("[provider.mine]", "provider", "unknown key; did you mean providers?"),
            ("temperature = 0.7", "temperature", "unknown key here; did you mean generation.temperature?"),
            ("zzzz = 1", "zzzz", "unknown key; known here are model, theme, system, "),
            ("[render]\nmax_fsp = 3", "render.max_fsp", "unknown key; did you mean max_fps?"),
            ('[providers.mine]\nbase_ulr = "x"', "providers.mine.base_ulr", "did you mean base_url?"),
            ('[titles]\nmodle = "a/b"', "titles.modle", "unknown key; did you mean model?"),
            ("[titles]\nmodel = 1", "titles.model", "must be a string, not a whole number; it is not used"),
            ("[titles]\nmodel = ['a/b']", "titles.model", "must be a string, not a list; it is not used"),
            ('titles = "a/b"', "titles", "must be a table, not a string; it is not used"),
            ('[title]\nmodel = "a/b"', "title", "unknown key; did you mean titles?"),
            ('theme = "drak"', "theme", "must be one of dark, light, terminal (did you mean dark?)"),
            ("theme = 3", "theme", "must be one of dark, light, terminal, not a whole number"),
            ("model = 3", "model", "must be a string, not a whole number"),
            ("model = 2020-01-01", "model", "must be a string, not a date or time"),
            (
                '[generation]\ntemperature = "hot"',
                "generation.temperature",
                "a number from 0 up to 5, not a string",
            ),
            ("[generation]\ntemperature = 9", "generation.temperature", "must be a number from 0 up to 5"),
            ("[generation]\ntemperature = nan", "generation.temperature", "must be a number from 0 up to 5"),
            ("[generation]\ntop_p = 0.0", "generation.top_p", "must be a number above 0 up to 1"),
            ("[generation]\nseed = 1.5", "generation.seed", "must be a whole number"),
            ("[generation]\nseed = true", "generation.seed", "not true or false"),
            (f"[generation]\nseed = {10**30}", "generation.seed", "must be a whole number from"),
            ("[generation]\nstop = [1]", "generation.stop", "must be a list of strings"),
            ("[generation]\nstop = 'x'", "generation.stop", "must be a list of strings, not a string"),
            ("generation = 1", "generation", "must be a table, not a whole number"),
            ("providers = []", "providers", "must be a table, not a list"),
            ("[providers]\nmine = 1", "providers.mine", "must be a table, not a whole number"),
            ("[providers.mine]\nidle_timeout_s = 0", "providers.mine.idle_timeout_s", "must be a number above 0"),
            ("[providers.mine]\nidle_timeout_s = inf", "providers.mine.idle_timeout_s", "up to 86400"),
            ("[providers.mine]\nprotocol = 'openai'", "providers.mine.protocol", "(did you mean openai-chat?)"),
            (
                "[providers.mine]\napi_key_command = 3",
                "providers.mine.api_key_command",
                "a string or a list of strings",
            ),
            ("[providers.mine.headers]\nX-A = 1", "providers.mine.headers.X-A", "must be a string"),
            ("[providers.local]", "providers.local", "belongs to models that come with chat-tui"),
            ('[providers."a/b"]', 'providers."a/b"', "begins with a letter or digit"),
        ],
    )
    def test_costs_that_key_and_is_named(self, tmp_path: Path, text: str, key: str, said: str) -> None:
        loaded = load_text(tmp_path, text)
        problem = only_problem(loaded)
        assert problem.startswith(f"{tmp_path / 'config.toml'}: {key}: ")
        assert said in problem
        assert problem.endswith((".", "?"))
        assert "`" not in problem  # the library's own words

    def test_the_other_keys_hold(self, tmp_path: Path) -> None:
        loaded = load_text(
            tmp_path,
            'theme = 1\nmodel = "a/b"\n[generation]\ntemperature = "hot"\ntop_p = 0.5\n'
            '[providers.mine]\nbase_url = 1\napi_key_env = "MINE_KEY"\n',
        )
        assert len(loaded.problems) == 3
        assert loaded.config.model == "a/b"
        assert loaded.config.generation == GenerationConfig(top_p=0.5)
        assert loaded.config.providers == {"mine": ProviderConfig(api_key_env="MINE_KEY")}
        assert loaded.origins["theme"] == "default"

    def test_many_mistakes_are_counted_not_listed(self, tmp_path: Path) -> None:
        loaded = load_text(tmp_path, "\n".join(f"unknown_{i} = 1" for i in range(5000)))
        assert len(loaded.problems) == MAX_PROBLEMS + 1
        assert loaded.problems[-1].endswith(f"{5000 - MAX_PROBLEMS} more problems.")

    def test_control_characters_of_a_key_are_not_shown(self, tmp_path: Path) -> None:
        problem = only_problem(load_text(tmp_path, '"\\u001b[31m\\u202e" = 1'))
        assert "\x1b" not in problem
        assert "\u202e" not in problem


class TestSecrets:
    @pytest.mark.parametrize(
        "text",
        [
            f'api_key = "{SECRET}"',
            f'[providers.mine]\napi_key = "{SECRET}"',
            f'[providers.mine]\ntoken = "{SECRET}"',
            f'[providers.mine]\napi_key_env = "{SECRET}"',
            f'[providers.mine]\napi_key_env = "gsk_{SECRET[8:]}"',
            f'[providers.mine]\napi_key_keyring = "{SECRET}"',
            f'[providers.mine]\nprotocol = "{SECRET}"',
            f'[providers.mine]\nheaders = "{SECRET}"',
            f'[providers.mine]\nheaders = ["{SECRET}"]',
            f'[providers.mine]\nidle_timeout_s = "{SECRET}"',
            f'theme = "{SECRET}"',
            f'[providers.mine]\nbase_url = "{SECRET}',
            f"[providers.mine]\nbase_url = {SECRET}",
            f'model = "a"\nmodel = "{SECRET}"',
        ],
    )
    def test_a_value_is_never_in_a_sentence(self, tmp_path: Path, text: str) -> None:
        loaded = load_text(tmp_path, text)
        assert SECRET[8:] not in only_problem(loaded)
        assert SECRET[8:] not in repr(loaded.config)

    def test_a_key_in_the_file_gets_the_way_out(self, tmp_path: Path) -> None:
        problem = only_problem(load_text(tmp_path, f'[providers.mine]\napi_key = "{SECRET}"'))
        assert "api_key_env" in problem

    @pytest.mark.parametrize("name", ["MINE_API_KEY", "mine_key", "_X1", "AZURE_OPENAI_API_KEY_EASTUS_2"])
    def test_names_of_variables_pass(self, tmp_path: Path, name: str) -> None:
        loaded = load_text(tmp_path, f'[providers.mine]\napi_key_env = "{name}"')
        assert (loaded.problems, loaded.config.providers["mine"].api_key_env) == ((), name)

    @pytest.mark.skipif(os.name != "posix", reason="file modes")
    @pytest.mark.parametrize(("mode", "is_said"), [(0o600, False), (0o640, True), (0o604, True), (0o700, False)])
    def test_a_readable_file_with_headers_is_said(self, tmp_path: Path, mode: int, *, is_said: bool) -> None:
        file = tmp_path / "config.toml"
        file.write_text('[providers.mine]\nheaders = { Authorization = "x" }')
        file.chmod(mode)
        assert ["chmod 600" in problem for problem in load(file, {}).problems] == [True] * is_said
        file.write_text('model = "a/b"')
        assert load(file, {}).problems == ()


class TestUnusableFiles:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (b'model = "a/b"\ntheme = \n', "line 2, column 9: invalid value; nothing in the file is used."),
            (b'model = "a/b', "end of document: unterminated string; nothing"),
            (b"a = 1\nb = 2\n\xff\xfe = 1", "line 3: is not UTF-8 text"),
            (b"a = 1\na = 2", "cannot overwrite a value"),
            (b"a = " + b"[" * 100_000, "nests tables or lists too deeply"),
            (b"a = " + b"1" * 5000, "out of range"),
            (b"\n" + b".".join([b"a"] * 20_000) + b" = 1", "line 2: more than 32 names joined by dots"),
            (b'x = {"a" . ' + b"'b'." * 20_000 + b"c = 1}", "more than 32 names joined by dots"),
            (b"#" * ((1 << 20) + 1), "is larger than 1 MiB"),
            (b"\x00", "nothing in the file is used"),
        ],
    )
    def test_cost_the_file_not_the_start(self, tmp_path: Path, text: bytes, said: str) -> None:
        loaded = load_text(tmp_path, text)
        assert loaded.config == Config()
        assert said in only_problem(loaded)
        assert loaded.path is not None

    def test_a_long_text_of_dots_is_no_endless_key(self, tmp_path: Path) -> None:
        loaded = load_text(tmp_path, f'system = "Wait{"." * 500} org.example.deep.package. {"No. Never. " * 10}"')
        assert loaded.problems == ()

    def test_a_directory(self, tmp_path: Path) -> None:
        assert "is no file" in only_problem(load(tmp_path, {}))

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
    def test_a_pipe_is_not_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        assert "is no file" in only_problem(load(tmp_path / "pipe", {}))

    @pytest.mark.skipif(not Path("/dev/zero").exists(), reason="devices")
    def test_a_device_is_not_read(self) -> None:
        assert "is no file" in only_problem(load(None, {CONFIG_VARIABLE: "/dev/zero"}))

    def test_unreadable(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object) -> None:
            raise PermissionError(13, "Permission denied")

        file = tmp_path / "config.toml"
        file.write_text("")
        monkeypatch.setattr(Path, "open", refuse)
        assert "cannot be read (Permission denied)" in only_problem(load(file, {}))

    def test_a_link_to_nowhere(self, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(tmp_path / "nowhere")
        assert "is no file" in only_problem(load(tmp_path / "link", {}))

    def test_missing_by_flag_is_an_error_and_by_variable_a_problem(self, tmp_path: Path) -> None:
        missing = tmp_path / "none.toml"
        with pytest.raises(ConfigError, match=r"--config: there is no file .*none\.toml"):
            load(missing, {})
        loaded = load(None, {CONFIG_VARIABLE: str(missing)})
        assert only_problem(loaded).startswith("CHAT_TUI_CONFIG: there is no file")
        assert loaded.path is None

    def test_the_file_is_never_written(self, tmp_path: Path) -> None:
        file = tmp_path / "config.toml"
        file.write_bytes(b"broken = \n")
        before = file.stat()
        load(file, {})
        assert file.read_bytes() == b"broken = \n"
        assert file.stat().st_mtime_ns == before.st_mtime_ns
