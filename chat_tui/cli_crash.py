"""What is left of an error nobody expected: one sentence, and a file without local variables or keys."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Mapping

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
_AFTER_SECRET_WORD = re.compile(
    r"(?i)\b(bearer|authorization|x-api-key|api[-_]?key|token|password)\b(\W{1,4})(?:bearer\s+)?[^\s'\"]+"
)
_LOOKS_LIKE_A_KEY = re.compile(r"(?=[\w-]*[0-9])(?=[\w-]*[A-Za-z])[\w-]{20,}")
_MASK = "•••"


def describe_crash(error: BaseException, environ: Mapping[str, str]) -> str:
    """The traceback with file names and lines but no local variables; messages without anything like a key."""
    lines: list[str] = []
    for part in _chain(error):
        frames = traceback.extract_tb(part.__traceback__)
        lines += [f"{type(part).__module__}.{type(part).__qualname__}: {redact(str(part), environ)}"]
        lines += [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
    return "\n".join(lines) + "\n"


def redact(text: str, environ: Mapping[str, str]) -> str:
    """`text` without the values of secret variables and without whatever looks like a key."""
    for name, value in environ.items():
        if len(value) >= 6 and _SECRET_NAME.search(name):
            text = text.replace(value, _MASK)
    text = _AFTER_SECRET_WORD.sub(rf"\1\2{_MASK}", text)
    return _LOOKS_LIKE_A_KEY.sub(_MASK, text)


def write_crash_log(error: BaseException, environ: Mapping[str, str]) -> str:
    """Write the description into a private log file; its path, "" when nothing could be written."""
    from chat_tui.config.paths import log_file, open_private

    try:
        path = log_file("crash.log")
        with os.fdopen(
            open_private(path, os.O_WRONLY | os.O_TRUNC), "w", encoding="utf-8", errors="replace"
        ) as log:
            log.write(describe_crash(error, environ))
    except OSError:
        return ""
    return str(path)


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what caused it, at most ten, the newest first."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and len(chain) < 10 and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    return chain
