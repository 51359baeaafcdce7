"""What is wrong with a setting, in words. Values never appear in them: one of them may be a secret."""

from __future__ import annotations

import re
from collections.abc import Sequence

RESERVED_PROVIDERS = ("local", "demo")

_PROVIDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LOOKS_LIKE_A_KEY = re.compile(r"(?=.*[a-z])(?=.*[0-9]).{20,}")
_SECRET_NAMES = frozenset({"api_key", "apikey", "key", "token", "api_token", "secret", "password"})


def nearest(word: str, known: Sequence[str]) -> str:
    """The known name that was probably meant, "" when none is near."""
    import difflib

    return next(iter(difflib.get_close_matches(word[:80].lower(), known, n=1, cutoff=0.6)), "")


def unknown_key(key: str, siblings: Sequence[str], places: Sequence[str]) -> str:
    """`siblings` are the keys known where `key` stands, `places` the dotted keys that end in the same name."""
    if key.lower() in _SECRET_NAMES and "api_key_env" in siblings:
        return "keys are not kept in this file; name the variable that holds it with api_key_env"
    if meant := nearest(key, siblings):
        return f"unknown key; did you mean {meant}?"
    if places:
        return f"unknown key here; did you mean {places[0]}?"
    return f"unknown key; known here are {', '.join(siblings)}"


def objection_to_provider(name: str) -> str:
    """What is wrong with the name of a provider; "" when nothing is."""
    if name in RESERVED_PROVIDERS:
        return f"the name {name} belongs to models that come with chat-tui; choose another"
    if not _PROVIDER_NAME.fullmatch(name):
        return "the name of a provider begins with a letter or digit, then also dots, dashes and underscores"
    return ""


def objection_to_variable(name: str) -> str:
    """What is wrong with the name of an environment variable: above all that it is the key itself."""
    if not name or (_VARIABLE_NAME.fullmatch(name) and not _LOOKS_LIKE_A_KEY.fullmatch(name)):
        return ""
    return "must be the name of an environment variable, such as MINE_API_KEY, not the key itself; it is not used"


def objection_to_entry(name: str) -> str:
    """What is wrong with the name of an entry of the keyring: above all that it is the key itself."""
    service, _, user = name.rpartition("/")
    if not name or (service and user):
        return ""
    return "must be SERVICE/USER, such as chat-tui/mine, not the key itself; it is not used"


def wrong_value(kind: object, value: object) -> str:
    """For example "must be a number from 0 up to 5, not a string"."""
    import msgspec.inspect as inspect

    expected = inspect.type_info(kind)
    wanted = _describe(expected)
    types = expected.types if isinstance(expected, inspect.UnionType) else (expected,)
    choices = [str(value) for kind in types if isinstance(kind, inspect.LiteralType) for value in kind.values]
    if choices and isinstance(value, str):
        meant = nearest(value, choices)
        return f"must be {wanted}" + (f" (did you mean {meant}?)" if meant else "")
    found = kind_of(value)
    return f"must be {wanted}" if wanted.startswith(found) else f"must be {wanted}, not {found}"


def kind_of(value: object) -> str:
    """What TOML calls it."""
    match value:
        case bool():
            return "true or false"
        case int():
            return "a whole number"
        case float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return "a date or time"


def _describe(kind: object) -> str:
    import msgspec.inspect as inspect

    match kind:
        case inspect.UnionType(types=types):
            return " or ".join(_describe(part) for part in types if not isinstance(part, inspect.NoneType))
        case inspect.LiteralType(values=values):
            return f"one of {', '.join(map(str, values))}"
        case inspect.IntType(gt=gt, ge=ge, le=le):
            return f"a whole number{_bounds(gt, ge, le)}"
        case inspect.FloatType(gt=gt, ge=ge, le=le):
            return f"a number{_bounds(gt, ge, le)}"
        case inspect.VarTupleType():
            return "a list of strings"
        case _:
            return "a string"


def _bounds(gt: float | None, ge: float | None, le: float | None) -> str:
    low = f" above {gt}" if gt is not None else f" from {ge}" if ge is not None else ""
    return low + (f" up to {le}" if le is not None else "")
