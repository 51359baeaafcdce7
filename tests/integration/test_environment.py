"""Proxies and certificates of the environment: each set of variables leads the right way, or to one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from chat_tui.core.errors import Fault, FaultKind, ProviderError
from tests.support.sockets import transport_to

FAR = "https://host.example/v1"
BROKEN = [
    "nonsense://x",
    "http://",
    "http://[::1",
    "http://proxy.example:99999",
    "http://proxy.example:0",
    "http://proxy.example:port",
    "two words",
    "http://two words:1",
    "http://me:hunter2@",
    "://x",
    "http://:80",
    "\x1b[2J",
    "ftp://proxy.example:1",
    "http://-a:1",
]


async def setup_fault(url: str) -> Fault | None:
    """What preparing the first request says; nothing is sent."""
    transport = transport_to(url)
    try:
        await transport.prepare()
    except ProviderError as error:
        return error.fault
    finally:
        await transport.aclose()
    return None


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("value", BROKEN)
async def test_a_proxy_that_cannot_be_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    fault = await setup_fault(FAR)
    assert fault is not None
    assert (fault.kind, fault.title) == (FaultKind.SETUP, "proxy unusable")
    assert fault.message == f"The proxy in {variable} cannot be used."
    assert "NO_PROXY=host.example" in fault.hint
    assert "hunter2" not in fault.sentence
    assert await setup_fault("https://localhost:9/v1") is None
    monkeypatch.setenv("NO_PROXY", "host.example")
    assert await setup_fault(FAR) is None


@pytest.mark.parametrize(
    "value",
    ["http://proxy.example:3128", "proxy.example:3128", "https://me:word@proxy.example", "http://[2001:db8::1]:1"],
)
async def test_proxies_that_can_be(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    assert await setup_fault(FAR) is None


@pytest.mark.parametrize(
    ("variable", "made"),
    [
        ("SSL_CERT_FILE", "nothing"),
        ("SSL_CERT_FILE", "directory"),
        ("SSL_CERT_FILE", "words"),
        ("SSL_CERT_FILE", "empty"),
        ("SSL_CERT_DIR", "nothing"),
        ("SSL_CERT_DIR", "empty"),
    ],
)
async def test_certificates_that_are_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, made: str
) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "words").write_text("hello")
    (tmp_path / "empty").touch()
    monkeypatch.setenv(variable, str(tmp_path / made))
    fault = await setup_fault(FAR)
    assert fault is not None
    assert (fault.kind, fault.title) == (FaultKind.SETUP, "certificates missing")
    assert variable in fault.hint
    assert await setup_fault("http://127.0.0.1:9/v1") is None  # needs none


async def test_an_empty_variable_says_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("SSL_CERT_FILE", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, "")
    assert await setup_fault(FAR) is None
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv("SSL_CERT_DIR", f"/nowhere:{tmp_path}")
    assert await setup_fault(FAR) is None
