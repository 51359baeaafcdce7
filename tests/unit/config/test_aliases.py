"""Aliases and prices: what they stand for, and one precise sentence for each that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from chat_tui.config.aliases import MAX_LINKS, unaliased, unknown_providers
from chat_tui.config.load import LoadedConfig, load


def loaded(tmp_path: Path, text: str) -> LoadedConfig:
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, {})


def problem(found: LoadedConfig) -> str:
    (sentence,) = found.problems
    return sentence.partition("config.toml: ")[2]


def test_an_alias_stands_for_a_model_and_another_alias_for_that() -> None:
    aliases = {"fast": "groq/org/model", "quick": " fast "}
    assert unaliased("fast", aliases) == "groq/org/model"
    assert unaliased(" quick ", aliases) == "groq/org/model"
    assert unaliased("groq/x", aliases) == "groq/x"
    assert unaliased("neither", aliases) == "neither"
    assert unaliased("a", {"a": "b", "b": "a"}) in ("a", "b")


def test_good_aliases_are_kept(tmp_path: Path) -> None:
    found = loaded(tmp_path, 'model = "quick"\n[aliases]\nfast = "groq/m"\nquick = "fast"\n')
    assert found.problems == ()
    assert found.config.aliases == {"fast": "groq/m", "quick": "fast"}
    assert found.origins["aliases.fast"] == "file"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            '"a/b" = "groq/m"',
            'aliases."a/b": an alias has no slash; it stands for PROVIDER/MODEL, as in fast = "groq/NAME".',
        ),
        ('"" = "groq/m"', 'aliases."": an alias is a word of at most 80 characters.'),
        ('loop = "loop"', "aliases.loop: leads back to itself (loop → loop); it is not used."),
        (
            'bare = "groq"',
            "aliases.bare: must stand for PROVIDER/MODEL or for another alias; it is not used.",
        ),
        (
            'near = "goood"',
            "aliases.near: must stand for PROVIDER/MODEL or for another alias; did you mean the alias good?",
        ),
        ('half = "groq/"', "aliases.half: must stand for PROVIDER/MODEL or for another alias; it is not used."),
        ("number = 3", "aliases.number: must be a string, not a whole number; it is not used."),
    ],
)
def test_an_alias_that_cannot_be_is_said_and_costs_itself(tmp_path: Path, line: str, sentence: str) -> None:
    found = loaded(tmp_path, f'[aliases]\ngood = "groq/m"\n{line}\n')
    assert problem(found) == sentence
    assert found.config.aliases == {"good": "groq/m"}


def test_each_alias_of_a_circle_and_each_that_leads_into_it_is_said(tmp_path: Path) -> None:
    found = loaded(tmp_path, '[aliases]\na = "b"\nb = "a"\nc = "a"\nd = "e"\ne = "nothing"\n')
    sentences = " ".join(found.problems)
    assert "aliases.a: leads back to itself (a → b → a)" in sentences
    assert "aliases.b: leads back to itself (b → a → b)" in sentences
    assert "aliases.c: leads" in sentences
    assert "aliases.d: must stand for PROVIDER/MODEL or for another alias (through e)" in sentences
    assert found.config.aliases == {}


def test_a_chain_of_aliases_is_followed_so_far_and_no_further(tmp_path: Path) -> None:
    chain = "\n".join(f'a{n} = "a{n + 1}"' for n in range(MAX_LINKS))
    found = loaded(tmp_path, f'[aliases]\n{chain}\na{MAX_LINKS} = "groq/m"\n')
    assert problem(found) == f"aliases.a0: leads through more than {MAX_LINKS} others; it is not used."
    assert unaliased("a1", found.config.aliases) == "groq/m"


def test_aliases_of_unknown_providers() -> None:
    aliases = {"fast": "groc/m", "also": "fast", "odd": "zzzzzz/m", "good": "groq/m"}
    assert dict(unknown_providers(aliases, ("groq", "openai"))) == {
        "fast": "The alias fast stands for a model of groc, and there is no such provider. Did you mean groq?",
        "also": "The alias also stands for a model of groc, and there is no such provider. Did you mean groq?",
        "odd": "The alias odd stands for a model of zzzzzz, and there is no such provider.",
    }


# -- prices --------------------------------------------------------------------------------------------


def test_prices_are_read(tmp_path: Path) -> None:
    found = loaded(tmp_path, '[prices."mine/a.b/c"]\ninput = 3\noutput = 15.5\ncached = 0.3\n')
    assert found.problems == ()
    prices = found.config.prices["mine/a.b/c"]
    assert (prices.input, prices.output, prices.cached) == (3.0, 15.5, 0.3)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("input = 3", 'prices."mine/m": needs both input and output, in USD per million tokens.'),
        (
            "input = -1\noutput = 2\n",
            'prices."mine/m".input: must be a number from 0 up to 1000000, not a whole number; it is not used.',
        ),
        ("input = 1\noutput = 2\ncache = 3", 'prices."mine/m".cache: unknown key; did you mean cached?'),
    ],
)
def test_prices_that_price_nothing_are_said(tmp_path: Path, lines: str, sentence: str) -> None:
    found = loaded(tmp_path, f'[prices."mine/m"]\n{lines}\n')
    assert sentence in [line.partition("config.toml: ")[2] for line in found.problems]
    assert ("mine/m" in found.config.prices) is ("cache" in lines)
