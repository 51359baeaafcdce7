"""Which characters a match of a regular expression can begin with, read from the expression.

A lexer tries dozens of expressions at every position; knowing this, most of them need not be asked. The answer is
never too small: where it is not clear, it is "any".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, TypeAlias, cast

DOMAIN: Final = frozenset("\n" + "".join(map(chr, range(0x20, 0x7F))))
"""The characters that are told apart; any other may begin any match."""

_MAX_PATTERN_CHARS: Final = 1_000  # longer ones are lists of words, begin with any letter and take ms to be read
_Items: TypeAlias = Iterable[tuple[object, object]]

_DIGITS: Final = frozenset("0123456789")
_SPACES: Final = frozenset("\n ")
_WORD: Final = frozenset([c for c in DOMAIN if c.isalnum() or c == "_"])
_CATEGORIES: Final = {
    "CATEGORY_DIGIT": _DIGITS,
    "CATEGORY_NOT_DIGIT": DOMAIN - _DIGITS,
    "CATEGORY_SPACE": _SPACES,
    "CATEGORY_NOT_SPACE": DOMAIN - _SPACES,
    "CATEGORY_WORD": _WORD,
    "CATEGORY_NOT_WORD": DOMAIN - _WORD,
}
_ZERO_WIDTH: Final = frozenset({"AT", "ASSERT", "ASSERT_NOT"})


class _AnyError(Exception):
    """The expression cannot be read: anything may begin a match."""


def first_characters(pattern: re.Pattern[str]) -> frozenset[str] | None:
    """The characters of `DOMAIN` a match may begin with; None for any, or when a match may be empty."""
    if len(pattern.pattern) > _MAX_PATTERN_CHARS:
        return None
    try:
        found, may_be_empty = _first(_parsed(pattern), ignores_case=bool(pattern.flags & re.IGNORECASE))
    except (_AnyError, ImportError, KeyError):  # an operation, or a Python, that is not known here
        return None
    return None if may_be_empty else found


def _parsed(pattern: re.Pattern[str]) -> _Items:
    """The expression as CPython 3.11 to 3.14 parse it: pairs of an operation and its arguments."""
    from re import _parser  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType] - no public parser

    return cast("_Items", _parser.parse(pattern.pattern, pattern.flags))  # pyright: ignore[reportUnknownMemberType]


def _first(items: _Items, *, ignores_case: bool) -> tuple[frozenset[str], bool]:
    """The characters a match of these items in a row may begin with, and whether it may be empty."""
    found: frozenset[str] = frozenset()
    for operation, argument in items:
        name = str(operation)
        if name in _ZERO_WIDTH:
            continue
        if name == "BRANCH":
            _, branches = cast("tuple[object, list[_Items]]", argument)
            parts = [_first(branch, ignores_case=ignores_case) for branch in branches]
        elif name == "SUBPATTERN":
            _, added, removed, inner = cast("tuple[object, int, int, _Items]", argument)
            if added or removed:
                raise _AnyError
            parts = [_first(inner, ignores_case=ignores_case)]
        elif name == "ATOMIC_GROUP":
            parts = [_first(cast("_Items", argument), ignores_case=ignores_case)]
        elif name.endswith("_REPEAT"):
            least, _, inner = cast("tuple[int, object, _Items]", argument)
            characters, may_be_empty = _first(inner, ignores_case=ignores_case)
            parts = [(characters, may_be_empty or not least)]
        else:
            parts = [(_one(name, argument, ignores_case=ignores_case), False)]
        found = found.union(*[characters for characters, _ in parts])
        if not any(may_be_empty for _, may_be_empty in parts):
            return found, False
    return found, True


def _one(name: str, argument: object, *, ignores_case: bool) -> frozenset[str]:
    """What matches exactly one character."""
    match name:
        case "LITERAL":
            return _range(cast("int", argument), cast("int", argument), ignores_case=ignores_case)
        case "NOT_LITERAL":
            return DOMAIN if ignores_case else DOMAIN - {chr(cast("int", argument))}
        case "ANY":
            return DOMAIN
        case "IN":
            return _set(cast("list[tuple[object, object]]", argument), ignores_case=ignores_case)
        case _:
            raise _AnyError


def _set(members: list[tuple[object, object]], *, ignores_case: bool) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    is_negated = False
    for operation, argument in members:
        match str(operation):
            case "NEGATE":
                is_negated = True
            case "LITERAL":
                code = cast("int", argument)
                found |= _range(code, code, ignores_case=ignores_case)
            case "RANGE":
                found |= _range(*cast("tuple[int, int]", argument), ignores_case=ignores_case)
            case "CATEGORY":
                found |= _CATEGORIES[str(argument)]
            case _:
                raise _AnyError
    return found if not is_negated else DOMAIN if ignores_case else DOMAIN - found


def _range(first: int, last: int, *, ignores_case: bool) -> frozenset[str]:
    if ignores_case and last > 0x7F:
        raise _AnyError  # "ſ" is a long "s"
    found = {chr(code) for code in range(first, min(last, 0x7E) + 1)}
    if ignores_case:
        found |= {c.upper() for c in found} | {c.lower() for c in found}
    return DOMAIN & found
