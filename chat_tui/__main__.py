"""`chat-tui` and `python -m chat_tui`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run, and leave with the exit code."""
    try:
        from chat_tui.cli import main as run

        code = run()
    except KeyboardInterrupt:  # before or after the guard of `run`
        code = 130
    if code != 0:
        _abandon_stdout()
    sys.exit(code)


def _abandon_stdout() -> None:
    """What a broken or blocked pipe did not take must not fail or hang again when Python flushes at exit."""
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - pathlib is not needed otherwise
            os.dup2(nowhere.fileno(), sys.__stdout__.fileno() if sys.__stdout__ else 1)
    except (OSError, ValueError):
        pass


if __name__ == "__main__":
    main()
