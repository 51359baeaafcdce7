"""Where a server is and as whom it is asked. Light, because it is known before anything is loaded that asks."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where, and as whom. The key is `api_key`, or what `key_command` prints when it is first needed.

    `key_source` names the variable or setting it comes from, for sentences about it. `secrets` are further
    values that must never be shown, such as those of headers.
    """

    base_url: str
    api_key: str = field(default="", repr=False)
    key_source: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    connect_timeout_s: float = 10.0
    first_token_timeout_s: float = 300.0
    idle_timeout_s: float = 120.0
    key_command: tuple[str, ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)
    start_command: str = ""
    """What starts the server, where that is known."""
    address_variable: str = ""
    """The variable that the address comes from, if it is one."""
