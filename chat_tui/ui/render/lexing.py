"""Source code as (role, text) pieces, by pages: the lexer's state at the end of one is where the next one starts.

Pygments lexes whole texts; its rules, run in `lex_rules.py`, start where the page before ended. Block comments (and
Go's raw strings) are one rule and match only when their end has come: an open one is closed for lexing, and
remembered. JSON's lexer is no RegexLexer and starts every page anew: nothing of it but comments spans lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from chat_tui.core.blocks import Block
from chat_tui.ui.render import lex_rules
from chat_tui.ui.render.lex_rules import Place, Token, TokenType
from chat_tui.ui.render.wrap import showable
from chat_tui.ui.theme import CodeRole

if TYPE_CHECKING:
    from pygments.lexer import Lexer

Piece: TypeAlias = tuple[CodeRole, str]

# Longer lines and pages are data, not read by people, and shown plain: lexers need up to 0.7 s for hostile 9 kB.
_PLAIN_LINE_CHARS: Final = 2_000
_PLAIN_PAGE_CHARS: Final = 20_000
_BLOCK_COMMENTS: Final = (("/*", "*/"), ("<!--", "-->"))
_TAB_COLUMNS: Final = 4
_RAW_STRING_MARK: Final = "`"

_ROLES: Final[dict[TokenType, CodeRole]] = {
    (): CodeRole.TEXT,
    ("Keyword",): CodeRole.KEYWORD,
    ("Keyword", "Type"): CodeRole.TYPE,
    ("Keyword", "Constant"): CodeRole.NUMBER,
    ("Operator",): CodeRole.OPERATOR,
    ("Operator", "Word"): CodeRole.KEYWORD,
    ("Punctuation",): CodeRole.OPERATOR,
    ("Name", "Function"): CodeRole.FUNCTION,
    ("Name", "Class"): CodeRole.TYPE,
    ("Name", "Exception"): CodeRole.TYPE,
    ("Name", "Decorator"): CodeRole.FUNCTION,
    ("Name", "Builtin"): CodeRole.FUNCTION,
    ("Name", "Builtin", "Pseudo"): CodeRole.KEYWORD,
    ("Name", "Tag"): CodeRole.KEYWORD,
    ("Name", "Attribute"): CodeRole.FUNCTION,
    ("Name", "Constant"): CodeRole.NUMBER,
    ("Literal",): CodeRole.STRING,
    ("Literal", "String"): CodeRole.STRING,
    ("Literal", "String", "Interpol"): CodeRole.NUMBER,
    ("Literal", "String", "Escape"): CodeRole.NUMBER,
    ("Literal", "Number"): CodeRole.NUMBER,
    ("Comment",): CodeRole.COMMENT,
    ("Comment", "Preproc"): CodeRole.KEYWORD,
    ("Comment", "PreprocFile"): CodeRole.STRING,
    ("Generic", "Inserted"): CodeRole.ADDED,
    ("Generic", "Deleted"): CodeRole.REMOVED,
    ("Generic", "Heading"): CodeRole.FUNCTION,
    ("Generic", "Subheading"): CodeRole.COMMENT,
    ("Generic", "Prompt"): CodeRole.COMMENT,
    ("Generic", "Output"): CodeRole.TEXT,
    ("Generic", "Error"): CodeRole.ERROR,
    ("Generic", "Traceback"): CodeRole.ERROR,
}


@dataclass(frozen=True, slots=True)
class LexState:
    """Where a lexer stands between two lines, and what ends the comment or string it is in."""

    place: Place = lex_rules.START
    closer: str = ""
    role: CodeRole = CodeRole.COMMENT


START: Final = LexState()
_KNOWN_PAGES: Final = 1024
_CHAIN_PAGES: Final = 64  # how far back is lexed to start right: 2,000 lines
_end_states: dict[Block, LexState] = {}  # oldest first, at most _KNOWN_PAGES; settled blocks, by identity


def lex(text: str, language: str, state: LexState = START) -> tuple[list[Piece], LexState]:
    """The pieces of whole lines and the state behind them; the pieces' text is `text`. Never raises."""
    lexer = _lexer(language)
    if lexer is None or not text or _is_data(text):
        return [(CodeRole.TEXT, text)], state
    try:
        return _lex(text, lexer, state)
    except Exception:  # noqa: BLE001 - a lexer is somebody's regexes: whatever it does, the code is shown
        return [(CodeRole.TEXT, text)], START


