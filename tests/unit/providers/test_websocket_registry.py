"""Which settings lead to a WebSocket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chat_tui.config.model import Config, ProviderConfig
from chat_tui.core.errors import ConfigError
from chat_tui.providers.http import HttpProvider
from chat_tui.providers.registry import ProviderRegistry
from chat_tui.providers.served import ServedProvider
from chat_tui.providers.websocket import WebSocketProvider
from tests.support.clock import ManualClock

SOCKET = "openai-responses-websocket"


def resolved(tmp_path: Path, environ: dict[str, str] | None = None, **provider: Any) -> HttpProvider:
    config = Config(providers={"mine": ProviderConfig(**provider)})
    found, _ = ProviderRegistry(config, environ or {}, tmp_path, ManualClock()).resolve("mine/m")
    assert isinstance(found, ServedProvider)
    return found.made


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("https://host.example/v1", "https://host.example/v1"),
        ("wss://host.example/v1/", "https://host.example/v1"),
        ("WS://127.0.0.1:9/v1", "http://127.0.0.1:9/v1"),
    ],
)
def test_the_protocol_makes_it_one_at_either_kind_of_address(tmp_path: Path, base_url: str, expected: str) -> None:
    provider = resolved(tmp_path, protocol=SOCKET, base_url=base_url)
    assert isinstance(provider, WebSocketProvider)
    assert provider.endpoint.base_url == expected


def test_other_protocols_have_none(tmp_path: Path) -> None:
    provider = resolved(tmp_path, protocol="openai-responses", base_url="https://host.example/v1")
    assert not isinstance(provider, WebSocketProvider)
    with pytest.raises(ConfigError, match="http:// or https://"):
        resolved(tmp_path, protocol="openai-responses", base_url="wss://host.example/v1")


@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_no_key_goes_unencrypted_to_another_machine(tmp_path: Path, scheme: str) -> None:
    with pytest.raises(ConfigError, match="unencrypted"):
        resolved(
            tmp_path,
            {"MINE_KEY": "secret"},
            protocol=SOCKET,
            base_url=f"{scheme}://host.example/v1",
            api_key_env="MINE_KEY",
        )


def test_it_has_no_background(tmp_path: Path) -> None:
    config = Config(providers={"mine": ProviderConfig(protocol=SOCKET, base_url="https://a.b/v1", background=True)})
    with pytest.raises(ConfigError, match="background"):
        ProviderRegistry(config, {}, tmp_path, ManualClock()).resolve("mine/m")
