"""Keys and addresses: what is taken, what is refused, and that no message repeats a key."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chat_tui
from chat_tui.core.errors import ConfigError
from chat_tui.providers.credentials import (
    Redactor,
    check_base_url,
    clean_key,
    expand_headers,
    is_loopback,
    issuer_of,
    key_from_command,
    keyring_command,
    secret_values,
    split_command,
)

KEY = "sk-canary-0123456789abcdef"


@pytest.mark.parametrize(
    "raw", [KEY, f" {KEY} ", f"{KEY}\n", f"\t{KEY}\r\n", f'"{KEY}"', f"'{KEY}'\n", f'" {KEY} "', f"\u00a0{KEY}"]
)
def test_what_surrounds_a_key_is_trimmed(raw: str) -> None:
    assert clean_key(raw, "MINE_KEY") == KEY


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ('""', "is empty"),
        (f"{KEY} {KEY}", "white space"),
        (f"{KEY}\n{KEY}", "white space or a line break"),
        (f"{KEY}\r\nX-Injected: 1", "white space"),
        (f"{KEY}\u00a0x", "white space"),
        (f"{KEY}é", "not ASCII"),
        (f"{KEY}\u200b", "not ASCII"),
        (f"\ufeff{KEY}", "not ASCII"),
        (f"{KEY}\0x", "control character"),
        (f"{KEY}\x1b[31m", "control character"),
        (f"{KEY}\x7f", "control character"),
        (f"Bearer {KEY}", "the word Bearer"),
        (f"bearer {KEY}", "the word Bearer"),
        (f"OPENAI_API_KEY={KEY}", "variable name and ="),
        (f"export MINE_TOKEN={KEY}", "variable name and ="),
        ("$OPENAI_API_KEY", "name of a variable"),
        ("${OPENAI_API_KEY}", "name of a variable"),
        ("%OPENAI_API_KEY%", "name of a variable"),
        ("sk-...", "place holder"),
        ("<your-key>", "place holder"),
        ("YOUR_API_KEY", "place holder"),
        ("your-api-key-here", "place holder"),
        ("********", "place holder"),
    ],
)
def test_what_cannot_be_a_key_is_refused_without_showing_it(raw: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        clean_key(raw, "MINE_KEY")
    assert "MINE_KEY" in caught.value.message
    assert "canary" not in caught.value.sentence


@given(st.text(max_size=60))
def test_any_text_is_a_header_value_or_refused(raw: str) -> None:
    try:
        key = clean_key(raw, "MINE_KEY")
    except ConfigError:
        return
    assert key
    assert key.isascii()
    assert key.isprintable()
    assert " " not in key


# -- redaction -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"key {KEY} refused", "key ‹key removed› refused"),
        (f"{KEY}{KEY}", "‹key removed›‹key removed›"),
        (f"cut {KEY[:20]}", "cut ‹key removed›"),
        (f"masked {KEY[:12]}***", "masked ‹key removed›***"),
        (f"masked {KEY[:8]}***", f"masked {KEY[:8]}***"),
        ("nothing", "nothing"),
        ("", ""),
    ],
)
def test_keys_are_taken_out_whole_or_cut(text: str, expected: str) -> None:
    assert Redactor([KEY]).redact(text) == expected


def test_a_key_in_an_url_and_several_keys() -> None:
    redactor = Redactor(["abc/def+ghi=="])
    redactor.add("abc/def+ghi==")
    redactor.add("another-secret")
    assert redactor.redact("?key=abc%2Fdef%2Bghi%3D%3D&x=another-secret") == "?key=‹key removed›&x=‹key removed›"


def test_the_words_of_a_header_are_secret_one_by_one() -> None:
    assert Redactor([f"Bearer {KEY}"]).redact(f"x {KEY}, Bearer") == "x ‹key removed›, Bearer"


def test_place_holders_are_no_secrets() -> None:
    assert Redactor(["", "x", "none", "EMPTY"]).redact("EMPTY x none") == "EMPTY x none"


@given(st.text(alphabet="abk-", min_size=12, max_size=20), st.text(alphabet="abk- ", max_size=60))
def test_no_secret_survives(secret: str, text: str) -> None:
    assert secret not in Redactor([secret]).redact(f"{text}{secret}{text}")


# -- commands ------------------------------------------------------------------------------------


async def test_a_command_prints_the_key() -> None:
    assert await key_from_command(("printf", "%s\\n", KEY), "api_key_command") == KEY


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (("/nowhere/program",), "could not be run: No such file"),
        (("a\0b",), "could not be run: cannot be started"),
        (("false",), "exit status 1"),
        (("true",), "is empty"),
        (("printf", f"{KEY}\\n{KEY}"), "white space"),
        (("printf", f"{KEY}\\377"), "not ASCII"),
    ],
)
async def test_commands_that_give_no_key(command: tuple[str, ...], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        await key_from_command(command, "api_key_command of [providers.mine]")
    assert "api_key_command of [providers.mine]" in caught.value.message
    assert "canary" not in caught.value.sentence


async def test_a_command_that_hangs_is_ended_with_its_children() -> None:
    code = "import subprocess,sys; subprocess.run(['sleep', '60'])"
    with pytest.raises(ConfigError, match=r"longer than 0\.05 s"):
        await key_from_command((sys.executable, "-c", code), "api_key_command", limit_s=0.05)


KEYRING = """
import os
class NoKeyringError(RuntimeError): pass
class KeyringLocked(RuntimeError): pass
"""
ENTRY = "chat-tui/me"


def fake_keyring(folder: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library of that name for the child, which has to find ours, too."""
    package = folder / "keyring"
    package.mkdir()
    (package / "__init__.py").write_text(f"from . import errors\ndef get_password(service, user):\n    {body}\n")
    (package / "errors.py").write_text(KEYRING)
    root = Path(chat_tui.__file__).parents[1]
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{root}")


