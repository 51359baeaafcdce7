"""Pygments' rules, run from where the text before ended: two of its loops, which tell where they end.

At a position only the rules are tried that can match the character there.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias, cast

from chat_tui.ui.render.first_characters import DOMAIN, first_characters

if TYPE_CHECKING:
    from pygments.lexer import Lexer

TokenType: TypeAlias = tuple[str, ...]
Token: TypeAlias = tuple[TokenType, str]

_ROOT: Final = "root"


class Indents(NamedTuple):
    """What YAML's lexer knows of the columns it is in."""

    outer: tuple[int, ...] = ()
    indent: int = -1
    next_indent: int = 0
    block_scalar: int | None = None


class Place(NamedTuple):
    """Where a lexer stands between two lines: its stack of states, innermost last; `indents` for YAML only."""

    stack: tuple[str, ...] = (_ROOT,)
    indents: Indents | None = None


START: Final = Place()


class _Match(Protocol):
    def group(self) -> str: ...
    def end(self) -> int: ...


class _Context(Protocol):
    """`YamlLexerContext` of Pygments 2.21."""

    pos: int
    stack: list[str]
    indent_stack: list[int]
    indent: int
    next_indent: int
    block_scalar_indent: int | None


_Change: TypeAlias = "int | str | tuple[str, ...] | None"
_Rule: TypeAlias = tuple[
    Callable[[str, int], _Match | None],
    "TokenType | Callable[[Lexer, _Match], Iterator[tuple[int, TokenType, str]]] | None",
    _Change,
]
_Tokens: TypeAlias = Iterator[tuple[int, TokenType, str]]
_YamlAction: TypeAlias = "TokenType | Callable[[Lexer, _Match, _Context], _Tokens] | None"


class _StateRules(defaultdict[str, list[_Rule]]):
    """The rules of one state by the character at the position, in their order; made when it is first met."""

    def __init__(self, rules: list[_Rule]) -> None:
        super().__init__()
        self._rules = rules

    def __missing__(self, character: str) -> list[_Rule]:
        if character not in DOMAIN:
            return self._rules
        rules = [rule for rule in self._rules if _may_begin(rule[0], character)]
        self[character] = rules
        return rules


_Rules: TypeAlias = dict[str, _StateRules]


def run(lexer: Lexer, text: str, start: Place) -> tuple[list[Token], Place] | None:
    """The tokens of whole lines from a place on, and the place behind them; None for a lexer that cannot do it."""
    rules = _rules(lexer)
    if rules is None:
        return None
    if _is_yaml(lexer):
        return _run_yaml(lexer, rules, text, start)
    tokens, stack = _run(lexer, rules, text, start.stack)
    return tokens, Place(stack)


def _may_begin(match_rule: Callable[[str, int], _Match | None], character: str) -> bool:
    pattern = getattr(match_rule, "__self__", None)
    if not isinstance(pattern, re.Pattern):
        return True
    characters = _first_characters(cast("re.Pattern[str]", pattern))
    return characters is None or character in characters


@lru_cache(maxsize=4096)
def _first_characters(pattern: re.Pattern[str]) -> frozenset[str] | None:
    return first_characters(pattern)


def _is_yaml(lexer: Lexer) -> bool:
    from pygments.lexers.data import YamlLexer

    return isinstance(lexer, YamlLexer)


@lru_cache(maxsize=64)
def _rules(lexer: Lexer) -> _Rules | None:
    """The compiled rules by state of a lexer that is nothing but a RegexLexer, or YAML's, else None.

    Pygments 2.21 keeps them in `_tokens`; a test compares our loops over them with Pygments' own.
    """
    from pygments.lexer import ExtendedRegexLexer, RegexLexer

    if not isinstance(lexer, RegexLexer) or (isinstance(lexer, ExtendedRegexLexer) and not _is_yaml(lexer)):
        return None
    states = cast("dict[str, list[_Rule]] | None", getattr(lexer, "_tokens", None))
    return None if states is None else {state: _StateRules(rules) for state, rules in states.items()}


def _run(lexer: Lexer, states: _Rules, text: str, start: tuple[str, ...]) -> tuple[list[Token], tuple[str, ...]]:
    """`RegexLexer.get_tokens_unprocessed` of Pygments 2.21 from a given stack, and the stack at the end."""
    tokens: list[Token] = []
    stack = list(start)
    rules = states[stack[-1]]
    position = 0
    length = len(text)
    while position < length:  # not beyond: rules that match nothing are for what comes next
        for match_rule, action, change in rules[text[position]]:
            match = match_rule(text, position)
            if match is None:
                continue
            if action is not None:
                if callable(action):
                    tokens += [(token, value) for _, token, value in action(lexer, match)]
                else:
                    tokens.append((action, match.group()))
            position = match.end()
            if change is not None:
                _change(stack, change)
                rules = states[stack[-1]]
            break
        else:
            if text[position] == "\n":
                stack = [_ROOT]
                rules = states[_ROOT]
                tokens.append((("Text",), "\n"))
            else:
                tokens.append((("Error",), text[position]))
            position += 1
    return tokens, tuple(stack)


def _run_yaml(lexer: Lexer, states: _Rules, text: str, start: Place) -> tuple[list[Token], Place]:
    """`ExtendedRegexLexer.get_tokens_unprocessed` of Pygments 2.21 with YAML's context, from a given place."""
    context = _yaml_context(text, start)
    tokens: list[Token] = []
    length = len(text)
    while context.pos < length:
        for match_rule, plain_action, change in states[context.stack[-1]][text[context.pos]]:
            match = match_rule(text, context.pos)
            if match is None:
                continue
            action = cast("_YamlAction", plain_action)
            if callable(action):  # moves the position
                tokens += [(token, value) for _, token, value in action(lexer, match, context)]
            elif action is not None:
                tokens.append((action, match.group()))
                context.pos = match.end()
            if change is not None:
                _change(context.stack, change)
            break
        else:
            if text[context.pos] == "\n":
                context.stack = [_ROOT]
                tokens.append((("Text",), "\n"))
            else:
                tokens.append((("Error",), text[context.pos]))
            context.pos += 1
    indents = Indents(tuple(context.indent_stack), context.indent, context.next_indent, context.block_scalar_indent)
    return tokens, Place(tuple(context.stack), indents)


def _yaml_context(text: str, start: Place) -> _Context:
    from pygments.lexers.data import YamlLexerContext

    indents = start.indents or Indents()
    context = cast("_Context", YamlLexerContext(text, 0))
    context.stack = list(start.stack)
    context.indent_stack = list(indents.outer)
    context.indent = indents.indent
    context.next_indent = indents.next_indent
    context.block_scalar_indent = indents.block_scalar
    return context


def _change(stack: list[str], change: int | str | tuple[str, ...]) -> None:
    if isinstance(change, int):
        del stack[max(1, len(stack) + change) :]
        return
    for state in (change,) if isinstance(change, str) else change:
        if state == "#pop":
            if len(stack) > 1:
                stack.pop()
        elif state == "#push":
            stack.append(stack[-1])
        else:
            stack.append(state)
