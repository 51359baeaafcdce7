"""Colours: three themes, and the rich styles by role that the transcript is drawn with.

Calm on purpose: one accent, everything else is text, muted text, or a surface. Green, yellow and red are kept for
what they mean (fast, slow, failed). `terminal` has but the terminal's own sixteen colours and attributes, so it
follows the reader's palette and still tells roles apart when NO_COLOR takes the colours away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from rich.style import Style
from textual.theme import Theme


class CodeRole(StrEnum):
    """What a token of source code is, as coarse as it is coloured."""

    TEXT = "text"
    KEYWORD = "keyword"
    STRING = "string"
    COMMENT = "comment"
    NUMBER = "number"
    FUNCTION = "function"
    TYPE = "type"
    OPERATOR = "operator"
    ERROR = "error"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, eq=False)
class RenderStyles:
    """Rich styles by role. Equality is identity: a theme's styles are a cache key.

    `strong`, `emphasis`, `strike`, `code_inline`, `link`, `link_target`, `match` and `match_here` are added to the
    style of the text they stand in; all others are whole. `code_mark` is set around inline code where no
    background tells it apart.
    """

    text: Style
    dim: Style
    strong: Style
    emphasis: Style
    strike: Style
    code_inline: Style
    code_mark: str
    headings: tuple[Style, Style, Style, Style, Style, Style]
    link: Style
    link_target: Style
    quote_bar: Style
    marker: Style
    task_open: Style
    task_done: Style
    rule: Style
    code_block: Style
    code_label: Style
    code_copy: Style
    code_tokens: Mapping[CodeRole, Style]
    has_code_background: bool
    table_header: Style
    table_rule: Style
    reasoning: Style
    fold: Style
    user_bar: Style
    user_text: Style
    seam: Style
    seam_key: Style
    error: Style
    notice: Style
    message_cursor: Style
    caret: Style
    badge: Style
    selection: Style
    match: Style
    match_here: Style

    def heading(self, level: int) -> Style:
        """The style of a heading; levels out of 1 to 6 are taken as the nearest."""
        return self.headings[min(max(level, 1), 6) - 1]


@lru_cache(maxsize=8)
def quiet(styles: RenderStyles) -> RenderStyles:
    """The same roles for text that stands back: reasoning is Markdown too, in one muted colour."""
    muted = styles.reasoning
    strong = muted + Style(bold=True)
    block = Style(bgcolor=styles.code_block.bgcolor) + muted
    return replace(
        styles,
        text=muted,
        strong=strong,
        code_inline=muted + Style(italic=True),
        headings=(strong,) * 6,
        link=muted + Style(underline=True),
        task_done=muted,
        code_block=block,
        code_tokens=dict.fromkeys(CodeRole, block),
        table_header=strong,
    )


class ChatTheme:
    """One look: Textual's theme for the widgets, the styles for the transcript."""

    def __init__(self, name: str, textual: Theme, palette: _Palette) -> None:
        self.name = name
        self.textual = textual
        self._palette = palette

    @cached_property
    def styles(self) -> RenderStyles:
        """Made when the theme is first shown: of three, most readers see one."""
        return _styles(self._palette)


class _Palette(NamedTuple):
    """Rich style definitions a theme is made from ("#rrggbb", "dim", "bold cyan", "on #rrggbb")."""

    text: str
    bright: str
    muted: str
    faint: str
    accent: str
    accent_bright: str
    code_inline: str
    code_mark: str
    code_background: str
    code_text: str
    link: str
    error: str
    badge: str
    selection: str
    match: str
    match_here: str
    syntax: Mapping[CodeRole, str]