async def test_a_keyring_gives_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_keyring(tmp_path, "return f'key-of-{user}-for-{service}'", monkeypatch)
    assert await key_from_command(keyring_command(ENTRY, "x"), "x") == "key-of-me-for-chat-tui"
    assert await key_from_command(keyring_command("a/b/me", "x"), "x") == "key-of-me-for-a/b"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return None", "has no such entry"),
        ("raise errors.NoKeyringError(service)", "no keyring that can be used"),
        ("raise errors.KeyringLocked(service)", "is locked"),
        ("raise OSError(service)", "The keyring failed"),
        ("return ''", "is empty"),
        ("return 'a key with spaces'", "white space"),
        ("os._exit(9)", "exit status"),
        ("raise SystemExit(7)", "exit status 7"),
    ],
)
async def test_a_keyring_without_the_key_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, reason: str
) -> None:
    fake_keyring(tmp_path, f"import os; {body}", monkeypatch)
    with pytest.raises(ConfigError, match=reason) as caught:
        await key_from_command(keyring_command(ENTRY, "x"), "api_key_keyring of [providers.mine]")
    assert "api_key_keyring of [providers.mine]" in caught.value.message


async def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "keyring"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise ImportError")
    root = Path(chat_tui.__file__).parents[1]
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{root}")
    with pytest.raises(ConfigError, match="not installed") as caught:
        await key_from_command(keyring_command(ENTRY, "x"), "x")
    assert "chat-tui[keyring]" in caught.value.hint


async def test_a_keyring_that_asks_and_asks_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_keyring(tmp_path, "import time; time.sleep(60)", monkeypatch)
    with pytest.raises(ConfigError, match=r"longer than 0\.05 s"):
        await key_from_command(keyring_command(ENTRY, "x"), "x", limit_s=0.05)


@pytest.mark.parametrize("entry", ["", "x", "/", "x/", "/x", " "])
def test_what_is_no_entry_of_a_keyring(entry: str) -> None:
    with pytest.raises(ConfigError, match="SERVICE/USER"):
        keyring_command(entry, "api_key_keyring of [x]")


@pytest.mark.parametrize(
    ("key", "issuer"),
    [("sk-ant-x", "anthropic"), ("sk-or-v1-x", "openrouter"), ("gsk_x", "groq"), ("sk-x", ""), ("", "")],
)
def test_whose_key_it_looks_like(key: str, issuer: str) -> None:
    assert issuer_of(key) == issuer


async def test_a_command_gets_no_input() -> None:
    assert await key_from_command(("sh", "-c", "cat; echo done-reading"), "api_key_command") == "done-reading"


@pytest.mark.parametrize(
    ("command", "parts"),
    [
        ("pass show 'open ai'", ("pass", "show", "open ai")),
        (("pass", "$HOME"), ("pass", "$HOME")),
        ("", ()),
        ((), ()),
    ],
)
def test_commands_are_split_without_a_shell(command: str | tuple[str, ...], parts: tuple[str, ...]) -> None:
    assert split_command(command, "x") == parts


