"""The table of actions is complete and free of clashes."""

from __future__ import annotations

from collections import Counter

import pytest

from chat_tui.core.commands import Command, parse
from chat_tui.ui.keys import ACTIONS, Scope, action, key_label


def test_ids_and_commands_are_unique() -> None:
    assert not [name for name, count in Counter(row.id for row in ACTIONS).items() if count > 1]
    commands = [row.command for row in ACTIONS if row.command]
    assert len(set(commands)) == len(commands)


def test_no_key_means_two_things_in_one_place() -> None:
    for scope in (Scope.COMPOSER, Scope.TRANSCRIPT):
        keys = Counter(key for row in ACTIONS if row.scope in (scope, Scope.EVERYWHERE) for key in row.keys)
        assert not [key for key, count in keys.items() if count > 1]


def test_letters_are_keys_only_where_nothing_is_typed() -> None:
    letters = [row for row in ACTIONS if any(len(key) == 1 for key in row.keys)]
    assert letters
    assert all(row.scope is Scope.TRANSCRIPT for row in letters)


def test_every_row_can_be_read() -> None:
    for row in ACTIONS:
        assert row.keys
        assert row.title
        assert row.help.endswith(".")


def test_every_command_is_one_for_the_grammar() -> None:
    commands = {row.command for row in ACTIONS if row.command}
    assert {"help", "model", "quit", "retry", "continue"} <= commands
    for name in commands:
        assert parse(f"/{name}", commands) == Command(name)


def test_rows_are_found_by_id() -> None:
    assert all(action(row.id) is row for row in ACTIONS)
    with pytest.raises(KeyError):
        action("nothing")


@pytest.mark.parametrize(
    ("key", "label"),
    [
        ("ctrl+j", "Ctrl+J"),
        ("shift+enter", "Shift+Enter"),
        ("escape", "Esc"),
        ("f1", "F1"),
        ("pageup", "PageUp"),
        ("up", "↑"),
        ("y", "y"),
        ("Y", "Y"),
        ("ctrl+home", "Ctrl+Home"),
        ("space", "Space"),
    ],
)
def test_keys_as_people_write_them(key: str, label: str) -> None:
    assert key_label(key) == label
