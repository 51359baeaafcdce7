"""The way to a server before anything is asked of it: its name, a connection, TLS, in sentences."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chat_tui.core.errors import ChatError
from chat_tui.providers.causes import cause_of
from chat_tui.providers.credentials import is_loopback
from chat_tui.providers.faults import Cause, Origin, fault_of_cause

if TYPE_CHECKING:
    from chat_tui.providers.endpoint import Endpoint

Lookup = Callable[[str, int], Awaitable[list[str]]]
"""Addresses of a host. Raises OSError."""


def origin_of(name: str, endpoint: Endpoint) -> Origin:
    """The server of a provider, for sentences about it."""
    parts = urlsplit(endpoint.base_url)
    is_local = is_loopback(parts.hostname or "")
    return Origin(
        parts.netloc,
        endpoint.key_source,
        f"[providers.{name}]",
        is_local,
        start_command=endpoint.start_command,
        address_variable=endpoint.address_variable,
    )


@contextmanager
def told(origin: Origin, *, is_proxy: bool = False) -> Generator[None]:
    """Whatever sockets raise inside, as a ChatError about the server, or about the proxy on the way to it."""
    try:
        yield
    except TimeoutError:
        raise
    except Exception as error:  # noqa: BLE001 - libraries raise far more than they name
        cause, what = (Cause.NO_HOST, "") if isinstance(error, socket.gaierror) else cause_of(error, has_head=False)
        fault = fault_of_cause(Cause.PROXY_GONE if is_proxy else cause, origin, what)
        raise ChatError(fault.message, fault.hint) from None


def agreed(tls: ssl.SSLObject | None) -> str:
    """What TLS came to: its version, and how long the certificate holds."""
    if tls is None:
        return "encrypted"
    certificate = tls.getpeercert() or {}
    until = certificate.get("notAfter")
    version = (tls.version() or "TLS").replace("TLSv", "TLS ")
    if not isinstance(until, str):
        return version
    day = time.strftime("%Y-%m-%d", time.gmtime(ssl.cert_time_to_seconds(until)))
    return f"{version}, certificate valid until {day}"


def port_of(url: str) -> int:
    """The port of an address, also where it is not said."""
    parts = urlsplit(url)
    return parts.port or {"https": 443, "http": 80}.get(parts.scheme, 1080)


def is_address(host: str) -> bool:
    """Whether there is nothing to look up."""
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
    except OSError:
        return False
    return True


async def look_up(host: str, port: int) -> list[str]:
    """The addresses of a host, in the system's order. Raises OSError.

    The system's resolver cannot be interrupted: its thread is one that nobody waits for, here or at exit.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[str]] = loop.create_future()

    def tell(addresses: list[str], error: OSError | None) -> None:
        if found.done():
            return
        if error is None:
            found.set_result(addresses)
        else:
            found.set_exception(error)

    def ask() -> None:
        addresses: list[str] = []
        failure: OSError | None = None
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = list(dict.fromkeys(str(row[4][0]) for row in rows))
        except (OSError, UnicodeError) as error:
            failure = error if isinstance(error, OSError) else socket.gaierror(str(error))
        try:
            loop.call_soon_threadsafe(tell, addresses, failure)
        except RuntimeError:  # the loop has been closed since
            return

    threading.Thread(target=ask, name="doctor-lookup", daemon=True).start()
    return await found
