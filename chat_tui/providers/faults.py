"""Sentences for what goes wrong between us and a server. Pure: no HTTP library, no sockets.

Every text that comes from outside is cleaned, cut, quoted and freed of our keys here and nowhere else.
"""

from __future__ import annotations

import http
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from urllib.parse import urljoin, urlsplit

from chat_tui.core.errors import DETAIL_CHARS, EXCERPT_CHARS, Fault, FaultKind
from chat_tui.core.sanitize import clean_line
from chat_tui.providers.credentials import Redactor
from chat_tui.providers.retry import retry_after_s
from chat_tui.providers.setting_names import named_setting
from chat_tui.wire.error_bodies import ErrorBody, fault_of, read_error, title_of

_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-generation-id", "cf-ray")
_CLEANED_CHARS = 8000


@dataclass(frozen=True, slots=True)
class Origin:
    """Whom a request goes to, for sentences about it.

    `host` with its port if that is unusual; `key_source` is the variable or setting the key came from, empty
    without a key; `section` is where the configuration describes the server.
    """

    host: str
    key_source: str = ""
    section: str = ""
    is_local: bool = False
    redactor: Redactor = field(default_factory=Redactor)
    start_command: str = ""
    """What starts the server, where that is known."""

    address_variable: str = ""

    @property
    def setting(self) -> str:
        """Where its address is set."""
        if self.address_variable:
            return self.address_variable
        return f"base_url of {self.section}" if self.section else "base_url"

    def shown(self, text: str, max_chars: int = EXCERPT_CHARS) -> str:
        """A text from outside as one clean line without our keys."""
        # Cleaning can join what a control character had split, so keys are looked for after it as well.
        line = self.redactor.redact(clean_line(self.redactor.redact(text[:_CLEANED_CHARS]), _CLEANED_CHARS))
        return line if len(line) <= max_chars else line[: max_chars - 1] + "…"

    def presentable(self, fault: Fault) -> Fault:
        """A fault of a codec with every text fit to be shown; what the server said is quoted."""
        message = self.shown(fault.message)
        if fault.kind not in (FaultKind.CUT, FaultKind.PROTOCOL, FaultKind.LIMIT, FaultKind.INTERNAL):
            message = f"{self.host} reported an error: “{message}”"
        return replace(
            fault,
            title=self.shown(fault.title, 60),
            message=message,
            hint=self.shown(fault.hint) or hint_of(fault, self),
            code=self.shown(fault.code, 100),
            request_id=self.shown(fault.request_id, 100),
            detail=self.shown(fault.detail, DETAIL_CHARS),
        )


_AGAIN = "Ask again in a moment."
_HINTS = {
    FaultKind.QUOTA: "Waiting does not help: look at plan and balance of the account behind {key}.",
    FaultKind.RATE_LIMIT: "Wait a little and ask again.",
    FaultKind.OVERLOADED: _AGAIN,
    FaultKind.SERVER: _AGAIN,
    FaultKind.TIMEOUT: _AGAIN,
    FaultKind.CONTEXT: "Begin a new conversation (Ctrl+N), or choose a model with a larger context (F2, --model).",
    FaultKind.NOT_FOUND: (
        "F2 or “chat-tui models” lists its models, --model takes one. If the name is right, check {setting}."
    ),
    FaultKind.PROTOCOL: "Check {setting}.",
}
_TRANSIENT = (FaultKind.OVERLOADED, FaultKind.SERVER, FaultKind.TIMEOUT)


def hint_of(fault: Fault, origin: Origin) -> str:
    """What to do about it, by its kind; names the key's variable, the setting or the wait that was asked for."""
    if fault.kind is FaultKind.AUTH:
        return _key_hint(origin, fault.status)
    if fault.kind in (*_TRANSIENT, FaultKind.RATE_LIMIT) and (fault.retry_after_s or 0.0) > 1.0:
        return f"It wants to be asked again in {_duration(fault.retry_after_s or 0.0)}."
    hint = _HINTS.get(fault.kind, "")
    return hint.format(key=origin.key_source or "the key", setting=origin.setting)


