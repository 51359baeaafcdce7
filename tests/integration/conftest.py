"""The scripted server, a provider for it, and a certificate."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chat_tui.providers.http import HttpProvider
from chat_tui.providers.websocket import WebSocketProvider
from tests.support.clock import ManualClock
from tests.support.http_case import make
from tests.support.sse_server import (
    SseServer,
)
from tests.support.ws_case import make as make_socket
from tests.support.ws_server import WsServer


@pytest.fixture
async def server() -> AsyncIterator[SseServer]:
    async with SseServer() as running:
        yield running


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def provider(server: SseServer, clock: ManualClock) -> AsyncIterator[HttpProvider]:
    made = make(server, clock)
    yield made
    await made.aclose()


@pytest.fixture
async def ws() -> AsyncIterator[WsServer]:
    async with WsServer() as running:
        yield running


@pytest.fixture
async def socket_provider(ws: WsServer, clock: ManualClock) -> AsyncIterator[WebSocketProvider]:
    made = make_socket(ws.base_url, clock)
    yield made
    await made.aclose()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine and host.example, with its key, made for this run."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    names = "subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:host.example"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(path), "-out", f"{path}.crt", "-days", "2", "-subj", "/CN=test", "-addext", names]
    subprocess.run(command, check=True, capture_output=True)
    with path.open("a") as both:
        both.write(Path(f"{path}.crt").read_text("ascii"))
    return path


@pytest.fixture
def context(certificate: Path) -> ssl.SSLContext:
    """A server's, with that certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate)
    return made