def start_state(block: Block) -> LexState:
    """Where a page of code starts: at the end of the page before it (lexed now when it has not been rendered)."""
    chain: list[Block] = []
    page = block.previous
    while page is not None and page not in _end_states and len(chain) < _CHAIN_PAGES:
        chain.append(page)
        page = page.previous
    state = START if page is None else _end_states.get(page, START)
    for page in reversed(chain):
        _, state = lex(page_text(page), language_of(page), state)
        remember_end(page, state)
    return state


def remember_end(block: Block, state: LexState) -> None:
    """Note where a settled page ended."""
    _end_states[block] = state
    if len(_end_states) > _KNOWN_PAGES:
        del _end_states[next(iter(_end_states))]


def page_text(block: Block) -> str:
    """The text of a page as it is lexed and shown: whole lines, tabs at their stops, nothing a terminal obeys."""
    text = block.text
    if "\t" in text:
        text = text.expandtabs(_TAB_COLUMNS)
    return showable(text) if not text or text.endswith("\n") else showable(text) + "\n"


def language_of(block: Block) -> str:
    """The language an info string names: its first word, without the ornaments some write around it."""
    words = block.info.strip().split(None, 1)
    if not words:
        return ""
    word = words[0].strip("{}").lstrip(".").lower()
    for separator in ",:{=":
        word = word.split(separator, 1)[0]
    return word


def _is_data(text: str) -> bool:
    if len(text) <= _PLAIN_LINE_CHARS:
        return False
    return len(text) > _PLAIN_PAGE_CHARS or max(map(len, text.split("\n"))) > _PLAIN_LINE_CHARS


def _lex(text: str, lexer: Lexer, state: LexState) -> tuple[list[Piece], LexState]:
    pieces: list[Piece] = []
    if state.closer:
        end = text.find(state.closer)
        if end < 0:
            return [(state.role, text)], state
        end += len(state.closer)
        pieces.append((state.role, text[:end]))
        text = text[end:]
    closer = _missing_closer(text)
    if closer:
        tokens, place = _tokens(lexer, text + closer, state.place)
        token, value = tokens[-1]
        role = _role(token)
        if len(value) > len(closer) and value.endswith(closer) and role in (CodeRole.COMMENT, CodeRole.STRING):
            tokens[-1] = (token, value[: -len(closer)])
            pieces += [(_role(token), value) for token, value in tokens]
            return pieces, LexState(place, closer, role)
    tokens, place = _tokens(lexer, text, state.place)
    pieces += [(_role(token), value) for token, value in tokens]
    return pieces, LexState(place)


def _tokens(lexer: Lexer, text: str, place: Place) -> tuple[list[Token], Place]:
    """The tokens of the text and the place behind it. Lexers without states start every page anew."""
    found = lex_rules.run(lexer, text, place)
    if found is not None:
        return found
    tokens: list[Token] = [(token, value) for _, token, value in lexer.get_tokens_unprocessed(text)]
    if sum([len(value) for _, value in tokens]) != len(text):
        return [(("Text",), text)], lex_rules.START
    return tokens, lex_rules.START


def _missing_closer(text: str) -> str:
    """What would end the block comment or raw string that seems to be open at the end of the text, or ""."""
    for opening, closing in _BLOCK_COMMENTS:
        start = text.rfind(opening)
        if start >= 0 and text.find(closing, start + len(opening)) < 0:
            return closing
    return _RAW_STRING_MARK if text.count(_RAW_STRING_MARK) % 2 else ""


@lru_cache(maxsize=512)
def _role(token: TokenType) -> CodeRole:
    for size in range(len(token), -1, -1):
        role = _ROLES.get(tuple(token[:size]))
        if role is not None:
            return role
    return CodeRole.TEXT


@lru_cache(maxsize=1)
def _lexer_names() -> dict[str, str]:
    """Alias → name of Pygments' own lexers (plug-ins are not asked: they run code)."""
    from pygments.lexers import get_all_lexers

    return {alias: name for name, aliases, _, _ in get_all_lexers(plugins=False) for alias in aliases}


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    if not language or (name := _lexer_names().get(language)) is None:
        return None
    from pygments.lexers import find_lexer_class

    lexer_type = find_lexer_class(name)
    return None if lexer_type is None else lexer_type(stripnl=False, ensurenl=False)
