"""What the environment says about the way to a server: its proxies and certificates, looked at before sending."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from chat_tui.providers.credentials import is_host, is_loopback

PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")
_ABSENT = "the system's settings"


def proxy_of(url: str) -> str:
    """The proxy that the environment wants for this address; empty for none, as for this machine always."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host) or proxy_bypass(host) or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return ""
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all") or ""
    return proxy if "://" in proxy or not proxy else f"http://{proxy}"


def proxy_source(url: str) -> str:
    """The variable that this proxy is in; small letters go before capitals, as everywhere."""
    scheme = urlsplit(url).scheme
    names = (f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY")
    return next((name for name in names if os.environ.get(name)), _ABSENT)


def check_proxy(proxy_url: str) -> None:
    """Raises ValueError for what names no proxy that could be connected to; says nothing of it."""
    parts = urlsplit(proxy_url)  # raises ValueError for odd brackets; so does .port for odd numbers
    port = parts.port
    if parts.scheme not in PROXY_SCHEMES or not parts.hostname or port == 0 or not is_host(parts.hostname):
        raise ValueError


def check_certificates() -> None:
    """Raises OSError for a directory of certificates that is none: TLS itself would only find nothing in it."""
    directory = os.environ.get("SSL_CERT_DIR", "")
    if directory and not any(Path(part).is_dir() for part in directory.split(os.pathsep)):
        raise NotADirectoryError