def _duration(wait_s: float) -> str:
    """The largest unit that says enough: 34 s, 3 min, 5 h, 2 days."""
    for unit_s, name in ((86_400, "days"), (3600, "h"), (60, "min")):
        if wait_s >= 2 * unit_s:
            return f"{math.ceil(wait_s / unit_s)} {name}"
    return f"{math.ceil(wait_s)} s"


class Cause(Enum):
    """Why no answer could be had or read, as the transport found out. The value is a row of a table:

    kind, title, sentence with {host} and {what}, hint, whether a retry may help.
    """

    REFUSED = (
        FaultKind.NETWORK,
        "connection refused",
        "{host} refused the connection: nothing is listening there.",
        "",
        True,
    )
    NO_HOST = (
        FaultKind.NETWORK,
        "no such host",
        "The address of {host} could not be found.",
        "Check base_url and your network.",
        True,
    )
    UNREACHABLE = (
        FaultKind.NETWORK,
        "no connection",
        "{host} cannot be reached.",
        "Check your network; behind a proxy, set HTTPS_PROXY.",
        True,
    )
    CONNECT_TIMEOUT = (
        FaultKind.TIMEOUT,
        "no connection",
        "{host} did not accept the connection within {what} s.",
        "Check your network; behind a proxy, set HTTPS_PROXY.",
        True,
    )
    SEND_TIMEOUT = (
        FaultKind.TIMEOUT,
        "connection stalled",
        "{host} stopped taking the request.",
        "Check your network; behind a proxy, set HTTPS_PROXY.",
        True,
    )
    CERTIFICATE = (
        FaultKind.NETWORK,
        "certificate refused",
        "The certificate of {host} could not be verified{what}.",
        "If it is signed by an authority of your own, name that in SSL_CERT_FILE.",
        False,
    )
    TLS = (
        FaultKind.NETWORK,
        "no secure connection",
        "{host} could not agree on TLS with us.",
        "If it does not speak TLS, its base_url begins with http://",
        False,
    )
    PROXY = (
        FaultKind.NETWORK,
        "proxy failed",
        "The proxy on the way to {host} refused the connection.",
        "Check HTTPS_PROXY, ALL_PROXY and NO_PROXY.",
        False,
    )
    PROXY_GONE = (
        FaultKind.NETWORK,
        "proxy not reached",
        "The proxy on the way to {host} cannot be reached.",
        "Check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY.",
        True,
    )
    PROXY_SETTING = (
        FaultKind.SETUP,
        "proxy unusable",
        "The proxy in {what} cannot be used.",
        "It has to be http:// or https://, a host and a port; NO_PROXY={host} goes without it.",
        False,
    )
    CERTIFICATES = (
        FaultKind.SETUP,
        "certificates missing",
        "The certificates for {host} could not be loaded.",
        "Check SSL_CERT_FILE and SSL_CERT_DIR.",
        False,
    )
    DISCONNECTED = (
        FaultKind.NETWORK,
        "connection lost",
        "{host} closed the connection without an answer.",
        "",
        True,
    )
    RESET = (FaultKind.NETWORK, "connection reset", "{host} reset the connection.", "", True)
    CUT = (FaultKind.CUT, "connection lost", "{host} closed the connection in the middle of the answer.", "", True)
    NOT_HTTP = (
        FaultKind.PROTOCOL,
        "unexpected answer",
        "{host} sent something that is not HTTP.",
        "Check base_url.",
        False,
    )
    BAD_REDIRECT = (
        FaultKind.REQUEST,
        "redirected",
        "{host} redirects to an address that cannot be read, and redirects are not followed.",
        "Check base_url.",
        False,
    )
    COMPRESSED = (
        FaultKind.PROTOCOL,
        "unreadable answer",
        "{host} compressed its answer in a way that cannot be read.",
        "",
        False,
    )
    HEADER = (
        FaultKind.SETUP,
        "request not sent",
        "The request to {host} has a character that HTTP does not allow.",
        "Check the key and the headers.",
        False,
    )
    URL = (FaultKind.SETUP, "request not sent", "The address of {host} cannot be used.", "Check base_url.", False)
    INTERNAL = (
        FaultKind.INTERNAL, "internal error", "Talking to {host} failed in an unexpected way ({what}).",
        "The text so far is kept; please report this.", False,
    )  # fmt: skip


