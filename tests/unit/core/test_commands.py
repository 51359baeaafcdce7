"""What is a command and what is text."""

from __future__ import annotations

import pytest

from chat_tui.core.commands import Command, Unknown, escape, parse, unescape

KNOWN = ("model", "new", "retry", "theme", "thinking", "help", "quit")


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/help", Command("help")),
        ("/help  ", Command("help")),
        ("/model foo", Command("model", "foo")),
        ("/model   mine/llama 3  ", Command("model", "mine/llama 3")),
        ("/theme\tdark", Command("theme", "dark")),
        ("/retry in\nFrench", Command("retry", "in\nFrench")),
        ("/retry\nin French", Command("retry", "in French")),
    ],
)
def test_commands(text: str, command: Command) -> None:
    assert parse(text, KNOWN) == command


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "/",
        "/ help",
        " /help",
        "/usr/bin is what?",
        "/etc/passwd",
        "/Help",
        "/model:x",
        "/model2",
        "/2",
        "/größe",
        "//help",
        "// a comment",
        "say /help",
        "\n/help",
    ],
)
def test_text(text: str) -> None:
    assert parse(text, KNOWN) is None


@pytest.mark.parametrize(
    ("text", "name", "nearest"),
    [
        ("/modle gpt", "modle", "model"),
        ("/mod", "mod", "model"),
        ("/th", "th", ""),
        ("/them", "them", "theme"),
        ("/exit", "exit", ""),
        ("/tmp is full", "tmp", ""),
    ],
)
def test_unknown_names_get_the_nearest(text: str, name: str, nearest: str) -> None:
    assert parse(text, KNOWN) == Unknown(name, nearest)


def test_without_any_commands_nothing_is_near() -> None:
    assert parse("/help", ()) == Unknown("help", "")


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("//help", "/help"),
        ("//model foo\nbar", "/model foo\nbar"),
        ("//nonesuch", "/nonesuch"),
        ("///help", "//help"),
        ("// a comment", "// a comment"),
        ("//example.org/path", "//example.org/path"),
        ("/usr/bin", "/usr/bin"),
        ("plain", "plain"),
    ],
)
def test_a_second_slash_escapes(typed: str, sent: str) -> None:
    assert unescape(typed) == sent
    assert escape(sent) == typed
