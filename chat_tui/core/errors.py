"""What can go wrong, as data and as exceptions.

    ChatError                 anything we say to a person: title, message, hint
    ├── ConfigError           configuration, arguments, environment
    ├── ProviderError         carries the Fault of a request that could not be made or answered
    ├── CannotSend            a request has a part that the protocol or the model does not take
    └── MalformedEvent        a codec could not read one wire event (the stream may go on)

A `Fault` is the data form: it travels inside a stream as `events.Failed` and is shown at the seam.
Cancellation is not an error and appears nowhere here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from chat_tui.core.http_record import HttpRecord

EXCERPT_CHARS = 400
"""Excerpts of bodies that we quote are cut to this length."""
DETAIL_CHARS = 2000
"""And the excerpt that is shown by itself to this one."""


class FaultKind(StrEnum):
    """What class of failure a person has to deal with."""

    AUTH = "auth"
    QUOTA = "quota"
    RATE_LIMIT = "rate_limit"
    OVERLOADED = "overloaded"
    CONTEXT = "context"
    REQUEST = "request"
    NOT_FOUND = "not_found"
    SERVER = "server"
    NETWORK = "network"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"
    CUT = "cut"
    LIMIT = "limit"
    SETUP = "setup"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure, ready to be shown.

    `title` is a few words for the seam and the status bar ("connection lost"), `message` one sentence saying
    what and where, `hint` what to do (may be empty). All three are plain text, cleaned, without keys.
    `retry_after_s` is what the server asked for; None when it said nothing. `detail` is the cleaned excerpt of
    the raw body, at most `DETAIL_CHARS`. `http` is what was asked and how it was answered; it is not kept with the
    conversation, and says nothing about whether two faults are the same.
    """

    kind: FaultKind
    title: str
    message: str
    hint: str = ""
    status: int | None = None
    code: str = ""
    is_retryable: bool = False
    retry_after_s: float | None = None
    request_id: str = ""
    detail: str = ""
    http: HttpRecord | None = field(default=None, repr=False, compare=False, metadata={"is_kept": False})

    @property
    def sentence(self) -> str:
        """Message and hint as one line."""
        return f"{self.message} {self.hint}".strip()


class ChatError(Exception):
    """An error with words for a person; `message` says what and where, `hint` what to do."""

    title = "error"

    def __init__(self, message: str, hint: str = "", *, title: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if title:
            self.title = title

    @property
    def sentence(self) -> str:
        """Message and hint as one line."""
        return f"{self.message} {self.hint}".strip()


class ConfigError(ChatError):
    """The configuration, an argument or the environment asks for something that cannot be done."""

    title = "configuration"


class ProviderError(ChatError):
    """A request could not be made or answered; `fault` has the particulars."""

    title = "provider"

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message, fault.hint, title=fault.title)
        self.fault = fault


class CannotSend(ChatError):  # noqa: N818 - it says what happened
    """A part of the request that this protocol or model does not take; nothing was sent."""

    title = "not sent"


class MalformedEvent(ChatError):  # noqa: N818 - the field calls it an event, not an error
    """One wire event could not be read; `excerpt` is its beginning, cut and uncleaned."""

    title = "malformed event"

    def __init__(self, message: str, excerpt: str = "") -> None:
        super().__init__(message)
        self.excerpt = excerpt[:200]
