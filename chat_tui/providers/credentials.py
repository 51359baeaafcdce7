"""Keys and addresses: where they come from, what is refused before anything is sent, and how keys stay unseen.

No message of this module contains a key, a part of one, or an address that carries a password.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import re
import shlex
import signal
import sys
from collections.abc import Iterable, Mapping
from urllib.parse import quote, urlsplit

from chat_tui.core.errors import ConfigError
from chat_tui.providers.keyring_child import FAILURES

COMMAND_LIMIT_S = 10.0
KEYRING_LIMIT_S = 60.0
"""A keyring may ask the person to unlock it."""
_KEYRING_MODULE = "chat_tui.providers.keyring_child"
_SHORTEST_SECRET_CHARS = 8
_TELLING_CHARS = 12
_MARK = "‹key removed›"
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", re.ASCII)
_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
SECRET_NAME = re.compile(r"auth|key|token|secret|cookie|password", re.IGNORECASE)
"""In the name of a header whose value is one."""
_VARIABLE_REFERENCE = re.compile(r"\$\{?[A-Za-z_][A-Za-z0-9_]*\}?|%[A-Za-z_][A-Za-z0-9_]*%")
_ASSIGNMENT = re.compile(r"(export\s+)?[A-Z][A-Z0-9_]*_(KEY|TOKEN)\s*=")
_PLACE_HOLDER = re.compile(
    r".*\.\.\.|<[^<>]*>|\*{4,}|(your|my)[-_ ]?(own[-_ ]?)?api[-_ ]?key([-_ ]?here)?", re.IGNORECASE
)
_ISSUERS = (
    ("sk-ant-", "anthropic"),
    ("sk-or-", "openrouter"),
    ("sk-proj-", "openai"),
    ("gsk_", "groq"),
    ("xai-", "xai"),
    ("AIza", "gemini"),
)
"""What the keys of some providers begin with. A bare sk- is several providers'."""
_ENDPOINT = re.compile(r"/(chat/completions|completions|responses|messages|api/chat|models)/*$")
_OUR_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "upgrade", "expect"}
)


class Redactor:
    """Takes known secrets out of texts, also when they were cut off behind their first twelve characters.

    Shorter ones than eight characters are no secrets but place holders ("none") and would mangle every text.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: list[str] = []
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """From now on this one too: whole, its words ("Bearer …"), and each as it stands in an URL."""
        for word in (secret, *secret.split()):
            if len(word) >= _SHORTEST_SECRET_CHARS:
                self._secrets += {word, quote(word, safe="")} - set(self._secrets)
        self._secrets.sort(key=len, reverse=True)

    def redact(self, text: str) -> str:
        """The text with a mark in place of each secret."""
        for secret in self._secrets:
            text = _without(text, secret)
        return text


def _without(text: str, secret: str) -> str:
    telling = secret[:_TELLING_CHARS]
    kept: list[str] = []
    position = 0
    while (start := text.find(telling, position)) >= 0:
        kept += (text[position:start], _MARK)
        position = start + len(telling)
        for expected, found in zip(secret[len(telling) :], text[position : start + len(secret)], strict=False):
            if expected != found:
                break
            position += 1
    return "".join(kept) + text[position:]


def clean_key(raw: str, source: str) -> str:
    """The key without the white space and quotes around it. Raises ConfigError naming only its source."""
    key = raw.strip()
    if len(key) > 1 and key[0] == key[-1] and key[0] in "\"'":
        key = key[1:-1].strip()
    if not key:
        raise ConfigError(f"The key in {source} is empty.")
    if key.lower().startswith("bearer "):
        raise ConfigError(f"The key in {source} begins with the word Bearer.", "Leave that word out.")
    if _ASSIGNMENT.match(key):
        raise ConfigError(f"The key in {source} begins with a variable name and =.", "Leave that out.")
    if _VARIABLE_REFERENCE.fullmatch(key):
        raise ConfigError(
            f"The key in {source} is the name of a variable instead of what is in it.",
            "In single quotes a shell does not replace it.",
        )
    if _PLACE_HOLDER.fullmatch(key):
        raise ConfigError(f"The key in {source} is a place holder.", "Put the key itself there.")
    if any(char.isspace() for char in key):
        raise ConfigError(f"The key in {source} has white space or a line break inside.")
    if not key.isascii():
        raise ConfigError(f"The key in {source} has a character that is not ASCII.", "Copy it again.")
    if not key.isprintable():
        raise ConfigError(f"The key in {source} has a control character inside.", "Copy it again.")
    return key


def issuer_of(key: str) -> str:
    """The preset whose keys look like this; empty when that cannot be told."""
    return next((name for start, name in _ISSUERS if key.startswith(start)), "")


def keyring_command(entry: str, source: str) -> tuple[str, ...]:
    """The program that reads SERVICE/USER from the system's keyring, for `key_from_command`. Raises ConfigError."""
    service, slash, user = entry.strip().rpartition("/")
    if not slash or not service or not user:
        raise ConfigError(f"{source} must be SERVICE/USER, as in chat-tui/openai.")
    return (sys.executable, "-P", "-m", _KEYRING_MODULE, service, user)


