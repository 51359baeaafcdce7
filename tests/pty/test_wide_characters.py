"""Characters of two cells, of none, joined and right to left, as they are written to a terminal: no row is longer
than the view, and none moves another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.bench.grid import Grid
from tests.support.program import Program
from tests.support.sse_server import Framing, SseServer, answer
from tests.support.terminal import leaks
from tests.support.waiting import wait_until

TEXTS = {
    "cjk": "表記は日本語です",
    "hangul": "한국어 텍스트",
    "mixed": "a表b記c",
    "family": "👩\u200d👩\u200d👧 family",
    "astronaut": "👩🏽\u200d🚀 skin",
    "flag": "🇩🇪🇯🇵 flags",
    "heart": "❤\ufe0f heart ✔\ufe0e",
    "keycap": "1\ufe0f\u20e3 key",
    "combining": "e\u0301a\u0308o\u0302\u0323",
    "zalgo": "z" + "\u0301\u0302\u0303" * 4 + "a",
    "thai": "ภาษาไทย ก็",
    "hindi": "हिन्दी क्षि",
    "hebrew": "טקסט עברי",
    "arabic": "نص عربي",
    "halfwidth": "ﾊﾝｶｸ",
    "fullwidth": "ＦＵＬＬ",
    "ambiguous": "§°±·×÷ αβγ ①②",
}
JOINED = {"family", "astronaut", "flag", "heart", "keycap"}
"""What terminals draw in as many cells as they like; the one in this test by its parts."""

ROWS = 90
MOVE = re.compile(r"\x1b\[(\d+);(\d+)H")
STYLE = re.compile(r"\x1b\[[\d;:]*m")
OTHER = re.compile(r"\x1b\[[0-9;?<>=]*[a-zA-LN-Z$][a-z]?")


def document() -> str:
    """Each text in a paragraph, in a cell of a table with another behind it, and in code."""
    rows = "".join(f"| {text} | <{name}> |\n" for name, text in TEXTS.items())
    code = "".join(f"{text} # {name}\n" for name, text in TEXTS.items())
    prose = " ".join(f"{text} " * 3 for text in TEXTS.values())
    return f"| text | name |\n|---|---|\n{rows}\n```\n{code}```\n\n{prose}\n"


def written_rows(output: str) -> list[tuple[int, int, str]]:
    """Row, column (from 1) and text of every run that was written after the cursor was put somewhere."""
    found: list[tuple[int, int, str]] = []
    moves = list(MOVE.finditer(output))
    for number, move in enumerate(moves):
        end = moves[number + 1].start() if number + 1 < len(moves) else len(output)
        text = OTHER.sub("", STYLE.sub("", output[move.end() : end]))
        for offset, line in enumerate(text.replace("\r", "").split("\n")):
            found.append((int(move[1]) + offset, int(move[2]) if not offset else 1, line))
    return found


@pytest.mark.parametrize(
    ("columns", "wrap"), [(100, "true"), (61, "true"), (43, "true"), (61, "false"), (43, "false")]
)
async def test_every_row_keeps_its_cells(clean_environment: Path, columns: int, wrap: str) -> None:
    async with SseServer() as server:
        server.play(answer(document(), framing=Framing.CLOSE))
        config = f"[render]\nwrap = {wrap}\n"
        async with Program(clean_environment, server, columns=columns, rows=ROWS, config=config) as chat:
            await chat.wait_for_output("sk anything")
            start = len(chat.output)
            await chat.ask("question")
            drawn = Drawn(chat)
            await wait_until(lambda: "<ambiguous>" in drawn.text and "done" in drawn.text, 15, "the answer")
            lines = drawn.lines
            places = {
                name: next(line.index("<") for line in lines if f"<{name}>" in line)
                for name in TEXTS
                if name not in JOINED
            }
            # A character of two cells is one in a line of the grid.
            cells = {
                name: at + sum(cell_len(c) - 1 for c in TEXTS[name] if cell_len(c)) for name, at in places.items()
            }
            assert len(set(cells.values())) == 1, cells
            assert all(line.startswith(("  ", "▌ ", "▎ ")) or not line for line in lines[1 : ROWS - 4]), lines
            chat.send("\x11")
            assert await chat.wait_for_exit() == 0
            assert leaks(bytes(chat.output)) == []
            written = bytes(chat.output[start:]).partition(b"\x1b[?1049l")[0]  # whole: no sequence half read
            for row, column, text in written_rows(written.decode()):
                assert 1 <= row <= ROWS
                assert column - 1 + cell_len(text) <= columns, (row, column, text)


class Drawn:
    """What a terminal would show that measures characters one by one."""

    def __init__(self, chat: Program) -> None:
        self._chat, self._fed = chat, 0
        self._grid = Grid(chat.columns, chat.rows)

    @property
    def lines(self) -> list[str]:
        output = bytes(self._chat.output[self._fed :])
        self._fed += len(output)
        self._grid.feed(output)
        return self._grid.lines

    @property
    def text(self) -> str:
        return "\n".join(self.lines)
