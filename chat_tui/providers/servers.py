"""From a table of the configuration, a preset and the environment to a server: where it is, as whom it is asked.

Everything that is wrong with these is said here, before anything is sent or loaded that sends.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from chat_tui.config.model import ProtocolName, ProviderConfig
from chat_tui.core.errors import ConfigError
from chat_tui.core.sanitize import clean_line
from chat_tui.providers.addresses import Address, address_of, over_http
from chat_tui.providers.credentials import (
    check_base_url,
    clean_key,
    expand_headers,
    is_loopback,
    issuer_of,
    keyring_command,
    secret_values,
    split_command,
)
from chat_tui.providers.endpoint import Endpoint
from chat_tui.providers.presets import PRESETS, Preset
from chat_tui.wire.base import Quirks

FIRST_TOKEN_LIMIT_S = 300.0
LOCAL_FIRST_TOKEN_LIMIT_S = 600.0
"""A server on this machine loads the model and reads the prompt first, and says nothing meanwhile."""

_BACKGROUND_PROTOCOLS = ("openai-responses", "gemini-interactions")
_SOCKET_PROTOCOLS = ("openai-responses-websocket",)
_LIKE_A_KEY = re.compile(r"KEY|TOKEN", re.IGNORECASE)
_KEY_FIELDS = ("api_key_env", "api_key_command", "api_key_keyring")


@dataclass(frozen=True, slots=True)
class Server:
    """One that can be asked. `name` is the PROVIDER of its models, `label` what it is called in a sentence."""

    name: str
    label: str
    endpoint: Endpoint
    protocol: ProtocolName
    quirks: Quirks


@dataclass(frozen=True, slots=True)
class _Secret:
    """A key or the program that prints it; `source` is the variable or setting it comes from."""

    key: str = field(default="", repr=False)
    source: str = ""
    command: tuple[str, ...] = ()


def label_of(name: str) -> str:
    """What to call a server of that name."""
    return PRESETS[name].label if name in PRESETS else clean_line(name, 40)


def server_from(name: str, config: ProviderConfig, environ: Mapping[str, str], *, has_key: bool = True) -> Server:
    """The server, on top of the preset of its name if there is one. Raises ConfigError.

    `has_key` False: only a port is probed, and whatever listens there gets to see neither key nor headers.
    """
    where, preset = f"[providers.{name}]", PRESETS.get(name)
    address = address_of(config, preset, environ, where)
    secret = _secret(where, config, preset, address, environ) if has_key else _Secret()
    headers = expand_headers(config.headers, environ, where) if has_key else {}
    secrets = secret_values(headers, config.headers, environ) if has_key else ()
    protocol = config.protocol or _usual_protocol(preset, address)
    base_url = check_base_url(
        over_http(address.url) if protocol in _SOCKET_PROTOCOLS else address.url,
        where,
        has_secret=bool(secret.key or secret.command or secrets),
        source=address.source,
        may_be_plain=config.allow_plain_http,
        is_whole=protocol == "ui-messages",
    )
    is_here = is_loopback(urlsplit(base_url).hostname or "")
    endpoint = Endpoint(
        base_url=base_url,
        api_key=secret.key,
        key_source=secret.source,
        headers=headers,
        connect_timeout_s=config.connect_timeout_s,
        first_token_timeout_s=config.first_token_timeout_s
        or (LOCAL_FIRST_TOKEN_LIMIT_S if is_here else FIRST_TOKEN_LIMIT_S),
        idle_timeout_s=config.idle_timeout_s,
        key_command=secret.command,
        secrets=secrets,
        start_command=preset.start_command if preset and is_here else "",
        address_variable=address.variable,
    )
    return Server(name, label_of(name), endpoint, protocol, _quirks(where, config, preset, protocol))


def set_variable(preset: Preset, environ: Mapping[str, str]) -> str:
    """The first of a preset's key variables that is set; empty when none is."""
    return next((name for name in preset.api_key_envs if environ.get(name, "").strip()), "")


def _usual_protocol(preset: Preset | None, address: Address) -> ProtocolName:
    """What is spoken there when nobody says it: a server in the place of a vendor's is one that is compatible."""
    if preset is None:
        return "openai-chat"
    return preset.protocol if address.is_usual else preset.protocol_elsewhere or preset.protocol


def _quirks(where: str, config: ProviderConfig, preset: Preset | None, protocol: ProtocolName) -> Quirks:
    quirks = preset.quirks if preset else Quirks()
    if not config.background:
        return quirks
    if protocol not in _BACKGROUND_PROTOCOLS:
        raise ConfigError(
            f"{where} asks for background, which {protocol} does not have.",
            'Set protocol = "openai-responses" there, or take background out.',
        )
    return replace(quirks, is_background=True)


def _secret(
    where: str,
    config: ProviderConfig,
    preset: Preset | None,
    address: Address,
    environ: Mapping[str, str],
) -> _Secret:
    """The key, or the program that prints it, and what to call it. Raises ConfigError."""
    named = [field for field in _KEY_FIELDS if getattr(config, field)]
    if len(named) > 1:
        raise ConfigError(f"{where} says twice where its key is: {' and '.join(named)}.", "Leave one of them out.")
    source = f"{named[0]} of {where}" if named else ""
    if config.api_key_command or config.api_key_keyring:
        if address.variable and not address.is_usual:
            raise ConfigError(
                f"{address.source} would get the key that {source} keeps.",
                f"If that is right, write the address into {where} as base_url.",
            )
        program = split_command(config.api_key_command, source)
        return _Secret("", source, program or keyring_command(config.api_key_keyring, source))
    key, variable = _key(where, config, preset, address, environ)
    if preset and address.is_usual and (issuer := issuer_of(key)) not in ("", preset.name):
        other = PRESETS[issuer]
        raise ConfigError(
            f"The key in {variable} looks like one of {other.label}'s, and {preset.label} would get it.",
            f"Put it into {other.api_key_envs[0]} and choose {other.name}/NAME.",
        )
    return _Secret(key, variable)


def _key(
    where: str,
    config: ProviderConfig,
    preset: Preset | None,
    address: Address,
    environ: Mapping[str, str],
) -> tuple[str, str]:
    """The key and the variable it is in. A server on this machine may do without, if nobody asks for one."""
    variables = (config.api_key_env,) if config.api_key_env else preset.api_key_envs if preset else ()
    # A preset's address replaced by another one: its key is not for that server unless that is said.
    is_replaced = bool(preset and preset.base_url and config.base_url) and not address.is_usual
    if not variables or (is_replaced and not config.api_key_env):
        return "", ""
    variable = next((name for name in variables if environ.get(name, "").strip()), "")
    if not variable:
        if preset and preset.is_local and not config.api_key_env:
            return "", ""
        state = "empty" if variables[0] in environ else "not set"
        raise ConfigError(
            f"{preset.label if preset else where} needs a key, and {' or '.join(variables)} is {state}.",
            _key_hint(variables[0], environ),
        )
    return clean_key(environ[variable], variable), variable


def _key_hint(variable: str, environ: Mapping[str, str]) -> str:
    """How to set it, unless something is set that was probably meant to be it."""
    set_ones = [name for name, value in environ.items() if value.strip() and _LIKE_A_KEY.search(name)]
    meant = difflib.get_close_matches(variable, set_ones, n=1, cutoff=0.8)
    if meant:
        return f"{meant[0]} is set: did you mean that to be {variable}?"
    return f"Set it before you start chat-tui: export {variable}=…"