async def key_from_command(command: tuple[str, ...], source: str, limit_s: float = 0.0) -> str:
    """What a program prints, as a key. No shell, no terminal, no input; raises ConfigError.

    `limit_s` 0: as long as a program, or a person who unlocks a keyring, may take.
    """
    is_keyring = _KEYRING_MODULE in command
    limit_s = limit_s or (KEYRING_LIMIT_S if is_keyring else COMMAND_LIMIT_S)
    status, output = await _run(command, source, limit_s)
    if is_keyring and status in FAILURES:
        what, hint = FAILURES[status]
        raise ConfigError(f"{source}: {what}", hint)
    if status != 0:
        raise ConfigError(f"The program of {source} failed with exit status {status}.")
    return clean_key(output.decode("utf-8", "replace"), f"the output of {source}")


async def _run(command: tuple[str, ...], source: str, limit_s: float) -> tuple[int | None, bytes]:
    """Exit status and standard output of a program that ends with us and within the limit."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # it may not write into our screen, and dies as a group
        )
    except (OSError, ValueError) as error:
        reason = (error.strerror or "cannot be started") if isinstance(error, OSError) else "cannot be started"
        raise ConfigError(f"The program of {source} could not be run: {reason}.") from None
    try:
        async with asyncio.timeout(limit_s):
            output, _ = await process.communicate()
    except TimeoutError:
        raise ConfigError(f"The program of {source} took longer than {limit_s:g} s.") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return process.returncode, output


def split_command(command: str | tuple[str, ...], source: str) -> tuple[str, ...]:
    """Program and arguments; a string is split as a shell would, without running one."""
    try:
        parts = tuple(shlex.split(command)) if isinstance(command, str) else command
    except ValueError:
        raise ConfigError(f"{source} has a quote that is not closed.") from None
    if parts and not parts[0]:
        raise ConfigError(f"{source} names no program.")
    return parts


def expand_headers(headers: Mapping[str, str], environ: Mapping[str, str], where: str) -> dict[str, str]:
    """Configured headers with ${NAME} replaced; raises ConfigError for what HTTP does not allow."""
    expanded: dict[str, str] = {}
    for name, template in headers.items():
        if not _TOKEN.fullmatch(name):
            raise ConfigError(f"{where} has a header whose name HTTP does not allow.")
        if name.lower() in _OUR_HEADERS:
            raise ConfigError(f"{where} sets the header {name}, which is ours to set.")
        for variable in _VARIABLE.findall(template):
            if variable not in environ:
                raise ConfigError(f"The header {name} of {where} needs the variable {variable}, which is not set.")
        value = _VARIABLE.sub(lambda match: environ[match[1]], template).strip()
        if not value.isascii() or not value.isprintable():
            raise ConfigError(f"The header {name} of {where} has a character that HTTP does not allow.")
        expanded[name] = value
    return expanded


def secret_values(
    headers: Mapping[str, str], templates: Mapping[str, str], environ: Mapping[str, str]
) -> tuple[str, ...]:
    """What of expanded headers is secret: what came from the environment, and what its name says is one."""
    named = [value for name, value in headers.items() if SECRET_NAME.search(name) and value]
    taken = [environ[variable] for template in templates.values() for variable in _VARIABLE.findall(template)]
    return (*named, *(value for value in taken if value))


def is_loopback(host: str) -> bool:
    """Whether a host name or address (no brackets, no port) is this machine by its very form."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback or (mapped or address).is_unspecified


def check_base_url(
    base_url: str,
    where: str,
    *,
    has_secret: bool,
    source: str = "",
    may_be_plain: bool = False,
    is_whole: bool = False,
) -> str:
    """The address without a slash at its end. Raises ConfigError for one that cannot be, or must not be, used.

    `is_whole`: nothing is added to it, it is the address of the chat route itself.

    `where` is the table of the configuration, `source` what gave the address ("The base_url of …" if empty).
    """
    what = source or f"The base_url of {where}"
    url = base_url.strip()
    if not url:
        raise ConfigError(f"{where} has no base_url.")
    if not url.isprintable() or any(char.isspace() for char in url):
        raise ConfigError(f"{what} has white space or a control character inside.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ConfigError(f"{what} is no URL: its host or port cannot be read.") from None
    if "@" in parts.netloc:
        raise ConfigError(f"{what} has a user name or password in it.", "Use api_key_env or headers instead.")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ConfigError(f"{what} does not begin with http:// or https://.")
    if not host or port == 0 or not is_host(host):
        raise ConfigError(f"{what} names no host that can be reached.")
    if parts.query or parts.fragment:
        raise ConfigError(f"{what} has a ? or # part.", "It ends with the path, as in …/v1")
    if not is_whole and (end := _ENDPOINT.search(parts.path)):
        raise ConfigError(f"{what} has {end[0]} at its end, which is added to it.", "Leave that out.")
    if parts.scheme == "http" and has_secret and not may_be_plain and not is_loopback(host):
        raise ConfigError(
            f"{what} would send its key unencrypted to {host}.",
            f"Use https, or, if you trust all of the way there, set allow_plain_http = true in {where}.",
        )
    return url.rstrip("/")


def is_host(host: str) -> bool:
    """Whether this can be the name or the address (no brackets) of a host."""
    if ":" in host:  # brackets are gone; urlsplit has checked their pairing only
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            return False
        return True
    try:
        name = host.encode("idna").decode("ascii")
    except UnicodeError:
        return False
    return all(
        re.fullmatch(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?", label) for label in name.rstrip(".").split(".")
    )
