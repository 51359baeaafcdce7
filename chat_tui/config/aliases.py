"""[aliases]: short names for models, what they stand for, and what is wrong with them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import islice

from chat_tui.config.explain import nearest

MAX_ALIAS_CHARS = 80
MAX_LINKS = 20
"""So many aliases may stand for each other in a row."""

_MAX_ADVICE = 20
"""For so many mistakes the nearest name is looked for: that takes a while."""


def unaliased(name: str, aliases: Mapping[str, str]) -> str:
    """PROVIDER/MODEL for an alias, else `name` as it is. Ends for aliases that stand for each other, too."""
    name = name.strip()
    for _ in range(MAX_LINKS):
        if name not in aliases:
            break
        name = aliases[name].strip()
    return name


def objection_to_alias(name: str) -> str:
    """What is wrong with the name of an alias; "" when nothing is."""
    if "/" in name:
        return 'an alias has no slash; it stands for PROVIDER/MODEL, as in fast = "groq/NAME"'
    if not name or name != name.strip() or not name.isprintable() or len(name) > MAX_ALIAS_CHARS:
        return f"an alias is a word of at most {MAX_ALIAS_CHARS} characters"
    return ""


def objections(aliases: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(alias, what is wrong with what it stands for), one for each that leads to no PROVIDER/MODEL."""
    advised = 0
    for name in aliases:
        way = [name]
        while (target := aliases[way[-1]].strip()) in aliases and target not in way and len(way) < MAX_LINKS:
            way.append(target)
        if target in way:
            yield name, f"leads back to itself ({' → '.join((*way, target)[:8])}); it is not used"
        elif target in aliases:
            yield name, f"leads through more than {MAX_LINKS} others; it is not used"
        elif not _is_model(target):
            last = "" if len(way) == 1 else f" (through {way[-1]})"
            advised += 1
            others = tuple(other for other in aliases if other not in way) if advised <= _MAX_ADVICE else ()
            meant = nearest(target, others) if target else ""
            advice = f"; did you mean the alias {meant}?" if meant else "; it is not used"
            yield name, f"must stand for PROVIDER/MODEL or for another alias{last}{advice}"


def unknown_providers(aliases: Mapping[str, str], known: Collection[str]) -> Iterator[tuple[str, str]]:
    """(alias, sentence) for each of the first that stand for a model of a provider that is not `known`."""
    providers = ((name, unaliased(name, aliases).partition("/")[0]) for name in aliases)
    wrong = ((name, provider) for name, provider in providers if provider not in known)
    for name, provider in islice(wrong, _MAX_ADVICE):
        meant = nearest(provider, tuple(known))
        advice = f" Did you mean {meant}?" if meant else ""
        yield name, f"The alias {name} stands for a model of {provider}, and there is no such provider.{advice}"


def _is_model(name: str) -> bool:
    provider, separator, model = name.partition("/")
    return bool(separator and provider and model)