@pytest.mark.parametrize(("command", "reason"), [("pass 'x", "quote"), (("", "x"), "no program")])
def test_commands_that_cannot_be_split(command: str | tuple[str, ...], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        split_command(command, "api_key_command")


# -- headers -------------------------------------------------------------------------------------


def test_variables_in_headers_are_replaced_once() -> None:
    environ = {"TEAM": "a", "TRAP": "${TEAM}"}
    templates = {"X-Team": "${TEAM}-${TEAM}", "X-Plain": " $TEAM ", "X-Trap": "${TRAP}"}
    assert expand_headers(templates, environ, "[x]") == {"X-Team": "a-a", "X-Plain": "$TEAM", "X-Trap": "${TEAM}"}


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"X-Team": "${NOT_SET}"}, "NOT_SET, which is not set"),
        ({"": "x"}, "name HTTP does not allow"),
        ({"X Team": "x"}, "name HTTP does not allow"),
        ({"X-Team:": "x"}, "name HTTP does not allow"),
        ({"X-Team": "a\nb"}, "character that HTTP does not allow"),
        ({"X-Team": "é"}, "character that HTTP does not allow"),
        ({"X-Team": "${SECRET}"}, "character that HTTP does not allow"),
        ({"Host": "x"}, "ours to set"),
        ({"content-length": "1"}, "ours to set"),
        ({"Accept-Encoding": "br"}, "ours to set"),
    ],
)
def test_headers_that_are_refused(headers: dict[str, str], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        expand_headers(headers, {"SECRET": f"{KEY}\r\nX: y"}, "[providers.mine]")
    assert "canary" not in caught.value.sentence


def test_which_headers_are_secrets() -> None:
    headers = {"X-Team": "a", "Authorization": "Bearer b", "api-key": "c", "X-Id": "id-d"}
    templates = {"X-Team": "a", "Authorization": "Bearer ${B}", "api-key": "c", "X-Id": "id-${ID}"}
    assert secret_values(headers, templates, {"B": "b", "ID": "d", "X": "x"}) == ("Bearer b", "c", "b", "d")
    assert secret_values({"X-Key": ""}, {"X-Key": "${EMPTY}"}, {"EMPTY": ""}) == ()


# -- addresses -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080/v1",
        "http://127.1.2.3/v1",
        "http://localhost:8080/v1",
        "http://LOCALHOST./v1",
        "http://app.localhost/v1",
        "http://[::1]:8080/v1",
        "http://[::ffff:127.0.0.1]/v1",
        "http://0.0.0.0:8000/v1",
        "https://api.example.com/v1",
        "https://192.168.0.2/v1",
        "https://[2001:db8::1]:8443",
        "https://bücher.example/v1",
        "HTTPS://api.example.com",
    ],
)
def test_addresses_a_key_may_be_sent_to(url: str) -> None:
    assert check_base_url(f" {url}/ ", "[x]", has_secret=True) == url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "no base_url"),
        ("  ", "no base_url"),
        ("localhost:8080/v1", "does not begin with"),
        ("api.example.com/v1", "does not begin with"),
        ("//api.example.com/v1", "does not begin with"),
        ("ftp://api.example.com", "does not begin with"),
        ("file:///etc/passwd", "does not begin with"),
        ("unix:///run/x.sock", "does not begin with"),
        ("http:/api.example.com", "does not begin with"),
        ("https://", "does not begin with"),
        ("https:///v1", "does not begin with"),
        ("https://:443/v1", "names no host"),
        ("https://api.example.com:99999/v1", "cannot be read"),
        ("https://api.example.com:-1/v1", "cannot be read"),
        ("https://api.example.com:x/v1", "cannot be read"),
        ("https://api.example.com:0/v1", "names no host"),
        ("https://[::1/v1", "cannot be read"),
        ("https://[nonsense]/v1", "cannot be read|names no host"),
        ("https://[v1.a:b]/v1", "names no host"),
        ("https://a..b/v1", "names no host"),
        ("https://-x.example/v1", "names no host"),
        (f"https://{'a' * 70}.example/v1", "names no host"),
        ("https://exa mple.com/v1", "white space"),
        ("https://example.com/v1\nX", "white space"),
        ("https://example.com/\x1b[2J", "control character"),
        (f"https://me:{KEY}@example.com/v1", "user name or password"),
        (f"https://{KEY}@example.com/v1", "user name or password"),
        ("https://example.com/v1?api-version=1", r"\? or #"),
        ("https://example.com/v1#x", r"\? or #"),
        ("https://example.com/v1/chat/completions", "added to it"),
        ("https://example.com/v1/messages/", "added to it"),
        ("http://api.example.com/v1", "unencrypted to api.example.com"),
        ("http://192.168.0.2/v1", "unencrypted"),
        ("http://localhost.example.com/v1", "unencrypted"),
        ("http://127.0.0.1.example.com/v1", "unencrypted"),
        ("http://2130706433/v1", "unencrypted"),
        ("http://[2001:db8::1]/v1", "unencrypted"),
    ],
)
def test_addresses_that_are_refused(url: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        check_base_url(url, "[providers.mine]", has_secret=True)
    assert "[providers.mine]" in caught.value.message
    assert "canary" not in caught.value.sentence


def test_the_address_of_a_chat_route_may_end_as_it_likes() -> None:
    url = "http://127.0.0.1:3000/api/chat"
    assert check_base_url(url, "[x]", has_secret=True, is_whole=True) == url
    with pytest.raises(ConfigError, match="at its end"):
        check_base_url(url, "[x]", has_secret=True)


def test_without_a_key_plain_http_is_fine() -> None:
    assert check_base_url("http://192.168.0.2:8080/v1/", "[x]", has_secret=False) == "http://192.168.0.2:8080/v1"


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    for prefix in ("", "http://", "https://"):
        try:
            url = check_base_url(prefix + text, "[x]", has_secret=True)
        except ConfigError:
            continue
        assert url.lower().startswith(("http://", "https://"))
        assert "@" not in url.partition("//")[2].partition("/")[0]


@pytest.mark.parametrize("host", ["::1%lo", "fe80::1", "10.0.0.1", "", "127.0.0.1.", "localhostx"])
def test_loopback_by_form(host: str) -> None:
    assert is_loopback(host) is (host in ("::1%lo", "127.0.0.1."))
