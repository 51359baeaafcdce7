"""The request of a failure as it may be shown: no key in it, and a shell could send it again."""

from __future__ import annotations

import json
import subprocess

import pytest

from chat_tui.core.http_record import HttpRecord
from chat_tui.providers.credentials import Redactor
from chat_tui.providers.faults import Origin
from chat_tui.providers.recording import MAX_BODY_BYTES, MAX_HEADERS, record_of
from chat_tui.providers.transport import HttpRequest

KEY = "sk-canary-0123456789abcdef"
URL = "https://api.example.com/v1/chat/completions"


def made(
    headers: dict[str, str],
    content: bytes = b"{}",
    received: dict[str, str] | None = None,
    source: str = "MINE_KEY",
    key_header: str = "Authorization",
) -> HttpRecord:
    origin = Origin("api.example.com", source, redactor=Redactor([KEY]))
    return record_of(HttpRequest("POST", URL, headers, content), received or {}, origin, key_header)


def as_a_shell_reads_it(command: str) -> list[str]:
    """The arguments that a curl would get."""
    script = f'curl() {{ for word in "$@"; do printf "%s\\0" "$word"; done; }}\n{command}'
    environ = {"MINE_KEY": "filled in", "X": "expanded"}
    ran = subprocess.run(["/bin/sh", "-c", script], env=environ, capture_output=True, check=True, timeout=20)
    return ran.stdout.decode().split("\0")[:-1]


def test_a_command_that_sends_it_again() -> None:
    body = {"model": "m", "messages": [{"content": "it's “so”\x1b\x9b\u202e", "key": KEY}]}
    sent = {"Accept": "text/event-stream", "Authorization": f"Bearer {KEY}", "User-Agent": "x", "X-Team": "a b"}
    record = made(sent, json.dumps(body, ensure_ascii=False).encode())
    command = record.curl()
    assert '-H "Authorization: Bearer $MINE_KEY"' in command
    assert command.replace("‹key removed›", "").isascii()
    assert "\x1b" not in command
    assert "canary" not in command
    words = as_a_shell_reads_it(command)
    assert words[:2] == ["-N", URL]
    assert "X-Team: a b" in words
    assert "Authorization: Bearer filled in" in words
    assert "User-Agent" not in command
    again = json.loads(words[words.index("--data-raw") + 1])
    assert again["messages"][0]["content"] == body["messages"][0]["content"]  # pyright: ignore[reportArgumentType] - JSON


@pytest.mark.parametrize(
    ("headers", "options", "expected"),
    [
        ({"api-key": "none"}, {"key_header": "api-key"}, ("api-key", "$MINE_KEY")),
        (
            {"x-api-key": KEY},
            {"key_header": "x-api-key", "source": "api_key_command of [x]"},
            ("x-api-key", "$API_KEY"),
        ),
        ({"authorization": f"Basic {KEY}"}, {}, ("authorization", "Basic $MINE_KEY")),
        ({"X-Auth-Token": "short"}, {}, ("X-Auth-Token", "$X_AUTH_TOKEN")),
        ({"X-Odd": f"a{KEY}"}, {}, ("X-Odd", "$X_ODD")),
        ({"X-Price": "5$HOME"}, {}, ("X-Price", "5HOME")),
    ],
)
def test_secrets_are_variables(headers: dict[str, str], options: dict[str, str], expected: tuple[str, str]) -> None:
    assert made(headers, **options).request_headers == (expected,)  # pyright: ignore[reportArgumentType] - all strings


def test_what_came_back_is_clean_and_bounded() -> None:
    received = {
        "x-request-id": "req\x1b[2J",
        "set-cookie": "session=1",
        "x-echo": f"it was {KEY}",
        "x-long": "y" * 999,
    }
    record = made({}, received=received | {f"x-{number}": "z" for number in range(100)})
    shown = dict(record.response_headers)
    assert shown["set-cookie"] == "•••"
    assert shown["x-echo"] == "it was ‹key removed›"
    assert "\x1b" not in shown["x-request-id"]
    assert len(shown["x-long"]) == 200
    assert len(shown) == MAX_HEADERS


def test_a_long_body_is_left_to_a_file() -> None:
    record = made({}, json.dumps({"x": "y" * MAX_BODY_BYTES}).encode())
    assert record.body is None
    assert "--data-binary @request.json" in record.curl()


def test_other_methods_and_no_body() -> None:
    assert HttpRecord("GET", URL).curl() == f"curl -N \\\n  {URL}\n"
    assert "-X DELETE" in HttpRecord("DELETE", URL).curl()
    assert "--data-raw ''" in HttpRecord("POST", URL).curl()


@pytest.mark.parametrize("value", ["a`id`$X", 'a"$X', "a\\$X", "$(id)"])
def test_no_header_runs_anything(value: str) -> None:
    command = HttpRecord("GET", URL, (("X", value),)).curl()
    assert as_a_shell_reads_it(command) == ["-N", URL, "-H", f"X: {value}"]
