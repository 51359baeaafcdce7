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
        _abandon_output()
    sys.exit(code)


def _abandon_output() -> None:
    """What a broken or blocked pipe or a closed terminal did not take must not fail or hang again when Python
    flushes at exit: that would make the exit code 120.
    """
    for stream, usual in ((sys.__stdout__, 1), (sys.__stderr__, 2)):
        try:
            with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - pathlib is not needed otherwise
                os.dup2(nowhere.fileno(), stream.fileno() if stream else usual)
        except (OSError, ValueError):
            pass


if __name__ == "__main__":
    main()
