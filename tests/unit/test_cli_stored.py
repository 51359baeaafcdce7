"""The commands for stored conversations as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chat_tui.cli import EXIT_OK, EXIT_USAGE, main
from chat_tui.core.conversation import Message, Role, TextPart
from chat_tui.store.export import json_pieces
from chat_tui.store.model import StoredConversation


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A file with one conversation."""
    path = tmp_path / "backup.json"
    messages = (Message(1, Role.USER, (TextPart("a pelican"),)),)
    path.write_text("".join(json_pieces([StoredConversation("ab" * 16, "Birds", tip_id=1, messages=messages)])))
    return path


def test_from_import_to_delete(backup: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", str(backup)]) == EXIT_OK
    assert capsys.readouterr().err == "chat-tui: Imported 1 conversation.\n"
    assert main(["conversations", "list", "--json"]) == EXIT_OK
    assert json.loads(capsys.readouterr().out)[0]["title"] == "Birds"
    assert main(["conversations", "search", "pel"]) == EXIT_OK
    assert "Birds" in capsys.readouterr().out
    assert main(["export", "abab"]) == EXIT_OK
    assert capsys.readouterr().out == "# Birds\n\n## You\n\na pelican\n"
    assert main(["export", "--all", "--format", "html", "-o", str(tmp_path)]) == EXIT_OK
    assert (tmp_path / "Birds.html").exists()
    assert main(["export", "last", "-o", str(tmp_path / "x.json")]) == EXIT_OK
    assert json.loads((tmp_path / "x.json").read_text())["version"] == 1
    assert main(["stats", "--since", "7d", "-m", "p/m"]) == EXIT_OK
    assert main(["conversations", "delete", "abab"]) == EXIT_OK
    capsys.readouterr()
    assert main(["conversations", "list", "--json"]) == EXIT_OK
    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["conversations", "dance"], "The command is conversations list"),
        (["conversations", "show", "zzzz"], "zzzz is no ID"),
        (["export", "--format", "pdf"], "invalid choice"),
        (["import"], "The command is import FILE."),
        (["stats", "--since", "soon"], "--since takes a span"),
        (["stats", "--all"], "goes with export"),
        (["models", "--since", "7d"], "--since goes with stats"),
        (["-p", "x", "-o", "y"], "goes with export"),
    ],
)
def test_wrong_usage_is_a_sentence(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == EXIT_USAGE
    assert sentence in capsys.readouterr().err
