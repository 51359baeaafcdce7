"""Why a request failed, out of what the HTTP library and the operating system raise."""

from __future__ import annotations

import errno
import socket
import ssl
from collections import deque
from collections.abc import Iterator
from typing import cast

from chat_tui.providers.faults import Cause


def setup_cause(error: Exception) -> Cause:
    """What the environment made impossible: its certificates are read from files, its proxies are parsed."""
    import httpx

    if isinstance(error, OSError):
        return Cause.CERTIFICATES
    return Cause.PROXY_SETTING if isinstance(error, ImportError | ValueError | httpx.InvalidURL) else Cause.INTERNAL


def cause_of(error: BaseException, *, has_head: bool) -> tuple[Cause, str]:
    """Why a request failed, and what fills the gap in the cause's sentence.

    Looks through causes, contexts and groups: libraries wrap an operating system's error up to four times.
    """
    import httpcore
    import httpx

    chain = list(_chain(error))
    if isinstance(error, httpx.RemoteProtocolError) and any(isinstance(item, httpx.InvalidURL) for item in chain):
        return Cause.BAD_REDIRECT, ""  # not followed, but the library reads the target all the same
    by_type: list[tuple[type[BaseException] | tuple[type[BaseException], ...], Cause]] = [
        (httpcore.ProxyError, Cause.PROXY),
        ((httpcore.LocalProtocolError, UnicodeEncodeError), Cause.HEADER),
        ((httpcore.UnsupportedProtocol, httpx.InvalidURL, OverflowError), Cause.URL),
        (httpcore.ConnectTimeout, Cause.CONNECT_TIMEOUT),
        (httpcore.TimeoutException, Cause.SEND_TIMEOUT),
        (ssl.SSLCertVerificationError, Cause.CERTIFICATE),
        (ssl.SSLError, Cause.CUT if has_head else Cause.TLS),
        (socket.gaierror, Cause.NO_HOST),
        (ConnectionRefusedError, Cause.REFUSED),
        ((ConnectionResetError, ConnectionAbortedError, BrokenPipeError), Cause.RESET),
    ]
    for kinds, cause in by_type:
        found = next((item for item in chain if isinstance(item, kinds)), None)
        if found is not None:
            reason = found.verify_message if isinstance(found, ssl.SSLCertVerificationError) else ""
            return cause, f": {reason}" if reason else ""
    if any(isinstance(item, httpcore.RemoteProtocolError) for item in chain):
        return _broken_protocol(str(error), has_head=has_head), ""
    if any(isinstance(item, OSError) and item.errno == errno.ETIMEDOUT for item in chain):
        return Cause.CUT if has_head else Cause.UNREACHABLE, ""
    if any(isinstance(item, httpcore.ReadError) for item in chain):
        return Cause.RESET, ""
    if any(isinstance(item, httpcore.NetworkError | OSError) for item in chain):
        return Cause.UNREACHABLE, ""
    return Cause.INTERNAL, type(error).__name__


def _broken_protocol(text: str, *, has_head: bool) -> Cause:
    if "without sending a response" in text:
        return Cause.DISCONNECTED
    return Cause.CUT if has_head and "peer closed connection" in text else Cause.NOT_HTTP


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and everything behind it, each once, nearest first."""
    waiting: deque[BaseException] = deque([error])
    seen: set[int] = set()
    while waiting:
        item = waiting.popleft()
        if id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        if isinstance(item, BaseExceptionGroup):
            waiting.extend(cast("BaseExceptionGroup[BaseException]", item).exceptions)
        waiting.extend(behind for behind in (item.__cause__, item.__context__) if behind is not None)
