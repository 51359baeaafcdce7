"""Where a server is: the address the configuration gives, else a variable of its own tools, else the preset's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from chat_tui.config.model import ProviderConfig
from chat_tui.core.errors import ConfigError
from chat_tui.providers.presets import Preset

_NATIVE = ("ollama", "lmstudio")
"""Protocols that stand beside the `/v1` that the same servers have for others."""
_SCHEMES = {"ws": "http", "wss": "https"}
_UNSPECIFIED = ("0.0.0.0", "[::]", "::", "")  # noqa: S104 - compared with, not listened on


@dataclass(frozen=True, slots=True)
class Address:
    """A base URL that is not checked yet. `source` is the setting or variable that gave it, for sentences.

    `variable`: the one that gave it, empty for another source.
    `is_usual`: it is the preset's own, the one its key was made for.
    """

    url: str
    source: str
    variable: str = ""
    is_usual: bool = False


def address_of(config: ProviderConfig, preset: Preset | None, environ: Mapping[str, str], where: str) -> Address:
    """Where to send requests; `where` names the table of the configuration. Raises ConfigError for nowhere."""
    source = f"The base_url of {where}"
    usual = preset.base_url if preset else ""
    protocol = config.protocol or (preset.protocol if preset else "")
    if given := config.base_url.strip().rstrip("/"):
        return Address(_without_version(given, protocol), source, is_usual=given == usual)
    variable = preset.base_url_env if preset else ""
    given = environ.get(variable, "").strip() if variable else ""
    if preset and given:
        url = _completed(given, preset)
        fitting = _with_version(url, protocol, preset)
        return Address(fitting, f"The address in {variable}", variable, is_usual=url == usual)
    if preset and usual:
        return Address(_with_version(usual, protocol, preset), source, is_usual=True)
    hint = f"Or set {variable}, as in {variable}=https://NAME.openai.azure.com" if variable else ""
    raise ConfigError(f"{where} has no base_url.", hint)


def _without_version(url: str, protocol: str) -> str:
    return url.removesuffix("/v1") if protocol in _NATIVE else url


def _with_version(url: str, protocol: str, preset: Preset) -> str:
    """The address for another protocol of a server that has its own beside `/v1`."""
    url = _without_version(url, protocol)
    is_other = preset.protocol in _NATIVE and protocol not in _NATIVE
    return f"{url}/v1" if is_other and not url.endswith("/v1") else url


def over_http(url: str) -> str:
    """The same place under the scheme that a WebSocket begins with, and that the list of models is at."""
    scheme, separator, rest = url.strip().partition("://")
    return f"{_SCHEMES.get(scheme.lower(), scheme)}{separator}{rest}"


def _completed(given: str, preset: Preset) -> str:
    """What a vendor's variable leaves out: Ollama's the scheme and the port, others the end of the path."""
    url = given if "://" in given or not preset.default_port else _with_port(given, preset.default_port)
    url = url.rstrip("/")
    path = preset.base_url_path
    return url if not path or url.endswith(path) else f"{url}{path}"


def _with_port(given: str, port: int) -> str:
    """http and a port for a bare host. A server that listens everywhere is reached on this machine."""
    authority, slash, path = given.partition("/")
    host, _, number = authority.rpartition(":")
    if not re.fullmatch(r"\d+", number) or (":" in host and not host.endswith("]")):
        host, number = authority, str(port)
    if host in _UNSPECIFIED:
        host = "127.0.0.1"
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"http://{host}:{number}{slash}{path}"
