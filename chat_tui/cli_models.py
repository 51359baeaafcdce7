"""`chat-tui models`: what can be chosen, group by group as the answers come in; and what shells complete."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from chat_tui.core.cost import prices_per_token
from chat_tui.core.model_words import (
    CONTEXT_CELLS,
    PRICE_CELLS,
    age_words,
    context_text,
    inputs_text,
    price_text,
)
from chat_tui.core.sanitize import clean_line

if TYPE_CHECKING:
    from pathlib import Path

    from chat_tui.config.load import LoadedConfig
    from chat_tui.providers.base import ModelInfo
    from chat_tui.providers.listing import ModelGroup
    from chat_tui.session.session import ChatSession

EXIT_OK: Final = 0
EXIT_NOTHING: Final = 1
FRESH_S: Final = 3600.0
"""A list of this age is shown as it is; --refresh asks in any case."""

_LEAST_ID_CHARS, _MOST_ID_CHARS = 30, 40


async def print_models(
    session: ChatSession,
    echo: Callable[[str], None],
    *,
    only: str = "",
    is_json: bool = False,
    is_refresh: bool = False,
    now_s: float,
) -> int:
    """One block of text per provider, or one JSON list of providers with their models at the end.

    Slow providers are named and not waited for. Returns the exit code: 1 when there is no model at all. Raises
    ConfigError when there is no provider `only`.
    """
    groups: list[ModelGroup] = []
    async for group in session.list_models(only, max_age_s=0.0 if is_refresh else FRESH_S):
        if group.is_final:
            groups.append(group)
            if not is_json:
                echo(_as_text(group, session, now_s))
    if not is_json and not only and session.ways_to_more:
        echo(session.ways_to_more)
    if is_json:
        echo(json.dumps([_as_data(group) for group in groups], indent=2))
    return EXIT_OK if any(group.models for group in groups) else EXIT_NOTHING


def _as_text(group: ModelGroup, session: ChatSession, now_s: float) -> str:
    name = group.provider if group.label in ("", group.provider) else f"{group.provider} · {group.label}"
    age = f" · as of {age_words(now_s - group.listed_at_s)}" if group.listed_at_s else ""
    lines = [clean_line(name) + age]
    if group.problem:
        lines.append(f"    {clean_line(group.problem)}")
    longest = max((len(model.id) for model in group.models), default=0)
    id_chars = min(max(longest, _LEAST_ID_CHARS), _MOST_ID_CHARS)
    names = {target: alias for alias, target in session.aliases.items()}
    lines += (
        _model_line(model, id_chars, is_chosen=model.id == session.model_id, alias=names.get(model.id, ""))
        for model in group.models
    )
    return "\n".join(lines)


def _model_line(model: ModelInfo, id_chars: int, *, is_chosen: bool, alias: str) -> str:
    """The id is never cut: it is there to be copied."""
    facts = model.facts
    columns = ""
    if facts is not None:
        columns = f"{context_text(facts.context_tokens):>{CONTEXT_CELLS}}  {price_text(facts):<{PRICE_CELLS}}  "
        columns = (columns + inputs_text(facts.inputs)).rstrip()
    words = (model.label if facts is None or not columns.strip() else "", model.note)
    about = " · ".join(clean_line(part) for part in words if part)
    name = clean_line(model.id) + (f" = {clean_line(alias)}" if alias else "")
    return f"  {'*' if is_chosen else ' '} {name:<{id_chars}}  {columns}  {about}".rstrip()


def _as_data(group: ModelGroup) -> dict[str, object]:
    return {
        "provider": group.provider,
        "label": group.label,
        "problem": group.problem,
        "listed_at_s": group.listed_at_s or None,
        "models": [_model_data(model) for model in group.models],
    }


def _model_data(model: ModelInfo) -> dict[str, object]:
    data: dict[str, object] = {
        "id": model.id,
        "label": model.label,
        "note": model.note,
        "is_available": model.is_available,
    }
    facts = model.facts
    if facts is None:
        return data
    prices = prices_per_token(facts.input_price, facts.output_price, facts.cached_price)
    return data | {
        "is_chat": facts.is_chat,
        "context_tokens": facts.context_tokens,
        "inputs": None if facts.inputs is None else sorted(facts.inputs),
        "usd_per_million_tokens": None
        if prices is None
        else {"input": prices.input, "output": prices.output, "cached": prices.cached},
    }


def with_alias_problems(loaded: LoadedConfig) -> LoadedConfig:
    """What is wrong with aliases as far as it takes to know which providers there are."""
    from dataclasses import replace

    from chat_tui.config.aliases import unknown_providers
    from chat_tui.config.explain import RESERVED_PROVIDERS
    from chat_tui.providers.presets import PRESETS

    known = (*RESERVED_PROVIDERS, *loaded.config.providers, *PRESETS)
    problems = tuple(clean_line(sentence, 400) for _, sentence in unknown_providers(loaded.config.aliases, known))
    return replace(loaded, problems=(*loaded.problems, *problems))


# -- completion --------------------------------------------------------------------------------------

_SCRIPTS: Final = {
    "bash": """\
# chat-tui completion bash >> ~/.bash_completion
_chat_tui() {
    local line="${COMP_LINE:0:COMP_POINT}" word
    word="${line##*[ =]}"
    case "$line" in
        *" -m $word" | *" --model $word" | *" --model=$word") ;;
        *) return ;;
    esac
    # Bash takes a colon for the end of a word: what stands before it is not to be repeated.
    local before="" name
    [[ $COMP_WORDBREAKS == *:* && $word == *:* ]] && before="${word%"${word##*:}"}"
    COMPREPLY=()
    while IFS= read -r name; do
        [[ $name == "$word"* ]] && COMPREPLY+=("${name#"$before"}")
    done < <(chat-tui model-names 2>/dev/null)
}
complete -o default -F _chat_tui chat-tui
""",
    "zsh": """\
#compdef chat-tui
# chat-tui completion zsh > a file called _chat-tui in a directory of $fpath
_chat_tui_models() { local -a names; names=("${(@f)$(chat-tui model-names 2>/dev/null)}"); compadd -a names }
_arguments '(-m --model)'{-m+,--model=}'[who answers]:model:_chat_tui_models' '*::file:_files'
""",
    "fish": """\
# chat-tui completion fish > ~/.config/fish/completions/chat-tui.fish
complete -c chat-tui -s m -l model -x -d 'who answers' -a '(chat-tui model-names 2>/dev/null)'
""",
}


def completion_script(shell: str) -> str:
    """What makes `--model` complete in that shell. Raises KeyError for another one."""
    return _SCRIPTS[shell].rstrip("\n")


def model_names(loaded: LoadedConfig, state_dir: Path) -> Iterator[str]:
    """Aliases, then every model of the lists on disk. Loads nothing that a completion would have to wait for."""
    from chat_tui.providers.model_cache import ModelCache

    yield from loaded.config.aliases
    for provider, known in ModelCache(state_dir / "models").read_all().items():
        yield from (f"{provider}/{facts.name}" for facts in known.models)
