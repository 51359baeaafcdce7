"""Completing a name out of many: the names that fit what is typed, and how far they agree. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def fitting(typed: str, names: Iterable[str]) -> tuple[str, ...]:
    """The names that begin with what is typed, in their order; where none does, those that have it inside.

    Case does not count. Nothing typed fits all.
    """
    wanted = typed.casefold()
    inside = [name for name in names if wanted in name.casefold()]
    beginning = tuple(name for name in inside if name.casefold().startswith(wanted))
    return beginning or tuple(inside)


def agreed(typed: str, names: Sequence[str]) -> str:
    """What is typed, completed as far as all names agree that begin with it; the one name that fits as a whole."""
    found = fitting(typed, names)
    if len(found) < 2:
        return found[0] if found else typed
    if not found[0].casefold().startswith(typed.casefold()):
        return typed
    length = 0
    for letters in zip(*found, strict=False):
        if len({letter.casefold() for letter in letters}) > 1:
            break
        length += 1
    return found[0][:length] if length > len(typed) else typed
