"""Lists of models on disk: whole or not at all, nobody else's, and nothing that was never listed."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

import pytest

from chat_tui.providers.model_cache import MAX_FILE_BYTES, ModelCache, server_mark
from chat_tui.wire.base import ModelFacts
from chat_tui.wire.model_list import MAX_MODELS

NOW_S = 1_800_000_000.0
MODELS = (
    ModelFacts("org/a", "A", 128_000, frozenset({"text", "image"}), 3e-6, 15e-6, 3e-7),
    ModelFacts("b", is_chat=False),
)
HERE = server_mark("http://127.0.0.1:9/v1")


@pytest.fixture
def cache(tmp_path: Path) -> ModelCache:
    return ModelCache(tmp_path / "models", lambda: NOW_S)


def test_what_is_kept_comes_back_with_its_time(cache: ModelCache, tmp_path: Path) -> None:
    assert cache.read_all() == {}
    assert not (tmp_path / "models").exists()
    written = cache.write("mine", HERE, MODELS)
    assert (written.at_s, written.models) == (NOW_S, MODELS)
    assert cache.read_all() == {"mine": written}


def test_another_list_takes_the_place_of_the_one_before(cache: ModelCache, tmp_path: Path) -> None:
    cache.write("mine", HERE, MODELS)
    cache.write("mine", HERE, MODELS[:1])
    cache.write("other", HERE, ())
    assert {name: len(known.models) for name, known in cache.read_all().items()} == {"mine": 1, "other": 0}
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == ["mine.json", "other.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="modes mean nothing there")
def test_nobody_else_can_read_them(cache: ModelCache, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        cache.write("mine", HERE, MODELS)
    finally:
        os.umask(before)
    assert (tmp_path / "models").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "models" / "mine.json").stat().st_mode & 0o777 == 0o600


def test_no_address_is_written(cache: ModelCache, tmp_path: Path) -> None:
    cache.write("mine", server_mark("https://secret-tenant.example/v1"), MODELS)
    assert b"secret-tenant" not in (tmp_path / "models" / "mine.json").read_bytes()
    assert server_mark("https://a.example/v1/") == server_mark("https://a.example/v1")
    assert server_mark("https://a.example/v2") != server_mark("https://a.example/v1")


GOOD = {"version": 1, "server": HERE, "at_s": NOW_S, "models": [{"name": "a"}]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"[" * 100_000,
        json.dumps(GOOD | {"version": 2}).encode(),
        json.dumps(GOOD | {"models": [{"label": "no name"}]}).encode(),
        json.dumps(GOOD | {"models": [{"name": 3}]}).encode(),
        json.dumps(GOOD | {"at_s": "yesterday"}).encode(),
        json.dumps(GOOD).encode()[:-3],
        json.dumps(GOOD).encode() + b" " * MAX_FILE_BYTES,
    ],
)
def test_a_damaged_file_is_none_and_is_replaced(cache: ModelCache, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.json").write_bytes(content)
    assert cache.read_all() == {}
    cache.write("mine", HERE, MODELS)
    assert cache.read_all()["mine"].models == MODELS


def test_what_a_file_says_is_trusted_no_more_than_a_server(cache: ModelCache, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    many = [{"name": f"m{n}"} for n in range(MAX_MODELS + 10)]
    hostile = [{"name": "x\x1b[2J"}, {"name": "good", "label": "red\x1b[31m"}]
    (tmp_path / "models" / "mine.json").write_text(
        json.dumps(GOOD | {"models": hostile + many, "at_s": NOW_S + 1e9}), encoding="utf-8"
    )
    known = cache.read_all()["mine"]
    assert known.models[0] == ModelFacts("good", "red␛[31m")
    assert len(known.models) == MAX_MODELS
    assert known.at_s == NOW_S


def test_what_is_no_file_is_passed_over(cache: ModelCache, tmp_path: Path) -> None:
    (tmp_path / "models" / "directory.json").mkdir(parents=True)
    (tmp_path / "models" / ".mine.json.0a1b").write_text("half", encoding="utf-8")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "models" / "pipe.json")
    assert cache.read_all() == {}


@pytest.mark.parametrize("provider", ["../up", "a/b", "nul\0", "x" * 5000])
def test_a_list_that_cannot_be_kept_is_known_all_the_same(cache: ModelCache, tmp_path: Path, provider: str) -> None:
    assert cache.write(provider, HERE, MODELS).models == MODELS
    assert [path.name for path in tmp_path.rglob("*.json")] == []


def test_a_directory_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file", encoding="utf-8")
    cache = ModelCache(tmp_path / "models")
    assert cache.write("mine", HERE, MODELS).models == MODELS
    assert cache.read_all() == {}


def test_windows_that_write_at_once_leave_one_whole_list(tmp_path: Path) -> None:
    lists = [tuple(ModelFacts(f"{n}-{m}") for m in range(300)) for n in range(8)]
    cache = ModelCache(tmp_path / "models")
    threads = [threading.Thread(target=cache.write, args=("mine", HERE, models)) for models in lists]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.read_all()["mine"].models in lists
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["mine.json"]