def fault_of_cause(cause: Cause, origin: Origin, what: str = "") -> Fault:
    """The fault of a failed connection; `what` fills the gap some sentences have."""
    kind, title, sentence, hint, can_retry = cause.value
    if cause is Cause.REFUSED:
        hint = f"Check {origin.setting} and your network."
        if origin.is_local:
            start = origin.start_command
            hint = f"Is the server running? Start it with `{start}`." if start else "Is the server running?"
    hint = hint.replace("base_url", origin.setting).replace("{host}", urlsplit(f"//{origin.host}").hostname or "")
    if cause is Cause.HEADER and origin.key_source:
        hint = f"Check the key in {origin.key_source} and the headers."
    return Fault(kind, title, sentence.format(host=origin.host, what=what), hint, is_retryable=can_retry)


def silence_fault(origin: Origin, limit_s: float, *, has_token: bool, is_alive: bool) -> Fault:
    """No real event within the limit; `is_alive`: the server kept the connection busy with comments."""
    setting = "idle_timeout_s" if has_token else "first_token_timeout_s"
    message = f"{origin.host} sent no {'further ' if has_token else ''}token for {limit_s:g} s."
    if is_alive:
        message = f"{message[:-1]}, only signs of life."
    where = f" of {origin.section}" if origin.section else ""
    return Fault(
        FaultKind.TIMEOUT, "no token", message, f"The limit is {setting}{where}.", is_retryable=not has_token
    )


def fault_of_status(
    status: int, headers: Mapping[str, str], body: str, origin: Origin, *, url: str, now_s: float
) -> Fault:
    """The fault of a response that is no answer. `headers` have lower-case names; `now_s` is since 1970."""
    if 300 <= status < 400:
        fault = _redirect_fault(status, headers, origin, url)
    elif status < 300:
        fault = _empty_fault(status, origin)
    else:
        fault = _error_fault(status, headers, body, origin)
    wish_s = retry_after_s(headers, now_s)
    fault = replace(
        fault,
        status=status,
        retry_after_s=fault.retry_after_s if wish_s is None else wish_s,
        request_id=request_id_of(headers, origin),
        detail=origin.shown(body, DETAIL_CHARS),
    )
    return fault if fault.hint else replace(fault, hint=hint_of(fault, origin))


def request_id_of(headers: Mapping[str, str], origin: Origin) -> str:
    """What the server calls this request, for questions to its operators."""
    return origin.shown(next((headers[name] for name in _REQUEST_ID_HEADERS if headers.get(name)), ""), 100)


def _redirect_fault(status: int, headers: Mapping[str, str], origin: Origin, url: str) -> Fault:
    target = _target(headers.get("location", ""), url)
    to = f" to {origin.shown(target, 200)}" if target else ""
    return Fault(
        FaultKind.REQUEST,
        "redirected",
        f"{status} from {origin.host}: it redirects{to}, and redirects are not followed.",
        f"If that address is right, put it into {origin.setting}.",
    )


def _target(location: str, url: str) -> str:
    """Scheme, host and port of where a redirect leads: not its path, which may carry anything."""
    try:
        parts = urlsplit(urljoin(url, location))
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if location else ""


def _empty_fault(status: int, origin: Origin) -> Fault:
    return Fault(
        FaultKind.PROTOCOL, "unexpected answer", f"{status} from {origin.host}: an answer without content.",
    )  # fmt: skip


