"""What is kept of a request that failed, for the details: keys taken out before anything else sees it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from chat_tui.core.http_record import Headers, HttpRecord
from chat_tui.providers.credentials import SECRET_NAME, Redactor
from chat_tui.providers.faults import Origin
from chat_tui.providers.transport import HttpRequest

MAX_BODY_BYTES = 64 << 10
MAX_HEADERS = 60
_VALUE_CHARS = 200
_UNTOLD = frozenset({"user-agent", "accept-encoding", "cache-control", "content-length", "host"})
_COOKIE = re.compile(r"cookie|authorization|api-?key", re.IGNORECASE)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def record_of(
    request: HttpRequest, response_headers: Mapping[str, str], origin: Origin, key_header: str
) -> HttpRecord:
    """The record of a request; `key_header` is where its key is, `response_headers` is empty without an answer."""
    return HttpRecord(
        request.method,
        origin.shown(request.url, 2000),
        _sent(request.headers, origin, key_header),
        _body(request.content, origin.redactor),
        _received(response_headers, origin),
    )


def _sent(headers: Mapping[str, str], origin: Origin, key_header: str) -> Headers:
    """Secrets as `$NAME`: the key's own variable, and for other headers one that is called like them."""
    kept: list[tuple[str, str]] = []
    for name, value in headers.items():
        if name.lower() in _UNTOLD:
            continue
        is_key = name.lower() == key_header.lower()
        if is_key or SECRET_NAME.search(name) or origin.redactor.redact(value) != value:
            variable = origin.key_source if is_key and _VARIABLE.fullmatch(origin.key_source) else ""
            scheme, space, _ = value.partition(" ")
            prefix = f"{scheme} " if space and scheme in ("Bearer", "Basic") else ""
            kept.append((name, f"{prefix}${variable or _variable_for(name, is_key=is_key)}"))
        else:
            kept.append((name, value.replace("$", "")))
    return tuple(kept)


def _variable_for(name: str, *, is_key: bool) -> str:
    return "API_KEY" if is_key else re.sub(r"\W", "_", name.upper(), flags=re.ASCII)


def _body(content: bytes, redactor: Redactor) -> str | None:
    if len(content) > MAX_BODY_BYTES:
        return None
    text = json.dumps(json.loads(content), separators=(",", ":")) if content else ""
    return redactor.redact(text)


def _received(headers: Mapping[str, str], origin: Origin) -> Headers:
    named = list(headers.items())[:MAX_HEADERS]
    return tuple(
        (origin.shown(name, 80), "•••" if _COOKIE.search(name) else origin.shown(value, _VALUE_CHARS))
        for name, value in named
    )
