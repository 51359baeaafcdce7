"""The ends of answers that nobody named: a connection that was cut, a document that is no answer."""

from __future__ import annotations

from chat_tui.core.errors import EXCERPT_CHARS, Fault, FaultKind
from chat_tui.wire.error_bodies import classify, read_error, title_of
from chat_tui.wire.json_text import repaired


def cut(message: str, *, has_output: bool, title: str = "connection lost", code: str = "") -> Fault:
    """The answer is not complete; when nothing of it came, asking again costs nothing."""
    return Fault(FaultKind.CUT, title, message, code=code, is_retryable=not has_output)


def no_answer(text: str, what: str = "chat answer") -> Fault:
    """The fault of a document that is no answer: a page, another protocol's JSON, an error nobody called one."""
    body = read_error(text)
    said = f" It says: {body.message}" if body.message else ""
    kind = classify(None, body)
    if kind is FaultKind.SERVER:
        kind = FaultKind.PROTOCOL
    return Fault(
        kind,
        title_of(kind),
        f"The server sent something that is no {what}.{said}",
        code=body.code,
        detail=repaired(text[:EXCERPT_CHARS]),
    )
