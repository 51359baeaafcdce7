"""A program of its own that prints one secret of the system's keyring: `python -m … SERVICE USER`.

A process, because a keyring may ask the person to unlock it and then takes as long as it likes: a process can be
ended, a thread cannot. Its exit statuses are in `FAILURES`. Only here is the keyring library imported.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Final, cast

NOT_INSTALLED, NO_KEYRING, LOCKED, NOTHING, BROKEN = 81, 82, 83, 84, 85
FAILURES: Final = {
    NOT_INSTALLED: ("The keyring support of chat-tui is not installed.", "pip install 'chat-tui[keyring]'"),
    NO_KEYRING: ("This system has no keyring that can be used.", "Use api_key_env or api_key_command instead."),
    LOCKED: ("The keyring is locked, or refused to give the key.", "Unlock it and ask again."),
    NOTHING: ("The keyring has no such entry.", "Make it with: keyring set SERVICE USER"),
    BROKEN: ("The keyring failed.", "Use api_key_env or api_key_command instead."),
}
"""Exit status → (what happened, what to do)."""


def main(service: str, user: str) -> int:
    """Print the secret, or return the exit status that says why there is none."""
    try:
        keyring = import_module("keyring")
        errors = import_module("keyring.errors")
    except ImportError:
        return NOT_INSTALLED
    try:
        get = cast("Callable[[str, str], str | None]", keyring.get_password)
        secret = get(service, user)
    except errors.NoKeyringError:
        return NO_KEYRING
    except errors.KeyringLocked:
        return LOCKED
    except Exception:  # noqa: BLE001 - back ends raise what they like, and the text may hold anything
        return BROKEN
    if secret is None:
        return NOTHING
    sys.stdout.buffer.write(secret.encode("utf-8", "replace"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:3]))