def _styles(palette: _Palette) -> RenderStyles:
    parse = Style.parse
    block = parse(f"{palette.code_text} {palette.code_background}")
    return RenderStyles(
        text=parse(palette.text),
        dim=parse(palette.muted),
        strong=parse(f"bold {palette.bright}"),
        emphasis=parse("italic"),
        strike=parse("strike"),
        code_inline=parse(palette.code_inline),
        code_mark=palette.code_mark,
        headings=(
            parse(f"bold {palette.accent_bright}"),
            parse(f"bold {palette.accent}"),
            parse(f"bold {palette.bright}"),
            parse(f"bold {palette.text}"),
            parse(f"bold {palette.muted}"),
            parse(f"italic {palette.muted}"),
        ),
        link=parse(palette.link),
        link_target=parse(palette.muted),
        quote_bar=parse(palette.faint),
        marker=parse(palette.muted),
        task_open=parse(palette.muted),
        task_done=parse(palette.accent),
        rule=parse(palette.faint),
        code_block=block,
        code_label=block + parse(palette.muted),
        code_copy=block + parse(palette.muted),
        code_tokens={role: block + parse(palette.syntax.get(role, "")) for role in CodeRole},
        has_code_background=block.bgcolor is not None,
        table_header=parse(f"bold {palette.bright}"),
        table_rule=parse(palette.faint),
        reasoning=parse(palette.muted),
        fold=parse(palette.muted),
        user_bar=parse(palette.accent),
        user_text=parse(palette.bright),
        seam=parse(palette.muted),
        seam_key=parse(palette.accent),
        error=parse(palette.error),
        notice=parse(palette.muted),
        message_cursor=parse(palette.accent),
        caret=parse(palette.accent),
        badge=parse(palette.badge),
        selection=parse(palette.selection),
        match=parse(palette.match),
        match_here=parse(palette.match_here),
    )


_DARK: Final = _Palette(
    text="#d5d8de",
    bright="#f0f2f5",
    muted="#868d9a",
    faint="#454c58",
    accent="#8fa6f5",
    accent_bright="#b9c7ff",
    code_inline="#dcc9a6 on #232830",
    code_mark="",
    code_background="on #1b1f26",
    code_text="#ccd1da",
    link="#a9bbfa underline",
    error="#ef8a85",
    badge="#f0f2f5 on #37405c",
    selection="on #33406b",
    match="#f0f2f5 on #3a4468",
    match_here="bold #14171c on #8fa6f5",
    syntax={
        CodeRole.KEYWORD: "#b6a1ee",
        CodeRole.STRING: "#a3c593",
        CodeRole.COMMENT: "italic #818a98",
        CodeRole.NUMBER: "#dfae7c",
        CodeRole.FUNCTION: "#8fb8ec",
        CodeRole.TYPE: "#7fc3be",
        CodeRole.OPERATOR: "#a4abb8",
        CodeRole.ERROR: "#ef8a85",
        CodeRole.ADDED: "#92c88a",
        CodeRole.REMOVED: "#ef8a85",
    },
)

_LIGHT: Final = _Palette(
    text="#2b2e35",
    bright="#0f1116",
    muted="#676d78",
    faint="#c3c6cc",
    accent="#4056c2",
    accent_bright="#22379c",
    code_inline="#7d4f14 on #efece4",
    code_mark="",
    code_background="on #f2f0ea",
    code_text="#2f333b",
    link="#3448a8 underline",
    error="#b3302b",
    badge="#0f1116 on #d5dbf6",
    selection="on #ccd5f7",
    match="#0f1116 on #d5dbf6",
    match_here="bold #fcfbf8 on #4056c2",
    syntax={
        CodeRole.KEYWORD: "#6a3fb5",
        CodeRole.STRING: "#3b7030",
        CodeRole.COMMENT: "italic #636974",
        CodeRole.NUMBER: "#a0540e",
        CodeRole.FUNCTION: "#2259a8",
        CodeRole.TYPE: "#0f6e6b",
        CodeRole.OPERATOR: "#5b616c",
        CodeRole.ERROR: "#b3302b",
        CodeRole.ADDED: "#2f7433",
        CodeRole.REMOVED: "#b3302b",
    },
)

_TERMINAL: Final = _Palette(
    text="",
    bright="",
    muted="dim",
    faint="dim",
    accent="blue",
    accent_bright="bright_blue",
    code_inline="cyan",
    code_mark="`",
    code_background="",
    code_text="",
    link="underline",
    error="red",
    badge="reverse",
    selection="reverse",
    match="bold underline",
    match_here="bold reverse",
    syntax={
        CodeRole.KEYWORD: "magenta",
        CodeRole.STRING: "green",
        CodeRole.COMMENT: "dim italic",
        CodeRole.NUMBER: "yellow",
        CodeRole.FUNCTION: "blue",
        CodeRole.TYPE: "cyan",
        CodeRole.ERROR: "red",
        CodeRole.ADDED: "green",
        CodeRole.REMOVED: "red",
    },
)

