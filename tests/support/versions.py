"""What a chat on the stage shows of the tree: the path, and the marks of versions."""

from __future__ import annotations

import re

from tests.support.stage import Stage

MARK = re.compile(r"\[ (\d+/\d+) \]$")


def long_text(name: str, count: int) -> str:
    return "\n\n".join(f"{name} paragraph {number}" for number in range(count))


async def retried(on: Stage) -> None:
    on.chat.transcript.focus()
    await on.pilot.press("r")
    await on.until_done()


def shown(on: Stage) -> list[str]:
    """The texts of the path that is shown."""
    return [message.text for message in on.session.conversation.path()]


def marks(on: Stage) -> list[tuple[str, str]]:
    """Every mark in view, and the row below it."""
    rows = on.rows
    found = [(y, MARK.search(row)) for y, row in enumerate(rows)]
    return [(mark[1], rows[y + 1].strip(" ▌▎")) for y, mark in found if mark is not None]
