"""Installs the servers and says where they are: `python -m tests.servers`."""

from __future__ import annotations

import sys

from tests.servers.installed import INSTALLERS, UnavailableError


def main() -> int:
    """0 when all of them are there."""
    is_all = True
    for name, install in INSTALLERS.items():
        try:
            print(f"{name}: {install()}")
        except UnavailableError as error:
            print(f"{name}: {error}")
            is_all = False
    return 0 if is_all else 1


if __name__ == "__main__":
    sys.exit(main())