# Every text/surface pair of dark and light has a contrast of at least 4.5 (WCAG 2.2, 1.4.3); a test computes it.
_DARK_THEME: Final = Theme(
    name="dark",
    primary="#8fa6f5",
    secondary="#8fa6f5",
    accent="#8fa6f5",
    warning="#e2b567",
    error="#ef8a85",
    success="#92c88a",
    foreground="#d5d8de",
    background="#14171c",
    surface="#1b1f26",
    panel="#232830",
    dark=True,
    variables={
        "text-muted": "#868d9a",
        "border": "#4f5d94",
        "border-blurred": "#333944",
        "block-cursor-foreground": "#f0f2f5",
        "block-cursor-background": "#37405c",
        "block-cursor-text-style": "none",
        "input-cursor-background": "#8fa6f5",
        "input-cursor-foreground": "#14171c",
        "input-selection-background": "#33406b",
        "screen-selection-background": "#33406b",
        "footer-key-foreground": "#8fa6f5",
        "scrollbar": "#333944",
        "scrollbar-hover": "#454c58",
        "scrollbar-active": "#8fa6f5",
        "scrollbar-background": "#14171c",
        "scrollbar-background-hover": "#14171c",
        "scrollbar-background-active": "#14171c",
        "scrollbar-corner-color": "#14171c",
    },
)

_LIGHT_THEME: Final = Theme(
    name="light",
    primary="#4056c2",
    secondary="#4056c2",
    accent="#4056c2",
    warning="#8a5a00",
    error="#b3302b",
    success="#2f7433",
    foreground="#2b2e35",
    background="#fcfbf8",
    surface="#f2f0ea",
    panel="#e9e6de",
    dark=False,
    variables={
        "text-muted": "#676d78",
        "border": "#8c99d8",
        "border-blurred": "#d3d2cc",
        "block-cursor-foreground": "#0f1116",
        "block-cursor-background": "#d5dbf6",
        "block-cursor-text-style": "none",
        "input-cursor-background": "#4056c2",
        "input-cursor-foreground": "#fcfbf8",
        "input-selection-background": "#ccd5f7",
        "screen-selection-background": "#ccd5f7",
        "footer-key-foreground": "#4056c2",
        "scrollbar": "#d3d2cc",
        "scrollbar-hover": "#c3c6cc",
        "scrollbar-active": "#4056c2",
        "scrollbar-background": "#fcfbf8",
        "scrollbar-background-hover": "#fcfbf8",
        "scrollbar-background-active": "#fcfbf8",
        "scrollbar-corner-color": "#fcfbf8",
    },
)

_TERMINAL_THEME: Final = Theme(
    name="terminal",
    ansi=True,
    primary="ansi_blue",
    secondary="ansi_blue",
    accent="ansi_blue",
    warning="ansi_yellow",
    error="ansi_red",
    success="ansi_green",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    dark=True,
    variables={
        "ansi-background": "ansi_default",  # Textual's own style sheets need both
        "ansi-foreground": "ansi_default",
        "border": "ansi_blue",
        "border-blurred": "ansi_bright_black",
        "block-cursor-foreground": "ansi_black",
        "block-cursor-background": "ansi_blue",
        "block-cursor-text-style": "none",
        "input-cursor-text-style": "reverse",
        "input-selection-background": "ansi_blue",
        "input-selection-foreground": "ansi_black",
        "screen-selection-background": "ansi_blue",
        "screen-selection-foreground": "ansi_black",
        "footer-key-foreground": "ansi_blue",
        "scrollbar": "ansi_bright_black",
        "scrollbar-hover": "ansi_bright_black",
        "scrollbar-active": "ansi_blue",
        "scrollbar-background": "ansi_default",
        "scrollbar-background-hover": "ansi_default",
        "scrollbar-background-active": "ansi_default",
    },
)

THEMES: Final[dict[str, ChatTheme]] = {
    "dark": ChatTheme("dark", _DARK_THEME, _DARK),
    "light": ChatTheme("light", _LIGHT_THEME, _LIGHT),
    "terminal": ChatTheme("terminal", _TERMINAL_THEME, _TERMINAL),
}
