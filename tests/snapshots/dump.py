"""A screen as a text file that can be read and compared: what is written, and in which style."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.color import Color, ColorType
from rich.style import Style
from textual.strip import Strip

_ATTRIBUTES = ("bold", "dim", "italic", "underline", "strike", "reverse", "blink")


def dump(rows: Sequence[Strip]) -> str:
    """The rows, then the styles of each row as runs (cells and a letter), then what the letters mean."""
    letters: dict[str, str] = {}
    styles: list[str] = []
    for row in rows:
        runs: list[tuple[int, str]] = []
        for text, style, _ in row:
            letter = letters.setdefault(describe(style), _letter(len(letters)))
            if runs and runs[-1][1] == letter:
                runs[-1] = (runs[-1][0] + cell_len(text), letter)
            else:
                runs.append((cell_len(text), letter))
        styles.append(" ".join(f"{cells}{letter}" for cells, letter in runs))
    text = [f"│{row.text.rstrip()}" for row in rows]
    legend = [f"{letter} = {described}" for described, letter in letters.items()]
    return "\n".join([*text, "", *styles, "", *legend, ""])


def describe(style: Style | None) -> str:
    """Colours and attributes; links and the like by their meta."""
    if style is None:
        return "plain"
    words = [name for name in _ATTRIBUTES if getattr(style, name)]
    words.append(f"{_colour(style.color)} on {_colour(style.bgcolor)}")
    words += sorted(f"{key}={value}" for key, value in style.meta.items() if key in ("link", "copy", "fold"))
    return " ".join(words)


def _colour(colour: Color | None) -> str:
    if colour is None or colour.type is ColorType.DEFAULT:
        return "default"
    return colour.triplet.hex if colour.triplet is not None else colour.name


def _letter(number: int) -> str:
    return chr(ord("a") + number) if number < 26 else _letter(number // 26 - 1) + _letter(number % 26)
