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
from collections.abc import Iterable, Mapping
from urllib.parse import quote, urlsplit

from chat_tui.core.errors import ConfigError

COMMAND_LIMIT_S = 10.0
_SHORTEST_SECRET_CHARS = 8
_TELLING_CHARS = 12
_MARK = "‹key removed›"
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", re.ASCII)
_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_SECRET_NAME = re.compile(r"auth|key|token|secret|cookie|password", re.IGNORECASE)
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
    if any(char.isspace() for char in key):
        raise ConfigError(f"The key in {source} has white space or a line break inside.")
    if not key.isascii():
        raise ConfigError(f"The key in {source} has a character that is not ASCII.", "Copy it again.")
    if not key.isprintable():
        raise ConfigError(f"The key in {source} has a control character inside.", "Copy it again.")
    return key


async def key_from_command(command: tuple[str, ...], source: str, limit_s: float = COMMAND_LIMIT_S) -> str:
    """What a program prints, as a key. No shell, no terminal, no input; raises ConfigError."""
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
    if process.returncode != 0:
        raise ConfigError(f"The program of {source} failed with exit status {process.returncode}.")
    return clean_key(output.decode("utf-8", "replace"), f"the output of {source}")


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
    named = [value for name, value in headers.items() if _SECRET_NAME.search(name) and value]
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


def check_base_url(base_url: str, where: str, *, has_secret: bool) -> str:
    """The address without a slash at its end. Raises ConfigError for one that cannot be, or must not be, used."""
    url = base_url.strip()
    if not url:
        raise ConfigError(f"{where} has no base_url.")
    if not url.isprintable() or any(char.isspace() for char in url):
        raise ConfigError(f"The base_url of {where} has white space or a control character inside.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ConfigError(f"The base_url of {where} is no URL: its host or port cannot be read.") from None
    if "@" in parts.netloc:
        raise ConfigError(
            f"The base_url of {where} has a user name or password in it.", "Use api_key_env or headers instead."
        )
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ConfigError(f"The base_url of {where} does not begin with http:// or https://.")
    if not host or port == 0 or not _is_host(host):
        raise ConfigError(f"The base_url of {where} names no host that can be reached.")
    if parts.query or parts.fragment:
        raise ConfigError(f"The base_url of {where} has a ? or # part.", "It ends with the path, as in …/v1")
    if parts.scheme == "http" and has_secret and not is_loopback(host):
        raise ConfigError(
            f"The base_url of {where} would send its key unencrypted to {host}.",
            "Use https, or leave the key out.",
        )
    return url.rstrip("/")


def _is_host(host: str) -> bool:
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
