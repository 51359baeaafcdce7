"""What servers say when something goes wrong, in whatever shape they say it.

Used for the bodies of HTTP errors and for error objects inside a stream. Everything here accepts any text and
any JSON and never raises. Messages are the server's own words: uncleaned, at most `MESSAGE_CHARS` long.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from chat_tui.core.errors import EXCERPT_CHARS, Fault, FaultKind, MalformedEvent
from chat_tui.wire.json_text import JsonObject, as_list, as_object, as_text, parse, repaired

MESSAGE_CHARS = 2000
_CODE_CHARS = 100
_EXAMINED_CHARS = 64 << 10
_PAGE_EXCERPT_CHARS = 200
_MAX_DEPTH = 6
_MAX_DETAILS = 3

_DELAY = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)s", re.ASCII)
_MESSAGE_KEYS = ("message", "Message", "msg", "detail", "error_description", "reason", "title")


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """An error as the server described it; empty where it said nothing.

    `code` is the finest name there is (details and metadata name more than `code` does), or a number as text.
    `status` is the HTTP-like number that gateways write into the body; `retry_after_s` the wait it asks for (Google
    has no header for that).
    """

    message: str = ""
    type: str = ""
    code: str = ""
    param: str = ""
    status: int | None = None
    retry_after_s: float | None = None


def read_error(body: object) -> ErrorBody:
    """The error in a body: text (JSON, HTML or plain) or JSON that is parsed already."""
    found = _read(body, _MAX_DEPTH)
    return ErrorBody(
        _shortened(found.message, MESSAGE_CHARS),
        _shortened(found.type, _CODE_CHARS),
        _shortened(found.code, _CODE_CHARS),
        _shortened(found.param, _CODE_CHARS),
        found.status,
        found.retry_after_s,
    )


def _shortened(text: str, max_chars: int) -> str:
    text = repaired(text).strip()
    return text if len(text) <= max_chars else text[: max_chars - 1] + "…"


def _read(body: object, depth: int) -> ErrorBody:
    if depth == 0:
        return ErrorBody()
    if isinstance(body, str):
        return _read_text(body, depth)
    found = as_object(body)
    return _read_list(as_list(body), depth) if found is None else _read_object(found, depth)


def _read_text(text: str, depth: int) -> ErrorBody:
    text = text.lstrip("\ufeff \t\r\n")
    if text.startswith(("{", "[", '"')):
        try:
            return _read(parse(text), depth - 1)
        except MalformedEvent:
            pass
    text = text[:_EXAMINED_CHARS]
    if text.startswith("<"):
        return ErrorBody(_page_title(text))
    return ErrorBody(text)


def _page_title(page: str) -> str:
    """The title of an HTML page, else the beginning of its text."""
    title = re.search(r"<title[^>]{0,200}>([^<]{1,500})", page, re.IGNORECASE)
    if title is None:
        page = re.sub(r"<(script|style)\b.*?(</\1>|\Z)", " ", page, flags=re.IGNORECASE | re.DOTALL)
    text = re.sub(r"<[^>]*>?", " ", page) if title is None else title[1]
    import html  # its tables weigh half a megabyte

    return " ".join(html.unescape(text).split())[:_PAGE_EXCERPT_CHARS]


def _read_list(items: list[object], depth: int) -> ErrorBody:
    """Several errors (validation, Gemini's list of one): their messages in a row, the rest from the first."""
    read = [found for item in items[:_MAX_DETAILS] if (found := _read(item, depth - 1)) != ErrorBody()]
    if not read:
        return ErrorBody()
    return replace(read[0], message="; ".join(found.message for found in read if found.message))


def _read_object(found: JsonObject, depth: int) -> ErrorBody:
    own = ErrorBody(
        message=_message_of(found, depth),
        type=as_text(found.get("type")) or as_text(found.get("status")),
        code=_code_of(found),
        param=_name(found.get("param")) or _location(found.get("loc")),
        status=_http_status(found.get("code")) or _http_status(found.get("status")),
        retry_after_s=_retry_after_s(found.get("details")),
    )
    inner = found.get("error") or found.get("errors")
    if not inner:
        return own
    read = _read(inner, depth - 1)
    return ErrorBody(
        read.message or own.message,
        read.type or own.type,
        read.code or own.code,
        read.param or own.param,
        read.status or own.status,
        own.retry_after_s if read.retry_after_s is None else read.retry_after_s,
    )


def _message_of(found: JsonObject, depth: int) -> str:
    message = ""
    for key in _MESSAGE_KEYS:
        value = found.get(key)
        if value:
            message = _words(value, depth)
        if message:
            break
    location = _location(found.get("loc"))
    if location and message:
        message = f"{location}: {message}"
    metadata = as_object(found.get("metadata"))
    upstream = _words(metadata.get("raw"), depth) if metadata else ""
    return f"{message}: {upstream}" if message and upstream and upstream not in message else message or upstream


def _words(value: object, depth: int) -> str:
    """A message that may itself be an error, as an object or as JSON text (gateways wrap what they got)."""
    if isinstance(value, str):
        inner = _read_text(value, depth - 1).message if value.lstrip()[:1] in ("{", "[") else ""
        return inner or value[:_EXAMINED_CHARS]
    return _read(value, depth - 1).message


def _code_of(found: JsonObject) -> str:
    """The most telling name: what details and metadata say is finer than `code`."""
    metadata = as_object(found.get("metadata")) or {}
    details = found.get("details")
    named = _name((as_object(details) or {}).get("error_code")) or _name(metadata.get("error_type"))
    named_there = [name for detail in as_list(details) for name in _detail_codes(as_object(detail) or {}) if name]
    daily = next((name for name in named_there if "perday" in name.lower()), "")
    return named or daily or next(iter(named_there), "") or _name(found.get("code"))


def _detail_codes(detail: JsonObject) -> list[str]:
    """Google's violated quotas (their names tell daily ones, which waiting does not help, from rates), and
    ErrorInfo.reason."""
    violations = [as_object(violation) or {} for violation in as_list(detail.get("violations"))]
    return [*(as_text(violation.get("quotaId")) for violation in violations), as_text(detail.get("reason"))]


def _retry_after_s(details: object) -> float | None:
    """Google's RetryInfo: "34s", "1.5s"."""
    for detail in as_list(details):
        delay = _DELAY.fullmatch(as_text((as_object(detail) or {}).get("retryDelay")))
        if delay is not None:
            return float(delay[1])
    return None


def _name(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**9:
        return str(value)
    return as_text(value)


def _http_status(value: object) -> int | None:
    name = _name(value)
    return int(name) if re.fullmatch(r"[45]\d\d", name, re.ASCII) else None


def _location(value: object) -> str:
    """FastAPI's path to a wrong field: ["body", "messages", 0]."""
    return ".".join(_name(part) for part in as_list(value)[:8])


_NAMES: dict[FaultKind, frozenset[str]] = {
    FaultKind.QUOTA: frozenset(
        {
            "insufficient_quota", "credit_balance_exhausted", "billing_error", "billing_hard_limit_reached",
            "billing_not_active", "insufficient_balance", "payment_required",
            "enforced_spend_limit_reached", "contract_spend_limit_reached",
            "quota_exceeded", "exceeded_current_quota_error",
        }
    ),
    FaultKind.CONTEXT: frozenset(
        {
            "context_length_exceeded", "exceed_context_size_error", "model_context_window_exceeded",
            "string_above_max_length", "request_too_large",
        }
    ),
    FaultKind.AUTH: frozenset(
        {
            "invalid_api_key", "api_key_invalid", "authentication_error", "permission_error", "permission_denied",
            "unauthenticated", "unauthorized", "forbidden", "unsupported_country_region_territory",
            "invalid_authentication_error", "access_denied", "authentication",
        }
    ),
    FaultKind.NOT_FOUND: frozenset({"model_not_found", "not_found_error", "not_found", "deploymentnotfound"}),
    FaultKind.REQUEST: frozenset(
        {
            "content_filter", "content_policy_violation", "unsupported_parameter", "unsupported_value",
            "invalid_value", "not_supported_error", "tool_use_failed", "invalid_prompt", "parameter_unknown",
        }
    ),
    FaultKind.RATE_LIMIT: frozenset(
        {
            "rate_limit_exceeded", "rate_limit_error", "slow_down", "too_many_requests", "resource_exhausted",
            "rate_limit_reached_error", "rate_limited", "ramp_limit_exceeded",
        }
    ),
    FaultKind.OVERLOADED: frozenset(
        {
            "overloaded_error", "server_is_overloaded", "service_unavailable_error", "engine_overloaded_error",
            "unavailable", "unavailable_error", "provider_overloaded", "no_available_providers", "overloaded",
        }
    ),
    FaultKind.TIMEOUT: frozenset(
        {"timeout_error", "deadline_exceeded", "request_timeout", "timeout", "gateway_timeout"}
    ),
}  # fmt: skip
_KIND_OF_NAME = {name: kind for kind, names in _NAMES.items() for name in names}

_VAGUE_NAMES = {
    "invalid_request_error": FaultKind.REQUEST,
    "invalid_argument": FaultKind.REQUEST,
    "invalid_request": FaultKind.REQUEST,
    "failed_precondition": FaultKind.REQUEST,
    "bad_request": FaultKind.REQUEST,
    "badrequesterror": FaultKind.REQUEST,
}
"""Said of everything from a wrong key to a prompt that is too long: only used when nothing else tells."""

_KIND_OF_STATUS = {
    401: FaultKind.AUTH, 402: FaultKind.QUOTA, 403: FaultKind.AUTH, 404: FaultKind.NOT_FOUND,
    408: FaultKind.TIMEOUT, 413: FaultKind.CONTEXT, 429: FaultKind.RATE_LIMIT, 498: FaultKind.OVERLOADED,
    503: FaultKind.OVERLOADED, 504: FaultKind.TIMEOUT, 524: FaultKind.TIMEOUT, 529: FaultKind.OVERLOADED,
}  # fmt: skip

_CONTEXT_WORDS = re.compile(
    r"context (length|window|size|limit)|maximum context|(prompt|input|request|conversation) is too (long|large)"
    r"|too many (input )?tokens|reduce the length",
    re.IGNORECASE,
)
_QUOTA_WORDS = re.compile(
    r"insufficient (balance|credit|fund|quota)|credit balance|out of credits|(any|more|purchase) credits"
    r"|spend(ing)? (cap|limit)|billing|api usage limits|per ?day|daily (limit|quota)",
    re.IGNORECASE,
)
_KEY_WORDS = re.compile(r"api.?key|authenticat|credential", re.IGNORECASE)
_PERMANENT_WORDS = re.compile(
    r"not (currently )?support|unsupported|not implemented|requires? --|failed to parse|more system memory",
    re.IGNORECASE,
)
_MODERATION_WORDS = re.compile(r"moderation|flagged|guardrail|content policy", re.IGNORECASE)
_OVERLOAD_WORDS = re.compile(r"overloaded|over capacity|loading model", re.IGNORECASE)


def classify(status: int | None, body: ErrorBody) -> FaultKind:
    """What a person has to deal with. `status` is None (or 200) for an error inside a stream."""
    status = effective_status(status, body)
    names = [name.lower() for name in (body.code, body.type) if name]
    kind = next((_KIND_OF_NAME[name] for name in names if name in _KIND_OF_NAME), None)
    if kind in (FaultKind.QUOTA, FaultKind.CONTEXT) or status == 413:
        return kind if kind is FaultKind.QUOTA else FaultKind.CONTEXT
    is_rate = "perminute" in body.code.lower()
    if status in (None, 400, 402, 403, 429) and not is_rate and _QUOTA_WORDS.search(f"{body.code} {body.message}"):
        return FaultKind.QUOTA
    # “too many tokens” may be per minute as well as in one prompt
    may_be_context = status in (None, 400, 422, 500) and kind is not FaultKind.RATE_LIMIT
    if may_be_context and _CONTEXT_WORDS.search(body.message):
        return FaultKind.CONTEXT
    if status == 403 and _MODERATION_WORDS.search(f"{body.code} {body.message}"):
        return FaultKind.REQUEST
    if kind is not None:
        return kind
    if status is not None and status in _KIND_OF_STATUS:
        return _KIND_OF_STATUS[status]
    return _vague_kind(status, body, names)


def _vague_kind(status: int | None, body: ErrorBody, names: list[str]) -> FaultKind:
    if status in (None, 400) and _KEY_WORDS.search(body.message):
        return FaultKind.AUTH
    if status is not None and status < 500:
        return FaultKind.REQUEST if status >= 400 else FaultKind.PROTOCOL
    if _OVERLOAD_WORDS.search(body.message):
        return FaultKind.OVERLOADED
    if status is None:
        return next((_VAGUE_NAMES[name] for name in names if name in _VAGUE_NAMES), FaultKind.SERVER)
    return FaultKind.SERVER


def effective_status(status: int | None, body: ErrorBody) -> int | None:
    """The HTTP status; where there is none (a stream is always a 200) the number in the body."""
    return body.status if status is None or status == 200 else status


_RETRYABLE = frozenset({FaultKind.RATE_LIMIT, FaultKind.OVERLOADED, FaultKind.SERVER, FaultKind.TIMEOUT})


def is_retryable(kind: FaultKind, status: int | None, body: ErrorBody) -> bool:
    """Whether the same request may succeed later. Money, keys, sizes and unsupported features never do."""
    status = effective_status(status, body)
    if status == 409:
        return kind is FaultKind.REQUEST
    if kind not in _RETRYABLE or status in (400, 401, 402, 403, 404, 413, 415, 422, 501, 505):
        return False
    return not (kind is FaultKind.SERVER and _PERMANENT_WORDS.search(body.message))


_TITLES = {
    FaultKind.AUTH: "not authorised",
    FaultKind.QUOTA: "quota used up",
    FaultKind.RATE_LIMIT: "rate limited",
    FaultKind.OVERLOADED: "server overloaded",
    FaultKind.CONTEXT: "conversation too long",
    FaultKind.REQUEST: "request refused",
    FaultKind.NOT_FOUND: "not found",
    FaultKind.TIMEOUT: "server timed out",
    FaultKind.PROTOCOL: "unexpected answer",
}


def title_of(kind: FaultKind) -> str:
    """A few words for the seam."""
    return _TITLES.get(kind, "server error")


def fault_of(body: ErrorBody, *, status: int | None = None, excerpt: str = "") -> Fault:
    """The fault of an error body; `excerpt` is the raw text, for the details. Texts are still uncleaned."""
    kind = classify(status, body)
    return Fault(
        kind=kind,
        title=title_of(kind),
        message=body.message or "The server reported an error and did not say which.",
        status=effective_status(status, body),
        code=body.code or body.type,
        is_retryable=is_retryable(kind, status, body),
        retry_after_s=body.retry_after_s,
        detail=repaired(excerpt[:EXCERPT_CHARS]),
    )