def _error_fault(status: int, headers: Mapping[str, str], body: str, origin: Origin) -> Fault:
    error = read_error(body)
    fault = fault_of(error, status=status)
    said = origin.shown(error.message) or _reason_phrase(status)
    message = f"{status} from {origin.host}: “{said}”"
    if status == 401 or error.code.lower() in _WRONG_KEY:
        message = f"{status} from {origin.host}: {_about_key(origin)} It says: “{said}”"
    if _is_spend_cap(status, error, headers):
        fault = replace(fault, kind=FaultKind.QUOTA, title=title_of(FaultKind.QUOTA), is_retryable=False)
    can_retry = fault.is_retryable
    wish = headers.get("x-should-retry", "").strip().lower()
    if wish in ("true", "false") and fault.kind not in (FaultKind.AUTH, FaultKind.QUOTA):
        can_retry = wish == "true"
    hint = "Another model may do (F2, --model)." if fault.kind is FaultKind.SERVER and not can_retry else ""
    if fault.kind is FaultKind.REQUEST and (setting := named_setting(error.message, body[:_CLEANED_CHARS])):
        hint = f"Look at {setting} in [generation] of the configuration."
    if status < 500 and body.lstrip().startswith("<"):
        hint = f"That is a web page, not an API: check {origin.setting}, and any proxy on the way."
    return replace(
        fault, message=message, hint=hint, code=origin.shown(fault.code, 100), is_retryable=can_retry, status=status
    )


_WRONG_KEY = ("invalid_api_key", "api_key_invalid")


def _is_spend_cap(status: int, error: ErrorBody, headers: Mapping[str, str]) -> bool:
    """Anthropic names the wait with every rate limit; without one it is the limit of what may be spent."""
    is_anthropic = "request-id" in headers or any(name.startswith("anthropic-") for name in headers)
    is_bare = error.type == "rate_limit_error" and not error.code
    names_wait = headers.keys() & {"retry-after", "retry-after-ms", "x-should-retry"}
    return status == 429 and is_anthropic and is_bare and not names_wait


def _about_key(origin: Origin) -> str:
    if origin.key_source:
        return f"the key in {origin.key_source} was refused."
    return "it wants a key, and none is set."


def _key_hint(origin: Origin, status: int | None) -> str:
    if origin.key_source and status == 403:
        return f"What {origin.key_source} may do is decided there; other models may be open to it (F2, --model)."
    if origin.key_source:
        return f"Check {origin.key_source}: set it anew and start again."
    return f"Name the variable that holds it as api_key_env in {origin.section}." if origin.section else ""


def _reason_phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "no reason given"


def fault_of_media_type(media_type: str, body: str, origin: Origin) -> Fault:
    """A 200 that is no stream and no JSON: a login page, a web server's greeting, another protocol."""
    said = origin.shown(read_error(body).message, 200)
    is_page = "html" in media_type or body.lstrip().startswith("<")
    what = "a web page" if is_page else f"“{origin.shown(media_type, 80)}”" if media_type else "something else"
    quoted = f": “{said}”" if said else ""
    return Fault(
        FaultKind.PROTOCOL,
        "unexpected answer",
        f"{origin.host} answered with {what} instead of a stream{quoted}.",
        f"Check {origin.setting}: for most servers it ends in /v1.",
        status=200,
        detail=origin.shown(body, DETAIL_CHARS),
    )


def is_about_field(fault: Fault, name: str) -> bool:
    """Whether a request was refused because of one of its fields."""
    return fault.status in (400, 422) and name in f"{fault.message} {fault.detail}"


def stray_fault(text: str, origin: Origin) -> Fault | None:
    """The error that a gateway wrote into a stream without its framing, if it is one."""
    error = read_error(text)
    if not error.message:
        return None
    return origin.presentable(fault_of(error, excerpt=text))
